/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What there is to migrate: one entry for each section of the stream.  An entry has a name and an
 * instance number, by which the other end finds its own, and a schema or the functions of an
 * iterative handler.  All [main] unless said.
 */
#ifndef CORE_MIGRATION_ENTRY_H
#define CORE_MIGRATION_ENTRY_H

#include "core/vmstate/vmstate.h"

/* Longest name on the wire; what tools outside read as a signed byte stays below 128. */
#define GWT_ENTRY_NAME_MAX 255

#define GWT_ENTRY_INSTANCE_AUTO UINT32_MAX

struct gwt_manifest;

/* Sent in pieces, most of it while the guest runs.  SAVE functions append to OUT; -1 (false) with
   ERR set ends the migration.  Each optional but load; load_* and load are the reader's thread. */
struct gwt_live_ops
{
  bool (*setup) (void *opaque, struct gwt_vm_out *out, struct gwt_error *err);
  /* [migration] Bytes that are still to be sent: about, and exactly. */
  void (*pending_estimate) (void *opaque, uint64_t *bytes);
  void (*pending_exact) (void *opaque, uint64_t *bytes);
  /* [migration] Send some; *DONE where nothing is left now. */
  bool (*iterate) (void *opaque, struct gwt_vm_out *out, bool *done, struct gwt_error *err);
  /* The guest stands: the rest. */
  bool (*complete) (void *opaque, struct gwt_vm_out *out, struct gwt_error *err);
  void (*cleanup) (void *opaque); /* after the end, whichever it was */
  /* One payload, of whichever of the tags. */
  bool (*load) (void *opaque, struct gwt_vm_in *in, uint32_t version, struct gwt_error *err);
  /* Before the first payload of a stream, and when that stream is done with. */
  bool (*load_setup) (void *opaque, struct gwt_error *err);
  /* Behind that, what the stream's sender says of itself; borrowed until load_cleanup.  Not called
     where it says nothing. */
  void (*load_told) (void *opaque, const struct gwt_manifest *manifest);
  void (*load_cleanup) (void *opaque);
};

struct gwt_entry
{
  char *name; /* "PATH/SCHEMA", or the schema's name */
  uint32_t instance;
  int64_t alias;       /* another instance number that is taken, -1: none */
  char *compat_name;   /* with a path: the bare name, taken as well */
  uint32_t compat_instance;
  uint32_t priority;
  uint32_t version;
  uint32_t id; /* handle in streams that are sent from here */
  const struct gwt_schema *schema; /* or NULL: iterative */
  void *self;
  struct gwt_device *device; /* or NULL */
  const struct gwt_live_ops *live;
  void *opaque;
};

/* The state of SELF.  PATH (may be NULL) is where its device sits on a bus.  INSTANCE: where there
   is no path, its number, or GWT_ENTRY_INSTANCE_AUTO for the next one of this name.  NULL with ERR
   set: a name that is too long, or taken. */
struct gwt_entry *gwt_entry_add (const char *path, const struct gwt_schema *schema, void *self,
                                 struct gwt_device *device, uint32_t instance,
                                 struct gwt_error *err);
struct gwt_entry *gwt_entry_add_live (const char *name, uint32_t version,
                                      const struct gwt_live_ops *ops, void *opaque,
                                      struct gwt_error *err);
void gwt_entry_remove (struct gwt_entry *entry);
/* In the order in which sections are sent: by priority, then as they were added.  g_free. */
struct gwt_entry **gwt_entries (guint *count);
/* The entry that a section of this name and number is for, or NULL. */
struct gwt_entry *gwt_entry_find (const char *name, uint32_t instance);
/* Its name and number, "uart" or "cpu 1", for messages; valid until this
   thread's next call. */
const char *gwt_entry_label (const struct gwt_entry *entry);

#endif
