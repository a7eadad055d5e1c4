/* SPDX-License-Identifier: BSD-2-Clause */
/* Firmware, kernel, initrd, device tree and reset code: where they lie, and putting them there. */
#ifndef CORE_MACHINE_BOOT_H
#define CORE_MACHINE_BOOT_H

#include <stdbool.h>
#include "core/machine/image.h"
#include "core/machine/machine.h"

struct gwt_boot
{
  struct gwt_image_space ram;
  bool has_firmware, has_kernel, has_initrd;
  struct gwt_image firmware, kernel, initrd;
  struct gwt_blob given_dtb; /* -dtb, checked */
  struct gwt_blob dtb;       /* what the guest gets */
  uint64_t dtb_address;
  uint64_t start; /* where the reset code jumps to */
  struct gwt_blob reset_code;
  bool loaded; /* once: memory is not all zero any more */
  bool keeps_seed;    /* `dtb` came with a guest that was given one */
  bool summed;        /* `others` is known */
  uint64_t others[2]; /* sum of kernel and initrd */
};

/* Read and check files, decide where they go. */
bool gwt_boot_plan (struct gwt_machine *machine, struct gwt_error *err);
/* Device tree, reset code, firmware configuration.  All devices are realized and mapped. */
bool gwt_boot_build (struct gwt_machine *machine, struct gwt_error *err);
/* Put everything into guest memory: at power-on and at every reset. */
bool gwt_boot_load (struct gwt_machine *machine, struct gwt_error *err);
/* Undo gwt_boot_build and gwt_boot_load. */
void gwt_boot_take_down (struct gwt_boot *boot);
void gwt_boot_free (struct gwt_boot *boot);

/* boot-travel.c: MACHINE's firmware, device tree and reset code go along when the guest moves, and
   are replaced by those that come.  Not while another machine's do. */
bool gwt_boot_travel_begin (struct gwt_machine *machine, struct gwt_error *err);
void gwt_boot_travel_end (const struct gwt_machine *machine);
/* Know the sum of kernel and initrd, which takes milliseconds: before a guest has to stand for it.
 */
void gwt_boot_sum (struct gwt_boot *boot);

/* fdt.c: the machine's tree as a blob; or GIVEN with what -append and -initrd say. */
bool gwt_machine_make_dtb (struct gwt_machine *machine, struct gwt_blob *blob,
                           struct gwt_error *err);
bool gwt_machine_amend_dtb (struct gwt_machine *machine, const struct gwt_blob *given,
                            struct gwt_blob *blob, struct gwt_error *err);
/* A new rng-seed in a blob made here. */
void gwt_machine_reseed_dtb (struct gwt_blob *blob);

/* reset-code.c: what a hart executes first, for a ROM at ADDRESS. */
bool gwt_reset_code (struct gwt_blob *blob, uint64_t start, uint64_t dtb, uint64_t next,
                     struct gwt_error *err);

#endif
