/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns what -netdev and -nic mean: which network back ends there are, and that each has a device.
 * It makes and judges them; core/backend opens them.
 */
#include "config.h"
#include <string.h>
#include "core/backend/netdev.h"
#include "core/cli/start.h"
#include "core/util/log.h"

/* Length of TEXT's first item: up to a comma that is not doubled. */
static size_t
item_length (const char *text)
{
  size_t length = 0;

  while (text[length] && (text[length] != ',' || text[length + 1] == ','))
    length += text[length] == ',' ? 2 : 1;
  return length;
}

/* The texts of -netdev and -device that NIC number N stands for. */
static bool
expand (const char *nic, guint n, char **netdev, char **device, struct gwt_error *err)
{
  g_autofree char *model = NULL, *mac = NULL, *id = NULL;
  GString *rest = g_string_new (NULL);
  const char *at = nic;

  while (*at)
    {
      g_autofree char *item = g_strndup (at, item_length (at));
      char **place = g_str_has_prefix (item, "model=") ? &model
                     : g_str_has_prefix (item, "mac=") ? &mac
                     : g_str_has_prefix (item, "id=")  ? &id
                                                       : NULL;

      at += strlen (item);
      at += *at == ',';
      if (place && *place)
        gwt_error_set (err, GWT_E_INVALID, "-nic: '%s': '%s' is said twice; say it once", nic,
                       item);
      if (place && !*place)
        *place = g_strdup (strchr (item, '=') + 1);
      else
        g_string_append_printf (rest, "%s%s", rest->len ? "," : "", item);
    }
  if (!model || !*model)
    gwt_error_set (err, GWT_E_INVALID,
                   "-nic: '%s': no device is said; add model=, such as model=virtio-net-pci", nic);
  if (!id)
    id = g_strdup_printf ("nic%u", n);
  *netdev = g_strdup_printf ("%s,id=%s", rest->str, id);
  *device = g_strdup_printf ("%s,netdev=%s%s%s", model ? model : "", id, mac ? ",mac=" : "",
                             mac ? mac : "");
  g_string_free (rest, TRUE);
  return !gwt_error_is_set (err);
}

/* Lists end with NULL. */
static void
append (struct gwt_options *o, GPtrArray *list, char *text)
{
  g_ptr_array_add (o->expanded, text);
  g_ptr_array_insert (list, (gint) list->len - 1, text);
}

bool
gwt_cli_expand_nics (struct gwt_options *o, struct gwt_error *err)
{
  for (guint i = 0; i + 1 < o->nics->len; i++)
    {
      const char *nic = g_ptr_array_index (o->nics, i);
      char *netdev = NULL, *device = NULL;
      bool good;

      if (strcmp (nic, "none") == 0)
        continue;
      good = expand (nic, i, &netdev, &device, err);
      if (good)
        gwt_log (GWT_LOG_INFO, "-nic %s stands for -netdev %s -device %s", nic, netdev, device);
      append (o, o->netdevs, netdev);
      append (o, o->devices, device);
      if (!good)
        return false;
    }
  return true;
}

bool
gwt_cli_make_netdevs (const struct gwt_options *o, struct gwt_error *err)
{
  for (guint i = 0; i + 1 < o->netdevs->len; i++)
    if (gwt_netdev_new_option (g_ptr_array_index (o->netdevs, i), err) == NULL)
      {
        gwt_error_prefix (err, "-netdev");
        return false;
      }
  return true;
}

bool
gwt_cli_check_netdevs_used (struct gwt_error *err)
{
  g_autofree const char **ids = gwt_netdev_ids ();

  for (guint i = 0; ids[i] != NULL; i++)
    if (!gwt_netdev_in_use (gwt_netdev_find (ids[i])))
      {
        gwt_error_set (err, GWT_E_INVALID,
                       "-netdev: '%s': nothing uses it; add a -device with netdev=%s, or leave it "
                       "out",
                       ids[i], ids[i]);
        return false;
      }
  return true;
}
