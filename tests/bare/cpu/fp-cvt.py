# SPDX-License-Identifier: BSD-2-Clause
"""Tables for conversions between integers, singles and doubles."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fpref as fp  # noqa: E402

t = fp.Table()
rng = random.Random(1985)
INTS = {'w': (32, True), 'wu': (32, False), 'l': (64, True), 'lu': (64, False)}
for fmt in (fp.S, fp.D):
    for name, (width, signed) in INTS.items():
        forms = t.forms('fcvt.%s.%s' % (name, fmt.letter),
                        fp.LOAD + ['fcvt.%s.%s a0, fa0, {rm}' % (name, fmt.letter)])
        values = fp.specials(fmt) + [fp.arbitrary(fmt, rng) for _ in range(80)]
        for power in (0, 1, 8, 23, 30, 31, 32, 33, 52, 53, 62, 63, 64, 65):
            for delta in (fp.Fraction(0), fp.Fraction(1), fp.Fraction(-1), fp.Fraction(1, 2),
                          fp.Fraction(-1, 2), fp.Fraction(1, 4), fp.Fraction(-3, 4)):
                x = fp.Fraction(2) ** power + delta
                if x:
                    v = fmt.round(x, fp.RTZ)[0]
                    values += [v, v | fmt.sign]
        for v in values:
            for rm in range(5):
                r, flags = fp.to_int(fmt, rm, v, width, signed)
                t.rounded(forms, rm, fmt.box(v), 0, 0, r, flags)
        # 32 bits always fit a double: the assembler takes no mode there
        rounds = '' if fmt is fp.D and width == 32 else ', {rm}'
        forms = t.forms('fcvt.%s.%s' % (fmt.letter, name),
                        fp.LOAD + ['fcvt.%s.%s fa0, a0%s' % (fmt.letter, name, rounds),
                                   'fmv.x.d a0, fa0'])
        ints = [0, 1, 2, 3, (1 << 64) - 1, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 31) - 1,
                (1 << 32) - 1, 1 << 32, (1 << 24) + 1, (1 << 24) - 1, (1 << 25) + 2, (1 << 53) + 1,
                (1 << 54) + 2, (1 << 54) + 6, 0xffffffff7fffffff, 0xffffff7fffffffff,
                0x7ffffffffffffc00, 0x7ffffffffffffdff, 0xfffffffffffffbff, 0xfffffffffffffc00]
        ints += [rng.getrandbits(rng.randrange(1, 65)) for _ in range(60)]
        for x in ints:
            for rm in range(5):
                r, flags = fp.from_int(fmt, rm, x, width, signed)
                t.rounded(forms, rm, x, 0, 0, fmt.box(r), flags)
    other = fp.D if fmt is fp.S else fp.S
    forms = t.forms('fcvt.%s.%s' % (other.letter, fmt.letter),
                    fp.LOAD + ['fcvt.%s.%s fa0, fa0%s' % (other.letter, fmt.letter,
                                                          ', {rm}' if fmt is fp.D else ''),
                               'fmv.x.d a0, fa0'])
    values = fp.specials(fmt) + [fp.arbitrary(fmt, rng) for _ in range(200)]
    if fmt is fp.D:
        # around the narrow format's limits: overflow, ties, subnormals, tininess
        for e in (128, 127, -126, -127, -148, -149, -150, -151, 0):
            for m in (0, 1, 0xfffffe0000000, 0xfffffefffffff, 0xffffff0000000, 0xfffffffffffff,
                      0x10000000, 0x10000001, 0x30000000, 0x8000000000000, 0xfffffd0000000,
                      0x20000000):
                values += [(e + 1023) << 52 | m, 1 << 63 | (e + 1023) << 52 | m]
    for v in values:
        for rm in range(5):
            r, flags = fp.convert(fmt, other, rm, v)
            t.rounded(forms, rm, fmt.box(v), 0, 0, other.box(r), flags)
for name, (width, signed) in INTS.items():
    forms = t.forms('fcvt.%s.s unboxed' % name, fp.LOAD + ['fcvt.%s.s a0, fa0, {rm}' % name])
    for v in (0x3f800000, 0x7fffffff3f800000):
        r, flags = fp.to_int(fp.S, 0, fp.S.qnan, width, signed)
        t.rounded(forms, 0, v, 0, 0, r, flags)
t.rounded(t.forms('fcvt.d.s unboxed', fp.LOAD + ['fcvt.d.s fa0, fa0', 'fmv.x.d a0, fa0']), 0,
          0x3f800000, 0, 0, fp.D.qnan, 0)
t.emit()
