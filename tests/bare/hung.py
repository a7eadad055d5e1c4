# SPDX-License-Identifier: BSD-2-Clause
"""Guests that never come to an end: the monitor stays in command of the emulator, it can be stopped,
reset and quit, and the process's end is an orderly one."""
import os
import subprocess
import tempfile

import gwttest

HERE = os.path.dirname(os.path.abspath(__file__))
WAYS = ["traps", "paging", "jump", "wait", "fence", "storm", "mmio", "both"]
KERNELS = tempfile.TemporaryDirectory(prefix="godwit-test.")


def build():
    """Why the programs cannot be made, or None."""
    r = subprocess.run(["bash", os.path.join(HERE, "run-bare.sh"), "--build", KERNELS.name,
                        *("hung/" + w for w in WAYS)],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if r.returncode == 77:
        return r.stdout.strip()
    if r.returncode:
        raise SystemExit("Bail out! cannot build the programs: " + r.stdout)
    return None


REASON = build()


def define(way):
    @gwttest.test("a guest that hangs in hung/%s obeys the monitor" % way)
    def hung(t):
        if REASON:
            raise gwttest.Skip(REASON)
        vm = t.start("-M", "virt", "-smp", "2", "-m", "128M", "-bios", "none", "-display", "none",
                     "-serial", "stdio", "-kernel", os.path.join(KERNELS.name, way + ".elf"),
                     qmp=True)
        vm.expect("ready")
        t.equal(vm.qmp.cmd("query-status")["status"], "running")
        vm.qmp.cmd("stop")
        t.equal(vm.qmp.cmd("query-status")["status"], "paused")
        vm.qmp.cmd("cont")
        vm.qmp.event("RESUME")
        for _ in range(3):
            vm.qmp.cmd("system_reset")
            vm.expect("ready")
        t.equal(vm.qmp.cmd("query-status")["status"], "running")
        t.equal(len(vm.qmp.cmd("query-cpus-fast")), 2)
        vm.qmp.cmd("quit")
        t.equal(vm.wait(), 0, "exit status")
        t.ok("fatal" not in vm.console.output.decode("utf-8", "replace"), "the guest came to an end")

    @gwttest.test("a guest that hangs in hung/%s ends with the terminate signal" % way)
    def ended(t):
        if REASON:
            raise gwttest.Skip(REASON)
        vm = t.start("-M", "virt", "-smp", "2", "-m", "128M", "-bios", "none", "-display", "none",
                     "-serial", "stdio", "-kernel", os.path.join(KERNELS.name, way + ".elf"))
        vm.expect("ready")
        vm.popen.terminate()
        status = vm.wait()
        t.ok(status in (0, 1), "exit status %d after SIGTERM" % status)


for name in WAYS:
    define(name)
gwttest.main()
