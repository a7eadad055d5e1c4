/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this plugin share: a UART.  ns16550.c has its registers, state.c what of it
   goes along when the guest moves. */
#ifndef PLUGINS_NS16550_NS16550_H
#define PLUGINS_NS16550_NS16550_H

#include <godwit/godwit.h>

#include <stdbool.h>

#define FIFO_SIZE 16

#define IER_RDA 0x01
#define IER_THRE 0x02
#define IER_RLS 0x04
#define IER_MSR 0x08

#define IIR_NONE 0x01
#define IIR_THRE 0x02
#define IIR_ID 0x0f

#define FCR_ENABLE 0x01
#define FCR_KEPT 0xc9 /* enable, DMA mode, trigger level; the others clear themselves */

#define MCR_ALL 0x1f

#define LSR_DR 0x01
#define LSR_OE 0x02
#define LSR_PE 0x04
#define LSR_FE 0x08
#define LSR_BI 0x10
#define LSR_TEMT 0x40
#define LSR_FIFO_ERROR 0x80

struct fifo
{
  uint8_t data[FIFO_SIZE];
  uint8_t head; /* index of the oldest byte */
  uint8_t count;
};

struct ns16550
{
  struct gwt_chardev *chardev;
  uint32_t clock;
  uint8_t reg_shift;
  uint8_t pad;

  uint16_t divisor;
  uint8_t rbr;
  uint8_t ier;
  uint8_t iir;
  uint8_t lcr;
  uint8_t mcr;
  uint8_t lsr; /* LSR_FIFO_ERROR is worked out when it is read */
  uint8_t msr;
  uint8_t scr;
  uint8_t fcr;
  uint8_t thr;
  uint8_t tsr;
  uint8_t tsr_full;     /* the back end has not taken tsr yet */
  int8_t thr_ipending;  /* the transmitter became empty and nobody was told; -1 while loading */
  uint8_t timeout_pending; /* bytes wait in the receiver and nobody has come for them */
  bool timeout_coming;  /* they have not waited long enough yet; as of the last save or load */
  struct fifo rx, tx;
  uint8_t rx_flags[FIFO_SIZE]; /* LSR error bits that came with the byte */
  uint8_t pad_2[5];

  struct gwt_timer *timer;  /* of the timeout */
  struct gwt_timer *resume; /* after a load, when the guest runs again */
  struct gwt_irq *line;
  bool sending;
  bool warned;
  uint8_t pad_3[6];
};

extern const struct gwt_host *uart_host;
extern const struct gwt_irq_api *uart_irq;
extern const struct gwt_clock_api *uart_clocks;

extern const struct gwt_vmstate *const uart_states[];

static inline bool
fifo_on (const struct ns16550 *u)
{
  return u->fcr & FCR_ENABLE;
}

/* Work out the interrupt; the line is driven where it changes. */
void uart_update (struct ns16550 *u);
/* Is there a byte with an error in the receiver's FIFO? */
bool uart_rx_error_waits (const struct ns16550 *u);
/* The back end is told of speed and format. */
void uart_line_changed (struct ns16550 *u);

#endif
