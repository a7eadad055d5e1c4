/* SPDX-License-Identifier: BSD-2-Clause */
/* The QMP commands about devices that come and go, and about what is on a PCI bus. */
#ifndef CORE_MONITOR_DEVICES_H
#define CORE_MONITOR_DEVICES_H

#include <json-c/json.h>
#include "core/util/error.h"

void gwt_qmp_init_devices (void);

/* query-pci.c */
struct json_object *gwt_qmp_query_pci (struct json_object *args, struct gwt_error *err);

#endif
