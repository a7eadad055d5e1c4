/* SPDX-License-Identifier: BSD-2-Clause */
/* QMP commands about network back ends and links. */
#include "config.h"
#include "core/backend/netdev.h"
#include "core/monitor/qmp.h"

static const char *
text_of (struct json_object *args, const char *name)
{
  struct json_object *value;

  return json_object_object_get_ex (args, name, &value) ? json_object_get_string (value) : NULL;
}

static struct json_object *
netdev_add (struct json_object *args, struct gwt_error *err)
{
  return gwt_netdev_add_json (args, err) ? json_object_new_object () : NULL;
}

static struct json_object *
netdev_del (struct json_object *args, struct gwt_error *err)
{
  return gwt_netdev_delete (text_of (args, "id"), err) ? json_object_new_object () : NULL;
}

static struct json_object *
set_link (struct json_object *args, struct gwt_error *err)
{
  struct json_object *up;

  json_object_object_get_ex (args, "up", &up);
  return gwt_netdev_set_link (text_of (args, "name"), json_object_get_boolean (up), err)
             ? json_object_new_object ()
             : NULL;
}

static struct json_object *
query_usernet (struct json_object *args, struct gwt_error *err)
{
  struct json_object *result = json_object_new_object ();
  g_autofree char *text = gwt_netdev_describe_users ();

  json_object_object_add (result, "human-readable-text", json_object_new_string (text));
  return result;
}

static const struct gwt_qmp_arg add_args[] = { { "type", "str", false },
                                               { "id", "str", false },
                                               { GWT_QMP_MORE, "any", true },
                                               { NULL, NULL, false } };
static const struct gwt_qmp_arg id_args[] = { { "id", "str", false }, { NULL, NULL, false } };
static const struct gwt_qmp_arg link_args[]
    = { { "name", "str", false }, { "up", "bool", false }, { NULL, NULL, false } };

static const struct gwt_qmp_command commands[] = {
  { "netdev_add", netdev_add, add_args },
  { "netdev_del", netdev_del, id_args },
  { "set_link", set_link, link_args },
  { "x-query-usernet", query_usernet, NULL },
};

void
gwt_qmp_net_init (void)
{
  gwt_qmp_add_commands (commands, G_N_ELEMENTS (commands));
}
