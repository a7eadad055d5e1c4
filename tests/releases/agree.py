# SPDX-License-Identifier: BSD-2-Clause
"""What preflight predicts comes true: forty pairs of arrangements chosen at random, and guests that go
from release to release and host to host.  long-random.py tries more pairs, long-matrix.py another
machine type as well."""

import os
import random

import busyguest
import gwttest
import pairs
import sets
import variants

sets.need_sets()
IMAGE = busyguest.need()
SEED = int(os.environ.get("GODWIT_SEED") or 5)
PAIRS = 10 if gwttest.SANITIZERS else 40
# Of the 30 pairs that go, behind how many every third hop is tried; None: behind all.
CHAINS = 2 if gwttest.SANITIZERS else None


@gwttest.test("random pairs, seed %d" % SEED)
def some(t):
    seen, undecided = pairs.random_pairs(t, IMAGE, random.Random(SEED), PAIRS)
    t.equal(sum(seen.values()), PAIRS, "pairs")
    print("# %r, two manifests alone did not tell %d" % (seen, undecided))
    for verdict in ("ok", "adapt", "refuse"):
        t.ok(seen.get(verdict), "no pair was '%s': %r" % (verdict, seen))


@gwttest.test("three hosts, four releases: every ordered pair, %s of three"
              % ("some chains, seed %d," % SEED if CHAINS else "every chain"))
def chains(t):
    chance = random.Random(SEED)
    product = pairs.Product(t, IMAGE, "pc-5.1", ("R5.1", "R5.2", "R8.0", "R8.0.1"))
    went, tried, through = product.every(CHAINS and (lambda went: chance.sample(went, CHAINS)))
    print("# %d pairs go; of %d chains %d" % (went, tried, through))
    t.ok(0 < went < 144 and 0 < through < tried, "pairs and chains that go")


class Altered(sets.Set):
    """R8.2 with a build of a plugin's own."""

    def __init__(self, t, plugin, name, changes):
        super().__init__(t, "R8.2")
        self.name += ", " + name
        # As the version in this tree: nothing but what it does tells the two apart.
        folder = variants.build(t, plugin, name, "0.1.0", changes)
        self.arguments = ["-plugin-dir", folder, *self.arguments]


@gwttest.test("what shows when a value was taken over: two manifests do not tell, all others refuse")
def hidden(t):
    variants.need("virtio-rng")
    judge = pairs.Judge(t, IMAGE)
    a = pairs.End(sets.Set(t, "R8.2"), "pc-8.2")
    a.devices = [["virtio-blk-pci", {"id": "disk", "drive": "d0", "addr": "1"}],
                 ["virtio-rng-pci", {"id": "rng", "addr": "2", "max-bytes": 1024}]]
    b = a.copy()
    del b.devices[1][1]["max-bytes"]
    t.equal(judge.pair(a, b), ("adapt", "adapt"), "the same build")
    for name, changes, why in (
            ("picky", [("  r->period_end = GWT_TIMER_OFF;\n  r->period_timer",
                        "  if (r->max_bytes < 65536)\n    {\n      host->error_set (err, "
                        "GWT_E_RANGE, \"less than 65536 bytes\");\n      return -1;\n    }\n"
                        "  r->period_end = GWT_TIMER_OFF;\n  r->period_timer")],
             "less than 65536 bytes"),
            ("other-class", [("  r->virtio = virtio_api->setup (device, &info,",
                              "  struct gwt_virtio_info mine = info;\n"
                              "  mine.pci_class += r->max_bytes < 65536;\n"
                              "  r->virtio = virtio_api->setup (device, &mine,")],
             "configuration-space, byte 0x9")):
        b.release = Altered(t, "virtio-rng", name, {"virtio-rng.c": changes})
        t.equal(judge.pair(a, b), ("undecided", "refuse"), name)
        early, told = judge.check(judge.dump(a), judge.dump(b))
        t.equal((early, told["undecided"]),
                ("undecided", ["plugin 'virtio-rng': both are 0.1.0, but not the same build, as "
                               "far as is known"]))
        uri = "unix:" + t.path(name + ".sock")
        asks, waits = judge.start(a), judge.start(b, incoming=uri)
        for _ in range(2):
            asks.qmp.cmd("migrate-check", uri=uri)
            answer = asks.qmp.event("MIGRATION_CHECK")["data"]
            t.equal(answer.get("verdict"), "refuse", "%s: %r" % (name, answer))
            t.contains(" ".join(answer["reasons"]), why)
        for vm in (asks, waits):
            vm.close()


if __name__ == "__main__":
    gwttest.main()
