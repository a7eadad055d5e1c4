# SPDX-License-Identifier: BSD-2-Clause
"""The scripted session of ./quickstart: boot from a disk to a shell, look around, use the network,
run the workload, move to a second process while it works, power off there, and sum it up.  Exit
status 0 when all went well."""

import http.server
import os
import subprocess
import sys
import threading
import time

import gwttest
import linuxdisk
import linuxguest
import linuxmove

LOOK = ("uname -a", "cat /proc/cpuinfo", "free -m", "grep ' / ' /proc/mounts", "lspci",
        "ls /sys/block/vda/mq")
PAGE = b"a page of the host's, through the user network\n"


class Page(http.server.BaseHTTPRequestHandler):
    """Answers every GET with PAGE."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        """What is fetched stands in the session already."""


def retired(vm):
    """Instructions that the harts have retired, or None where the emulator cannot tell."""
    minstret = 0xb02
    try:
        return sum(int(vm.qmp.cmd("device-call", device=cpu["qom-path"], method="read_csr",
                                  arguments=[minstret])["result"])
                   for cpu in vm.qmp.cmd("query-cpus-fast"))
    except (gwttest.QmpError, TypeError, ValueError):
        return None


def has_user_network():
    """libslirp may have been missing when this was configured."""
    if linuxdisk.PEER:
        return True
    try:
        with open(os.path.join(gwttest.BUILDDIR, "config.h"), encoding="ascii") as f:
            return "#define HAVE_SLIRP 1" in f.read()
    except OSError:
        return False


def run(vm, command, shown=None):
    status, text = linuxguest.run(vm, command, 300)
    print("guest# %s\n%s" % (shown or command, text.rstrip()), flush=True)
    if status != 0:
        raise gwttest.Failure("'%s' ended with status %d in the guest" % (command, status))
    return text


def network(vm):
    """An address by DHCP, an echo from the gateway, a page from a server on this host."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            run(vm, "network")
            run(vm, "ping -c 1 10.0.2.2")
            text = run(vm, "wget -q -O - http://10.0.2.2:%d/" % server.server_port)
        finally:
            server.shutdown()
    if PAGE.decode() not in text:
        raise gwttest.Failure("the page came out as %r" % text)


def move(t, guest, online):
    """The running Linux to a second process of the same devices; what it did, it goes on doing."""
    guest.vm.send("{ disktest random seed=2 threads=1 seconds=100000 /root; } >/dev/null &\n")
    guest.check(16)
    before = guest.last_beat()
    print("\nquickstart: moving it to a second process; it tells what it does:\n%s" % before)
    info = guest.move()
    after = guest.last_beat()
    print("at the second process it goes on:\n%s" % after)
    guest.end("disktest")
    run(guest.vm, "uptime")
    if online:
        # The user network is the process's own, so connections end; new ones begin.
        run(guest.vm, "ping -c 1 -w 30 10.0.2.2")
    return ("moved live to a second process in %d ms (%.0f MB), in which it stood still for %d ms"
            % (info["total-time"], info["ram"]["transferred"] / 1e6, info["downtime"]))


def session(t):
    image = linuxdisk.root_copy(t)
    devices = linuxdisk.disk(image)
    online = has_user_network()
    if online:
        devices += ["-netdev", "user,id=net0",
                    *linuxdisk.device("virtio-net", "pci", "netdev=net0")]
    start = time.monotonic()
    guest = linuxmove.Guest(t, devices, append="root=/dev/vda", memory="512M")
    vm = guest.vm
    linuxguest.ready(vm)
    boot = time.monotonic() - start
    instructions = retired(vm)
    print("\n".join(line for line in vm.console.output.decode("utf-8", "replace").splitlines()
                    if "Linux version" in line or "Machine model" in line or "Brought up" in line
                    or "EXT4-fs" in line))
    for command in LOOK:
        run(vm, command)
    if online:
        network(vm)
    began = time.monotonic()
    run(vm, "selftest")
    workload = time.monotonic() - began
    run(vm, "disktest random seed=1 threads=2 ops=500 /root")
    # The peer of today's distribution loses a guest's timers on the way.
    moved = "not moved" if linuxdisk.PEER else move(t, guest, online)
    guest.power_off()
    try:
        linuxdisk.check(t, image)
        judged = " with its disk clean"
    except gwttest.Skip as e:
        judged = " (%s, so its disk was not looked at)" % e
    print("\nquickstart: Linux booted with 2 harts to a shell on its disk in %.1f s" % boot
          + (" (%.0f million instructions, %.0f million a second)"
             % (instructions / 1e6, instructions / boot / 1e6) if instructions else "")
          + ("; it fetched a page from this host" if online else "; libslirp is missing: no network")
          + "; the workload passed in %.1f s; %s; it powered off there%s" % (workload, moved, judged))


def main():
    context = gwttest.Context("session")
    try:
        session(context)
    except (gwttest.Failure, OSError, subprocess.CalledProcessError) as e:
        print("quickstart: FAILED: %s" % e, file=sys.stderr)
        return 1
    finally:
        context.close()
    return 0


sys.exit(main())
