/* SPDX-License-Identifier: BSD-2-Clause */
/* QMP: migration and its events, descriptors by name.  [main] */
#ifndef CORE_MONITOR_MIGRATE_H
#define CORE_MONITOR_MIGRATE_H

void gwt_qmp_init_migrate (void);

#endif
