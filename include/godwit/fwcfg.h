/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "gwt.fw-cfg/1": interface of a firmware configuration device.  Whoever boots the machine adds
 * items; all [main], before the guest runs.
 */
#ifndef GODWIT_FWCFG_H
#define GODWIT_FWCFG_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_FWCFG_INTERFACE "gwt.fw-cfg/1"

struct gwt_fwcfg_ops
{
  uint64_t struct_size;
  /* An item under a fixed KEY (0 to 0x3fff).  DATA is copied. */
  int (*add_item) (void *self, uint32_t key, const void *data, uint64_t size,
                   struct gwt_error *err);
  /* A named file ("etc/boot"), at most 55 characters, found by the guest through the directory. */
  int (*add_file) (void *self, const char *name, const void *data, uint64_t size,
                   struct gwt_error *err);
};

#ifdef __cplusplus
}
#endif

#endif
