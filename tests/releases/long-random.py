# SPDX-License-Identifier: BSD-2-Clause
"""A thousand random pairs of arrangements: what preflight says of their manifests comes true.
GODWIT_SEED repeats a run; GODWIT_LONG=0.05 shortens it."""

import os
import random
import sys

import gwttest

sys.path.insert(0, os.path.join(gwttest.SRCDIR, "tests", "migration"))
import guest
import pairs
import sets

sets.need_sets()
SEED = int(os.environ.get("GODWIT_SEED") or random.SystemRandom().randrange(1000000))
PAIRS = max(50, int(1000 * float(os.environ.get("GODWIT_LONG") or 1)))


def register(number):
    @gwttest.test("fifty random pairs, seed %d" % (SEED + number))
    def fifty(t):
        path = t.path("guest.bin")
        with open(path, "wb") as f:
            f.write(guest.program())
        seen = pairs.random_pairs(t, path, random.Random(SEED + number), 50)
        print("# seed %d: %r" % (SEED + number, seen))


for batch in range(PAIRS // 50):
    register(batch)


if __name__ == "__main__":
    gwttest.main()
