/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The section "globalstate": the run state of the guest before it was stopped to be sent, so the
 * other end knows whether it is to run.
 */
#include "config.h"
#include "core/migration/globalstate.h"
#include <string.h>
#include "core/migration/entry.h"

#define NAME_BYTES 32

static struct global
{
  uint32_t size; /* of the name with its NUL */
  uint8_t runstate[NAME_BYTES];
  uint8_t has_vm_was_suspended, vm_was_suspended;
  uint8_t unused[66];
  uint8_t received; /* not sent */
} global;

static struct gwt_entry *entry;

/* States of others that we have no word for; a guest that does not run in any of them. */
static const char *const others[] = { "debug",    "guest-panicked", "watchdog", "colo",
                                      "save-vm",  "restore-vm",     "inmigrate", "finish-migrate",
                                      "postmigrate", NULL };

static int
pre_save (void *self, struct gwt_error *err)
{
  struct global *g = self;
  const char *name = gwt_runstate_name (gwt_runstate_before ());

  *g = (struct global){ .size = (uint32_t) strlen (name) + 1 };
  memcpy (g->runstate, name, strlen (name));
  return 0;
}

static enum gwt_runstate
state_of (const struct global *g, bool *known)
{
  enum gwt_runstate state = GWT_RUNSTATE_PAUSED;
  const char *name = (const char *) g->runstate;

  *known = memchr (name, '\0', NAME_BYTES) != NULL
           && (g_strv_contains (others, name) || gwt_runstate_parse (name, &state));
  return *known ? state : GWT_RUNSTATE_PAUSED;
}

static int
post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct global *g = self;
  g_autofree char *shown = NULL;
  bool known;

  state_of (g, &known);
  g->received = 1;
  if (known)
    return 0;
  shown = g_strndup ((const char *) g->runstate, NAME_BYTES);
  gwt_error_set (err, GWT_E_INVALID, "'%.*s' is no run state", NAME_BYTES,
                 g_str_is_ascii (shown) ? shown : "?");
  return -1;
}

static const struct gwt_vm_field fields[] = {
  GWT_VM_VALUE (struct global, size, .min = 1, .max = 100),
  GWT_VM_BYTES (struct global, runstate),
  GWT_VM_VALUE (struct global, has_vm_was_suspended),
  GWT_VM_VALUE (struct global, vm_was_suspended),
  GWT_VM_BYTES (struct global, unused),
  GWT_VM_COMPUTED (struct global, received),
};
static const struct gwt_vmstate schema = GWT_VMSTATE (struct global, "globalstate", 1, 1, fields,
                                                      .pre_save = pre_save, .post_load = post_load);

bool
gwt_globalstate_register (struct gwt_error *err)
{
  const struct gwt_schema *judged = gwt_schema_of (&schema, err);

  entry = judged != NULL ? gwt_entry_add (NULL, judged, &global, NULL, 0, err) : NULL;
  return entry != NULL;
}

void
gwt_globalstate_unregister (void)
{
  gwt_entry_remove (g_steal_pointer (&entry));
}

enum gwt_runstate
gwt_globalstate_received (void)
{
  bool known;

  return global.received ? state_of (&global, &known) : GWT_RUNSTATE_RUNNING;
}
