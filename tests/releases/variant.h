/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a plugin of this tree becomes a plugin of another release, for tests: its main file is
 * included as it is, the entry function gives a copy of its table in which types, rows and compat
 * rows are that release's, and the rest of its objects is linked.  So what differs between two
 * releases is in one short file each, and what does not is the same code.
 *
 *   #include "tests/releases/variant.h"
 *   #define godwit_plugin_v1 intree_plugin_v1
 *   #include "plugins/NAME/NAME.c"
 *   #undef godwit_plugin_v1
 *   static void release (void) { ... variant_property (...) ... }
 *   VARIANT_DEFINE (plugin, release)
 *
 * It must not know any plugin.
 */
#ifndef TESTS_RELEASES_VARIANT_H
#define TESTS_RELEASES_VARIANT_H

#include <string.h>

#include <godwit/godwit.h>

/* Which release this one is; what two of them have in common is told by its number. */
#define VARIANT_NUMBER(MAJOR, MINOR, MICRO) ((MAJOR) * 10000 + (MINOR) * 100 + (MICRO))

#define VARIANT_TYPES 16
#define VARIANT_ROWS 160

static struct gwt_plugin variant_plugin;
static struct gwt_device_type variant_types[VARIANT_TYPES];
static const struct gwt_device_type *variant_list[VARIANT_TYPES + 1];
static struct gwt_field variant_rows[VARIANT_TYPES][VARIANT_ROWS];

/* The copy of type NAME; traps where the plugin has no such type (any more). */
static struct gwt_device_type *
variant_type (const char *name)
{
  for (unsigned i = 0; i < VARIANT_TYPES && variant_list[i] != NULL; i++)
    if (strcmp (variant_types[i].name, name) == 0)
      return &variant_types[i];
  __builtin_trap ();
}

/* The row of PROPERTY of TYPE, to be changed; traps where there is none (any more). */
static struct gwt_field *
variant_property (const char *type, const char *property)
{
  struct gwt_device_type *t = variant_type (type);
  for (uint64_t i = 0; i < t->n_fields; i++)
    {
      struct gwt_field *row = &variant_rows[t - variant_types][i];
      if (row->role == GWT_PROP && strcmp (row->name, property) == 0)
        return row;
    }
  __builtin_trap ();
}

static void
variant_copy (const struct gwt_plugin *original)
{
  variant_plugin = *original;
  for (unsigned i = 0; original->types[i] != NULL; i++)
    {
      if (i == VARIANT_TYPES || original->types[i]->n_fields > VARIANT_ROWS)
        __builtin_trap ();
      variant_types[i] = *original->types[i];
      if (variant_types[i].n_fields != 0)
        memcpy (variant_rows[i], variant_types[i].fields,
                variant_types[i].n_fields * sizeof variant_rows[i][0]);
      variant_types[i].fields = variant_rows[i];
      variant_list[i] = &variant_types[i];
    }
  variant_plugin.types = variant_list;
}

#define VARIANT_DEFINE(TABLE, CHANGE)                                                              \
  GWT_EXPORT const struct gwt_plugin *godwit_plugin_v1 (const struct gwt_host *host,               \
                                                        struct gwt_error *err);                    \
  const struct gwt_plugin *godwit_plugin_v1 (const struct gwt_host *host, struct gwt_error *err)   \
  {                                                                                                \
    /* It may be called more than once. */                                                         \
    if (variant_list[0] == NULL)                                                                   \
      {                                                                                            \
        variant_copy (&(TABLE));                                                                   \
        CHANGE ();                                                                                 \
      }                                                                                            \
    return intree_plugin_v1 (host, err) != NULL ? &variant_plugin : NULL;                          \
  }

#endif
