/* SPDX-License-Identifier: BSD-2-Clause */
/* Vector tables for M and S: each entry says which it was, masks everything, and returns. */
	.option norvc
	.macro VECTORS name, store, ret, ie, epc
	.balign 256
	.globl \name
\name:
	.rept 16
	jal	t6, \store
	.endr
\store:
	la	t5, \name + 4
	sub	t6, t6, t5
	srli	t6, t6, 2
	la	t5, vector_hit
	sd	t6, 0(t5)
	csrw	\ie, zero
	bnez	t6, 1f
	csrr	t6, \epc
	addi	t6, t6, 4
	csrw	\epc, t6
1:
	\ret
	.endm
	.text
	VECTORS	m_vectors, m_store, mret, mie, mepc
	VECTORS	s_vectors, s_store, sret, sie, sepc
	.section .note.GNU-stack, "", @progbits
