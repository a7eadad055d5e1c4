/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices as entries of the stream, and what keeps a machine from being migrated.  All [main]. */
#ifndef CORE_MIGRATION_DEVICES_H
#define CORE_MIGRATION_DEVICES_H

#include "core/migration/entry.h"

struct gwt_ram_block;

/* Add the sections of DEVICE, which is realized; they go when it goes. */
bool gwt_migration_add_device (struct gwt_device *device, struct gwt_error *err);
/* The sections of all devices that have none yet, in order of creation. */
bool gwt_migration_add_devices (struct gwt_error *err);
/* Devices by id whose state is not sent, nor awaited, and who therefore block nothing: the user
   takes it upon himself.  IDS is borrowed; NULL: none.  False with ERR set: there is no such
   device. */
bool gwt_migration_leave_out (const char *const *ids, struct gwt_error *err);
bool gwt_migration_device_left_out (const struct gwt_device *device);
/* Why this machine cannot be migrated, one text for each device that is in the way;
   NULL-terminated, g_strfreev. */
char **gwt_migration_blockers (void);

/* Where DEVICE sits on its bus, as it stands in its sections' names; NULL: on none. */
const char *gwt_migration_device_path (struct gwt_device *device);

/* The file whose content BLOCK has, without its folder: the image of its device, or that of the
   drive it is on.  NULL: it has none.  g_free. */
char *gwt_migration_block_file (const struct gwt_ram_block *block);

#endif
