/* SPDX-License-Identifier: BSD-2-Clause */
/* Claims that every target of the core makes: errors are one printable line. */
#ifndef TESTS_FUZZ_CLAIMS_H
#define TESTS_FUZZ_CLAIMS_H

#include <glib.h>
#include <string.h>

#include "core/util/error.h"
#include "tests/fuzz/fuzz.h"

/* GOOD says whether the call succeeded; ERR is cleared. */
static inline void
fuzz_claim_error (bool good, struct gwt_error *err)
{
  FUZZ_CLAIM (good == !gwt_error_is_set (err));
  if (!good)
    {
      size_t n;
      FUZZ_CLAIM (err->text != NULL && *err->text != 0);
      n = strlen (err->text);
      FUZZ_CLAIM (n < 65536);
      FUZZ_CLAIM (g_utf8_validate (err->text, (gssize) n, NULL));
      for (size_t i = 0; i < n; i++)
        FUZZ_CLAIM ((unsigned char) err->text[i] >= 0x20 && err->text[i] != 0x7f);
      FUZZ_CLAIM (err->text[n - 1] != '.');
    }
  gwt_error_clear (err);
}

#endif
