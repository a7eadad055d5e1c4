/* SPDX-License-Identifier: BSD-2-Clause */
/* The section "ram" as it is on the wire; for its handler, and for tools that look at streams. */
#ifndef CORE_MIGRATION_RAM_FORMAT_H
#define CORE_MIGRATION_RAM_FORMAT_H

/* A record begins with an offset in its block (a multiple of the page size) and one of these. */
enum gwt_ram_record
{
  GWT_RAM_FULL = 0x001, /* dead */
  GWT_RAM_ZERO = 0x002,
  GWT_RAM_MEM_SIZE = 0x004,
  GWT_RAM_PAGE = 0x008,
  GWT_RAM_EOS = 0x010,
  GWT_RAM_CONTINUE = 0x020, /* with ZERO, PAGE, XBZRLE: the last page's block */
  GWT_RAM_XBZRLE = 0x040,
  GWT_RAM_HOOK = 0x080,
  GWT_RAM_COMPRESS_PAGE = 0x100, /* of releases before 9.1 */
  GWT_RAM_MULTIFD_FLUSH = 0x200
};

#define GWT_RAM_VERSION 4

#endif
