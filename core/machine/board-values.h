/* SPDX-License-Identifier: BSD-2-Clause */
/* Between board.c, board-devices.c and board-values.c: nothing else includes it. */
#ifndef CORE_MACHINE_BOARD_VALUES_H
#define CORE_MACHINE_BOARD_VALUES_H

#include "core/machine/board.h"
#include "core/machine/json-file.h"

void gwt_board_prop_free (gpointer prop);
void gwt_board_device_free (gpointer device);

/* Readers of member KEY of AT, as in json-file.h.  A name is [a-z][a-z0-9-]*. */
bool gwt_board_read_name (const struct gwt_json_at *at, const char *key, bool required, char **name,
                          struct gwt_error *err);
bool gwt_board_read_u16 (const struct gwt_json_at *at, const char *key, bool required,
                         uint32_t *value, struct gwt_error *err);
/* Members "base" and "size" of AT. */
bool gwt_board_read_range (const struct gwt_json_at *at, uint64_t *base, uint64_t *size,
                           struct gwt_error *err);
/* The id of one of the board's devices. */
bool gwt_board_read_ref (const struct gwt_json_at *at, const char *key, bool required,
                         const struct gwt_board *board, char **id, struct gwt_error *err);
/* Each { "phandle": ID } among the device tree properties at KEY names a device; ask when all
   devices are known. */
bool gwt_board_check_phandles (const struct gwt_json_at *at, const char *key,
                               const struct gwt_board *board, struct gwt_error *err);
/* Every member of the object at KEY becomes a struct gwt_board_prop; NAMES: device properties. */
bool gwt_board_read_props (const struct gwt_json_at *at, const char *key, bool names,
                           GPtrArray *props, struct gwt_error *err);
bool gwt_board_read_fdt_props (const struct gwt_json_at *at, const char *key, GPtrArray *props,
                               struct gwt_error *err);

bool gwt_board_read_devices (const struct gwt_json_at *root, struct gwt_board *board,
                             struct gwt_error *err);
/* References from one device to another, which may stand later in the file. */
bool gwt_board_check_refs (const struct gwt_json_at *root, const struct gwt_board *board,
                           struct gwt_error *err);

#endif
