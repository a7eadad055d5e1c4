/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk of the releases: one queue by default in 5.1, one for each CPU from 5.2 on, which knows
 * how it was before.  RELEASE is the number; FORGETFUL leaves that row out, as a release whose
 * authors did not think of it.
 */
#include "tests/releases/variant.h"

#define godwit_plugin_v1 intree_plugin_v1
#include "plugins/virtio-blk/virtio-blk.c"
#undef godwit_plugin_v1

#ifndef FORGETFUL
#define FORGETFUL 0
#endif

static const struct gwt_compat_row rows[] = {
  { "5.1", "virtio-blk-pci", "num-queues", "1" },
  { "5.1", "virtio-blk-device", "num-queues", "1" },
};

static void
release (void)
{
  if (RELEASE < VARIANT_NUMBER (5, 2, 0))
    {
      variant_property ("virtio-blk-pci", "num-queues")->def = 1;
      variant_property ("virtio-blk-device", "num-queues")->def = 1;
    }
  else if (!FORGETFUL)
    {
      variant_plugin.compat = rows;
      variant_plugin.compat_row_size = sizeof rows[0];
      variant_plugin.n_compat = GWT_COUNT (rows);
    }
}

VARIANT_DEFINE (plugin, release)
