#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which sections a board's stream has: names, versions, order, bytes.

They are those of the reference's board of that name, but for what is said here.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gwttest  # noqa: E402
import mover  # noqa: E402
import streamreader as sr  # noqa: E402

# A hart of the reference has 402 bytes more: the hypervisor extension and debug triggers.
HART = [("cpu_common", 0, 1, 8), ("cpu", 0, 10, 2709)]
CLOCKS = [("timer", 0, 2, 24), *HART, ("riscv_mtimer", 0, 3, 24)]
AFTER = [("fw_cfg", 0, 2, None), ("PCIHost", 0, 1, 4), ("PCIBUS", 0, 1, 20),
         ("0000:00:00.0/gpex_root", 0, 1, 276), ("serial", 0, 3, 11), ("goldfish_rtc", 0, 3, 40),
         ("pflash_cfi01", 0, 1, None), ("pflash_cfi01", 1, 1, None)]
# Their own parts depend on what is behind them.
VARIES = ("fw_cfg", "pflash_cfi01")
LAST = [("globalstate", 0, 1, 104)]


def sections(t, machine, *args):
    m = mover.Mover(t)
    vm = m.start(*args, machine=machine)
    path = t.path("stream")
    # What the reference has nothing of goes with the manifest.
    vm.qmp.cmd("migrate-set-capabilities",
               capabilities=[{"capability": "x-manifest", "state": False}])
    vm.qmp.cmd("migrate", uri="file:" + path)
    m.finished(vm)
    with open(path, "rb") as f:
        stream = sr.read(f.read())
    found = [(s.name, s.instance, s.version, s.end - s.payload)
             for s in stream.sections.values() if s.name != "ram"]
    return [s if s[0] not in VARIES else (*s[:3], None) for s in found]


@gwttest.test("virt: as the reference has them, but for its root function, which comes first there")
def virt(t):
    t.equal(sections(t, "virt"),
            [*CLOCKS, ("riscv_sifive_plic", 0, 1, 440), *AFTER, *LAST], "sections")


@gwttest.test("two harts: one pair of sections each, in order; more in those of the controllers")
def harts(t):
    second = [(name, 1, version, size) for name, _, version, size in HART]
    t.equal(sections(t, "virt", "-smp", "2"),
            [CLOCKS[0], *HART, *second, ("riscv_mtimer", 0, 3, 40),
             ("riscv_sifive_plic", 0, 1, 440 + 2 * 4 + 2 * 12), *AFTER, *LAST], "sections")


@gwttest.test("virt-aia: machine level before supervisor level")
def aia(t):
    aplic = 8 * 4 + 97 * 12 + 12
    t.equal(sections(t, "virt-aia"),
            [*CLOCKS, ("riscv_imsic", 0, 2, 8 + 256 * 4), ("riscv_imsic", 1, 2, 8 + 256 * 4),
             ("riscv_aplic", 0, 3, aplic), ("riscv_aplic", 1, 3, aplic), *AFTER, *LAST], "sections")


gwttest.main()
