# SPDX-License-Identifier: BSD-2-Clause
"""A thousand random pairs of arrangements: what preflight says of their manifests comes true.
GODWIT_SEED repeats a run; GODWIT_LONG=0.05 shortens it."""

import os
import random

import busyguest
import gwttest
import pairs
import sets

sets.need_sets()
IMAGE = busyguest.need()
SEED = int(os.environ.get("GODWIT_SEED") or random.SystemRandom().randrange(1000000))
PAIRS = max(50, int(1000 * float(os.environ.get("GODWIT_LONG") or 1)))


def register(number):
    @gwttest.test("fifty random pairs, seed %d" % (SEED + number))
    def fifty(t):
        seen, undecided = pairs.random_pairs(t, IMAGE, random.Random(SEED + number), 50)
        print("# seed %d: %r, two manifests alone did not tell %d"
              % (SEED + number, seen, undecided))


for batch in range(PAIRS // 50):
    register(batch)


if __name__ == "__main__":
    gwttest.main()
