/* SPDX-License-Identifier: BSD-2-Clause */
/* The stream: its bytes, and what of a stream that is not as it should be is refused, and how. */
#include "config.h"
#include "core/migration/stream.h"
#include <json-c/json.h>
#include "tests/vmstate/check.h"

/* ---- a machine with two devices and a live handler ------------------------------------------- */

struct counter
{
  uint32_t value;
  uint8_t extra;
};

static uint32_t
extra_needed (const void *self)
{
  return ((const struct counter *) self)->extra != 0;
}

static int
counter_pre_load (void *self, struct gwt_error *err)
{
  (void) err;
  ((struct counter *) self)->extra = 0;
  return 0;
}

static const struct gwt_vm_field extra_fields[] = { GWT_VM_VALUE (struct counter, extra) };
static const struct gwt_vmstate extra
    = GWT_VMSTATE (struct counter, "counter/extra", 1, 1, extra_fields, .needed = extra_needed);
static const struct gwt_vmstate *const subsections[] = { &extra, NULL };
static const struct gwt_vm_field counter_fields[] = { GWT_VM_VALUE (struct counter, value) };
static const struct gwt_vmstate counter_schema
    = GWT_VMSTATE (struct counter, "counter", 2, 1, counter_fields, .subsections = subsections,
                   .pre_load = counter_pre_load);
static const struct gwt_vmstate bus_schema
    = GWT_VMSTATE (struct counter, "bus", 1, 1, counter_fields,
                   .priority = GWT_VM_PRIORITY_PCI_BUS);
static const struct gwt_vmstate optional_schema
    = GWT_VMSTATE (struct counter, "optional", 1, 1, counter_fields, .needed = extra_needed);

static struct counter a, b, c, bus, optional;
static GString *live_trace;
static struct gwt_entry *made[8];

static bool
live_setup (void *opaque, struct gwt_vm_out *out, struct gwt_error *err)
{
  (void) opaque;
  (void) err;
  gwt_vm_put_be (out, 2, 0xabcd);
  return true;
}

static bool
live_load (void *opaque, struct gwt_vm_in *in, uint32_t version, struct gwt_error *err)
{
  uint64_t value;

  (void) opaque;
  g_assert_cmpuint (version, <=, 4);
  if (!gwt_vm_get_be (in, 2, &value, err))
    return false;
  if (value != 0xabcd)
    {
      gwt_error_set (err, GWT_E_INVALID, "0x%x is not what is sent",
                     (unsigned) value);
      return false;
    }
  g_string_append (live_trace, "load ");
  return true;
}

static bool
live_iterate (void *opaque, struct gwt_vm_out *out, bool *done, struct gwt_error *err)
{
  *done = true;
  return live_setup (opaque, out, err);
}

static const struct gwt_live_ops live_ops = { .setup = live_setup,
                                              .iterate = live_iterate,
                                              .complete = live_setup,
                                              .load = live_load };

static void
machine_up (void)
{
  GWT_AUTO_ERROR (err);
  guint n = 0;

  a = (struct counter){ 0x11, 0 };
  b = (struct counter){ 0x22, 7 };
  c = (struct counter){ 0x33, 0 };
  bus = (struct counter){ 0x44, 0 };
  optional = (struct counter){ 0x55, 0 };
  live_trace = g_string_new (NULL);
  made[n++] = gwt_entry_add_live ("ram", 4, &live_ops, NULL, &err);
  made[n++] = gwt_entry_add (NULL, schema_of (&counter_schema), &a, NULL, GWT_ENTRY_INSTANCE_AUTO,
                             &err);
  made[n++] = gwt_entry_add ("0000:00:01.0", schema_of (&counter_schema), &b, NULL,
                             GWT_ENTRY_INSTANCE_AUTO, &err);
  made[n++] = gwt_entry_add (NULL, schema_of (&counter_schema), &c, NULL, GWT_ENTRY_INSTANCE_AUTO,
                             &err);
  made[n++] = gwt_entry_add (NULL, schema_of (&bus_schema), &bus, NULL, GWT_ENTRY_INSTANCE_AUTO,
                             &err);
  made[n++] = gwt_entry_add (NULL, schema_of (&optional_schema), &optional, NULL,
                             GWT_ENTRY_INSTANCE_AUTO, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  /* Ids go on for ever; the tests' bytes want small ones. */
  for (guint i = 0; i < n; i++)
    made[i]->id = i;
}

static void
machine_down (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (made); i++)
    {
      gwt_entry_remove (made[i]);
      made[i] = NULL;
    }
  g_string_free (live_trace, TRUE);
}

static const struct gwt_stream_config config = { .machine = "virt-1.0" };

static GByteArray *
write_stream (const struct gwt_stream_config *with)
{
  GWT_AUTO_ERROR (err);
  g_autoptr (GString) description = g_string_new (NULL);
  g_autoptr (GString) devices = g_string_new (NULL);
  guint count;
  g_autofree struct gwt_entry **entries = gwt_entries (&count);
  struct gwt_vm_out out;

  gwt_vm_out_init (&out);
  gwt_stream_put_header (&out);
  gwt_stream_put_config (&out, with, description);
  for (guint i = 0; i < count; i++)
    if (entries[i]->live != NULL)
      {
        gwt_stream_put_piece (&out, GWT_STREAM_START, entries[i], NULL, &err);
        gwt_stream_put_piece (&out, GWT_STREAM_PART, entries[i], NULL, &err);
        gwt_stream_put_piece (&out, GWT_STREAM_END, entries[i], NULL, &err);
      }
  for (guint i = 0; i < count; i++)
    if (entries[i]->schema != NULL)
      gwt_stream_put_full (&out, entries[i], devices, &err);
  gwt_stream_put_end (&out);
  gwt_stream_put_description (&out, description->str, devices->str);
  g_assert_cmpstr (err.text, ==, NULL);
  return out.bytes;
}

/* NULL, or the error's text; g_free. */
static char *
read_stream (const struct gwt_stream_config *with, const void *data, gsize size)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_in *in = gwt_vm_in_new_data (data, size);
  struct gwt_stream_in *s = gwt_stream_in_new (in, with, NULL, NULL);
  bool good = gwt_stream_get_start (s, &err) && gwt_stream_get_items (s, &err)
              && gwt_stream_get_description (s, &err) && gwt_stream_check_complete (s, &err)
              && gwt_stream_commit (s, &err);

  g_assert_true (good == !gwt_error_is_set (&err));
  gwt_stream_in_free (s);
  gwt_vm_in_free (in);
  return g_strdup (err.text);
}

#define HEAD "5145564d 00000003 07 00000008 766972742d312e30 "
/* The live section's three pieces, then sections by priority. */
#define LIVE_START "01 00000000 03 72616d 00000000 00000004 abcd 7e 00000000 "
#define LIVE LIVE_START "02 00000000 abcd 7e 00000000 03 00000000 abcd 7e 00000000 "
#define BUS "04 00000004 03 627573 00000000 00000001 00000044 7e 00000004 "
#define A "04 00000001 07 636f756e746572 00000000 00000002 00000011 7e 00000001 "
#define B                                                                                          \
  "04 00000002 14 303030303a30303a30312e302f636f756e746572 00000000 00000002 00000022 "            \
  "05 0d 636f756e7465722f6578747261 00000001 07 7e 00000002 "
#define C "04 00000003 07 636f756e746572 00000001 00000002 00000033 7e 00000003 "

static void
test_bytes (void)
{
  GByteArray *bytes, *wanted = unhex (HEAD LIVE BUS A B C "00");
  struct json_object *json, *devices, *device;
  g_autofree char *error = NULL, *text = NULL;

  machine_up ();
  bytes = write_stream (&config);
  g_assert_cmpuint (bytes->len, >, wanted->len);
  g_assert_cmpmem (bytes->data, wanted->len, wanted->data, wanted->len);
  /* Tag, length, and JSON that says the same. */
  g_assert_cmpuint (bytes->data[wanted->len], ==, 6);
  text = g_strndup ((char *) bytes->data + wanted->len + 5, bytes->len - wanted->len - 5);
  json = json_tokener_parse (text);
  g_assert_nonnull (json);
  g_assert_cmpstr (json_object_to_json_string (json_object_object_get (json, "configuration")), ==,
                   "{ \"vmsd_name\": \"configuration\", \"version\": 1, \"fields\": [ { \"name\": "
                   "\"len\", \"type\": \"uint32\", \"size\": 4 }, { \"name\": \"name\", \"type\": "
                   "\"buffer\", \"size\": 8 } ] }");
  g_assert_cmpint (json_object_get_int (json_object_object_get (json, "page_size")), ==, 4096);
  devices = json_object_object_get (json, "devices");
  g_assert_cmpuint (json_object_array_length (devices), ==, 4);
  device = json_object_array_get_idx (devices, 2);
  g_assert_cmpstr (json_object_get_string (json_object_object_get (device, "name")), ==,
                   "0000:00:01.0/counter");
  g_assert_cmpstr (json_object_get_string (json_object_object_get (device, "vmsd_name")), ==,
                   "counter");
  json_object_put (json);
  /* And back. */
  a.value = b.value = c.value = bus.value = b.extra = 0;
  a.extra = 9;
  error = read_stream (&config, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_true (a.value == 0x11 && a.extra == 0 && b.value == 0x22 && b.extra == 7);
  g_assert_true (c.value == 0x33 && bus.value == 0x44);
  g_assert_cmpstr (live_trace->str, ==, "load load load ");
  g_byte_array_unref (bytes);
  g_byte_array_unref (wanted);
  machine_down ();
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* A stream that is refused has changed no device. */
static void
refused (const char *text, const char *error)
{
  GByteArray *bytes = unhex (text);
  struct counter before[] = { a, b, c, bus, optional };
  g_autofree char *is = read_stream (&config, bytes->data, bytes->len);
  struct counter after[] = { a, b, c, bus, optional };

  g_assert_cmpstr (is, ==, error);
  g_assert_cmpmem (before, sizeof (before), after, sizeof (after));
  g_byte_array_unref (bytes);
}

static void
test_refusals (void)
{
  machine_up ();
  refused ("5145564e", "it begins with 0x5145564e, a stream with 0x5145564d; is it one that was "
                       "saved by 'migrate'?");
  refused ("5145564d 00000002", "streams of version 2 cannot be read; version 3 can");
  refused ("5145564d 00000003 04", "byte 8: tag 0x04; the configuration has to come first");
  refused ("5145564d 00000003 07 00000007 766972742d312e",
           "the guest's machine type is 'virt-1.', here it is 'virt-1.0'; start this end with -M "
           "'virt-1.'");
  refused ("5145564d 00000003 07 00000000",
           "it names no machine type; here it is 'virt-1.0'");
  refused ("5145564d 00000003 07 ffffffff",
           "byte 9: the machine type's name has 4294967295 bytes; it can have 255");
  refused (HEAD "05 14 636f6e66696775726174696f6e2f756e6b6e6f77 00000001",
           "subsection 'configuration/unknow': it is not known here; the sender is newer");
  refused (HEAD "05 1e 636f6e66696775726174696f6e2f7461726765742d706167652d62697473 00000001 "
                "0000000d",
           "subsection 'configuration/target-page-bits': the sender's pages have 13 bits, here "
           "they have 12");
  refused (HEAD "05 1a 636f6e66696775726174696f6e2f6361706162696c6974696573 00000001 00000001 "
                "0a 6d61707065642d72616d",
           "capability 'mapped-ram' is on at the sender and off here; set it alike at both ends");
  refused (HEAD "05 1a 636f6e66696775726174696f6e2f6361706162696c6974696573 00000001 00000001 "
                "02 7878",
           "subsection 'configuration/capabilities': capability 'xx' is not known here");
  refused (HEAD "05 1a 636f6e66696775726174696f6e2f6361706162696c6974696573 00000001 00000041",
           "subsection 'configuration/capabilities': 65 capabilities are more than any has");
  refused (HEAD "07", "byte 21: tag 0x07 begins no section");
  refused (HEAD "7e 00000000", "byte 21: tag 0x7e begins no section");
  refused (HEAD "09", "byte 21: tag 0x09 begins no section");
  refused (HEAD "08 000c 0000", "byte 21: command 12 is not known here");
  refused (
      HEAD "04 00000009 03 666f6f 00000000 00000001",
      "byte 21: section 'foo': there is no such device here; give this end the sender's devices");
  refused (HEAD "04 00000009 07 636f756e746572 00000002 00000001",
           "byte 21: section 'counter' 2: there is no device with that number here; give this end "
           "the sender's devices");
  refused (HEAD "04 00000009 00", "byte 27: a section's name is no name");
  refused (HEAD "04 00000009 03 660066", "byte 27: a section's name is no name");
  refused (HEAD "04 00000009 03 627573 00000000 00000002",
           "byte 21: section 'bus': version 2 is newer than the 1 that can be read here");
  refused (HEAD "04 00000009 07 636f756e746572 00000000 00000000",
           "section 'counter': byte 0: version 0 of 'counter' cannot be read here; versions 1 to "
           "2 can");
  refused (HEAD "01 00000009 03 627573 00000000 00000001",
           "byte 21: section 'bus': it is sent in pieces, and is not of that kind");
  refused (HEAD "04 00000009 03 72616d 00000000 00000004",
           "byte 21: section 'ram': it is sent whole, and is not of that kind");
  refused (HEAD "01 00000009 03 72616d 00000000 00000004 abce",
           "byte 40: section 'ram': 0xabce is not what is sent");
  refused (HEAD "02 00000000", "byte 22: a piece of section 0, which was not begun");
  refused (HEAD BUS "02 00000004", "byte 48: a piece of section 4, which was not begun");
  refused (HEAD BUS BUS, "byte 47: section 'bus': it comes twice");
  refused (HEAD "04 00000004 03 627573 00000000 00000001 00000099 00",
           "byte 42: section 'bus': 0x00 instead of its footer; the two ends do not agree on what "
           "is in it: give both the same -smp, -cpu and -device");
  refused (HEAD "04 00000004 03 627573 00000000 00000001 00000099 7e 00000005",
           "byte 42: section 'bus': its footer is that of section 5");
  refused (HEAD LIVE BUS A C "00",
           "section '0000:00:01.0/counter' is missing; the sender has no such device: leave it out "
           "here");
  refused (HEAD BUS A B C "00",
           "section 'ram' is missing; the sender has no such device: leave it out here");
  refused (HEAD LIVE BUS A B C "00 07", "byte 219: tag 0x07 behind the end of the stream");
  refused (HEAD LIVE BUS A B C "00 06 04000001",
           "a description of 67108865 bytes; it can have 67108864");
  machine_down ();
}

/* Each prefix, and each byte with each bit flipped: refused without a trace, or taken whole. */
static void
test_hostile (void)
{
  GByteArray *good;
  guint end;

  machine_up ();
  good = write_stream (&config);
  for (end = good->len - 1; good->data[end] != 0x06 || good->data[end - 1] != 0x00;)
    end--;
  for (guint size = 0; size < good->len; size++)
    {
      struct counter before = b;
      g_autofree char *error = NULL;

      b.value = before.value = size;
      error = read_stream (&config, good->data, size);
      /* All that matters is there where the description begins. */
      if (size == end)
        g_assert_cmpstr (error, ==, NULL);
      else
        {
          g_assert_nonnull (error);
          g_assert_cmpuint (b.value, ==, size);
        }
    }
  for (guint bit = 0; bit < end * 8; bit++)
    {
      struct counter before[] = { a, b, c, bus, optional }, after[5];
      g_autofree char *error = NULL;

      good->data[bit / 8] ^= (guint8) (1u << bit % 8);
      error = read_stream (&config, good->data, good->len);
      good->data[bit / 8] ^= (guint8) (1u << bit % 8);
      if (error == NULL)
        continue;
      memcpy (after, (struct counter[]){ a, b, c, bus, optional }, sizeof (after));
      g_assert_cmpmem (before, sizeof (before), after, sizeof (after));
      g_assert_null (strchr (error, '\n'));
    }
  g_byte_array_unref (good);
  machine_down ();
}

/* ---- what is accepted all the same ----------------------------------------------------------- */

static void
accepted (const struct gwt_stream_config *with, const char *text)
{
  GByteArray *bytes = unhex (text);
  g_autofree char *error = NULL;

  b.value = 0;
  error = read_stream (with, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmpuint (b.value, ==, 0x22);
  g_byte_array_unref (bytes);
}

static void
test_accepted (void)
{
  struct gwt_stream_config with = config;
  static const char *const ignore[] = { "x-ignore-shared", NULL };
  GByteArray *bytes;
  g_autofree char *error = NULL;

  machine_up ();
  /* Any order, any ids, no description, an older version, the bare name. */
  accepted (&config, HEAD C B A BUS LIVE "00");
  accepted (&config, HEAD "05 1a 636f6e66696775726174696f6e2f6361706162696c6974696573 00000001 "
                          "00000001 07 6d756c74696664 " LIVE BUS A B C "00");
  /* What both ends have on; a UUID that is the same. */
  with.capabilities = ignore;
  with.has_uuid = true;
  memset (with.uuid, 0x5a, sizeof (with.uuid));
  bytes = write_stream (&with);
  error = read_stream (&with, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==, NULL);
  with.uuid[3] ^= 1;
  error = read_stream (&with, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==,
                   "the guest's UUID is another than -uuid here; it is another guest");
  with.capabilities = NULL;
  g_free (error);
  error = read_stream (&with, bytes->data, bytes->len);
  g_assert_cmpstr (error, ==,
                   "capability 'x-ignore-shared' is on at the sender and off here; set it alike at "
                   "both ends");
  g_byte_array_unref (bytes);
  machine_down ();
}

static void
test_names (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *path = g_strnfill (248, 'p');

  machine_up ();
  g_assert_null (gwt_entry_add (path, schema_of (&counter_schema), &a, NULL,
                                GWT_ENTRY_INSTANCE_AUTO, &err));
  g_assert_nonnull (strstr (err.text, "its name has 256 bytes; 1 to 255 can be sent"));
  gwt_error_clear (&err);
  g_assert_null (
      gwt_entry_add (NULL, schema_of (&counter_schema), &a, NULL, 1, &err));
  g_assert_cmpstr (err.text, ==, "section 'counter 1' is there already");
  /* By an alias, and by the bare name where there is a path. */
  made[1]->alias = 77;
  g_assert_true (gwt_entry_find ("counter", 77) == made[1]);
  g_assert_true (gwt_entry_find ("0000:00:01.0/counter", 0) == made[2]);
  g_assert_null (gwt_entry_find ("0000:00:01.0/counter", 1));
  machine_down ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/bytes", test_bytes);
  g_test_add_func ("/stream/refusals", test_refusals);
  g_test_add_func ("/stream/hostile", test_hostile);
  g_test_add_func ("/stream/accepted", test_accepted);
  g_test_add_func ("/stream/names", test_names);
  return g_test_run ();
}
