#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What each release sends is frozen in compat/schemas/, and this build's machine types of the same
names still send and read it.  A change that is not meant to reach old machine types hangs on a
property that a compat row turns off, see docs/schema-changes.md."""

import fnmatch
import json
import os
import shutil
import subprocess

import gwttest
import variants

# Elsewhere where a test tries what a release that is named would do.
RECORDS = os.environ.get("GODWIT_RECORDS") or os.path.join(gwttest.SRCDIR, "compat")
TOOL = os.environ.get("GODWIT_MACHINE") or os.path.join(gwttest.BUILDDIR, "godwit-machine")


def lines(name):
    with open(os.path.join(RECORDS, name), encoding="utf-8") as f:
        return [line.strip() for line in f if line.strip() and not line.startswith("#")]


RELEASES = [line.split() for line in lines("releases")]
ACCEPTED = [line.split(None, 2) for line in lines("schemas-accepted")]
used = set()


def dump(t, machine, path, *args):
    t.run("-M", machine, *args, "-dump-vmstate", path)
    return path


def differences(old, new):
    done = subprocess.run([TOOL, "schema-diff", "--json", old, new], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise gwttest.Failure(done.stderr)
    return json.loads(done.stdout)["changes"]


def faults(release, machine, changes):
    """What of CHANGES closes a way and is not accepted."""
    found = []
    for c in changes:
        text = "%s: %s, section '%s': %s" % (c["class"], c["type"], c["section"], c["change"])
        allowed = [i for i, (r, m, line) in enumerate(ACCEPTED)
                   if line == text and fnmatch.fnmatchcase(release, r)
                   and fnmatch.fnmatchcase(machine, m)]
        used.update(allowed)
        if c["class"] == "breaking" or (c["class"] != "safe" and not allowed):
            found.append("%s; %s" % (text, c.get("remedy", "")))
    return found


for version, _, _, *types in RELEASES:
    for machine_type in types:
        def same(t, version=version, machine=machine_type):
            frozen = os.path.join(RECORDS, "schemas", version, machine + ".json")
            found = faults(version, machine,
                           differences(frozen, dump(t, machine, t.path("now.json"))))
            t.ok(not found, "guests of release %s can no longer come and go:\n%s\n"
                 "docs/schema-changes.md tells how to change a schema" % (version, "\n".join(found)))
        gwttest.test("%s of release %s" % (machine_type, version),
                     skip="built without some plugins" if os.environ.get("GODWIT_ABSENT_PLUGINS")
                     else None)(same)


@gwttest.test("what is accepted is still there", skip=None if ACCEPTED else "nothing is accepted")
def accepted(t):
    for i, words in enumerate(ACCEPTED):
        t.ok(i in used, "compat/schemas-accepted: no change needs '%s'" % " ".join(words))
        t.ok(not words[2].startswith("breaking"), "nothing that is breaking can be accepted")


COUNT = [('  uint32_t time_high;\n', '  uint32_t time_high;\n  uint32_t alarms, spare;\n'),
         ('  GWT_HOST_ROW (struct goldfish_rtc, timer,',
          '  GWT_STATE_ROW (struct goldfish_rtc, alarms, "alarms", .doc = "alarms that went off"),\n'
          '  GWT_HOST_ROW (struct goldfish_rtc, spare, "padding"),\n'
          '  GWT_HOST_ROW (struct goldfish_rtc, timer,')]
FIELD = '  GWT_VM_VALUE (struct goldfish_rtc, tick_offset, .version = 3),\n'
GATE = [('  uint32_t alarms, spare;\n', '  uint32_t alarms;\n  _Bool count;\n  uint8_t more[3];\n'),
        ('  GWT_HOST_ROW (struct goldfish_rtc, spare, "padding"),\n',
         '  GWT_PROP_ROW (struct goldfish_rtc, count, "x-count-alarms", .def = 1,\n'
         '                .doc = "send how many alarms went off"),\n'
         '  GWT_HOST_ROW (struct goldfish_rtc, more, "padding"),\n')]
ROW = [('static const struct gwt_plugin plugin = {\n',
        'static const struct gwt_compat_row compat[]\n'
        '    = { { "0.1.0", "goldfish-rtc", "x-count-alarms", "off" } };\n\n'
        'static const struct gwt_plugin plugin = {\n  .compat = compat,\n'
        '  .compat_row_size = sizeof compat[0],\n  .n_compat = GWT_COUNT (compat),\n')]


@gwttest.test("a break is found, and told what is missing; with a compat row there is none")
def broken(t):
    variants.need("goldfish-rtc")
    before = dump(t, "virt-1.0", t.path("before.json"))

    def changes(name, pairs):
        folder = variants.build(t, "goldfish-rtc", name, "0.2.0", {"goldfish-rtc.c": pairs})
        return faults("0.1.0", "virt-1.0",
                      differences(before, dump(t, "virt-1.0", t.path(name + ".json"),
                                               "-plugin-dir", folder)))
    field = '  GWT_VM_VALUE (struct goldfish_rtc, alarms%s),\n'
    start = "breaking: goldfish-rtc, section 'goldfish_rtc': field 'alarms' (uint32) is new"
    found = changes("bare", [*COUNT, (FIELD, FIELD + field % "")])
    t.equal(len(found), 1, "faults: %r" % found)
    t.contains(found[0], start)
    t.contains(found[0], "machine type 'virt-1.0' needs a compat row in plugin 'goldfish-rtc', of "
               "level '0.1.0'")
    gated = [*COUNT, *GATE, (FIELD, FIELD + field % ', .when = "x-count-alarms"')]
    found = changes("rowless", gated)
    t.equal(len(found), 1, "faults: %r" % found)
    t.contains(found[0], "machine type 'virt-1.0' needs a compat row in plugin 'goldfish-rtc': level "
               "'0.1.0', type 'goldfish-rtc', property 'x-count-alarms', value 'off'")
    t.equal(changes("row", [*gated, *ROW]), [], "faults")


@gwttest.test("naming a release is one command", skip=None
              if os.path.exists(os.path.join(gwttest.SRCDIR, ".git")) and shutil.which("git")
              else "there is no git history here")
def naming(t):
    clone = t.path("clone")
    subprocess.run(["git", "clone", "-q", "--no-checkout", gwttest.SRCDIR, clone], check=True)
    subprocess.run(["git", "-C", clone, "checkout", "-q", "HEAD"], check=True)
    with open(os.path.join(clone, "compat", "releases"), "w", encoding="utf-8") as f:
        f.write("# none yet\n")
    tool = os.path.join(clone, "tools", "release", "name-release")
    shutil.rmtree(os.path.join(clone, "compat", "schemas"), ignore_errors=True)
    with open(os.path.join(gwttest.SRCDIR, "configure.ac"), encoding="utf-8") as f:
        version = f.read().partition("AC_INIT([godwit], [")[2].partition("]")[0]

    def name(*args, status=0):
        done = subprocess.run([tool, *args, "--build", gwttest.BUILDDIR], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        t.equal(done.returncode, status, "exit status (%s)" % done.stderr)
        return done.stderr if status else done.stdout
    t.contains(name("9.9", status=1), "configure.ac of commit")
    t.contains(name("one", status=1), "'one' is no version")
    t.contains(name(version, "0" * 40, status=1), "is no commit here")
    t.equal(os.path.exists(os.path.join(clone, "compat", "schemas")), False, "written")
    t.contains(name(version), "release %s is commit " % version)
    with open(os.path.join(clone, "compat", "releases"), encoding="utf-8") as f:
        words = f.read().splitlines()[-1].split()
    t.equal(words[0], version)
    t.ok("virt-1.0" in words[3:], words)
    for machine in words[3:]:
        frozen = os.path.join(clone, "compat", "schemas", version, machine + ".json")
        t.equal(differences(frozen, dump(t, machine, t.path(machine + ".json"))), [])
        with open(os.path.join(clone, "compat", "local.mk"), encoding="utf-8") as f:
            t.contains(f.read(), "EXTRA_DIST += compat/schemas/%s/%s.json\n" % (version, machine))
    t.contains(name(version, status=1), "release %s is there already" % version)
    # What is built and what is named must not differ.
    with open(os.path.join(clone, "compat", "releases"), "w", encoding="utf-8") as f:
        f.write("# none yet\n")
    with open(os.path.join(clone, "plugins", "plugin.map"), "a", encoding="utf-8") as f:
        f.write("\n")
    t.contains(name(version, status=1), "plugins/plugin.map is not as in commit")


gwttest.main()
