# SPDX-License-Identifier: BSD-2-Clause
"""One function per load and store with the offsets that corner the immediate."""
print('\t.text\n\t.option norvc')
OFFSETS = [0, 1, -1, 2047, -2048, 8, -8, 0x555]
LOADS = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld']
STORES = ['sb', 'sh', 'sw', 'sd']
for op in LOADS:
    for n, at in enumerate(OFFSETS):
        print('%s%d:\t%s a0, %d(a0)\n\tret' % (op, n, op, at))
for op in STORES:
    for n, at in enumerate(OFFSETS):
        print('%s%d:\t%s a1, %d(a0)\n\tret' % (op, n, op, at))
print('\t.section .rodata\n\t.balign 8\n\t.globl load_fns, store_fns, offsets\nload_fns:')
for op in LOADS:
    for n in range(len(OFFSETS)):
        print('\t.dword %s%d' % (op, n))
print('store_fns:')
for op in STORES:
    for n in range(len(OFFSETS)):
        print('\t.dword %s%d' % (op, n))
print('offsets:')
for at in OFFSETS:
    print('\t.dword %d' % at)
print('\t.section .note.GNU-stack, "", @progbits')
