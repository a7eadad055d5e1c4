/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-machine explain: each property of each device of a machine, its value, who had the last
 * word and who else had a say.  It must not know how that is settled (core/machine/compat.c).
 */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "core/device/type.h"
#include "core/util/text.h"
#include "tools/machine/planned.h"
#include "tools/machine/tool.h"

/* What one of the arguments asks for. */
struct wish
{
  struct gwt_device *device;
  const char *property; /* NULL: all */
};

/* Ids may have dots: the longest id that fits is meant. */
static bool
find_wish (const char *text, struct wish *wish, struct gwt_error *err)
{
  guint count;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  size_t best = 0;
  for (guint i = 0; i < count; i++)
    {
      size_t length = strlen (devices[i]->id);
      g_ptr_array_add (ids, devices[i]->id);
      if (strncmp (text, devices[i]->id, length) != 0 || length <= best
          || (text[length] != '\0' && text[length] != '.'))
        continue;
      best = length;
      wish->device = devices[i];
      wish->property = text[length] == '.' ? text + length + 1 : NULL;
    }
  g_ptr_array_add (ids, NULL);
  if (best == 0)
    {
      g_autofree char *near = gwt_did_you_mean (text, (const char *const *) ids->pdata);
      gwt_error_set (err, GWT_E_NOT_FOUND, "'%s': the machine has no such device%s", text,
                     near[0] != '\0' ? near : "; leave it out to see them all");
      return false;
    }
  const struct gwt_type *type = wish->device->type;
  if (wish->property == NULL || gwt_type_property (type, wish->property) != NULL)
    return true;
  g_autofree const char **names = gwt_type_property_names (type);
  g_autofree char *near = gwt_did_you_mean (wish->property, names);
  gwt_error_set (err, GWT_E_NOT_FOUND, "'%s': type '%s' has no property '%s'%s", text,
                 type->d.name, wish->property,
                 near[0] != '\0' ? near : "; leave it out to see them all");
  return false;
}

static struct json_object *
device_json (const struct wish *wish, struct gwt_error *err)
{
  struct json_object *list = gwt_device_explain (wish->device, wish->property, err);
  if (list == NULL)
    return NULL;
  struct json_object *o = json_object_new_object ();
  json_object_object_add (o, "device", json_object_new_string (wish->device->id));
  json_object_object_add (o, "type", json_object_new_string (wish->device->type->d.name));
  json_object_object_add (o, "properties", list);
  return o;
}

static bool
print_text (const struct wish *wish, struct gwt_error *err)
{
  g_autofree const char **names = gwt_type_property_names (wish->device->type);
  printf ("%s (%s)\n", wish->device->id, wish->device->type->d.name);
  for (guint i = 0; names[i] != NULL; i++)
    if (wish->property == NULL || strcmp (names[i], wish->property) == 0)
      {
        g_autofree char *line = gwt_device_explain_text (wish->device, names[i], err);
        if (line == NULL)
          return false;
        printf ("  %s\n", line);
      }
  return true;
}

static GArray *
wishes (const struct planned *p, struct gwt_error *err)
{
  GArray *list = g_array_new (FALSE, TRUE, sizeof (struct wish));
  for (guint i = 0; i < p->rest->len && !gwt_error_is_set (err); i++)
    {
      struct wish wish = { NULL, NULL };
      if (find_wish (g_ptr_array_index (p->rest, i), &wish, err))
        g_array_append_val (list, wish);
    }
  if (p->rest->len > 0)
    return list;
  guint count;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);
  for (guint i = 0; i < count; i++)
    {
      struct wish wish = { devices[i], NULL };
      g_array_append_val (list, wish);
    }
  return list;
}

static bool
show (const struct planned *p, struct gwt_error *err)
{
  g_autoptr (GArray) list = wishes (p, err);
  struct json_object *all = json_object_new_array ();
  for (guint i = 0; i < list->len && !gwt_error_is_set (err); i++)
    {
      const struct wish *wish = &g_array_index (list, struct wish, i);
      struct json_object *one = p->json ? device_json (wish, err) : NULL;
      if (one != NULL)
        json_object_array_add (all, one);
      else if (!p->json)
        print_text (wish, err);
    }
  if (p->json && !gwt_error_is_set (err))
    return tool_print_json (all) == TOOL_GOOD;
  json_object_put (all);
  return !gwt_error_is_set (err);
}

int
tool_explain (int argc, char **argv)
{
  struct planned p;
  GWT_AUTO_ERROR (err);
  bool good = planned_init (&p, argc, argv, &err) && planned_make (&p, &err) && show (&p, &err);
  planned_clear (&p);
  if (gwt_error_is_set (&err))
    return tool_fail (&err, "explain");
  return tool_flush (good ? TOOL_GOOD : TOOL_BAD);
}
