/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A captured stream, taken apart: which items it has, which fields each section has by the
 * description at the stream's end, and what became of each page of RAM.  No device and no plugin is
 * needed, so that streams of other machines, releases and emulators can be read.
 *
 * What is read may be anything: lengths are judged before they are believed, and what is kept grows
 * with the file, not with what the file claims.
 */
#ifndef TOOLS_STREAM_CAPTURE_H
#define TOOLS_STREAM_CAPTURE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/migration/stream.h"
#include "core/util/error.h"
#include "core/util/text.h"
#include "core/vmstate/wire.h"

/* ---- the file (file.c) ----------------------------------------------------------------------- */

/* Bytes at any place.  A pipe is copied into an unnamed temporary file first: the description, by
   which sections are read, comes last. */
struct gwt_capture_file;

/* PATH "-": standard input.  The stream begins at byte OFFSET.  NULL with ERR set. */
struct gwt_capture_file *gwt_capture_file_open (const char *path, uint64_t offset,
                                                struct gwt_error *err);
/* Over SIZE bytes of DATA, which must stay as long. */
struct gwt_capture_file *gwt_capture_file_of_data (const void *data, uint64_t size);
void gwt_capture_file_free (struct gwt_capture_file *file);
uint64_t gwt_capture_file_size (const struct gwt_capture_file *file);
/* SIZE bytes from AT, counted from the stream's start. */
bool gwt_capture_file_read (struct gwt_capture_file *file, uint64_t at, void *buffer, gsize size,
                            struct gwt_error *err);
/* From its start; gwt_vm_in_free. */
struct gwt_vm_in *gwt_capture_file_in (struct gwt_capture_file *file);

/* ---- the description (description.c) --------------------------------------------------------- */

/* A value of the description's JSON.  Unlike json-c's, an object keeps members of the same name
   apart: a list has one set of members for each of its elements. */
struct gwt_described
{
  const char *key;  /* or NULL: in an array */
  const char *text; /* of a string */
  uint64_t number;
  enum
  {
    GWT_DESCRIBED_OTHER,
    GWT_DESCRIBED_NUMBER,
    GWT_DESCRIBED_TEXT,
    GWT_DESCRIBED_ARRAY,
    GWT_DESCRIBED_OBJECT
  } kind;
  struct gwt_described *first, *next;
};

struct gwt_description;

/* The one at the end of FILE; NULL where there is none, with ERR set where it is no JSON. */
struct gwt_description *gwt_description_find (struct gwt_capture_file *file, struct gwt_error *err);
void gwt_description_free (struct gwt_description *d);
uint64_t gwt_description_offset (const struct gwt_description *d);    /* of its tag */
uint64_t gwt_description_size (const struct gwt_description *d);      /* of the text */
uint64_t gwt_description_page_size (const struct gwt_description *d); /* 0: not said */
/* That of a section, or NULL. */
const struct gwt_described *gwt_description_device (const struct gwt_description *d,
                                                    const char *name, uint32_t instance);
/* The devices in their order: the first; `next` of each. */
const struct gwt_described *gwt_description_devices (const struct gwt_description *d);
/* Members of an object; NULL, 0 or false where there is none of that kind. */
const struct gwt_described *gwt_described_member (const struct gwt_described *object,
                                                  const char *key);
const char *gwt_described_text (const struct gwt_described *object, const char *key);
bool gwt_described_number (const struct gwt_described *object, const char *key, uint64_t *number);

/* ---- what is found (walk.c, fields.c, ram.c) ------------------------------------------------- */

/* A field, a struct, or a subsection. */
struct gwt_capture_node
{
  const char *name;
  const char *type;      /* as described; "subsection" for those */
  const char *schema;    /* of structs and subsections, else NULL */
  int64_t index;         /* in an array of structs; -1: in none */
  uint64_t offset, size; /* of one element */
  uint64_t count;        /* elements of a plain field, one behind another */
  uint32_t version;
  struct gwt_capture_node *first, *next;
};

enum gwt_capture_record
{
  GWT_CAPTURE_ZERO,
  GWT_CAPTURE_PAGE,
  GWT_CAPTURE_XBZRLE,
  GWT_CAPTURE_FLUSH,
  GWT_CAPTURE_KINDS
};
extern const char *const gwt_capture_record_names[GWT_CAPTURE_KINDS];

struct gwt_capture_block
{
  char *name;
  uint64_t length, guest_address;
  bool has_address;
  uint64_t records[GWT_CAPTURE_KINDS];
  uint64_t pages;     /* different ones that were sent */
  GHashTable *chunks; /* ram.c's */
};

struct gwt_capture_item
{
  enum gwt_stream_tag tag;
  uint64_t offset;       /* of the tag */
  uint64_t payload, end; /* of the first byte, and behind the last */
  uint32_t id, instance, version;
  const char *name;   /* of a section */
  const char *schema; /* or NULL: old style, iterative, or not known */
  struct gwt_capture_node *fields;
  bool delimited; /* by its footer alone, content not read */
  uint16_t command;
  uint64_t records[GWT_CAPTURE_KINDS]; /* of 'ram' */
  guint blocks;                        /* announced in it */
};

/* One rule of the format that is broken, where one can go on. */
struct gwt_capture_finding
{
  uint64_t offset;
  char *text;
};
#define GWT_CAPTURE_FINDINGS_MAX 100

struct gwt_capture
{
  struct gwt_capture_file *file;
  struct gwt_description *description; /* or NULL */
  struct gwt_vm_in *in;
  uint64_t page_size;
  char *machine;
  GPtrArray *capabilities; /* names */
  bool has_uuid, ignore_shared;
  uint8_t uuid[16];
  bool has_manifest;
  struct gwt_manifest *manifest; /* or NULL: none, or one with a finding */
  uint64_t manifest_offset, manifest_size;
  uint32_t manifest_flags; /* enum gwt_stream_manifest_flag */
  GPtrArray *items;    /* struct gwt_capture_item */
  GPtrArray *blocks;   /* struct gwt_capture_block, as they were announced */
  GArray *findings;    /* struct gwt_capture_finding */
  uint64_t n_findings; /* also those that were too many to keep */
  uint64_t ended;      /* offset of the end of items */
  /* Private. */
  GHashTable *handles;
  GHashTable *seen;
  GHashTable *block_names;
  struct gwt_capture_block *block; /* of the last record */
  uint64_t n_nodes;
  GPtrArray *arenas;
  gsize arena_used;
  GArray *deltas;
};

/* Told while it is read; each may be NULL. */
struct gwt_capture_ops
{
  void (*configured) (void *opaque, struct gwt_capture *c);
  void (*begin) (void *opaque, struct gwt_capture *c, struct gwt_capture_item *item);
  void (*record) (void *opaque, struct gwt_capture *c, enum gwt_capture_record kind,
                  uint64_t offset, const struct gwt_capture_block *block, uint64_t address);
  void (*end) (void *opaque, struct gwt_capture *c, struct gwt_capture_item *item);
};

/* Takes FILE. */
struct gwt_capture *gwt_capture_new (struct gwt_capture_file *file);
void gwt_capture_free (struct gwt_capture *c);
/* Read it to its last byte.  False with ERR set where it cannot be read on; what was found until
   then stays. */
bool gwt_capture_walk (struct gwt_capture *c, const struct gwt_capture_ops *ops, void *opaque,
                       struct gwt_error *err);
void gwt_capture_find (struct gwt_capture *c, uint64_t offset, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* Zeroed, as long as C; NULL with ERR set. */
void *gwt_capture_alloc (struct gwt_capture *c, gsize size, struct gwt_error *err);
const char *gwt_capture_command_name (uint16_t number); /* or NULL */
/* "SECTION" and " INSTANCE" where that is not 0, printable; g_free. */
char *gwt_capture_label (const struct gwt_capture_item *item);

/* The payload of ITEM by its description. */
bool gwt_capture_fields (struct gwt_capture *c, struct gwt_capture_item *item,
                         const struct gwt_described *device, struct gwt_error *err);
/* A payload of 'ram'. */
bool gwt_capture_ram (struct gwt_capture *c, struct gwt_capture_item *item,
                      const struct gwt_capture_ops *ops, void *opaque, struct gwt_error *err);
void gwt_capture_block_free (void *block);
/* The subsection's content; AT: where the subsection begins. */
bool gwt_capture_get_manifest (struct gwt_capture *c, uint64_t at, struct gwt_error *err);
/* ITEM announces a section: does the manifest, if there is one, say the same? */
void gwt_capture_judge_announced (struct gwt_capture *c, const struct gwt_capture_item *item);
/* What page NUMBER of BLOCK has at the stream's end, into BYTES of the page size. */
bool gwt_capture_page (struct gwt_capture *c, const struct gwt_capture_block *block,
                       uint64_t number, uint8_t *bytes, struct gwt_error *err);
/* Numbers of pages that were sent, ascending; g_array_unref. */
GArray *gwt_capture_pages (const struct gwt_capture *c, const struct gwt_capture_block *block);

/* ---- output ---------------------------------------------------------------------------------- */

/* An integer as it is in the stream: its value, and whether it is signed; false for other types. */
bool gwt_capture_is_integer (const struct gwt_capture_node *node, bool *is_signed);
/* Tree with offsets to standard output. ALL: whole buffers and each record of RAM. */
bool gwt_capture_show (struct gwt_capture *c, bool all, struct gwt_error *err);
bool gwt_capture_json (struct gwt_capture *c, const char *name, struct gwt_error *err);
/* The manifest alone, to standard output. */
bool gwt_capture_print_manifest (struct gwt_capture *c, struct gwt_error *err);
/* Differences to standard output. */
bool gwt_capture_same_manifest (const struct gwt_capture *a, const struct gwt_capture *b);
/* Differences to standard output; *SAME where there are none.  Both were walked. */
bool gwt_capture_diff (struct gwt_capture *a, struct gwt_capture *b, bool all, bool *same,
                       struct gwt_error *err);

#endif
