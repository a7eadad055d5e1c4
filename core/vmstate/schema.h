/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schemas of godwit/vmstate.h as the core works with them: judged once, of one layout whatever the
 * plugin was built with.
 */
#ifndef CORE_VMSTATE_SCHEMA_H
#define CORE_VMSTATE_SCHEMA_H

#include <glib.h>
#include <stdbool.h>
#include <godwit/vmstate.h>
#include "core/util/error.h"

struct gwt_schema
{
  struct gwt_vmstate d;        /* normalized; strings belong to the plugin */
  struct gwt_vm_field *fields; /* d.n_fields, normalized */
  struct gwt_schema **nested;  /* of each field; NULL where it has none */
  struct gwt_schema **keys;    /* of each field that is a tree */
  struct gwt_schema **subsections;
  guint n_subsections;
  char **names; /* of each field in a description, names that come twice told apart */
};

/* Schemas in schemas. */
#define GWT_SCHEMA_DEPTH_MAX 16
/* Elements that one count may ask for, whatever its field says; and bytes of them. */
#define GWT_SCHEMA_ELEMENTS_MAX ((uint64_t) 1 << 24)
#define GWT_SCHEMA_BYTES_MAX ((uint64_t) 1 << 30)

/* Judge VMSTATE and all schemas in it: names, forms, kinds, that every member is inside its struct,
   counts that are read before they are used, names of subsections.  The answer lives until the
   process ends, the same for the same VMSTATE.  NULL with ERR set. */
const struct gwt_schema *gwt_schema_of (const struct gwt_vmstate *vmstate, struct gwt_error *err);

/* A list or tree of FIELD with what a plugin built for an older header lacks left out. */
struct gwt_vm_list gwt_schema_list (const struct gwt_vm_field *field);
struct gwt_vm_tree gwt_schema_tree (const struct gwt_vm_field *field);

/* Bytes of FIELD's member itself: what a commit copies, for a pointer the pointer. */
uint64_t gwt_schema_member_size (const struct gwt_vm_field *field);
/* What a schema does with a byte of its struct; in order of strength. */
enum gwt_covered
{
  GWT_COVERED_NOT,
  GWT_COVERED_KEPT,   /* compared, or of a pointer to what is saved: a load leaves it as it is */
  GWT_COVERED_WRITTEN /* a load writes it */
};

/* For each byte of SCHEMA's struct, enum gwt_covered (for a pointer: of the pointer).  g_free. */
uint8_t *gwt_schema_covered (const struct gwt_schema *schema);
/* Value of an integer member at P; false where it is negative. */
bool gwt_schema_read_count (const void *p, uint32_t kind, uint64_t *value);

#endif
