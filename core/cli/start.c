/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the order in which the program comes up and goes down.  Everything is judged before the
 * first file is created or socket opened, so that a failing command line leaves nothing behind.
 */
#include "config.h"
#include "core/cli/start.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "core/backend/block.h"
#include "core/backend/chardev.h"
#include "core/backend/memdev.h"
#include "core/backend/netdev.h"
#include "core/cpu/icount.h"
#include "core/cpu/run.h"
#include "core/device/event.h"
#include "core/device/lock.h"
#include "core/machine/arrive.h"
#include "core/machine/fdt-tree.h"
#include "core/machine/file.h"
#include "core/machine/manifest.h"
#include "core/migration/channel.h"
#include "core/migration/entry.h"
#include "core/migration/migration.h"
#include "core/migration/params.h"
#include "core/migration/verdict.h"
#include "core/monitor/qmp.h"
#include "core/plugin/loader.h"
#include "core/util/extension.h"
#include "core/util/log.h"
#include "core/vmstate/dump.h"

struct session
{
  struct gwt_options options;
  struct gwt_machine *machine; /* or NULL: it comes with the guest */
  struct gwt_machine_config config;
  GPtrArray *serial_ids; /* char *: what -serial made, per port */
  GPtrArray *pflash_ids; /* char *: what is in the flash banks, per unit */
  const char *pidfile;   /* written by us: removed at the end */
  int log_fd;
  struct gwt_address *incoming;
  struct gwt_manifest *guest; /* whom -dump-manifest is about, or NULL */
  uint64_t began;             /* ns, monotonic */
};

static uint64_t
now_ns (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

static void
stamp (const struct session *s, const char *what)
{
  gwt_log (GWT_LOG_INFO, "%8.3f ms: %s", (double) (now_ns () - s->began) / 1e6, what);
}

static bool
register_extensions (struct gwt_error *err)
{
  gwt_device_register_extensions ();
  gwt_memory_register_extensions ();
  gwt_chardev_register_extensions ();
  gwt_netdev_register_extensions ();
  gwt_run_init ();
  gwt_block_register_extensions ();
  return gwt_extension_add (GWT_FDT_EXT, &gwt_fdt_ext, "host", err);
}

static bool
check_dir (const char *option, const char *dir, struct gwt_error *err)
{
  if (g_file_test (dir, G_FILE_TEST_IS_DIR))
    return true;
  gwt_error_set (err, GWT_E_NOT_FOUND, "%s: '%s': no such folder; check the path", option, dir);
  return false;
}

static bool
set_up_search (const struct gwt_options *o, struct gwt_error *err)
{
  gwt_loader_init ();
  for (guint i = 0; i + 1 < o->plugin_dirs->len; i++)
    {
      if (!check_dir ("-plugin-dir", g_ptr_array_index (o->plugin_dirs, i), err))
        return false;
      gwt_loader_add_dir (g_ptr_array_index (o->plugin_dirs, i));
    }
  for (guint i = 0; i + 1 < o->machine_dirs->len; i++)
    {
      if (!check_dir ("-machine-dir", g_ptr_array_index (o->machine_dirs, i), err))
        return false;
      gwt_machine_add_board_dir (g_ptr_array_index (o->machine_dirs, i));
    }
  for (guint i = 0; i + 1 < o->compat_dirs->len; i++)
    {
      if (!check_dir ("-compat-dir", g_ptr_array_index (o->compat_dirs, i), err))
        return false;
      gwt_machine_add_compat_dir (g_ptr_array_index (o->compat_dirs, i));
    }
  for (guint i = 0; i + 1 < o->plugins->len; i++)
    if (!gwt_loader_load_file (g_ptr_array_index (o->plugins, i), err))
      {
        gwt_error_prefix (err, "-plugin");
        return false;
      }
  return true;
}

/* ---- files that we write
 * -------------------------------------------------------------------------- */

static bool
write_file (const char *option, const char *path, const void *data, size_t size,
            struct gwt_error *err)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
  const char *at = data;
  size_t left = size;
  while (fd >= 0 && left > 0)
    {
      ssize_t n = write (fd, at, left);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        break;
      at += n;
      left -= (size_t) n;
    }
  int saved = errno;
  if (fd >= 0 && close (fd) == 0 && left == 0)
    return true;
  gwt_error_set (err, GWT_E_IO, "%s: '%s': cannot be written: %s; name another file", option, path,
                 g_strerror (saved));
  return false;
}

/* True when the program is to end here. */
static bool
dump_dtb (const struct session *s, struct gwt_error *err)
{
  const char *file = s->options.dumpdtb != NULL ? s->options.dumpdtb : s->machine->dumpdtb;
  size_t size;
  if (file == NULL)
    return false;
  const void *dtb = gwt_machine_dtb (s->machine, &size);
  write_file ("-dumpdtb", file, dtb, size, err);
  return true;
}

/* The machine that stands, for migrations. */
static struct gwt_machine *const *standing;

static const char *given_uuid; /* -uuid, or NULL */

static struct gwt_manifest *
make_manifest (struct gwt_error *err)
{
  return gwt_machine_manifest (*standing, err);
}

/* Of the guest that is here, or that was given. */
static char *
find_uuid (void)
{
  return *standing != NULL ? gwt_machine_uuid (*standing) : g_strdup (given_uuid);
}

static bool
set_up_migration (const struct session *s, struct gwt_error *err)
{
  const struct gwt_options *o = &s->options;
  standing = &s->machine;
  return gwt_migration_init (&(struct gwt_migration_setup){
                                 .machine = s->machine != NULL ? s->machine->name : NULL,
                                 .uuid = o->has_uuid ? o->uuid : NULL,
                                 .left_out = (const char *const *) o->without->pdata,
                                 .only_migratable = o->only_migratable,
                                 .manifest = make_manifest,
                                 .prepare = gwt_arrival_prepare,
                                 .undo = gwt_arrival_undo,
                                 .loaded = gwt_arrival_loaded,
                             },
                             err);
}

static const char *
level_of (void *opaque, const char *plugin)
{
  return gwt_machine_choice_level (opaque, plugin);
}

static struct json_object *
promised (void *opaque, const struct gwt_type *type, const char *property, struct gwt_error *err)
{
  return gwt_machine_promised (opaque, type, property, err);
}

/* Without images, but with all sections. */
static bool
stand (const struct session *s, struct gwt_error *err)
{
  static bool stands;
  stands = stands
           || ((s->machine == NULL || gwt_machine_power_on (s->machine, false, err))
               && set_up_migration (s, err));
  return stands;
}

/* True when the program is to end here.  All types that there are, and not those of this machine
   alone. */
static bool
dump_vmstate (const struct session *s, struct gwt_error *err)
{
  const char *file = s->options.dump_vmstate;
  g_autofree char *text = NULL;
  if (file == NULL)
    return false;
  g_autoptr (GPtrArray) sections = g_ptr_array_new ();
  guint count = 0;
  struct gwt_vmstate_machine machine
      = { s->machine->name, level_of, promised, s->machine->choice, sections };
  gwt_loader_load_all ();
  bool good = stand (s, err);
  g_autofree struct gwt_entry **entries = gwt_entries (&count);
  for (guint i = 0; i < count; i++)
    if (entries[i]->device == NULL && entries[i]->schema != NULL)
      g_ptr_array_add (sections, (gpointer) entries[i]->schema);
  text = good ? gwt_vmstate_dump (&machine, err) : NULL;
  if (text == NULL)
    gwt_error_prefix (err, "-dump-vmstate");
  else if (strcmp (file, "-") == 0)
    fputs (text, stdout);
  else
    write_file ("-dump-vmstate", file, text, strlen (text), err);
  return true;
}

/* Every back end that was given. */
static bool
check_used (void *data, struct gwt_error *err)
{
  const struct session *s = data;
  const struct gwt_options *o = &s->options;
  if (!gwt_memdev_check_used (err))
    {
      gwt_error_prefix (err, "-object");
      return false;
    }
  return gwt_cli_check_backends_used (o, err) && gwt_cli_check_netdevs_used (err)
         && gwt_cli_check_disks_used (o, err);
}

static void
begin_arrival (struct session *s)
{
  gwt_arrival_begin (&(struct gwt_arrival){
      .slot = &s->machine, .config = s->config, .used = check_used, .data = s });
}

/* What would become of the guest that was named, by the same code that receives one; and the
   machine as it would be then.  NULL with ERR set. */
static struct json_object *
make_verdict (struct session *s, struct gwt_error *err)
{
  struct gwt_manifest *here = NULL;
  struct gwt_preflight result;
  struct json_object *document = NULL;
  begin_arrival (s);
  gwt_arrival_prepare (s->guest, true, false, &result);
  if (s->machine != NULL)
    here = make_manifest (err);
  if (!gwt_error_is_set (err))
    document = gwt_verdict_document (&result, s->guest, here);
  gwt_preflight_clear (&result);
  gwt_manifest_unref (here);
  return document;
}

/* Likewise. */
static bool
dump_manifest (struct session *s, struct gwt_error *err)
{
  const int flags
      = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
  const char *file = s->options.dump_manifest;
  struct json_object *document = NULL;
  struct gwt_manifest *m = NULL;
  if (file == NULL)
    return false;
  if (stand (s, err))
    {
      if (s->guest != NULL)
        document = make_verdict (s, err);
      else if ((m = make_manifest (err)) != NULL)
        document = json_object_get (gwt_manifest_json (m));
    }
  gwt_manifest_unref (m);
  if (document == NULL)
    {
      gwt_error_prefix (err, "-dump-manifest");
      return true;
    }
  g_autofree char *text
      = g_strdup_printf ("%s\n", json_object_to_json_string_ext (document, flags));
  json_object_put (document);
  if (strcmp (file, "-") == 0)
    fputs (text, stdout);
  else
    write_file ("-dump-manifest", file, text, strlen (text), err);
  return true;
}

/* Would PATH open for writing?  Asked before anything is made, so that a bad name leaves no trace.
 */
static bool
check_writable (const char *option, const char *path, struct gwt_error *err)
{
  struct stat st;
  g_autofree char *dir = path != NULL ? g_path_get_dirname (path) : NULL;
  int failed = 0;
  if (path == NULL)
    return true;
  if (stat (path, &st) == 0)
    failed = S_ISDIR (st.st_mode) ? EISDIR : access (path, W_OK) != 0 ? errno : 0;
  else if (errno != ENOENT || path[0] == '\0' || access (dir, W_OK | X_OK) != 0)
    failed = errno;
  if (failed == 0)
    return true;
  gwt_error_set (err, GWT_E_IO, "%s: '%s': cannot be written: %s; name another file", option, path,
                 g_strerror (failed));
  return false;
}

static bool
write_pidfile (struct session *s, struct gwt_error *err)
{
  g_autofree char *text = g_strdup_printf ("%d\n", (int) getpid ());
  if (s->options.pidfile == NULL)
    return true;
  if (!write_file ("-pidfile", s->options.pidfile, text, strlen (text), err))
    return false;
  s->pidfile = s->options.pidfile;
  return true;
}

static bool
open_log (struct session *s, struct gwt_error *err)
{
  const char *file = s->options.log_file;
  if (file == NULL)
    return true;
  s->log_fd = open (file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
  if (s->log_fd < 0)
    {
      gwt_error_set (err, GWT_E_IO, "-D: '%s': cannot be written: %s; name another file", file,
                     g_strerror (errno));
      return false;
    }
  gwt_log_set_fd (s->log_fd);
  return true;
}

/* ---- the program
 * ---------------------------------------------------------------------------------- */

/* A bad address is said before anything is made. */
static bool
plan_incoming (struct session *s, struct gwt_error *err)
{
  if (strcmp (s->options.incoming, "defer") == 0)
    return true;
  s->incoming = gwt_address_parse (s->options.incoming, GWT_INCOMING, err);
  gwt_error_prefix (err, "-incoming");
  return s->incoming != NULL;
}

/* Migrations are set in the same way as devices, and take effect at once. */
static bool
plan_global (const char *text, struct gwt_error *err)
{
  g_autofree char *type = NULL, *property = NULL, *value = NULL;
  if (!gwt_global_split (text, &type, &property, &value, err))
    gwt_error_prefix (err, "-global");
  else if (strcmp (type, "migration") != 0)
    {
      if (!gwt_global_add (text, err))
        gwt_error_prefix (err, "-global");
    }
  else if (!gwt_migration_set_text (property, value, err))
    gwt_error_prefix (err, "-global %s", text);
  return !gwt_error_is_set (err);
}

/* A guest comes, or somebody wants to know what would be if it did. */
static bool
is_awaited (const struct gwt_options *o)
{
  return o->incoming != NULL || o->guest_manifest != NULL;
}

/* Who it is. */
static bool
plan_guest (struct session *s, struct gwt_error *err)
{
  const char *path = s->options.guest_manifest;
  struct gwt_blob blob = { 0 };
  if (path == NULL)
    return true;
  if (s->options.dump_manifest == NULL)
    gwt_error_set (err, GWT_E_INVALID,
                   "it says whom -dump-manifest is about; add -dump-manifest FILE");
  else if (gwt_blob_load (&blob, path, GWT_MANIFEST_SIZE_MAX, err))
    {
      s->guest = gwt_verdict_read (path, blob.size > 0 ? (const char *) blob.data : "", blob.size,
                                   NULL, err);
      if (s->guest == NULL)
        gwt_error_set (err, GWT_E_INVALID,
                       "'%s': it is a verdict without a machine, for the guest was refused; name a "
                       "manifest",
                       path);
    }
  gwt_blob_free (&blob);
  gwt_error_prefix (err, "-guest-manifest");
  return !gwt_error_is_set (err);
}

/* Without -M the guest that is awaited brings its machine. */
static bool
brings_machine (const struct gwt_options *o)
{
  return o->machine == NULL && is_awaited (o);
}

/* What would need one now. */
static bool
check_without_machine (const struct gwt_options *o, struct gwt_error *err)
{
  const struct
  {
    const char *option, *value;
  } dumps[] = { { "-dumpdtb", o->dumpdtb },
                { "-dump-vmstate", o->dump_vmstate },
                { "-dump-manifest", o->guest_manifest == NULL ? o->dump_manifest : NULL } };

  if (o->devices->len > 1)
    gwt_error_set (
        err, GWT_E_INVALID,
        "-device: '%s': without -M the guest brings its devices; add -M, or leave it out "
        "(-drive with if=none, and -netdev instead of -nic, give back ends alone)",
        (const char *) g_ptr_array_index (o->devices, 0));
  for (guint i = 0; i < G_N_ELEMENTS (dumps); i++)
    if (dumps[i].value != NULL && !gwt_error_is_set (err))
      gwt_error_set (err, GWT_E_INVALID,
                     "%s: '%s': there is no machine before the guest comes; "
                     "add -M",
                     dumps[i].option, dumps[i].value);
  return !gwt_error_is_set (err);
}

static bool
plan_machine (struct session *s, struct gwt_error *err)
{
  const struct gwt_options *o = &s->options;
  const struct gwt_board *board = NULL;
  if (!brings_machine (o))
    {
      if (o->dumpdtb != NULL || o->dump_vmstate != NULL || o->dump_manifest != NULL)
        s->config.paused = true;
      s->machine = gwt_machine_plan (&s->config, err);
      if (s->machine == NULL)
        return false;
      board = s->machine->board;
    }
  else if (!check_without_machine (o, err))
    return false;
  if (!gwt_cli_make_backends (o, board, s->serial_ids, err) || !gwt_cli_make_netdevs (o, err))
    return false;
  s->config.serials = (const char *const *) s->serial_ids->pdata;
  if (s->machine == NULL)
    return true;
  s->machine->config.serials = s->config.serials;
  if (!gwt_memdev_check_used (err))
    {
      gwt_error_prefix (err, "-object");
      return false;
    }
  if (o->dumpdtb == NULL || s->machine->dumpdtb == NULL)
    return true;
  gwt_error_set (err, GWT_E_INVALID, "-dumpdtb: '%s': -M says dumpdtb=%s already; give it once",
                 o->dumpdtb, s->machine->dumpdtb);
  return false;
}

static bool
plan (struct session *s, struct gwt_error *err)
{
  const struct gwt_options *o = &s->options;
  if (o->incoming != NULL)
    {
      if (!plan_incoming (s, err))
        return false;
    }
  if (!plan_guest (s, err))
    return false;
  if (is_awaited (o))
    gwt_block_await_all ();
  for (guint i = 0; i + 1 < o->objects->len; i++)
    if (!gwt_memdev_new_option (g_ptr_array_index (o->objects, i), err))
      {
        gwt_error_prefix (err, "-object");
        return false;
      }
  if (!gwt_cli_make_disks (&s->options, s->pflash_ids, err)
      || !gwt_cli_expand_nics (&s->options, err))
    return false;
  for (guint i = 0; i + 1 < o->globals->len; i++)
    if (!plan_global (g_ptr_array_index (o->globals, i), err))
      return false;
  s->config
      = (struct gwt_machine_config){ .machine = o->machine,
                                     .cpu = o->cpu,
                                     .smp = o->smp,
                                     .memory = o->memory,
                                     .bios = o->bios,
                                     .kernel = o->kernel,
                                     .initrd = o->initrd,
                                     .append = o->append,
                                     .dtb = o->dtb,
                                     .devices = (const char *const *) o->devices->pdata,
                                     .plugin_levels = (const char *const *) o->plugin_levels->pdata,
                                     .n_serials = o->serials->len - 1,
                                     .pflashes = (const char *const *) s->pflash_ids->pdata,
                                     .uuid = o->has_uuid ? o->uuid : NULL,
                                     .paused = o->paused || is_awaited (o),
                                     .awaits = is_awaited (o) };
  if (!plan_machine (s, err))
    return false;
  if (!check_writable ("-dumpdtb", o->dumpdtb, err)
      || (s->machine != NULL && !check_writable ("-M: dumpdtb", s->machine->dumpdtb, err))
      || (g_strcmp0 (o->dump_vmstate, "-") != 0
          && !check_writable ("-dump-vmstate", o->dump_vmstate, err))
      || (g_strcmp0 (o->dump_manifest, "-") != 0
          && !check_writable ("-dump-manifest", o->dump_manifest, err))
      || !check_writable ("-pidfile", o->pidfile, err) || !check_writable ("-D", o->log_file, err))
    return false;
  if (o->icount)
    gwt_icount_enable (o->icount_shift);
  stamp (s, "planned: machine type, plugins, files");
  return true;
}

/* Everything outside the process that is made is made here: first what can still be taken back. */
static bool
go_public (struct session *s, struct gwt_error *err)
{
  const struct gwt_options *o = &s->options;
  for (guint i = 0; i + 1 < o->qmps->len; i++)
    if (!gwt_qmp_listen (g_ptr_array_index (o->qmps, i), err))
      {
        gwt_error_prefix (err, "-qmp");
        return false;
      }
  return gwt_netdev_open_all (err) && gwt_chardev_open_all (err) && open_log (s, err)
         && write_pidfile (s, err);
}

static int
run (struct session *s, struct gwt_error *err)
{
  const struct gwt_options *o = &s->options;
  if (!plan (s, err)
      || (s->machine != NULL && (!gwt_machine_build (s->machine, err) || !check_used (s, err))))
    return 1;
  if (s->machine != NULL && gwt_log_shown (GWT_LOG_INFO))
    {
      g_autofree char *map = gwt_memory_describe ();
      g_auto (GStrv) lines = g_strsplit (map, "\n", -1);
      gwt_log (GWT_LOG_INFO, "machine %s: %u CPUs, %llu MiB of RAM", s->machine->name,
               s->machine->topology.cpus, (unsigned long long) (s->machine->ram_size >> 20));
      for (guint i = 0; lines[i] != NULL; i++)
        if (lines[i][0] != '\0')
          gwt_log (GWT_LOG_INFO, "  %s", lines[i]);
    }
  bool dumped = s->machine != NULL && dump_dtb (s, err);
  if (!gwt_error_is_set (err))
    dumped |= dump_vmstate (s, err);
  if (!gwt_error_is_set (err))
    dumped |= dump_manifest (s, err);
  if (dumped)
    return gwt_error_is_set (err) ? 1 : 0;
  gwt_run_set_no_shutdown (o->no_shutdown);
  gwt_run_set_no_reboot (o->no_reboot);
  given_uuid = o->has_uuid ? o->uuid_text : NULL;
  standing = &s->machine;
  gwt_qmp_set_identity (o->name, find_uuid);
  gwt_qmp_init ();
  gwt_console_init ();
  if ((s->machine != NULL && !gwt_machine_power_on (s->machine, o->incoming == NULL, err))
      || !set_up_migration (s, err))
    return 1;
  begin_arrival (s);
  stamp (s, "built: devices, device tree, images in memory");
  if (!go_public (s, err))
    return 1;
  gwt_memdev_keep ();
  if (o->incoming != NULL)
    {
      stamp (s, "a guest is awaited");
      if (!gwt_migrate_await (s->incoming, !o->paused, err))
        {
          gwt_error_prefix (err, "-incoming");
          return 1;
        }
    }
  else if (!o->paused)
    {
      stamp (s, "the guest starts");
      gwt_vm_start ();
    }
  return gwt_main_loop ();
}

static void
finish (struct session *s)
{
  gwt_migration_finish ();
  gwt_run_finish ();
  gwt_event_clear ();
  gwt_qmp_close_all ();
  gwt_device_destroy_all ();
  gwt_netdev_close_all ();
  gwt_block_close_all ();
  gwt_event_clear ();
  gwt_chardev_close_all ();
  gwt_memory_destroy_all ();
  gwt_memdev_close_all ();
  gwt_arrival_finish ();
  gwt_machine_free (s->machine);
  gwt_address_free (s->incoming);
  gwt_manifest_unref (s->guest);
  if (s->pidfile != NULL)
    unlink (s->pidfile);
  g_ptr_array_unref (s->serial_ids);
  g_ptr_array_unref (s->pflash_ids);
  gwt_options_clear (&s->options);
  if (s->log_fd >= 0)
    {
      gwt_log_set_fd (STDERR_FILENO);
      close (s->log_fd);
    }
}

int
gwt_cli_main (int argc, char **argv)
{
  struct session s = { .log_fd = -1, .began = now_ns () };
  GWT_AUTO_ERROR (err);
  int status = 1;
  s.serial_ids = g_ptr_array_new_with_free_func (g_free);
  s.pflash_ids = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (s.pflash_ids, NULL);
  if (gwt_options_parse (&s.options, argc, argv, &err))
    {
      gwt_log_configure (s.options.verbose ? GWT_LOG_INFO : GWT_LOG_WARN, s.options.log_guest);
      if (s.options.name != NULL)
        prctl (PR_SET_NAME, s.options.name);
      if (register_extensions (&err) && set_up_search (&s.options, &err))
        {
          if (gwt_cli_query (&s.options, &err))
            status = gwt_error_is_set (&err) ? 1 : 0;
          else
            status = run (&s, &err);
        }
    }
  if (gwt_error_is_set (&err))
    {
      /* The terminal first: a raw one would print the line askew. */
      gwt_chardev_close_all ();
      gwt_error_report (&err, NULL);
      status = 1;
    }
  finish (&s);
  if (fflush (stdout) != 0)
    status = 1;
  return status;
}
