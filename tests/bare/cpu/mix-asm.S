/* SPDX-License-Identifier: BSD-2-Clause */
/* Enters and leaves a program of mix.py: all registers but sp and tp are its own. */
	/* void mix_enter (void (*fn) (void), u64 *registers, void *data) */
	.text
	.globl mix_enter, mix_done
mix_enter:
	addi	sp, sp, -128
	sd	x1, 0(sp)
	sd	x3, 8(sp)
	sd	x8, 16(sp)
	sd	x9, 24(sp)
	.irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
	sd	x\n, ((\n - 18) * 8 + 32)(sp)
	.endr
	sd	a1, 112(sp)
	sd	a0, 120(sp)
	mv	x3, a2
	mv	x31, a1
	.irp n, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	ld	x\n, (\n * 8)(x31)
	.endr
	/* t0 (x5) carries the target only until the program's own value is back in it */
	la	x5, mix_target
	ld	x31, 120(sp)
	sd	x31, 0(x5)
	ld	x31, 112(sp)
	ld	x5, 40(x31)
	ld	x31, 248(x31)
	addi	sp, sp, -16
	sd	x5, 0(sp)
	la	x5, mix_target
	ld	x5, 0(x5)
	sd	x5, 8(sp)
	/* mret, the one jump that needs no register */
	csrw	mepc, x5
	li	x5, 3 << 11
	csrs	mstatus, x5
	ld	x5, 0(sp)
	addi	sp, sp, 16
	mret
mix_done:
	sd	x31, -8(sp)
	ld	x31, 112(sp)
	.irp n, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	sd	x\n, (\n * 8)(x31)
	.endr
	ld	x30, -8(sp)
	sd	x30, 248(x31)
	ld	x1, 0(sp)
	ld	x3, 8(sp)
	ld	x8, 16(sp)
	ld	x9, 24(sp)
	.irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
	ld	x\n, ((\n - 18) * 8 + 32)(sp)
	.endr
	addi	sp, sp, 128
	ret
	.bss
	.balign 8
mix_target:
	.dword	0
	.section .note.GNU-stack, "", @progbits
