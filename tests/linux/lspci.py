# SPDX-License-Identifier: BSD-2-Clause
"""`lspci -vv` in our guest and in QEMU's: the same functions, capabilities and registers."""

import difflib
import os
import re
import shutil
import subprocess

import gwttest
import linuxdisk
import linuxguest

linuxdisk.need_disk()
QEMU = os.environ.get("QEMU_RISCV64") or "qemu-system-riscv64"
if not shutil.which(QEMU):
    gwttest.skip_all("there is no qemu-system-riscv64 to compare with")


# What may differ, and why.
MASKED = (
    # QEMU keeps eight header logs, ours one.
    r"MultHdrRecCap[-+] ",
    # The specification has this bit writable, for the kernel to set it; QEMU has not.
    r"PMEIntEna[-+] ",
)


def version():
    text = subprocess.run([QEMU, "--version"], check=True, stdout=subprocess.PIPE).stdout.decode()
    return int(re.search(r"version (\d+)", text)[1])


def listing(t, program, image, devices):
    argv = linuxguest.arguments(append="root=/dev/vda quiet")
    argv += ["-drive", "file=%s,format=raw,if=none,id=disk0" % image]
    for device in devices:
        argv += ["-device", device]
    vm = t.start_program(program, *argv)
    linuxguest.ready(vm)
    linuxguest.output(t, vm, "dmesg -n 1; drivers")
    text = linuxguest.output(t, vm, "lspci -vv -nn")
    linuxguest.power_off(t, vm)
    for pattern in MASKED:
        text = re.sub(pattern, "", text)
    return text


def theirs(device):
    """The same device in QEMU's words."""
    if device.startswith("virtio-"):
        device += ",disable-legacy=on"
    if device.startswith("virtio-net"):
        device += ",romfile="  # ours has no firmware for booting from the network
    return device


def ours(device):
    """Before QEMU 8 the mask of uncorrectable errors read as zero; ours has a property for that."""
    if version() < 8 and device.startswith(("pcie-root-port", "x3130", "xio3130")):
        device += ",x-pcie-err-unc-mask=off"
    return device


def compare(t, functions, *devices):
    image = linuxdisk.root_copy(t)
    peer = listing(t, QEMU, image, [theirs(d) for d in devices])
    # An ear for differences that the peer's own listing does not have would hear nothing.
    t.equal(len(re.findall(r"^[0-9a-f]{2}:", peer, re.M)), functions, "functions in QEMU's guest")
    t.ok(peer.count("Capabilities:") > 2 * functions, "no capabilities in\n" + peer)
    found = listing(t, gwttest.GODWIT, image, [ours(d) for d in devices])
    if found != peer:
        raise gwttest.Failure("lspci differs:\n" + "\n".join(difflib.unified_diff(
            peer.splitlines(), found.splitlines(), "qemu", "godwit", lineterm="", n=3)))


@gwttest.test("virtio functions on the root complex")
def plain(t):
    compare(t, 5, "virtio-blk-pci,drive=disk0", "virtio-rng-pci", "virtio-net-pci",
            "virtio-serial-pci")


@gwttest.test("ports, a switch, and virtio functions behind them")
def behind(t):
    compare(t, 7, "pcie-root-port,id=rp0,addr=2,chassis=1,slot=1",
            "pcie-root-port,id=rp1,addr=3,chassis=1,slot=2", "x3130-upstream,id=us,bus=rp1",
            "xio3130-downstream,id=d0,bus=us,chassis=2,slot=3",
            "virtio-blk-pci,drive=disk0,bus=rp0", "virtio-rng-pci,bus=d0")


gwttest.main()
