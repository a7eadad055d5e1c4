#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""device_add, device_del and query-pci: answers, events, what is left after a failure, and vCPUs
that use what comes and goes."""

import os
import shutil
import subprocess

import gwttest

PROBE = os.path.join(gwttest.BUILDDIR, "tests", "pcie", "pci-probe.so")
if not os.path.exists(PROBE):
    gwttest.skip_all("the plugin pcie is not built, or 'make check' has not made its test device")
RISCV_CC = os.environ.get("RISCV_CC") or shutil.which("riscv64-linux-gnu-gcc") or "no"

QUIET = ("-M", "virt", "-display", "none", "-serial", "null", "-plugin", PROBE)
STOPPED = QUIET + ("-bios", "none", "-S")
PORTS = ("-device", "pcie-root-port,id=rp0,addr=1,chassis=1,slot=1",
         "-device", "pcie-root-port,id=rp1,addr=2,chassis=1,slot=2")

# A driver for the slot behind the second port (slot control at 6c, status at 6e), as the attention
# button says: an empty slot's device gets power, blinking first; a device that has it is let go of,
# but not where the slot's number is 13: there it blinks, and stays.
DRIVER = """
.globl _start
_start:
  csrr t0, mhartid
  bnez t0, park
  li t1, 0x30010000
  li t2, 0x020200
  sw t2, 0x18(t1)
  lw t6, 0x68(t1)
  srli t6, t6, 19
  lhu t2, 0x6c(t1)
  ori t2, t2, 0x21
  sh t2, 0x6c(t1)
wait:
  lhu t2, 0x6e(t1)
  andi t2, t2, 1
  beqz t2, wait
  sh t2, 0x6e(t1)
  lhu t3, 0x6c(t1)
  andi t2, t3, 0x400
  bnez t2, on
  li t2, 0x02e1
  sh t2, 0x6c(t1)
  li t4, 13
  beq t6, t4, stay
  li t2, 0x06e1
  sh t2, 0x6c(t1)
  li t2, 0x07e1
  sh t2, 0x6c(t1)
  j wait
on:
  li t2, 0x02e1
  sh t2, 0x6c(t1)
stay:
  li t2, 0x01e1
  sh t2, 0x6c(t1)
  j wait
park:
  wfi
  j park
"""

# Two harts.  Hart 0 gives the ports bus numbers and windows, and takes the slot of the second as a
# driver does; then both use for ever what is behind the first: identity, BAR, command register.
GUEST = """
.globl _start
_start:
  csrr t0, mhartid
  la t1, trap
  csrw mtvec, t1
  bnez t0, use
  li t1, 0x30008000
  li t2, 0x010100
  sw t2, 0x18(t1)
  li t2, 0x41004100
  sw t2, 0x20(t1)
  li t2, 7
  sh t2, 4(t1)
  li t1, 0x30010000
  li t2, 0x020200
  sw t2, 0x18(t1)
  lhu t2, 0x6c(t1)
  ori t2, t2, 0x21
  sh t2, 0x6c(t1)
use:
  li t1, 0x30100000
  li t3, 0x41000000
  li t4, 0x3000
  mul t4, t4, t0
  add t3, t3, t4
1:lw t2, 0(t1)
  sw t3, 0x14(t1)
  li t2, 2
  sh t2, 4(t1)
  sw t0, 0(t3)
  lw t2, 0(t3)
  lw t2, 0x10(t1)
  j 1b
.balign 4
trap:
  j trap
"""


def start(t, *more, argv=STOPPED):
    return t.start(*argv, *PORTS, *more, qmp=True)


def devices(q):
    return [d["name"] for d in q.cmd("qom-list", path="/machine")]


def everything(q):
    """What a failed device_add must not change."""
    return q.cmd("qom-list", path="/machine"), q.cmd("query-pci")


def deleted(q):
    return [e["data"]["device"] for e in q.events if e["event"] == "DEVICE_DELETED"]


def port(q, name):
    for device in q.cmd("query-pci")[0]["devices"]:
        if device["qdev_id"] == name:
            return device
    raise gwttest.Failure("query-pci shows no " + name)


@gwttest.test("a device comes and goes, with an event that names it")
def coming_and_going(t):
    q = start(t).qmp
    t.equal(q.cmd("device_add", driver="pci-probe", id="p", bus="rp0"), {})
    t.ok("p" in devices(q), "p is not there")
    t.equal(q.cmd("qom-get", path="/machine/p", property="bus"), "rp0")
    t.equal(q.cmd("device-call", device="p", method="cold"), {"result": 1}, "resets at power-on")
    q.cmd("device_del", id="p")
    t.equal(q.event("DEVICE_DELETED")["data"], {"device": "p", "path": "/machine/p"})
    t.ok("p" not in devices(q), "p is still there")
    # Without an id it gets one; a path is as good a name.
    q.cmd("device_add", driver="pci-probe", bus="rp0", vectors=2)
    t.ok("pci-probe0" in devices(q), "pci-probe0 is not there")
    q.cmd("device_del", id="/machine/pci-probe0")
    t.equal(q.event("DEVICE_DELETED")["data"]["device"], "pci-probe0")
    q.cmd("quit")


@gwttest.test("a device from the command line goes, a part of the board does not")
def cold_devices(t):
    q = start(t, "-device", "pci-probe,id=p,bus=rp1").qmp
    t.contains(t.raises("GenericError", q.cmd, "device_del", id="uart0"),
               "device 'uart0' is a fixed part of the machine; only what is plugged into a bus")
    t.contains(t.raises("GenericError", q.cmd, "device_del", id="rp0"),
               "Bus 'pcie.0' does not support hotplugging; device 'rp0' stays")
    t.contains(t.raises("GenericError", q.cmd, "device_del", id="pcie0-root"),
               "device 'pcie0-root' is a fixed part of the machine")
    t.equal(t.raises("DeviceNotFound", q.cmd, "device_del", id="nonesuch"),
            "Device 'nonesuch' not found")
    t.contains(t.raises("DeviceNotFound", q.cmd, "device_del", id="/nonesuch"), "not found")
    q.cmd("device_del", id="p")
    q.event("DEVICE_DELETED")
    q.cmd("system_reset")
    q.event("RESET")
    q.cmd("device_add", driver="pci-probe", id="p", bus="rp1")


@gwttest.test("what cannot be added: one line, and the machine is as it was")
def failures(t):
    vm = start(t, "-device", "pci-probe,id=q,bus=rp1", "-device",
               "pcie-root-port,id=rp2,addr=3,hotplug=off")
    q = vm.qmp
    before = everything(q)
    for text, arguments in (
            ("Parameter 'driver' is missing", dict(id="x")),
            ("Invalid parameter type for 'driver', expected: string", dict(driver=1)),
            ("no plugin provides device type 'pci-prob'", dict(driver="pci-prob")),
            ("'pci-device': only a board can have devices of this type", dict(driver="pci-device")),
            ("'ns16550': only a board can have devices of this type", dict(driver="ns16550")),
            ("device id 'q' is taken by a device of type 'pci-probe'; choose another",
             dict(driver="pci-probe", id="q", bus="rp0")),
            ("device id '1x' is malformed", dict(driver="pci-probe", id="1x", bus="rp0")),
            ("'id' is empty; give it a value", dict(driver="pci-probe", id="", bus="rp0")),
            ("device 'x': bus: there is no bus 'rp9'; use 'pcie.0', 'rp0'",
             dict(driver="pci-probe", id="x", bus="rp9")),
            ("device 'x': Bus 'pcie.0' does not support hotplugging; use the bus of a port, as "
             "'rp0'", dict(driver="pci-probe", id="x")),
            ("device 'x': Bus 'rp2' does not support hotplugging; use the bus of a port, as 'rp0'",
             dict(driver="pci-probe", id="x", bus="rp2")),
            ("device 'x': bus: the slot of port 'rp1' is taken by 'q'; remove that first, or use "
             "the bus of a free port, as 'rp0'", dict(driver="pci-probe", id="x", bus="rp1")),
            ("device 'x': addr: port 'rp0' has slot 0 alone, not '3'; leave addr out",
             dict(driver="pci-probe", id="x", bus="rp0", addr="3")),
            ("device 'x': type 'pci-probe' has no property 'vector'; did you mean 'vectors'?",
             dict(driver="pci-probe", id="x", bus="rp0", vector=3)),
            ("device 'x': property 'vectors'", dict(driver="pci-probe", id="x", bus="rp0",
                                                    vectors="many")),
            ("device 'x': 4000 MSI-X vectors are out of range; use 1 to 2048",
             dict(driver="pci-probe", id="x", bus="rp0", vectors=4000)),
            ("device 'x': bus: 'rp0' is the bus of a port, and a root port goes on the root bus",
             dict(driver="pcie-root-port", id="x", bus="rp0"))):
        t.contains(t.raises("GenericError", q.cmd, "device_add", **arguments), text)
        t.equal(everything(q), before, "the machine after %r" % arguments)
    # Whatever had begun is undone: id and place are free.
    q.cmd("device_add", driver="pci-probe", id="x", bus="rp0")
    t.equal(vm.stderr(), "", "standard error")


@gwttest.test("values below device_add's own: -global and the machine type, with their provenance")
def values(t):
    q = start(t, "-global", "pci-device.x-pcie-err-unc-mask=off").qmp
    q.cmd("device_add", driver="pci-probe", id="p", bus="rp0", vectors="3")
    t.equal(q.cmd("qom-get", path="/machine/p", property="x-pcie-err-unc-mask"), False)
    t.equal(q.cmd("qom-get", path="/machine/p", property="vectors"), 3)
    t.equal(q.cmd("device-call", device="p", method="peek", arguments=[0x108]), {"result": 0})


@gwttest.test("a thousand times")
def thousand(t):
    vm = start(t)
    q = vm.qmp
    before = everything(q)
    for i in range(1000):
        name = "p%d" % (i % 7)
        q.cmd("device_add", driver="pci-probe", id=name, bus="rp%d" % (i & 1))
        q.cmd("device_del", id=name)
        t.equal(deleted(q), [name], "deleted")
        q.events.clear()
    t.equal(everything(q), before, "the machine")
    q.cmd("quit")
    t.equal(vm.wait(), 0, "status")


@gwttest.test("query-pci: bridges, BARs and what is behind")
def query_pci(t):
    q = start(t, "-device", "pci-probe,id=p,addr=3").qmp
    bus, = q.cmd("query-pci")
    t.equal(bus["bus"], 0)
    host, rp0, _, p = bus["devices"]
    t.equal(host, {"bus": 0, "slot": 0, "function": 0, "irq_pin": 0, "qdev_id": "pcie0-root",
                   "class_info": {"class": 0x600, "desc": "Host bridge"}, "regions": [],
                   "id": {"vendor": 0x1b36, "device": 8, "subsystem-vendor": 0x1af4,
                          "subsystem": 0x1100}})
    closed = {"base": 0xfff00000, "limit": 0xfffff}
    t.equal(rp0, {"bus": 0, "slot": 1, "function": 0, "irq_pin": 1, "irq": 0, "qdev_id": "rp0",
                  "class_info": {"class": 0x604, "desc": "PCI bridge"},
                  "id": {"vendor": 0x1b36, "device": 12},
                  "regions": [{"bar": 0, "type": "memory", "address": -1, "size": 4096,
                               "prefetch": False, "mem_type_64": False}],
                  "pci_bridge": {"bus": {"number": 0, "secondary": 0, "subordinate": 0,
                                         "io_range": {"base": 0xf000, "limit": 0xfff},
                                         "memory_range": closed, "prefetchable_range": closed}}})
    t.equal([(r["bar"], r["type"], r["size"], r.get("mem_type_64")) for r in p["regions"]],
            [(0, "io", 32, None), (1, "memory", 4096, False), (2, "memory", 65536, True),
             (4, "memory", 4096, False)])


def build_guest(t, text):
    if RISCV_CC == "no":
        raise gwttest.Skip("no compiler for riscv64")
    source, program = t.path("guest.S"), t.path("guest.elf")
    with open(source, "w", encoding="utf-8") as f:
        f.write(text)
    subprocess.run([*RISCV_CC.split(), "-nostdlib", "-static", "-march=rv64imac_zicsr",
                    "-mabi=lp64", "-Wl,-Ttext=0x80000000", "-Wl,-n", "-Wl,--build-id=none",
                    "-Wl,-z,norelro", "-Wl,--no-warn-rwx-segments", "-o", program, source],
                   check=True)
    return program


def run_guest(t, *more, text=GUEST):
    vm = start(t, "-kernel", build_guest(t, text), "-smp", "2", *more,
               argv=QUIET + ("-bios", "none"))
    while port(vm.qmp, "rp1")["pci_bridge"]["bus"]["secondary"] == 0:
        t.ok(vm.alive(), "it ended: " + vm.stderr())
    return vm


@gwttest.test("vCPUs use the device while it comes and goes")
def under_load(t):
    vm = run_guest(t)
    q = vm.qmp
    for i in range(200):
        q.cmd("device_add", driver="pci-probe", id="p", bus="rp0")
        # Until the guest has found it, every tenth time; else wherever it happens to be.
        while i % 10 == 0 and q.cmd("device-call", device="p", method="peek",
                                    arguments=[4])["result"] & 2 == 0:
            t.ok(vm.alive(), "it ended: " + vm.stderr())
        q.cmd("device_del", id="p")
        t.equal(deleted(q), ["p"], "deleted")
        q.events.clear()
    t.equal([c["cpu-index"] for c in q.cmd("query-cpus-fast")], [0, 1])
    q.cmd("quit")
    t.equal(vm.wait(), 0, "status")
    t.equal(vm.stderr(), "", "standard error")


@gwttest.test("a guest that drives the slot is asked; a reset of the machine answers for it")
def pending(t):
    vm = run_guest(t, "-device", "pci-probe,id=p,bus=rp1")
    q = vm.qmp
    q.cmd("device_del", id="p")
    t.contains(t.raises("GenericError", q.cmd, "device_del", id="p"),
               "Device p is already in the process of unplug")
    t.ok("p" in devices(q), "p went without the guest")
    t.equal(deleted(q), [], "deleted")
    q.cmd("system_reset")
    q.event("RESET")
    # It went with the old guest, not some time later.
    t.equal(deleted(q), ["p"], "deleted before the reset was over")
    t.ok("p" not in devices(q), "p is still there")
    t.raises("DeviceNotFound", q.cmd, "device_del", id="p")
    q.cmd("quit")
    t.equal(vm.wait(), 0, "status")


def control(q):
    """Slot control of the second port."""
    return q.cmd("device-call", device="rp1", method="config_read",
                 arguments=[0x6c])["result"] & 0xffff


def wait_for(t, vm, value):
    while control(vm.qmp) != value:
        t.ok(vm.alive(), "it ended: " + vm.stderr())


@gwttest.test("a guest's driver switches on what comes, and lets go of it")
def driver(t):
    vm = run_guest(t, text=DRIVER)
    q = vm.qmp
    wait_for(t, vm, 0x07e1)
    for _ in range(50):
        q.cmd("device_add", driver="pci-probe", id="p", bus="rp1")
        wait_for(t, vm, 0x01e1)
        q.cmd("device_del", id="p")
        t.equal(q.event("DEVICE_DELETED")["data"], {"device": "p", "path": "/machine/p"})
        t.equal(control(q), 0x07e1, "slot control")
    t.equal(q.events, [], "events")


@gwttest.test("a guest that does not let go: an event, and the device stays")
def stays(t):
    vm = run_guest(t, text=DRIVER.replace("li t4, 13", "li t4, 2"))
    q = vm.qmp
    wait_for(t, vm, 0x07e1)
    q.cmd("device_add", driver="pci-probe", id="p", bus="rp1")
    wait_for(t, vm, 0x01e1)
    for _ in range(3):
        q.cmd("device_del", id="p")
        t.equal(q.event("DEVICE_UNPLUG_GUEST_ERROR")["data"],
                {"device": "p", "path": "/machine/p"})
        t.ok("p" in devices(q), "p is gone")
    q.cmd("system_reset")
    q.event("RESET")
    t.ok("p" in devices(q), "p is gone, though nobody waited")
    t.equal(deleted(q), [], "deleted")


gwttest.main()
