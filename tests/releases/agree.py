# SPDX-License-Identifier: BSD-2-Clause
"""What preflight predicts comes true: forty pairs of arrangements chosen at random, and guests that go
from release to release and host to host.  long-random.py and long-matrix.py do all of it."""

import os
import random

import busyguest
import gwttest
import pairs
import sets

sets.need_sets()
IMAGE = busyguest.need()
SEED = int(os.environ.get("GODWIT_SEED") or 5)
PAIRS = 10 if gwttest.SANITIZERS else 40


@gwttest.test("random pairs, seed %d" % SEED)
def some(t):
    seen = pairs.random_pairs(t, IMAGE, random.Random(SEED), PAIRS)
    t.equal(sum(seen.values()), PAIRS, "pairs")
    for verdict in ("ok", "adapt", "refuse"):
        t.ok(seen.get(verdict), "no pair was '%s': %r" % (verdict, seen))


@gwttest.test("chains of three through hosts and releases, seed %d" % SEED)
def chains(t):
    chance = random.Random(SEED)
    product = pairs.Product(t, IMAGE, "pc-5.1", ("R5.1", "R5.2", "R8.0", "R8.0.1"))
    hops = [product.chain([chance.randrange(len(product.ends)) for _ in range(3)])
            for _ in range(12)]
    t.ok(2 in hops and 0 in hops, "hops: %r" % hops)


if __name__ == "__main__":
    gwttest.main()
