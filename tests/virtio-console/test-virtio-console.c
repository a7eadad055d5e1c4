/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-serial controllers and their ports: messages, bytes both ways, throttling, bad drivers. */
#include "tests/virtio-console/serial-driver.h"

#include <string.h>

static void
expect_heard (struct serial_driver *d, const char *wanted)
{
  g_assert_cmpstr (serial_heard (d), ==, wanted);
}

static void
expect_sent (struct gwt_chardev *c, const char *wanted)
{
  g_autofree char *text = mock_sent_at (c);

  g_assert_cmpstr (text, ==, wanted);
}

static void
expect_events (const char *wanted)
{
  g_assert_cmpstr (mock.events->str, ==, wanted);
  g_string_truncate (mock.events, 0);
}

static void
host_event (struct gwt_chardev *c, uint32_t event)
{
  c->client->event (c->device->instance, event);
}

/* What came in through PORT's queue, in one piece. */
static void
expect_got (struct serial_driver *d, uint32_t port, const char *wanted)
{
  uint32_t size;
  uint8_t *p = serial_used (d, IN (port), &size);

  g_assert_nonnull (p);
  g_assert_cmpuint (size, ==, strlen (wanted));
  g_assert_cmpmem (p, size, wanted, strlen (wanted));
}

/* ---- making -----------------------------------------------------------------------------------
 */

static void
test_rows (void)
{
  struct serial_driver d;

  serial_new (&d, NULL);
  mock_check_rows (d.controller);
  mock_check_rows (d.console);
  mock_check_rows (d.channel);
  serial_free (&d);
}

static void
test_refusals (void)
{
  static const struct
  {
    const char *property, *text;
  } cases[] = {
    { "nr=0", "nr: 0 is for a virtconsole; use 1 to 3, or leave nr out" },
    { "nr=4", "nr: 4 is out of range; 'ser0' has ports 0 to 3, see max-ports" },
    { "nr=1", "nr: 1 of 'ser0' is 'first' already; choose another, or leave nr out" },
    { "name=agent", "name: 'agent' is port 'first' already; choose another" },
    { "name=", "name: 0 bytes are out of range; use 1 to 255" },
    { "bus=ser1.0", "bus: there is no virtio-serial controller 'ser1.0'; use ser0.0" },
    { "bus=ser0.00", "bus: there is no virtio-serial controller 'ser0.00'; use ser0.0" },
    { "chardev=serial", "taken; use another" },
  };
  struct serial_driver d;
  struct gwt_device *more[3];
  guint i;

  serial_new (&d, "max-ports=4", NULL);
  more[0] = mock_new (d.channel, "first", "name=agent", "chardev=serial", NULL);
  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_null (mock_try_new (d.channel, "port", cases[i].property, NULL));
      g_assert_cmpstr (mock_error.text, ==, cases[i].text);
    }
  more[1] = mock_new (d.channel, "second", "bus=ser0", NULL);
  more[2] = mock_new (d.channel, "third", "nr=3", NULL); /* no number was lost above */
  g_assert_null (mock_try_new (d.channel, "port", "bus=ser0.0", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "bus: all ports of 'ser0' are taken; use a larger max-ports there, or another "
                   "controller");
  g_assert_null (mock_try_new (d.channel, "port", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "all ports of all controllers are taken; use a larger max-ports, or one more "
                   "controller");
  /* But a console has port 0. */
  mock_free (mock_new (d.console, "port", NULL));
  for (i = 0; i < 3; i++)
    mock_free (more[i]);
  mock_free (d.device);
  d.device = NULL;
  g_assert_null (mock_try_new (d.console, "port", NULL));
  g_assert_cmpstr (mock_error.text, ==,
                   "there is no virtio-serial controller; put -device virtio-serial-pci or "
                   "virtio-serial-device before it");
  serial_free (&d);
}

static void
test_config (void)
{
  struct serial_driver d;
  struct gwt_device *port;

  serial_new (&d, "max-ports=5", NULL);
  g_assert_cmphex (serial_load (&d, 0x08), ==, 3);
  g_assert_cmphex (serial_offered (&d) & 0xffffff, ==, SIZE | MULTIPORT | EMERG_WRITE);
  serial_start (&d, MULTIPORT);
  g_assert_cmpuint (d.n_queues, ==, 12);
  g_assert_cmpuint (serial_load (&d, 0x104), ==, 5);
  g_assert_cmpuint (serial_load (&d, 0x100), ==, 0);
  mock.serial.columns = 132;
  mock.serial.rows = 43;
  port = mock_new (d.console, "con", "chardev=serial", NULL);
  g_assert_cmphex (serial_load (&d, 0x100), ==, 43 << 16 | 132);
  /* Out before any queue is set up. */
  serial_store (&d, 0x70, 0);
  mock_store_reg (d.slot, 0x108, 4, 'X');
  mock_store_reg (d.slot, 0x108, 1, 'Y');
  expect_sent (&mock.serial, "XY");
  g_assert_cmpuint (mock.logs, ==, 0);
  mock_store_reg (d.slot, 0x104, 4, 1);
  mock_store_reg (d.slot, 0x10a, 1, 1);
  g_assert_cmpuint (mock.logs, ==, 1);
  g_assert_cmpuint (serial_load (&d, 0x104), ==, 5);
  mock_free (port);
  mock_store_reg (d.slot, 0x108, 4, 'X');
  serial_free (&d);

  serial_new (&d, "max-ports=1", "emergency-write=0", "console-size=0", NULL);
  g_assert_cmphex (serial_offered (&d) & 0xffffff, ==, 0);
  mock.serial.columns = 132;
  port = mock_new (d.console, "con", "chardev=serial", NULL);
  serial_start (&d, 0);
  g_assert_cmpuint (d.n_queues, ==, 4);
  g_assert_cmphex (serial_load (&d, 0x100), ==, 0);
  mock_store_reg (d.slot, 0x108, 4, 'X');
  expect_sent (&mock.serial, "");
  mock_free (port);
  serial_free (&d);
}

/* ---- messages ---------------------------------------------------------------------------------
 */

static void
test_handshake (void)
{
  struct serial_driver d;
  struct gwt_device *con, *port;

  serial_new (&d, "max-ports=4", NULL);
  mock.second.connected = 1;
  mock.serial.columns = 80;
  mock.serial.rows = 25;
  port = mock_new (d.channel, "chan", "name=org.example", "chardev=second", "nr=2", NULL);
  con = mock_new (d.console, "con", "name=tty", "chardev=serial", NULL);
  serial_start (&d, MULTIPORT | SIZE);
  expect_heard (&d, "");
  serial_say (&d, 0, DEVICE_READY, 1);
  expect_heard (&d, "0 ADD 1;2 ADD 1;");
  serial_say (&d, 0, PORT_READY, 1);
  expect_heard (&d, "0 CONSOLE 1;0 RESIZE 1 80x25;0 NAME 1 tty;0 OPEN 1;");
  serial_say (&d, 2, PORT_READY, 1);
  expect_heard (&d, "2 NAME 1 org.example;2 OPEN 1;");
  /* The terminal changes; the console's alone. */
  mock.serial.columns = 100;
  g_assert_cmphex (serial_load (&d, 0x60), ==, 1);
  serial_store (&d, 0x64, 1);
  host_event (&mock.serial, GWT_CHARDEV_RESIZED);
  g_assert_cmphex (serial_load (&d, 0x60), ==, 3);
  host_event (&mock.second, GWT_CHARDEV_RESIZED);
  expect_heard (&d, "0 RESIZE 1 100x25;");
  /* A peer of the channel's comes and goes; a console's is no matter. */
  host_event (&mock.second, GWT_CHARDEV_CLOSED);
  host_event (&mock.serial, GWT_CHARDEV_CLOSED);
  expect_heard (&d, "2 OPEN 0;");
  host_event (&mock.second, GWT_CHARDEV_OPENED);
  expect_heard (&d, "2 OPEN 1;");
  g_assert_cmpuint (mock.logs, ==, 0);
  mock_free (port);
  expect_heard (&d, "2 REMOVE 1;");
  mock_free (con);
  expect_heard (&d, "0 REMOVE 1;");
  serial_free (&d);
}

/* Without buffers a message waits; what is outdated is not sent, and what was there is. */
static void
test_late (void)
{
  struct serial_driver d;
  struct gwt_device *port;
  guint i;

  serial_new (&d, "max-ports=4", NULL);
  port = mock_new (d.channel, "chan", "name=old", "chardev=second", NULL);
  serial_start (&d, MULTIPORT);
  serial_ready (&d);
  /* Use up the eight that are there. */
  for (i = 0; i < 4; i++)
    {
      host_event (&mock.second, GWT_CHARDEV_OPENED);
      host_event (&mock.second, GWT_CHARDEV_CLOSED);
    }
  host_event (&mock.second, GWT_CHARDEV_OPENED);
  host_event (&mock.second, GWT_CHARDEV_CLOSED);
  host_event (&mock.second, GWT_CHARDEV_OPENED);
  expect_heard (&d, "1 OPEN 1;1 OPEN 0;1 OPEN 1;1 OPEN 0;1 OPEN 1;1 OPEN 0;1 OPEN 1;1 OPEN 0;"
                    "1 OPEN 1;");
  for (i = 0; i < 4; i++)
    {
      host_event (&mock.second, GWT_CHARDEV_CLOSED);
      host_event (&mock.second, GWT_CHARDEV_OPENED);
    }
  for (i = 0; i < 1000; i++)
    {
      host_event (&mock.second, GWT_CHARDEV_CLOSED);
      host_event (&mock.second, GWT_CHARDEV_OPENED);
    }
  /* A new peer is told of as one. */
  expect_heard (&d, "1 OPEN 0;1 OPEN 1;1 OPEN 0;1 OPEN 1;1 OPEN 0;1 OPEN 1;1 OPEN 0;1 OPEN 1;"
                    "1 OPEN 0;1 OPEN 1;");
  for (i = 0; i < 4; i++)
    {
      host_event (&mock.second, GWT_CHARDEV_CLOSED);
      host_event (&mock.second, GWT_CHARDEV_OPENED);
    }
  /* One goes and another comes in its place. */
  mock_free (port);
  port = mock_new (d.channel, "chan", "name=new", "chardev=second", "nr=1", NULL);
  g_string_truncate (mock.events, 0);
  serial_say (&d, 1, PORT_OPEN, 1); /* means the old one */
  expect_events ("");
  expect_heard (&d, "1 OPEN 0;1 OPEN 1;1 OPEN 0;1 OPEN 1;1 OPEN 0;1 OPEN 1;1 OPEN 0;1 OPEN 1;"
                    "1 REMOVE 1;1 ADD 1;");
  serial_say (&d, 1, PORT_READY, 1);
  expect_heard (&d, "1 NAME 1 new;");
  mock_free (port);
  serial_free (&d);
}

static void
test_hot_plug (void)
{
  struct serial_driver d;
  struct gwt_device *port;

  serial_new (&d, "max-ports=4", NULL);
  serial_start (&d, MULTIPORT);
  port = mock_new (d.channel, "chan", "chardev=serial", NULL);
  expect_heard (&d, ""); /* not before DEVICE_READY */
  mock_free (port);
  expect_heard (&d, "");
  serial_ready (&d);
  port = mock_new (d.channel, "chan", "chardev=serial", NULL);
  expect_heard (&d, "1 ADD 1;");
  serial_say (&d, 1, PORT_READY, 1);
  serial_say (&d, 1, PORT_OPEN, 1);
  expect_events ("chan VSERPORT_CHANGE {\"id\": \"chan\", \"open\": true}\n");
  /* What could not be sent goes with it. */
  host_event (&mock.serial, GWT_CHARDEV_OPENED);
  mock.serial.room = 2;
  g_assert_false (serial_send (&d, 1, "stuck"));
  mock_free (port);
  expect_events ("chan VSERPORT_CHANGE {\"id\": \"chan\", \"open\": false}\n");
  expect_heard (&d, "1 OPEN 1;1 REMOVE 1;");
  g_assert_nonnull (serial_used (&d, OUT (1), &(uint32_t){ 0 }));
  g_assert_true (serial_send (&d, 1, "to nobody"));
  expect_sent (&mock.serial, "st");
  g_assert_cmpuint (mock.logs, ==, 0);
  /* Whatever the driver says of it now is late. */
  serial_say (&d, 1, PORT_OPEN, 0);
  expect_events ("");
  serial_free (&d);
}

/* The controller goes first. */
static void
test_orphan (void)
{
  struct serial_driver d;
  struct gwt_device *port;

  serial_new (&d, "max-ports=4", NULL);
  port = mock_new (d.channel, "chan", "chardev=serial", NULL);
  serial_start (&d, MULTIPORT);
  serial_ready (&d);
  serial_say (&d, 1, PORT_OPEN, 1);
  g_assert_cmpuint (mock.serial.open, ==, 1);
  expect_events ("chan VSERPORT_CHANGE {\"id\": \"chan\", \"open\": true}\n");
  mock_free (d.device);
  d.device = NULL;
  expect_events ("chan VSERPORT_CHANGE {\"id\": \"chan\", \"open\": false}\n");
  g_assert_cmpuint (mock.serial.open, ==, 0);
  host_event (&mock.serial, GWT_CHARDEV_OPENED);
  mock.serial.client->writable (port->instance);
  g_assert_cmpuint (mock_type ("x", 1), ==, 0);
  mock_free (port);
  serial_free (&d);
}

/* ---- bytes ------------------------------------------------------------------------------------
 */

static void
two_ports (struct serial_driver *d, struct gwt_device **one, struct gwt_device **two)
{
  serial_new (d, "max-ports=4", NULL);
  mock.serial.connected = mock.second.connected = 1;
  *one = mock_new (d->channel, "one", "chardev=serial", NULL);
  *two = mock_new (d->channel, "two", "chardev=second", NULL);
  serial_start (d, MULTIPORT);
  serial_ready (d);
}

static void
test_out (void)
{
  struct serial_driver d;
  struct gwt_device *one, *two;
  guint i;

  two_ports (&d, &one, &two);
  g_assert_true (serial_send (&d, 1, "hello "));
  g_assert_true (serial_send (&d, 1, "world"));
  expect_sent (&mock.serial, "hello world");
  /* A back end that is full keeps its own port waiting. */
  mock.serial.room = 4;
  g_assert_false (serial_send (&d, 1, "0123456789"));
  g_assert_false (serial_send (&d, 1, "abc"));
  expect_sent (&mock.serial, "0123");
  g_assert_true (serial_send (&d, 2, "quick"));
  expect_sent (&mock.second, "quick");
  /* Byte by byte, without loss and without a byte twice; notifications change nothing. */
  for (i = 0; i < 9; i++)
    {
      serial_kick (&d, OUT (1));
      mock.serial.room = 1;
      mock.serial.client->writable (one->instance);
    }
  expect_sent (&mock.serial, "456789abc");
  g_assert_nonnull (serial_used (&d, OUT (1), &(uint32_t){ 0 }));
  g_assert_nonnull (serial_used (&d, OUT (1), &(uint32_t){ 0 }));
  g_assert_null (serial_used (&d, OUT (1), &(uint32_t){ 0 }));
  /* Without a peer all is lost, that which waits too. */
  mock.serial.room = 1;
  g_assert_false (serial_send (&d, 1, "xyz"));
  host_event (&mock.serial, GWT_CHARDEV_CLOSED);
  mock.serial.client->writable (one->instance);
  g_assert_nonnull (serial_used (&d, OUT (1), &(uint32_t){ 0 }));
  g_assert_true (serial_send (&d, 1, "lost"));
  mock.serial.room = G_MAXUINT64;
  host_event (&mock.serial, GWT_CHARDEV_OPENED);
  g_assert_true (serial_send (&d, 1, "new"));
  expect_sent (&mock.serial, "xnew");
  mock_free (one);
  mock_free (two);
  serial_free (&d);
}

static void
test_in (void)
{
  struct serial_driver d;
  struct gwt_device *one, *two;
  uint32_t accepts;

  two_ports (&d, &one, &two);
  serial_add (&d, IN (1), 4, TRUE);
  serial_kick (&d, IN (1));
  /* Nobody has opened it. */
  g_assert_cmpuint (mock_type ("early", 5), ==, 0);
  g_assert_cmpuint (mock.serial.open, ==, 0);
  accepts = mock.serial.accepts;
  serial_say (&d, 1, PORT_OPEN, 1);
  g_assert_cmpuint (mock.serial.accepts, >, accepts);
  g_assert_cmpuint (mock.serial.open, ==, 1);
  g_assert_cmpuint (mock.second.open, ==, 0);
  expect_events ("one VSERPORT_CHANGE {\"id\": \"one\", \"open\": true}\n");
  g_assert_cmpuint (mock_type ("abcdef", 6), ==, 4);
  expect_got (&d, 1, "abcd");
  g_assert_cmpuint (mock_type ("ef", 2), ==, 0);
  accepts = mock.serial.accepts;
  serial_add (&d, IN (1), 4, TRUE);
  serial_kick (&d, IN (1));
  g_assert_cmpuint (mock.serial.accepts, >, accepts);
  g_assert_cmpuint (mock_type ("ef", 2), ==, 2);
  expect_got (&d, 1, "ef");
  /* Of no use for input. */
  serial_add (&d, IN (1), 4, FALSE);
  g_assert_cmpuint (mock_type ("g", 1), ==, 0);
  g_assert_cmpuint (mock.logs, ==, 1);
  expect_got (&d, 1, "");
  serial_say (&d, 1, PORT_OPEN, 1); /* says nothing new */
  expect_events ("");
  serial_say (&d, 1, PORT_OPEN, 0);
  serial_add (&d, IN (1), 4, TRUE);
  g_assert_cmpuint (mock_type ("g", 1), ==, 0);
  expect_events ("one VSERPORT_CHANGE {\"id\": \"one\", \"open\": false}\n");
  mock_free (one);
  mock_free (two);
  serial_free (&d);
}

/* Much at once keeps nobody for long: the rest follows in turns. */
static void
test_turns (void)
{
  struct serial_driver d;
  struct gwt_device *one, *two;
  uint32_t size, n;

  two_ports (&d, &one, &two);
  for (n = 0; n < 5; n++)
    serial_add (&d, OUT (2), 0x80000, FALSE);
  serial_kick (&d, OUT (2));
  g_assert_cmpuint (mock.second.output->len, ==, 0x100000);
  mock_advance (GWT_CLOCK_VIRTUAL, 0);
  g_assert_cmpuint (mock.second.output->len, ==, 5 * 0x80000);
  for (n = 0; n < 5; n++)
    g_assert_nonnull (serial_used (&d, OUT (2), &size));
  mock_free (one);
  mock_free (two);
  serial_free (&d);
}

/* A driver that knows one console and no messages. */
static void
test_plain (void)
{
  struct serial_driver d;
  struct gwt_device *con, *other;

  serial_new (&d, "max-ports=4", NULL);
  con = mock_new (d.console, "con", "chardev=serial", NULL);
  other = mock_new (d.channel, "chan", "chardev=second", NULL);
  g_assert_cmpuint (mock_type ("x", 1), ==, 0);
  serial_start (&d, SIZE);
  expect_events ("con VSERPORT_CHANGE {\"id\": \"con\", \"open\": true}\n");
  serial_add (&d, IN (0), 16, TRUE);
  g_assert_cmpuint (mock_type ("typed", 5), ==, 5);
  expect_got (&d, 0, "typed");
  g_assert_true (serial_send (&d, 0, "out"));
  expect_sent (&mock.serial, "out");
  serial_add (&d, CONTROL_IN, 16, TRUE);
  serial_kick (&d, CONTROL_IN);
  serial_say (&d, 0, DEVICE_READY, 1);
  g_assert_cmpuint (mock.logs, ==, 1);
  g_assert_null (serial_used (&d, CONTROL_IN, &(uint32_t){ 0 }));
  serial_store (&d, 0x64, 3);
  host_event (&mock.serial, GWT_CHARDEV_RESIZED);
  g_assert_cmphex (serial_load (&d, 0x60), ==, 2);
  serial_store (&d, 0x70, 0);
  expect_events ("con VSERPORT_CHANGE {\"id\": \"con\", \"open\": false}\n");
  mock_free (con);
  mock_free (other);
  serial_free (&d);
}

/* ---- bad drivers, resets ----------------------------------------------------------------------
 */

static void
test_hostile (void)
{
  static const uint32_t said[][3] = {
    { 9, PORT_READY, 1 },           { UINT32_MAX, PORT_OPEN, 1 }, { 3, PORT_READY, 1 },
    { 3, PORT_OPEN, 1 },            { 1, 1, 1 },                  { 1, 2, 1 },
    { 1, 4, 1 },                    { 1, 5, 1 },                  { 1, 7, 1 },
    { 1, 8, 1 },                    { 1, 0xffff, 0xffff },        { 1, PORT_READY, 0 },
    { UINT32_MAX, DEVICE_READY, 0 }
  };
  struct serial_driver d;
  struct gwt_device *one, *two;
  guint i;

  two_ports (&d, &one, &two);
  for (i = 0; i < G_N_ELEMENTS (said); i++)
    {
      serial_say (&d, said[i][0], said[i][1], said[i][2]);
      expect_heard (&d, "");
      expect_events ("");
    }
  g_assert_cmpuint (mock.logs, ==, 1);
  /* Too short by one byte; one that is longer counts. */
  memcpy (serial_add (&d, CONTROL_OUT, 7, FALSE), "\1\0\0\0\6\0\1\0", 8);
  serial_kick (&d, CONTROL_OUT);
  expect_events ("");
  memcpy (serial_add (&d, CONTROL_OUT, 64, FALSE), "\1\0\0\0\6\0\1\0", 8);
  serial_kick (&d, CONTROL_OUT);
  expect_events ("one VSERPORT_CHANGE {\"id\": \"one\", \"open\": true}\n");
  g_assert_cmphex (serial_load (&d, 0x70), ==, 15);
  mock_free (one);
  mock_free (two);
  serial_free (&d);
}

static void
test_small_buffers (void)
{
  struct serial_driver d;
  struct gwt_device *port;
  uint32_t size;

  serial_new (&d, "max-ports=4", NULL);
  port = mock_new (d.channel, "chan", "name=rather-long", NULL);
  serial_start (&d, MULTIPORT);
  serial_ready (&d);
  /* Of the eight and two more buffers, the last two are small. */
  serial_add (&d, CONTROL_IN, 12, TRUE);
  serial_add (&d, CONTROL_IN, 1, TRUE);
  for (guint i = 0; i < 8; i++)
    serial_say (&d, 1, PORT_READY, 1);
  g_assert_cmpuint (mock.logs, ==, 0);
  for (guint i = 0; i < 8; i++)
    g_assert_nonnull (serial_used (&d, CONTROL_IN, &size));
  serial_say (&d, 1, PORT_READY, 1);
  g_assert_cmpuint (mock.logs, ==, 1);
  g_assert_nonnull (serial_used (&d, CONTROL_IN, &size));
  g_assert_cmpuint (size, ==, 12);
  serial_say (&d, 1, PORT_READY, 1);
  g_assert_nonnull (serial_used (&d, CONTROL_IN, &size));
  g_assert_cmpuint (size, ==, 1);
  g_assert_cmphex (serial_load (&d, 0x70), ==, 15);
  mock_free (port);
  serial_free (&d);
}

static void
test_reset (void)
{
  struct serial_driver d;
  struct gwt_device *one, *two;
  guint i;

  two_ports (&d, &one, &two);
  for (i = 0; i < 3; i++)
    {
      serial_say (&d, 1, PORT_OPEN, 1);
      serial_add (&d, IN (1), 4, TRUE);
      mock.serial.room = 3;
      g_assert_false (serial_send (&d, 1, "reset"));
      g_string_truncate (mock.events, 0);
      if (i == 0)
        serial_store (&d, 0x70, 0);
      else if (i == 1)
        mock_reset (d.device, GWT_RESET_WARM);
      else
        {
          /* A broken ring. */
          memset (mock_memory (MOCK_RAM_BASE + 0x1000 * OUT (2) + 0x802, 2), 0x7f, 2);
          serial_kick (&d, OUT (2));
          g_assert_cmphex (serial_load (&d, 0x70), ==, 15 | 64);
          g_assert_cmpuint (mock_type ("x", 1), ==, 0);
          serial_store (&d, 0x70, 0);
        }
      expect_events ("one VSERPORT_CHANGE {\"id\": \"one\", \"open\": false}\n");
      g_assert_cmpuint (mock.serial.open, ==, 0);
      g_assert_cmpuint (mock.dma_maps, ==, 0);
      g_assert_cmpuint (mock_type ("x", 1), ==, 0);
      if (i == 2)
        mock.serial.client->writable (one->instance);
      expect_sent (&mock.serial, "res");
      mock.serial.room = G_MAXUINT64;
      serial_start (&d, MULTIPORT);
      expect_heard (&d, "");
      serial_ready (&d);
      /* From its first byte on, and not from where the old one stopped. */
      g_assert_true (serial_send (&d, 1, "fresh"));
      expect_sent (&mock.serial, "fresh");
    }
  /* One queue alone. */
  mock.serial.room = 2;
  g_assert_false (serial_send (&d, 1, "gone"));
  serial_store (&d, 0x30, OUT (1));
  serial_store (&d, 0x44, 0);
  g_assert_cmpuint (serial_load (&d, 0x44), ==, 0);
  mock.serial.room = G_MAXUINT64;
  mock.serial.client->writable (one->instance);
  expect_sent (&mock.serial, "go");
  g_assert_true (serial_send (&d, 2, "other"));
  mock_free (one);
  mock_free (two);
  serial_free (&d);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio-console/rows", test_rows);
  g_test_add_func ("/virtio-console/refusals", test_refusals);
  g_test_add_func ("/virtio-console/config", test_config);
  g_test_add_func ("/virtio-console/handshake", test_handshake);
  g_test_add_func ("/virtio-console/late", test_late);
  g_test_add_func ("/virtio-console/hot-plug", test_hot_plug);
  g_test_add_func ("/virtio-console/orphan", test_orphan);
  g_test_add_func ("/virtio-console/out", test_out);
  g_test_add_func ("/virtio-console/in", test_in);
  g_test_add_func ("/virtio-console/turns", test_turns);
  g_test_add_func ("/virtio-console/plain", test_plain);
  g_test_add_func ("/virtio-console/hostile", test_hostile);
  g_test_add_func ("/virtio-console/small-buffers", test_small_buffers);
  g_test_add_func ("/virtio-console/reset", test_reset);
  return g_test_run ();
}
