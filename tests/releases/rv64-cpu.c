/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPU on hosts that cannot do everything: LACKS names the extensions that such a host's build
 * refuses to switch on; left to itself it has what it can.
 */
#include "tests/releases/variant.h"

#define godwit_plugin_v1 intree_plugin_v1
#include "plugins/rv64-cpu/rv64-cpu.c"
#undef godwit_plugin_v1

static void
release (void)
{
  static const char *const lacks[] = { LACKS };
  for (unsigned i = 0; i < GWT_COUNT (lacks); i++)
    {
      struct gwt_field *row = variant_property ("rv64-cpu", lacks[i]);
      row->def = row->min = row->max = 0;
      row->flags |= GWT_FIELD_BOUNDED;
    }
}

VARIANT_DEFINE (plugin, release)
