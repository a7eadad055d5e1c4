/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole stream into a whole machine.  The stream is one that this machine made itself, and the
 * input says what is changed in it: whether it has a manifest (one bit), where it ends (15 bits; 0:
 * at its end), then edits of six bytes each: a place (three), how many bytes (one; 0: one bit), and
 * what they become (two).  What is refused leaves every section as it was; what is taken can be
 * saved again.
 */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "core/backend/block.h"
#include "core/backend/chardev.h"
#include "core/backend/netdev.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/machine/fdt-tree.h"
#include "core/machine/machine.h"
#include "core/machine/manifest.h"
#include "core/migration/migration.h"
#include "core/migration/stream.h"
#include "core/plugin/loader.h"
#include "core/util/extension.h"
#include "core/util/log.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[] = { "\xff\xff", "\x80", "\x7f", "\x01", NULL };

static GByteArray *bases[2]; /* without a manifest, and with it */
static struct gwt_stream_config config = { .machine = "virt-1.0" };

static void
need (bool good, struct gwt_error *err)
{
  if (good && !gwt_error_is_set (err))
    return;
  gwt_error_report (err, "fuzz-incoming");
  exit (1);
}

static char *
folder (const char *variable, const char *name)
{
  const char *top = g_getenv (variable);

  return g_build_filename (top != NULL ? top : ".", name, NULL);
}

static struct gwt_machine *
make_machine (void)
{
  static const char *const nothing[] = { NULL };
  static const char *const devices[]
      = { "pcie-root-port,addr=3,id=rp", "virtio-blk-pci,addr=4,drive=n0",
          "virtio-serial-pci,addr=6", "virtconsole", NULL };
  static const char *const pflashes[] = { NULL };
  static struct gwt_machine_config with = { .machine = "virt",
                                            .memory = "4M",
                                            .bios = "none",
                                            .devices = devices,
                                            .pflashes = pflashes,
                                            .serials = nothing,
                                            .paused = true };
  static const struct gwt_migration_setup setup = { .machine = "virt-1.0" };
  g_autofree char *plugins = folder ("abs_top_builddir", "plugins");
  g_autofree char *boards = folder ("abs_top_srcdir", "machines");
  g_autofree char *types = folder ("abs_top_srcdir", "compat");
  struct gwt_machine *machine;
  GWT_AUTO_ERROR (err);

  gwt_device_register_extensions ();
  gwt_memory_register_extensions ();
  gwt_chardev_register_extensions ();
  gwt_netdev_register_extensions ();
  gwt_run_init ();
  gwt_block_register_extensions ();
  need (gwt_extension_add (GWT_FDT_EXT, &gwt_fdt_ext, "host", &err), &err);
  gwt_loader_init ();
  gwt_loader_add_dir (plugins);
  gwt_machine_add_board_dir (boards);
  gwt_machine_add_compat_dir (types);
  need (gwt_block_add_option ("driver=null-co,node-name=n0,size=1048576", &err) != NULL, &err);
  machine = gwt_machine_plan (&with, &err);
  need (machine != NULL, &err);
  need (gwt_machine_build (machine, &err), &err);
  need (gwt_machine_power_on (machine, false, &err), &err);
  need (gwt_migration_init (&setup, &err), &err);
  gwt_vm_await_migration ();
  return machine;
}

/* All sections, RAM with its list of blocks alone.  STEADY: not what goes with the host's time. */
static GByteArray *
save (bool steady, struct gwt_error *err)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) more = g_string_new (NULL);
  guint count, i;
  g_autofree struct gwt_entry **entries = gwt_entries (&count);
  struct gwt_vm_out out;

  gwt_vm_out_init (&out);
  gwt_stream_put_header (&out);
  gwt_stream_put_config (&out, &config, text);
  for (i = 0; i < count; i++)
    if (entries[i]->live != NULL)
      {
        gwt_stream_put_piece (&out, GWT_STREAM_START, entries[i], NULL, err);
        entries[i]->live->cleanup (entries[i]->opaque);
      }
  for (i = 0; i < count; i++)
    if (entries[i]->live == NULL && !(steady && strcmp (entries[i]->name, "goldfish_rtc") == 0))
      gwt_stream_put_full (&out, entries[i], more, err);
  gwt_stream_put_end (&out);
  gwt_stream_put_description (&out, "", "");
  return out.bytes;
}

static void
edit (GByteArray *bytes, const uint8_t *e)
{
  guint at = ((guint) e[0] << 16 | (guint) e[1] << 8 | e[2]) % bytes->len, i;

  if (e[3] == 0)
    bytes->data[at] ^= (uint8_t) (1u << (e[4] & 7));
  for (i = 0; i < (e[3] & 7u) && at + i < bytes->len; i++)
    bytes->data[at + i] = e[4 + (i & 1)];
}

static char *
digest (void)
{
  GWT_AUTO_ERROR (err);
  g_autoptr (GByteArray) bytes = save (true, &err);

  FUZZ_CLAIM (!gwt_error_is_set (&err));
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes->data, bytes->len);
}

static void
try (const GByteArray *bytes)
{
  static char *before;
  g_autofree char *after = NULL;
  struct gwt_vm_in *in = gwt_vm_in_new_data (bytes->data, bytes->len);
  struct gwt_stream_in *s = gwt_stream_in_new (in, &config, NULL, NULL);
  GWT_AUTO_ERROR (err);
  bool good = gwt_stream_get_start (s, &err) && gwt_stream_get_items (s, &err)
              && gwt_stream_get_description (s, &err) && gwt_stream_check_complete (s, &err);

  if (good)
    good = gwt_stream_commit (s, &err);
  fuzz_claim_error (good, &err);
  gwt_stream_in_free (s);
  gwt_vm_in_free (in);
  after = digest ();
  if (!good && before != NULL)
    FUZZ_CLAIM (strcmp (before, after) == 0);
  g_free (before);
  before = g_steal_pointer (&after);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const GByteArray *base;
  guint end;

  if (bases[0] == NULL)
    {
      GWT_AUTO_ERROR (err);
      struct gwt_machine *machine;

      gwt_log_configure (GWT_LOG_ERROR, 0);
      machine = make_machine ();
      bases[0] = save (false, &err);
      config.manifest = gwt_machine_manifest (machine, &err);
      need (config.manifest != NULL, &err);
      bases[1] = save (false, &err);
      need (true, &err);
      gwt_manifest_unref (g_steal_pointer (&config.manifest));
      try (bases[0]);
      try (bases[1]);
    }
  if (size < 2)
    return 0;
  base = bases[data[0] >> 7];
  g_byte_array_append (bytes, base->data, base->len);
  end = ((guint) data[0] & 0x7f) << 8 | data[1];
  if (end != 0 && end < bytes->len)
    g_byte_array_set_size (bytes, end);
  for (size_t at = 2; at + 6 <= size && at < 2 + 6 * 16; at += 6)
    edit (bytes, data + at);
  try (bytes);
  return 0;
}
