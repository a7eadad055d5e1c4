/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device's state on the wire: the schema of a section.
 *
 * A schema names, in order, what of a struct is sent and in which shape; the bytes are those of
 * QEMU's VMState (its documentation "Migration", sections VMState to Subsections).  All integers
 * are big-endian, nothing on the wire describes itself, so a schema is a promise: fields are added
 * behind others with a new version, or in a subsection, and never change otherwise.
 *
 * Loading is decode, check, commit.  The whole section is decoded into a staged copy of the struct,
 * and pre_load and post_load see and change that copy alone.  When all is good, and not before, the
 * members that the schema names (no others) are written to the device, and then `loaded` is called
 * with the device's own struct.  So a section that is refused has changed nothing.
 *
 * Everything here is called on [main] with vCPUs and the threads of back ends at rest.  Tables are
 * static const and live until the process ends.
 */
#ifndef GODWIT_VMSTATE_H
#define GODWIT_VMSTATE_H

#include <godwit/device.h>
#include <godwit/field.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gwt_vmstate;
struct gwt_vm_out; /* where a custom field writes */
struct gwt_vm_in;  /* where it reads */

/* Shape of a field. */
enum gwt_vm_form
{
  GWT_VM_SCALAR = 1000, /* an integer, bool or float64 of kind `wire`; in memory of kind `member` */
  GWT_VM_TIMER = 1100,  /* struct gwt_timer *: expiry in its clock's ns, all ones where not armed */
  GWT_VM_BUFFER = 2000, /* bytes as they are; `size` is 1, `elems` their number */
  GWT_VM_BITMAP = 2100, /* uint64_t words; the count is in bits */
  GWT_VM_UNUSED = 2200, /* `elems` bytes: zeros when sent, skipped when read */
  GWT_VM_STRUCT = 3000, /* a struct with a schema, and that schema's subsections behind it */
  GWT_VM_VSTRUCT = 3100, /* the same in the fixed version `struct_version` */
  /* A struct that exists only while it is sent or read; its first member is a pointer to the struct
     that has the field, and its hooks compute one from the other. */
  GWT_VM_TMP = 3200,
  GWT_VM_LIST = 4000,    /* 1 and an element, for each; then 0 */
  GWT_VM_TREE = 4100,    /* count; 1, key and value, for each; then 0 */
  GWT_VM_CHECK = 5000,   /* no bytes: `exists` must answer 1 at this point of a load */
  GWT_VM_DERIVED = 5100, /* no bytes: pre_load or post_load set the member, and it is committed */
  GWT_VM_CUSTOM = 6000   /* what `custom` writes and reads */
};

enum gwt_vm_flag
{
  GWT_VM_EQUAL = 1 << 0,    /* SCALAR: the value must be the one that is there, and stays */
  GWT_VM_AT_MOST = 1 << 1,  /* SCALAR, signed: 0 to the value that is there */
  GWT_VM_POINTER = 1 << 2,  /* the member points to the value, or to the first of the elements */
  GWT_VM_POINTERS = 1 << 3, /* an array of pointers; a marker stands for NULL on the wire */
  GWT_VM_COUNTED = 1 << 4,  /* so many elements as the count member says, which was read before */
  GWT_VM_ALLOC = 1 << 5,    /* with POINTER and COUNTED: malloc (3) on load, free (3) of what was;
                               with POINTERS: likewise for each element, and a marker stands before
                               those that are there too */
  GWT_VM_CPU_DOUBLE = 1 << 6, /* SCALAR of GWT_F64 that a description calls CPU_Double_U */
  GWT_VM_INLINE = 1 << 7      /* TMP: descriptions and messages have its fields in its place */
};

/* A chain of elements whose links are the device's own business. */
struct gwt_vm_list
{
  uint64_t struct_size;
  /* Name in descriptions, "qtailq" or "qlist". */
  const char *type;
  uint64_t element_size; /* bytes */
  uint64_t max;          /* elements */
  /* HEAD is the member.  NULL at the end. */
  void *(*first) (const void *head);
  void *(*next) (const void *element);
  /* Commit: drop all; add a copy of ELEMENT (element_size bytes) at the end.  What an element's
     ALLOC members point to is the list's from then on. */
  void (*clear) (void *head);
  int (*append) (void *head, const void *element); /* 0, or -1: no memory */
};

struct gwt_vm_tree
{
  uint64_t struct_size;
  uint64_t key_size, value_size; /* bytes; a key without a schema is a uint64_t */
  uint64_t max;                  /* nodes */
  const struct gwt_vmstate *key; /* or NULL */
  uint64_t (*count) (const void *head);
  /* The node after NODE in order of keys, the first for NULL; NULL at the end. */
  void *(*next) (const void *head, const void *node);
  void *(*node_key) (void *node);
  void *(*node_value) (void *node);
  void (*clear) (void *head);
  int (*insert) (void *head, const void *key, const void *value); /* copies; 0, or -1 */
};

struct gwt_vm_field;

/* A field with code of its own: what the other forms cannot say. */
struct gwt_vm_custom
{
  uint64_t struct_size;
  const char *type; /* name in descriptions, "pci config" */
  int (*put) (const void *member, const struct gwt_vm_field *field, struct gwt_vm_out *out,
              struct gwt_error *err);
  /* MEMBER is the staged one. */
  int (*get) (void *member, const struct gwt_vm_field *field, struct gwt_vm_in *in,
              struct gwt_error *err);
};

/* One field; made with the macros below. */
struct gwt_vm_field
{
  const char *name; /* in descriptions and messages */
  uint32_t form;    /* enum gwt_vm_form */
  uint32_t flags;   /* enum gwt_vm_flag */
  uint32_t wire;    /* SCALAR: enum gwt_kind on the wire */
  uint32_t member;  /* SCALAR: enum gwt_kind in memory; a value that does not fit is refused */
  uint64_t offset;  /* of the member in the struct, bytes */
  uint64_t size;    /* of one element in memory, bytes */
  uint64_t elems;   /* how many; COUNTED: the most there may be, 0: as many as there are now */
  uint64_t scale;   /* COUNTED: elements for each 1 of the count; 0 means 1 */
  uint64_t count_offset; /* COUNTED, BITMAP: of the count member */
  uint32_t count_kind;
  uint32_t version;        /* there from this version of the schema on */
  uint32_t struct_version; /* VSTRUCT */
  uint32_t reserved_1;
  uint64_t min, max; /* bounds of a SCALAR, both 0: none */
  const struct gwt_vmstate *schema; /* STRUCT, VSTRUCT, TMP, LIST; TREE: of a value */
  /* Name of a bool property of the device: there where it is on. */
  const char *when;
  /* There where this answers 1; then VERSION decides nothing.  SELF is the struct. */
  uint32_t (*exists) (const void *self, uint32_t version);
  const struct gwt_vm_list *list;
  const struct gwt_vm_tree *tree;
  const struct gwt_vm_custom *custom;
};

enum gwt_vm_priority
{
  GWT_VM_PRIORITY_DEFAULT = 0,
  GWT_VM_PRIORITY_IOMMU = 1000,
  GWT_VM_PRIORITY_PCI_BUS = 2000,
  GWT_VM_PRIORITY_MEMORY = 3000,
  GWT_VM_PRIORITY_INTERRUPT = 8000 /* interrupt controllers, before what they interrupt */
};

/* The schema of a section, of a struct in it, or of a subsection. */
struct gwt_vmstate
{
  uint64_t struct_size;
  const char *name;    /* of the section; a subsection's is its owner's, a slash, and more */
  uint32_t version;    /* that is sent */
  uint32_t minimum;    /* the oldest that is read */
  uint32_t priority;   /* of a section: higher ones are sent, and so loaded, first */
  uint32_t reserved_1;
  uint64_t size;       /* bytes of the struct that it describes */
  const struct gwt_vm_field *fields;
  uint64_t field_size; /* sizeof (struct gwt_vm_field) where the plugin was built */
  uint64_t n_fields;
  const struct gwt_vmstate *const *subsections; /* ended by NULL; or NULL */

  /* Each optional.  A subsection (and a section) is sent where `needed` answers 1. */
  uint32_t (*needed) (const void *self);
  /* Before its fields are written; -1 with ERR set ends the migration, the guest goes on. */
  int (*pre_save) (void *self, struct gwt_error *err);
  /* After its subsections are written, or after something in it has failed. */
  void (*post_save) (void *self);
  /* SELF is the staged struct.  Before its fields are read: defaults of what an older stream does
     not have. */
  int (*pre_load) (void *self, struct gwt_error *err);
  /* SELF is the staged struct.  After its fields and subsections; VERSION is what was read. */
  int (*post_load) (void *self, uint32_t version, struct gwt_error *err);
  /* SELF is the device's own.  Committed: drive lines, set timers, map memory.  Inner ones first.
   */
  void (*loaded) (void *self, uint32_t version);

  /* Instead of fields: a section whose bytes are the device's own business, in a description one
     buffer named "data".  Both, or neither.  FIELDS then has GWT_VM_COMPUTED rows alone, for the
     members that `load` sets in the staged struct; there are no subsections. */
  int (*save) (const void *self, struct gwt_vm_out *out, struct gwt_error *err);
  int (*load) (void *self, uint32_t version, struct gwt_vm_in *in, struct gwt_error *err);
  /* SELF is the device's own.  All was found good and nothing is committed yet: stop what works
     with the state that was there before. */
  void (*loading) (void *self);
  /* A subsection, or a section: name of a bool property of the device, sent where that is on (and
     `needed`, if any, answers 1).  What hangs on a property is told before a migration begins, and
     so need not wait for the stream to be found unknown at the other end; where it comes all the
     same and the property is off, it is refused by the property's name.  NULL: always. */
  const char *when;
};

#define GWT_VMSTATE_EXT "gwt.vmstate/1"

/* Host extension "gwt.vmstate/1": for custom fields, and for `save` and `load`.  After the end of
   the stream, or once something was wrong, reads give zeros and the load fails. */
struct gwt_vmstate_api
{
  uint64_t struct_size;
  void (*put) (struct gwt_vm_out *out, const void *bytes, uint64_t size);
  void (*put_be) (struct gwt_vm_out *out, uint32_t size, uint64_t value); /* size 1, 2, 4, 8 */
  int (*get) (struct gwt_vm_in *in, void *bytes, uint64_t size, struct gwt_error *err);
  int (*get_be) (struct gwt_vm_in *in, uint32_t size, uint64_t *value, struct gwt_error *err);
  /* Write MEMORY's SIZE bytes to TARGET when the section is committed; the bytes are copied. */
  int (*commit_later) (struct gwt_vm_in *in, void *target, const void *bytes, uint64_t size,
                       struct gwt_error *err);
  /* A struct that is not behind the field (a parent's part) with its own schema, inside a custom
     field: its fields and subsections in the version that is sent. */
  int (*put_state) (struct gwt_vm_out *out, const struct gwt_vmstate *vmstate, void *self,
                    struct gwt_error *err);
  /* The same read: SELF is the struct that it is committed to with the section, whose hooks run as
     they do for any other.  The staged copy, which lives until then and may still be changed; NULL
     with ERR set. */
  void *(*get_state) (struct gwt_vm_in *in, const struct gwt_vmstate *vmstate, void *self,
                      struct gwt_error *err);
  /* SIZE zeroed bytes, while a custom field is read: the device's to free (3) once the section is
     committed (commit_later () tells it where they are), the host's where it is refused.  NULL with
     ERR set. */
  void *(*alloc) (struct gwt_vm_in *in, uint64_t size, struct gwt_error *err);
};

#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L

/* 0 where EXPRESSION has type TYPE; else it does not compile. */
#define GWT_VM_IS(expression, type) (0 * _Generic ((expression), type: 1))
/* 0 where the member is an integer, bool or double. */
#define GWT_VM_IS_SCALAR(expression)                                                               \
  (0 * sizeof (char[GWT_KIND_OF (expression) < GWT_STR ? 1 : -1]))
#define GWT_VM_AT(T, m) (((T *) 0)->m)

#define GWT_VM_SCALAR_(T, m, e, n, ...)                                                            \
  { .name = #m, .form = GWT_VM_SCALAR, .wire = GWT_KIND_OF (GWT_VM_AT (T, e)),                     \
    .member = GWT_KIND_OF (GWT_VM_AT (T, e)), .offset = offsetof (T, m),                           \
    .size = sizeof (GWT_VM_AT (T, e)) + GWT_VM_IS_SCALAR (GWT_VM_AT (T, e)), .elems = n,           \
    __VA_ARGS__ }
/* An integer, bool or float64.  Further members of the field may follow: .version = 2, .exists =
   f, .when = "property", .min = 1, .max = 8; another name in _NAMED. */
#define GWT_VM_VALUE_NAMED(T, m, NAME, ...)                                                        \
  { .name = NAME, .form = GWT_VM_SCALAR, .wire = GWT_KIND_OF (GWT_VM_AT (T, m)),                   \
    .member = GWT_KIND_OF (GWT_VM_AT (T, m)), .offset = offsetof (T, m),                           \
    .size = sizeof (GWT_VM_AT (T, m)) + GWT_VM_IS_SCALAR (GWT_VM_AT (T, m)), .elems = 1,           \
    __VA_ARGS__ }
#define GWT_VM_VALUE(T, m, ...) GWT_VM_SCALAR_ (T, m, m, 1, __VA_ARGS__)
/* The same, on the wire of another kind: GWT_U32. */
#define GWT_VM_VALUE_AS(T, m, WIRE, ...)                                                           \
  { .name = #m, .form = GWT_VM_SCALAR, .wire = WIRE, .member = GWT_KIND_OF (GWT_VM_AT (T, m)),     \
    .offset = offsetof (T, m),                                                                     \
    .size = sizeof (GWT_VM_AT (T, m)) + GWT_VM_IS_SCALAR (GWT_VM_AT (T, m)), .elems = 1,           \
    __VA_ARGS__ }
#define GWT_VM_VALUE_EQUAL(T, m, ...)                                                              \
  GWT_VM_SCALAR_ (T, m, m, 1, .flags = GWT_VM_EQUAL, __VA_ARGS__)
#define GWT_VM_VALUE_AT_MOST(T, m, ...)                                                            \
  GWT_VM_SCALAR_ (T, m, m, 1, .flags = GWT_VM_AT_MOST, __VA_ARGS__)
/* All of a C array; elements FIRST to FIRST + N - 1; all of a two-dimensional one. */
#define GWT_VM_ARRAY(T, m, ...)                                                                    \
  GWT_VM_SCALAR_ (T, m, m[0], GWT_ELEMS (T, m), __VA_ARGS__)
#define GWT_VM_SUB_ARRAY(T, m, first, n, ...)                                                      \
  { .name = #m, .form = GWT_VM_SCALAR, .wire = GWT_KIND_OF (GWT_VM_AT (T, m[0])),                  \
    .member = GWT_KIND_OF (GWT_VM_AT (T, m[0])),                                                   \
    .offset = offsetof (T, m) + (first) * sizeof (GWT_VM_AT (T, m[0]))                             \
              + 0 * sizeof (char[(first) + (n) <= GWT_ELEMS (T, m) ? 1 : -1]),                     \
    .size = sizeof (GWT_VM_AT (T, m[0])) + GWT_VM_IS_SCALAR (GWT_VM_AT (T, m[0])), .elems = n,     \
    __VA_ARGS__ }
#define GWT_VM_ARRAY_2D(T, m, ...)                                                                 \
  GWT_VM_SCALAR_ (T, m, m[0][0], sizeof (GWT_VM_AT (T, m)) / sizeof (GWT_VM_AT (T, m[0][0])),      \
                  __VA_ARGS__)

/* The members that say how many. */
#define GWT_VM_COUNT(T, count)                                                                     \
  .count_offset = offsetof (T, count), .count_kind = GWT_KIND_OF (GWT_VM_AT (T, count))
/* So many elements of a C array as COUNT says. */
#define GWT_VM_ARRAY_COUNTED(T, m, count, ...)                                                     \
  GWT_VM_SCALAR_ (T, m, m[0], GWT_ELEMS (T, m), .flags = GWT_VM_COUNTED, GWT_VM_COUNT (T, count),  \
                  __VA_ARGS__)
/* What the member points to: one value; COUNT values, not more than are there; COUNT values that
   are allocated on load, MOST at the most. */
#define GWT_VM_POINTED(T, m, ...)                                                                  \
  GWT_VM_SCALAR_ (T, m, m[0], 1, .flags = GWT_VM_POINTER, __VA_ARGS__)
#define GWT_VM_POINTED_COUNTED(T, m, count, ...)                                                   \
  GWT_VM_SCALAR_ (T, m, m[0], 0, .flags = GWT_VM_POINTER | GWT_VM_COUNTED,                         \
                  GWT_VM_COUNT (T, count), __VA_ARGS__)
#define GWT_VM_ALLOCATED(T, m, count, most, ...)                                                   \
  GWT_VM_SCALAR_ (T, m, m[0], most, .flags = GWT_VM_POINTER | GWT_VM_COUNTED | GWT_VM_ALLOC,       \
                  GWT_VM_COUNT (T, count), __VA_ARGS__)

#define GWT_VM_BYTES_(T, m, start, n, ...)                                                         \
  { .name = #m, .form = GWT_VM_BUFFER, .offset = offsetof (T, m) + (start),                        \
    .size = 1 + GWT_VM_IS (GWT_VM_AT (T, m[0]), uint8_t), .elems = n, __VA_ARGS__ }
/* A uint8_t array; bytes START to START + N - 1 of one. */
#define GWT_VM_BYTES(T, m, ...) GWT_VM_BYTES_ (T, m, 0, sizeof (GWT_VM_AT (T, m)), __VA_ARGS__)
#define GWT_VM_BYTES_PART(T, m, start, n, ...)                                                     \
  GWT_VM_BYTES_ (T, m, (start) + 0 * sizeof (char[(start) + (n) <= GWT_ELEMS (T, m) ? 1 : -1]), n, \
                 __VA_ARGS__)
/* COUNT bytes behind a pointer: as many as are there at the most; allocated on load. */
#define GWT_VM_BYTES_POINTED(T, m, count, ...)                                                     \
  GWT_VM_BYTES_ (T, m, 0, 0, .flags = GWT_VM_POINTER | GWT_VM_COUNTED, GWT_VM_COUNT (T, count),    \
                 __VA_ARGS__)
#define GWT_VM_BYTES_ALLOCATED(T, m, count, most, ...)                                             \
  GWT_VM_BYTES_ (T, m, 0, most, .flags = GWT_VM_POINTER | GWT_VM_COUNTED | GWT_VM_ALLOC,           \
                 GWT_VM_COUNT (T, count), __VA_ARGS__)
/* Words of 64 bits, COUNT bits of them: in a C array; behind a pointer. */
#define GWT_VM_BITS(T, m, count, ...)                                                              \
  { .name = #m, .form = GWT_VM_BITMAP, .flags = GWT_VM_COUNTED, .offset = offsetof (T, m),         \
    .size = 8 + GWT_VM_IS (GWT_VM_AT (T, m[0]), uint64_t),                                         \
    .elems = sizeof (GWT_VM_AT (T, m)) / 8, GWT_VM_COUNT (T, count), __VA_ARGS__ }
#define GWT_VM_BITS_POINTED(T, m, count, ...)                                                      \
  { .name = #m, .form = GWT_VM_BITMAP, .flags = GWT_VM_POINTER | GWT_VM_COUNTED,                   \
    .offset = offsetof (T, m), .size = 8 + GWT_VM_IS (GWT_VM_AT (T, m[0]), uint64_t), .elems = 0,  \
    GWT_VM_COUNT (T, count), __VA_ARGS__ }
/* N bytes that nothing uses any more. */
#define GWT_VM_NOTHING(n, ...)                                                                     \
  { .name = "unused", .form = GWT_VM_UNUSED, .size = 1, .elems = n, __VA_ARGS__ }
#define GWT_VM_TIMED(T, m, ...)                                                                    \
  { .name = #m, .form = GWT_VM_TIMER, .offset = offsetof (T, m),                                   \
    .size = sizeof (GWT_VM_AT (T, m)) + GWT_VM_IS (GWT_VM_AT (T, m), struct gwt_timer *),          \
    .elems = 1, __VA_ARGS__ }
#define GWT_VM_TIMED_ARRAY(T, m, ...)                                                              \
  { .name = #m, .form = GWT_VM_TIMER, .offset = offsetof (T, m),                                   \
    .size = sizeof (GWT_VM_AT (T, m[0])) + GWT_VM_IS (GWT_VM_AT (T, m[0]), struct gwt_timer *),    \
    .elems = GWT_ELEMS (T, m), __VA_ARGS__ }
#define GWT_VM_TIMED_COUNTED(T, m, count, ...)                                                     \
  { .name = #m, .form = GWT_VM_TIMER, .flags = GWT_VM_COUNTED, .offset = offsetof (T, m),          \
    .size = sizeof (GWT_VM_AT (T, m[0])) + GWT_VM_IS (GWT_VM_AT (T, m[0]), struct gwt_timer *),    \
    .elems = GWT_ELEMS (T, m), GWT_VM_COUNT (T, count), __VA_ARGS__ }

#define GWT_VM_STRUCT_(T, m, e, n, S, SCHEMA, ...)                                                 \
  { .name = #m, .form = GWT_VM_STRUCT, .offset = offsetof (T, m),                                  \
    .size = sizeof (S) + GWT_VM_IS (GWT_VM_AT (T, e), S), .elems = n, .schema = SCHEMA,            \
    __VA_ARGS__ }
/* A struct of type S: the member; elements of a C array; behind pointers, as above. */
#define GWT_VM_NESTED(T, m, S, SCHEMA, ...) GWT_VM_STRUCT_ (T, m, m, 1, S, SCHEMA, __VA_ARGS__)
#define GWT_VM_NESTED_ARRAY(T, m, S, SCHEMA, ...)                                                  \
  GWT_VM_STRUCT_ (T, m, m[0], GWT_ELEMS (T, m), S, SCHEMA, __VA_ARGS__)
#define GWT_VM_NESTED_COUNTED(T, m, count, S, SCHEMA, ...)                                         \
  GWT_VM_STRUCT_ (T, m, m[0], GWT_ELEMS (T, m), S, SCHEMA, .flags = GWT_VM_COUNTED,                \
                  GWT_VM_COUNT (T, count), __VA_ARGS__)
#define GWT_VM_NESTED_POINTED(T, m, S, SCHEMA, ...)                                                \
  GWT_VM_STRUCT_ (T, m, m[0], 1, S, SCHEMA, .flags = GWT_VM_POINTER, __VA_ARGS__)
#define GWT_VM_NESTED_POINTED_COUNTED(T, m, count, S, SCHEMA, ...)                                 \
  GWT_VM_STRUCT_ (T, m, m[0], 0, S, SCHEMA, .flags = GWT_VM_POINTER | GWT_VM_COUNTED,              \
                  GWT_VM_COUNT (T, count), __VA_ARGS__)
#define GWT_VM_NESTED_ALLOCATED(T, m, count, most, S, SCHEMA, ...)                                 \
  GWT_VM_STRUCT_ (T, m, m[0], most, S, SCHEMA,                                                     \
                  .flags = GWT_VM_POINTER | GWT_VM_COUNTED | GWT_VM_ALLOC,                         \
                  GWT_VM_COUNT (T, count), __VA_ARGS__)
/* A C array of pointers to S, some of them NULL: here and at the other end the same ones. */
#define GWT_VM_NESTED_POINTERS(T, m, S, SCHEMA, ...)                                               \
  GWT_VM_STRUCT_ (T, m, m[0][0], GWT_ELEMS (T, m), S, SCHEMA, .flags = GWT_VM_POINTERS,            \
                  __VA_ARGS__)
/* The same where NULL or not is part of the state: what is there is allocated on load, and what was
   is freed. */
#define GWT_VM_NESTED_POINTERS_ALLOCATED(T, m, S, SCHEMA, ...)                                     \
  GWT_VM_STRUCT_ (T, m, m[0][0], GWT_ELEMS (T, m), S, SCHEMA,                                      \
                  .flags = GWT_VM_POINTERS | GWT_VM_ALLOC, __VA_ARGS__)
#define GWT_VM_NESTED_VERSION(T, m, S, SCHEMA, VERSION, ...)                                       \
  { .name = #m, .form = GWT_VM_VSTRUCT, .offset = offsetof (T, m),                                 \
    .size = sizeof (S) + GWT_VM_IS (GWT_VM_AT (T, m), S), .elems = 1, .schema = SCHEMA,            \
    .struct_version = VERSION, __VA_ARGS__ }
/* TMP is the struct that exists for the while. */
#define GWT_VM_WITH(T, TMP, SCHEMA, ...)                                                           \
  { .name = #TMP, .form = GWT_VM_TMP,                                                              \
    .size = sizeof (TMP) + GWT_VM_IS (((TMP *) 0)->parent, T *)                                    \
            + 0 * sizeof (char[offsetof (TMP, parent) == 0 ? 1 : -1]),                             \
    .elems = 1, .schema = SCHEMA, __VA_ARGS__ }
/* The same for a struct whose members all differ from what is sent: the fields of SCHEMA, which has
   no subsections, are in descriptions and messages as if they were the owner's. */
#define GWT_VM_AS(T, TMP, SCHEMA) GWT_VM_WITH (T, TMP, SCHEMA, .flags = GWT_VM_INLINE)
#define GWT_VM_CHAIN(T, m, LIST, SCHEMA, ...)                                                      \
  { .name = #m, .form = GWT_VM_LIST, .offset = offsetof (T, m), .size = sizeof (GWT_VM_AT (T, m)), \
    .elems = 1, .list = LIST, .schema = SCHEMA, __VA_ARGS__ }
#define GWT_VM_MAP(T, m, TREE, SCHEMA, ...)                                                        \
  { .name = #m, .form = GWT_VM_TREE, .offset = offsetof (T, m), .size = sizeof (GWT_VM_AT (T, m)), \
    .elems = 1, .tree = TREE, .schema = SCHEMA, __VA_ARGS__ }
/* FN (self, version) must be 1 here; NAME is in the message where it is not. */
#define GWT_VM_VALID(NAME, FN) { .name = NAME, .form = GWT_VM_CHECK, .elems = 1, .exists = FN }
#define GWT_VM_COMPUTED(T, m)                                                                      \
  { .name = #m, .form = GWT_VM_DERIVED, .offset = offsetof (T, m),                                 \
    .size = sizeof (GWT_VM_AT (T, m)), .elems = 1 }
#define GWT_VM_OWN(T, m, CUSTOM, ...)                                                              \
  { .name = #m, .form = GWT_VM_CUSTOM, .offset = offsetof (T, m),                                  \
    .size = sizeof (GWT_VM_AT (T, m)), .elems = 1, .custom = CUSTOM, __VA_ARGS__ }
/* A custom field of the struct as a whole: CUSTOM gets the struct; what it sets has rows of its
   own, GWT_VM_COMPUTED ones. */
#define GWT_VM_OWN_PART(NAME, CUSTOM, ...)                                                         \
  { .name = NAME, .form = GWT_VM_CUSTOM, .elems = 1, .custom = CUSTOM, __VA_ARGS__ }

/* A schema of struct T with the rows of array FIELDS; further members may follow. */
#define GWT_VMSTATE(T, NAME, VERSION, MINIMUM, FIELDS, ...)                                        \
  { .struct_size = sizeof (struct gwt_vmstate), .name = NAME, .version = VERSION,                  \
    .minimum = MINIMUM, .size = sizeof (T), .fields = FIELDS,                                      \
    .field_size = sizeof (struct gwt_vm_field), .n_fields = GWT_COUNT (FIELDS), __VA_ARGS__ }

#endif

#ifdef __cplusplus
}
#endif

#endif
