# SPDX-License-Identifier: BSD-2-Clause
"""A running guest is moved, and what can come between: cancels, ends that do not fit, connections
that break, peers that stall.  Wherever it fails, the guest goes on where it was."""

import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import gwttest
import mover
from mover import UNASKED, Mover, Proxy


def events(vm, name="MIGRATION"):
    vm.qmp.cmd("query-status")
    return [e["data"]["status"] for e in vm.qmp.events if e["event"] == name]


def move(m, a, b, uri, *capabilities):
    m.set(a, *capabilities)
    a.qmp.cmd("migrate", uri=uri)
    answer = m.finished(a)
    m.wait(b, "completed")
    return answer


@gwttest.test("a running guest goes on at the other end, with all of its memory")
def moves(t):
    m = Mover(t)
    a, b = m.start(), m.start(incoming="unix:" + m.socket())
    for vm in (a, b):
        m.set(vm, "events")
    t.equal(b.qmp.cmd("query-status"), {"status": "inmigrate", "running": False})
    t.equal(m.status(b), "setup")
    m.lives(a)
    answer = move(m, a, b, "unix:" + m.socket())
    m.lives(b)
    t.equal(a.qmp.cmd("query-status")["status"], "postmigrate")
    t.equal(events(a), ["setup", "active", "device", "completed"])
    t.equal(events(b), ["active", "completed"])
    names = [e["event"] for e in a.qmp.events]
    t.ok(names.index("MIGRATION_PASS") < names.index("STOP"), "events: %r" % names)
    t.ok("RESUME" in [e["event"] for e in b.qmp.events], "no RESUME at the receiver")
    t.ok(not any(e["event"] == "STOP" for e in b.qmp.events), "the receiver stopped a guest")
    for member in ("total-time", "setup-time", "downtime", "ram", "x-downtime-devices"):
        t.ok(member in answer, "no %s in %r" % (member, answer))
    t.ok("expected-downtime" not in answer, "expected-downtime after the end")
    for member in ("transferred", "remaining", "total", "duplicate", "normal", "normal-bytes",
                   "dirty-pages-rate", "mbps", "dirty-sync-count", "postcopy-requests",
                   "page-size", "multifd-bytes", "pages-per-second", "precopy-bytes",
                   "downtime-bytes", "postcopy-bytes", "dirty-sync-missed-zero-copy"):
        t.ok(member in answer["ram"], "no ram.%s" % member)
    t.equal(answer["ram"]["transferred"],
            answer["ram"]["precopy-bytes"] + answer["ram"]["downtime-bytes"])
    t.equal(a.stderr() + b.stderr(), "")


@gwttest.test("over tcp with the return path, there and back again")
def there_and_back(t):
    m = Mover(t)
    a = m.start()
    m.lives(a)
    for _ in range(3):
        b = m.start(incoming="tcp:127.0.0.1:0")
        where = b.qmp.cmd("query-migrate")["socket-address"][0]
        move(m, a, b, "tcp:127.0.0.1:%s" % where["port"], "return-path")
        m.lives(b)
        a.kill()
        a = b


@gwttest.test("a guest that stands arrives standing; -S and stop hold one that ran")
def stays_stopped(t):
    m = Mover(t)
    for paused, args, before in ((True, [], None), (False, ["-S"], None), (False, [], "stop")):
        a, b = m.start(), m.start(*args, incoming="unix:" + m.socket())
        m.lives(a)
        if paused:
            a.qmp.cmd("stop")
        if before:
            b.qmp.cmd(before)
        move(m, a, b, "unix:" + m.socket())
        t.equal(b.qmp.cmd("query-status")["status"], "paused")
        b.qmp.cmd("cont")
        m.lives(b)
        a.kill()
        b.kill()


@gwttest.test("the sender can have its guest back, where the other end is given up")
def gets_back(t):
    m = Mover(t)
    a, b = m.start(), m.start("-S", incoming="unix:" + m.socket())
    move(m, a, b, "unix:" + m.socket())
    desc = t.raises("GenericError", a.qmp.cmd, "migrate", uri="unix:" + m.socket())
    t.contains(desc, "the guest has gone elsewhere")
    b.kill()
    a.qmp.cmd("cont")
    m.lives(a)


@gwttest.test("nobody listens: the guest goes on, and the status says why")
def refused(t):
    m = Mover(t)
    a = m.start()
    a.qmp.cmd("migrate", uri="unix:" + t.path("none"))
    answer = m.finished(a, "failed")
    t.contains(answer["error-desc"], "unix:" + t.path("none"))
    m.one_line(a, "godwit: warning: migrate unix:%s: " % t.path("none"),
               "No such file")
    m.lives(a)


@gwttest.test("one at a time; devices and capabilities stay as they are meanwhile")
def busy(t):
    m = Mover(t)
    a = m.start(*UNASKED)
    server = socket.socket(socket.AF_UNIX)
    server.bind(m.socket())
    server.listen(1)
    m.set(a, max_bandwidth=4096)
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.wait(a, "active")
    text = "the guest is being sent already; wait for that, or cancel it"
    t.equal(t.raises("GenericError", a.qmp.cmd, "migrate", uri="unix:x"), text)
    t.equal(t.raises("GenericError", a.qmp.cmd, "state-save", file=t.path("x")), text)
    t.contains(t.raises("GenericError", a.qmp.cmd, "device_add", driver="virtio-rng-pci", id="r"),
               "while the guest is being sent")
    desc = t.raises("GenericError", a.qmp.cmd, "migrate-continue", state="pre-switchover")
    t.equal(desc, "the migration is in state 'active', not 'pre-switchover'")
    t.raises("GenericError", m.set, a, "return-path")
    # 16 MiB at 4 KiB a second: as soon as the rate is known, nobody is told that it is near its end.
    end = time.monotonic() + 60 * gwttest.SCALE
    while a.qmp.cmd("query-migrate")["expected-downtime"] == 300 and time.monotonic() < end:
        select.select([], [], [], 0.005)
    t.ok(a.qmp.cmd("query-migrate")["expected-downtime"] > 20000, "it is said to end soon")
    threads = a.qmp.cmd("query-migrationthreads")
    t.equal([x["name"] for x in threads], ["mig/src/main"])
    t.ok(os.path.exists("/proc/%d/task/%d" % (a.pid, threads[0]["thread-id"])), "no such thread")
    a.qmp.cmd("migrate_cancel")
    m.finished(a, "cancelled")
    t.equal(a.qmp.cmd("query-migrate"), {"status": "cancelled"})
    t.equal(a.qmp.cmd("query-migrationthreads"), [])
    m.lives(a)
    server.close()


# ---- cancels ------------------------------------------------------------------------------------

def moves_after_all(m, a, b=None):
    b = b or m.start(incoming="unix:" + m.socket("again"))
    m.set(a, max_bandwidth=1 << 30)
    a.qmp.cmd("migrate", uri="unix:" + m.socket("again"))
    m.finished(a)
    m.wait(b, "completed")
    m.lives(b)


@gwttest.test("cancelled while the other end does not read")
def cancel_stalled(t):
    m = Mover(t, pages=2000, rounds=64)
    a = m.start(*UNASKED)
    m.set(a, "events", max_bandwidth=1 << 40, downtime_limit=1)
    server = socket.socket(socket.AF_UNIX)
    server.bind(m.socket())
    server.listen(1)
    m.lives(a)
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.wait(a, "active")
    m.lives(a)
    a.qmp.cmd("migrate_cancel")
    m.finished(a, "cancelled")
    t.equal(events(a), ["setup", "active", "cancelling", "cancelled"])
    t.equal(a.stderr(), "")
    m.lives(a)
    server.close()
    moves_after_all(m, a)


@gwttest.test("cancelled while the guest is being sent")
def cancel_active(t):
    m = Mover(t)
    a, b = m.start(), m.start(incoming="unix:" + m.socket())
    m.set(a, max_bandwidth=1 << 20)
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.wait(a, "active")
    a.qmp.cmd("migrate_cancel")
    m.finished(a, "cancelled")
    m.lives(a)
    t.equal(b.wait(), 1)
    m.one_line(b, "godwit: -incoming unix:%s: " % m.socket(), "the stream ends at byte")
    moves_after_all(m, a)


@gwttest.test("cancelled, and continued, between the guest's stop and its end here")
def cancel_pre_switchover(t):
    m = Mover(t)
    a, b = m.start(), m.start(incoming="unix:" + m.socket())
    m.set(a, "events", "pause-before-switchover")
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.wait(a, "pre-switchover")
    t.equal(a.qmp.cmd("query-status")["status"], "finish-migrate")
    t.equal(t.raises("GenericError", a.qmp.cmd, "cont"), "Migration is not finalized yet")
    t.contains(t.raises("GenericError", a.qmp.cmd, "system_reset"), "on its way")
    a.qmp.cmd("migrate_cancel")
    m.finished(a, "cancelled")
    m.lives(a)
    t.equal(b.wait(), 1)
    t.equal(events(a), ["setup", "active", "pre-switchover", "cancelling", "cancelled"])
    b = m.start(incoming="unix:" + m.socket("again"))
    a.qmp.events.clear()
    a.qmp.cmd("migrate", uri="unix:" + m.socket("again"))
    m.wait(a, "pre-switchover")
    a.qmp.cmd("stop")       # and it is to stand at the other end
    a.qmp.cmd("migrate-continue", state="pre-switchover")
    m.finished(a)
    t.equal(events(a), ["setup", "active", "pre-switchover", "device", "completed"])
    m.wait(b, "completed")
    t.equal(b.qmp.cmd("query-status")["status"], "paused")
    b.qmp.cmd("cont")
    m.lives(b)


@gwttest.test("the guest is not stopped before the other end has read what was sent")
def catches_up(t):
    m = Mover(t)
    a = m.start(*UNASKED)
    server = socket.socket(socket.AF_UNIX)
    server.bind(m.socket())
    server.listen(1)
    m.set(a, "return-path", max_bandwidth=1 << 40)
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    peer, _ = server.accept()
    reader = gwttest.Stream.from_socket(peer, "sender")
    for number in (1, 2):
        reader.expect(re.escape(struct.pack(">BHHI", 8, 2, 4, number)))
        if number == 2:
            # All the way to here, and for as long as it takes to be told so.
            m.lives(a)
            m.wait(a, "active", timeout=5)
        reader.send(struct.pack(">HHI", 2, 4, number))
    # What waited in no buffer is not asked for again, but that is a matter of milliseconds.
    while b'"page_size"' not in reader.output[-65536:]:
        t.ok(reader.fill(60), "the sender ended")
        asked = reader.output.rfind(struct.pack(">BHHI", 8, 2, 4, number + 1))
        if asked >= 0:
            number += 1
            reader.send(struct.pack(">HHI", 2, 4, number))
    t.ok(number <= 4, "%d pings" % number)
    m.wait(a, "device")
    reader.send(struct.pack(">HHI", 1, 4, 0))
    m.finished(a)
    server.close()
    peer.close()


@gwttest.test("cancelled when all is sent and the other end has not said that it has it")
def cancel_device(t):
    m = Mover(t)
    a = m.start(*UNASKED)
    # One that reads all and says nothing.
    server = socket.socket(socket.AF_UNIX)
    server.bind(m.socket())
    server.listen(1)
    m.set(a, "return-path", max_bandwidth=1 << 40)
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    peer, _ = server.accept()
    peer.setblocking(False)
    reader = gwttest.Stream.from_socket(peer, "sender")
    while b'"page_size"' not in reader.output[-65536:]:
        t.ok(reader.fill(60), "the sender ended")
    m.wait(a, "device")
    a.qmp.cmd("migrate_cancel")
    m.finished(a, "cancelled")
    m.lives(a)
    server.close()
    peer.close()
    moves_after_all(m, a)


@gwttest.test("cancelled when the other end has said that it has it: the guest is there, and not here")
def cancel_late(t):
    m = Mover(t, pages=512)
    a, b = m.start(*UNASKED), m.start(incoming="unix:" + m.socket())
    hold = threading.Event()
    proxy = Proxy(t, m.socket(), hold=hold)
    m.set(a, "return-path", max_bandwidth=1 << 40)
    a.qmp.cmd("migrate", uri="unix:" + proxy.path)
    m.wait(a, "device")
    m.wait(b, "completed")
    a.qmp.cmd("migrate_cancel")
    hold.set()
    m.finished(a)
    t.equal(a.qmp.cmd("query-status")["status"], "postmigrate")
    m.lives(b)


@gwttest.test("the process ends in order whatever the migration is doing")
def quits(t):
    m = Mover(t)
    server = socket.socket(socket.AF_UNIX)
    server.bind(m.socket())
    server.listen(9)
    for end in ("quit", "SIGTERM"):
        a = m.start(*UNASKED)
        m.set(a, max_bandwidth=4096)
        a.qmp.cmd("migrate", uri="unix:" + m.socket())
        m.wait(a, "active")
        b = m.start(incoming="unix:" + m.socket("b" + end))
        sender = socket.socket(socket.AF_UNIX)
        sender.connect(m.socket("b" + end))
        sender.send(b"QEVM\0\0")
        m.wait(b, "active")
        c = m.start(incoming="unix:" + m.socket("c" + end))
        for vm in (a, b, c):
            if end == "quit":
                vm.qmp.cmd("quit")
            else:
                os.kill(vm.pid, signal.SIGTERM)
            t.equal(vm.wait(), 0, "exit status")
        t.ok(not os.path.exists(m.socket("c" + end)), "the socket's file is left")
        sender.close()
    server.close()


# ---- what the guest does meanwhile --------------------------------------------------------------

@gwttest.test("a guest that resets all the time: no reset is lost on the way")
def resets(t):
    m = Mover(t, rounds=64, finisher=0x7777)
    a = m.start()
    a.expect(r"R\.R\.R")
    said = b""
    for n in range(20):
        b = m.start(incoming="unix:" + m.socket(str(n)))
        move(m, a, b, "unix:" + m.socket(str(n)))
        b.expect(r"\.R")
        b.expect(r"\.R")
        a.kill()
        said += a.console.drain()
        a = b
    # A guest whose reset is lost comes to the next dot without an R.
    t.ok(b".." not in said, "a reset is lost")
    t.ok(b"!" not in said, "the guest found other things than it wrote")


@gwttest.test("a guest that powers off: the receiver is told that nobody comes, or gets one that stands")
def powers_off(t):
    m = Mover(t, rounds=4096, finisher=0x5555)
    for paused in (False, True):
        a = m.start(*(["-no-shutdown"] if paused else []), "-S")
        path = m.socket("off%d" % paused)
        b = m.start(incoming="unix:" + path)
        m.set(a, max_bandwidth=65536)
        a.qmp.cmd("migrate", uri="unix:" + path)
        m.wait(a, "active")
        a.qmp.cmd("cont")
        if not paused:
            t.equal(a.wait(), 0)
            t.equal(b.wait(), 1)
            m.one_line(b, "the stream ends at byte")
            continue
        a.qmp.event("STOP")
        m.set(a, max_bandwidth=1 << 30)
        m.finished(a)
        m.wait(b, "completed")
        t.equal(b.qmp.cmd("query-status")["status"], "shutdown")


@gwttest.test("cancelled at any moment, again and again: the guest goes on")
def cancel_any(t):
    m = Mover(t, pages=256)
    a = m.start()
    m.set(a, "return-path", max_bandwidth=100 << 20)
    outcomes = set()
    for n in range(24):
        path = m.socket("any%d" % n)
        b = m.start(incoming="unix:" + path)
        a.qmp.cmd("migrate", uri="unix:" + path)
        for _ in range(n * 3):
            a.qmp.cmd("query-migrate")
        a.qmp.cmd("migrate_cancel")
        answer = m.wait(a, "completed", "cancelled")
        outcomes.add(answer["status"])
        if answer["status"] == "completed":
            m.wait(b, "completed")
            a.kill()
            a = b
            m.set(a, "return-path", max_bandwidth=100 << 20)
        else:
            t.equal(b.wait(), 1)
        m.lives(a)
    t.ok("cancelled" in outcomes, "none was cancelled")


# ---- what does not fit, what breaks -------------------------------------------------------------

@gwttest.test("the connection breaks after N bytes: the guest goes on, the receiver says where")
def breaks(t):
    m = Mover(t)
    a = m.start()
    # A guest that stands makes streams of one length.
    a.qmp.cmd("stop")
    a.qmp.cmd("state-save", file=t.path("whole"))
    m.finished(a)
    with open(t.path("whole"), "rb") as f:
        data = f.read()
    devices = data.rindex(b"cpu_common", 0, data.rindex(b'"page_size"'))
    places = [1, 4, 8, 9, 20, 40, 300, 5000, 70000, devices - 1, devices + 30, len(data) - 3000]
    for back in (True, False):
        a.qmp.cmd("migrate-set-capabilities",
                  capabilities=[{"capability": "return-path", "state": back}])
        for n, limit in enumerate(places):
            path = m.socket("cut%d%d" % (back, n))
            b = m.start(incoming="unix:" + path)
            proxy = Proxy(t, path, limit=limit)
            a.qmp.cmd("migrate", uri="unix:" + proxy.path)
            t.equal(b.wait(), 1, "exit status of the receiver")
            line = m.one_line(b, "godwit: -incoming unix:%s: " % path)
            t.ok("the stream ends at byte" in line or "unix:%s: cannot " % path in line, line)
            # Without the receiver's word the sender may have written all before it noticed.
            answer = m.finished(a, "failed") if back else m.wait(a, "failed", "completed")
            t.equal(a.qmp.cmd("query-status")["status"],
                    "postmigrate" if answer["status"] == "completed" else "paused")
            a.qmp.cmd("cont")
            m.lives(a)
            a.qmp.cmd("stop")
            proxy.close()
    a.qmp.cmd("cont")
    moves_after_all(m, a)


@gwttest.test("the word that all is well is lost: the sender goes on, whatever was sent")
def word_lost(t):
    m = Mover(t)
    a = m.start(*UNASKED)
    b = m.start("-S", incoming="unix:" + m.socket())
    proxy = Proxy(t, m.socket(), back=False)
    m.set(a, "return-path")
    a.qmp.cmd("migrate", uri="unix:" + proxy.path)
    m.wait(b, "completed")
    answer = m.finished(a, "failed")
    t.contains(answer["error-desc"], "closed the connection before it had said that all is well")
    m.lives(a)


@gwttest.test("ends that do not fit: the receiver says what to change, the sender goes on")
def misfits(t):
    m = Mover(t)
    a = m.start("-uuid", "11111111-2222-3333-4444-555555555555")
    m.set(a, "return-path", "validate-uuid")
    uuid = ["-uuid", "11111111-2222-3333-4444-555555555555"]
    cases = [
        ([*uuid], {"memory": "32M"}, "start the destination with -m 16M"),
        (["-uuid", "11111111-2222-3333-4444-555555555556"], {}, "UUID"),
        ([*uuid, "-smp", "2"], {}, "-smp"),
        ([*uuid, "-device", "virtio-rng-pci"], {}, "virtio-rng-pci0"),
    ]
    for n, (args, kwargs, text) in enumerate(cases):
        path = m.socket("misfit%d" % n)
        b = m.start(*args, incoming="unix:" + path, **kwargs)
        a.qmp.cmd("migrate", uri="unix:" + path)
        t.equal(b.wait(), 1)
        answer = m.finished(a, "failed")
        lines = b.stderr().splitlines()
        t.equal(len(lines), len(answer["preflight"]["reasons"]))
        t.contains(lines[0], "godwit: -incoming unix:%s: " % path)
        t.contains(b.stderr(), text)
        t.contains(answer["error-desc"], answer["preflight"]["reasons"][0])
        m.lives(a)


@gwttest.test("ends that do not fit, and no manifest: the load says what to change")
def misfits_in_load(t):
    m = Mover(t)
    a = m.start("-uuid", "11111111-2222-3333-4444-555555555555", "-global",
                "migration.x-manifest=off")
    m.set(a, "return-path", "validate-uuid")
    uuid = ["-uuid", "11111111-2222-3333-4444-555555555555"]
    cases = [
        ([*uuid], {"memory": "32M"}, "riscv_virt_board.ram"),
        (["-uuid", "11111111-2222-3333-4444-555555555556"], {},
         "the guest's UUID is another than -uuid here"),
        ([*uuid, "-smp", "2"], {}, "the two ends do not agree on what is in it"),
        ([*uuid, "-device", "virtio-rng-pci"], {}, "leave it out here"),
    ]
    for n, (args, kwargs, text) in enumerate(cases):
        path = m.socket("misfit%d" % n)
        b = m.start(*args, incoming="unix:" + path, **kwargs)
        a.qmp.cmd("migrate", uri="unix:" + path)
        t.equal(b.wait(), 1)
        m.one_line(b, "godwit: -incoming unix:%s: " % path, text)
        answer = m.finished(a, "failed")
        # Who does not know the guest has no return path yet: all that the sender notices is that
        # nobody is there any more, as it writes, or where it listens.
        t.contains(answer["error-desc"], "its own message says why" if "guest's UUID" not in text
                   else "; see what the other end says")
        m.lives(a)


@gwttest.test("what is no stream is refused at once")
def garbage(t):
    m = Mover(t)
    head = b"QEVM\0\0\0\3"
    cases = [
        (b"GET / HTTP/1.1\r\n\r\n", "it begins with 0x47455420"),
        (b"QEVM\0\0\0\2", "streams of version 2 cannot be read"),
        (head + b"\x07\0\0\0\3vir", "the guest's machine type is 'vir'"),
        (head + b"\x09", "byte 8: tag 0x09; the configuration has to come first"),
    ]
    for n, (data, text) in enumerate(cases):
        path = m.socket("g%d" % n)
        b = m.start(incoming="unix:" + path)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            t.equal(b.wait(), 1)
        m.one_line(b, "godwit: -incoming unix:%s: %s" % (path, text))


@gwttest.test("a sender that stalls: the receiver's monitor answers, and it can be given up")
def stalls(t):
    m = Mover(t)
    a = m.start()
    a.qmp.cmd("state-save", file=t.path("whole"))
    m.finished(a)
    data = open(t.path("whole"), "rb").read()
    for n, place in enumerate((0, 6, 60, 6000, data.rindex(b"cpu_common") + 30, len(data) - 1)):
        path = m.socket("stall%d" % n)
        b = m.start(incoming="unix:" + path)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(data[:place])
            m.wait(b, "active")
            t.equal(b.qmp.cmd("query-status")["status"], "inmigrate")
            b.qmp.cmd("migrate_cancel")
            t.equal(b.wait(), 1)
        m.one_line(b, "godwit: -incoming unix:%s: it was cancelled" % path)


@gwttest.test("-incoming defer: where from is said later, and once more after a failure")
def defers(t):
    m = Mover(t)
    a, b = m.start(), m.start(incoming="defer")
    t.equal(b.qmp.cmd("query-migrate"), {})
    m.set(b, "return-path")
    t.contains(t.raises("GenericError", b.qmp.cmd, "migrate", uri="unix:x"), "awaited")
    t.contains(t.raises("GenericError", a.qmp.cmd, "migrate-incoming", uri="unix:x"),
               "no guest is awaited")
    for n, data in enumerate((b"", b"QEVM\0\0\0\3\x07\0\0\0\5other")):
        path = m.socket("d%d" % n)
        b.qmp.cmd("migrate-incoming", uri="unix:" + path, exit_on_error=False)
        t.contains(t.raises("GenericError", b.qmp.cmd, "migrate-incoming", uri="unix:x"),
                   "awaited from somewhere already")
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(data)
        answer = m.finished(b, "failed")
        t.ok(answer["error-desc"], "no reason")
        t.equal(b.qmp.cmd("query-status")["status"], "inmigrate")
    b.qmp.cmd("migrate-incoming", uri="unix:" + m.socket(), exit_on_error=False)
    # And one that breaks in the middle of RAM.
    proxy = Proxy(t, m.socket(), limit=50000)
    a.qmp.cmd("migrate", uri="unix:" + proxy.path)
    m.finished(b, "failed")
    m.wait(a, "failed", "completed")
    if a.qmp.cmd("query-status")["status"] == "postmigrate":
        a.qmp.cmd("cont")
    b.qmp.cmd("migrate-incoming", uri="unix:" + m.socket("again"))
    moves_after_all(m, a, b)


@gwttest.test("-incoming: an address that cannot be is refused before anything is made")
def bad_address(t):
    t.error("godwit: -incoming: ", "-M", "virt", "-bios", "none", "-incoming", "carrier:pigeon",
            "-pidfile", t.path("pid"))
    t.ok(not os.path.exists(t.path("pid")), "the pidfile was written")
    t.error("godwit: -incoming", "-M", "virt", "-bios", "none", "-serial", "null", "-incoming",
            "unix:/nonexistent/x")


class Peer:
    """A receiver that is none: reads all, and says what it is told."""

    def __init__(self, t, m, a):
        self.t = t
        m.count += 1
        path = m.socket("peer%d" % m.count)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen(1)
            a.qmp.cmd("migrate", uri="unix:" + path)
            self.sock, _ = server.accept()
        t.cleanup(self.sock.close)
        self.stream = gwttest.Stream.from_socket(self.sock, "sender")

    def read_until(self, data):
        at = max(0, len(self.stream.output) - 65536)
        while data not in self.stream.output[at:]:
            self.t.ok(self.stream.fill(60), "the sender ended")

    def say(self, *numbers):
        """16 bits each: type, length, and what is in it."""
        self.sock.sendall(struct.pack(">%dH" % len(numbers), *numbers))


@gwttest.test("what is said on the return path is not trusted")
def return_path(t):
    m = Mover(t)
    a = m.start("-global", "migration.x-manifest=off")
    m.set(a, "return-path", max_bandwidth=1 << 20)
    head = b"QEVM\0\0\0\3\x07\0\0\0\x08virt-1.0\x08\0\1\0\0\x08\0\2\0\4\0\0\0\1"
    cases = [
        ((0, 0), "return path: message 0 is not understood here"),
        ((7, 0), "return path: message 7 is not understood here"),
        ((65535, 65535), "return path: message 65535 is not understood here"),
        ((2, 5, 0, 0), "return path: message 2 has 5 bytes instead of 4"),
        ((1, 0), "return path: message 1 has 0 bytes instead of 4"),
        ((2, 4, 0), "return path: it ends in the middle of a message"),
        ((1, 4, 0, 1), "the other end could not load the guest; its own message says why"),
        ((1, 4, 0, 0), "the other end says that all is well before it was sent all"),
    ]
    for numbers, text in cases:
        peer = Peer(t, m, a)
        peer.read_until(head)
        peer.say(2, 4, 0, 1)    # as it is to be
        peer.say(*numbers)
        if numbers == (2, 4, 0):
            peer.sock.shutdown(socket.SHUT_WR)
        t.equal(m.finished(a, "failed")["error-desc"], text)
        m.lives(a)
    # One that goes without a word, and is noticed by the thread that listens.
    peer = Peer(t, m, a)
    peer.read_until(head)
    peer.sock.shutdown(socket.SHUT_WR)
    t.equal(m.finished(a, "failed")["error-desc"], "the other end closed the connection before it "
            "had said that all is well; see what the other end says")
    m.lives(a)
    # And one that does all as it is to be, with no guest in it.
    m.set(a, max_bandwidth=1 << 40)
    peer = Peer(t, m, a)
    peer.say(2, 4, 0, 1, 2, 4, 0, 77)
    peer.read_until(b'"page_size"')
    peer.say(1, 4, 0, 0)
    m.finished(a)
    t.ok(head == peer.stream.output[:len(head)], "the stream's beginning")
    t.ok(b"\x08\0\x0b\0\0\x03" in peer.stream.output, "no SWITCHOVER_START before the last of RAM")


@gwttest.test("commands to a receiver that it must not obey")
def commands(t):
    m = Mover(t)
    head = b"QEVM\0\0\0\3\x07\0\0\0\x08virt-1.0"
    at = len(head)
    opened = b"\x08\0\1\0\0"
    cases = [
        (b"\x08\0\2\0\4\0\0\0\1", at, 2, "a ping, and there is no return path to answer on"),
        (opened + b"\x08\0\2\0\x08" + bytes(8), at + 5, 2, "it has 8 bytes instead of 4"),
        (b"\x08\0\1\0\1\0", at, 1, "it has 1 bytes instead of 0"),
        (b"\x08\0\x0b\0\2\0\0", at, 11, "it has 2 bytes instead of 0"),
        (b"\x08\0\3\0\x10" + bytes(16), at, 3, "it belongs to postcopy"),
        (b"\x08\0\x0c\0\0", at, 12, "it is not known here"),
        (b"\x08\0\0\0\0", at, 0, "it is not known here"),
    ]
    for n, (data, place, number, text) in enumerate(cases):
        path = m.socket("c%d" % n)
        b = m.start(incoming="unix:" + path)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(head + data)
            answers = b""
            if data.startswith(opened):
                s.shutdown(socket.SHUT_WR)
                while (got := s.recv(100)):
                    answers += got
                t.equal(answers, b"\0\1\0\4\0\0\0\1", "what it answers")
            t.equal(b.wait(), 1)
        m.one_line(b, "godwit: -incoming unix:%s: byte %d: command %d: %s"
                   % (path, place, number, text))


# ---- files --------------------------------------------------------------------------------------

@gwttest.test("migrate to a file, go on, and start from it")
def files(t):
    m = Mover(t)
    a = m.start()
    m.lives(a)
    a.qmp.cmd("migrate", uri="file:%s,offset=4096" % t.path("f"))
    m.finished(a)
    t.equal(a.qmp.cmd("query-status")["status"], "postmigrate")
    a.qmp.cmd("cont")
    m.lives(a)
    b = m.start(incoming="file:%s,offset=4096" % t.path("f"))
    m.finished(b)
    m.lives(b)
    b.kill()
    t.contains(t.raises("GenericError", a.qmp.cmd, "migrate-set-capabilities", capabilities=3), "")
    m.set(a, "return-path")
    t.contains(t.raises("GenericError", a.qmp.cmd, "migrate", uri="file:" + t.path("g")),
               "turn capability return-path off")


@gwttest.test("state-save while the guest goes on, state-load in place of what runs")
def save_load(t):
    m = Mover(t)
    a = m.start()
    m.set(a, "events", "return-path")
    m.lives(a)
    a.qmp.cmd("state-save", file=t.path("one,offset=3"))
    m.finished(a)
    t.equal(a.qmp.cmd("query-status")["status"], "running")
    m.lives(a)
    t.equal([x for x in os.listdir(t.tmp) if "part-" in x], [])
    a.qmp.cmd("stop")
    a.qmp.cmd("state-save", file=t.path("two"))
    m.finished(a)
    t.equal(a.qmp.cmd("query-status")["status"], "paused")
    for name in ("one,offset=3", "two"):
        a.qmp.cmd("cont")
        a.qmp.cmd("state-load", file=t.path(name))
        m.finished(a)
        m.lives(a)
        a.qmp.cmd("stop")
        a.qmp.cmd("state-load", file=t.path(name))
        m.finished(a)
        t.equal(a.qmp.cmd("query-status")["status"], "paused")
    b = m.start(incoming="file:" + t.path("two"))
    m.finished(b)
    t.equal(b.qmp.cmd("query-status")["status"], "paused")
    b.qmp.cmd("cont")
    m.lives(b)


@gwttest.test("state-load judges the whole file before anything changes")
def load_bad(t):
    m = Mover(t)
    a = m.start()
    m.lives(a)
    a.qmp.cmd("state-save", file=t.path("good"))
    m.finished(a)
    data = open(t.path("good"), "rb").read()
    bad = bytearray(data)
    bad[data.index(b"\x0bglobalstate\0\0\0\0") + 25] ^= 0xff
    for n, content in enumerate((data[:-1], data[:len(data) // 2], bytes(bad))):
        path = t.path("bad%d" % n)
        with open(path, "wb") as f:
            f.write(content)
        a.qmp.cmd("state-load", file=path)
        answer = m.finished(a, "failed")
        t.ok(answer["error-desc"].startswith("file:%s: " % path), "%r" % answer)
        t.contains(a.stderr(), "godwit: warning: state-load file:%s: " % path)
        m.lives(a)
    t.raises("GenericError", a.qmp.cmd, "state-load", file=t.path("none"))
    t.raises("GenericError", a.qmp.cmd, "state-save", file=t.path("no/such/folder"))
    with open(t.path("good"), "rb") as f:
        t.equal(f.read(), data, "a file that was only read")
    # A full disk leaves what was there.
    if os.path.exists("/dev/full"):
        a.qmp.cmd("migrate", uri="file:/dev/full")
        answer = m.finished(a, "failed")
        t.contains(answer["error-desc"], "file:/dev/full")
        m.lives(a)
    a.qmp.cmd("state-load", file=t.path("good"))
    m.finished(a)
    m.lives(a)


@gwttest.test("-migrate-without names a device; -only-migratable refuses what is in the way")
def by_hand(t):
    t.error("godwit: -migrate-without: 'nobody': there is no such device", "-M", "virt", "-S",
            "-bios", "none", "-serial", "null", "-migrate-without", "nobody")
    m = Mover(t)
    a = m.start("-migrate-without", "rtc0")
    b = m.start(incoming="unix:" + m.socket())
    m.set(a, "return-path")
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    t.equal(b.wait(), 1)
    m.one_line(b, "section 'goldfish_rtc'")
    m.finished(a, "failed")
    b = m.start("-migrate-without", "rtc0", incoming="unix:" + m.socket("again"))
    moves_after_all(m, a, b)


@gwttest.test("a device without a schema blocks, unless it is left out by hand",
              skip=None if shutil.which("cc") else "there is no C compiler for a plugin to block")
def blocks(t):
    # The first example, without what it says about its state.
    plugin, source = t.path("example1.so"), t.path("example1.c")
    with open(os.path.join(gwttest.SRCDIR, "examples/example1/example1.c")) as f:
        lines = [line for line in f if ".states" not in line]
    with open(source, "w") as f:
        f.writelines(lines)
    subprocess.run(["cc", "-shared", "-fPIC", "-I", os.path.join(gwttest.SRCDIR, "include"), "-o",
                    plugin, source], check=True)
    device = ["-plugin", plugin, "-device", "example1,id=x0"]
    why = "device 'x0' of type 'example1': it has state and no schema"
    t.error("godwit: -only-migratable: %s; leave it out, or give -migrate-without" % why, "-M",
            "virt", "-bios", "none", "-S", "-serial", "null", *device, "-only-migratable")
    m = Mover(t)
    a = m.start(*device)
    t.equal(a.qmp.cmd("query-migrate"), {"blocked-reasons": [why]})
    desc = t.raises("GenericError", a.qmp.cmd, "migrate", uri="unix:" + m.socket())
    t.equal(desc, why + "; unplug it, or start with -migrate-without")
    m.lives(a)
    a.kill()
    device += ["-migrate-without", "x0", "-only-migratable"]
    a, b = m.start(*device), m.start(*device, incoming="unix:" + m.socket())
    t.equal(a.qmp.cmd("query-migrate"), {})
    move(m, a, b, "unix:" + m.socket())
    m.lives(b)


@gwttest.test("the examples for plugins go along, with a timer that runs",
              skip=None if shutil.which("cc") else "there is no C compiler for plugins")
def examples(t):
    args = []
    for name in ("example1", "example2"):
        subprocess.run(["cc", "-shared", "-fPIC", "-I", os.path.join(gwttest.SRCDIR, "include"),
                        "-o", t.path(name + ".so"),
                        os.path.join(gwttest.SRCDIR, "examples", name, name + ".c")], check=True)
        args += ["-plugin", t.path(name + ".so"), "-device", name + ",id=" + name]
    m = Mover(t)
    a, b = m.start(*args), m.start(*args, incoming="unix:" + m.socket())

    def call(vm, method, **arguments):
        return vm.qmp.cmd("device-call", device="example2", method=method,
                          arguments=arguments)["result"]
    a.qmp.cmd("stop")   # and with it the clock that it counts by
    call(a, "start", ticks=1000000)
    move(m, a, b, "unix:" + m.socket())
    t.equal((call(b, "is_counting"), call(b, "expirations")), (True, 0))
    b.qmp.cmd("cont")
    m.lives(b)
    while call(b, "is_counting"):
        m.lives(b)
    t.equal(call(b, "expirations"), 1)


gwttest.main()
