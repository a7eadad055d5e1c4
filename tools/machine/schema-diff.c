/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-machine schema-diff: what changed between two -dump-vmstate files, classed by where a
 * guest can still go.  Owns the command line and what is printed.
 */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "core/util/text.h"
#include "tools/machine/schema.h"
#include "tools/machine/tool.h"

static const char *const classes[] = { "safe", "backward only", "forward only", "breaking" };

#define FILE_MAX ((gsize) 32 << 20)

struct options
{
  bool strict, json;
  GArray *renames; /* struct schema_renames; the last one is empty */
  GPtrArray *words;
};

static bool
parse (int argc, char **argv, struct options *o, struct gwt_error *err)
{
  int i;

  for (i = 1; i < argc; i++)
    {
      const char *option = argv[i];

      if (strcmp (option, "--strict") == 0)
        o->strict = true;
      else if (strcmp (option, "--json") == 0)
        o->json = true;
      else if (strcmp (option, "--renamed") == 0)
        {
          struct schema_renames pair;
          const char *text = i + 1 < argc ? argv[++i] : "";
          char **halves = g_strsplit (text, "=", 2);

          if (halves[0] == NULL || halves[0][0] == '\0' || halves[1] == NULL
              || halves[1][0] == '\0')
            {
              gwt_error_set (err, GWT_E_INVALID, "--renamed: '%s' is not of the form OLD=NEW",
                             text);
              g_strfreev (halves);
              return false;
            }
          pair.before = g_intern_string (halves[0]);
          pair.after = g_intern_string (halves[1]);
          g_strfreev (halves);
          g_array_append_val (o->renames, pair);
        }
      else if (option[0] == '-' && option[1] != '\0')
        {
          gwt_error_set (err, GWT_E_INVALID, "option '%s' is not understood; try --help", option);
          return false;
        }
      else
        g_ptr_array_add (o->words, argv[i]);
    }
  if (o->words->len != 2)
    gwt_error_set (err, GWT_E_INVALID, "it compares two files, OLD and NEW; %u are given",
                   o->words->len);
  else if (strcmp (o->words->pdata[0], o->words->pdata[1]) == 0
           && strcmp (o->words->pdata[0], "-") == 0)
    gwt_error_set (err, GWT_E_INVALID, "only one of the two can be standard input");
  return !gwt_error_is_set (err);
}

/* Who has to say what, so that a way is open again; NULL where nothing is closed. */
static char *
remedy (const struct schema_change *c, const char *machine)
{
  const char *id = c->plugin != NULL ? schema_text (c->plugin, "id") : NULL;
  const char *level = c->plugin != NULL ? schema_text (c->plugin, "level") : NULL;

  if (c->ways == 0 || c->plugin == NULL)
    return NULL;
  if (level == NULL)
    level = schema_text (c->plugin, "version");
  if (c->when != NULL)
    return g_strdup_printf ("machine type '%s' needs a compat row in plugin '%s': level '%s', type "
                            "'%s', property '%s', value 'off'",
                            machine, id != NULL ? id : "?", level != NULL ? level : "?", c->type,
                            c->when);
  return g_strdup_printf (
      "machine type '%s' needs a compat row in plugin '%s', of level '%s', for a "
      "property of '%s' that the change hangs on",
      machine, id != NULL ? id : "?", level != NULL ? level : "?", c->type);
}

static void
print (const GPtrArray *changes, const char *machine)
{
  unsigned counts[4] = { 0 };
  guint i;

  for (i = 0; i < changes->len; i++)
    {
      const struct schema_change *c = changes->pdata[i];
      g_autofree char *what = remedy (c, machine);
      g_autofree char *text
          = g_strdup_printf ("%s: %s, section '%s': %s%s%s", classes[c->ways], c->type, c->section,
                             c->text, what != NULL ? "; " : "", what != NULL ? what : "");
      g_autofree char *line = gwt_one_line (text); /* names are the file's */

      counts[c->ways]++;
      puts (line);
    }
  printf ("%s: %u breaking, %u forward only, %u backward only, %u safe\n", machine, counts[3],
          counts[2], counts[1], counts[0]);
}

static struct json_object *
as_json (const GPtrArray *changes, const char *machine, unsigned all)
{
  struct json_object *o = json_object_new_object (), *list = json_object_new_array ();
  guint i;

  json_object_object_add (o, "machine", json_object_new_string (machine));
  json_object_object_add (o, "class", json_object_new_string (classes[all]));
  for (i = 0; i < changes->len; i++)
    {
      const struct schema_change *c = changes->pdata[i];
      struct json_object *entry = json_object_new_object ();
      g_autofree char *what = remedy (c, machine);

      json_object_object_add (entry, "class", json_object_new_string (classes[c->ways]));
      json_object_object_add (entry, "type", json_object_new_string (c->type));
      json_object_object_add (entry, "section", json_object_new_string (c->section));
      json_object_object_add (entry, "change", json_object_new_string (c->text));
      if (what != NULL)
        json_object_object_add (entry, "remedy", json_object_new_string (what));
      json_object_array_add (list, entry);
    }
  json_object_object_add (o, "changes", list);
  return o;
}

static const char *
machine_of (struct json_object *all)
{
  struct json_object *machine;

  json_object_object_get_ex (all, "vmschkmachine", &machine);
  return schema_text (machine, "Name");
}

static struct json_object *
read_document (const char *path, struct gwt_error *err)
{
  gsize size = 0;
  g_autofree char *text = tool_read_file (path, FILE_MAX, &size, err);
  struct json_object *all = text != NULL ? schema_parse (text, size, err) : NULL;

  gwt_error_prefix (err, "%s", strcmp (path, "-") == 0 ? "standard input" : path);
  return all;
}

static int
compare (const struct options *o, struct gwt_error *err)
{
  struct json_object *before = read_document (o->words->pdata[0], err);
  struct json_object *after = before != NULL ? read_document (o->words->pdata[1], err) : NULL;
  int status = TOOL_BAD;

  if (after != NULL && strcmp (machine_of (before), machine_of (after)) != 0)
    gwt_error_set (err, GWT_E_INVALID,
                   "one file is of machine type '%s', the other of '%s'; compare one machine type "
                   "in two releases",
                   machine_of (before), machine_of (after));
  else if (after != NULL)
    {
      g_autoptr (GPtrArray) changes = schema_compare (
          before, after, (const struct schema_renames *) (void *) o->renames->data);
      unsigned all = 0;
      guint i;

      for (i = 0; i < changes->len; i++)
        all |= ((const struct schema_change *) changes->pdata[i])->ways;
      status = all == (SCHEMA_FORWARD | SCHEMA_BACKWARD) || (all != 0 && o->strict) ? TOOL_BAD
                                                                                    : TOOL_GOOD;
      if (o->json)
        {
          if (tool_print_json (as_json (changes, machine_of (after), all)) != TOOL_GOOD)
            status = TOOL_BAD;
        }
      else
        {
          print (changes, machine_of (after));
          status = tool_flush (TOOL_GOOD) == TOOL_GOOD ? status : TOOL_BAD;
        }
    }
  json_object_put (after);
  json_object_put (before);
  return status;
}

int
tool_schema_diff (int argc, char **argv)
{
  GWT_AUTO_ERROR (err);
  struct options o = { .renames = g_array_new (TRUE, TRUE, sizeof (struct schema_renames)),
                       .words = g_ptr_array_new () };
  int status = TOOL_BAD;

  if (parse (argc, argv, &o, &err))
    status = compare (&o, &err);
  if (gwt_error_is_set (&err))
    status = tool_fail (&err, "schema-diff");
  g_array_unref (o.renames);
  g_ptr_array_unref (o.words);
  return status;
}
