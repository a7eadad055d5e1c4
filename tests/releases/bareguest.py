# SPDX-License-Identifier: BSD-2-Clause
"""Programs of tests/bare/moved, built once for a test."""

import os
import subprocess
import tempfile

import gwttest

_FOLDER = tempfile.TemporaryDirectory(prefix="godwit-test.")


def need(name):
    """Program NAME's path; skips the whole file where it cannot be built."""
    path = os.path.join(_FOLDER.name, name + ".elf")
    if not os.path.exists(path):
        done = subprocess.run(["bash", os.path.join(gwttest.SRCDIR, "tests", "bare", "run-bare.sh"),
                               "--build", _FOLDER.name, "moved/" + name],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode == 77:
            gwttest.skip_all(done.stdout.strip())
        if done.returncode:
            raise SystemExit("Bail out! cannot build the guest: " + done.stdout)
    return path
