# SPDX-License-Identifier: BSD-2-Clause
"""Tables for the four fused multiply-adds."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fpref as fp  # noqa: E402

t = fp.Table()
rng = random.Random(2008)
OPS = {'fmadd': (False, False), 'fmsub': (False, True), 'fnmsub': (True, False),
       'fnmadd': (True, True)}
for fmt in (fp.S, fp.D):
    few = [v for v in fp.specials(fmt)]
    for op, (np, nc) in OPS.items():
        forms = t.forms('%s.%s' % (op, fmt.letter),
                        fp.LOAD + ['%s.%s fa3, fa0, fa1, fa2, {rm}' % (op, fmt.letter),
                                   'fmv.x.d a0, fa3'])
        cases = []
        for _ in range(700):
            cases.append((rng.choice(few), rng.choice(few), rng.choice(few), rng.randrange(5)))
        for _ in range(200):
            a, b = fp.pair(fmt, rng)
            product = fp.mul(fmt, rng.randrange(5), a, b)[0]
            k = rng.randrange(4)
            if k == 0:
                c = product ^ fmt.sign
            elif k == 1:
                c = (product + rng.randrange(-2, 3)) & fmt.mask
            elif k == 2:
                c = fp.pair(fmt, rng)[1]
            else:
                # about half a unit in the last place of the product, where double rounding shows
                e = max(((product & ~fmt.sign) >> (fmt.p - 1)) - fmt.p, 0)
                c = (e << (fmt.p - 1) | rng.choice([0, 1])) | rng.choice([0, fmt.sign])
            cases += [(a, b, c, rm) for rm in range(5)]
        for a, b, c, rm in cases:
            r, flags = fp.fma(fmt, rm, a, b, c, np, nc)
            t.rounded(forms, rm, fmt.box(a), fmt.box(b), fmt.box(c), fmt.box(r), flags)
t.emit()
