/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions, interrupts, and the instructions that return from them or wait for them.
 *
 * Owns: delegation, the interrupt-enable stack in mstatus.
 * Must not know: how a trap was found, CSR numbers.
 */
#include "arch.h"

uint64_t
rv_pending (const struct rv_hart *h)
{
  uint64_t soft = atomic_load_explicit (&h->mip_soft, memory_order_acquire);

  /* With mvien.SEIP the writable SEIP is a bit of mvip alone (AIA, 5.3). */
  soft &= ~(__atomic_load_n (&h->mvien, __ATOMIC_RELAXED) & RV_MIP_SEIP);
  return atomic_load_explicit (&h->mip_lines, memory_order_acquire) | soft;
}

uint64_t
rv_ready (const struct rv_hart *h, unsigned priv)
{
  uint64_t ready = rv_pending (h) & h->mie;

  if (priv == RV_M)
    return ready & ~h->mideleg;
  return (ready & h->mideleg) | (rv_virtual_pending (h) & rv_virtual_enabled (h));
}

/* Ready, and not masked at the current privilege: first those for M mode, else for S; *PRIV is
   which. */
static uint64_t
deliverable (const struct rv_hart *h, unsigned *priv)
{
  uint64_t ready = rv_ready (h, RV_M);

  *priv = RV_M;
  if (ready != 0 && (h->priv < RV_M || (h->mstatus & RV_MSTATUS_MIE)))
    return ready;
  *priv = RV_S;
  if (h->priv < RV_S || (h->priv == RV_S && (h->mstatus & RV_MSTATUS_SIE)))
    return rv_ready (h, RV_S);
  return 0;
}

void
rv_check_interrupts (struct rv_hart *h)
{
  unsigned priv;

  if (deliverable (h, &priv) != 0)
    rv_kick (h);
}

bool
rv_has_work (struct rv_hart *h)
{
  return (rv_pending (h) & __atomic_load_n (&h->mie, __ATOMIC_RELAXED)) != 0
         || (rv_virtual_pending (h) & rv_virtual_enabled (h)) != 0;
}

static void
trap_to_m (struct rv_hart *h, uint64_t cause, uint64_t tval)
{
  uint64_t s = h->mstatus & ~(RV_MSTATUS_MPIE | RV_MSTATUS_MPP | RV_MSTATUS_MIE);

  if (h->mstatus & RV_MSTATUS_MIE)
    s |= RV_MSTATUS_MPIE;
  s |= (uint64_t) h->priv << RV_MSTATUS_MPP_SHIFT;
  h->mstatus = s;
  h->mepc = h->pc;
  h->mcause = cause;
  h->mtval = tval;
  h->priv = RV_M;
  h->pc = h->mtvec & ~UINT64_C (3);
  if ((cause & RV_CAUSE_INTERRUPT) && (h->mtvec & 1))
    h->pc += 4 * (cause & ~RV_CAUSE_INTERRUPT);
}

static void
trap_to_s (struct rv_hart *h, uint64_t cause, uint64_t tval)
{
  uint64_t s = h->mstatus & ~(RV_MSTATUS_SPIE | RV_MSTATUS_SPP | RV_MSTATUS_SIE);

  if (h->mstatus & RV_MSTATUS_SIE)
    s |= RV_MSTATUS_SPIE;
  if (h->priv == RV_S)
    s |= RV_MSTATUS_SPP;
  h->mstatus = s;
  h->sepc = h->pc;
  h->scause = cause;
  h->stval = tval;
  h->priv = RV_S;
  h->pc = h->stvec & ~UINT64_C (3);
  if ((cause & RV_CAUSE_INTERRUPT) && (h->stvec & 1))
    h->pc += 4 * (cause & ~RV_CAUSE_INTERRUPT);
}

void
rv_raise (struct rv_hart *h, unsigned cause, uint64_t tval)
{
  h->waiting = 0;
  if (h->priv <= RV_S && (h->medeleg >> cause & 1))
    trap_to_s (h, cause, tval);
  else
    trap_to_m (h, cause, tval);
  rv_context_changed (h);
}

bool
rv_take_interrupt (struct rv_hart *h)
{
  unsigned priv, number;
  uint64_t ready = deliverable (h, &priv);

  number = rv_first_interrupt (h, priv, ready, NULL);
  if (number == 0)
    return false;
  h->waiting = 0;
  if (priv == RV_S)
    trap_to_s (h, RV_CAUSE_INTERRUPT | number, 0);
  else
    trap_to_m (h, RV_CAUSE_INTERRUPT | number, 0);
  rv_context_changed (h);
  return true;
}

/* Go to PRIV; a return to less than M ends MPRV (3.1.6.3). */
static void
leave_to (struct rv_hart *h, unsigned priv, uint64_t pc)
{
  if (priv != RV_M)
    h->mstatus &= ~RV_MSTATUS_MPRV;
  h->priv = (uint8_t) priv;
  h->pc = pc;
  rv_context_changed (h);
  rv_check_interrupts (h);
}

bool
rv_mret (struct rv_hart *h)
{
  unsigned to = (unsigned) (h->mstatus >> RV_MSTATUS_MPP_SHIFT) & 3;
  uint64_t s = h->mstatus & ~(RV_MSTATUS_MIE | RV_MSTATUS_MPP);

  if (h->priv != RV_M)
    return false;
  if (h->mstatus & RV_MSTATUS_MPIE)
    s |= RV_MSTATUS_MIE;
  s |= RV_MSTATUS_MPIE;
  if (!h->ext_u)
    s |= RV_MSTATUS_MPP; /* the least privileged mode there is */
  h->mstatus = s;
  leave_to (h, to, h->mepc);
  return true;
}

bool
rv_sret (struct rv_hart *h)
{
  unsigned to = h->mstatus & RV_MSTATUS_SPP ? RV_S : RV_U;
  uint64_t s = h->mstatus & ~(RV_MSTATUS_SIE | RV_MSTATUS_SPP);

  if (!h->ext_s || h->priv < RV_S || (h->priv == RV_S && (h->mstatus & RV_MSTATUS_TSR)))
    return false;
  if (h->mstatus & RV_MSTATUS_SPIE)
    s |= RV_MSTATUS_SIE;
  h->mstatus = s | RV_MSTATUS_SPIE;
  leave_to (h, to, h->sepc);
  return true;
}

bool
rv_wfi (struct rv_hart *h)
{
  /* With TW, waiting times out at once below M; so it does in U mode where there is S mode (3.3.3).
   */
  if (h->priv < RV_M && ((h->mstatus & RV_MSTATUS_TW) || (h->priv == RV_U && h->ext_s)))
    return false;
  h->waiting = !rv_has_work (h);
  return true;
}
