/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks of an NBD server, through libnbd.  One thread per node owns the connection: queues leave
 * requests with it and get them back.  A connection that is lost is sought again; until
 * `reconnect-delay` seconds are over its requests wait, then they fail.  It must not know what a
 * failed request means.
 */
#include "config.h"
#include "core/backend/block-internal.h"

#ifdef HAVE_LIBNBD
#include <errno.h>
#include <libnbd.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/cpu/run.h"
#include "core/util/log.h"
#include "core/util/text.h"

#define SECOND UINT64_C (1000000000)
#define MS UINT64_C (1000000)
/* A server that says nothing is given up. */
#define CONNECT_MAX (30 * SECOND)
#define RETRY_FIRST (250 * MS)
#define RETRY_MAX (16 * SECOND)
/* How often what waits for the server asks again. */
#define AWAY_STEP (50 * MS)
#define PAYLOAD_MAX (32u << 20)
/* Buffers of less than this on average are gathered into one command: each costs a round trip. */
#define GATHER_BELOW 16384

struct nbd_disk
{
  /* Where it is. */
  char *uri, *path, *host, *port, *export_name;
  uint64_t reconnect_delay, open_timeout; /* s */
  char *where;                            /* for people */

  /* Set by the first connection. */
  uint64_t size;
  uint32_t payload_max;

  GThread *thread;
  int event_fd;
  atomic_bool quit;
  _Atomic (struct gwt_io *) incoming; /* newest first */

  /* The thread's own; before it runs, open's. */
  struct nbd_handle *h;
  bool connected, can_flush, can_trim, can_zero, can_fua;
  uint64_t lost;  /* when */
  uint64_t retry; /* when, and what was waited for it last */
  uint64_t pause, deadline;

  GMutex lock; /* sync () */
  GCond synced;
  enum { SYNC_NONE, SYNC_ASKED, SYNC_SENT, SYNC_DONE } sync;
  int sync_error;
};

/* ---- connecting ------------------------------------------------------------------------------ */

static bool
begin_connect (struct nbd_disk *d)
{
  d->h = nbd_create ();
  d->connected = false;
  if (d->h == NULL)
    return false;
  nbd_set_pread_initialize (d->h, false);
  nbd_set_handle_name (d->h, "godwit");
  nbd_set_uri_allow_tls (d->h, LIBNBD_TLS_DISABLE);
  nbd_set_uri_allow_transports (d->h, LIBNBD_ALLOW_TRANSPORT_TCP | LIBNBD_ALLOW_TRANSPORT_UNIX);
  if (d->export_name != NULL && nbd_set_export_name (d->h, d->export_name) < 0)
    return false;
  d->deadline = gwt_block_now () + CONNECT_MAX;
  return (d->uri != NULL    ? nbd_aio_connect_uri (d->h, d->uri)
          : d->path != NULL ? nbd_aio_connect_unix (d->h, d->path)
                            : nbd_aio_connect_tcp (d->h, d->host, d->port))
         == 0;
}

static void
drop (struct nbd_disk *d)
{
  /* Its commands are called back with an error. */
  if (d->h != NULL)
    nbd_close (d->h);
  d->h = NULL;
  d->connected = false;
}

/* Wait until the connection or WAKE_FD has something to do; at most NS. */
static void
wait_and_step (struct nbd_disk *d, int wake_fd, uint64_t ns)
{
  struct pollfd p[2] = { { .fd = wake_fd, .events = POLLIN }, { .fd = -1 } };
  struct timespec t = { (time_t) (ns / SECOND), (long) (ns % SECOND) };
  unsigned way = d->h != NULL ? nbd_aio_get_direction (d->h) : 0;

  if (way != 0)
    {
      p[1].fd = nbd_aio_get_fd (d->h);
      p[1].events = (short) ((way & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0)
                             | (way & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0));
    }
  if (ppoll (p, 2, ns == UINT64_MAX ? NULL : &t, NULL) <= 0)
    return;
  if (p[0].revents != 0)
    {
      uint64_t value;
      /* It says only that there is something. */
      if (read (wake_fd, &value, sizeof value) < 0)
        value = 0;
    }
  if (way != 0 && (p[1].revents & (POLLIN | POLLERR | POLLHUP))
      && (way & LIBNBD_AIO_DIRECTION_READ))
    nbd_aio_notify_read (d->h);
  else if (way != 0 && p[1].revents != 0)
    nbd_aio_notify_write (d->h);
}

static bool
learn (struct nbd_disk *d)
{
  int64_t size = nbd_get_size (d->h), most = nbd_get_block_size (d->h, LIBNBD_SIZE_MAXIMUM);

  if (size < 0)
    return false;
  if (d->size != 0 && (uint64_t) size < d->size)
    {
      gwt_log (GWT_LOG_WARN, "block: %s: the server's disk has shrunk; it is not used", d->where);
      return false;
    }
  if (d->size == 0)
    d->size = (uint64_t) size;
  d->payload_max = most >= 65536 ? (uint32_t) MIN (most, PAYLOAD_MAX) : PAYLOAD_MAX;
  d->can_flush = nbd_can_flush (d->h) > 0;
  d->can_trim = nbd_can_trim (d->h) > 0;
  d->can_zero = nbd_can_zero (d->h) > 0;
  d->can_fua = nbd_can_fua (d->h) > 0;
  d->connected = true;
  return true;
}

/* ---- commands -------------------------------------------------------------------------------- */

static void
copy_out (struct gwt_io *io)
{
  const struct gwt_block_request *r = gwt_io_request (io);
  char *from = io->scratch;
  uint32_t i;

  for (i = 0; i < r->n_iov; i++)
    {
      memcpy (r->iov[i].base, from, r->iov[i].size);
      from += r->iov[i].size;
    }
}

static struct nbd_disk *
disk_of (struct gwt_io *io)
{
  return io->queue->leaf->data;
}

static void
give_back (struct gwt_io *io)
{
  struct nbd_disk *d = disk_of (io);

  if (io->result == 0 && io->bounce && io->op == GWT_IO_READ)
    copy_out (io);
  if (io->result == GWT_IO_AWAY)
    {
      /* A request can be the first to find the connection gone. */
      uint64_t now = gwt_block_now (), lost = d->connected ? now : d->lost;
      uint64_t until = lost + d->reconnect_delay * SECOND;

      io->due = now + AWAY_STEP;
      if (now >= until)
        io->result = -EIO;
    }
  gwt_queue_remote (io);
}

static void
piece_done (struct gwt_io *io, int error)
{
  /* What the connection's end has cut off is done again, all of it. */
  if (error == ENOTCONN || error == EPIPE || error == ECONNRESET || error == ESHUTDOWN)
    io->result = GWT_IO_AWAY;
  else if (error != 0 && io->result == 0)
    io->result = -error;
  if (--io->pieces == 0)
    give_back (io);
}

static int
on_piece (void *data, int *error)
{
  struct gwt_io *io = data;
  struct nbd_disk *d = disk_of (io);
  int code = *error;

  if (code != 0 && (d->h == NULL || nbd_aio_is_dead (d->h) || nbd_aio_is_closed (d->h)))
    code = ENOTCONN;
  piece_done (io, code);
  return 1; /* retired */
}

static void
piece (struct nbd_disk *d, struct gwt_io *io, char *data, uint64_t size, uint64_t offset)
{
  nbd_completion_callback done = { .callback = on_piece, .user_data = io };
  uint32_t fua = (io->flags & GWT_BLOCK_FUA) && d->can_fua ? LIBNBD_CMD_FLAG_FUA : 0;
  int64_t cookie = -1;

  io->pieces++;
  switch (io->op)
    {
    case GWT_IO_READ:
      cookie = nbd_aio_pread (d->h, data, size, offset, done, 0);
      break;
    case GWT_IO_WRITE:
      cookie = nbd_aio_pwrite (d->h, data, size, offset, done, fua);
      break;
    case GWT_IO_FLUSH:
      cookie = nbd_aio_flush (d->h, done, 0);
      break;
    case GWT_IO_DISCARD:
      cookie = nbd_aio_trim (d->h, size, offset, done, 0);
      break;
    default:
      cookie = nbd_aio_zero (d->h, size, offset, done,
                             fua | (io->flags & GWT_BLOCK_MAY_UNMAP ? 0 : LIBNBD_CMD_FLAG_NO_HOLE));
      break;
    }
  /* Where the command was refused the callback does not come. */
  if (cookie < 0)
    piece_done (io, nbd_get_errno () == EINVAL ? ENOTCONN : nbd_get_errno ());
}

static void
pieces (struct nbd_disk *d, struct gwt_io *io, char *data, uint64_t size, uint64_t offset)
{
  /* A range without payload may be large; 1 GiB fits every server's 32-bit count. */
  uint64_t most = data != NULL ? d->payload_max : 1u << 30;

  while (size > 0)
    {
      uint64_t n = MIN (size, most);

      piece (d, io, data, n, offset);
      data = data != NULL ? data + n : NULL;
      size -= n;
      offset += n;
    }
}

/* One buffer for all, where there are many small ones or they end inside a sector. */
static bool
wants_gathering (const struct gwt_block_request *r)
{
  uint64_t bits = 0;
  uint32_t i;

  for (i = 0; i < r->n_iov; i++)
    bits |= r->iov[i].size;
  return r->n_iov > 1 && (r->size / r->n_iov < GATHER_BELOW || bits % 4096 != 0);
}

static bool
gather (struct gwt_io *io)
{
  const struct gwt_block_request *r = gwt_io_request (io);
  char *to;
  uint32_t i;

  if (io->scratch == NULL && posix_memalign (&io->scratch, 4096, r->size) != 0)
    {
      io->scratch = NULL;
      return false;
    }
  io->bounce = 1;
  to = io->scratch;
  for (i = 0; io->op == GWT_IO_WRITE && i < r->n_iov; i++)
    {
      memcpy (to, r->iov[i].base, r->iov[i].size);
      to += r->iov[i].size;
    }
  return true;
}

static void
send_transfer (struct nbd_disk *d, struct gwt_io *io)
{
  const struct gwt_block_request *r = gwt_io_request (io);
  uint64_t at = io->offset;
  uint32_t i;

  if (wants_gathering (r))
    {
      if (gather (io))
        pieces (d, io, io->scratch, r->size, at);
      else
        io->result = -ENOMEM;
      return;
    }
  for (i = 0; i < r->n_iov; i++)
    {
      pieces (d, io, r->iov[i].base, r->iov[i].size, at);
      at += r->iov[i].size;
    }
}

/* Zeros for a server that has no command for them. */
static void
send_zeros (struct nbd_disk *d, struct gwt_io *io)
{
  static char zeros[1 << 20];
  uint64_t size = gwt_io_request (io)->size, at = io->offset;

  io->op = GWT_IO_WRITE;
  while (size > 0)
    {
      uint64_t n = MIN (MIN (size, sizeof zeros), d->payload_max);

      piece (d, io, zeros, n, at);
      size -= n;
      at += n;
    }
  io->op = GWT_IO_ZERO;
}

/* IO's writes are done and are to be on the medium, but the server has no FUA. */
static void
sync_after (struct nbd_disk *d, struct gwt_io *io)
{
  guint op = io->op;

  io->flags &= (uint8_t) ~(GWT_BLOCK_FUA | GWT_IO_SYNC_ALL);
  io->op = GWT_IO_FLUSH;
  io->pieces = 1;
  piece (d, io, NULL, 0, 0);
  io->op = (uint8_t) op;
  piece_done (io, 0);
}

static void
send_request (struct nbd_disk *d, struct gwt_io *io)
{
  const struct gwt_block_request *r = gwt_io_request (io);

  io->result = d->connected ? 0 : GWT_IO_AWAY;
  /* One that keeps it from being given back while there are more to come. */
  io->pieces = 1;
  if (!d->connected || (io->op == GWT_IO_FLUSH && !d->can_flush)
      || (io->op == GWT_IO_DISCARD && !d->can_trim))
    ;
  else if (io->call == GWT_CALL_SYNC)
    {
      if (d->can_flush)
        sync_after (d, io);
      else
        piece_done (io, 0);
      return;
    }
  else if (io->op == GWT_IO_FLUSH)
    piece (d, io, NULL, 0, 0);
  else if (io->op == GWT_IO_READ || io->op == GWT_IO_WRITE)
    send_transfer (d, io);
  else if (io->op == GWT_IO_ZERO && !d->can_zero)
    send_zeros (d, io);
  else
    pieces (d, io, NULL, r->size, io->offset);
  piece_done (io, 0);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static int
on_sync (void *data, int *error)
{
  struct nbd_disk *d = data;

  g_mutex_lock (&d->lock);
  d->sync = SYNC_DONE;
  d->sync_error = *error;
  g_cond_broadcast (&d->synced);
  g_mutex_unlock (&d->lock);
  return 1;
}

static void
send_sync (struct nbd_disk *d)
{
  bool asked;
  int error = d->connected ? 0 : ENOTCONN;

  g_mutex_lock (&d->lock);
  asked = d->sync == SYNC_ASKED;
  if (asked)
    d->sync = SYNC_SENT;
  g_mutex_unlock (&d->lock);
  if (!asked)
    return;
  if (error == 0 && d->can_flush
      && nbd_aio_flush (d->h, (nbd_completion_callback){ .callback = on_sync, .user_data = d }, 0)
             < 0)
    error = EIO;
  else if (error == 0 && d->can_flush)
    return;
  on_sync (d, &error);
}

static void
take_incoming (struct nbd_disk *d)
{
  struct gwt_io *io = atomic_exchange (&d->incoming, NULL), *first = NULL;

  while (io != NULL)
    {
      struct gwt_io *next = io->next;

      io->next = first;
      first = io;
      io = next;
    }
  while (first != NULL)
    {
      io = first;
      first = io->next;
      send_request (d, io);
    }
}

static void
lose (struct nbd_disk *d)
{
  bool was = d->connected;

  if (was)
    {
      d->lost = gwt_block_now ();
      d->pause = RETRY_FIRST;
      gwt_log (GWT_LOG_WARN, "block: %s: the connection is lost; it is sought again", d->where);
    }
  d->connected = false;
  drop (d);
  d->retry = gwt_block_now () + d->pause;
  d->pause = MIN (d->pause * 2, RETRY_MAX);
}

/* Move towards a connection; ns until there is something to do even if nothing comes. */
static uint64_t
keep_connected (struct nbd_disk *d)
{
  uint64_t now = gwt_block_now ();

  if (d->h != NULL && (nbd_aio_is_dead (d->h) || nbd_aio_is_closed (d->h)))
    lose (d);
  else if (d->h != NULL && !d->connected && nbd_aio_is_ready (d->h))
    {
      if (learn (d))
        gwt_log (GWT_LOG_WARN, "block: %s: connected again", d->where);
      else
        lose (d);
    }
  else if (d->h != NULL && !d->connected && now >= d->deadline)
    lose (d);
  else if (d->h == NULL && now >= d->retry && !begin_connect (d))
    lose (d);
  if (d->connected)
    return UINT64_MAX;
  now = gwt_block_now ();
  if (d->h != NULL)
    return d->deadline > now ? d->deadline - now : 0;
  return d->retry > now ? d->retry - now : 0;
}

static void *
nbd_thread (void *data)
{
  struct nbd_disk *d = data;

  while (!atomic_load (&d->quit))
    {
      uint64_t wait = keep_connected (d);

      take_incoming (d);
      send_sync (d);
      if (wait > 0)
        wait_and_step (d, d->event_fd, wait);
    }
  drop (d);
  return NULL;
}

static void
wake (struct nbd_disk *d)
{
  static const uint64_t one = 1;

  if (write (d->event_fd, &one, sizeof one) < 0)
    return; /* the counter is full, so it is awake */
}

static void
nbd_start (struct gwt_block_queue *q, struct gwt_io *io)
{
  struct nbd_disk *d = q->leaf->data;
  struct gwt_io *head = atomic_load (&d->incoming);

  io->call = GWT_CALL_READ; /* nothing yet */
  do
    io->next = head;
  while (!atomic_compare_exchange_weak (&d->incoming, &head, io));
  if (head == NULL)
    wake (d);
}

static void
nbd_step (struct gwt_block_queue *q, struct gwt_io *io)
{
  struct nbd_disk *d = q->leaf->data;
  bool sync = (io->flags & GWT_IO_SYNC_ALL) || ((io->flags & GWT_BLOCK_FUA) && !d->can_fua);

  if (io->result == 0 && sync && (io->op == GWT_IO_WRITE || io->op == GWT_IO_ZERO))
    {
      struct gwt_io *head = atomic_load (&d->incoming);

      io->call = GWT_CALL_SYNC;
      do
        io->next = head;
      while (!atomic_compare_exchange_weak (&d->incoming, &head, io));
      wake (d);
      return;
    }
  gwt_queue_finish (q, io, io->result);
}

static int
nbd_sync (struct gwt_block *node)
{
  struct nbd_disk *d = node->data;
  int error;

  g_mutex_lock (&d->lock);
  d->sync = SYNC_ASKED;
  wake (d);
  while (d->sync != SYNC_DONE)
    g_cond_wait (&d->synced, &d->lock);
  error = d->sync_error;
  g_mutex_unlock (&d->lock);
  return error;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void
free_disk (struct nbd_disk *d)
{
  if (d->thread != NULL)
    {
      atomic_store (&d->quit, true);
      wake (d);
      g_thread_join (d->thread);
    }
  drop (d);
  if (d->event_fd >= 0)
    close (d->event_fd);
  g_mutex_clear (&d->lock);
  g_cond_clear (&d->synced);
  g_free (d->uri);
  g_free (d->path);
  g_free (d->host);
  g_free (d->port);
  g_free (d->export_name);
  g_free (d->where);
  g_free (d);
}

static void
nbd_disk_close (struct gwt_block *node)
{
  free_disk (node->data);
}

static bool
take_server (struct nbd_disk *d, struct json_object *options, struct gwt_error *err)
{
  static const char *const members[] = { "type", "path", "host", "port", NULL };
  static const char *const types[] = { "unix", "inet", NULL };
  struct json_object *server;
  guint type = G_MAXUINT;
  bool good;

  if (!gwt_take_object (options, "server", &server, err))
    return false;
  if (server == NULL)
    return true;
  good = gwt_take_enum (server, "type", types, &type, err)
         && gwt_take_text (server, "path", &d->path, err)
         && gwt_take_text (server, "host", &d->host, err)
         && gwt_take_text (server, "port", &d->port, err)
         && gwt_take_end (server, "it", members, err);
  json_object_put (server);
  if (good && type == G_MAXUINT)
    gwt_error_set (err, GWT_E_INVALID, "there is no type; add server.type=unix or inet");
  else if (good && type == 0 && (d->path == NULL || d->host != NULL || d->port != NULL))
    gwt_error_set (err, GWT_E_INVALID, "type=unix takes a path, and neither host nor port");
  else if (good && type == 1 && (d->path != NULL || d->host == NULL || d->port == NULL))
    gwt_error_set (err, GWT_E_INVALID, "type=inet takes host and port, and no path");
  if (gwt_error_is_set (err))
    gwt_error_prefix (err, "server");
  return !gwt_error_is_set (err);
}

static bool
take_where (struct nbd_disk *d, struct json_object *options, struct gwt_error *err)
{
  g_autofree char *tls = NULL;

  if (!gwt_take_text (options, "uri", &d->uri, err) || !take_server (d, options, err)
      || !gwt_take_text (options, "export", &d->export_name, err)
      || !gwt_take_text (options, "tls-creds", &tls, err)
      || !gwt_take_u64 (options, "reconnect-delay", false, &d->reconnect_delay, err)
      || !gwt_take_u64 (options, "open-timeout", false, &d->open_timeout, err))
    return false;
  if (tls != NULL || (d->uri != NULL && g_str_has_prefix (d->uri, "nbds")))
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "TLS is not offered; use a unix socket, or a tunnel such as ssh's");
  else if ((d->uri != NULL) == (d->path != NULL || d->host != NULL))
    gwt_error_set (err, GWT_E_INVALID,
                   "where is the server? give uri=nbd://HOST/EXPORT, or server.type=unix and "
                   "server.path=SOCKET, or server.type=inet, server.host and server.port");
  else if (d->uri != NULL && !g_str_has_prefix (d->uri, "nbd:")
           && !g_str_has_prefix (d->uri, "nbd+unix:"))
    gwt_error_set (err, GWT_E_INVALID, "uri: '%s' is no NBD address; use nbd://HOST:PORT/EXPORT or "
                   "nbd+unix:///EXPORT?socket=PATH", d->uri);
  else if (d->path != NULL && strlen (d->path) > 107)
    gwt_error_set (err, GWT_E_RANGE, "server: path is longer than 107 bytes; use a shorter one");
  else if (d->reconnect_delay > 86400 || d->open_timeout > 86400)
    gwt_error_set (err, GWT_E_RANGE,
                   "reconnect-delay and open-timeout go up to 86400; use less");
  return !gwt_error_is_set (err);
}

/* Connect, trying for open-timeout seconds. */
static bool
first_connect (struct nbd_disk *d, struct gwt_error *err)
{
  uint64_t until = gwt_block_now () + d->open_timeout * SECOND;
  g_autofree char *reason = NULL;

  for (;;)
    {
      bool begun = begin_connect (d);

      while (begun && !nbd_aio_is_ready (d->h) && !nbd_aio_is_dead (d->h)
             && !nbd_aio_is_closed (d->h) && gwt_block_now () < d->deadline)
        wait_and_step (d, d->event_fd, d->deadline - gwt_block_now ());
      if (begun && nbd_aio_is_ready (d->h) && learn (d))
        return true;
      g_free (reason);
      reason = gwt_one_line (nbd_get_error () != NULL ? nbd_get_error () : "no answer");
      drop (d);
      if (gwt_block_now () >= until || gwt_run_signal_arrived ())
        break;
      wait_and_step (d, d->event_fd, RETRY_FIRST);
    }
  gwt_error_set (err, GWT_E_IO, "'%s': no connection: %s; see that the server runs", d->where,
                 reason);
  return false;
}

static bool
describe (struct gwt_block *node, struct nbd_disk *d, struct gwt_error *err)
{
  int64_t least = nbd_get_block_size (d->h, LIBNBD_SIZE_MINIMUM);

  if (nbd_is_read_only (d->h) > 0 && !node->read_only)
    {
      if (!node->auto_read_only)
        {
          gwt_error_set (err, GWT_E_INVALID, "'%s': the server lets nobody write; add read-only=on",
                         d->where);
          return false;
        }
      node->read_only = true;
    }
  if (least > 65536 || d->size > GWT_BLOCK_SIZE_MAX || d->size % GWT_BLOCK_SECTOR != 0)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "'%s': %" G_GUINT64_FORMAT " bytes in blocks of %" G_GINT64_FORMAT
                     "; use a disk in multiples of 512",
                     d->where, d->size, least);
      return false;
    }
  node->logical = least > (int64_t) GWT_BLOCK_SECTOR ? (uint32_t) least : GWT_BLOCK_SECTOR;
  node->can_discard = d->can_trim;
  node->can_zero = d->can_zero;
  node->filename = g_strdup (d->where);
  atomic_store (&node->size, d->size);
  return true;
}

static bool
nbd_disk_open (struct gwt_block *node, struct json_object *options, struct gwt_error *err)
{
  struct nbd_disk *d = g_new0 (struct nbd_disk, 1);

  node->data = d;
  g_mutex_init (&d->lock);
  g_cond_init (&d->synced);
  d->event_fd = eventfd (0, EFD_CLOEXEC);
  if (d->event_fd < 0)
    gwt_error_set (err, GWT_E_IO, "no event file: %s; raise the limit of open files",
                   g_strerror (errno));
  else if (take_where (d, options, err))
    {
      d->where = d->uri != NULL    ? g_strdup (d->uri)
                 : d->path != NULL ? g_strdup_printf ("nbd+unix:///%s?socket=%s",
                                                      d->export_name ? d->export_name : "", d->path)
                                   : g_strdup_printf ("nbd://%s:%s/%s", d->host, d->port,
                                                      d->export_name ? d->export_name : "");
      if (first_connect (d, err) && describe (node, d, err))
        {
          d->thread = g_thread_try_new ("block/nbd", nbd_thread, d, NULL);
          if (d->thread != NULL)
            return true;
          gwt_error_set (err, GWT_E_IO, "there is no thread for '%s'; raise the limit", d->where);
        }
    }
  free_disk (d);
  return false;
}

const struct gwt_block_driver gwt_block_nbd = {
  .name = "nbd",
  .leaf = true,
  .members = (const char *const[]){ "server", "export", "uri", "reconnect-delay", "open-timeout",
                                    "tls-creds", NULL },
  .open = nbd_disk_open,
  .close = nbd_disk_close,
  .sync = nbd_sync,
  .start = nbd_start,
  .step = nbd_step,
};
#endif
