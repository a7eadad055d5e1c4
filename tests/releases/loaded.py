# SPDX-License-Identifier: BSD-2-Clause
"""A Linux with four harts, busy on its disk and in its memory, moves between releases (see sets.py).
What else there is to say of releases is said with small guests, in matrix.py."""

import os
import sys

import gwttest

sys.path.insert(0, os.path.join(gwttest.SRCDIR, "tests", "linux"))
import linuxdisk
import linuxguest
import linuxmove
import sets

sets.need_sets()
linuxdisk.need_disk()
WORK = "mkdir -p work && disktest random seed=5 threads=2 files=2 size=256 seconds=100000 work"
MASK = "hexdump -s 0x108 -n 4 -e '1/4 \"%08x\"' /sys/bus/pci/devices/0000:00:02.0/config"


class Guest(linuxmove.Guest):
    """It has a root port at 2 and its disk at 1."""

    def __init__(self, t, release, machine, *more):
        self.image = linuxdisk.root_copy(t)
        self.machine = machine
        self.how = self.words(release, *more)
        super().__init__(t, self.how, append="root=/dev/vda", harts=4, machine=machine,
                         memory="192M")
        self.base = self.arguments[:-len(self.how)]
        self.load(WORK, mib=16)

    def words(self, release, *more):
        return [*release.arguments, "-device", "pcie-root-port,id=port,addr=2",
                *linuxdisk.disk(self.image, options="addr=1,id=disk"), *more]

    def to(self, release, *more):
        """Move it there."""
        self.arguments = self.base + self.words(release, *more)
        self.move()

    def refused(self, release, *texts, more=()):
        """It is not taken there, with all of TEXTS, and goes on here."""
        self.arguments = self.base + self.words(release, *more)
        to, uri = self.incoming()
        self.set(self.vm, ["return-path"])
        self.vm.qmp.cmd("migrate", uri=uri)
        self.t.equal(self.ended(), "failed", "how it ended")
        self.t.equal(to.wait(), 1, "exit status of the receiver")
        for text in texts:
            self.t.contains(to.stderr(), text)
        to.close()
        self.beat()

    def queues(self):
        return self.vm.qmp.cmd("qom-get", path="/machine/disk", property="num-queues")

    def finish(self):
        self.end("disktest")
        queues = linuxguest.output(self.t, self.vm, "ls /sys/block/vda/mq | wc -l").strip()
        mask = linuxguest.output(self.t, self.vm, MASK).strip()
        self.power_off()
        linuxdisk.check(self.t, self.image)
        return int(queues), mask


@gwttest.test("pc-5.1: from R5.1 to R5.1, R5.2, R5.2 and back to R5.1, one queue all the way")
def queues(t):
    old, new = sets.Set(t, "R5.1"), sets.Set(t, "R5.2")
    guest = Guest(t, old, "pc-5.1")
    for release in (old, new, new, old):
        guest.to(release)
        t.equal(guest.queues(), 1, "queues at " + release.name)
    t.equal(guest.finish()[0], 1, "queues that Linux sees")


@gwttest.test("pc-5.2: from R5.2 to R5.2 with a queue for each CPU")
def own(t):
    new = sets.Set(t, "R5.2")
    guest = Guest(t, new, "pc-5.2")
    guest.to(new)
    t.equal(guest.queues(), 4, "queues")
    t.equal(guest.finish()[0], 4, "queues that Linux sees")


if __name__ == "__main__":
    gwttest.main()
