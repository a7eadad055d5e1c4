/* SPDX-License-Identifier: BSD-2-Clause */
/* The QMP commands about block back ends. */
#ifndef CORE_MONITOR_BLOCK_H
#define CORE_MONITOR_BLOCK_H

void gwt_qmp_init_block (void);

#endif
