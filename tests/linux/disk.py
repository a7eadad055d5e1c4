# SPDX-License-Identifier: BSD-2-Clause
"""Linux lives on its disk: over PCIe and over MMIO, with either interrupt controller, on one hart and
on several.  What it wrote is there, whether it powered off or was killed."""

import disklife
import gwttest
import linuxdisk

linuxdisk.need_disk()


@gwttest.test("root over PCIe, PLIC, two harts")
def pci(t):
    disklife.lifetime(t, "pci", "plic", 2)


@gwttest.test("root over MMIO, PLIC, one hart")
def mmio(t):
    disklife.lifetime(t, "mmio", "plic", 1)


@gwttest.test("root over PCIe, AIA, four harts, an interrupt for each queue")
def aia(t):
    disklife.lifetime(t, "pci", "aia", 4)


@gwttest.test("what fsync returned for is on the disk when the emulator is killed")
def kill(t):
    disklife.kills(t, 2, seed=1)


gwttest.main()
