/* SPDX-License-Identifier: BSD-2-Clause */
/* ns16550: registers, FIFOs, every interrupt source, loopback, back-pressure. */
#include "mock-host.h"

#include <string.h>

#define DATA 0
#define IER 1
#define IIR 2
#define FCR 2
#define LCR 3
#define MCR 4
#define LSR 5
#define MSR 6
#define SCR 7

static const struct gwt_plugin *plugin;

static struct gwt_device *
new_uart (void)
{
  mock_new_machine (1);
  return mock_new (plugin->types[0], "uart0", "chardev=serial", NULL);
}

static uint8_t
in (struct gwt_device *d, uint32_t reg)
{
  return (uint8_t) mock_load_reg (d, reg, 1);
}

static void
out (struct gwt_device *d, uint32_t reg, uint8_t value)
{
  mock_store_reg (d, reg, 1, value);
}

static uint32_t
irq (struct gwt_device *d)
{
  return mock_level (d, "irq", 0);
}

static void
test_rows (void)
{
  mock_check_rows (plugin->types[0]);
}

static void
test_reset_values (void)
{
  struct gwt_device *d = new_uart ();
  int round;

  for (round = 0; round < 2; round++)
    {
      g_assert_cmphex (in (d, IER), ==, 0);
      g_assert_cmphex (in (d, IIR), ==, 0x01);
      g_assert_cmphex (in (d, LCR), ==, 0);
      g_assert_cmphex (in (d, MCR), ==, 0);
      g_assert_cmphex (in (d, LSR), ==, 0x60);
      g_assert_cmphex (in (d, MSR), ==, 0xb0);
      g_assert_cmphex (in (d, SCR), ==, 0);
      out (d, SCR, 0x5a);
      out (d, FCR, 0xc1);
      out (d, IER, 0x0f);
      out (d, MCR, 0x1f);
      out (d, LCR, 0x80);
      g_assert_cmphex (in (d, DATA), ==, 12);
      out (d, DATA, 1);
      out (d, LCR, 0x1b);
      mock_reset (d, GWT_RESET_WARM);
      g_assert_cmpuint (irq (d), ==, 0);
    }
  mock_free (d);
}

static void
test_writable_bits (void)
{
  struct gwt_device *d = new_uart ();

  out (d, IER, 0xff);
  g_assert_cmphex (in (d, IER), ==, 0x0f);
  out (d, MCR, 0xff);
  g_assert_cmphex (in (d, MCR), ==, 0x1f);
  out (d, LCR, 0xff);
  g_assert_cmphex (in (d, LCR), ==, 0xff);
  out (d, DATA, 0x34);
  out (d, IER, 0x12);
  g_assert_cmphex (in (d, DATA), ==, 0x34);
  g_assert_cmphex (in (d, IER), ==, 0x12);
  out (d, LCR, 0x03);
  g_assert_cmphex (in (d, IER), ==, 0x0f);
  out (d, LSR, 0);
  g_assert_cmphex (in (d, LSR) & 0x60, ==, 0x60);
  out (d, SCR, 0xa5);
  g_assert_cmphex (in (d, SCR), ==, 0xa5);
  /* FCR without its enable bit programs nothing; with it IIR shows it. */
  out (d, MCR, 0);
  out (d, IER, 0);
  out (d, FCR, 0xc0);
  g_assert_cmphex (in (d, IIR), ==, 0x01);
  out (d, FCR, 0x01);
  g_assert_cmphex (in (d, IIR), ==, 0xc1);
  /* A 4-byte access is the register with zeros above. */
  g_assert_cmphex (mock_load_reg (d, 4, 4), ==, 0);
  g_assert_cmphex (mock_load_reg (d, 0x80, 1), ==, 0);
  mock_store_reg (d, 0x80, 1, 0xff);
  g_assert_cmpuint (mock.logs, ==, 1);
  mock_free (d);
}

static void
test_reg_shift (void)
{
  mock_new_machine (1);
  struct gwt_device *d = mock_new (plugin->types[0], "uart0", "chardev=serial", "reg-shift=2",
                                   "clock-frequency=1843200", NULL);

  mock_store_reg (d, SCR * 4, 4, 0x77);
  g_assert_cmphex (mock_load_reg (d, SCR * 4, 4), ==, 0x77);
  mock_store_reg (d, LCR * 4, 4, 0x80);
  mock_store_reg (d, DATA, 4, 1);
  mock_store_reg (d, IER * 4, 4, 0);
  mock_store_reg (d, LCR * 4, 4, 0x1b);
  g_assert_cmpuint (mock.serial.baud, ==, 115200);
  g_assert_cmpuint (mock.serial.data_bits, ==, 8);
  g_assert_cmpuint (mock.serial.stop_bits, ==, 1);
  g_assert_cmpuint (mock.serial.parity, ==, 'E');
  g_assert_cmpstr (mock_describe (d), ==,
                   "compatible = 'ns16550a'\nclock-frequency = 1843200\nreg-shift = 2\n");
  mock_free (d);
}

static void
test_transmit (void)
{
  struct gwt_device *d = new_uart ();
  const char *text = "hello";
  char *sent;
  int fifo;

  for (fifo = 0; fifo < 2; fifo++)
    {
      const char *p;

      out (d, FCR, fifo);
      for (p = text; *p; p++)
        {
          out (d, DATA, (uint8_t) *p);
          g_assert_cmphex (in (d, LSR), ==, 0x60);
        }
      sent = mock_sent ();
      g_assert_cmpstr (sent, ==, text);
      g_free (sent);
    }
  mock_free (d);

  /* Without a back end everything vanishes, and is done. */
  mock_new_machine (1);
  d = mock_new (plugin->types[0], "uart0", NULL);
  out (d, DATA, 'x');
  g_assert_cmphex (in (d, LSR), ==, 0x60);
  mock_free (d);
}

static void
test_back_pressure (void)
{
  struct gwt_device *d = new_uart ();
  char *sent;
  int i;

  mock.serial.room = 0;
  out (d, FCR, 0x01);
  out (d, IER, 0x02);
  g_assert_cmphex (in (d, IIR), ==, 0xc2);
  g_assert_cmphex (in (d, IIR), ==, 0xc1);
  /* The first goes to the shift register: the FIFO is empty again, the transmitter is not. */
  out (d, DATA, 'a');
  g_assert_cmphex (in (d, LSR), ==, 0x20);
  g_assert_cmphex (in (d, IIR), ==, 0xc2);
  for (i = 0; i < 16; i++)
    out (d, DATA, (uint8_t) ('b' + i));
  g_assert_cmphex (in (d, LSR), ==, 0x00);
  g_assert_cmpuint (irq (d), ==, 0);
  /* The driver does not look and writes on: the oldest waiting byte is lost, no more. */
  out (d, DATA, 'Z');
  mock.serial.room = 5;
  mock.serial.client->writable (d->instance);
  g_assert_cmphex (in (d, LSR), ==, 0x00);
  mock.serial.room = G_MAXUINT64;
  mock.serial.client->writable (d->instance);
  g_assert_cmphex (in (d, LSR), ==, 0x60);
  g_assert_cmpuint (irq (d), ==, 1);
  g_assert_cmphex (in (d, IIR), ==, 0xc2);
  sent = mock_sent ();
  g_assert_cmpstr (sent, ==, "acdefghijklmnopqZ");
  g_free (sent);
  /* Reset of the transmitter FIFO while it is stuck. */
  mock.serial.room = 0;
  out (d, DATA, '1');
  out (d, DATA, '2');
  out (d, FCR, 0x05);
  g_assert_cmphex (in (d, LSR), ==, 0x20);
  mock.serial.room = 10;
  mock.serial.client->writable (d->instance);
  sent = mock_sent ();
  g_assert_cmpstr (sent, ==, "1");
  g_free (sent);
  mock_free (d);
}

static void
test_thre_interrupt (void)
{
  struct gwt_device *d = new_uart ();

  /* Enabling it while empty raises it at once; reading IIR takes it back, as does writing THR. */
  out (d, IER, 0x02);
  g_assert_cmpuint (irq (d), ==, 1);
  g_assert_cmphex (in (d, IIR), ==, 0x02);
  g_assert_cmpuint (irq (d), ==, 0);
  g_assert_cmphex (in (d, IIR), ==, 0x01);
  out (d, DATA, 'x');
  g_assert_cmpuint (irq (d), ==, 1);
  mock.serial.room = 0;
  out (d, DATA, 'y');
  out (d, DATA, 'z');
  g_assert_cmpuint (irq (d), ==, 0);
  out (d, IER, 0x00);
  mock.serial.room = G_MAXUINT64;
  mock.serial.client->writable (d->instance);
  g_assert_cmpuint (irq (d), ==, 0);
  out (d, IER, 0x02);
  g_assert_cmpuint (irq (d), ==, 1);
  /* Written again while on: no second interrupt. */
  in (d, IIR);
  out (d, IER, 0x02);
  g_assert_cmpuint (irq (d), ==, 0);
  mock_free (d);
}

static void
test_receive_plain (void)
{
  struct gwt_device *d = new_uart ();

  out (d, IER, 0x01);
  g_assert_cmpuint (mock_type ("ab", 2), ==, 1);
  g_assert_cmphex (in (d, LSR), ==, 0x61);
  g_assert_cmpuint (irq (d), ==, 1);
  g_assert_cmphex (in (d, IIR), ==, 0x04);
  g_assert_cmpuint (mock_type ("b", 1), ==, 0);
  mock.serial.accepts = 0;
  g_assert_cmpuint (in (d, DATA), ==, 'a');
  g_assert_cmpuint (mock.serial.accepts, ==, 1);
  g_assert_cmpuint (irq (d), ==, 0);
  g_assert_cmphex (in (d, LSR), ==, 0x60);
  mock_free (d);
}

static void
test_receive_fifo (void)
{
  static const uint32_t trigger[] = { 1, 4, 8, 14 };
  struct gwt_device *d = new_uart ();
  uint32_t i, k;

  out (d, IER, 0x01);
  for (i = 0; i < 4; i++)
    {
      out (d, FCR, (uint8_t) (i << 6 | 0x03));
      for (k = 1; k < trigger[i]; k++)
        {
          g_assert_cmpuint (mock_type ("x", 1), ==, 1);
          g_assert_cmpuint (irq (d), ==, 0);
          g_assert_cmphex (in (d, LSR), ==, 0x61);
        }
      mock_type ("y", 1);
      g_assert_cmpuint (irq (d), ==, 1);
      g_assert_cmphex (in (d, IIR), ==, 0xc4);
      /* Below the trigger level the interrupt goes. */
      in (d, DATA);
      g_assert_cmpuint (irq (d), ==, 0);
    }
  out (d, FCR, 0x03);
  g_assert_cmphex (in (d, LSR), ==, 0x60);
  g_assert_cmpuint (mock_type ("0123456789abcdefgh", 18), ==, 16);
  for (i = 0; i < 16; i++)
    g_assert_cmpuint (in (d, DATA), ==, "0123456789abcdef"[i]);
  g_assert_cmphex (in (d, LSR), ==, 0x60);
  /* Round the ring's end, and a switch off that empties it. */
  mock_type ("01234567", 8);
  g_assert_cmpuint (in (d, DATA), ==, '0');
  out (d, FCR, 0);
  g_assert_cmphex (in (d, LSR), ==, 0x60);
  mock_free (d);
}

static void
test_timeout (void)
{
  struct gwt_device *d = new_uart ();
  /* 115200 8N1: ten bits of 8680 ns, four characters. */
  uint64_t four = 4 * 10 * (16 * 2 * 1000000000ull / 3686400);

  out (d, LCR, 0x83);
  out (d, DATA, 2);
  out (d, IER, 0);
  out (d, LCR, 0x03);
  out (d, FCR, 0x81);
  out (d, IER, 0x01);
  mock_type ("abc", 3);
  mock_advance (GWT_CLOCK_VIRTUAL, four - 1);
  g_assert_cmpuint (irq (d), ==, 0);
  /* One more character starts the wait anew. */
  mock_type ("d", 1);
  mock_advance (GWT_CLOCK_VIRTUAL, four - 1);
  g_assert_cmpuint (irq (d), ==, 0);
  mock_advance (GWT_CLOCK_VIRTUAL, 1);
  g_assert_cmpuint (irq (d), ==, 1);
  g_assert_cmphex (in (d, IIR), ==, 0xcc);
  /* A read takes it back and starts the wait for the rest. */
  g_assert_cmpuint (in (d, DATA), ==, 'a');
  g_assert_cmpuint (irq (d), ==, 0);
  mock_advance (GWT_CLOCK_VIRTUAL, four);
  g_assert_cmphex (in (d, IIR), ==, 0xcc);
  in (d, DATA);
  in (d, DATA);
  in (d, DATA);
  g_assert_cmpuint (mock_next_timer (GWT_CLOCK_VIRTUAL), ==, GWT_TIMER_OFF);
  mock_advance (GWT_CLOCK_VIRTUAL, 10 * four);
  g_assert_cmphex (in (d, IIR), ==, 0xc1);
  mock_free (d);
}

static void
test_line_errors (void)
{
  struct gwt_device *d = new_uart ();

  out (d, FCR, 0x81);
  out (d, IER, 0x04);
  mock_type ("a", 1);
  mock.serial.client->event (d->instance, GWT_CHARDEV_BREAK);
  mock_type ("b", 1);
  /* The break is somewhere in the FIFO, not at its top. */
  g_assert_cmphex (in (d, LSR), ==, 0xe1);
  g_assert_cmpuint (irq (d), ==, 0);
  g_assert_cmpuint (in (d, DATA), ==, 'a');
  g_assert_cmpuint (irq (d), ==, 1);
  g_assert_cmphex (in (d, IIR), ==, 0xc6);
  g_assert_cmphex (in (d, LSR), ==, 0xf1);
  g_assert_cmpuint (irq (d), ==, 0);
  g_assert_cmphex (in (d, LSR), ==, 0x61);
  g_assert_cmpuint (in (d, DATA), ==, 0);
  g_assert_cmpuint (in (d, DATA), ==, 'b');
  g_assert_cmphex (in (d, LSR), ==, 0x60);
  mock_free (d);
}

static void
test_loopback (void)
{
  struct gwt_device *d = new_uart ();
  char *sent;
  int i;

  out (d, MCR, 0x10);
  in (d, MSR);
  out (d, DATA, 'L');
  g_assert_cmphex (in (d, LSR), ==, 0x61);
  /* A second one runs over the first in 16450 mode. */
  out (d, DATA, 'M');
  g_assert_cmphex (in (d, LSR), ==, 0x63);
  g_assert_cmpuint (in (d, DATA), ==, 'M');
  /* The line is cut off both ways. */
  sent = mock_sent ();
  g_assert_cmpstr (sent, ==, "");
  g_free (sent);
  g_assert_cmpuint (mock_type ("x", 1), ==, 0);
  /* With FIFOs the last ones are lost. */
  out (d, FCR, 0x01);
  for (i = 0; i < 17; i++)
    out (d, DATA, (uint8_t) i);
  g_assert_cmphex (in (d, LSR), ==, 0x63);
  for (i = 0; i < 16; i++)
    g_assert_cmpuint (in (d, DATA), ==, i);
  g_assert_cmphex (in (d, LSR), ==, 0x60);
  mock.serial.accepts = 0;
  out (d, MCR, 0);
  g_assert_cmpuint (mock.serial.accepts, ==, 1);
  mock_free (d);
}

static void
test_modem (void)
{
  struct gwt_device *d = new_uart ();

  out (d, MCR, 0x10);
  g_assert_cmphex (in (d, MSR), ==, 0x0b);
  g_assert_cmphex (in (d, MSR), ==, 0x00);
  out (d, IER, 0x08);
  /* DTR, RTS, OUT1, OUT2 come back as DSR, CTS, RI, DCD. */
  out (d, MCR, 0x11);
  g_assert_cmpuint (irq (d), ==, 1);
  g_assert_cmphex (in (d, IIR), ==, 0x00);
  g_assert_cmphex (in (d, MSR), ==, 0x22);
  g_assert_cmpuint (irq (d), ==, 0);
  out (d, MCR, 0x12);
  g_assert_cmphex (in (d, MSR), ==, 0x13);
  /* The ring indicator counts its trailing edge only. */
  out (d, MCR, 0x16);
  g_assert_cmphex (in (d, MSR), ==, 0x50);
  out (d, MCR, 0x12);
  g_assert_cmphex (in (d, MSR), ==, 0x14);
  out (d, MCR, 0x1a);
  g_assert_cmphex (in (d, MSR), ==, 0x98);
  mock_free (d);
}

static void
test_interrupt_order (void)
{
  struct gwt_device *d = new_uart ();

  out (d, IER, 0x0f);
  out (d, MCR, 0x10);
  out (d, DATA, 1);
  out (d, DATA, 2);
  g_assert_cmphex (in (d, IIR), ==, 0x06);
  in (d, LSR);
  g_assert_cmphex (in (d, IIR), ==, 0x04);
  in (d, DATA);
  g_assert_cmphex (in (d, IIR), ==, 0x02);
  g_assert_cmphex (in (d, IIR), ==, 0x00);
  in (d, MSR);
  g_assert_cmphex (in (d, IIR), ==, 0x01);
  g_assert_cmpuint (irq (d), ==, 0);
  mock_free (d);
}

static void
test_taken_back_end (void)
{
  struct gwt_device *d = new_uart (), *second;

  second = mock_try_new (plugin->types[0], "uart1", "chardev=serial", NULL);
  g_assert_null (second);
  g_assert_cmpuint (mock_error.code, ==, GWT_E_BUSY);
  mock.serial.client = NULL;
  mock_free (d);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  plugin = mock_load ("ns16550");
  g_test_add_func ("/ns16550/rows", test_rows);
  g_test_add_func ("/ns16550/reset-values", test_reset_values);
  g_test_add_func ("/ns16550/writable-bits", test_writable_bits);
  g_test_add_func ("/ns16550/reg-shift", test_reg_shift);
  g_test_add_func ("/ns16550/transmit", test_transmit);
  g_test_add_func ("/ns16550/back-pressure", test_back_pressure);
  g_test_add_func ("/ns16550/thre-interrupt", test_thre_interrupt);
  g_test_add_func ("/ns16550/receive-plain", test_receive_plain);
  g_test_add_func ("/ns16550/receive-fifo", test_receive_fifo);
  g_test_add_func ("/ns16550/timeout", test_timeout);
  g_test_add_func ("/ns16550/line-errors", test_line_errors);
  g_test_add_func ("/ns16550/loopback", test_loopback);
  g_test_add_func ("/ns16550/modem", test_modem);
  g_test_add_func ("/ns16550/interrupt-order", test_interrupt_order);
  g_test_add_func ("/ns16550/taken-back-end", test_taken_back_end);
  return g_test_run ();
}
