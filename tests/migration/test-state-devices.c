/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UART, firmware configuration and flash: the layout of their sections to the byte and to the name,
 * in hostile hands, and carried to a second device that goes on where the first one stopped.
 */
#include "config.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <godwit/fwcfg.h>
#include "core/backend/block.h"
#include "core/backend/chardev.h"
#include "core/cpu/run.h"
#include "core/device/irq.h"
#include "core/device/property.h"
#include "core/machine/fdt-tree.h"
#include "core/memory/memory.h"
#include "core/migration/devices.h"
#include "core/plugin/loader.h"
#include "core/util/extension.h"
#include "tests/vmstate/hostile.h"

/* ---- a machine of loose devices -------------------------------------------------------------- */

struct sink
{
  uint32_t level[4];
};

static const struct gwt_field sink_fields[] = { GWT_HOST_ROW (struct sink, level, "for tests") };

static void
sink_input (void *self, uint32_t line, uint32_t level)
{
  ((struct sink *) self)->level[line] = level;
}

static int
sink_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  (void) self;
  return gwt_irq_ext.inputs (device, "in", 4, sink_input, err);
}

static const struct gwt_device_type sink_type = {
  .struct_size = sizeof sink_type,
  .name = "irq-sink",
  .doc = "four lines",
  .instance_size = sizeof (struct sink),
  .fields = sink_fields,
  .field_size = sizeof sink_fields[0],
  .n_fields = 1,
  .realize = sink_realize,
};

/* A device of TYPE at AT, with pairs of property and text; reset. */
static struct gwt_device *
make (const char *plugin, const char *type, uint64_t at, const char *const *properties)
{
  GWT_AUTO_ERROR (err);
  const char *top = g_getenv ("abs_top_builddir") ? g_getenv ("abs_top_builddir") : ".";
  g_autofree char *file = g_strdup_printf ("%s/plugins/%s.so", top, plugin);
  struct gwt_device *device;

  if (gwt_type_find (type) == NULL)
    gwt_loader_load_file (file, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  device = gwt_device_new (gwt_type_find (type), NULL, &err);
  for (guint i = 0; properties != NULL && properties[i] != NULL; i += 2)
    gwt_device_set (device, properties[i], properties[i + 1], GWT_SOURCE_DEVICE, NULL, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  gwt_device_realize (device, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  gwt_memory_map (gwt_memory_device_region (device, 0), at, 0, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  device->type->d.reset (device->instance, GWT_RESET_COLD);
  return device;
}

static const struct gwt_vmstate *
state_of (const struct gwt_device *device)
{
  return device->type->d.states[0];
}

static GByteArray *
saved (struct gwt_device *device)
{
  return save_of (state_of (device), device->instance, device, NULL);
}

/* NULL or why not. */
static char *
loaded (struct gwt_device *device, const GByteArray *bytes)
{
  return load_of (state_of (device), device->instance, device, state_of (device)->version,
                  bytes->data, bytes->len);
}

static void
must_load (struct gwt_device *device, const char *text)
{
  GByteArray *bytes = unhex (text);
  g_autofree char *error = loaded (device, bytes);

  g_assert_cmpstr (error, ==, NULL);
  g_byte_array_unref (bytes);
}

static void
must_refuse (struct gwt_device *device, const char *text, const char *wanted)
{
  GByteArray *bytes = unhex (text);
  g_autofree char *error = loaded (device, bytes);

  g_assert_cmpstr (error, ==, wanted);
  g_byte_array_unref (bytes);
}

static void
assert_is (struct gwt_device *device, const char *text)
{
  GByteArray *is = saved (device), *wanted = unhex (text);
  g_autofree char *is_text = hex (is), *wanted_text = hex (wanted);

  g_assert_cmpstr (is_text, ==, wanted_text);
  g_byte_array_unref (is);
  g_byte_array_unref (wanted);
}

/* Carry FROM's state to TO, which then saves the same. */
static void
carry (struct gwt_device *from, struct gwt_device *to)
{
  GByteArray *bytes = saved (from), *again;
  g_autofree char *error = loaded (to, bytes);

  g_assert_cmpstr (error, ==, NULL);
  again = saved (to);
  g_assert_cmpmem (again->data, again->len, bytes->data, bytes->len);
  g_byte_array_unref (bytes);
  g_byte_array_unref (again);
}

static void
enemies (struct gwt_device *device)
{
  GByteArray *bytes = saved (device);

  check_hostile (state_of (device), device->instance, device, bytes);
  g_byte_array_unref (bytes);
}

static uint64_t
in (uint64_t at, uint32_t size)
{
  uint64_t value;

  g_assert_cmpuint (gwt_memory_load (at, size, &value), ==, GWT_ACCESS_OK);
  return value;
}

static void
out (uint64_t at, uint32_t size, uint64_t value)
{
  g_assert_cmpuint (gwt_memory_store (at, size, value), ==, GWT_ACCESS_OK);
}

static gboolean
too_late (gpointer data)
{
  (void) data;
  g_error ("what was waited for never came");
  return G_SOURCE_REMOVE;
}

/* Let the virtual clock and the main loop run until DONE (DATA). */
static void
run_until (bool (*done) (void *data), void *data)
{
  guint limit = g_timeout_add_seconds (20, too_late, NULL);

  gwt_vm_start ();
  while (!done (data))
    g_main_context_iteration (NULL, TRUE);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  g_source_remove (limit);
}

static void
finish (void)
{
  gwt_device_destroy_all ();
  gwt_memory_destroy_all ();
}

#define HERE UINT64_C (0x100000)
#define THERE UINT64_C (0x200000)

/* ---- ns16550 --------------------------------------------------------------------------------- */

#define UART_IDLE "000c 00 00 01 00 00 60 b0 00 00"

static struct sink *lines;

static struct gwt_device *
make_uart (uint64_t at, const char *backend)
{
  GWT_AUTO_ERROR (err);
  const char *const properties[] = { "chardev", backend, NULL };
  struct gwt_device *uart
      = make ("ns16550", "ns16550", at, backend != NULL ? properties : NULL);

  gwt_irq_connect (uart, "irq", 0, gwt_device_find ("sink"), "in", at == HERE ? 0 : 1, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  return uart;
}

static void
make_lines (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *sink;

  if (gwt_type_find ("irq-sink") == NULL)
    gwt_type_register (&sink_type, "test", "1", &err);
  sink = gwt_device_new (gwt_type_find ("irq-sink"), "sink", &err);
  gwt_device_realize (sink, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  lines = sink->instance;
}

static void
test_uart_layout (void)
{
  struct gwt_device *uart;
  g_autofree char *description = NULL;
  GByteArray *bytes;

  make_lines ();
  uart = make_uart (HERE, NULL);
  g_assert_cmpstr (state_of (uart)->name, ==, "serial");
  g_assert_cmpuint (state_of (uart)->version, ==, 3);
  assert_is (uart, UART_IDLE);
  bytes = save_of (state_of (uart), uart->instance, uart, &description);
  g_assert_cmpstr (
      description, ==,
      "\"vmsd_name\": \"serial\", \"version\": 3, \"fields\": [{\"name\": \"serial\", \"type\": "
      "\"struct\", \"struct\": {\"vmsd_name\": \"serial\", \"version\": 3, \"fields\": [{\"name\": "
      "\"divider\", \"type\": \"uint16\", \"size\": 2}, {\"name\": \"rbr\", \"type\": \"uint8\", "
      "\"size\": 1}, {\"name\": \"ier\", \"type\": \"uint8\", \"size\": 1}, {\"name\": \"iir\", "
      "\"type\": \"uint8\", \"size\": 1}, {\"name\": \"lcr\", \"type\": \"uint8\", \"size\": 1}, "
      "{\"name\": \"mcr\", \"type\": \"uint8\", \"size\": 1}, {\"name\": \"lsr\", \"type\": "
      "\"uint8\", \"size\": 1}, {\"name\": \"msr\", \"type\": \"uint8\", \"size\": 1}, {\"name\": "
      "\"scr\", \"type\": \"uint8\", \"size\": 1}, {\"name\": \"fcr_vmstate\", \"type\": "
      "\"uint8\", \"size\": 1}]}, \"size\": 11}]");
  g_byte_array_unref (bytes);
  /* As a real one was captured, its guest halfway through a boot. */
  must_load (uart, "0002 5b 05 cc 13 0b 60 b0 00 81");
  assert_is (uart, "0002 5b 05 c1 13 0b 60 b0 00 81");
  finish ();
}

/* Subsections: 05, length, name, version. */
#define SUB_THR "05 13 73657269616c2f7468725f6970656e64696e67 00000001"
#define SUB_TSR "05 0a 73657269616c2f747372 00000001"
#define SUB_RX "05 10 73657269616c2f726563765f6669666f 00000001"
#define SUB_TX "05 10 73657269616c2f786d69745f6669666f 00000001"
#define SUB_TIMER "05 19 73657269616c2f6669666f5f74696d656f75745f74696d6572 00000001"
#define SUB_TIMEOUT "05 17 73657269616c2f74696d656f75745f6970656e64696e67 00000001"
#define SUB_POLL "05 0b 73657269616c2f706f6c6c 00000001"
#define SUB_ERRORS "05 12 73657269616c2f726563765f6572726f7273 00000001"

static void
type_bytes (struct gwt_device *uart, const char *text)
{
  /* The receiver, through loopback: what is sent comes back. */
  uint64_t at = uart == gwt_device_find ("ns165500") ? HERE : THERE;

  out (at + 4, 1, 0x10);
  for (; *text != '\0'; text++)
    out (at, 1, (uint8_t) *text);
  out (at + 4, 1, 0);
}

static bool
line_is_up (void *data)
{
  return lines->level[GPOINTER_TO_UINT (data)] != 0;
}

static void
test_uart_receiver (void)
{
  struct gwt_device *a, *b;
  GByteArray *bytes;

  make_lines ();
  a = make_uart (HERE, NULL);
  b = make_uart (THERE, NULL);
  out (HERE + 7, 1, 0xa5);
  out (HERE + 2, 1, 0xc1);
  type_bytes (a, "abc");
  g_assert_cmphex (in (HERE, 1), ==, 'a');
  in (HERE + 6, 1); /* the modem lines have changed with loopback */
  out (HERE + 1, 1, 0x01);
  carry (a, b);
  bytes = saved (a);
  /* The registers, the FIFO, and when the timeout comes. */
  g_assert_cmpuint (bytes->len, ==, 11 + 22 + 24 + 31 + 8);
  g_byte_array_unref (bytes);
  /* It comes here too, and the bytes are read in order. */
  run_until (line_is_up, GUINT_TO_POINTER (1));
  g_assert_cmphex (in (THERE + 2, 1), ==, 0xcc);
  g_assert_cmphex (in (THERE, 1), ==, 'b');
  g_assert_cmphex (in (THERE, 1), ==, 'c');
  g_assert_cmphex (in (THERE + 5, 1), ==, 0x60);
  g_assert_cmphex (in (THERE + 7, 1), ==, 0xa5);
  g_assert_cmpuint (lines->level[1], ==, 0);
  /* One that has come, and was not answered. */
  g_assert_cmpuint (lines->level[0], ==, 1);
  carry (a, b);
  g_assert_cmpuint (lines->level[1], ==, 1);
  g_assert_cmphex (in (THERE + 2, 1), ==, 0xcc);
  enemies (a);
  /* A load takes it back. */
  must_load (b, UART_IDLE);
  g_assert_cmpuint (lines->level[1], ==, 0);
  assert_is (b, UART_IDLE);
  finish ();
}

/* A break, which is a byte with an error, waits behind another byte. */
static void
test_uart_errors (void)
{
  struct gwt_device *b;

  make_lines ();
  b = make_uart (THERE, NULL);
  must_load (b, "000c 00 04 c1 00 00 61 b0 00 01" SUB_RX
                "61 00 00 00 00000000 00000000 00000000 00000000 00000002" SUB_ERRORS
                "00 10 00 00 00000000 00000000 00000000");
  g_assert_cmphex (in (THERE + 5, 1), ==, 0xe1);
  g_assert_cmpuint (lines->level[1], ==, 0);
  g_assert_cmphex (in (THERE, 1), ==, 'a');
  g_assert_cmpuint (lines->level[1], ==, 1);
  g_assert_cmphex (in (THERE + 5, 1), ==, 0xf1);
  enemies (b);
  finish ();
}

static bool
ring_has (void *data)
{
  GByteArray **all = data;
  GByteArray *more = gwt_chardev_ring_read (gwt_chardev_find ("ring"), 64);

  if (more != NULL)
    {
      g_byte_array_append (*all, more->data, more->len);
      g_byte_array_unref (more);
    }
  return (*all)->len >= 4;
}

/* What the back end did not take where the guest comes from goes out here, once it runs. */
static void
test_uart_transmitter (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *b;
  GByteArray *text = g_byte_array_new ();

  make_lines ();
  gwt_chardev_new_option ("ringbuf,id=ring", &err);
  gwt_chardev_open_all (&err);
  g_assert_cmpstr (err.text, ==, NULL);
  b = make_uart (THERE, "ring");
  must_load (b, "000c 00 02 c1 00 00 00 b0 00 01" SUB_TSR "00000001 78 77" SUB_TX
                "79 7a 00000000 00000000 00000000 00 78 0000000f 00000003");
  g_assert_cmpuint (text->len, ==, 0);
  g_assert_cmphex (in (THERE + 5, 1), ==, 0x00);
  enemies (b);
  run_until (ring_has, &text);
  g_assert_cmpmem (text->data, text->len, "wxyz", 4);
  g_assert_cmphex (in (THERE + 5, 1), ==, 0x60);
  /* It is empty now, and the guest hears of it. */
  g_assert_cmpuint (lines->level[1], ==, 1);
  g_assert_cmphex (in (THERE + 2, 1), ==, 0xc2);
  g_byte_array_unref (text);
  finish ();
}

/* The transmitter's interrupt, told and untold, from the registers or from its subsection. */
static void
test_uart_thr (void)
{
  struct gwt_device *a, *b;

  make_lines ();
  a = make_uart (HERE, NULL);
  b = make_uart (THERE, NULL);
  out (HERE + 1, 1, 0x02);
  assert_is (a, "000c 00 02 02 00 00 60 b0 00 00");
  carry (a, b);
  g_assert_cmpuint (lines->level[1], ==, 1);
  g_assert_cmphex (in (HERE + 2, 1), ==, 0x02);
  assert_is (a, "000c 00 02 01 00 00 60 b0 00 00");
  carry (a, b);
  g_assert_cmpuint (lines->level[1], ==, 0);
  /* A timeout that is coming goes where it is not in the stream. */
  out (THERE + 2, 1, 0x01);
  type_bytes (b, "x");
  must_load (b, UART_IDLE);
  assert_is (b, UART_IDLE);
  /* A more important one hides it. */
  out (HERE + 1, 1, 0);
  out (HERE + 1, 1, 3);
  type_bytes (a, "q");
  in (HERE + 6, 1);
  assert_is (a, "000c 71 03 04 00 00 61 b0 00 00" SUB_THR "00000001");
  enemies (a);
  carry (a, b);
  g_assert_cmphex (in (THERE, 1), ==, 'q');
  g_assert_cmphex (in (THERE + 2, 1), ==, 0x02);
  finish ();
}

static void
test_uart_wrong (void)
{
  struct gwt_device *b;

  make_lines ();
  b = make_uart (THERE, NULL);
  /* What another polls, and nobody does here. */
  must_load (b, UART_IDLE SUB_POLL "00000000 ffffffffffffffff");
  assert_is (b, UART_IDLE);
  must_refuse (b, "000c 00 00 01 00 00 20 b0 00 00",
               "byte 11: field 'serial': the transmitter has bytes, and none of them is being "
               "sent");
  must_refuse (b, UART_IDLE SUB_TSR "00000001 78 77",
               "byte 33: field 'serial': a byte is being sent, and the transmitter is empty");
  must_refuse (b, UART_IDLE SUB_RX "61 62 63 00000000 00000000 00000000 00 00000010 00000002",
               "byte 53: field 'serial': subsection 'serial/recv_fifo': field 'recv_fifo': field "
               "'head': 16 is above 15");
  must_refuse (b, UART_IDLE SUB_RX "61 62 63 00000000 00000000 00000000 00 00000001 00000002",
               "byte 57: field 'serial': the FIFOs are off, and there are bytes in them");
  must_refuse (b, "000c 00 00 c1 00 00 60 b0 00 01" SUB_TIMEOUT "00000001",
               "byte 44: field 'serial': a character timeout, and no character that waits");
  must_refuse (b, UART_IDLE SUB_TIMER "0000000000000001",
               "byte 50: field 'serial': a character timeout, and no character that waits");
  assert_is (b, UART_IDLE);
  finish ();
}

/* ---- fw-cfg ---------------------------------------------------------------------------------- */

#define FW_RAM UINT64_C (0x80000000)
#define SUB_DMA "05 0a 66775f6366672f646d61 00000000"
#define SUB_ACPI "05 0e 66775f6366672f616370695f6d72 00000001"

static struct gwt_device *
make_fw_cfg (uint64_t at)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = make ("fw-cfg", "fw-cfg", at, NULL);
  const struct gwt_fwcfg_ops *ops = gwt_device_interface (device, GWT_FWCFG_INTERFACE);

  ops->add_file (device->instance, "opt/text", "0123456789", 10, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  return device;
}

static void
test_fw_cfg (void)
{
  struct gwt_device *a = make_fw_cfg (HERE), *b = make_fw_cfg (THERE);
  g_autofree char *description = NULL, *error = NULL, *none = NULL;
  GByteArray *bytes;

  g_assert_cmpstr (state_of (a)->name, ==, "fw_cfg");
  g_assert_cmpuint (state_of (a)->version, ==, 2);
  out (HERE + 8, 2, 0x2000); /* big-endian: the first file */
  g_assert_cmphex (in (HERE, 4), ==, 0x33323130);
  out (HERE + 0x10, 4, 0x78563412);
  assert_is (a, "0020 00000004" SUB_DMA "1234567800000000");
  bytes = save_of (state_of (a), a->instance, a, &description);
  g_assert_cmpstr (
      description, ==,
      "\"vmsd_name\": \"fw_cfg\", \"version\": 2, \"fields\": [{\"name\": \"cur_entry\", \"type\": "
      "\"uint16\", \"size\": 2}, {\"name\": \"cur_offset[1]\", \"type\": \"uint32\", \"size\": "
      "4}], \"subsections\": [{\"vmsd_name\": \"fw_cfg/dma\", \"version\": 0, \"fields\": "
      "[{\"name\": \"dma_addr\", \"type\": \"uint64\", \"size\": 8}]}]");
  g_byte_array_unref (bytes);
  carry (a, b);
  g_assert_cmphex (in (THERE, 8), ==, UINT64_C (0x0000393837363534));
  enemies (a);
  /* Without DMA no address is left over. */
  must_load (b, "0020 00000004");
  assert_is (b, "0020 00000004" SUB_DMA "0000000000000000");
  /* As QEMU 10 sends it. */
  must_load (b, "0019 00000000" SUB_DMA "0000000000000000" SUB_ACPI
                "0000000000020000 0000000000001000 0000000000001000");
  g_assert_cmphex (in (THERE, 4), ==, 0x01000000);
  /* Version 1 had 16 bits. */
  bytes = unhex ("0020 0007");
  error = load_of (state_of (b), b->instance, b, 1, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmphex (in (THERE, 2), ==, 0x3837);
  g_byte_array_unref (bytes);
  /* Beyond the end, and nothing at all: zeros. */
  must_load (b, "0020 ffffffff");
  g_assert_cmphex (in (THERE, 8), ==, 0);
  must_load (b, "0777 00000001");
  g_assert_cmphex (in (THERE, 8), ==, 0);
  finish ();
}

/* ---- cfi-flash ------------------------------------------------------------------------------- */

#define SUB_BLANK "05 12 70666c6173685f63666930312f626c616e6b 00000001"
#define FLASH_SIZE 0x40000
#define FLASH_READY "00 ff 80 0000000000000000"

static struct gwt_device *
make_flash (uint64_t at, const char *block, const char *drive)
{
  const char *const properties[] = { "num-blocks", "4",   "sector-length",  "0x10000",
                                     "block",      block, drive ? "drive" : NULL, drive, NULL };

  return make ("cfi-flash", "cfi-flash", at, properties);
}

static uint8_t *
content (struct gwt_device *flash)
{
  const struct gwt_memory_api *memory = gwt_extension_find (GWT_MEMORY_EXT);

  return memory->host (gwt_memory_device_region (flash, 0));
}

static void
test_flash (void)
{
  struct gwt_device *a = make_flash (HERE, "flash0", NULL), *b = make_flash (THERE, "flash1", NULL);
  g_autofree char *description = NULL;
  GByteArray *bytes;

  g_assert_cmpstr (state_of (a)->name, ==, "pflash_cfi01");
  g_assert_cmpuint (state_of (a)->version, ==, 1);
  assert_is (a, FLASH_READY SUB_BLANK "01");
  /* A blank one makes another blank, and back. */
  must_load (b, FLASH_READY);
  g_assert_cmphex (in (THERE, 4), ==, 0);
  carry (a, b);
  g_assert_cmphex (in (THERE, 4), ==, 0xffffffff);
  /* In the middle of a buffer: two of three words are there. */
  out (HERE + 0x20000, 4, 0x00e800e8);
  out (HERE + 0x20000, 4, 0x00020002);
  out (HERE + 0x20004, 4, 0x11111111);
  out (HERE + 0x20008, 4, 0x22222222);
  bytes = save_of (state_of (a), a->instance, a, &description);
  g_assert_cmpuint (bytes->len, ==, 11 + 25 + 25 + 1 - 1 + 4 + 4 + 4096);
  g_assert_nonnull (strstr (description,
                            "[{\"name\": \"wcycle\", \"type\": \"uint8\", \"size\": 1}, {\"name\": "
                            "\"cmd\", \"type\": \"uint8\", \"size\": 1}, {\"name\": \"status\", "
                            "\"type\": \"uint8\", \"size\": 1}, {\"name\": \"counter\", \"type\": "
                            "\"uint64\", \"size\": 8}]"));
  g_assert_cmphex (bytes->data[0], ==, 2);
  g_assert_cmphex (bytes->data[1], ==, 0xe8);
  g_assert_cmphex (bytes->data[10], ==, 0); /* after the next there is none */
  g_byte_array_unref (bytes);
  enemies (a);
  carry (a, b);
  out (THERE + 0x2000c, 4, 0x33333333);
  out (THERE + 0x20000, 4, 0x00d000d0);
  out (THERE, 4, 0x00ff00ff);
  g_assert_cmphex (in (THERE + 0x20004, 4), ==, 0x11111111);
  g_assert_cmphex (in (THERE + 0x20008, 4), ==, 0x22222222);
  g_assert_cmphex (in (THERE + 0x2000c, 4), ==, 0x33333333);
  g_assert_cmphex (in (THERE + 0x20010, 4), ==, 0xffffffff);
  /* Memory is direct, and then is not. */
  must_load (b, "00 70 90 0000000000000000");
  g_assert_cmphex (in (THERE + 0x20004, 4), ==, 0x00900090);
  must_load (b, FLASH_READY);
  g_assert_cmphex (in (THERE + 0x20004, 4), ==, 0x11111111);
  finish ();
}

static void
test_flash_locks (void)
{
  struct gwt_device *a = make_flash (HERE, "flash0", NULL), *b = make_flash (THERE, "flash1", NULL);
  GByteArray *bytes;
  g_autofree char *error = NULL;

  out (HERE + 0x10000, 4, 0x00600060);
  out (HERE + 0x10000, 4, 0x00010001);
  out (HERE, 4, 0x00900090);
  carry (a, b);
  /* Its identifiers are read, and block 1 is locked. */
  g_assert_cmphex (in (THERE + 0x10008, 4), ==, 0x00010001);
  g_assert_cmphex (in (THERE + 8, 4), ==, 0);
  enemies (a);
  out (THERE, 4, 0x00ff00ff);
  out (THERE + 0x10000, 4, 0x00400040);
  out (THERE + 0x10000, 4, 0);
  g_assert_cmphex (in (THERE, 4) & 0xff, ==, 0x92);
  /* A block that is not there. */
  bytes = saved (a);
  bytes->data[bytes->len - 8192 + 0] |= 0x10;
  error = loaded (b, bytes);
  g_assert_true (g_str_has_suffix (
      error, "block 4 is locked, and the bank has 4; make num-blocks the same at both ends"));
  g_byte_array_unref (bytes);
  must_refuse (b, "01 70 80 0000000000000000",
               "byte 11: command 0x70 is never in bus cycle 1");
  must_refuse (b, "03 20 80 0000000000000000",
               "byte 11: command 0x20 is never in bus cycle 3");
  finish ();
}

struct expected
{
  const char *path;
  const uint8_t *bytes;
};

static bool
file_is (void *data)
{
  const struct expected *e = data;
  g_autofree char *text = NULL;
  gsize size = 0;

  g_assert_true (g_file_get_contents (e->path, &text, &size, NULL));
  return size == FLASH_SIZE && memcmp (text, e->bytes, size) == 0;
}

static struct gwt_device *
make_with_drive (const char *name, const char *path, const char *more, uint64_t at)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *option
      = g_strdup_printf ("driver=file,filename=%s,node-name=%s%s", path, name, more);

  gwt_block_add_option (option, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  return make_flash (at, name, name);
}

/* What is on the file that stands for stderr for a while. */
static bool
has_line (void *data)
{
  struct stat st;

  return fstat (GPOINTER_TO_INT (data), &st) == 0 && st.st_size > 0;
}

/* A bank with a drive: what came along is written there when the guest runs; not one byte while it
   stands, and none where the drive is read-only. */
static void
test_flash_drive (void)
{
  g_autofree char *folder = g_dir_make_tmp ("godwit-state-XXXXXX", NULL);
  g_autofree char *one = g_build_filename (folder, "one", NULL);
  g_autofree char *two = g_build_filename (folder, "two", NULL);
  g_autofree char *three = g_build_filename (folder, "three", NULL), *said = NULL;
  g_autofree uint8_t *before = g_malloc (FLASH_SIZE), *after = g_malloc (FLASH_SIZE);
  struct expected old = { one, before }, fresh = { one, after }, other = { two, before };
  struct gwt_device *a, *b;
  int log, terminal;

  memset (before, 0x5a, FLASH_SIZE);
  memset (after, 0x5a, FLASH_SIZE);
  after[0x12345] = 0x42;
  g_assert_true (g_file_set_contents (one, (const char *) before, FLASH_SIZE, NULL));
  g_assert_true (g_file_set_contents (two, (const char *) before, FLASH_SIZE, NULL));
  /* Drives are read when a bank is made, and not while the guest is paused. */
  gwt_vm_start ();
  a = make_with_drive ("one", one, "", HERE);
  b = make_with_drive ("two", two, ",read-only=on", THERE);
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  assert_is (a, FLASH_READY);
  memcpy (content (a), after, FLASH_SIZE);
  memcpy (content (b), after, FLASH_SIZE);
  must_load (a, FLASH_READY);
  g_assert_true (file_is (&old));
  run_until (file_is, &fresh);
  log = g_open (three, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  terminal = dup (STDERR_FILENO);
  dup2 (log, STDERR_FILENO);
  must_load (b, FLASH_READY);
  run_until (has_line, GINT_TO_POINTER (log));
  dup2 (terminal, STDERR_FILENO);
  close (terminal);
  close (log);
  g_assert_true (file_is (&other));
  g_assert_true (g_file_get_contents (three, &said, NULL, NULL));
  g_assert_nonnull (strstr (
      said, "cfi-flash: the drive differs from what the guest brought along, from 0x0 on, and "
                 "is read-only; the guest sees its own until godwit ends"));
  g_assert_cmphex (in (THERE + 0x12344, 4), ==, 0x5a5a425a);
  /* One that was never filled is filled now: files are not blank. */
  must_load (a, FLASH_READY SUB_BLANK "01");
  assert_is (a, FLASH_READY);
  g_assert_cmphex (in (HERE, 4), ==, 0xffffffff);
  finish ();
  gwt_block_close_all ();
  g_unlink (one);
  g_unlink (two);
  g_unlink (three);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  GWT_AUTO_ERROR (err);
  int status;

  g_test_init (&argc, &argv, NULL);
  gwt_device_register_extensions ();
  gwt_memory_register_extensions ();
  gwt_chardev_register_extensions ();
  gwt_block_register_extensions ();
  gwt_extension_add (GWT_FDT_EXT, &gwt_fdt_ext, "host", &err);
  gwt_run_init ();
  gwt_loader_init ();
  g_test_add_func ("/state/ns16550/layout", test_uart_layout);
  g_test_add_func ("/state/ns16550/receiver", test_uart_receiver);
  g_test_add_func ("/state/ns16550/errors", test_uart_errors);
  g_test_add_func ("/state/ns16550/transmitter", test_uart_transmitter);
  g_test_add_func ("/state/ns16550/thr", test_uart_thr);
  g_test_add_func ("/state/ns16550/wrong", test_uart_wrong);
  g_test_add_func ("/state/fw-cfg", test_fw_cfg);
  g_test_add_func ("/state/cfi-flash", test_flash);
  g_test_add_func ("/state/cfi-flash/locks", test_flash_locks);
  g_test_add_func ("/state/cfi-flash/drive", test_flash_drive);
  status = g_test_run ();
  gwt_run_finish ();
  return status;
}
