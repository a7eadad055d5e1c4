/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "gwt.event/1": events come from any thread and leave from the main loop's, in order.  Those of
 * which only the last counts are held back so that a guest cannot flood clients.  It must not know
 * what an event means, nor who listens.
 */
#include "config.h"
#include "core/device/event.h"
#include <glib.h>
#include <string.h>
#include "core/device/device.h"
#include "core/util/extension.h"
#include "core/util/json.h"
#include "core/util/log.h"

#define INTERVAL_MS 1000

struct event
{
  char *key; /* device and name, where only the last counts; else NULL */
  char *name;
  char *data;
};

/* One that only counts in its last state, and was sent less than INTERVAL_MS ago. */
struct held
{
  struct event *next; /* what to send when the time is over */
  guint timer;
};

static GMutex lock; /* a leaf */
static GQueue queue = G_QUEUE_INIT;
static GSource *idle;
static GHashTable *held; /* [main] key -> struct held */
static gwt_event_listener listener;

static void
event_free (struct event *e)
{
  if (e == NULL)
    return;
  g_free (e->key);
  g_free (e->name);
  g_free (e->data);
  g_free (e);
}

static void
held_free (gpointer data)
{
  struct held *h = data;
  event_free (h->next);
  if (h->timer != 0)
    g_source_remove (h->timer);
  g_free (h);
}

/* Takes E. */
static void
tell (struct event *e)
{
  GWT_AUTO_ERROR (err);
  struct json_object *data = NULL;
  if (e->data != NULL)
    data = gwt_json_parse (e->data, strlen (e->data), &err);
  if (gwt_error_is_set (&err))
    gwt_log (GWT_LOG_ERROR, "event %s: a plugin's data is no JSON: %s", e->name, err.text);
  else if (listener != NULL)
    listener (e->name, data);
  else
    json_object_put (data);
  event_free (e);
}

static gboolean
on_interval_over (gpointer key)
{
  struct held *h = g_hash_table_lookup (held, key);
  struct event *e = h->next;
  h->next = NULL;
  if (e != NULL)
    {
      tell (e);
      return G_SOURCE_CONTINUE;
    }
  h->timer = 0;
  g_hash_table_remove (held, key);
  return G_SOURCE_REMOVE;
}

/* Takes E. */
static void
tell_or_hold (struct event *e)
{
  struct held *h = e->key != NULL ? g_hash_table_lookup (held, e->key) : NULL;
  if (h != NULL)
    {
      event_free (h->next);
      h->next = e;
      return;
    }
  if (e->key != NULL)
    {
      char *key = g_strdup (e->key);
      h = g_new0 (struct held, 1);
      g_hash_table_insert (held, key, h);
      h->timer = g_timeout_add (INTERVAL_MS, on_interval_over, key);
    }
  tell (e);
}

static gboolean
on_idle (gpointer data)
{
  for (;;)
    {
      g_mutex_lock (&lock);
      struct event *e = g_queue_pop_head (&queue);
      if (e == NULL)
        {
          g_source_unref (idle);
          idle = NULL;
        }
      g_mutex_unlock (&lock);
      if (e == NULL)
        return G_SOURCE_REMOVE;
      tell_or_hold (e);
    }
}

/* Under the lock.  One that waits and is outdated by one with KEY goes, so that the queue does not
   grow however fast a guest is. */
static void
drop_outdated (const char *key)
{
  for (GList *l = queue.head; key != NULL && l != NULL; l = l->next)
    {
      struct event *e = l->data;
      if (g_strcmp0 (e->key, key) != 0)
        continue;
      event_free (e);
      g_queue_delete_link (&queue, l);
      return;
    }
}

static void
api_emit (struct gwt_device *device, const char *name, const char *data, uint64_t flags)
{
  struct event *e = g_new0 (struct event, 1);
  if (flags & GWT_EVENT_LATEST)
    e->key = g_strdup_printf ("%s %s", device->path, name);
  e->name = g_strdup (name);
  e->data = g_strdup (data);
  g_mutex_lock (&lock);
  drop_outdated (e->key);
  g_queue_push_tail (&queue, e);
  if (idle == NULL)
    {
      idle = g_idle_source_new ();
      g_source_set_priority (idle, G_PRIORITY_DEFAULT);
      g_source_set_callback (idle, on_idle, NULL, NULL);
      g_source_attach (idle, NULL);
    }
  g_mutex_unlock (&lock);
}

void
gwt_event_set_listener (gwt_event_listener fn)
{
  listener = fn;
}

void
gwt_event_clear (void)
{
  listener = NULL;
  g_mutex_lock (&lock);
  if (idle != NULL)
    {
      g_source_destroy (idle);
      g_source_unref (idle);
      idle = NULL;
    }
  for (struct event *e; (e = g_queue_pop_head (&queue)) != NULL;)
    event_free (e);
  g_mutex_unlock (&lock);
  if (held != NULL)
    g_hash_table_remove_all (held);
}

void
gwt_event_register_extensions (void)
{
  static const struct gwt_event_api api = { .struct_size = sizeof api, .emit = api_emit };
  GWT_AUTO_ERROR (err);
  if (gwt_extension_find (GWT_EVENT_EXT) != NULL)
    return;
  held = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, held_free);
  if (!gwt_extension_add (GWT_EVENT_EXT, &api, "host", &err))
    gwt_error_report (&err, "internal");
}
