/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the first instructions of a RISC-V machine and the block by which they tell firmware of the
 * "dynamic" kind what to start next (OpenSBI, docs/firmware/fw_dynamic.md).  Position independent.
 *
 * On entry to START: a0 = mhartid, a1 = address of the device tree, a2 = address of the block.
 */
#include "config.h"
#include <string.h>
#include "core/machine/boot.h"

#define INFO_MAGIC 0x4942534f /* "OSBI" */
#define INFO_VERSION 2
#define INFO_MODE_S 1

/* Registers and encodings: RISC-V Unprivileged ISA, chapters 2.3 and 9; mhartid is CSR 0xf14. */
#define REG_T0 5u
#define REG_A0 10u
#define REG_A1 11u
#define REG_A2 12u
#define AUIPC(rd, imm20) (0x17u | (rd) << 7 | (uint32_t) (imm20) << 12)
#define ADDI(rd, rs, imm) (0x13u | (rd) << 7 | (rs) << 15 | (uint32_t) (imm) << 20)
#define LD(rd, rs, imm) (0x3003u | (rd) << 7 | (rs) << 15 | (uint32_t) (imm) << 20)
#define JR(rs) (0x67u | (rs) << 15)
#define CSRR(rd, csr) (0x2073u | (rd) << 7 | (uint32_t) (csr) << 20)

struct reset_rom
{
  uint32_t code[6];
  uint64_t start, dtb;
  uint64_t magic, version, next, next_mode, options, boot_hart; /* struct fw_dynamic_info */
};

bool
gwt_reset_code (struct gwt_blob *blob, uint64_t start, uint64_t dtb, uint64_t next,
                struct gwt_error *err)
{
  struct reset_rom rom = {
    .code = { AUIPC (REG_T0, 0), CSRR (REG_A0, 0xf14),
              LD (REG_A1, REG_T0, offsetof (struct reset_rom, dtb)),
              ADDI (REG_A2, REG_T0, offsetof (struct reset_rom, magic)),
              LD (REG_T0, REG_T0, offsetof (struct reset_rom, start)), JR (REG_T0) },
    .start = start,
    .dtb = dtb,
    .magic = INFO_MAGIC,
    .version = INFO_VERSION,
    .next = next,
    .next_mode = INFO_MODE_S,
    .options = 0,
    /* Hart 0 boots: no lottery, so that one machine always comes up in one way. */
    .boot_hart = 0,
  };
  for (guint i = 0; i < G_N_ELEMENTS (rom.code); i++)
    rom.code[i] = GUINT32_TO_LE (rom.code[i]);
  for (uint64_t *word = &rom.start; word <= &rom.boot_hart; word++)
    *word = GUINT64_TO_LE (*word);
  return gwt_blob_copy (blob, &rom, sizeof rom, err);
}
