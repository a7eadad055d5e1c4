# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark itself works; what it measures is no business of a test."""

import json
import os
import shutil
import subprocess
import sys

import gwttest

BENCH = os.path.join(gwttest.SRCDIR, "bench", "bench-cpu.py")


def program(variable, usual):
    """What configure found; it says 'no' where it found nothing."""
    found = os.environ.get(variable)
    return usual if found in (None, "", "no") else found


QEMU = program("QEMU_RISCV64", "qemu-system-riscv64")
CC = program("RISCV_CC", "riscv64-linux-gnu-gcc")


def bench(*args):
    return subprocess.run([sys.executable, BENCH, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)


@gwttest.test("device accesses are measured on both emulators")
def accesses(t):
    for tool in (QEMU, CC):
        if not shutil.which(tool):
            t.skip("%s is not installed" % tool)
    path = t.path("figures.json")
    done = bench("--quick", "--rounds", "1", "--only", "mmio", "--json", path)
    t.equal(done.returncode, 0, "exit status (stderr: %r)" % done.stderr)
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    for which in ("godwit", "qemu"):
        t.equal(sorted(report["mmio"][which]),
                ["ACLINT mtime read", "ACLINT mtimecmp write", "PLIC read", "UART read",
                 "UART write"])
        t.ok(report["start"][which] > 0, "no time to the first instructions of %s" % which)
    t.contains(done.stdout.decode(), "start to first guest instructions")


@gwttest.test("wrong arguments are refused by name")
def arguments(t):
    done = bench("--only", "nonesuch")
    t.equal(done.returncode, 2)
    t.contains(done.stderr.decode(), "'nonesuch' is none of kernels, scaling, boot, mmio")
    done = bench("--kernels", "integer,x")
    t.equal(done.returncode, 2)
    t.contains(done.stderr.decode(), "'x' is none of integer, branches")


gwttest.main()
