# SPDX-License-Identifier: ISC
"""origin.py - a scripted origin: what it answers is bytes, decided per path.

Every connection has a thread; everything read is kept for the test to look at.
"""
import contextlib
import hashlib
import json
import socket
import ssl
import threading

from .wire import Closed, TIMEOUT, Wire, at_once

ENDS = (Closed, OSError, AssertionError)


def pattern(n):
    """n bytes that tell where they belong and do not compress away."""
    block = b"".join(hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(2048))
    return (block * (n // len(block) + 1))[:n]


class Exchange:
    """A request, and the connection to answer it on."""

    def __init__(self, request, wire):
        self.request = request
        self.wire = wire
        self.close = False

    def raw(self, data):
        self.wire.send(data)

    def head(self, status, headers=(), reason="OK"):
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{n}: {v}" for n, v in headers]
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def answer(self, status=200, headers=(), body=b"", reason="OK"):
        length = [] if status in (204, 304) else [("Content-Length", len(body))]
        lines = [f"HTTP/1.1 {status} {reason}"]
        lines += [f"{n}: {v}" for n, v in [*headers, *length]]
        data = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.raw(data if self.request.method == "HEAD" else data + body)


def hello(x):
    x.answer(headers=[("Content-Type", "text/plain")], body=b"hello\n")


def echo(x):
    """What arrived, as JSON."""
    r = x.request
    x.answer(headers=[("Content-Type", "application/json")], body=json.dumps({
        "method": r.method, "target": r.target, "version": r.version, "headers": r.headers,
        "length": len(r.body), "sha256": hashlib.sha256(r.body).hexdigest(),
        "trailers": r.trailers, "chunked": r.get("Transfer-Encoding") is not None,
    }).encode())


def number(x):
    return int(x.request.target.rsplit("/", 1)[1])


def sized(x):
    x.answer(headers=[("Content-Type", "application/octet-stream")], body=pattern(number(x)))


def chunked(x):
    body = pattern(number(x))
    x.head(200, [("Transfer-Encoding", "chunked")])
    for i in range(0, len(body), 10000):
        piece = body[i:i + 10000]
        x.raw(b"%x\r\n%s\r\n" % (len(piece), piece))
    x.raw(b"0\r\n\r\n")


def until_close(x):
    x.head(200, [("Content-Type", "application/octet-stream"), ("Connection", "close")])
    x.raw(pattern(number(x)))
    x.close = True


def status(x):
    x.answer(number(x), reason="Made To Order")


class Connection:
    """What one connection brought."""

    def __init__(self, peer):
        self.peer = peer
        self.requests = []
        self.tls = None
        self.client_cert = None		# DER; of those that were asked
        self.wire = None
        self.error = None
        self.ended = threading.Event()


class Origin:
    """Listens on loopback; https when a certificate is given."""

    def __init__(self, cert=None, address="127.0.0.1", script=None, tls_version=None):
        self.context = cert and self._context(cert, tls_version)
        self.script = script
        self.routes = {"/hello": hello, "/echo": echo, "/bytes/": sized, "/chunked/": chunked,
                       "/until-close/": until_close, "/status/": status}
        self.connections = []
        self.changed = threading.Condition()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = at_once(
            socket.create_server((address, 0), family=family, backlog=1024))
        self.port = self.listener.getsockname()[1]
        self.address = f"[{address}]" if ":" in address else address
        threading.Thread(target=self._accept, daemon=True).start()

    @staticmethod
    def _context(cert, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert.chain, cert.key)
        context.set_alpn_protocols(["http/1.1"])
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context

    @property
    def authority(self):
        return f"localhost:{self.port}"

    def url(self, path="/hello", host="localhost"):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}{path}"

    def route(self, path, handler):
        """handler(exchange), or the bytes to answer with."""
        if isinstance(handler, bytes):
            data = handler
            self.routes[path] = lambda x: x.raw(data)
        else:
            self.routes[path] = handler

    def requests(self, path=None):
        every = [r for c in list(self.connections) for r in c.requests]
        return [r for r in every if path is None or r.target == path]

    def wait(self, condition, timeout=TIMEOUT):
        """Wait until condition() holds; it is looked at whenever something happened."""
        with self.changed:
            assert self.changed.wait_for(condition, timeout), "the origin never saw it"

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    # -- inside ----------------------------------------------------------------
    def _note(self):
        with self.changed:
            self.changed.notify_all()

    def _accept(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            connection = Connection(peer)
            self.connections.append(connection)
            self._note()
            threading.Thread(target=self._serve, args=(sock, connection), daemon=True).start()

    def _serve(self, sock, connection):
        sock.settimeout(60)
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True,
                                                suppress_ragged_eofs=True)
                connection.tls = sock
                connection.client_cert = sock.getpeercert(True)
            connection.wire = Wire(sock, 60)
            if self.script:
                self.script(connection.wire)
            else:
                self._talk(connection)
        except ENDS as error:
            connection.error = error
        finally:
            with contextlib.suppress(OSError):
                sock.close()
            connection.ended.set()
            self._note()

    def _talk(self, connection):
        while True:
            request = connection.wire.read_request()
            if request is None:
                return
            connection.requests.append(request)
            self._note()
            exchange = Exchange(request, connection.wire)
            self._handler(request)(exchange)
            if exchange.close or request.get("Connection", "").lower() == "close":
                return

    def _handler(self, request):
        path = request.target.split("?")[0]
        found = [p for p in self.routes if path == p or (p.endswith("/") and path.startswith(p))]
        if not found:
            return lambda x: x.answer(404, reason="Not Found")
        return self.routes[max(found, key=len)]
