/* SPDX-License-Identifier: BSD-2-Clause */
/* Boards and machine types: any bytes in place of the file. */
#include "config.h"
#include "core/machine/board.h"
#include "core/machine/json-file.h"
#include "core/machine/machine-type.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[] = { "\"devices\"",
                                    "\"at\"",
                                    "\"irq\"",
                                    "\"type\"",
                                    "\"id\"",
                                    "\"props\"",
                                    "\"board\"",
                                    "\"newer\"",
                                    "\"firmware\"",
                                    "null",
                                    "true",
                                    "false",
                                    "-1",
                                    "1e999",
                                    "\"0x\"",
                                    "\"0xffffffffffffffff\"",
                                    "18446744073709551615",
                                    "18446744073709551616",
                                    "[[[[[[[[[[[[[[[[",
                                    "{\"\":{\"\":",
                                    "\"\\u0000\"",
                                    "\"\\ud800\"",
                                    "//",
                                    "/*",
                                    "'",
                                    "\"virt\"",
                                    "\xff\xfe",
                                    NULL };

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *) data;
  {
    GWT_AUTO_ERROR (err);
    struct gwt_board *board = gwt_board_parse ("fuzz.json", text, size, &err);
    if (board != NULL)
      {
        FUZZ_CLAIM (board->name != NULL);
        FUZZ_CLAIM (board->devices->len <= GWT_BOARD_DEVICES_MAX);
        FUZZ_CLAIM (board->cpus_max <= GWT_BOARD_CPUS_MAX);
        gwt_board_free (board);
        fuzz_claim_error (true, &err);
      }
    else
      {
        FUZZ_CLAIM (err.text != NULL && g_str_has_prefix (err.text, "fuzz.json"));
        fuzz_claim_error (false, &err);
      }
  }
  {
    GWT_AUTO_ERROR (err);
    struct gwt_machine_type *type = gwt_machine_type_parse ("fuzz.json", text, size, &err);
    if (type != NULL)
      gwt_machine_type_free (type);
    else
      FUZZ_CLAIM (err.text != NULL && g_str_has_prefix (err.text, "fuzz.json"));
    fuzz_claim_error (type != NULL, &err);
  }
  {
    GWT_AUTO_ERROR (err);
    struct gwt_json_file *file = gwt_json_file_parse ("fuzz.json", text, size, &err);
    fuzz_claim_error (file != NULL, &err);
    if (file != NULL)
      gwt_json_file_free (file);
  }
  return 0;
}
