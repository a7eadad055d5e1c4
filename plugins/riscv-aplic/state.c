/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain on the wire: QEMU's section riscv_aplic, version 3.  Must not know what a register does;
 * domain.c says what may be in those of a source.
 */
#include "aplic.h"

#include <string.h>

/* What QEMU's has and a domain here has not. */
struct kvm_wire
{
  struct riscv_aplic *parent;
  uint32_t kvm_msicfgaddr, kvm_msicfgaddrH;
};

static int
kvm_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  const struct kvm_wire *w = self;

  (void) version;
  if (w->kvm_msicfgaddr == 0 && w->kvm_msicfgaddrH == 0)
    return 0;
  aplic_host->error_set (err, GWT_E_INVALID,
                         "kvm_msicfgaddr: messages go where the host's kernel has them go; start "
                         "the sender without KVM");
  return -1;
}

static const struct gwt_vm_field kvm_fields[] = {
  GWT_VM_VALUE (struct kvm_wire, kvm_msicfgaddr),
  GWT_VM_VALUE (struct kvm_wire, kvm_msicfgaddrH),
};
static const struct gwt_vmstate kvm
    = GWT_VMSTATE (struct kvm_wire, "kvm", 1, 1, kvm_fields, .post_load = kvm_post_load);

static int
refuse (const char *what, uint32_t number, struct gwt_error *err)
{
  aplic_host->error_set (err, GWT_E_INVALID,
                         "%s %u is nothing that this domain can have; start both ends with the "
                         "same properties",
                         what, number);
  return -1;
}

static int
check_msi_addresses (const struct riscv_aplic *d, struct gwt_error *err)
{
  bool none = d->mmsiaddrcfg == 0 && d->mmsiaddrcfgh == 0 && d->smsiaddrcfg == 0
              && d->smsiaddrcfgh == 0;

  if (none)
    return 0;
  if (d->parent != NULL)
    return refuse ("mmsicfgaddr", d->mmsiaddrcfg, err);
  if (d->mmsiaddrcfgh & ~APLIC_MMSIADDRCFGH_MASK)
    return refuse ("mmsicfgaddrH", d->mmsiaddrcfgh, err);
  if (d->smsiaddrcfgh & ~APLIC_SMSIADDRCFGH_MASK)
    return refuse ("smsicfgaddrH", d->smsiaddrcfgh, err);
  return 0;
}

static int
check_harts (const struct riscv_aplic *d, struct gwt_error *err)
{
  uint32_t highest = d->msimode ? 0 : 1, i;

  for (i = 0; i < d->n_harts; i++)
    if (d->idelivery[i] > highest)
      return refuse ("idelivery of hart", i, err);
    else if (d->iforce[i] > highest)
      return refuse ("iforce of hart", i, err);
    else if (d->ithreshold[i] & ~(d->msimode ? 0 : d->iprio_mask))
      return refuse ("ithreshold of hart", i, err);
  return 0;
}

static int
aplic_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  const struct riscv_aplic *d = self;
  uint32_t i;

  (void) version;
  if (d->domaincfg & ~(APLIC_DOMAINCFG_IE | APLIC_DOMAINCFG_BE))
    return refuse ("domaincfg", d->domaincfg, err);
  if (d->genmsi & ~(d->msimode ? APLIC_HART_MASK | APLIC_EIID_MASK | APLIC_GENMSI_BUSY : 0))
    return refuse ("genmsi", d->genmsi, err);
  for (i = 0; i < d->n_ids; i++)
    {
      const char *wrong = aplic_judge (d, i);

      if (wrong != NULL)
        {
          aplic_host->error_set (err, GWT_E_INVALID,
                                 "%s of source %u is nothing that this domain can have; start both "
                                 "ends with the same properties",
                                 wrong, i);
          return -1;
        }
    }
  return check_msi_addresses (d, err) < 0 || check_harts (d, err) < 0 ? -1 : 0;
}

/* Messages that wait leave when something happens next: their receivers may not be loaded yet. */
static void
aplic_loaded (void *self, uint32_t version)
{
  struct riscv_aplic *d = self;

  (void) version;
  if (!d->msimode)
    aplic_repeat_lines (d);
}

#define NAMED(MEMBER, NAME) GWT_VM_VALUE_NAMED (struct riscv_aplic, MEMBER, NAME)
#define PER_SOURCE(MEMBER) GWT_VM_ARRAY_COUNTED (struct riscv_aplic, MEMBER, n_ids)
#define PER_HART(MEMBER) GWT_VM_ARRAY_COUNTED (struct riscv_aplic, MEMBER, n_harts)

static const struct gwt_vm_field fields[] = {
  GWT_VM_VALUE (struct riscv_aplic, domaincfg),
  NAMED (mmsiaddrcfg, "mmsicfgaddr"),
  NAMED (mmsiaddrcfgh, "mmsicfgaddrH"),
  NAMED (smsiaddrcfg, "smsicfgaddr"),
  NAMED (smsiaddrcfgh, "smsicfgaddrH"),
  GWT_VM_VALUE (struct riscv_aplic, genmsi),
  GWT_VM_AS (struct riscv_aplic, struct kvm_wire, &kvm),
  PER_SOURCE (sourcecfg),
  PER_SOURCE (state),
  PER_SOURCE (target),
  PER_HART (idelivery),
  PER_HART (iforce),
  PER_HART (ithreshold),
};
static const struct gwt_vmstate aplic
    = GWT_VMSTATE (struct riscv_aplic, "riscv_aplic", 3, 3, fields, .post_load = aplic_post_load,
                   .loaded = aplic_loaded);

const struct gwt_vmstate *const aplic_states[] = { &aplic, NULL };
