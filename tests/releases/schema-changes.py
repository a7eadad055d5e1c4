#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The examples of docs/schema-changes.md are built, and guests are moved from the plugin as it is to
the changed one and back, as files: what arrives and what is refused is what the page says."""

import json
import os
import re
import subprocess
import sys

import gwttest
import variants

sys.path.insert(0, os.path.join(gwttest.SRCDIR, "tests", "migration"))
import guest
import mover

PAGE = os.path.join(gwttest.SRCDIR, "docs", "schema-changes.md")
TOOL = os.environ.get("GODWIT_MACHINE") or os.path.join(gwttest.BUILDDIR, "godwit-machine")
PLAIN = ["-global", "migration.x-manifest=off"]
RTC, UART, CLAIM = 0x101000, 0x10000000, 0xc200004


def examples():
    """{heading: {plugin: {file: [(old, new), ...]}}} of the page."""
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    found = {}
    for part in re.split(r"^## ", page, flags=re.M)[1:]:
        for block in re.findall(r"^```diff\n(.*?)^```", part, flags=re.M | re.S):
            plugins = found.setdefault(part.split("\n")[0], {})
            for file, hunks in re.findall(r"^--- (\S+)\n(.*?)(?=^--- |\Z)", block, re.M | re.S):
                _, plugin, name = file.split("/")
                pairs = plugins.setdefault(plugin, {}).setdefault(name, [])
                for hunk in re.split(r"^@@.*\n", hunks, flags=re.M)[1:]:
                    rows = hunk.splitlines(True)
                    pairs.append(tuple("".join(r[1:] for r in rows if r[0] in " " + sign)
                                       for sign in "-+"))
    return found


EXAMPLES = examples()


def program(accesses):
    """Code that does ACCESSES, (address, value to write or None), says so and stays there."""
    code = []
    for address, value in accesses:
        # pylint: disable=protected-access
        code += [guest._lui(guest.A0, (address + 0x800) & 0xfffff000),
                 guest._addi(guest.A0, guest.A0, address & 0xfff)]
        if value is None:
            code.append(guest._i(0x03, 2, guest.A1, guest.A0, 0))
        else:
            code += [guest._addi(guest.A1, guest.ZERO, value),
                     guest._s(0 if address & ~0xfff == UART else 2, guest.A0, guest.A1, 0)]
    code += [guest._lui(guest.A0, UART), guest._addi(guest.A1, guest.ZERO, ord("*")),
             guest._s(0, guest.A0, guest.A1, 0), guest._jal(guest.ZERO, 0)]
    return b"".join(w.to_bytes(4, "little") for w in code)


class Bench:
    """The plugin as it is (`old`) and as the page changes it (`new`)."""

    def __init__(self, t, heading, accesses=(), *devices):
        (self.plugin, changes), = EXAMPLES[heading].items()
        variants.need(self.plugin)
        self.t, self.devices, self.count = t, devices, 0
        self.old = ["-plugin-dir", variants.build(t, self.plugin, "old", "0.1.0", {})]
        self.new = ["-plugin-dir", variants.build(t, self.plugin, "new", "0.2.0", changes)]
        self.mover = mover.Mover(t)
        with open(t.path("code.bin"), "wb") as f:
            f.write(program(accesses))

    def start(self, where, *more, **how):
        return self.mover.start(*where, *self.devices, *more, machine="virt-1.0",
                                image=self.t.path("code.bin"), **how)

    def save(self, vm):
        self.count += 1
        path = self.t.path("state%d" % self.count)
        vm.qmp.cmd("migrate", uri="file:" + path)
        self.mover.finished(vm)
        return path

    def born(self, where, *more):
        """A guest that has done its accesses at WHERE, saved."""
        vm = self.start(where, *more)
        vm.expect(r"\*")
        return self.save(vm)

    def section(self, path, name):
        """Fields of the section, those of its parts among them; and the subsections' names."""
        out = subprocess.run([gwttest.GODWIT_STREAM, "json", path], stdout=subprocess.PIPE,
                             check=True).stdout
        fields, subsections = {}, []

        def walk(node):
            if isinstance(node, list):
                for n in node:
                    walk(n)
            elif isinstance(node, dict):
                if "name" in node and "value" in node:
                    fields[node["name"]] = node["value"]
                if "/" in node.get("schema", ""):
                    subsections.append(node["schema"])
                for n in node.values():
                    walk(n)
        found = [s for s in json.loads(out)["items"] if s.get("name", "").endswith(name)]
        self.t.ok(found, "no section %s" % name)
        walk(found[0])
        return fields, subsections

    def arrives(self, path, where, *more):
        """It goes on at WHERE; saved again from there."""
        vm = self.start(where, *more, incoming="file:" + path)
        self.mover.wait(vm, "completed")
        return self.save(vm)

    def refused(self, path, where, *texts):
        # Without a monitor: it ends before one could connect.
        vm = self.t.start_program(
            gwttest.GODWIT, *where, *self.devices, "-M", "virt-1.0", "-m", self.mover.memory, "-bios",
            self.t.path("code.bin"), "-serial", "null", "-incoming", "file:" + path)
        self.t.equal(vm.wait(), 1, "exit status")
        self.mover.one_line(vm, *texts)

    def classes(self, *more):
        """What schema-diff says of the two: the classes but safe ones."""
        for name, where in (("old", self.old), ("new", self.new)):
            self.t.run("-M", "virt-1.0", *where, *(more if name == "new" else ()),
                       "-dump-vmstate", self.t.path(name + ".json"))
        done = subprocess.run([TOOL, "schema-diff", "--json", self.t.path("old.json"),
                               self.t.path("new.json")], stdout=subprocess.PIPE, check=False)
        return sorted({c["class"] for c in json.loads(done.stdout)["changes"]
                       if c["class"] != "safe"})


ALARM = [(RTC + 8, 0), (RTC + 8, 0)]  # goes off at once, twice


@gwttest.test("a version that reads no older one: refused both ways")
def bumped(t):
    b = Bench(t, "A version that reads no older one", ALARM)
    t.equal(b.classes(), ["backward only", "forward only"])
    b.refused(b.born(b.old, *PLAIN), b.new,
              "section 'goldfish_rtc': ", "version 3 of 'goldfish_rtc' cannot be read here; versions "
              "4 to 4 can")
    b.refused(b.born(b.new, *PLAIN), b.old, "section 'goldfish_rtc': version 4 is newer than the 3 "
              "that can be read here")


@gwttest.test("a field with a version: the older stream is read, and the new one refused")
def versioned(t):
    b = Bench(t, "A field with a version", ALARM)
    t.equal(b.classes(), ["forward only"])
    before = b.born(b.old, *PLAIN)
    fields, _ = b.section(b.arrives(before, b.new, *PLAIN), "goldfish_rtc")
    t.equal((fields["alarms"], fields["irq_pending"]), (0, 1), "what is new, what was there")
    after = b.born(b.new, *PLAIN)
    t.equal(b.section(after, "goldfish_rtc")[0]["alarms"], 2, "alarms")
    t.equal(b.section(b.arrives(after, b.new, *PLAIN), "goldfish_rtc")[0]["alarms"], 2, "alarms")
    b.refused(after, b.old, "section 'goldfish_rtc': version 4 is newer than the 3 that can be read "
              "here")


@gwttest.test("a version that the plugin of this tree outgrew is still read")
def outgrown(t):
    """goldfish-rtc as it was in version 2: it had the offset from the virtual clock alone."""
    b = Bench(t, "A field with a version", ALARM)
    b.old = ["-plugin-dir", variants.build(t, b.plugin, "v2", "0.0.2", {"goldfish-rtc.c": [
        ("  GWT_VM_VALUE (struct goldfish_rtc, tick_offset, .version = 3),\n",
         "  GWT_VM_COMPUTED (struct goldfish_rtc, tick_offset),\n"),
        ('"goldfish_rtc", 3, 1,', '"goldfish_rtc", 2, 1,')]}), "-plugin-level", "goldfish-rtc=0.0.2"]
    here = ["-plugin-dir", os.path.join(gwttest.BUILDDIR, "plugins")]
    fields, _ = b.section(b.arrives(b.born(b.old, *PLAIN), here, *PLAIN), "goldfish_rtc")
    # The guest's time is the host's: the wall clock that was there went on by itself.
    t.ok((fields["tick_offset"] + (1 << 63)) % (1 << 64) - (1 << 63) < 10**9, "%r" % fields)
    b.refused(b.born(here, *PLAIN), b.old, "section 'goldfish_rtc': version 3 is newer than the 2 "
              "that can be read here")


@gwttest.test("a dummy field: both ways, zeros for who still reads it")
def dummy(t):
    b = Bench(t, "A dummy field", [(UART + 7, 0x5a)])
    t.equal(b.classes(), [])
    for more in ([], PLAIN):
        old, new = b.born(b.old, *more), b.born(b.new, *more)
        t.equal(b.section(old, "serial")[0]["scr"], 0x5a, "scratch register")
        t.ok("scr" not in b.section(new, "serial")[0], "a scratch register")
        there = b.arrives(old, b.new, *more)
        t.equal(b.section(b.arrives(there, b.old, *more), "serial")[0]["scr"], 0,
                "scratch register, to and fro")
        t.equal(b.section(b.arrives(new, b.old, *more), "serial")[0]["scr"], 0, "scratch register")


@gwttest.test("a field that hangs on a property: both ways, and with the property there only")
def gated(t):
    b = Bench(t, "A field that hangs on a property", [(CLAIM, None)] * 3)
    on = ["-global", "sifive-plic.x-count-claims=on"]
    t.equal(b.classes(), [])
    for more in ([], PLAIN):
        old, new = b.born(b.old, *more), b.born(b.new, *more)
        t.ok("claims" not in b.section(new, "plic")[0], "it is counted")
        b.arrives(b.arrives(old, b.new, *more), b.old, *more)
        b.arrives(b.arrives(new, b.old, *more), b.new, *more)
        counted = b.born(b.new, *more, *on)
        t.equal(b.section(counted, "plic")[0]["claims"], 3, "claims")
        t.equal(b.section(b.arrives(counted, b.new, *more, *on), "plic")[0]["claims"], 3, "claims")
    b.refused(counted, b.old, "section 'riscv_sifive_plic'")


@gwttest.test("a subsection that hangs on a property: both ways, its default set around it")
def gated_subsection(t):
    variants.need("pcie", "virtio")
    b = Bench(t, "A subsection that hangs on a property", (), "-device", "virtio-rng-pci,id=rng")
    on = ["-global", "virtio-rng-pci.x-count-resets=on"]
    t.equal(b.classes(), [])
    for more in ([], PLAIN):
        old, new = b.born(b.old, *more), b.born(b.new, *more)
        t.equal(b.section(new, "virtio-rng")[1].count("virtio-rng/resets"), 0, "it is sent")
        b.arrives(b.arrives(old, b.new, *more), b.old, *more)
        b.arrives(b.arrives(new, b.old, *more), b.new, *more)
        counted = b.born(b.new, *more, *on)
        fields, subsections = b.section(counted, "virtio-rng")
        t.equal((fields["resets"], subsections.count("virtio-rng/resets")), (1, 1), "resets")
        again, _ = b.section(b.arrives(counted, b.new, *more, *on), "virtio-rng")
        t.equal(again["resets"], 1, "resets")
    b.refused(counted, b.old, "subsection 'virtio-rng/resets' is not known here")
    b.refused(counted, b.new, "subsection 'virtio-rng/resets': it is sent where the property "
              "'x-count-resets' is on, and here that is off")
    # What an older stream does not have is what pre_load says, not what the reset here has counted.
    t.ok("resets" not in b.section(b.arrives(old, b.new, *PLAIN, *on), "virtio-rng")[0],
         "a count that no stream had")


@gwttest.test("the page has the examples that are tried here, and no others")
def complete(t):
    t.equal(sorted(EXAMPLES), sorted([
        "A version that reads no older one", "A field with a version", "A dummy field",
        "A field that hangs on a property", "A subsection that hangs on a property"]), "examples")


gwttest.main()
