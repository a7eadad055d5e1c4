# SPDX-License-Identifier: BSD-2-Clause
"""The public headers stand alone, in every language a plugin may be written in.

No build option may alter them and no compiler may pad them: their layout is the ABI.
"""

import glob
import os
import shutil
import subprocess

import gwttest

CC = os.environ.get("CC", "cc").split()
CXX = shutil.which(os.environ.get("CXX", "g++"))
HEADERS = sorted(glob.glob(os.path.join(gwttest.SRCDIR, "include/godwit/*.h")))


def compiles(t, argv, source, include):
    """Compile from standard input; returns the compiler's words, '' when it is content."""
    result = subprocess.run(argv + ["-fsyntax-only", "-Werror", "-Wall", "-Wextra", "-I" + include,
                                    "-"], input=source.encode(), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, cwd=t.tmp, check=False)
    return "" if result.returncode == 0 else result.stdout.decode("utf-8", "replace")


def modes():
    # Unused static inline helpers are no fault of a header.
    c = CC + ["-xc", "-Wno-unused-function", "-Wno-unused-const-variable"]
    yield "C90", c + ["-std=c90", "-pedantic"]
    yield "C11", c + ["-std=c11", "-pedantic", "-Wstrict-prototypes"]
    yield "without padding", c + ["-std=gnu11", "-Wpadded"]
    if CXX:
        yield "C++17", [CXX, "-xc++", "-std=c++17", "-pedantic", "-Wno-unused-function"]


def wrong(t, argv, headers, include):
    bad = []
    for path in headers:
        line = "#include <godwit/%s>\n" % os.path.basename(path)
        words = compiles(t, argv, line, include) or compiles(t, argv, line * 2, include)
        if words:
            bad.append("%s: %s" % (os.path.basename(path), words.strip()[:600]))
    return bad


BREAKS = {
    "C90": "static inline int f (void) { return 0; } // comment\n",
    "C11": "int f ();\n",
    "without padding": "struct s { char c; int i; };\n",
    "C++17": "struct s { int class; };\n",
}


def register(name, argv):
    @gwttest.test("each public header compiles alone and twice: %s" % name)
    def run(t):
        os.makedirs(t.path("godwit"))
        for text in (BREAKS[name], "uint32_t x;\n"):
            with open(t.path("godwit/broken.h"), "w", encoding="ascii") as f:
                f.write(text)
            t.ok(wrong(t, argv, [t.path("godwit/broken.h")], t.tmp),
                 "the check is blind: it takes %r" % text)
        t.ok(HEADERS, "no headers found")
        found = wrong(t, argv, HEADERS, os.path.join(gwttest.SRCDIR, "include"))
        t.ok(not found, "\n".join(found))


for mode, command in modes():
    register(mode, command)
if not CXX:
    gwttest.test("each public header compiles alone and twice: C++17",
                 skip="no C++ compiler is installed")(lambda t: None)


@gwttest.test("all headers together, in either order")
def together(t):
    lines = ["#include <godwit/%s>\n" % os.path.basename(h) for h in HEADERS]
    include = os.path.join(gwttest.SRCDIR, "include")
    argv = CC + ["-xc", "-std=c11", "-Wno-unused-function", "-Wno-unused-const-variable"]
    for order in (lines, lines[::-1]):
        words = compiles(t, argv, "".join(order), include)
        t.ok(not words, words)


@gwttest.test("the names that the headers define are ours")
def names(t):
    """Macros and types of a public header begin with gwt_, GWT_ or godwit."""
    include = os.path.join(gwttest.SRCDIR, "include")

    def defined(headers, folder):
        source = "".join("#include <godwit/%s>\n" % os.path.basename(h) for h in headers)
        out = subprocess.run(CC + ["-xc", "-E", "-dD", "-I" + folder, "-"], input=source.encode(),
                             stdout=subprocess.PIPE, check=True).stdout.decode()
        found, ours = set(), False
        for line in out.split("\n"):
            if line.startswith("# "):
                ours = "/godwit/" in line
            elif ours and line.startswith("#define "):
                found.add(line.split()[1].split("(")[0])
        return sorted(n for n in found if not n.lower().startswith(("gwt_", "_gwt", "godwit")))

    os.makedirs(t.path("godwit"))
    with open(t.path("godwit/broken.h"), "w", encoding="ascii") as f:
        f.write("#define MIN(a, b) ((a) < (b) ? (a) : (b))\n")
    t.equal(defined([t.path("godwit/broken.h")], t.tmp), ["MIN"], "names of the broken sample")
    t.equal(defined(HEADERS, include), [], "foreign names")


gwttest.main()
