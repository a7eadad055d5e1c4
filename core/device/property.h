/* SPDX-License-Identifier: BSD-2-Clause */
/* What device.c needs of property.c; everybody else uses gwt_device_set and its kin in device.h. */
#ifndef CORE_DEVICE_PROPERTY_H
#define CORE_DEVICE_PROPERTY_H

#include "core/device/device.h"

/* Write the defaults; drop everything; check what realize needs. */
bool gwt_properties_init (struct gwt_device *device, struct gwt_error *err);
void gwt_properties_free (struct gwt_device *device);
bool gwt_properties_check (struct gwt_device *device, struct gwt_error *err);

#endif
