/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU's node in the guest's device tree.
 *
 * Owns: how the hart's extensions are spelled: the ISA string and its successors (device tree
 * bindings riscv/cpus and riscv/extensions).
 * Must not know: what the host has written already (device_type, reg, status).
 */
#include <stdio.h>
#include <string.h>

#include <godwit/fdt.h>

#include "arch.h"

#define ISA_MAX 256
#define EXTENSIONS_MAX 40

struct isa
{
  char text[ISA_MAX];
  size_t length;
  const char *names[EXTENSIONS_MAX];
  uint32_t count;
};

static void
add (struct isa *isa, bool on, const char *name)
{
  int n;

  if (!on || isa->count == EXTENSIONS_MAX)
    return;
  isa->names[isa->count++] = name;
  n = snprintf (isa->text + isa->length, ISA_MAX - isa->length, "%s%s",
                strlen (name) > 1 ? "_" : "", name);
  if (n > 0 && (size_t) n < ISA_MAX - isa->length)
    isa->length += (size_t) n;
}

/* Canonical order: single letters, Z by category then alphabet, S. */
static void
list_extensions (const struct rv_hart *h, struct isa *isa)
{
  strcpy (isa->text, "rv64");
  isa->length = 4;
  isa->count = 0;
  add (isa, true, "i");
  add (isa, h->ext_m, "m");
  add (isa, h->ext_a, "a");
  add (isa, h->ext_f, "f");
  add (isa, h->ext_d, "d");
  add (isa, h->ext_c, "c");
  add (isa, h->ext_zicbom, "zicbom");
  add (isa, h->ext_zicbop, "zicbop");
  add (isa, h->ext_zicboz, "zicboz");
  add (isa, h->ext_zicntr, "zicntr");
  add (isa, true, "zicsr");
  add (isa, h->ext_zifencei, "zifencei");
  add (isa, h->ext_zihpm, "zihpm");
  add (isa, h->ext_zba, "zba");
  add (isa, h->ext_zbb, "zbb");
  add (isa, h->ext_zbc, "zbc");
  add (isa, h->ext_zbs, "zbs");
  add (isa, h->ext_smaia, "smaia");
  add (isa, h->ext_ssaia, "ssaia");
  add (isa, h->ext_sstc, "sstc");
  add (isa, h->ext_svadu, "svadu");
  add (isa, h->ext_svinval, "svinval");
}

int
rv_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  static const char *const mmu_types[]
    = { "riscv,sv39", "riscv,sv48", "riscv,sv57", "riscv,none" };
  struct rv_hart *h = self;
  struct isa isa;

  list_extensions (h, &isa);
  rv_fdt->string (fdt, "compatible", "riscv");
  rv_fdt->string (fdt, "riscv,isa", isa.text);
  rv_fdt->string (fdt, "riscv,isa-base", "rv64i");
  rv_fdt->strings (fdt, "riscv,isa-extensions", isa.names, isa.count);
  rv_fdt->string (fdt, "mmu-type", mmu_types[h->mmu & 3]);
  if (h->ext_zicbom)
    rv_fdt->u32 (fdt, "riscv,cbom-block-size", RV_CBO_BLOCK);
  if (h->ext_zicbop)
    rv_fdt->u32 (fdt, "riscv,cbop-block-size", RV_CBO_BLOCK);
  if (h->ext_zicboz)
    rv_fdt->u32 (fdt, "riscv,cboz-block-size", RV_CBO_BLOCK);
  rv_fdt->begin (fdt, "interrupt-controller");
  rv_fdt->u32 (fdt, "#interrupt-cells", 1);
  rv_fdt->empty (fdt, "interrupt-controller");
  rv_fdt->string (fdt, "compatible", "riscv,cpu-intc");
  rv_fdt->phandle (fdt, h->device);
  rv_fdt->end (fdt);
  return 0;
}
