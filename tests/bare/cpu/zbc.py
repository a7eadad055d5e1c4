# SPDX-License-Identifier: BSD-2-Clause
"""Tables for the ZBC extension, against a definition bit by bit."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rvref as rv  # noqa: E402

t = rv.Table(['zbc'])
rng = random.Random('zbc')
rv.add_rr(t, rng, rv.RR_ZBC, 100)
t.emit()
