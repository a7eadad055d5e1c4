/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One interrupt domain of an APLIC, and the calls between the plugin's parts: domain.c holds what
 * the registers say of each source, delivery.c brings it to the harts, riscv-aplic.c is the device.
 *
 * The domains of one APLIC are devices of their own, for each has its registers and its node in the
 * device tree; but a source moves between them, so all share the root's lock.
 */
#ifndef RISCV_APLIC_H
#define RISCV_APLIC_H

#include <pthread.h>
#include <stdbool.h>

#include <godwit/godwit.h>

#define APLIC_MAX_SOURCES 1023 /* ids 1 to 1023; 0 means "none" */
#define APLIC_MAX_HARTS 512
#define APLIC_MAX_CHILDREN 16
#define APLIC_MAX_DOMAINS 32

/* domaincfg (Advanced Interrupt Architecture 1.0, 4.5.1) */
#define APLIC_DOMAINCFG_RO 0x80000000u
#define APLIC_DOMAINCFG_IE 0x100u
#define APLIC_DOMAINCFG_DM 0x4u
#define APLIC_DOMAINCFG_BE 0x1u

/* sourcecfg (4.5.2) */
#define APLIC_DELEGATE 0x400u
#define APLIC_CHILD_MASK 0x3ffu
enum aplic_mode
{
  APLIC_INACTIVE = 0,
  APLIC_DETACHED = 1,
  APLIC_EDGE1 = 4,
  APLIC_EDGE0 = 5,
  APLIC_LEVEL1 = 6,
  APLIC_LEVEL0 = 7
};

/* state */
#define APLIC_PENDING 0x1u
#define APLIC_ENABLED 0x2u
#define APLIC_READY (APLIC_PENDING | APLIC_ENABLED)
#define APLIC_INPUT 0x100u /* level of the wire; kept by the root domain */

#define APLIC_GENMSI_BUSY 0x1000u
#define APLIC_MSI_LOCK 0x80000000u
#define APLIC_HART_SHIFT 18
#define APLIC_HART_MASK 0xfffc0000u
#define APLIC_EIID_MASK 0x7ffu

struct riscv_aplic
{
  struct gwt_device *parent_device; /* the property; NULL: the root domain */
  uint32_t num_sources;
  uint32_t hartid_base;
  uint32_t num_harts;
  uint32_t iprio_mask;
  uint32_t aperture_size;
  bool mmode;
  bool msimode;
  uint8_t warned;
  uint8_t pad[1];

  uint32_t domaincfg; /* IE and BE */
  uint32_t mmsiaddrcfg, mmsiaddrcfgh, smsiaddrcfg, smsiaddrcfgh; /* of the root domain */
  uint32_t genmsi;
  uint32_t sourcecfg[APLIC_MAX_SOURCES + 1];
  uint32_t state[APLIC_MAX_SOURCES + 1];
  uint32_t target[APLIC_MAX_SOURCES + 1];
  uint32_t idelivery[APLIC_MAX_HARTS];
  uint32_t iforce[APLIC_MAX_HARTS];
  uint32_t ithreshold[APLIC_MAX_HARTS];

  /* ---- host side ---- */
  uint32_t n_harts; /* follows from num-harts and the machine */
  uint32_t n_ids;   /* follows from num-sources: with the one that does not exist */
  uint32_t child_index;
  uint32_t n_children;
  uint32_t n_domains; /* of the root: all domains, itself first */
  uint32_t pad_2;
  struct gwt_device *device;
  struct riscv_aplic *root, *parent;
  struct riscv_aplic *child[APLIC_MAX_CHILDREN];
  struct riscv_aplic *domain[APLIC_MAX_DOMAINS];
  struct gwt_device *hart[APLIC_MAX_HARTS];
  struct gwt_irq *line[APLIC_MAX_HARTS];
  uint8_t line_level[APLIC_MAX_HARTS];
  /* Of the root. */
  pthread_mutex_t lock;
  pthread_t sender; /* while `sending` */
  uint32_t sending; /* a thread is in aplic_deliver, and delivers for all */
  uint32_t echoes;  /* how often its own deliveries came back */
};

extern const struct gwt_host *aplic_host;
extern const struct gwt_memory_api *aplic_memory;
extern const struct gwt_irq_api *aplic_irq;

void aplic_warn_once (struct riscv_aplic *d, const char *what, uint64_t value);

/* ==== domain.c; the lock is held ==== */

bool aplic_active (const struct riscv_aplic *d, uint32_t source);
/* The rectified input (4.5.2). */
bool aplic_rectified (const struct riscv_aplic *d, uint32_t source);
/* Writes to setip and in_clrip, and a claim: "if possible" (4.7). */
void aplic_set_pending (struct riscv_aplic *d, uint32_t source);
void aplic_clear_pending (struct riscv_aplic *d, uint32_t source);
void aplic_set_enabled (struct riscv_aplic *d, uint32_t source, bool enabled);
void aplic_write_sourcecfg (struct riscv_aplic *d, uint32_t source, uint32_t value);
void aplic_write_target (struct riscv_aplic *d, uint32_t source, uint32_t value);
/* Wire SOURCE of the root domain is at LEVEL. */
void aplic_wire (struct riscv_aplic *root, uint32_t source, bool level);
/* All registers as after reset; the wires stay. */
void aplic_clear (struct riscv_aplic *d);
/* SOURCE has what writes can leave of it: 0, or the name of the register that has not.  Looks at D
   alone, for the other domains may not be what they will be. */
const char *aplic_judge (const struct riscv_aplic *d, uint32_t source);

/* ==== delivery.c ==== */

/* topi of hart index HART (4.8.1.4); the lock is held. */
uint32_t aplic_topi (const struct riscv_aplic *d, uint32_t hart);
/* Take the lock that D and all domains of its APLIC share; drop it and deliver what is to be
   delivered. */
void aplic_enter (struct riscv_aplic *d);
void aplic_leave (struct riscv_aplic *d);

/* Drive the lines of D, whatever their harts were told before. */
void aplic_repeat_lines (struct riscv_aplic *d);

/* ==== state.c ==== */

extern const struct gwt_vmstate *const aplic_states[];

/* Bits that mmsiaddrcfgh and smsiaddrcfgh have. */
#define APLIC_MMSIADDRCFGH_MASK 0x9f77ffffu
#define APLIC_SMSIADDRCFGH_MASK 0x00700fffu

#endif
