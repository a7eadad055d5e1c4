/* SPDX-License-Identifier: BSD-2-Clause */
/* The network device on the mock host: frames both ways, commands, filters, drivers without
   manners.  One file, since each test is the same driver with another intent. */
#include "net-driver.h"

#include <string.h>

static const uint64_t kinds[]
    = { 0, PACKED, IN_ORDER, PACKED | IN_ORDER | EVENT_IDX, EVENT_IDX | INDIRECT_DESC };
static const uint8_t own_mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const struct gwt_net_info offloading = {
  .struct_size = sizeof (struct gwt_net_info),
  .send_offloads = 15,
  .receive_offloads = 15,
  .queues = 1,
  .link_up = 1,
};
static const struct gwt_net_info four_queues = {
  .struct_size = sizeof (struct gwt_net_info),
  .queues = 4,
  .link_up = 1,
};
#define MAC_PROPERTY "mac=52:54:00:01:02:03"

/* ---- what it says of itself ------------------------------------------------------------------ */

static void
test_rows (void)
{
  struct net_driver d;

  mock_check_rows (net_driver_machine (&d, NULL));
  net_driver_free (&d);
}

static void
test_features (void)
{
  static const struct
  {
    const struct gwt_net_info *info;
    const char *property;
    uint64_t in, out;
  } cases[] = {
    { NULL, NULL, BIT (5) | MRG_RXBUF | BIT (16) | CTRL_VQ | BIT (18) | BIT (19) | BIT (20)
                      | BIT (21) | BIT (23),
      BIT (0) | BIT (1) | BIT (2) | BIT (3) | BIT (7) | BIT (11) | BIT (22) | BIT (63) },
    { &offloading, NULL, BIT (0) | BIT (1) | BIT (2) | BIT (7) | BIT (8) | BIT (9) | BIT (11)
                             | BIT (12) | BIT (13),
      BIT (10) | BIT (14) | BIT (22) },
    { &offloading, "csum=0", BIT (1) | BIT (7), BIT (0) | BIT (11) | BIT (12) | BIT (13) },
    { &offloading, "guest-csum=0", BIT (0) | BIT (11), BIT (1) | BIT (2) | BIT (7) | BIT (9) },
    { &offloading, "host-tso4=0", BIT (12), BIT (11) },
    { &offloading, "guest-tso6=0", BIT (7), BIT (8) },
    { NULL, "ctrl-vq=0", BIT (5), CTRL_VQ | BIT (18) | BIT (19) | BIT (21) | BIT (23) },
    { NULL, "status=0", BIT (5), BIT (16) | BIT (21) },
    { NULL, "mrg-rxbuf=0", BIT (5), MRG_RXBUF },
    { NULL, "host-mtu=9000", BIT (3), 0 },
    { NULL, "speed=1000", BIT (63), 0 },
    { &four_queues, "mq=1", BIT (22), 0 },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      struct net_driver d;

      net_driver_new (&d, cases[i].info, cases[i].property, NULL);
      g_test_message ("%u: %s", i, cases[i].property ? cases[i].property : "");
      g_assert_cmphex (net_offered (&d) & cases[i].in, ==, cases[i].in);
      g_assert_cmphex (net_offered (&d) & cases[i].out, ==, 0);
      net_driver_free (&d);
    }
}

static void
test_config (void)
{
  struct net_driver d;

  net_driver_new (&d, NULL, MAC_PROPERTY, "host-mtu=1400", "speed=2500", NULL);
  g_assert_cmphex (net_load (&d, R_CONFIG), ==, 0x01005452);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 4, 2), ==, 0x0302);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 6, 2), ==, 1);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 8, 2), ==, 1);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 10, 2), ==, 1400);
  g_assert_cmphex (net_load (&d, R_CONFIG + 12), ==, 2500);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 16, 1), ==, 0xff);
  /* The link: seen, and told. */
  g_assert_true (net_start (&d, 0, 2, 16));
  d.net.client->link_changed (d.device->instance, 0);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 6, 2), ==, 0);
  g_assert_cmphex (net_load (&d, R_ISR), ==, 2);
  net_store (&d, R_ACK, 2);
  d.net.client->link_changed (d.device->instance, 1);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 6, 2), ==, 1);
  g_assert_cmphex (net_load (&d, R_ISR), ==, 2);
  net_driver_free (&d);
}

static void
test_addresses (void)
{
  const struct gwt_device_type *type;
  struct net_driver d;
  guint i;

  /* Without mac each device has the next one; a machine that is built again has the same. */
  for (i = 0; i < 2; i++)
    {
      net_driver_new (&d, NULL, NULL);
      g_assert_cmphex (net_load (&d, R_CONFIG), ==, 0x12005452);
      g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 4, 2), ==, 0x5634);
      net_driver_free (&d);
    }
  /* And without a back end no link. */
  type = net_driver_machine (&d, NULL);
  d.device = mock_new (type, "card", NULL);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 6, 2), ==, 0);
  g_assert_true (net_start (&d, CTRL_VQ, 3, 16));
  net_notify (&d, 1);
  net_driver_free (&d);
}

static void
test_refusals (void)
{
  static const struct
  {
    const struct gwt_net_info *info;
    const char *property, *text;
  } cases[] = {
    { NULL, "mac=52:54:00:12:34", "mac '52:54:00:12:34' is no address of a device; use one such "
                                  "as 52:54:00:12:34:56" },
    { NULL, "mac=52:54:00:12:34:5g", "mac '52:54:00:12:34:5g' is no address" },
    { NULL, "mac=52:54:00:12:34:567", "mac '52:54:00:12:34:567' is no address" },
    { NULL, "mac=01:54:00:12:34:56", "mac '01:54:00:12:34:56' is no address" },
    { NULL, "rx-queue-size=100", "rx-queue-size 100 is no power of two; use 64 to 1024" },
    { NULL, "tx-queue-size=65", "tx-queue-size 65 is no power of two; use 64 to 1024" },
    { NULL, "host-mtu=67", "host-mtu 67 is too small; use 68 to 65535, or 0" },
    { &four_queues, "mac=52:54:00:12:34:56",
      "mq is off, but netdev 'net0' has 4 queues; add mq=on, or use a back end with one" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      struct net_driver d;
      const struct gwt_device_type *type = net_driver_machine (&d, cases[i].info);

      g_assert_null (mock_try_new (type, "card", "netdev=net0", cases[i].property, NULL));
      g_assert_true (g_str_has_prefix (mock_error.text, cases[i].text));
      g_assert_null (d.net.device);
      net_driver_free (&d);
    }
}

/* ---- frames that are sent -------------------------------------------------------------------- */

static void
fill (uint64_t address, uint32_t size, uint8_t seed)
{
  uint8_t *p = mock_memory (address, size);
  uint32_t i;

  for (i = 0; i < size; i++)
    p[i] = (uint8_t) (seed + i);
}

static void
test_send (gconstpointer data)
{
  const struct buffer whole = { BUFFERS, 100, 0 };
  const struct buffer parts[4]
      = { { BUFFERS, 12, 0 }, { BUFFERS + 0x2000, 1, 0 }, { BUFFERS + 0x1000, 200, 0 },
          { BUFFERS + 0x3000, 60, 0 } };
  struct net_driver d;
  GByteArray *frame;
  uint32_t written, i;
  uint16_t id;

  net_driver_new (&d, NULL, "packed=1", "in-order=1", NULL);
  g_assert_true (net_start (&d, *(const uint64_t *) data, 2, 16));
  for (i = 0; i < 4; i++)
    fill (parts[i].address, parts[i].size, (uint8_t) (16 * i));
  for (i = 0; i < 50; i++)
    {
      net_add (&d, 1, &whole, 1);
      net_add (&d, 1, parts, 4);
      net_notify (&d, 1);
      g_assert_cmpuint (d.net.out->len, ==, 2);
      frame = g_ptr_array_index (d.net.out, 1);
      g_assert_cmpuint (frame->len, ==, 273);
      g_assert_cmphex (frame->data[12], ==, 16);
      g_assert_cmphex (frame->data[13], ==, 32);
      g_assert_cmphex (frame->data[272], ==, 48 + 59);
      g_ptr_array_set_size (d.net.out, 0);
      g_assert_true (net_used (&d, 1, &id, &written));
      g_assert_cmpuint (written, ==, 0);
      g_assert_true (net_used (&d, 1, &id, &written));
      g_assert_false (net_used (&d, 1, &id, &written));
    }
  g_assert_cmphex (net_load (&d, R_ISR), ==, 1);
  net_driver_free (&d);
}

/* A back end that is full: nothing is lost, nothing is sent twice. */
static void
test_back_pressure (gconstpointer data)
{
  const struct buffer whole = { BUFFERS, 100, 0 };
  struct net_driver d;
  uint32_t written, i, used = 0;
  uint16_t id;

  net_driver_new (&d, NULL, "packed=1", "in-order=1", NULL);
  g_assert_true (net_start (&d, *(const uint64_t *) data, 2, 16));
  d.net.room = 3;
  for (i = 0; i < 10; i++)
    net_add (&d, 1, &whole, 1);
  net_notify (&d, 1);
  g_assert_cmpuint (d.net.out->len, ==, 3);
  net_notify (&d, 1);
  g_assert_cmpuint (d.net.out->len, ==, 3);
  d.net.room = 100;
  d.net.kicked[0] = 1;
  net_run (&d);
  g_assert_cmpuint (d.net.out->len, ==, 10);
  while (net_used (&d, 1, &id, &written))
    used++;
  g_assert_cmpuint (used, ==, 10);
  net_driver_free (&d);
}

static void
test_bad_frames (void)
{
  const struct buffer writable[2] = { { BUFFERS, 100, 0 }, { BUFFERS, 100, 1 } };
  const struct buffer tiny = { BUFFERS, 11, 0 }, small = { BUFFERS, 25, 0 };
  struct buffer large[4];
  struct net_driver d;
  uint32_t written, i;
  uint16_t id;

  net_driver_new (&d, NULL, NULL);
  g_assert_true (net_start (&d, 0, 2, 16));
  /* Too small or too large for a frame: dropped, said once. */
  for (i = 0; i < 4; i++)
    large[i] = (struct buffer){ BUFFERS, 0x8000, 0 };
  net_add (&d, 1, &small, 1);
  net_add (&d, 1, large, 4);
  net_notify (&d, 1);
  g_assert_cmpuint (d.net.out->len, ==, 0);
  g_assert_true (net_used (&d, 1, &id, &written));
  g_assert_true (net_used (&d, 1, &id, &written));
  g_assert_cmpuint (mock.logs, ==, 1);
  g_assert_cmphex (net_load (&d, R_STATUS), ==, 15);
  /* No header, or something to write: the rules are broken. */
  net_add (&d, 1, &tiny, 1);
  net_notify (&d, 1);
  g_assert_cmphex (net_load (&d, R_STATUS) & NEEDS_RESET, !=, 0);
  g_assert_true (net_start (&d, 0, 2, 16));
  net_add (&d, 1, writable, 2);
  net_notify (&d, 1);
  g_assert_cmphex (net_load (&d, R_STATUS) & NEEDS_RESET, !=, 0);
  g_assert_true (net_start (&d, 0, 2, 16));
  net_add (&d, 1, &small, 1);
  net_notify (&d, 1);
  g_assert_cmphex (net_load (&d, R_STATUS), ==, 15);
  net_driver_free (&d);
}

/* ---- frames that are received ---------------------------------------------------------------- */

static void
add_buffers (struct net_driver *d, uint32_t queue, uint32_t count, uint32_t size)
{
  uint32_t i;

  for (i = 0; i < count; i++)
    {
      const struct buffer b = { BUFFERS + 0x1000 * ((d->ring[queue].next) % 64), size, 1 };

      net_add (d, queue, &b, 1);
    }
  net_notify (d, queue);
}

/* The next frame that was received, of SIZE bytes in COUNT buffers. */
static void
check_frame (struct net_driver *d, uint32_t queue, uint32_t size, uint32_t count, uint8_t seed)
{
  uint32_t at = 0, written, i, n;
  const uint8_t *p;
  uint16_t id;

  for (n = 0; n < count; n++)
    {
      g_assert_true (net_used (d, queue, &id, &written));
      p = mock_memory (BUFFERS + 0x1000 * id, written);
      if (n == 0)
        {
          g_assert_cmpuint (p[10] | p[11] << 8, ==, count);
          g_assert_cmpuint (written, >=, HEADER_SIZE);
        }
      for (i = 0; i < written; i++, at++)
        if (at >= HEADER_SIZE + 6)
          g_assert_cmphex (p[i], ==, (uint8_t) (seed + at));
    }
  g_assert_cmpuint (at, ==, size);
}

static void
test_receive (gconstpointer data)
{
  uint64_t features = *(const uint64_t *) data;
  struct net_driver d;
  uint32_t written, round;
  uint16_t id;

  net_driver_new (&d, NULL, "packed=1", "in-order=1", NULL);
  for (round = 0; round < 2; round++)
    {
      /* Sizes known before, and not. */
      d.net.no_peek = round;
      g_assert_true (net_start (&d, features | MRG_RXBUF, 2, 32));
      add_buffers (&d, 0, 32, 1526);
      net_frame_in (&d, 0, broadcast, 60, 1);
      check_frame (&d, 0, 60, 1, 1);
      net_frame_in (&d, 0, broadcast, 1526, 2);
      check_frame (&d, 0, 1526, 1, 2);
      net_frame_in (&d, 0, broadcast, 1527, 3);
      check_frame (&d, 0, 1527, 2, 3);
      net_frame_in (&d, 0, broadcast, 20000, 4);
      check_frame (&d, 0, 20000, 14, 4);
      g_assert_false (net_used (&d, 0, &id, &written));
      g_assert_cmphex (net_load (&d, R_ISR), ==, 1);
      /* Too small to be a frame. */
      net_frame_in (&d, 0, broadcast, 25, 5);
      g_assert_false (net_used (&d, 0, &id, &written));
      /* Without merging: what does not fit is lost, the next one comes. */
      g_assert_true (net_start (&d, features, 2, 32));
      add_buffers (&d, 0, 8, 1526);
      net_frame_in (&d, 0, broadcast, 1527, 6);
      g_assert_false (net_used (&d, 0, &id, &written));
      net_frame_in (&d, 0, broadcast, 1526, 7);
      check_frame (&d, 0, 1526, 1, 7);
    }
  net_driver_free (&d);
}

/* Frames wait for buffers, and a frame for the rest of them. */
static void
test_no_buffers (gconstpointer data)
{
  struct net_driver d;
  uint32_t written, round;
  uint16_t id;

  net_driver_new (&d, NULL, "packed=1", "in-order=1", NULL);
  for (round = 0; round < 2; round++)
    {
      d.net.no_peek = round;
      g_assert_true (net_start (&d, *(const uint64_t *) data | MRG_RXBUF, 2, 16));
      net_frame_in (&d, 0, broadcast, 1000, 1);
      g_assert_false (net_used (&d, 0, &id, &written));
      add_buffers (&d, 0, 1, 1526);
      check_frame (&d, 0, 1000, 1, 1);
      add_buffers (&d, 0, 2, 500);
      net_frame_in (&d, 0, broadcast, 1700, 2);
      net_frame_in (&d, 0, broadcast, 100, 3);
      g_assert_false (net_used (&d, 0, &id, &written));
      add_buffers (&d, 0, 1, 500);
      g_assert_false (net_used (&d, 0, &id, &written));
      add_buffers (&d, 0, 2, 500);
      check_frame (&d, 0, 1700, 4, 2);
      check_frame (&d, 0, 100, 1, 3);
    }
  net_driver_free (&d);
}

/* All buffers of a small ring are not enough: the frame is lost after a while, not the device. */
static void
test_stuck (void)
{
  struct net_driver d;
  uint32_t written, round;
  uint16_t id;

  net_driver_new (&d, NULL, NULL);
  for (round = 0; round < 2; round++)
    {
      d.net.no_peek = round;
      g_assert_true (net_start (&d, MRG_RXBUF, 2, 4));
      add_buffers (&d, 0, 4, 500);
      net_frame_in (&d, 0, broadcast, 3000, 1);
      net_frame_in (&d, 0, broadcast, 600, 2);
      net_notify (&d, 0);
      g_assert_false (net_used (&d, 0, &id, &written));
      mock_advance (GWT_CLOCK_REAL, 60000000);
      net_run (&d);
      check_frame (&d, 0, 600, 2, 2);
      g_assert_false (net_used (&d, 0, &id, &written));
    }
  net_driver_free (&d);
}

static void
test_bad_buffers (void)
{
  const struct buffer readable[2] = { { BUFFERS, 100, 0 }, { BUFFERS, 1526, 1 } };
  const struct buffer tiny = { BUFFERS, 11, 1 };
  struct net_driver d;
  guint i;

  net_driver_new (&d, NULL, NULL);
  for (i = 0; i < 2; i++)
    {
      g_assert_true (net_start (&d, 0, 2, 16));
      if (i)
        net_add (&d, 0, readable, 2);
      else
        net_add (&d, 0, &tiny, 1);
      net_frame_in (&d, 0, broadcast, 100, 1);
      net_notify (&d, 0);
      g_assert_cmphex (net_load (&d, R_STATUS) & NEEDS_RESET, !=, 0);
    }
  net_driver_free (&d);
}

/* ---- resets ---------------------------------------------------------------------------------- */

static void
test_resets (gconstpointer data)
{
  struct net_driver d;
  uint32_t written, i;
  uint16_t id;

  net_driver_new (&d, NULL, "packed=1", "in-order=1", NULL);
  for (i = 0; i < 3; i++)
    {
      g_assert_true (net_start (&d, *(const uint64_t *) data | MRG_RXBUF | RING_RESET, 2, 16));
      add_buffers (&d, 0, 16, 1526);
      /* Buffers are popped, not used. */
      net_frame_in (&d, 0, broadcast, 100, 1);
      check_frame (&d, 0, 100, 1, 1);
      g_assert_cmpuint (mock.dma_maps, >, 6);
      if (i == 0)
        {
          net_store (&d, R_STATUS, 0);
          g_assert_cmpuint (mock.dma_maps, ==, 0);
          net_frame_in (&d, 0, broadcast, 100, 1);
          g_assert_cmpuint (d.net.in[0].length, ==, 1);
          continue;
        }
      if (i == 1)
        {
          /* The queue alone; it goes on from its beginning. */
          net_store (&d, 0x30, 0);
          net_store (&d, 0xc0, 1);
          net_frame_in (&d, 0, broadcast, 200, 2);
          net_set_queue (&d, 0, 8);
          add_buffers (&d, 0, 8, 1526);
          check_frame (&d, 0, 200, 1, 2);
          g_assert_false (net_used (&d, 0, &id, &written));
        }
    }
  /* And unplugged as it is. */
  net_driver_free (&d);
}

/* ---- commands -------------------------------------------------------------------------------- */

#define COMMAND (MOCK_RAM_BASE + 0x20000)
#define ANSWER (MOCK_RAM_BASE + 0x21000)

static uint8_t
command (struct net_driver *d, uint32_t queue, const void *bytes, uint32_t size)
{
  const struct buffer b[3] = { { COMMAND, MIN (size, 2), 0 },
                               { COMMAND + 2, size - MIN (size, 2), 0 },
                               { ANSWER, 1, 1 } };
  uint32_t written;
  uint16_t id;

  memcpy (mock_memory (COMMAND, size), bytes, size);
  *(uint8_t *) mock_memory (ANSWER, 1) = 0x77;
  if (size > 2)
    net_add (d, queue, b, 3);
  else
    {
      const struct buffer two[2] = { b[0], b[2] };

      net_add (d, queue, two, 2);
    }
  net_notify (d, queue);
  g_assert_true (net_used (d, queue, &id, &written));
  g_assert_cmpuint (written, ==, 1);
  return *(uint8_t *) mock_memory (ANSWER, 1);
}

#define ALL_CONTROL                                                                                \
  (CTRL_VQ | BIT (1) | BIT (2) | BIT (7) | BIT (16) | BIT (18) | BIT (19) | BIT (20) | BIT (21)    \
   | BIT (23))

static void
test_commands (gconstpointer data)
{
  static const struct
  {
    uint8_t bytes[24];
    uint32_t size;
    uint8_t answer;
    const char *row;
    uint64_t value;
  } cases[] = {
    { { 0, 0, 0 }, 3, 0, "promisc", 0 },
    { { 0, 0, 1 }, 3, 0, "promisc", 1 },
    { { 0, 1, 1 }, 3, 0, "allmulti", 1 },
    { { 0, 2, 1 }, 3, 0, "alluni", 1 },
    { { 0, 3, 1 }, 3, 0, "nomulti", 1 },
    { { 0, 4, 1 }, 3, 0, "nouni", 1 },
    { { 0, 5, 1 }, 3, 0, "nobcast", 1 },
    { { 0, 6, 1 }, 3, 1, NULL, 0 },
    { { 0, 0 }, 2, 1, "promisc", 1 },
    { { 0, 0, 0, 0 }, 4, 1, "promisc", 1 },
    { { 0 }, 1, 1, NULL, 0 },
    { { 9, 0, 0 }, 3, 1, NULL, 0 },
    { { 255, 255, 0 }, 3, 1, NULL, 0 },
    /* addresses */
    { { 1, 1, 2, 3, 4, 5, 6, 7 }, 8, 0, "mac-address", 2 },
    { { 1, 1, 9, 3, 4, 5, 6 }, 7, 1, "mac-address", 2 },
    { { 1, 1, 9, 3, 4, 5, 6, 7, 8 }, 9, 1, "mac-address", 2 },
    { { 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 9, 1, 0, 0, 0, 1, 0, 94, 0, 0, 1 }, 22, 0, "uni-count",
      1 },
    { { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 10, 0, "uni-count", 0 },
    { { 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 9, 0, 0, 0 }, 15, 1, "uni-count", 0 },
    { { 1, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 9, 0, 0, 0, 0 }, 16, 1, "uni-count", 0 },
    { { 1, 0, 255, 255, 255, 255, 0, 0, 0, 0 }, 10, 1, "uni-count", 0 },
    { { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 11, 1, "uni-count", 0 },
    { { 1, 2 }, 2, 1, NULL, 0 },
    /* VLANs */
    { { 2, 0, 5, 0 }, 4, 0, "vlans", 32 },
    { { 2, 1, 5, 0 }, 4, 0, "vlans", 0 },
    { { 2, 0, 0, 16 }, 4, 1, "vlans", 0 },
    { { 2, 0, 5 }, 3, 1, "vlans", 0 },
    { { 2, 2, 5, 0 }, 4, 1, "vlans", 0 },
    /* nothing was announced; no MQ */
    { { 3, 0 }, 2, 1, NULL, 0 },
    { { 4, 0, 1, 0 }, 4, 1, "queue-pairs", 1 },
    /* offloads */
    { { 5, 0, 2, 0, 0, 0, 0, 0, 0, 0 }, 10, 0, "guest-offloads", 2 },
    { { 5, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 10, 0, "guest-offloads", 0 },
    { { 5, 0, 130, 0, 0, 0, 0, 0, 0, 0 }, 10, 0, "guest-offloads", 130 },
    { { 5, 0, 2, 1, 0, 0, 0, 0, 0, 0 }, 10, 1, "guest-offloads", 130 },
    { { 5, 0, 2, 0, 0, 0, 0, 0, 0 }, 9, 1, "guest-offloads", 130 },
    { { 5, 1, 2, 0, 0, 0, 0, 0, 0, 0 }, 10, 1, "guest-offloads", 130 },
  };
  struct net_driver d;
  guint i;

  net_driver_new (&d, &offloading, "packed=1", "in-order=1", NULL);
  g_assert_true (net_start (&d, *(const uint64_t *) data | ALL_CONTROL, 3, 16));
  g_assert_cmphex (d.net.offloads, ==, GWT_NET_OFFLOAD_CSUM | GWT_NET_OFFLOAD_TSO4);
  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("command %u", i);
      g_assert_cmphex (command (&d, 2, cases[i].bytes, cases[i].size), ==, cases[i].answer);
      if (cases[i].row)
        g_assert_cmphex (mock_row (d.device, cases[i].row, 0), ==, cases[i].value);
      g_assert_cmpint (d.net.holds[0], ==, 0);
    }
  g_assert_cmphex (d.net.offloads, ==, GWT_NET_OFFLOAD_CSUM | GWT_NET_OFFLOAD_TSO4);
  /* A reset takes it all back. */
  net_store (&d, R_STATUS, 0);
  g_assert_cmphex (mock_row (d.device, "mac-address", 0), ==, 0x52);
  g_assert_cmphex (mock_row (d.device, "nobcast", 0), ==, 0);
  /* What was not negotiated is refused. */
  g_assert_true (net_start (&d, CTRL_VQ, 3, 16));
  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmphex (command (&d, 2, cases[i].bytes, cases[i].size), ==, 1);
  net_driver_free (&d);
}

static void
test_control_hostile (void)
{
  const struct buffer no_answer = { COMMAND, 3, 0 }, only_answer = { ANSWER, 1, 1 };
  const struct buffer good[2] = { { COMMAND, 3, 0 }, { ANSWER, 1, 1 } };
  struct net_driver d;
  uint32_t written, i;
  uint16_t id;

  net_driver_new (&d, NULL, NULL);
  g_assert_true (net_start (&d, ALL_CONTROL & net_offered (&d), 3, 16));
  net_add (&d, 2, &only_answer, 1);
  net_notify (&d, 2);
  g_assert_true (net_used (&d, 2, &id, &written));
  g_assert_cmphex (*(uint8_t *) mock_memory (ANSWER, 1), ==, 1);
  net_add (&d, 2, &no_answer, 1);
  net_notify (&d, 2);
  g_assert_cmphex (net_load (&d, R_STATUS) & NEEDS_RESET, !=, 0);
  /* More of them than a turn: the rest comes from a timer. */
  g_assert_true (net_start (&d, CTRL_VQ | BIT (18), 3, 64));
  for (i = 0; i < 32; i++)
    net_add (&d, 2, good, 2);
  net_notify (&d, 2);
  for (i = 0; i < 32; i++)
    {
      if (i == 16)
        {
          g_assert_false (net_used (&d, 2, &id, &written));
          mock_advance (GWT_CLOCK_REAL, 1);
        }
      g_assert_true (net_used (&d, 2, &id, &written));
    }
  net_driver_free (&d);
}

static void
test_announce (void)
{
  static const uint8_t acknowledge[2] = { 3, 0 };
  const struct gwt_method *method;
  static const uint8_t arp[] = { 0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3 };
  uint8_t rarp[HEADER_SIZE + 60] = { 0 };
  GByteArray *frame;
  struct net_driver d;
  uint8_t (*announce) (void *self, struct gwt_error *err);

  memcpy (rarp + HEADER_SIZE, broadcast, 6);
  memcpy (rarp + HEADER_SIZE + 6, own_mac, 6);
  memcpy (rarp + HEADER_SIZE + 12, arp, sizeof arp);
  memcpy (rarp + HEADER_SIZE + 22, own_mac, 6);
  memcpy (rarp + HEADER_SIZE + 32, own_mac, 6);
  net_driver_new (&d, NULL, MAC_PROPERTY, NULL);
  method = &d.device->type->methods[0];
  g_assert_cmpstr (method->signature, ==, "bool announce()");
  announce = (uint8_t (*) (void *, struct gwt_error *)) method->fn;
  g_assert_cmpuint (announce (d.device->instance, &mock_error), ==, 0);
  /* Nobody has an address that was in use yet. */
  g_assert_true (net_start (&d, CTRL_VQ, 3, 16));
  g_assert_cmpuint (d.net.out->len, ==, 0);
  /* Whatever the driver can do. */
  g_assert_cmpuint (announce (d.device->instance, &mock_error), ==, 0);
  net_run (&d);
  g_assert_cmpuint (d.net.out->len, ==, 1);
  frame = g_ptr_array_index (d.net.out, 0);
  g_assert_cmpmem (frame->data, frame->len, rarp, sizeof rarp);
  g_ptr_array_set_size (d.net.out, 0);
  /* No room at first. */
  d.net.room = 0;
  g_assert_cmpuint (announce (d.device->instance, &mock_error), ==, 0);
  net_run (&d);
  g_assert_cmpuint (d.net.out->len, ==, 0);
  d.net.room = UINT32_MAX;
  d.net.client->transmit (d.device->instance, 0);
  d.net.client->transmit (d.device->instance, 0);
  g_assert_cmpuint (d.net.out->len, ==, 1);
  /* A driver that goes takes it along. */
  d.net.room = 0;
  g_assert_cmpuint (announce (d.device->instance, &mock_error), ==, 0);
  net_run (&d);
  d.net.room = UINT32_MAX;
  g_assert_true (net_start (&d, CTRL_VQ | BIT (16) | BIT (21), 3, 16));
  g_assert_cmpuint (d.net.out->len, ==, 1);
  g_assert_cmpuint (announce (d.device->instance, &mock_error), ==, 1);
  net_run (&d);
  g_assert_cmpuint (d.net.out->len, ==, 2);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 6, 2), ==, 3);
  g_assert_cmphex (net_load (&d, R_ISR), ==, 2);
  g_assert_cmphex (command (&d, 2, acknowledge, 2), ==, 0);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 6, 2), ==, 1);
  g_assert_cmphex (command (&d, 2, acknowledge, 2), ==, 1);
  net_driver_free (&d);
}

/* ---- filters --------------------------------------------------------------------------------- */

static gboolean
arrives (struct net_driver *d, const uint8_t *to, int vlan)
{
  GByteArray *frame = g_byte_array_new ();
  uint32_t written;
  uint16_t id;

  g_byte_array_set_size (frame, 100);
  memset (frame->data, 0, 100);
  memcpy (frame->data + HEADER_SIZE, to, 6);
  if (vlan >= 0)
    {
      frame->data[HEADER_SIZE + 12] = 0x81;
      frame->data[HEADER_SIZE + 14] = (uint8_t) (0xa0 | vlan >> 8);
      frame->data[HEADER_SIZE + 15] = (uint8_t) vlan;
    }
  g_queue_push_tail (&d->net.in[0], frame);
  net_run (d);
  g_assert_cmpuint (d->net.in[0].length, ==, 0);
  return net_used (d, 0, &id, &written);
}

static void
test_filters (void)
{
  static const uint8_t other[6] = { 0x52, 0x54, 0, 9, 9, 9 }, listed[6] = { 2, 0, 0, 0, 0, 9 };
  static const uint8_t multi[6] = { 1, 0, 94, 0, 0, 7 }, listed_multi[6] = { 1, 0, 94, 0, 0, 1 };
  static const uint8_t table[]
      = { 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 9, 1, 0, 0, 0, 1, 0, 94, 0, 0, 1 };
  uint8_t many[2 + 4 + 65 * 6 + 4] = { 1, 0, 65 };
  struct net_driver d;
#define SET(...)                                                                                   \
  g_assert_cmphex (command (&d, 2, (const uint8_t[]){ __VA_ARGS__ },                               \
                            sizeof ((const uint8_t[]){ __VA_ARGS__ })),                            \
                   ==, 0)

  net_driver_new (&d, NULL, MAC_PROPERTY, NULL);
  g_assert_true (net_start (&d, MRG_RXBUF | (ALL_CONTROL & net_offered (&d)), 3, 64));
  add_buffers (&d, 0, 64, 512);
  /* A driver that says nothing gets all. */
  g_assert_true (arrives (&d, other, -1) && arrives (&d, multi, 7));
  SET (0, 0, 0);
  g_assert_true (arrives (&d, own_mac, -1) && arrives (&d, broadcast, -1));
  g_assert_false (arrives (&d, other, -1) || arrives (&d, multi, -1) || arrives (&d, listed, -1));
  g_assert_cmphex (command (&d, 2, table, sizeof table), ==, 0);
  g_assert_true (arrives (&d, listed, -1) && arrives (&d, listed_multi, -1)
                 && arrives (&d, own_mac, -1));
  g_assert_false (arrives (&d, other, -1) || arrives (&d, multi, -1));
  SET (0, 1, 1);
  g_assert_true (arrives (&d, multi, -1));
  g_assert_false (arrives (&d, other, -1));
  SET (0, 2, 1);
  g_assert_true (arrives (&d, other, -1));
  SET (0, 3, 1);
  g_assert_false (arrives (&d, multi, -1) || arrives (&d, listed_multi, -1));
  g_assert_true (arrives (&d, broadcast, -1));
  SET (0, 4, 1);
  g_assert_false (arrives (&d, own_mac, -1) || arrives (&d, listed, -1));
  SET (0, 5, 1);
  g_assert_false (arrives (&d, broadcast, -1));
  SET (0, 1, 0);
  SET (0, 2, 0);
  SET (0, 3, 0);
  SET (0, 4, 0);
  SET (0, 5, 0);
  /* VLANs, with priority bits. */
  g_assert_false (arrives (&d, own_mac, 5));
  SET (2, 0, 5, 0);
  SET (2, 0, 0xff, 0xf);
  g_assert_true (arrives (&d, own_mac, 5) && arrives (&d, own_mac, 0xfff));
  g_assert_false (arrives (&d, own_mac, 6) || arrives (&d, other, 5));
  SET (2, 1, 5, 0);
  g_assert_false (arrives (&d, own_mac, 5));
  /* A new address is in force at once. */
  SET (1, 1, 0x52, 0x54, 0, 9, 9, 9);
  g_assert_true (arrives (&d, other, -1));
  g_assert_false (arrives (&d, own_mac, -1));
  /* More than the table: all of the kind. */
  g_assert_cmphex (command (&d, 2, many, sizeof many), ==, 0);
  g_assert_true (arrives (&d, own_mac, -1));
  g_assert_false (arrives (&d, multi, -1));
  net_driver_free (&d);
}

/* ---- several queue pairs --------------------------------------------------------------------- */

static void
test_pairs (void)
{
  static const uint8_t two[] = { 4, 0, 2, 0 }, five[] = { 4, 0, 5, 0 }, none[] = { 4, 0, 0, 0 };
  static const uint8_t promisc[] = { 0, 0, 1 };
  const struct buffer whole = { BUFFERS, 100, 0 };
  struct net_driver d;
  uint32_t written;
  uint16_t id;

  net_driver_new (&d, &four_queues, "mq=1", NULL);
  g_assert_cmphex (mock_load_reg (d.slot, R_CONFIG + 8, 2), ==, 4);
  /* The control queue is behind all pairs ... */
  g_assert_true (net_start (&d, CTRL_VQ | BIT (22) | BIT (18) | MRG_RXBUF, 9, 16));
  g_assert_cmphex (command (&d, 8, five, 4), ==, 1);
  g_assert_cmphex (command (&d, 8, none, 4), ==, 1);
  g_assert_cmpuint (d.net.active, ==, 1);
  add_buffers (&d, 2, 4, 1526);
  net_frame_in (&d, 1, broadcast, 100, 1);
  g_assert_false (net_used (&d, 2, &id, &written));
  g_assert_cmphex (command (&d, 8, two, 4), ==, 0);
  g_assert_cmpuint (d.net.active, ==, 2);
  net_run (&d);
  check_frame (&d, 2, 100, 1, 1);
  net_add (&d, 3, &whole, 1);
  net_notify (&d, 3);
  g_assert_cmpuint (d.net.out->len, ==, 1);
  /* ... and without MQ behind the first. */
  g_assert_true (net_start (&d, CTRL_VQ | BIT (18), 3, 16));
  g_assert_cmpuint (d.net.active, ==, 1);
  g_assert_cmphex (command (&d, 2, promisc, 3), ==, 0);
  g_assert_true (net_start (&d, CTRL_VQ | BIT (22) | BIT (18), 9, 16));
  g_assert_cmphex (command (&d, 8, promisc, 3), ==, 0);
  net_driver_free (&d);
}

int
main (int argc, char **argv)
{
  guint i;

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio-net/rows", test_rows);
  g_test_add_func ("/virtio-net/features", test_features);
  g_test_add_func ("/virtio-net/config", test_config);
  g_test_add_func ("/virtio-net/addresses", test_addresses);
  g_test_add_func ("/virtio-net/refusals", test_refusals);
  g_test_add_func ("/virtio-net/bad-frames", test_bad_frames);
  g_test_add_func ("/virtio-net/bad-buffers", test_bad_buffers);
  g_test_add_func ("/virtio-net/stuck", test_stuck);
  g_test_add_func ("/virtio-net/control-hostile", test_control_hostile);
  g_test_add_func ("/virtio-net/announce", test_announce);
  g_test_add_func ("/virtio-net/filters", test_filters);
  g_test_add_func ("/virtio-net/pairs", test_pairs);
#define EACH(name, fn)                                                                             \
  for (i = 0; i < G_N_ELEMENTS (kinds); i++)                                                       \
    {                                                                                              \
      char *path = g_strdup_printf ("/virtio-net/" name "/%u", i);                                 \
      g_test_add_data_func (path, &kinds[i], fn);                                                  \
      g_free (path);                                                                               \
    }
  EACH ("send", test_send)
  EACH ("back-pressure", test_back_pressure)
  EACH ("receive", test_receive)
  EACH ("no-buffers", test_no_buffers)
  EACH ("resets", test_resets)
  EACH ("commands", test_commands)
  return g_test_run ();
}
