# SPDX-License-Identifier: BSD-2-Clause
"""What the user asked for reaches Linux, and what Linux asks for reaches the user."""

import re
import time

import gwttest
import linuxguest

linuxguest.need_guest()
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")


@gwttest.test("harts, memory, command line and initrd are what the options say")
def options(t):
    vm = linuxguest.boot(t, harts=2, memory="300M", append="godwit.word=albatross")
    t.equal(linuxguest.output(t, vm, "nproc").strip(), "2", "nproc")
    t.equal(linuxguest.output(t, vm, "cat /proc/cmdline").strip(),
            linuxguest.COMMAND_LINE + " godwit.word=albatross", "/proc/cmdline")
    node = linuxguest.output(
        t, vm, "hexdump -v -e '1/1 \"%02x\"' /proc/device-tree/memory@80000000/reg").strip()
    t.equal(node, "%016x%016x" % (0x80000000, 300 << 20), "the memory node")
    total = int(re.search(r"(\d+)", linuxguest.output(t, vm, "grep MemTotal /proc/meminfo"))[1])
    t.ok(220 << 10 < total < 300 << 10, "MemTotal is %d kB of 300 MiB" % total)
    t.contains(linuxguest.output(t, vm, "ls /opt/godwit"), "selftest")
    linuxguest.power_off(t, vm)


@gwttest.test("the platform devices are there and answer")
def devices(t):
    vm = linuxguest.boot(t, harts=2)
    log = linuxguest.output(t, vm, "dmesg")
    t.contains(log, "goldfish_rtc 101000.rtc: setting system clock to 20")
    t.contains(log, "10000000.serial: ttyS0 at MMIO 0x10000000")
    t.contains(log, "is a 16550A")
    t.contains(log, "riscv-plic: plic@c000000: mapped 95 interrupts with 2 handlers for 4 contexts")
    t.contains(log, "Brought up 1 node, 2 CPUs")
    interrupts = linuxguest.output(t, vm, "cat /proc/interrupts")
    serial = re.search(r"\d+:\s+(\d+)\s+(\d+)\s.*PLIC.*ttyS0", interrupts)
    t.ok(serial and int(serial[1]) + int(serial[2]) > 0, "no serial interrupts in " + interrupts)
    timer = re.search(r"(\d+)\s+(\d+)\s+RISC-V INTC\s+5\b", interrupts)
    t.ok(timer and int(timer[1]) > 0 and int(timer[2]) > 0,
         "no timer interrupts on both harts in " + interrupts)
    # the driver read the signature and the feature bits: 1 the plain interface, 2 DMA
    t.equal(linuxguest.output(t, vm, "insmod /lib/modules/qemu_fw_cfg.ko && "
                              "cat /sys/firmware/qemu_fw_cfg/rev").strip().split("\n")[-1], "3",
            "fw_cfg revision")
    linuxguest.output(t, vm, "hwclock -r -u")
    linuxguest.power_off(t, vm)


@gwttest.test("-S waits for cont")
def stopped(t):
    vm = t.start(*linuxguest.arguments(), "-S", qmp=True)
    t.equal(vm.qmp.cmd("query-status")["running"], False, "running")
    t.equal(vm.qmp.cmd("query-status")["status"], "prelaunch", "status")
    t.equal(vm.console.output, b"", "output before cont")
    vm.qmp.cmd("cont")
    vm.qmp.event("RESUME")
    vm.expect(linuxguest.READY, linuxguest.BOOT_SECONDS)
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "exit status after quit")


@gwttest.test("stop holds the guest and its clock, cont lets both go on")
def pause(t):
    vm = linuxguest.boot(t, qmp=True)
    before = float(linuxguest.output(t, vm, "cat /proc/uptime").split()[0])
    for _ in range(20):
        vm.qmp.cmd("stop")
        vm.qmp.event("STOP")
        t.equal(vm.qmp.cmd("query-status")["status"], "paused", "status")
        vm.qmp.cmd("cont")
        vm.qmp.event("RESUME")
    after = float(linuxguest.output(t, vm, "cat /proc/uptime").split()[0])
    t.ok(after >= before, "uptime went from %g to %g" % (before, after))
    t.contains(linuxguest.output(t, vm, "selftest checksum"), "1 of 1 passed")
    linuxguest.power_off(t, vm)


@gwttest.test("system_reset boots again")
def system_reset(t):
    vm = linuxguest.boot(t, qmp=True)
    linuxguest.output(t, vm, "echo 1 >/tmp/mark")
    vm.qmp.cmd("system_reset")
    event = vm.qmp.event("RESET")
    t.equal(event["data"]["guest"], False, "guest")
    vm.expect("OpenSBI v", linuxguest.BOOT_SECONDS)
    linuxguest.ready(vm)
    status, _ = linuxguest.run(vm, "test -e /tmp/mark")
    t.equal(status, 1, "a file in memory after the reset")
    linuxguest.power_off(t, vm)


@gwttest.test("a reset in the middle of the boot boots too")
def early_reset(t):
    vm = t.start(*linuxguest.arguments(), qmp=True)
    for line in ("OpenSBI v", "Linux version", "smp: Brought up"):
        vm.expect(line, linuxguest.BOOT_SECONDS)
        vm.qmp.cmd("system_reset")
        vm.qmp.event("RESET")
    linuxguest.ready(vm)
    linuxguest.power_off(t, vm)


@gwttest.test("reboot in the guest resets the machine")
def reboot(t):
    vm = linuxguest.boot(t, qmp=True)
    vm.send("reboot\n")
    event = vm.qmp.event("RESET")
    t.equal(event["data"]["guest"], True, "guest")
    vm.expect("OpenSBI v", linuxguest.BOOT_SECONDS)
    linuxguest.ready(vm)
    vm.send("poweroff\n")
    event = vm.qmp.event("SHUTDOWN")
    t.equal(event["data"]["guest"], True, "guest")
    t.equal(event["data"]["reason"], "guest-shutdown", "reason")
    t.equal(vm.wait(), 0, "exit status after power-off")


@gwttest.test("-no-reboot makes a reboot the end")
def no_reboot(t):
    vm = t.start(*linuxguest.arguments(append="-- true"), "-no-reboot")
    vm.expect("guest: exit status 0", linuxguest.BOOT_SECONDS)
    t.equal(vm.wait(), 0, "exit status")
    vm = t.start(*linuxguest.arguments(append="panic=-1 rdinit=/nonesuch"), "-no-reboot")
    vm.expect("Kernel panic", linuxguest.BOOT_SECONDS)
    t.equal(vm.wait(), 0, "exit status")


@gwttest.test("the test finisher's code is the exit status")
def finisher(t):
    vm = linuxguest.boot(t)
    vm.send("devmem 0x100000 32 0x00073333\n")
    t.equal(vm.wait(), 7, "exit status")


@gwttest.test("what commands print comes whole, while jobs end behind them")
def jobs(t):
    vm = linuxguest.boot(t)
    before = len(vm.console.output)
    for n in range(150):
        # The job of one command ends in the middle of another one.
        t.equal(linuxguest.output(t, vm, "usleep %d & echo x%d" % (n * 300, n)), "x%d\n" % n)
    last = linuxguest.run.count
    wanted = "".join("@begin%d\nx%d\n\n@end%d 0\n" % (last - 149 + n, n, last - 149 + n)
                     for n in range(150))
    t.equal(vm.console.output[before:].decode().replace("\r", ""), wanted, "all that came")
    linuxguest.power_off(t, vm)


@gwttest.test("the guest's clock keeps the host's time")
def wall_clock(t):
    vm = linuxguest.boot(t)
    early = int(time.time())
    guest = int(linuxguest.output(t, vm, "date +%s"))
    late = int(time.time())
    # the guest reads whole seconds at boot and counts on from there
    t.ok(early - 2 <= guest <= late + 2, "guest %d, host %d to %d" % (guest, early, late))
    linuxguest.power_off(t, vm)


gwttest.main()
