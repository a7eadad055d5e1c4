/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plugins: find, judge by their note, load, handshake, register.  Nothing is loaded before a type
 * or extension of it is wanted; scanning reads notes and runs no plugin code.  All [main].  Plugins
 * are never unloaded.
 */
#ifndef CORE_PLUGIN_LOADER_H
#define CORE_PLUGIN_LOADER_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <godwit/abi.h>
#include "core/util/error.h"

/* Folders are searched in the order in which they are added; GODWIT_PLUGIN_PATH (colon separated)
   comes first, the installed folder last.  -plugin-dir adds in front of both. */
void gwt_loader_init (void);
void gwt_loader_add_dir (const char *dir);
/* Is DIR a folder that can be read?  For what a user names: a folder of a path may be missing. */
bool gwt_loader_check_dir (const char *dir, struct gwt_error *err);
/* -plugin FILE: load now; an unusable file is an error. */
bool gwt_loader_load_file (const char *path, struct gwt_error *err);
/* Make sure that device type NAME is registered.  Error text when no plugin provides it: names
   folders searched and nearest names; when its plugin is refused: file, reason, remedy. */
bool gwt_loader_need_type (const char *name, struct gwt_error *err);
/* Load whatever can be loaded (-device help); refusals are logged as warnings. */
void gwt_loader_load_all (void);

struct gwt_plugin_info
{
  char *path;
  char *id, *version; /* NULL where the file has no readable note */
  uint32_t abi_major, abi_minor;
  char **types;                    /* from the note; NULL-terminated */
  char **offers;                   /* likewise */
  const struct gwt_plugin *plugin; /* normalized copy once loaded, else NULL */
  char *build;                     /* the linker's id of what is loaded, or NULL */
  uint64_t struct_size;            /* of its table as it was built; 0 until loaded */
  char *refusal;                   /* why it cannot be loaded, or NULL */
  GHashTable *left_out; /* types whose parent is not to be had, and why; NULL: none */
};
/* All plugins found, sorted by id then path; owned by the loader. */
const struct gwt_plugin_info *const *gwt_loader_list (guint *count);
const struct gwt_plugin_info *gwt_loader_find (const char *id);
/* Load a plugin of the list now, with what it requires. */
bool gwt_loader_load (const struct gwt_plugin_info *info, struct gwt_error *err);
/* Full description of a loaded plugin as sorted JSON; new reference. */
struct json_object *gwt_plugin_to_json (const struct gwt_plugin_info *info);

/* The base table that plugins get; also for tests that call an entry function themselves. */
const struct gwt_host *gwt_host_table (void);

/* Judge FILE by its note only. */
bool gwt_note_read (const char *path, struct gwt_note_desc *desc, struct gwt_error *err);
/* The same on bytes in memory: the fuzz target. */
bool gwt_note_parse (const uint8_t *data, size_t size, struct gwt_note_desc *desc,
                     struct gwt_error *err);

/* Does FILE export its entry function alone, and want nothing of the host by name? */
bool gwt_symbols_check (const char *path, struct gwt_error *err);

#endif
