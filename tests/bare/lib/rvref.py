# SPDX-License-Identifier: BSD-2-Clause
"""What the integer instructions compute, written from the manual's prose with plain Python integers,
bit by bit where that is the definition.  Must not know how any emulator does it."""
import random

M64 = (1 << 64) - 1
M32 = (1 << 32) - 1


def sx(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


def u64(v):
    return v & M64


def w(v):
    """A 32-bit result as the register holds it."""
    return u64(sx(v, 32))


def s64(v):
    return sx(v, 64)


def divq(a, b):
    """Signed division that truncates toward zero; the caller has taken out b = 0."""
    q = abs(a) // abs(b)
    return -q if (a < 0) != (b < 0) else q


def div(a, b, n):
    a, b = sx(a, n), sx(b, n)
    return u64(sx(-1 if b == 0 else divq(a, b), n))


def rem(a, b, n):
    a, b = sx(a, n), sx(b, n)
    return u64(sx(a if b == 0 else a - b * divq(a, b), n))


def divu(a, b, n):
    m = (1 << n) - 1
    a, b = a & m, b & m
    return u64(sx(m if b == 0 else a // b, n))


def remu(a, b, n):
    m = (1 << n) - 1
    a, b = a & m, b & m
    return u64(sx(a if b == 0 else a % b, n))


def clmul_full(a, b):
    r = 0
    for i in range(64):
        if b >> i & 1:
            r ^= a << i
    return r


def bits(v, n=64):
    return [v >> i & 1 for i in range(n)]


def clz(v, n):
    c = 0
    for i in reversed(range(n)):
        if v >> i & 1:
            break
        c += 1
    return c


def ctz(v, n):
    c = 0
    for i in range(n):
        if v >> i & 1:
            break
        c += 1
    return c


def rol(v, n, size):
    m = (1 << size) - 1
    v &= m
    n %= size
    return (v << n | v >> (size - n)) & m if n else v


def orc_b(v):
    return sum(0xff << (8 * i) for i in range(8) if v >> (8 * i) & 0xff)


def rev8(v):
    return int.from_bytes(v.to_bytes(8, 'little'), 'big')


# register-register: f(a, b)
RR = {
    'add': lambda a, b: u64(a + b),
    'sub': lambda a, b: u64(a - b),
    'sll': lambda a, b: u64(a << (b & 63)),
    'slt': lambda a, b: int(s64(a) < s64(b)),
    'sltu': lambda a, b: int(a < b),
    'xor': lambda a, b: a ^ b,
    'srl': lambda a, b: a >> (b & 63),
    'sra': lambda a, b: u64(s64(a) >> (b & 63)),
    'or': lambda a, b: a | b,
    'and': lambda a, b: a & b,
    'addw': lambda a, b: w(a + b),
    'subw': lambda a, b: w(a - b),
    'sllw': lambda a, b: w(a << (b & 31)),
    'srlw': lambda a, b: w((a & M32) >> (b & 31)),
    'sraw': lambda a, b: w(sx(a, 32) >> (b & 31)),
}
RR_M = {
    'mul': lambda a, b: u64(a * b),
    'mulh': lambda a, b: u64(s64(a) * s64(b) >> 64),
    'mulhsu': lambda a, b: u64(s64(a) * b >> 64),
    'mulhu': lambda a, b: u64(a * b >> 64),
    'div': lambda a, b: div(a, b, 64),
    'divu': lambda a, b: divu(a, b, 64),
    'rem': lambda a, b: rem(a, b, 64),
    'remu': lambda a, b: remu(a, b, 64),
    'mulw': lambda a, b: w(a * b),
    'divw': lambda a, b: div(a, b, 32),
    'divuw': lambda a, b: divu(a, b, 32),
    'remw': lambda a, b: rem(a, b, 32),
    'remuw': lambda a, b: remu(a, b, 32),
}
RR_ZBA = {
    'sh1add': lambda a, b: u64((a << 1) + b),
    'sh2add': lambda a, b: u64((a << 2) + b),
    'sh3add': lambda a, b: u64((a << 3) + b),
    'add.uw': lambda a, b: u64((a & M32) + b),
    'sh1add.uw': lambda a, b: u64(((a & M32) << 1) + b),
    'sh2add.uw': lambda a, b: u64(((a & M32) << 2) + b),
    'sh3add.uw': lambda a, b: u64(((a & M32) << 3) + b),
}
RR_ZBB = {
    'andn': lambda a, b: a & ~b & M64,
    'orn': lambda a, b: u64(a | ~b),
    'xnor': lambda a, b: u64(~(a ^ b)),
    'max': lambda a, b: u64(max(s64(a), s64(b))),
    'maxu': max,
    'min': lambda a, b: u64(min(s64(a), s64(b))),
    'minu': min,
    'rol': lambda a, b: rol(a, b & 63, 64),
    'ror': lambda a, b: rol(a, 64 - (b & 63), 64),
    'rolw': lambda a, b: w(rol(a, b & 31, 32)),
    'rorw': lambda a, b: w(rol(a, 32 - (b & 31), 32)),
}
RR_ZBC = {
    'clmul': lambda a, b: u64(clmul_full(a, b)),
    'clmulh': lambda a, b: clmul_full(a, b) >> 64,
    'clmulr': lambda a, b: u64(clmul_full(a, b) >> 63),
}
RR_ZBS = {
    'bclr': lambda a, b: a & ~(1 << (b & 63)) & M64,
    'bext': lambda a, b: a >> (b & 63) & 1,
    'binv': lambda a, b: a ^ 1 << (b & 63),
    'bset': lambda a, b: a | 1 << (b & 63),
}
# register-immediate: f(a, imm), and the immediates' range
RI = {
    'addi': lambda a, i: u64(a + i),
    'slti': lambda a, i: int(s64(a) < i),
    'sltiu': lambda a, i: int(a < u64(i)),
    'xori': lambda a, i: u64(a ^ i),
    'ori': lambda a, i: u64(a | i),
    'andi': lambda a, i: a & u64(i),
    'addiw': lambda a, i: w(a + i),
}
SHIFT = {'slli': 'sll', 'srli': 'srl', 'srai': 'sra'}
SHIFTW = {'slliw': 'sllw', 'srliw': 'srlw', 'sraiw': 'sraw'}
SHIFT_B = {'rori': 'ror', 'bclri': 'bclr', 'bexti': 'bext', 'binvi': 'binv', 'bseti': 'bset'}
SHIFTW_B = {'roriw': 'rorw'}
# one operand
R1 = {
    'clz': lambda a: clz(a, 64),
    'ctz': lambda a: ctz(a, 64),
    'cpop': lambda a: sum(bits(a)),
    'clzw': lambda a: clz(a & M32, 32),
    'ctzw': lambda a: ctz(a & M32, 32),
    'cpopw': lambda a: sum(bits(a, 32)),
    'sext.b': lambda a: u64(sx(a, 8)),
    'sext.h': lambda a: u64(sx(a, 16)),
    'zext.h': lambda a: a & 0xffff,
    'orc.b': orc_b,
    'rev8': rev8,
}
ALL_RR = {**RR, **RR_M, **RR_ZBA, **RR_ZBB, **RR_ZBC, **RR_ZBS}

EDGES = [0, 1, 2, M64, M64 - 1, 1 << 63, (1 << 63) - 1, (1 << 63) + 1, 1 << 31, (1 << 31) - 1,
         (1 << 32) - 1, 1 << 32, 0xffffffff80000000, 0xffffffff7fffffff, 0x0123456789abcdef,
         0xfedcba9876543210, 63, 64, 31, 32, 0x5555555555555555, 0x00ff00ff00ff00ff]


def operands(rng, count):
    """Values near the edges of every width as often as arbitrary ones."""
    out = []
    for _ in range(count):
        k = rng.randrange(4)
        if k == 0:
            v = rng.choice(EDGES)
        elif k == 1:
            v = u64((1 << rng.randrange(64)) + rng.randrange(-2, 3))
        elif k == 2:
            v = u64(sx(rng.getrandbits(64), rng.randrange(2, 65)))
        else:
            v = rng.getrandbits(64)
        out.append(v)
    return out


class Table:
    """Functions of two words in assembly, and rows (function, a, b, result)."""

    def __init__(self, extensions=()):
        self.text = []
        self.rows = []
        self.names = {}
        self.arch = ''.join('\t.option arch, +%s\n' % e for e in extensions)

    def fn(self, label, body):
        n = len(self.names)
        self.names[n] = label
        self.text.append('fn%d:\n%s\tret\n' % (n, ''.join('\t%s\n' % i for i in body)))
        return n

    def row(self, fn, a, b, result):
        self.rows.append((fn, a, b, result))

    def emit(self):
        print(self.arch + '\t.text')
        print(''.join(self.text))
        print('\t.section .rodata')
        for n, label in self.names.items():
            print('name%d: .string "%s"' % (n, label))
        print('\t.balign 8\n\t.globl table_rows, table_end\ntable_rows:')
        for fn, a, b, r in self.rows:
            print('\t.dword name%d, fn%d, %#x, %#x, %#x' % (fn, fn, a, b, r))
        print('table_end:\n\t.section .note.GNU-stack, "", @progbits')


# a0, a1 in; a0 out: the same instruction on several register choices
SHAPES_RR = [
    ['{op} a0, a0, a1'],
    ['{op} a1, a0, a1', 'mv a0, a1'],
    ['mv x31, a0', 'mv x28, a1', 'li a0, -1', '{op} x29, x31, x28', 'mv a0, x29'],
    ['mv x5, a0', 'mv x17, a1', 'li a0, 7', '{op} x5, x5, x17', 'mv a0, x5'],
]


def add_rr(t, rng, ops, count):
    for op, f in ops.items():
        shapes = [t.fn(op, [l.format(op=op) for l in s]) for s in SHAPES_RR]
        xs, ys = operands(rng, count), operands(rng, count)
        pairs = list(zip(xs, ys)) + [(x, y) for x in EDGES[:13] for y in EDGES[:13]]
        for i, (a, b) in enumerate(pairs):
            t.row(shapes[i % len(shapes)], a, b, f(a, b))
        same = t.fn(op + ' rs1=rs2', ['%s a0, a0, a0' % op])
        zero = t.fn(op + ' rd=x0', ['%s x0, a0, a1' % op, 'mv a0, x0'])
        zrs1 = t.fn(op + ' rs1=x0', ['%s a0, x0, a1' % op])
        zrs2 = t.fn(op + ' rs2=x0', ['%s a0, a0, x0' % op])
        for a, b in pairs[:12]:
            t.row(same, a, b, f(a, a))
            t.row(zero, a, b, 0)
            t.row(zrs1, a, b, f(0, b))
            t.row(zrs2, a, b, f(a, 0))


def add_imm(t, rng, op, f, imms, count):
    for imm in imms:
        fns = [t.fn('%s %d' % (op, imm), ['%s a0, a0, %d' % (op, imm)]),
               t.fn('%s %d x30' % (op, imm), ['mv x30, a0', '%s x31, x30, %d' % (op, imm),
                                            'mv a0, x31'])]
        for i, a in enumerate(EDGES[:10] + operands(rng, count)):
            t.row(fns[i & 1], a, 0, f(a, imm))
    t.row(t.fn(op + ' rd=x0', ['%s x0, a0, %d' % (op, imms[-1]), 'mv a0, x0']), 5, 0, 0)


def add_r1(t, rng, op, f, count):
    fns = [t.fn(op, ['%s a0, a0' % op]), t.fn(op + ' x30', ['mv x30, a0', '%s x29, x30' % op,
                                                           'mv a0, x29'])]
    values = EDGES + [1 << i for i in range(64)] + [M64 << i & M64 for i in range(64)]
    for i, a in enumerate(values + operands(rng, count)):
        t.row(fns[i & 1], a, 0, f(a))
