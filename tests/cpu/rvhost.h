/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host of its own for the plugin rv64-cpu: just enough of gwt.vcpu/1, gwt.clock/1, gwt.irq/1
 * and gwt.fdt/1 to run harts on RAM, a console and a test finisher, without the core.  The plugin
 * is the real shared object.
 */
#ifndef GODWIT_TESTS_RVHOST_H
#define GODWIT_TESTS_RVHOST_H

#include <stdbool.h>

#include <godwit/godwit.h>

#define RVHOST_RAM UINT64_C (0x80000000)
#define RVHOST_FINISHER UINT64_C (0x100000)
#define RVHOST_CONSOLE UINT64_C (0x10000000)
#define RVHOST_SCRATCH UINT64_C (0x20000000) /* an MMIO register of 8 bytes that counts accesses */
#define RVHOST_ROM UINT64_C (0x40000000)     /* a page that stores do not change */
#define RVHOST_MAX 4

struct rvhost_cpu
{
  struct rvhost *host;
  uint32_t index;
  void *instance;
  struct gwt_cpu_run run;
  gwt_irq_input_fn irq;
};

struct rvhost
{
  const struct gwt_device_type *type;
  const struct gwt_cpu_ops *ops;
  const struct gwt_riscv_hart_ops *hart;
  struct rvhost_cpu cpu[RVHOST_MAX];
  uint32_t n_cpus;
  uint8_t *ram;
  uint64_t ram_size;
  uint8_t rom[4096] __attribute__ ((aligned (4096)));
  uint64_t entry;
  uint64_t tohost;   /* address of the symbol, 0: none */
  uint64_t scratch, scratch_reads, scratch_writes;
  uint64_t ticks;    /* of the time source; the host's owner moves it */
  uint8_t *watched;  /* pages whose first store must be seen, NULL: none */
  int status;        /* what the finisher was told, -1: nothing yet */
  char console[65536];
  uint32_t console_used;
};

/* Load the plugin at PATH and make N_CPUS harts with RAM_SIZE bytes; PROPS is "name=0,name=1",
   may be NULL.  NULL, with a line on stderr, where that fails. */
struct rvhost *rvhost_new (const char *path, uint32_t n_cpus, uint64_t ram_size, const char *props);
void rvhost_free (struct rvhost *t);
/* The text of the last error that the plugin reported. */
const char *rvhost_error (void);
/* Load an ELF file; harts start at its entry. */
bool rvhost_load_elf (struct rvhost *t, const char *file);
/* Reset all harts and set pc to t->entry, a0 to the hart's number. */
void rvhost_reset (struct rvhost *t);
/* Run all harts, each in a thread where there are several, until the finisher or tohost is
   written or LIMIT instructions were executed by hart 0 (0: no limit).  True where the guest
   ended by itself. */
bool rvhost_run (struct rvhost *t, uint64_t limit);
/* A register of hart CPU by name ("pc", "x1", "mcause"). */
uint64_t rvhost_get (struct rvhost *t, uint32_t cpu, const char *name);
void rvhost_set (struct rvhost *t, uint32_t cpu, const char *name, uint64_t value);

#endif
