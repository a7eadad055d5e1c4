# SPDX-License-Identifier: BSD-2-Clause
"""An NBD server for tests: a disk with a write cache that is lost with the power, and with faults.

    disk = Server(path_of_socket, size)
    disk.durable      what is on the medium: bytes that a FLUSH (or FUA) has put there
    disk.fail = (command, errno, count)   the next COUNT of these commands fail
    disk.log          (command, offset, length) of each request, in order

It speaks the fixed newstyle handshake with one export and simple replies, on a unix socket, and
must not know who its client is.
"""

import os
import socket
import struct
import threading

READ, WRITE, DISC, FLUSH, TRIM, ZEROES = 0, 1, 2, 3, 4, 6
FUA = 1
OPT_EXPORT_NAME, OPT_ABORT, OPT_INFO, OPT_GO = 1, 2, 6, 7
REP_ACK, REP_INFO, REP_ERR_UNSUP = 1, 3, 0x80000001
# Flags, flush, FUA, trim, write zeroes, several connections.
EXPORT_FLAGS = 1 | 4 | 8 | 32 | 64


class Server:
    def __init__(self, path, size):
        self.path, self.size = path, size
        self.cache = bytearray(size)
        self.durable = bytearray(size)
        self.log = []
        self.fail = None
        self.hold = threading.Event()  # cleared: requests wait, as on a disk that is stuck
        self.hold.set()
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def options(self, node):
        """-blockdev for it."""
        return "driver=nbd,node-name=%s,server.type=unix,server.path=%s" % (node, self.path)

    def count(self, command):
        with self.lock:
            return sum(1 for entry in self.log if entry[0] == command)

    def close(self):
        self.listener.close()
        os.unlink(self.path)

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            with peer:
                if self._negotiate(peer):
                    while self._request(peer):
                        pass
        except (ConnectionError, EOFError, struct.error):
            pass

    @staticmethod
    def _take(peer, size):
        data = b""
        while len(data) < size:
            part = peer.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _negotiate(self, peer):
        peer.sendall(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3))
        (flags,) = struct.unpack(">I", self._take(peer, 4))
        while True:
            magic, option, length = struct.unpack(">8sII", self._take(peer, 16))
            data = self._take(peer, length)
            if magic != b"IHAVEOPT":
                return False
            export = struct.pack(">QH", self.size, EXPORT_FLAGS)
            if option == OPT_EXPORT_NAME:
                peer.sendall(export + (b"" if flags & 2 else bytes(124)))
                return True

            def reply(kind, payload=b"", option=option):
                peer.sendall(struct.pack(">QIII", 0x3e889045565a9, option, kind, len(payload))
                             + payload)

            if option in (OPT_INFO, OPT_GO):
                reply(REP_INFO, struct.pack(">H", 0) + export)
                reply(REP_ACK)
                if option == OPT_GO:
                    return True
            elif option == OPT_ABORT:
                reply(REP_ACK)
                return False
            else:
                del data
                reply(REP_ERR_UNSUP)

    def _request(self, peer):
        magic, flags, command, handle, offset, length = struct.unpack(
            ">IHHQQI", self._take(peer, 28))
        if magic != 0x25609513 or command == DISC:
            return False
        data = self._take(peer, length) if command == WRITE else b""
        self.hold.wait()
        with self.lock:
            error, answer = self._carry_out(flags, command, offset, length, data)
        peer.sendall(struct.pack(">IIQ", 0x67446698, error, handle) + answer)
        return True

    def _carry_out(self, flags, command, offset, length, data):
        self.log.append((command, offset, length))
        if self.fail and self.fail[0] == command:
            error, left = self.fail[1], self.fail[2] - 1
            self.fail = (command, error, left) if left else None
            return error, b""
        if command != FLUSH and offset + length > self.size:
            return 22, b""
        if command == READ:
            return 0, bytes(self.cache[offset:offset + length])
        if command == WRITE:
            self.cache[offset:offset + length] = data
        elif command in (TRIM, ZEROES):
            self.cache[offset:offset + length] = bytes(length)
        elif command == FLUSH:
            self.durable[:] = self.cache
        else:
            return 95, b""
        if flags & FUA:
            self.durable[offset:offset + length] = self.cache[offset:offset + length]
        return 0, b""
