# SPDX-License-Identifier: BSD-2-Clause
"""Two ends of a migration, chosen at random: how preflight judges them by their manifests, and what
then comes of it.  Preflight may err in neither direction, and guests are the judges: one that has
requests of its disk in flight (busyguest.py), and one that tells all that it finds out about its machine
(looker.py), before it goes, when it has come, and after a reset there.

    ok, adapt    the guest arrives, also where nobody asked preflight; it sees what it saw, at once and
                 after a reset; what users had said of its devices is so at the other end
    refuse       nothing of the guest is sent, it works on, and that is right: where nobody asks
                 preflight (one of)
                 - the load fails;
                 - the guest sees something else, at once or after a reset;
                 - users said two things of one property, one at each end: one of them would not be
                   heard, here or at the next hop;
                 - what differs can be told by a clock alone (CLOCK)

Any other refusal is false.  A receiver that nobody asks, and that takes a guest which would have been
refused, has to warn.  Without a manifest goes what is alike, and what is not goes or is refused by the
load, as in QEMU.  A receiver without -M takes every guest of its own release.

It owns arrangements, their judging and their moves, and knows no release by name but through sets.
"""

import copy
import json
import os
import subprocess

import busyguest
import gwttest
import looker
import sets

FAMILIES = ("pc", "aia", "tied")


def machine_types(t, release, family, image):
    """Those of RELEASE, newest first: as sets has them, with the other interrupt controllers, or
    with IMAGE as the firmware that starts unless -bios says."""
    folder, names = sets.compat_folder(t, release), []
    for name in sets.machine_types(release):
        names.append(family + name[2:])
        path = os.path.join(folder, names[-1] + ".json")
        if not os.path.exists(path):
            file = {"godwit-machine": 1, "name": names[-1], "doc": "derived", "newer": name}
            file.update({"board": "virt-aia"} if family == "aia" else {"firmware": image})
            with open(path, "w", encoding="utf-8") as f:
                json.dump(file, f)
    return names


class End:
    """How one end is started: a release on a host, a machine, its firmware ("guest", "none",
    "other" or None: that of the machine type), its devices.  Those on a port may be plugged in
    later."""

    def __init__(self, release, machine):
        self.release, self.machine = release, machine
        self.smp, self.memory, self.cpu, self.bios = 2, "16M", None, "guest"
        self.globals = {}   # "type.property": value
        self.devices = []   # [driver, {property: value}]

    def copy(self):
        other = copy.copy(self)
        other.globals, other.devices = dict(self.globals), copy.deepcopy(self.devices)
        return other

    def family(self):
        return self.machine.split("-")[0]

    def plugged(self):
        return [d for d in self.devices if "bus" in d[1]]

    def words(self, later=False):
        """LATER: without those that may be plugged in later."""
        words = []
        # What is not given is the guest's at a destination.
        for option, value in (("-smp", self.smp), ("-m", self.memory), ("-cpu", self.cpu)):
            words += [option, str(value)] if value else []
        for name, value in self.globals.items():
            words += ["-global", "%s=%s" % (name, value)]
        for driver, props in self.devices:
            if not later or "bus" not in props:
                words += ["-device", ",".join([driver] + ["%s=%s" % p for p in props.items()])]
        return words

    def __str__(self):
        return "%s -M %s, firmware: %s, %s" % (self.release.name, self.machine, self.bios,
                                               " ".join(self.words()))


class Bare(End):
    """An end that has the back ends of another, and no machine."""

    def __init__(self, end):
        super().__init__(end.release, None)
        self.devices, self.bios = end.devices, "none"

    def words(self, later=False):
        return []


# Properties that a guest can see, and values for them.
PROPERTIES = {
    "virtio-blk-pci": {"num-queues": (1, 2, 4), "queue-size": (64, 128, 256), "serial": ("a", "b"),
                       "discard": ("on", "off"), "write-cache": ("on", "off"),
                       "seg-max-adjust": ("on", "off"), "config-wce": ("on", "off"),
                       "indirect-desc": ("on", "off"), "packed": ("on", "off"),
                       "logical-block-size": (512, 4096), "max-discard-sectors": (8, 4194303),
                       "discard-granularity": (4096, 4294967295), "vectors": (0, 3, 5),
                       "report-discard-granularity": ("on", "off"),
                       "min-io-size": (0, 4096)},
    "virtio-rng-pci": {"event-idx": ("on", "off"), "max-bytes": (64, 1024)},
    "virtio-serial-pci": {"max-ports": (1, 4, 31), "in-order": ("on", "off")},
    "virtio-net-pci": {"mac": ("52:54:00:00:00:01", "52:54:00:00:00:02"), "csum": ("on", "off"),
                       "rx-queue-size": (256, 512), "ctrl-vq": ("on", "off"),
                       "guest-csum": ("on", "off"), "host-tso4": ("on", "off"),
                       "mq": ("on", "off"), "guest-announce": ("on", "off"),
                       "host-mtu": (0, 1400), "speed": (-1, 1000), "vectors": (0, 4, 2147483647)},
    "pcie-root-port": {"chassis": (0, 3), "slot": (0, 5), "port": (0, 2),
                       "power-controller-present": ("on", "off"), "disable-acs": ("on", "off"),
                       "x-speed": ("2_5", "16"), "x-width": (1, 32)},
}
EVERY = {"ring-reset": ("on", "off")}
GLOBALS = {"rv64-cpu.zba": ("off",), "rv64-cpu.zbb": ("off",), "rv64-cpu.zbs": ("off",),
           "rv64-cpu.zbc": ("on", "off"), "rv64-cpu.pmp-regions": (8, 16),
           "rv64-cpu.mmu": ("sv39", "sv48"), "virtio-blk-pci.queue-size": (64, 256),
           "aclint.timebase-frequency": (1000000, 10000000)}
PLIC = {"sifive-plic.num-priorities": (7, 15), "sifive-plic.num-sources": (96, 127)}
AIA = {"riscv-imsic.num-ids": (127, 255), "riscv-aplic.num-sources": (96, 127)}
CLOCK = ("max-bytes", "period", "timebase-frequency")  # how fast entropy comes, or time goes
LARGE = "d4"  # the drive of another size
PLUGGED = 5   # number of the device behind the port
WARNED = "x-preflight is off; with it the guest would have been refused: "
MASK = "x-pcie-err-unc-mask"


def has_mask(release):
    return sets.number(release.release) >= [8, 0, 1]


class Chance:
    """Draws arrangements; RANDOM is a random.Random, IMAGE the firmware of some machine types."""

    def __init__(self, t, random, image):
        self.t, self.random, self.image = t, random, image

    def machine_types(self, release, family):
        return machine_types(self.t, release.release, family, self.image)

    def release(self):
        name = self.random.choice(sets.RELEASES)
        host = self.random.choice((None, None, None, "A", "B"))
        return sets.Set(self.t, name, host, forgetful=name == "R5.2" and self.random.random() < .2)

    def value(self, end, driver, name):
        choices = PROPERTIES.get(driver, {}).get(name) or EVERY[name]
        return self.random.choice(choices)

    def device(self, end, driver, number):
        """One that END can have; each has its place, so that what else there is moves nothing, but
        where place () has another end leave it to the machine."""
        props = {"id": "dev%d" % number}
        props.update({"bus": "dev0"} if number == PLUGGED else {"addr": "%x" % (number + 1)})
        if driver == "virtio-blk-pci":
            props["drive"] = "d%d" % number
        if driver == "virtio-net-pci":
            props["netdev"] = "n%d" % number
        every = [] if driver == "pcie-root-port" else list(EVERY)
        for name in list(PROPERTIES[driver]) + every:
            if self.random.random() < .15:
                props[name] = self.value(end, driver, name)
        if has_mask(end.release) and self.random.random() < .15:
            props[MASK] = self.random.choice(("on", "off"))
        return [driver, props]

    def end(self):
        release = self.release()
        family = self.random.choice(("pc", "pc", "pc") + FAMILIES)
        end = End(release, self.random.choice(self.machine_types(release, family)))
        if family == "tied":
            end.bios = self.random.choice((None, None, "guest"))
        end.smp = self.random.choice((1, 2, 4))
        drivers = ["pcie-root-port"] * self.random.randrange(2) + ["virtio-blk-pci"]
        drivers += self.random.sample(("virtio-rng-pci", "virtio-serial-pci", "virtio-net-pci",
                                       "virtio-blk-pci"), self.random.randrange(3))
        end.devices = [self.device(end, d, n) for n, d in enumerate(drivers)]
        if drivers[0] == "pcie-root-port" and self.random.random() < .5:
            end.devices.append(self.device(end, self.random.choice(list(PROPERTIES)[:4]), PLUGGED))
        values = dict(GLOBALS, **(AIA if family == "aia" else PLIC))
        for name in self.random.sample(list(values), self.random.randrange(3)):
            end.globals[name] = self.random.choice(values[name])
        if has_mask(release) and self.random.random() < .1:
            end.globals["pci-device." + MASK] = self.random.choice(("on", "off"))
        if self.random.random() < .1:
            end.cpu = "rva20s64"
        return end

    def other(self, end):
        """Another end, which is not that far from END."""
        other = end.copy()
        if self.random.random() < .4:
            other.release = self.release()
            known = self.machine_types(other.release, end.family())
            if other.machine not in known:
                other.machine = known[0]
        for change in self.random.sample((self.less, self.less, self.less, self.different,
                                          self.more, self.size, self.machine, self.firmware,
                                          self.place, self.open),
                                         self.random.choice((0, 1, 1, 2))):
            change(other)
        if not has_mask(other.release):
            other.globals.pop("pci-device." + MASK, None)
            for _, props in other.devices:
                props.pop(MASK, None)
        for name in PLIC if other.family() == "aia" else AIA:
            other.globals.pop(name, None)
        return other

    def named(self, end):
        """Properties that END was given: [(dictionary, driver or None, name)]"""
        return ([(end.globals, None, n) for n in end.globals]
                + [(p, d, n) for d, p in end.devices for n in p
                   if n not in ("id", "addr", "bus", "drive", "netdev")])

    def less(self, end):
        named = self.named(end)
        if named:
            props, _, name = self.random.choice(named)
            del props[name]

    def different(self, end):
        named = self.named(end)
        if not named:
            return
        props, driver, name = self.random.choice(named)
        if name.endswith(MASK):
            props[name] = "off" if props[name] == "on" else "on"
        elif driver is None:
            props[name] = self.random.choice(dict(GLOBALS, **AIA, **PLIC)[name])
        else:
            props[name] = self.value(end, driver, name)

    def more(self, end):
        if end.devices:
            driver, props = self.random.choice(end.devices)
            name = self.random.choice(list(PROPERTIES[driver]))
            props[name] = self.value(end, driver, name)

    def size(self, end):
        what = self.random.randrange(4)
        if what == 0:
            end.smp = self.random.choice((1, 2, 4))
        elif what == 1:
            end.memory = "32M"
        elif what == 2:
            disk = self.random.choice([p for d, p in end.devices if "drive" in p] or [{}])
            disk.update({"drive": LARGE} if disk else {})
        else:
            end.devices.pop()

    def place(self, end):
        for _, props in self.random.sample(end.devices, self.random.randrange(len(end.devices) + 1)):
            props.pop("addr", None)

    def open(self, end):
        setattr(end, self.random.choice(("smp", "memory", "cpu")), None)

    def machine(self, end):
        family = self.random.choice((end.family(), end.family()) + FAMILIES)
        end.machine = self.random.choice(self.machine_types(end.release, family))
        if family != "tied" and end.bios is None:
            end.bios = "guest"

    def firmware(self, end):
        """The guest's own comes along, whatever is given there."""
        end.bios = self.random.choice(("guest", "none", "other")
                                      + ((None,) if end.family() == "tied" else ()))


# ---- what manifests say that no guest can look at ------------------------------------------------

def properties(manifest):
    """[(device, name, property)]; of devices that are like another, too."""
    found = {}
    for d in manifest["devices"]:
        found[d["id"]] = dict(found.get(d.get("like"), {}), **d.get("properties", {}))
    return [(d, name, p) for d, rows in found.items() for name, p in rows.items()]


def words(manifest):
    """{(device, property): value} of what users said, here or at an earlier hop."""
    return {(d, name): p["value"] for d, name, p in properties(manifest)
            if p["source"] in ("global", "device", "incoming")}


def values(manifest, names=None):
    return {(d, name): p["value"] for d, name, p in properties(manifest)
            if names is None or name in names}


def differing(a, b):
    """What has a value in both A and B, and another one."""
    return ["%s.%s: %r, %r" % (*name, a[name], b[name]) for name in sorted(set(a) & set(b))
            if a[name] != b[name]]


# ---- judging and moving ---------------------------------------------------------------------------

class Judge:
    """Back ends of all ends, and what is done with two of them; IMAGE is the guest that works."""

    def __init__(self, t, image):
        self.t, self.image, self.look, self.count = t, image, looker.need(), 0
        self.backends, self.firmware = [], {"guest": image, "none": "none", None: None}
        self.firmware["other"] = t.path("other.bin")
        with open(self.firmware["other"], "wb") as f:
            f.write(bytes(range(256)) * 20)
        for n in range(6):
            path = t.path("d%d.img" % n)
            with open(path, "wb") as f:
                f.truncate(2 << 20 if n == 4 else 1 << 20)
            # Of a process that was killed a moment ago the kernel may hold the locks still.
            self.backends += ["-drive", "file=%s,format=raw,if=none,id=d%d,file.locking=off"
                              % (path, n)]

    def words(self, end, later):
        # A back end that nobody uses would be an error.
        devices = [p for _, p in end.devices if not later or "bus" not in p]
        nets = [w for p in devices if "netdev" in p
                for w in ("-netdev", "user,id=" + p["netdev"])]
        used = {p["drive"] for p in devices if "drive" in p}
        drives = [w for n in range(6) if "d%d" % n in used
                  for w in self.backends[2 * n:2 * n + 2]]
        return drives + nets + end.words(later)

    def start(self, end, *more, image=None, later=False, **how):
        return sets.start(self.t, end.release, *self.words(end, later), *more, machine=end.machine,
                          image=image or self.firmware[end.bios], **how)

    def plug(self, vm, end):
        """Plug in at END what could have been there at the start."""
        for driver, props in end.plugged():
            if "drive" in props:
                vm.qmp.cmd("blockdev-add", driver="raw", node_name=props["drive"],
                           file={"driver": "file", "locking": "off",
                                 "filename": self.t.path(props["drive"] + ".img")})
            if "netdev" in props:
                vm.qmp.cmd("netdev_add", type="user", id=props["netdev"])
            values = {n: v == "on" if v in ("on", "off") and n != "write-cache" else v
                      for n, v in props.items()}
            answer = vm.qmp.raw({"execute": "device_add", "arguments": dict(values, driver=driver)})
            self.t.ok("return" in answer, "device_add %r: %r" % (values, answer))

    def dump(self, end, *more):
        """Its manifest's file; None where such a machine cannot be started."""
        self.count += 1
        path = self.t.path("manifest%d.json" % self.count)
        vm = self.start(end, "-dump-manifest", path, *more, qmp=False)
        status = vm.wait()
        why = vm.stderr()
        vm.close()
        if status == 0:
            return path
        self.t.ok(os.path.exists(path) is False, "a manifest in spite of: " + why)
        return None

    def save(self, manifest):
        self.count += 1
        path = self.t.path("manifest%d.json" % self.count)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(manifest, f)
        return path

    def check(self, a, b):
        """godwit-machine's verdict on two files, and all of its answer."""
        done = subprocess.run([sets.TOOL, "check", "--json", a, b], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, text=True)
        try:
            answer = json.loads(done.stdout)
        except ValueError as e:
            raise gwttest.Failure("godwit-machine check: status %d, %r, %r"
                                  % (done.returncode, done.stdout, done.stderr)) from e
        self.t.equal(done.returncode, {"refuse": 1, "undecided": 2}.get(answer["verdict"], 0),
                     "exit status of godwit-machine check (%r)" % answer)
        return answer["verdict"], answer

    def begin(self, end):
        """A process of END whose guest works, and everything is plugged in."""
        vm = self.start(end, later=True)
        busyguest.ready(vm)
        self.plug(vm, end)
        busyguest.goes_on(vm)
        return vm

    def begin_to_look(self, end, *more):
        """(a process of END, what the guest sees): what is plugged in it has found."""
        vm = self.start(end, *more, image=self.look, later=True)
        saw = looker.begun(vm)
        if end.plugged():
            self.plug(vm, end)
            vm.qmp.cmd("system_reset")
            saw = looker.begun(vm)
        return vm, saw

    def finish(self, vm, end):
        """The guest of VM, which began at END, comes to its end."""
        used = sorted((int(p["addr"], 16), p["drive"]) for _, p in end.devices
                      if "drive" in p and "addr" in p)
        busyguest.finish(self.t, vm, self.t.path(used[0][1] + ".img"))

    def decide(self, a, b, end):
        """Of the manifests A and B, which is END's: (what they tell, what is told at END's own host,
        all of that answer).  Where two manifests tell, they tell the same."""
        early, told = self.check(a, b)
        final, answer = self.check(a, self.dump(end, "-guest-manifest", a))
        if early != "undecided":
            self.t.equal(early, final, "%s\n%s" % (json.dumps(told, indent=1),
                                                   json.dumps(answer, indent=1)))
            for reason in told["reasons"]:
                self.t.ok(reason in answer["reasons"], "%r in %r" % (reason, answer["reasons"]))
        return early, final, answer

    def transfer(self, vm, end, *more):
        """To a process of END: (it, query-migrate of the sender).  MORE: options of the receiver."""
        self.count += 1
        uri = "unix:" + self.t.path("m%d" % self.count)
        to = self.start(end, *more, incoming=uri)
        vm.qmp.cmd("migrate-set-capabilities",
                   capabilities=[{"capability": "return-path", "state": True}])
        vm.qmp.cmd("migrate", uri=uri)
        return to, sets.ended(vm)

    def move(self, vm, end, *more):
        """The same with a guest that works, and goes on with it here or there."""
        before = busyguest.count(vm)
        to, how = self.transfer(vm, end, *more)
        if how["status"] != "completed":
            busyguest.goes_on(vm, before)
        return to, how

    def pair(self, a, b):
        """Judge and try them; what two manifests tell and the verdict, or None where one of them
        cannot be."""
        first, second = self.dump(a), self.dump(b)
        if first is None or second is None:
            return None
        early, verdict, told = self.decide(first, second, b)
        what = "%s\n-> %s\n%s\n" % (a, b, json.dumps(told, indent=1))
        try:
            vm = self.begin(a)
            if verdict == "refuse":
                self.refused(vm, b, told)
                self.finish(vm, a)
            else:
                self.works(vm, a, b)
            what = "preflight is off: " + what
            self.looks(verdict, a, b, self.load(second))
            what = "the manifest is off, and " + what
            self.plain(verdict, a, b)
            what = "without -M: %s\n" % a
            self.bare(a)
        except gwttest.Failure as e:
            raise gwttest.Failure(what + str(e)) from e
        return early, verdict

    def refused(self, vm, end, told):
        to, how = self.move(vm, end)
        self.t.equal(how["status"], "failed", "status")
        self.t.equal(how.get("ram", {}).get("normal", 0), 0, "pages sent")
        self.t.equal(to.wait(), 1, "exit status of the receiver")
        # What was plugged in is an option where the guest's machine is made for its manifest.
        said = to.stderr().replace("(device_add ", "(-device ")
        for reason in told["reasons"]:
            self.t.contains(said, reason)
        to.close()

    def works(self, vm, a, b):
        """It goes to B, and comes to its end there."""
        was, at = vm.qmp.cmd("query-manifest"), busyguest.count(vm)
        to, how = self.move(vm, b)
        self.t.equal(how["status"], "completed", "status (%r)\n%s" % (how, to.stderr()))
        self.t.equal(differing(words(was), values(to.qmp.cmd("query-manifest"))), [],
                     "what users said")
        vm.close()
        busyguest.goes_on(to, at)
        # Its firmware came along.
        to.qmp.cmd("system_reset")
        busyguest.ready(to)
        busyguest.goes_on(to)
        self.finish(to, a)

    def looks(self, verdict, a, b, other):
        """Nobody asks preflight: what does the guest see?  OTHER: B's own manifest."""
        vm, saw = self.begin_to_look(a)
        was = vm.qmp.cmd("query-manifest")
        to, how = self.transfer(vm, b, "-global", "migration.x-preflight=off")
        if how["status"] == "completed":
            vm.close()
            differ = ["at once: " + line for line in looker.differences(saw, looker.look(to))]
            to.qmp.cmd("system_reset")
            differ += ["after a reset: " + line
                       for line in looker.differences(saw, looker.begun(to))]
            if verdict == "refuse":
                differ += differing(words(was), words(other))
                differ += differing(values(was, CLOCK), values(other, CLOCK))
                self.t.ok(differ, "it was refused, and nothing differs")
                self.t.contains(to.stderr(), WARNED)
            else:
                self.t.ok(not differ, "it sees other things:\n" + "\n".join(differ))
                self.t.equal(to.stderr(), "", "what the receiver says")
        else:
            self.t.equal(verdict, "refuse", "the load fails (%r)\n%s" % (how, to.stderr()))
            self.stays(vm, saw, to)
        for p in (vm, to):
            p.close()

    def stays(self, vm, saw, to):
        self.t.equal(to.wait(), 1, "exit status of the receiver")
        self.t.equal(to.stderr().count("\n"), 1, "lines of the receiver: " + to.stderr())
        self.t.equal(looker.differences(saw, looker.look(vm)), [], "where it stayed")

    def plain(self, verdict, a, b):
        """Nothing but state is sent: what is alike anyway goes."""
        vm, saw = self.begin_to_look(a, "-global", "migration.x-manifest=off")
        to, how = self.transfer(vm, b)
        if how["status"] == "completed":
            differ = looker.differences(saw, looker.look(to))
            self.t.ok(verdict != "ok" or not differ, "it sees other things:\n" + "\n".join(differ))
            self.t.equal(to.stderr(), "", "what the receiver says")
        else:
            self.t.ok(verdict != "ok", "the load fails (%r)\n%s" % (how, to.stderr()))
            self.stays(vm, saw, to)
        for p in (vm, to):
            p.close()

    def bare(self, a):
        """The receiver has the same release, back ends, and nothing else."""
        vm, saw = self.begin_to_look(a)
        was = vm.qmp.cmd("query-manifest")
        to, how = self.transfer(vm, Bare(a))
        self.t.equal(how["status"], "completed", "status (%r)\n%s" % (how, to.stderr()))
        self.t.equal(looker.differences(saw, looker.look(to)), [], "at once")
        self.t.equal(differing(words(was), values(to.qmp.cmd("query-manifest"))), [],
                     "what users said")
        to.qmp.cmd("system_reset")
        self.t.equal(looker.differences(saw, looker.begun(to)), [], "after a reset")
        vm.close()
        self.close(to)

    def close(self, vm):
        """Nothing has happened to it that ends it."""
        self.t.ok(vm.alive(), "it ended: %s\n%s" % (vm.popen.returncode, vm.stderr()))
        vm.close()

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8") as f:
            return json.load(f)


# ---- random pairs ----------------------------------------------------------------------------------

def random_pairs(t, image, random, count):
    """COUNT pairs are judged and tried; how many there were of each verdict, and of how many two
    manifests alone did not tell it."""
    judge, chance, seen, undecided = Judge(t, image), Chance(t, random, image), {}, 0
    while sum(seen.values()) < count:
        a = chance.end()
        verdicts = judge.pair(a, chance.other(a))
        if verdicts is not None:
            early, verdict = verdicts
            seen[verdict] = seen.get(verdict, 0) + 1
            undecided += early == "undecided"
    return seen, undecided


# ---- hosts and releases, all with all --------------------------------------------------------------

class Product:
    """Each release on each host, the same machine on all."""

    def __init__(self, t, image, machine, releases, words=None):
        self.t, self.judge = t, Judge(t, image)
        self.ends = []
        for release in releases:
            for host in (None, "A", "B"):
                end = End(sets.Set(t, release, host), machine)
                end.smp = 4
                end.cpu = words and words.get(host)
                end.devices = [["pcie-root-port", {"id": "port", "addr": "2"}],
                               ["virtio-blk-pci", {"id": "disk", "drive": "d0", "addr": "1"}]]
                self.ends.append(end)
        self.dumps = [self.judge.dump(e) for e in self.ends]
        t.ok(None not in self.dumps, "one of them does not start")

    def hop(self, vm, b, stay=False):
        """The guest of VM goes to end number B, or stays: (the process that it is in, whether it
        went).  What preflight said before comes true.  STAY: it does not go where it could:
        (process, None)."""
        was, at = vm.qmp.cmd("query-manifest"), busyguest.count(vm)
        saved = self.judge.save(was)
        verdict, told = self.judge.check(saved, self.dumps[b])
        if verdict == "undecided":
            _, verdict, told = self.judge.decide(saved, self.dumps[b], self.ends[b])
        if stay and verdict != "refuse":
            return vm, None
        to, how = self.judge.move(vm, self.ends[b])
        what = "%s: %s\n%r\n%s" % (self.ends[b], json.dumps(told, indent=1), how, to.stderr())
        self.t.equal(how["status"], "failed" if verdict == "refuse" else "completed", what)
        if verdict == "refuse":
            to.wait()
            to.close()
            return vm, False
        self.t.equal(differing(words(was), values(to.qmp.cmd("query-manifest"))), [],
                     what + "what users said")
        vm.close()
        busyguest.goes_on(to, at)
        return to, True

    def chain(self, ends):
        """A guest is begun at the first of ENDS and goes on as far as it can: how many hops."""
        vm, hops = self.judge.begin(self.ends[ends[0]]), 0
        for number in ends[1:]:
            vm, went = self.hop(vm, number)
            if not went:
                break
            hops += 1
        self.judge.finish(vm, self.ends[0])
        return hops

    def onward(self, ends):
        """A guest that has come along ENDS tries them all, and is where it was after each that does
        not take it: those that would."""
        vm = self.judge.begin(self.ends[ends[0]])
        for number in ends[1:]:
            vm, went = self.hop(vm, number)
            self.t.ok(went, "a chain that went once does not go again: %r" % (ends,))
        takes = [n for n in range(len(self.ends)) if self.hop(vm, n, stay=True)[1] is None]
        self.judge.finish(vm, self.ends[0])
        return takes

    def every(self, some=None):
        """Every ordered pair, and every chain of three, or those that SOME draws of a list: (how many
        pairs went, how many chains there were and how many of them went to their end)."""
        pairs = [(a, b) for a in range(len(self.ends)) for b in self.onward([a])]
        for pair in pairs:
            self.t.equal(self.chain(pair), 1, "hops of %r" % (pair,))
        drawn = some(pairs) if some else pairs
        chains = [(a, b, c) for a, b in drawn for c in self.onward([a, b])]
        for chain in chains:
            self.t.equal(self.chain(chain), 2, "hops of %r" % (chain,))
        return len(pairs), len(drawn) * len(self.ends), len(chains)
