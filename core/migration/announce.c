/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Announcements after a move: switches learn from them which way the guest's addresses are now.
 * Devices that can make them, or ask the guest to, have a method "bool announce()".  Several
 * rounds, for one frame may be lost while the network is still busy with the move.  Knows nothing
 * of networks.
 */
#include "config.h"
#include "core/migration/announce.h"

#include <glib.h>
#include <string.h>

#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/migration/params.h"
#include "core/util/log.h"

#define METHOD "bool announce()"

static struct gwt_announce_params now;
static uint64_t done; /* rounds */
static guint timer;
static bool awaited, listening;

static bool
can_announce (const struct gwt_device *device)
{
  for (; device != NULL; device = device->base)
    for (uint64_t i = 0; i < device->type->d.n_methods; i++)
      if (strcmp (device->type->methods[i].signature, METHOD) == 0)
        return true;
  return false;
}

static void
ask_all (void)
{
  guint count;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);
  for (guint i = 0; i < count; i++)
    if (devices[i]->realized && can_announce (devices[i]))
      {
        GWT_AUTO_ERROR (err);
        struct json_object *args = json_object_new_array (), *result;
        if (gwt_device_call (devices[i], "announce", args, &result, &err))
          json_object_put (result);
        else
          gwt_log (GWT_LOG_WARN, "%s", err.text);
        json_object_put (args);
      }
}

static gboolean
next_round (gpointer data)
{
  timer = 0;
  /* A guest that stands would announce itself late, perhaps after it has gone elsewhere. */
  if (gwt_runstate () == GWT_RUNSTATE_RUNNING)
    ask_all ();
  done++;
  if (done < now.rounds)
    timer = g_timeout_add ((guint) MIN (now.initial + (done - 1) * now.step, now.max), next_round,
                           NULL);
  return G_SOURCE_REMOVE;
}

void
gwt_announce (const struct gwt_announce_params *params)
{
  gwt_announce_finish ();
  if (params != NULL)
    now = *params;
  else
    now = (struct gwt_announce_params){
      .initial = gwt_migration_param (GWT_PARAM_ANNOUNCE_INITIAL),
      .max = gwt_migration_param (GWT_PARAM_ANNOUNCE_MAX),
      .rounds = gwt_migration_param (GWT_PARAM_ANNOUNCE_ROUNDS),
      .step = gwt_migration_param (GWT_PARAM_ANNOUNCE_STEP),
    };
  done = 0;
  if (now.rounds > 0)
    next_round (NULL);
}

static void
on_run_event (const char *event, enum gwt_shutdown_cause cause, void *data)
{
  if (awaited && strcmp (event, "RESUME") == 0)
    {
      awaited = false;
      gwt_announce (NULL);
    }
}

void
gwt_announce_when_running (void)
{
  if (!listening)
    gwt_run_add_listener (on_run_event, NULL);
  listening = awaited = true;
}

void
gwt_announce_finish (void)
{
  if (timer != 0)
    g_source_remove (timer);
  timer = 0;
  awaited = false;
}
