# SPDX-License-Identifier: ISC
"""soak.py - everything at once, in rounds: what clients and origins do to a proxy in a day,
and what is left of it in the processes when all of them have gone.
"""
import contextlib
import itertools
import os
import pathlib
import re
import signal
import socket
import ssl
import statistics
import threading
import traceback

from . import load, ws
from .h2_peer import Client2, Origin2
from .metrics import Metrics
from .mitmd import PATIENCE, wait_for
from .origin import Origin, pattern
from .wire import Closed, basic, reset

KIB, MIB = 1 << 10, 1 << 20
LARGE = pattern(3 * MIB)
GONE = (OSError, Closed, ssl.SSLError)


class World:
    """The origins of all instances."""

    def __init__(self, certs):
        san = ("DNS:localhost", "IP:127.0.0.1", "DNS:*.soak.test")
        good = certs.leaf("soak", san)
        self.https = Origin(good)
        self.http = Origin()
        self.h2 = Origin2(good)
        self.h2c = Origin2()
        self.ws = ws.WsOrigin(good, talk=answer_messages)
        self.raw = Origin(script=lambda wire: wire.send(wire.read(100 * KIB)))
        self.expired = Origin(certs.leaf("expired", start=-9, end=-2))
        self.silent = Origin(good, script=lambda wire: wire.read_head())
        self.torn = Origin(good, script=break_off)
        for origin in (self.https, self.http):
            origin.route("/large", lambda x: x.answer(body=LARGE))
        self.h2.route("/large", h2_large)
        self.all = [self.https, self.http, self.h2, self.h2c, self.ws, self.raw, self.expired,
                    self.silent, self.torn]
        self.nobody = socket.socket()		# does not listen, and nobody else can
        self.nobody.bind(("127.0.0.1", 0))
        self.refused = f"localhost:{self.nobody.getsockname()[1]}"

    def forget(self):
        """What origins remember for tests grows too."""
        for origin in self.all:
            origin.connections.clear()

    def close(self):
        for origin in self.all:
            origin.close()
        self.nobody.close()


async def h2_large(x):
    await x.answer(body=LARGE[:MIB])


def answer_messages(wire):
    """Each frame with its own, until the client says that it closes."""
    while True:
        while (found := ws.unframed(bytes(wire.buffer))) is None:
            if not wire.fill():
                return
        first, payload, n = found
        wire.take(n)
        wire.send(ws.frame(first, payload))
        if first & 15 == ws.CLOSE:
            return


def break_off(wire):
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + bytes(5000))
    reset(wire.sock)


class Side:
    """One mitmd among these origins, and how much of each kind was done with it."""

    def __init__(self, world, mitmd):
        self.world, self.mitmd = world, mitmd
        self.lock = threading.Lock()
        self.numbers = itertools.count()
        self.contexts = {alpn: mitmd.context((alpn,)) for alpn in ("http/1.1", "h2")}
        self.done = {}			# kind -> units
        self.entries = 0		# that must have been recorded, at least
        self.requests = 0
        self.errors = []

    def tag(self, n):
        return f"job-{n // 50 % 40}"

    def secure(self, origin, tag, alpn="http/1.1", name="localhost"):
        return self.mitmd.secure(origin.authority, tag, name=name, context=self.contexts[alpn])

    def do(self, kind):
        """One unit; what it returns is how many answers it got: each has to be recorded."""
        n = next(self.numbers)
        try:
            answers = kind(self, n)
        except Exception:  # pylint: disable=broad-except
            self.errors.append((kind.__name__, self.tag(n), traceback.format_exc()))
            answers = 0
        with self.lock:
            self.done[kind.__name__] = self.done.get(kind.__name__, 0) + 1
            self.entries += answers
            self.requests += max(answers, 1)

    # -- what it is like inside ------------------------------------------------------------
    def metrics(self):
        with self.mitmd.dial() as client:
            return Metrics(client.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").body.decode())

    def come_to_rest(self):
        """Nobody is connected, all is written."""
        def still():
            now = self.metrics()
            return (now.value("mitmd_connections_active") <= 1 and	# that is this one
                    now.value("mitmd_har_entries_total") >= self.entries) and now
        wait_for(still, "the connections to end and their entries to be written", 4 * PATIENCE)
        self.mitmd.tell(signal.SIGUSR1)
        return wait_for(lambda: (now := self.metrics()).value("mitmd_spool_growing_files") == 0 and now,
                        "the files to be finished")


# -- what goes well: each returns the number of answers -------------------------------------------
def asker(kind, side, n, origin):
    return contextlib.closing(Closing(kind(side.mitmd, origin, side.tag(n), f"s{n}-")))


class Closing:
    """A client of load.py, for a while."""

    def __init__(self, client):
        self.client = client
        self.close = client.drop

    def ask(self, count):
        for i in range(count):
            self.client.ask(f"/hello?{self.client.label}{i}")
        return count


def keep_alive(side, n):
    with asker(load.Keep, side, n, side.world.https) as client:
        return client.ask(25)


def posts(side, n):
    with asker(load.LatePost, side, n, side.world.https) as client:
        return client.ask(25)


def plain_http(side, n):
    with asker(load.Plain, side, n, side.world.http) as client:
        return client.ask(25)


def http2(side, n):
    with asker(load.Two, side, n, side.world.h2) as client:
        return client.ask(25)


def many_streams(side, n):
    """Downloads and uploads at a time."""
    world = side.world
    with Client2(side.secure(world.h2, side.tag(n), "h2"), world.h2.authority) as client:
        streams = [client.request(f"/bytes/{size}") for size in (0, 100, 20000, 300000)]
        streams.append(client.request("/echo", "POST", body=LARGE[:200000]))
        for stream in streams:
            stream.finish()
        assert [len(s.body) for s in streams[:4]] == [0, 100, 20000, 300000]
        return len(streams)


def http2_to_the_proxy(side, n):
    world = side.world
    with Client2(side.mitmd.dial(), world.http.authority) as client:
        user = ("proxy-authorization", basic(side.tag(n)))
        streams = [client.request("/hello", headers=[user], scheme="http") for _ in range(5)]
        return sum(s.finish().body == b"hello\n" for s in streams)


def new_name(side, n):
    """A leaf that was never asked for."""
    with side.secure(side.world.https, side.tag(n), name=f"n{n}.soak.test") as wire:
        return ask(wire, f"/hello?{n}", side.world.https)


def known_name(side, n):
    with side.secure(side.world.https, side.tag(n), name=f"k{n % 100}.soak.test") as wire:
        return ask(wire, f"/chunked/{n % 30000}", side.world.https)


def ask(wire, path, origin):
    response = wire.ask(f"GET {path} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")
    assert response.status == 200, response
    return 1


def large_bodies(side, n):
    origin = side.world.https
    with side.secure(origin, side.tag(n)) as wire:
        response = wire.ask(f"GET /large?{n} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")
        assert response.body == LARGE
    with side.secure(origin, side.tag(n)) as wire:
        wire.send(f"POST /echo?{n} HTTP/1.1\r\nHost: {origin.authority}\r\n"
                  f"Content-Length: {2 * MIB}\r\n\r\n".encode() + LARGE[:2 * MIB])
        assert wire.read_final_response().status == 200
    return 2


def websocket(side, n):
    with side.secure(side.world.ws, side.tag(n)) as wire:
        ws.open_on(wire, side.world.ws)
        for size in (0, 5, 300, 70000, 5, 300):
            wire.send(ws.frame(ws.FIN | ws.BINARY, LARGE[:size], masked=True))
            while ws.unframed(bytes(wire.buffer)) is None:
                assert wire.fill()
            assert ws.unframed(wire.take(len(wire.buffer)))[1] == LARGE[:size]
        wire.send(ws.close(masked=True))
        assert wire.read_to_end()
    return 1


def tunnel(side, n):
    with side.mitmd.tunnel(side.world.raw.authority, side.tag(n)) as wire:
        wire.send(b"\0" + LARGE[:100 * KIB - 1])
        assert wire.read(100 * KIB)[1:] == LARGE[:100 * KIB - 1]
        assert wire.at_end()
    return 1


def portal(side, n):
    with contextlib.ExitStack() as stack:
        wire = None
        for path, good in (("/healthz", 200), ("/readyz", 200), ("/none", 404)):
            wire = wire or stack.enter_context(side.mitmd.dial())
            response = wire.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
            if response.get("Connection") == "close":	# a worker of before is not ready any more
                wire, good = None, 503 if path == "/readyz" else good
            assert response.status == good, response
    return 1				# what is not there, is recorded


# -- what does not go well, as it should -----------------------------------------------------------
def client_breaks_off(side, n):
    """In the middle of an answer."""
    origin = side.world.https
    wire = side.secure(origin, side.tag(n))
    wire.send(f"GET /large?{n} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode())
    wire.read(10000)
    reset(wire.sock)
    return 1


def client_breaks_off_its_request(side, n):
    origin = side.world.https
    wire = side.secure(origin, side.tag(n))
    wire.send(f"POST /echo?{n} HTTP/1.1\r\nHost: {origin.authority}\r\n"
              "Content-Length: 90000\r\n\r\n".encode() + LARGE[:30000])
    reset(wire.sock)
    return 0


def client_cancels_a_stream(side, n):
    world = side.world
    with Client2(side.secure(world.h2, side.tag(n), "h2"), world.h2.authority) as client:
        stream = client.request("/large")
        client.until(lambda: len(stream.body) > 10000)
        stream.cancel()
        if client.goaway is not None:	# a reload: it takes no more
            return 1
        assert client.request("/hello").finish().body == b"hello\n"
    return 2


def client_leaves_after_connect(side, n):
    with side.mitmd.tunnel(side.world.https.authority, side.tag(n)):
        pass
    return 0


def client_leaves_in_its_handshake(side, n):
    with side.mitmd.tunnel(side.world.https.authority, side.tag(n)) as wire:
        wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100 + n % 200))
    return 0


def client_does_not_trust(side, n):
    """Alone, its system's roots do not have our CA."""
    with contextlib.closing(side.mitmd.tunnel(side.world.https.authority, side.tag(n))) as wire:
        with contextlib.suppress(ssl.SSLError):
            wire.start_tls(ssl.create_default_context(), "localhost")
            raise AssertionError("it trusts")
    return 1


def no_such_origin(side, n):
    with side.mitmd.dial() as wire:
        assert wire.connect(side.world.refused, side.tag(n)).status == 502
    return 1


def bad_certificate(side, n):
    with contextlib.closing(side.mitmd.tunnel(side.world.expired.authority, side.tag(n))) as wire:
        with contextlib.suppress(ssl.SSLCertVerificationError):
            wire.start_tls(side.contexts["http/1.1"], "localhost")
            raise AssertionError("it is taken for good")
    return 1


def origin_says_nothing(side, n):
    return without_answer(side, n, side.world.silent)


def origin_breaks_off(side, n):
    return without_answer(side, n, side.world.torn)


def without_answer(side, n, origin):
    with side.secure(origin, side.tag(n)) as wire:
        try:
            wire.ask(f"GET /?{n} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")
        except GONE:
            return 1
    raise AssertionError("an answer")


# A round's units of each, with one instance.
MIX = {
    keep_alive: 6, posts: 1, plain_http: 4, http2: 4, many_streams: 3, http2_to_the_proxy: 3,
    new_name: 60, known_name: 30, large_bodies: 2, websocket: 8, tunnel: 10, portal: 40,
    client_breaks_off: 8, client_breaks_off_its_request: 8, client_cancels_a_stream: 4,
    client_leaves_after_connect: 15, client_leaves_in_its_handshake: 15, client_does_not_trust: 10,
    no_such_origin: 15, bad_certificate: 10, origin_says_nothing: 10, origin_breaks_off: 10,
}


def play(sides, chance, mix, threads=4, pace=None):
    """One round with all instances; pace() is called after each unit."""
    units = [(side, kind) for side in sides for kind, times in mix.items() for _ in range(times)]
    chance.shuffle(units)
    left = iter(units)
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                side, kind = next(left, (None, None))
            if side is None:
                return
            side.do(kind)
            if pace:
                pace()
    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    return workers


# -- what is measured -------------------------------------------------------------------------------
class Sample:
    """Memory of a process at rest, in KiB."""

    def __init__(self, pid):
        status = proc(pid, "status").read_text()
        self.own = kib(status, "RssAnon")	# what no other process has
        self.size, self.rss = kib(status, "VmSize"), kib(status, "VmRSS")
        self.pss = self.fds = None
        with contextlib.suppress(PermissionError):	# only root sees that
            self.pss = kib(proc(pid, "smaps_rollup").read_text(), "Pss")
            self.fds = len(links(pid))

    def __str__(self):
        return " ".join(f"{name} {value}" for name, value in vars(self).items())


def links(pid):
    """What the descriptors of a process are; those that it closes meanwhile are none."""
    found = []
    with contextlib.suppress(PermissionError):
        for fd in proc(pid, "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(fd))
    return found


def proc(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}")


def kib(text, name):
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1])


def growth(numbers):
    """By how much the median of the last third is above that of the middle third."""
    third = len(numbers) // 3
    assert third > 0
    return statistics.median(numbers[-third:]) - statistics.median(numbers[-2 * third:-third])
