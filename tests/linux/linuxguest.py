# SPDX-License-Identifier: BSD-2-Clause
"""The Linux guest made by tools/guest/make-guest, for the tests that boot it.

It owns how the guest is started and what its output looks like, and knows no test.

The guest's first shell edits its command lines, and what it writes to do so (the echo of each key,
the new line at the end, the prompt) is lost wherever the end of a background job interrupts that
write; its printf loses text the same way, its echo writes again.  So ready () puts a shell in its
place that does nothing but run commands, and run () has echo write the marks around their output.
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
# Of the interactive shell, which asks the terminal for the cursor's position after it.
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


def ready(vm, seconds=BOOT_SECONDS, messages=False):
    """Wait for the guest's shell, and make it one without echo, prompt and editing.  Without MESSAGES
    the kernel's, which would come between what commands print, are kept from the console: all that
    are no errors."""
    vm.expect(READY, seconds)
    vm.expect(PROMPT)
    # A shell is interactive on any terminal that it reads its commands from, unless as a script.
    vm.send("stty -echo; %secho sh''ell; exec sh /proc/self/fd/0\n"
            % ("" if messages else "dmesg -n 4; "))
    vm.expect(r"shell\r*\n")
    # Without it poweroff and reboot are busybox's, who has no init to tell.
    vm.send(". /etc/profile\n")


def boot(t, qmp=False, pty=False, interactive=False, **how):
    """Start the guest and wait for its shell."""
    vm = t.start(*arguments(**how), qmp=qmp, pty=pty)
    if interactive:
        vm.expect(READY, BOOT_SECONDS)
        vm.expect(PROMPT)
    else:
        ready(vm)
    return vm


def run(vm, command, timeout=60):
    """Run a command line in the guest's shell; returns (exit status, output)."""
    run.count += 1
    # The marks are put together by the shell: an interactive one's echo does not hold them.
    vm.send("echo @be''gin%d; %s; echo -e '\\n@e'nd%d $?\n" % (run.count, command, run.count))
    start = vm.expect(r"@begin%d\r*\n" % run.count, timeout).end()
    match = vm.expect(r"\r*\n@end%d (\d+)\r*\n" % run.count, timeout)
    output = vm.console.output[start:match.start()].decode("utf-8", "replace")
    return int(match.group(1)), output.replace("\r", "")


run.count = 0


def output(t, vm, command, timeout=60):
    status, text = run(vm, command, timeout)
    t.equal(status, 0, "exit status of '%s' (which printed %r)" % (command, text))
    return text


def power_off(t, vm):
    vm.send("poweroff\n")
    t.equal(vm.wait(), 0, "exit status after power-off")
