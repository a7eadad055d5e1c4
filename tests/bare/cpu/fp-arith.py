# SPDX-License-Identifier: BSD-2-Clause
"""Tables for addition, subtraction, multiplication, division and square root."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fpref as fp  # noqa: E402

t = fp.Table()
rng = random.Random(754)
OPS = {'fadd': fp.add, 'fsub': fp.sub, 'fmul': fp.mul, 'fdiv': fp.div}
for fmt in (fp.S, fp.D):
    for op, f in OPS.items():
        forms = t.forms('%s.%s' % (op, fmt.letter),
                        fp.LOAD + ['%s.%s fa3, fa0, fa1, {rm}' % (op, fmt.letter), 'fmv.x.d a0, fa3'])
        sp = fp.specials(fmt)
        cases = [(a, b, (i * 7 + j) % 5) for i, a in enumerate(sp) for j, b in enumerate(sp)]
        for _ in range(150):
            a, b = fp.pair(fmt, rng)
            cases += [(a, b, rm) for rm in range(5)]
        for a, b, rm in cases:
            r, flags = f(fmt, rm, a, b)
            t.rounded(forms, rm, fmt.box(a), fmt.box(b), 0, fmt.box(r), flags)
    forms = t.forms('fsqrt.' + fmt.letter,
                    fp.LOAD + ['fsqrt.%s fa3, fa0, {rm}' % fmt.letter, 'fmv.x.d a0, fa3'])
    squares = [fmt.round(fp.Fraction(n) ** 2, fp.RTZ)[0] for n in (2, 3, 255, 4095, 4097)]
    for a in fp.specials(fmt) + squares + [fp.arbitrary(fmt, rng) for _ in range(100)]:
        for v in (a, a & ~fmt.sign):
            for rm in range(5):
                r, flags = fp.sqrt(fmt, rm, v)
                t.rounded(forms, rm, fmt.box(v), 0, 0, fmt.box(r), flags)
# A narrow operand that is not boxed counts as the canonical NaN, quiet.
one = 0x3f800000
for op, f in OPS.items():
    forms = t.forms(op + '.s unboxed',
                    fp.LOAD + ['%s.s fa3, fa0, fa1, {rm}' % op, 'fmv.x.d a0, fa3'])
    for a, b in ((one, fp.S.box(one)), (fp.S.box(one), one), (0xfffffffe00000000 | one, one),
                 (0xffffffff7f800001, one), (0x3ff0000000000000, 0xffffffff7f800000)):
        r, flags = f(fp.S, 0, fp.S.unbox(a), fp.S.unbox(b))
        t.rounded(forms, 0, a, b, 0, fp.S.box(r), flags)
t.emit()
