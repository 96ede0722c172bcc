# SPDX-License-Identifier: ISC
"""systemd.py - what systemd is to a service: sockets and names at its start, an ear afterwards."""
import array
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import tempfile
import threading
import time

from .mitmd import PATIENCE, Mitmd

FIRST = 3		# sd_listen_fds(3)


class Notice:
    """One datagram of sd_notify(3)."""

    def __init__(self, text, pid, fds):
        self.text, self.pid, self.fds = text, pid, fds
        self.lines = text.splitlines()
        self.values = dict(line.split("=", 1) for line in self.lines)

    def __repr__(self):
        return repr(self.text)


class Manager:
    """Listens as $NOTIFY_SOCKET, and keeps what is stored (FDSTORE) as systemd does."""

    def __init__(self, abstract=False):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="notify-"))
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        path = str(self.directory / "sock")
        self.sock.bind("\0" + path if abstract else path)
        self.address = "@" + path if abstract else path
        self.notices = []
        self.store = {}			# name: [socket, ...]
        self.news = threading.Condition()
        self.held = threading.Event()	# clear: barriers wait
        self.held.set()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        while True:
            fds = array.array("i")
            data, control, _, _ = self.sock.recvmsg(65536, 4096)
            if data == b"end of the test":
                return
            pid = None
            for level, kind, body in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(body)
                elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                    pid = struct.unpack("3i", body)[0]
            if data == b"BARRIER=1":
                self.held.wait()
                os.close(fds[0])	# what came before it is done
            else:
                self._take(Notice(data.decode(), pid, list(fds)))

    def _take(self, notice):
        with self.news:
            name = notice.values.get("FDNAME")
            if notice.values.get("FDSTORE") == "1":
                self.store.setdefault(name, []).extend(socket.socket(fileno=fd) for fd in notice.fds)
            elif notice.values.get("FDSTOREREMOVE") == "1":
                for sock in self.store.pop(name, []):
                    sock.close()
            self.notices.append(notice)
            self.news.notify_all()

    def wait(self, has, start=0):
        """Index of the first notice from start on that has a line that starts so."""
        end = time.monotonic() + PATIENCE
        with self.news:
            while True:
                for i in range(start, len(self.notices)):
                    if any(line.startswith(has) for line in self.notices[i].lines):
                        return i
                left = end - time.monotonic()
                assert left > 0, f"never told {has!r}: {self.notices}"
                self.news.wait(left)

    def stored(self):
        """Name: address of what is in the store."""
        with self.news:
            return {name: socks[0].getsockname()[:2] for name, socks in self.store.items()}

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as me:
            me.connect(self.sock.getsockname())
            me.send(b"end of the test")
        self.thread.join(PATIENCE)
        self.sock.close()
        for sock in sum(self.store.values(), []):
            sock.close()
        shutil.rmtree(self.directory)


class Service(Mitmd):
    """mitmd as systemd starts it."""

    manager = None
    given = ()			# pairs of name and socket
    environment = {}

    def launch(self):
        """A process learns its number only when it is there: sh writes it down."""
        how = super().launch()
        how["env"]["NOTIFY_SOCKET"] = self.manager.address
        script = "export LISTEN_PID=${LISTEN_PID-$$} WATCHDOG_PID=${WATCHDOG_PID-$$}; exec \"$@\""
        how["args"] = ["/bin/sh", "-c", script, "sh", *map(str, how["args"])]
        if self.given:
            fds = [sock.fileno() for _, sock in self.given]

            def place():
                high = [fcntl.fcntl(fd, fcntl.F_DUPFD, FIRST + len(fds)) for fd in fds]
                for i, fd in enumerate(high):
                    os.dup2(fd, FIRST + i)
            how["env"].update(LISTEN_FDS=str(len(fds)),
                              LISTEN_FDNAMES=":".join(name for name, _ in self.given))
            how.update(preexec_fn=place, pass_fds=range(FIRST, FIRST + len(fds)))
        how["env"].update(self.environment)
        return how

    def store_as_given(self):
        """What the next start gets: as systemd passes its store."""
        return [(name, sock) for name, socks in self.manager.store.items() for sock in socks]


def listener(address=("127.0.0.1", 0)):
    """What a socket unit holds."""
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    sock.bind(address)
    sock.listen(64)
    return sock


def name_of(sock):
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
