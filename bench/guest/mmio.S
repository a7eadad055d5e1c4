/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bare metal at 0x80000000: the time of one access to a device.  Writes 's' to the UART at the very
 * first, then for each byte that comes in runs the next loop of COUNT rounds and writes its letter:
 *   e  empty             r  read UART scratch      w  write UART scratch
 *   p  read PLIC priority  m  read ACLINT mtime    t  write ACLINT mtimecmp
 * One more byte powers off.  Between loops it sleeps, so that the host may take its time.
 */
#ifndef COUNT
#define COUNT 1000000
#endif

        .macro  tell, letter
        li      t0, \letter
        sb      t0, 0(s0)
        .endm

        .macro  repeat, letter, insn:vararg
        call    await
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
        /* Received bytes raise source 10 for machine mode; mstatus.MIE is off, so it only wakes. */
        li      t0, 1
        sw      t0, 40(s2)
        li      t1, 0x400
        li      t2, 0x0c002000
        sw      t1, 0(t2)
        sb      t0, 1(s0)
        li      t0, 0x800
        csrs    mie, t0
        li      t1, -1
        repeat  'e', nop
        repeat  'r', lbu t2, 7(s0)
        repeat  'w', sb t1, 7(s0)
        repeat  'p', lw t2, 4(s2)
        repeat  'm', ld t2, 0(s3)
        repeat  't', sd t1, 0(s4)
        call    await
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
3:      wfi
        j       3b

await:
        lbu     t0, 5(s0)
        andi    t0, t0, 1
        bnez    t0, 4f
        wfi
        j       await
4:      lbu     t0, 0(s0)
        li      t2, 0x0c200004
        lw      t0, 0(t2)
        sw      t0, 0(t2)
        ret
