/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-machine diff: every property of every type, and every device of the board, in which two
 * machine types differ, and why.  Both are made by the core's own code, one after the other.
 */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "core/device/type.h"
#include "core/plugin/loader.h"
#include "tools/machine/planned.h"
#include "tools/machine/tool.h"

/* One machine type, as far as it is compared. */
struct side
{
  char *name, *board;
  GPtrArray *keys;    /* char *: "type T: P", "device D: P", in order */
  GHashTable *values; /* key -> struct fact, both owned */
};

struct fact
{
  char *value, *why, *type; /* TYPE: key of the same property of the device's type, or NULL */
};

static void
fact_free (gpointer data)
{
  struct fact *fact = data;
  g_free (fact->value);
  g_free (fact->why);
  g_free (fact->type);
  g_free (fact);
}

static void
add (struct side *side, const char *key, char *value, char *why, const char *type)
{
  struct fact *fact = g_new (struct fact, 1);
  *fact = (struct fact){ value, why, g_strdup (type) };
  char *owned = g_strdup (key);
  g_ptr_array_add (side->keys, owned);
  g_hash_table_insert (side->values, owned, fact);
}

/* The reason that a machine type's file gives for its override, or NULL. */
static const char *
reason (const struct gwt_machine_choice *choice, const struct gwt_type *type, const char *property,
        const struct gwt_provenance *from)
{
  for (guint i = 0; from->source == GWT_SOURCE_MACHINE && i < choice->chain->len; i++)
    {
      const struct gwt_machine_type *file = g_ptr_array_index (choice->chain, i);
      for (guint n = file->overrides->len; n-- > 0 && strcmp (file->name, from->detail) == 0;)
        {
          const struct gwt_machine_override *o = g_ptr_array_index (file->overrides, n);
          if (strcmp (o->property, property) == 0 && gwt_type_is_a (type, o->type))
            return o->doc;
        }
    }
  return NULL;
}

static bool
add_properties (struct side *side, const struct gwt_machine_choice *choice,
                struct gwt_device *device, const char *prefix, bool of_device,
                struct gwt_error *err)
{
  g_autofree const char **names = gwt_type_property_names (device->type);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *value = gwt_device_get_text (device, names[i], err);
      if (gwt_error_is_set (err))
        return false;
      const struct gwt_provenance *from = gwt_device_provenance (device, names[i]);
      const char *doc = reason (choice, device->type, names[i], from);
      char *why = g_strdup_printf ("%s%s%s%s%s", gwt_source_name (from->source),
                                   from->detail != NULL ? ": " : "",
                                   from->detail != NULL ? from->detail : "",
                                   doc != NULL ? ": " : "", doc != NULL ? doc : "");
      g_autofree char *key = g_strdup_printf ("%s: %s", prefix, names[i]);
      g_autofree char *type
          = of_device ? g_strdup_printf ("type %s: %s", device->type->d.name, names[i]) : NULL;
      add (side, key, g_steal_pointer (&value), why, type);
    }
  return true;
}

/* Every type as a device of it would be that is added. */
static bool
add_types (struct side *side, const struct gwt_machine_choice *choice, struct gwt_error *err)
{
  g_autofree const struct gwt_type **types = gwt_type_list ();
  for (guint i = 0; types[i] != NULL; i++)
    {
      if ((types[i]->d.flags & GWT_TYPE_ABSTRACT) != 0)
        continue;
      struct gwt_device *device = gwt_device_new (types[i], "compared", err);
      g_autofree char *prefix = g_strdup_printf ("type %s", types[i]->d.name);
      bool good = device != NULL && gwt_machine_apply (choice, device, NULL, NULL, NULL, err)
                  && add_properties (side, choice, device, prefix, false, err);
      gwt_device_destroy (device);
      if (!good)
        return false;
    }
  return true;
}

static void
add_machine (struct side *side, const struct gwt_machine *machine)
{
  const struct gwt_board *board = machine->board;
  const struct gwt_machine_type *type = g_ptr_array_index (machine->choice->chain, 0);
  guint count;
  const struct gwt_plugin_info *const *infos = gwt_loader_list (&count);
  side->name = g_strdup (machine->name);
  add (side, "board", g_strdup (board->name), g_strdup (machine->choice->board_path), NULL);
  add (side, "default of -m",
       g_strdup_printf ("%lluM", (unsigned long long) machine->ram_size >> 20), NULL, NULL);
  add (side, "default of -smp", g_strdup_printf ("%u", machine->topology.cpus), NULL, NULL);
  add (side, "filling rule of -smp", g_strdup (gwt_machine_choice_smp_fill (machine->choice)), NULL,
       NULL);
  add (side, "default of -cpu", g_strdup (machine->model->name), NULL, NULL);
  const struct gwt_machine_type *firmware
      = gwt_machine_choice_with (machine->choice, GWT_DEFAULT_FIRMWARE);
  add (side, "default of -bios",
       g_strdup (firmware != NULL ? firmware->firmware : board->firmware_file), NULL, NULL);
  add (side, "deprecated", g_strdup (type->deprecated != NULL ? type->deprecated : "no"), NULL,
       NULL);
  for (guint i = 0; i < count; i++)
    {
      const struct gwt_machine_level *level
          = infos[i]->id != NULL ? gwt_machine_choice_find_level (machine->choice, infos[i]->id)
                                 : NULL;
      if (infos[i]->id == NULL || infos[i]->version == NULL)
        continue;
      g_autofree char *key = g_strdup_printf ("level of plugin %s", infos[i]->id);
      add (side, key, g_strdup (level != NULL ? level->level : "none"),
           level != NULL ? g_strdup (level->where) : NULL, NULL);
    }
}

static bool
add_devices (struct side *side, const struct gwt_machine *machine, struct gwt_error *err)
{
  guint count;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);
  for (guint i = 0; i < count; i++)
    {
      g_autofree char *key = g_strdup_printf ("device %s", devices[i]->id);
      add (side, key, g_strdup (devices[i]->type->d.name), NULL, NULL);
      if (!add_properties (side, machine->choice, devices[i], key, true, err))
        return false;
    }
  return true;
}

static bool
look (struct side *side, struct planned *p, const char *name, struct gwt_error *err)
{
  side->keys = g_ptr_array_new ();
  side->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, fact_free);
  p->machine = name;
  if (!planned_make (p, err))
    return false;
  add_machine (side, p->made);
  bool good = add_devices (side, p->made, err);
  gwt_device_destroy_all ();
  good = good && add_types (side, p->made->choice, err);
  planned_unmake (p);
  return good;
}

static void
print_fact (const struct fact *fact)
{
  const char *value = fact == NULL ? "(none)" : fact->value == NULL ? "(none)" : fact->value;
  fputs (*value != '\0' ? value : "''", stdout);
  if (fact != NULL && fact->why != NULL)
    printf (" (%s)", fact->why);
}

static bool
is_equal (const struct fact *a, const struct fact *b)
{
  return a != NULL && b != NULL && g_strcmp0 (a->value, b->value) == 0;
}

/* A device differs as its type does: said once, for the type. */
static bool
said_for_type (const struct side *a, const struct side *b, const struct fact *fa,
               const struct fact *fb)
{
  const char *key = fa != NULL ? fa->type : fb->type;
  const struct fact *ta = key != NULL ? g_hash_table_lookup (a->values, key) : NULL;
  const struct fact *tb = key != NULL ? g_hash_table_lookup (b->values, key) : NULL;
  return ta != NULL && tb != NULL && is_equal (fa, ta) && is_equal (fb, tb);
}

/* Is it a property of a device that one side alone has?  The device was told. */
static bool
of_absent (const struct side *side, const char *key)
{
  const char *end = g_str_has_prefix (key, "device ") ? strstr (key, ": ") : NULL;
  g_autofree char *device = end != NULL ? g_strndup (key, (gsize) (end - key)) : NULL;
  return device != NULL && g_hash_table_lookup (side->values, device) == NULL;
}

static guint
compare (const struct side *a, const struct side *b, bool only_b)
{
  const struct side *keys = only_b ? b : a;
  guint count = 0;
  for (guint i = 0; i < keys->keys->len; i++)
    {
      const char *key = g_ptr_array_index (keys->keys, i);
      const struct fact *fa = g_hash_table_lookup (a->values, key);
      const struct fact *fb = g_hash_table_lookup (b->values, key);
      if ((only_b && fa != NULL) || is_equal (fa, fb) || of_absent (only_b ? a : b, key)
          || said_for_type (a, b, fa, fb))
        continue;
      printf ("%s: ", key);
      print_fact (fa);
      fputs (" | ", stdout);
      print_fact (fb);
      putchar ('\n');
      count++;
    }
  return count;
}

static void
side_clear (struct side *side)
{
  g_free (side->name);
  if (side->keys != NULL)
    g_ptr_array_unref (side->keys);
  if (side->values != NULL)
    g_hash_table_destroy (side->values);
}

int
tool_diff (int argc, char **argv)
{
  struct planned p;
  struct side a = { 0 }, b = { 0 };
  GWT_AUTO_ERROR (err);
  if (planned_init (&p, argc, argv, &err)
      && (p.rest->len != 2 || p.json || p.machine != NULL || p.cpu != NULL || p.smp != NULL
          || p.memory != NULL || p.devices->len > 1 || p.globals->len > 0 || p.levels->len > 1))
    gwt_error_set (&err, GWT_E_INVALID,
                   "two machine types are compared, as they are; give two names or files, and "
                   "-plugin, -plugin-dir, -machine-dir, -compat-dir alone");
  if (!gwt_error_is_set (&err))
    {
      gwt_loader_load_all ();
      if (look (&a, &p, g_ptr_array_index (p.rest, 0), &err)
          && look (&b, &p, g_ptr_array_index (p.rest, 1), &err))
        {
          printf ("machine type: %s | %s\n", a.name, b.name);
          if (compare (&a, &b, false) + compare (&a, &b, true) == 0)
            puts ("no difference");
        }
    }
  side_clear (&a);
  side_clear (&b);
  planned_clear (&p);
  return gwt_error_is_set (&err) ? tool_fail (&err, "diff") : tool_flush (TOOL_GOOD);
}
