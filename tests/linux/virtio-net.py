# SPDX-License-Identifier: BSD-2-Clause
"""Linux's network card is disturbed: its cable unplugged, its driver unbound, the guest stopped and
the machine reset under traffic; and the host asks which port it was given."""

import re
import socket

import gwttest
import linuxguest
import linuxnet

linuxnet.need_network()
if linuxnet.linuxdisk.PEER:
    gwttest.skip_all("the commands are Godwit's")

DATA = linuxnet.Data(8, 7)
CARRIER = "cat /sys/class/net/eth0/carrier"


def boot(t, device, netdev=""):
    vm = t.start(*linuxguest.arguments(harts=1), "-netdev", "user,id=n0%s" % netdev, "-device",
                 "%s,netdev=n0,id=card" % device, qmp=True)
    linuxguest.ready(vm)
    bring_up(t, vm)
    return vm


def bring_up(t, vm):
    linuxguest.output(t, vm, "dmesg -n 1; network >/dev/null 2>&1")


def set_link(t, vm, name, up):
    answer = vm.qmp.raw({"execute": "set_link", "arguments": {"name": name, "up": up}})
    t.equal(answer, {"return": {}}, "answer of set_link")


def transfer(t, vm):
    linuxnet.fetch(t, vm, DATA)


@gwttest.test("the cable is unplugged and plugged, the driver unbound and bound")
def link(t):
    vm = boot(t, "virtio-net-pci")
    features = linuxguest.output(t, vm, "cat /sys/bus/virtio/devices/virtio0/features").strip()
    # Checksums and large frames both ways, merged buffers, the control queue.
    for bit in (0, 1, 7, 8, 11, 12, 15, 16, 17, 18, 23, 32):
        t.equal(features[bit], "1", "feature %d of %s" % (bit, features))
    t.equal(linuxguest.output(t, vm, CARRIER).strip(), "1", "carrier")
    set_link(t, vm, "card", False)
    linuxguest.output(t, vm, "while [ $(%s) = 1 ]; do :; done" % CARRIER)
    status, _ = linuxguest.run(vm, "ping -c 1 -W 1 10.0.2.2 >/dev/null")
    t.equal(status, 1, "ping without a link")
    set_link(t, vm, "n0", True)
    linuxguest.output(t, vm, "while [ $(%s) = 0 ]; do :; done" % CARRIER)
    transfer(t, vm)
    linuxguest.output(t, vm, "cd /sys/bus/virtio/drivers/virtio_net && echo virtio0 >unbind && "
                      "echo virtio0 >bind; cd; network >/dev/null 2>&1")
    transfer(t, vm)
    desc = t.raises("GenericError", vm.qmp.cmd, "netdev_del", id="n0")
    t.equal(desc, "network back end 'n0' is used by 'card'; remove that first")
    linuxguest.power_off(t, vm)


@gwttest.test("the guest is stopped and goes on, and the machine is reset, under traffic")
def interrupted(t):
    vm = boot(t, "virtio-net-device")
    # More than can come before the reset.
    source = linuxnet.peer(t, linuxnet.Data(8000, 8))
    linuxguest.output(t, vm, "nc 10.0.2.2 %d </dev/null >/dev/null & true" % source.port)
    vm.qmp.cmd("stop")
    vm.qmp.cmd("cont")
    t.contains(linuxguest.output(t, vm, "ping -c 1 -W 20 10.0.2.2"), "1 packets received")
    vm.qmp.cmd("system_reset")
    vm.expect("OpenSBI v", linuxguest.BOOT_SECONDS)
    linuxguest.ready(vm)
    bring_up(t, vm)
    transfer(t, vm)
    linuxguest.power_off(t, vm)


@gwttest.test("a card comes and goes, under traffic, and its back end with it", skip=(
    None if linuxnet.linuxdisk.has_plugin("pcie") else "the plugin pcie is not built"))
def hot_plug(t):
    vm = t.start(*linuxguest.arguments(harts=2), "-device",
                 "pcie-root-port,id=rp0,addr=1,chassis=1,slot=1", qmp=True)
    linuxguest.ready(vm)
    for unplugged_by in ("guest", "host"):
        vm.qmp.cmd("netdev_add", type="user", id="late")
        vm.qmp.cmd("device_add", driver="virtio-net-pci", id="card", bus="rp0", netdev="late")
        linuxguest.output(t, vm, "dmesg -n 1; echo 1 >/sys/bus/pci/rescan; network >/dev/null 2>&1")
        transfer(t, vm)
        source = linuxnet.peer(t, linuxnet.Data(8000, 8))
        linuxguest.output(t, vm, "nc 10.0.2.2 %d </dev/null >/dev/null & true" % source.port)
        if unplugged_by == "guest":
            linuxguest.output(t, vm, "killall nc; echo 1 >/sys/class/net/eth0/device/../remove")
        vm.qmp.cmd("device_del", id="card")
        vm.qmp.event("DEVICE_DELETED")
        vm.qmp.cmd("netdev_del", id="late")
    # A driver that lost its card at once may wait for it for ever.
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "exit status")


@gwttest.test("a forwarded port that the system chose")
def chosen_port(t):
    vm = boot(t, "virtio-net-pci", ",hostfwd=tcp:127.0.0.1:0-:7")
    text = vm.qmp.cmd("x-query-usernet")["human-readable-text"]
    found = re.search(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+10\.0\.2\.15\s+7\b",
                      text)
    t.ok(found, "no forwarded port in " + text)
    linuxguest.output(t, vm, "nc -ll -p 7 -e cat & until netstat -ltn | grep -q :7; do :; done")
    with socket.create_connection(("127.0.0.1", int(found[1])), 60 * gwttest.SCALE) as s:
        s.sendall(b"hello")
        t.equal(s.recv(5), b"hello", "echo")
    linuxguest.power_off(t, vm)


gwttest.main()
