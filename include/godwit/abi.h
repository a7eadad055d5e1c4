/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root of the plugin ABI: version, errors, the host's base table, the plugin's own table, and
 * the ELF note that lets a plugin be judged before any of its code runs.
 *
 * Rules for everything under godwit/ (docs/plugin-abi.md has the reasons):
 *  - a struct that crosses the boundary begins with its size and only grows at its end;
 *  - what is not defined in a struct is asked for with GWT_HAS, never assumed;
 *  - fixed-width types only; no bool, long, bit-field, enum member, or type of another library;
 *  - each side frees what it allocated; tables are static const and live until the process ends;
 *  - strings passed into a call live for that call unless the comment says otherwise.
 *
 * Thread tags, one on each function:
 *  [main]  the main loop's thread, with the machine lock held;
 *  [vcpu]  a vCPU's thread;
 *  [io]    a thread that a back end or device started;
 *  [any]   any of them, no lock needed.
 */
#ifndef GODWIT_ABI_H
#define GODWIT_ABI_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GWT_ABI_MAJOR 1
#define GWT_ABI_MINOR 0

#if defined(__GNUC__)
#define GWT_EXPORT __attribute__ ((visibility ("default")))
#define GWT_PRINTF(fmt, first) __attribute__ ((format (printf, fmt, first)))
#else
#define GWT_EXPORT
#define GWT_PRINTF(fmt, first)
#endif

/* True where TABLE is there, is large enough to hold MEMBER, and MEMBER is set. */
#define GWT_HAS(table, member)                                                                     \
  ((table) != NULL                                                                                 \
   && (table)->struct_size                                                                         \
          >= (size_t) ((const char *) &(table)->member - (const char *) (table))                   \
                 + sizeof ((table)->member)                                                        \
   && (table)->member != 0)

/* Number of elements of a static array. */
#define GWT_COUNT(array) ((uint32_t) (sizeof (array) / sizeof ((array)[0])))

/*
 * An error on its way to the user.  Opaque and owned by the host: a fallible callback is handed
 * one, fills it through gwt_host.error_set and returns -1.  The text names object, what is wrong
 * and, behind a semicolon, what to do: "baudbase 0 is out of range; use 1 to 4294967295".
 */
struct gwt_error;

/* Error codes, stable; spaced so that finer ones fit between.  They travel as uint32_t. */
enum gwt_error_code
{
  GWT_E_FAILED = 1000,      /* nothing more exact fits */
  GWT_E_INVALID = 2000,     /* a value that can never be right */
  GWT_E_RANGE = 2500,       /* outside its bounds */
  GWT_E_NOT_FOUND = 3000,   /* named thing does not exist */
  GWT_E_EXISTS = 4000,      /* name or place is taken */
  GWT_E_BUSY = 4500,        /* not now */
  GWT_E_UNSUPPORTED = 5000, /* known, but not offered here */
  GWT_E_IO = 6000,          /* the operating system refused */
  GWT_E_NO_MEMORY = 7000
};

enum gwt_log_level
{
  GWT_LOG_ERROR = 1000, /* something the user must know */
  GWT_LOG_WARN = 2000,
  GWT_LOG_INFO = 3000,  /* shown with -v */
  GWT_LOG_GUEST = 4000, /* the guest did something undefined; shown with -d guest */
  GWT_LOG_DEBUG = 5000
};

/*
 * Base services of the host.  Anything else is an extension, asked for by id ("gwt.memory/1"); an
 * id's meaning never changes, a new revision is a new id.  The table lives until the process ends.
 */
struct gwt_host
{
  uint64_t struct_size;
  uint32_t abi_major;  /* GWT_ABI_MAJOR of the host */
  uint32_t abi_minor;  /* GWT_ABI_MINOR of the host */
  const char *name;    /* "godwit", or the name of a checker */
  const char *version; /* release of the host, "0.1.0" */

  /*
   * [any] The table behind an extension id, offered by the host or by a plugin that was loaded
   * earlier; NULL where nobody offers it.  Whatever the plugin lists as required is never NULL.
   */
  const void *(*extension) (const char *id);

  /* [any] Fill ERR (may be NULL: then nothing happens) with CODE and a one-line text. */
  void (*error_set) (struct gwt_error *err, uint32_t code, const char *format, ...)
      GWT_PRINTF (3, 4);
  void (*error_vset) (struct gwt_error *err, uint32_t code, const char *format, va_list args);

  /* [any] One line to the log at LEVEL (enum gwt_log_level), without newline. */
  void (*log) (uint32_t level, const char *format, ...) GWT_PRINTF (2, 3);
  void (*vlog) (uint32_t level, const char *format, va_list args);

  /* [any] A copy of TEXT that lives until the process ends; equal texts share one copy. */
  const char *(*intern) (const char *text);
};

/* A function table that a plugin offers to other plugins under an extension id. */
struct gwt_extension
{
  const char *id;    /* "gwt.pci/1"; third parties "org.example.thing/1" */
  const void *table; /* begins with its own struct_size */
};

/*
 * One compat row: "to behave as LEVEL of this plugin or older, PROPERTY of TYPE is VALUE".  A
 * machine type pins levels; the rows newer than the level do not apply.  TYPE may be a parent
 * type's name.
 */
struct gwt_compat_row
{
  const char *level; /* last version of this plugin that behaved so, "5.1" */
  const char *type;
  const char *property;
  const char *value; /* as on the command line */
};

struct gwt_device_type;

/* What a plugin is.  Returned by the entry function; static const. */
struct gwt_plugin
{
  uint64_t struct_size;
  uint32_t abi_major;        /* GWT_ABI_MAJOR it was built for */
  uint32_t abi_minor_needed; /* lowest host minor that it can live with */
  const char *id;            /* [a-z][a-z0-9-]*, as in the note and the file's name */
  const char *version;       /* its own version, dotted numbers */
  const char *doc;           /* one line */

  /* Extension ids, each list ended by NULL; NULL for an empty list.  Without one of `required` the
     plugin is refused by name; `wanted` ones may be absent. */
  const char *const *required;
  const char *const *wanted;

  const struct gwt_extension *offers;
  uint64_t offer_size; /* sizeof (struct gwt_extension) where the plugin was built */
  uint64_t n_offers;

  const struct gwt_device_type *const *types; /* ended by NULL */

  const struct gwt_compat_row *compat;
  uint64_t compat_row_size; /* sizeof (struct gwt_compat_row) where the plugin was built */
  uint64_t n_compat;

  /* [main] Optional.  Called once when all that is required is there, before any device is made.
     Fetch extensions here.  Returns 0, or -1 with ERR set: the plugin is refused. */
  int (*start) (const struct gwt_host *host, struct gwt_error *err);
};

/*
 * The one exported function of a plugin.  It must not allocate, start threads or print, and may be
 * called more than once; it returns the same table each time, or NULL with ERR set where it refuses
 * this host.
 */
typedef const struct gwt_plugin *(*gwt_plugin_entry) (const struct gwt_host *host,
                                                      struct gwt_error *err);

#define GWT_PLUGIN_ENTRY_NAME "godwit_plugin_v1"

/*
 * The ELF note, section .note.godwit, type GWT_NOTE_TYPE, owner "godwit".  The loader reads it from
 * the file and so knows id, version, ABI and the types offered while no code of the plugin has run.
 * The layout of the first four words of the description is fixed for all ABI majors.
 */
#define GWT_NOTE_SECTION ".note.godwit"
#define GWT_NOTE_OWNER "godwit"
#define GWT_NOTE_TYPE 0x47575431u /* "GWT1" */
#define GWT_NOTE_ID_MAX 64
#define GWT_NOTE_VERSION_MAX 32
#define GWT_NOTE_TYPES_MAX 512
#define GWT_NOTE_OFFERS_MAX 256

struct gwt_note_desc
{
  uint32_t abi_major;
  uint32_t abi_minor_needed;
  uint32_t desc_size; /* sizeof (struct gwt_note_desc) */
  uint32_t flags;     /* 0 */
  char id[GWT_NOTE_ID_MAX];
  char version[GWT_NOTE_VERSION_MAX];
  char types[GWT_NOTE_TYPES_MAX]; /* names of the device types, separated by one space */
  char offers[GWT_NOTE_OFFERS_MAX]; /* ids of the extensions offered to other plugins, likewise */
};

struct gwt_note
{
  uint32_t owner_size; /* sizeof "godwit" = 7 */
  uint32_t desc_size;
  uint32_t type;
  char owner[8];
  struct gwt_note_desc desc;
};

/*
 * Emits note and entry function.  ID, VERSION, TYPES and OFFERS are string literals that say the
 * same as TABLE, the plugin's static const struct gwt_plugin; a loader refuses a plugin where they
 * differ. HOST_VAR is a static `const struct gwt_host *` that is set.
 */
#define GWT_PLUGIN_DEFINE_OFFERS(ID, VERSION, TYPES, OFFERS, TABLE, HOST_VAR)                      \
  __attribute__ ((used, aligned (4), section (GWT_NOTE_SECTION)))                                  \
  static const struct gwt_note gwt_plugin_note                                                     \
      = { sizeof GWT_NOTE_OWNER,                                                                   \
          sizeof (struct gwt_note_desc),                                                           \
          GWT_NOTE_TYPE,                                                                           \
          GWT_NOTE_OWNER,                                                                          \
          { GWT_ABI_MAJOR, GWT_ABI_MINOR, sizeof (struct gwt_note_desc), 0, ID, VERSION, TYPES,    \
            OFFERS } };                                                                            \
  GWT_EXPORT const struct gwt_plugin *godwit_plugin_v1 (const struct gwt_host *gwt_define_host,    \
                                                        struct gwt_error *gwt_define_err);         \
  GWT_EXPORT const struct gwt_plugin *godwit_plugin_v1 (const struct gwt_host *gwt_define_host,    \
                                                        struct gwt_error *gwt_define_err)          \
  {                                                                                                \
    (void) gwt_define_err;                                                                         \
    (HOST_VAR) = gwt_define_host;                                                                  \
    return &(TABLE);                                                                               \
  }

/* The same for a plugin that offers nothing to others. */
#define GWT_PLUGIN_DEFINE(ID, VERSION, TYPES, TABLE, HOST_VAR)                                     \
  GWT_PLUGIN_DEFINE_OFFERS (ID, VERSION, TYPES, "", TABLE, HOST_VAR)

#ifdef __cplusplus
}
#endif

#endif
