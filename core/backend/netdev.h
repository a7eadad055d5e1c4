/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network back ends: user (libslirp), tap, stream, dgram.  Devices see them as "gwt.net/1".  All
 * [main] unless said.
 */
#ifndef CORE_BACKEND_NETDEV_H
#define CORE_BACKEND_NETDEV_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <godwit/net.h>
#include "core/util/error.h"

/* "gwt.net/1", how properties find back ends by id, and that they stand still with the guest. */
void gwt_netdev_register_extensions (void);
/* -netdev TYPE,id=ID,... in QEMU's spelling.  Nothing outside the process is touched before
   gwt_netdev_open_all. */
struct gwt_netdev *gwt_netdev_new_option (const char *option, struct gwt_error *err);
/* The same from QMP's arguments of netdev_add, opened. */
struct gwt_netdev *gwt_netdev_add_json (struct json_object *args, struct gwt_error *err);
/* Open those that are not open yet, in order of creation, when the rest of the command line was
   found good. */
bool gwt_netdev_open_all (struct gwt_error *err);
struct gwt_netdev *gwt_netdev_find (const char *id);
/* Ids in order of creation, NULL-terminated; g_free the array. */
const char **gwt_netdev_ids (void);
const char *gwt_netdev_id (struct gwt_netdev *netdev);
bool gwt_netdev_in_use (struct gwt_netdev *netdev);
/* Close and forget; an error while a device uses it. */
bool gwt_netdev_delete (const char *id, struct gwt_error *err);
/* The link of the back end NAME, or of the one that the device NAME uses. */
bool gwt_netdev_set_link (const char *name, bool up, struct gwt_error *err);
/* What the user networks have open, for people; g_free. */
char *gwt_netdev_describe_users (void);
/* Ends all threads; called at every end of the process. */
void gwt_netdev_close_all (void);

#endif
