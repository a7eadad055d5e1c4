#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""godwit-machine schema-diff: each kind of change, and which way it closes."""

import copy
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import gwttest  # noqa: E402

TOOL = os.environ.get("GODWIT_MACHINE") or os.path.join(gwttest.BUILDDIR, "godwit-machine")


def field(name, kind="uint32", size=4, version=0, **more):
    return {"field": name, "version_id": version,
            "field_exists": "when" in more or "code" in more, "size": size, "type": kind, **more}


def description(name, fields, version=1, minimum=1, subsections=(), **more):
    d = {"name": name, "version_id": version, "minimum_version_id": minimum, "needed": False,
         "pre_load": False, "Fields": list(fields), **more}
    if subsections:
        d["Subsections"] = list(subsections)
    return d


def document(*sections, properties=None, kind="rtc", machine="virt-1.0"):
    d = {"vmschkmachine": {"Name": machine}}
    for i, s in enumerate(sections):
        key = kind if i == 0 else "%s/%s" % (kind, s["name"])
        d[key] = {"Name": key, "version_id": s["version_id"],
                  "minimum_version_id": s["minimum_version_id"],
                  "plugin": {"id": "rtc", "version": "0.2.0", "level": "0.1.0"},
                  "properties": properties or {}, "Description": s}
    return d


def run(t, *args, status=0):
    done = subprocess.run([TOOL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    t.equal(done.returncode, status, "exit status (%s%s)" % (done.stdout, done.stderr))
    return done.stdout, done.stderr


def files(t, old, new):
    names = []
    for name, d in (("old.json", old), ("new.json", new)):
        with open(t.path(name), "w", encoding="utf-8") as f:
            f.write(d if isinstance(d, str) else json.dumps(d))
        names.append(t.path(name))
    return names


def diff(t, old, new, *args, status=0):
    """(class, text) of each change, without the remedy."""
    out, err = run(t, "schema-diff", *args, *files(t, old, new), status=status)
    t.equal(err, "")
    lines = out.splitlines()
    t.ok(lines[-1].startswith("virt-1.0: "), lines[-1])
    found = []
    for line in lines[:-1]:
        kind, _, text = line.partition(": rtc, section 'rtc': ")
        found.append((kind, text.partition("; machine type")[0]))
    return found


A, B, C = field("a"), field("b"), field("c")
BASE = document(description("rtc", [A, B]))
MOVED = ": the bytes behind it are read at other places"
WITHOUT = ": without a version or a property that says so"


@gwttest.test("nothing changed: nothing is said")
def same(t):
    t.equal(diff(t, BASE, copy.deepcopy(BASE), "--strict"), [])


CASES = [
    ("a field behind the others, without a version", [A, B, C], {},
     [("breaking", "field 'c' (uint32) is new" + WITHOUT)]),
    ("a field taken away", [A], {}, [("breaking", "field 'b' (uint32) is gone" + WITHOUT)]),
    ("a field between two", [A, C, B], {},
     [("breaking", "field 'b' (uint32) is 'c' (uint32) now: the order is another one")]),
    ("two fields change places", [B, A], {},
     [("breaking", "field 'a' (uint32) is 'b' (uint32) now: the order is another one")]),
    ("another size", [field("a", "uint64", 8), B], {},
     [("safe", "field 'a' (uint32) is 'a' (uint64) now: the same bytes"),
      ("breaking", "field 'a' (uint32) is 'a' (uint64) now" + MOVED)]),
    ("another name", [field("alpha"), B], {},
     [("safe", "field 'a' (uint32) is 'alpha' (uint32) now: another name for the same bytes")]),
    ("nobody uses it any more", [field("unused", "unused_buffer"), B], {},
     [("safe", "field 'a' (uint32) is 'unused' (unused_buffer of 4 bytes) now: the new one sends "
       "zeros and passes over what it gets")]),
    ("into a struct", [field("s", "struct", 8, Description=description("s", [A, B]))], {},
     [("safe", "field 'a' (uint32) is 's.a' (uint32) now: another name for the same bytes"),
      ("safe", "field 'b' (uint32) is 's.b' (uint32) now: another name for the same bytes")]),
    ("a version with a field", [A, B, field("c", version=2)], {"version": 2, "pre_load": True},
     [("safe", "version 1 is 2 now, and the older one is still read"),
      ("forward only", "the new one sends version 2, and the old one reads 1 to 1")]),
    ("a version without a pre_load", [A, B, field("c", version=2)], {"version": 2},
     [("safe", "version 1 is 2 now, and the older one is still read; without a pre_load what it "
       "does not have stays as after a reset"),
      ("forward only", "the new one sends version 2, and the old one reads 1 to 1")]),
    ("a version that takes no older one", [A, B, C], {"version": 2, "minimum": 2},
     [("backward only", "the old one sends version 1, and the new one reads 2 to 2"),
      ("forward only", "the new one sends version 2, and the old one reads 1 to 1")]),
    ("a bound", [field("a", min=0, max=7), B], {},
     [("backward only", "'a': the new one refuses what is not from 0 to 7, and the old one may "
       "have it")]),
    ("a condition that only code knows", [field("a", code=True), B], {},
     [("breaking", "field 'a' (uint32) is 'a' (uint32) now" + MOVED)]),
    ("a subsection that state asks for", [A, B],
     {"subsections": [description("rtc/more", [C], needed=True)]},
     [("forward only", "subsection 'rtc/more' is new, sent where the device's state asks for it")]),
    ("a subsection that is always sent", [A, B], {"subsections": [description("rtc/more", [C])]},
     [("forward only", "subsection 'rtc/more' is new, sent always")]),
]
for title, fields, more, wanted in CASES:
    def case(t, fields=fields, more=more, wanted=wanted):
        ways = {"breaking": 3, "forward only": 2, "backward only": 1, "safe": 0}
        closed = 0
        for kind, _ in wanted:
            closed |= ways[kind]
        new = document(description("rtc", fields, **more))
        t.equal(diff(t, BASE, new, status=int(closed == 3)), wanted)
        diff(t, BASE, new, "--strict", status=int(closed != 0))
        # The other way round each class is its mirror, but where one only comes or goes.
        mirror = {"forward only": "backward only", "backward only": "forward only"}
        back = diff(t, new, BASE, status=int(closed == 3))
        t.equal(sorted(k for k, _ in back if k != "safe"),
                sorted(mirror.get(k, k) for k, _ in wanted if k != "safe"), "classes backward")
    gwttest.test(title)(case)


@gwttest.test("a field that hangs on a property: safe where the machine type turns it off")
def gated(t):
    fields = [A, B, field("c", when="x-c")]
    t.equal(diff(t, BASE, document(description("rtc", fields), properties={"x-c": False}),
                 "--strict"), [])
    new = document(description("rtc", fields), properties={"x-c": True})
    t.equal(diff(t, BASE, new, status=1),
            [("breaking", "field 'c' (uint32) is new" + WITHOUT)])
    out, _ = run(t, "schema-diff", *files(t, BASE, new), status=1)
    t.contains(out, "; machine type 'virt-1.0' needs a compat row in plugin 'rtc': level '0.1.0', "
               "type 'rtc', property 'x-c', value 'off'\n")
    out, _ = run(t, "schema-diff", *files(t, BASE, document(description("rtc", [A, B, C]))),
                 status=1)
    t.contains(out, "; machine type 'virt-1.0' needs a compat row in plugin 'rtc', of level "
               "'0.1.0', for a property of 'rtc' that the change hangs on\n")


@gwttest.test("a subsection that hangs on a property likewise")
def gated_subsection(t):
    def new(on):
        more = description("rtc/more", [C], when="x-more", needed=True)
        return document(description("rtc", [A, B], subsections=[more]), properties={"x-more": on})
    t.equal(diff(t, BASE, new(False), "--strict"),
            [("safe", "subsection 'rtc/more' is new, sent where property 'x-more' is on and the "
              "device's state asks for it: never under this machine type")])
    t.equal(diff(t, BASE, new(True)),
            [("forward only", "subsection 'rtc/more' is new, sent where property 'x-more' is on "
              "and the device's state asks for it")])
    t.equal(diff(t, new(True), new(False)),
            [("backward only", "subsection 'rtc/more' hangs on property 'x-more', which is off in "
              "the new one")])


@gwttest.test("structs inside have no version on the wire: a new one moves what is behind")
def nested(t):
    def doc(version, *fields):
        return document(description("rtc", [
            field("s", "struct", 0, Description=description("s", fields, version=version)), B]))
    t.equal(diff(t, doc(1, A), doc(2, A, field("c", version=2)), status=1),
            [("breaking", "field 'b' (uint32) is 's.c' (uint32) now: the order is another one")])


@gwttest.test("arrays: more elements, other structs in them, a count")
def arrays(t):
    def doc(*fields):
        return document(description("rtc", fields))
    four, eight = field("a", num=4), field("a", num=8)
    t.equal(diff(t, doc(four), doc(eight), status=1)[-1],
            ("breaking", "field 'a' (uint32, 4) is 'a' (uint32, 8) now" + MOVED))
    t.equal(diff(t, doc(four), doc(field("a", num=2), field("a2", num=2)), "--strict")[-1],
            ("safe", "field 'a' (uint32, 4) is 'a2' (uint32, 2) now: another name for the same "
             "bytes"))
    counted = [field("a", counted=True, num=n) for n in (4, 8)]
    t.equal(diff(t, doc(counted[0]), doc(counted[1])),
            [("forward only", "'a': the old one refuses more than 4 elements, and the new one may "
              "have 8")])
    t.equal(diff(t, doc(four), doc(counted[0]), status=1),
            [("breaking", "field 'a' (uint32, 4) is 'a' (uint32, counted, at most 4) now" + MOVED)])
    structs = [field("a", "struct", 0, num=4, Description=description("s", f))
               for f in ([B], [B, C])]
    t.equal(diff(t, doc(structs[0]), doc(structs[1]), status=1),
            [("breaking", "'a': field 'c' (uint32) is new" + WITHOUT)])


@gwttest.test("sections come, go and change their name; device types do")
def sections(t):
    one, two = description("rtc", [A, B]), description("alarm", [C])
    both = document(one, two)
    out, _ = run(t, "schema-diff", *files(t, BASE, both), status=1)
    t.contains(out, "breaking: rtc, section 'alarm': the section is new, sent always")
    out, _ = run(t, "schema-diff", *files(t, both, BASE), status=1)
    t.contains(out, "breaking: rtc, section 'alarm': the section is gone, sent always")
    # Their order is none of the stream's.
    t.equal(diff(t, both, document(two, one), "--strict"), [])
    other = document(one, kind="clock")
    out, _ = run(t, "schema-diff", *files(t, BASE, other), status=1)
    t.contains(out, "breaking: rtc, section 'rtc': the device type is gone")
    t.contains(out, "safe: clock, section 'rtc': the device type is new")
    t.equal(diff(t, BASE, other, "--strict", "--renamed", "rtc=clock"), [])


@gwttest.test("as JSON")
def as_json(t):
    new = document(description("rtc", [A, B, C]))
    out, _ = run(t, "schema-diff", "--json", *files(t, BASE, new), status=1)
    answer = json.loads(out)
    t.equal((answer["machine"], answer["class"]), ("virt-1.0", "breaking"))
    t.equal([(c["class"], c["type"], c["section"], c["change"]) for c in answer["changes"]],
            [("breaking", "rtc", "rtc", "field 'c' (uint32) is new" + WITHOUT)])
    t.contains(answer["changes"][0]["remedy"], "needs a compat row")


@gwttest.test("a document as another emulator writes it is compared by sizes and names")
def foreign(t):
    def doc(*fields):
        return {"vmschkmachine": {"Name": "virt-1.0"},
                "rtc": {"Name": "rtc", "version_id": 1, "minimum_version_id": 1, "Description": {
                    "name": "rtc", "version_id": 1, "minimum_version_id": 1,
                    "Fields": [{"field": n, "version_id": 0, "field_exists": False, "size": s}
                               for n, s in fields]}}}
    t.equal(diff(t, doc(("a", 4)), doc(("a", 4)), "--strict"), [])
    t.equal(diff(t, doc(("a", 4), ("b", 4)), doc(("a", 4), ("b", 8)), status=1),
            [("breaking", "field 'b' (4 bytes) is 'b' (8 bytes) now" + MOVED)])


BAD = [
    ("no file", None, "cannot be opened: No such file or directory"),
    ("no JSON", "{", "byte"),
    ("not a dump", "{}", "it is no document of -dump-vmstate"),
    ("a type is a number", '{"vmschkmachine": {"Name": "x"}, "a": 7}',
     "device type 'a': it is a whole number"),
    ("a negative version", '{"vmschkmachine": {"Name": "x"}, "a": {"Description": {"name": "n", '
     '"version_id": -1, "minimum_version_id": 0}}}',
     "device type 'a': 'n': member 'version_id' is negative"),
    ("a field without a size", '{"vmschkmachine": {"Name": "x"}, "a": {"Description": {"name": "n",'
     ' "version_id": 1, "minimum_version_id": 0, "Fields": [{"field": "f", "version_id": 1}]}}}',
     "device type 'a': 'n': field 'f': member 'size' is missing"),
]


@gwttest.test("what is no such document is refused in one line")
def hostile(t):
    for title, text, wanted in BAD:
        if text is None:
            names = [t.path("none"), t.path("none")]
        else:
            names = files(t, text, text)
        out, err = run(t, "schema-diff", *names, status=1)
        t.equal(out, "", title)
        t.equal(len(err.splitlines()), 1, err)
        t.contains(err, "godwit-machine: schema-diff: " + names[0] + ": ")
        t.contains(err, wanted)
    deep = description("n", [A])
    for _ in range(15):
        deep = description("n", [], subsections=[deep])
    _, err = run(t, "schema-diff", *files(t, document(description("rtc", [A, B])),
                                          document(deep, machine="other")), status=1)
    t.contains(err, "one file is of machine type 'virt-1.0', the other of 'other'")
    for args, wanted in ((["a"], "it compares two files, OLD and NEW; 1 are given"),
                         (["-", "-"], "only one of the two can be standard input"),
                         (["--loose", "a", "b"], "option '--loose' is not understood"),
                         (["--renamed", "a", "a", "b"], "'a' is not of the form OLD=NEW")):
        t.contains(run(t, "schema-diff", *args, status=1)[1], wanted)


gwttest.main()
