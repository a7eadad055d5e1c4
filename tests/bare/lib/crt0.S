/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up, trap entry for M and S mode, and switching to a lower mode and back.
   Knows nothing of any test. */
#include "offsets.h"

	.section .text.start, "ax"
	.globl _start
_start:
	csrr	t0, mhartid
	li	t1, MAX_HARTS
	bgeu	t0, t1, park
	la	tp, harts
	slli	t1, t0, 10		/* HART_SIZE */
	add	tp, tp, t1
	la	t2, mstacks
	li	t3, STACK_SIZE
	addi	t4, t0, 1
	mul	t4, t4, t3
	add	t2, t2, t4
	sd	t2, HART_MSTACK(tp)
	la	t2, sstacks
	add	t2, t2, t4
	sd	t2, HART_SSTACK(tp)
	la	sp, stacks
	add	sp, sp, t4
	csrw	mscratch, tp
	csrw	sscratch, tp
	la	t2, trap_m_entry
	csrw	mtvec, t2
	la	t2, trap_s_entry
	csrw	stvec, t2
	csrw	mie, zero
	/* mtimecmp has no reset value: no timer interrupt before a test wants one */
	li	t2, 0x2004000
	slli	t3, t0, 3
	add	t2, t2, t3
	li	t3, -1
	sd	t3, 0(t2)
	mv	s1, a1
	bnez	t0, 1f
	mv	a0, s1
	call	bare_start
1:	call	bare_secondary
park:
	wfi
	j	park

	.macro SAVE area, scratch
	sd	x1, (\area + 8)(tp)
	sd	x2, (\area + 16)(tp)
	sd	x3, (\area + 24)(tp)
	sd	x5, (\area + 40)(tp)
	sd	x6, (\area + 48)(tp)
	sd	x7, (\area + 56)(tp)
	sd	x8, (\area + 64)(tp)
	sd	x9, (\area + 72)(tp)
	sd	x10, (\area + 80)(tp)
	sd	x11, (\area + 88)(tp)
	sd	x12, (\area + 96)(tp)
	sd	x13, (\area + 104)(tp)
	sd	x14, (\area + 112)(tp)
	sd	x15, (\area + 120)(tp)
	sd	x16, (\area + 128)(tp)
	sd	x17, (\area + 136)(tp)
	sd	x18, (\area + 144)(tp)
	sd	x19, (\area + 152)(tp)
	sd	x20, (\area + 160)(tp)
	sd	x21, (\area + 168)(tp)
	sd	x22, (\area + 176)(tp)
	sd	x23, (\area + 184)(tp)
	sd	x24, (\area + 192)(tp)
	sd	x25, (\area + 200)(tp)
	sd	x26, (\area + 208)(tp)
	sd	x27, (\area + 216)(tp)
	sd	x28, (\area + 224)(tp)
	sd	x29, (\area + 232)(tp)
	sd	x30, (\area + 240)(tp)
	sd	x31, (\area + 248)(tp)
	csrr	t0, \scratch
	sd	t0, (\area + 32)(tp)
	csrw	\scratch, tp
	.endm

	.macro RESTORE area
	ld	x1, (\area + 8)(tp)
	ld	x2, (\area + 16)(tp)
	ld	x3, (\area + 24)(tp)
	ld	x5, (\area + 40)(tp)
	ld	x6, (\area + 48)(tp)
	ld	x7, (\area + 56)(tp)
	ld	x8, (\area + 64)(tp)
	ld	x9, (\area + 72)(tp)
	ld	x10, (\area + 80)(tp)
	ld	x11, (\area + 88)(tp)
	ld	x12, (\area + 96)(tp)
	ld	x13, (\area + 104)(tp)
	ld	x14, (\area + 112)(tp)
	ld	x15, (\area + 120)(tp)
	ld	x16, (\area + 128)(tp)
	ld	x17, (\area + 136)(tp)
	ld	x18, (\area + 144)(tp)
	ld	x19, (\area + 152)(tp)
	ld	x20, (\area + 160)(tp)
	ld	x21, (\area + 168)(tp)
	ld	x22, (\area + 176)(tp)
	ld	x23, (\area + 184)(tp)
	ld	x24, (\area + 192)(tp)
	ld	x25, (\area + 200)(tp)
	ld	x26, (\area + 208)(tp)
	ld	x27, (\area + 216)(tp)
	ld	x28, (\area + 224)(tp)
	ld	x29, (\area + 232)(tp)
	ld	x30, (\area + 240)(tp)
	ld	x31, (\area + 248)(tp)
	ld	x4, (\area + 32)(tp)
	.endm

	.text
	.balign 4
	.globl trap_m_entry
trap_m_entry:
	csrrw	tp, mscratch, tp
	SAVE	HART_MFRAME, mscratch
	ld	sp, HART_MSTACK(tp)
	call	bare_trap_m
	bnez	a0, 1f
	RESTORE	HART_MFRAME
	mret
	/* Escape: back to whoever called run_mode, with a0 of the lower mode in HART_RET. */
1:	ld	t0, (HART_MFRAME + 80)(tp)
	sd	t0, HART_RET(tp)
	ld	ra, (HART_CTX + 0)(tp)
	ld	sp, (HART_CTX + 8)(tp)
	ld	s0, (HART_CTX + 16)(tp)
	ld	s1, (HART_CTX + 24)(tp)
	ld	s2, (HART_CTX + 32)(tp)
	ld	s3, (HART_CTX + 40)(tp)
	ld	s4, (HART_CTX + 48)(tp)
	ld	s5, (HART_CTX + 56)(tp)
	ld	s6, (HART_CTX + 64)(tp)
	ld	s7, (HART_CTX + 72)(tp)
	ld	s8, (HART_CTX + 80)(tp)
	ld	s9, (HART_CTX + 88)(tp)
	ld	s10, (HART_CTX + 96)(tp)
	ld	s11, (HART_CTX + 104)(tp)
	ret

	.balign 4
	.globl trap_s_entry
trap_s_entry:
	csrrw	tp, sscratch, tp
	SAVE	HART_SFRAME, sscratch
	ld	sp, HART_SSTACK(tp)
	call	bare_trap_s
	RESTORE	HART_SFRAME
	sret

	/* void run_raw (u64 pc, u64 a0, u64 a1, u64 ra, u64 sp): mret to PC; the caller has set
	   mstatus.MPP.  Comes back when bare_trap_m says escape. */
	.globl run_raw
run_raw:
	sd	ra, (HART_CTX + 0)(tp)
	sd	sp, (HART_CTX + 8)(tp)
	sd	s0, (HART_CTX + 16)(tp)
	sd	s1, (HART_CTX + 24)(tp)
	sd	s2, (HART_CTX + 32)(tp)
	sd	s3, (HART_CTX + 40)(tp)
	sd	s4, (HART_CTX + 48)(tp)
	sd	s5, (HART_CTX + 56)(tp)
	sd	s6, (HART_CTX + 64)(tp)
	sd	s7, (HART_CTX + 72)(tp)
	sd	s8, (HART_CTX + 80)(tp)
	sd	s9, (HART_CTX + 88)(tp)
	sd	s10, (HART_CTX + 96)(tp)
	sd	s11, (HART_CTX + 104)(tp)
	csrw	mepc, a0
	mv	a0, a1
	mv	a1, a2
	mv	ra, a3
	mv	sp, a4
	mret

	/* Where a C function run in a lower mode returns to. */
	.globl run_exit
run_exit:
	li	a7, ESCAPE_MAGIC
	ecall
	j	run_exit

	/* Probes: one access each, position independent, on a page that a test may map anywhere.
	   a0 address, a1 datum; the ecall says that the access went through. */
	.section .probe, "ax"
	.balign 4096
	.option push
	.option norvc
	.globl probe_page
probe_page:
	.macro PROBE name, insn:vararg
	.globl \name
\name:	\insn
	li	a7, ESCAPE_MAGIC
	ecall
	.endm
	PROBE	probe_ld, ld a0, 0(a0)
	PROBE	probe_lw, lw a0, 0(a0)
	PROBE	probe_lb, lb a0, 0(a0)
	PROBE	probe_sd, sd a1, 0(a0)
	PROBE	probe_sw, sw a1, 0(a0)
	PROBE	probe_sb, sb a1, 0(a0)
	PROBE	probe_exec, jr a0
	PROBE	probe_lr, lr.d a0, (a0)
	PROBE	probe_sc, sc.d a0, a1, (a0)
	PROBE	probe_amo, amoadd.d a0, a1, (a0)
	/* a target for probe_exec: `ecall' with a7 already the magic number */
	.globl probe_target
probe_target:
	li	a0, 0x7a
	li	a7, ESCAPE_MAGIC
	ecall
	.balign 4096
	.option pop
	.section .note.GNU-stack, "", @progbits
