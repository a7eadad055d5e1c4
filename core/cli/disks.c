/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns what -blockdev and -drive mean: which block back ends there are, which device a -drive asks
 * for, and that each has a use.  It makes and judges them; core/backend opens them.
 */
#include "config.h"
#include <string.h>
#include "core/backend/block.h"
#include "core/cli/start.h"
#include "core/device/type.h"
#include "core/plugin/loader.h"
#include "core/util/log.h"

/* What if=virtio asks for, as with QEMU's machine of that name; the first one that a plugin has. */
static const char *
virtio_disk (void)
{
  static const char *const types[] = { "virtio-blk-pci", "virtio-blk-device" };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      GWT_AUTO_ERROR (ignored);
      if (gwt_loader_need_type (types[i], &ignored))
        return types[i];
    }
  return types[0]; /* whose absence is then told */
}

/* Back end ID is what is in flash UNIT. */
static bool
take_unit (GPtrArray *units, guint unit, const char *id, struct gwt_error *err)
{
  /* Lists end with NULL. */
  while (units->len <= unit + 1)
    g_ptr_array_insert (units, (gint) units->len - 1, g_strdup (""));
  char **place = (char **) &g_ptr_array_index (units, unit);
  if (**place != '\0')
    {
      gwt_error_set (err, GWT_E_EXISTS,
                     "-drive: '%s': flash unit %u is '%s' already; use another unit", id, unit,
                     *place);
      return false;
    }
  g_free (*place);
  *place = g_strdup (id);
  return true;
}

static bool
add_drive (struct gwt_options *o, GPtrArray *units, const char *text, struct gwt_error *err)
{
  struct gwt_drive drive;
  if (!gwt_drive_new_option (text, &drive, err))
    {
      gwt_error_prefix (err, "-drive");
      return false;
    }
  if (drive.pflash >= 0 && !take_unit (units, (guint) drive.pflash, drive.id, err))
    {
      g_free (drive.expansion);
      return false;
    }
  char *device
      = drive.device != NULL ? g_strdup_printf ("%s,%s", virtio_disk (), drive.device) : NULL;
  gwt_log (GWT_LOG_INFO, "-drive %s stands for -blockdev %s%s%s", text, drive.expansion,
           device != NULL ? " -device " : "", device != NULL ? device : "");
  g_free (drive.expansion);
  g_free (drive.device);
  if (device == NULL)
    return true;
  /* Lists end with NULL. */
  g_ptr_array_add (o->expanded, device);
  g_ptr_array_insert (o->devices, (gint) o->devices->len - 1, device);
  return true;
}

bool
gwt_cli_make_disks (struct gwt_options *o, GPtrArray *units, struct gwt_error *err)
{
  for (guint i = 0; i + 1 < o->blockdevs->len; i++)
    if (gwt_block_add_option (g_ptr_array_index (o->blockdevs, i), err) == NULL)
      {
        gwt_error_prefix (err, "-blockdev");
        return false;
      }
  for (guint i = 0; i + 1 < o->drives->len; i++)
    if (!add_drive (o, units, g_ptr_array_index (o->drives, i), err))
      return false;
  for (guint i = 0; i + 1 < o->pflashes->len; i++)
    {
      g_auto (GStrv) pieces = g_strsplit (g_ptr_array_index (o->pflashes, i), ",", -1);
      g_autofree char *file = g_strjoinv (",,", pieces);
      g_autofree char *text = g_strdup_printf ("if=pflash,file=%s", file);
      if (!add_drive (o, units, text, err))
        return false;
    }
  return true;
}

bool
gwt_cli_check_disks_used (const struct gwt_options *o, struct gwt_error *err)
{
  /* A client may plug a device in later. */
  return o->qmps->len > 1 || gwt_block_check_used (err);
}
