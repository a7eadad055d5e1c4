/* SPDX-License-Identifier: BSD-2-Clause */
/* Boards and machine types: what is in the tree is sound, and each mistake is told with line and
 * path. */
#include "config.h"
#include "core/machine/board.h"
#include <string.h>
#include "core/machine/machine-type.h"

static char *
read_source (const char *name)
{
  GError *error = NULL;
  char *text;
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, name, NULL);
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* TEXT with the first FROM replaced by TO. */
static char *
replaced (const char *text, const char *from, const char *to)
{
  const char *at = strstr (text, from);
  if (at == NULL)
    g_error ("'%s' is not in the file", from);
  return g_strdup_printf ("%.*s%s%s", (int)(at - text), text, to, at + strlen (from));
}

static guint
line_of (const char *text, const char *part)
{
  guint line = 1;
  for (const char *c = strstr (text, part); c > text; c--)
    line += c[-1] == '\n';
  return line;
}

static void
test_virt (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *text = read_source ("machines/virt.json");
  struct gwt_board *board = gwt_board_parse ("virt.json", text, strlen (text), &err);
  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_cmpstr (board->name, ==, "virt");
  g_assert_cmpstr (board->ram_block, ==, "riscv_virt_board.ram");
  g_assert_cmphex (board->ram_base, ==, 0x80000000);
  const struct gwt_board_rom *rom = gwt_board_rom (board, "mrom");
  g_assert_cmpstr (rom->block, ==, "riscv_virt_board.mrom");
  g_assert_cmphex (rom->base, ==, 0x1000);
  g_assert_cmphex (rom->size, ==, 0xf000);
  static const struct
  {
    const char *type;
    uint64_t at;
    int irq;
  } wanted[] = { { "sifive-test", 0x100000, -1 }, { "goldfish-rtc", 0x101000, 11 },
                 { "aclint", 0x2000000, -1 },     { "sifive-plic", 0xc000000, -1 },
                 { "ns16550", 0x10000000, 10 },   { "fw-cfg", 0x10100000, -1 },
                 { "cfi-flash", 0x20000000, -1 }, { "cfi-flash", 0x22000000, -1 },
                 { "pcie-host", 0x30000000, 32 } };
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      bool found = false;
      for (guint n = 0; n < board->devices->len; n++)
        {
          const struct gwt_board_device *d = g_ptr_array_index (board->devices, n);
          if (strcmp (d->type, wanted[i].type) != 0
              || g_array_index (d->at, struct gwt_board_place, 0).address != wanted[i].at)
            continue;
          found = true;
          if (wanted[i].irq >= 0)
            {
              const struct gwt_board_wire *wire = g_ptr_array_index (d->wires, 0);
              g_assert_cmpstr (wire->to, ==, "plic0");
              g_assert_cmpint ((int)wire->line, ==, wanted[i].irq);
            }
        }
      g_assert_true (found);
    }
  g_assert_cmpuint (gwt_board_serial_count (board), ==, 1);
  gwt_board_free (board);
}

struct mistake
{
  const char *from, *to; /* change in the sound file */
  const char *line_at;   /* the error names the line where this stands, in the changed file */
  const char *error;     /* behind "FILE:LINE: " */
};

static void
test_board_mistakes (void)
{
  static const struct mistake cases[] = {
    { "\"godwit-board\": 1", "\"godwit-board\": 2", "\"godwit-board\"",
      "$.godwit-board: board format 2 is not known here; this program reads format 1, use "
      "a newer one" },
    { "\"godwit-board\": 1,", "", "{", "$: member 'godwit-board' is missing; add it" },
    { "\"name\": \"virt\",", "\"nam\": \"virt\",", "\"nam\"",
      "$.nam: unknown member 'nam'; did you mean 'name'" },
    { "\"name\": \"virt\"", "\"name\": \"../virt\"", "\"../virt\"",
      "$.name: '../virt' is no name; use a-z, 0-9 and '-', a letter first" },
    { "\"arch\": \"riscv64\"", "\"arch\": \"z80\"", "\"arch\"",
      "$.arch: arch 'z80' is not known; use 'riscv64'" },
    { "\"max\": 512,", "\"max\": 0,", "\"cpus\"",
      "$.cpus: default 1 and max 0 do not fit; use 1 <= default <= max <= 512" },
    { "\"max\": 512,", "\"max\": \"4294967297\",", "\"cpus\"",
      "$.cpus: default 1 and max 4294967297 do not fit; use 1 <= default <= max <= 512" },
    { "\"max\": 512,", "\"max\": -1,", "\"max\": -1", "$.cpus.max: -1 is negative; use 0 or more" },
    { "\"number\": \"hart-id\"", "\"number\": 5", "\"number\": 5",
      "$.cpus.number: this is a whole number; use a string" },
    { "\"align\": \"4K\"\n", "\"align\": \"3K\"\n", "\"ram\"", "$.ram: these values do not fit" },
    { "\"base\": \"0x80000000\"", "\"base\": \"0x8000000z\"", "0x8000000z", "$.ram.base: " },
    { "\"default\": \"128M\"", "\"default\": \"99999999999T\"", "99999999999T", "$.ram.default: " },
    { "\"size\": \"0xf000\"", "\"size\": 0", "\"mrom\", \"block\"",
      "$.roms[0]: base 0x1000 and size 0x0 are no address range" },
    { "\"base\": \"0x1000\", \"size\": \"0xf000\"",
      "\"base\": \"0xffffffffffffff00\", \"size\": \"0xf000\"", "\"mrom\", \"block\"",
      "$.roms[0]: base 0xffffffffffffff00 and size 0xf000 are no address range" },
    { "\"size\": \"0xf000\"", "\"size\": \"1T\"", "\"mrom\", \"block\"",
      "$.roms[0].size: a ROM of more than 64M" },
    { "\"id\": \"clint0\"", "\"id\": \"test0\"", "\"id\": \"test0\",\n      \"type\": \"aclint\"",
      "$.devices[1].id: id 'test0' is taken by virt.json:" },
    { "\"type\": \"aclint\",", "", "{\n      \"id\": \"clint0\"",
      "$.devices[1]: member 'type' is missing; add it" },
    { "\"at\": [\"0x2000000\"]", "\"at\": \"0x2000000\"", "\"at\": \"0x2000000\"",
      "$.devices[1].at: this is a string; use an array" },
    { "\"at\": [\"0x2000000\"]", "\"at\": [true]", "[true]",
      "$.devices[1].at[0]: this is a boolean" },
    { "\"per\": \"cpu\"", "\"per\": \"hart\"", "\"per\": \"hart\"",
      "$.devices[1].irq[0].per: per 'hart' is not known; the only one is 'cpu'" },
    { "\"per\": \"cpu\"", "\"per\": \"cpu\", \"to\": \"plic0\"", "\"to\": \"plic0\", \"in\"",
      "$.devices[1].irq[0]: a wire needs either 'to' or 'per', one of them" },
    { "\"to\": \"plic0\", \"in\": \"irq\", \"line\": 11",
      "\"to\": \"plic\", \"in\": \"irq\", \"line\": 11", "\"to\": \"plic\"",
      "$.devices[7].irq[0].to: no device of this board has the id 'plic'; did you "
      "mean 'plic0'" },
    { "\"line\": 11 }]", "\"line\": 70000 }]", "70000",
      "$.devices[7].irq[0].line: 70000 is too large; use 0 to 65535" },
    { "\"props\": { \"num-sources\": 95 }", "\"props\": { \"Num\": 96 }", "\"Num\"",
      "$.devices[2].props.Num: 'Num' is no property's name" },
    { "\"props\": { \"num-sources\": 95 }", "\"props\": [96]", "[96]",
      "$.devices[2].props: this is an array; use an object" },
    { "\"fdt\": { \"join\": \"flash0\" }", "\"fdt\": { \"join\": \"flash1\" }",
      "\"fdt\": { \"join\": \"flash1\"",
      "$.devices[9].fdt.join: 'flash1' has no node to join; name a device with its own" },
    { "\"fdt\": { \"join\": \"flash0\" }", "\"fdt\": { \"parent\": \"/x\" }", "\"parent\": \"/x\"",
      "$.devices[9].fdt.parent: parent '/x' is not known; use '/soc' or '/'" },
    { "\"rom\": \"mrom\"", "\"rom\": \"grom\"", "\"rom\": \"grom\"",
      "$.boot.rom: rom 'grom' is none of this board's roms; add it there" },
    { "riscv-firmware-dynamic", "multiboot", "multiboot",
      "$.boot.protocol: protocol 'multiboot' is not known; use 'riscv-firmware-dynamic'" },
    { "\"fw-cfg\": \"fw-cfg0\"", "\"fw-cfg\": \"fw0\"", "\"fw-cfg\": \"fw0\"",
      "$.boot.fw-cfg: no device of this board has the id 'fw0'" },
    { "\"stdout\": \"uart0\"", "\"stdout\": \"uart1\"", "\"uart1\"",
      "$.fdt.stdout: no device of this board has the id 'uart1'; did you mean 'uart0'" },
    { "\"model\": \"godwit,virt\"", "\"model\": 1.5", "\"model\": 1.5",
      "$.fdt.root.model: use true, a text" },
    { "\"model\": \"godwit,virt\"", "\"model\": [1, \"a\"]", "\"model\": [",
      "$.fdt.root.model[1]: use texts only, or numbers of 32 bits only" },
    { "\"model\": \"godwit,virt\"", "\"model\": { \"phandle\": \"plic1\" }", "\"model\": {",
      "$.fdt.root.model.phandle: no device of this board has the id 'plic1'; did you mean "
      "'plic0'" },
    { "\"model\": \"godwit,virt\"", "\"model\": { \"phandle\": 1 }", "\"model\": {",
      "$.fdt.root.model.phandle: this is a whole number; use a string" },
    { "\"model\": \"godwit,virt\"", "\"model\": { \"phandle\": \"plic0\", \"x\": 1 }",
      "\"model\": {", "$.fdt.root.model.x: " },
    { "\"fdt\": { \"join\": \"flash0\" }",
      "\"fdt\": { \"props\": { \"m\": { \"phandle\": \"u\" } } }", "\"m\": { \"phandle\"",
      "$.devices[9].fdt.props.m.phandle: no device of this board has the id" },
    { "\"model\": \"godwit,virt\"", "\"mo del\": \"x\"", "\"mo del\"",
      "$.fdt.root.mo del: 'mo del' is no device tree property's name" },
    { "\"timebase-frequency\": 10000000 },\n    \"stdout\"",
      "\"timebase-frequency\": 5000000000 },\n    \"stdout\"", "5000000000",
      "$.fdt.cpus.timebase-frequency: the number does not fit a 32-bit cell" },
    { "\"align\": \"4K\",\n    \"irq\"", "\"align\": \"3K\",\n    \"irq\"", "\"align\": \"3K\"",
      "$.platform.align: align must be a power of two that divides base" },
    { "\"models\": [\n      {", "\"models\": [], \"id\": \"c\", \"props\": [\n      {",
      "\"id\": \"c\"", "$.cpus.id: column" },
  };
  g_autofree char *sound = read_source ("machines/virt.json");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      g_autofree char *text = replaced (sound, cases[i].from, cases[i].to);
      g_autofree char *wanted
          = g_strdup_printf ("virt.json:%u: %s", line_of (text, cases[i].line_at), cases[i].error);
      g_test_message ("%s", wanted);
      g_assert_null (gwt_board_parse ("virt.json", text, strlen (text), &err));
      if (!g_str_has_prefix (err.text, wanted))
        g_assert_cmpstr (err.text, ==, wanted);
    }
}

static const char machine_text[]
    = "{\n"
      "  \"godwit-machine\": 1,\n"
      "  \"name\": \"m-1.0\",\n"
      "  \"doc\": \"d\",\n"
      "  \"newer\": \"m-1.1\",\n"
      "  \"aliases\": [\"m\"],\n"
      "  \"levels\": { \"*\": \"1.0\", \"virtio-blk\": \"5.1\" },\n"
      "  \"overrides\": [\n"
      "    { \"type\": \"a\", \"property\": \"p\", \"value\": 1 },\n"
      "    { \"type\": \"a\", \"property\": \"q\", \"value\": \"off\" }\n"
      "  ],\n"
      "  \"defaults\": { \"memory\": \"256M\", \"smp-fill\": \"sockets\" }\n"
      "}\n";

static void
test_machine_type (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_machine_type *type
      = gwt_machine_type_parse ("m.json", machine_text, strlen (machine_text), &err);
  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_cmpstr (type->newer, ==, "m-1.1");
  g_assert_cmpuint (type->memory, ==, 256u << 20);
  g_assert_cmpstr (type->smp_fill, ==, "sockets");
  g_assert_cmpuint (type->overrides->len, ==, 2);
  const struct gwt_machine_override *override = g_ptr_array_index (type->overrides, 1);
  g_assert_cmpstr (override->where, ==, "m.json:10: $.overrides[1]");
  gwt_machine_type_free (type);

  static const struct mistake cases[] = {
    { "\"godwit-machine\": 1", "\"godwit-machine\": 9", "\"godwit-machine\"",
      "$.godwit-machine: machine type format 9 is not known here; this program reads format 1, use "
      "a newer one" },
    { "\"m-1.0\"", "\"1.0\"", "\"1.0\"", "$.name: '1.0' is no machine type's name" },
    { "\"m-1.1\"", "\"../x\"", "\"../x\"", "$.newer: '../x' is no machine type's name" },
    { "\"newer\": \"m-1.1\",", "", "{", "$: member 'board' is missing; add it" },
    { "\"doc\": \"d\",", "", "{", "$: member 'doc' is missing; add it" },
    { "[\"m\"]", "[\"m-1.0\"]", "\"aliases\"", "$.aliases[0]: 'm-1.0' is no alias" },
    { "\"5.1\"", "\"5.\"", "\"levels\"", "$.levels.virtio-blk: '5.' is no version" },
    { "\"5.1\"", "5.1", "\"levels\"", "$.levels.virtio-blk: this is a number with a fraction" },
    { "\"virtio-blk\"", "\"Virtio\"", "\"levels\"", "$.levels.Virtio: 'Virtio' is no plugin's id" },
    { ", \"value\": 1", "", "\"property\": \"p\"",
      "$.overrides[0]: member 'value' is missing; add it" },
    { "\"property\": \"q\"", "\"property\": \"p\"", "\"value\": \"off\"",
      "$.overrides[1]: 'a.p' is overridden twice; remove one" },
    { "\"property\": \"q\"", "\"property\": \"Q\"", "\"value\": \"off\"",
      "$.overrides[1]: 'a.Q' is no type and property" },
    { "\"sockets\"", "\"dies\"", "\"defaults\"",
      "$.defaults.smp-fill: smp-fill 'dies' is not known; use 'cores' or 'sockets'" },
    { "\"memory\"", "\"ram\"", "\"ram\"", "$.defaults.ram: unknown member 'ram'" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = replaced (machine_text, cases[i].from, cases[i].to);
      g_autofree char *wanted
          = g_strdup_printf ("m.json:%u: %s", line_of (text, cases[i].line_at), cases[i].error);
      g_assert_null (gwt_machine_type_parse ("m.json", text, strlen (text), &err));
      if (!g_str_has_prefix (err.text, wanted))
        g_assert_cmpstr (err.text, ==, wanted);
      gwt_error_clear (&err);
    }
}

static void
test_versions (void)
{
  static const char *const rising[]
      = { "0", "0.1", "0.1.1", "0.2", "0.10", "1", "2.0.1", "10", "99999999999999999999" };
  for (guint i = 0; i < G_N_ELEMENTS (rising); i++)
    for (guint n = 0; n < G_N_ELEMENTS (rising); n++)
      {
        int order = gwt_version_compare (rising[i], rising[n]);
        g_assert_cmpint ((order > 0) - (order < 0), ==, (i > n) - (i < n));
      }
  g_assert_cmpint (gwt_version_compare ("1.0", "1"), ==, 0);
  g_assert_cmpint (gwt_version_compare ("01.02", "1.2"), ==, 0);
  static const char *const bad[] = { "", ".", "1.", ".1", "1..2", "1a", "1-2" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (gwt_version_is_valid (bad[i]));
  g_assert_true (gwt_version_is_valid ("10.0.3"));
}

/* Cut and changed files: an error or a result, never a crash. */
static void
test_damaged (void)
{
  g_autofree char *sound = read_source ("machines/virt.json");
  size_t size = strlen (sound);
  for (size_t n = 0; n < size; n += 13)
    {
      GWT_AUTO_ERROR (err);
      g_autofree char *part = g_memdup2 (sound, n + 1);
      g_assert_null (gwt_board_parse ("virt.json", part, n, &err));
      g_assert_true (gwt_error_is_set (&err));
    }
  /* One letter swapped for another kind of thing, everywhere. */
  for (size_t n = 0; n < size; n++)
    for (const char *c = "\"0}]x"; *c != '\0'; c++)
      {
        GWT_AUTO_ERROR (err);
        char old = sound[n];
        sound[n] = *c;
        struct gwt_board *board = gwt_board_parse ("virt.json", sound, size, &err);
        sound[n] = old;
        g_assert_true ((board == NULL) == gwt_error_is_set (&err));
        gwt_board_free (board);
      }
  for (size_t n = 0; n < sizeof machine_text; n++)
    for (const char *c = "\"0}]x"; *c != '\0'; c++)
      {
        GWT_AUTO_ERROR (err);
        g_autofree char *text = g_memdup2 (machine_text, sizeof machine_text);
        text[n] = *c;
        struct gwt_machine_type *type
            = gwt_machine_type_parse ("m.json", text, sizeof machine_text - 1, &err);
        g_assert_true ((type == NULL) == gwt_error_is_set (&err));
        gwt_machine_type_free (type);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/board/virt", test_virt);
  g_test_add_func ("/machine/board/mistakes", test_board_mistakes);
  g_test_add_func ("/machine/type/mistakes", test_machine_type);
  g_test_add_func ("/machine/type/versions", test_versions);
  g_test_add_func ("/machine/damaged", test_damaged);
  return g_test_run ();
}
