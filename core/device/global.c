/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "-global": values for every device of a type.  Owns the list and which of it was used; what no
 * device used is an error, since nothing that a user gives is ignored.
 */
#include "config.h"
#include "core/device/spec.h"
#include <string.h>
#include "core/util/text.h"

struct global
{
  char *option; /* as typed */
  char *type, *property, *value;
  bool used;
};

static GPtrArray *globals;

static void
global_free (struct global *g)
{
  g_free (g->option);
  g_free (g->type);
  g_free (g->property);
  g_free (g->value);
  g_free (g);
}

/* QEMU's long form, for values and types with a dot in them: driver=TYPE,property=PROP,value=VALUE.
 */
static bool
parse_long (struct global *g, const char *text)
{
  const char *property = strstr (text, ",property=");
  const char *value = property != NULL ? strstr (property, ",value=") : NULL;
  if (value == NULL)
    return false;
  const char *type = text + strlen ("driver=");
  g->type = g_strndup (type, (gsize)(property - type));
  property += strlen (",property=");
  g->property = g_strndup (property, (gsize)(value - property));
  g->value = g_strdup (value + strlen (",value="));
  return true;
}

static bool
parse_short (struct global *g, const char *text)
{
  const char *dot = strchr (text, '.');
  const char *equals = dot != NULL ? strchr (dot, '=') : NULL;
  if (equals == NULL)
    return false;
  g->type = g_strndup (text, (gsize)(dot - text));
  g->property = g_strndup (dot + 1, (gsize)(equals - dot - 1));
  g->value = g_strdup (equals + 1);
  return true;
}

static struct global *
parse (const char *text, struct gwt_error *err)
{
  struct global *g = g_new0 (struct global, 1);
  bool good = g_str_has_prefix (text, "driver=") ? parse_long (g, text) : parse_short (g, text);
  if (!good)
    gwt_error_set (err, GWT_E_INVALID, "'%s' is no global value; write TYPE.PROPERTY=VALUE", text);
  else if (!gwt_name_is_valid (g->type) || !gwt_name_is_valid (g->property))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "'%s' names no type and property; their names are [a-z][a-z0-9-]*", text);
      good = false;
    }
  if (good)
    return g;
  global_free (g);
  return NULL;
}

bool
gwt_global_split (const char *text, char **type, char **property, char **value,
                  struct gwt_error *err)
{
  struct global *g = parse (text, err);
  if (g == NULL)
    return false;
  *type = g_steal_pointer (&g->type);
  *property = g_steal_pointer (&g->property);
  *value = g_steal_pointer (&g->value);
  global_free (g);
  return true;
}

bool
gwt_global_add (const char *text, struct gwt_error *err)
{
  struct global *g = parse (text, err);
  if (g == NULL)
    return false;
  g->option = g_strdup_printf ("-global %s", text);
  if (globals == NULL)
    globals = g_ptr_array_new ();
  g_ptr_array_add (globals, g);
  return true;
}

bool
gwt_globals_apply (struct gwt_device *device, struct gwt_error *err)
{
  for (guint i = 0; globals != NULL && i < globals->len; i++)
    {
      struct global *g = globals->pdata[i];
      if (!gwt_type_is_a (device->type, g->type))
        continue;
      /* A parent's children need not all have what some of them have; a type itself must. */
      if (strcmp (device->type->d.name, g->type) != 0
          && gwt_type_property (device->type, g->property) == NULL)
        continue;
      if (!gwt_device_set (device, g->property, g->value, GWT_SOURCE_GLOBAL, g->option, err))
        {
          gwt_error_prefix (err, "%s", g->option);
          return false;
        }
      g->used = true;
    }
  return true;
}

/* Names that the machine's devices would have answered to. */
static char *
type_hint (const char *wrong)
{
  guint count;
  g_autofree struct gwt_device **list = gwt_device_list (&count);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (guint i = 0; i < count; i++)
    if (!g_ptr_array_find_with_equal_func (names, list[i]->type->d.name, g_str_equal, NULL))
      g_ptr_array_add (names, (gpointer)list[i]->type->d.name);
  g_ptr_array_add (names, NULL);
  return gwt_did_you_mean (wrong, (const char *const *)names->pdata);
}

bool
gwt_globals_check_used (struct gwt_error *err)
{
  for (guint i = 0; globals != NULL && i < globals->len; i++)
    {
      struct global *g = globals->pdata[i];
      if (g->used)
        continue;
      g_autofree char *hint = type_hint (g->type);
      gwt_error_set (err, GWT_E_INVALID,
                     "%s: no device of this machine is of type '%s' and has '%s'%s", g->option,
                     g->type, g->property, hint[0] != '\0' ? hint : "; remove the option");
      return false;
    }
  return true;
}

void
gwt_globals_clear (void)
{
  for (guint i = 0; globals != NULL && i < globals->len; i++)
    global_free (globals->pdata[i]);
  if (globals != NULL)
    g_ptr_array_set_size (globals, 0);
}
