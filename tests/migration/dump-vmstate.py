#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""-dump-vmstate: the schemas of all device types, in the form of QEMU's."""

import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import gwttest  # noqa: E402

QEMU = os.environ.get("QEMU_RISCV64") or shutil.which("qemu-system-riscv64") or "no"
TYPE = {"Name", "version_id", "minimum_version_id", "plugin", "properties", "Description"}
DESCRIPTION = {"name", "version_id", "minimum_version_id", "when", "needed", "pre_load", "Fields",
               "Subsections"}
FIELD = {"field", "version_id", "field_exists", "when", "code", "type", "counted", "markers",
         "equal", "min", "max", "struct_version_id", "num", "size", "Description"}


def dump(t):
    out, _ = t.run("-M", "virt", "-dump-vmstate", "-")
    return json.loads(out)


@gwttest.test("every member that is there is one that QEMU's checker reads, or one of ours")
def shape(t):
    def description(d):
        t.ok(set(d) <= DESCRIPTION and {"name", "version_id", "minimum_version_id"} <= set(d), d)
        t.ok(d["minimum_version_id"] <= d["version_id"], d)
        for f in d.get("Fields", []):
            t.ok(set(f) <= FIELD and {"field", "version_id", "field_exists", "size"} <= set(f), f)
            if "Description" in f:
                description(f["Description"])
        for s in d.get("Subsections", []):
            t.ok(s["name"].startswith(d["name"] + "/"), "%s in %s" % (s["name"], d["name"]))
            description(s)
    d = dump(t)
    t.equal(list(d)[0], "vmschkmachine")
    t.equal(d["vmschkmachine"], {"Name": "virt-1.0"})
    for section in ("timer", "globalstate"):
        t.ok("godwit/" + section in d, "no section '%s'" % section)
    types = [name for name in list(d)[1:] if "/" not in name]
    t.equal(types, sorted(types), "order")
    for name, kind in list(d.items())[1:]:
        t.equal((set(kind), kind["Name"]),
                (TYPE - {"plugin"} if name.startswith("godwit/") else TYPE, name))
        description(kind["Description"])


@gwttest.test("a type as it is written")
def golden(t):
    d = dump(t)
    if "goldfish-rtc" not in d:
        t.skip("the plugin goldfish-rtc was not built")

    def field(name, size, kind, version=0, **more):
        return {"field": name, "version_id": version, "field_exists": False, "size": size,
                "type": kind, **more}
    t.equal(d["goldfish-rtc"]["version_id"], 3)
    t.equal(d["goldfish-rtc"]["Description"]["Fields"][:7], [
        field("tick_offset_vmstate", 8, "uint64"), field("alarm_next", 8, "uint64"),
        field("alarm_running", 4, "uint32", min=0, max=1),
        field("irq_pending", 4, "uint32", min=0, max=1),
        field("irq_enabled", 4, "uint32", min=0, max=1), field("time_high", 4, "uint32", 2),
        field("tick_offset", 8, "uint64", 3)])
    t.equal(d["goldfish-rtc"]["plugin"]["id"], "goldfish-rtc")
    t.equal(d["goldfish-rtc"]["plugin"]["level"], "0.1.0")
    t.equal(d["goldfish-rtc"]["properties"], {})


@gwttest.test("a type has the fields of QEMU's", skip=None if os.path.exists(QEMU)
              else "no qemu-system-riscv64 to compare with")
def peer(t):
    subprocess.run([QEMU, "-M", "virt", "-dump-vmstate", t.path("q")], check=True, timeout=60)
    with open(t.path("q"), encoding="utf-8") as f:
        theirs = json.load(f)
    ours = dump(t)
    pairs = [(a, b) for a, b in (("goldfish-rtc", "goldfish_rtc"), ("cfi-flash", "cfi.pflash01"))
             if a in ours]
    t.ok(pairs, "neither type was built")
    for a, b in pairs:
        a, b = ours[a]["Description"], theirs[b]["Description"]
        t.equal((a["name"], a["version_id"]), (b["name"], b["version_id"]))
        t.equal([(f["field"], f["size"]) for f in a["Fields"]],
                [(f["field"], f["size"]) for f in b["Fields"]], a["name"])


@gwttest.test("the file is written over, and no guest is run")
def file(t):
    with open(t.path("out"), "w", encoding="utf-8") as f:
        f.write("x" * 1000000)
    t.run("-M", "virt", "-dump-vmstate", t.path("out"), "-pidfile", t.path("pid"),
          "-qmp", "unix:%s,server=on,wait=on" % t.path("qmp"))
    with open(t.path("out"), encoding="utf-8") as f:
        t.equal(json.load(f), dump(t))
    t.equal(sorted(os.listdir(t.tmp)), ["out"], "files")


@gwttest.test("a file that cannot be written is said before anything is made")
def refused(t):
    t.error("-dump-vmstate: '%s': cannot be written: Is a directory; name another file" % t.tmp,
            "-M", "virt", "-dump-vmstate", t.tmp)
    t.error("-dump-vmstate", "-M", "virt", "-dump-vmstate", t.path("none", "out"))
    t.error("-dump-vmstate: '-': given twice",
            "-M", "virt", "-dump-vmstate", "-", "-dump-vmstate", "-")


gwttest.main()
