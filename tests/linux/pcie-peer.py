# SPDX-License-Identifier: BSD-2-Clause
"""The same kernel with the same ports and the same switch, here and in QEMU: as the kernel has set
them up they are the same, byte for byte of their configuration space with error reporting and
access control.  The uncorrectable mask is as it was before version 8 of QEMU."""

import os
import shutil
import subprocess

import gwttest
import linuxguest

QEMU = os.environ.get("QEMU_RISCV64") or shutil.which("qemu-system-riscv64") or "no"

linuxguest.need_guest()
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")
if QEMU == "no":
    gwttest.skip_all("no qemu-system-riscv64 to compare with")
if b"version 7." not in subprocess.run([QEMU, "--version"], check=False,
                                       stdout=subprocess.PIPE).stdout:
    gwttest.skip_all("%s is not version 7, whose ports these are" % QEMU)

# Place in the guest, if it is compared, and device.
TOPOLOGY = (("0000:00:01.0", "pcie-root-port,id=rp0,addr=1,chassis=1,slot=1"),
            ("0000:00:02.0", "pcie-root-port,id=rp1,addr=2,chassis=1,slot=2,port=7"),
            ("0000:00:03.0", "pcie-root-port,id=rp2,addr=3,chassis=1,slot=3,hotplug=off"),
            ("0000:02:00.0", "x3130-upstream,id=us,bus=rp1,port=3"),
            ("0000:03:00.0", "xio3130-downstream,id=d0,bus=us,chassis=2,slot=4"),
            ("0000:03:01.0", "xio3130-downstream,id=d1,bus=us,chassis=2,slot=5,port=1"),
            (None, "virtio-rng-pci,bus=d1"), (None, "virtio-rng-pci,bus=rp2"))
SIZE = 0x200


def look(t, vm):
    linuxguest.ready(vm)
    text = linuxguest.output(
        t, vm, "cd /sys/bus/pci/devices; for d in *; do echo == $d; "
        "dd if=$d/config bs=%d count=1 2>/dev/null | od -v -An -tx1 -w16; done; cd /" % SIZE)
    linuxguest.power_off(t, vm)
    found = {}
    for part in text.split("== ")[1:]:
        name, _, rest = part.partition("\n")
        found[name.strip()] = bytes.fromhex("".join(rest.split()))
    return found


def arguments(qemu):
    args = [] if qemu else ["-global", "pci-device.x-pcie-err-unc-mask=off"]
    for place, device in TOPOLOGY:
        args += ["-device", device + (",disable-legacy=on" if qemu and not place else "")]
    return linuxguest.arguments(harts=1) + args


@gwttest.test("ports and switch as in QEMU's guest")
def compare(t):
    ours = look(t, t.start(*arguments(False)))
    theirs = look(t, t.start_program(QEMU, *arguments(True)))
    t.equal(sorted(ours), sorted(theirs), "functions")
    differences = []
    for place, device in TOPOLOGY:
        if place is None:
            continue
        a, b = ours[place], theirs[place]
        t.equal((len(a), len(b)), (SIZE, SIZE), "bytes of " + place)
        differences += ["%s (%s) %03x: %02x, there %02x" % (place, device.split(",")[0], i, a[i], b[i])
                        for i in range(SIZE) if a[i] != b[i]]
    t.equal(differences, [], "differences")


gwttest.main()
