/* SPDX-License-Identifier: BSD-2-Clause */
/* QMP: character back ends. */
#ifndef CORE_MONITOR_CHARDEVS_H
#define CORE_MONITOR_CHARDEVS_H

void gwt_qmp_init_chardevs (void);

#endif
