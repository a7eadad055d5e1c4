/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream: header, configuration, sections with their footers, commands, end, description.
 * Writes into an output and reads from an input; where those go is the channel's affair, and when
 * which section is sent is precopy's.
 *
 * The format is QEMU's, version 3.
 */
#ifndef CORE_MIGRATION_STREAM_H
#define CORE_MIGRATION_STREAM_H

#include "core/migration/entry.h"
#include "core/migration/manifest.h"

#define GWT_STREAM_MAGIC 0x5145564dU /* "QEVM" */
#define GWT_STREAM_VERSION 3

enum gwt_stream_tag
{
  GWT_STREAM_EOF = 0x00,
  GWT_STREAM_START = 0x01,
  GWT_STREAM_PART = 0x02,
  GWT_STREAM_END = 0x03,
  GWT_STREAM_FULL = 0x04,
  GWT_STREAM_SUBSECTION = 0x05,
  GWT_STREAM_DESCRIPTION = 0x06,
  GWT_STREAM_CONFIGURATION = 0x07,
  GWT_STREAM_COMMAND = 0x08,
  GWT_STREAM_FOOTER = 0x7e
};

/* What both ends must agree on before a section is read. */
struct gwt_stream_config
{
  const char *machine;             /* machine type, "virt-1.0"; NULL: it is not known yet */
  const char *const *capabilities; /* that are on and must be on at both ends; NULL-terminated */
  bool has_uuid;                   /* send it, and want it */
  uint8_t uuid[16];
  struct gwt_manifest *manifest; /* sent, borrowed; or NULL */
  uint32_t manifest_flags;       /* enum gwt_stream_manifest_flag */
};

enum gwt_stream_manifest_flag
{
  GWT_STREAM_CHECK_ONLY = 1 << 0, /* nothing follows */
  GWT_STREAM_WAITS = 1 << 1       /* the sender waits for a verdict */
};

/* ---- writing --------------------------------------------------------------------------------- */

void gwt_stream_put_header (struct gwt_vm_out *out);
/* DESCRIPTION (may be NULL): for gwt_stream_put_description. */
void gwt_stream_put_config (struct gwt_vm_out *out, const struct gwt_stream_config *config,
                            GString *description);
/* A section of ENTRY, which is live, around what its handler has to say: TAG is START (setup), PART
   (iterate; *DONE, unless NULL: nothing is left now) or END (complete). */
bool gwt_stream_put_piece (struct gwt_vm_out *out, enum gwt_stream_tag tag,
                           const struct gwt_entry *entry, bool *done, struct gwt_error *err);
/* ENTRY's state, whole; nothing where its schema does not need to be sent.  DEVICES (may be NULL)
   collects descriptions. */
bool gwt_stream_put_full (struct gwt_vm_out *out, const struct gwt_entry *entry, GString *devices,
                          struct gwt_error *err);
void gwt_stream_put_command (struct gwt_vm_out *out, uint16_t number, const void *data,
                             uint16_t size);
/* End of items, and the description of all sections; DEVICES stays as it is until the next
   drain. */
void gwt_stream_put_end (struct gwt_vm_out *out);
void gwt_stream_put_description (struct gwt_vm_out *out, const char *config, const char *devices);

/* ---- reading --------------------------------------------------------------------------------- */

struct gwt_stream_in;

struct gwt_stream_in_ops
{
  /* A command; DATA is SIZE bytes.  NULL: all are refused. */
  bool (*command) (void *opaque, uint16_t number, const uint8_t *data, uint16_t size,
                   struct gwt_error *err);
  /* What came in the configuration was read, and nothing else: may this end take the guest?
     MANIFEST is NULL where none came; MISFIT is set where it may not in any case.  NULL: it may.
     False with ERR set. */
  bool (*begins) (void *opaque, struct gwt_manifest *manifest, const struct gwt_error *misfit,
                  struct gwt_error *err);
  /* Around each section with a schema: the lock that devices' code wants.  Live ones have none. */
  void (*enter) (void *opaque);
  void (*leave) (void *opaque);
  /* Sections that must not come, and need not: their devices were left out.  NULL: none. */
  bool (*left_out) (const struct gwt_entry *entry);
};

/* Reads from IN, which stays the caller's.  CONFIG is this end's. */
struct gwt_stream_in *gwt_stream_in_new (struct gwt_vm_in *in,
                                         const struct gwt_stream_config *config,
                                         const struct gwt_stream_in_ops *ops, void *opaque);
void gwt_stream_in_free (struct gwt_stream_in *s); /* not committed: devices are as they were */
/* Header and configuration: refused here, before anything else, where the ends do not fit. */
bool gwt_stream_get_start (struct gwt_stream_in *s, struct gwt_error *err);
/* What the sender says of itself, borrowed, and enum gwt_stream_manifest_flag (FLAGS may be NULL);
   NULL: nothing.  Sections that contradict it are refused when they come. */
struct gwt_manifest *gwt_stream_manifest (const struct gwt_stream_in *s, uint32_t *flags);
/* Items up to the end.  Sections with a schema are staged; live ones go to their handlers as they
   come. */
bool gwt_stream_get_items (struct gwt_stream_in *s, struct gwt_error *err);
/* After the end: the description, if there is one, is read and dropped. */
bool gwt_stream_get_description (struct gwt_stream_in *s, struct gwt_error *err);
/* Every entry that has to come has come. */
bool gwt_stream_check_complete (struct gwt_stream_in *s, struct gwt_error *err);
/* Write all that was staged to the devices, in the order of the stream. */
bool gwt_stream_commit (struct gwt_stream_in *s, struct gwt_error *err);

#endif
