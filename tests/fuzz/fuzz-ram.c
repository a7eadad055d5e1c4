/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as payloads of RAM's section.  Only migrated memory is written; while it only checks,
 * none.  Whether bytes come at once or in pieces is all the same, and what memory is afterwards is
 * sent, taken, and then the same again.
 *
 * The first byte chooses: bit 0 check only, bit 1 x-ignore-shared, the rest how large the pieces
 * are.
 */
#include "config.h"
#include <string.h>
#include "core/cpu/run.h"
#include "core/migration/ram-internal.h"
#include "tests/fuzz/claims.h"

#define PAGE 4096u

const char *const fuzz_tokens[]
    = { "\x01" "a", "\x02" "bb", "\x04" "mine", "\x00\x00\x00\x00\x00\x00\x00\x10",
        "\x00\x00\x00\x00\x00\x00\x00\x22", "\x00\x00\x00\x00\x00\x00\x00\x60",
        "\x00\x00\x00\x00\x00\x00\x30\x04", "\x00\x00\x00\x00\x00\x00\x20\x00", NULL };

struct pieces
{
  const uint8_t *data;
  size_t size, at, piece;
};

static uint8_t *a, *bb, *mine; /* 2 pages, 1 page, 1 page that is no part of it */

static gssize
next_piece (void *opaque, uint8_t *buffer, gsize size, struct gwt_error *err)
{
  struct pieces *p = opaque;
  size_t n = MIN (MIN (p->size - p->at, size), p->piece);

  (void) err;
  memcpy (buffer, p->data + p->at, n);
  p->at += n;
  return (gssize) n;
}

static uint8_t *
make (const char *name, uint64_t pages, uint64_t flags)
{
  GWT_AUTO_ERROR (err);
  struct gwt_region *region = gwt_memory_new_ram (name, pages * PAGE, flags, &err);

  FUZZ_CLAIM (region != NULL);
  return gwt_memory_region_block (region)->host;
}

static void
reset (void)
{
  memset (a, 1, PAGE);
  memset (a + PAGE, 0, PAGE);
  memset (bb, 2, PAGE);
}

/* Payload after payload.  The error's text, NULL: all was good; g_free. */
static char *
load (struct gwt_vm_in *in)
{
  GWT_AUTO_ERROR (err);
  uint8_t more;

  FUZZ_CLAIM (gwt_ram_load_setup (NULL, &err));
  while (gwt_vm_peek (in, &more, 1, &err) == 1 && gwt_ram_load (NULL, in, 4, &err))
    ;
  gwt_ram_load_cleanup (NULL);
  gwt_vm_in_free (in);
  return g_strdup (err.text);
}

static void
claim_same (const uint8_t *pages)
{
  FUZZ_CLAIM (memcmp (pages, a, 2 * PAGE) == 0);
  FUZZ_CLAIM (memcmp (pages + 2 * PAGE, bb, PAGE) == 0);
  for (guint i = 0; i < PAGE; i++)
    FUZZ_CLAIM (mine[i] == 3);
}

static void
keep (uint8_t *pages)
{
  memcpy (pages, a, 2 * PAGE);
  memcpy (pages + 2 * PAGE, bb, PAGE);
}

static void
send_and_take (const uint8_t *pages)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *error = NULL;
  struct gwt_vm_out out;
  bool done = false;

  gwt_vm_out_init (&out);
  FUZZ_CLAIM (gwt_ram_setup (NULL, &out, &err));
  FUZZ_CLAIM (gwt_ram_iterate (NULL, &out, &done, &err) && done);
  FUZZ_CLAIM (gwt_ram_complete (NULL, &out, &err));
  gwt_ram_cleanup (NULL);
  memset (a, 9, 2 * PAGE);
  memset (bb, 9, PAGE);
  error = load (gwt_vm_in_new_data (out.bytes->data, out.bytes->len));
  FUZZ_CLAIM (error == NULL);
  claim_same (pages);
  gwt_vm_out_clear (&out);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct gwt_ram_options options = { .xbzrle_cache = PAGE };
  struct pieces pieces = { NULL, 0, 0, 1 };
  uint8_t pages[3 * PAGE];
  g_autofree char *first = NULL, *second = NULL;

  if (a == NULL)
    {
      gwt_run_init ();
      gwt_ram_slice_us = G_MAXINT64 / 2;
      a = make ("a", 2, GWT_RAM_MIGRATED);
      bb = make ("bb", 1, GWT_RAM_MIGRATED | GWT_RAM_READ_ONLY);
      mine = make ("mine", 1, 0);
      memset (mine, 3, PAGE);
    }
  if (size < 1)
    return 0;
  gwt_ram_check_only (data[0] & 1);
  options.ignore_shared = data[0] & 2;
  gwt_ram_configure (&options);
  pieces.piece = (size_t) 1 + (data[0] >> 2) * 67;
  pieces.data = data + 1;
  pieces.size = size - 1;
  reset ();
  keep (pages);
  first = load (gwt_vm_in_new_data (data + 1, size - 1));
  if (data[0] & 1)
    claim_same (pages);
  keep (pages);
  reset ();
  second = load (gwt_vm_in_new (next_piece, &pieces));
  FUZZ_CLAIM (g_strcmp0 (first, second) == 0);
  claim_same (pages);
  gwt_ram_check_only (false);
  send_and_take (pages);
  return 0;
}
