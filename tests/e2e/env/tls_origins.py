# SPDX-License-Identifier: ISC
"""tls_origins.py - shows the certificates of bad_origins.py, and counts what it is told."""
import contextlib
import os
import selectors
import socket
import ssl
import subprocess
import threading

from . import x509
from .helper import Helper

ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
          b"Connection: close\r\n\r\n")
HERE = os.path.dirname(os.path.abspath(__file__))


class Served:
    """One origin, listening."""

    def __init__(self, row, changed):
        self.row = row
        self.port = None
        self.changed = changed
        self.opened = self.closed = 0
        self.paths = []		# of each request

    def note(self, what, path=None):
        with self.changed:
            if what == "open":
                self.opened += 1
            elif what == "closed":
                self.closed += 1
            else:
                self.paths.append(path)
            self.changed.notify_all()

    def settle(self, timeout=10):
        """Wait until every connection so far has ended; the paths asked for."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.opened == self.closed, timeout), (
                f"{self.opened - self.closed} connections to {self.row.label} stay open")
            return list(self.paths)


class Origins:
    """origins[row]: served from the first time on that it is asked for."""

    def __init__(self, world, directory):
        self.world = world
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.served = {}
        self.by_port = {}
        self.changed = threading.Condition()
        self.helpers = {}
        self.selector = selectors.DefaultSelector()
        self.wake, wakes = socket.socketpair()
        self.selector.register(wakes, selectors.EVENT_READ, None)
        threading.Thread(target=self._accept, daemon=True).start()

    def __getitem__(self, row):
        if row.label not in self.served:
            chain = row.build(self.world)
            served = Served(row, self.changed)
            self.served[row.label] = served
            key, file = self._files(row, chain)
            if row.raw:
                self._serve_by("go", served, key, file, "-")
            elif row.staple is not None:
                self._serve_by("node", served, key, file, self._staple(row, chain))
            else:
                self._serve(served, key, file)
            self.by_port[str(served.port)] = served
        return self.served[row.label]

    def _files(self, row, chain):
        """Its private key's file and its chain's."""
        ders = [c if isinstance(c, bytes) else c.der for c in chain]
        key = next((c.key for c in chain if not isinstance(c, bytes)),
                   None) if not isinstance(chain[0], bytes) else self.world.keys["ec"]
        file = self.directory / f"{row.label}.pem"
        file.write_text("".join(x509.pem(der) for der in ders))
        return key.path, file

    def _staple(self, row, chain):
        more = dict(row.staple)
        if "about" in more:
            more["about"] = self.world.leaf(more["about"])
        file = self.directory / f"{row.label}.ocsp"
        file.write_bytes(x509.staple(chain[0], chain[1], **more))
        return file

    # -- Python's own server -------------------------------------------------------
    def _serve(self, served, key, file):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(file, key)
        context.set_alpn_protocols(["http/1.1"])
        six = served.row.host == "::1"
        listener = socket.create_server(("::1" if six else "127.0.0.1", 0), backlog=128,
                                        family=socket.AF_INET6 if six else socket.AF_INET)
        served.port = listener.getsockname()[1]
        self.selector.register(listener, selectors.EVENT_READ, (served, context))
        self.wake.send(b"!")

    def _accept(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    if not key.fileobj.recv(100):
                        return
                    continue
                sock, _ = key.fileobj.accept()
                key.data[0].note("open")
                threading.Thread(target=self._talk, args=(sock, *key.data), daemon=True).start()

    @staticmethod
    def _talk(sock, served, context):
        sock.settimeout(30)
        try:
            sock = context.wrap_socket(sock, server_side=True)
            data = b""
            while b"\r\n\r\n" not in data:
                more = sock.recv(65536)
                if not more:
                    break
                data += more
            if data:
                words = data.decode("latin-1").split(" ")
                served.note("heard", words[1] if len(words) > 1 else repr(data))
                sock.sendall(ANSWER)
                with contextlib.suppress(OSError):
                    sock.unwrap()
        except OSError:
            pass
        finally:
            with contextlib.suppress(OSError):
                sock.close()
            served.note("closed")

    # -- those that can do what Python's cannot ----------------------------------------
    def _serve_by(self, kind, served, key, file, staple):
        if kind not in self.helpers:
            command = {"node": node_command, "go": go_command}[kind](self.directory)
            self.helpers[kind] = Helper(command, dict(os.environ), self._event)
        served.port = int(self.helpers[kind].ask("serve", key, file, staple)[0])

    def _event(self, what, port, path=None):
        self.by_port[port].note(what, path)

    def close(self):
        for key in list(self.selector.get_map().values()):
            if key.data is not None:
                self.selector.unregister(key.fileobj)
                key.fileobj.close()
        self.wake.close()
        for helper in self.helpers.values():
            helper.close()


def node_command(_directory):
    return ["node", os.path.join(HERE, "tls_helper.js")]


def go_command(directory):
    """Builds it first."""
    program = directory / "tls-helper"
    if not program.exists():
        done = subprocess.run(["go", "build", "-o", str(program),
                               os.path.join(HERE, "tls_helper.go")],
                              capture_output=True, text=True, check=False, cwd=directory,
                              env={**os.environ, "GO111MODULE": "off", "CGO_ENABLED": "0"})
        assert done.returncode == 0, done.stderr
    return [str(program)]


def java_command(directory):
    done = subprocess.run(["javac", "-nowarn", "-d", str(directory),
                           os.path.join(HERE, "TlsHelper.java")],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", str(directory),
            "TlsHelper"]
