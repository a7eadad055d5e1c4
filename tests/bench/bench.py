# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark itself works; what it measures is no business of a test."""

import json
import os
import shutil
import subprocess
import sys

import gwttest

BENCH = os.path.join(gwttest.SRCDIR, "bench", "bench-cpu.py")
QEMU = os.environ.get("QEMU_RISCV64") or "qemu-system-riscv64"
CC = os.environ.get("RISCV_CC") or "riscv64-linux-gnu-gcc"


def bench(*args):
    return subprocess.run([sys.executable, BENCH, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)


@gwttest.test("device accesses are measured on both emulators")
def accesses(t):
    for program in (QEMU, CC):
        if not shutil.which(program):
            t.skip("%s is not installed" % program)
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
