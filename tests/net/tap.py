# SPDX-License-Identifier: BSD-2-Clause
"""The back end tap, in a network namespace of this test's own: Linux talks to the host over it, with
one queue pair and with two, with and without the kernel's offloads; and what is refused."""

import os
import shutil
import subprocess
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), d)
                for d in ("..", "../linux")]
import gwttest      # pylint: disable=wrong-import-position
import linuxguest   # pylint: disable=wrong-import-position

INSIDE = "GODWIT_TEST_TAP_NAMESPACE"


def enter():
    """Start again in a new network namespace; it goes away with its last process."""
    for tool in ("ip", "unshare"):
        if not shutil.which(tool):
            gwttest.skip_all("%s is not installed" % tool)
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        gwttest.skip_all("making a tap interface needs root and /dev/net/tun")
    if subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        gwttest.skip_all("this system gives no network namespace")
    os.environ[INSIDE] = "yes"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


if not os.environ.get(INSIDE):
    enter()
if subprocess.run(["ip", "tuntap", "add", "mode", "tap", "name", "try0"], stderr=subprocess.DEVNULL,
                  check=False).returncode:
    gwttest.skip_all("this system lets nobody make tap interfaces")
import linuxnet     # pylint: disable=wrong-import-position,wrong-import-order

HOST, GUEST = "10.0.2.2", "10.0.2.15"


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL)


linuxnet.LISTEN = ""


@gwttest.test("what cannot be opened is refused in one line")
def refusals(t):
    ip("tuntap", "add", "mode", "tap", "name", "single0")
    ip("tuntap", "add", "mode", "tap", "multi_queue", "name", "multi0")
    machine = ["-M", "virt", "-bios", "none", "-S", "-nographic"]
    for netdev, text in (
            ("ifname=lo", "godwit: -netdev: 'n0': 'lo': exists and is not a tap interface "
             "with one queue; make it anew, or change queues="),
            ("ifname=single0,queues=2", "'single0': exists and is not a tap interface with several"),
            ("ifname=multi0", "'multi0': exists and is not a tap interface with one queue"),
            ("script=/bin/false", "failed, status 1; correct the program")):
        device = "virtio-net-device,netdev=n0" + (",mq=on" if "queues" in netdev else "")
        t.error(text, *machine, "-netdev", "tap,id=n0,%s" % netdev, "-device", device)
    t.error("device 'virtio-net-device0': mq is off, but netdev 'n0' has 2 queues; add mq=on, or "
            "use a back end with one", *machine, "-netdev", "tap,id=n0,queues=2", "-device",
            "virtio-net-device,netdev=n0")


def boot(t, netdev, device, harts, machine):
    up = t.path("up")
    with open(up, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\nexec ip link set \"$1\" up\n")
    os.chmod(up, 0o755)
    vm = t.start(*linuxguest.arguments(harts=harts, machine=machine), "-netdev",
                 "tap,id=n0,ifname=gwt0,script=%s%s" % (up, netdev), "-device",
                 "virtio-net-pci,netdev=n0%s" % device)
    linuxguest.ready(vm)
    ip("addr", "add", HOST + "/24", "dev", "gwt0")
    linuxguest.output(t, vm, "dmesg -n 1; drivers; ip link set eth0 up; "
                      "ip addr add %s/24 dev eth0" % GUEST)
    return vm


def work(t, netdev="", device="", harts=1, machine="virt"):
    linuxguest.need_guest()
    vm = boot(t, netdev, device, harts, machine)
    t.contains(linuxguest.output(t, vm, "ping -c 2 -W 20 %s" % HOST), "2 packets received")
    linuxnet.transfers(t, vm, linuxnet.Data(32, 3))
    return vm


def need():
    if gwttest.SANITIZERS:
        return "the long boots are left to the build without sanitizers"
    if not os.path.exists(os.path.join(gwttest.GUEST_DIR, "Image")):
        return "no Linux guest; run tools/guest/make-guest"
    return None


@gwttest.test("TCP with the kernel's offloads", skip=need())
def offloads(t):
    vm = work(t)
    shown = linuxguest.output(t, vm, "cat /sys/bus/virtio/devices/virtio0/features").strip()
    for bit in (0, 1, 7, 11, 15):
        t.equal(shown[bit], "1", "feature %d of %s" % (bit, shown))
    ip("link", "del", "gwt0")
    # What is sent is lost, no more.
    linuxguest.run(vm, "ping -c 1 -W 1 %s" % HOST)
    linuxguest.power_off(t, vm)
    t.contains(vm.stderr(), "network back end 'n0': its interface is gone; frames are lost")
    t.ok(not os.path.exists("/proc/net/dev_snmp6/gwt0"), "the interface is gone with the process")


@gwttest.test("TCP without them, and without merged buffers", skip=need())
def plain(t):
    linuxguest.power_off(t, work(t, ",vnet_hdr=off", ",mrg-rxbuf=off"))


@gwttest.test("TCP over two queue pairs, two harts", skip=need())
def queues(t):
    vm = work(t, ",queues=2", ",mq=on,packed=on", harts=2, machine="virt-aia")
    # The driver uses as many as there are harts.
    text = linuxguest.output(t, vm, "ls /sys/class/net/eth0/queues; cat /proc/interrupts")
    for word in ("rx-1", "tx-1", "virtio0-input.1", "virtio0-output.1"):
        t.contains(text, word)
    linuxguest.power_off(t, vm)


gwttest.main()
