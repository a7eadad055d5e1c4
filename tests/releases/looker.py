# SPDX-License-Identifier: BSD-2-Clause
"""The guest of tests/bare/moved/look.c: it tells everything that it can find out about its machine, when
it begins and whenever it is asked.  What it says in one process is what it has to say in the next one.

It owns the guest's program and how it is asked; must not know what the machine should be.
"""

import bareguest
import gwttest


def need():
    """The program's path; skips the whole file where it cannot be built."""
    return bareguest.need("look")


def _rest(vm):
    """What is said from here on to the end of the look; of which function it is goes with each line."""
    seen, function = [], ""
    while True:
        text = vm.expect(r"([^\n]*?)\r?\n")[1].decode("ascii", "replace")
        if text == "end":
            return seen
        if text.startswith("function "):
            function = "function %s: " % text.split()[1]
        seen.append(function + text)


def begun(vm):
    """It has begun, or begun anew after a reset: what it sees."""
    vm.expect(r"Rlook\r?\n")
    return _rest(vm)


def look(vm):
    """What it sees now; it goes on with its memory before and after."""
    _lives(vm)
    vm.send("l")
    vm.expect(r"look\r?\n")
    seen = _rest(vm)
    _lives(vm)
    return seen


def _lives(vm):
    if vm.expect(r"[.!]")[0] == b"!":
        raise gwttest.Failure("the guest found other things in its memory than it wrote")


def differences(here, there):
    """Lines of one of the two, sorted: what it sees at one end alone."""
    return sorted(["- " + line for line in here if line not in set(there)]
                  + ["+ " + line for line in there if line not in set(here)])
