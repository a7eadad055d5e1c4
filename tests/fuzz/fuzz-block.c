/* SPDX-License-Identifier: BSD-2-Clause */
/* What users type behind -blockdev and -drive, and clients send with blockdev-add.  Nothing is
   opened but disks that keep nothing. */
#include "config.h"
#include <string.h>
#include "core/backend/block-internal.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[]
    = { ",", ",,", "=", ".", "driver=", "node-name=", "null-co", "null-aio", "raw", "throttle",
        "file.driver=null-co", "file=", "size=", "offset=", "1G", "on", "off", "read-only=on",
        "cache.direct=on", "cache=none", "discard=unmap", "detect-zeroes=unmap", "iops-total=10",
        "bps-total-max=", "-max-length=", "throttling.", "if=none", "if=virtio", "id=", "index=",
        "werror=stop", "rerror=", "{\"driver\":\"null-co\",\"node-name\":\"d\"}",
        "{\"file\":{\"driver\":\"null-co\"}}", "18446744073709551615", "\xc3\x28", NULL };

/* Could it name something outside? An escape in JSON could hide such a word. */
static bool
leads_outside (const char *text)
{
  static const char *const words[] = { "filename", "nbd", "\\", "file=/", "file=.", NULL };
  guint i;

  for (i = 0; words[i] != NULL; i++)
    if (strstr (text, words[i]) != NULL)
      return true;
  return false;
}

static void
check_nodes (void)
{
  guint count, i;
  g_autofree struct gwt_block **all = gwt_blocks (&count);

  for (i = 0; i < count; i++)
    {
      struct gwt_block_details d;

      gwt_block_describe (all[i], &d);
      FUZZ_CLAIM (d.size % 512 == 0 && d.size <= INT64_MAX);
      FUZZ_CLAIM (d.child == NULL || d.child->parent == all[i]);
      FUZZ_CLAIM (d.device == NULL);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  GWT_AUTO_ERROR (err);
  struct json_object *options = gwt_block_parse (text, &err);
  struct gwt_throttle *throttle = NULL;
  struct gwt_drive drive = { 0 };
  struct gwt_block *block;
  bool same;

  fuzz_claim_error (options != NULL, &err);
  if (options != NULL)
    {
      bool good = gwt_throttle_take (options, "", &throttle, &err);

      fuzz_claim_error (good, &err);
      gwt_throttle_free (throttle);
      json_object_put (options);
    }
  if (leads_outside (text))
    return 0;
  block = gwt_block_add_option (text, &err);
  fuzz_claim_error (block != NULL, &err);
  FUZZ_CLAIM (block != NULL || gwt_block_nodes == NULL || gwt_block_nodes->len == 0);
  if (block != NULL)
    {
      FUZZ_CLAIM (!gwt_block_check_used (&err));
      gwt_error_clear (&err);
      check_nodes ();
    }
  gwt_block_close_all ();
  if (strstr (text, "file=") != NULL)
    return 0;
  fuzz_claim_error (gwt_drive_new_option (text, &drive, &err), &err);
  check_nodes ();
  /* A node's name is at most that long. */
  same = drive.expansion != NULL && strlen (drive.block->drive) <= 31;
  gwt_block_close_all ();
  if (same)
    {
      /* What it stands for makes the same. */
      FUZZ_CLAIM (gwt_block_add_option (drive.expansion, &err) != NULL);
      gwt_block_close_all ();
    }
  g_free (drive.expansion);
  g_free (drive.device);
  return 0;
}
