/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a UART goes along when the guest moves, in the shape of QEMU's section "serial": the
 * registers, and in subsections what there is not most of the time.
 */
#include "ns16550.h"

#include <string.h>

static const struct gwt_vm_field fifo_fields[] = {
  GWT_VM_BYTES (struct fifo, data),
  GWT_VM_VALUE_AS (struct fifo, head, GWT_U32, .max = FIFO_SIZE - 1),
  { .name = "num", .form = GWT_VM_SCALAR, .wire = GWT_U32, .member = GWT_U8,
    .offset = offsetof (struct fifo, count), .size = 1, .elems = 1, .max = FIFO_SIZE },
};
static const struct gwt_vmstate fifo_state
    = GWT_VMSTATE (struct fifo, "Fifo8", 1, 1, fifo_fields);

/* What thr_ipending is as long as nothing else is said. */
static bool
thr_ipending_shown (const struct ns16550 *u)
{
  return (u->ier & IER_THRE) && (u->iir & IIR_ID) == IIR_THRE;
}

/* While its interrupt is off the transmitter's state is looked at again when it is enabled. */
static uint32_t
thr_ipending_needed (const void *self)
{
  const struct ns16550 *u = self;

  return (u->ier & IER_THRE) && (u->thr_ipending != 0) != thr_ipending_shown (u);
}

static uint32_t
tsr_needed (const void *self)
{
  return ((const struct ns16550 *) self)->tsr_full;
}

static uint32_t
rx_needed (const void *self)
{
  return ((const struct ns16550 *) self)->rx.count;
}

static uint32_t
tx_needed (const void *self)
{
  return ((const struct ns16550 *) self)->tx.count;
}

static uint32_t
timer_needed (const void *self)
{
  return ((const struct ns16550 *) self)->timeout_coming;
}

static uint32_t
timeout_needed (const void *self)
{
  return ((const struct ns16550 *) self)->timeout_pending;
}

static uint32_t
errors_needed (const void *self)
{
  return uart_rx_error_waits (self);
}

static uint32_t
never (const void *self)
{
  (void) self;
  return 0;
}

static int
timer_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  (void) version;
  (void) err;
  ((struct ns16550 *) self)->timeout_coming = true;
  return 0;
}

/* A member under the name that it has on the wire, as an int32. */
#define FLAG(M, NAME, MOST)                                                                        \
  { .name = NAME, .form = GWT_VM_SCALAR, .wire = GWT_I32,                                          \
    .member = GWT_KIND_OF (GWT_VM_AT (struct ns16550, M)), .offset = offsetof (struct ns16550, M), \
    .size = 1, .elems = 1, .max = MOST }
#define PART(NAME, FIELDS, ...)                                                                    \
  GWT_VMSTATE (struct ns16550, "serial/" NAME, 1, 1, FIELDS, __VA_ARGS__)

static const struct gwt_vm_field thr_ipending_fields[] = { FLAG (thr_ipending, "thr_ipending", 1) };
static const struct gwt_vmstate thr_ipending_state
    = PART ("thr_ipending", thr_ipending_fields, .needed = thr_ipending_needed);

/* How often the back end has refused the byte: here 1, elsewhere up to 4. */
static const struct gwt_vm_field tsr_fields[] = {
  { .name = "tsr_retry", .form = GWT_VM_SCALAR, .wire = GWT_U32, .member = GWT_U8,
    .offset = offsetof (struct ns16550, tsr_full), .size = 1, .elems = 1, .max = 4 },
  GWT_VM_VALUE (struct ns16550, thr),
  GWT_VM_VALUE (struct ns16550, tsr),
};
static const struct gwt_vmstate tsr_state = PART ("tsr", tsr_fields, .needed = tsr_needed);

#define FIFO(M, NAME)                                                                              \
  { .name = NAME, .form = GWT_VM_STRUCT, .offset = offsetof (struct ns16550, M),                   \
    .size = sizeof (struct fifo), .elems = 1, .schema = &fifo_state }
static const struct gwt_vm_field rx_fields[] = { FIFO (rx, "recv_fifo") };
static const struct gwt_vm_field tx_fields[] = { FIFO (tx, "xmit_fifo") };
static const struct gwt_vmstate rx_state = PART ("recv_fifo", rx_fields, .needed = rx_needed);
static const struct gwt_vmstate tx_state = PART ("xmit_fifo", tx_fields, .needed = tx_needed);

static const struct gwt_vm_field timer_fields[] = {
  { .name = "fifo_timeout_timer", .form = GWT_VM_TIMER, .offset = offsetof (struct ns16550, timer),
    .size = sizeof (struct gwt_timer *), .elems = 1 },
};
static const struct gwt_vmstate timer_state = PART (
    "fifo_timeout_timer", timer_fields, .needed = timer_needed, .post_load = timer_post_load);

static const struct gwt_vm_field timeout_fields[]
    = { FLAG (timeout_pending, "timeout_ipending", 1) };
static const struct gwt_vmstate timeout_state
    = PART ("timeout_ipending", timeout_fields, .needed = timeout_needed);

/* Of a sender that polls the modem lines of a real port.  What is connected here is always there.
 */
static const struct gwt_vm_field poll_fields[] = { GWT_VM_NOTHING (4 + 8) };
static const struct gwt_vmstate poll_state = PART ("poll", poll_fields, .needed = never);

static const struct gwt_vm_field errors_fields[] = { GWT_VM_BYTES (struct ns16550, rx_flags) };
static const struct gwt_vmstate errors_state
    = PART ("recv_errors", errors_fields, .needed = errors_needed);

static const struct gwt_vmstate *const subsections[]
    = { &thr_ipending_state, &tsr_state,     &rx_state,   &tx_state,
        &timer_state,        &timeout_state, &poll_state, &errors_state, NULL };

static int
uart_pre_save (void *self, struct gwt_error *err)
{
  struct ns16550 *u = self;

  (void) err;
  u->timeout_coming = uart_clocks->timer_expiry (u->timer) != GWT_TIMER_OFF;
  return 0;
}

static int
uart_pre_load (void *self, struct gwt_error *err)
{
  struct ns16550 *u = self;

  (void) err;
  u->fcr = 0;
  u->thr = 0;
  u->tsr = 0;
  u->tsr_full = 0;
  u->thr_ipending = -1;
  u->timeout_pending = false;
  u->timeout_coming = false;
  memset (&u->rx, 0, sizeof u->rx);
  memset (&u->tx, 0, sizeof u->tx);
  memset (u->rx_flags, 0, sizeof u->rx_flags);
  return 0;
}

/* What no sequence of register accesses leads to, and what would leave bytes or an interrupt that
   nothing ends. */
static const char *
contradiction (const struct ns16550 *u)
{
  if (u->tsr_full && (u->lsr & LSR_TEMT))
    return "a byte is being sent, and the transmitter is empty";
  if (!u->tsr_full && (!(u->lsr & LSR_TEMT) || u->tx.count > 0))
    return "the transmitter has bytes, and none of them is being sent";
  if (!fifo_on (u) && (u->rx.count > 0 || u->tx.count > 0))
    return "the FIFOs are off, and there are bytes in them";
  if (fifo_on (u) && (u->rx.count > 0) != ((u->lsr & LSR_DR) != 0))
    return "the line status disagrees with the receiver's FIFO about whether there is data";
  if ((u->timeout_pending || u->timeout_coming) && u->rx.count == 0)
    return "a character timeout, and no character that waits";
  return NULL;
}

static int
uart_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  struct ns16550 *u = self;
  const char *fault;
  uint32_t i;

  (void) version;
  u->fcr &= FCR_KEPT;
  if (!fifo_on (u))
    u->fcr = 0;
  u->ier &= IER_RDA | IER_THRE | IER_RLS | IER_MSR;
  u->mcr &= MCR_ALL;
  u->lsr &= (uint8_t) ~LSR_FIFO_ERROR;
  u->tsr_full = u->tsr_full != 0;
  for (i = 0; i < FIFO_SIZE; i++)
    u->rx_flags[i] &= LSR_PE | LSR_FE | LSR_BI;
  if (u->thr_ipending < 0)
    u->thr_ipending = thr_ipending_shown (u);
  fault = contradiction (u);
  if (fault == NULL)
    return 0;
  uart_host->error_set (err, GWT_E_INVALID, "%s", fault);
  return -1;
}

static void
uart_loaded (void *self, uint32_t version)
{
  struct ns16550 *u = self;

  (void) version;
  if (!u->timeout_coming)
    uart_clocks->timer_set (u->timer, GWT_TIMER_OFF);
  uart_update (u);
  uart_irq->set (u->line, (u->iir & IIR_NONE) == 0);
  uart_line_changed (u);
  /* Back ends stand still until the guest runs: what one did not take where the guest comes from is
     tried again then. */
  uart_clocks->timer_set (u->resume, 0);
}

static const struct gwt_vm_field core_fields[] = {
  GWT_VM_VALUE_NAMED (struct ns16550, divisor, "divider", .version = 2),
  GWT_VM_VALUE (struct ns16550, rbr),
  GWT_VM_VALUE (struct ns16550, ier),
  GWT_VM_VALUE (struct ns16550, iir),
  GWT_VM_VALUE (struct ns16550, lcr),
  GWT_VM_VALUE (struct ns16550, mcr),
  GWT_VM_VALUE (struct ns16550, lsr),
  GWT_VM_VALUE (struct ns16550, msr),
  GWT_VM_VALUE (struct ns16550, scr),
  GWT_VM_VALUE_NAMED (struct ns16550, fcr, "fcr_vmstate", .version = 3),
  GWT_VM_COMPUTED (struct ns16550, timeout_coming),
};
static const struct gwt_vmstate core_state
    = GWT_VMSTATE (struct ns16550, "serial", 3, 2, core_fields, .subsections = subsections,
                   .pre_save = uart_pre_save, .pre_load = uart_pre_load,
                   .post_load = uart_post_load, .loaded = uart_loaded);

/* The section has the UART as a part, of the same name. */
static const struct gwt_vm_field state_fields[] = {
  { .name = "serial", .form = GWT_VM_STRUCT, .offset = 0, .size = sizeof (struct ns16550),
    .elems = 1, .schema = &core_state },
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct ns16550, "serial", 3, 2, state_fields);
const struct gwt_vmstate *const uart_states[] = { &state, NULL };
