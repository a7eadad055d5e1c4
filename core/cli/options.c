/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the table of options and what single arguments may say.  parse.c walks the command line;
 * start.c acts.  QEMU's spelling where QEMU has one.
 */
#include "config.h"
#include "core/cli/options.h"
#include <stddef.h>
#include <string.h>
#include "core/cpu/icount.h"
#include "core/util/text.h"

/* Spellings of "no display": there is none to begin with. */
static bool
only_none (const char *option, const char *argument, const char *what, struct gwt_error *err)
{
  if (strcmp (argument, "none") == 0)
    return true;
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "%s: '%s': not in this release: %s; use '%s none' or leave it "
                 "out",
                 option, argument, what, option);
  return false;
}

static bool
call_display (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  return only_none ("-display", argument, "there is no display", err);
}

static bool
call_vga (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  return only_none ("-vga", argument, "there is no display", err);
}

static bool
call_vnc (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  return only_none ("-vnc", argument, "there is no display", err);
}

static bool
call_net (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  return only_none ("-net", argument,
                    "there are no hubs: give a device its back end, as in '-netdev user,id=n0 "
                    "-device virtio-net-pci,netdev=n0'",
                    err);
}

static bool
call_parallel (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  return only_none ("-parallel", argument, "there is no parallel port", err);
}

static bool
call_monitor (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  if (strcmp (argument, "null") == 0)
    return true;
  return only_none ("-monitor", argument,
                    "the text monitor shares the terminal, '-serial mon:stdio' and Ctrl-A c; for "
                    "programs there is -qmp",
                    err);
}

static bool
call_log (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  static const char *const known[] = { "guest", "guest_errors", NULL };
  g_auto (GStrv) items = g_strsplit (argument, ",", -1);
  for (guint i = 0; items[i] != NULL; i++)
    {
      if (!g_strv_contains (known, items[i]))
        {
          gwt_error_set (err, GWT_E_NOT_FOUND, "-d: '%s': not in this release; use 'guest'",
                         items[i]);
          return false;
        }
      options->log_guest = true;
    }
  if (items[0] == NULL)
    gwt_error_set (err, GWT_E_INVALID, "-d: '': nothing to log; use 'guest'");
  return items[0] != NULL;
}

static bool
call_name (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  const char *name = g_str_has_prefix (argument, "guest=") ? argument + 6 : argument;
  if (options->name != NULL)
    gwt_error_set (err, GWT_E_INVALID, "-name: '%s': given twice; give it once", argument);
  else if (name[0] == '\0' || strpbrk (name, ",=") != NULL || strlen (name) > 255
           || !g_utf8_validate (name, -1, NULL))
    gwt_error_set (err, GWT_E_INVALID,
                   "-name: '%s': not a name; use -name NAME or -name guest=NAME", argument);
  else
    options->name = name;
  return !gwt_error_is_set (err);
}

static bool
call_uuid (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  bool good = strlen (argument) == 36 && !options->has_uuid;
  for (guint i = 0, n = 0; good && i < 36; i++)
    {
      if (i == 8 || i == 13 || i == 18 || i == 23)
        good = argument[i] == '-';
      else if (!g_ascii_isxdigit (argument[i]))
        good = false;
      else
        {
          options->uuid[n / 2]
              = (uint8_t) (options->uuid[n / 2] << 4 | g_ascii_xdigit_value (argument[i]));
          n++;
        }
    }
  if (!good)
    {
      gwt_error_set (err, GWT_E_INVALID, "-uuid: '%s': %s", argument,
                     options->has_uuid ? "given twice; give it once"
                                       : "not of the form 12345678-1234-1234-1234-123456789abc; "
                                         "correct it");
      return false;
    }
  options->has_uuid = true;
  g_strlcpy (options->uuid_text, argument, sizeof options->uuid_text);
  return true;
}

static bool
call_icount (struct gwt_options *options, const char *argument, struct gwt_error *err)
{
  g_auto (GStrv) items = g_strsplit (argument, ",", -1);
  bool has_shift = false;
  guint64 shift;

  if (options->icount)
    gwt_error_set (err, GWT_E_INVALID, "-icount: '%s': given twice; give it once", argument);
  for (guint i = 0; items[i] != NULL && !gwt_error_is_set (err); i++)
    {
      const char *item = items[i];
      if (strcmp (item, "shift=auto") == 0)
        gwt_error_set (err, GWT_E_UNSUPPORTED,
                       "-icount: '%s': follows the host's speed, which no two runs share; give "
                       "shift=0 to shift=%u",
                       item, GWT_ICOUNT_SHIFT_MAX);
      else if (g_str_has_prefix (item, "shift="))
        {
          if (has_shift)
            gwt_error_set (err, GWT_E_INVALID, "-icount: 'shift': given twice; give it once");
          else if (!g_ascii_string_to_unsigned (item + 6, 10, 0, GWT_ICOUNT_SHIFT_MAX, &shift,
                                                NULL))
            gwt_error_set (err, GWT_E_INVALID,
                           "-icount: shift: '%s': not a number from 0 to %u; correct it", item + 6,
                           GWT_ICOUNT_SHIFT_MAX);
          else
            options->icount_shift = (unsigned) shift;
          has_shift = true;
        }
      else if (strcmp (item, "sleep=off") == 0 || strcmp (item, "align=off") == 0)
        continue;
      else if (strcmp (item, "sleep=on") == 0)
        gwt_error_set (err, GWT_E_UNSUPPORTED,
                       "-icount: '%s': not in this release: time that the guest waits is skipped; "
                       "use sleep=off or leave it out",
                       item);
      else if (strcmp (item, "align=on") == 0)
        gwt_error_set (err, GWT_E_UNSUPPORTED,
                       "-icount: '%s': not in this release: the guest's time does not wait for the "
                       "host's; use align=off or leave it out",
                       item);
      else if (g_str_has_prefix (item, "rr"))
        gwt_error_set (err, GWT_E_UNSUPPORTED,
                       "-icount: '%s': not in this release: nothing is recorded; leave it out",
                       item);
      else
        gwt_error_set (
            err, GWT_E_INVALID,
            "-icount: '%s': there are 'shift=N', 'sleep=off' and 'align=off'; correct it", item);
    }
  if (!gwt_error_is_set (err) && !has_shift)
    gwt_error_set (err, GWT_E_INVALID, "-icount: '%s': no shift=N; give it", argument);
  options->icount = true;
  return !gwt_error_is_set (err);
}

#define FIELD(member) offsetof (struct gwt_options, member)
#define FLAG(names, member, group, doc)                                                            \
  {                                                                                                \
    names, NULL, group, doc, GWT_OPTION_FLAG, FIELD (member), NULL                                 \
  }
#define TEXT(names, argument, member, group, doc)                                                  \
  {                                                                                                \
    names, argument, group, doc, GWT_OPTION_TEXT, FIELD (member), NULL                             \
  }
#define LIST(names, argument, member, group, doc)                                                  \
  {                                                                                                \
    names, argument, group, doc, GWT_OPTION_LIST, FIELD (member), NULL                             \
  }
#define CALL(names, argument, fn, group, doc)                                                      \
  {                                                                                                \
    names, argument, group, doc, GWT_OPTION_CALL, 0, fn                                            \
  }
#define ABSENT(names, argument, doc)                                                               \
  {                                                                                                \
    names, argument, NULL, doc, GWT_OPTION_ABSENT, 0, NULL                                         \
  }

#define MACHINE "Machine"
#define BOOT "Boot"
#define DEVICES "Devices and back ends"
#define RUN "Running"
#define FILES "Plugins and descriptor files"
#define OTHER "Other"

const struct gwt_option gwt_option_table[] = {
  TEXT ("M|machine", "NAME|FILE[,dumpdtb=FILE][,memory-backend=ID]", machine, MACHINE,
        "machine type by name or file; -M help lists them"),
  TEXT ("cpu", "MODEL[,PROP=VALUE...]", cpu, MACHINE, "CPU model and its properties; -cpu help"),
  TEXT ("smp", "[cpus=]N[,sockets=N][,cores=N][,threads=N]", smp, MACHINE,
        "number of CPUs; -smp help tells how the rest is filled"),
  TEXT ("m", "SIZE[M|G]", memory, MACHINE, "RAM; a bare number counts MiB"),
  LIST ("object", "memory-backend-ram|memfd|file,id=ID,size=SIZE[,...]", objects, MACHINE,
        "what RAM is made of: share=on|off, prealloc=on|off, mem-path=FILE; for -M "
        "NAME,memory-backend=ID"),
  CALL ("uuid", "UUID", call_uuid, MACHINE, "the machine's UUID"),
  CALL ("name", "NAME", call_name, MACHINE,
        "the guest's name, for query-name and the process list"),

  TEXT ("bios", "FILE|none|default", bios, BOOT, "firmware; default: OpenSBI as installed"),
  TEXT ("kernel", "FILE", kernel, BOOT, "Linux Image, ELF or raw binary"),
  TEXT ("initrd", "FILE", initrd, BOOT, "initial RAM disk"),
  TEXT ("append", "TEXT", append, BOOT, "kernel command line"),
  TEXT ("dtb", "FILE", dtb, BOOT, "device tree blob to use in place of the machine's own"),
  TEXT ("dumpdtb", "FILE", dumpdtb, BOOT, "write the device tree blob to FILE and end"),

  LIST ("device", "TYPE[,PROP=VALUE...]", devices, DEVICES,
        "add a device; -device help, -device TYPE,help; at=ADDRESS and irq=LINE place it"),
  LIST ("global", "TYPE.PROP=VALUE", globals, DEVICES,
        "value for every device of a type, or of a type below it"),
  LIST ("chardev", "BACKEND,id=ID[,...]", chardevs, DEVICES, "character back end"),
  LIST ("serial", "SPEC", serials, DEVICES,
        "next serial port: stdio, mon:stdio, file:F, unix:F[,server=on], tcp:HOST:PORT, pty, "
        "pipe:F, null, none, chardev:ID"),
  FLAG ("nographic", nographic, DEVICES,
        "serial port and text monitor on the terminal (the default)"),
  FLAG ("nodefaults", nodefaults, DEVICES, "no serial port on the terminal unless asked for"),
  CALL ("display", "none", call_display, DEVICES, "accepted: there is no display"),
  CALL ("vga", "none", call_vga, DEVICES, "accepted"),
  CALL ("vnc", "none", call_vnc, DEVICES, "accepted"),
  LIST ("drive", "file=FILE[,format=raw][,if=virtio|pflash|none][,id=ID][,...]", drives, DEVICES,
        "disk, with its virtio device unless if=none; -v shows what it stands for"),
  LIST ("pflash", "FILE", pflashes, DEVICES, "the same as -drive if=pflash,file=FILE"),
  LIST ("blockdev", "driver=DRIVER,node-name=NAME[,...]", blockdevs, DEVICES,
        "block back end for a -device with drive=NAME: file, nbd, raw, null-co, throttle"),
  LIST ("netdev", "TYPE,id=ID[,...]", netdevs, DEVICES,
        "network back end: user, tap, stream or dgram; for -device TYPE,netdev=ID"),
  LIST ("nic", "TYPE,model=DEVICE[,mac=MAC][,...]|none", nics, DEVICES,
        "a back end and its device in one; -v says what it stands for"),
  CALL ("net", "none", call_net, DEVICES, "accepted: nothing is there that was not asked for"),
  CALL ("parallel", "none", call_parallel, DEVICES, "accepted"),
  CALL ("monitor", "none", call_monitor, DEVICES,
        "accepted; the text monitor is behind Ctrl-A c of mon:stdio"),

  FLAG ("S", paused, RUN, "start paused; 'cont' lets the guest run"),
  TEXT ("incoming", "URI|defer", incoming, RUN,
        "take a guest over: tcp:HOST:PORT, unix:FILE, exec:COMMAND, fd:N, file:FILE[,offset=N]"),
  TEXT ("dump-vmstate", "FILE|-", dump_vmstate, RUN,
        "write the schemas of all devices' state to FILE as JSON, and end"),
  TEXT ("dump-manifest", "FILE|-", dump_manifest, RUN,
        "write all of the machine that a migration depends on to FILE as JSON, and end"),
  TEXT ("guest-manifest", "FILE", guest_manifest, RUN,
        "with -dump-manifest: what would become of the guest of that manifest here"),
  CALL ("icount", "shift=N[,sleep=off]", call_icount, RUN,
        "deterministic: an instruction takes 2^N ns of the guest's time, N from 0 to 10"),
  FLAG ("only-migratable", only_migratable, RUN, "refuse devices that cannot be migrated"),
  LIST ("migrate-without", "DEVICE", without, RUN, "leave the state of a device out, at both ends"),
  LIST ("qmp", "unix:FILE,server=on[,wait=off]|tcp:HOST:PORT,...|stdio", qmps, RUN,
        "QMP monitor; may be given several times"),
  FLAG ("no-reboot", no_reboot, RUN, "end when the guest resets"),
  FLAG ("no-shutdown", no_shutdown, RUN, "pause when the guest powers off"),
  TEXT ("pidfile", "FILE", pidfile, RUN, "write the process id to FILE"),

  LIST ("plugin", "FILE", plugins, FILES, "load a plugin"),
  LIST ("plugin-level", "PLUGIN=VERSION", plugin_levels, FILES,
        "behave as that version of the plugin, whatever the machine type says"),
  LIST ("plugin-dir", "DIR", plugin_dirs, FILES, "look for plugins here first"),
  LIST ("machine-dir", "DIR", machine_dirs, FILES, "look for boards here first"),
  LIST ("compat-dir", "DIR", compat_dirs, FILES, "look for machine types here first"),

  FLAG ("v|verbose", verbose, OTHER, "say what is done, with times"),
  CALL ("d", "guest", call_log, OTHER, "log what the guest does wrong"),
  TEXT ("D", "FILE", log_file, OTHER, "log to FILE in place of stderr"),
  FLAG ("version", version, OTHER, "print the version"),
  FLAG ("h|help", help, OTHER, "print this"),

  ABSENT ("s", NULL, "there is no debugger stub yet"),
  ABSENT ("gdb", "SPEC", "there is no debugger stub yet"),
  ABSENT ("hda|hdb|hdc|hdd|cdrom|sd|mtdblock", "FILE",
          "there is no such device; use -drive file=FILE"),
  ABSENT ("snapshot", NULL, "there are no overlays; start from a copy of the image"),
  ABSENT ("loadvm", "NAME", "there are no snapshots yet"),
  ABSENT ("daemonize", NULL, "use setsid or a service manager"),
  ABSENT ("accel", "NAME", "there is one way to run guests; leave it out"),
  ABSENT ("enable-kvm", NULL, "there is one way to run guests; leave it out"),
  ABSENT ("numa", "SPEC", "there is one memory node"),
  ABSENT ("mem-path", "DIR",
          "name the file with -object memory-backend-file and -M ...,memory-backend=ID"),
  ABSENT ("mem-prealloc", NULL, "say prealloc=on in -object memory-backend-ram"),
  ABSENT ("boot", "SPEC", "firmware and kernel are named with -bios and -kernel"),
  ABSENT ("rtc", "SPEC", "the clock is the host's, in UTC"),
  ABSENT ("mon", "SPEC", "use -qmp"),
  ABSENT ("qmp-pretty", "SPEC", "use -qmp"),
  ABSENT ("fw_cfg", "SPEC", "there are no user items"),
  ABSENT ("readconfig|writeconfig", "FILE", "use the command line"),
  ABSENT ("set", "SPEC", "use -global, or properties of -device"),
  ABSENT ("usb", NULL, "there is no USB"),
  ABSENT ("usbdevice", "SPEC", "there is no USB"),
  ABSENT ("audio|audiodev|soundhw", "SPEC", "there is no sound"),
  ABSENT ("semihosting", NULL, "there is no semihosting"),
  ABSENT ("semihosting-config", "SPEC", "there is no semihosting"),
  ABSENT ("sandbox|runas|chroot", "SPEC", "use a service manager"),
  ABSENT ("trace", "SPEC", "there is no tracing; see -d"),
  ABSENT ("msg", "SPEC", "messages have one form"),
  ABSENT (
      "watchdog|watchdog-action|action|tpmdev|fsdev|virtfs|acpitable|smbios|spice|L|k|option-rom",
      "SPEC", "there is nothing that it would set"),
  ABSENT ("no-acpi|no-hpet|full-screen|no-user-config|nodefconfig|preconfig|singlestep|sdl", NULL,
          "there is nothing that it would change; leave it out"),
  { 0 }
};
