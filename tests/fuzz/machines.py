# SPDX-License-Identifier: BSD-2-Clause
"""Boards and machine types with one value in them made hostile, given to the program as a user would:
it builds the machine, or says in one line why not and leaves nothing behind."""
import copy
import json
import os
import random
import subprocess

import gwttest

HOSTILE = [None, True, False, 0, 1, -1, 7, 2 ** 31, 2 ** 32, 2 ** 63, 2 ** 64 - 1, 2 ** 64, 1e308, 0.5,
           "", " ", "0", "0x0", "0xffffffffffffffff", "0x10000000000000000", "-0x1", "1K", "99999999T",
           "0x80000000", "0x1000", "on", "off", "help", "nonesuch", "..", "/", "../../etc/passwd",
           "a" * 5000, "%s%n%s", "\n", "line\nbreak", "\u0000", "\u202e", "\ud83d\ude00", "ns16550",
           "virt", "virt-1.0", [], {}, [[]], [{}], {"": ""}, [None] * 2000,
           ["0x10000000"], {"type": "ns16550"}]
SCALE = 1 if not gwttest.SANITIZERS else 3


def places(value, path=()):
    """Every path to a value in a JSON document."""
    out = [path]
    if isinstance(value, dict):
        for k in value:
            out += places(value[k], path + (k,))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            out += places(v, path + (i,))
    return out


def change(document, path, rng):
    """One change at PATH: another value, none, a second one, another name, or one taken from elsewhere."""
    document = copy.deepcopy(document)
    if not path:
        return rng.choice(HOSTILE)
    at = document
    for step in path[:-1]:
        at = at[step]
    last = path[-1]
    kind = rng.randrange(8)
    if kind == 0:
        del at[last]
    elif kind == 1 and isinstance(at, list):
        at.append(copy.deepcopy(at[last]))
    elif kind == 1:
        at[str(rng.choice(["x", "", "id", last + "s", last[:-1]]))] = at.pop(last)
    elif kind == 2:
        other = document
        for step in rng.choice(places(document)):
            other = other[step]
        at[last] = copy.deepcopy(other)
    elif kind == 3 and isinstance(at[last], str) and at[last].startswith("0x"):
        at[last] = hex((int(at[last], 16) + rng.choice([-1, 1, 2, 4096, -4096, 1 << 20, 1 << 40])) % 2 ** 64)
    else:
        at[last] = rng.choice(HOSTILE)
    return document


def judge(t, file, what):
    """Run the program on a machine file."""
    dtb = t.path("out.dtb")
    r = subprocess.run([gwttest.GODWIT, "-M", file, "-bios", "none", "-display", "none", "-serial", "null",
                        "-dumpdtb", dtb], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60 * gwttest.SCALE, check=False)
    err = r.stderr.decode("utf-8", "replace")
    text = "%s: status %d, stderr:\n%s" % (what, r.returncode, err[-3000:])
    t.ok(r.returncode in (0, 1), text)
    if r.returncode == 1:
        t.ok(err.startswith("godwit: ") and err.count("\n") == 1, text)
        t.ok(not err.rstrip("\n").endswith("."), text)
        t.ok(not os.path.exists(dtb), what + ": a file was left behind")
    else:
        t.ok(os.path.getsize(dtb) > 0, text)
        os.unlink(dtb)
    return r.returncode


def mutations(t, source, seed, count):
    with open(os.path.join(gwttest.SRCDIR, source), encoding="utf-8") as f:
        document = json.load(f)
    rng = random.Random(seed)
    every = places(document)
    file = t.path("fuzz.json")
    refused = 0
    for n in range(count // SCALE):
        path = rng.choice(every)
        changed = change(document, path, rng)
        if isinstance(changed, dict) and rng.randrange(4):
            changed["name"] = "fuzz" if "name" in changed else changed.get("name")
        with open(file, "w", encoding="utf-8") as f:
            json.dump(changed, f)
        try:
            refused += judge(t, file, "%s, change %d at %s" % (source, n, list(path)))
        except Exception:
            print("# " + json.dumps(changed)[:4000])
            raise
    t.ok(refused > count // SCALE // 4, "only %d of %d were refused" % (refused, count // SCALE))


@gwttest.test("boards with one value made hostile")
def boards(t):
    mutations(t, "machines/virt.json", 1, 150)


@gwttest.test("the board with APLIC and IMSIC, likewise")
def boards_aia(t):
    mutations(t, "machines/virt-aia.json", 3, 50)


@gwttest.test("machine types with one value made hostile")
def types(t):
    mutations(t, "compat/virt-1.0.json", 2, 60)


gwttest.main()
