/* SPDX-License-Identifier: BSD-2-Clause */
/* Jumps and branches whose encodings reach far, both ways. */
	.option norvc
	.text
	.globl far_jal, far_branch, jalr_same, jalr_odd, jal_x5, deep
	/* u64 far_jal (u64 n): n round trips over nearly 1 MiB */
far_jal:
	mv	t0, zero
	j	far_top
far_back:
	addi	t0, t0, 1
	bne	t0, a0, far_top
	mv	a0, t0
	ret
	.space	1048576 - 64
far_top:
	jal	x0, far_back

	/* u64 far_branch (u64 n): the same over nearly 4 KiB */
far_branch:
	mv	t0, zero
	j	2f
1:	addi	t0, t0, 1
	bgeu	t0, a0, 3f
2:	beq	x0, x0, 4f
3:	mv	a0, t0
	ret
	.space	4096 - 64
4:	bge	x0, x0, 1b

	/* jalr reads its base before it links: the distance is 0 */
jalr_same:
	mv	t1, ra
	la	ra, 1f
	jalr	ra, 0(ra)
2:	li	a0, -1
	mv	ra, t1
	ret
1:	la	t2, 2b
	sub	a0, ra, t2
	mv	ra, t1
	ret

	/* bit 0 of the sum is dropped */
jalr_odd:
	mv	t1, ra
	la	t2, 1f
	jalr	t0, 1(t2)
2:	li	a0, -1
	ret
1:	la	t2, 2b
	sub	a0, t0, t2
	la	t2, 3f
	addi	t2, t2, 5
	jalr	t0, -4(t2)
	addi	a0, a0, 1
3:	ret

	/* the other link register */
jal_x5:
	jal	t0, 1f
	addi	a0, a0, 1
	ret
1:	li	a0, 41
	jr	t0

	/* u64 deep (u64 n): n + (n - 1) + ... by recursion */
deep:
	beqz	a0, 1f
	addi	sp, sp, -16
	sd	ra, 0(sp)
	sd	a0, 8(sp)
	addi	a0, a0, -1
	call	deep
	ld	t0, 8(sp)
	add	a0, a0, t0
	ld	ra, 0(sp)
	addi	sp, sp, 16
1:	ret
	.section .note.GNU-stack, "", @progbits
