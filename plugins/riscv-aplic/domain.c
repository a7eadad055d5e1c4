/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the registers of a domain say of each source: modes, delegation, pending and enable bits
 * (Advanced Interrupt Architecture 1.0, 4.5 and 4.7).  Must not know how interrupts reach harts,
 * nor where the registers are.
 */
#include "aplic.h"

#include <string.h>

/* A source that the parent has not delegated to this domain appears not to be implemented; its
   sourcecfg is zero then, so that what is active or delegated need not ask again. */
static bool
is_implemented (const struct riscv_aplic *d, uint32_t source)
{
  if (source == 0 || source > d->num_sources)
    return false;
  return d->parent == NULL
         || d->parent->sourcecfg[source] == (APLIC_DELEGATE | d->child_index);
}

/* The child that SOURCE is delegated to, or NULL. */
static struct riscv_aplic *
child_of (const struct riscv_aplic *d, uint32_t source)
{
  uint32_t cfg = d->sourcecfg[source];

  if (!(cfg & APLIC_DELEGATE) || (cfg & APLIC_CHILD_MASK) >= d->n_children)
    return NULL;
  return d->child[cfg & APLIC_CHILD_MASK];
}

static enum aplic_mode
mode_of (const struct riscv_aplic *d, uint32_t source)
{
  uint32_t cfg = d->sourcecfg[source];

  return cfg & APLIC_DELEGATE ? APLIC_INACTIVE : (enum aplic_mode) cfg;
}

bool
aplic_active (const struct riscv_aplic *d, uint32_t source)
{
  return source <= d->num_sources && mode_of (d, source) != APLIC_INACTIVE;
}

bool
aplic_rectified (const struct riscv_aplic *d, uint32_t source)
{
  bool level = (d->root->state[source] & APLIC_INPUT) != 0;

  switch (mode_of (d, source))
    {
    case APLIC_EDGE1:
    case APLIC_LEVEL1:
      return level;
    case APLIC_EDGE0:
    case APLIC_LEVEL0:
      return !level;
    default:
      return false;
    }
}

static bool
is_level (const struct riscv_aplic *d, uint32_t source)
{
  return mode_of (d, source) >= APLIC_LEVEL1;
}

static void
put_pending (struct riscv_aplic *d, uint32_t source, bool pending)
{
  if (pending)
    d->state[source] |= APLIC_PENDING;
  else
    d->state[source] &= ~APLIC_PENDING;
}

/* With direct delivery the pending bit of a level-sensitive source is its rectified input; with
   messages software can set it while that is high. */
void
aplic_set_pending (struct riscv_aplic *d, uint32_t source)
{
  if (!aplic_active (d, source))
    return;
  if (is_level (d, source) && (!d->msimode || !aplic_rectified (d, source)))
    return;
  put_pending (d, source, true);
}

void
aplic_clear_pending (struct riscv_aplic *d, uint32_t source)
{
  if (aplic_active (d, source) && !(is_level (d, source) && !d->msimode))
    put_pending (d, source, false);
}

void
aplic_set_enabled (struct riscv_aplic *d, uint32_t source, bool enabled)
{
  if (!aplic_active (d, source))
    return;
  if (enabled)
    d->state[source] |= APLIC_ENABLED;
  else
    d->state[source] &= ~APLIC_ENABLED;
}

/* The rectified input was WAS and may have changed. */
static void
input_changed (struct riscv_aplic *d, uint32_t source, bool was)
{
  bool now = aplic_rectified (d, source);

  if (now && (!was || (is_level (d, source) && !d->msimode)))
    put_pending (d, source, true);
  else if (!now && is_level (d, source))
    put_pending (d, source, false);
}

static void
make_inactive (struct riscv_aplic *d, uint32_t source)
{
  d->state[source] &= APLIC_INPUT;
  d->target[source] = 0;
}

/* The parent has taken SOURCE back from D; or D loses it in a reset. */
static void
undelegate (struct riscv_aplic *d, uint32_t source)
{
  if (child_of (d, source) != NULL)
    undelegate (child_of (d, source), source);
  d->sourcecfg[source] = 0;
  make_inactive (d, source);
}

static uint32_t
warl_sourcecfg (const struct riscv_aplic *d, uint32_t value)
{
  if (value & APLIC_DELEGATE)
    return (value & APLIC_CHILD_MASK) < d->n_children ? value & (APLIC_DELEGATE | APLIC_CHILD_MASK)
                                                      : 0;
  value &= 7;
  return value == 2 || value == 3 ? APLIC_INACTIVE : value;
}

static uint32_t
warl_target (const struct riscv_aplic *d, uint32_t value)
{
  uint32_t prio = value & d->iprio_mask;

  /* No hart here has guest files, so that the guest index is zero. */
  if (d->msimode)
    return value & (APLIC_HART_MASK | APLIC_EIID_MASK);
  return (value & APLIC_HART_MASK) | (prio != 0 ? prio : 1);
}

void
aplic_write_sourcecfg (struct riscv_aplic *d, uint32_t source, uint32_t value)
{
  uint32_t old = d->sourcecfg[source];
  bool was_active = aplic_active (d, source), was = aplic_rectified (d, source);

  if (!is_implemented (d, source))
    return;
  value = warl_sourcecfg (d, value);
  if (value == old)
    return;
  if (child_of (d, source) != NULL)
    undelegate (child_of (d, source), source);
  d->sourcecfg[source] = value;
  if (!aplic_active (d, source))
    {
      make_inactive (d, source);
      return;
    }
  if (!was_active)
    d->target[source] = warl_target (d, 0);
  /* Into a level-sensitive mode with the input low: never pending, whatever was before. */
  input_changed (d, source, was);
}

void
aplic_write_target (struct riscv_aplic *d, uint32_t source, uint32_t value)
{
  if (aplic_active (d, source))
    d->target[source] = warl_target (d, value);
}

void
aplic_wire (struct riscv_aplic *root, uint32_t source, bool level)
{
  struct riscv_aplic *d = root;
  bool was;

  while (child_of (d, source) != NULL)
    d = child_of (d, source);
  was = aplic_rectified (d, source);
  if (level)
    root->state[source] |= APLIC_INPUT;
  else
    root->state[source] &= ~APLIC_INPUT;
  input_changed (d, source, was);
}

void
aplic_clear (struct riscv_aplic *d)
{
  uint32_t i;

  d->domaincfg = 0;
  d->mmsiaddrcfg = d->mmsiaddrcfgh = d->smsiaddrcfg = d->smsiaddrcfgh = 0;
  d->genmsi = 0;
  for (i = 0; i <= APLIC_MAX_SOURCES; i++)
    undelegate (d, i);
  memset (d->idelivery, 0, sizeof d->idelivery);
  memset (d->iforce, 0, sizeof d->iforce);
  memset (d->ithreshold, 0, sizeof d->ithreshold);
}

const char *
aplic_judge (const struct riscv_aplic *d, uint32_t source)
{
  uint32_t input = d->parent == NULL && source != 0 ? APLIC_INPUT : 0;
  bool active = source != 0 && aplic_active (d, source);

  if (d->sourcecfg[source] != (source != 0 ? warl_sourcecfg (d, d->sourcecfg[source]) : 0))
    return "sourcecfg";
  if (d->state[source] & ~(input | (active ? APLIC_READY : 0)))
    return "state";
  if (d->target[source] != (active ? warl_target (d, d->target[source]) : 0))
    return "target";
  return NULL;
}
