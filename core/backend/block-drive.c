/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * -drive: what it stands for in -blockdev, and in the -device that it asks for.  Owns which formats
 * are told from raw; must not know what opening means.
 */
#include "config.h"
#include "core/backend/block-internal.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/util/text.h"

static guint counts[2]; /* drives so far without an index, per interface */
static guint units;     /* of if=pflash: a bit for each that is taken */

static const char *const interfaces[] = { "none", "virtio", "pflash", NULL };

/* ---- formats --------------------------------------------------------------------------------- */

static const struct
{
  guint at, size;
  const char *bytes, *name;
} formats[] = {
  { 0, 4, "QFI\xfb", "qcow2" },
  { 0, 4, "QED\0", "qed" },
  { 0, 4, "KDMV", "vmdk" },
  { 0, 4, "COWD", "vmdk" },
  { 0, 8, "conectix", "vpc" },
  { 0, 8, "vhdxfile", "vhdx" },
  { 0, 6, "LUKS\xba\xbe", "luks" },
  { 0, 16, "WithoutFreeSpace", "parallels" },
  { 0, 16, "WithouFreSpacExt", "parallels" },
  { 0, 11, "Bochs Virtu", "bochs" },
  { 64, 4, "\x7f\x10\xda\xbe", "vdi" },
};

static const char *
probe (const char *path)
{
  struct stat st;
  int fd = stat (path, &st) == 0 && S_ISREG (st.st_mode)
               ? open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
               : -1;
  char head[512] = { 0 };
  ssize_t n = fd >= 0 ? pread (fd, head, sizeof head, 0) : -1;
  guint i;

  if (fd >= 0)
    close (fd);
  for (i = 0; n > 0 && i < G_N_ELEMENTS (formats); i++)
    if (memcmp (head + formats[i].at, formats[i].bytes, formats[i].size) == 0)
      return formats[i].name;
  return NULL;
}

static bool
not_raw (const char *format, const char *path, bool probed, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "'%s'%s %s: only raw is read here; run 'qemu-nbd -t -k SOCKET -f %s FILE' and use "
                 "file=nbd+unix:///?socket=SOCKET%s",
                 path, probed ? " looks like" : ": format", format, format,
                 probed ? ", or say format=raw to give the guest the bytes as they are" : "");
  return false;
}

/* ---- members --------------------------------------------------------------------------------- */

struct parts
{
  char *file, *format, *id, *media, *serial, *cache, *werror, *rerror;
  guint interface;
  uint64_t index;
  struct json_object *throttling;
  bool writethrough;
};

static void
clear (struct parts *p)
{
  g_free (p->file);
  g_free (p->format);
  g_free (p->id);
  g_free (p->media);
  g_free (p->serial);
  g_free (p->cache);
  g_free (p->werror);
  g_free (p->rerror);
  json_object_put (p->throttling);
}

static bool
take_interface (struct json_object *options, struct parts *p, struct gwt_error *err)
{
  static const char *const others[] = { "ide", "scsi", "sd", "mtd", "floppy", "xen", NULL };
  g_autofree char *name = NULL;

  p->interface = 1;
  if (!gwt_take_text (options, "if", &name, err))
    return false;
  if (name == NULL || strcmp (name, "virtio") == 0)
    return true;
  p->interface = 0;
  if (strcmp (name, "none") == 0)
    return true;
  if (strcmp (name, "pflash") == 0)
    {
      p->interface = 2;
      return true;
    }
  if (g_strv_contains (others, name))
    gwt_error_set (err, GWT_E_UNSUPPORTED, "if=%s: this machine has no such bus; use if=virtio",
                   name);
  else
    gwt_error_set (err, GWT_E_INVALID,
                   "if: '%s' is none of its values; use virtio, pflash or none", name);
  return false;
}

/* QEMU's older names of the limits: "bps", "iops_rd_max_length". */
static bool
take_limits (struct json_object *options, struct parts *p, struct gwt_error *err)
{
  static const char *const kinds[] = { "", "_max", "_max_length" };
  static const char *const news[] = { "", "-max", "-max-length" };
  static const char *const ways[] = { "", "_rd", "_wr" };
  static const char *const new_ways[] = { "-total", "-read", "-write" };
  guint i;

  if (!gwt_take_object (options, "throttling", &p->throttling, err))
    return false;
  if (p->throttling == NULL)
    p->throttling = json_object_new_object ();
  for (i = 0; i <= 18; i++)
    {
      const char *what = i % 2 ? "bps" : "iops";
      guint way = i / 2 % 3, kind = i / 6 % 3;
      g_autofree char *old = i == 18 ? g_strdup ("iops_size")
                                     : g_strconcat (what, ways[way], kinds[kind], NULL);
      g_autofree char *key = i == 18 ? g_strdup ("iops-size")
                                     : g_strconcat (what, new_ways[way], news[kind], NULL);
      struct json_object *value;

      if (!json_object_object_get_ex (options, old, &value))
        continue;
      if (json_object_object_get_ex (p->throttling, key, NULL))
        {
          gwt_error_set (err, GWT_E_INVALID, "%s and throttling.%s are one; give it once", old,
                         key);
          return false;
        }
      json_object_object_add (p->throttling, key, json_object_get (value));
      json_object_object_del (options, old);
    }
  return true;
}

static bool
refuse_switch (struct json_object *options, const char *key, const char *remedy,
               struct gwt_error *err)
{
  bool on = false;

  if (!gwt_take_bool (options, key, &on, err))
    return false;
  if (on)
    gwt_error_set (err, GWT_E_UNSUPPORTED, "%s=on is not offered; %s", key, remedy);
  return !on;
}

static bool
take_id (struct json_object *options, struct parts *p, struct gwt_error *err)
{
  uint64_t unit = G_MAXUINT64;

  if (!gwt_take_text (options, "id", &p->id, err)
      || !gwt_take_u64 (options, "index", false, &p->index, err)
      || !gwt_take_u64 (options, "unit", false, &unit, err))
    return false;
  if (unit != G_MAXUINT64 && p->interface != 2)
    {
      gwt_error_set (err, GWT_E_INVALID, "unit means nothing without if=pflash; leave it out");
      return false;
    }
  if (unit != G_MAXUINT64 && p->index != G_MAXUINT64)
    {
      gwt_error_set (err, GWT_E_INVALID, "unit and index are one; give one of them");
      return false;
    }
  if (unit != G_MAXUINT64)
    p->index = unit;
  if (p->index == G_MAXUINT64 && p->interface == 2)
    p->index = (uint64_t) g_bit_nth_lsf (~(gulong) units, -1);
  if (p->index == G_MAXUINT64)
    p->index = counts[p->interface];
  if (p->interface == 2 && p->index >= GWT_PFLASH_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "unit %" G_GUINT64_FORMAT " is out of range; use 0 to %u",
                     p->index, GWT_PFLASH_MAX - 1);
      return false;
    }
  if (p->id == NULL)
    p->id = g_strdup_printf ("%s%" G_GUINT64_FORMAT, interfaces[p->interface], p->index);
  if (!gwt_id_is_valid (p->id))
    gwt_error_set (err, GWT_E_INVALID,
                   "id '%s' is malformed; use a letter, then letters, digits, '-', '_' and '.'",
                   p->id);
  else if (gwt_block_find (p->id) != NULL)
    gwt_error_set (err, GWT_E_EXISTS, "id '%s' is taken; use another one", p->id);
  return !gwt_error_is_set (err);
}

static bool
take_parts (struct json_object *options, struct parts *p, struct gwt_error *err)
{
  p->index = G_MAXUINT64;
  if (!take_interface (options, p, err) || !take_id (options, p, err)
      || !gwt_take_text (options, "filename", &p->file, err)
      || !gwt_take_text (options, "format", &p->format, err)
      || !gwt_take_text (options, "media", &p->media, err)
      || !gwt_take_text (options, "serial", &p->serial, err)
      || !gwt_take_text (options, "cache", &p->cache, err)
      || !gwt_take_text (options, "werror", &p->werror, err)
      || !gwt_take_text (options, "rerror", &p->rerror, err) || !take_limits (options, p, err)
      || !refuse_switch (options, "snapshot", "start from a copy, 'cp --reflink=auto FILE COPY'",
                         err)
      || !refuse_switch (options, "copy-on-read", "leave it out", err))
    return false;
  if (p->media != NULL && strcmp (p->media, "disk") != 0)
    gwt_error_set (err, GWT_E_UNSUPPORTED, "media=%s: there are only disks; use readonly=on",
                   p->media);
  else if (p->interface == 2 && (p->werror != NULL || p->rerror != NULL))
    gwt_error_set (err, GWT_E_INVALID, "%s: a flash bank tells the guest of errors; leave it out",
                   p->werror != NULL ? "werror" : "rerror");
  else if (p->serial != NULL)
    gwt_error_set (err, GWT_E_INVALID, "serial belongs to the device; use if=none and '-device "
                                       "TYPE,drive=%s,serial=%s'", p->id, p->serial);
  return !gwt_error_is_set (err);
}

/* ---- as a -blockdev -------------------------------------------------------------------------- */

static void
put_text (struct json_object *object, const char *key, const char *value)
{
  json_object_object_add (object, key, json_object_new_string (value));
}

static bool
put_cache (struct json_object *options, struct parts *p, struct gwt_error *err)
{
  static const struct
  {
    const char *name;
    bool through, direct, no_flush;
  } modes[] = {
    { "none", false, true, false },      { "writeback", false, false, false },
    { "writethrough", true, false, false }, { "directsync", true, true, false },
    { "unsafe", false, false, true },
  };
  struct json_object *cache;
  guint i;

  if (p->cache == NULL)
    return true;
  for (i = 0; i < G_N_ELEMENTS (modes) && strcmp (modes[i].name, p->cache) != 0; i++)
    ;
  if (i == G_N_ELEMENTS (modes) || json_object_object_get_ex (options, "cache", NULL))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "cache: '%s' is none of its values; use none, writeback, writethrough, "
                     "directsync or unsafe",
                     p->cache);
      return false;
    }
  cache = json_object_new_object ();
  json_object_object_add (cache, "direct", json_object_new_boolean (modes[i].direct));
  json_object_object_add (cache, "no-flush", json_object_new_boolean (modes[i].no_flush));
  json_object_object_add (options, "cache", cache);
  p->writethrough = modes[i].through;
  return true;
}

static bool
is_nbd (const char *file)
{
  return g_str_has_prefix (file, "nbd:") || g_str_has_prefix (file, "nbd+unix:")
         || g_str_has_prefix (file, "nbds:") || g_str_has_prefix (file, "nbds+unix:");
}

/* "nbd:unix:PATH" and "nbd:HOST:PORT", each with ":exportname=NAME" or not: what there was before
   addresses were URIs. */
static void
put_old_nbd (struct json_object *file, const char *text)
{
  struct json_object *server = json_object_new_object ();
  const char *name = strstr (text, ":exportname=");
  g_autofree char *where = name != NULL ? g_strndup (text, (gsize) (name - text)) : g_strdup (text);
  char *colon;

  json_object_object_add (file, "server", server);
  if (name != NULL)
    put_text (file, "export", name + strlen (":exportname="));
  if (g_str_has_prefix (where, "unix:"))
    {
      put_text (server, "type", "unix");
      put_text (server, "path", where + 5);
      return;
    }
  put_text (server, "type", "inet");
  colon = strrchr (where, ':');
  if (colon != NULL)
    {
      *colon = '\0';
      put_text (server, "port", colon + 1);
    }
  put_text (server, "host", where);
}

/* The member "file": what was said by file=, aio= and file.KEY=. */
static bool
put_file (struct json_object *options, struct parts *p, struct gwt_error *err)
{
  struct json_object *file, *aio = NULL;

  if (!gwt_take_object (options, "file", &file, err))
    return false;
  if (p->file == NULL && file == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "there is no file; add file=FILE");
      return false;
    }
  if (file == NULL)
    file = json_object_new_object ();
  json_object_object_add (options, "file", file);
  if (p->file != NULL && *p->file == '\0')
    {
      gwt_error_set (err, GWT_E_INVALID, "file is empty; give the path of an image");
      return false;
    }
  if (p->file != NULL && is_nbd (p->file))
    {
      put_text (file, "driver", "nbd");
      if (g_str_has_prefix (p->file, "nbd:") && strstr (p->file, "://") == NULL)
        put_old_nbd (file, p->file + 4);
      else
        put_text (file, "uri", p->file);
    }
  else if (p->file != NULL)
    {
      if (!json_object_object_get_ex (file, "driver", NULL))
        put_text (file, "driver", "file");
      put_text (file, "filename", g_str_has_prefix (p->file, "file:") ? p->file + 5 : p->file);
    }
  if (json_object_object_get_ex (options, "aio", &aio))
    {
      json_object_object_add (file, "aio", json_object_get (aio));
      json_object_object_del (options, "aio");
    }
  return true;
}

static bool
put_format (struct json_object *options, struct parts *p, struct gwt_error *err)
{
  const char *path = p->file != NULL ? p->file : "the image";
  g_autofree char *driver = NULL;

  if (!gwt_take_text (options, "driver", &driver, err))
    return false;
  if (driver != NULL && p->format != NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "format and driver are one; give one of them");
      return false;
    }
  if (p->format == NULL)
    p->format = g_steal_pointer (&driver);
  if (p->format == NULL && p->file != NULL && !is_nbd (p->file))
    {
      const char *found = probe (g_str_has_prefix (p->file, "file:") ? p->file + 5 : p->file);

      if (found != NULL)
        return not_raw (found, path, true, err);
    }
  else if (p->format != NULL && strcmp (p->format, "raw") != 0)
    return not_raw (p->format, path, false, err);
  put_text (options, "driver", "raw");
  return true;
}

static bool
put_read_only (struct json_object *options, struct gwt_error *err)
{
  bool old = false, on = false, automatic = false;

  if (!gwt_take_bool (options, "readonly", &old, err)
      || !gwt_take_bool (options, "read-only", &on, err)
      || !gwt_take_bool (options, "auto-read-only", &automatic, err))
    return false;
  json_object_object_add (options, "read-only", json_object_new_boolean (old || on));
  json_object_object_add (options, "auto-read-only", json_object_new_boolean (automatic));
  return true;
}

static bool
set_policy (const char *key, const char *text, bool write, uint32_t *policy, struct gwt_error *err)
{
  static const char *const names[] = { "report", "ignore", "stop", "enospc", NULL };
  guint i;

  if (text == NULL)
    return true;
  for (i = 0; names[i] != NULL && strcmp (names[i], text) != 0; i++)
    ;
  if (names[i] == NULL || (i == 3 && !write))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "%s: '%s' is none of its values; use report, ignore%s stop%s", key, text,
                     write ? "," : " or", write ? " or enospc" : "");
      return false;
    }
  *policy = GWT_BLOCK_REPORT + i;
  return true;
}

/* ---- the option ------------------------------------------------------------------------------ */

/* "a.b=c,d=e" of OPTIONS, commas doubled. */
static void
append_pairs (GString *text, const char *prefix, struct json_object *options)
{
  struct json_object_iter at;

  json_object_object_foreachC (options, at)
  {
    g_autofree char *key = g_strconcat (prefix, at.key, NULL);

    if (json_object_is_type (at.val, json_type_object))
      {
        g_autofree char *deeper = g_strconcat (key, ".", NULL);

        append_pairs (text, deeper, at.val);
        continue;
      }
    g_string_append_printf (text, "%s%s=", text->len > 0 ? "," : "", key);
    if (json_object_is_type (at.val, json_type_boolean))
      g_string_append (text, json_object_get_boolean (at.val) ? "on" : "off");
    else
      {
        g_auto (GStrv) pieces = g_strsplit (json_object_get_string (at.val), ",", -1);
        g_autofree char *value = g_strjoinv (",,", pieces);

        g_string_append (text, value);
      }
  }
}

static char *
expansion (struct json_object *options, const struct parts *p)
{
  GString *text = g_string_new (NULL);
  bool limits = json_object_object_length (p->throttling) > 0;
  struct json_object *copy = NULL;

  if (json_object_deep_copy (options, &copy, NULL) != 0)
    return g_string_free (text, FALSE);
  /* Devices know it by its id. */
  json_object_object_del (copy, "node-name");
  if (limits)
    {
      g_string_append_printf (text, "driver=throttle,node-name=%s", p->id);
      append_pairs (text, "", p->throttling);
      append_pairs (text, "file.", copy);
    }
  else
    {
      g_string_append_printf (text, "node-name=%s", p->id);
      append_pairs (text, "", copy);
    }
  json_object_put (copy);
  return g_string_free (text, FALSE);
}

static char *
device_text (const struct parts *p)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "drive=%s", p->id);
  if (p->writethrough)
    g_string_append (text, ",write-cache=off");
  if (p->werror != NULL)
    g_string_append_printf (text, ",werror=%s", p->werror);
  if (p->rerror != NULL)
    g_string_append_printf (text, ",rerror=%s", p->rerror);
  return g_string_free (text, FALSE);
}

static bool
make (struct json_object *options, struct parts *p, struct gwt_drive *drive, struct gwt_error *err)
{
  uint32_t write_policy = GWT_BLOCK_AUTO, read_policy = GWT_BLOCK_AUTO;
  struct gwt_throttle *throttle = NULL;
  g_autofree char *text = NULL;

  if (!set_policy ("werror", p->werror, true, &write_policy, err)
      || !set_policy ("rerror", p->rerror, false, &read_policy, err)
      || !put_format (options, p, err) || !put_read_only (options, err)
      || !put_cache (options, p, err) || !put_file (options, p, err))
    return false;
  text = expansion (options, p);
  if (!gwt_throttle_take (p->throttling, "", &throttle, err)
      || !gwt_take_end (p->throttling, "it", gwt_throttle_keys, err))
    {
      gwt_throttle_free (throttle);
      gwt_error_prefix (err, "throttling");
      return false;
    }
  drive->block = gwt_block_make (options, NULL, "-drive", err);
  if (drive->block == NULL)
    {
      gwt_throttle_free (throttle);
      return false;
    }
  if (p->interface == 2)
    units |= 1u << p->index;
  else
    counts[p->interface]++;
  drive->block->drive = g_strdup (p->id);
  drive->block->throttle = throttle;
  drive->block->write_through = p->writethrough;
  drive->block->on_write_error = write_policy;
  drive->block->on_read_error = read_policy;
  drive->expansion = g_steal_pointer (&text);
  /* The policies and the cache mode are the node's already; the text says them for people. */
  drive->device = p->interface == 1 ? device_text (p) : NULL;
  drive->pflash = p->interface == 2 ? (int) p->index : -1;
  drive->id = drive->block->drive;
  return true;
}

bool
gwt_drive_new_option (const char *text, struct gwt_drive *drive, struct gwt_error *err)
{
  struct json_object *options = gwt_block_parse_drive (text, err);
  struct parts parts = { 0 };
  bool good;

  *drive = (struct gwt_drive){ 0 };
  if (options == NULL)
    return false;
  good = take_parts (options, &parts, err) && make (options, &parts, drive, err);
  clear (&parts);
  json_object_put (options);
  return good;
}
