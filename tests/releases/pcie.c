/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI Express of the releases: AER's mask of uncorrectable errors is zero and read-only up to 7.2;
 * a register since 8.0, which has nothing to say that it was not; 8.0.1 has the property
 * x-pcie-err-unc-mask and knows how 7.2 was.  RELEASE is the number.
 */
#include "tests/releases/variant.h"

#define godwit_plugin_v1 intree_plugin_v1
#include "plugins/pcie/pcie.c"
#undef godwit_plugin_v1

#define HAS_REGISTER (RELEASE >= VARIANT_NUMBER (8, 0, 0))
#define HAS_PROPERTY (RELEASE >= VARIANT_NUMBER (8, 0, 1))

static const struct gwt_compat_row rows[] = {
  { "7.2", GWT_PCI_PARENT, "x-pcie-err-unc-mask", "off" },
};

static int
init (void *self, struct gwt_device *device, struct gwt_error *err)
{
  ((struct gwt_pci *) self)->err_unc_mask = HAS_REGISTER;
  return pci_function_type.init (self, device, err);
}

static void
release (void)
{
  if (HAS_PROPERTY)
    {
      variant_plugin.compat = rows;
      variant_plugin.compat_row_size = sizeof rows[0];
      variant_plugin.n_compat = GWT_COUNT (rows);
    }
  else
    {
      struct gwt_field *row = variant_property (GWT_PCI_PARENT, "x-pcie-err-unc-mask");
      *row = (struct gwt_field){ .name = "",
                                 .doc = "the same in all functions of this release",
                                 .role = GWT_HOST,
                                 .kind = GWT_OPAQUE,
                                 .offset = row->offset,
                                 .size = row->size,
                                 .elems = 1 };
      variant_type (GWT_PCI_PARENT)->init = init;
    }
}

VARIANT_DEFINE (plugin, release)
