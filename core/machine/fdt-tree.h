/* SPDX-License-Identifier: BSD-2-Clause */
/* A device tree while it is being made; devices see it as "gwt.fdt/1". */
#ifndef CORE_MACHINE_FDT_TREE_H
#define CORE_MACHINE_FDT_TREE_H

#include <glib.h>
#include <godwit/fdt.h>
#include "core/machine/file.h"
#include "core/util/error.h"

#define GWT_FDT_SIZE_MAX (1u << 20)

struct gwt_fdt_node;

extern const struct gwt_fdt_api gwt_fdt_ext;

struct gwt_fdt *gwt_fdt_new (void);
void gwt_fdt_free (struct gwt_fdt *fdt);
struct gwt_fdt_node *gwt_fdt_root (struct gwt_fdt *fdt);
/* Child NAME of PARENT, made where it is not there. */
struct gwt_fdt_node *gwt_fdt_child (struct gwt_fdt *fdt, struct gwt_fdt_node *parent,
                                    const char *name);
/* "/soc/serial@10000000"; caller frees. */
char *gwt_fdt_node_path (const struct gwt_fdt_node *node);
/* Let the gwt.fdt/1 calls write into NODE until closed; returns with all that was opened closed. */
void gwt_fdt_open (struct gwt_fdt *fdt, struct gwt_fdt_node *node);
void gwt_fdt_close (struct gwt_fdt *fdt);

void gwt_fdt_set (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name,
                  const void *data, size_t size);
void gwt_fdt_append_cells (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name,
                           const uint32_t *cells, guint count);
void gwt_fdt_set_u32 (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name,
                      uint32_t value);
void gwt_fdt_set_u64 (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name,
                      uint64_t value);
void gwt_fdt_set_text (struct gwt_fdt *fdt, struct gwt_fdt_node *node, const char *name,
                       const char *value);
uint32_t gwt_fdt_new_phandle (struct gwt_fdt *fdt);
uint32_t gwt_fdt_phandle_of (struct gwt_fdt *fdt, struct gwt_device *device);
/* How LINE of the interrupt controller *TO is written: cells to CELLS (GWT_FDT_SPECIFIER_MAX), *TO
   becomes the device whose node they are for. */
uint32_t gwt_fdt_specifier (struct gwt_device **to, uint32_t line, uint32_t *cells);
/* The blob; false with ERR set for what went wrong in any call since gwt_fdt_new. */
bool gwt_fdt_finish (struct gwt_fdt *fdt, struct gwt_blob *blob, struct gwt_error *err);

#endif
