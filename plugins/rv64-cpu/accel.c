/* SPDX-License-Identifier: BSD-2-Clause */
/* Life of a hart's throw-away state: made at realize, emptied at reset, freed at unrealize. */
#include <stdlib.h>
#include <string.h>

#include "accel.h"

int
rv_accel_new (struct rv_hart *h)
{
  struct rv_accel *a = calloc (1, sizeof *a);
  if (a == NULL)
    return -1;
  h->accel = a;
  a->handlers = rv_handlers ();
  a->serial = 1;
  h->code_epoch = 1;
  if (rv_blocks_new (h) != 0)
    {
      rv_blocks_free (h);
      free (a);
      h->accel = NULL;
      return -1;
    }
  rv_atomics_count (1);
  rv_context_changed (h);
  return 0;
}

void
rv_accel_free (struct rv_hart *h)
{
  if (h->accel == NULL)
    return;
  rv_atomics_count (-1);
  rv_blocks_free (h);
  free (h->accel);
  h->accel = NULL;
}

void
rv_accel_reset (struct rv_hart *h)
{
  struct rv_accel *a = h->accel;
  if (a == NULL)
    return;
  memset (&a->span_load, 0, sizeof a->span_load);
  memset (&a->span_store, 0, sizeof a->span_store);
  h->res_host = NULL;
  rv_tlb_flush_all (h);
  rv_blocks_clear (h);
}
