/* SPDX-License-Identifier: BSD-2-Clause */
/* Firmware and kernel files: what is recognized, where it goes, and that no field of a file is
 * believed. */
#include "config.h"
#include "core/machine/image.h"
#include <elf.h>
#include <string.h>

#define BASE 0x80000000ull
#define SIZE (64ull << 20)

static const struct gwt_image_space ram = { BASE, SIZE };

/* A program of two segments; the entry is in the first one's virtual range. */
struct elf
{
  Elf64_Ehdr ehdr;
  Elf64_Phdr phdr[3];
  uint8_t text[64];
};

static struct elf
sound_elf (void)
{
  struct elf elf
      = { .ehdr = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                    .e_type = ET_EXEC,
                    .e_machine = EM_RISCV,
                    .e_version = EV_CURRENT,
                    .e_entry = 0xffffffff80200010ull,
                    .e_phoff = offsetof (struct elf, phdr),
                    .e_ehsize = sizeof (Elf64_Ehdr),
                    .e_phentsize = sizeof (Elf64_Phdr),
                    .e_phnum = 3 },
          .phdr = { { .p_type = PT_LOAD,
                      .p_offset = offsetof (struct elf, text),
                      .p_vaddr = 0xffffffff80200000ull,
                      .p_paddr = BASE + 0x200000,
                      .p_filesz = 64,
                      .p_memsz = 64 },
                    { .p_type = PT_NOTE, .p_offset = UINT64_MAX, .p_filesz = UINT64_MAX },
                    { .p_type = PT_LOAD,
                      .p_offset = offsetof (struct elf, text),
                      .p_vaddr = 0xffffffff80300000ull,
                      .p_paddr = BASE + 0x300000,
                      .p_filesz = 8,
                      .p_memsz = 0x1000 } } };
  return elf;
}

static bool
recognize (struct gwt_image *image, const void *data, uint64_t size, struct gwt_error *err)
{
  *image = (struct gwt_image){ .what = g_strdup ("-kernel: 'k'") };
  return gwt_blob_copy (&image->blob, data, size, err) && gwt_image_recognize (image, &ram, err);
}

static void
test_elf (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_image image;
  struct elf elf = sound_elf ();
  g_assert_true (recognize (&image, &elf, sizeof elf, &err));
  g_assert_cmpint (image.kind, ==, GWT_IMAGE_ELF);
  g_assert_cmphex (image.entry, ==, BASE + 0x200010);
  g_assert_cmphex (image.low, ==, BASE + 0x200000);
  g_assert_cmphex (image.high, ==, BASE + 0x301000);
  g_assert_cmpuint (image.parts->len, ==, 2);
  gwt_image_clear (&image);

  /* A physical entry is taken as it is. */
  elf.ehdr.e_entry = BASE + 0x300004;
  g_assert_true (recognize (&image, &elf, sizeof elf, &err));
  g_assert_cmphex (image.entry, ==, BASE + 0x300004);
  gwt_image_clear (&image);
}

static void
refused_elf (const struct elf *elf, uint64_t size, const char *text)
{
  GWT_AUTO_ERROR (err);
  struct gwt_image image;
  g_assert_false (recognize (&image, elf, size, &err));
  if (strstr (err.text, text) == NULL)
    g_assert_cmpstr (err.text, ==, text);
  g_assert_true (g_str_has_prefix (err.text, "-kernel: 'k': "));
  gwt_image_clear (&image);
}

static void
test_bad_elf (void)
{
  struct elf elf = sound_elf ();
  refused_elf (&elf, 4, "is not of 64 bits, little endian; build it for riscv64");
  refused_elf (&elf, sizeof (Elf64_Ehdr) - 1, "is truncated: it ends inside its header");
  refused_elf (&elf, sizeof elf - sizeof elf.text - 1, "it ends inside its program headers");
  refused_elf (&elf, sizeof elf - 1, "a segment ends behind the end of the file");
#define WITH(member, value, text)                                                                  \
  elf = sound_elf ();                                                                              \
  elf.member = value;                                                                              \
  refused_elf (&elf, sizeof elf, text)
  WITH (ehdr.e_ident[EI_CLASS], ELFCLASS32, "is not of 64 bits");
  WITH (ehdr.e_ident[EI_DATA], ELFDATA2MSB, "is not of 64 bits");
  WITH (ehdr.e_machine, EM_X86_64, "is for another processor; build it for riscv64");
  WITH (ehdr.e_type, ET_REL, "is no program; link it");
  WITH (ehdr.e_phnum, 0, "has no program headers");
  WITH (ehdr.e_phentsize, 8, "has no program headers");
  WITH (ehdr.e_phnum, 65535, "it ends inside its program headers");
  WITH (ehdr.e_phoff, UINT64_MAX, "it ends inside its program headers");
  WITH (ehdr.e_phoff, UINT64_MAX - 56, "it ends inside its program headers");
  WITH (ehdr.e_entry, 0x1234, "ELF entry 0x1234 is in none of its segments");
  WITH (phdr[0].p_filesz, UINT64_MAX, "a segment ends behind the end of the file");
  WITH (phdr[0].p_offset, UINT64_MAX, "a segment ends behind the end of the file");
  WITH (phdr[0].p_memsz, 8, "a segment has more bytes in the file than in memory");
  WITH (phdr[0].p_memsz, UINT64_MAX, "is not in RAM (0x80000000 to 0x83ffffff)");
  WITH (phdr[0].p_paddr, 0x1000, "segment 0 at 0x1000 with 0x40 bytes is not in RAM");
  WITH (phdr[0].p_paddr, BASE + SIZE - 63, "is not in RAM");
  WITH (phdr[2].p_paddr, UINT64_MAX - 10, "is not in RAM");
  elf = sound_elf ();
  elf.phdr[0].p_type = elf.phdr[2].p_type = PT_NULL;
  refused_elf (&elf, sizeof elf, "has nothing to load; link it as a program");
}

/* Each byte of the headers set to each of some values: refused or inside RAM. */
static void
test_damaged_elf (void)
{
  static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
  for (size_t n = 0; n < offsetof (struct elf, text); n++)
    for (guint v = 0; v < G_N_ELEMENTS (values); v++)
      {
        GWT_AUTO_ERROR (err);
        struct gwt_image image;
        struct elf elf = sound_elf ();
        ((uint8_t *)&elf)[n] = values[v];
        if (recognize (&image, &elf, sizeof elf, &err))
          for (guint i = 0; i < image.parts->len; i++)
            {
              const struct gwt_image_part *part
                  = &g_array_index (image.parts, struct gwt_image_part, i);
              g_assert_cmphex (part->address, >=, BASE);
              g_assert_cmphex (part->address - BASE, <=, SIZE);
              g_assert_cmphex (part->memory_size, <=, SIZE - (part->address - BASE));
              g_assert_cmphex (part->file_size, <=, part->memory_size);
              g_assert_cmphex (part->offset + part->file_size, <=, sizeof elf);
            }
        gwt_image_clear (&image);
      }
}

static void
put_u64 (uint8_t *at, uint64_t value)
{
  value = GUINT64_TO_LE (value);
  memcpy (at, &value, 8);
}

static void
test_linux (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_image image;
  uint8_t header[128] = { 'M', 'Z' };
  put_u64 (header + 8, 0x200000);
  put_u64 (header + 16, 0x100000);
  memcpy (header + 56, "RSC\x05", 4);
  g_assert_true (recognize (&image, header, sizeof header, &err));
  g_assert_cmpint (image.kind, ==, GWT_IMAGE_LINUX);
  g_assert_cmphex (image.text_offset, ==, 0x200000);
  g_assert_true (gwt_image_place (&image, BASE + 0x200000, &ram, &err));
  g_assert_cmphex (image.high, ==, BASE + 0x300000);
  g_assert_cmphex (image.entry, ==, BASE + 0x200000);
  /* Room for what the kernel clears itself counts, too. */
  g_assert_false (gwt_image_place (&image, BASE + SIZE - 0xfffff, &ram, &err));
  g_assert_nonnull (strstr (err.text, "do not fit RAM, which ends at 0x83ffffff; use a larger -m"));
  gwt_error_clear (&err);
  gwt_image_clear (&image);

  put_u64 (header + 16, 127);
  g_assert_false (recognize (&image, header, sizeof header, &err));
  g_assert_nonnull (strstr (err.text, "has 128 bytes but its header says 127"));
  gwt_error_clear (&err);
  gwt_image_clear (&image);

  put_u64 (header + 16, 0);
  put_u64 (header + 24, 1);
  g_assert_false (recognize (&image, header, sizeof header, &err));
  g_assert_nonnull (strstr (err.text, "Linux Image is big endian"));
  gwt_image_clear (&image);
}

static void
test_others (void)
{
  static const struct
  {
    const char *data;
    size_t size;
    const char *error; /* NULL: taken as it is */
  } cases[] = {
    { "", 0, "the file is empty; copy or build it again" },
    { "\x13", 1, NULL },
    { "\x1f\x8b\x08", 3, "is compressed with gzip; unpack it with gunzip first" },
    { "\xfd"
      "7zXZ\0",
      6, "is compressed with xz" },
    { "\x28\xb5\x2f\xfd", 4, "is compressed with zstd" },
    { "MZ", 2, "is an EFI program but no RISC-V Linux Image" },
    { "\x7f"
      "EL",
      3, NULL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      struct gwt_image image;
      bool good = recognize (&image, cases[i].data, cases[i].size, &err);
      if (cases[i].error == NULL)
        g_assert_cmpstr (err.text, ==, NULL);
      else
        g_assert_nonnull (strstr (err.text, cases[i].error));
      g_assert_true (good == (cases[i].error == NULL));
      gwt_image_clear (&image);
    }
  uint8_t arm[64] = { 0 };
  GWT_AUTO_ERROR (err);
  struct gwt_image image;
  memcpy (arm + 56, "ARM\x64", 4);
  g_assert_false (recognize (&image, arm, sizeof arm, &err));
  g_assert_nonnull (strstr (err.text, "is a Linux Image for arm64; use one for riscv64"));
  gwt_image_clear (&image);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/image/elf", test_elf);
  g_test_add_func ("/machine/image/bad-elf", test_bad_elf);
  g_test_add_func ("/machine/image/damaged-elf", test_damaged_elf);
  g_test_add_func ("/machine/image/linux", test_linux);
  g_test_add_func ("/machine/image/others", test_others);
  return g_test_run ();
}
