# SPDX-License-Identifier: BSD-2-Clause
"""Linux works on its virtio devices and is moved live meanwhile, several times: what it wrote is
right, nothing it waits for is lost, its console and its network are the same."""

import gwttest
import linuxdisk
import linuxguest

linuxdisk.need_disk()

MOVES = 4


def devices(image, transport, port, rings):
    def device(kind, options):
        return linuxdisk.device(kind, transport, ",".join(o for o in (options, rings) if o))

    console = ["-chardev", "socket,id=c1,path=%s,server=on,wait=off" % port]
    return [*linuxdisk.disk(image, transport, options=rings), *device("virtio-rng", ""),
            "-netdev", "user,id=n0", *device("virtio-net", "netdev=n0"),
            *console, *device("virtio-serial", "id=vs,max-ports=4"),
            "-device", "virtserialport,bus=vs.0,nr=1,name=test.1,chardev=c1"]


def start(t, number, *arguments):
    address = t.path("qmp%d" % number)
    vm = t.start_program(gwttest.GODWIT, *arguments, "-qmp", "unix:%s,server=on,wait=off" % address)
    vm.qmp = gwttest.Qmp.connect(address, alive=vm.alive)
    return vm


def wait(vm, wanted):
    while True:
        answer = vm.qmp.cmd("query-migrate")
        if answer.get("status") == wanted:
            return answer
        if answer.get("status") in ("failed", "cancelled"):
            raise gwttest.Failure("migration: %r" % answer)
        if not vm.alive():
            raise gwttest.Failure("the process ended: %s" % vm.stderr())


def moved(t, vm, arguments, number):
    """The guest of VM in a new process."""
    path = t.path("move%d" % number)
    other = start(t, number + 1, *arguments, "-incoming", "unix:" + path)
    wait(other, "setup")
    vm.qmp.cmd("migrate", uri="unix:" + path)
    answer = wait(vm, "completed")
    wait(other, "completed")
    print("# move %d: downtime %s ms, %d MiB" % (number, answer.get("downtime"),
                                                 answer["ram"]["transferred"] >> 20))
    vm.close()
    return other


def life(t, transport, machine, rings=""):
    linuxdisk.need_machine(t, machine)
    image = linuxdisk.root_copy(t)
    where = {"harts": 2, "machine": linuxdisk.MACHINES[machine], "append": "root=/dev/vda"}

    def arguments(n):
        return [*linuxguest.arguments(**where), *devices(image, transport, t.path("port%d" % n), rings)]

    vm = start(t, 0, *arguments(0))
    linuxguest.ready(vm)
    linuxguest.output(t, vm, "ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up")
    linuxguest.output(t, vm, "mkdir -p work; (disktest random seed=7 threads=2 files=2 size=1024 "
                             "ops=4000 work; echo status $?) > result 2>&1 & true")
    linuxguest.output(t, vm, "(while :; do dd if=/dev/hwrng of=/dev/null bs=64 count=16; done) "
                             "2>/dev/null & true")
    for n in range(MOVES):
        vm = moved(t, vm, arguments(n + 1), n)
        linuxguest.output(t, vm, "ping -c 3 -W 5 10.0.2.2", 60)
        t.equal(linuxguest.output(t, vm, "cat /sys/class/virtio-ports/vport*p1/name").strip(),
                "test.1")
    out = linuxguest.output(t, vm, "while ! grep -q status result; do sleep 1; done; cat result", 900)
    t.contains(out, ": passed")
    t.contains(out, "status 0")
    linuxguest.power_off(t, vm)
    linuxdisk.healthy(t, vm)
    linuxdisk.check(t, image)
    t.equal(vm.stderr(), "")


@gwttest.test("behind PCIe, with PLIC")
def pci(t):
    life(t, "pci", "plic")


@gwttest.test("behind PCIe, with message-signaled interrupts")
def aia(t):
    life(t, "pci", "aia")


@gwttest.test("in slots of MMIO")
def mmio(t):
    life(t, "mmio", "plic")


@gwttest.test("packed rings that are used in order")
def packed(t):
    life(t, "pci", "aia", "packed=on,in-order=on")


gwttest.main()
