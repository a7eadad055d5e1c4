/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the guest is stopped.  As soon as what is left can be sent within the downtime that is
 * allowed it may be; but where one more round would at least halve what is left, that round is made
 * first, while the guest still runs.  Pure arithmetic: it must not know what is sent.
 */
#ifndef CORE_MIGRATION_SWITCHOVER_H
#define CORE_MIGRATION_SWITCHOVER_H

#include <stdbool.h>
#include <stdint.h>

/* Of one migration. */
struct gwt_switchover
{
  bool one_more;    /* the guest may be stopped, and a round is made before */
  unsigned rounds;  /* of that kind so far */
  int64_t looked;   /* microseconds: when dirty pages were collected last */
};

/* [any] It begins, at NOW. */
void gwt_switchover_begin (struct gwt_switchover *s, int64_t now);
/* [any] May it be time, by what is ESTIMATEd to be left, so that dirty pages should be collected?
   THRESHOLD: bytes that may be left when the guest stands; RATE: bytes/s, 0 where not known. */
bool gwt_switchover_is_near (const struct gwt_switchover *s, uint64_t estimate,
                             uint64_t threshold, double rate);
/* [any] Dirty pages were collected at NOW, and LEFT bytes are left where ESTIMATE seemed to be: is
   the guest stopped? */
bool gwt_switchover_is_now (struct gwt_switchover *s, uint64_t estimate, uint64_t left,
                            uint64_t threshold, double rate, int64_t now);

#endif
