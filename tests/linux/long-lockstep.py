# SPDX-License-Identifier: BSD-2-Clause
"""For make check-long: a Linux with counted instructions is saved at random moments of its boot and at
work.  The process that goes on and one that takes the saved guest over execute a hundred million
instructions more, and are then the same: every section, every page.
"""

import os
import random
import sys

import gwttest
import linuxguest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "migration"))
import twins  # noqa: E402

linuxguest.need_guest()
# Shorter for a try: GODWIT_LONG=0.2
LENGTH = float(os.environ.get("GODWIT_LONG") or 1)
SEED = int(os.environ.get("GODWIT_SEED") or 1)
STEP = int(100e6 * LENGTH)
# The time of day is the host's, and two who ask for it one after the other are told different things.
COMMAND_LINE = "initcall_blacklist=goldfish_rtc_init"
WORK = "(while :; do echo 7 | sed s/7/8/ > /tmp/w; done) & (while :; do :; done) & true"


def steps(pair, vm, rand, n, most, label):
    for _ in range(n):
        at = pair.icount(vm) + rand.randrange(1, most)
        pair.run_to(vm, at)
        pair.step(vm, STEP, "%s, instruction %d, GODWIT_SEED=%d" % (label, at, SEED))


def lockstep(harts, machine):
    def twin(t, **more):
        args = linuxguest.arguments(harts=harts, memory="128M", machine=machine, append=COMMAND_LINE,
                                    console=())
        return twins.Twins(t, *args, **more)

    @gwttest.test("%s, %d harts, while it boots: in lock step for %d instructions"
                  % (machine, harts, STEP))
    def boot(t):
        pair = twin(t)
        steps(pair, pair.start(), random.Random(SEED), max(1, int(4 * LENGTH)), 60000000, "boot")

    @gwttest.test("%s, %d harts, at work: in lock step for %d instructions" % (machine, harts, STEP))
    def work(t):
        pair = twin(t, console=True)
        vm = pair.start("-nographic")
        vm.monitor.cmd("cont")
        linuxguest.ready(vm)
        linuxguest.output(t, vm, WORK)
        vm.monitor.cmd("stop")
        steps(pair, vm, random.Random(SEED), max(1, int(3 * LENGTH)), 20000000, "work")
    return boot, work


for _harts, _machine in ((1, "virt"), (2, "virt"), (2, "virt-aia")):
    lockstep(_harts, _machine)

gwttest.main()
