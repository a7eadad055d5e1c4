/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host extension "gwt.run/1": requests about the machine as a whole.  They return at once; the main
 * loop carries them out with all vCPUs stopped.
 */
#ifndef GODWIT_RUN_H
#define GODWIT_RUN_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_RUN_EXT "gwt.run/1"

/* [main] Told when a client asks the guest to power down (a button). */
typedef void (*gwt_powerdown_fn) (void *self);

struct gwt_run_api
{
  uint64_t struct_size;
  /* [any] The guest powers off; the process ends with EXIT_STATUS (0 to 255), unless
     -no-shutdown. */
  void (*shutdown) (struct gwt_device *device, uint32_t exit_status);
  /* [any] The guest resets the machine. */
  void (*reset) (struct gwt_device *device);
  /* [main, in realize] Be told of system_powerdown. */
  void (*on_powerdown) (struct gwt_device *device, gwt_powerdown_fn fn);
};

#ifdef __cplusplus
}
#endif

#endif
