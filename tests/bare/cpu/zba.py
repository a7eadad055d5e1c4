# SPDX-License-Identifier: BSD-2-Clause
"""Tables for the ZBA extension, against a definition bit by bit."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rvref as rv  # noqa: E402

t = rv.Table(['zba'])
rng = random.Random('zba')
rv.add_rr(t, rng, rv.RR_ZBA, 100)
rv.add_imm(t, rng, 'slli.uw', lambda a, n: rv.u64((a & rv.M32) << n), list(range(64)), 2)
t.emit()
