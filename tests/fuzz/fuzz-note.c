/* SPDX-License-Identifier: BSD-2-Clause */
/* The ELF note that says what a plugin is, in any bytes in place of the file. */
#include "config.h"
#include "core/plugin/loader.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[]
    = { "\x7f" "ELF", "godwit", ".note.godwit", "\xff\xff\xff\xff",
        "\xff\xff\xff\xff\xff\xff\xff\x7f", NULL };

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct gwt_note_desc desc;
  GWT_AUTO_ERROR (err);
  bool good;

  memset (&desc, 0xa5, sizeof desc);
  good = gwt_note_parse (data, size, &desc, &err);
  fuzz_claim_error (good, &err);
  return 0;
}
