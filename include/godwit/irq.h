/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host extension "gwt.irq/1": interrupt lines.  A device declares inputs and outputs by name and
 * number; the board wires outputs to inputs.  A line is a level; what an edge means is the input's
 * affair.
 */
#ifndef GODWIT_IRQ_H
#define GODWIT_IRQ_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gwt_irq; /* one output */

/* [any thread, under the receiving device's lock as its type declares] LEVEL is 0 or 1; repeated
   equal levels are delivered too. */
typedef void (*gwt_irq_input_fn) (void *self, uint32_t line, uint32_t level);

#define GWT_IRQ_EXT "gwt.irq/1"

struct gwt_irq_api
{
  uint64_t struct_size;
  /* [main, in realize] COUNT input lines called NAME ("irq"), numbered from 0.  -1 with ERR set. */
  int (*inputs) (struct gwt_device *device, const char *name, uint32_t count, gwt_irq_input_fn fn,
                 struct gwt_error *err);
  /* [main, in realize] COUNT outputs called NAME, stored to OUT[0..COUNT-1].  An output that no
     board wires is legal and goes nowhere.  Owned by the host. */
  int (*outputs) (struct gwt_device *device, const char *name, uint32_t count, struct gwt_irq **out,
                  struct gwt_error *err);
  /* [any] Drive a line.  May be called with the machine lock or a device lock held. */
  void (*set) (struct gwt_irq *irq, uint32_t level);
  /* [any] Level that was set last. */
  uint32_t (*level) (struct gwt_irq *irq);
};

#ifdef __cplusplus
}
#endif

#endif
