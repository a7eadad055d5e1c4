/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * -netdev and netdev_add ("o" and a text), and what is done to frames of a guest or a peer ("f" and
 * a frame).  Claimed: a text is refused with a reason, or makes a back end that goes away again; a
 * piece of a frame is no larger than the network's MTU, and a frame that was described as a large
 * one has a place for its checksum.
 */
#include "config.h"
#include "core/backend/netdev-internal.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

const char *const fuzz_tokens[]
    = { "user,id=n", "tap,id=n,",      "stream,id=n,", "dgram,id=n,", "hostfwd=", "tcp::0-:22",
        "net=",      "addr.type=unix", "\x08\x00\x45", "\x02\x04",    NULL };

#define MTU 576

static void
option (const char *text)
{
  struct gwt_netdev *netdev = NULL;
  GWT_AUTO_ERROR (err);
  struct gwt_netdev_options *options;
  struct json_object *json;

  if (text[0] == '{')
    {
      json = json_tokener_parse (text);
      options = json_object_is_type (json, json_type_object)
                    ? gwt_netdev_options_from_json (json, &err)
                    : NULL;
      if (options)
        gwt_netdev_options_free (options);
      FUZZ_CLAIM (options || !json || gwt_error_is_set (&err)
                  || !json_object_is_type (json, json_type_object));
      json_object_put (json);
      return;
    }
  /* Not somebody else's sockets. */
  if (strstr (text, "fd") == NULL)
    netdev = gwt_netdev_new_option (text, &err);
  else
    return;
  FUZZ_CLAIM ((netdev != NULL) == !gwt_error_is_set (&err));
  if (netdev)
    FUZZ_CLAIM (gwt_netdev_delete (gwt_netdev_id (netdev), &err));
}

static void
piece (void *data, const uint8_t *frame, uint64_t size)
{
  uint64_t *count = data;

  FUZZ_CLAIM (size >= 14 && size <= 14 + MTU);
  ++*count;
}

static void
frame (const uint8_t *data, size_t size)
{
  g_autofree uint8_t *copy = g_memdup2 (data, size), *room = g_malloc (GWT_NET_FRAME_MAX);
  struct gwt_net_header header;
  uint64_t count = 0;

  net_raise_mss (copy, size, 65481, 65461);
  if (net_cut (copy, size, MTU, room, piece, &count))
    FUZZ_CLAIM (count >= 1);
  if (net_describe_large (copy, size, MTU, 15, &header))
    FUZZ_CLAIM (net_complete_checksum (&header, copy, size));
  if (size >= sizeof header)
    {
      memcpy (&header, data, sizeof header);
      net_complete_checksum (&header, copy, size);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 2 || size > 60000)
    return 0;
  if (data[0] == 'o')
    {
      g_autofree char *text = g_strndup ((const char *) data + 1, size - 1);

      option (text);
    }
  else
    frame (data + 1, size - 1);
  return 0;
}
