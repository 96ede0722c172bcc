# SPDX-License-Identifier: ISC
"""Memory: what thousands of bounded connections hold together has a bound, too."""
import contextlib
import socket

import pytest

from env.h2_frames import (DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, Frames,
                           FramesOrigin, block, frame, literal, ping, serve, settings)
from env.metrics import Metrics
from env.mitmd import SANITIZED, wait_for
from env.wire import TIMEOUT, Wire, at_once

MIB = 1 << 20
STREAMS = 100
MOST = 60			# attackers; each holds some 10 MiB
ENDED = "mitmd_connections_ended_for_memory_total"
# 40 MiB of zeros as brotli with a window of 16 MiB: what follows them is cut off.
BOMB = bytes.fromhex("cfffff7f002400e2b14072effff9ffff0f8004401c1680eefd7ffeffff01900088c302d0bdff")


def value(mitmd, name):
    with mitmd.dial() as client:
        response = client.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    return Metrics(response.body.decode()).value(name)


@pytest.fixture
def small(own_mitmd):
    """Its worker may have 128 MiB, and is content with half of that."""
    mitmd = own_mitmd({"workers": 1, "log": {"flows": "off"}}, start=False)
    if not SANITIZED:		# they map more than that before they begin
        mitmd.under = ("prlimit", f"--data={128 * MIB}")
    return mitmd.start()


@pytest.fixture
def large_heads(certs):
    """Answers each request with a head of 60 KB, and never with its end."""
    def script(frames):
        first = []

        def answer(frames, stream):
            fields = b"\x88" + (b"\xbe" if first else literal("x", "y" * 3900).replace(b"\0", b"\x40", 1))
            first.append(stream)
            frames.send(frame(HEADERS, END_HEADERS, stream, fields + b"\xbe" * 14))
        serve(frames, answer)
    origin = FramesOrigin(certs.leaf("good"), script)
    yield origin
    origin.close()


def ask_all(mitmd, origin, tag, source=None):
    """A client that asks for much and reads nothing of it."""
    sock = socket.create_connection((mitmd.host, mitmd.port), 60, (source, 0) if source else None)
    wire = Wire(at_once(sock))
    assert wire.connect(origin.authority, tag).status == 200
    wire = wire.start_tls(mitmd.context(("h2",)), "localhost")
    f = Frames(wire, origin.authority)
    return f.send(PREFACE, settings(), *[f.head(2 * i + 1) for i in range(STREAMS)])


def listens(f):
    """It is still there: a PING is answered. (Heads of many frames are not decoded.)"""
    f.send(ping())
    f.wire.sock.settimeout(TIMEOUT)
    head = bytes(9)
    while head[3] != PING or not head[4] & 1:
        head = f.wire.read(9)
        f.wire.read(int.from_bytes(head[:3], "big"))
    return True


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has its own memory")
def test_who_holds_the_most_has_to_go(small, large_heads, tag):
    """... and not who holds as much on one connection, but has no other."""
    (worker,) = small.pids("worker")
    with contextlib.ExitStack() as open_ones:
        modest = open_ones.enter_context(ask_all(small, large_heads, f"{tag}-b", "127.0.0.2"))
        for _ in range(MOST):
            # One that comes too late may be ended before it has asked.
            with contextlib.suppress(OSError):
                open_ones.enter_context(ask_all(small, large_heads, tag))
        wait_for(lambda: value(small, ENDED) >= 5, "connections to be ended")
        assert small.pids("worker") == [worker]
        assert listens(modest)
        ended = small.har(tag, lambda har: any("too much memory" in (e.get("_error") or "")
                                               for e in har.entries))
        assert ended
    assert small.pids("worker") == [worker]


def test_many_small_bombs(own_mitmd, certs, origin, tag):
    """A hundred streams, and 4 KB make 1.6 GB: the loop is not held up by decoding."""
    def answer(frames, stream):
        head = b"\x88" + block(("content-encoding", "br"))
        frames.send(frame(HEADERS, END_HEADERS, stream, head),
                    frame(DATA, END_STREAM, stream, BOMB))
    bombs = FramesOrigin(certs.leaf("good"), lambda frames: serve(frames, answer))
    mitmd = own_mitmd({"workers": 1, "log": {"flows": "off"}})
    (worker,) = mitmd.pids("worker")
    try:
        with ask_all(mitmd, bombs, tag) as f:
            f.until(lambda x: x.type == DATA and x.stream_id == 2 * STREAMS - 1)
            assert mitmd.curl().ok(origin.url()).status == 200
        assert mitmd.pids("worker") == [worker]
        har = mitmd.har(tag, lambda har: len(har.entries) == STREAMS)
        notes = [e["response"]["content"].get("comment", "") for e in har.entries]
        assert any("no memory or time to decode" in n for n in notes), notes
    finally:
        bombs.close()
