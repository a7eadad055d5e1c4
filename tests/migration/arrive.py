# SPDX-License-Identifier: BSD-2-Clause
"""Where a guest arrives: what its manifest changes there, what it is refused for before anything
of it moves, values that travel on, and peers that lie, stall or go."""

import json
import socket
import struct
import subprocess
import threading

import gwttest
import mover
from mover import Mover

VERDICT = 0x4757
CHECK_ONLY, WAITS = 1, 2
SERIAL = "virtio-serial-device,id=vs"


class Arrival(Mover):
    """Mover, with ends that were given less than a whole machine."""

    def bare(self, *args, incoming):
        """Nothing but back ends."""
        self.count += 1
        address = self.t.path("qmp%d" % self.count)
        vm = self.t.start_program(gwttest.GODWIT, "-bios", self.image, "-serial", "stdio", "-qmp",
                                  "unix:%s,server=on,wait=off" % address, *args, "-incoming",
                                  incoming)
        vm.qmp = gwttest.Qmp.connect(address, alive=vm.alive)
        return vm

    def here(self):
        return "unix:" + self.socket()

    def moved(self, a, b):
        """A's guest goes to B, which waits at here(); what A says of it."""
        a.qmp.cmd("migrate", uri=self.here())
        answer = self.finished(a)
        self.wait(b, "completed")
        self.lives(b)
        return answer.get("preflight")

    def refused(self, a, b, *texts, ends=True):
        """It does not go there; the verdict.  A's guest has not noticed."""
        a.qmp.cmd("migrate", uri=self.here())
        answer = self.finished(a, "failed")
        self.t.equal(answer["preflight"]["verdict"], "refuse")
        reasons = answer["preflight"]["reasons"]
        self.t.contains(answer["error-desc"], reasons[0])
        for text in texts:
            self.t.ok(any(text in r for r in reasons), "no %r in %r" % (text, reasons))
        self.t.ok(not any(e["event"] == "STOP" for e in a.qmp.events), "the guest was stopped")
        self.lives(a)
        if ends:
            self.t.equal(b.wait(), 1)
            lines = b.stderr().splitlines()
            self.t.equal(len(lines), len(reasons), "lines %r" % lines)
            for line, reason in zip(lines, reasons):
                self.t.contains(line, "godwit: -incoming %s: %s" % (self.here(), reason))
        return answer["preflight"]

    def value(self, vm, prop, device="vs"):
        return vm.qmp.cmd("qom-get", path=device, property=prop)


def waiting(m, vm):
    vm.qmp.cmd("migrate-incoming", **{"uri": m.here(), "exit-on-error": False})
    return vm


@gwttest.test("what a user set at the sender is taken over, and travels on; a reset leaves it")
def travels(t):
    m = Arrival(t)
    a = m.start("-device", SERIAL + ",max-ports=4")
    m.lives(a)
    b = m.start("-device", SERIAL, incoming=m.here())
    t.equal(m.value(b, "max-ports"), 31)
    said = m.moved(a, b)
    t.equal(said["verdict"], "adapt")
    t.equal(said["reasons"], [])
    t.contains(said["adaptations"][0], "'vs'")
    t.contains(said["adaptations"][0], "'max-ports'")
    t.equal(m.value(b, "max-ports"), 4)
    c = m.start("-device", SERIAL, incoming=m.here())
    t.equal(m.moved(b, c)["verdict"], "adapt")
    t.equal(m.value(c, "max-ports"), 4)
    c.qmp.cmd("system_reset")
    c.qmp.event("RESET")
    t.equal(m.value(c, "max-ports"), 4)
    text = json.dumps(c.qmp.cmd("query-manifest"))
    t.contains(text, "hop 1 of the guest: -device virtio-serial-device")
    fresh = m.start("-device", SERIAL)
    t.equal(m.value(fresh, "max-ports"), 31)
    c.qmp.cmd("quit")
    t.equal(c.wait(), 0)
    t.equal(c.stderr(), "")


@gwttest.test("a value that both ends have anyway is still the user's at the next hop")
def equal_values(t):
    m = Arrival(t)
    a = m.start("-device", SERIAL + ",max-ports=31")
    m.lives(a)
    b = m.start("-device", SERIAL, incoming=m.here())
    m.moved(a, b)
    c = m.start("-global", "virtio-serial-device.max-ports=8", "-device", SERIAL,
                incoming=m.here())
    m.refused(b, c, "'max-ports'")


@gwttest.test("what follows from a value that is taken over is no reason to refuse before it has been")
def follows(t):
    def places(vm):
        devices = {d["id"]: d for d in vm.qmp.cmd("query-manifest")["devices"]}
        return [devices[name]["place"]["path"] for name in ("vs", "other")]

    m = Arrival(t)
    pci = ["-device", "virtio-serial-pci,id=other"]
    a = m.start("-device", "virtio-serial-pci,id=vs,addr=5", *pci)
    m.lives(a)
    b = m.start("-device", "virtio-serial-pci,id=vs", *pci, incoming=m.here())
    t.equal(places(b), ["0000:00:01.0", "0000:00:02.0"])
    said = m.moved(a, b)
    t.equal((said["verdict"], said["reasons"], len(said["adaptations"])), ("adapt", [], 1))
    t.equal(places(b), ["0000:00:05.0", "0000:00:01.0"])
    # What remains is told as it is then: the place of 'vs' is none of it.
    c = m.start("-device", "virtio-serial-pci,id=vs", "-device",
                "virtio-serial-pci,id=other,addr=2", incoming=m.here())
    said = m.refused(b, c, "device 'other': property 'addr': nothing at the source (default), set "
                           "to 2")
    t.ok(not any("'vs'" in r for r in said["reasons"]), repr(said))


@gwttest.test("other values on both command lines: refused by name, with all there is at once")
def conflict(t):
    m = Arrival(t)
    a = m.start("-device", SERIAL + ",max-ports=4,emergency-write=off")
    m.lives(a)
    b = m.start("-device", SERIAL + ",max-ports=8,emergency-write=on", incoming=m.here())
    said = m.refused(a, b, "'max-ports'", "'emergency-write'", "virtio-features, byte 0x0",
                     "virtio-queues: 20 bytes at the source, 36 at the destination")
    t.equal(len(said["reasons"]), 4)
    t.contains(m.one_line(a, "(and 3 more") if len(a.stderr().splitlines()) == 1
               else a.stderr(), "'emergency-write'")


@gwttest.test("devices of one end alone are named")
def other_devices(t):
    m = Arrival(t)
    a = m.start("-device", SERIAL)
    m.lives(a)
    m.refused(a, m.start("-device", "virtio-rng-device,id=rng", incoming=m.here()), "'vs'",
              "'rng'")


@gwttest.test("refused, the other end waits as it was, and takes the next guest")
def again(t):
    m = Arrival(t)
    wrong = m.start("-device", SERIAL + ",max-ports=4", "-device", "virtio-rng-device,id=rng")
    right = m.start("-device", SERIAL + ",max-ports=5")
    m.lives(wrong)
    m.lives(right)
    b = m.start("-device", SERIAL, incoming="defer")
    for _ in range(2):
        waiting(m, b)
        m.refused(wrong, b, "'rng'", ends=False)
        m.wait(b, "failed")
        t.equal(b.qmp.cmd("query-status")["status"], "inmigrate")
        t.equal(m.value(b, "max-ports"), 31)
    waiting(m, b)
    m.moved(right, b)
    t.equal(m.value(b, "max-ports"), 5)


@gwttest.test("adapted, and then the connection breaks: as it was before, and ready for the next")
def adapted_in_vain(t):
    m = Arrival(t)
    a = m.start("-device", SERIAL + ",max-ports=4")
    m.lives(a)
    for start in (lambda: m.start("-device", SERIAL, incoming="defer"),
                  lambda: m.bare(incoming="defer")):
        b = waiting(m, start())
        # What waits in a buffer on the way has been sent, for who is not told otherwise.
        m.set(a, "return-path")
        before = json.dumps(b.qmp.cmd("qom-list", path="/machine"))
        size = len(a.qmp.cmd("query-manifest").__repr__())
        proxy = mover.Proxy(t, m.socket(), limit=3 * size + 100000)
        a.qmp.cmd("migrate", uri="unix:" + proxy.path)
        t.equal(m.finished(a, "failed")["preflight"]["verdict"], "adapt")
        m.wait(b, "failed")
        t.equal(json.dumps(b.qmp.cmd("qom-list", path="/machine")), before)
        m.lives(a)
        waiting(m, b)
        m.moved(a, b)
        t.equal(m.value(b, "max-ports"), 4)
        a.kill()
        a = b


@gwttest.test("-smp, -m and -cpu are the guest's where they are not given, and else compared")
def sizes(t):
    m = Arrival(t, memory="24M")
    a = m.start("-smp", "3", "-cpu", "rva20s64,zba=off")
    m.lives(a)
    address = t.path("qmp-b")
    b = t.start_program(gwttest.GODWIT, "-M", "virt", "-bios", m.image, "-serial", "stdio", "-qmp",
                        "unix:%s,server=on,wait=off" % address, "-incoming", m.here())
    b.qmp = gwttest.Qmp.connect(address, alive=b.alive)
    t.equal(len(b.qmp.cmd("query-cpus-fast")), 1)
    said = m.moved(a, b)
    t.equal(said["verdict"], "adapt")
    t.equal(said["adaptations"][0], "-smp cpus=3,sockets=1,cores=3,threads=1, as the guest has it")
    t.equal(said["adaptations"][1], "-m 24576K, as the guest has it")
    t.equal(len(b.qmp.cmd("query-cpus-fast")), 3)
    c = m.start("-smp", "2", incoming=m.here())
    m.refused(b, c, "3", "2")


@gwttest.test("what came and went at the receiver while it waited is not undone with its machine")
def plugged(t):
    m = Arrival(t)
    ports = ["-device", "pcie-root-port,id=p0", "-device", "pcie-root-port,id=p1"]
    a = m.start("-smp", "2", *ports, "-device", "virtio-serial-pci,id=vs,max-ports=4")
    rng = {"driver": "virtio-rng-pci", "bus": "p1", "id": "rng"}
    a.qmp.cmd("device_add", **rng, **{"max-bytes": 4096})
    m.lives(a)
    # Given -smp only values change, and else the machine as a whole.
    for n, smp in enumerate((["-smp", "2"], [])):
        b = m.start(*smp, *ports, "-device", "virtio-serial-pci,id=vs",
                    incoming="unix:" + m.socket("b%d" % n))
        b.qmp.cmd("device_add", driver="virtio-rng-pci", bus="p0", id="gone")
        b.qmp.cmd("device_del", id="gone")
        b.qmp.event("DEVICE_DELETED")
        b.qmp.cmd("device_add", **rng)
        before = json.dumps(b.qmp.cmd("qom-list", path="/machine"))
        for _ in range(2):
            a.qmp.cmd("migrate-check", uri="unix:" + m.socket("b%d" % n))
            answer = a.qmp.event("MIGRATION_CHECK")["data"]
            t.equal(answer.get("verdict"), "adapt", repr(answer))
            t.equal(json.dumps(b.qmp.cmd("qom-list", path="/machine")), before)
        a.qmp.cmd("migrate", uri="unix:" + m.socket("b%d" % n))
        m.finished(a)
        m.wait(b, "completed")
        m.lives(b)
        t.equal((m.value(b, "max-ports"), m.value(b, "max-bytes", "rng")), (4, 4096))
        origin = {d["id"]: d["origin"] for d in b.qmp.cmd("query-manifest")["devices"]}
        t.equal((origin["rng"], "gone" in origin), ("hotplug", False))
        a.kill()
        a = b
    a.qmp.cmd("device_del", id="rng")
    a.qmp.event("DEVICE_DELETED")


@gwttest.test("without -M the guest brings its machine; monitors live before there is one")
def without_machine(t):
    m = Arrival(t)
    disk = t.path("disk.img")
    with open(disk, "wb") as f:
        f.truncate(1 << 20)
    args = ["-netdev", "user,id=n0", "-drive", "if=none,id=d0,format=raw,file=" + disk]
    a = m.start("-smp", "2", "-device", "pcie-root-port,id=rp", "-device",
                "virtio-net-pci,netdev=n0,id=net,mac=52:54:00:00:00:77", "-device",
                "virtio-blk-pci,drive=d0,bus=pcie.0,addr=7,id=blk,num-queues=1",
                "-device", "virtio-rng-device", *args)
    a.qmp.cmd("device_add", driver="virtio-rng-pci", bus="rp", id="hot")
    m.lives(a)
    b = m.bare(*args, incoming=m.here())
    t.equal(b.qmp.cmd("query-status"), {"status": "inmigrate", "running": False})
    t.equal(b.qmp.cmd("query-cpus-fast"), [])
    t.equal(b.qmp.cmd("query-pci"), [])
    t.equal(b.qmp.cmd("qom-list", path="/machine"), [])
    for command, arguments, text in (
            ("device_add", {"driver": "virtio-rng-device"}, "there is no machine yet"),
            ("system_reset", {}, "on its way"),
            ("query-manifest", {}, "there is no machine yet"),
            ("migrate", {"uri": m.here()}, "it is not here yet"),
            ("state-save", {"file": t.path("s")}, "it is not here yet")):
        t.contains(t.raises("GenericError", b.qmp.cmd, command, **arguments), text)
    b.qmp.cmd("system_powerdown")
    b.qmp.cmd("stop")
    b.qmp.cmd("cont")
    said = m.moved(a, b)
    t.equal(said["verdict"], "adapt")
    for device in ("rp", "net", "blk", "hot", "virtio-rng-device0", "cpu1"):
        t.ok(device in [d["name"] for d in b.qmp.cmd("qom-list", path="/machine")], device)
    t.equal(m.value(b, "num-queues", "blk"), 1)
    t.equal(m.value(b, "mac", "net"), "52:54:00:00:00:77")
    # and on, to one that was given all of it
    a.kill()
    c = m.bare(*args, incoming=m.here())
    m.moved(b, c)
    t.equal(m.value(c, "addr", "blk"), "7")
    c.qmp.cmd("quit")
    t.equal(c.wait(), 0)
    t.equal(c.stderr(), "")


@gwttest.test("cards without mac keep the addresses that they have, also where the machine is built again")
def addresses(t):
    m = Arrival(t)
    args = [w for n in "ab" for w in ("-netdev", "user,id=n" + n, "-device",
                                      "virtio-net-pci,netdev=n%s,id=%s" % (n, n))]
    word = ("-global", "virtio-net-pci.status=off")

    def facts(vm):
        return [d["facts"]["hardware-address"]["bytes"] for d in vm.qmp.cmd("query-manifest")["devices"]
                if d["id"] in "ab"]

    a = m.start(*args, *word)
    had = facts(a)
    t.equal(had, [{"0": "525400123456"}, {"0": "525400123457"}])
    b = m.start(*args, incoming=m.here())
    t.equal(m.moved(a, b)["verdict"], "adapt")
    t.equal(facts(b), had)
    # Said in so many words at one end it is the same, and in other ones it is not.
    c = m.start(*args[:2], "-device", "virtio-net-pci,netdev=na,id=a,mac=52:54:00:12:34:56", "-netdev",
                "user,id=nb", "-device", "virtio-net-pci,netdev=nb,id=b,mac=52:54:00:12:34:57",
                incoming=m.here())
    t.equal(m.moved(b, c)["verdict"], "adapt")
    e = m.start(*args[:3], args[3] + ",mac=52:54:00:12:34:57", *args[4:], incoming=m.here())
    m.refused(c, e, "device 'a': property 'mac'")
    a.kill()
    a = m.start(*args)
    b = m.start(*args[:3], args[3] + ",mac=52:54:00:12:34:57", *args[4:], incoming=m.here())
    m.refused(a, b, "device 'a': property 'mac': nothing at the source (default), set to "
              "52:54:00:12:34:57 at the destination (-device virtio-net-pci); leave it out at the "
              "destination", "device 'b': hardware-address, byte 0x5 (mac, or the order of the cards): 0x57 at the "
              "source, 0x56 at the destination")


@gwttest.test("the UUID, which firmware reads, is the guest's where none is given, and else compared")
def uuids(t):
    m = Arrival(t)
    one, two = "2d5a4a5a-0000-4000-8000-00000000000a", "2d5a4a5a-0000-4000-8000-00000000000b"
    a = m.start("-uuid", one.upper())
    m.lives(a)
    m.refused(a, m.start("-uuid", two, incoming=m.here()),
              "UUID: %s at the source, %s at the destination; start the destination with -uuid %s"
              % (one, two, one))
    b = waiting(m, m.start(incoming="defer"))
    said = m.moved(a, b)
    t.equal([said["verdict"], said["adaptations"]], ["adapt", ["-uuid %s, as the guest has it" % one]])
    t.equal(b.qmp.cmd("query-uuid"), {"UUID": one})
    b.qmp.cmd("state-save", file=t.path("saved"))
    m.finished(b)
    # It is told on the wire, too, and so to who is not asked.
    m.set(b, "validate-uuid", "return-path")
    m.unset(b, "x-manifest")
    c = m.start("-uuid", two, incoming=m.here())
    b.qmp.cmd("migrate", uri=m.here())
    m.finished(b, "failed")
    t.equal(c.wait(), 1)
    m.one_line(c, "the guest's UUID is another than -uuid here; it is another guest")
    c = m.start()
    m.lives(c)
    c.qmp.cmd("state-load", file=t.path("saved"))
    t.contains(m.finished(c, "failed")["error-desc"], "UUID: %s at the source, none at the "
               "destination; start the destination with -uuid %s" % (one, one))
    m.refused(c, m.start("-uuid", two, incoming=m.here()),
              "UUID: none at the source, %s at the destination; leave -uuid out at the destination" % two)


@gwttest.test("without -M: a device is where it was, though others have gone that were before it")
def gaps(t):
    m = Arrival(t)
    a = m.start("-device", "pcie-root-port,id=rp1,addr=10", "-device", "pcie-root-port,id=rp2",
                "-device", "pcie-root-port,id=rp3", "-device", "virtio-serial-pci,id=vs,bus=rp1",
                "-uuid", "2D5A4A5A-0000-4000-8000-00000000000A")
    m.lives(a)
    for n in "123":
        a.qmp.cmd("device_add", driver="virtserialport", id="p" + n)
    a.qmp.cmd("device_add", driver="virtio-rng-pci", id="r", bus="rp3")
    for n in "12":
        a.qmp.cmd("device_del", id="p" + n)
        t.equal(a.qmp.event("DEVICE_DELETED")["data"]["device"], "p" + n)

    def look(vm):
        devices = {d["id"]: d for d in vm.qmp.cmd("query-manifest")["devices"]}
        return [devices["p3"]["properties"]["nr"]["value"],
                *(devices[n]["place"]["path"] for n in ("rp1", "rp2", "rp3", "vs", "r"))]

    had = look(a)
    t.equal(had, [3, "0000:00:10.0", "0000:00:01.0", "0000:00:02.0", "0000:00:10.0:00.0",
                  "0000:00:02.0:00.0"])
    b = m.bare(incoming=m.here())
    m.moved(a, b)
    t.equal(look(b), had)
    # And so it goes on, to ends that know nothing of that.
    t.equal(m.value(b, "addr", "rp3"), "2")
    nr = next(d for d in b.qmp.cmd("query-manifest")["devices"] if d["id"] == "p3")
    t.equal(nr["properties"]["nr"]["detail"], "hop 1 of the guest: the device's own choice")
    t.equal(b.qmp.cmd("query-uuid"), {"UUID": "2d5a4a5a-0000-4000-8000-00000000000a"})
    a.kill()
    c = m.bare(incoming=m.here())
    m.moved(b, c)
    t.equal(look(c), had)
    # The same place is no difference, whoever says it.
    e = m.start("-device", "virtio-rng-pci,id=r")
    m.lives(e)
    m.moved(e, m.start("-device", "virtio-rng-pci,id=r,addr=01.0,bus=pcie.0", incoming=m.here()))
    e.kill()
    e = m.start("-device", "virtio-rng-pci,id=r")
    m.lives(e)
    m.refused(e, m.start("-device", "virtio-rng-pci,id=r,addr=2", incoming=m.here()),
              "device 'r': path: ", "property 'addr'")


@gwttest.test("a value at the receiver alone counts where it shows: in what a device offers or says of itself")
def shown(t):
    m = Arrival(t)
    disk = t.path("disk.img")
    with open(disk, "wb") as f:
        f.truncate(1 << 20)
    args = ["-drive", "if=none,id=d0,format=raw,file.locking=off,file=" + disk, "-device",
            "virtio-blk-pci,drive=d0,id=disk,discard=off,queue-size=%d", "-netdev", "user,id=n0",
            "-device", "virtio-net-pci,netdev=n0,id=net,ctrl-vq=off"]

    def end(size, *words, **how):
        return m.start(*[a % size if "%d" in a else a for a in args],
                       *[w for word in words for w in ("-global", word)], **how)

    # 126 buffers either way; no requests to discard; no control queue for commands.
    same = ("virtio-blk-pci.seg-max-adjust=off", "virtio-blk-pci.discard-granularity=4096",
            "virtio-blk-pci.max-discard-sectors=8", "virtio-net-pci.ctrl-rx=off",
            "virtio-net-pci.vectors=3")
    a = end(128)
    b = end(128, *same, incoming=m.here())
    # discard=off and the like were said at both ends, and the same.
    t.equal(m.moved(a, b)["reasons"], [])
    t.equal(m.value(b, "ctrl-rx", "net"), False)
    a.kill()
    for size, word, texts in (
            (256, same[0], ("device 'disk': property 'seg-max-adjust': on at the source",
                            "device 'disk': device-configuration, byte 0xc (buffers of a request): 0xfe "
                            "at the source, 0x7e at the destination")),
            (128, "virtio-net-pci.vectors=0", ("device 'net': property 'vectors'", "(MSI-X")),
            (128, "virtio-net-pci.guest-csum=off",
             ("device 'net': property 'guest-csum'",
              "device 'net': virtio-features, byte 0x0 (by properties and back end)")),
            (128, "virtio-blk-pci.packed=on", ("device 'disk': virtio-features, byte 0x4",))):
        a = end(size)
        m.refused(a, end(size, word, incoming=m.here()), *texts)
        a.kill()


@gwttest.test("a back end that can do less is refused before the memory, and what it offers can be had elsewhere")
def backends(t):
    m = Arrival(t)
    device = ("-device", "virtio-net-pci,netdev=n0,id=net")
    less = ("-global", "virtio-net-pci.csum=off", "-global", "virtio-net-pci.guest-csum=off")

    def wire():
        m.count += 1
        return ("-netdev", "stream,id=n0,server=on,addr.type=unix,addr.path="
                + t.path("wire%d" % m.count), *device)

    user = ("-netdev", "user,id=n0", *device)
    text = "device 'net': virtio-features, byte 0x0 (by properties and back end)"
    for here, there in ((user, wire()), (wire(), user)):
        a = m.start(*here)
        m.refused(a, m.start(*there, incoming=m.here()), text)
        a.kill()
    a = m.start(*wire())
    b = m.start(*user, *less, incoming=m.here())
    t.equal(m.moved(a, b)["verdict"], "ok")
    c = m.start(*wire(), incoming=m.here())
    t.equal(m.moved(b, c)["verdict"], "adapt")


@gwttest.test("without -M: what is missing here, or given in vain, is named")
def missing(t):
    m = Arrival(t)
    disk = t.path("disk.img")
    with open(disk, "wb") as f:
        f.truncate(1 << 20)
    a = m.start("-device", "virtio-blk-device,drive=d0,id=blk", "-drive",
                "if=none,id=d0,format=raw,file=" + disk, "-netdev", "user,id=n0", "-device",
                "virtio-net-device,netdev=n0,id=net", "-device", SERIAL, "-chardev",
                "null,id=c0", "-device", "virtconsole,chardev=c0,id=con")
    m.lives(a)
    m.refused(a, m.bare(incoming=m.here()),
              "device 'blk': drive: there is no block back end 'd0' here; add -blockdev with "
              "node-name=d0, or -drive if=none,id=d0",
              "device 'net': netdev: there is no network back end 'n0' here; add -netdev with "
              "id=n0",
              "device 'con': chardev: there is no character back end 'c0' here; add -chardev with "
              "id=c0")
    plain = m.start()
    m.lives(plain)
    m.refused(plain, m.bare("-netdev", "user,id=n1", incoming=m.here()),
              "-netdev: 'n1': nothing uses it")
    for option, text in ((["-device", SERIAL], "-device: 'virtio-serial-device,id=vs': without -M "
                          "the guest brings its devices"),
                         (["-dump-manifest", "-"], "-dump-manifest: '-': there is no machine "
                          "before the guest comes")):
        done = subprocess.run([gwttest.GODWIT, "-incoming", "defer", "-serial", "null"] + option,
                              capture_output=True, text=True, timeout=60)
        t.equal(done.returncode, 1)
        t.contains(done.stderr, text)


@gwttest.test("without -M nobody can do without the manifest")
def no_manifest(t):
    m = Arrival(t)
    a = m.start("-global", "migration.x-manifest=off")
    b = m.bare(incoming=m.here())
    m.lives(a)
    a.qmp.cmd("migrate", uri=m.here())
    t.equal(b.wait(), 1)
    m.one_line(b, "the sender does not describe the guest's machine",
               "start this end with -M 'virt-1.0'")


@gwttest.test("x-preflight off at the sender: nobody waits, values travel all the same")
def without_verdict(t):
    m = Arrival(t)
    a = m.start("-device", SERIAL + ",max-ports=4", "-global", "migration.x-preflight=off")
    b = m.start("-device", SERIAL, incoming=m.here())
    m.lives(a)
    t.equal(m.moved(a, b), None)
    t.equal(m.value(b, "max-ports"), 4)


@gwttest.test("migrate-check: the same verdict, nothing moves, and the other end waits on")
def check(t):
    m = Arrival(t)
    a = m.start("-device", SERIAL + ",max-ports=4", "-qmp",
                "unix:%s,server=on,wait=off" % t.path("ctl"))
    b = m.start("-device", SERIAL, incoming=m.here())
    bare = m.bare(incoming="unix:" + m.socket("bare"))
    other = m.start("-device", SERIAL + ",max-ports=6", incoming="unix:" + m.socket("other"))
    m.lives(a)
    for _ in range(3):
        for name, verdict in (("m", "adapt"), ("bare", "adapt"), ("other", "refuse")):
            a.qmp.cmd("migrate-check", uri="unix:" + m.socket(name))
            event = a.qmp.event("MIGRATION_CHECK")
            t.equal(event["data"]["status"], "done")
            t.equal(event["data"]["verdict"], verdict)
            t.equal(a.qmp.cmd("query-migrate"), {"check": event["data"]})
    t.equal(m.value(b, "max-ports"), 31)
    t.equal(bare.qmp.cmd("qom-list", path="/machine"), [])
    for vm in (b, bare, other):
        m.wait(vm, "setup")
        t.equal(vm.stderr(), "")
    ctl = [gwttest.GODWIT_CTL, t.path("ctl"), "check"]
    done = subprocess.run(ctl + [m.here()], capture_output=True, text=True, timeout=60)
    t.equal(done.returncode, 0, done.stderr)
    t.equal(done.stdout.splitlines()[0], "adapt")
    t.contains(done.stdout.splitlines()[1], "adapted: ")
    done = subprocess.run(ctl + ["unix:" + m.socket("other")], capture_output=True, text=True,
                          timeout=60)
    t.equal(done.returncode, 1)
    t.contains(done.stdout, "refuse\nrefused: ")
    a.qmp.cmd("query-status")
    a.qmp.events.clear()
    a.qmp.cmd("migrate-check", uri="unix:" + m.socket("nobody"))
    t.equal(a.qmp.event("MIGRATION_CHECK")["data"]["status"], "failed")
    t.contains(a.qmp.cmd("query-migrate")["check"]["error-desc"], "No such file")
    t.contains(t.raises("GenericError", a.qmp.cmd, "migrate-check", uri="file:" + t.path("f")),
               "nothing comes back from there; use a socket, or 'godwit-machine check'")
    m.unset(a, "x-manifest")
    t.contains(t.raises("GenericError", a.qmp.cmd, "migrate-check", uri=m.here()),
               "capability 'x-manifest' is off: the guest would be moved without a manifest")
    m.set(a, "x-manifest")
    m.moved(a, b)


@gwttest.test("a guest whose instructions are counted goes where they are counted as well")
def counted(t):
    m = Arrival(t)
    a = m.start("-icount", "shift=3")
    m.lives(a)
    for args, text in (([], "without"), (["-icount", "shift=4"], "with shift=4")):
        m.refused(a, m.start(*args, incoming=m.here()),
                  "the guest's instructions are counted (-icount shift=3), and the destination was started "
                  "%s; take it over with -icount shift=3" % text)
    m.moved(a, m.start("-icount", "shift=3", incoming=m.here()))


@gwttest.test("a receiver that does not judge who comes answers who asks all the same")
def check_unjudged(t):
    m = Arrival(t)
    a = m.start("-device", SERIAL + ",max-ports=4")
    b = m.start("-device", SERIAL + ",max-ports=6", "-global", "migration.x-preflight=off",
                incoming=m.here())
    a.qmp.cmd("migrate-check", uri=m.here())
    data = a.qmp.event("MIGRATION_CHECK")["data"]
    t.equal(data["verdict"], "refuse")
    t.contains(data["reasons"][0], "device 'vs': property 'max-ports'")
    m.wait(b, "setup")


class Peer:
    """Takes one connection and does with it as it is told."""

    def __init__(self, t, path, act):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.done = threading.Event()
        self.came = threading.Event()
        self.act = act
        threading.Thread(target=self._run, daemon=True).start()
        t.cleanup(self.close)

    def close(self):
        self.done.set()
        self.listener.close()

    def _run(self):
        try:
            peer, _ = self.listener.accept()
        except OSError:
            return
        with peer:
            peer.recv(4096)
            self.came.set()
            try:
                self.act(peer)
            except OSError:
                pass
            self.done.wait(60)


@gwttest.test("a receiver that never answers: the guest goes on, and the wait can be canceled")
def silent_peer(t):
    m = Arrival(t)
    a = m.start()
    m.lives(a)
    for command in ("migrate", "migrate-check"):
        peer = Peer(t, m.socket(command), lambda s: None)
        a.qmp.cmd(command, uri="unix:" + m.socket(command))
        t.ok(peer.came.wait(60), "nothing came")
        m.lives(a)
        if command == "migrate":
            t.equal(m.status(a), "setup")
        a.qmp.cmd("migrate_cancel")
        if command == "migrate":
            m.finished(a, "cancelled")
        else:
            t.equal(a.qmp.event("MIGRATION_CHECK")["data"]["status"], "failed")
        m.lives(a)


@gwttest.test("a receiver that does not answer in time, or not to the end: it fails")
def late_peer(t):
    m = Arrival(t)
    a = m.start("-global", "migration.x-verdict-timeout=300")
    m.lives(a)
    begun = struct.pack(">HHB", VERDICT, 50, 1) + b"{"
    for name, act in (("silent", lambda s: None), ("half", lambda s: s.sendall(begun))):
        for command in ("migrate", "migrate-check"):
            path = m.socket(command + name)

            def run(s, act=act):
                act(s)
                while s.recv(65536):
                    pass

            Peer(t, path, run)
            a.qmp.cmd(command, uri="unix:" + path)
            if command == "migrate":
                said = m.finished(a, "failed")
            else:
                said = a.qmp.event("MIGRATION_CHECK")["data"]
            t.contains(said["error-desc"],
                       path + ": the other end has said nothing for 300 ms; see whether a godwit "
                       "waits for a guest there; x-verdict-timeout gives it more time")
            m.lives(a)
    # Somebody slow has all the time that is given.
    a.qmp.cmd("migrate-set-parameters", **{"x-verdict-timeout": 0})
    m.moved(a, m.start(incoming=m.here()))


@gwttest.test("verdicts that are none: refused with what is wrong, and the guest goes on")
def hostile_verdicts(t):
    m = Arrival(t)
    a = m.start()
    m.lives(a)

    def piece(data, last=1, kind=VERDICT, size=None):
        return struct.pack(">HHB", kind, len(data) + 1 if size is None else size, last) + data

    def verdict(word="ok", reasons=(), adaptations=()):
        return json.dumps({"verdict": word, "reasons": reasons,
                           "adaptations": adaptations}).encode()

    cases = [
        (b"", "closed the connection before it had said whether it takes the guest"),
        (b"\x47", "it ends in the middle of a message"),
        (piece(b"{}")[:6] + b"", "it ends in the middle of a message"),
        (piece(b"", size=0), "a verdict of 0 bytes"),
        (piece(b"{", kind=1), "message 1 instead of a verdict"),
        (piece(b"{", last=7), "a piece of a verdict is of kind 7"),
        (piece(b"{}"), "'verdict' is not 'ok', 'adapt' or 'refuse'"),
        (piece(b"[" * 60000), "the verdict"),
        (piece(verdict("maybe")), "'verdict' is not 'ok', 'adapt' or 'refuse'"),
        (piece(verdict("refuse")), "'reasons' and 'verdict' contradict each other"),
        (piece(verdict("ok", ["x"])), "'reasons' and 'verdict' contradict each other"),
        (piece(verdict("refuse", ["a\x1b[2Jb"])), "'reasons[0]' is no printable line"),
        (piece(verdict("refuse", [3])), "'reasons[0]' is no text"),
        (piece(verdict("adapt", [], "x")), "'adaptations' is no list of texts"),
        (piece(verdict("ok")[:20]), "the verdict"),
        (piece(b"x" * 65000, last=0) * 17, "a verdict of more than 1048576 bytes"),
        (piece(b"abc", size=50), "it ends in the middle of a message"),
    ]
    for i, (data, text) in enumerate(cases):
        path = m.socket("p%d" % i)

        def act(s, data=data):
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)

        Peer(t, path, act)
        a.qmp.cmd("migrate", uri="unix:" + path)
        answer = m.finished(a, "failed")
        t.contains(answer["error-desc"], text)
        t.ok("preflight" not in answer, "a verdict was believed: %r" % answer)
    m.lives(a)


def config(manifest, flags, machine=b"virt-1.0"):
    name = b"configuration/manifest"
    return (struct.pack(">IIBI", 0x5145564d, 3, 7, len(machine)) + machine
            + struct.pack(">BB", 5, len(name)) + name + struct.pack(">III", 1, flags, len(manifest))
            + manifest)


def ask(path, data):
    """Sends DATA; the verdict that comes back, or None."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60 * gwttest.SCALE)
        s.connect(path)
        s.sendall(data)
        got, text = b"", b""
        while True:
            more = s.recv(65536)
            got += more
            while len(got) >= 5 and len(got) >= 4 + struct.unpack(">H", got[2:4])[0]:
                kind, size, last = struct.unpack(">HHB", got[:5])
                assert kind == VERDICT, kind
                text += got[5:4 + size]
                got = got[4 + size:]
                if last:
                    return json.loads(text)
            if not more:
                return None


@gwttest.test("manifests that lie, or are none: a verdict for who waits, and the end as it was")
def lies(t):
    m = Arrival(t)
    a = m.start("-device", SERIAL + ",max-ports=4")
    good = a.qmp.cmd("query-manifest")
    ends = {"machine": m.start("-device", SERIAL, incoming="defer"),
            "bare": m.bare(incoming="defer")}

    def edited(change):
        copy = json.loads(json.dumps(good))
        change(copy)
        return json.dumps(copy).encode()

    def device(copy, name):
        return next(d for d in copy["devices"] if d["id"] == name)

    cases = [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b'{"format": 99}', None),
        (edited(lambda c: c["machine"].update(type="nonsense-1.0")), "nonsense-1.0"),
        (edited(lambda c: device(c, "vs").update(type="no-such-type")), "no-such-type"),
        (edited(lambda c: device(c, "vs").update(type="rv64-cpu")), None),
        (edited(lambda c: c["devices"].remove(device(c, "vs"))), None),
    ]
    for name, b in ends.items():
        for number, (manifest, text) in enumerate(cases):
            waiting(m, b)
            said = ask(m.socket(), config(manifest, WAITS))
            if name == "bare" and number == 7:
                # That is a whole machine, and nothing follows.
                t.equal(said["verdict"], "adapt")
            else:
                t.equal(said["verdict"], "refuse", "%s %d" % (name, number))
                if text:
                    t.ok(any(text in r for r in said["reasons"]), "%r" % said)
            m.wait(b, "failed")
            t.equal(b.qmp.cmd("query-status")["status"], "inmigrate")
        waiting(m, b)
        for manifest, text in cases:
            t.ok(ask(m.socket(), config(manifest, WAITS | CHECK_ONLY)) is not None, "no verdict")
            m.wait(b, "setup")
        b.qmp.cmd("migrate_cancel")
        m.wait(b, "cancelled")
    m.lives(a)
    waiting(m, ends["machine"])
    m.moved(a, ends["machine"])


gwttest.main()
