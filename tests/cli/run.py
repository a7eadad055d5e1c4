# SPDX-License-Identifier: BSD-2-Clause
"""Options of a running program: what they make, what they say, and what is left at the end."""

import os
import struct

import gwttest

# lui t0,0x100; lui t1,0x5; addi t1,t1,0x555; sw t1,(t0); j . : power off
OFF = struct.pack("<5I", 0x001002b7, 0x00005337, 0x55530313, 0x0062a023, 0x0000006f)
# lui t0,0x100; lui t1,0x7; addi t1,t1,0x777; sw t1,(t0); j . : reset
RESET = struct.pack("<5I", 0x001002b7, 0x00007337, 0x77730313, 0x0062a023, 0x0000006f)


def kernel(t, code=OFF):
    with open(t.path("kernel"), "wb") as f:
        f.write(code)
    return ["-M", "virt", "-bios", "none", "-kernel", t.path("kernel"), "-serial", "null"]


def read(path):
    with open(path) as f:
        return f.read()


@gwttest.test("-pidfile, -name, -uuid")
def identity(t):
    vm = t.start(*kernel(t), "-S", "-pidfile", t.path("pid"), "-name", "guest=albatross", "-uuid",
                 "00112233-4455-6677-8899-aabbccddeeff", qmp=True)
    pid = int(read(t.path("pid")))
    t.equal(read("/proc/%d/comm" % pid).strip(), "albatross", "process name")
    t.equal(vm.qmp.cmd("query-name"), {"name": "albatross"}, "query-name")
    t.equal(vm.qmp.cmd("query-uuid")["UUID"], "00112233-4455-6677-8899-aabbccddeeff", "query-uuid")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "status")
    t.ok(not os.path.exists(t.path("pid")), "the pid file is still there")


@gwttest.test("-v says what is done, -D says it elsewhere")
def verbose(t):
    out, err = t.run(*kernel(t), "-v")
    for text in ("planned", "machine virt-1.0: 1 CPUs, 128 MiB of RAM", "mmio", "the guest starts"):
        t.contains(err, text)
    with open(t.path("log"), "w") as f:
        f.write("old\n" * 1000)
    out, err = t.run(*kernel(t), "-v", "-D", t.path("log"))
    log = read(t.path("log"))
    t.contains(log, "the guest starts")
    t.ok("old" not in log, "the log has old text")
    t.ok("the guest starts" not in err, "the log went to stderr as well: " + err)


@gwttest.test("-d guest shows the guest's mistakes, once")
def guest_errors(t):
    # lui t2,0x100; addi t2,t2,4; sw t2,(t2) twice: the finisher has no second register
    bad = struct.pack("<4I", 0x001003b7, 0x00438393, 0x0073a023, 0x0073a023) + OFF
    t.equal(t.run(*kernel(t, bad))[1], "", "without -d")
    err = t.run(*kernel(t, bad), "-d", "guest")[1]
    t.contains(err, "godwit: sifive-test: ")
    t.equal(len(err.splitlines()), 1, "lines")


@gwttest.test("-no-shutdown pauses, -no-reboot ends, neither: a reset runs on")
def ends(t):
    vm = t.start(*kernel(t), "-no-shutdown", "-S", qmp=True)
    vm.qmp.cmd("cont")
    vm.qmp.event("SHUTDOWN")
    t.equal(vm.qmp.cmd("query-status")["status"], "shutdown", "status")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "status at the end")
    t.run(*kernel(t, RESET), "-no-reboot")
    vm = t.start(*kernel(t, RESET), "-no-reboot", "-no-shutdown", "-S", qmp=True)
    vm.qmp.cmd("cont")
    t.equal(vm.qmp.event("SHUTDOWN")["data"]["reason"], "guest-reset", "reason")
    t.equal(vm.qmp.cmd("query-status")["status"], "shutdown", "status under both options")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "status at the end")
    vm = t.start(*kernel(t, RESET), "-S", qmp=True)
    vm.qmp.cmd("cont")
    for _ in range(3):
        vm.qmp.event("RESET")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "status at the end")


@gwttest.test("closed standard streams are never another file")
def closed(t):
    # A write to what became descriptor 1 or 2 would land in the log, the pid file, or RAM.
    # sb of 'A' to the UART first: lui t0,0x10000; addi t1,x0,65; sb t1,(t0)
    hello = struct.pack("<3I", 0x100002b7, 0x04100313, 0x00628023)
    args = kernel(t, hello + OFF)
    args[-1] = "stdio"
    for which in (">&-", "<&- >&- 2>&-"):
        shell = t.start_program("sh", "-c", 'exec "$@" ' + which, "sh", gwttest.GODWIT, *args, "-v",
                                "-D", t.path("log"), "-pidfile", t.path("pid"))
        t.equal(shell.wait(), 0, "status with " + which)
        log = read(t.path("log"))
        t.contains(log, "the guest starts")
        t.ok("cannot write" not in log, "output went astray with %s: %s" % (which, log))


@gwttest.test("the no-display spellings and both dashes of a typical command line")
def spellings(t):
    t.run("--machine", "virt", "--bios", "none", "-kernel", kernel(t)[5], "-display", "none",
          "-vga", "none", "-vnc", "none", "-net", "none", "-nic", "none", "-parallel", "none",
          "-monitor", "none", "-nographic", "-no-reboot", "--smp", "cpus=2", "-m", "size=64M")
    t.run("-M", "virt", "-bios", "none", "-kernel", t.path("kernel"), "-nodefaults")


gwttest.main()
