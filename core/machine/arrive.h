/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a guest arrives: which machine stands in this process while one is awaited.  The options
 * may leave all or some of it to the guest, whose manifest tells the rest.  All [main].
 */
#ifndef CORE_MACHINE_ARRIVE_H
#define CORE_MACHINE_ARRIVE_H

#include "core/machine/machine.h"
#include "core/migration/preflight.h"

struct gwt_arrival
{
  /* Who else holds the machine: changes with it.  NULL in it: there was no -M, none stands. */
  struct gwt_machine **slot;
  /* What the options say; where *SLOT is none, `machine` is NULL.  Borrowed, as all in it. */
  struct gwt_machine_config config;
  /* Has all that was given its use?  Asked where the machine is the guest's. */
  bool (*used) (void *data, struct gwt_error *err);
  void *data;
};

/* *SLOT, if any, stands. */
void gwt_arrival_begin (const struct gwt_arrival *with);
/* The guest that SOURCE describes is to come.  Unless RESULT (which need not be initialized)
   refuses it, the machine is now one that it fits in.  JUDGE: compare, else only take over what can
   be.  CHECK_ONLY: say what would be, and leave all as it was. */
void gwt_arrival_prepare (const struct gwt_manifest *source, bool judge, bool check_only,
                          struct gwt_preflight *result);
/* It does not come: the machine is as the options say again. */
void gwt_arrival_undo (void);
/* SOURCE's guest was put into the machine that stands, which has not changed for it: what of the
   guest's values its user had chosen goes on from here. */
void gwt_arrival_loaded (struct gwt_manifest *source);
/* Devices are gone; *SLOT stays the caller's. */
void gwt_arrival_finish (void);

#endif
