# SPDX-License-Identifier: BSD-2-Clause
"""Linux boots, runs the workload that checks itself, and powers off; on one hart and on two."""

import gwttest
import linuxguest

linuxguest.need_guest()

# The digest over all parts, the same on every machine; see tests/guest/selftest.c.
DIGEST = "c5d279bb778e6123"


def workload(t, harts):
    vm = t.start(*linuxguest.arguments(harts=harts, append="quiet -- selftest"))
    vm.expect(r"^selftest: checksum ", linuxguest.BOOT_SECONDS)
    match = vm.expect(r"^selftest: (\d+) of (\d+) passed, digest ([0-9a-f]{16})", 300)
    log = vm.console.output.decode("utf-8", "replace")
    lines = "\n".join(line for line in log.splitlines() if line.startswith("selftest"))
    t.equal(match.group(1), match.group(2), "parts passed\n" + lines + "\n")
    t.equal(match.group(3).decode(), DIGEST, "digest\n" + lines + "\n")
    vm.expect(r"^guest: exit status 0")
    t.equal(vm.wait(), 0, "exit status after power-off")
    log = vm.console.output.decode("utf-8", "replace")
    for trouble in ("Oops", "BUG:", "Kernel panic", "WARNING:", "rcu: INFO", "Bad page"):
        t.ok(trouble not in log, "the kernel complained: %s" % log[log.find(trouble):][:2000])


SLOW = "the long boots are left to the build without sanitizers" if gwttest.SANITIZERS else None


@gwttest.test("the workload passes on one hart", skip=SLOW)
def one(t):
    workload(t, 1)


@gwttest.test("the workload passes on two harts", skip=SLOW)
def two(t):
    workload(t, 2)


@gwttest.test("a short boot ends in a shell and powers off")
def short(t):
    vm = linuxguest.boot(t, harts=2)
    t.contains(linuxguest.output(t, vm, "uname -m"), "riscv64")
    linuxguest.power_off(t, vm)


@gwttest.test("the firmware that the distribution installs boots it too", skip=SLOW)
def default_firmware(t):
    arguments = linuxguest.arguments(append="quiet -- uname -m")
    at = arguments.index("-bios")
    del arguments[at:at + 2]
    vm = t.start(*arguments)
    try:
        vm.expect("OpenSBI v", linuxguest.BOOT_SECONDS)
    except gwttest.Failure:
        if "default firmware" in vm.stderr():
            t.skip("the package opensbi is not installed")
        raise
    vm.expect("^riscv64", linuxguest.BOOT_SECONDS)
    t.equal(vm.wait(), 0, "exit status")


gwttest.main()
