/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream from a channel: what receiving a guest and loading one from a file share.  Devices' code
 * runs under the machine lock, which is let go whenever bytes are waited for, so monitors live; RAM
 * is filled without it.  What becomes of the guest is the caller's affair.
 */
#include "config.h"
#include "core/device/lock.h"
#include "core/migration/internal.h"
#include "core/migration/manifest.h"
#include "core/migration/verdict.h"

struct gwt_reader
{
  struct gwt_channel *channel;
  struct gwt_vm_in *in;
  struct gwt_stream_in *stream;
  struct gwt_stream_config config;
  const char *capabilities[GWT_CONFIG_WORDS];
  bool answers;
  bool begun; /* the configuration was read, and taken */
  gwt_reader_begins begins;
};

static gssize
source_pieces (void *opaque, const struct iovec *iov, int n, struct gwt_error *err)
{
  struct gwt_reader *r = opaque;
  bool held = gwt_machine_lock_held ();
  gssize got;

  if (held)
    gwt_machine_unlock ();
  got = gwt_channel_readv (r->channel, iov, n, err);
  if (held)
    gwt_machine_lock ();
  return got;
}

static gssize
source (void *opaque, uint8_t *buffer, gsize size, struct gwt_error *err)
{
  struct iovec iov = { buffer, size };

  return source_pieces (opaque, &iov, 1, err);
}

/* ---- commands -------------------------------------------------------------------------------- */

static bool
has_size (uint16_t size, uint16_t wanted, struct gwt_error *err)
{
  if (size == wanted)
    return true;
  gwt_error_set (err, GWT_E_INVALID, "it has %u bytes instead of %u", size, wanted);
  return false;
}

static bool
ping (struct gwt_reader *r, const uint8_t *data, uint16_t size, struct gwt_error *err)
{
  if (!has_size (size, 4, err))
    return false;
  if (!r->answers)
    {
      gwt_error_set (err, GWT_E_INVALID, "a ping, and there is no return path to answer on");
      return false;
    }
  return gwt_return_path_say (r->channel, GWT_RETURN_PONG,
                              (uint32_t) data[0] << 24 | (uint32_t) data[1] << 16
                                  | (uint32_t) data[2] << 8 | data[3],
                              err);
}

static bool
command (void *opaque, uint16_t number, const uint8_t *data, uint16_t size, struct gwt_error *err)
{
  struct gwt_reader *r = opaque;

  switch (number)
    {
    case GWT_COMMAND_OPEN_RETURN_PATH:
      /* What has no way back (a pipe) is sent without, as other receivers do it. */
      r->answers = gwt_channel_two_way (r->channel);
      return has_size (size, 0, err);
    case GWT_COMMAND_PING:
      if (!r->answers && !gwt_channel_two_way (r->channel) && size == 4)
        return true;
      return ping (r, data, size, err);
    case GWT_COMMAND_SWITCHOVER_START:
      return has_size (size, 0, err);
    default:
      gwt_error_set (err, GWT_E_UNSUPPORTED, "%s",
                     number >= 3 && number <= 10
                         ? "it belongs to postcopy, which is not there yet; turn postcopy-ram and "
                           "x-colo off at the sender"
                         : "it is not known here");
      return false;
    }
}

static void
enter (void *opaque)
{
  (void) opaque;
  gwt_machine_lock ();
}

static void
leave (void *opaque)
{
  (void) opaque;
  gwt_machine_unlock ();
}

/* ---- the beginning --------------------------------------------------------------------------- */

struct beginning
{
  struct gwt_reader *reader;
  struct gwt_manifest *manifest;
  const struct gwt_error *misfit;
  bool check_only, judged;
  struct gwt_preflight result;
};

static void
begin_on_main (void *data)
{
  struct beginning *b = data;

  if (b->manifest != NULL)
    b->judged = gwt_migration_prepare (b->manifest, b->check_only, &b->result);
  if (b->judged && b->result.verdict != GWT_VERDICT_REFUSE && gwt_error_is_set (b->misfit))
    {
      gwt_migration_undo ();
      gwt_verdict_refuse (&b->result, b->misfit);
    }
  b->reader->begins (b->judged ? &b->result : NULL, b->check_only);
}

static bool
refused (const struct gwt_preflight *result, struct gwt_error *err)
{
  if (result->verdict != GWT_VERDICT_REFUSE)
    return false;
  gwt_error_set (err, GWT_E_UNSUPPORTED, "%s", (const char *) result->reasons->pdata[0]);
  return true;
}

static uint32_t
flags_of (const struct gwt_reader *r)
{
  uint32_t flags = 0;

  gwt_stream_manifest (r->stream, &flags);
  return flags;
}

/* Before RAM comes, so that a guest that cannot be here has not stood still for it. */
static bool
begins (void *opaque, struct gwt_manifest *manifest, const struct gwt_error *misfit,
        struct gwt_error *err)
{
  struct gwt_reader *r = opaque;
  uint32_t flags = flags_of (r);
  struct beginning b = { .reader = r,
                         .manifest = manifest,
                         .misfit = misfit,
                         .check_only = (flags & GWT_STREAM_CHECK_ONLY) != 0 };
  bool good = true;

  r->begun = true;
  if (r->begins == NULL)
    return true;
  if (!gwt_migration_on_main (begin_on_main, &b))
    {
      gwt_error_set (err, GWT_E_BUSY, "this process ends");
      return false;
    }
  if (b.judged && (flags & GWT_STREAM_WAITS) != 0 && gwt_channel_two_way (r->channel))
    good = gwt_verdict_send (r->channel, &b.result, err);
  if (good && b.judged)
    good = !refused (&b.result, err);
  if (b.judged)
    gwt_preflight_clear (&b.result);
  return good;
}

bool
gwt_reader_check_only (const struct gwt_reader *r)
{
  return (flags_of (r) & GWT_STREAM_CHECK_ONLY) != 0;
}

/* What was wrong before there was a verdict is the verdict, for a sender that waits for one. */
static void
refuse (struct gwt_reader *r, const struct gwt_error *err)
{
  struct gwt_preflight result = { 0 };
  GWT_AUTO_ERROR (ignored);

  if (r->begun || (flags_of (r) & GWT_STREAM_WAITS) == 0 || !gwt_channel_two_way (r->channel))
    return;
  gwt_verdict_refuse (&result, err);
  gwt_verdict_send (r->channel, &result, &ignored);
  gwt_preflight_clear (&result);
}

bool
gwt_reader_begin (struct gwt_reader *r, struct gwt_error *err)
{
  if (gwt_stream_get_start (r->stream, err))
    return true;
  refuse (r, err);
  return false;
}

/* ---- all of it ------------------------------------------------------------------------------- */

struct gwt_reader *
gwt_reader_new (struct gwt_channel *channel, gwt_reader_begins when_begun)
{
  static const struct gwt_stream_in_ops ops = {
    .command = command,
    .begins = begins,
    .enter = enter,
    .leave = leave,
    .left_out = gwt_migration_left_out,
  };
  struct gwt_reader *r = g_new0 (struct gwt_reader, 1);

  r->channel = channel;
  r->begins = when_begun;
  r->in = gwt_vm_in_new (source, r);
  r->in->source_pieces = source_pieces;
  gwt_migration_config (&r->config, r->capabilities, false);
  r->stream = gwt_stream_in_new (r->in, &r->config, &ops, r);
  return r;
}

bool
gwt_reader_read (struct gwt_reader *r, struct gwt_error *err)
{
  return gwt_stream_get_items (r->stream, err)
         && gwt_stream_get_description (r->stream, err);
}

bool
gwt_reader_answers (const struct gwt_reader *r)
{
  return r->answers;
}

bool
gwt_reader_check (struct gwt_reader *r, struct gwt_error *err)
{
  return gwt_stream_check_complete (r->stream, err);
}

bool
gwt_reader_commit (struct gwt_reader *r, struct gwt_error *err)
{
  return gwt_stream_commit (r->stream, err);
}

void
gwt_reader_free (struct gwt_reader *r)
{
  if (r == NULL)
    return;
  gwt_stream_in_free (r->stream);
  gwt_vm_in_free (r->in);
  g_free (r);
}

struct gwt_manifest *
gwt_reader_manifest (const struct gwt_reader *r)
{
  return gwt_stream_manifest (r->stream, NULL);
}
