/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine types as data: a board, the newer type that this one derives from, the level of each
 * plugin, overrides of properties.  The file format is told in docs/machine-types.md.
 */
#ifndef CORE_MACHINE_MACHINE_TYPE_H
#define CORE_MACHINE_MACHINE_TYPE_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include "core/machine/board.h"
#include "core/util/error.h"
#include "core/util/version.h"

struct gwt_plugin_info;

#define GWT_MACHINE_FORMAT 1
#define GWT_MACHINE_CHAIN_MAX 64
#define GWT_MACHINE_OVERRIDES_MAX 4096

struct gwt_machine_level
{
  char *plugin; /* id, or "*" for every plugin that is not named */
  char *level;  /* dotted numbers */
  char *where;
};

struct gwt_machine_override
{
  char *type; /* device type or a parent of it */
  char *property;
  char *plugin;              /* whose type it is, which need not be installed; or NULL */
  char *doc;                 /* why, or NULL */
  struct json_object *value; /* borrowed from the file */
  char *where;               /* "FILE:LINE: PATH" */
};

struct gwt_machine_type
{
  struct gwt_json_file *file;
  char *name, *path, *doc;
  char *newer;          /* name of the type it derives from, or NULL */
  char *board;          /* name or path; NULL: as `newer` says */
  char *firmware;       /* default of -bios, a name or path, or "none"; NULL: as `newer` says */
  char *deprecated;     /* what to use instead and why, or NULL */
  GPtrArray *aliases;   /* char * */
  GPtrArray *levels;    /* struct gwt_machine_level */
  GPtrArray *overrides; /* struct gwt_machine_override */
  char *cpu;            /* default of -cpu, or NULL */
  uint64_t memory;      /* default of -m, 0: the board's */
  uint64_t cpus;        /* default of -smp, 0: the board's */
  char *smp_fill;       /* "cores" or "sockets": what -smp fills first; NULL: as `newer` says */
};

struct gwt_machine_type *gwt_machine_type_load (const char *path, struct gwt_error *err);
/* The same on bytes in memory: the fuzz target. */
struct gwt_machine_type *gwt_machine_type_parse (const char *name, const char *text, size_t size,
                                                 struct gwt_error *err);
/* What is wrong with an option's value is so with that of member KEY of TYPE ("firmware",
   "defaults.cpu"): puts the file's place before ERR's text, in place of OPTION ("-cpu: "). */
void gwt_machine_type_blame (const struct gwt_machine_type *type, const char *key,
                             const char *option, struct gwt_error *err);
/* "FILE:LINE: PATH" of it; caller frees. */
char *gwt_machine_type_where (const struct gwt_machine_type *type, const char *key);
void gwt_machine_type_free (struct gwt_machine_type *type);

/* A machine type with all that it derives from, and its board. */
struct gwt_machine_choice
{
  GPtrArray *chain; /* struct gwt_machine_type: [0] was asked for, the last is the newest base */
  struct gwt_board *board;
  char *board_path;
  GPtrArray *given_levels; /* struct gwt_machine_level: over those of the chain; or NULL */
};

/* NAME is a machine type's name, an alias, or the path of a machine type or board file. */
struct gwt_machine_choice *gwt_machine_choose (const char *name, struct gwt_error *err);
void gwt_machine_choice_free (struct gwt_machine_choice *choice);
const char *gwt_machine_choice_name (const struct gwt_machine_choice *choice);

/* levels.c.  Level of PLUGIN that is promised; NULL where none is named, then it is as it is. */
const char *gwt_machine_choice_level (const struct gwt_machine_choice *choice, const char *plugin);
/* The same with where it stands; its plugin may be "*". */
const struct gwt_machine_level *
gwt_machine_choice_find_level (const struct gwt_machine_choice *choice, const char *plugin);
/* What -plugin-level says, "PLUGIN=VERSION", over the machine types; ended by NULL, may be NULL. */
bool gwt_machine_choice_add_levels (struct gwt_machine_choice *choice, const char *const *texts,
                                    struct gwt_error *err);
/* One, as another source of levels says; unchecked.  WHERE begins errors about it. */
void gwt_machine_choice_set_level (struct gwt_machine_choice *choice, const char *plugin,
                                   const char *level, const char *where);
/* The levels that count are none that their plugin has yet to reach. */
bool gwt_machine_choice_check_levels (const struct gwt_machine_choice *choice,
                                      struct gwt_error *err);
bool gwt_machine_level_check (const struct gwt_machine_level *level,
                              const struct gwt_plugin_info *info, struct gwt_error *err);
void gwt_machine_level_free (gpointer level);

/* Where names are looked up.  -compat-dir and -machine-dir add in front, in the order given; then
   GODWIT_COMPAT_PATH and GODWIT_MACHINE_PATH (colon separated), the installed folders last. */
void gwt_machine_add_compat_dir (const char *dir);
void gwt_machine_add_board_dir (const char *dir);
/* Text for "-M help". */
char *gwt_machine_help (void);

#endif
