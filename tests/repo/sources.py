# SPDX-License-Identifier: BSD-2-Clause
"""The rules of the house that can be read off the sources.

Each rule is a function from a folder to a list of findings.  It is run on this tree, where it must
find nothing, and on a small bad tree, where it must find what was planted: a check that has never
failed is no check.
"""

import ast
import glob
import os
import re
import shutil
import subprocess

import gwttest

# Lowest first; layers of one row may include each other.
LAYERS = (("include/godwit",), ("core/util",), ("core/memory", "core/device"),
          ("core/cpu", "core/vmstate", "core/plugin", "core/backend"), ("core/migration",),
          ("core/machine",), ("core/monitor",), ("core/cli",))
# What a plugin may include besides the ABI: headers of ISO C and POSIX, and the kernel's own ABI.
LIBC = re.compile(
    r"^((arpa|linux|net|netinet|sys)/\w+|aio|assert|complex|ctype|dirent|dlfcn|endian|errno|fcntl|"
    r"fenv|float|getopt|inttypes|iso646|limits|locale|math|poll|pthread|pwd|sched|search|semaphore|"
    r"setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|"
    r"string|strings|termios|tgmath|threads|time|ucontext|unistd|wchar|wctype|(x|imm|emm)mmintrin|"
    r"immintrin|arm_neon)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
OUR_FOLDERS = ("include", "core", "plugins", "tools", "tests", "examples", "bench")


def files(root, *folders, ext):
    for folder in folders:
        for path, names, found in os.walk(os.path.join(root, folder)):
            names[:] = sorted(n for n in names if not n.startswith((".", "build")))
            for name in sorted(found):
                if name.endswith(ext):
                    yield os.path.relpath(os.path.join(path, name), root)


def text(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def rank(path):
    for i, row in enumerate(LAYERS):
        if any(path.startswith(layer + "/") for layer in row):
            return i
    return None


def layers(root):
    """A file of the core includes its own layer or a lower one, and names it from the top."""
    bad = []
    for name in files(root, "include", "core", ext=(".c", ".h")):
        mine = rank(name)
        if mine is None:
            bad.append("%s: in no layer" % name)
            continue
        for kind, header in INCLUDE.findall(text(root, name)):
            target = "include/" + header if header.startswith("godwit/") else header
            if kind == '"' and not header.startswith(("core/", "godwit/")) \
                    and header != "config.h":
                target = os.path.join(os.path.dirname(name), header)
            theirs = rank(target)
            if theirs is not None and theirs > mine:
                bad.append("%s: includes %s of a higher layer" % (name, header))
            if header.startswith("plugins/") or "/plugins/" in header:
                bad.append("%s: includes %s; the core knows no device" % (name, header))
    return bad


def plugin_includes(root):
    """A plugin sees the ABI and the C library."""
    bad = []
    for name in files(root, "plugins", "examples", ext=(".c", ".h", ".inc")):
        for kind, header in INCLUDE.findall(text(root, name)):
            if kind == "<":
                fine = header.startswith("godwit/") or LIBC.match(header)
            else:
                fine = "/" not in header and header != "config.h"
            if not fine:
                bad.append("%s: includes %s" % (name, header))
    return bad


def config_first(root):
    """config.h comes first in every .c of the core and nowhere else; the own header is second."""
    bad = []
    for name in files(root, "core", ext=".c"):
        found = [header for _, header in INCLUDE.findall(text(root, name))]
        if not found or found[0] != "config.h":
            bad.append("%s: config.h is not the first include" % name)
        own = name[:-2] + ".h"
        if os.path.exists(os.path.join(root, own)) and found[1:2] != [own] \
                and found[1:2] != [os.path.basename(own)]:
            bad.append("%s: %s is not the second include" % (name, own))
    for name in files(root, "core", "include", "plugins", ext=(".h", ".inc")):
        if re.search(r'#\s*include\s*["<]config\.h', text(root, name)):
            bad.append("%s: includes config.h" % name)
    return bad


def heads(root):
    """The license line first, then what the file owns."""
    bad = []
    for name in files(root, *OUR_FOLDERS, ext=(".c", ".h", ".sh", ".py", ".S")):
        lines = text(root, name).split("\n")[:3]
        at = 1 if lines[0].startswith("#!") else 0
        if "SPDX-License-Identifier: BSD-2-Clause" not in (lines[at:] or [""])[0]:
            bad.append("%s: no SPDX line at the top" % name)
    return bad


def shape(root):
    """Lines of 100 columns in C and 120 in scripts, no tabs, files that a reader can hold."""
    bad = []
    for name in files(root, *OUR_FOLDERS, ext=(".c", ".h", ".inc", ".py", ".sh")):
        content = text(root, name)
        for number, line in enumerate(content.split("\n"), 1):
            where = "%s:%d" % (name, number)
            # scripts quote messages, which do not break well
            if len(line) > (120 if name.endswith((".py", ".sh")) else 100):
                bad.append("%s: %d columns" % (where, len(line)))
            if line != line.rstrip():
                bad.append("%s: space at the end of the line" % where)
            if "\t" in line and not name.endswith(".sh"):
                bad.append("%s: a tab" % where)
        if name.startswith(("core/", "plugins/")) and name.endswith(".c") \
                and content.count("\n") > 800 and not re.search(r"\blines\b", content[:3000]):
            bad.append("%s: %d lines, and its head does not say why there are so many lines"
                       % (name, content.count("\n")))
    return bad


def listed_tests(root):
    """A test that no fragment lists never runs."""
    listed = "".join(text(root, name) for name in files(root, "tests", ext="local.mk"))
    bad = []
    for name in files(root, "tests", ext=(".sh", ".py", ".c")):
        folder, base = os.path.split(name)
        # deeper down are the parts of a test, not tests
        if folder.count("/") != 1 or folder == "tests/guest":
            continue
        # C programs that a fragment needs not name: Automake derives SOURCES from the program
        if name not in listed and name.rsplit(".", 1)[0] not in listed and base not in listed:
            bad.append("%s: in no local.mk" % name)
    return bad


def hacking_paths(root):
    """Every path that HACKING.md gives in backquotes exists."""
    bad = []
    for quoted in re.findall(r"`([^`\n]+)`", text(root, "HACKING.md")):
        word = quoted.strip()
        if not re.match(r"^[\w.-]+(/[\w.*-]*)+$", word):
            continue
        if word.startswith(("./", "build/", "build-", "guest/", "test-results/", "gwt.")):
            continue
        if not glob.glob(os.path.join(root, word)):
            bad.append("HACKING.md: `%s` does not exist" % word)
    return bad


def exit_calls(root):
    """No way to end the process where a guest, a file or a client may be the reason."""
    bad = []
    pattern = re.compile(r"(?<![\w>.])(abort|_?exit|assert|g_assert\w*|g_error|g_abort)\s*\(")
    for name in files(root, "core", "plugins", ext=(".c", ".h", ".inc")):
        if name == "core/cli/main.c":
            continue
        code = re.sub(r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"\\\n])*\"",
                      lambda m: re.sub(r"[^\n]", " ", m[0]), text(root, name), flags=re.DOTALL)
        for match in pattern.finditer(code):
            end = text(root, name).find("\n", match.start())
            if "no guest or user" in text(root, name)[match.start():end]:
                continue  # the comment on the line says that none of them can be the reason
            bad.append("%s:%d: %s()" % (name, code.count("\n", 0, match.start()) + 1, match[1]))
    return bad


def tracked(root):
    listing = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others",
                              "--exclude-standard"], stdout=subprocess.PIPE, check=True).stdout
    return [n for n in listing.decode().split("\0")
            if n and os.path.exists(os.path.join(root, n))]


def made_files(root):
    """Nothing that a build makes is in the repository, and core/ is not hidden from it."""
    bad = ["%s: made by a build" % n for n in tracked(root)
           if re.search(r"\.(o|a|so|lo|la|log|trs|pyc|deb|cpio|gz|xz|elf)$|(^|/)(config\.status|"
                        r"Makefile|Makefile\.in|configure|core\.\d+)$", n)
           and not re.match(r"examples/[^/]+/Makefile$", n)]
    probe = subprocess.run(["git", "-C", root, "check-ignore", "-q", "core/cli/new.c"], check=False)
    if probe.returncode == 0:
        bad.append(".gitignore: hides core/")
    return bad


def host_names(root):
    """No package mirror is named, this machine's least of all, and nothing outside the tree."""
    # put together here, so that this file does not hold what it looks for
    known = {"." + "debian." + "org", "." + "debian." + "net"}
    uris = subprocess.run("apt-get --print-uris update 2>/dev/null || :", shell=True,
                          stdout=subprocess.PIPE, check=False).stdout.decode("utf-8", "replace")
    known |= {h for h in re.findall(r"//([^/\s:@']+)", uris) if "." in h}
    # a home, and the folder that this checkout is in where that is no folder of everybody's
    above = os.path.dirname(os.path.realpath(gwttest.SRCDIR))
    own = r"(?<![\w.])(/home/\w+%s)" % ("|" + re.escape(above) + r"\b" if above.count("/") > 1 else "")
    bad = []
    for name in tracked(root):
        content = text(root, name)
        for host in known:
            for match in re.finditer(re.escape(host), content):
                # an address of a person or a list is no mirror
                line = content[content.rfind("\n", 0, match.start()) + 1:match.end()]
                if "@" not in line:
                    bad.append("%s: names a host: %s" % (name, line.strip()[-60:]))
        for match in re.finditer(own, content):
            bad.append("%s: names %s, which is on one machine only" % (name, match[0]))
    return bad


def python_parses(root):
    """Every Python file is Python: one that is not would fail as a whole, without a name."""
    bad = []
    for name in files(root, "tests", "bench", "tools", ext=".py"):
        try:
            ast.parse(text(root, name))
        except SyntaxError as e:
            bad.append("%s:%s: %s" % (name, e.lineno, e.msg))
    return bad


def configure_keeps_core(root):
    """Some macros of Autoconf remove a folder named core; see configure.ac."""
    script = text(root, "configure")
    return ["configure: %s" % line.strip() for line in script.split("\n")
            if re.search(r"\brm\s+(-\w+\s+)*-\w*[rR]\w*\s+([^|;&]*\s)?core(\s|;|$)", line)]


def plant(root, name, content):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(content)


GOOD = "/* SPDX-License-Identifier: BSD-2-Clause */\n"


def check(rule, samples, git=False):
    """Register a test: the rule on this tree, and on one planted file after the other."""
    @gwttest.test(rule.__doc__.split("\n")[0].rstrip("."))
    def run(t):
        if git and not shutil.which("git"):
            t.skip("git is not installed")
        for i, (name, content) in enumerate(samples):
            root = t.path("bad%d" % i)
            plant(root, name, content)
            if git:
                subprocess.run(["git", "-C", root, "init", "-q"], check=True)
            found = rule(root)
            t.ok(found, "the check is blind: it finds nothing wrong with %s: %r" % (name, content))
        if git and not os.path.exists(os.path.join(gwttest.SRCDIR, ".git")):
            t.skip("not in a git checkout")
        found = rule(gwttest.SRCDIR)
        t.ok(not found, "%d findings\n" % len(found) + "\n".join(found[:60]))


check(layers, [("core/util/x.c", '#include "core/memory/memory.h"\n'),
               ("core/device/x.h", '#include "core/cli/x.h"\n'),
               ("core/machine/x.c", '#include "../monitor/qmp.h"\n'.replace("../", "core/")),
               ("core/util/x.c", '#include "plugins/aclint/aclint.h"\n'),
               ("core/stray.c", "\n")])
check(plugin_includes, [("plugins/x/x.c", "#include <glib.h>\n"),
                        ("plugins/x/x.c", '#include "core/util/text.h"\n'),
                        ("plugins/x/x.h", "#  include <json-c/json.h>\n"),
                        ("plugins/x/x.c", '#include "config.h"\n')])
check(config_first, [("core/util/x.c", '#include <glib.h>\n#include "config.h"\n'),
                     ("core/util/x.h", '#include "config.h"\n'),
                     ("core/util/x.c", "\n")])
check(heads, [("core/util/x.c", "#include <glib.h>\n"), ("tests/x.py", "#!/usr/bin/python3\n\n")])
check(shape, [("core/util/x.c", "/* %s */\n" % ("x" * 100)), ("core/util/x.c", "int x;\t\n"),
              ("core/util/x.c", GOOD + "\n" * 900), ("plugins/x/x.h", "int x; \n")])
check(listed_tests, [("tests/x/orphan.sh", "\n"), ("tests/x/test-orphan.c", "\n")])
check(hacking_paths, [("HACKING.md", "| where | `core/nonesuch.c` |\n")])
check(exit_calls, [("core/util/x.c", "void f (void) { abort (); }\n"),
                   ("plugins/x/x.c", "void f (void) { g_assert (0); }\n"),
                   ("core/util/x.c", 'void f (void) { puts ("/*"); exit (1); }\n')])
check(made_files, [("core/util/x.o", "\n"), (".gitignore", "core\n")], git=True)
check(host_names, [("README.md", "deb http://ftp." + "debian." + "org/x\n"),
                   ("core/x.c", "/" + "home/somebody/godwit\n")], git=True)
check(python_parses, [("tests/x.py", 'print("a line\nthat ends too early")\n')])
check(configure_keeps_core, [("configure", "\n  rm -rf core conftest.err\n"),
                             ("configure", "rm -f -r conftest* core\n")])

gwttest.main()
