# SPDX-License-Identifier: ISC
"""Many streams of HTTP/2: none delays another, and each ends as its other side ended."""
import signal

import h2.events
import pytest

from env.h2_frames import (DATA, END_HEADERS, END_STREAM, HEADERS, block, frame, goaway, serve)
from env.h2_peer import Codes, Gate, Settings, connect, sha
from env.har import Har
from env.mitmd import SANITIZED, wait_for
from env.origin import pattern

MIB = 1 << 20


# -- many at once ------------------------------------------------------------------------
def test_200_streams_on_a_connection(mitmd, h2_origin, tag):
    """mitmd allows a client 100 at a time, and the client keeps to it."""
    with connect(mitmd, h2_origin, tag) as client:
        client.until(lambda: client.h2.remote_settings.max_concurrent_streams <= 1000)
        assert client.h2.remote_settings.max_concurrent_streams >= 100
        left, streams = list(range(200)), []
        while left or not all(s.over for s in streams):
            while left and client.h2.open_outbound_streams < 100:
                i = left.pop()
                streams.append(client.request(f"/bytes/{5000 + i}"))
            client.until(lambda: client.h2.open_outbound_streams < 100)
            if not left:
                for stream in streams:
                    stream.finish()
    assert all(s.sha == sha(pattern(len(s.body))) for s in streams)
    assert sorted(len(s.body) for s in streams) == list(range(5000, 5200))
    har = mitmd.har(tag, lambda har: len(har) == 200)
    assert len({e["_connectionId"] for e in har.entries}) == 1
    assert len(h2_origin.connections) == 1


def test_a_queued_stream_may_be_given_up(mitmd, start_h2, tag):
    async def gated(x):
        await gate.passed()
        await x.answer(body=b"through")
    origin = start_h2(settings={Settings.MAX_CONCURRENT_STREAMS: 1})
    gate = Gate(origin)
    origin.route("/gated", gated)
    with connect(mitmd, origin, tag) as client:
        client.get()
        streams = [client.request(f"/gated?{i}") for i in range(3)]
        client.ping()
        streams[1].cancel()
        client.ping()
        gate.open()
        assert bytes(streams[0].finish().body) == bytes(streams[2].finish().body) == b"through"
    assert not origin.requests("/gated?1")
    entry = mitmd.har(tag, lambda har: len(har) == 4).one("/gated?1")
    assert "reset" in entry.error


def test_a_stalled_download_delays_no_neighbour(mitmd, h2_origin):
    """Its credit is withheld by the client, and only its origin stream waits."""
    with connect(mitmd, h2_origin, window=1 << 24) as client:
        stalled = client.request(f"/bytes/{8 * MIB}")
        stalled.hold = True
        for i in range(20):
            got = client.get(f"/bytes/{100000 + i}")
            assert got.sha == sha(pattern(100000 + i))
        assert not stalled.over and len(stalled.body) < MIB
        stalled.release()
        assert stalled.finish().sha == sha(pattern(8 * MIB))


def test_a_stalled_upload_delays_no_neighbour(mitmd, h2_origin):
    """The origin does not read it."""
    async def unread(x):
        await gate.passed()
        body = await x.all()
        await x.answer(body=sha(body).encode())
    gate = Gate(h2_origin)
    h2_origin.route("/unread", unread)
    body = pattern(4 * MIB)
    with connect(mitmd, h2_origin) as client:
        stalled = client.request("/unread", "POST", end=False).upload(body)
        for i in range(20):
            up = client.request("/echo", "POST", body=pattern(50000 + i)).finish()
            assert up.json()["sha256"] == sha(pattern(50000 + i))
        assert stalled.pending		# the client felt it
        gate.open()
        assert bytes(stalled.finish().body) == sha(body).encode()


def test_stalled_streams_hold_bounded_memory(own_mitmd, h2_origin):
    """What 90 unread downloads do not take stays at the origin."""
    mitmd = own_mitmd({"workers": 1, "capture": {"max_body": "4K"}})
    (worker,) = mitmd.pids("worker")
    with connect(mitmd, h2_origin, window=1 << 24) as client:
        client.get()
        before = mitmd.memory(worker)
        streams = [client.request(f"/bytes/{2 * MIB}") for _ in range(90)]
        for stream in streams:
            stream.hold = True
        client.until(lambda: all(s.status for s in streams))
        h2_origin.wait(lambda: all(r.blocked for r in h2_origin.requests() if "bytes" in r.path))
        client.ping()
        grown = mitmd.memory(worker) - before
        assert SANITIZED or grown < 40 * MIB, f"{grown // MIB} MiB"
        for stream in streams[10:]:
            stream.cancel()
        for stream in streams[:10]:
            stream.release()
        for stream in streams[:10]:
            assert stream.finish().sha == sha(pattern(2 * MIB))


def test_dead_streams_give_their_credit_back(mitmd, h2_origin):
    """Cancelled downloads and uploads of many times the connection's window."""
    async def endless(x):
        x.head(200)
        while True:
            await x.send(bytes(16384))

    async def unread(x):
        x.head(200)
        await x.until_reset()
    h2_origin.route("/endless", endless)
    h2_origin.route("/unread", unread)
    with connect(mitmd, h2_origin) as client:
        for _ in range(40):
            down = client.request("/endless")
            client.until(lambda down=down: len(down.body) > 60000)
            down.cancel()
            up = client.request("/unread", "POST", end=False).upload(bytes(65536))
            client.until(lambda up=up: up.status)
            up.cancel()
        assert client.get(f"/bytes/{4 * MIB}").sha == sha(pattern(4 * MIB))
        up = client.request("/echo", "POST", body=pattern(4 * MIB)).finish()
        assert up.json()["sha256"] == sha(pattern(4 * MIB))


# -- resets ---------------------------------------------------------------------------
RESETS = [Codes.CANCEL, Codes.REFUSED_STREAM, Codes.INTERNAL_ERROR, Codes.NO_ERROR,
          Codes.ENHANCE_YOUR_CALM, Codes.HTTP_1_1_REQUIRED, Codes.PROTOCOL_ERROR, 0xabcdef]


@pytest.mark.parametrize("code", RESETS, ids=lambda c: f"{int(c):x}")
def test_a_reset_of_the_origin_is_the_clients(mitmd, h2_origin, tag, code):
    async def give_up(x):
        x.head(200, [("content-type", "text/plain")])
        await x.send(b"half")
        await x.read()
        x.cancel(code)
    h2_origin.route("/give-up", give_up)
    with connect(mitmd, h2_origin, tag) as client:
        neighbour = client.request("/echo", "POST", end=False)
        stream = client.request("/give-up", "POST", end=False)
        client.until(lambda: stream.body)
        stream.upload(b"go", end=False)
        client.until(lambda: stream.over)
        assert stream.reset == code and not stream.ended and bytes(stream.body) == b"half"
        neighbour.upload(b"fine").finish()
    har = mitmd.har(tag, lambda har: len(har) == 2)
    entry = har.one("/give-up")
    assert "reset" in entry.error and entry.body() == b"half" and entry.status == 200
    assert entry["_aborted"]
    assert har.one("/echo").error is None


@pytest.mark.parametrize("code", RESETS, ids=lambda c: f"{int(c):x}")
def test_a_reset_of_the_client_is_the_origins(mitmd, h2_origin, tag, code):
    async def wait(x):
        x.head(200)
        await x.send(b"half")
        await x.until_reset()
    h2_origin.route("/wait", wait)
    with connect(mitmd, h2_origin, tag) as client:
        stream = client.request("/wait", "POST", end=False).upload(b"some", end=False)
        client.until(lambda: stream.body)
        stream.cancel(code)
        h2_origin.wait(lambda: h2_origin.requests("/wait")[0].reset is not None)
        assert h2_origin.requests("/wait")[0].reset == code
        assert client.get().status == 200
    entry = mitmd.har(tag, lambda har: len(har) == 2).one("/wait")
    assert "client" in entry.error and entry.body() == b"half" and entry.posted() == b"some"


def test_a_reset_before_any_answer(mitmd, h2_origin, tag):
    async def never(x):
        x.cancel(Codes.REFUSED_STREAM)
    h2_origin.route("/never", never)
    with connect(mitmd, h2_origin, tag) as client:
        stream = client.request("/never")
        client.until(lambda: stream.over)
        assert stream.reset == Codes.REFUSED_STREAM
        assert client.get().status == 200
    entry = mitmd.har(tag, lambda har: len(har) == 2).one("/never")
    assert entry.status == 0 and "reset" in entry.error


# -- endings of connections ----------------------------------------------------------------
def test_goaway_of_the_origin_is_the_clients(mitmd, h2_origin):
    """What is open goes on, what would be new is told so."""
    async def gated(x):
        await gate.passed()
        await x.answer(body=b"after all")
    gate = Gate(h2_origin)
    h2_origin.route("/gated", gated)
    with connect(mitmd, h2_origin) as client:
        client.get()
        stream = client.request("/gated")
        client.ping()
        h2_origin.wait(lambda: h2_origin.requests("/gated"))
        # As the frame says it: the library would let the open stream go as well.
        h2_origin.do(h2_origin.connections[0].writer.write,
                     goaway(last=3))
        client.until(lambda: client.goaway)
        assert client.goaway.error_code == Codes.NO_ERROR
        gate.open()
        client.until(lambda: stream.over)
        assert bytes(stream.body) == b"after all" and stream.ended


def test_streams_above_a_goaway_were_not_processed(mitmd, frames_origin, tag):
    """RFC 9113 6.8: the client may repeat them: REFUSED_STREAM."""
    def answer(frames, stream):
        if stream == 1:
            frames.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block((":status", "200"))))
        if stream == 5:
            frames.send(goaway(last=3),
                        frame(HEADERS, END_HEADERS | END_STREAM, 3, block((":status", "200"))))
    origin = frames_origin(lambda frames: serve(frames, answer))
    with connect(mitmd, origin, tag) as client:
        client.get("/one")
        below = client.request("/below")
        above = client.request("/above")
        client.until(lambda: below.over and above.over)
        assert below.status == 200 and below.ended
        assert above.reset == Codes.REFUSED_STREAM
    assert mitmd.har(tag, lambda har: len(har) == 3).one("/above").status == 0


def test_goaway_of_the_client_is_the_origins(mitmd, h2_origin):
    def told():
        return any(isinstance(e, h2.events.ConnectionTerminated)
                   for e in h2_origin.connections[0].events)

    async def slow(x):
        while not told():
            await x.wait()
        await x.answer(body=b"whole")
    h2_origin.route("/slow", slow)
    with connect(mitmd, h2_origin) as client:
        stream = client.request("/slow")
        client.wire.send(goaway())
        assert bytes(stream.finish().body) == b"whole"
        # Nothing is left to do on either connection.
        h2_origin.wait(lambda: h2_origin.connections[0].ended)


def test_the_client_closes_and_so_does_the_connection_to_the_origin(mitmd, h2_origin):
    with connect(mitmd, h2_origin) as client:
        client.get()
    h2_origin.wait(lambda: h2_origin.connections[0].ended)


def test_the_origin_closes_idle(mitmd, h2_origin):
    with connect(mitmd, h2_origin) as client:
        client.get()
        h2_origin.do(h2_origin.connections[0].writer.close)
        client.until(lambda: client.goaway)
        with pytest.raises(AssertionError, match="closed"):
            client.until(lambda: False)


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_the_origin_dies_with_streams_open(mitmd, h2_origin, tag, how):
    async def half(x):
        x.head(200, [("content-type", "text/plain")])
        await x.send(b"half")
        await x.read()
        if how == "closes":
            x.connection.writer.close()
        else:
            x.connection.writer.transport.abort()
    h2_origin.route("/half", half)
    with connect(mitmd, h2_origin, tag) as client:
        other = client.request("/echo", "POST", end=False)
        stream = client.request("/half", "POST", end=False)
        client.until(lambda: stream.body)
        stream.upload(b"x")
        with pytest.raises(AssertionError, match="closed"):
            client.until(lambda: False)
        assert not stream.ended and not other.ended
    har = mitmd.har(tag, lambda har: len(har) == 2)
    entry = har.one("/half")
    assert "origin" in entry.error and entry.body() == b"half"
    assert "origin" in har.one("/echo").error and har.one("/echo").status == 0


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_the_client_dies_with_streams_open(mitmd, h2_origin, tag, how):
    async def half(x):
        x.head(200, [("content-type", "text/plain")])
        await x.send(b"half")
        await x.until_reset()
    h2_origin.route("/half", half)
    client = connect(mitmd, h2_origin, tag)
    streams = [client.request(f"/half?{i}") for i in range(3)]
    client.until(lambda: all(s.body for s in streams))
    if how == "closes":
        client.close()
    else:
        client.wire.reset()
    h2_origin.wait(lambda: h2_origin.connections[0].ended)
    har = mitmd.har(tag, lambda har: len(har) == 3)
    for entry in har.entries:
        assert "client" in entry.error and entry.body() == b"half"
        assert entry["_aborted"]


# -- reload -----------------------------------------------------------------------------
def test_a_reload_with_streams_open(own_mitmd, h2_origin, tag):
    """GOAWAY in two steps; what is open ends well, and only then the connection."""
    async def gated(x):
        x.head(200)
        await x.send(b"before ")
        await gate.passed()
        await x.send(await x.all() + b" after", end=True)
    gate = Gate(h2_origin)
    h2_origin.route("/gated", gated)
    mitmd = own_mitmd({"workers": 1})
    with connect(mitmd, h2_origin, tag) as client:
        streams = [client.request(f"/gated?{i}", "POST", end=False) for i in range(20)]
        client.until(lambda: all(s.body for s in streams))
        mitmd.tell(signal.SIGHUP)
        client.until(lambda: client.goaway)
        assert client.goaway.error_code == Codes.NO_ERROR
        assert client.goaway.last_stream_id == (1 << 31) - 1
        with connect(mitmd, h2_origin, tag) as another:
            assert another.get().status == 200
        gate.open()
        for i, stream in enumerate(streams):
            number = b"%d" % i
            client.wire.send(frame(DATA, END_STREAM, stream.id, number))
            stream.sent = number
        client.until(lambda: all(s.over for s in streams))
        for stream in streams:
            assert bytes(stream.body) == b"before " + stream.sent + b" after"
    har = mitmd.har(tag, lambda har: len(har) == 21)
    assert not [e.error for e in har.entries if e.error]
    wait_for(lambda: len(mitmd.pids("worker")) == 1, "the old worker to end")


def test_stop_cuts_and_records(own_mitmd, h2_origin, tag):
    async def half(x):
        x.head(200, [("content-type", "text/plain")])
        await x.send(b"half")
        await x.until_reset()
    h2_origin.route("/half", half)
    mitmd = own_mitmd({"workers": 1, "stop_timeout": "300ms"})
    with connect(mitmd, h2_origin, tag) as client:
        streams = [client.request(f"/half?{i}") for i in range(5)]
        client.until(lambda: all(s.body for s in streams))
        assert mitmd.stop() == 0
    assert "killed" not in mitmd.log_text()
    har = Har(mitmd.files(tag))
    assert len(har) == 5
    for entry in har.entries:
        assert entry.error and entry.body() == b"half"
