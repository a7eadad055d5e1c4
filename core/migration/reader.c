/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream from a channel: what receiving a guest and loading one from a file share.  Devices' code
 * runs under the machine lock, which is let go whenever bytes are waited for, so monitors live; RAM
 * is filled without it.  What becomes of the guest is the caller's affair.
 */
#include "config.h"
#include "core/device/lock.h"
#include "core/migration/internal.h"

struct gwt_reader
{
  struct gwt_channel *channel;
  struct gwt_vm_in *in;
  struct gwt_stream_in *stream;
  struct gwt_stream_config config;
  const char *capabilities[GWT_CONFIG_WORDS];
  bool answers;
};

static gssize
source (void *opaque, uint8_t *buffer, gsize size, struct gwt_error *err)
{
  struct gwt_reader *r = opaque;
  bool held = gwt_machine_lock_held ();
  gssize got;

  if (held)
    gwt_machine_unlock ();
  got = gwt_channel_read (r->channel, buffer, size, err);
  if (held)
    gwt_machine_lock ();
  return got;
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

/* ---- all of it ------------------------------------------------------------------------------- */

struct gwt_reader *
gwt_reader_new (struct gwt_channel *channel)
{
  static const struct gwt_stream_in_ops ops = {
    .command = command,
    .enter = enter,
    .leave = leave,
    .left_out = gwt_migration_left_out,
  };
  struct gwt_reader *r = g_new0 (struct gwt_reader, 1);

  r->channel = channel;
  r->in = gwt_vm_in_new (source, r);
  gwt_migration_config (&r->config, r->capabilities, false);
  r->stream = gwt_stream_in_new (r->in, &r->config, &ops, r);
  return r;
}

bool
gwt_reader_read (struct gwt_reader *r, struct gwt_error *err)
{
  return gwt_stream_get_start (r->stream, err) && gwt_stream_get_items (r->stream, err)
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
