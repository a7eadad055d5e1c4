/* SPDX-License-Identifier: BSD-2-Clause */
/* The manifest's format: what is held of a good one, and what is said of each that is not. */
#include "config.h"
#include "core/migration/manifest.h"
#include <string.h>

#define HEAD                                                                                       \
  "{\"godwit-manifest\": 1, \"program\": \"godwit 9.9\", \"machine\": {\"type\": \"virt-1.0\", "   \
  "\"chain\": [\"virt-1.0\", \"virt-1.1\"], \"board\": \"virt\"}, \"smp\": {\"cpus\": 4, "         \
  "\"sockets\": 1, \"cores\": 2, \"threads\": 2}, \"cpu\": \"rv64\", \"memory\": 134217728, "
#define HOPS                                                                                       \
  "\"hops\": [{\"program\": \"godwit 9.8\", \"machine\": \"virt-1.0\"}, {\"program\": "            \
  "\"godwit 9.9\", \"machine\": \"virt-1.0\"}], "
#define BLOCKS                                                                                     \
  "\"blocks\": [{\"name\": \"ram\", \"size\": 134217728}, {\"name\": \"rom\", \"size\": 4096, "    \
  "\"read-only\": true}], "
#define PLUGINS                                                                                    \
  "\"plugins\": [{\"id\": \"disks\", \"version\": \"5.2\", \"level\": \"5.1\"}, "                  \
  "{\"id\": \"other\", \"version\": \"1\"}], "
#define DISK                                                                                       \
  "{\"id\": \"d0\", \"type\": \"disk\", \"parents\": [\"pci-device\"], \"plugin\": \"disks\", "    \
  "\"origin\": \"user\", \"place\": {\"at\": 18446744073709551615}, \"backends\": {\"drive\": "    \
  "\"hd0\"}, \"properties\": {\"num-queues\": {\"value\": 1, \"source\": \"plugin-compat\", "      \
  "\"detail\": \"plugin disks, level 5.1\", \"hop\": 1, \"default\": 65535, \"min\": 0, \"max\": " \
  "1024, \"rows\": [{\"level\": \"5.1\", \"value\": 1}]}, \"mode\": {\"value\": \"a\", "           \
  "\"source\": \"incoming\", \"hop\": 0, \"values\": [\"a\", \"b\"]}, \"serial\": {\"value\": "    \
  "null}}, \"facts\": {\"capacity\": 12}, \"sections\": [{\"name\": \"x/disk\", \"version\": 3, "  \
  "\"minimum\": 2, \"layouts\": {\"3\": \"cc\", \"2\": \"bb\"}, \"subsections\": [{\"name\": "     \
  "\"disk/more\", \"when\": \"state\", \"may-come\": true}]}]}"
#define LIKE                                                                                       \
  "{\"id\": \"d1\", \"like\": \"d0\", \"properties\": {\"mode\": {\"value\": \"b\"}}}"
#define DEVICES "\"devices\": [" DISK ", " LIKE "], "
#define SECTIONS "\"sections\": [{\"name\": \"ram\", \"version\": 4}]}"
#define WHOLE HEAD HOPS BLOCKS PLUGINS DEVICES SECTIONS

static struct gwt_manifest *
parse (const char *text)
{
  GWT_AUTO_ERROR (err);
  struct gwt_manifest *m = gwt_manifest_parse ("the manifest", text, strlen (text), &err);

  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_nonnull (m);
  return m;
}

static void
held (void)
{
  struct gwt_manifest *m = parse (WHOLE);
  const struct gwt_manifest_device *d0 = gwt_manifest_device (m, "d0");
  const struct gwt_manifest_property *p = gwt_manifest_property (d0, "num-queues");
  const struct gwt_manifest_section *s = gwt_manifest_section (m, "x/disk", 0);

  g_assert_cmpstr (m->program, ==, "godwit 9.9");
  g_assert_cmpstr (m->chain[1], ==, "virt-1.1");
  g_assert_cmpuint (m->cpus, ==, 4);
  g_assert_cmpuint (m->threads, ==, 2);
  g_assert_null (m->uuid);
  g_assert_cmpuint (m->n_blocks, ==, 2);
  g_assert_true (gwt_manifest_block (m, "rom")->read_only);
  g_assert_cmpstr (gwt_manifest_plugin (m, "disks")->level, ==, "5.1");
  g_assert_null (gwt_manifest_plugin (m, "other")->level);
  g_assert_cmpuint (m->n_hops, ==, 2);
  g_assert_cmpstr (d0->parents[0], ==, "pci-device");
  g_assert_true (d0->has_at);
  g_assert_cmpuint (d0->at, ==, UINT64_MAX);
  g_assert_false (d0->has_irq);
  g_assert_cmpstr (d0->backends[0].id, ==, "hd0");
  g_assert_cmpuint (d0->n_properties, ==, 3);
  g_assert_cmpint (json_object_get_int64 (p->value), ==, 1);
  g_assert_cmpint (p->from, ==, GWT_SOURCE_PLUGIN_COMPAT);
  g_assert_false (p->explicit_);
  g_assert_cmpstr (p->rows[0].level, ==, "5.1");
  p = gwt_manifest_property (d0, "mode");
  g_assert_true (p->explicit_);
  g_assert_cmpuint (p->hop, ==, 0);
  g_assert_cmpstr (p->values[1], ==, "b");
  p = gwt_manifest_property (d0, "serial");
  g_assert_null (p->value);
  g_assert_cmpint (p->from, ==, GWT_SOURCE_DEFAULT);
  g_assert_cmpuint (p->hop, ==, 1);
  g_assert_true (s->device == d0 && d0->n_sections == 1);
  g_assert_cmpuint (s->n_layouts, ==, 2);
  g_assert_cmpstr (s->layouts[0].hash, ==, "bb");
  g_assert_true (s->subsections[0].may_come);
  g_assert_null (gwt_manifest_section (m, "ram", 0)->device);
  gwt_manifest_unref (m);
}

/* A device like another has what that one has, but for what it says itself, and its sections. */
static void
like (void)
{
  struct gwt_manifest *m = parse (WHOLE);
  const struct gwt_manifest_device *d1 = gwt_manifest_device (m, "d1");

  g_assert_cmpstr (d1->type, ==, "disk");
  g_assert_cmpstr (d1->parents[0], ==, "pci-device");
  g_assert_cmpuint (d1->n_properties, ==, 3);
  g_assert_cmpstr (json_object_get_string (gwt_manifest_property (d1, "mode")->value), ==, "b");
  g_assert_false (gwt_manifest_property (d1, "mode")->explicit_);
  g_assert_nonnull (d1->facts);
  g_assert_cmpuint (d1->n_sections, ==, 0);
  g_assert_cmpuint (d1->n_backends, ==, 0);
  g_assert_false (d1->has_at);
  gwt_manifest_unref (m);
}

static void
values (void)
{
  struct gwt_manifest *m = parse (WHOLE);
  const struct gwt_manifest_device *d0 = gwt_manifest_device (m, "d0");
  const struct gwt_manifest_property *queues = gwt_manifest_property (d0, "num-queues");
  struct json_object *big = json_object_new_uint64 (UINT64_MAX), *most = json_object_new_int (1024),
                     *one = json_object_new_double (1.0), *yes = json_object_new_boolean (1),
                     *a = json_object_new_string ("a"), *minus = json_object_new_int (-1);

  g_assert_false (gwt_manifest_allows (queues, big));
  g_assert_false (gwt_manifest_allows (queues, minus));
  g_assert_true (gwt_manifest_allows (queues, most));
  g_assert_true (gwt_manifest_allows (queues, yes));
  g_assert_false (gwt_manifest_allows (queues, a));
  g_assert_true (gwt_manifest_allows (gwt_manifest_property (d0, "mode"), a));
  g_assert_false (gwt_manifest_allows (gwt_manifest_property (d0, "mode"), one));
  g_assert_true (gwt_manifest_allows (gwt_manifest_property (d0, "serial"), NULL));
  g_assert_true (gwt_manifest_equal (queues->value, one));
  g_assert_false (gwt_manifest_equal (queues->value, yes));
  g_assert_false (gwt_manifest_equal (big, minus));
  g_assert_true (gwt_manifest_equal (NULL, NULL));
  g_assert_false (gwt_manifest_equal (a, NULL));
  json_object_put (big);
  json_object_put (most);
  json_object_put (one);
  json_object_put (yes);
  json_object_put (a);
  json_object_put (minus);
  gwt_manifest_unref (m);
}

/* What another release adds is left alone, unless it says that it must not be. */
static void
unknown_members (void)
{
  gwt_manifest_unref (parse ("{\"later\": {\"a\": [1]}, " HOPS BLOCKS PLUGINS DEVICES
                             "\"needs\": [], " "\"sections\": [], "
                             "\"godwit-manifest\": 1, \"program\": \"p\", \"machine\": {\"type\": "
                             "\"a\", \"chain\": [\"a\"], \"board\": \"b\", \"new\": 1}, \"smp\": "
                             "{\"cpus\": 1, \"sockets\": 1, \"cores\": 1, \"threads\": 1}, "
                             "\"cpu\": \"c\", \"memory\": 1}"));
}

static const struct
{
  const char *from, *to, *error;
} bad[] = {
  { "\"memory\": 134217728, ", "", "the manifest: /: 'memory' is missing; add it" },
  { "\"memory\": 134217728", "\"memory\": \"much\"",
    "the manifest: /memory: \"much\" is a string; a whole number belongs here" },
  { "\"memory\": 134217728", "\"memory\": -1",
    "the manifest: /memory: -1 is out of range; use 1 to 9223372036854775807" },
  { "\"godwit-manifest\": 1", "\"godwit-manifest\": 2",
    "the manifest: /godwit-manifest: manifests of format 2 cannot be read; format 1 can: use a "
    "newer godwit at this end, or x-manifest=off at the sender's" },
  { "\"godwit-manifest\": 1", "\"godwit-manifest\": 1, \"needs\": [\"wings\"]",
    "the manifest: /needs/0: 'wings' is not known here and has to be; use a newer godwit at this "
    "end, or x-manifest=off at the sender's" },
  { "\"threads\": 2", "\"threads\": 3",
    "the manifest: /smp: 1 sockets with 2 cores with 3 threads are not 4 cpus; make them agree" },
  { "[\"virt-1.0\", \"virt-1.1\"]", "[\"virt-1.1\"]",
    "the manifest: /machine/chain: it begins with 'virt-1.1'; begin it with 'virt-1.0', the "
    "machine's type" },
  { "\"board\": \"virt\"", "\"board\": \"virt\", \"uuid\": \"12\"",
    "the manifest: /machine/uuid: '12' is no UUID; use the form "
    "\"12345678-9abc-def0-1234-56789abcdef0\"" },
  { "\"id\": \"d1\"", "\"id\": \"d0\"",
    "the manifest: /devices/1: device 'd0' is there twice; give each its own id" },
  { "\"like\": \"d0\"", "\"like\": \"d1\"",
    "the manifest: /devices/1/like: there is no device 'd1' before this one; name one that is" },
  { "\"id\": \"d1\"", "\"id\": \"/d\"",
    "the manifest: /devices/1: '/d' is no id of a device; use a letter, then letters, digits, '-', "
    "'_' and '.'" },
  { "\"origin\": \"user\"", "\"origin\": \"thin air\"",
    "the manifest: /devices/0: 'thin air' is no origin; use \"board\", \"cpu\", \"user\" or "
    "\"hotplug\"" },
  { "\"plugin\": \"disks\"", "\"plugin\": \"lost\"",
    "the manifest: /devices/0: plugin 'lost' is not in 'plugins'; add it there" },
  { "\"id\": \"other\"", "\"id\": \"disks\"",
    "the manifest: /plugins/1: plugin 'disks' is there twice; name it once" },
  { "\"level\": \"5.1\"}, {", "\"level\": \"new\"}, {",
    "the manifest: /plugins/0/level: 'new' is no version; use numbers with dots, as \"1.0\"" },
  { "\"name\": \"rom\"", "\"name\": \"ram\"",
    "the manifest: /blocks/1: block 'ram' is there twice; name it once" },
  { "\"name\": \"ram\", \"version\"", "\"name\": \"x/disk\", \"version\"",
    "the manifest: /sections/0: section 'x/disk' 0 is there twice; name it once" },
  { "\"serial\"", "\"num-queues\"", "the manifest: byte 984: 'num-queues' is given twice; give it "
                                    "once" },
  { "\"serial\"", "\"Serial\"",
    "the manifest: /devices/0/properties/Serial: that is no name of a property; use lower case, "
    "digits and '-'" },
  { "\"source\": \"incoming\"", "\"source\": \"hearsay\"",
    "the manifest: /devices/0/properties/mode/source: a value cannot come from 'hearsay'; use "
    "\"default\", \"plugin-compat\", \"machine-type\", \"board\", \"global\", \"incoming\" or "
    "\"device\"" },
  { "\"hop\": 1", "\"hop\": 2",
    "the manifest: /devices/0/properties/num-queues/hop: 2 is out of range; use 0 to 1" },
  { "\"value\": 1, \"source\"", "\"value\": {}, \"source\"",
    "the manifest: /devices/0/properties/num-queues/value: an object is no value of a property; "
    "use a number, a text, true, false or null" },
  { "\"max\": 1024", "\"max\": \"x\"",
    "the manifest: /devices/0/properties/num-queues/max: \"x\" is a string; a whole number belongs "
    "here" },
  { "\"max\": 1024", "\"facts\": \"x\"",
    "the manifest: /devices/0/properties/num-queues/facts: \"x\" is a string; an array belongs "
    "here" },
  { "\"value\": 1}]", "\"worth\": 1}]",
    "the manifest: /devices/0/properties/num-queues/rows/0: 'value' is missing; add it" },
  { "\"3\": \"cc\"", "\"4\": \"cc\"",
    "the manifest: /devices/0/sections/0/layouts/4: that is no version from 2 to 3; leave it out" },
  { "\"minimum\": 2", "\"minimum\": 4",
    "the manifest: /devices/0/sections/0/minimum: 4 is out of range; use 0 to 3" },
  { "\"place\": {", "\"place\": {\"regions\": [{\"name\": \"r\", \"address\": 1, \"size\": 0}], ",
    "the manifest: /devices/0/place/regions/0/size: 0 is out of range; use 1 to "
    "18446744073709551615" },
  { "\"place\": {", "\"place\": {\"lines\": [3], ",
    "the manifest: /devices/0/place/lines/0: 3 is a whole number; an object belongs here" },
  { "\"may-come\": true", "\"may-come\": 1",
    "the manifest: /devices/0/sections/0/subsections/0/may-come: 1 is a whole number; true or "
    "false belongs here" },
  { "godwit 9.9\", \"machine\": {", "godwit \\u001b[2J\", \"machine\": {",
    "the manifest: /program: a control character in a text; leave it out" },
  { "godwit 9.9\", \"machine\": {", "\", \"machine\": {",
    "the manifest: /program: an empty text; give one" },
  { "\"hops\": [", "\"hops\": [], \"jumps\": [",
    "the manifest: /hops: it is empty; name the process that wrote the manifest" },
  { WHOLE, "[]", "the manifest: /: [] is an array; an object belongs here" },
  { WHOLE, "{\"godwit-manifest\": 1", "the manifest: byte 21: JSON text ends too early" },
};

static void
refused (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GWT_AUTO_ERROR (err);
      const char *at = strstr (WHOLE, bad[i].from);
      g_autoptr (GString) text = g_string_new (WHOLE);

      g_assert_nonnull (at);
      g_string_erase (text, at - WHOLE, (gssize) strlen (bad[i].from));
      g_string_insert (text, at - WHOLE, bad[i].to);
      g_assert_null (gwt_manifest_parse ("the manifest", text->str, text->len, &err));
      g_assert_cmpstr (err.text, ==, bad[i].error);
    }
}

static void
too_much (void)
{
  g_autofree char *text = g_malloc (GWT_MANIFEST_SIZE_MAX + 1);
  GWT_AUTO_ERROR (large);
  GWT_AUTO_ERROR (many);

  memset (text, ' ', GWT_MANIFEST_SIZE_MAX + 1);
  g_assert_null (gwt_manifest_parse ("m", text, GWT_MANIFEST_SIZE_MAX + 1, &large));
  g_assert_cmpstr (large.text, ==, "m: a manifest of 4194305 bytes; it can have 4194304");
  memset (text, ',', GWT_MANIFEST_SIZE_MAX);
  g_assert_null (gwt_manifest_parse ("m", text, GWT_MANIFEST_SIZE_MAX, &many));
  g_assert_cmpstr (many.text, ==, "m: a manifest of 4194304 values; it can have 524288");
}

/* Devices that are like one with many properties would take gigabytes. */
static void
too_much_alike (void)
{
  g_autoptr (GString) devices = g_string_new ("\"devices\": [");
  g_autofree char *text = NULL, *objects = g_malloc (1 << 20);
  GWT_AUTO_ERROR (err);
  GWT_AUTO_ERROR (many);

  g_string_append (devices, "{\"id\": \"d\", \"type\": \"t\", \"plugin\": \"other\", "
                            "\"origin\": \"user\", \"properties\": {");
  for (guint i = 0; i < 4096; i++)
    g_string_append_printf (devices, "%s\"p%u\": {\"value\": 1}", i > 0 ? "," : "", i);
  g_string_append (devices, "}}");
  for (guint i = 0; i < 64; i++)
    g_string_append_printf (devices, ", {\"id\": \"d%u\", \"like\": \"d\"}", i);
  g_string_append (devices, "], ");
  text = g_strconcat (HEAD HOPS BLOCKS PLUGINS, devices->str, SECTIONS, NULL);
  g_assert_null (gwt_manifest_parse ("m", text, strlen (text), &err));
  g_assert_cmpstr (err.text, ==,
                   "m: /devices/64: with this device there are more properties than 262144");
  memset (objects, '{', 1 << 20);
  g_assert_null (gwt_manifest_parse ("m", objects, 1 << 18, &many));
  g_assert_cmpstr (many.text, ==, "m: a manifest of 262144 objects; it can have 131072");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/manifest/held", held);
  g_test_add_func ("/manifest/like", like);
  g_test_add_func ("/manifest/values", values);
  g_test_add_func ("/manifest/unknown-members", unknown_members);
  g_test_add_func ("/manifest/refused", refused);
  g_test_add_func ("/manifest/too-much", too_much);
  g_test_add_func ("/manifest/too-much-alike", too_much_alike);
  return g_test_run ();
}
