/* SPDX-License-Identifier: BSD-2-Clause */
/* A section that was read and not yet committed: what load.c leaves for commit.c. */
#ifndef CORE_VMSTATE_STAGE_H
#define CORE_VMSTATE_STAGE_H

#include "core/vmstate/internal.h"

enum gwt_commit_kind
{
  GWT_COMMIT_MEMBERS, /* the members that `schema` names, from `from` to `to` */
  GWT_COMMIT_BYTES,   /* `n` bytes */
  GWT_COMMIT_POINTER, /* `to` is a pointer: free what it points to, point it at `from` */
  GWT_COMMIT_TIMER,   /* `to` is a timer, `n` its expiry */
  GWT_COMMIT_LIST,    /* `to` is a list's head, `from` has `n` elements for it */
  GWT_COMMIT_TREE,    /* likewise; a key and a value for each node */
  GWT_COMMIT_LOADING, /* call `schema`'s hook with `to`, before any of the above */
  GWT_COMMIT_LOADED   /* call `schema`'s hook with `to`; `n` is the version */
};

struct gwt_commit
{
  enum gwt_commit_kind kind;
  const struct gwt_schema *schema;
  const struct gwt_vm_field *field;
  void *to;
  void *from;
  uint64_t n;
};

struct gwt_stage
{
  GArray *commits;    /* struct gwt_commit, in the order of the stream */
  GPtrArray *staged;  /* memory of this stage, freed with it */
  GPtrArray *handed;  /* malloc'ed, the device's after a commit, freed without one */
  uint64_t bytes;     /* in both */
};

/* SIZE zeroed bytes of STAGE; NULL with ERR set.  HANDED: from malloc, for the device to keep. */
void *gwt_stage_memory (struct gwt_stage *stage, uint64_t size, bool handed,
                        struct gwt_error *err);
void gwt_stage_add (struct gwt_stage *stage, struct gwt_commit commit);

#endif
