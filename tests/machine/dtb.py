# SPDX-License-Identifier: BSD-2-Clause
"""The guest's device tree: facts of the board, what options change, and against QEMU's `virt`.

Every difference from the reference's tree has to be named here with its reason; one that is not
named fails."""

import os
import shutil
import struct
import subprocess

import gwttest

QEMU = os.environ.get("QEMU_RISCV64") or shutil.which("qemu-system-riscv64") or "no"


def parse(blob):
    """{path: {property: bytes}} of a flattened tree (Devicetree Specification, chapter 5)."""
    magic, total, structs, strings = struct.unpack_from(">4I", blob)
    assert magic == 0xd00dfeed and total <= len(blob), "not a device tree blob"
    tree, path, at = {}, [], structs
    while True:
        token, = struct.unpack_from(">I", blob, at)
        at += 4
        if token == 1:
            end = blob.index(b"\0", at)
            path.append(blob[at:end].decode())
            at = (end + 4) & ~3
            assert name(path) not in tree, "node %s is there twice" % name(path)
            tree[name(path)] = {}
        elif token == 2:
            path.pop()
        elif token == 3:
            size, offset = struct.unpack_from(">2I", blob, at)
            text = blob[strings + offset:blob.index(b"\0", strings + offset)].decode()
            tree[name(path)][text] = blob[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        elif token == 9:
            return tree
        else:
            assert token == 4, "token %d" % token


def name(path):
    return "/" + "/".join(path[1:])


def cells(value):
    return list(struct.unpack(">%dI" % (len(value) // 4), value))


def texts(value):
    return value.decode().rstrip("\0").split("\0")


def dump(t, *args, machine="virt"):
    path = t.path("out.dtb")
    t.run("-M", machine, "-bios", "none", "-S", "-dumpdtb", path, *args)
    with open(path, "rb") as f:
        blob = f.read()
    os.unlink(path)
    return parse(blob)


def by_phandle(tree):
    found = {}
    for path, props in tree.items():
        if "phandle" in props:
            handle = cells(props["phandle"])[0]
            assert handle not in found, "phandle %d is there twice" % handle
            found[handle] = path
    return found


@gwttest.test("the board's facts")
def facts(t):
    tree = dump(t, "-smp", "2", "-m", "512M")
    nodes = by_phandle(tree)
    t.equal(texts(tree["/"]["compatible"]), ["riscv-virtio"], "compatible")
    t.equal(cells(tree["/memory@80000000"]["reg"]), [0, 0x80000000, 0, 0x20000000], "memory")
    t.equal(cells(tree["/cpus"]["timebase-frequency"]), [10000000], "timebase")
    t.equal(texts(tree["/chosen"]["stdout-path"]), ["/soc/serial@10000000"], "stdout-path")
    t.equal(len(tree["/chosen"]["rng-seed"]), 32, "size of rng-seed")
    t.ok("bootargs" not in tree["/chosen"], "bootargs without -append")
    t.ok("linux,initrd-start" not in tree["/chosen"], "initrd without -initrd")
    for n in range(2):
        cpu = tree["/cpus/cpu@%d" % n]
        t.equal(cells(cpu["reg"]), [n], "hart")
        t.equal(texts(cpu["device_type"]), ["cpu"], "device_type")
        t.equal(texts(cpu["mmu-type"]), ["riscv,sv57"], "mmu-type")
        t.ok(texts(cpu["riscv,isa"])[0].startswith("rv64imafdc"), "riscv,isa")
        t.equal(texts(cpu["riscv,isa-base"]), ["rv64i"], "isa-base")
        for letter in "i m a f d c zicsr zifencei zba zbb zbs sstc".split():
            t.ok(letter in texts(cpu["riscv,isa-extensions"]), "extension " + letter)
        core = tree["/cpus/cpu-map/cluster0/core%d" % n]
        t.equal(nodes[cells(core["cpu"])[0]], "/cpus/cpu@%d" % n, "cpu-map")
    regs = {"/soc/test@100000": [0, 0x100000, 0, 0x1000],
            "/soc/rtc@101000": [0, 0x101000, 0, 0x1000],
            "/soc/clint@2000000": [0, 0x2000000, 0, 0x10000],
            "/soc/plic@c000000": [0, 0xc000000, 0, 0x600000],
            "/soc/serial@10000000": [0, 0x10000000, 0, 0x100],
            "/fw-cfg@10100000": [0, 0x10100000, 0, 0x18],
            "/flash@20000000": [0, 0x20000000, 0, 0x2000000, 0, 0x22000000, 0, 0x2000000]}
    for path, reg in regs.items():
        t.equal(cells(tree[path]["reg"]), reg, path)
    for path, line in (("/soc/serial@10000000", 10), ("/soc/rtc@101000", 11)):
        t.equal(cells(tree[path]["interrupts"]), [line], path)
        t.equal(nodes[cells(tree[path]["interrupt-parent"])[0]], "/soc/plic@c000000", path)
    for n in range(8):
        path = "/soc/virtio_mmio@%x" % (0x10001000 + n * 0x1000)
        t.equal(cells(tree[path]["reg"]), [0, 0x10001000 + n * 0x1000, 0, 0x1000], path)
        t.equal(cells(tree[path]["interrupts"]), [n + 1], path)
        t.equal(texts(tree[path]["compatible"]), ["virtio,mmio"], path)
    for path, lines in (("/soc/plic@c000000", (11, 9)), ("/soc/clint@2000000", (3, 7))):
        got = cells(tree[path]["interrupts-extended"])
        wanted = [("/cpus/cpu@%d/interrupt-controller" % n, line)
                  for n in range(2) for line in lines]
        t.equal([(nodes[got[i]], got[i + 1]) for i in range(0, len(got), 2)], wanted, path)
    t.equal(cells(tree["/soc/plic@c000000"]["riscv,ndev"]), [95], "ndev")
    t.equal(cells(tree["/soc/serial@10000000"]["clock-frequency"]), [3686400], "clock")
    pci = tree["/soc/pci@30000000"]
    t.equal(cells(pci["reg"]), [0, 0x30000000, 0, 0x10000000], "ECAM")
    t.equal(interrupt_map(tree, pci["interrupt-map"]),
            [([slot << 11, 0, 0, pin], "/soc/plic@c000000", [32 + (slot + pin - 1) % 4])
             for slot in range(4) for pin in range(1, 5)], "interrupt-map")
    t.ok("interrupts" not in pci and "interrupt-parent" not in pci, "lines of the bridge itself")
    for path, value in (("/poweroff", 0x5555), ("/reboot", 0x7777)):
        t.equal(nodes[cells(tree[path]["regmap"])[0]], "/soc/test@100000", path)
        t.equal(cells(tree[path]["value"]), [value], path)


@gwttest.test("the facts of the board with APLIC and IMSIC")
def aia_facts(t):
    tree = dump(t, "-smp", "3", machine="virt-aia")
    nodes = by_phandle(tree)
    names = {"m": "/soc/interrupt-controller@c000000", "s": "/soc/interrupt-controller@d000000",
             "im": "/soc/interrupt-controller@24000000", "is": "/soc/interrupt-controller@28000000"}
    t.ok("/soc/plic@c000000" not in tree, "a PLIC")
    for n in range(3):
        for letter in ("smaia", "ssaia"):
            t.ok(letter in texts(tree["/cpus/cpu@%d" % n]["riscv,isa-extensions"]), letter)
        t.ok("_smaia_ssaia_sstc_" in texts(tree["/cpus/cpu@%d" % n]["riscv,isa"])[0], "riscv,isa")
    for name, base, line in (("im", 0x24000000, 11), ("is", 0x28000000, 9)):
        node = tree[names[name]]
        t.equal(texts(node["compatible"])[-1], "riscv,imsics", name)
        t.equal(cells(node["reg"]), [0, base, 0, 0x3000], name)
        t.equal(cells(node["riscv,num-ids"]), [255], name)
        t.equal(cells(node["#interrupt-cells"]) + cells(node["#msi-cells"]), [0, 0], name)
        t.ok("msi-controller" in node and "interrupt-controller" in node, name)
        got = cells(node["interrupts-extended"])
        t.equal([(nodes[got[i]], got[i + 1]) for i in range(0, len(got), 2)],
                [("/cpus/cpu@%d/interrupt-controller" % n, line) for n in range(3)], name)
    for name, base, parent in (("m", 0xc000000, "im"), ("s", 0xd000000, "is")):
        node = tree[names[name]]
        t.equal(texts(node["compatible"])[-1], "riscv,aplic", name)
        t.equal(cells(node["reg"]), [0, base, 0, 0x8000], name)
        t.equal(cells(node["riscv,num-sources"]), [96], name)
        t.equal(cells(node["#interrupt-cells"]) + cells(node["#address-cells"]), [2, 0], name)
        t.equal(nodes[cells(node["msi-parent"])[0]], names[parent], name)
        t.ok("interrupts-extended" not in node and "interrupts" not in node, name)
    root = tree[names["m"]]
    t.equal(nodes[cells(root["riscv,children"])[0]], names["s"], "children")
    for prop in ("riscv,delegation", "riscv,delegate"):
        t.equal((nodes[cells(root[prop])[0]], cells(root[prop])[1:]), (names["s"], [1, 96]), prop)
    for path, line in (("/soc/serial@10000000", 10), ("/soc/virtio_mmio@10008000", 8)):
        t.equal(cells(tree[path]["interrupts"]), [line, 4], path)
        t.equal(nodes[cells(tree[path]["interrupt-parent"])[0]], names["s"], path)
    pci = tree["/soc/pci@30000000"]
    t.equal(nodes[cells(pci["msi-parent"])[0]], names["is"], "msi-parent")
    t.equal(interrupt_map(tree, pci["interrupt-map"]),
            [([slot << 11, 0, 0, pin], names["s"], [32 + (slot + pin - 1) % 4, 4])
             for slot in range(4) for pin in range(1, 5)], "interrupt-map")


@gwttest.test("options reach the tree")
def options(t):
    kernel, initrd = t.path("kernel"), t.path("initrd")
    with open(kernel, "wb") as f:
        f.write(b"\x13\0\0\0" * 1024)
    with open(initrd, "wb") as f:
        f.write(b"x" * 70001)
    tree = dump(t, "-kernel", kernel, "-initrd", initrd, "-append", "a=b c", "-m", "64M",
                "-cpu", "rv64,zbb=off,mmu=sv39", "-smp", "8,sockets=2,cores=2,threads=2")
    t.equal(texts(tree["/chosen"]["bootargs"]), ["a=b c"], "bootargs")
    start, = struct.unpack(">Q", tree["/chosen"]["linux,initrd-start"])
    end, = struct.unpack(">Q", tree["/chosen"]["linux,initrd-end"])
    t.equal(end - start, 70001, "size of the initrd")
    t.ok(0x80001000 <= start and end <= 0x84000000 - 0x200000, "initrd at 0x%x" % start)
    t.equal(texts(tree["/cpus/cpu@5"]["mmu-type"]), ["riscv,sv39"], "mmu-type")
    t.ok("zbb" not in texts(tree["/cpus/cpu@5"]["riscv,isa-extensions"]), "zbb=off")
    nodes = by_phandle(tree)
    t.equal(nodes[cells(tree["/cpus/cpu-map/socket1/cluster0/core0/thread1"]["cpu"])[0]],
            "/cpus/cpu@5", "thread 1 of core 0 of socket 1")
    first, second = (dump(t)["/chosen"]["rng-seed"] for _ in range(2))
    t.ok(first != second, "the seed is the same twice")


@gwttest.test("-dtb takes the place of the machine's own, and is given bootargs and initrd")
def given(t):
    mine, kernel = t.path("mine.dtb"), t.path("kernel")
    with open(kernel, "wb") as f:
        f.write(b"\x13\0\0\0")
    t.run("-M", "virt", "-bios", "none", "-S", "-m", "64M", "-dumpdtb", mine)
    before = parse(open(mine, "rb").read())
    after = dump(t, "-dtb", mine, "-kernel", kernel, "-append", "hello", "-m", "1G")
    t.equal(texts(after["/chosen"].pop("bootargs")), ["hello"], "bootargs")
    t.equal(after, before, "tree")


@gwttest.test("a damaged -dtb is refused, whatever is damaged")
def damaged(t):
    mine, cut = t.path("mine.dtb"), t.path("cut.dtb")
    t.run("-M", "virt", "-bios", "none", "-S", "-dumpdtb", mine)
    blob = open(mine, "rb").read()
    for size in (0, 3, 4, 39, 40, 41, len(blob) // 2, len(blob) - 1):
        with open(cut, "wb") as f:
            f.write(blob[:size])
        t.error("godwit: -dtb: '%s': is no sound device tree blob" % cut,
                "-M", "virt", "-bios", "none", "-S", "-dtb", cut, "-dumpdtb", t.path("x"))
    for at in range(4, 40):
        with open(cut, "wb") as f:
            f.write(blob[:at] + b"\xff" + blob[at + 1:])
        run = t.start_program(gwttest.GODWIT, "-M", "virt", "-bios", "none", "-S", "-dtb", cut,
                              "-dumpdtb", t.path("x"))
        status = run.wait()
        t.ok(status in (0, 1), "byte %d set to ff: status %s" % (at, status))


@gwttest.test("the window of 64-bit BARs lies above RAM, however much there is")
def window(t):
    for memory, base in (("128M", 0x400000000), ("14G", 0x400000000), ("15G", 0x800000000),
                         ("30G", 0x800000000), ("31G", 0xc00000000)):
        try:
            ranges = cells(dump(t, "-m", memory)["/soc/pci@30000000"]["ranges"])
        except gwttest.Failure as failure:
            # Nothing touches that memory, but a host may refuse to promise it.
            if "the host has no room" not in str(failure):
                raise
            print("# -m %s: the host has no room" % memory)
            continue
        t.equal(ranges[14:], [0x3000000, base >> 32, base & 0xffffffff, base >> 32,
                              base & 0xffffffff, 4, 0], "-m " + memory)


# ---- against the reference --------------------------------------------------------------------

# Nodes that only the reference has, by prefix.
ONLY_THERE = {
    "/pmu": "no Sscofpmf: there are no counter interrupts to describe",
    "/platform-bus@4000000": "devices of -device stand in /soc themselves",
}
# (path, property) -> reason.
DIFFERENT = {
    ("/", "model"): "our own name",
    ("/chosen", "rng-seed"): "random",
    ("/cpus/cpu@", "riscv,isa"): "other extensions, and no hypervisor extension",
    ("/cpus/cpu@", "mmu-type"): "Sv57 is the default here, Sv48 there",
    ("/cpus/cpu@", "riscv,isa-base"): "newer binding beside riscv,isa",
    ("/cpus/cpu@", "riscv,isa-extensions"): "newer binding beside riscv,isa",
    ("/cpus/cpu@", "riscv,cbom-block-size"): "Zicbom is on here",
    ("/cpus/cpu@", "riscv,cbop-block-size"): "Zicbop is on here",
    ("/cpus/cpu@", "riscv,cboz-block-size"): "Zicboz is on here",
    ("/soc/plic@c000000", "riscv,ndev"): "96 counts the source that does not exist; 95 later",
    ("/soc/interrupt-controller@", "compatible"): "a name of its own first, as later releases write",
    ("/soc/interrupt-controller@", "#msi-cells"): "newer binding",
    ("/soc/interrupt-controller@", "#address-cells"): "newer binding",
    ("/soc/interrupt-controller@", "riscv,ipi-id"): "not in the binding, gone in later releases",
    ("/soc/interrupt-controller@", "riscv,delegation"): "newer binding, beside riscv,delegate",
}
# Names that later releases gave to nodes.
RENAMED = {
    "/soc/imsics@": "/soc/interrupt-controller@",
    "/soc/aplic@": "/soc/interrupt-controller@",
}


def explained(table, path, prop=None):
    for key in table:
        prefix, wanted = (key, None) if prop is None else key
        if wanted == prop and (path == prefix or prefix.endswith("@") and path.startswith(prefix)):
            return True
    return False


def normal(tree):
    """Phandles as the paths that they stand for: their numbers mean nothing."""
    nodes = by_phandle(tree)
    result = {}
    for path, props in tree.items():
        out = dict(props)
        out.pop("phandle", None)
        for prop in ("interrupt-parent", "regmap", "cpu", "msi-parent", "riscv,children"):
            if prop in out:
                out[prop] = nodes[cells(out[prop])[0]]
        for prop in ("riscv,delegation", "riscv,delegate"):
            if prop in out:
                out[prop] = (nodes[cells(out[prop])[0]], cells(out[prop])[1:])
        if "interrupts-extended" in out:
            got = cells(out["interrupts-extended"])
            out["interrupts-extended"] = [(nodes[got[i]], got[i + 1])
                                          for i in range(0, len(got), 2)]
        if "interrupt-map" in out:
            out["interrupt-map"] = interrupt_map(tree, out["interrupt-map"])
        result[path] = out
    return result


def interrupt_map(tree, value):
    """[(child's address and pin, controller, specifier)]"""
    nodes, got, entries = by_phandle(tree), cells(value), []
    while got:
        controller = nodes[got[4]]
        # Its #address-cells are none, said or not.
        size = cells(tree[controller]["#interrupt-cells"])[0]
        entries.append((got[:4], controller, got[5:5 + size]))
        got = got[5 + size:]
    return entries


def renamed(tree):
    result = {}
    for path, props in tree.items():
        for old, new in RENAMED.items():
            path = path.replace(old, new)
        result[path] = props
    return result


def compare(ours, theirs):
    for path in sorted(set(ours) | set(theirs)):
        if path not in ours:
            if not any(path.startswith(p) for p in ONLY_THERE):
                yield "node %s is missing" % path
        elif path not in theirs:
            yield "node %s is ours alone" % path
        else:
            for prop in sorted(set(ours[path]) | set(theirs[path])):
                a, b = ours[path].get(prop), theirs[path].get(prop)
                if a != b and not explained(DIFFERENT, path, prop):
                    yield "%s: %s: %r here, %r there" % (path, prop, a, b)


@gwttest.test("the reference's tree, but for what is explained",
              skip=None if QEMU != "no" else "qemu-system-riscv64 is not installed")
def reference(t):
    path = t.path("qemu.dtb")
    version = subprocess.run([QEMU, "--version"], capture_output=True, text=True).stdout.split()[3]
    if not version.startswith("7.2"):
        t.skip("the differences are those from QEMU 7.2, this is " + version)
    for harts, machine, option in (("1", "virt", ""), ("4", "virt", ""),
                                   ("3", "virt-aia", "aia=aplic-imsic,")):
        args = ["-smp", harts, "-m", "512M"]
        subprocess.run([QEMU, "-M", "virt,%sdumpdtb=%s" % (option, path), "-display", "none", *args],
                       check=True, capture_output=True)
        with open(path, "rb") as f:
            theirs = normal(renamed(parse(f.read())))
        ours = normal(dump(t, *args, machine=machine))
        t.equal(list(compare(ours, theirs)), [], "differences")
        # The comparison can fail: a changed value, a node more, a node less.
        ours["/soc/serial@10000000"]["reg"] = b""
        ours["/extra"] = ours.pop("/soc/rtc@101000")
        t.equal(len(list(compare(ours, theirs))), 3, "differences of a damaged tree")


gwttest.main()
