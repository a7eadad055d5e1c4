/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Saving and loading one section's payload by its schema.  Which sections there are, and the bytes
 * around them, are core/migration's.  All [main], vCPUs and the threads of back ends at rest.
 */
#ifndef CORE_VMSTATE_VMSTATE_H
#define CORE_VMSTATE_VMSTATE_H

#include <glib.h>
#include <stdbool.h>
#include "core/device/device.h"
#include "core/util/error.h"
#include "core/vmstate/schema.h"
#include "core/vmstate/wire.h"

/* "gwt.vmstate/1". */
void gwt_vmstate_register_extensions (void);

/* Judge the schemas of TYPE against its rows: what is state is saved, what is saved is state. */
bool gwt_vmstate_check_type (const struct gwt_device_type *type, struct gwt_error *err);

/* Is SCHEMA, a section's or a subsection's, to be sent now?  DEVICE (may be NULL) has the property
   that it hangs on. */
bool gwt_vmstate_needed (const struct gwt_schema *schema, const void *self,
                         struct gwt_device *device);

/* Append SELF's state to OUT.  DEVICE (may be NULL) is asked for the properties that fields hang
   on. DESCRIPTION (may be NULL) gets what QEMU's description of the stream has for this section,
   without the braces around it: "vmsd_name": ..., "version": ..., "fields": [...] and so on.  On an
   error, named by field, OUT's and DESCRIPTION's content is useless and the device goes on. */
bool gwt_vmstate_save (const struct gwt_schema *schema, void *self, struct gwt_device *device,
                       struct gwt_vm_out *out, GString *description, struct gwt_error *err);

/* A section that was read and not yet committed. */
struct gwt_stage;

/* Decode the payload of a section of VERSION into a stage; SELF is not changed.  NULL with ERR set:
   which field, at which byte, and why. */
struct gwt_stage *gwt_vmstate_load (const struct gwt_schema *schema, void *self,
                                    struct gwt_device *device, uint32_t version,
                                    struct gwt_vm_in *in, struct gwt_error *err);
/* Write what STAGE has to its device, tell its hooks, and free it.  Cannot fail but for memory of a
   list's elements, which is reported and leaves that list short. */
bool gwt_stage_commit (struct gwt_stage *stage, struct gwt_error *err);
void gwt_stage_free (struct gwt_stage *stage); /* not committed: nothing has happened */

#endif
