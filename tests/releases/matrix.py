# SPDX-License-Identifier: BSD-2-Clause
"""Guests move between releases, each a set of real plugins of its own (see sets.py): what has to
work works, and what cannot is refused before anything is sent, with what is to be done."""

import json
import subprocess

import gwttest

import busyguest
import pairs
import sets

sets.need_sets()
IMAGE = busyguest.need()
PLAIN = ("-global", "migration.x-manifest=off")
NOBODY_ASKS = ("-global", "migration.x-preflight=off")
ON = ("-global", "pci-device.x-pcie-err-unc-mask=on")


class Bench:
    """Guests with four harts, a root port (not without PORT) and a disk that they keep busy all the
    time; LIMITS of it are options of -drive."""

    def __init__(self, t, port=True, limits=""):
        self.t, self.port = t, ["-device", "pcie-root-port,id=port,addr=2"] if port else []
        self.limits = limits
        self.disk = t.path("disk.img")
        with open(self.disk, "wb") as f:
            f.truncate(1 << 20)
        self.moves = 0

    def devices(self):
        # Of a process that was killed a moment ago the kernel may hold the locks still.
        return ["-smp", "4", "-m", "16M", *self.port, "-drive",
                "file=%s,format=raw,if=none,id=d0,file.locking=off%s" % (self.disk, self.limits),
                "-device", "virtio-blk-pci,id=disk,drive=d0,addr=1"]

    def launch(self, release, machine, *more, **how):
        return sets.start(self.t, release, *self.devices(), *more, machine=machine, image=IMAGE,
                          **how)

    def start(self, release, machine, *more):
        """One that works; what it sees is checked, and stays as it is, or it complains."""
        vm = self.launch(release, machine, *more)
        sees = busyguest.ready(vm)
        self.t.equal(sees["harts"], [4], "harts")
        self.t.equal(sees["queues"], [self.get(vm, "disk", "num-queues")], "queues that it sees")
        if self.port:
            self.t.equal(sees["mask"][2], 0x2400000 if self.has_mask(vm, release) else 0,
                         "AER uncorrectable error mask")
        self.lives(vm)
        return vm

    def has_mask(self, vm, release):
        if sets.number(release.release) < [8, 0, 1]:
            return sets.number(release.release) >= [8, 0]
        return self.get(vm, "port", "x-pcie-err-unc-mask")

    def to(self, vm, release, machine, *more):
        """Move it to a process of RELEASE: (that process, how it ended)."""
        self.moves += 1
        uri = "unix:" + self.t.path("move%d" % self.moves)
        to = self.launch(release, machine, *more, incoming=uri)
        vm.qmp.cmd("migrate-set-capabilities",
                   capabilities=[{"capability": "return-path", "state": True}])
        vm.qmp.cmd("migrate", uri=uri)
        return to, sets.ended(vm)

    def lives(self, vm, since=0):
        at = busyguest.goes_on(vm, since)
        self.t.equal(vm.qmp.cmd("query-status")["status"], "running", "run state")
        return at

    def end(self, vm):
        busyguest.finish(self.t, vm, self.disk)

    def get(self, vm, device, name):
        return vm.qmp.cmd("qom-get", path="/machine/" + device, property=name)

    def works(self, vm, release, machine, *more, verdict=None):
        before = busyguest.count(vm)
        to, how = self.to(vm, release, machine, *more)
        self.t.equal(how["status"], "completed", "%r, %s" % (how, to.stderr()))
        if verdict:
            self.t.equal(how["preflight"]["verdict"], verdict, "verdict (%r)" % how["preflight"])
        vm.kill()
        vm.close()
        self.lives(to, before)
        return to

    def no(self, vm, release, machine, more):
        before = busyguest.count(vm)
        to, how = self.to(vm, release, machine, *more)
        self.t.equal(how["status"], "failed", "status (%r)" % how)
        self.t.equal(to.wait(), 1, "exit status of the receiver")
        lines = to.stderr().splitlines()
        to.close()
        self.lives(vm, before)
        return how, lines

    def load_refuses(self, vm, release, machine, *texts, more=()):
        """The receiver's load says all of TEXTS in one line, and the guest goes on here."""
        how, lines = self.no(vm, release, machine, more)
        self.t.equal(len(lines), 1, "lines on stderr: %r" % lines)
        for text in texts:
            self.t.contains(lines[0], text)

    def refused(self, vm, release, machine, *texts, more=()):
        """Preflight refuses with all of TEXTS, each reason a line, at both ends, before RAM."""
        how, lines = self.no(vm, release, machine, more)
        told = how["preflight"]
        self.t.equal(told["verdict"], "refuse", "verdict")
        self.t.ok("ram" not in how, "memory was sent: %r" % how)
        self.t.contains(how["error-desc"], told["reasons"][0])
        for reason in told["reasons"]:
            self.t.equal(sum(reason in line for line in lines), 1, "lines of %r in %r"
                         % (reason, lines))
        for text in texts:
            self.t.contains("\n".join(told["reasons"]), text)
        return told["reasons"]


@gwttest.test("R5.1 does not know pc-5.2, and says what it knows")
def unknown(t):
    line = t.error("machine 'pc-5.2': no such machine type", *sets.Set(t, "R5.1").arguments, "-M",
                   "pc-5.2")
    t.contains(line, "pc-5.1")


def through(t, how, *more):
    b = Bench(t)
    old, new = sets.Set(t, "R5.1"), sets.Set(t, "R5.2")
    vm = b.start(new, "pc-5.1", *more)
    t.equal(b.get(vm, "disk", "num-queues"), 1, "queues of pc-5.1")
    for release in (old, old, new, new):
        vm = b.works(vm, release, "pc-5.1", *more, verdict=how)
        t.equal(b.get(vm, "disk", "num-queues"), 1, "queues of pc-5.1 at " + release.name)
    b.end(vm)
    vm = b.start(new, "pc-5.2", *more)
    t.equal(b.get(vm, "disk", "num-queues"), 4, "queues of pc-5.2")
    b.end(b.works(vm, new, "pc-5.2", *more, verdict=how))


@gwttest.test("pc-5.1 goes from R5.2 to R5.1, to R5.2 and back with one queue; pc-5.2 has four")
def queues(t):
    through(t, "ok")


@gwttest.test("the same without a manifest")
def plain_queues(t):
    through(t, None, *PLAIN)


@gwttest.test("a disk that is slow: whenever it moves, all that the guest may ask of it is under way")
def slow(t):
    # Sixteen requests, a thirtieth of a second of work.
    b = Bench(t, limits=",throttling.iops-total=500")
    old, new = sets.Set(t, "R5.1"), sets.Set(t, "R5.2")
    vm = b.start(old, "pc-5.1")
    b.refused(vm, sets.Set(t, "R5.2", forgetful=True), "pc-5.1", "property 'num-queues'")
    for release in (new, old):
        vm = b.works(vm, release, "pc-5.1", verdict="ok")
    b.end(vm)
    vm = b.start(new, "pc-5.2")
    for _ in range(2):
        vm = b.works(vm, new, "pc-5.2", verdict="ok")
    b.end(vm)


@gwttest.test("without the compat row: refused, num-queues is 4 at one end and 1 at the other")
def forgetful(t):
    b = Bench(t)
    old, new = sets.Set(t, "R5.1"), sets.Set(t, "R5.2", forgetful=True)
    vm = b.start(new, "pc-5.1")
    t.equal(b.get(vm, "disk", "num-queues"), 4, "queues where the row is missing")
    b.refused(vm, old, "pc-5.1",
              "device 'disk': property 'num-queues': 4 at the source (default), 1 at the "
              "destination (default), and machine type 'pc-5.1' promises the same at both",
              "add the compat row that is missing to plugin 'virtio-blk'")
    b.load_refuses(vm, old, "pc-5.1", "(MSI-X control)", ": num-queues is 4 there and 1 here",
                   more=NOBODY_ASKS)
    b.end(vm)
    vm = b.start(old, "pc-5.1")
    b.refused(vm, new, "pc-5.1", "property 'num-queues': 1 at the source (default), 4 at the")
    # What the reason proposes.
    b.end(b.works(vm, new, "pc-5.1", "-global", "virtio-blk-pci.num-queues=1", verdict="ok"))


@gwttest.test("the same without a manifest: the load names num-queues, 4 and 1")
def plain_forgetful(t):
    b = Bench(t)
    old, new = sets.Set(t, "R5.1"), sets.Set(t, "R5.2", forgetful=True)
    vm = b.start(new, "pc-5.1", *PLAIN)
    b.load_refuses(vm, old, "pc-5.1", "(MSI-X control)", ": num-queues is 4 there and 1 here",
                   more=PLAIN)
    b.end(vm)
    vm = b.start(old, "pc-5.1", *PLAIN)
    b.load_refuses(vm, new, "pc-5.1", "(MSI-X control)", ": num-queues is 1 there and 4 here",
                   more=PLAIN)
    b.end(vm)


@gwttest.test("R7.2 and R8.0 on pc-7.2: refused, by bytes of configuration space and register")
def register(t):
    b = Bench(t)
    for here, there in (("R7.2", "R8.0"), ("R8.0", "R7.2")):
        vm = b.start(sets.Set(t, here), "pc-7.2")
        b.refused(vm, sets.Set(t, there), "pc-7.2",
                  "device 'port': configuration-space, byte 0x108 (AER uncorrectable error mask)",
                  "(plugin 'pcie' is %s and %s)" % (here[1:], there[1:]))
        b.end(vm)


@gwttest.test("R7.2 and R8.0.1 on pc-7.2, and R8.0.1 to itself: work")
def known(t):
    b = Bench(t)
    vm = b.start(sets.Set(t, "R7.2"), "pc-7.2")
    for release in ("R8.0.1", "R8.0.1", "R7.2"):
        vm = b.works(vm, sets.Set(t, release), "pc-7.2", verdict="ok")
    b.end(vm)


@gwttest.test("R8.0 and R8.0.1 on pc-7.2: refused, x-pcie-err-unc-mask=on is proposed, and works")
def proposed(t):
    b = Bench(t)
    old, new = sets.Set(t, "R8.0"), sets.Set(t, "R8.0.1")
    vm = b.start(old, "pc-7.2")
    told = b.refused(vm, new, "pc-7.2",
                     "device 'port': property 'x-pcie-err-unc-mask': plugin 'pcie' 8.0 at the "
                     "source does not know it and behaves as on, off at the destination (plugin "
                     "pcie, level 7.2); start the destination with -device "
                     "pcie-root-port,id=port,x-pcie-err-unc-mask=on",
                     "device 'port': configuration-space, byte 0x108 (AER uncorrectable error mask)")
    # The others have no such register.
    t.equal([r for r in told if not r.startswith("device 'port'")], [], "reasons of other devices")
    vm = b.works(vm, new, "pc-7.2", *ON, verdict="ok")
    b.end(b.works(vm, old, "pc-7.2", verdict="ok"))
    vm = b.start(new, "pc-7.2")
    b.refused(vm, old, "pc-7.2", "or start the guest with -device pcie-root-port,id=port,"
                                 "x-pcie-err-unc-mask=on")
    b.end(vm)


@gwttest.test("R8.0 and R8.0.1 on pc-7.2 without AER: works both ways, the property shows nowhere")
def unseen(t):
    b = Bench(t, port=False)
    old, new = sets.Set(t, "R8.0"), sets.Set(t, "R8.0.1")
    vm = b.start(old, "pc-7.2")
    for release in (new, new, old):
        vm = b.works(vm, release, "pc-7.2", verdict="ok")
    # Nor where somebody sets it at one end.
    vm = b.works(vm, new, "pc-7.2", *ON, verdict="ok")
    b.end(b.works(vm, old, "pc-7.2", verdict="ok"))


@gwttest.test("R8.0, R8.0.1 (on), R8.2: the override goes along, over a reset, not over power-off")
def carried(t):
    b = Bench(t)
    last = sets.Set(t, "R8.2")
    vm = b.works(b.start(sets.Set(t, "R8.0"), "pc-7.2"), sets.Set(t, "R8.0.1"), "pc-7.2", *ON)
    vm = b.works(vm, last, "pc-7.2", verdict="adapt")
    name = "x-pcie-err-unc-mask"
    for reset in (False, True):
        if reset:
            vm.qmp.cmd("system_reset")
            vm.qmp.event("RESET")
            t.equal(busyguest.ready(vm)["mask"][2], 0x2400000, "mask after a reset")
            b.lives(vm)
        for device in ("port", "disk", "pcie0-root"):
            t.equal(b.get(vm, device, name), True, "%s of %s" % (name, device))
    origin = [p for d in vm.qmp.cmd("query-manifest")["devices"] if d["id"] == "port"
              for n, p in d["properties"].items() if n == name][0]
    t.equal((origin["source"], origin["hop"]), ("incoming", 1), "where it came from")
    # Nobody has to remember it.
    vm = b.works(vm, last, "pc-7.2", verdict="adapt")
    t.equal(b.get(vm, "port", name), True, "one hop on")
    b.end(vm)
    vm = b.start(last, "pc-7.2")
    t.equal(b.get(vm, "port", name), False, "in a new process")
    b.end(vm)


@gwttest.test("the same without a manifest: the mask does not fit, and somebody has to remember")
def plain_mask(t):
    b = Bench(t)
    vm = b.start(sets.Set(t, "R8.0"), "pc-7.2", *PLAIN)
    for release in ("R7.2", "R8.0.1"):
        b.load_refuses(vm, sets.Set(t, release), "pc-7.2", "configuration space of 'port'",
                       "AER uncorrectable error mask", "0x40 comes, 0x00 is here", more=PLAIN)
    vm = b.works(vm, sets.Set(t, "R8.0.1"), "pc-7.2", *ON, *PLAIN)
    b.load_refuses(vm, sets.Set(t, "R8.2"), "pc-7.2", "configuration space of 'port'",
                   "AER uncorrectable error mask", "0x40 comes, 0x00 is here", more=PLAIN)
    b.end(b.works(vm, sets.Set(t, "R8.2"), "pc-7.2", *ON, *PLAIN))


def dump(b, release, *more):
    path = b.t.path(release.host + ".json")
    vm = b.launch(release, "pc-8.2", *more, "-dump-manifest", path, qmp=False)
    b.t.equal(vm.wait(), 0, vm.stderr())
    vm.close()
    return path


def shared(t, paths):
    """What godwit-machine says to launch with, as words, for each of these manifests."""
    done = subprocess.run([sets.TOOL, "intersect", "--json", *paths],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)
    t.equal((done.returncode, done.stderr), (0, ""), "intersect")
    answer = json.loads(done.stdout)
    return [answer[path] for path in paths]


@gwttest.test("hosts A and B have no common defaults: refused both ways, by the features' names")
def hosts(t):
    b = Bench(t)
    sides = {h: sets.Set(t, "R8.2", host=h) for h in "AB"}
    lacks = {"A": ("zbs",), "B": ("zba", "zbb")}
    for here, there in (("A", "B"), ("B", "A")):
        vm = b.start(sides[here], "pc-8.2")
        b.refused(vm, sides[there], "pc-8.2",
                  *["device 'cpu0': property '%s': on at the source (default), off at the "
                    "destination (default), which takes off alone" % p for p in lacks[there]],
                  *["device 'cpu3': property '%s': off at the source" % p for p in lacks[here]])
        to, how = b.to(vm, sides[there], "pc-8.2", *NOBODY_ASKS)
        t.equal(how["status"], "completed", to.stderr())
        # No section holds that, but a guest can tell; and when it does, the warning is there.
        to.expect("! extensions of hart")
        t.contains(to.stderr(), pairs.WARNED + "device 'cpu0': property '")
        for p in (vm, to):
            p.close()


@gwttest.test("hosts A and B with what intersect says on both command lines: works both ways")
def intersected(t):
    b = Bench(t)
    sides = [sets.Set(t, "R8.2", host=h) for h in "AB"]
    words = shared(t, [dump(b, s) for s in sides])
    for said in words:
        t.equal(said[0], "-cpu", "words of intersect (%r)" % words)
    for here, there in ((0, 1), (1, 0)):
        vm = b.start(sides[here], "pc-8.2", *words[here])
        for extension in ("zba", "zbb", "zbs"):
            t.equal(b.get(vm, "cpu0", extension), False, extension)
        t.equal(b.get(vm, "cpu0", "zbc"), True, "what both can")
        vm = b.works(vm, sides[there], "pc-8.2", *words[there], verdict="ok")
        b.end(b.works(vm, sides[here], "pc-8.2", *words[here], verdict="ok"))


if __name__ == "__main__":
    gwttest.main()
