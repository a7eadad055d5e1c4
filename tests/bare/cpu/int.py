# SPDX-License-Identifier: BSD-2-Clause
"""Tables for RV64I: every register and immediate form, W forms, upper immediates."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rvref as rv  # noqa: E402

t = rv.Table()
rng = random.Random(64)
rv.add_rr(t, rng, rv.RR, 60)
IMMS = [0, 1, -1, 2, -2048, 2047, 1024, -1024, 0x555, -0x556, 31, 32]
for op, f in rv.RI.items():
    rv.add_imm(t, rng, op, f, IMMS, 6)
for table, top in ((rv.SHIFT, 64), (rv.SHIFTW, 32)):
    for op, base in table.items():
        rv.add_imm(t, rng, op, rv.RR[base], list(range(top)), 2)
for imm in (0, 1, 0x7ffff, 0x80000, 0xfffff, 0x12345):
    t.row(t.fn('lui %#x' % imm, ['lui a0, %#x' % imm]), 0, 0, rv.w(imm << 12))
    # the distance from the label that follows, so that the load address does not matter
    t.row(t.fn('auipc %#x' % imm, ['1: auipc a0, %#x' % imm, '2: auipc a1, 0', 'addi a1, a1, -4',
                                   'sub a0, a0, a1']), 0, 0, rv.w(imm << 12))
t.emit()
