# SPDX-License-Identifier: BSD-2-Clause
"""What each plugin of this tree says of itself is frozen in compat/plugins/NAME.json, so that no
property, default, row or method changes unnoticed.

    records.py --update    write the records as the built plugins are now; read the difference
"""

import difflib
import glob
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import gwttest  # pylint: disable=wrong-import-position

RECORDS = os.path.join(gwttest.SRCDIR, "compat", "plugins")
PLUGINS = sorted(glob.glob(os.path.join(gwttest.BUILDDIR, "plugins", "*.so")))
HOW = (
    "a changed default or row needs a compat row and a word in the commit; then freeze it with "
    "'python3 tests/plugin/records.py --update'"
)


def name_of(path):
    return os.path.basename(path)[: -len(".so")]


def as_text(record):
    return json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def shown(path):
    done = subprocess.run(
        [gwttest.GODWIT_PLUGIN, "show", path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise gwttest.Failure(done.stderr)
    record = json.loads(done.stdout)
    del record["path"]  # another on every machine
    # Sizes follow the headers, which tests/abi/ looks after; what is the host's alone may change.
    del record["abi"]["struct-size"]
    for kind in record["types"].values():
        for size in ("struct-size", "field-size", "instance-size", "host-bytes"):
            del kind[size]
    return as_text(record)


def frozen(name):
    with open(os.path.join(RECORDS, name + ".json"), encoding="utf-8") as f:
        return f.read()


def difference(old, new):
    """As text; empty where there is none."""
    lines = difflib.unified_diff(old.split("\n"), new.split("\n"), "frozen", "built", "", "", 1)
    return "\n".join(lines)


def update():
    os.makedirs(RECORDS, exist_ok=True)
    for path in PLUGINS:
        with open(os.path.join(RECORDS, name_of(path) + ".json"), "w", encoding="utf-8") as f:
            f.write(shown(path))


if sys.argv[1:] == ["--update"]:
    update()
    sys.exit(0)

for plugin in PLUGINS:

    def same(t, path=plugin):
        name = name_of(path)
        t.ok(os.path.exists(os.path.join(RECORDS, name + ".json")), "there is no record; " + HOW)
        changes = difference(frozen(name), shown(path))
        t.ok(not changes, "%s\n%s" % (changes, HOW))

    gwttest.test("%s is what was frozen" % name_of(plugin))(same)


@gwttest.test("every record has its plugin")
def complete(t):
    made = {name_of(p) for p in PLUGINS}
    for path in glob.glob(os.path.join(RECORDS, "*.json")):
        name = os.path.basename(path)[: -len(".json")]
        folder = os.path.join(gwttest.SRCDIR, "plugins", name)
        t.ok(os.path.isdir(folder), "plugins/%s is gone, its record is not; names never die" % name)
        if name not in made:
            print("# plugin %s was not built" % name)


@gwttest.test("a changed default is caught")
def caught(t):
    if not PLUGINS:
        t.skip("no plugin was built")
    text = shown(PLUGINS[0])
    t.equal(difference(text, text), "", "difference of a record from itself")
    record = json.loads(text)
    record["abi"]["minor-needed"] += 1
    t.contains(difference(text, as_text(record)), '+  "minor-needed": 1')


gwttest.main()
