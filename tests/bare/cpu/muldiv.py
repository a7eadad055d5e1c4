# SPDX-License-Identifier: BSD-2-Clause
"""Tables for the M extension, division by zero and overflow among them."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rvref as rv  # noqa: E402

t = rv.Table()
rv.add_rr(t, random.Random(65), rv.RR_M, 120)
t.emit()
