# SPDX-License-Identifier: BSD-2-Clause
"""Tables for the ZBB extension, against a definition bit by bit."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rvref as rv  # noqa: E402

t = rv.Table(['zbb'])
rng = random.Random('zbb')
rv.add_rr(t, rng, rv.RR_ZBB, 100)
for op, f in rv.R1.items():
    rv.add_r1(t, rng, op, f, 60)
rv.add_imm(t, rng, 'rori', rv.RR_ZBB['ror'], list(range(64)), 2)
rv.add_imm(t, rng, 'roriw', rv.RR_ZBB['rorw'], list(range(32)), 2)
t.emit()
