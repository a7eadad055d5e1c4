/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bare metal at 0x80000000: the time of one access to a device.  Writes a letter to the UART at the very
 * first, then after each loop of COUNT rounds; the host takes the time between the letters.  Last comes
 * a newline, and it waits for a byte before it powers off.
 *   s  first instructions     e  empty loop          r  read UART scratch      w  write UART scratch
 *   p  read PLIC priority     m  read ACLINT mtime   t  write ACLINT mtimecmp
 */
#ifndef COUNT
#define COUNT 1000000
#endif

        .macro  tell, letter
        li      t0, \letter
        sb      t0, 0(s0)
        .endm

        .macro  repeat, letter, insn:vararg
        li      s1, COUNT
1:      \insn
        addi    s1, s1, -1
        bnez    s1, 1b
        tell    \letter
        .endm

        .globl  _start
_start:
        li      s0, 0x10000000
        csrr    t0, mhartid
        bnez    t0, 3f
        tell    's'
        li      s2, 0x0c000000
        li      s3, 0x0200bff8
        li      s4, 0x02004000
        li      t1, -1
        repeat  'e', nop
        repeat  'r', lbu t2, 7(s0)
        repeat  'w', sb t1, 7(s0)
        repeat  'p', lw t2, 4(s2)
        repeat  'm', ld t2, 0(s3)
        repeat  't', sd t1, 0(s4)
        tell    10
        /* A byte from the host: it has read everything. */
2:      lbu     t0, 5(s0)
        andi    t0, t0, 1
        beqz    t0, 2b
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
3:      wfi
        j       3b
