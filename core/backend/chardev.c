/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character back ends: the list of them, the device's end, reading and writing.  It must not know
 * how a peer is reached (chardev-open.c) nor what a key means (mux.c).
 *
 * A device that takes no more stops its input until it says accept_input; a peer that takes no more
 * makes write () short and writable () follow.  Nothing is buffered here but what was typed on a
 * terminal with Ctrl-A keys, for those must be seen while the device takes nothing.
 */
#include "config.h"
#include "core/backend/chardev.h"
#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/backend/internal.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/device/lock.h"
#include "core/util/extension.h"
#include "core/util/log.h"
#include "core/util/text.h"

#define READ_MAX 4096
#define TEXT_PATIENCE_MS 100

GPtrArray *gwt_chardevs; /* [main], in order of creation */

void
gwt_source_drop (GSource **source)
{
  if (*source)
    {
      g_source_destroy (*source);
      g_source_unref (*source);
      *source = NULL;
    }
}

/* ---- the list -------------------------------------------------------------------------------- */

/* Takes CHARDEV; NULL, and it is gone, where it cannot be. */
struct gwt_chardev *
gwt_chardev_add (struct gwt_chardev *chardev, struct gwt_error *err)
{
  guint i;

  if (!gwt_id_is_valid (chardev->id))
    gwt_error_set (err, GWT_E_INVALID,
                   "id '%s' is malformed; use a letter, then letters, digits, '-', '_' and '.'",
                   chardev->id);
  for (i = 0; gwt_chardevs && i < gwt_chardevs->len; i++)
    {
      struct gwt_chardev *other = g_ptr_array_index (gwt_chardevs, i);

      if (strcmp (other->id, chardev->id) == 0)
        gwt_error_set (err, GWT_E_EXISTS, "id '%s' is taken; use another one", chardev->id);
      else if (other->kind == GWT_CHARDEV_STDIO && chardev->kind == GWT_CHARDEV_STDIO)
        gwt_error_set (err, GWT_E_EXISTS,
                       "'%s' has the terminal already; use stdio once, another back end for '%s'",
                       other->id, chardev->id);
      else if (other->has_mux && chardev->has_mux)
        gwt_error_set (err, GWT_E_EXISTS,
                       "'%s' has the Ctrl-A keys already; use mon: or mux=on once", other->id);
      else if (other->kind == GWT_CHARDEV_FILE && chardev->kind == GWT_CHARDEV_FILE
               && strcmp (other->path, chardev->path) == 0)
        gwt_error_set (err, GWT_E_EXISTS, "'%s' writes to '%s' already; use another file",
                       other->id, other->path);
    }
  if (gwt_error_is_set (err))
    {
      gwt_chardev_free_spec (chardev);
      return NULL;
    }
  if (chardev->has_mux)
    gwt_mux_init (chardev);
  if (!gwt_chardevs)
    gwt_chardevs = g_ptr_array_new ();
  g_ptr_array_add (gwt_chardevs, chardev);
  return chardev;
}

struct gwt_chardev *
gwt_chardev_find (const char *id)
{
  guint i;

  for (i = 0; id && gwt_chardevs && i < gwt_chardevs->len; i++)
    {
      struct gwt_chardev *chardev = g_ptr_array_index (gwt_chardevs, i);

      if (strcmp (chardev->id, id) == 0)
        return chardev;
    }
  return NULL;
}

const char *
gwt_chardev_id (struct gwt_chardev *chardev)
{
  return chardev->id;
}

const char **
gwt_chardev_ids (void)
{
  guint n = gwt_chardevs ? gwt_chardevs->len : 0, i;
  const char **ids = g_new0 (const char *, n + 1);

  for (i = 0; i < n; i++)
    ids[i] = ((struct gwt_chardev *) g_ptr_array_index (gwt_chardevs, i))->id;
  return ids;
}

bool
gwt_chardev_in_use (struct gwt_chardev *chardev)
{
  return chardev->device != NULL || chardev->is_console;
}

bool
gwt_chardev_open_all (struct gwt_error *err)
{
  guint i;

  for (i = 0; gwt_chardevs && i < gwt_chardevs->len; i++)
    {
      struct gwt_chardev *chardev = g_ptr_array_index (gwt_chardevs, i);

      if (chardev->opened)
        continue;
      if (!gwt_chardev_open (chardev, err))
        {
          gwt_error_prefix (err, "character back end '%s'", chardev->id);
          return false;
        }
      chardev->opened = true;
    }
  return true;
}

void
gwt_chardev_close_all (void)
{
  guint i;

  for (i = 0; gwt_chardevs && i < gwt_chardevs->len; i++)
    gwt_chardev_close (g_ptr_array_index (gwt_chardevs, i));
  gwt_terminal_restore ();
}

/* ---- towards the device ---------------------------------------------------------------------- */

/* While the guest is paused its memory and devices stay as they are, somebody may be saving them;
   what happens meanwhile is told when it goes on.  By these bits, lowest first. */
enum
{
  DUE_CLOSED = 1 << 0,
  DUE_OPENED = 1 << 1,
  DUE_BREAK = 1 << 2,
  DUE_RESIZED = 1 << 3,
  DUE_WRITABLE = 1 << 4
};

static bool guest_paused; /* [main] by STOP, until RESUME */

static void
put_off (struct gwt_chardev *chardev, uint32_t event)
{
  if (event == GWT_CHARDEV_OPENED)
    chardev->due |= DUE_OPENED;
  else if (event == GWT_CHARDEV_BREAK)
    chardev->due |= DUE_BREAK;
  else if (event == GWT_CHARDEV_RESIZED)
    chardev->due |= DUE_RESIZED;
  else if (chardev->due & DUE_OPENED)
    chardev->due &= ~(uint32_t) DUE_OPENED; /* of whom nothing was said */
  else
    chardev->due |= DUE_CLOSED;
}

void
gwt_chardev_event (struct gwt_chardev *chardev, uint32_t event)
{
  int token;

  if (!chardev->device || !chardev->client.event)
    return;
  if (guest_paused)
    {
      put_off (chardev, event);
      return;
    }
  token = gwt_device_enter (chardev->device);
  chardev->client.event (chardev->device->instance, event);
  gwt_device_leave (chardev->device, token);
}

static uint64_t
can_receive (struct gwt_chardev *chardev)
{
  uint64_t n;
  int token;

  if (guest_paused || !chardev->device || !chardev->client.receive || !chardev->client.can_receive)
    return 0;
  token = gwt_device_enter (chardev->device);
  n = chardev->client.can_receive (chardev->device->instance);
  gwt_device_leave (chardev->device, token);
  return n;
}

/* Give the device up to SIZE bytes as it takes them; how many it took. */
static uint64_t
give (struct gwt_chardev *chardev, const uint8_t *data, uint64_t size)
{
  void *self = chardev->device->instance;
  int token = gwt_device_enter (chardev->device);
  uint64_t done = 0;

  while (done < size)
    {
      uint64_t n = chardev->client.can_receive (self);
      n = MIN (n, size - done);

      if (n == 0)
        break;
      chardev->client.receive (self, data + done, n);
      done += n;
    }
  gwt_device_leave (chardev->device, token);
  return done;
}

static gboolean on_readable (gint fd, GIOCondition condition, gpointer data);

/* A peer that goes while nobody takes its input makes room for the next one at once; unless it left
   something, which is still to be taken. */
static gboolean
on_hangup (gint fd, GIOCondition condition, gpointer opaque)
{
  struct gwt_chardev *chardev = opaque;
  int left = 0;

  g_mutex_lock (&chardev->lock);
  gwt_source_drop (&chardev->hup_source);
  g_mutex_unlock (&chardev->lock);
  if (ioctl (fd, FIONREAD, &left) < 0 || left == 0)
    gwt_chardev_disconnect (chardev);
  return G_SOURCE_REMOVE;
}

/* Under the lock: nobody takes input now. */
static void
stop_listening (struct gwt_chardev *chardev)
{
  gwt_source_drop (&chardev->in_source);
  if (chardev->hup_source || chardev->in_fd < 0
      || (chardev->kind != GWT_CHARDEV_SOCKET && chardev->kind != GWT_CHARDEV_PTY))
    return;
  chardev->hup_source = g_unix_fd_source_new (chardev->in_fd, G_IO_HUP | G_IO_ERR);
  g_source_set_callback (chardev->hup_source, G_SOURCE_FUNC (on_hangup), chardev, NULL);
  g_source_attach (chardev->hup_source, NULL);
}

/* Under the lock. */
static void
listen_to_peer (struct gwt_chardev *chardev)
{
  bool wanted = chardev->device || chardev->is_console || chardev->has_mux;

  if (!wanted || !chardev->connected || chardev->eof || chardev->in_source || chardev->in_fd < 0)
    return;
  gwt_source_drop (&chardev->hup_source);
  chardev->in_source = g_unix_fd_source_new (chardev->in_fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_set_callback (chardev->in_source, G_SOURCE_FUNC (on_readable), chardev, NULL);
  g_source_attach (chardev->in_source, NULL);
}

void
gwt_chardev_deliver (struct gwt_chardev *chardev)
{
  GByteArray *pending = chardev->mux.pending;

  if (pending && pending->len && can_receive (chardev) > 0)
    {
      uint64_t n = give (chardev, pending->data, pending->len);

      if (n)
        g_byte_array_remove_range (pending, 0, (guint) n);
    }
  g_mutex_lock (&chardev->lock);
  if (!pending || gwt_mux_has_room (chardev))
    listen_to_peer (chardev);
  g_mutex_unlock (&chardev->lock);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* How much may be read now. */
static size_t
wanted_now (struct gwt_chardev *chardev)
{
  if (chardev->is_console)
    return READ_MAX;
  if (chardev->has_mux)
    {
      guint held = chardev->mux.pending->len;

      if (!gwt_mux_has_room (chardev))
        return 0;
      return held < GWT_MUX_BUFFER ? GWT_MUX_BUFFER - held : 64;
    }
  return (size_t) MIN (can_receive (chardev), READ_MAX);
}

static void
end_of_input (struct gwt_chardev *chardev)
{
  if (chardev->kind == GWT_CHARDEV_STDIO || chardev->kind == GWT_CHARDEV_FILE)
    {
      /* The end of a script on standard input is not the end of the guest, nor of its output. */
      g_mutex_lock (&chardev->lock);
      chardev->eof = true;
      gwt_source_drop (&chardev->in_source);
      g_mutex_unlock (&chardev->lock);
    }
  else
    gwt_chardev_disconnect (chardev);
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer opaque)
{
  struct gwt_chardev *chardev = opaque;
  uint8_t data[READ_MAX];
  size_t want = wanted_now (chardev);
  ssize_t n;

  if (want == 0)
    {
      g_mutex_lock (&chardev->lock);
      stop_listening (chardev);
      g_mutex_unlock (&chardev->lock);
      /* Room made between the look and the drop would not be heard of any more: look again. */
      if (wanted_now (chardev) != 0)
        {
          g_mutex_lock (&chardev->lock);
          listen_to_peer (chardev);
          g_mutex_unlock (&chardev->lock);
        }
      return G_SOURCE_REMOVE;
    }
  n = read (fd, data, MIN (want, sizeof (data)));
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (n <= 0)
    {
      end_of_input (chardev);
      return G_SOURCE_REMOVE;
    }
  if (chardev->is_console)
    gwt_mux_to_console (data, (size_t) n);
  else if (chardev->has_mux)
    {
      gwt_mux_input (chardev, data, (size_t) n);
      gwt_chardev_deliver (chardev);
    }
  else
    give (chardev, data, (uint64_t) n);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_idle (gpointer opaque)
{
  struct gwt_chardev *chardev = opaque;
  bool broken;

  g_mutex_lock (&chardev->lock);
  gwt_source_drop (&chardev->idle_source);
  broken = chardev->broken && chardev->connected;
  g_mutex_unlock (&chardev->lock);
  if (broken)
    gwt_chardev_disconnect (chardev);
  else
    gwt_chardev_deliver (chardev);
  return G_SOURCE_REMOVE;
}

/* Under the lock, any thread: let the main thread look. */
static void
look_soon (struct gwt_chardev *chardev)
{
  if (chardev->idle_source)
    return;
  chardev->idle_source = g_idle_source_new ();
  g_source_set_priority (chardev->idle_source, G_PRIORITY_DEFAULT);
  g_source_set_callback (chardev->idle_source, on_idle, chardev, NULL);
  g_source_attach (chardev->idle_source, NULL);
}

/* ---- writing --------------------------------------------------------------------------------- */

static gboolean
on_writable (gint fd, GIOCondition condition, gpointer opaque)
{
  struct gwt_chardev *chardev = opaque;
  int token;

  g_mutex_lock (&chardev->lock);
  gwt_source_drop (&chardev->out_source);
  g_mutex_unlock (&chardev->lock);
  if (guest_paused)
    chardev->due |= DUE_WRITABLE;
  else if (chardev->device && chardev->client.writable)
    {
      token = gwt_device_enter (chardev->device);
      chardev->client.writable (chardev->device->instance);
      gwt_device_leave (chardev->device, token);
    }
  return G_SOURCE_REMOVE;
}

static ssize_t
put (struct gwt_chardev *chardev, const uint8_t *data, size_t size)
{
  ssize_t n = send (chardev->out_fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

  return n < 0 && errno == ENOTSOCK ? write (chardev->out_fd, data, size) : n;
}

/* Under the lock. */
static void
give_up_peer (struct gwt_chardev *chardev)
{
  if (chardev->kind == GWT_CHARDEV_FILE || chardev->kind == GWT_CHARDEV_STDIO)
    gwt_log (GWT_LOG_ERROR, "%s: cannot write (%s); the rest of its output is lost", chardev->id,
             g_strerror (errno));
  chardev->broken = true;
  if (chardev->kind == GWT_CHARDEV_SOCKET || chardev->kind == GWT_CHARDEV_PTY)
    look_soon (chardev);
}

/* Under the lock: what is oldest makes room. */
static void
ring_put (struct gwt_chardev *chardev, const uint8_t *data, uint64_t size)
{
  for (uint64_t i = size > chardev->ring_size ? size - chardev->ring_size : 0; i < size; i++)
    chardev->ring[chardev->ring_write++ & (chardev->ring_size - 1)] = data[i];
  if (chardev->ring_write - chardev->ring_read > chardev->ring_size)
    chardev->ring_read = chardev->ring_write - chardev->ring_size;
}

bool
gwt_chardev_ring_write (struct gwt_chardev *chardev, const uint8_t *data, size_t size)
{
  if (chardev->kind != GWT_CHARDEV_RINGBUF)
    return false;
  g_mutex_lock (&chardev->lock);
  ring_put (chardev, data, size);
  g_mutex_unlock (&chardev->lock);
  return true;
}

GByteArray *
gwt_chardev_ring_read (struct gwt_chardev *chardev, uint64_t most)
{
  GByteArray *bytes;

  if (chardev->kind != GWT_CHARDEV_RINGBUF)
    return NULL;
  bytes = g_byte_array_new ();
  g_mutex_lock (&chardev->lock);
  for (; bytes->len < most && chardev->ring_read != chardev->ring_write; chardev->ring_read++)
    g_byte_array_append (bytes, &chardev->ring[chardev->ring_read & (chardev->ring_size - 1)], 1);
  g_mutex_unlock (&chardev->lock);
  return bytes;
}

uint64_t
gwt_chardev_write_raw (struct gwt_chardev *chardev, const uint8_t *data, uint64_t size)
{
  uint64_t done = 0;

  if (gwt_chardev_ring_write (chardev, data, size))
    return size;
  g_mutex_lock (&chardev->lock);
  while (done < size && chardev->connected && !chardev->broken && chardev->out_fd >= 0)
    {
      ssize_t n = put (chardev, data + done, (size_t) MIN (size - done, (uint64_t) 1 << 20));

      if (n > 0)
        done += (uint64_t) n;
      else if (n < 0 && errno == EINTR)
        continue;
      else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        give_up_peer (chardev);
      else
        {
          if (!chardev->out_source)
            {
              chardev->out_source
                  = g_unix_fd_source_new (chardev->out_fd, G_IO_OUT | G_IO_HUP | G_IO_ERR);
              g_source_set_callback (chardev->out_source, G_SOURCE_FUNC (on_writable), chardev,
                                     NULL);
              g_source_attach (chardev->out_source, NULL);
            }
          g_mutex_unlock (&chardev->lock);
          return done;
        }
    }
  g_mutex_unlock (&chardev->lock);
  return size; /* nobody there takes all */
}

void
gwt_chardev_write_text (struct gwt_chardev *chardev, const char *data, size_t size)
{
  size_t done = 0;
  int tries = 10;

  while (done < size && tries-- > 0)
    {
      struct pollfd p = { .fd = chardev->out_fd, .events = POLLOUT };

      done += (size_t) gwt_chardev_write_raw (chardev, (const uint8_t *) data + done, size - done);
      if (done < size && poll (&p, 1, TEXT_PATIENCE_MS) <= 0)
        break;
    }
}

/* ---- peers ----------------------------------------------------------------------------------- */

void
gwt_chardev_connect (struct gwt_chardev *chardev, int in_fd, int out_fd, bool owns)
{
  g_mutex_lock (&chardev->lock);
  chardev->in_fd = in_fd;
  chardev->out_fd = out_fd;
  chardev->owns_fds = owns;
  chardev->connected = true;
  chardev->broken = chardev->eof = false;
  listen_to_peer (chardev);
  g_mutex_unlock (&chardev->lock);
  gwt_chardev_event (chardev, GWT_CHARDEV_OPENED);
}

void
gwt_chardev_disconnect (struct gwt_chardev *chardev)
{
  bool was;

  g_mutex_lock (&chardev->lock);
  was = chardev->connected;
  chardev->connected = false;
  gwt_source_drop (&chardev->in_source);
  gwt_source_drop (&chardev->hup_source);
  gwt_source_drop (&chardev->out_source);
  if (chardev->owns_fds)
    {
      if (chardev->in_fd >= 0)
        close (chardev->in_fd);
      if (chardev->out_fd >= 0 && chardev->out_fd != chardev->in_fd)
        close (chardev->out_fd);
    }
  chardev->in_fd = chardev->out_fd = -1;
  g_mutex_unlock (&chardev->lock);
  if (!was)
    return;
  gwt_chardev_event (chardev, GWT_CHARDEV_CLOSED);
  /* Whoever waits to write may: all is dropped now. */
  on_writable (-1, 0, chardev);
  gwt_chardev_await_peer (chardev);
}

/* ---- "gwt.chardev/1" ------------------------------------------------------------------------- */

static void
device_gone (void *data)
{
  struct gwt_chardev *chardev = data;

  g_mutex_lock (&chardev->lock);
  if (!chardev->has_mux)
    gwt_source_drop (&chardev->in_source);
  gwt_source_drop (&chardev->out_source);
  g_mutex_unlock (&chardev->lock);
  chardev->device = NULL;
  chardev->due = 0;
  chardev->frontend_open = false;
}

bool
gwt_chardev_remove (struct gwt_chardev *chardev, struct gwt_error *err)
{
  if (gwt_chardev_in_use (chardev))
    {
      gwt_error_set (err, GWT_E_BUSY, "Chardev '%s' is busy", chardev->id);
      return false;
    }
  gwt_chardev_close (chardev);
  g_ptr_array_remove (gwt_chardevs, chardev);
  gwt_mux_clear (chardev);
  gwt_chardev_free_spec (chardev);
  return true;
}

bool
gwt_chardev_frontend_open (struct gwt_chardev *chardev)
{
  return __atomic_load_n (&chardev->frontend_open, __ATOMIC_RELAXED);
}

void
gwt_chardev_send_break (struct gwt_chardev *chardev)
{
  gwt_chardev_event (chardev, GWT_CHARDEV_BREAK);
}

static bool
is_free (struct gwt_chardev *chardev, struct gwt_error *err)
{
  if (chardev->device)
    gwt_error_set (err, GWT_E_BUSY,
                   "character back end '%s' is used by '%s'; give each user its own", chardev->id,
                   chardev->device->id);
  else if (chardev->is_console)
    gwt_error_set (err, GWT_E_BUSY,
                   "character back end '%s' is used by the console; give each user its own",
                   chardev->id);
  return !gwt_error_is_set (err);
}

static int
chardev_attach (struct gwt_chardev *chardev, struct gwt_device *device,
                const struct gwt_chardev_client *client, struct gwt_error *err)
{
  GWT_AUTO_ERROR (inner);

  if (!is_free (chardev, &inner))
    {
      if (err)
        gwt_error_move (err, &inner);
      return -1;
    }
  memset (&chardev->client, 0, sizeof (chardev->client));
  if (client)
    memcpy (&chardev->client, client, MIN (client->struct_size, sizeof (chardev->client)));
  chardev->device = device;
  chardev->frontend_open = true;
  gwt_device_on_destroy (device, device_gone, chardev);
  if (chardev->connected)
    gwt_chardev_event (chardev, GWT_CHARDEV_OPENED);
  gwt_chardev_deliver (chardev);
  return 0;
}

bool
gwt_chardev_attach_console (struct gwt_chardev *chardev, struct gwt_error *err)
{
  if (!is_free (chardev, err))
    return false;
  if (chardev->has_mux)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "character back end '%s' has Ctrl-A keys, which the console is behind; use it "
                     "without mon: or mux=on",
                     chardev->id);
      return false;
    }
  chardev->is_console = true;
  gwt_chardev_deliver (chardev);
  return true;
}

static uint64_t
chardev_write (struct gwt_chardev *chardev, const uint8_t *data, uint64_t size)
{
  return chardev->has_mux ? gwt_mux_write (chardev, data, size)
                          : gwt_chardev_write_raw (chardev, data, size);
}

static void
chardev_accept_input (struct gwt_chardev *chardev)
{
  g_mutex_lock (&chardev->lock);
  if (chardev->has_mux)
    look_soon (chardev);
  else
    listen_to_peer (chardev);
  g_mutex_unlock (&chardev->lock);
}

static void
chardev_set_open (struct gwt_chardev *chardev, uint32_t open)
{
  __atomic_store_n (&chardev->frontend_open, open != 0, __ATOMIC_RELAXED);
}

static void
chardev_size (struct gwt_chardev *chardev, uint16_t *columns, uint16_t *rows)
{
  *columns = *rows = 0;
  if (chardev->kind == GWT_CHARDEV_STDIO)
    gwt_terminal_size (columns, rows);
}

void
gwt_chardev_terminal_resized (void)
{
  guint i;

  for (i = 0; gwt_chardevs && i < gwt_chardevs->len; i++)
    {
      struct gwt_chardev *chardev = g_ptr_array_index (gwt_chardevs, i);

      if (chardev->kind == GWT_CHARDEV_STDIO)
        gwt_chardev_event (chardev, GWT_CHARDEV_RESIZED);
    }
}

static void
chardev_set_line (struct gwt_chardev *chardev, uint32_t baud, uint32_t data_bits,
                  uint32_t stop_bits, uint32_t parity)
{
  /* No back end of this release is a real line. */
}

static void *
find_backend (const char *id)
{
  return gwt_chardev_find (id);
}

void
gwt_chardev_guest_paused (bool now)
{
  static const uint32_t events[] = { GWT_CHARDEV_CLOSED, GWT_CHARDEV_OPENED, GWT_CHARDEV_BREAK,
                                     GWT_CHARDEV_RESIZED };
  guint i, n;

  guest_paused = now;
  for (i = 0; !now && gwt_chardevs && i < gwt_chardevs->len; i++)
    {
      struct gwt_chardev *chardev = g_ptr_array_index (gwt_chardevs, i);
      uint32_t due = chardev->due;

      chardev->due = 0;
      for (n = 0; n < G_N_ELEMENTS (events); n++)
        if (due & 1u << n)
          gwt_chardev_event (chardev, events[n]);
      if (due & DUE_WRITABLE)
        on_writable (-1, 0, chardev);
      gwt_chardev_deliver (chardev);
    }
}

static void
on_run (const char *event, enum gwt_shutdown_cause cause, void *data)
{
  if (strcmp (event, "STOP") == 0)
    gwt_chardev_guest_paused (true);
  else if (strcmp (event, "RESUME") == 0)
    gwt_chardev_guest_paused (false);
}

void
gwt_chardev_register_extensions (void)
{
  static const struct gwt_chardev_api api = {
    .struct_size = sizeof (api),
    .attach = chardev_attach,
    .write = chardev_write,
    .accept_input = chardev_accept_input,
    .set_line = chardev_set_line,
    .set_open = chardev_set_open,
    .size = chardev_size,
  };
  GWT_AUTO_ERROR (err);

  if (gwt_extension_find (GWT_CHARDEV_EXT))
    return;
  gwt_device_set_backend_finder (GWT_CHARDEV, find_backend);
  gwt_run_add_listener (on_run, NULL);
  if (!gwt_extension_add (GWT_CHARDEV_EXT, &api, "host", &err))
    gwt_log (GWT_LOG_ERROR, "chardev: %s", err.text);
}
