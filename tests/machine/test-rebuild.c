/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine is taken down and built again in the same process, with the back ends that it had. */
#include "config.h"
#include <string.h>
#include "core/backend/block.h"
#include "core/backend/chardev.h"
#include "core/backend/netdev.h"
#include "core/cpu/run.h"
#include "core/machine/fdt-tree.h"
#include "core/machine/machine.h"
#include "core/device/lock.h"
#include "core/migration/entry.h"
#include "core/migration/migration.h"
#include "core/plugin/loader.h"
#include "core/util/extension.h"

static void
need (bool good, struct gwt_error *err)
{
  if (!good || gwt_error_is_set (err))
    g_error ("%s", gwt_error_is_set (err) ? err->text : "no reason was given");
}

static void
set_up (void)
{
  g_autofree char *plugins = g_build_filename (g_getenv ("abs_top_builddir"), "plugins", NULL);
  g_autofree char *boards = g_test_build_filename (G_TEST_DIST, "machines", NULL);
  g_autofree char *types = g_test_build_filename (G_TEST_DIST, "compat", NULL);
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
  gwt_block_await_all ();
  need (gwt_block_add_option ("driver=null-co,node-name=n0,size=1048576", &err) != NULL, &err);
  need (gwt_netdev_new_option ("user,id=net0", &err) != NULL, &err);
  need (gwt_chardev_new ("serial0", "null", &err) != NULL, &err);
  need (gwt_chardev_new ("con0", "null", &err) != NULL, &err);
}

/* All that can be seen of it from here, as a text. */
static char *
describe (const struct gwt_machine *machine)
{
  GString *text = g_string_new (NULL);
  g_autofree char *map = gwt_memory_describe ();
  guint count, i;
  g_autofree struct gwt_device **devices = gwt_device_list (&count);

  for (i = 0; i < count; i++)
    g_string_append_printf (text, "%s %s %u\n", devices[i]->id, devices[i]->type->d.name,
                            devices[i]->realized);
  g_autofree struct gwt_entry **entries = gwt_entries (&count);
  for (i = 0; i < count; i++)
    g_string_append_printf (text, "section %u %s %u\n", entries[i]->id, entries[i]->name,
                            entries[i]->instance);
  g_autofree struct gwt_ram_block **blocks = gwt_memory_blocks (&count);
  for (i = 0; i < count; i++)
    g_string_append_printf (text, "block %s %" G_GUINT64_FORMAT "\n", blocks[i]->name,
                            blocks[i]->size);
  g_string_append_printf (text, "vcpus %u\n%s", gwt_vcpu_count (), map);
  g_string_append_printf (text, "%" G_GUINT64_FORMAT " %u\n", machine->platform_next,
                          machine->platform_line);
  return g_string_free (text, FALSE);
}

static void
put_up (struct gwt_machine *machine)
{
  GWT_AUTO_ERROR (err);

  need (gwt_machine_build (machine, &err), &err);
  need (gwt_machine_power_on (machine, false, &err), &err);
  need (gwt_migration_attach (machine->name, machine->config.uuid, &err), &err);
}

static void
test_rebuild (void)
{
  static const char *const serials[] = { "serial0", NULL };
  static const char *const devices[]
      = { "pcie-root-port,addr=3,id=rp",
          "virtio-blk-pci,addr=4,drive=n0",
          "virtio-net-pci,bus=rp,netdev=net0",
          "virtio-serial-pci,addr=6",
          "virtconsole,chardev=con0",
          "virtio-rng-device",
          NULL };
  static const char *const machines[] = { "virt", "virt-aia", NULL };
  guint i, round;

  for (i = 0; machines[i] != NULL; i++)
    {
      const struct gwt_machine_config config = { .machine = machines[i],
                                                 .smp = "4",
                                                 .memory = "64M",
                                                 .bios = "none",
                                                 .devices = devices,
                                                 .serials = serials,
                                                 .paused = true };
      g_autofree char *first = NULL;
      GWT_AUTO_ERROR (err);
      struct gwt_machine *machine = gwt_machine_plan (&config, &err);

      need (machine != NULL, &err);
      for (round = 0; round < 4; round++)
        {
          g_autofree char *now = NULL;
          guint count;

          put_up (machine);
          if (round == 0)
            gwt_vm_await_migration ();
          now = describe (machine);
          if (first == NULL)
            first = g_steal_pointer (&now);
          else
            g_assert_cmpstr (now, ==, first);
          g_assert_nonnull (strstr (first, "vcpus 4\n"));
          /* Main lives: what threads and timers of devices left for it to do is done. */
          gwt_machine_unlock ();
          while (g_main_context_iteration (NULL, FALSE))
            ;
          gwt_machine_lock ();
          gwt_machine_take_down (machine);
          g_free (gwt_device_list (&count));
          g_assert_cmpuint (count, ==, 0);
          g_free (gwt_entries (&count));
          g_assert_cmpuint (count, ==, 0);
          g_free (gwt_memory_blocks (&count));
          g_assert_cmpuint (count, ==, 0);
          g_assert_cmpuint (gwt_vcpu_count (), ==, 0);
          g_assert_false (gwt_chardev_in_use (gwt_chardev_find ("con0")));
          g_assert_false (gwt_netdev_in_use (gwt_netdev_find ("net0")));
        }
      gwt_machine_free (machine);
    }
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  set_up ();
  g_test_add_func ("/machine/rebuild", test_rebuild);
  result = g_test_run ();
  gwt_migration_finish ();
  gwt_run_finish ();
  gwt_device_destroy_all ();
  gwt_netdev_close_all ();
  gwt_block_close_all ();
  gwt_chardev_close_all ();
  gwt_memory_destroy_all ();
  return result;
}
