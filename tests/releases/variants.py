# SPDX-License-Identifier: BSD-2-Clause
"""Plugins of this tree as they were, or may be one day: copies of their sources, changed in places
and built as real .so files.

It owns how they are made; which changes there are is the tests'.
"""

import glob
import os
import shutil
import subprocess

import gwttest

CC = (os.environ.get("CC") or "cc").split()


def change(text, pairs, where):
    """TEXT with each (OLD, NEW) of PAIRS; an OLD is there exactly once."""
    for old, new in pairs:
        if text.count(old) != 1:
            raise gwttest.Failure("%s: the plugin's source has %d times what the test changes; "
                                  "change the test with it:\n%s" % (where, text.count(old), old))
        text = text.replace(old, new)
    return text


def need(*plugins):
    """Skip the test where one of PLUGINS was left out of the build."""
    for plugin in plugins:
        if not os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", plugin + ".so")):
            raise gwttest.Skip("the plugin %s was not built" % plugin)


def build(t, plugin, name, version, changes):
    """Build PLUGIN with CHANGES ({file: pairs}) as VERSION; the folder for -plugin-dir, named NAME."""
    folder, sources = t.path(name), t.path(name + "-src")
    shutil.copytree(os.path.join(gwttest.SRCDIR, "plugins", plugin), sources)
    os.chmod(sources, 0o755)
    os.mkdir(folder)
    for file, pairs in changes.items():
        path = os.path.join(sources, file)
        os.chmod(path, 0o644)  # a distribution's files are read-only
        with open(path, encoding="utf-8") as f:
            text = change(f.read(), pairs, file)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    subprocess.run(
        [*CC, "-std=gnu11", "-O1", "-fPIC", "-fvisibility=hidden", "-pthread", "-shared", "-Wall",
         "-I" + os.path.join(gwttest.SRCDIR, "include"),
         '-DGODWIT_PLUGIN_VERSION="%s"' % version,
         "-Wl,--version-script=" + os.path.join(gwttest.SRCDIR, "plugins", "plugin.map"),
         "-Wl,-z,defs", "-Wl,-z,now", "-Wl,-Bsymbolic", "-o", os.path.join(folder, plugin + ".so"),
         *sorted(glob.glob(os.path.join(sources, "*.c")))], check=True)
    return folder
