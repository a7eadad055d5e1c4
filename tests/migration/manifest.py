#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The manifest: what it tells of a machine, where it can be had, that a stream carries it and is held
to it, and that without it each byte is as it was."""

import json
import os
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gwttest  # noqa: E402
import mover  # noqa: E402
import streamreader as sr  # noqa: E402

for plugin in ("virtio-blk", "virtio-rng", "pcie", "virtio"):
    if not os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", plugin + ".so")):
        gwttest.skip_all("the plugin %s is not built" % plugin)

DEVICES = ["-smp", "2", "-uuid", "00112233-4455-6677-8899-aabbccddeeff",
           "-device", "virtio-blk-pci,id=disk,drive=d,num-queues=1,werror=stop",
           "-blockdev", "driver=null-co,node-name=d,size=1M", "-device", "virtio-rng-pci,id=rng",
           "-device", "pcie-root-port,id=port,chassis=1",
           "-global", "virtio-rng-pci.period=1000", "-cpu", "rv64,zba=off"]
NAME = b"\5\x16configuration/manifest\0\0\0\1"


def tool(t, *args, status=0):
    p = subprocess.run([gwttest.GODWIT_STREAM, *args], capture_output=True, check=False,
                       timeout=120 * gwttest.SCALE)
    t.equal(p.returncode, status, "exit status of %s; %s" % (args, p.stderr))
    return p.stdout.decode() if status == 0 else p.stderr.decode()


def overridden(t):
    """A machine type that says something about a property."""
    folder = t.path("compat")
    os.mkdir(folder)
    with open(os.path.join(folder, "old-1.json"), "w", encoding="utf-8") as f:
        json.dump({"godwit-machine": 1, "name": "old-1", "doc": "d", "board": "virt",
                   "levels": {"*": "0.1.0"},
                   "overrides": [{"type": "virtio-pci", "property": "packed", "value": True}]}, f)
    return folder


def dump(t, *args):
    out, _ = t.run(*args, "-dump-manifest", "-")
    return out, json.loads(out)


def by_id(manifest):
    return {d["id"]: d for d in manifest["devices"]}


@gwttest.test("what a machine is, and where each value came from")
def contents(t):
    _, m = dump(t, "-compat-dir", overridden(t), "-M", "old-1", "-m", "64M", *DEVICES)
    t.equal(m["machine"], {"type": "old-1", "chain": ["old-1"], "board": "virt",
                           "given": ["smp", "memory", "cpu"],
                           "uuid": "00112233-4455-6677-8899-aabbccddeeff"})
    t.equal(m["smp"], {"cpus": 2, "sockets": 1, "cores": 2, "threads": 1})
    t.equal((m["cpu"], m["memory"]), ("rv64", 64 << 20))
    blocks = {b["name"]: b for b in m["blocks"]}
    t.equal(blocks["riscv_virt_board.ram"], {"name": "riscv_virt_board.ram", "size": 64 << 20})
    t.equal(blocks["riscv_virt_board.mrom"]["read-only"], True)
    plugins = {p["id"]: p for p in m["plugins"]}
    # A linker need not write one.
    for build in [x.pop("build") for x in [m, *m["plugins"]] if "build" in x]:
        t.ok(len(build) >= 8 and not set(build) - set("0123456789abcdef"), "build %r" % build)
    t.equal(plugins["virtio-blk"], {"id": "virtio-blk", "version": "0.1.0", "level": "0.1.0"})
    t.equal(sorted(plugins), list(plugins), "order of plugins")
    devices = by_id(m)
    disk = devices["disk"]
    t.equal((disk["type"], disk["parents"], disk["plugin"], disk["origin"]),
            ("virtio-blk-pci", ["virtio-pci", "pci-device"], "virtio-blk", "user"))
    t.equal(disk["place"], {"path": "0000:00:01.0"})
    t.equal(disk["backends"], {"drive": "d"})
    queues = disk["properties"]["num-queues"]
    t.equal((queues["value"], queues["source"], queues["detail"], queues["hop"]),
            (1, "device", "-device virtio-blk-pci", 0))
    t.equal((queues["default"], queues["max"]), (65535, 65535))
    packed = disk["properties"]["packed"]
    t.equal((packed["value"], packed["source"], packed["detail"]), (True, "machine-type", "old-1"))
    for host in ("drive", "werror", "rerror", "share-rw"):
        t.ok(host not in disk["properties"], "%s is the host's" % host)
    period = devices["rng"]["properties"]["period"]
    t.equal((period["value"], period["source"], period["detail"]),
            (1000, "global", "-global virtio-rng-pci.period=1000"))
    t.equal((period["min"], period["max"]), (1, 0xffffffff))
    cpu = devices["cpu1"]
    t.equal((cpu["origin"], cpu["type"]), ("cpu", "rv64-cpu"))
    t.equal((cpu["properties"]["zba"]["value"], cpu["properties"]["zba"]["detail"]),
            (False, "-cpu rv64"))
    t.equal(cpu["properties"]["mmu"]["values"], ["sv39", "sv48", "sv57", "none"])
    uart = devices["uart0"]
    t.equal(uart["place"]["regions"], [{"name": "ns16550", "address": 0x10000000, "size": 256}])
    t.equal(uart["place"]["lines"], [{"to": "plic0", "line": 10}])
    section, = disk["sections"]
    t.equal(section["name"], "0000:00:01.0/virtio-blk")
    t.equal(list(section["layouts"]), [str(section["version"])])
    t.equal({s["name"] for s in m["sections"]}, {"ram", "timer", "globalstate", "firmware"})
    t.equal(m["hops"], [{"program": m["program"], "machine": "old-1"}])


@gwttest.test("compat rows are told with the property that they are about")
def rows(t):
    release = os.path.join(gwttest.BUILDDIR, "tests", "releases", "R5.2")
    if not os.path.isdir(release):
        t.skip("no plugins of several releases are built")
    arguments = ["-plugin-dir", release, "-M", "virt", "-plugin-level", "virtio-blk=5.1",
                 "-blockdev", "driver=null-co,node-name=d,size=1M",
                 "-device", "virtio-blk-pci,id=disk,drive=d"]
    queues = by_id(dump(t, *arguments)[1])["disk"]["properties"]["num-queues"]
    t.equal((queues["value"], queues["source"], queues["detail"]),
            (1, "plugin-compat", "plugin virtio-blk, level 5.1"))
    t.equal(queues["rows"], [{"level": "5.1", "value": 1}])


def different(a, b, path=""):
    if type(a) is not type(b) or not isinstance(a, (dict, list)):
        return [] if a == b else ["%s: %r, not %r" % (path, a, b)]
    if isinstance(a, list):
        a, b = dict(enumerate(a)), dict(enumerate(b))
    found = ["%s/%s: at one end alone" % (path, k) for k in set(a) ^ set(b)]
    return found + [line for k in a if k in b for line in different(a[k], b[k], "%s/%s" % (path, k))]


@gwttest.test("the same in each process, by option, by query-manifest and in a stream")
def agree(t):
    m = mover.Mover(t)
    fixed = ["-M", "virt", "-m", "16M", "-bios", m.image, *DEVICES]
    text, document = dump(t, *fixed)
    t.ok(dump(t, *fixed)[0] == text, "a second process writes something else")
    t.run(*fixed, "-dump-manifest", t.path("file"))
    with open(t.path("file"), "rb") as f:
        t.ok(f.read() == text, "the file is not what goes to standard output")
    vm = m.start(*DEVICES)

    def same(got, name):
        # What -serial connects is called otherwise.
        for document_of in (got, document):
            by_id(document_of)["uart0"].pop("backends", None)
        t.equal(different(got, document), [], "members that are different in " + name)
    m.lives(vm)
    same(vm.qmp.cmd("query-manifest"), "query-manifest while the guest runs")
    vm.qmp.cmd("state-save", file=t.path("saved"))
    m.finished(vm)
    with open(t.path("saved"), "rb") as f:
        stream = sr.read(f.read())
    same(stream.manifest, "what is saved")
    same(json.loads(tool(t, "manifest", t.path("saved"))), "godwit-stream")
    same(json.loads(tool(t, "json", t.path("saved")))["configuration"]["manifest"], "json")
    t.contains(tool(t, "show", t.path("saved")), "  manifest: ")
    tool(t, "verify", t.path("saved"))
    tool(t, "diff", t.path("saved"), t.path("saved"))
    vm.qmp.cmd("migrate", uri="file:" + t.path("sent"))
    m.finished(vm)
    with open(t.path("sent"), "rb") as f:
        same(sr.read(f.read()).manifest, "what is sent")


@gwttest.test("hundreds of CPUs are told by what they have different")
def many(t):
    out, m = dump(t, "-M", "virt", "-smp", "512")
    t.ok(len(json.dumps(m, separators=(",", ":"))) < 1 << 20, "%d bytes" % len(out))
    cpus = [d for d in m["devices"] if d["id"].startswith("cpu")]
    t.equal(len(cpus), 512)
    t.equal({d.get("like") for d in cpus[1:]}, {"cpu0"})
    t.equal(list(cpus[511]["properties"]), ["hart-id"])
    t.equal(cpus[511]["sections"][0]["instance"], 511)


@gwttest.test("devices that come and go while the machine runs")
def hotplug(t):
    vm = t.start("-M", "virt", "-S", "-nographic", "-device", "pcie-root-port,id=p,chassis=1",
                 qmp=True)
    vm.qmp.cmd("device_add", driver="virtio-rng-pci", id="r", bus="p", period=7)
    r = by_id(vm.qmp.cmd("query-manifest"))["r"]
    t.equal((r["origin"], r["properties"]["bus"]["value"]), ("hotplug", "p"))
    t.equal((r["properties"]["period"]["source"], r["properties"]["period"]["detail"]),
            ("device", "device_add virtio-rng-pci"))


@gwttest.test("with x-manifest off it is the same without it, and without the firmware's section")
def off(t):
    m = mover.Mover(t)
    vm = m.start("-S", *DEVICES)
    # Pieces of RAM would end where a window of the bandwidth does.
    m.set(vm, max_bandwidth=0)
    read = {}
    for name, state in (("on", True), ("off", False)):
        vm.qmp.cmd("migrate-set-capabilities",
                   capabilities=[{"capability": "x-manifest", "state": state}])
        vm.qmp.cmd("state-save", file=t.path(name))
        m.finished(vm)
        with open(t.path(name), "rb") as f:
            data = f.read()
        read[name] = data, sr.read(data)
    (with_it, told), (without, plain) = read["on"], read["off"]
    t.ok(plain.manifest is None and NAME not in without, "a manifest in a plain stream")
    # Header, machine type, and what stands behind the manifest: RAM, page by page; how many go in one
    # section is a matter of time.
    head = struct.pack(">IIBI", 0x5145564d, 3, 7, 8) + b"virt-1.0"
    t.equal(without[:len(head)], head, "the first bytes")
    at = with_it.index(NAME)
    t.equal(at, len(head), "place of the manifest")
    flags, size = struct.unpack_from(">II", with_it, at + len(NAME))
    t.equal(flags, 0)
    t.equal(with_it[at + len(NAME) + 8 + size], without[len(head)], "what comes next")
    t.equal(list(told.blocks), list(plain.blocks), "blocks of memory")
    for name, block in told.blocks.items():
        other = plain.blocks[name]
        t.ok((block.length, block.pages) == (other.length, other.pages), "%s is another" % name)
    # The firmware's own section goes with the manifest.
    t.equal([s for s in told.order if s != ("firmware", 0)], plain.order, "sections")
    t.ok(("firmware", 0) in told.sections, "no firmware in %s" % told.order)
    configuration, same = (dict(r.description.get("configuration")) for r in (told, plain))
    t.equal(json.dumps(configuration.pop("subsections")),
            json.dumps([[["vmsd_name", "configuration/manifest"], ["version", 1], ["fields", [
                [["name", "flags"], ["type", "uint32"], ["size", 4]],
                [["name", "size"], ["type", "uint32"], ["size", 4]],
                [["name", "manifest"], ["type", "buffer"], ["size", size]]]]]]))
    t.equal(configuration, same, "the configuration")
    t.ok([d for d in told.description.get("devices") if d.get("name") != "firmware"]
         == plain.description.get("devices"), "the description differs")
    t.contains(tool(t, "manifest", t.path("off"), status=1),
               "godwit-stream: manifest: %s: it carries no manifest: its sender was another emulator, an "
               "older release, or had capability x-manifest off" % t.path("off"))
    t.equal(tool_diff(t, t.path("on"), t.path("off"))[:1], ["manifest: in the first alone"])


def tool_diff(t, a, b):
    p = subprocess.run([gwttest.GODWIT_STREAM, "diff", a, b], capture_output=True, check=False,
                       timeout=120 * gwttest.SCALE)
    t.equal(p.returncode, 1, "exit status; %s" % p.stderr)
    return p.stdout.decode().splitlines()


@gwttest.test("two manifests: diff tells by member what the guest can see")
def differ(t):
    m = mover.Mover(t)
    for name, args in (("a", []), ("b", ["-cpu", "rv64,zbb=off", "-uuid",
                                         "00112233-4455-6677-8899-aabbccddeeff"])):
        vm = m.start("-S", *args)
        vm.qmp.cmd("state-save", file=t.path(name))
        m.finished(vm)
    lines = [line for line in tool_diff(t, t.path("a"), t.path("b")) if line.startswith("manifest")]
    t.equal(lines, ["manifest /machine/uuid: in the second alone",
                    "manifest /devices/cpu0/properties/zbb/value: true | false"])


def saved(t):
    """A guest in a file, its bytes, and how a process is started from a changed copy."""
    m = mover.Mover(t)
    vm = m.start("-S")
    vm.qmp.cmd("state-save", file=t.path("saved"))
    m.finished(vm)
    with open(t.path("saved"), "rb") as f:
        return m, f.read()


@gwttest.test("a sender is held to what its manifest says")
def lies(t):
    m, data = saved(t)
    at = data.index(NAME)
    flags, size = struct.unpack_from(">II", data, at + len(NAME))
    begin = at + len(NAME) + 8
    document = data[begin:begin + size]

    def refused(text, verdict, *, document=document, flags=flags, length=None, twice=False):
        piece = NAME + struct.pack(">II", flags, len(document) if length is None else length) + document
        with open(t.path("lie"), "wb") as f:
            f.write(data[:at] + piece * (2 if twice else 1) + data[begin + size:])
        t.error(text, "-M", "virt", "-m", "16M", "-bios", m.image, "-nographic", "-global",
                "migration.x-preflight=off", "-incoming", "file:" + t.path("lie"))
        if verdict:
            t.contains(tool(t, "verify", t.path("lie"), status=1), verdict)

    def changed(old, new):
        t.equal(document.count(old), 1, "how often there is %r" % old)
        return document.replace(old, new)
    refused("section 'serial' 0: version 3 comes, and the sender's manifest says 2; the sender contradicts "
            "itself", "section 'serial': version 3, and the manifest says 2",
            document=without_layouts(document, "serial", 2))
    refused("section 'serial' 0: it comes, and the sender's manifest does not name it; the sender "
            "contradicts itself", "section 'serial': the manifest does not name it",
            document=without_section(document, "serial"))
    refused("subsection 'configuration/manifest': it comes twice", "the manifest comes twice", twice=True)
    refused("subsection 'configuration/manifest': flags 0x4 are not known here; the sender is newer: turn "
            "its capability x-manifest off", "flags 0x4 of the manifest, which are not known", flags=4)
    refused("subsection 'configuration/manifest': the sender's manifest: /memory: \"16777216\" is a string; "
            "a whole number belongs here", "the manifest: /memory: \"16777216\" is a string",
            document=changed(b'"memory":16777216', b'"memory":"16777216"'))
    refused("subsection 'configuration/manifest': the sender's manifest: /machine/type: 'virt-7.0', and "
            "the machine type before it is 'virt-1.0'; the sender contradicts itself",
            "the manifest is of machine type 'virt-7.0', the configuration of 'virt-1.0'",
            document=document.replace(b'"virt-1.0"', b'"virt-7.0"'))
    refused("file:%s: it holds no guest, only the question whether one could be here; name what 'migrate' "
            "or 'state-save' has written" % t.path("lie"), None, flags=1)
    refused("subsection 'configuration/manifest': 4194305 bytes; it can have 4194304",
            "a manifest of 4194305 bytes; it can have 4194304", length=(4 << 20) + 1)


@gwttest.test("a sender is held to what its manifest says of subsections, of what always comes, and of RAM")
def lies_within(t):
    m, data = saved(t)
    at = data.index(NAME) + len(NAME)
    flags, size = struct.unpack_from(">II", data, at)
    document, rest = data[at + 8:at + 8 + size], data[at + 8 + size:]
    stream = sr.read(data)
    sub = next(s.subsections[0] for s in stream.sections.values() if s.subsections)

    def refused(text, document=document, rest=rest):
        with open(t.path("lie"), "wb") as f:
            f.write(data[:at] + struct.pack(">II", flags, len(document)) + document + rest)
        t.error(text, "-M", "virt", "-m", "16M", "-bios", m.image, "-nographic", "-global",
                "migration.x-preflight=off", "-incoming", "file:" + t.path("lie"))

    def sections(change):
        def all_of(of):
            for section in of.get("sections", []):
                change(section)
        return edit(document, all_of)

    def subsection(**members):
        def change(section):
            for s in section.get("subsections", []):
                if s["name"] == sub:
                    s.update(members)
        return sections(change)

    for text, changed in (
            ("does not name it; the sender contradicts itself", subsection(name=sub + "-")),
            ("says that it cannot (it hangs on ", subsection(**{"may-come": False}))):
        refused("subsection '%s': it comes, and the sender's manifest %s" % (sub, text), changed)
    refused("subsection '%s': version 1 comes, and the sender's manifest says 7; the sender contradicts "
            "itself" % sub, subsection(version=7, minimum=7, layouts={"7": "a"}))

    # One that could do without here.
    begin, end = stream.sections["firmware", 0].offset, stream.sections["firmware", 0].end
    begin, end = begin - (at + 8 + size), end - (at + 8 + size)
    less = rest[:begin] + rest[end + 5:]  # with its footer
    refused("section 'firmware' is missing, and the sender's manifest says that it comes always; the "
            "sender contradicts itself",
            sections(lambda s: s["name"] == "firmware" and s.update(optional=False)), less)

    def blocks(change):
        root = json.loads(document)
        change(root["blocks"])
        return json.dumps(root).encode()

    flash = next(i for i, b in enumerate(json.loads(document)["blocks"]) if b["name"] == "virt.flash1")
    refused("RAM block 'virt.flash1': 33554432 bytes come, and the sender's manifest says 4096; the "
            "sender contradicts itself", blocks(lambda b: b[flash].update(size=4096)))
    refused("RAM block 'virt.flash1': it comes, and the sender's manifest does not name it; the "
            "sender contradicts itself", blocks(lambda b: b.pop(flash)))
    total = sum(b.length for b in stream.blocks.values())
    one = b"\x0bvirt.flash1" + struct.pack(">Q", 32 << 20)
    t.equal(rest.count(one), 1)
    less = rest.replace(struct.pack(">Q", total | 4), struct.pack(">Q", total - (32 << 20) | 4), 1)
    refused("RAM block 'virt.flash1': the sender's manifest names it, and it does not come; the sender "
            "contradicts itself", rest=less.replace(one, b""))


@gwttest.test("content that is not of the layout that the manifest names")
def layouts(t):
    m, data = saved(t)
    serial = sr.read(data).sections["serial", 0]
    longer = data[:serial.payload] + b"\0" + data[serial.payload:]
    begin = data.index(NAME) + len(NAME) + 8
    document = data[begin:begin + int.from_bytes(data[begin - 4:begin], "big")]
    at = document.index(b'"3":"', document.index(b'"name":"serial"')) + 5
    other = bytearray(longer)
    other[begin + at] ^= 1 if other[begin + at] != ord("9") else 3
    for stream, text in (
            (longer, "that its layout is that of this end: the sender contradicts itself)"),
            (bytes(other), "that its layout is another one than here)")):
        with open(t.path("lie"), "wb") as f:
            f.write(stream)
        t.error(text, "-M", "virt", "-m", "16M", "-bios", m.image, "-nographic", "-global",
                "migration.x-preflight=off", "-incoming", "file:" + t.path("lie"))


def edit(document, function):
    root = json.loads(document)
    for owner in root["devices"] + [root]:
        function(owner)
    return json.dumps(root).encode()


def without_section(document, name):
    def take(owner):
        owner["sections"] = [s for s in owner.get("sections", []) if s["name"] != name]
    return edit(document, take)


def without_layouts(document, name, version):
    def change(owner):
        for s in owner.get("sections", []):
            if s["name"] == name:
                s.pop("layouts", None)
                s.update(version=version, minimum=version)
    return edit(document, change)


@gwttest.test("state-load holds the file's manifest against the machine that runs")
def state_load(t):
    m = mover.Mover(t)
    a = m.start("-device", "virtio-rng-pci,id=r,period=7")
    m.lives(a)
    a.qmp.cmd("state-save", file=t.path("saved"))
    m.finished(a)
    cases = [
        (["-device", "virtio-rng-pci,id=r,period=8"], ["device 'r': property 'period': ", "7", "8"]),
        (["-device", "virtio-rng-pci,id=r"], [
            "device 'r': property 'period': ", "7", "65536",
            "; what is loaded here changes no device: start this end with that value, or with "
            "-incoming file:PATH"]),
        (["-cpu", "rv64,zbb=off", "-device", "virtio-rng-pci,id=r,period=7"],
         ["device 'cpu0': property 'zbb': "]),
        ([], ["device 'r'"]),
    ]
    for args, texts in cases:
        b = m.start(*args)
        m.lives(b)
        b.qmp.cmd("state-load", file=t.path("saved"))
        why = m.finished(b, "failed")["error-desc"]
        for text in texts:
            t.contains(why, text)
        m.lives(b)
    b = m.start("-device", "virtio-rng-pci,id=r,period=7")
    b.qmp.cmd("state-load", file=t.path("saved"))
    m.finished(b)
    m.lives(b)
    # Without a verdict the load itself has the last word: this is no part of the device's state.
    b = m.start("-device", "virtio-rng-pci,id=r,period=8", "-global", "migration.x-preflight=off")
    b.qmp.cmd("state-load", file=t.path("saved"))
    m.finished(b)
    m.lives(b)


@gwttest.test("state-load: what the saved guest's user had chosen goes on from there")
def state_load_carries(t):
    m = mover.Mover(t)

    def machine(folder, period):
        os.mkdir(t.path(folder))
        path = os.path.join(t.path(folder), "t-1.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"godwit-machine": 1, "name": "t-1", "doc": "a type", "newer": "virt-1.0",
                       "overrides": [{"type": "virtio-rng-pci", "property": "period",
                                      "value": period}]}, f)
        return path

    seven, nine = machine("seven", 7), machine("nine", 9)
    rng = ["-device", "virtio-rng-pci,id=r"]
    a = m.start("-device", "virtio-rng-pci,id=r,period=7", machine=nine)
    m.lives(a)
    a.qmp.cmd("state-save", file=t.path("saved"))
    m.finished(a)
    b = m.start(*rng, machine=seven)
    m.lives(b)
    b.qmp.cmd("state-load", file=t.path("saved"))
    m.finished(b)
    m.lives(b)
    got = b.qmp.cmd("query-manifest")
    t.equal(len(got["hops"]), 2)
    period = next(d for d in got["devices"] if d["id"] == "r")["properties"]["period"]
    t.equal([period[k] for k in ("value", "source", "hop")], [7, "incoming", 0])
    t.contains(period["detail"], "hop 1 of the guest: -device virtio-rng-pci")
    c = m.start(*rng, machine=nine, incoming="unix:" + m.socket())
    b.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.finished(b)
    m.wait(c, "completed")
    m.lives(c)
    t.equal(c.qmp.cmd("qom-get", path="r", property="period"), 7)
    # Back in the process that saved it the value is its own.
    a.qmp.cmd("state-load", file=t.path("saved"))
    m.finished(a)
    m.lives(a)
    device = next(d for d in a.qmp.cmd("query-manifest")["devices"] if d["id"] == "r")
    t.equal(device["properties"]["period"]["source"], "device")


@gwttest.test("hops: which process has set a value; the oldest that set none are forgotten in time")
def hops(t):
    m = mover.Mover(t)
    a = m.start("-device", "virtio-rng-pci,id=r,period=7")
    a.qmp.cmd("state-save", file=t.path("saved"))
    m.finished(a)
    with open(t.path("saved"), "rb") as f:
        data = f.read()
    begin = data.index(NAME) + len(NAME) + 8
    end = begin + int.from_bytes(data[begin - 4:begin], "big")
    document = json.loads(data[begin:end])

    def arrived(hop, count):
        """Sent by the last of COUNT processes, of which HOP had set the period."""
        document["hops"] = [{"program": "p%d" % i, "machine": "virt-1.0"} for i in range(count)]
        for device in document["devices"]:
            for name, p in device["properties"].items():
                p["hop"] = count - 1
                if (device["id"], name) == ("r", "period"):
                    p.update(source="incoming", hop=hop)
        text = json.dumps(document).encode()
        with open(t.path("sent"), "wb") as f:
            f.write(data[:begin - 4] + struct.pack(">I", len(text)) + text + data[end:])
        vm = m.start("-device", "virtio-rng-pci,id=r", incoming="file:" + t.path("sent"))
        m.wait(vm, "completed")
        m.lives(vm)
        got = vm.qmp.cmd("query-manifest")
        period = by_id(got)["r"]["properties"]["period"]
        t.equal((period["value"], period["source"]), (7, "incoming"))
        return period["hop"], [h["program"] for h in got["hops"]], got["program"]
    at, chain, here = arrived(1, 3)
    t.equal((at, chain), (1, ["p0", "p1", "p2", here]))
    at, chain, here = arrived(5, 1024)
    t.equal((chain[at], len(chain)), ("p5", 512))
    t.equal(chain[-2:], ["p1023", here])
    t.equal(chain[0], "p5")


@gwttest.test("options: a bad file, a file that is not to be made, capabilities and parameters at launch")
def options(t):
    t.error("-dump-manifest: '%s': cannot be written: Is a directory; name another file" % t.tmp,
            "-M", "virt", "-dump-manifest", t.tmp)
    t.error("-device", "-M", "virt", "-device", "none-such", "-dump-manifest", t.path("x"))
    t.ok(not os.path.exists(t.path("x")), "a file is left behind")
    t.error("-global migration.x-manifst=off: migrations have no capability and no parameter "
            "'x-manifst'; did you mean 'x-manifest'?", "-M", "virt", "-global", "migration.x-manifst=off")
    t.error("-global migration.x-manifest=perhaps: 'perhaps' is neither 'on' nor 'off'; use one of them",
            "-M", "virt", "-global", "migration.x-manifest=perhaps")
    vm = t.start("-M", "virt", "-S", "-nographic", "-global", "migration.x-manifest=off",
                 "-global", "driver=migration,property=downtime-limit,value=77", qmp=True)
    on = [c["capability"] for c in vm.qmp.cmd("query-migrate-capabilities") if c["state"]]
    t.equal(on, ["x-preflight"])
    t.equal(vm.qmp.cmd("query-migrate-parameters")["downtime-limit"], 77)


gwttest.main()
