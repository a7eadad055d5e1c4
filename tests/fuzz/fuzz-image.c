/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernels and firmware: ELF, Image or raw, any bytes in place of the file. */
#include "config.h"
#include "core/machine/image.h"
#include "tests/fuzz/claims.h"

#define BASE UINT64_C (0x80000000)
#define SIZE UINT64_C (0x8000000)

const char *const fuzz_tokens[] = { "\x7f" "ELF", "RSC\x05", "RISCV", "MZ", "\xf3", "\x01", "\x02",
                                    "\xff\xff\xff\xff\xff\xff\xff\xff", NULL };

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const struct gwt_image_space ram = { BASE, SIZE };
  static const uint64_t places[] = { BASE, BASE + 1, BASE + SIZE - 1, BASE + SIZE, 0, UINT64_MAX };
  for (size_t i = 0; i < G_N_ELEMENTS (places); i++)
    {
      struct gwt_image image;
      GWT_AUTO_ERROR (err);
      bool good;

      memset (&image, 0, sizeof image);
      image.what = g_strdup ("-kernel: 'fuzz'");
      image.parts = g_array_new (FALSE, FALSE, sizeof (struct gwt_image_part));
      if (!gwt_blob_copy (&image.blob, data, size, &err))
        {
          fuzz_claim_error (false, &err);
          gwt_image_clear (&image);
          continue;
        }
      good = gwt_image_recognize (&image, &ram, &err);
      fuzz_claim_error (good, &err);
      if (good && image.kind != GWT_IMAGE_ELF)
        {
          good = gwt_image_place (&image, places[i], &ram, &err);
          fuzz_claim_error (good, &err);
        }
      if (good)
        {
          /* whatever is loaded lies in RAM, and comes from inside the file */
          for (guint k = 0; k < image.parts->len; k++)
            {
              const struct gwt_image_part *p
                  = &g_array_index (image.parts, struct gwt_image_part, k);
              FUZZ_CLAIM (p->address >= BASE && p->address - BASE <= SIZE);
              FUZZ_CLAIM (p->memory_size <= SIZE - (p->address - BASE));
              FUZZ_CLAIM (p->file_size <= p->memory_size);
              FUZZ_CLAIM (p->offset <= size && p->file_size <= size - p->offset);
            }
          FUZZ_CLAIM (image.low <= image.high);
        }
      gwt_image_clear (&image);
    }
  return 0;
}
