/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network back ends: the list of them, the thread of each queue pair, the device's end.  It must
 * not know how a frame gets out of the process (netdev-*.c).
 *
 * Frames wait where they are, in a kernel's queue or in the kind's own, until the device takes
 * them.  A device that is called is called with its queue's lock held, so that hold () is that
 * lock's business; flush () alone comes without it, so that nobody waits for interrupts.
 */
#include "config.h"
#include "core/backend/netdev.h"
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/backend/netdev-internal.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/device/lock.h"
#include "core/util/extension.h"
#include "core/util/log.h"
#include "core/util/text.h"

static GPtrArray *netdevs; /* [main], in order of creation */

/* ---- the thread ------------------------------------------------------------------------------ */

void
net_kick (struct net_queue *q)
{
  uint64_t one = 1;

  if (!g_atomic_int_exchange (&q->kicked, 1) && write (q->event, &one, sizeof one) < 0)
    { /* full: it is awake already */
    }
}

bool
net_is_flowing (struct net_queue *q)
{
  return q->netdev->device && q->index < q->netdev->n_used && g_atomic_int_get (&q->holds) == 0;
}

void
net_deliver (struct net_queue *q)
{
  struct gwt_netdev *n = q->netdev;

  if (q->starved || !net_is_flowing (q))
    return;
  q->empty = false;
  q->flush = true;
  n->client.receive (n->device->instance, q->index);
  if (!q->empty)
    q->starved = true;
}

static void
discard (struct net_queue *q)
{
  const struct gwt_iovec iov = { q->scratch, GWT_NET_FRAME_MAX };

  /* A turn at most: a peer may send for ever. */
  for (guint i = 0; i < 1000 && q->netdev->kind->receive (q, &iov, 1) != 0; i++)
    ;
}

/* Under the lock. */
static void
serve (struct net_queue *q, bool kicked)
{
  struct gwt_netdev *n = q->netdev;
  bool room = q->full && !q->blocked;

  q->starved = q->starved && !kicked;
  if (!g_atomic_int_get (&n->link_up))
    discard (q);
  else
    net_deliver (q);
  if ((kicked || room) && net_is_flowing (q))
    {
      q->full = false;
      q->flush = true;
      n->client.transmit (n->device->instance, q->index);
    }
}

static void
flush (struct net_queue *q)
{
  struct gwt_device *device;

  g_mutex_lock (&q->flush_lock);
  g_mutex_lock (&q->lock);
  device = q->netdev->device;
  g_mutex_unlock (&q->lock);
  if (device && q->index < q->netdev->n_used)
    q->netdev->client.flush (device->instance, q->index);
  g_mutex_unlock (&q->flush_lock);
}

static gpointer
queue_thread (gpointer opaque)
{
  struct net_queue *q = opaque;
  const struct netdev_kind *kind = q->netdev->kind;
  bool kicked = false;

  gwt_lock_io_thread (true);
  while (!g_atomic_int_get (&q->quit))
    {
      struct pollfd event = { .fd = q->event, .events = POLLIN };
      bool flush_now, stopped = g_atomic_int_get (&q->netdev->stopped);
      uint64_t count;
      int timeout = -1;

      g_array_set_size (q->fds, 0);
      g_array_append_val (q->fds, event);
      if (!stopped)
        timeout = kind->prepare (q, !q->starved && net_is_flowing (q));
      if (!stopped && kicked)
        timeout = 0;
      if (poll ((struct pollfd *) (void *) q->fds->data, q->fds->len, timeout) < 0
          && errno != EINTR)
        {
          gwt_log (GWT_LOG_ERROR, "network back end '%s': it ends: cannot wait (%s)", q->netdev->id,
                   g_strerror (errno));
          break;
        }
      if (g_atomic_int_get (&q->kicked))
        {
          kicked = true;
          if (read (q->event, &count, sizeof count) < 0)
            { /* the kick is about to come */
            }
          g_atomic_int_set (&q->kicked, 0);
        }
      /* A kick is kept until the guest goes on. */
      if (stopped)
        continue;
      g_mutex_lock (&q->lock);
      kind->ready (q);
      serve (q, kicked);
      kicked = false;
      flush_now = q->flush;
      q->flush = false;
      g_mutex_unlock (&q->lock);
      if (flush_now)
        flush (q);
    }
  return NULL;
}

/* ---- holding --------------------------------------------------------------------------------- */

/* Its owner waits for nobody: the threads of back ends never wait for the machine lock. */
static void
wait_for (GMutex *mutex)
{
  g_mutex_lock (mutex);
  g_mutex_unlock (mutex);
}

static void
hold (struct gwt_netdev *n, uint32_t queue)
{
  if (queue >= n->info.queues)
    return;
  g_atomic_int_inc (&n->queues[queue].holds);
  wait_for (&n->queues[queue].lock);
}

static void
release (struct gwt_netdev *n, uint32_t queue)
{
  if (queue < n->info.queues && g_atomic_int_dec_and_test (&n->queues[queue].holds))
    net_kick (&n->queues[queue]);
}

/* The guest's memory stands still while the guest does, and so do a user network's clocks. */
static void
set_stopped (struct gwt_netdev *n, bool stopped)
{
  uint32_t i;

  if (g_atomic_int_get (&n->stopped) == stopped)
    return;
  g_atomic_int_set (&n->stopped, stopped);
  for (i = 0; i < n->info.queues; i++)
    {
      if (stopped)
        hold (n, i);
      else
        release (n, i);
      net_kick (&n->queues[i]);
    }
}

static void
on_run_event (const char *event, enum gwt_shutdown_cause cause, void *data)
{
  bool stop = strcmp (event, "STOP") == 0;

  if (!stop && strcmp (event, "RESUME") != 0)
    return;
  for (guint i = 0; netdevs && i < netdevs->len; i++)
    set_stopped (g_ptr_array_index (netdevs, i), stop);
}

/* ---- the list -------------------------------------------------------------------------------- */

static void
netdev_free (struct gwt_netdev *n)
{
  if (n->data)
    n->kind->free (n);
  for (uint32_t i = 0; n->queues && i < n->info.queues; i++)
    {
      struct net_queue *q = &n->queues[i];

      if (q->event >= 0)
        close (q->event);
      g_mutex_clear (&q->lock);
      g_mutex_clear (&q->flush_lock);
      g_array_unref (q->fds);
      g_free (q->scratch);
    }
  g_free (n->queues);
  gwt_netdev_options_free (n->options);
  g_free (n->id);
  g_free (n);
}

static bool
make_queues (struct gwt_netdev *n, struct gwt_error *err)
{
  n->queues = g_new0 (struct net_queue, n->info.queues);
  for (uint32_t i = 0; i < n->info.queues; i++)
    {
      struct net_queue *q = &n->queues[i];

      q->netdev = n;
      q->index = i;
      q->holds = n->stopped;
      q->event = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
      g_mutex_init (&q->lock);
      g_mutex_init (&q->flush_lock);
      q->fds = g_array_new (FALSE, TRUE, sizeof (struct pollfd));
      q->scratch = g_malloc (GWT_NET_FRAME_MAX);
      if (q->event < 0)
        gwt_error_set (err, GWT_E_IO, "the host has no file descriptors left (%s); allow more",
                       g_strerror (errno));
    }
  return !gwt_error_is_set (err);
}

/* Takes OPTIONS. */
static struct gwt_netdev *
netdev_new (struct gwt_netdev_options *options, struct gwt_error *err)
{
  const struct netdev_kind *kind = gwt_netdev_kind (options->type, err);
  struct gwt_netdev *n = g_new0 (struct gwt_netdev, 1);
  const char *id;

  n->options = options;
  n->kind = kind;
  n->info.struct_size = sizeof n->info;
  n->info.queues = 1;
  n->link_up = 1;
  n->stopped = gwt_runstate () != GWT_RUNSTATE_RUNNING;
  id = kind ? net_option (n, "id") : NULL;
  if (kind && !id)
    gwt_error_set (err, GWT_E_INVALID, "'%s' has no id; add id=NAME", kind->type);
  else if (id && !gwt_id_is_valid (id))
    gwt_error_set (err, GWT_E_INVALID,
                   "id '%s' is malformed; use a letter, then letters, digits, '-', '_' and '.'",
                   id);
  else if (id && gwt_netdev_find (id))
    gwt_error_set (err, GWT_E_EXISTS, "id '%s' is taken; use another one", id);
  n->id = g_strdup (id);
  if (!gwt_error_is_set (err) && !kind->parse (n, err))
    gwt_error_prefix (err, "'%s'", id);
  if (gwt_error_is_set (err) || !make_queues (n, err))
    {
      netdev_free (n);
      return NULL;
    }
  if (!netdevs)
    netdevs = g_ptr_array_new ();
  g_ptr_array_add (netdevs, n);
  return n;
}

struct gwt_netdev *
gwt_netdev_new_option (const char *option, struct gwt_error *err)
{
  struct gwt_netdev_options *options = gwt_netdev_options_from_text (option, err);

  return options ? netdev_new (options, err) : NULL;
}

struct gwt_netdev *
gwt_netdev_find (const char *id)
{
  for (guint i = 0; id && netdevs && i < netdevs->len; i++)
    {
      struct gwt_netdev *n = g_ptr_array_index (netdevs, i);

      if (strcmp (n->id, id) == 0)
        return n;
    }
  return NULL;
}

const char **
gwt_netdev_ids (void)
{
  guint count = netdevs ? netdevs->len : 0;
  const char **ids = g_new0 (const char *, count + 1);

  for (guint i = 0; i < count; i++)
    ids[i] = ((struct gwt_netdev *) g_ptr_array_index (netdevs, i))->id;
  return ids;
}

const char *
gwt_netdev_id (struct gwt_netdev *n)
{
  return n->id;
}

bool
gwt_netdev_in_use (struct gwt_netdev *n)
{
  return n->device != NULL;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void
netdev_close (struct gwt_netdev *n)
{
  for (uint32_t i = 0; i < n->info.queues; i++)
    {
      g_atomic_int_set (&n->queues[i].quit, 1);
      net_kick (&n->queues[i]);
    }
  for (uint32_t i = 0; i < n->info.queues; i++)
    {
      GThread *thread = g_steal_pointer (&n->queues[i].thread);

      if (thread)
        g_thread_join (thread);
    }
  if (n->opened)
    n->kind->close (n);
  n->opened = false;
}

static bool
netdev_open (struct gwt_netdev *n, struct gwt_error *err)
{
  n->opened = true;
  if (!n->kind->open (n, err))
    {
      gwt_error_prefix (err, "'%s'", n->id);
      return false;
    }
  for (uint32_t i = 0; i < n->info.queues; i++)
    {
      g_autofree char *name = g_strdup_printf ("net %s", n->id);
      g_autoptr (GError) error = NULL;

      n->queues[i].thread = g_thread_try_new (name, queue_thread, &n->queues[i], &error);
      if (!n->queues[i].thread)
        {
          gwt_error_set (err, GWT_E_IO, "'%s': the host has no thread for it (%s); allow more",
                         n->id, error->message);
          return false;
        }
    }
  return true;
}

bool
gwt_netdev_open_all (struct gwt_error *err)
{
  for (guint i = 0; netdevs && i < netdevs->len; i++)
    {
      struct gwt_netdev *n = g_ptr_array_index (netdevs, i);

      if (!n->opened && !netdev_open (n, err))
        {
          gwt_error_prefix (err, "-netdev");
          return false;
        }
    }
  return true;
}

static void
forget (struct gwt_netdev *n)
{
  netdev_close (n);
  g_ptr_array_remove (netdevs, n);
  netdev_free (n);
}

struct gwt_netdev *
gwt_netdev_add_json (struct json_object *args, struct gwt_error *err)
{
  struct gwt_netdev_options *options = gwt_netdev_options_from_json (args, err);
  struct gwt_netdev *n = options ? netdev_new (options, err) : NULL;

  if (n && !netdev_open (n, err))
    {
      forget (n);
      return NULL;
    }
  return n;
}

bool
gwt_netdev_delete (const char *id, struct gwt_error *err)
{
  struct gwt_netdev *n = gwt_netdev_find (id);

  if (!n)
    gwt_error_set (err, GWT_E_NOT_FOUND, "there is no network back end '%s'; see -netdev", id);
  else if (n->device)
    gwt_error_set (err, GWT_E_BUSY, "network back end '%s' is used by '%s'; remove that first", id,
                   n->device->id);
  else
    forget (n);
  return !gwt_error_is_set (err);
}

void
gwt_netdev_close_all (void)
{
  while (netdevs && netdevs->len)
    forget (g_ptr_array_index (netdevs, netdevs->len - 1));
}

bool
gwt_netdev_set_link (const char *name, bool up, struct gwt_error *err)
{
  struct gwt_netdev *n = gwt_netdev_find (name);

  for (guint i = 0; !n && netdevs && i < netdevs->len; i++)
    {
      struct gwt_netdev *other = g_ptr_array_index (netdevs, i);

      if (other->device && strcmp (other->device->id, name) == 0)
        n = other;
    }
  if (!n)
    {
      gwt_error_set (err, GWT_E_NOT_FOUND,
                     "there is no network back end or network device '%s'; name one of those",
                     name);
      return false;
    }
  if (g_atomic_int_exchange (&n->link_up, up) != (int) up)
    {
      for (uint32_t i = 0; i < n->info.queues; i++)
        net_kick (&n->queues[i]);
      if (n->device && n->client.link_changed)
        n->client.link_changed (n->device->instance, up);
    }
  return true;
}

char *
gwt_netdev_describe_users (void)
{
  GString *text = g_string_new (NULL);

#ifdef HAVE_SLIRP
  for (guint i = 0; netdevs && i < netdevs->len; i++)
    {
      struct gwt_netdev *n = g_ptr_array_index (netdevs, i);
      g_autofree char *table = n->kind == &net_user_kind ? net_user_describe (n) : NULL;

      if (table)
        g_string_append_printf (text, "%s:\n%s", n->id, table);
    }
#endif
  return g_string_free (text, FALSE);
}

/* ---- "gwt.net/1" ----------------------------------------------------------------------------- */

static void
net_detach (struct gwt_netdev *n)
{
  for (uint32_t i = 0; i < n->info.queues; i++)
    hold (n, i);
  for (uint32_t i = 0; i < n->info.queues; i++)
    {
      g_mutex_lock (&n->queues[i].lock);
      n->device = NULL;
      n->queues[i].full = n->queues[i].starved = n->queues[i].flush = false;
      g_mutex_unlock (&n->queues[i].lock);
      wait_for (&n->queues[i].flush_lock);
    }
  n->n_used = 0;
  /* The next device begins as the first one did. */
  for (uint32_t i = 0; i < n->info.queues; i++)
    g_atomic_int_set (&n->queues[i].holds, n->stopped);
}

static void
device_gone (void *data)
{
  struct gwt_netdev *n = data;

  if (n->device)
    net_detach (n);
}

static void
net_set_queues (struct gwt_netdev *n, uint32_t count)
{
  n->n_active = CLAMP (count, 1, n->info.queues);
  if (n->kind->set_queues && n->opened)
    n->kind->set_queues (n, n->n_active);
}

static int
net_attach (struct gwt_netdev *n, struct gwt_device *device, const struct gwt_net_client *client,
            uint32_t queues, struct gwt_error *err)
{
  GWT_AUTO_ERROR (inner);

  if (n->device)
    gwt_error_set (&inner, GWT_E_BUSY,
                   "network back end '%s' is used by '%s'; give each device its own", n->id,
                   n->device->id);
  else if (queues == 0 || queues > n->info.queues)
    gwt_error_set (&inner, GWT_E_INVALID,
                   "network back end '%s' has %u queue%s, not %u; give it queues=%u", n->id,
                   n->info.queues, n->info.queues == 1 ? "" : "s", queues, queues);
  if (gwt_error_is_set (&inner))
    {
      if (err)
        gwt_error_move (err, &inner);
      return -1;
    }
  for (uint32_t i = 0; i < n->info.queues; i++)
    hold (n, i);
  memset (&n->client, 0, sizeof n->client);
  memcpy (&n->client, client, MIN (client->struct_size, sizeof n->client));
  n->n_used = queues;
  n->offloads = 0;
  net_set_queues (n, 1);
  for (uint32_t i = 0; i < n->info.queues; i++)
    {
      g_mutex_lock (&n->queues[i].lock);
      n->device = device;
      g_mutex_unlock (&n->queues[i].lock);
    }
  for (uint32_t i = queues; i < n->info.queues; i++)
    release (n, i);
  gwt_device_on_destroy (device, device_gone, n);
  return 0;
}

static void
net_info (struct gwt_netdev *n, struct gwt_net_info *info)
{
  uint64_t size = MIN (info->struct_size, sizeof n->info);

  n->info.link_up = (uint32_t) g_atomic_int_get (&n->link_up);
  memcpy (info, &n->info, size);
  info->struct_size = size;
}

static void
net_set_offloads (struct gwt_netdev *n, uint64_t offloads)
{
  offloads &= n->info.receive_offloads;
  for (uint32_t i = 0; i < n->info.queues; i++)
    hold (n, i);
  for (uint32_t i = 0; i < n->info.queues; i++)
    g_mutex_lock (&n->queues[i].lock);
  n->offloads = offloads;
  if (n->kind->set_offloads)
    n->kind->set_offloads (n, offloads);
  for (uint32_t i = 0; i < n->info.queues; i++)
    g_mutex_unlock (&n->queues[i].lock);
  for (uint32_t i = 0; i < n->info.queues; i++)
    release (n, i);
}

static void
net_kick_queue (struct gwt_netdev *n, uint32_t queue)
{
  if (queue < n->info.queues)
    net_kick (&n->queues[queue]);
}

static uint64_t
net_peek (struct gwt_netdev *n, uint32_t queue)
{
  struct net_queue *q = &n->queues[queue];
  uint64_t size;

  if (!n->kind->peek || !g_atomic_int_get (&n->link_up))
    return 0;
  size = n->kind->peek (q);
  q->empty = size == 0;
  return size;
}

static uint64_t
net_receive (struct gwt_netdev *n, uint32_t queue, const struct gwt_iovec *iov, uint32_t count)
{
  struct net_queue *q = &n->queues[queue];
  uint64_t size;

  size = g_atomic_int_get (&n->link_up) ? n->kind->receive (q, iov, count) : 0;
  q->empty = size == 0;
  return size;
}

static uint32_t
net_send (struct gwt_netdev *n, uint32_t queue, const struct gwt_iovec *iov, uint32_t count)
{
  struct net_queue *q = &n->queues[queue];

  if (!g_atomic_int_get (&n->link_up))
    return 1;
  if (n->kind->send (q, iov, count))
    return 1;
  q->full = q->blocked = true;
  return 0;
}

static void *
find_backend (const char *id)
{
  return gwt_netdev_find (id);
}

void
gwt_netdev_register_extensions (void)
{
  static const struct gwt_net_api api = {
    .struct_size = sizeof api,
    .attach = net_attach,
    .detach = net_detach,
    .info = net_info,
    .set_offloads = net_set_offloads,
    .kick = net_kick_queue,
    .peek = net_peek,
    .receive = net_receive,
    .send = net_send,
    .hold = hold,
    .release = release,
    .set_queues = net_set_queues,
    .id = gwt_netdev_id,
  };
  GWT_AUTO_ERROR (err);

  if (gwt_extension_find (GWT_NET_EXT))
    return;
  gwt_device_set_backend_finder (GWT_NETDEV, find_backend);
  gwt_run_add_listener (on_run_event, NULL);
  if (!gwt_extension_add (GWT_NET_EXT, &api, "host", &err))
    gwt_log (GWT_LOG_ERROR, "net: %s", err.text);
}
