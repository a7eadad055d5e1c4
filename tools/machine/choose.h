/* SPDX-License-Identifier: BSD-2-Clause */
/* Which value of a property all of several hosts can have. */
#ifndef TOOLS_MACHINE_CHOOSE_H
#define TOOLS_MACHINE_CHOOSE_H

#include "core/migration/manifest.h"

/* One host's side of a property; P is NULL where its plugin does not know it. */
struct tool_side
{
  const char *host;
  const struct gwt_manifest *m;
  const struct gwt_manifest_device *device;
  const struct gwt_manifest_property *p;
};

/* A new reference (*VALUE may become NULL for JSON's null): on where all are on, the least number
   that all can, the text of the oldest level.  Where they are all the same, that.  False with ERR
   set, named by DEVICE's id and NAME, where there is none. */
bool tool_choose (const struct tool_side *sides, guint n, const char *name,
                  struct json_object **value, struct gwt_error *err);
/* As -device, -global and -cpu take it, caller frees; NULL: a value that cannot be written. */
char *tool_value_text (struct json_object *value);

#endif
