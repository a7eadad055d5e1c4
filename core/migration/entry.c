/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry of entries.  Owns names and numbers, which are part of the wire; must not know what
 * is in a section.
 */
#include "config.h"
#include "core/migration/entry.h"
#include <string.h>

static GPtrArray *entries; /* struct gwt_entry *, in order of arrival */
static uint32_t next_id;

static uint32_t
next_instance (const char *name, bool compat)
{
  uint32_t next = 0;
  guint i;

  for (i = 0; entries != NULL && i < entries->len; i++)
    {
      const struct gwt_entry *e = g_ptr_array_index (entries, i);
      const char *other = compat ? e->compat_name : e->name;
      uint32_t number = compat ? e->compat_instance : e->instance;

      if (g_strcmp0 (other, name) == 0 && number >= next)
        next = number + 1;
    }
  return next;
}

static struct gwt_entry *
add (struct gwt_entry *entry, struct gwt_error *err)
{
  guint i;

  if (strlen (entry->name) > GWT_ENTRY_NAME_MAX || entry->name[0] == '\0')
    gwt_error_set (err, GWT_E_RANGE, "section '%s': its name has %zu bytes; 1 to %d can be sent",
                   entry->name, strlen (entry->name), GWT_ENTRY_NAME_MAX);
  for (i = 0; entries != NULL && i < entries->len; i++)
    {
      const struct gwt_entry *other = g_ptr_array_index (entries, i);

      if (strcmp (other->name, entry->name) == 0 && other->instance == entry->instance)
        gwt_error_set (err, GWT_E_EXISTS, "section '%s' is there already",
                       gwt_entry_label (entry));
    }
  if (gwt_error_is_set (err))
    {
      g_free (entry->name);
      g_free (entry->compat_name);
      g_free (entry);
      return NULL;
    }
  if (entries == NULL)
    entries = g_ptr_array_new ();
  /* Never used twice: a reader takes the section that an id was announced for last. */
  entry->id = next_id++;
  entry->alias = -1;
  g_ptr_array_add (entries, entry);
  return entry;
}

struct gwt_entry *
gwt_entry_add (const char *path, const struct gwt_schema *schema, void *self,
               struct gwt_device *device, uint32_t instance, struct gwt_error *err)
{
  struct gwt_entry *entry = g_new0 (struct gwt_entry, 1);

  entry->schema = schema;
  entry->self = self;
  entry->device = device;
  entry->priority = schema->d.priority;
  entry->version = schema->d.version;
  if (path != NULL)
    {
      entry->name = g_strdup_printf ("%s/%s", path, schema->d.name);
      entry->compat_name = g_strdup (schema->d.name);
      entry->compat_instance = instance != GWT_ENTRY_INSTANCE_AUTO
                                   ? instance
                                   : next_instance (schema->d.name, true);
    }
  else
    {
      entry->name = g_strdup (schema->d.name);
      entry->instance = instance != GWT_ENTRY_INSTANCE_AUTO
                            ? instance
                            : next_instance (schema->d.name, false);
    }
  return add (entry, err);
}

struct gwt_entry *
gwt_entry_add_live (const char *name, uint32_t version, const struct gwt_live_ops *ops,
                    void *opaque, struct gwt_error *err)
{
  struct gwt_entry *entry = g_new0 (struct gwt_entry, 1);

  entry->name = g_strdup (name);
  entry->version = version;
  entry->live = ops;
  entry->opaque = opaque;
  return add (entry, err);
}

void
gwt_entry_remove (struct gwt_entry *entry)
{
  if (entry == NULL)
    return;
  g_ptr_array_remove (entries, entry);
  /* The next machine's streams are as those of any other. */
  if (entries->len == 0)
    next_id = 0;
  g_free (entry->name);
  g_free (entry->compat_name);
  g_free (entry);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const struct gwt_entry *x = *(struct gwt_entry *const *) a, *y = *(struct gwt_entry *const *) b;

  if (x->priority != y->priority)
    return x->priority > y->priority ? -1 : 1;
  return x->id < y->id ? -1 : 1;
}

struct gwt_entry **
gwt_entries (guint *count)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  guint i;

  for (i = 0; entries != NULL && i < entries->len; i++)
    g_ptr_array_add (sorted, g_ptr_array_index (entries, i));
  g_ptr_array_sort (sorted, compare);
  *count = sorted->len;
  g_ptr_array_add (sorted, NULL);
  return (struct gwt_entry **) g_ptr_array_free (g_steal_pointer (&sorted), FALSE);
}

struct gwt_entry *
gwt_entry_find (const char *name, uint32_t instance)
{
  guint i;

  for (i = 0; entries != NULL && i < entries->len; i++)
    {
      struct gwt_entry *e = g_ptr_array_index (entries, i);
      bool alias = e->alias >= 0 && instance == (uint64_t) e->alias;

      if (strcmp (e->name, name) == 0 && (e->instance == instance || alias))
        return e;
      if (g_strcmp0 (e->compat_name, name) == 0 && (e->compat_instance == instance || alias))
        return e;
    }
  return NULL;
}

const char *
gwt_entry_label (const struct gwt_entry *entry)
{
  static GPrivate last = G_PRIVATE_INIT (g_free);
  char *label = entry->instance == 0 ? g_strdup (entry->name)
                                     : g_strdup_printf ("%s %u", entry->name, entry->instance);

  g_private_replace (&last, label);
  return label;
}
