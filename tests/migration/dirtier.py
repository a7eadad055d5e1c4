# SPDX-License-Identifier: BSD-2-Clause
"""A guest that writes all the while: it counts in every eighth word of PAGES pages from 8 MiB on.

At a rate of 512 KiB/s a pass of differences takes longer than the unit of time in which a sender keeps to
its rate, and in that the guest goes on: such a migration never runs dry before it is let go.  The fence
makes QEMU look up each page again: before release 9.0 it misses stores to pages that were written
before the last look at what is dirty.
"""

import struct

PAGES = 256


def _branch(opcode, funct, rs, offset):
    imm = offset & 0x1fff
    return (opcode | funct << 12 | rs << 15 | (imm >> 11 & 1) << 7 | (imm >> 1 & 15) << 8
            | (imm >> 5 & 63) << 25 | (imm >> 12) << 31)


PROGRAM = struct.pack("<14I",
                      0x00800297,                   # auipc t0, 0x800
                      0x00000313,                   # li t1, 0
                      0x00028393,                   # sweep: mv t2, t0
                      0x10000e13,                   # li t3, 256
                      0x12000073,                   # page: sfence.vma
                      0x04000e93,                   # li t4, 64
                      0x0063b023,                   # word: sd t1, 0(t2)
                      0x00130313,                   # addi t1, t1, 1
                      0x04038393,                   # addi t2, t2, 64
                      0xfffe8e93,                   # addi t4, t4, -1
                      _branch(0x63, 1, 29, -16),     # bnez t4, word
                      0xfffe0e13,                   # addi t3, t3, -1
                      _branch(0x63, 1, 28, -32),     # bnez t3, page
                      _branch(0x63, 0, 0, -44))      # beqz zero, sweep
