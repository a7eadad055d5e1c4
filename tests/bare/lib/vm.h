/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables for tests of Sv39, Sv48 and Sv57.  A test owns its mappings; this only builds. */
#ifndef BARE_VM_H
#define BARE_VM_H

#include "bare.h"

#define PTE_V 1ul
#define PTE_R 2ul
#define PTE_W 4ul
#define PTE_X 8ul
#define PTE_U 16ul
#define PTE_G 32ul
#define PTE_A 64ul
#define PTE_D 128ul
#define PTE_RWX (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)
#define PTE_RW (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)
#define PTE(pa, flags) (((u64) (pa) >> 12) << 10 | (flags))

/* 3 levels for Sv39, 4 for Sv48, 5 for Sv57; forgets all earlier tables; satp stays off. */
void vm_init (int levels);
/* Leaf at LEVEL (0 = 4 KiB, 1 = 2 MiB, ...), pointers on the way are made. */
u64 *vm_map (u64 va, u64 pa, u64 flags, int level);
u64 *vm_pte (u64 va, int level); /* the entry of that level, made if need be */
u64 *vm_page (void);             /* a zeroed page */
u64 vm_satp (u64 asid);
void vm_on (void);
void vm_off (void);
#define sfence() asm volatile ("sfence.vma" ::: "memory")

/* Where the probes are while paging is on: one page that S executes, one that U executes. */
#define PROBE_S 0x40000000ul
#define PROBE_U 0x40001000ul
/* The access FN to ADDR from MODE with paging on; the cause or NO_TRAP. */
u64 vm_probe (int mode, void (*fn) (void), u64 addr, u64 datum);

#endif
