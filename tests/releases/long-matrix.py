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
        some = random.Random(5)
        print("# %d of 144 pairs go; of %d chains %d" % product.every(
            lambda went: some.sample(went, int(len(went) * min(LONG, 1)))))
        for a, b in itertools.product(product.ends, product.ends):
            if some.random() < LONG:
                product.judge.pair(a, b)


for name in RELEASES:
    register(name)


if __name__ == "__main__":
    gwttest.main()
