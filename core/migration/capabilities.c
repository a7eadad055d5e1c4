/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a migration is on or off.  What a capability does is the affair of who asks for it. */
#include "config.h"
#include "core/migration/params.h"

#include <glib.h>
#include <string.h>

#include "core/util/text.h"

/* In the order of the enum, which is QEMU's and then ours.  One that is not offered can be set to
   off, as clients do with all that they do not want. */
static const struct
{
  const char *name;
  bool offered;
  bool preset; /* on from the start */
} table[GWT_CAP_COUNT] = {
  [GWT_CAP_XBZRLE] = { "xbzrle", true },
  [GWT_CAP_RDMA_PIN_ALL] = { "rdma-pin-all", false },
  [GWT_CAP_AUTO_CONVERGE] = { "auto-converge", true },
  [GWT_CAP_ZERO_BLOCKS] = { "zero-blocks", true },
  [GWT_CAP_EVENTS] = { "events", true },
  [GWT_CAP_POSTCOPY_RAM] = { "postcopy-ram", false },
  [GWT_CAP_X_COLO] = { "x-colo", false },
  [GWT_CAP_RELEASE_RAM] = { "release-ram", false },
  [GWT_CAP_RETURN_PATH] = { "return-path", true },
  [GWT_CAP_PAUSE_BEFORE_SWITCHOVER] = { "pause-before-switchover", true },
  [GWT_CAP_MULTIFD] = { "multifd", false },
  [GWT_CAP_DIRTY_BITMAPS] = { "dirty-bitmaps", false },
  [GWT_CAP_POSTCOPY_BLOCKTIME] = { "postcopy-blocktime", false },
  [GWT_CAP_LATE_BLOCK_ACTIVATE] = { "late-block-activate", true },
  [GWT_CAP_X_IGNORE_SHARED] = { "x-ignore-shared", true },
  [GWT_CAP_VALIDATE_UUID] = { "validate-uuid", true },
  [GWT_CAP_BACKGROUND_SNAPSHOT] = { "background-snapshot", false },
  [GWT_CAP_ZERO_COPY_SEND] = { "zero-copy-send", false },
  [GWT_CAP_POSTCOPY_PREEMPT] = { "postcopy-preempt", false },
  [GWT_CAP_SWITCHOVER_ACK] = { "switchover-ack", false },
  [GWT_CAP_DIRTY_LIMIT] = { "dirty-limit", false },
  [GWT_CAP_MAPPED_RAM] = { "mapped-ram", false },
  [GWT_CAP_X_MANIFEST] = { "x-manifest", true, true },
  [GWT_CAP_X_PREFLIGHT] = { "x-preflight", true, true },
};

static gint changed[GWT_CAP_COUNT]; /* atomic; not as preset */

bool
gwt_capability (enum gwt_capability capability)
{
  return (g_atomic_int_get (&changed[capability]) != 0) != table[capability].preset;
}

const char *
gwt_capability_name (enum gwt_capability capability)
{
  return table[capability].name;
}

/* Element INDEX of the list. */
static bool
take_one (struct json_object *element, size_t index, bool *want, struct gwt_error *err)
{
  struct json_object *name = NULL, *state = NULL;
  guint i;
  if (!json_object_is_type (element, json_type_object))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "Invalid parameter type for 'capabilities[%zu]', expected: object", index);
      return false;
    }
  json_object_object_foreach (element, member, value)
  {
    if (strcmp (member, "capability") == 0)
      name = value;
    else if (strcmp (member, "state") == 0)
      state = value;
    else
      {
        gwt_error_set (err, GWT_E_INVALID, "Parameter 'capabilities[%zu].%.64s' is unexpected",
                       index, member);
        return false;
      }
  }
  if (!json_object_object_get_ex (element, "capability", NULL)
      || !json_object_object_get_ex (element, "state", NULL))
    {
      gwt_error_set (err, GWT_E_INVALID, "Parameter 'capabilities[%zu].%s' is missing", index,
                     json_object_object_get_ex (element, "capability", NULL) ? "state"
                                                                             : "capability");
      return false;
    }
  if (!json_object_is_type (name, json_type_string)
      || !json_object_is_type (state, json_type_boolean))
    {
      bool text = json_object_is_type (name, json_type_string);
      gwt_error_set (err, GWT_E_INVALID,
                     "Invalid parameter type for 'capabilities[%zu].%s', expected: %s", index,
                     text ? "state" : "capability", text ? "boolean" : "string");
      return false;
    }
  for (i = 0; i < GWT_CAP_COUNT && strcmp (table[i].name, json_object_get_string (name)) != 0; i++)
    ;
  if (i == GWT_CAP_COUNT)
    {
      const char *names[GWT_CAP_COUNT + 1] = { NULL };
      for (i = 0; i < GWT_CAP_COUNT; i++)
        names[i] = table[i].name;
      g_autofree char *near = gwt_did_you_mean (json_object_get_string (name), names);
      gwt_error_set (err, GWT_E_INVALID,
                     "Parameter 'capabilities[%zu].capability' does not accept value '%.64s'%s",
                     index, json_object_get_string (name), near);
      return false;
    }
  if (json_object_get_boolean (state) && !table[i].offered)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "Capability '%s' is not offered by this release; leave it off", table[i].name);
      return false;
    }
  want[i] = json_object_get_boolean (state);
  return true;
}

bool
gwt_capabilities_set_json (struct json_object *list, bool busy, struct gwt_error *err)
{
  bool want[GWT_CAP_COUNT];
  if (busy)
    {
      gwt_error_set (
          err, GWT_E_BUSY,
          "There's a migration process in progress; set capabilities before or after it");
      return false;
    }
  if (!json_object_is_type (list, json_type_array))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "Invalid parameter type for 'capabilities', expected: array");
      return false;
    }
  for (guint i = 0; i < GWT_CAP_COUNT; i++)
    want[i] = gwt_capability (i);
  for (size_t i = 0; i < json_object_array_length (list); i++)
    if (!take_one (json_object_array_get_idx (list, i), i, want, err))
      return false;
  for (guint i = 0; i < GWT_CAP_COUNT; i++)
    g_atomic_int_set (&changed[i], want[i] != table[i].preset);
  return true;
}

struct json_object *
gwt_capabilities_json (void)
{
  struct json_object *list = json_object_new_array ();
  for (guint i = 0; i < GWT_CAP_COUNT; i++)
    {
      struct json_object *entry = json_object_new_object ();
      json_object_object_add (entry, "state", json_object_new_boolean (gwt_capability (i)));
      json_object_object_add (entry, "capability", json_object_new_string (table[i].name));
      json_object_array_add (list, entry);
    }
  return list;
}

void
gwt_capabilities_reset (void)
{
  for (guint i = 0; i < GWT_CAP_COUNT; i++)
    g_atomic_int_set (&changed[i], 0);
}
