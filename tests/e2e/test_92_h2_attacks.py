# SPDX-License-Identifier: ISC
"""HTTP/2 as a weapon: who only makes work is cut off, and costs nobody else anything.

How soon is looked at with MITMD_LONG=1 only: it takes a machine with nothing else to do.
"""
import contextlib
import os
import queue
import select
import socket
import threading
import time

import pytest

from env.h2_attack import assault, attacker
from env.h2_frames import (CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,
                           FLOW_CONTROL_ERROR, GOAWAY, HEADERS, PREFACE, PROTOCOL_ERROR, PUSH,
                           RST, FramesOrigin, block, frame, goaway, literal, ping, priority,
                           rst, settings, window)
from env.h2_peer import Origin2, connect
from env.mitmd import SANITIZED, wait_for
from env.wire import TIMEOUT

LONG = os.environ.get("MITMD_LONG") == "1"
MIB = 1 << 20
GROWTH = 32 * MIB


def in_time(took, limit=2):
    """Cut off within so many seconds."""
    assert not LONG or SANITIZED or took <= limit, f"{took:.1f} s"


@pytest.fixture(scope="module")
def target(certs):
    """Its /wait answers nothing, its /big 1 MiB."""
    async def wait(x):
        await x.until_reset()

    async def big(x):
        await x.answer(body=bytes(MIB))
    origin = Origin2(certs.leaf("good"), settings={3: 10000})
    origin.route("/wait", wait)
    origin.route("/big", big)
    yield origin
    origin.close()


@pytest.fixture(scope="module")
def besieged(start_mitmd):
    return start_mitmd({"workers": 1, "timeouts": {"header": "1s"}, "log": {"flows": "off"}})


class Siege:
    """Another client, and the worker's memory, while the attack lasts."""

    def __init__(self, mitmd, target):
        self.mitmd, self.target = mitmd, target
        (self.worker,) = mitmd.pids("worker")
        self.over = threading.Event()
        self.trouble = []
        self.served = 0
        self.most = 0

    def __enter__(self):
        with connect(self.mitmd, self.target) as client:	# so that all is warm
            client.get()
        self.before = self.mitmd.memory(self.worker)
        self.threads = [threading.Thread(target=t) for t in (self._ask, self._watch)]
        for thread in self.threads:
            thread.start()
        return self

    def _ask(self):
        while not self.over.is_set():
            try:
                with connect(self.mitmd, self.target) as client:
                    for _ in range(10):
                        assert bytes(client.get("/hello").body) == b"hello\n"
                        self.served += 1
                        self.over.wait(0.01)
            except Exception as error:  # pylint: disable=broad-except
                self.trouble.append(error)
                return

    def goes_on(self):
        """Others are served while nothing else happens."""
        before = self.served
        wait_for(lambda: self.trouble or self.served >= before + 50, "others to be served")

    def _watch(self):
        while not self.over.is_set():
            with contextlib.suppress(OSError):
                self.most = max(self.most, self.mitmd.memory(self.worker))
            self.over.wait(0.02)

    def __exit__(self, kind, *more):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if kind is not None:
            return
        assert not self.trouble, self.trouble
        assert self.served
        assert self.mitmd.pids("worker") == [self.worker], "the worker died"
        grown = self.most - self.before
        assert SANITIZED or grown <= GROWTH, f"{grown / MIB:.1f} MiB more"


@pytest.fixture
def siege(besieged, target):
    with Siege(besieged, target) as siege:
        yield siege


def flood(f, make, reads=True, batch=100):
    """
    make(i) again and again until the peer has had enough: how long that took.
    One that does not read sees the end by what it can no longer send.
    """
    f.wire.sock.settimeout(TIMEOUT)
    started, i = time.monotonic(), 0
    while time.monotonic() - started < 5 * TIMEOUT:
        if not f.try_send(*[make(i + k) for k in range(batch)]):
            break
        i += batch
        while reads and f.ended is None and readable(f):
            f.next()
        if f.ended is not None or (reads and f.goaway() is not None):
            break
    else:
        pytest.fail(f"not cut off, {i} sent")
    took = time.monotonic() - started
    with contextlib.suppress(socket.timeout):
        f.to_end()
    assert f.ended is not None, "the connection is still there"
    return took


def readable(f):
    return (f.wire.buffer or f.wire.sock.pending()
            or select.select([f.wire.sock], [], [], 0)[0])


def new(i):
    """The number of the i-th stream."""
    return 2 * i + 1


# -- a hostile client ----------------------------------------------------------------------
def rapid_reset(f, i):
    return f.head(new(i), "/wait") + rst(new(i))


def made_you_reset_by_length(f, i):
    """CVE-2025-8671"""
    return (f.head(new(i), "/echo", "POST", [("content-length", "1")], end=False)
            + frame(DATA, END_STREAM, new(i), b"12345"))


def made_you_reset_by_window(f, i):
    return f.head(new(i), "/wait") + window(new(i), (1 << 31) - 1) * 2


def made_you_reset_by_zero(f, i):
    return f.head(new(i), "/wait") + window(new(i), 0)


def made_you_reset_by_data(f, i):
    return f.head(new(i), "/wait") + frame(DATA, 0, new(i), b"x")


def made_you_reset_by_priority(f, i):
    return f.head(new(i), "/wait") + frame(2, 0, new(i), b"123")


def malformed(f, i):
    return f.head(new(i), more=[("X-Upper", "1")])


def refused_by_us(f, i):
    """What only mitmd's own check finds."""
    return frame(HEADERS, END_HEADERS | END_STREAM, new(i),
                 block(*f.fields(), ("host", "other.example")))


def connects(f, i):
    return frame(HEADERS, END_HEADERS | END_STREAM, new(i),
                 block((":method", "CONNECT"), (":authority", "localhost:1")))


FLOODS = {
    "rapid-reset": rapid_reset,
    "made-you-reset-length": made_you_reset_by_length,
    "made-you-reset-window": made_you_reset_by_window,
    "made-you-reset-zero": made_you_reset_by_zero,
    "made-you-reset-data": made_you_reset_by_data,
    "made-you-reset-priority": made_you_reset_by_priority,
    "malformed": malformed,
    "refused-by-us": refused_by_us,
    "connect": connects,
    "ping": lambda f, i: ping(),
    "pong": lambda f, i: ping(ack=True),
    "settings": lambda f, i: settings((4, 65535 + i % 2)),
    "settings-empty": lambda f, i: settings(),
    "settings-table": lambda f, i: settings((1, 4096 * (i % 2))),
    "settings-ack": lambda f, i: settings(ack=True),
    "priority": lambda f, i: priority(new(i % 1000)),
    "unknown": lambda f, i: frame(0xfa, 0, 0, b"x"),
    "unknown-empty": lambda f, i: frame(0xfa),
    "window-update": lambda f, i: window(0, 1),
    "goaway": lambda f, i: goaway(),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_of_a_client(besieged, target, siege, kind):
    make = FLOODS[kind]
    with attacker(besieged, target) as f:
        took = flood(f, lambda i: make(f, i))
        in_time(took)
        assert f.goaway() in (None, ENHANCE_YOUR_CALM, PROTOCOL_ERROR, 2, 6, 5), f.goaway()


@pytest.mark.parametrize("kind", ["ping", "settings", "rapid-reset", "malformed"])
def test_a_flood_of_a_client_that_does_not_read(besieged, target, siege, kind):
    make = FLOODS[kind]
    with attacker(besieged, target) as f:
        f.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        took = flood(f, lambda i: make(f, i), reads=False)
        in_time(took, 3)		# a second is to read why


STREAM_FLOODS = {
    "empty-data": lambda f, i: frame(DATA, 0, 1),
    "padding-only": lambda f, i: frame(DATA, 8, 1, b"\0"),
    "window-update": lambda f, i: window(1, 1),
    "unknown": lambda f, i: frame(0xfa, 0, 1, b"x"),
    "priority": lambda f, i: priority(1),
    "data-after-reset": lambda f, i: rst(1) * (i == 0) + frame(DATA, 0, 1, b"x"),
    "empty-data-after-reset": lambda f, i: rst(1) * (i == 0) + frame(DATA, 0, 1),
    "trailers-after-reset": lambda f, i: rst(1) * (i == 0) + f.head(1),
    "reset-after-reset": lambda f, i: rst(1),
    "window-update-after-reset": lambda f, i: rst(1) * (i == 0) + window(1, 1),
    "unknown-after-reset": lambda f, i: rst(1) * (i == 0) + frame(0xfa, 0, 1, b"x"),
}


@pytest.mark.parametrize("kind", STREAM_FLOODS)
def test_a_flood_on_an_open_stream(besieged, target, siege, kind):
    with attacker(besieged, target) as f:
        f.send(f.head(1, "/echo", "POST", end=False))
        took = flood(f, lambda i: STREAM_FLOODS[kind](f, i))
        in_time(took)


def test_rapid_resets_cancel_the_origins_work(besieged, target, siege):
    """What was begun there ends there, and little was begun."""
    before = len(target.requests("/wait"))
    with attacker(besieged, target) as f:
        flood(f, lambda i: rapid_reset(f, i))
    target.wait(lambda: all(r.reset is not None for r in target.requests("/wait")))
    assert len(target.requests("/wait")) - before <= 2000


@pytest.mark.parametrize("payload", [b"", block(("x", "y" * 1000))], ids=["empty", "full"])
def test_a_continuation_flood(besieged, target, siege, payload):
    """CVE-2024-27983 and its kin"""
    with attacker(besieged, target) as f:
        f.send(frame(HEADERS, END_STREAM, 1, block(*f.fields())))
        took = flood(f, lambda i: frame(CONTINUATION, 0, 1, payload), batch=10)
        in_time(took)
    assert not target.requests("/continued")


def drip(f, text):
    """A byte every now and then; more than seven would be cut off for their number."""
    for i in range(7):
        if select.select([f.wire.sock], [], [], 0.25)[0]:
            break
        if not f.try_send(frame(CONTINUATION, 0, 1, text[i:i + 1])):
            break


def test_a_head_in_drops(besieged, target, siege):
    """CONTINUATION by CONTINUATION: the deadline is for the whole block (timeouts.header)."""
    with attacker(besieged, target) as f:
        started = time.monotonic()
        f.send(frame(HEADERS, END_STREAM, 1, b""))
        text = block(*f.fields("/dripped"))
        drip(f, text)
        f.to_end()
        in_time(time.monotonic() - started, 3.5)
    assert not target.requests("/dripped")


def test_half_a_frame(besieged, target, siege):
    """The same for a head whose one frame never ends."""
    with attacker(besieged, target) as f:
        started = time.monotonic()
        f.send(f.head(1, "/half")[:-3])
        f.to_end()
        in_time(time.monotonic() - started, 3.5)


def bomb(stream, fields, value=4000, times=16000, first=True):
    """One large entry of the table, told thousands of times with a byte each."""
    entry = b"\x40" + literal("x-bomb", "b" * value)[1:] if first else b""
    text = block(*fields) + entry + b"\xbe" * times
    parts = [text[i:i + 16384] for i in range(0, len(text), 16384)]
    out = frame(HEADERS, END_STREAM | (END_HEADERS if len(parts) == 1 else 0), stream, parts[0])
    for i, part in enumerate(parts[1:]):
        out += frame(CONTINUATION, END_HEADERS if i == len(parts) - 2 else 0, stream, part)
    return out


def test_an_hpack_bomb(besieged, target, siege):
    """64 MB for 16 KB: the stream is refused, and the connection goes on."""
    with attacker(besieged, target) as f:
        f.send(bomb(1, f.fields("/bomb")))
        f.until(lambda x: x.type == RST and x.stream_id == 1)
        f.send(f.head(3))
        assert f.answer(3) == 200
    assert not target.requests("/bomb")


@pytest.mark.parametrize("megabytes", [64, 480])
def test_many_hpack_bombs(besieged, target, siege, megabytes):
    """What is decoded for nothing is paid by its size: 100 MiB, and 10 with each second."""
    times, seen, started = megabytes * 250, 0, time.monotonic()
    with attacker(besieged, target) as f:
        while True:
            sent = f.try_send(bomb(new(seen), f.fields("/bomb"), times=times, first=seen == 0))
            end = f.until(lambda x: x.type in (RST, GOAWAY))
            if not sent or end.type == GOAWAY:
                break
            seen += 1
            assert (seen - 1) * megabytes < 100 + 10 * (time.monotonic() - started)
        assert end.error_code == ENHANCE_YOUR_CALM
        f.to_end()
    assert not target.requests("/bomb")


@pytest.mark.parametrize("fields", [[(f"x-{i}", "v") for i in range(300)],
                                    [("x-long", "v" * 15000)] * 5,
                                    [("cookie", "a=b")] * 3000],
                         ids=["count", "size", "crumbs"])
def test_a_head_too_large(besieged, target, siege, fields):
    with attacker(besieged, target) as f:
        text = block(*f.fields("/large", "GET", *fields))
        parts = [text[i:i + 16384] for i in range(0, len(text), 16384)]
        f.send(frame(HEADERS, END_STREAM | (END_HEADERS if len(parts) == 1 else 0), 1, parts[0]),
               *[frame(CONTINUATION, END_HEADERS if i == len(parts) - 2 else 0, 1, part)
                 for i, part in enumerate(parts[1:])])
        f.until(lambda x: x.type == RST and x.stream_id == 1)
        f.send(f.head(3))
        assert f.answer(3) == 200
    assert not target.requests("/large")


def test_trailers_too_large(besieged, target, siege):
    with attacker(besieged, target) as f:
        f.send(f.head(1, "/echo", "POST", end=False),
               frame(HEADERS, END_HEADERS | END_STREAM, 1,
                     block(*[(f"x-{i}", "v") for i in range(300)])))
        f.until(lambda x: x.type == RST and x.stream_id == 1)


def test_windows_of_nothing(besieged, target, siege):
    """100 responses that nobody takes."""
    with attacker(besieged, target, (4, 0)) as f:
        f.send(*[f.head(new(i), "/big") for i in range(100)])
        for _ in range(100):
            f.until(lambda x: x.type == HEADERS)
        f.sync()
        siege.goes_on()


def test_windows_that_open_byte_by_byte(besieged, target, siege):
    """CVE-2019-9511: each of our frames carries one byte."""
    with attacker(besieged, target, (4, 0)) as f:
        f.send(*[f.head(new(i), "/big") for i in range(50)])
        took = flood(f, lambda i: window(new(i % 50), 1))
        in_time(took)


def test_large_windows_and_nothing_read(besieged, target, siege):
    """CVE-2019-9517: what does not fit into the socket stays at the origin."""
    with attacker(besieged, target, (4, 1 << 30)) as f:
        f.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        f.send(window(0, 1 << 30), *[f.head(new(i), "/big") for i in range(100)])
        siege.goes_on()


def test_uploads_of_which_nothing_is_read(besieged, target, siege):
    """The origin does not take it: the attacker's window closes."""
    with attacker(besieged, target) as f:
        f.send(*[f.head(new(i), "/wait", "POST", end=False) for i in range(100)])
        f.send(*[frame(DATA, 0, new(i), bytes(10000)) for i in range(100)])
        f.sync()
        siege.goes_on()


def is_flow_control_error(x):
    return x.type in (RST, GOAWAY) and x.error_code == FLOW_CONTROL_ERROR


def test_more_content_than_the_window_of_a_client(besieged, target, siege):
    """RFC 9113 6.9.1: credit is not a proposal. The origin takes nothing, so none comes back."""
    with attacker(besieged, target) as f:
        f.send(f.head(1, "/wait", "POST", end=False), *[frame(DATA, 0, 1, bytes(16384))] * 64)
        f.until(is_flow_control_error)


def test_more_streams_than_allowed(besieged, target, siege):
    with attacker(besieged, target) as f:
        took = flood(f, lambda i: f.head(new(i), "/wait"))
        in_time(took)
        assert len([r for r in target.requests("/wait") if r.reset is None]) <= 100


def test_many_connections_with_all_streams_open(besieged, target, siege):
    """50 attackers with 100 streams that never end."""
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            f = stack.enter_context(attacker(besieged, target))
            f.send(*[f.head(new(i), "/wait") for i in range(100)])
        f.sync()


# -- a hostile origin ------------------------------------------------------------------------
def ok(stream=1, end=False):
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream,
                 block((":status", "200")))


ORIGIN_FLOODS = {
    "ping": (b"", lambda i: ping()),
    "settings": (b"", lambda i: settings((4, 65535 + i % 2))),
    "settings-table": (b"", lambda i: settings((1, 4096 * (i % 2)))),
    "unknown": (b"", lambda i: frame(0xfa, 0, 0, b"x")),
    "priority": (b"", lambda i: priority(1)),
    "window-update": (b"", lambda i: window(0, 1)),
    "stream-window-update": (b"", lambda i: window(1, 1)),
    "goaway": (b"", lambda i: goaway(last=1)),
    "empty-data": (ok(), lambda i: frame(DATA, 0, 1)),
    "padding-only": (ok(), lambda i: frame(DATA, 8, 1, b"\0")),
    "continuation": (frame(HEADERS, 0, 1, block((":status", "200"))),
                     lambda i: frame(CONTINUATION, 0, 1, block(("x", "y" * 100)))),
    "continuation-empty": (frame(HEADERS, 0, 1, block((":status", "200"))),
                           lambda i: frame(CONTINUATION, 0, 1)),
    "push": (b"", lambda i: frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + block((":method", "GET")))),
}


@pytest.mark.parametrize("kind", ORIGIN_FLOODS)
def test_a_flood_of_an_origin(besieged, certs, siege, kind):
    first, make = ORIGIN_FLOODS[kind]

    def script(f):
        f.send(first)
        return flood(f, make, batch=10 if "continuation" in kind else 100)
    took, stream = assault(certs, besieged, script)
    in_time(took)
    assert stream.over and not stream.ended


def test_informational_without_end(besieged, certs, siege):
    """The stream is given up; so is what else the origin says of it."""
    def script(f):
        for _ in range(5000):
            if not f.try_send(frame(HEADERS, END_HEADERS, 1, block((":status", "103")))):
                return None
            while readable(f):
                if f.next() is None or 1 in f.resets() or f.goaway():
                    return f.resets().get(1, f.goaway())
        return "never"
    code, stream = assault(certs, besieged, script)
    assert code != "never"
    assert stream.reset is not None and len(stream.informational) <= 100


def test_informational_heads_too_large(besieged, certs, siege):
    """Each is within limits.header_size, and all of them are not: they wait for slow clients."""
    def script(f):
        head = frame(HEADERS, END_HEADERS, 1, block((":status", "103"), ("x", "y" * 15000)))
        f.send(*[head] * 6)
        return f.until(lambda x: x.type == RST and x.stream_id == 1).error_code
    code, stream = assault(certs, besieged, script)
    assert code == ENHANCE_YOUR_CALM
    assert stream.reset is not None and len(stream.informational) <= 4


def test_an_hpack_bomb_of_an_origin(besieged, certs, siege):
    def script(f):
        f.send(bomb(1, [(":status", "200")]))
        return f.until(lambda x: x.type == RST and x.stream_id == 1).error_code
    _, stream = assault(certs, besieged, script)
    assert stream.reset is not None and not stream.status


def test_a_response_head_in_drops(besieged, certs, siege):
    def script(f):
        started = time.monotonic()
        f.send(frame(HEADERS, END_STREAM, 1, b""))
        drip(f, block((":status", "200")))
        f.to_end()
        return time.monotonic() - started
    took, stream = assault(certs, besieged, script)
    in_time(took, 3.5)
    assert stream.over and not stream.status


def test_more_content_than_the_window_of_an_origin(besieged, certs, siege):
    """The client reads nothing, so that no credit comes back."""
    said = queue.Queue()

    def script(f):
        assert f.wire.read(len(PREFACE)) == PREFACE
        f.start(preface=False)
        f.until(lambda x: x.type == HEADERS)
        f.send(ok(), *[frame(DATA, 0, 1, bytes(16384))] * 64)
        said.put(f.until(is_flow_control_error))
    origin = FramesOrigin(certs.leaf("good"), script)
    with connect(besieged, origin) as client:
        client.request("/victim")
        assert said.get(timeout=TIMEOUT)
    origin.close()


def test_an_origin_resets_all_streams(besieged, certs, siege):
    """Its own affair: the client is told each time, and nobody is cut off."""
    def script(f):
        f.send(rst(1, 7))
        for i in range(1, 500):
            stream = f.until(lambda x: x.type == HEADERS).stream_id
            assert stream == new(i)
            f.send(rst(stream, 7))
        return True

    def talk(f):
        assert f.wire.read(len(PREFACE)) == PREFACE
        f.start(preface=False)
        f.until(lambda x: x.type == HEADERS)
        script(f)
        f.to_end()
    origin = FramesOrigin(certs.leaf("good"), talk)
    with connect(besieged, origin) as client:
        for _ in range(500):
            stream = client.request("/refused")
            client.until(lambda stream=stream: stream.over)
            assert stream.reset == 7
    origin.close()


# -- at the end -------------------------------------------------------------------------------
def test_what_was_recorded_of_all_this_parses(besieged, target):
    """Each entry is checked as it is read."""
    with connect(besieged, target, "after") as client:
        client.get()
    assert besieged.har("after")
    assert besieged.har("127.0.0.1")
    assert "killed" not in besieged.log_text()


@pytest.mark.skipif(not LONG, reason="slow: MITMD_LONG=1")
def test_a_stalled_stream_ends_after_half_a_minute(besieged, target, siege):
    with attacker(besieged, target, (4, 0)) as f:
        f.send(f.head(1, "/big"), f.head(3, "/big"))
        for stream in (1, 3):
            f.until(lambda x, s=stream: x.type == RST and x.stream_id == s, 30 + TIMEOUT)
        f.sync()
