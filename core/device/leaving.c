/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that are to go: who, in which order, and whether anybody still needs them.  Destroying
 * them is the machine's affair (core/machine/hotplug.c), for vCPUs have to stand still.
 */
#include "config.h"
#include "core/device/device.h"
#include <string.h>

static GPtrArray *leaving; /* under the machine lock */
static void (*leaving_hook) (void);
static void (*refused_hook) (struct gwt_device *device);

void
gwt_device_set_unplug_hooks (void (*on_leaving) (void),
                             void (*on_refused) (struct gwt_device *device))
{
  leaving_hook = on_leaving;
  refused_hook = on_refused;
}

void
gwt_device_unplug (struct gwt_device *device)
{
  if (device->leaving)
    return;
  device->leaving = true;
  if (leaving == NULL)
    leaving = g_ptr_array_new ();
  g_ptr_array_add (leaving, device);
  if (leaving_hook != NULL)
    leaving_hook ();
}

void
gwt_device_unplug_refused (struct gwt_device *device)
{
  if (!device->leaving && refused_hook != NULL)
    refused_hook (device);
}

struct gwt_device *
gwt_device_next_leaving (void)
{
  return leaving != NULL && leaving->len > 0 ? leaving->pdata[0] : NULL;
}

void
gwt_device_forget_leaving (struct gwt_device *device)
{
  device->leaving = false;
  if (leaving != NULL)
    g_ptr_array_remove (leaving, device);
}

static bool
part_links_to (const struct gwt_device *part, const struct gwt_device *target)
{
  for (; part != NULL; part = part->base)
    for (uint64_t i = 0; i < part->type->d.n_fields; i++)
      {
        const struct gwt_field *f = &part->type->fields[i];
        struct gwt_device *to;
        if (f->role != GWT_PROP || f->kind != GWT_LINK)
          continue;
        memcpy (&to, (const char *) part->instance + f->offset, sizeof to);
        if (to == target)
          return true;
      }
  return false;
}

struct gwt_device *
gwt_device_linked_by (struct gwt_device *device)
{
  guint count;
  g_autofree struct gwt_device **list = gwt_device_list (&count);
  for (guint i = 0; i < count; i++)
    if (list[i] != device && part_links_to (list[i], device))
      return list[i];
  return NULL;
}
