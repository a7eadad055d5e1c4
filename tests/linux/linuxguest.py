# SPDX-License-Identifier: BSD-2-Clause
"""The Linux guest made by tools/guest/make-guest, for the tests that boot it.

It owns how the guest is started and what its output looks like, and knows no test.  Match on what
the guest prints, not on the echo of what was typed: its shell wraps echoed lines at 80 columns.
"""

import os

import gwttest

IMAGE = os.path.join(gwttest.GUEST_DIR, "Image")
FIRMWARE = os.path.join(gwttest.GUEST_DIR, "fw_dynamic.bin")
INITRD = os.path.join(gwttest.GUEST_DIR, "initrd.cpio")
# Early console output helps when a boot fails; the self-tests of the kernel's ciphers only cost.
COMMAND_LINE = ("console=ttyS0 earlycon=uart8250,mmio,0x10000000 cryptomgr.notests "
                "initcall_blacklist=jent_mod_init")
READY = "^guest: ready"
# The shell asks the terminal for the cursor's position after its prompt.
PROMPT = r"guest:[^ ]*# "
BOOT_SECONDS = 120


def need_guest():
    """Skip the whole file where there is no guest."""
    missing = [f for f in (IMAGE, FIRMWARE, INITRD) if not os.path.exists(f)]
    if missing:
        gwttest.skip_all("no Linux guest (%s is missing); run tools/guest/make-guest"
                         % os.path.relpath(missing[0], gwttest.SRCDIR))


def arguments(harts=2, memory="512M", append="", console=("-nographic",), machine="virt"):
    return ["-M", machine, "-smp", str(harts), "-m", memory, "-bios", FIRMWARE, "-kernel", IMAGE,
            "-initrd", INITRD, "-append", (COMMAND_LINE + " " + append).strip(), *console]


def boot(t, qmp=False, pty=False, **how):
    """Start the guest and wait for its shell."""
    vm = t.start(*arguments(**how), qmp=qmp, pty=pty)
    vm.expect(READY, BOOT_SECONDS)
    vm.expect(PROMPT)
    return vm


def run(vm, command, timeout=60):
    """Run a command line in the guest's shell; returns (exit status, output)."""
    run.count += 1
    # The markers are put together by the shell, so that the echo does not hold them.
    vm.send("echo be''gin%d; %s; printf '\\ne''nd%%d %%d\\n' %d $?\n"
            % (run.count, command, run.count))
    vm.expect("^begin%d\r*$" % run.count, timeout)
    start = vm.console.output.rfind(b"begin%d" % run.count)
    match = vm.expect(r"^end%d (\d+)\r*$" % run.count, timeout)
    output = vm.console.output[start:match.start()].decode("utf-8", "replace")
    vm.expect(PROMPT, timeout)
    return int(match.group(1)), output.replace("\r", "").split("\n", 1)[1][:-1]


run.count = 0


def output(t, vm, command, timeout=60):
    status, text = run(vm, command, timeout)
    t.equal(status, 0, "exit status of '%s' (which printed %r)" % (command, text))
    return text


def power_off(t, vm):
    vm.send("poweroff\n")
    t.equal(vm.wait(), 0, "exit status after power-off")
