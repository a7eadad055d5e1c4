#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""QMP about block back ends: what is told, added, removed, resized; and what is refused."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."), "tests"))
import gwttest  # noqa: E402

for plugin in ("virtio", "virtio-blk"):
    if plugin in os.environ.get("GODWIT_ABSENT_PLUGINS", "").split():
        gwttest.skip_all("the plugin %s is not built" % plugin)

STOPPED = ("-M", "virt", "-bios", "none", "-serial", "null", "-display", "none", "-S")
MB = 1 << 20


def image(t, name="disk.img", size=MB):
    path = t.path(name)
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def disk(path, device="virtio-blk-device,drive=d0,id=disk"):
    return ("-blockdev", "driver=raw,node-name=d0,file.driver=file,file.filename=" + path,
            "-device", device)


def start(t, *args):
    return t.start(*STOPPED, *args, qmp=True)


def refused(t, qmp, text, command, **arguments):
    """A GenericError whose description has TEXT."""
    try:
        answer = qmp.cmd(command, **arguments)
    except gwttest.QmpError as e:
        t.equal(e.klass, "GenericError", "class of the error")
        t.contains(e.desc, text)
        return
    t.ok(False, "%s answered %r" % (command, answer))


@gwttest.test("query-block and its like say what there is")
def queries(t):
    path = image(t)
    vm = start(t, *disk(path))
    drives = vm.qmp.cmd("query-block")
    t.equal(len(drives), 1, "drives")
    drive = drives[0]
    t.equal((drive["device"], drive["qdev"], drive["io-status"], drive["removable"]),
            ("", "disk", "ok", False), "the drive")
    node = drive["inserted"]
    t.equal((node["node-name"], node["drv"], node["file"], node["ro"]),
            ("d0", "raw", path, False), "the node")
    t.equal((node["image"]["virtual-size"], node["image"]["format"]), (MB, "raw"), "image")
    t.equal(node["cache"], {"writeback": True, "direct": False, "no-flush": False}, "cache")
    nodes = vm.qmp.cmd("query-named-block-nodes")
    t.equal(sorted(n["drv"] for n in nodes), ["file", "raw"], "nodes")
    stats = vm.qmp.cmd("query-blockstats")
    t.equal([(s["node-name"], s["qdev"]) for s in stats], [("d0", "disk")], "statistics")
    t.equal(stats[0]["stats"]["rd_bytes"], 0, "rd_bytes")
    t.equal(len(vm.qmp.cmd("query-blockstats", query_nodes=True)), 2, "statistics of nodes")
    t.equal(vm.qmp.cmd("query-block"), drives, "query-block")


@gwttest.test("the members are QEMU's")
def like_qemu(t):
    qemu = os.environ.get("QEMU_RISCV64") or shutil.which("qemu-system-riscv64")
    if not qemu:
        t.skip("no qemu-system-riscv64")
    version = subprocess.run([qemu, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    if " 7." not in version.stdout:
        t.skip("QEMU is not of release 7: " + version.stdout.split("\n", 1)[0])
    ours = start(t, *disk(image(t))).qmp
    peer = t.start_program(qemu, *STOPPED, *disk(image(t, "peer.img")), "-qmp",
                           "unix:%s,server=on,wait=off" % t.path("qemu.sock"))
    theirs = gwttest.Qmp.connect(t.path("qemu.sock"), alive=peer.alive)
    t.cleanup(theirs.close)

    def shape(value):
        if isinstance(value, dict):
            # How often a file's discards went well is QEMU's alone.
            return {k: shape(v) for k, v in value.items() if k != "driver-specific"}
        if isinstance(value, list):
            return [shape(v) for v in value]
        return type(value).__name__

    for command, select in (("query-block", lambda d: d.get("qdev")),
                            ("query-blockstats", lambda d: d.get("qdev")),
                            ("query-named-block-nodes", lambda d: d["drv"] == "raw")):
        wanted = shape([d for d in theirs.cmd(command) if select(d)])
        got = shape([d for d in ours.cmd(command) if select(d)])
        t.equal(got, wanted, "members of " + command)


@gwttest.test("blockdev-add and blockdev-del")
def add_and_delete(t):
    path = image(t)
    vm = start(t, *disk(path))
    t.equal(vm.qmp.cmd("blockdev-add", driver="raw", node_name="d1",
                       file={"driver": "null-co", "size": MB}), {}, "blockdev-add")
    names = [n["node-name"] for n in vm.qmp.cmd("query-named-block-nodes")]
    t.ok("d1" in names, "no d1 in %r" % names)
    t.equal(len(vm.qmp.cmd("query-block")), 1, "drives: nothing uses it")
    refused(t, vm.qmp, "d1", "blockdev-add", driver="null-co", node_name="d1", size=MB)
    vm.qmp.cmd("blockdev-del", node_name="d1")
    names = [n["node-name"] for n in vm.qmp.cmd("query-named-block-nodes")]
    t.ok("d1" not in names, "d1 in %r" % names)
    refused(t, vm.qmp, "d1", "blockdev-del", node_name="d1")
    refused(t, vm.qmp, "d0", "blockdev-del", node_name="d0")
    refused(t, vm.qmp, "'driver' is missing", "blockdev-add", node_name="d1")
    refused(t, vm.qmp, "node-name", "blockdev-add", driver="null-co", size=MB)
    refused(t, vm.qmp, "nosuch", "blockdev-add", driver="null-co", node_name="d1", nosuch=1)
    refused(t, vm.qmp, "/nonexistent", "blockdev-add", driver="file", node_name="d1",
            filename="/nonexistent")
    t.equal([n["node-name"] for n in vm.qmp.cmd("query-named-block-nodes")], names, "nodes")


@gwttest.test("block_resize")
def resize(t):
    path = image(t)
    vm = start(t, *disk(path))
    vm.qmp.cmd("block_resize", node_name="d0", size=2 * MB)
    t.equal(os.stat(path).st_size, 2 * MB, "size of the file")
    t.equal(vm.qmp.cmd("query-block")[0]["inserted"]["image"]["virtual-size"], 2 * MB, "size")
    refused(t, vm.qmp, "Cannot find device='' nor node-name='d1'", "block_resize",
            node_name="d1", size=MB)
    refused(t, vm.qmp, "Cannot find device='d1' nor node-name=''", "block_resize", device="d1",
            size=MB)
    refused(t, vm.qmp, "one of 'device' and 'node-name' must be given", "block_resize", size=MB)
    refused(t, vm.qmp, "not both of 'device' and 'node-name'", "block_resize", device="d0",
            node_name="d0", size=MB)
    refused(t, vm.qmp, "Parameter 'size' expects a >0 size", "block_resize", node_name="d0",
            size=-1)
    refused(t, vm.qmp, "size", "block_resize", node_name="d0", size=1 << 63)
    refused(t, vm.qmp, "'size' is missing", "block_resize", node_name="d0")
    t.equal(os.stat(path).st_size, 2 * MB, "size of the file")


gwttest.main()
