# SPDX-License-Identifier: BSD-2-Clause
"""For make check-long: one Linux under load is moved a hundred times, then others with other devices,
and cut or cancelled at random."""

import os
import random

import gwttest
import linuxdisk
import linuxguest
import linuxmove

linuxdisk.need_disk()
# Shorter for a try: GODWIT_LONG=0.05
LENGTH = float(os.environ.get("GODWIT_LONG") or 1)
SEED = int(os.environ.get("GODWIT_SEED") or 1)
WORK = "mkdir -p work && disktest random seed=1 threads=2 files=2 size=1024 seconds=100000 work"


def times(count):
    return max(2, round(count * LENGTH))


def summary(downtimes):
    downtimes.sort()
    print("# %d moves; downtime %d ms at best, %d in the middle, %d at worst"
          % (len(downtimes), downtimes[0], downtimes[len(downtimes) // 2], downtimes[-1]), flush=True)


def hops(t, count, transport="pci", capabilities=(), traffic=None, **how):
    image = linuxdisk.root_copy(t)
    more = traffic.arguments() if traffic else []
    guest = linuxmove.Guest(t, [*linuxdisk.disk(image, transport), *more], append="root=/dev/vda", **how)
    guest.load(WORK, traffic=traffic)
    downtimes = []
    for turn in range(count):
        wire = ("unix", "tcp")[turn % 2]
        downtimes.append(guest.move(wire, ("return-path", *capabilities))["downtime"])
        if traffic:
            traffic.flows()
    summary(downtimes)
    if traffic:
        traffic.end(count)
    guest.end("disktest")
    guest.power_off()
    linuxdisk.check(t, image)


@gwttest.test("two harts, a hundred times over unix and tcp, under load of CPU, memory, disk and network")
def hundred(t):
    hops(t, times(100), traffic=linuxmove.Traffic(t))


def arrangement(harts, machine, transport):
    @gwttest.test("%d harts, %s, %s" % (harts, machine, transport))
    def test(t):
        linuxdisk.need_machine(t, "aia" if machine == "virt-aia" else "plic")
        hops(t, times(10), transport, harts=harts, machine=machine)
    return test


for _harts in (1, 4):
    for _machine in ("virt", "virt-aia"):
        for _transport in ("pci", "mmio"):
            arrangement(_harts, _machine, _transport)


@gwttest.test("with XBZRLE and auto-converge")
def converging(t):
    hops(t, times(20), capabilities=("xbzrle", "auto-converge"))


@gwttest.test("cut and cancelled at random, and moved in between")
def broken(t):
    print("# GODWIT_SEED=%d" % SEED)
    chance = random.Random(SEED)
    image = linuxdisk.root_copy(t)
    guest = linuxmove.Guest(t, linuxdisk.disk(image), append="root=/dev/vda")
    guest.load(WORK)
    ends = []
    for turn in range(times(60)):
        if turn % 6 == 5:
            guest.move(("unix", "tcp")[turn // 6 % 2])
            continue
        ends.append(guest.broken(chance, turn % 2))
    print("# " + ", ".join("%d %s" % (ends.count(how), how) for how in sorted(set(ends))))
    guest.end("disktest")
    guest.power_off()
    linuxdisk.check(t, image)


gwttest.main()
