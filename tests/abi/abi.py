# SPDX-License-Identifier: BSD-2-Clause
"""Nets against a break of the plugin ABI, each with the break that it must catch.

    abi.py --update REASON    freeze the headers as they are now and write REASON into
    compat/abi/HISTORY
"""

import datetime
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import gwttest  # pylint: disable=wrong-import-position
import headers  # pylint: disable=wrong-import-position

CC = (os.environ.get("CC") or "cc").split()
ABIDIFF = os.environ.get("ABIDIFF") or shutil.which("abidiff") or "no"
INCLUDE = os.path.join(gwttest.SRCDIR, "include")
FROZEN = os.path.join(gwttest.SRCDIR, "compat", "abi")
LAYOUT = os.path.join(FROZEN, "layout-1.txt")
BASELINE = os.path.join(FROZEN, platform.machine() + ".abi")
HISTORY = os.path.join(FROZEN, "HISTORY")
HOW = (
    "; append instead of changing; what was appended on purpose is frozen by "
    "'python3 tests/abi/abi.py --update REASON'"
)


def slurp(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def digest(path):
    return hashlib.sha256(slurp(path).encode()).hexdigest()[:16]


def changed_headers(t, name, old, new):
    """A copy of the headers in which OLD (in NAME) became NEW."""
    include = t.path("include")
    shutil.rmtree(include, ignore_errors=True)
    shutil.copytree(INCLUDE, include)
    path = os.path.join(include, "godwit", name)
    for part, mode in ((include, 0o755), (os.path.dirname(path), 0o755), (path, 0o644)):
        os.chmod(part, mode)  # a distribution's files are read-only
    text = slurp(path)
    t.equal(text.count(old), 1, "places where the break fits in")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))
    return include


@gwttest.test("what was frozen is a prefix of what the headers say")
def layout(t):
    new = headers.layout(INCLUDE, CC, t.tmp)
    faults = headers.compare(slurp(LAYOUT), new)
    t.ok(not faults, "the plugin ABI is broken: %s%s" % ("; ".join(faults), HOW))
    t.ok(new == slurp(LAYOUT), "the headers have grown%s" % HOW)


BREAKS = [
    (
        "two members swapped",
        "abi.h",
        '  uint32_t abi_minor;  /* GWT_ABI_MINOR of the host */\n  const char *name;    /* '
        '"godwit", or the name of a checker */\n',
        "  const char *name;\n  uint32_t abi_minor;\n",
        "struct gwt_host: 'abi_minor",
    ),
    (
        "a member retyped",
        "abi.h",
        "  uint32_t abi_minor_needed; /* lowest",
        "  uint64_t abi_minor_needed; /* lowest",
        "struct gwt_plugin: 'abi_minor_needed",
    ),
    (
        "a member removed",
        "clock.h",
        "  uint64_t (*now) (uint32_t clock);\n",
        "",
        "struct gwt_clock_api: 'now",
    ),
    (
        "a member put in between",
        "irq.h",
        "  void (*set) (struct gwt_irq *irq, uint32_t level);",
        "  void (*pulse) (struct gwt_irq *irq);\n  void (*set) (struct gwt_irq *irq, uint32_t "
        "level);",
        "struct gwt_irq_api: 'set",
    ),
    (
        "a struct without size has grown",
        "cpu.h",
        "  uint64_t flags;   /* enum gwt_span_flag */\n",
        "  uint64_t flags;\n  uint64_t more;\n",
        "struct gwt_span has no size of its own and so must not change",
    ),
    (
        "an enumerator renumbered",
        "device.h",
        "GWT_THREADS_DEVICE = 2000",
        "GWT_THREADS_DEVICE = 2001",
        "enum gwt_threads: 'GWT_THREADS_DEVICE 2000' is gone or changed",
    ),
    (
        "an extension id changed",
        "irq.h",
        'GWT_IRQ_EXT "gwt.irq/1"',
        'GWT_IRQ_EXT "gwt.irq/2"',
        "constant GWT_IRQ_EXT is not",
    ),
]

for case in BREAKS:

    def broken(t, case=case):
        new = headers.layout(changed_headers(t, *case[1:4]), CC, t.tmp)
        t.contains("; ".join(headers.compare(slurp(LAYOUT), new)), case[4])

    gwttest.test("the layout net catches: %s" % case[0])(broken)


@gwttest.test("appending is no break")
def appended(t):
    include = changed_headers(
        t,
        "clock.h",
        "  uint64_t (*timer_expiry) (struct gwt_timer *timer);\n",
        "  uint64_t (*timer_expiry) (struct gwt_timer *timer);\n  void (*more) (void);\n",
    )
    t.equal(headers.compare(slurp(LAYOUT), headers.layout(include, CC, t.tmp)), [], "faults")


def abidiff(t, include):
    if ABIDIFF == "no":
        t.skip("abidiff is not installed")
    if not os.path.exists(BASELINE):
        t.skip(
            "there is no baseline for %s; signatures are compared on x86_64" % platform.machine()
        )
    library = headers.witness(include, CC, t.tmp)
    done = subprocess.run(
        [ABIDIFF, BASELINE, library], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


@gwttest.test("no signature differs from the baseline")
def signatures(t):
    status, text = abidiff(t, INCLUDE)
    t.ok(status == 0, "abidiff exits with %d:\n%s%s" % (status, text, HOW))


@gwttest.test("the signature net catches: a callback's argument changed")
def signature_break(t):
    status, text = abidiff(
        t,
        changed_headers(
            t,
            "device.h",
            "  void (*reset) (void *self, uint32_t kind);",
            "  void (*reset) (void *self, uint64_t kind);",
        ),
    )
    t.ok(status != 0, "abidiff sees no difference:\n" + text)


@gwttest.test("the newest line of HISTORY tells why the frozen layout is as it is")
def history(t):
    lines = [x for x in slurp(HISTORY).splitlines() if x and not x.startswith("#")]
    t.ok(
        lines and lines[-1].split()[2] == digest(LAYOUT),
        "compat/abi/HISTORY does not end with a line for the "
        "layout %s%s" % (digest(LAYOUT), HOW),
    )


def update(reason):
    if not reason.strip():
        sys.exit("abi.py: a reason is needed")
    with tempfile.TemporaryDirectory() as tmp:
        new = headers.layout(INCLUDE, CC, tmp)
        faults = headers.compare(slurp(LAYOUT), new) if os.path.exists(LAYOUT) else []
        if faults and os.path.exists(os.path.join(gwttest.SRCDIR, "compat", "releases")):
            sys.exit("abi.py: this breaks plugins of a release: %s" % "; ".join(faults))
        os.makedirs(FROZEN, exist_ok=True)
        with open(LAYOUT, "w", encoding="utf-8") as f:
            f.write(new)
        if shutil.which("abidw"):
            subprocess.run(
                [
                    "abidw",
                    "--no-comp-dir-path",
                    "--no-corpus-path",
                    "--no-show-locs",
                    "--out-file",
                    BASELINE,
                    headers.witness(INCLUDE, CC, tmp),
                ],
                check=True,
            )
        minor = [x for x in new.splitlines() if x.startswith("constant GWT_ABI_MINOR")][0].split()[
            2
        ]
        with open(HISTORY, "a", encoding="utf-8") as f:
            f.write(
                "%s 1.%s %s %s\n"
                % (datetime.date.today().isoformat(), minor, digest(LAYOUT), reason)
            )


if len(sys.argv) > 1 and sys.argv[1] == "--update":
    update(" ".join(sys.argv[2:]))
else:
    gwttest.main()
