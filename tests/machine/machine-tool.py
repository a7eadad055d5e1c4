#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""godwit-machine check and intersect on manifests of real machines."""

import copy
import json
import os
import subprocess

import gwttest

for plugin in ("pcie", "virtio", "virtio-blk", "virtio-rng", "rv64-cpu"):
    if not os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", plugin + ".so")):
        gwttest.skip_all("the plugin %s is not built" % plugin)

RNG = "virtio-rng-pci,id=rng,addr=3"
DISK = "virtio-blk-pci,id=disk,drive=d,bus=p"


def tool(*args):
    """Exit status, standard output, standard error."""
    done = subprocess.run([os.path.join(gwttest.BUILDDIR, "godwit-machine"), *args],
                          capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def options(disk=DISK, size="1M"):
    return ["-M", "virt", "-bios", "none", "-S", "-serial", "null",
            "-blockdev", "driver=null-co,node-name=d,size=%s" % size,
            "-device", "pcie-root-port,id=p,addr=2", "-device", disk]


def dump(t, name, *args):
    t.run(*args, "-dump-manifest", t.path(name))
    return t.path(name)


def edited(t, source, name, change):
    """The manifest SOURCE as file NAME, after CHANGE (document, its devices by id)."""
    with open(source, encoding="utf-8") as f:
        document = copy.deepcopy(json.load(f))
    change(document, {d["id"]: d for d in document["devices"]})
    with open(t.path(name), "w", encoding="utf-8") as f:
        json.dump(document, f)
    return t.path(name)


@gwttest.test("check: ok, adapt and refuse, with every line and the exit status")
def check(t):
    a = dump(t, "a.json", *options())
    b = dump(t, "b.json", *options(DISK + ",queue-size=128"))
    t.equal(tool("check", a, a), (0, "ok\n", ""))
    line = ("taken over: device 'disk': property 'queue-size': 128 at the source (-device "
            "virtio-blk-pci) in place of 256 at the destination")
    # Whether a disk can have other values, its back end says: two manifests do not tell.
    t.equal(tool("check", b, a),
            (2, "undecided\n  %s\n  open: device 'disk' (virtio-blk-pci of plugin 'virtio-blk'): "
             "whether it can have the guest's values hangs on its back end 'd', too\n  to decide "
             "it, on the destination's host, with its options: godwit-machine check %s --here "
             "OPTION...\n  or: godwit OPTION... -guest-manifest %s -dump-manifest B.json, and "
             "anywhere: godwit-machine check %s B.json\n" % (line, b, b, b), ""))
    taken = dump(t, "taken.json", *options(), "-guest-manifest", b)
    t.equal(tool("check", b, taken), (0, "adapt\n  %s\n" % line, ""))
    # The guest as it would be there.
    t.equal(tool("check", taken, b), (0, "ok\n", ""))
    status, out, err = tool("check", a, taken)
    t.equal((status, out, err), (1, "", "godwit-machine: check: %s: it is about another guest; "
                                        "write it with -guest-manifest and this one's manifest\n"
                                 % taken))
    # Without a back end, and with the same programs at both ends, they do.
    c = dump(t, "c.json", *options(), "-device", RNG)
    d = dump(t, "d.json", *options(), "-device", RNG + ",max-bytes=4096")
    line = ("  taken over: device 'rng': property 'max-bytes': 4096 at the source (-device "
            "virtio-rng-pci) in place of 9223372036854775807 at the destination\n")
    t.equal(tool("check", d, c), (0, "adapt\n" + line, ""))

    def other_build(document, _):
        document["plugins"][0]["build"] = "ff"

    status, out, _ = tool("check", "--json", edited(t, d, "other.json", other_build), c)
    answer = json.loads(out)
    t.equal((status, answer["verdict"], len(answer["undecided"])), (2, "undecided", 1), out)
    t.contains(answer["undecided"][0], "not the same build")
    reason = ("device 'disk': property 'queue-size': 256 at the source (default), set to 128 at the "
              "destination (-device virtio-blk-pci); leave it out at the destination, or set it "
              "there with -device virtio-blk-pci,id=disk,queue-size=256")
    same = "; make it the same device with the same properties at both ends"
    reasons = [reason,
               "device 'disk': device-configuration, byte 0xc (buffers of a request): 0xfe at the "
               "source, 0x7e at the destination" + same,
               "device 'disk': virtio-queues, byte 0x0 (size of a queue): 0x00 at the source, 0x80 at "
               "the destination" + same]
    t.equal(tool("check", a, b), (1, "refuse\n  %s\n" % "\n  ".join(reasons), ""))
    status, out, _ = tool("check", "--json", a, b)
    t.equal((status, json.loads(out)),
            (1, {"verdict": "refuse", "reasons": reasons, "adaptations": []}))


@gwttest.test("check --here: what this emulator would build")
def here(t):
    a = dump(t, "a.json", *options(DISK + ",num-queues=2"))
    t.equal(tool("check", a, "--here", *options())[:2],
            (0, "adapt\n  taken over: device 'disk': property 'num-queues': 2 at the source "
             "(-device virtio-blk-pci) in place of 1 at the destination\n"))
    without = [x for x in options()[:-2] if not x.startswith(("-blockdev", "driver="))]
    status, out, _ = tool("check", a, "--here", *without)
    t.equal((status, out.splitlines()),
            (1, ["refuse", "  device 'disk' (virtio-blk-pci of plugin 'virtio-blk'): not there at "
                 "the destination; add -device virtio-blk-pci,id=disk there"]))
    wide = dump(t, "wide.json", *options(), "-smp", "4,sockets=2", "-m", "0x4001000", "-cpu",
                "rv64,zba=off")
    sizes = ["-smp cpus=4,sockets=2,cores=2,threads=1, as the guest has it",
             "-m 65540K, as the guest has it"]
    features = ["device 'cpu%d': property 'zba': off, as the guest has it (hop 1 of the guest: -cpu "
                "rv64)" % i for i in range(4)]
    status, out, _ = tool("check", wide, "--here", *options())
    lines = out.splitlines()
    t.equal((status, lines[:3]), (0, ["adapt"] + ["  taken over: " + x for x in sizes]), out)
    for line in features:
        t.ok("  taken over: " + line in lines, out)
    # Without -M all of it is the guest's, as where a destination waits for it.
    status, out, _ = tool("check", wide, "--here", *options()[2:-4])
    t.equal(status, 0, out)
    t.contains(out, "machine 'virt-1.0' with 2 devices, as the guest has it")
    status, out, _ = tool("check", wide, "--here", *options()[2:7])
    t.equal((status, "  device 'disk': drive: there is no block back end 'd' here; add -blockdev "
             "with node-name=d, or -drive if=none,id=d" in out.splitlines()), (1, True), out)
    out, _ = t.run(*options()[2:7], "-guest-manifest", wide, "-dump-manifest", "-")
    with open(t.path("none.json"), "wb") as f:
        f.write(out)
    t.ok("manifest" not in json.loads(out), "a machine that does not stand")
    status, out, _ = tool("check", wide, t.path("none.json"))
    t.equal((status, out.splitlines()[0]), (1, "refuse"))
    status, out, err = tool("check", wide, "--here", *options()[2:])
    t.equal((status, out), (1, ""))
    t.contains(err, "-device: 'pcie-root-port,id=p,addr=2': without -M the guest brings its devices")
    status, out, _ = tool("check", wide, "--here", *options(), "-m", "64M", "--smp", "4")
    t.equal((status, [line.split(";")[0] for line in out.splitlines()[:4]]),
            (1, ["refuse", "  sockets: 2 at the source, 1 at the destination",
                 "  cores: 2 at the source, 4 at the destination",
                 "  memory: 67112960 bytes at the source, 67108864 bytes at the destination"]))
    t.contains(out, "start the destination with -m 0x4001000")
    status, out, err = tool("check", a, "--here", "-M", "vrt")
    t.equal((status, out), (1, ""))
    t.contains(err, "godwit: -M: machine 'vrt': no such machine type")
    t.contains(err, "godwit-machine: check: the emulator refuses these options, see above\n")


@gwttest.test("check: a disk of another size, a register that differs, both ways")
def facts(t):
    a = dump(t, "a.json", *options())
    b = dump(t, "b.json", *options(size="2M"))
    for one, other, sizes in ((a, b, (1048576, 2097152)), (b, a, (2097152, 1048576))):
        t.equal(tool("check", one, other)[1].splitlines(),
                ["refuse", "  device 'disk': capacity: %d at the source, %d at the destination; "
                 "give it the same back ends and properties at both ends" % sizes])

    def change(part, at, digits):
        """Bytes from AT on, in one run."""
        runs = part["bytes"] if "bytes" in part else part["write"]
        start = max((int(x) for x in runs if int(x) <= at))
        run = bytearray.fromhex(runs[str(start)])
        run[at - start:at - start + len(digits)] = digits
        runs[str(start)] = run.hex()

    def old_mask(_, devices):
        # The port's uncorrectable error mask, which was no register once.
        space = devices["p"]["facts"]["configuration-space"]
        change({"write": space["write"]}, 0x108, bytes(4))

    def old_class(_, devices):
        change(devices["p"]["facts"]["configuration-space"], 0x0a, bytes([0x05]))

    old = edited(t, a, "mask.json", old_mask)
    for one, other, bits in ((old, a, (0x00, 0x30)), (a, old, (0x30, 0x00))):
        t.equal(tool("check", one, other)[1].splitlines(),
                ["refuse", "  device 'p': configuration-space, byte 0x108 (AER uncorrectable error "
                 "mask): 0x00 at the source, 0x00 at the destination, and the guest can change "
                 "0x%02x of it and 0x%02x; make it the same device with the same properties at both "
                 "ends" % bits])
    old = edited(t, a, "class.json", old_class)
    for one, other, values in ((old, a, (0x05, 0x04)), (a, old, (0x04, 0x05))):
        t.equal(tool("check", one, other)[1].splitlines(),
                ["refuse", "  device 'p': configuration-space, byte 0xa (class code): 0x%02x at "
                 "the source, 0x%02x at the destination; make it the same device with the same "
                 "properties at both ends" % values])


@gwttest.test("intersect: what it says is enough for every pair of hosts")
def intersect(t):
    lines = {"a.json": options(),
             "b.json": options(DISK + ",queue-size=128,serial=x,,y") + ["-cpu", "rv64,zba=off"],
             "c.json": options(DISK + ",num-queues=3")
             + ["-global", "virtio-blk-pci.write-cache=off"]}
    files = [dump(t, name, *args) for name, args in lines.items()]
    for one in files:
        others = [x for x in files if x != one]
        t.ok(any(tool("check", one, x)[0] == 1 for x in others), "%s goes everywhere" % one)
    status, out, err = tool("intersect", "--json", *files)
    t.equal((status, err), (0, ""))
    said = json.loads(out)
    disk = "virtio-blk-pci,id=disk,drive=d,serial=x,,y,num-queues=1,queue-size=128"
    t.equal(said[t.path("a.json")][:2], ["-cpu", "rv64,zba=off"])
    t.contains(said[t.path("a.json")][3], "queue-size=128")
    t.contains(said[t.path("a.json")][3], "serial=x,,y")
    t.contains(said[t.path("c.json")][3], "num-queues=1")
    new = []
    for name, args in lines.items():
        more = said[t.path(name)]
        for option, value in zip(more[::2], more[1::2]):
            if option == "-cpu" and "-cpu" in args:
                args[args.index("-cpu") + 1] = value
            elif option == "-device":
                args[[i for i, x in enumerate(args) if x.startswith("virtio-blk-pci,")][0]] = value
            else:
                args += [option, value]
        new.append(dump(t, "new-" + name, *args))
    for one in new:
        for other in new:
            status, out, _ = tool("check", one, other)
            t.equal(status, 0, "from %s to %s: %s" % (one, other, out))
    status, out, _ = tool("intersect", *files)
    t.equal([line.split(":")[0] for line in out.splitlines()], files)
    t.contains(out, "%s: -cpu rv64,zba=off -device virtio-blk-pci,id=disk,drive=d," % files[0])
    t.ok(disk.split(",")[0] in out, out)
    status, out, _ = tool("intersect", *new)
    t.equal((status, out), (0, "".join("%s:\n" % f for f in new)), "hosts that are alike")


@gwttest.test("intersect: features are off where one host has not got them, numbers in all bounds")
def bounds(t):
    base = dump(t, "base.json", *options())

    def first(_, devices):
        devices["cpu0"]["properties"]["zba"].update(value=False, min=0, max=0)
        devices["disk"]["properties"]["queue-size"].update(value=64, min=64, max=128)

    def second(_, devices):
        devices["cpu0"]["properties"]["zbs"].update(value=False, min=0, max=0)
        devices["disk"]["properties"]["queue-size"].update(value=256, min=128, max=256)

    a, b = edited(t, base, "a.json", first), edited(t, base, "b.json", second)
    for one, other in ((a, b), (b, a)):
        t.equal(tool("check", one, other)[0], 1)
    status, out, err = tool("intersect", "--json", a, b)
    t.equal((status, err), (0, ""))
    disk = "virtio-blk-pci,id=disk,drive=d,queue-size=128,bus=p"
    t.equal(json.loads(out), {a: ["-cpu", "rv64,zbs=off", "-device", disk],
                              b: ["-cpu", "rv64,zba=off", "-device", disk]})

    def third(_, devices):
        devices["disk"]["properties"]["queue-size"].update(value=512, min=512, max=512)

    c = edited(t, base, "c.json", third)
    t.equal(tool("intersect", a, c)[2],
            "godwit-machine: intersect: device 'disk': property 'queue-size': there is no value "
            "that all hosts can have; %s cannot have 512\n" % a)


@gwttest.test("intersect: what no property can do anything about is told, and nothing is said")
def hopeless(t):
    a = dump(t, "a.json", *options())
    b = dump(t, "b.json", *options(), "-m", "64M")
    status, out, err = tool("intersect", a, b)
    t.equal((status, out), (1, ""))
    t.equal(err.splitlines(),
            ["godwit-machine: intersect: %s to %s: memory: 134217728 bytes at the source, 67108864 "
             "bytes at the destination; start the destination with -m 128M" % (a, b),
             "godwit-machine: intersect: %s to %s: memory: 67108864 bytes at the source, 134217728 "
             "bytes at the destination; start the destination with -m 64M" % (b, a)])


@gwttest.test("what is given wrongly is refused in one line")
def refused(t):
    a = dump(t, "a.json", *options())
    with open(t.path("no.json"), "w", encoding="utf-8") as f:
        f.write("{")
    for name, members in (("later", {"godwit-verdict": 2}),
                          ("lie", {"verdict": "ok", "reasons": ["because"]}),
                          ("bare", {"verdict": "refuse", "reasons": ["because"]})):
        document = {"godwit-verdict": 1, "guest": "x", "reasons": [], "adaptations": []}
        with open(t.path(name + ".json"), "w", encoding="utf-8") as f:
            json.dump(dict(document, **members), f)
    t.error("-guest-manifest: it says whom -dump-manifest is about; add -dump-manifest FILE",
            *options(), "-guest-manifest", a)
    t.error("-guest-manifest: '%s': cannot be read" % t.path("none"), *options(),
            "-guest-manifest", t.path("none"), "-dump-manifest", "-")
    t.error("-guest-manifest: %s: " % t.path("no.json"), *options(), "-guest-manifest",
            t.path("no.json"), "-dump-manifest", "-")
    t.error("-guest-manifest: '%s': it is a verdict without a machine" % t.path("bare.json"),
            *options(), "-guest-manifest", t.path("bare.json"), "-dump-manifest", "-")
    for args, text in (
            (["check", a], "check: it takes two manifests, or one and --here with options of the "
             "emulator; see godwit-machine check --help"),
            (["check", a, a, a], "check: it takes two manifests, or one and --here with options of "
             "the emulator; see godwit-machine check --help"),
            (["check", a, t.path("none")], "check: %s: cannot be opened: No such file or directory"
             % t.path("none")),
            (["check", t.path("no.json"), a], "check: %s: " % t.path("no.json")),
            (["check", a, t.path("later.json")], "check: %s: verdicts of format 2 cannot be read, "
             "format 1 can; use a newer godwit" % t.path("later.json")),
            (["check", a, t.path("lie.json")], "check: %s: 'reasons' and 'verdict' contradict each "
             "other" % t.path("lie.json")),
            (["check", t.path("bare.json"), a], "check: %s: it is a verdict without a machine, for "
             "the guest was refused; name a manifest" % t.path("bare.json")),
            (["intersect", a], "intersect: it takes 2 to 64 manifests, one of each host; see "
             "godwit-machine intersect --help"),
            (["intersect", a, a], "intersect: %s is given twice; give each host's manifest once"
             % a),
            (["chek"], "'chek' is no command; did you mean 'check'?"),
            ([], "no command is given; try --help"),
            (["--plugin-dir"], "option '--plugin-dir' needs a folder behind it"),
            (["--here"], "option '--here' is not understood; try --help")):
        status, out, err = tool(*args)
        t.equal((status, out), (1, ""), " ".join(args))
        t.contains(err, "godwit-machine: " + text)
        t.equal(err.count("\n"), 1, err)


gwttest.main()
