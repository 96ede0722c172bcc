# SPDX-License-Identifier: ISC
"""etc.py - a mitmd whose /etc/hosts, resolv.conf and users are the test's own, and a name
server for it: in a mount namespace, which takes root.
"""
import os
import pathlib
import random
import socket
import struct
import subprocess
import threading

import pytest

FILES = ("hosts", "resolv.conf", "passwd", "group")
TYPES = {1: "A", 28: "AAAA"}


class Etc:
    """Files that are mounted over those of /etc; written to in place."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        for name in FILES:
            path = pathlib.Path("/etc") / name
            self.write(name, path.read_text() if path.exists() else "")
        mounts = "".join(f"mount --bind '{self.directory / name}' \"$(realpath /etc/{name})\" && "
                         for name in FILES if os.path.exists(f"/etc/{name}"))
        self.under = ("unshare", "-m", "sh", "-c", mounts + 'exec "$@"', "sh")
        self.check()

    def check(self):
        if os.geteuid() != 0:
            pytest.skip("only root may mount")
        done = subprocess.run([*self.under, "true"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no mount namespace: {done.stderr.strip()}")

    def write(self, name, text):
        """In place: a new file would not be the one that is mounted."""
        with open(self.directory / name, "w", encoding="ascii") as file:
            file.write(text)

    def add_user(self, name, uid):
        with open(self.directory / "passwd", "a", encoding="ascii") as file:
            file.write(f"{name}:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin\n")
        with open(self.directory / "group", "a", encoding="ascii") as file:
            file.write(f"{name}:x:{uid}:\n")


class NameServer:
    """Answers A and AAAA for the names it knows; over TCP only for those in `large`."""

    def __init__(self, names):
        self.names = names		# {"www.a.test": "127.0.0.1"}
        self.large = set()
        self.asked = []			# (name, type, over TCP)
        self.udp, self.tcp, self.address = self._bind()
        self.tcp.listen()
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    @staticmethod
    def _bind():
        """resolv.conf knows no ports: an address of its own, then."""
        for _ in range(100):
            address = f"127.{random.randint(2, 250)}.{random.randint(1, 250)}.{random.randint(2, 250)}"
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                udp.bind((address, 53))
                tcp.bind((address, 53))
                return udp, tcp, address
            except PermissionError:
                pytest.skip("port 53 cannot be bound")
            except OSError:
                udp.close()
                tcp.close()
        raise RuntimeError("no free address")

    def answer(self, query, over_tcp):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind, = struct.unpack(">H", query[at + 1:at + 3])
        name = ".".join(labels).lower()
        self.asked.append((name, TYPES.get(kind, kind), over_tcp))
        known = self.names.get(name)
        head, question = query[:2], query[12:at + 5]
        if known is None:
            return head + b"\x85\x83" + struct.pack(">4H", 1, 0, 0, 0) + question
        if name in self.large and not over_tcp:
            return head + b"\x87\x80" + struct.pack(">4H", 1, 0, 0, 0) + question
        family = socket.AF_INET6 if ":" in known else socket.AF_INET
        if TYPES.get(kind) != ("AAAA" if ":" in known else "A"):
            return head + b"\x85\x80" + struct.pack(">4H", 1, 0, 0, 0) + question
        data = socket.inet_pton(family, known)
        return (head + b"\x85\x80" + struct.pack(">4H", 1, 1, 0, 0) + question +
                b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data)

    def _serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(4096)
                if not query:
                    return		# shut down
                self.udp.sendto(self.answer(query, False), peer)
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                sock, _ = self.tcp.accept()
                with sock:
                    length, = struct.unpack(">H", sock.recv(2, socket.MSG_WAITALL))
                    reply = self.answer(sock.recv(length, socket.MSG_WAITALL), True)
                    sock.sendall(struct.pack(">H", len(reply)) + reply)
                    sock.recv(1)	# until it is read
            except OSError:
                return

    def close(self):
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)		# wakes who waits in it
            except OSError:
                pass
            sock.close()
