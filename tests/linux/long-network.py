# SPDX-License-Identifier: BSD-2-Clause
"""For make check-long: a gibibyte each way and both ways at once, in several arrangements."""

import os

import gwttest
import linuxguest
import linuxnet

linuxnet.need_network()
LENGTH = float(os.environ.get("GODWIT_LONG") or 1)
MIB = 1 << 20


def arrangement(size, harts, transport, controller):
    @gwttest.test("%d MiB of TCP each way, and both ways at once, %d hart%s, %s, %s" % (
        size, harts, "s" if harts > 1 else "", transport, controller))
    def test(t):
        vm = linuxnet.boot(t, transport, harts=harts, controller=controller)
        linuxnet.transfers(t, vm, linuxnet.Data(max(1, int(size * MIB // linuxnet.Data.SIZE * LENGTH)), harts))
        linuxnet.statistics(t, vm)
        linuxguest.power_off(t, vm)
    return test


arrangement(1024, 2, "pci", "plic")
arrangement(256, 1, "mmio", "plic")
arrangement(256, 4, "pci", "aia")

gwttest.main()
