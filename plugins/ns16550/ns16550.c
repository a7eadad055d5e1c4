/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 16550A UART, written after the data sheet of the PC16550D (tables and sections below are
 * its).
 *
 * Bytes leave as fast as the back end takes them: no baud rate is kept up, but the line's timing
 * still sets the character timeout of the receiver.  It must not know what kind of back end it
 * talks to.
 */
#include "ns16550.h"

#include <string.h>

#define WINDOW 0x100

/* Registers; 0 and 1 are the divisor latch while LCR_DLAB is set. */
#define REG_DATA 0 /* RBR, THR, DLL */
#define REG_IER 1  /* DLM */
#define REG_IIR 2  /* W: FCR */
#define REG_LCR 3
#define REG_MCR 4
#define REG_LSR 5
#define REG_MSR 6
#define REG_SCR 7

#define IIR_MSR 0x00
#define IIR_RDA 0x04
#define IIR_RLS 0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO 0xc0

#define FCR_CLEAR_RX 0x02
#define FCR_CLEAR_TX 0x04

#define LCR_BITS 0x03
#define LCR_STOP 0x04
#define LCR_PARITY 0x08
#define LCR_EVEN 0x10
#define LCR_DLAB 0x80

#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10

#define LSR_THRE 0x20
#define LSR_ERRORS (LSR_OE | LSR_PE | LSR_FE | LSR_BI)

#define MSR_DCTS 0x01
#define MSR_DDSR 0x02
#define MSR_TERI 0x04
#define MSR_DDCD 0x08
#define MSR_DELTAS 0x0f
#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80

#define NS_PER_S 1000000000ull

const struct gwt_host *uart_host;
static const struct gwt_memory_api *memory;
const struct gwt_irq_api *uart_irq;
const struct gwt_clock_api *uart_clocks;
static const struct gwt_chardev_api *chardevs;
static const struct gwt_fdt_api *fdt_api;

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct ns16550, chardev, "chardev", .flags = GWT_FIELD_HOST_ONLY,
                .doc = "character back end; none: output vanishes"),
  GWT_PROP_ROW (struct ns16550, clock, "clock-frequency", .def = 3686400, .min = 16,
                .max = 1000000000, .doc = "input clock of the baud rate generator, Hz"),
  GWT_PROP_ROW (struct ns16550, reg_shift, "reg-shift", .max = 5,
                .doc = "registers are 2^reg-shift bytes apart"),
  GWT_HOST_ROW (struct ns16550, pad, "padding"),
  GWT_STATE_ROW (struct ns16550, divisor, "divisor", .doc = "divisor latch"),
  GWT_STATE_ROW (struct ns16550, rbr, "rbr", .doc = "receiver buffer"),
  GWT_STATE_ROW (struct ns16550, ier, "ier", .doc = "interrupt enable register"),
  GWT_STATE_ROW (struct ns16550, iir, "iir", .doc = "interrupt identification register"),
  GWT_STATE_ROW (struct ns16550, lcr, "lcr", .doc = "line control register"),
  GWT_STATE_ROW (struct ns16550, mcr, "mcr", .doc = "modem control register"),
  GWT_STATE_ROW (struct ns16550, lsr, "lsr", .doc = "line status register"),
  GWT_STATE_ROW (struct ns16550, msr, "msr", .doc = "modem status register"),
  GWT_STATE_ROW (struct ns16550, scr, "scr", .doc = "scratch register"),
  GWT_STATE_ROW (struct ns16550, fcr, "fcr", .doc = "FIFO control register"),
  GWT_STATE_ROW (struct ns16550, thr, "thr", .doc = "transmitter holding register"),
  GWT_STATE_ROW (struct ns16550, tsr, "tsr", .doc = "transmitter shift register"),
  GWT_STATE_ROW (struct ns16550, tsr_full, "tsr-full", .max = 1, .doc = "tsr holds an unsent byte"),
  GWT_STATE_ROW (struct ns16550, thr_ipending, "thr-ipending", .max = 1,
                 .doc = "transmitter-empty interrupt is due"),
  GWT_STATE_ROW (struct ns16550, timeout_pending, "timeout-pending", .max = 1,
                 .doc = "character timeout interrupt is due"),
  GWT_STATE_ROW (struct ns16550, timeout_coming, "timeout-coming",
                 .doc = "a character timeout was coming at the last save or load"),
  GWT_STATE_ARRAY (struct ns16550, rx.data, "rx-data", .doc = "receiver FIFO"),
  GWT_STATE_ROW (struct ns16550, rx.head, "rx-head", .max = FIFO_SIZE - 1,
                 .doc = "index of the receiver FIFO's oldest byte"),
  GWT_STATE_ROW (struct ns16550, rx.count, "rx-count", .max = FIFO_SIZE,
                 .doc = "bytes in the receiver FIFO"),
  GWT_STATE_ARRAY (struct ns16550, tx.data, "tx-data", .doc = "transmitter FIFO"),
  GWT_STATE_ROW (struct ns16550, tx.head, "tx-head", .max = FIFO_SIZE - 1,
                 .doc = "index of the transmitter FIFO's oldest byte"),
  GWT_STATE_ROW (struct ns16550, tx.count, "tx-count", .max = FIFO_SIZE,
                 .doc = "bytes in the transmitter FIFO"),
  GWT_STATE_ARRAY (struct ns16550, rx_flags, "rx-flags",
                   .doc = "errors per byte of the receiver FIFO"),
  GWT_HOST_ROW (struct ns16550, pad_2, "padding"),
  GWT_STATE_ROW (struct ns16550, timer, "timeout-timer",
                 .doc = "when the character timeout comes, on the virtual clock"),
  GWT_HOST_ROW (struct ns16550, resume, "set by a load: what the back end has to be told"),
  GWT_HOST_ROW (struct ns16550, line, "handle of the host"),
  GWT_HOST_ROW (struct ns16550, sending, "true only within one call"),
  GWT_HOST_ROW (struct ns16550, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct ns16550, pad_3, "padding"),
};

static bool
loopback (const struct ns16550 *u)
{
  return u->mcr & MCR_LOOP;
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static uint32_t
rx_trigger (const struct ns16550 *u)
{
  static const uint8_t level[] = { 1, 4, 8, 14 };

  return fifo_on (u) ? level[u->fcr >> 6] : 1;
}

/* Table IV: the highest source that is enabled and due. */
void
uart_update (struct ns16550 *u)
{
  uint8_t id = IIR_NONE, was = u->iir & IIR_NONE;
  uint32_t waiting = fifo_on (u) ? u->rx.count : u->lsr & LSR_DR;

  if ((u->ier & IER_RLS) && (u->lsr & LSR_ERRORS))
    id = IIR_RLS;
  else if ((u->ier & IER_RDA) && waiting >= rx_trigger (u))
    id = IIR_RDA;
  else if ((u->ier & IER_RDA) && u->timeout_pending)
    id = IIR_TIMEOUT;
  else if ((u->ier & IER_THRE) && u->thr_ipending)
    id = IIR_THRE;
  else if ((u->ier & IER_MSR) && (u->msr & MSR_DELTAS))
    id = IIR_MSR;
  u->iir = id | (fifo_on (u) ? IIR_FIFO : 0);
  /* Most accesses leave the line as it is. */
  if (was != (id & IIR_NONE))
    uart_irq->set (u->line, id != IIR_NONE);
}

/* Bits on the line per character: start, data, parity, stop. */
static uint32_t
frame_bits (const struct ns16550 *u)
{
  return 1 + 5 + (u->lcr & LCR_BITS) + (u->lcr & LCR_PARITY ? 1 : 0) + (u->lcr & LCR_STOP ? 2 : 1);
}

/* Section 8.11: four character times without a byte coming or going, while bytes wait. */
static void
timeout_restart (struct ns16550 *u)
{
  uint64_t divisor = u->divisor ? u->divisor : 65536, expiry = GWT_TIMER_OFF;

  if (fifo_on (u) && u->rx.count > 0 && !u->timeout_pending)
    expiry = uart_clocks->now (GWT_CLOCK_VIRTUAL)
             + 4 * frame_bits (u) * (16 * divisor * NS_PER_S / u->clock);
  uart_clocks->timer_set (u->timer, expiry);
}

static void
uart_timeout (void *self)
{
  struct ns16550 *u = self;

  if (!fifo_on (u) || u->rx.count == 0)
    return;
  u->timeout_pending = true;
  uart_update (u);
}

/* ---- receiver -------------------------------------------------------------------------------- */

/* A byte or a break arrives at the receiver: from the line or, in loopback, the transmitter. */
static void
rx_put (struct ns16550 *u, uint8_t byte, uint8_t flags)
{
  if (!fifo_on (u))
    {
      if (u->lsr & LSR_DR)
        u->lsr |= LSR_OE;
      u->rbr = byte;
      u->lsr |= LSR_DR | flags;
      return;
    }
  if (u->rx.count == FIFO_SIZE)
    {
      /* The FIFO keeps what it has, the new byte is lost in the shift register. */
      u->lsr |= LSR_OE;
      return;
    }
  u->rx.data[(u->rx.head + u->rx.count) % FIFO_SIZE] = byte;
  u->rx_flags[(u->rx.head + u->rx.count) % FIFO_SIZE] = flags;
  if (u->rx.count == 0)
    u->lsr |= flags;
  u->rx.count++;
  u->lsr |= LSR_DR;
  u->timeout_pending = false;
  timeout_restart (u);
}

static uint8_t
rx_get (struct ns16550 *u)
{
  if (!fifo_on (u))
    {
      u->lsr &= (uint8_t) ~LSR_DR;
      return u->rbr;
    }
  if (u->rx.count == 0)
    return u->rbr;
  u->rbr = u->rx.data[u->rx.head];
  u->rx.head = (u->rx.head + 1) % FIFO_SIZE;
  u->rx.count--;
  if (u->rx.count == 0)
    u->lsr &= (uint8_t) ~LSR_DR;
  else
    /* Errors are shown when their byte reaches the top of the FIFO. */
    u->lsr |= u->rx_flags[u->rx.head];
  u->timeout_pending = false;
  timeout_restart (u);
  return u->rbr;
}

static void
rx_flush (struct ns16550 *u)
{
  u->rx.head = 0;
  u->rx.count = 0;
  u->lsr &= (uint8_t) ~(LSR_DR | LSR_PE | LSR_FE | LSR_BI);
  u->timeout_pending = false;
  timeout_restart (u);
}

bool
uart_rx_error_waits (const struct ns16550 *u)
{
  uint32_t i;

  for (i = 0; fifo_on (u) && i < u->rx.count; i++)
    if (u->rx_flags[(u->rx.head + i) % FIFO_SIZE])
      return true;
  return false;
}

static uint64_t
uart_can_receive (void *self)
{
  const struct ns16550 *u = self;

  /* In loopback the receiver is cut off from the line: what comes waits in the back end. */
  if (loopback (u))
    return 0;
  if (fifo_on (u))
    return FIFO_SIZE - u->rx.count;
  return u->lsr & LSR_DR ? 0 : 1;
}

static void
uart_receive (void *self, const uint8_t *data, uint64_t size)
{
  struct ns16550 *u = self;
  uint64_t i;

  for (i = 0; i < size; i++)
    rx_put (u, data[i], 0);
  uart_update (u);
}

static void
uart_event (void *self, uint32_t event)
{
  struct ns16550 *u = self;

  if (event != GWT_CHARDEV_BREAK || loopback (u))
    return;
  /* A break reads as one zero byte with its error bit (section 8.4, bit 4). */
  rx_put (u, 0, LSR_BI);
  uart_update (u);
}

static void
accept_input (struct ns16550 *u)
{
  if (u->chardev && uart_can_receive (u) > 0)
    chardevs->accept_input (u->chardev);
}

/* ---- transmitter ----------------------------------------------------------------------------- */

static bool
tx_holds (const struct ns16550 *u)
{
  return fifo_on (u) ? u->tx.count > 0 : !(u->lsr & LSR_THRE);
}

/* Move bytes from holding register or FIFO through the shift register until all is gone or the back
   end takes no more; then its writable callback comes back here. */
static void
tx_run (struct ns16550 *u)
{
  if (u->sending)
    return;
  u->sending = true;
  for (;;)
    {
      if (!u->tsr_full)
        {
          if (!tx_holds (u))
            break;
          if (fifo_on (u))
            {
              u->tsr = u->tx.data[u->tx.head];
              u->tx.head = (u->tx.head + 1) % FIFO_SIZE;
              u->tx.count--;
            }
          else
            u->tsr = u->thr;
          u->tsr_full = true;
          if (!fifo_on (u) || u->tx.count == 0)
            {
              u->lsr |= LSR_THRE;
              u->thr_ipending = true;
            }
        }
      /* The whole byte goes out whatever length LCR gives: much bare-metal code never sets LCR,
         whose reset value says five bits. */
      if (loopback (u))
        rx_put (u, u->tsr, 0);
      else if (u->chardev && chardevs->write (u->chardev, &u->tsr, 1) == 0)
        break;
      u->tsr_full = false;
    }
  if (u->tsr_full || tx_holds (u))
    u->lsr &= (uint8_t) ~LSR_TEMT;
  else
    u->lsr |= LSR_TEMT;
  u->sending = false;
}

static void
tx_put (struct ns16550 *u, uint8_t byte)
{
  u->thr = byte;
  u->thr_ipending = false;
  u->lsr &= (uint8_t) ~(LSR_THRE | LSR_TEMT);
  if (fifo_on (u))
    {
      /* A driver that writes without looking loses its oldest byte first. */
      if (u->tx.count == FIFO_SIZE)
        {
          u->tx.head = (u->tx.head + 1) % FIFO_SIZE;
          u->tx.count--;
        }
      u->tx.data[(u->tx.head + u->tx.count) % FIFO_SIZE] = byte;
      u->tx.count++;
    }
  tx_run (u);
}

static void
tx_flush (struct ns16550 *u)
{
  u->tx.head = 0;
  u->tx.count = 0;
  if (!(u->lsr & LSR_THRE))
    u->thr_ipending = true;
  u->lsr |= LSR_THRE;
  if (!u->tsr_full)
    u->lsr |= LSR_TEMT;
}

static void
uart_writable (void *self)
{
  struct ns16550 *u = self;

  tx_run (u);
  uart_update (u);
}

/* ---- modem lines ----------------------------------------------------------------------------- */

/* Section 8.8: in loopback the outputs are fed back, DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to
   DCD; else whatever is connected is taken to be there and ready. */
static void
modem_update (struct ns16550 *u)
{
  uint8_t now = MSR_CTS | MSR_DSR | MSR_DCD, changed;

  if (loopback (u))
    now = (u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0)
          | (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0);
  changed = u->msr ^ now;
  u->msr &= MSR_DELTAS;
  u->msr |= now;
  if (changed & MSR_CTS)
    u->msr |= MSR_DCTS;
  if (changed & MSR_DSR)
    u->msr |= MSR_DDSR;
  if (changed & MSR_DCD)
    u->msr |= MSR_DDCD;
  if ((changed & MSR_RI) && !(now & MSR_RI))
    u->msr |= MSR_TERI;
}

/* ---- registers ------------------------------------------------------------------------------- */

void
uart_line_changed (struct ns16550 *u)
{
  uint32_t parity = u->lcr & LCR_PARITY ? u->lcr & LCR_EVEN ? 'E' : 'O' : 'N';

  if (u->chardev && u->divisor)
    chardevs->set_line (u->chardev, u->clock / (16 * (uint32_t) u->divisor),
                        5 + (u->lcr & LCR_BITS), u->lcr & LCR_STOP ? 2 : 1, parity);
}

static void
write_fcr (struct ns16550 *u, uint8_t value)
{
  uint8_t old = u->fcr;

  /* Section 8.5: without the enable bit the others are not programmed, and a change of it clears
     both FIFOs. */
  if (!(value & FCR_ENABLE))
    value = 0;
  if ((old ^ value) & FCR_ENABLE)
    value |= FCR_CLEAR_RX | FCR_CLEAR_TX;
  if (value & FCR_CLEAR_RX)
    rx_flush (u);
  if (value & FCR_CLEAR_TX)
    tx_flush (u);
  u->fcr = value & FCR_KEPT;
  accept_input (u);
}

static void
write_ier (struct ns16550 *u, uint8_t value)
{
  uint8_t old = u->ier;

  u->ier = value & (IER_RDA | IER_THRE | IER_RLS | IER_MSR);
  /* Enabling the transmitter's interrupt while it is empty raises it at once; drivers start their
     output by that. */
  if (((old ^ u->ier) & IER_THRE) != 0)
    u->thr_ipending = (u->ier & IER_THRE) && (u->lsr & LSR_THRE);
}

static void
warn_once (struct ns16550 *u, uint64_t offset)
{
  if (u->warned)
    return;
  u->warned = true;
  uart_host->log (GWT_LOG_GUEST, "ns16550: an access at 0x%llx, where no register is",
             (unsigned long long) offset);
}

static uint8_t
read_reg (struct ns16550 *u, uint32_t reg)
{
  uint8_t value = 0;

  switch (reg)
    {
    case REG_DATA:
      if (u->lcr & LCR_DLAB)
        return u->divisor & 0xff;
      value = rx_get (u);
      uart_update (u);
      accept_input (u);
      return value;
    case REG_IER:
      return u->lcr & LCR_DLAB ? u->divisor >> 8 : u->ier;
    case REG_IIR:
      value = u->iir;
      if ((value & IIR_ID) == IIR_THRE)
        {
          u->thr_ipending = false;
          uart_update (u);
        }
      return value;
    case REG_LCR:
      return u->lcr;
    case REG_MCR:
      return u->mcr;
    case REG_LSR:
      value = u->lsr | (uart_rx_error_waits (u) ? LSR_FIFO_ERROR : 0);
      if (u->lsr & LSR_ERRORS)
        {
          u->lsr &= (uint8_t) ~LSR_ERRORS;
          if (fifo_on (u) && u->rx.count > 0)
            u->rx_flags[u->rx.head] = 0;
          uart_update (u);
        }
      return value;
    case REG_MSR:
      value = u->msr;
      if (u->msr & MSR_DELTAS)
        {
          u->msr &= (uint8_t) ~MSR_DELTAS;
          uart_update (u);
        }
      return value;
    default:
      return u->scr;
    }
}

static void
write_reg (struct ns16550 *u, uint32_t reg, uint8_t value)
{
  switch (reg)
    {
    case REG_DATA:
      if (u->lcr & LCR_DLAB)
        {
          u->divisor = (uint16_t) ((u->divisor & 0xff00) | value);
          uart_line_changed (u);
          return;
        }
      tx_put (u, value);
      break;
    case REG_IER:
      if (u->lcr & LCR_DLAB)
        {
          u->divisor = (uint16_t) ((u->divisor & 0xff) | value << 8);
          uart_line_changed (u);
          return;
        }
      write_ier (u, value);
      break;
    case REG_IIR:
      write_fcr (u, value);
      break;
    case REG_LCR:
      u->lcr = value;
      uart_line_changed (u);
      return;
    case REG_MCR:
      u->mcr = value & MCR_ALL;
      modem_update (u);
      accept_input (u);
      break;
    case REG_SCR:
      u->scr = value;
      return;
    default:
      /* LSR and MSR: writes are for factory tests only. */
      return;
    }
  uart_update (u);
}

static uint32_t
uart_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct ns16550 *u = self;

  (void) size;
  offset >>= u->reg_shift;
  if (offset <= REG_SCR)
    *value = read_reg (u, (uint32_t) offset);
  else
    warn_once (u, offset);
  return GWT_ACCESS_OK;
}

static uint32_t
uart_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct ns16550 *u = self;

  (void) size;
  offset >>= u->reg_shift;
  if (offset <= REG_SCR)
    write_reg (u, (uint32_t) offset, (uint8_t) value);
  else
    warn_once (u, offset);
  return GWT_ACCESS_OK;
}

/* Wide accesses are one register with zeros above it, as on a 32-bit bus (reg-io-width). */
static const struct gwt_mmio_ops uart_ops = {
  .struct_size = sizeof uart_ops,
  .min_size = 1,
  .max_size = 8,
  .read = uart_read,
  .write = uart_write,
};

/* ---- life ------------------------------------------------------------------------------------ */

static const struct gwt_chardev_client uart_client = {
  .struct_size = sizeof uart_client,
  .can_receive = uart_can_receive,
  .receive = uart_receive,
  .event = uart_event,
  .writable = uart_writable,
};

/* After a load: the guest runs, and with it the back end. */
static void
uart_resume (void *self)
{
  struct ns16550 *u = self;

  tx_run (u);
  uart_update (u);
  accept_input (u);
}

static int
uart_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct ns16550 *u = self;

  u->timer = uart_clocks->timer_new (device, GWT_CLOCK_VIRTUAL, uart_timeout, u, err);
  u->resume = uart_clocks->timer_new (device, GWT_CLOCK_VIRTUAL, uart_resume, u, err);
  if (u->timer == NULL || u->resume == NULL
      || uart_irq->outputs (device, "irq", 1, &u->line, err) < 0
      || memory->mmio (device, "ns16550", WINDOW, &uart_ops, err) == NULL)
    return -1;
  if (u->chardev && chardevs->attach (u->chardev, device, &uart_client, err) < 0)
    return -1;
  return 0;
}

static void
uart_reset (void *self, uint32_t kind)
{
  struct ns16550 *u = self;

  (void) kind;
  /* Table I says nothing of the next four: a master reset leaves them alone in a chip of its own.
     As part of a larger one it starts like after power-on, so that two boots of a guest are alike.
   */
  u->divisor = 12;
  u->scr = 0;
  u->rbr = 0;
  u->thr = 0;
  u->ier = 0;
  u->lcr = 0;
  u->mcr = 0;
  u->fcr = 0;
  u->lsr = LSR_THRE | LSR_TEMT;
  u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
  u->tsr_full = false;
  u->thr_ipending = false;
  u->tx.head = 0;
  u->tx.count = 0;
  memset (u->rx_flags, 0, sizeof u->rx_flags);
  rx_flush (u);
  uart_update (u);
  uart_irq->set (u->line, 0);
  accept_input (u);
}

static int
uart_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  const struct ns16550 *u = self;

  (void) err;
  fdt_api->string (fdt, "compatible", "ns16550a");
  fdt_api->u32 (fdt, "clock-frequency", u->clock);
  if (u->reg_shift)
    fdt_api->u32 (fdt, "reg-shift", u->reg_shift);
  return 0;
}

static const struct gwt_device_type uart_type = {
  .struct_size = sizeof uart_type,
  .name = "ns16550",
  .doc = "16550A serial port",
  .instance_size = sizeof (struct ns16550),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .fdt_name = "serial",
  .realize = uart_realize,
  .reset = uart_reset,
  .describe = uart_describe,
  .states = uart_states,
};

static int
uart_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  memory = h->extension (GWT_MEMORY_EXT);
  uart_irq = h->extension (GWT_IRQ_EXT);
  uart_clocks = h->extension (GWT_CLOCK_EXT);
  chardevs = h->extension (GWT_CHARDEV_EXT);
  fdt_api = h->extension (GWT_FDT_EXT);
  return 0;
}

static const char *const required[]
    = { GWT_MEMORY_EXT, GWT_IRQ_EXT, GWT_CLOCK_EXT, GWT_CHARDEV_EXT, GWT_FDT_EXT, NULL };
static const struct gwt_device_type *const types[] = { &uart_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "ns16550",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "16550A serial port",
  .required = required,
  .types = types,
  .start = uart_start,
};

GWT_PLUGIN_DEFINE ("ns16550", GODWIT_PLUGIN_VERSION, "ns16550", plugin, uart_host)
