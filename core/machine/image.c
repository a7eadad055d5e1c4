/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns recognizing files that a machine starts from: ELF, RISC-V Linux Image, anything else as it
 * is. Every size and offset in them is hostile.  It must not know where firmware and kernels belong
 * (boot.c).
 */
#include "config.h"
#include "core/machine/image.h"
#include <elf.h>
#include <string.h>

/* Linux, Documentation/riscv/boot-image-header: little endian; magic2 at 56 stands for ever, the
   older magic at 48 may go. */
#define IMAGE_HEADER_SIZE 64
#define IMAGE_TEXT_OFFSET 8
#define IMAGE_SIZE 16
#define IMAGE_FLAGS 24
#define IMAGE_MAGIC2 56
#define IMAGE_FLAG_BIG_ENDIAN 1

static uint64_t
get_u64 (const uint8_t *data)
{
  uint64_t value;
  memcpy (&value, data, 8);
  return GUINT64_FROM_LE (value);
}

static bool
fits (uint64_t address, uint64_t size, const struct gwt_image_space *ram)
{
  return address >= ram->base && address - ram->base <= ram->size
         && size <= ram->size - (address - ram->base);
}

static void
set_bounds (struct gwt_image *image)
{
  image->low = UINT64_MAX;
  image->high = 0;
  for (guint i = 0; i < image->parts->len; i++)
    {
      const struct gwt_image_part *part = &g_array_index (image->parts, struct gwt_image_part, i);
      image->low = MIN (image->low, part->address);
      image->high = MAX (image->high, part->address + part->memory_size);
    }
}

static bool
bad_elf (struct gwt_image *image, struct gwt_error *err, const char *what, const char *remedy)
{
  gwt_error_set (err, GWT_E_INVALID, "%s: ELF file %s; %s", image->what, what, remedy);
  return false;
}

/* Where PT_LOAD segment number I goes.  Bounds first: every field comes from the file. */
static bool
add_segment (struct gwt_image *image, guint i, const Elf64_Phdr *phdr,
             const struct gwt_image_space *ram, struct gwt_error *err)
{
  uint64_t offset = GUINT64_FROM_LE (phdr->p_offset), address = GUINT64_FROM_LE (phdr->p_paddr);
  uint64_t file_size = GUINT64_FROM_LE (phdr->p_filesz);
  uint64_t memory_size = GUINT64_FROM_LE (phdr->p_memsz);
  if (memory_size == 0)
    return true;
  if (offset > image->blob.size || file_size > image->blob.size - offset)
    return bad_elf (image, err, "is truncated: a segment ends behind the end of the file",
                    "copy or build it again");
  if (file_size > memory_size)
    return bad_elf (image, err, "is broken: a segment has more bytes in the file than in memory",
                    "build it again");
  if (!fits (address, memory_size, ram))
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "%s: segment %u at 0x%llx with 0x%llx bytes is not in RAM (0x%llx to 0x%llx); "
                     "link it there, or use a larger -m",
                     image->what, i, (unsigned long long) address, (unsigned long long) memory_size,
                     (unsigned long long) ram->base,
                     (unsigned long long) (ram->base + ram->size - 1));
      return false;
    }
  struct gwt_image_part part = { address, offset, file_size, memory_size };
  g_array_append_val (image->parts, part);
  return true;
}

static bool
recognize_elf (struct gwt_image *image, const struct gwt_image_space *ram, struct gwt_error *err)
{
  const struct gwt_blob *blob = &image->blob;
  Elf64_Ehdr ehdr;
  Elf64_Phdr phdr;
  if (blob->size < EI_NIDENT || blob->data[EI_CLASS] != ELFCLASS64
      || blob->data[EI_DATA] != ELFDATA2LSB)
    return bad_elf (image, err, "is not of 64 bits, little endian", "build it for riscv64");
  if (blob->size < sizeof ehdr)
    return bad_elf (image, err, "is truncated: it ends inside its header",
                    "copy or build it again");
  memcpy (&ehdr, blob->data, sizeof ehdr);
  if (GUINT16_FROM_LE (ehdr.e_machine) != EM_RISCV)
    return bad_elf (image, err, "is for another processor", "build it for riscv64");
  if (GUINT16_FROM_LE (ehdr.e_type) != ET_EXEC && GUINT16_FROM_LE (ehdr.e_type) != ET_DYN)
    return bad_elf (image, err, "is no program", "link it");
  uint64_t table = GUINT64_FROM_LE (ehdr.e_phoff);
  guint count = GUINT16_FROM_LE (ehdr.e_phnum);
  if (count == 0 || GUINT16_FROM_LE (ehdr.e_phentsize) != sizeof phdr)
    return bad_elf (image, err, "has no program headers", "link it as a program");
  if (table > blob->size || count * sizeof phdr > blob->size - table)
    return bad_elf (image, err, "is truncated: it ends inside its program headers",
                    "copy or build it again");
  image->kind = GWT_IMAGE_ELF;
  image->entry = GUINT64_FROM_LE (ehdr.e_entry);
  uint64_t entry = image->entry;
  bool found = false;
  /* An entry is a virtual address in the segment that holds it; where none does, a physical one. */
  for (int pass = 0; pass < 2; pass++)
    for (guint i = 0; i < count; i++)
      {
        memcpy (&phdr, blob->data + table + i * sizeof phdr, sizeof phdr);
        if (GUINT32_FROM_LE (phdr.p_type) != PT_LOAD)
          continue;
        if (pass == 0 && !add_segment (image, i, &phdr, ram, err))
          return false;
        uint64_t physical = GUINT64_FROM_LE (phdr.p_paddr);
        uint64_t from = pass == 0 ? GUINT64_FROM_LE (phdr.p_vaddr) : physical;
        if (found || entry < from || entry - from >= GUINT64_FROM_LE (phdr.p_memsz))
          continue;
        image->entry = entry - from + physical;
        found = true;
      }
  if (image->parts->len == 0)
    return bad_elf (image, err, "has nothing to load", "link it as a program");
  set_bounds (image);
  if (!found)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "%s: ELF entry 0x%llx is in none of its segments; link it "
                     "with an entry point",
                     image->what, (unsigned long long) image->entry);
      return false;
    }
  return true;
}

static bool
recognize_linux (struct gwt_image *image, struct gwt_error *err)
{
  const uint8_t *header = image->blob.data;
  image->kind = GWT_IMAGE_LINUX;
  image->text_offset = get_u64 (header + IMAGE_TEXT_OFFSET);
  image->image_size = get_u64 (header + IMAGE_SIZE);
  if ((get_u64 (header + IMAGE_FLAGS) & IMAGE_FLAG_BIG_ENDIAN) != 0)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "%s: Linux Image is big endian; use a little-endian kernel", image->what);
      return false;
    }
  /* Zero: made before the header told it (Linux 4.x); then the file is all there is. */
  if (image->image_size == 0)
    image->image_size = image->blob.size;
  if (image->image_size < image->blob.size)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "%s: Linux Image has %llu bytes but its header says %llu; "
                     "copy or build it again",
                     image->what, (unsigned long long) image->blob.size,
                     (unsigned long long) image->image_size);
      return false;
    }
  return true;
}

bool
gwt_image_recognize (struct gwt_image *image, const struct gwt_image_space *ram,
                     struct gwt_error *err)
{
  const struct gwt_blob *blob = &image->blob;
  const char *other = NULL;
  if (image->parts == NULL)
    image->parts = g_array_new (FALSE, FALSE, sizeof (struct gwt_image_part));
  image->kind = GWT_IMAGE_RAW;
  if (blob->size == 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "%s: the file is empty; copy or build it again",
                     image->what);
      return false;
    }
  if (blob->size >= SELFMAG && memcmp (blob->data, ELFMAG, SELFMAG) == 0)
    return recognize_elf (image, ram, err);
  if (blob->size >= IMAGE_HEADER_SIZE && memcmp (blob->data + IMAGE_MAGIC2, "RSC\x05", 4) == 0)
    return recognize_linux (image, err);
  if (blob->size >= 2 && memcmp (blob->data, "\x1f\x8b", 2) == 0)
    other = "is compressed with gzip; unpack it with gunzip first";
  else if (blob->size >= 6
           && memcmp (blob->data,
                      "\xfd"
                      "7zXZ",
                      6)
                  == 0)
    other = "is compressed with xz; unpack it with unxz first";
  else if (blob->size >= 4 && memcmp (blob->data, "\x28\xb5\x2f\xfd", 4) == 0)
    other = "is compressed with zstd; unpack it with unzstd first";
  else if (blob->size >= IMAGE_HEADER_SIZE && memcmp (blob->data + IMAGE_MAGIC2, "ARM\x64", 4) == 0)
    other = "is a Linux Image for arm64; use one for riscv64";
  else if (blob->size >= 2 && memcmp (blob->data, "MZ", 2) == 0)
    other = "is an EFI program but no RISC-V Linux Image; use the kernel's Image, or start it from "
            "firmware";
  if (other == NULL)
    return true;
  gwt_error_set (err, GWT_E_INVALID, "%s: %s", image->what, other);
  return false;
}

bool
gwt_image_load (struct gwt_image *image, const char *option, const char *file,
                const struct gwt_image_space *ram, struct gwt_error *err)
{
  *image = (struct gwt_image){ 0 };
  image->what = g_strdup_printf ("%s: '%s'", option, file);
  image->file = g_strdup (file);
  if (!gwt_blob_load (&image->blob, file, GWT_IMAGE_FILE_MAX, err))
    {
      gwt_error_prefix (err, "%s", option);
      return false;
    }
  return gwt_image_recognize (image, ram, err);
}

bool
gwt_image_place (struct gwt_image *image, uint64_t address, const struct gwt_image_space *ram,
                 struct gwt_error *err)
{
  uint64_t size = image->kind == GWT_IMAGE_LINUX ? image->image_size : image->blob.size;
  if (!fits (address, size, ram))
    {
      gwt_error_set (
          err, GWT_E_RANGE,
          "%s: %llu bytes at 0x%llx do not fit RAM, which ends at 0x%llx; use a larger -m",
          image->what, (unsigned long long) size, (unsigned long long) address,
          (unsigned long long) (ram->base + ram->size - 1));
      return false;
    }
  /* The kernel clears what lies behind its file itself: only the file is loaded. */
  struct gwt_image_part part = { address, 0, image->blob.size, image->blob.size };
  g_array_set_size (image->parts, 0);
  g_array_append_val (image->parts, part);
  image->entry = address;
  image->low = address;
  image->high = address + size;
  return true;
}

void
gwt_image_clear (struct gwt_image *image)
{
  g_free (image->what);
  g_free (image->file);
  gwt_blob_free (&image->blob);
  if (image->parts != NULL)
    g_array_unref (image->parts);
  *image = (struct gwt_image){ 0 };
}
