# SPDX-License-Identifier: BSD-2-Clause
"""Linux on the user network: DHCP, ping, names, TCP both ways, every byte looked at, connections from the
host, a link that is cut."""

import os
import socket

import gwttest
import linuxdisk
import linuxguest
import linuxnet

linuxnet.need_network()


def work(t, transport, **how):
    vm = linuxnet.boot(t, transport, **how)
    t.contains(linuxguest.output(t, vm, "ping -c 3 -A %s" % linuxnet.GATEWAY),
               "3 packets received, 0% packet loss")
    linuxnet.transfers(t, vm, linuxnet.Data(16, 1))
    linuxnet.statistics(t, vm)
    return vm


@gwttest.test("DHCP, ping and TCP over PCIe, two harts")
def pci(t):
    vm = work(t, "pci", options="mac=52:54:00:77:00:01")
    t.equal(linuxguest.output(t, vm, "cat /sys/class/net/eth0/address").strip(),
            "52:54:00:77:00:01", "address")
    linuxguest.power_off(t, vm)


@gwttest.test("DHCP, ping and TCP over MMIO, one hart")
def mmio(t):
    linuxguest.power_off(t, work(t, "mmio", harts=1))


@gwttest.test("DHCP, ping and TCP with AIA, four harts")
def aia(t):
    vm = work(t, "pci", harts=4, controller="aia")
    found = linuxguest.output(t, vm, "cat /proc/interrupts")
    for name in ("virtio0-input.0", "virtio0-output.0", "virtio0-config"):
        t.contains(found, name)
    linuxguest.power_off(t, vm)


@gwttest.test("without merged buffers, offloads, event indices and indirect tables; a packed ring")
def plain(t):
    off = ",".join("%s=off" % name for name in (
        "mrg-rxbuf", "csum", "guest-csum", "event-idx", "indirect-desc"))
    if linuxdisk.PEER:
        off = off.replace("mrg-", "mrg_").replace("-csum", "_csum").replace("-idx", "_idx").replace(
            "-desc", "_desc")
    linuxguest.power_off(t, work(t, "pci", options=off + ",packed=on"))


@gwttest.test("a server in the guest is reached through a forwarded port")
def forward(t):
    # An address of this process alone needs no free port.
    host = "127.%d.%d.1" % (64 + (os.getpid() >> 8 & 63), os.getpid() & 255)
    vm = linuxnet.boot(t, "pci", netdev="hostfwd=tcp:%s:7007-:7" % host)
    data = linuxnet.Data(12, 2)
    # The echo proves that the server listens before the host asks for it.
    linuxguest.output(t, vm, "nc -ll -p 7 -e cat & until netstat -ltn | grep -q :7; do :; done")
    with socket.create_connection((host, 7007), 60 * gwttest.SCALE) as s:
        for i in range(data.records):
            s.sendall(data.record(i))
            got = b""
            while len(got) < data.SIZE:
                more = s.recv(data.SIZE)
                t.ok(more, "the echo ended after %d of %d bytes" % (len(got), data.SIZE))
                got += more
            t.ok(got == data.record(i), "the echo is not what was sent")
    linuxguest.power_off(t, vm)


gwttest.main()
