/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Committing: what was read and found good is written to the device.  Nothing here can be refused;
 * data first, all of it, then the hooks, inner ones first.
 */
#include "config.h"
#include "core/vmstate/stage.h"
#include <stdlib.h>
#include <string.h>
#include <godwit/clock.h>
#include "core/util/extension.h"

void *
gwt_stage_memory (struct gwt_stage *stage, uint64_t size, bool handed, struct gwt_error *err)
{
  void *p = NULL;

  if (size <= GWT_SCHEMA_BYTES_MAX - stage->bytes)
    p = handed ? calloc (1, size > 0 ? size : 1) : g_try_malloc0 (size > 0 ? size : 1);
  if (p == NULL)
    {
      gwt_error_set (err, GWT_E_NO_MEMORY,
                     "it wants %" G_GUINT64_FORMAT " bytes of memory, which are not to be had",
                     size);
      return NULL;
    }
  stage->bytes += size;
  g_ptr_array_add (handed ? stage->handed : stage->staged, p);
  return p;
}

void
gwt_stage_add (struct gwt_stage *stage, struct gwt_commit commit)
{
  g_array_append_val (stage->commits, commit);
}

/* ---- data ------------------------------------------------------------------------------------ */

/* Members inside the struct; what is behind a pointer has a commit of its own. */
static void
copy_members (const struct gwt_schema *schema, void *to, const void *from)
{
  uint64_t i, e;
  guint n;

  for (i = 0; i < schema->d.n_fields; i++)
    {
      const struct gwt_vm_field *f = &schema->fields[i];
      char *dest = (char *) to + f->offset;
      const char *src = (const char *) from + f->offset;

      if (f->flags & (GWT_VM_POINTER | GWT_VM_POINTERS))
        continue;
      switch (f->form)
        {
        case GWT_VM_SCALAR:
        case GWT_VM_BUFFER:
        case GWT_VM_BITMAP:
        case GWT_VM_DERIVED:
        case GWT_VM_CUSTOM:
          memcpy (dest, src, gwt_schema_member_size (f));
          break;
        case GWT_VM_STRUCT:
        case GWT_VM_VSTRUCT:
          for (e = 0; e < f->elems; e++)
            copy_members (schema->nested[i], dest + e * f->size, src + e * f->size);
          break;
        default:
          break;
        }
    }
  for (n = 0; n < schema->n_subsections; n++)
    copy_members (schema->subsections[n], to, from);
}

static bool
commit_list (const struct gwt_commit *c)
{
  struct gwt_vm_list list = gwt_schema_list (c->field);
  uint64_t i;

  list.clear (c->to);
  for (i = 0; i < c->n; i++)
    if (list.append (c->to, (const char *) c->from + i * list.element_size) != 0)
      return false;
  return true;
}

static bool
commit_tree (const struct gwt_commit *c)
{
  struct gwt_vm_tree tree = gwt_schema_tree (c->field);
  const char *at = c->from;
  uint64_t i;

  tree.clear (c->to);
  for (i = 0; i < c->n; i++, at += tree.key_size + tree.value_size)
    if (tree.insert (c->to, at, at + tree.key_size) != 0)
      return false;
  return true;
}

static bool
commit_data (const struct gwt_commit *c)
{
  const struct gwt_clock_api *clock;

  switch (c->kind)
    {
    case GWT_COMMIT_MEMBERS:
      copy_members (c->schema, c->to, c->from);
      return true;
    case GWT_COMMIT_BYTES:
      memcpy (c->to, c->from, c->n);
      return true;
    case GWT_COMMIT_POINTER:
      free (*(void **) c->to);
      *(void **) c->to = c->from;
      return true;
    case GWT_COMMIT_TIMER:
      clock = gwt_extension_find (GWT_CLOCK_EXT);
      if (clock != NULL)
        clock->timer_set (c->to, c->n);
      return true;
    case GWT_COMMIT_LIST:
      return commit_list (c);
    case GWT_COMMIT_TREE:
      return commit_tree (c);
    default:
      return true;
    }
}

bool
gwt_stage_commit (struct gwt_stage *stage, struct gwt_error *err)
{
  guint i;

  for (i = 0; i < stage->commits->len; i++)
    {
      const struct gwt_commit *c = &g_array_index (stage->commits, struct gwt_commit, i);

      if (c->kind == GWT_COMMIT_LOADING)
        c->schema->d.loading (c->to);
    }
  for (i = 0; i < stage->commits->len; i++)
    {
      const struct gwt_commit *c = &g_array_index (stage->commits, struct gwt_commit, i);

      if (!commit_data (c))
        gwt_error_set (err, GWT_E_NO_MEMORY, "field '%s': no memory for its elements",
                       c->field->name);
    }
  for (i = 0; i < stage->commits->len; i++)
    {
      const struct gwt_commit *c = &g_array_index (stage->commits, struct gwt_commit, i);

      if (c->kind == GWT_COMMIT_LOADED)
        c->schema->d.loaded (c->to, (uint32_t) c->n);
    }
  g_ptr_array_set_free_func (stage->handed, NULL);
  gwt_stage_free (stage);
  return !gwt_error_is_set (err);
}

void
gwt_stage_free (struct gwt_stage *stage)
{
  if (stage == NULL)
    return;
  g_array_free (stage->commits, TRUE);
  g_ptr_array_free (stage->handed, TRUE);
  g_ptr_array_free (stage->staged, TRUE);
  g_free (stage);
}
