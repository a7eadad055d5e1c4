/* SPDX-License-Identifier: BSD-2-Clause */
/* What a firmware, kernel or initrd file holds: where its pieces go and where it starts. */
#ifndef CORE_MACHINE_IMAGE_H
#define CORE_MACHINE_IMAGE_H

#include <glib.h>
#include <stdbool.h>
#include "core/machine/file.h"
#include "core/util/error.h"

#define GWT_IMAGE_FILE_MAX (4ull << 30)

/* Guest memory that images may lie in. */
struct gwt_image_space
{
  uint64_t base, size;
};

struct gwt_image_part
{
  uint64_t address;
  uint64_t offset, file_size; /* in the blob */
  uint64_t memory_size;       /* the rest is zero */
};

enum gwt_image_kind
{
  GWT_IMAGE_RAW,
  GWT_IMAGE_LINUX, /* a RISC-V Linux Image, with or without EFI stub */
  GWT_IMAGE_ELF
};

struct gwt_image
{
  char *what; /* "kernel './Image'", begins every error */
  char *file; /* its path */
  struct gwt_blob blob;
  enum gwt_image_kind kind;
  GArray *parts; /* struct gwt_image_part; empty until placed, but for ELF */
  uint64_t entry;
  uint64_t low, high;               /* all parts lie in [low, high) */
  uint64_t text_offset, image_size; /* LINUX: from the header */
};

/* Read and recognize FILE.  OPTION ("-kernel") and FILE begin the errors. */
bool gwt_image_load (struct gwt_image *image, const char *option, const char *file,
                     const struct gwt_image_space *ram, struct gwt_error *err);
/* Recognize IMAGE->blob: the fuzz target. */
bool gwt_image_recognize (struct gwt_image *image, const struct gwt_image_space *ram,
                          struct gwt_error *err);
/* One piece at ADDRESS (not for ELF, which says itself where it goes). */
bool gwt_image_place (struct gwt_image *image, uint64_t address, const struct gwt_image_space *ram,
                      struct gwt_error *err);
void gwt_image_clear (struct gwt_image *image);

#endif
