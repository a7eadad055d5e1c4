# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark itself works; what it measures is no business of a test."""

import json
import os
import shutil
import subprocess
import sys

import gwttest

BENCH = os.path.join(gwttest.SRCDIR, "bench")


def program(variable, usual):
    """What configure found; it says 'no' where it found nothing."""
    found = os.environ.get(variable)
    return usual if found in (None, "", "no") else found


QEMU = program("QEMU_RISCV64", "qemu-system-riscv64")
CC = program("RISCV_CC", "riscv64-linux-gnu-gcc")


def bench(*args, script="bench-cpu.py"):
    return subprocess.run([sys.executable, os.path.join(BENCH, script), *args],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


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


@gwttest.test("requests to a disk are measured on both emulators", skip=(
    "the long boots are left to the build without sanitizers" if gwttest.SANITIZERS else None))
def block(t):
    for tool in (QEMU, CC):
        if not shutil.which(tool):
            t.skip("%s is not installed" % tool)
    if not os.path.exists(os.path.join(gwttest.GUEST_DIR, "Image")):
        t.skip("no Linux guest; run tools/guest/make-guest")
    if not os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", "virtio-blk.so")):
        t.skip("the plugin virtio-blk is not built")
    path = t.path("figures.json")
    done = bench("--quick", "--rounds", "1", "--seconds", "0.05", "--queues", "2", "--mib", "16",
                 "--patterns", "read 4k qd32,write 1m", "--json", path, script="bench-block.py")
    t.equal(done.returncode, 0, "exit status (stderr: %r)" % done.stderr)
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    t.equal([(r["backend"], r["pattern"]) for r in report["rows"]],
            [(b, p) for b in ("null", "none", "writeback") for p in ("read 4k qd32", "write 1m")])
    for row in report["rows"]:
        t.ok(min(row["iops"].values()) > 0, "no rate in %r" % row)
    t.contains(done.stdout.decode(), "geometric mean of the ratios")


@gwttest.test("TCP is measured on both emulators", skip=(
    "the long boots are left to the build without sanitizers" if gwttest.SANITIZERS else None))
def net(t):
    for tool in (QEMU, CC):
        if not shutil.which(tool):
            t.skip("%s is not installed" % tool)
    if not os.path.exists(os.path.join(gwttest.GUEST_DIR, "Image")):
        t.skip("no Linux guest; run tools/guest/make-guest")
    with open(os.path.join(gwttest.BUILDDIR, "config.h"), encoding="ascii") as f:
        if "#define HAVE_SLIRP 1" not in f.read():
            t.skip("built without libslirp, so there is no user network")
    if not os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", "virtio-net.so")):
        t.skip("the plugin virtio-net is not built")
    path = t.path("figures.json")
    done = bench("--quick", "--rounds", "1", "--seconds", "0.1", "--patterns",
                 "guest to host;hostfwd, to the guest", "--json", path, script="bench-net.py")
    t.equal(done.returncode, 0, "exit status (stderr: %r)" % done.stderr)
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    t.equal([r["pattern"] for r in report["rows"]], ["guest to host", "hostfwd, to the guest"])
    for row in report["rows"]:
        t.ok(min(row["mb_per_second"].values()) > 0, "no rate in %r" % row)
    t.contains(done.stdout.decode(), "geometric mean of the ratios")
    done = bench("--patterns", "up", script="bench-net.py")
    t.equal(done.returncode, 2)
    t.contains(done.stderr.decode(), "'up' is none of guest to host; host to guest")


@gwttest.test("a move is measured on both emulators", skip=(
    "the long boots are left to the build without sanitizers" if gwttest.SANITIZERS else None))
def migrate(t):
    for tool in (QEMU, CC):
        if not shutil.which(tool):
            t.skip("%s is not installed" % tool)
    if not os.path.exists(os.path.join(gwttest.GUEST_DIR, "Image")):
        t.skip("no Linux guest; run tools/guest/make-guest")
    path = t.path("figures.json")
    done = bench("--quick", "--sizes", "192", "--loads", "32M/s", "--transports", "unix,file",
                 "--limits", "none", "--json", path, script="bench-migrate.py")
    t.equal(done.returncode, 0, "exit status (stderr: %r)" % done.stderr)
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    t.equal([(r["mib"], r["load"], r["transport"]) for r in report["rows"]],
            [(192, "32M/s", "unix"), (192, "32M/s", "file")])
    for row in report["rows"]:
        # What was filled has to be sent, by both.
        t.ok(min(row["bytes"].values()) > 96 << 20, "too few bytes in %r" % row)
        t.ok(min(row["pages"].values()) > 96 << 8, "too few pages in %r" % row)
        t.ok(0.5 < row["bytes_ratio"] < 2, "bytes' ratio in %r" % row)
    t.contains(done.stdout.decode(), "geometric means of the ratios: total ms")
    done = bench("--transports", "rdma", script="bench-migrate.py")
    t.equal(done.returncode, 2)
    t.contains(done.stderr.decode(), "'rdma' is none of unix, tcp, file")


@gwttest.test("wrong arguments of bench-block are refused by name")
def block_arguments(t):
    done = bench("--patterns", "read 4k", script="bench-block.py")
    t.equal(done.returncode, 2)
    t.contains(done.stderr.decode(), "'read 4k' is none of read 4k qd1, write 4k qd1")
    done = bench("--queues", "0", script="bench-block.py")
    t.equal(done.returncode, 2)
    t.contains(done.stderr.decode(), "--queues takes 1 to 16")


gwttest.main()
