# SPDX-License-Identifier: BSD-2-Clause
"""machine-type.schema.json says what the program accepts, no more and no less: each of many small
changes of a good file is judged by both."""

import copy
import json
import os
import re
import subprocess

import gwttest

FILE = os.path.join(gwttest.SRCDIR, "machines", "machine-type.schema.json")
WORDS = {"type", "required", "anyOf", "additionalProperties", "properties", "enum", "pattern",
         "items", "maxItems", "minimum", "minLength", "maxLength", "propertyNames",
         "title", "description", "$schema"}
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool}


def is_kind(kind, value):
    if kind in ("integer", "number"):
        return isinstance(value, int if kind == "integer" else (int, float)) \
            and not isinstance(value, bool)
    return isinstance(value, KINDS[kind])


def accepts(schema, value):
    """As much of JSON Schema as the file uses."""
    unknown = set(schema) - WORDS
    if unknown:
        raise gwttest.Failure("the schema has words that this test does not know: %r" % unknown)
    kinds = schema.get("type", [])
    if kinds and not any(is_kind(k, value) for k in ([kinds] if isinstance(kinds, str) else kinds)):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "anyOf" in schema and not any(accepts(s, value) for s in schema["anyOf"]):
        return False
    if isinstance(value, str):
        return (re.search(schema.get("pattern", ""), value) is not None
                and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1 << 20))
    if isinstance(value, list):
        return len(value) <= schema.get("maxItems", len(value)) and all(
            accepts(schema.get("items", {}), v) for v in value)
    if isinstance(value, dict):
        own, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        return all(k in value for k in schema.get("required", [])) and all(
            accepts(schema.get("propertyNames", {}), k)
            and (accepts(own[k], v) if k in own else others is True
                 or (others is not False and accepts(others, v)))
            for k, v in value.items())
    return "minimum" not in schema or value >= schema["minimum"]


GOOD = {"godwit-machine": 1, "name": "good", "doc": "test", "board": "virt", "aliases": ["fine"],
        "firmware": "none", "deprecated": "no", "levels": {"*": "0.1", "gone": "3.2.1"},
        "overrides": [{"type": "aclint", "property": "timebase-frequency", "value": 1000,
                       "plugin": "aclint", "doc": "why"}],
        "defaults": {"cpu": "rv64", "cpus": 2, "memory": "64M", "smp-fill": "cores"}}
# What is put in the place of a member; None: it is taken out.
PLACES = ["name", "doc", "board", "aliases", "firmware", "deprecated", "levels", "overrides",
          "defaults", "godwit-machine", ("levels", "*"), ("overrides", 0), ("overrides", 0, "type"),
          ("overrides", 0, "property"), ("overrides", 0, "plugin"), ("overrides", 0, "doc"),
          ("defaults", "cpu"), ("defaults", "cpus"), ("defaults", "memory"),
          ("defaults", "smp-fill"), ("aliases", 0), "newer", "other", ("defaults", "other"),
          ("overrides", 0, "other"), ("levels", "other"), ("levels", "Other"), ("overrides", 0,
                                                                                "value")]
VALUES = [None, True, 0, 1, -1, 1.5, "", "x", "X y", "1.0", "1..0", "64M", "0x4000000", [], {},
          [1], ["x"], {"x": "1"}, "a\nb"]
# What has the right form and is wrong for another reason: not the schema's business.
MEANING = re.compile(r"no such machine type|no board|does not fit the file|no such CPU model|in none "
                     r"of|newer than plugin|cannot have|has no property|no plugin provides|"
                     r"property '|too many for this board|nothing to run|-bios")


def variants():
    for place in PLACES:
        path = (place,) if isinstance(place, str) else place
        for value in VALUES:
            changed = copy.deepcopy(GOOD)
            into = changed
            for key in path[:-1]:
                into = into[key]
            if value is not None:
                into[path[-1]] = value
            elif isinstance(into, list) or path[-1] in into:
                del into[path[-1]]
            else:
                continue
            yield path, value, changed


@gwttest.test("the schema and the program are of one mind")
def agree(t):
    with open(FILE, encoding="ascii") as f:
        schema = json.load(f)
    t.ok(accepts(schema, GOOD), "the good one")
    cases, taken = list(variants()), 0
    for n, (path, value, document) in enumerate(cases):
        name = t.path("%d.json" % n)
        with open(name, "w", encoding="ascii") as f:
            json.dump(document, f)
    # One process for all: files that cannot be read are named with the reason.
    vm = t.start_program(gwttest.GODWIT, "-compat-dir", t.path("."), "-M", "help")
    vm.wait()
    refused = {}
    for line in vm.stderr().splitlines():
        match = re.match(r"godwit: warning: -M help: not listed: \S*/(\d+)\.json:(.*)", line)
        if match:
            refused[int(match.group(1))] = match.group(2)
    for n, (path, value, document) in enumerate(cases):
        wanted = accepts(schema, document)
        got = n not in refused or MEANING.search(refused[n]) is not None
        # A document without the format's number is no machine type, and is passed over.
        if "godwit-machine" in document:
            t.equal(got, wanted, "%r in %r: %s" % (value, path, refused.get(n)))
        taken += got
    t.ok(taken > 60 and len(cases) - taken > 200, "%d of %d" % (taken, len(cases)))


@gwttest.test("this tree's machine types, and the manual's example, are what it says")
def ours(t):
    with open(FILE, encoding="ascii") as f:
        schema = json.load(f)
    folder = os.path.join(gwttest.SRCDIR, "compat")
    names = [n for n in os.listdir(folder) if n.endswith(".json")]
    t.ok(len(names) >= 2, "there are some")
    for name in names:
        with open(os.path.join(folder, name), encoding="ascii") as f:
            t.ok(accepts(schema, json.load(f)), name)
    with open(os.path.join(gwttest.SRCDIR, "docs", "machine-types.md"), encoding="utf-8") as f:
        text = f.read()
    examples = [json.loads(e) for e in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    t.equal([e["name"] for e in examples], ["fleet-1", "fleet-2", "fleet-1", "virt-slow"])
    os.mkdir(t.path("new"))
    for n, example in enumerate(examples):
        t.ok(accepts(schema, example), example)
        name = t.path("old-fleet-1.json") if n == 0 else t.path("new", example["name"] + ".json")
        with open(name, "w", encoding="ascii") as f:
            json.dump(example, f)
    # What the manual says of them.
    done = subprocess.run([os.path.join(gwttest.BUILDDIR, "godwit-machine"), "diff", "-compat-dir",
                           t.path("new"), t.path("old-fleet-1.json"), "fleet-1"],
                          capture_output=True, text=True, check=False, timeout=60)
    t.equal(done.stdout.splitlines(), ["machine type: fleet-1 | fleet-1",
                                       "deprecated: no | start new guests with fleet"], done.stderr)
    for name in ("fleet", "fleet-1", "virt-slow"):
        t.run("-compat-dir", t.path("new"), "-M", name, "-bios", "none", "-S", "-dumpdtb",
              t.path("dtb"))
    for member in schema["properties"]:
        t.contains(text, "`%s`" % member)


gwttest.main()
