/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines: see godwit/irq.h for the devices' side; this is the board's. */
#ifndef CORE_DEVICE_IRQ_H
#define CORE_DEVICE_IRQ_H

#include <godwit/irq.h>
#include "core/device/device.h"

extern const struct gwt_irq_api gwt_irq_ext;
/* Wire output (NAME, INDEX) of FROM to input (NAME, LINE) of TO.  One output drives one input;
   several outputs may share an input, whose level is then their OR. */
bool gwt_irq_connect (struct gwt_device *from, const char *out_name, uint32_t out_index,
                      struct gwt_device *to, const char *in_name, uint32_t in_line,
                      struct gwt_error *err);
/* Where output (NAME, INDEX) goes; NULL where it is not wired. */
struct gwt_device *gwt_irq_target (struct gwt_device *from, const char *out_name,
                                   uint32_t out_index, uint32_t *line);
/* Inside a delivery to a parallel device: call FN (DEVICE) on this thread when it is over, and
   return true.  False, and nothing is remembered, outside of one or where something else is
   waiting. */
bool gwt_irq_after_delivery (void (*fn) (struct gwt_device *device), struct gwt_device *device);
/* Number of inputs/outputs of that name, 0 if none. */
uint32_t gwt_irq_input_count (struct gwt_device *device, const char *name);
uint32_t gwt_irq_output_count (struct gwt_device *device, const char *name);

#endif
