/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manifest: all that must fit between two ends of a migration, as one JSON document.  Here it
 * is parsed, judged and held; docs/manifest.md tells the format.  Pure: it knows nothing of what
 * runs in this process.  Made by core/machine, compared by core/migration/preflight.c.
 */
#ifndef CORE_MIGRATION_MANIFEST_H
#define CORE_MIGRATION_MANIFEST_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/device/device.h"
#include "core/util/error.h"

#define GWT_MANIFEST_FORMAT 1
#define GWT_MANIFEST_SIZE_MAX (4u << 20) /* bytes of the text */
#define GWT_MANIFEST_HOPS_MAX 1024

/* All texts and JSON values below are borrowed from the document.  A JSON value that is NULL is
   JSON's null. */

/* PLUGIN (the device's, or that of a type above) as LEVEL or older has VALUE. */
struct gwt_manifest_row
{
  const char *plugin, *level;
  struct json_object *value;
};

/* The member of a device's `place` that says where it sits on its bus.  Among a property's facts it
   stands for that. */
#define GWT_MANIFEST_PATH "path"

struct gwt_manifest_property
{
  const char *name;
  struct json_object *value;
  enum gwt_source from;
  const char *source; /* its name */
  const char *detail; /* or NULL */
  uint32_t hop;       /* which process set it, see hops */
  /* A user's word, here or at an earlier hop, not the machine type's promise. */
  bool explicit_;
  /* What the binary could do. */
  struct json_object *def;
  struct json_object *min, *max;       /* numbers; NULL: no bound */
  const char *const *values;           /* names that it takes, NULL-terminated; or NULL */
  /* Facts of the device in which all that a guest sees of it is told, NULL-terminated; or NULL. */
  const char *const *facts;
  const struct gwt_manifest_row *rows; /* as in the plugin's table */
  guint n_rows;
};

/* Payloads of VERSION, by hash: equal hashes have the same fields. */
struct gwt_manifest_layout
{
  uint32_t version;
  const char *hash;
};

struct gwt_manifest_subsection
{
  const char *name;
  uint32_t version, minimum;                 /* 0 where it is not said */
  const struct gwt_manifest_layout *layouts; /* by rising version */
  guint n_layouts;
  const char *when; /* what it hangs on: "property x", "state"; or NULL */
  bool may_come;    /* as the machine stands */
};

struct gwt_manifest_device;

struct gwt_manifest_section
{
  const char *name;
  uint32_t instance;
  uint32_t version, minimum;
  bool optional; /* sent where the state wants it */
  const struct gwt_manifest_layout *layouts; /* by rising version */
  guint n_layouts;
  const struct gwt_manifest_subsection *subsections;
  guint n_subsections;
  const struct gwt_manifest_device *device; /* or NULL: of no device */
};

struct gwt_manifest_backend
{
  const char *property, *id;
};

struct gwt_manifest_device
{
  const char *id, *type;
  const char *const *parents; /* nearest first, NULL-terminated */
  const char *plugin;         /* id */
  const char *origin;         /* "board", "cpu", "user", "hotplug" */
  /* -device's at= and irq=, where given. */
  bool has_at, has_irq;
  uint64_t at, irq;
  struct json_object *place; /* the whole member, or NULL */
  const struct gwt_manifest_backend *backends;
  guint n_backends;
  const struct gwt_manifest_property *properties; /* in the document's order */
  guint n_properties;
  struct json_object *facts; /* an object, or NULL; as gwt.facts/1 tells them */
  const struct gwt_manifest_section *sections;
  guint n_sections;
};

struct gwt_manifest_block
{
  const char *name;
  uint64_t size;
  bool read_only;
  const char *file; /* base name of the image whose content it has, or NULL */
};

struct gwt_manifest_firmware
{
  const char *block; /* where it lies, or NULL */
  const char *file;  /* base name */
  uint64_t size;
  const char *sha256;
};

struct gwt_manifest_plugin
{
  const char *id, *version;
  const char *build; /* of its code, or NULL: not told */
  const char *level; /* as the machine type promises, or NULL: none */
};

struct gwt_manifest_hop
{
  const char *program, *machine;
};

/* Immutable; all members are there. */
struct gwt_manifest
{
  const char *program;
  const char *build; /* of the program's code, or NULL: not told */
  const char *type, *board;
  const char *const *chain; /* TYPE first, NULL-terminated */
  const char *uuid;         /* or NULL */
  uint32_t cpus, sockets, cores, threads;
  const char *cpu; /* the model */
  uint64_t memory;
  /* Instructions are counted (-icount): each takes 1 << icount_shift ns. */
  bool counts;
  uint64_t icount_shift;
  /* What options said of smp, memory and cpu, and machine type and defaults did not; what they left
     open a guest that comes says.  Told at all? */
  bool tells_given, smp_given, memory_given, cpu_given;
  guint n_blocks, n_firmware, n_plugins, n_devices, n_sections, n_hops;
  const struct gwt_manifest_block *blocks;
  const struct gwt_manifest_firmware *firmware;
  const struct gwt_manifest_plugin *plugins;
  const struct gwt_manifest_device *devices; /* in order of creation */
  /* All: devices' first, by device; then those of no device. */
  const struct gwt_manifest_section *sections;
  const struct gwt_manifest_hop *hops; /* the last one is the process that wrote it */
};

/* Everything is checked: types, ranges, names, duplicates, limits.  WHERE comes first in errors,
   then the path inside the document. */
struct gwt_manifest *gwt_manifest_parse (const char *where, const char *text, size_t size,
                                         struct gwt_error *err);
/* Is TEXT one that may be parsed, by its size and by what would be allotted for it? */
bool gwt_manifest_check_size (const char *where, const char *text, size_t size,
                              struct gwt_error *err);
struct gwt_manifest *gwt_manifest_ref (struct gwt_manifest *m);
void gwt_manifest_unref (struct gwt_manifest *m); /* may be NULL */
/* The document, borrowed; and as the text that was parsed. */
struct json_object *gwt_manifest_json (const struct gwt_manifest *m);
const char *gwt_manifest_text (const struct gwt_manifest *m, size_t *size);

/* NULL where there is none. */
const struct gwt_manifest_device *gwt_manifest_device (const struct gwt_manifest *m,
                                                       const char *id);
const struct gwt_manifest_property *
gwt_manifest_property (const struct gwt_manifest_device *device, const char *name);
const struct gwt_manifest_plugin *gwt_manifest_plugin (const struct gwt_manifest *m,
                                                       const char *id);
const struct gwt_manifest_section *gwt_manifest_section (const struct gwt_manifest *m,
                                                         const char *name, uint32_t instance);
const struct gwt_manifest_block *gwt_manifest_block (const struct gwt_manifest *m,
                                                     const char *name);

/* Can P take VALUE, by its bounds and names? */
bool gwt_manifest_allows (const struct gwt_manifest_property *p, struct json_object *value);
/* The same value?  Numbers by their worth, whichever way they are written. */
bool gwt_manifest_equal (struct json_object *a, struct json_object *b);

#endif
