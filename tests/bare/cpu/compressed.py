# SPDX-License-Identifier: BSD-2-Clause
"""Tables for the C extension: every instruction of RV64DC with the corners of its immediates."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rvref as rv  # noqa: E402

t = rv.Table(['f', 'd'])
rng = random.Random(16)


def fn(label, *body):
    """Compressed where written so, full size everywhere else: the rest must not test itself."""
    return t.fn(label, [i if i.startswith('c.') or i.endswith(':') else
                        '.option norvc\n\t%s\n\t.option rvc' % i for i in body])


def imm(op, values, f, count=6):
    for n in values:
        one = fn('%s %d' % (op, n), '%s a0, %s' % (op, n))
        two = fn('%s %d a5' % (op, n), 'mv a5, a0', '%s a5, %s' % (op, n), 'mv a0, a5')
        for i, a in enumerate(rv.EDGES[:8] + rv.operands(rng, count)):
            t.row(two if i & 1 else one, a, 0, f(a, n))


SIX = [n for n in range(-32, 32) if n]
imm('c.addi', SIX, lambda a, n: rv.u64(a + n))
imm('c.addiw', SIX + [0], lambda a, n: rv.w(a + n))
imm('c.li', SIX + [0], lambda a, n: rv.u64(n), 1)
imm('c.andi', SIX + [0], lambda a, n: a & rv.u64(n))
imm('c.slli', range(1, 64), rv.RR['sll'], 1)
imm('c.srli', range(1, 64), rv.RR['srl'], 1)
imm('c.srai', range(1, 64), rv.RR['sra'], 1)
for n in list(range(1, 32)) + list(range(0xfffe0, 0x100000)):
    t.row(fn('c.lui %#x' % n, 'c.lui a0, %#x' % n), 0, 0, rv.w(n << 12))
for n in range(-512, 512, 16):
    if n:
        t.row(fn('c.addi16sp %d' % n, 'mv t0, sp', 'mv sp, a0', 'c.addi16sp sp, %d' % n,
                 'mv a0, sp', 'mv sp, t0'), 0x123456780, 0, 0x123456780 + n)
for n in range(4, 1024, 4):
    t.row(fn('c.addi4spn %d' % n, 'mv t0, sp', 'mv sp, a0', 'c.addi4spn a3, sp, %d' % n,
             'mv a0, a3', 'mv sp, t0'), 0xfffffffffffffe00, 0, rv.u64(0xfffffffffffffe00 + n))

PAIRS = list(zip(rv.operands(rng, 40), rv.operands(rng, 40)))
for op, base in (('c.sub', 'sub'), ('c.xor', 'xor'), ('c.or', 'or'), ('c.and', 'and'),
                 ('c.subw', 'subw'), ('c.addw', 'addw'), ('c.add', 'add')):
    one = fn(op, '%s a0, a1' % op)
    two = fn(op + ' s1', 'mv t0, s1', 'mv s1, a1', 'mv a4, a0', '%s a4, s1' % op, 'mv s1, t0',
             'mv a0, a4')
    for i, (a, b) in enumerate(PAIRS):
        t.row(two if i & 1 else one, a, b, rv.RR[base](a, b))
high = fn('c.add c.mv t6', 'mv t6, a0', 'mv t5, a1', 'c.add t6, t5', 'c.mv t4, t6', 'mv a0, t4')
for a, b in PAIRS:
    t.row(high, a, b, rv.u64(a + b))
hints = fn('hints', 'c.nop', 'c.addi zero, 5', 'c.li zero, 3', 'c.lui zero, 7', 'c.mv zero, a1',
           'c.add zero, a1', 'c.slli zero, 4', 'mv a1, zero', 'add a0, a0, a1')
t.row(hints, 77, 88, 77)

# Loads and stores: the buffer is the stack, its address in a5 for the forms with a base.
for op, ref, size, limit in (('ld', 'ld', 8, 256), ('lw', 'lw', 4, 128), ('fld', 'fld', 8, 256)):
    for at in range(0, limit, size):
        take = ['fmv.x.d a4, fa4'] if op == 'fld' else []
        reg = 'fa4' if op == 'fld' else 'a4'
        t.row(fn('c.%s %d' % (op, at), 'addi sp, sp, -512', 'mv a5, sp', 'sd a0, %d(sp)' % at,
                 'c.%s %s, %d(a5)' % (op, reg, at), *take, 'mv a0, a4', 'addi sp, sp, 512'),
              0xfedcba9887654321 + at, 0,
              rv.w(0x87654321 + at) if op == 'lw' else 0xfedcba9887654321 + at)
for op, size, limit in (('ldsp', 8, 512), ('lwsp', 4, 256), ('fldsp', 8, 512)):
    for at in range(0, limit, size):
        take = ['fmv.x.d t3, fa4'] if op == 'fldsp' else []
        reg = 'fa4' if op == 'fldsp' else 't3'
        t.row(fn('c.%s %d' % (op, at), 'addi sp, sp, -1024', 'sd a0, %d(sp)' % at,
                 'c.%s %s, %d(sp)' % (op, reg, at), *take, 'mv a0, t3', 'addi sp, sp, 1024'),
              0xfedcba9887654321 + at, 0,
              rv.w(0x87654321 + at) if op == 'lwsp' else 0xfedcba9887654321 + at)
for op, size, limit in (('sd', 8, 256), ('sw', 4, 128), ('fsd', 8, 256)):
    for at in range(0, limit, size):
        give = ['fmv.d.x fa3, a3'] if op == 'fsd' else []
        reg = 'fa3' if op == 'fsd' else 'a3'
        t.row(fn('c.%s %d' % (op, at), 'addi sp, sp, -512', 'mv a5, sp', 'mv a3, a0', *give,
                 'li a4, -1', 'sd a4, %d(sp)' % at, 'c.%s %s, %d(a5)' % (op, reg, at),
                 'ld a0, %d(sp)' % at, 'addi sp, sp, 512'),
              0x123456789abcdef0 + at, 0,
              0xffffffff00000000 | (0x9abcdef0 + at) if op == 'sw' else 0x123456789abcdef0 + at)
for op, size, limit in (('sdsp', 8, 512), ('swsp', 4, 256), ('fsdsp', 8, 512)):
    for at in range(0, limit, size):
        give = ['fmv.d.x fa3, t4'] if op == 'fsdsp' else []
        reg = 'fa3' if op == 'fsdsp' else 't4'
        t.row(fn('c.%s %d' % (op, at), 'addi sp, sp, -1024', 'mv t4, a0', *give,
                 'li a4, -1', 'sd a4, %d(sp)' % at, 'c.%s %s, %d(sp)' % (op, reg, at),
                 'ld a0, %d(sp)' % at, 'addi sp, sp, 1024'),
              0x123456789abcdef0 + at, 0,
              0xffffffff00000000 | (0x9abcdef0 + at) if op == 'swsp' else 0x123456789abcdef0 + at)

# Jumps: forward and back, near the ends of their range, and what they link.
for gap in (0, 1, 2, 3, 7, 8, 62, 63, 100, 123):
    for op in ('c.beqz', 'c.bnez'):
        f = fn('%s +%d' % (op, gap), 'li a4, 1', '%s a0, 1f' % op, 'li a4, 2',
               *['c.nop'] * gap, '1:', 'mv a0, a4')
        for a in (0, 1, 1 << 63, 1 << 32, 0xff00):
            t.row(f, a, 0, 1 if (a == 0) == (op == 'c.beqz') else 2)
        f = fn('%s -%d' % (op, gap), 'li a4, 0', 'j 2f', '1:', 'li a4, 5', 'j 3f',
               *['c.nop'] * min(gap, 110), '2:', '%s a0, 1b' % op, '3:', 'mv a0, a4')
        for a in (0, 1, 1 << 63):
            t.row(f, a, 0, 5 if (a == 0) == (op == 'c.beqz') else 0)
for gap in (0, 1, 2, 500, 1000, 1015):
    t.row(fn('c.j +%d' % gap, 'c.j 1f', 'li a0, 0', *['c.nop'] * gap, '1:'), 9, 0, 9)
    t.row(fn('c.j -%d' % gap, 'j 2f', '1:', 'addi a0, a0, 1', 'j 3f', *['c.nop'] * gap, '2:',
             'c.j 1b', '3:'), 9, 0, 10)
t.row(fn('c.jr', 'la t2, 1f', 'c.jr t2', 'li a0, 0', '1:'), 3, 0, 3)
t.row(fn('c.jr odd', 'la t2, 1f', 'ori t2, t2, 1', 'c.jr t2', 'li a0, 0', '1:'), 3, 0, 3)
t.row(fn('c.jalr', 'mv t1, ra', 'la t2, 1f', 'c.jalr t2', '2:', 'li a0, 0', '1:', 'la t2, 2b',
         'sub a0, ra, t2', 'mv ra, t1'), 3, 0, 0)
t.row(fn('c.jalr ra', 'mv t1, ra', 'la ra, 1f', 'c.jalr ra', '2:', 'li a0, 0', '1:', 'la t2, 2b',
         'sub a0, ra, t2', 'mv ra, t1'), 3, 0, 0)
t.row(fn('jal links past itself', 'mv t1, ra', 'c.nop', 'jal ra, 1f', '2:', 'li a0, 0', '1:',
         'la t2, 2b', 'sub a0, ra, t2', 'mv ra, t1'), 3, 0, 0)
t.emit()
