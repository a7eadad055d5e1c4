# SPDX-License-Identifier: BSD-2-Clause
"""What the built plugins and the emulator export and need, read with readelf."""

import glob
import os
import re
import shutil
import subprocess

import gwttest

if not shutil.which("readelf"):
    gwttest.skip_all("readelf is not installed")

ENTRY = "godwit_plugin_v1"
CC = os.environ.get("CC", "cc").split()
PLUGINS = sorted(glob.glob(os.path.join(gwttest.BUILDDIR, "plugins/*.so")))
# Every library a plugin brings is one that may clash with the core's own; these are the C library.
LIBRARIES = re.compile(r"^(libc|libm|libpthread|libdl|librt|ld-linux[\w.-]*|libgcc_s|libasan|"
                       r"libubsan)\.so")


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], stdout=subprocess.PIPE,
                          check=True).stdout.decode("utf-8", "replace")


def symbols(path):
    """(defined, undefined) names of the dynamic symbol table that others can see."""
    defined, undefined = [], []
    for line in readelf("--dyn-syms", path).split("\n"):
        fields = line.split()
        if len(fields) < 8 or not fields[0].rstrip(":").isdigit():
            continue
        bind, visibility, section, name = fields[4], fields[5], fields[6], fields[7]
        if bind == "LOCAL" or visibility in ("HIDDEN", "INTERNAL"):
            continue
        (undefined if section == "UND" else defined).append(name.split("@")[0])
    return defined, undefined


def plugin_faults(path):
    defined, undefined = symbols(path)
    dynamic = readelf("--dynamic", path)
    bad = []
    if defined != [ENTRY]:
        bad.append("exports %s" % ", ".join(defined))
    bad += ["needs the symbol %s of the core" % n for n in undefined if n.startswith("gwt_")]
    for library in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
        if not LIBRARIES.match(library):
            bad.append("needs the library %s" % library)
    if "BIND_NOW" not in dynamic and " NOW" not in dynamic:
        bad.append("is not bound at once")
    if "TEXTREL" in dynamic:
        bad.append("has text relocations")
    if ".note.godwit" not in readelf("--sections", path):
        bad.append("has no note")
    if re.search(r"GNU_STACK.*RWE", readelf("--segments", path)):
        bad.append("asks for an executable stack")
    return bad


@gwttest.test("a plugin exports its entry and needs nothing of the core")
def plugins(t):
    samples = {
        "exports": "int %s (void) { return 0; } int helper (void) { return 1; }" % ENTRY,
        "needs the symbol": "extern int gwt_log (void); int %s (void) { return gwt_log (); }"
                            % ENTRY,
        "has no note": "int %s (void) { return 0; }" % ENTRY,
        "is not bound at once": "int %s (void) { return 0; }" % ENTRY,
        "asks for an executable stack":
            "int %s (void) { return 0; } "
            "__asm__ (\".section .note.GNU-stack,\\\"x\\\",@progbits\");" % ENTRY,
    }
    for fault, source in samples.items():
        with open(t.path("x.c"), "w", encoding="ascii") as f:
            f.write(source)
        flag = ["-Wl,-z,execstack"] if "stack" in fault else []
        # a sample needs no sanitizer, whatever this build has; lazy binding is the linker's choice
        subprocess.run(CC + ["-shared", "-fPIC", "-Wl,-z,lazy", *flag, "-o", t.path("x.so"),
                             t.path("x.c")], check=True, stderr=subprocess.DEVNULL)
        t.ok(any(fault in x for x in plugin_faults(t.path("x.so"))),
             "the check is blind: it finds %r where it should find %r"
             % (plugin_faults(t.path("x.so")), fault))
    t.ok(PLUGINS, "no plugins in %s" % gwttest.BUILDDIR)
    found = ["%s %s" % (os.path.basename(p), x) for p in PLUGINS for x in plugin_faults(p)]
    t.ok(not found, "\n".join(found))


@gwttest.test("the emulator exports nothing and is linked against no device")
def core(t):
    for program in ("core/godwit", "tools/godwit-plugin", "tools/godwit-stream",
                    "tools/godwit-ctl", "tools/godwit-machine"):
        path = os.path.join(gwttest.BUILDDIR, program)
        defined, _ = symbols(path)
        ours = [n for n in defined if n.startswith(("gwt_", "godwit_", "rv_"))]
        t.equal(ours, [], "%s exports" % program)
        held = re.findall(r"\bFUNC\b.* (?!UND)\S+ %s$" % ENTRY, readelf("--symbols", path),
                          re.MULTILINE)
        t.equal(held, [], "entries of plugins in %s" % program)


@gwttest.test("the wrapper runs the program that was built here")
def wrapper(t):
    with open(os.path.join(gwttest.BUILDDIR, "godwit"), encoding="utf-8") as f:
        t.contains(f.read(), gwttest.BUILDDIR)
    process = t.start_program(os.path.join(gwttest.BUILDDIR, "godwit"), "-version")
    process.close_stdin()
    t.equal(process.wait(), 0, "exit status of godwit -version")
    with open(os.path.join(gwttest.BUILDDIR, "config.h"), encoding="utf-8") as f:
        version = re.search(r'#define PACKAGE_VERSION "(.*)"', f.read())[1]
    t.contains(process.console.output.decode(), version)


gwttest.main()
