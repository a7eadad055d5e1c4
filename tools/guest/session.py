# SPDX-License-Identifier: BSD-2-Clause
"""The scripted session of ./quickstart: boot to a shell, look around, run the workload, power off,
and sum it up.  Exit status 0 when all went well."""

import sys
import time

import gwttest
import linuxguest

SESSION = ("uname -a", "cat /proc/cpuinfo", "free -m", "selftest")


def retired(vm):
    """Instructions that the harts have retired, or None where the emulator cannot tell."""
    minstret = 0xb02
    try:
        return sum(int(vm.qmp.cmd("device-call", device=cpu["qom-path"], method="read_csr",
                                  arguments=[minstret])["result"])
                   for cpu in vm.qmp.cmd("query-cpus-fast"))
    except (gwttest.QmpError, TypeError, ValueError):
        return None


def session(t):
    start = time.monotonic()
    vm = t.start(*linuxguest.arguments(harts=2), qmp=True)
    vm.expect(linuxguest.READY, linuxguest.BOOT_SECONDS)
    vm.expect(linuxguest.PROMPT)
    boot = time.monotonic() - start
    instructions = retired(vm)
    print("\n".join(line for line in vm.console.output.decode("utf-8", "replace").splitlines()
                    if "Linux version" in line or "Machine model" in line or "Brought up" in line))
    for command in SESSION:
        began = time.monotonic()
        status, text = linuxguest.run(vm, command, 300)
        print("guest# %s\n%s" % (command, text.rstrip()))
        if status != 0:
            raise gwttest.Failure("'%s' ended with status %d in the guest" % (command, status))
    workload = time.monotonic() - began
    linuxguest.power_off(t, vm)
    print("\nquickstart: Linux booted with 2 harts to a shell in %.1f s" % boot
          + (" (%.0f million instructions, %.0f million a second)"
             % (instructions / 1e6, instructions / boot / 1e6) if instructions else "")
          + "; the workload passed in %.1f s; the guest powered off" % workload)


def main():
    context = gwttest.Context("session")
    try:
        session(context)
    except gwttest.Failure as e:
        print("quickstart: FAILED: %s" % e, file=sys.stderr)
        return 1
    finally:
        context.close()
    return 0


sys.exit(main())
