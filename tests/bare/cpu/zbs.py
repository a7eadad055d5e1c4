# SPDX-License-Identifier: BSD-2-Clause
"""Tables for the ZBS extension, against a definition bit by bit."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rvref as rv  # noqa: E402

t = rv.Table(['zbs'])
rng = random.Random('zbs')
rv.add_rr(t, rng, rv.RR_ZBS, 100)
for op, f in rv.RR_ZBS.items():
    rv.add_imm(t, rng, op + 'i', f, list(range(64)), 2)
t.emit()
