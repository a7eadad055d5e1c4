# SPDX-License-Identifier: BSD-2-Clause
"""Who has the last word on a property: type, plugin, machine types, board, -global, -device."""

import json
import os
import subprocess

import gwttest

SOURCE = os.path.join(gwttest.SRCDIR, "examples", "example2", "example2.c")
ROWS = """
static const struct gwt_compat_row rows[] = {
  { "0.5", "example2", "frequency", "50" },
  { "1.0", "example2", "frequency", "100" },
  { "1.5", "example2", "frequency", "150" },
  { "1.5", "other", "frequency", "1" },
};
"""


def build(t, source, name, *flags):
    """A plugin, as its author would build it."""
    cc = os.environ.get("CC", "cc").split()
    if gwttest.SANITIZERS:
        cc.append("-fsanitize=address,undefined")
    out = t.path(name + ".so")
    subprocess.run([*cc, "-std=gnu11", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-Bsymbolic",
                    "-I" + os.path.join(gwttest.SRCDIR, "include"), *flags, "-o", out, source],
                   check=True)
    return out


def plugin(t):
    """example2 as version 2.0 with three changes of its default behind it."""
    with open(SOURCE) as f:
        text = f.read()
    text = text.replace('#define VERSION "1.0"', '#define VERSION "2.0"')
    text = text.replace("static const struct gwt_plugin ", ROWS + "static const struct gwt_plugin ")
    at = text.index("{", text.index("static const struct gwt_plugin ")) + 1
    text = (text[:at] + "\n  .compat = rows, .compat_row_size = sizeof rows[0], "
            ".n_compat = GWT_COUNT (rows)," + text[at:])
    with open(t.path("example2.c"), "w") as f:
        f.write(text)
    return build(t, t.path("example2.c"), "example2")


def machine(t, name, **members):
    os.makedirs(t.path("compat"), exist_ok=True)
    members = {"godwit-machine": 1, "name": name, "doc": "test", **members}
    if "newer" not in members:
        members.setdefault("board", "virt")
    with open(t.path("compat", name + ".json"), "w") as f:
        json.dump(members, f)


def override(value, kind="example2", prop="frequency"):
    return [{"type": kind, "property": prop, "value": value}]


def frequency(t, so, name, *args, device="example2,id=t"):
    vm = t.start("-plugin", so, "-compat-dir", t.path("compat"), "-M", name, "-bios", "none", "-S",
                 "-serial", "null", "-device", device, *args, qmp=True)
    value = vm.qmp.cmd("qom-get", path="/machine/t", property="frequency")
    vm.qmp.cmd("quit")
    vm.wait()
    return value


@gwttest.test("compat rows of the plugin, by the level that the machine type promises")
def levels(t):
    so = plugin(t)
    machine(t, "none")
    wanted = {"2.0": 1000000, "1.5.1": 1000000, "1.5": 150, "1.2": 150, "1.0": 100, "0.10": 100,
              "0.5": 50, "0.1": 50}
    t.equal(frequency(t, so, "none"), 1000000, "without a level")
    for level, value in wanted.items():
        machine(t, "m", levels={"example2": level, "*": "0.1"})
        t.equal(frequency(t, so, "m"), value, "level " + level)
    machine(t, "star", levels={"*": "0.1"})
    t.equal(frequency(t, so, "star"), 1000000, "a wildcard is for the plugins of this tree")
    # The nearest file of the chain counts, its wildcard too.
    machine(t, "new", levels={"example2": "1.5"})
    machine(t, "old", newer="new", levels={"example2": "0.5"})
    machine(t, "older", newer="old", levels={"*": "0.1"})
    t.equal(frequency(t, so, "new"), 150, "new")
    t.equal(frequency(t, so, "old"), 50, "old")
    t.equal(frequency(t, so, "older"), 50, "older")
    # What is said at the start counts over all files.
    t.equal(frequency(t, so, "older", "-plugin-level", "example2=1.0"), 100, "-plugin-level")
    t.equal(frequency(t, so, "none", "-plugin-level", "example2=0.5"), 50, "without a promise")
    t.equal(frequency(t, so, "older", "-plugin-level", "example2=2.0"), 1000000, "as it is")
    machine(t, "future", levels={"example2": "2.1"})
    t.error("$.levels.example2: level 2.1 is newer than plugin 'example2' 2.0 in " + so, "-plugin",
            so, "-compat-dir", t.path("compat"), "-M", "future", "-bios", "none", "-S")


@gwttest.test("a device's ancestors keep the promises of their own plugins")
def ancestors(t):
    source = os.path.join(gwttest.SRCDIR, "tests", "plugin", "victim.c")
    base = build(t, source, "base", '-DID="base"', '-DTYPE="base"', "-DFLAGS=GWT_TYPE_ABSTRACT")
    with open(source) as f:
        text = f.read()
    text = text.replace('"value", .def = 1', '"worth", .def = 1')
    text = text.replace('TYPE, "value", "3"', 'TYPE, "worth", "4"')
    with open(t.path("leaf.c"), "w") as f:
        f.write(text)
    leaf = build(t, t.path("leaf.c"), "leaf", '-DID="leaf"', '-DTYPE="leaf"', '-DPARENT="base"',
                 "-Wno-unused")
    machine(t, "none")
    machine(t, "both", levels={"base": "1.0", "leaf": "1.0"})
    machine(t, "one", levels={"base": "1.0"})

    def values(name, *args):
        vm = t.start("-plugin", base, "-plugin", leaf, "-compat-dir", t.path("compat"), "-M", name,
                     "-bios", "none", "-S", "-serial", "null", "-device", "leaf,id=t", *args,
                     qmp=True)
        got = [vm.qmp.cmd("qom-get", path="/machine/t", property=p) for p in ("value", "worth")]
        vm.qmp.cmd("quit")
        vm.wait()
        return got

    t.equal(values("none"), [1, 1], "no level")
    t.equal(values("one"), [3, 1], "of the parent's plugin")
    t.equal(values("both"), [3, 4], "of both")
    t.equal(values("both", "-plugin-level", "base=1.2"), [1, 4], "-plugin-level of the parent's")


@gwttest.test("an override for a parent type reaches all of its devices, those plugged later too")
def by_parent(t):
    machine(t, "all", overrides=override(False, "pci-device", "x-pcie-err-unc-mask"))
    vm = t.start("-compat-dir", t.path("compat"), "-M", "all", "-bios", "none", "-S",
                 "-serial", "null", "-device", "pcie-root-port,id=port,slot=1,chassis=1",
                 "-device", "virtio-rng-pci,id=cold", "-device", "virtio-rng-pci,id=said,"
                 "x-pcie-err-unc-mask=on", qmp=True)
    vm.qmp.cmd("device_add", driver="virtio-net-pci", id="hot", bus="port")
    for device, wanted in (("port", False), ("cold", False), ("hot", False), ("said", True)):
        t.equal(vm.qmp.cmd("qom-get", path="/machine/" + device, property="x-pcie-err-unc-mask"),
                wanted, device)
    vm.qmp.cmd("quit")
    vm.wait()


@gwttest.test("the order: plugin rows, machine types from the newest on, -global, -device")
def order(t):
    so = plugin(t)
    machine(t, "m3", levels={"example2": "1.0"}, overrides=override(3))
    machine(t, "m2", newer="m3", overrides=override(2))
    machine(t, "m1", newer="m2")
    t.equal(frequency(t, so, "m3"), 3, "machine type over plugin rows")
    t.equal(frequency(t, so, "m2"), 2, "older machine type over newer")
    t.equal(frequency(t, so, "m1"), 2, "inherited")
    t.equal(frequency(t, so, "m1", "-global", "example2.frequency=5"), 5, "-global")
    t.equal(frequency(t, so, "m1", "-global", "example2.frequency=5",
                      device="example2,id=t,frequency=6"), 6, "-device")


@gwttest.test("x-query-provenance: who had the last word, and who else had a say")
def provenance(t):
    so = plugin(t)
    machine(t, "m2", levels={"example2": "1.0"}, overrides=override(2))
    machine(t, "m1", newer="m2", overrides=override(1))
    vm = t.start("-plugin", so, "-compat-dir", t.path("compat"), "-M", "m1", "-bios", "none", "-S",
                 "-serial", "null", "-device", "example2,id=a,frequency=6", "-device",
                 "example2,id=b", "-global", "example2.frequency=5", qmp=True)
    low = [{"source": "default", "value": 1000000},
           {"source": "plugin-compat", "detail": "plugin example2, level 1.5", "value": 150},
           {"source": "plugin-compat", "detail": "plugin example2, level 1.0", "value": 100},
           {"source": "machine-type", "detail": "m2", "value": 2},
           {"source": "machine-type", "detail": "m1", "value": 1}]
    said = {"source": "global", "detail": "-global example2.frequency=5", "value": 5}
    t.equal(vm.qmp.cmd("x-query-provenance", path="/machine/a", property="frequency"),
            [{"property": "frequency", "value": 6, "source": "device",
              "detail": "-device example2", "overruled": low + [said]}])
    t.equal(vm.qmp.cmd("x-query-provenance", path="b", property="frequency"),
            [{"property": "frequency", **said, "overruled": low}])
    t.equal(vm.qmp.cmd("qom-get", path="b", property="frequency", **{"x-provenance": True}),
            {"property": "frequency", **said, "overruled": low})
    t.equal(vm.qmp.cmd("qom-get", path="b", property="frequency", **{"x-provenance": False}), 5)
    t.equal(t.raises("GenericError", vm.qmp.cmd, "qom-get", path="b", property="type",
                     **{"x-provenance": True}), "Property 'example2.type' not found")
    every = vm.qmp.cmd("x-query-provenance", path="/machine/uart0")
    t.equal([p["property"] for p in every],
            [p["name"] for p in vm.qmp.cmd("qom-list", path="/machine/uart0")][1:])
    t.equal([p["source"] for p in every if p["property"] == "chardev"], ["device"])
    for args, text in (({"path": "c"}, "Device 'c' not found"),
                       ({"path": "a", "property": "x"}, "Property 'example2.x' not found")):
        t.equal(vm.qmp.raw({"execute": "x-query-provenance", "arguments": args})["error"]["desc"],
                text)
    vm.qmp.cmd("quit")
    vm.wait()


def tool(*args):
    """What godwit-machine prints, or its error."""
    done = subprocess.run([os.path.join(gwttest.BUILDDIR, "godwit-machine"), *args],
                          capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        return done.stderr.rstrip("\n")
    return done.stdout


@gwttest.test("godwit-machine explain: the same without a machine that runs")
def explain(t):
    so = plugin(t)
    machine(t, "m2", levels={"example2": "1.0"}, overrides=override(2))
    machine(t, "m1", newer="m2")
    about = ["-plugin", so, "-compat-dir", t.path("compat"), "-M", "m1", "-smp", "2",
             "-device", "example2,id=a.b,frequency=6", "-device", "virtio-blk-pci,drive=d,id=disk",
             "-global", "example2.frequency=5"]
    t.equal(tool("explain", *about, "a.b.frequency"),
            "a.b (example2)\n"
            "  frequency = 6  (device: -device example2); over 1000000 (default), 150 "
            "(plugin-compat: plugin example2, level 1.5), 100 (plugin-compat: plugin example2, "
            "level 1.0), 2 (machine-type: m2), 5 (global: -global example2.frequency=5)\n")
    line = tool("explain", *about, "-plugin-level", "example2=1.5", "a.b").splitlines()[1]
    t.equal(line.count("plugin-compat"), 1, line)
    vm = t.start(*about, "-bios", "none", "-S", "-serial", "null", "-blockdev",
                 "driver=null-co,node-name=d,size=1M", qmp=True)
    told = json.loads(tool("explain", *about, "--json"))
    ids = [e["name"] for e in vm.qmp.cmd("qom-list", path="/machine")]
    t.equal([d["device"] for d in told], ids)
    for device in told:
        there = vm.qmp.cmd("x-query-provenance", path=device["device"])
        for mine, its in zip(device["properties"], there):
            # What -serial says is not said here; but what a device makes of a value is told apart.
            for one in (mine, its):
                if one["property"] == "chardev":
                    one.clear()
                elif "settled-by" in one:
                    t.equal(one.pop("settled-by"), device["type"])
                    one["value"] = one.pop("given")
            t.equal(mine, its, device["device"])
    t.equal(vm.qmp.cmd("x-query-provenance", path="disk", property="num-queues"),
            [{"property": "num-queues", "value": 2, "source": "default", "overruled": [],
              "settled-by": "virtio-blk-pci", "given": 65535}])
    vm.qmp.cmd("quit")
    vm.wait()
    where = "godwit-machine: explain: "
    t.equal(tool("explain", *about, "disc"),
            where + "'disc': the machine has no such device; did you mean 'disk'?")
    t.equal(tool("explain", *about, "a.b.frequncy"),
            where + "'a.b.frequncy': type 'example2' has no property 'frequncy'; did you mean "
            "'frequency'?")
    t.equal(tool("explain", "-M", "virt", "-kernel", "x"),
            where + "option '-kernel' says nothing about a machine's properties; try --help")
    t.equal(tool("explain", "-M", "virt", "-M", "virt"),
            where + "-M: 'virt': it is given twice; give it once")
    t.equal(tool("explain", "-M"), where + "option '-M' needs an argument behind it")


@gwttest.test("godwit-machine diff: what two machine types promise differently, and why")
def diff(t):
    so = plugin(t)
    machine(t, "new", levels={"example2": "2.0"})
    machine(t, "old", newer="new", levels={"example2": "1.0"}, deprecated="use new",
            defaults={"memory": "256M", "smp-fill": "sockets"},
            overrides=[{"type": "ns16550", "property": "reg-shift", "value": 2, "doc": "as was"}])
    machine(t, "aia", board="virt-aia")
    about = ["-plugin", so, "-compat-dir", t.path("compat")]
    out = tool("diff", *about, "new", "old")
    files = t.path("compat")
    t.equal(out, "machine type: new | old\n"
            "default of -m: 128M | 256M\n"
            "filling rule of -smp: cores | sockets\n"
            "deprecated: no | use new\n"
            "level of plugin example2: 2.0 (%s/new.json:1: $.levels.example2) | "
            "1.0 (%s/old.json:1: $.levels.example2)\n" % (files, files) +
            "type example2: frequency: 1000000 (default) | 100 (plugin-compat: plugin example2, "
            "level 1.0)\n"
            "type ns16550: reg-shift: 0 (default) | 2 (machine-type: old: as was)\n")
    t.equal(tool("diff", *about, "new", "new"), "machine type: new | new\nno difference\n")
    out = tool("diff", *about, "new", "aia")
    for line in ("device plic0: sifive-plic | (none)", "device imsic-s: (none) | riscv-imsic",
                 "device cpu0: ssaia: off (default) | on (board: board virt-aia)"):
        t.equal(out.splitlines().count(line), 1, line)
    t.equal("plic0: num-sources" in out, False, "properties of a device that one side has")
    t.contains(tool("diff", *about, "new", "nev"),
               "godwit-machine: diff: -M: machine 'nev': no such machine type in ")
    t.equal(tool("diff", "new"), "godwit-machine: diff: two machine types are compared, as they "
            "are; give two names or files, and -plugin, -plugin-dir, -machine-dir, -compat-dir "
            "alone")


def mmu(t, *args):
    out = t.path("out.dtb")
    t.run("-compat-dir", t.path("compat"), "-machine-dir", t.path("."), "-bios", "none", "-S",
          "-dumpdtb", out, *args)
    with open(out, "rb") as f:
        blob = f.read()
    at = blob.index(b"riscv,sv")
    return blob[at:blob.index(b"\0", at)].decode()


@gwttest.test("the order for CPUs: machine type, board, model, -global, -cpu")
def cpus(t):
    with open(os.path.join(gwttest.SRCDIR, "machines", "virt.json")) as f:
        board = json.load(f)
    board["name"] = "plain"
    board["cpus"]["models"].append({"name": "small", "doc": "x", "props": {"mmu": "sv39"}})
    with open(t.path("plain.json"), "w") as f:
        json.dump(board, f)
    board["name"], board["cpus"]["props"] = "strict", {"mmu": "sv48"}
    with open(t.path("strict.json"), "w") as f:
        json.dump(board, f)
    machine(t, "a", board="plain", overrides=override("sv39", "rv64-cpu", "mmu"))
    machine(t, "b", board="strict", overrides=override("sv39", "rv64-cpu", "mmu"))
    machine(t, "c", board="strict", defaults={"cpu": "small"})
    t.equal(mmu(t, "-M", "a"), "riscv,sv39", "machine type over type")
    t.equal(mmu(t, "-M", "b"), "riscv,sv48", "board over machine type")
    t.equal(mmu(t, "-M", "b", "-cpu", "small"), "riscv,sv39", "model over board")
    t.equal(mmu(t, "-M", "c"), "riscv,sv39", "the machine type's model")
    t.equal(mmu(t, "-M", "c", "-cpu", "rv64"), "riscv,sv48", "-cpu over the machine type's model")
    t.equal(mmu(t, "-M", "b", "-global", "rv64-cpu.mmu=sv57"), "riscv,sv57", "-global over board")
    t.equal(mmu(t, "-M", "b", "-global", "rv64-cpu.mmu=sv57", "-cpu", "rv64,mmu=sv39"),
            "riscv,sv39", "-cpu over -global")


@gwttest.test("values in a machine type's default CPU are its promise, not a user's word")
def default_cpu(t):
    machine(t, "d", defaults={"cpu": "rv64,mmu=sv39"})
    t.equal(mmu(t, "-M", "d"), "riscv,sv39")
    t.equal(mmu(t, "-M", "d", "-global", "rv64-cpu.mmu=sv48"), "riscv,sv48", "-global beats it")
    t.equal(mmu(t, "-M", "d", "-cpu", "rv64"), "riscv,sv57", "-cpu is in its place")
    for args, source, detail in (((), "board", "machine type d, defaults.cpu"),
                                 (("-cpu", "rv64,mmu=sv48"), "device", "-cpu rv64")):
        done = subprocess.run([gwttest.GODWIT, "-compat-dir", t.path("compat"), "-M", "d", *args, "-bios",
                               "none", "-serial", "null", "-dump-manifest", "-"],
                              capture_output=True, text=True, check=True, timeout=60)
        cpu = next(d for d in json.loads(done.stdout)["devices"] if d["id"] == "cpu0")
        t.equal(cpu["properties"]["mmu"]["source"], source)
        t.equal(cpu["properties"]["mmu"]["detail"], detail)


gwttest.main()
