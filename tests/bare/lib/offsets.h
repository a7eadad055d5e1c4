/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets into struct hart for assembly; bare.c asserts that they are right. */
#ifndef BARE_OFFSETS_H
#define BARE_OFFSETS_H
#define HART_MFRAME 0
#define HART_SFRAME 256
#define HART_CTX 512
#define HART_MSTACK 640
#define HART_SSTACK 648
#define HART_RET 656
#define HART_SIZE 1024
#define MAX_HARTS 4
#define STACK_SIZE 16384
#define ESCAPE_MAGIC 0x657363
#endif
