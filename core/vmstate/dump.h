/* SPDX-License-Identifier: BSD-2-Clause */
/* Schemas as a document, to compare one release's with another's.  [main]. */
#ifndef CORE_VMSTATE_DUMP_H
#define CORE_VMSTATE_DUMP_H

#include <glib.h>
#include <json-c/json.h>
#include "core/device/type.h"
#include "core/util/error.h"
#include "core/vmstate/schema.h"

/* The machine type that a document is of. */
struct gwt_vmstate_machine
{
  const char *name;
  /* Level of PLUGIN that it promises; NULL where it names none. */
  const char *(*level) (void *opaque, const char *plugin);
  /* What PROPERTY of a device of TYPE is where nobody says anything else.  New reference; NULL if
     it cannot be known; or NULL with ERR set. */
  struct json_object *(*property) (void *opaque, const struct gwt_type *type, const char *property,
                                   struct gwt_error *err);
  void *opaque;
  GPtrArray *sections; /* const struct gwt_schema: those that are no device's */
};

/* The schemas of all device types that are registered, in the form of QEMU's -dump-vmstate; g_free.
   NULL with ERR set. */
char *gwt_vmstate_dump (const struct gwt_vmstate_machine *machine, struct gwt_error *err);

#endif
