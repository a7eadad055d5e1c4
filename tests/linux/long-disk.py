# SPDX-License-Identifier: BSD-2-Clause
"""For make check-long: a Linux on its disk for minutes, in every arrangement, and killed a hundred
times."""

import os

import disklife
import gwttest
import linuxdisk

linuxdisk.need_disk()
# Shorter for a try: GODWIT_LONG=0.05
LENGTH = float(os.environ.get("GODWIT_LONG") or 1)


def arrangement(harts, transport, controller):
    @gwttest.test("random work, %d hart%s, %s, %s" % (
        harts, "s" if harts > 1 else "", transport, controller))
    def test(t):
        disklife.lifetime(t, transport, controller, harts, ops=int(15000 * LENGTH),
                          seed=harts * 100 + len(transport) * 10 + len(controller))
    return test


for _harts in (1, 2, 4):
    for _transport in ("pci", "mmio"):
        for _controller in ("plic", "aia"):
            arrangement(_harts, _transport, _controller)


@gwttest.test("random work past the host's page cache")
def direct(t):
    disklife.lifetime(t, "pci", "plic", 2, drive="cache=none", ops=int(15000 * LENGTH), seed=77)


@gwttest.test("a packed ring")
def packed(t):
    disklife.lifetime(t, "pci", "plic", 2, options="packed=on", ops=int(15000 * LENGTH), seed=78)


@gwttest.test("killed a hundred times while files are synced")
def killed(t):
    disklife.kills(t, max(2, int(100 * LENGTH)), seed=5)


@gwttest.test("killed ten times, over MMIO, past the host's page cache")
def killed_direct(t):
    disklife.kills(t, max(2, int(10 * LENGTH)), transport="mmio", harts=1, drive="cache=none",
                   seed=6)


gwttest.main()
