/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a domain to the harts: lines (Advanced Interrupt Architecture 1.0, 4.8) or messages (4.9).
 *
 * Lines are set and messages sent without the lock, for the receiver may call back.  One thread at
 * a time does so, for all that come meanwhile: so messages leave in the order of what caused them,
 * as genmsi promises (4.5.15), and the level that was found last is the one that is set last.
 *
 * Must not know the registers' addresses.
 */
#include "aplic.h"

#include <string.h>

/* A guest can direct messages to where they set off the next (the APLIC's own registers, a device
   whose line comes back): after so many in one go it has to wait until something else happens. */
#define ECHOES_MAX 64

/* What is to be done next, found under the lock and done without it. */
struct delivery
{
  struct gwt_device *device; /* NULL: a line */
  struct gwt_irq *line;
  uint64_t address;
  uint32_t value;
  uint32_t cursor; /* the search goes on behind it, so that no source is starved */
};

static bool
is_ready (const struct riscv_aplic *d, uint32_t source)
{
  return (d->state[source] & APLIC_READY) == APLIC_READY;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* 4.9.1; HART is the index, which all domains share. */
static uint64_t
message_address (const struct riscv_aplic *d, uint32_t hart)
{
  const struct riscv_aplic *root = d->root;
  uint32_t h = root->mmsiaddrcfgh;
  uint32_t low = d->mmode ? root->mmsiaddrcfg : root->smsiaddrcfg;
  uint32_t high = d->mmode ? root->mmsiaddrcfgh : root->smsiaddrcfgh;
  uint32_t lhxw = h >> 12 & 0xf, hhxw = h >> 16 & 7, hhxs = h >> 24 & 0x1f;
  uint64_t group = hart >> lhxw & ((1u << hhxw) - 1);
  uint64_t member = hart & ((1u << lhxw) - 1);
  uint64_t page = (uint64_t) (high & 0xfff) << 32 | low;

  page |= group << (hhxs + 12) | member << (high >> 20 & 7);
  return page << 12;
}

static void
prepare_message (const struct riscv_aplic *d, uint32_t target, struct delivery *next)
{
  next->device = d->device;
  next->address = message_address (d, target >> APLIC_HART_SHIFT);
  next->value = target & APLIC_EIID_MASK;
}

static bool
next_message (struct riscv_aplic *d, struct delivery *next)
{
  uint32_t n, source;

  if (d->domaincfg & APLIC_DOMAINCFG_IE)
    for (n = 0; n < d->num_sources; n++)
      {
        source = (next->cursor + n) % d->num_sources + 1;
        if (is_ready (d, source))
          {
            d->state[source] &= ~APLIC_PENDING;
            next->cursor = source;
            prepare_message (d, d->target[source], next);
            return true;
          }
      }
  /* Behind all that were to be sent before. */
  if (!(d->genmsi & APLIC_GENMSI_BUSY))
    return false;
  d->genmsi &= ~APLIC_GENMSI_BUSY;
  prepare_message (d, d->genmsi, next);
  return true;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool
is_above_threshold (const struct riscv_aplic *d, uint32_t source, uint32_t hart)
{
  uint32_t threshold = d->ithreshold[hart];

  return threshold == 0 || (d->target[source] & 0xff) < threshold;
}

uint32_t
aplic_topi (const struct riscv_aplic *d, uint32_t hart)
{
  uint32_t best = 0, best_prio = 256, source;

  for (source = 1; source <= d->num_sources; source++)
    if (is_ready (d, source) && d->target[source] >> APLIC_HART_SHIFT == hart
        && (d->target[source] & 0xff) < best_prio && is_above_threshold (d, source, hart))
      {
        best = source;
        best_prio = d->target[source] & 0xff;
      }
  return best != 0 ? best << 16 | best_prio : 0;
}

static bool
next_line (struct riscv_aplic *d, struct delivery *next)
{
  uint8_t level[APLIC_MAX_HARTS];
  uint32_t source, hart;

  for (hart = 0; hart < d->n_harts; hart++)
    level[hart] = d->iforce[hart] != 0;
  for (source = 1; source <= d->num_sources; source++)
    {
      hart = d->target[source] >> APLIC_HART_SHIFT;
      if (is_ready (d, source) && hart < d->n_harts && is_above_threshold (d, source, hart))
        level[hart] = 1;
    }
  for (hart = 0; hart < d->n_harts; hart++)
    {
      if (!(d->domaincfg & APLIC_DOMAINCFG_IE) || d->idelivery[hart] == 0)
        level[hart] = 0;
      if (level[hart] == d->line_level[hart])
        continue;
      d->line_level[hart] = level[hart];
      next->device = NULL;
      next->line = d->line[hart];
      next->value = level[hart];
      return true;
    }
  return false;
}

/* ---- one thread for all ---------------------------------------------------------------------- */

static bool
next_delivery (struct riscv_aplic *root, struct delivery *next)
{
  uint32_t i;

  for (i = 0; i < root->n_domains; i++)
    {
      struct riscv_aplic *d = root->domain[i];

      if (d->msimode ? next_message (d, next) : next_line (d, next))
        return true;
    }
  return false;
}

void
aplic_enter (struct riscv_aplic *d)
{
  struct riscv_aplic *root = d->root;

  pthread_mutex_lock (&root->lock);
  if (root->sending && pthread_equal (root->sender, pthread_self ()))
    root->echoes++;
}

void
aplic_leave (struct riscv_aplic *d)
{
  struct riscv_aplic *root = d->root;
  struct delivery next = { .cursor = 0 };

  /* Whoever sends looks again before it goes. */
  if (root->sending)
    {
      pthread_mutex_unlock (&root->lock);
      return;
    }
  root->sending = 1;
  root->sender = pthread_self ();
  root->echoes = 0;
  while (next_delivery (root, &next))
    {
      pthread_mutex_unlock (&root->lock);
      if (next.device == NULL)
        aplic_irq->set (next.line, next.value);
      else if (aplic_memory->message (next.device, next.address, next.value) != GWT_ACCESS_OK)
        aplic_warn_once (d, "a message to no register at", next.address);
      pthread_mutex_lock (&root->lock);
      if (root->echoes > ECHOES_MAX)
        {
          aplic_warn_once (d, "a message that sets off the next one, to", next.address);
          break;
        }
    }
  root->sending = 0;
  pthread_mutex_unlock (&root->lock);
}

void
aplic_repeat_lines (struct riscv_aplic *d)
{
  aplic_enter (d);
  /* Neither up nor down. */
  memset (d->line_level, 0xff, sizeof d->line_level);
  aplic_leave (d);
}
