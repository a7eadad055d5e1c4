/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns walking the command line by the table of options.c, and the help text made of it.  It must
 * not act.
 */
#include "config.h"
#include <string.h>
#include "core/cli/options.h"
#include "core/util/text.h"

static bool
has_name (const struct gwt_option *option, const char *name)
{
  size_t length = strlen (name);
  for (const char *at = option->names; at != NULL; at = strchr (at, '|'))
    {
      at += *at == '|';
      if (strncmp (at, name, length) == 0 && (at[length] == '\0' || at[length] == '|'))
        return true;
    }
  return false;
}

static bool
unknown (const char *given, struct gwt_error *err)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (const struct gwt_option *o = gwt_option_table; o->names != NULL; o++)
    {
      g_auto (GStrv) each = g_strsplit (o->names, "|", -1);
      for (guint i = 0; each[i] != NULL && o->kind != GWT_OPTION_ABSENT; i++)
        g_ptr_array_add (names, g_strdup_printf ("-%s", each[i]));
    }
  g_ptr_array_add (names, NULL);
  g_autofree char *near = gwt_nearest_names (given, (const char *const *) names->pdata);
  gwt_error_set (err, GWT_E_NOT_FOUND, "'%s': no such option; %s%s", given,
                 near != NULL ? "did you mean " : "-help lists them", near != NULL ? near : "");
  return false;
}

static GPtrArray **
list_at (struct gwt_options *options, const struct gwt_option *option)
{
  return (GPtrArray **) (void *) ((char *) options + option->offset);
}

static bool
take (struct gwt_options *options, const struct gwt_option *option, const char *name,
      const char *argument, struct gwt_error *err)
{
  void *place = (char *) options + option->offset;
  switch (option->kind)
    {
    case GWT_OPTION_FLAG:
      *(bool *) place = true;
      return true;
    case GWT_OPTION_TEXT:
      if (*(const char **) place != NULL)
        {
          gwt_error_set (err, GWT_E_INVALID, "-%s: '%s': given twice ('%s' before); give it once",
                         name, argument, *(const char **) place);
          return false;
        }
      *(const char **) place = argument;
      return true;
    case GWT_OPTION_LIST:
      g_ptr_array_add (*list_at (options, option), (gpointer) argument);
      return true;
    case GWT_OPTION_CALL:
      return option->call (options, argument, err);
    case GWT_OPTION_ABSENT:
      gwt_error_set (err, GWT_E_UNSUPPORTED, "-%s: not in this release: %s%s", name, option->doc,
                     strchr (option->doc, ';') == NULL ? "; leave it out" : "");
      return false;
    }
  return false;
}

static bool
parse (struct gwt_options *options, int argc, char **argv, struct gwt_error *err)
{
  for (int i = 1; i < argc; i++)
    {
      const char *given = argv[i], *argument = NULL;
      if (given[0] != '-' || given[1] == '\0')
        {
          gwt_error_set (err, GWT_E_INVALID,
                         "'%s': not an option; disk images and the like are named by "
                         "options, see -help",
                         given);
          return false;
        }
      const char *name = given + 1 + (given[1] == '-');
      const struct gwt_option *option = gwt_option_table;
      while (option->names != NULL && !has_name (option, name))
        option++;
      if (option->names == NULL || strchr (name, '|') != NULL || name[0] == '\0')
        return unknown (given, err);
      if (option->argument != NULL && option->kind != GWT_OPTION_ABSENT)
        {
          if (i + 1 == argc)
            {
              gwt_error_set (err, GWT_E_INVALID, "-%s: its argument is missing; give %s", name,
                             option->argument);
              return false;
            }
          argument = argv[++i];
        }
      if (!take (options, option, name, argument, err))
        return false;
    }
  return true;
}

bool
gwt_options_parse (struct gwt_options *options, int argc, char **argv, struct gwt_error *err)
{
  *options = (struct gwt_options){ 0 };
  for (const struct gwt_option *o = gwt_option_table; o->names != NULL; o++)
    if (o->kind == GWT_OPTION_LIST)
      *list_at (options, o) = g_ptr_array_new ();
  options->expanded = g_ptr_array_new_with_free_func (g_free);
  bool good = parse (options, argc, argv, err);
  /* Lists are read as NULL-terminated arrays. */
  for (const struct gwt_option *o = gwt_option_table; o->names != NULL; o++)
    if (o->kind == GWT_OPTION_LIST)
      g_ptr_array_add (*list_at (options, o), NULL);
  return good;
}

void
gwt_options_clear (struct gwt_options *options)
{
  for (const struct gwt_option *o = gwt_option_table; o->names != NULL; o++)
    if (o->kind == GWT_OPTION_LIST)
      g_ptr_array_unref (*list_at (options, o));
  g_ptr_array_unref (options->expanded);
}

char *
gwt_options_help (void)
{
  GString *text = g_string_new ("usage: godwit -M NAME [option...]\n");
  const char *group = NULL;
  for (const struct gwt_option *o = gwt_option_table; o->names != NULL; o++)
    {
      if (o->kind == GWT_OPTION_ABSENT)
        continue;
      if (group != o->group)
        g_string_append_printf (text, "\n%s:\n", o->group);
      group = o->group;
      g_auto (GStrv) names = g_strsplit (o->names, "|", -1);
      GString *left = g_string_new (NULL);
      for (guint i = 0; names[i] != NULL; i++)
        g_string_append_printf (left, "%s-%s", i > 0 ? ", " : "", names[i]);
      if (o->argument != NULL)
        g_string_append_printf (left, " %s", o->argument);
      if (left->len > 28)
        g_string_append_printf (text, "  %s\n  %-28s %s\n", left->str, "", o->doc);
      else
        g_string_append_printf (text, "  %-28s %s\n", left->str, o->doc);
      g_string_free (left, TRUE);
    }
  g_string_append (text, "\nEvery option may also be written with two dashes.\n");
  return g_string_free (text, FALSE);
}
