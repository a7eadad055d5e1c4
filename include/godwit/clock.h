/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host extension "gwt.clock/1": clocks and timers, all in nanoseconds.
 */
#ifndef GODWIT_CLOCK_H
#define GODWIT_CLOCK_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

enum gwt_clock
{
  GWT_CLOCK_VIRTUAL = 1000, /* guest time: starts at 0, stops with the guest, migrates */
  GWT_CLOCK_REAL = 2000,    /* host's monotonic time: runs always */
  GWT_CLOCK_HOST = 3000     /* wall clock, ns since 1970-01-01 UTC; may jump */
};

struct gwt_timer;
/* [main] under the device's lock as its type declares. */
typedef void (*gwt_timer_fn) (void *self);

#define GWT_CLOCK_EXT "gwt.clock/1"
#define GWT_TIMER_OFF UINT64_MAX

struct gwt_clock_api
{
  uint64_t struct_size;
  /* [any] Now on CLOCK (enum gwt_clock). */
  uint64_t (*now) (uint32_t clock);
  /* [main] A timer of DEVICE that calls FN with SELF; not armed.  Owned by the host, removed with
     DEVICE.  NULL with ERR set on failure. */
  struct gwt_timer *(*timer_new) (struct gwt_device *device, uint32_t clock, gwt_timer_fn fn,
                                  void *self, struct gwt_error *err);
  /* [any] Fire once at EXPIRY (its clock's ns); past times fire at once; GWT_TIMER_OFF disarms.  A
     timer that was moved or disarmed under the device's lock does not fire for the old time. */
  void (*timer_set) (struct gwt_timer *timer, uint64_t expiry);
  /* [any] Expiry, or GWT_TIMER_OFF. */
  uint64_t (*timer_expiry) (struct gwt_timer *timer);
};

#ifdef __cplusplus
}
#endif

#endif
