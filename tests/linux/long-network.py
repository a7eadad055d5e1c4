# SPDX-License-Identifier: BSD-2-Clause
"""For make check-long: a gibibyte each way and both ways at once, in several arrangements."""

import os

import gwttest
import linuxguest
import linuxnet

linuxnet.need_network()
LENGTH = float(os.environ.get("GODWIT_LONG") or 1)
MIB = 1 << 20


def arrangement(harts, transport, controller):
    @gwttest.test("1 GiB of TCP each way, %d hart%s, %s, %s" % (
        harts, "s" if harts > 1 else "", transport, controller))
    def test(t):
        vm = linuxnet.boot(t, transport, harts=harts, controller=controller)
        linuxnet.transfers(t, vm, linuxnet.Data(32 * MIB, max(1, int(32 * LENGTH)), harts))
        linuxnet.statistics(t, vm)
        linuxguest.power_off(t, vm)
    return test


for _harts, _transport, _controller in ((1, "mmio", "plic"), (2, "pci", "plic"), (4, "pci", "aia")):
    arrangement(_harts, _transport, _controller)

gwttest.main()
