# SPDX-License-Identifier: BSD-2-Clause
"""Tables for sign injection, minimum and maximum, comparison, classes and moves."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fpref as fp  # noqa: E402

t = fp.Table()
rng = random.Random(2019)


def inject(fmt, op, a, b):
    sign = {'fsgnj': b, 'fsgnjn': ~b, 'fsgnjx': a ^ b}[op] & fmt.sign
    return a & ~fmt.sign | sign, 0


def both(fmt):
    """Register contents: boxed values, and for the narrow format some that are not boxed."""
    sp = [fmt.box(v) for v in fp.specials(fmt)]
    if fmt is fp.S:
        sp += [0x3f800000, 0x00000000bf800000, 0xfffffffe7f800000, 0x7ff0000000000000, 0]
    out = [(a, b) for a in sp for b in sp]
    for _ in range(60):
        a, b = fp.pair(fmt, rng)
        out += [(fmt.box(a), fmt.box(b)), (fmt.box(b), fmt.box(a))]
    return out


for fmt in (fp.S, fp.D):
    pairs = both(fmt)
    for op in ('fsgnj', 'fsgnjn', 'fsgnjx', 'fmin', 'fmax'):
        fn = t.fn('%s.%s' % (op, fmt.letter),
                  fp.LOAD + ['%s.%s fa3, fa0, fa1' % (op, fmt.letter), 'fmv.x.d a0, fa3'])
        for a, b in pairs:
            x, y = fmt.unbox(a), fmt.unbox(b)
            r, flags = (fp.minmax(fmt, x, y, op == 'fmax') if op[1] == 'm'
                        else inject(fmt, op, x, y))
            t.row(fn, a, b, 0, fmt.box(r), 0, flags)
    for op in ('feq', 'flt', 'fle'):
        fn = t.fn('%s.%s' % (op, fmt.letter), fp.LOAD + ['%s.%s a0, fa0, fa1' % (op, fmt.letter)])
        for a, b in pairs:
            r, flags = fp.compare(fmt, op, fmt.unbox(a), fmt.unbox(b))
            t.row(fn, a, b, 0, r, 0, flags)
    fn = t.fn('fclass.' + fmt.letter, fp.LOAD + ['fclass.%s a0, fa0' % fmt.letter])
    for a, _ in pairs:
        t.row(fn, a, 0, 0, fp.classify(fmt, fmt.unbox(a)), 0, 0)

# Moves carry bits, whatever they stand for; a narrow move to a register boxes.
values = [rng.getrandbits(64) for _ in range(20)] + [0x7f800001, 0xffffffff7f800001, 1 << 31]
to_x = t.fn('fmv.x.w', ['fmv.d.x fa0, a0', 'fmv.x.w a0, fa0'])
to_w = t.fn('fmv.w.x', ['fmv.w.x fa0, a0', 'fmv.x.d a0, fa0'])
to_d = t.fn('fmv.d.x', ['fmv.d.x fa0, a0', 'fmv.x.d a0, fa0'])
PUSH, POP = 'addi sp, sp, -16', 'addi sp, sp, 16'
flw = t.fn('flw', [PUSH, 'sd a0, 0(sp)', 'flw fa0, 0(sp)', 'fmv.x.d a0, fa0', POP])
flw4 = t.fn('flw +4', [PUSH, 'sd a0, 0(sp)', 'flw fa0, 4(sp)', 'fmv.x.d a0, fa0', POP])
fsw = t.fn('fsw', [PUSH, 'sd zero, 0(sp)', 'fmv.d.x fa0, a0', 'fsw fa0, 0(sp)', 'ld a0, 0(sp)',
                   POP])
fld = t.fn('fld, fsd', [PUSH, 'sd a0, 0(sp)', 'fld fa4, 0(sp)', 'sd zero, 0(sp)',
                        'fsd fa4, 0(sp)', 'ld a0, 0(sp)', POP])
odd = t.fn('fld, fsd misaligned', [PUSH, 'addi a1, sp, 3', 'fmv.d.x fa5, a0', 'fsd fa5, 0(a1)',
                                   'fld fa6, 0(a1)', 'fmv.x.d a0, fa6', POP])
for v in values:
    low = v & 0xffffffff
    sext = low | (0xffffffff00000000 if low >> 31 else 0)
    t.row(to_x, v, 0, 0, sext, 0, 0)
    t.row(to_w, v, 0, 0, 0xffffffff00000000 | low, 0, 0)
    t.row(to_d, v, 0, 0, v, 0, 0)
    t.row(flw, v, 0, 0, 0xffffffff00000000 | low, 0, 0)
    t.row(flw4, v, 0, 0, 0xffffffff00000000 | v >> 32, 0, 0)
    t.row(fsw, v, 0, 0, low, 0, 0)
    t.row(fld, v, 0, 0, v, 0, 0)
    t.row(odd, v, 0, 0, v, 0, 0)
# Every register holds a value of its own.
body = []
for i in range(32):
    body += ['addi a1, a0, %d' % i, 'fmv.d.x f%d, a1' % i]
body.append('li a0, 0')
for i in range(32):
    body += ['fmv.x.d a1, f%d' % i, 'slli a0, a0, 1', 'xor a0, a0, a1']
regs = t.fn('all registers', body)
for v in values:
    r = 0
    for i in range(32):
        r = (r << 1 ^ v + i) & 0xffffffffffffffff
    t.row(regs, v, 0, 0, r, 0, 0)
t.emit()
