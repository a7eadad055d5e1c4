/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one list of extension tables by id.  Knows neither what is in a table nor who asks.  Entries
 * are never removed, so a table that was found once stays.
 */
#include "config.h"
#include "core/util/extension.h"
#include <stdlib.h>
#include <string.h>

struct entry
{
  char *id;
  const void *table;
  char *owner;
};

static GMutex list_lock;
static GHashTable *list; /* id -> struct entry */

bool
gwt_extension_add (const char *id, const void *table, const char *owner, struct gwt_error *err)
{
  if (id == NULL || id[0] == '\0' || table == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s' offers an extension without an id or a table",
                     owner);
      return false;
    }
  g_mutex_lock (&list_lock);
  if (list == NULL)
    list = g_hash_table_new (g_str_hash, g_str_equal);
  const struct entry *taken = g_hash_table_lookup (list, id);
  if (taken == NULL)
    {
      struct entry *entry = g_new (struct entry, 1);
      *entry = (struct entry){ g_strdup (id), table, g_strdup (owner) };
      g_hash_table_insert (list, entry->id, entry);
    }
  g_mutex_unlock (&list_lock);
  /* Registering the same table again is harmless and lets each layer's init be called twice. */
  if (taken == NULL || (taken->table == table && strcmp (taken->owner, owner) == 0))
    return true;
  gwt_error_set (err, GWT_E_EXISTS,
                 "extension '%s' of '%s' is offered by '%s' already; use only one of them", id,
                 owner, taken->owner);
  return false;
}

static const struct entry *
find (const char *id)
{
  if (id == NULL)
    return NULL;
  g_mutex_lock (&list_lock);
  const struct entry *entry = list != NULL ? g_hash_table_lookup (list, id) : NULL;
  g_mutex_unlock (&list_lock);
  return entry;
}

const void *
gwt_extension_find (const char *id)
{
  const struct entry *entry = find (id);
  return entry != NULL ? entry->table : NULL;
}

const char *
gwt_extension_owner (const char *id)
{
  const struct entry *entry = find (id);
  return entry != NULL ? entry->owner : NULL;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

const char **
gwt_extension_ids (void)
{
  g_mutex_lock (&list_lock);
  guint count = list != NULL ? g_hash_table_size (list) : 0, n = 0;
  const char **ids = g_new0 (const char *, count + 1);
  GHashTableIter iter;
  gpointer key;
  if (list != NULL)
    {
      g_hash_table_iter_init (&iter, list);
      while (g_hash_table_iter_next (&iter, &key, NULL))
        ids[n++] = key;
    }
  g_mutex_unlock (&list_lock);
  qsort (ids, n, sizeof ids[0], compare_names);
  return ids;
}
