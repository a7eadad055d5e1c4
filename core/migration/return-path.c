/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The return path: what the receiver says, read by a thread of the sender's, and how the receiver
 * says it.  Messages are a number and a length of 16 bits each and so many bytes; none has more
 * than 512.  What follows from them is the business of who waits for them.
 */
#include "config.h"
#include "core/migration/return-path.h"
#include "core/migration/internal.h"

#define MESSAGE_MAX 512
/* How long a receiver that has closed the connection may take to be heard. */
#define EXPLAIN_US 1000000
/* How long one that was sent all may take to say whether it has the guest, after a cancel. */
#define LATE_US 1000000
#define LOOK_US 50000
/* How long one that has answered a ping may take with the next. */
#define PONG_US 10000000
/* One that has answered none may be slow; if it is one that never answers, this is all it costs. */
#define FIRST_PONG_US 3000000

struct gwt_return_path
{
  struct gwt_channel *channel;
  GThread *thread;
  GMutex lock; /* of what follows */
  GCond changed;
  uint32_t pong;   /* the last ping that was answered */
  bool ended;      /* the thread reads no more */
  bool well;       /* the last word was that all is well */
  bool told;       /* there was a last word, or one that is not understood */
  struct gwt_error error; /* ended otherwise */
};

bool
gwt_return_path_read (struct gwt_channel *channel, uint8_t *to, gsize size, bool *end,
                      struct gwt_error *err)
{
  gsize at = 0;

  *end = false;
  while (at < size)
    {
      gssize got = gwt_channel_read (channel, to + at, size - at, err);

      if (got < 0)
        return false;
      if (got == 0)
        {
          *end = at == 0;
          if (at > 0)
            gwt_error_set (err, GWT_E_IO, "return path: it ends in the middle of a message");
          return false;
        }
      at += (gsize) got;
    }
  return true;
}

static uint32_t
word (const uint8_t *p)
{
  return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

/* One message; *LAST where it was the last word. */
static bool
read_message (struct gwt_return_path *rp, bool *last, struct gwt_error *err)
{
  uint8_t head[4], body[MESSAGE_MAX];
  guint type, size;
  bool end;

  if (!gwt_return_path_read (rp->channel, head, sizeof (head), &end, err))
    {
      if (end)
        gwt_error_set (err, GWT_E_IO, "the other end closed the connection before it had said "
                                      "that all is well; see what the other end says");
      return false;
    }
  type = (guint) head[0] << 8 | head[1];
  size = (guint) head[2] << 8 | head[3];
  *last = true;
  if (type != GWT_RETURN_SHUT && type != GWT_RETURN_PONG)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED, "return path: message %u is not understood here",
                     type);
      return false;
    }
  if (size != 4)
    {
      gwt_error_set (err, GWT_E_INVALID, "return path: message %u has %u bytes instead of 4", type,
                     size);
      return false;
    }
  *last = false;
  if (!gwt_return_path_read (rp->channel, body, size, &end, err))
    {
      gwt_error_set (err, GWT_E_IO, "return path: it ends in the middle of a message");
      return false;
    }
  if (type != GWT_RETURN_SHUT)
    {
      g_mutex_lock (&rp->lock);
      rp->pong = word (body);
      g_cond_broadcast (&rp->changed);
      g_mutex_unlock (&rp->lock);
      return true;
    }
  *last = true;
  if (word (body) == 0)
    return true;
  gwt_error_set (err, GWT_E_FAILED,
                 "the other end could not load the guest; its own message says why");
  return false;
}

static gpointer
run (gpointer data)
{
  struct gwt_return_path *rp = data;
  GWT_AUTO_ERROR (err);
  bool last = false, good = true;

  gwt_migration_thread_begins ("mig/src/return");
  while (good && !last)
    good = read_message (rp, &last, &err);
  g_mutex_lock (&rp->lock);
  rp->ended = true;
  rp->well = good;
  rp->told = last;
  if (!good)
    gwt_error_move (&rp->error, &err);
  g_cond_broadcast (&rp->changed);
  g_mutex_unlock (&rp->lock);
  /* It may have ceased to read, too: whoever writes, with the guest stopped perhaps, comes back. */
  if (last && !good)
    gwt_channel_shutdown (rp->channel);
  gwt_migration_thread_ends ();
  return NULL;
}

struct gwt_return_path *
gwt_return_path_open (struct gwt_channel *channel, struct gwt_error *err)
{
  struct gwt_return_path *rp = g_new0 (struct gwt_return_path, 1);
  GError *error = NULL;

  rp->channel = channel;
  g_mutex_init (&rp->lock);
  g_cond_init (&rp->changed);
  rp->thread = g_thread_try_new ("mig/src/return", run, rp, &error);
  if (rp->thread != NULL)
    return rp;
  gwt_error_set (err, GWT_E_NO_MEMORY, "the host gives no thread (%s); end other programs",
                 error->message);
  g_error_free (error);
  g_mutex_clear (&rp->lock);
  g_cond_clear (&rp->changed);
  g_free (rp);
  return NULL;
}

bool
gwt_return_path_failed (struct gwt_return_path *rp, struct gwt_error *err)
{
  bool failed;

  g_mutex_lock (&rp->lock);
  failed = rp->ended;
  if (rp->ended && rp->well)
    gwt_error_set (err, GWT_E_FAILED, "the other end says that all is well before it was sent all");
  else if (rp->ended)
    gwt_error_set (err, rp->error.code, "%s", rp->error.text);
  g_mutex_unlock (&rp->lock);
  return failed;
}

void
gwt_return_path_explain (struct gwt_return_path *rp, struct gwt_error *err)
{
  int64_t until = g_get_monotonic_time () + EXPLAIN_US;

  g_mutex_lock (&rp->lock);
  while (!rp->ended && g_cond_wait_until (&rp->changed, &rp->lock, until))
    ;
  if (rp->ended && !rp->well && rp->told)
    {
      gwt_error_clear (err);
      gwt_error_set (err, rp->error.code, "%s", rp->error.text);
    }
  g_mutex_unlock (&rp->lock);
}

bool
gwt_return_path_wait_pong (struct gwt_return_path *rp, uint32_t ping, const atomic_bool *cancelled)
{
  bool answers;
  int64_t since = g_get_monotonic_time (), now = since;

  g_mutex_lock (&rp->lock);
  for (; !rp->ended && rp->pong != ping && !atomic_load (cancelled)
         && now - since < (rp->pong != 0 ? PONG_US : FIRST_PONG_US);
       now = g_get_monotonic_time ())
    g_cond_wait_until (&rp->changed, &rp->lock, now + LOOK_US);
  answers = rp->pong != 0;
  g_mutex_unlock (&rp->lock);
  return answers;
}

bool
gwt_return_path_wait (struct gwt_return_path *rp, const atomic_bool *cancelled,
                      struct gwt_error *err)
{
  int64_t until = 0, now;
  bool well;

  g_mutex_lock (&rp->lock);
  while (!rp->ended)
    {
      now = g_get_monotonic_time ();
      if (until == 0 && atomic_load (cancelled))
        {
          gwt_channel_end_writing (rp->channel);
          until = now + LATE_US;
        }
      if (until != 0 && now >= until)
        gwt_channel_shutdown (rp->channel);
      g_cond_wait_until (&rp->changed, &rp->lock, now + LOOK_US);
    }
  well = rp->well;
  if (!well)
    gwt_error_set (err, rp->error.code, "%s", rp->error.text);
  g_mutex_unlock (&rp->lock);
  return well;
}

void
gwt_return_path_close (struct gwt_return_path *rp)
{
  if (rp == NULL)
    return;
  g_thread_join (rp->thread);
  gwt_error_clear (&rp->error);
  g_mutex_clear (&rp->lock);
  g_cond_clear (&rp->changed);
  g_free (rp);
}

/* ---- the receiver's side --------------------------------------------------------------------- */

bool
gwt_return_path_say (struct gwt_channel *channel, enum gwt_return_message message, uint32_t value,
                     struct gwt_error *err)
{
  uint8_t bytes[8] = { 0, (uint8_t) message, 0, 4, (uint8_t) (value >> 24),
                       (uint8_t) (value >> 16), (uint8_t) (value >> 8), (uint8_t) value };
  struct iovec iov = { bytes, sizeof (bytes) };

  return gwt_channel_writev (channel, &iov, 1, err);
}
