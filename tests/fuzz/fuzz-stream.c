/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a captured stream.  What is found lies inside of the file and says so in one line;
 * every page can be read; a stream is not different from itself; all of it can be printed.
 */
#include "config.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "tests/fuzz/claims.h"
#include "tools/stream/capture.h"

const char *const fuzz_tokens[] = { "QEVM",
                                    "\x05",
                                    "\x06",
                                    "\x7e",
                                    "\x08",
                                    "\"fields\"",
                                    "\"size\": ",
                                    "\"array_len\": 9",
                                    "\"struct\": {",
                                    "\"subsections\": [{",
                                    "18446744073709551615",
                                    "\\u0041",
                                    NULL };

static void
claim_nodes (const struct gwt_capture_node *node, uint64_t from, uint64_t to)
{
  for (; node != NULL; node = node->next)
    {
      FUZZ_CLAIM (node->offset >= from && node->offset <= to);
      FUZZ_CLAIM (node->size == 0 || node->count <= (to - node->offset) / node->size);
      claim_nodes (node->first, node->offset, node->offset + node->size);
      from = node->offset + node->size * node->count;
    }
}

static void
claim_pages (struct gwt_capture *c)
{
  g_autofree uint8_t *bytes = g_malloc (c->page_size);
  GWT_AUTO_ERROR (err);
  guint i, k;

  for (i = 0; i < c->blocks->len; i++)
    {
      const struct gwt_capture_block *block = c->blocks->pdata[i];
      g_autoptr (GArray) pages = gwt_capture_pages (c, block);

      FUZZ_CLAIM (pages->len == block->pages);
      for (k = 0; k < pages->len; k++)
        {
          uint64_t number = g_array_index (pages, uint64_t, k);

          FUZZ_CLAIM (number < block->length / c->page_size);
          FUZZ_CLAIM (gwt_capture_page (c, block, number, bytes, &err));
        }
    }
}

static struct gwt_capture *
walked (const uint8_t *data, size_t size, bool *good)
{
  struct gwt_capture *c = gwt_capture_new (gwt_capture_file_of_data (data, size));
  GWT_AUTO_ERROR (err);

  *good = gwt_capture_walk (c, NULL, NULL, &err);
  fuzz_claim_error (*good, &err);
  return c;
}

static void
print (const uint8_t *data, size_t size, bool walks)
{
  int out = dup (STDOUT_FILENO), null = open ("/dev/null", O_WRONLY | O_CLOEXEC), i;

  fflush (stdout);
  dup2 (null, STDOUT_FILENO);
  for (i = 0; i < 3; i++)
    {
      struct gwt_capture *c = gwt_capture_new (gwt_capture_file_of_data (data, size));
      GWT_AUTO_ERROR (err);
      bool good = i < 2 ? gwt_capture_show (c, i > 0, &err) : gwt_capture_json (c, "x", &err);

      FUZZ_CLAIM (good == walks);
      fuzz_claim_error (good, &err);
      gwt_capture_free (c);
    }
  fflush (stdout);
  dup2 (out, STDOUT_FILENO);
  close (out);
  close (null);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  bool good, again, same = false;
  struct gwt_capture *a = walked (data, size, &good), *b;
  GWT_AUTO_ERROR (err);
  guint i;

  for (i = 0; i < a->items->len; i++)
    {
      const struct gwt_capture_item *item = a->items->pdata[i];

      if (item->fields != NULL)
        claim_nodes (item->fields, item->payload, item->end);
    }
  for (i = 0; i < a->findings->len; i++)
    FUZZ_CLAIM (g_utf8_validate (g_array_index (a->findings, struct gwt_capture_finding, i).text,
                                 -1, NULL));
  claim_pages (a);
  print (data, size, good);
  if (good)
    {
      b = walked (data, size, &again);
      FUZZ_CLAIM (again && gwt_capture_diff (a, b, true, &same, &err) && same);
      gwt_capture_free (b);
    }
  gwt_capture_free (a);
  return 0;
}
