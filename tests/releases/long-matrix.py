# SPDX-License-Identifier: BSD-2-Clause
"""Three hosts, four releases: every ordered pair and every chain of three, and each comes out as
preflight says.  Where a guest cannot leave the first one, the chain is that pair."""

import itertools
import os
import random

import busyguest
import gwttest
import pairs
import sets

sets.need_sets()
IMAGE = busyguest.need()
LONG = float(os.environ.get("GODWIT_LONG") or 1)
RELEASES = {"pc-5.1": ("R5.1", "R5.2", "R8.0", "R8.0.1"),
            "pc-7.2": ("R7.2", "R8.0", "R8.0.1", "R8.2")}


def register(machine):
    @gwttest.test("%s: every ordered pair and every chain of three" % machine)
    def chains(t):
        product = pairs.Product(t, IMAGE, machine, RELEASES[machine])
        count, went = range(len(product.ends)), {}
        for a, b in itertools.product(count, count):
            went[a, b] = product.judge.pair(product.ends[a], product.ends[b]) != "refuse"
        wanted = [(a, b, c) for a, b, c in itertools.product(count, count, count) if went[a, b]]
        if LONG < 1:
            wanted = random.Random(5).sample(wanted, int(len(wanted) * LONG))
        hops = [product.chain(chain) for chain in wanted]
        t.ok(min(hops) >= 1, "a pair that went once did not go again")
        print("# %d of %d pairs go, %d of %d chains" % (sum(went.values()), len(went),
                                                        hops.count(2), len(hops)))


for name in RELEASES:
    register(name)


if __name__ == "__main__":
    gwttest.main()
