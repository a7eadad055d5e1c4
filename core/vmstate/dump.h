/* SPDX-License-Identifier: BSD-2-Clause */
/* Schemas as a document, to compare one release's with another's.  [main]. */
#ifndef CORE_VMSTATE_DUMP_H
#define CORE_VMSTATE_DUMP_H

#include "core/util/error.h"

/* The schemas of all device types that are registered, in the form of QEMU's -dump-vmstate, for the
   machine type MACHINE; g_free.  NULL with ERR set: no memory. */
char *gwt_vmstate_dump (const char *machine, struct gwt_error *err);

#endif
