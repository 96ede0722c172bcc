# SPDX-License-Identifier: ISC
"""HTTP/2 between scripted ends: what one side says is what the other hears, and what is recorded."""
import asyncio
import signal
import time

import h2.events
import pytest

from env.h2_frames import (DATA, END_HEADERS, END_STREAM, HEADERS, PUSH, Frames, FramesOrigin,
                           block, frame, goaway, serve, settings, window)
from env.h2_peer import Codes, Origin2, Settings, connect, plain, sha
from env.har import Har
from env.mitmd import SANITIZED, wait_for
from env.origin import pattern

MIB = 1 << 20


@pytest.fixture
def start_h2(certs):
    made = []

    def start(**more):
        made.append(Origin2(certs.leaf("good"), **more))
        return made[-1]
    yield start
    for origin in made:
        origin.close()
    trouble = [t for o in made for c in o.connections for t in c.trouble]
    assert not trouble, trouble


@pytest.fixture
def h2_origin(start_h2):
    return start_h2()


@pytest.fixture
def frames_origin(certs):
    """frames_origin(script): an origin of frames by hand."""
    made = []

    def start(script):
        made.append(FramesOrigin(certs.leaf("good"), script))
        return made[-1]
    yield start
    for origin in made:
        origin.close()


# -- which protocol --------------------------------------------------------------------
def test_h2_on_both_sides(mitmd, h2_origin, tag):
    with connect(mitmd, h2_origin, tag) as client:
        assert bytes(client.get().body) == b"hello\n"
    assert h2_origin.connections[0].alpn == "h2"
    assert mitmd.entry(tag, "/hello")["request"]["httpVersion"] == "HTTP/2"


def test_an_origin_without_h2_is_http1_to_the_client(mitmd, start_h2):
    origin = start_h2(alpn=("http/1.1",))
    with mitmd.secure(origin.authority, context=mitmd.context(("h2", "http/1.1"))) as wire:
        assert wire.sock.selected_alpn_protocol() == "http/1.1"
        wire.send(f"GET /hello HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode())
        assert wire.read_response().body == b"hello\n"


@pytest.mark.parametrize("offer", [("http/1.1",), ()], ids=["http1", "none"])
def test_a_client_without_h2_gets_the_origin_none_offered(mitmd, h2_origin, offer):
    """Offered h2, this origin would take it."""
    with mitmd.secure(h2_origin.authority, context=mitmd.context(offer)) as wire:
        assert wire.sock.selected_alpn_protocol() == (offer[0] if offer else None)
        wire.send(f"GET /hello HTTP/1.1\r\nHost: {h2_origin.authority}\r\n\r\n".encode())
        assert wire.read_response().body == b"hello\n"
    assert h2_origin.connections[0].alpn == (offer[0] if offer else None)


def test_an_origin_with_h2_only(mitmd, start_h2):
    with connect(mitmd, start_h2(alpn=("h2",))) as client:
        assert client.get().status == 200


# -- heads ----------------------------------------------------------------------------
def test_fields_pass_as_they_are(mitmd, h2_origin, tag):
    """All but those of the hop; the HAR has Host and no pseudo-header field."""
    async def fields(x):
        x.head(200, [("x-twice", "1"), ("x-twice", "2"), ("set-cookie", "a=1"),
                     ("set-cookie", "b=2"), ("x-empty", "")], end=True)
    h2_origin.route("/fields", fields)
    sent = [("x-one", "1"), (b"x-latin", b"caf\xe9"), ("cookie", "c=3"), ("te", "trailers")]
    with connect(mitmd, h2_origin, tag) as client:
        got = client.request("/fields?a=%20b", headers=sent).finish()
    asked = h2_origin.requests()[0]
    assert sorted(asked.headers[:4]) == sorted([
        (":method", "GET"), (":scheme", "https"), (":path", "/fields?a=%20b"),
        (":authority", h2_origin.authority)])
    assert asked.headers[4:] == plain(sent)
    assert got.headers == [(":status", "200"), ("x-twice", "1"), ("x-twice", "2"),
                           ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-empty", "")]
    entry = mitmd.entry(tag, "/fields?a=%20b")
    assert entry.url == h2_origin.url("/fields?a=%20b")
    assert entry.header("request", "host") == [h2_origin.authority]
    assert entry.header("response", "x-twice") == ["1", "2"]
    for side in ("request", "response"):
        assert entry[side]["httpVersion"] == "HTTP/2"
        assert entry[side]["headersSize"] == -1


def test_proxy_and_alternative_services_stay_out(mitmd, h2_origin):
    async def led_away(x):
        x.head(200, [("alt-svc", "h3=\":443\""), ("x-stays", "1")], end=True)
    h2_origin.route("/alt", led_away)
    with connect(mitmd, h2_origin) as client:
        got = client.request("/alt", headers=[("proxy-authorization", "Basic Zm9vOg==")]).finish()
    assert got.headers == [(":status", "200"), ("x-stays", "1")]
    assert h2_origin.requests()[0].get("proxy-authorization") is None


def test_a_large_head_both_ways(mitmd, h2_origin):
    """Over several CONTINUATION frames."""
    value = "x" * 10000

    async def large(x):
        x.head(200, [("x-back", x.get("x-there"))], end=True)
    h2_origin.route("/large", large)
    h2_origin.settings = {Settings.MAX_HEADER_LIST_SIZE: 1 << 18}
    with connect(mitmd, h2_origin, settings=h2_origin.settings) as client:
        got = client.request("/large", headers=[(f"x-{i}", value) for i in range(4)]
                             + [("x-there", value)]).finish()
    assert got.get("x-back") == value


@pytest.mark.parametrize("code", [204, 304])
def test_a_status_without_content(mitmd, h2_origin, tag, code):
    with connect(mitmd, h2_origin, tag) as client:
        got = client.get(f"/status/{code}")
        assert got.status == code and not got.body
        assert client.get().status == 200
    entry = mitmd.har(tag, lambda har: len(har) == 2).one(f"/status/{code}")
    assert entry.status == code and entry["response"]["bodySize"] == 0


def test_304_may_tell_a_length(mitmd, h2_origin):
    async def unchanged(x):
        x.head(304, [("content-length", "1000")], end=True)
    h2_origin.route("/unchanged", unchanged)
    with connect(mitmd, h2_origin) as client:
        got = client.get("/unchanged")
    assert got.status == 304 and got.get("content-length") == "1000"


def test_head(mitmd, h2_origin, tag):
    with connect(mitmd, h2_origin, tag) as client:
        got = client.request("/bytes/12345", "HEAD").finish()
        assert got.get("content-length") == "12345" and not got.body
    entry = mitmd.entry(tag, "/bytes/12345")
    assert entry["response"]["bodySize"] == 0 and entry.error is None


def test_unknown_methods_and_options_of_all(mitmd, h2_origin):
    async def any_method(x):
        await x.answer(headers=[("x-method", x.method)])
    h2_origin.route("/any", any_method)
    h2_origin.route("*", any_method)
    with connect(mitmd, h2_origin) as client:
        assert client.request("/any", "BREW").finish().get("x-method") == "BREW"
        assert client.request("*", "OPTIONS").finish().get("x-method") == "OPTIONS"


# -- content ---------------------------------------------------------------------------
def test_ten_megabytes_both_ways(mitmd, h2_origin, tag):
    body = pattern(10 * MIB)
    with connect(mitmd, h2_origin, tag) as client:
        down = client.request(f"/bytes/{10 * MIB}")
        up = client.request("/echo", "POST", body=body)
        assert down.finish(120).sha == sha(body)
        assert up.finish(120).json()["sha256"] == sha(body)
    har = mitmd.har(tag, lambda har: len(har) == 2)
    entry = har.one(f"/bytes/{10 * MIB}")
    assert sha(entry.body()) == sha(body)
    assert entry["response"]["bodySize"] == len(body)
    # A frame's head for each 16 KiB at least, and hardly more.
    assert len(body) < entry["response"]["_transferSize"] < len(body) * 1.01
    assert sha(har.one("/echo").posted()) == sha(body)


def test_frames_of_one_byte(mitmd, h2_origin):
    body = pattern(3000)

    async def drip(x):
        x.head(200)
        await x.send(body, end=True, size=1)
    h2_origin.route("/drip", drip)
    with connect(mitmd, h2_origin) as client:
        assert client.request("/drip").finish().sha == sha(body)
        up = client.request("/echo", "POST", end=False).upload(body, size=1)
        assert up.finish().json()["sha256"] == sha(body)


def test_padding_costs_no_credit(mitmd, h2_origin, tag):
    """Far more padding than both windows: it is given back, and not recorded."""
    body = pattern(20000)

    async def padded(x):
        x.head(200)
        await x.send(body, end=True, size=10, pad=255)
    h2_origin.route("/padded", padded)
    with connect(mitmd, h2_origin, tag) as client:
        up = client.request("/echo", "POST", end=False).upload(body, size=10, pad=255)
        assert client.request("/padded").finish().sha == sha(body)
        assert up.finish().json()["sha256"] == sha(body)
    entry = mitmd.har(tag, lambda har: len(har) == 2).one("/padded")
    assert entry["response"]["bodySize"] == len(body)
    assert entry["response"]["_transferSize"] > 2000 * 256


def test_trailers_both_ways(mitmd, h2_origin, tag):
    async def trailing(x):
        await x.all()
        x.head(200)
        await x.send(b"content")
        x.end([("x-there", dict(x.trailers)["x-sum"]), ("grpc-status", "0")])
    h2_origin.route("/trailing", trailing)
    with connect(mitmd, h2_origin, tag) as client:
        up = client.request("/trailing", "POST", [("te", "trailers")], end=False)
        up.upload(b"abc", end=False)
        client.h2.send_headers(up.id, [("x-sum", "3")], end_stream=True)
        client.flush()
        up.finish()
    assert up.trailers == [("x-there", "3"), ("grpc-status", "0")]
    entry = mitmd.entry(tag, "/trailing")
    assert entry["request"]["_trailers"] == [{"name": "x-sum", "value": "3"}]
    assert {"name": "grpc-status", "value": "0"} in entry["response"]["_trailers"]


def test_trailers_without_content(mitmd, h2_origin):
    async def refused(x):
        x.head(200)
        x.end([("grpc-status", "5")])
    h2_origin.route("/refused", refused)
    with connect(mitmd, h2_origin) as client:
        got = client.get("/refused")
    assert got.trailers == [("grpc-status", "5")] and not got.body


def test_1xx_comes_before(mitmd, h2_origin, tag):
    async def hints(x):
        for _ in range(2):
            x.connection.h2.send_headers(x.id, [(":status", "103"), ("link", "</a.css>")])
            x.connection.flush()
        await x.answer(body=b"final")
    h2_origin.route("/hints", hints)
    with connect(mitmd, h2_origin, tag) as client:
        got = client.get("/hints")
    assert got.informational == [(103, [("link", "</a.css>")])] * 2
    assert bytes(got.body) == b"final"
    assert [i["status"] for i in mitmd.entry(tag, "/hints")["_informational"]] == [103, 103]


def test_expect_100_continue(mitmd, h2_origin):
    async def careful(x):
        x.connection.h2.send_headers(x.id, [(":status", "100")])
        x.connection.flush()
        await x.answer(body=await x.all())
    h2_origin.route("/careful", careful)
    with connect(mitmd, h2_origin) as client:
        up = client.request("/careful", "POST", [("expect", "100-continue")], end=False)
        client.until(lambda: up.informational)
        assert up.informational[0][0] == 100
        assert bytes(up.upload(b"now").finish().body) == b"now"


def test_a_stream_is_live_in_both_directions(mitmd, h2_origin):
    """Each piece arrives before the next is sent."""
    async def answer_each(x):
        x.head(200)
        while piece := await x.read():
            await x.send(b"<" + piece + b">")
        x.end()
    h2_origin.route("/talk", answer_each)
    with connect(mitmd, h2_origin) as client:
        talk = client.request("/talk", "POST", end=False)
        client.until(lambda: talk.status)
        for i in range(20):
            talk.upload(b"%d" % i, end=False)
            client.until(lambda i=i: talk.body.endswith(b"<%d>" % i))
        client.h2.end_stream(talk.id)
        client.flush()
        talk.finish()


# -- an answer before the end of the request ---------------------------------------------
def test_an_answer_while_uploading(mitmd, h2_origin, tag):
    """405 and RST(NO_ERROR), RFC 9113 8.1: the client hears both."""
    async def refuse(x):
        await x.read()
        await x.answer(405, body=b"no")
        x.cancel(Codes.NO_ERROR)
    h2_origin.route("/refuse", refuse)
    with connect(mitmd, h2_origin, tag) as client:
        up = client.request("/refuse", "POST", end=False).upload(pattern(4 * MIB))
        client.until(lambda: up.over)
        assert (up.status, bytes(up.body)) == (405, b"no") and up.ended
        client.until(lambda: up.reset is not None)
        assert up.reset == Codes.NO_ERROR
        assert client.get().status == 200
    assert mitmd.har(tag, lambda har: har.find("/refuse")).one("/refuse").status == 405


def test_an_early_answer_need_not_end_the_upload(mitmd, h2_origin):
    """Without a reset the origin goes on reading."""
    async def early(x):
        x.head(200, [("x-early", "1")])
        body = await x.all()
        await x.send(sha(body).encode(), end=True)
    h2_origin.route("/early", early)
    body = pattern(3 * MIB)
    with connect(mitmd, h2_origin) as client:
        up = client.request("/early", "POST", end=False)
        client.until(lambda: up.status)
        assert bytes(up.upload(body).finish().body) == sha(body).encode()


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


def test_an_origin_of_three_streams_queues(mitmd, start_h2, tag):
    """... and the waiting is in the timings."""
    async def slow(x):
        await asyncio.sleep(0.2)
        await x.answer(body=b"slow")
    origin = start_h2(settings={Settings.MAX_CONCURRENT_STREAMS: 3})
    origin.route("/slow", slow)
    with connect(mitmd, origin, tag) as client:
        client.get()
        streams = [client.request(f"/slow?{i}") for i in range(9)]
        for stream in streams:
            assert bytes(stream.finish().body) == b"slow"
    assert origin.connections[0].most <= 3
    har = mitmd.har(tag, lambda har: len(har) == 10)
    blocked = sorted(e["timings"]["blocked"] for e in har.entries if "/slow" in e.url)
    assert blocked[2] < 150 < blocked[3] and blocked[6] > 350, blocked


def test_a_queued_stream_may_be_given_up(mitmd, start_h2, tag):
    gate = []

    async def gated(x):
        while not gate:
            await asyncio.sleep(0.01)
        await x.answer(body=b"through")
    origin = start_h2(settings={Settings.MAX_CONCURRENT_STREAMS: 1})
    origin.route("/gated", gated)
    with connect(mitmd, origin, tag) as client:
        client.get()
        streams = [client.request(f"/gated?{i}") for i in range(3)]
        client.ping()
        streams[1].cancel()
        client.ping()
        gate.append(1)
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
            got = client.get(f"/bytes/{100000 + i}", timeout=5)
            assert got.sha == sha(pattern(100000 + i))
        assert not stalled.over and len(stalled.body) < MIB
        stalled.release()
        assert stalled.finish().sha == sha(pattern(8 * MIB))


def test_a_stalled_upload_delays_no_neighbour(mitmd, h2_origin):
    """The origin does not read it."""
    gate = []

    async def unread(x):
        while not gate:
            await asyncio.sleep(0.01)
        body = await x.all()
        await x.answer(body=sha(body).encode())
    h2_origin.route("/unread", unread)
    body = pattern(4 * MIB)
    with connect(mitmd, h2_origin) as client:
        stalled = client.request("/unread", "POST", end=False).upload(body)
        for i in range(20):
            up = client.request("/echo", "POST", body=pattern(50000 + i)).finish(5)
            assert up.json()["sha256"] == sha(pattern(50000 + i))
        assert stalled.pending		# the client felt it
        gate.append(1)
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
        client.ping()
        time.sleep(0.5)
        grown = mitmd.memory(worker) - before
        assert SANITIZED or grown < 40 * MIB, f"{grown // MIB} MiB"
        for stream in streams[10:]:
            stream.cancel()
        for stream in streams[:10]:
            stream.release()
        for stream in streams[:10]:
            assert stream.finish(60).sha == sha(pattern(2 * MIB))


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
    gate = []

    async def gated(x):
        while not gate:
            await asyncio.sleep(0.01)
        await x.answer(body=b"after all")
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
        gate.append(1)
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
    async def slow(x):
        await asyncio.sleep(0.3)
        await x.answer(body=b"whole")
    h2_origin.route("/slow", slow)
    with connect(mitmd, h2_origin) as client:
        stream = client.request("/slow")
        client.wire.send(goaway())
        assert bytes(stream.finish().body) == b"whole"
        h2_origin.wait(lambda: any(isinstance(e, h2.events.ConnectionTerminated)
                                   for e in h2_origin.connections[0].events))
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


# -- small things -------------------------------------------------------------------------
def test_ping_is_answered_by_mitmd(mitmd, h2_origin):
    with connect(mitmd, h2_origin) as client:
        client.ping(b"abcdefgh")
        client.get()
        client.ping(b"ABCDEFGH")


def test_settings_of_mitmd(mitmd, h2_origin):
    """To origins: no push. To clients: streams, and heads, are limited."""
    with connect(mitmd, h2_origin) as client:
        client.get()
        told = client.h2.remote_settings
        assert told.max_concurrent_streams == 100 and told.max_header_list_size == 65536
    assert h2_origin.connections[0].h2.remote_settings.enable_push == 0


def test_a_pushing_origin_breaks_its_connection(mitmd, frames_origin, tag):
    """ENABLE_PUSH was 0: RFC 9113 8.4."""
    def answer(frames, stream):
        frames.send(frame(PUSH, END_HEADERS, stream, b"\0\0\0\2" + block(*frames.fields("/pushed"))))
    origin = frames_origin(lambda frames: serve(frames, answer))
    with connect(mitmd, origin, tag) as client:
        stream = client.request("/hello")
        with pytest.raises(AssertionError, match="closed"):
            client.until(lambda: False)
        assert not stream.status
    assert mitmd.har(tag).one("/hello").status == 0


def test_settings_may_change_at_any_time(mitmd, frames_origin):
    """A smaller window while content is under way: what is on its way counts (6.9.2)."""
    answer = frame(HEADERS, END_HEADERS, 3, block((":status", "200")))
    got = []

    def script(frames):
        frames.wire.read(24)
        frames.start((4, 100), preface=False)
        frames.until(lambda f: f.type == HEADERS)
        frames.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block((":status", "204"))))
        frames.until(lambda f: f.type == HEADERS)
        taken = frames.until(lambda f: f.type == DATA)
        got.append(bytes(taken.data))
        frames.send(settings((4, 50)))	# 50: the window is -50 now
        frames.send(window(3, 50))	# and 0 now
        frames.sync()
        assert not [f for f in frames.seen if f.type == DATA][1:]
        frames.send(window(3, 10))	# 10
        got.append(bytes(frames.until(lambda f: f.type == DATA).data))
        frames.send(window(3, 65536))
        while sum(map(len, got)) < 1000:
            got.append(bytes(frames.until(lambda f: f.type == DATA).data))
        frames.send(answer, frame(DATA, END_STREAM, 3, b"ok"))
        frames.to_end()
    origin = frames_origin(script)
    with connect(mitmd, origin) as client:
        client.get()		# so that the first SETTINGS were read
        up = client.request("/", "POST", body=pattern(1000)).finish()
        assert bytes(up.body) == b"ok"
    assert b"".join(got) == pattern(1000) and [len(g) for g in got][:2] == [100, 10]


def test_the_client_may_have_a_window_of_nothing(mitmd, h2_origin):
    """The head comes, the content waits."""
    with connect(mitmd, h2_origin, settings={Settings.INITIAL_WINDOW_SIZE: 0}) as client:
        stream = client.request("/bytes/1000")
        client.until(lambda: stream.status)
        client.ping()
        assert not stream.body
        client.h2.increment_flow_control_window(1, stream.id)
        client.flush()
        client.until(lambda: len(stream.body) == 1)
        client.h2.increment_flow_control_window(10000, stream.id)
        client.flush()
        assert stream.finish().sha == sha(pattern(1000))


def test_a_cookie_in_crumbs(mitmd, h2_origin, tag):
    """RFC 9113 8.2.3"""
    with connect(mitmd, h2_origin, tag) as client:
        got = client.request("/echo", headers=[("cookie", "a=1"), ("cookie", "b=2")]).finish()
    assert "; ".join(v for n, v in got.json()["headers"] if n == "cookie") == "a=1; b=2"
    cookies = mitmd.entry(tag, "/echo")["request"]["cookies"]
    assert [c["name"] for c in cookies] == ["a", "b"]


def test_connect_inside_is_refused(mitmd, h2_origin, tag):
    with mitmd.secure(h2_origin.authority, tag, context=mitmd.context(("h2",))) as wire:
        frames = Frames(wire, h2_origin.authority).start()
        frames.send(frame(HEADERS, END_HEADERS, 1, block((":method", "CONNECT"),
                                                         (":authority", "other:443"))))
        frames.until(lambda f: f.stream_id == 1)
        frames.send(frames.head(3))
        assert frames.answer(3) == 200
    assert [r.path for r in h2_origin.requests()] == ["/hello"]


# -- reload -----------------------------------------------------------------------------
def test_a_reload_with_streams_open(own_mitmd, h2_origin, tag):
    """GOAWAY in two steps; what is open ends well, and only then the connection."""
    gate = []

    async def gated(x):
        x.head(200)
        await x.send(b"before ")
        while not gate:
            await asyncio.sleep(0.01)
        await x.send(await x.all() + b" after", end=True)
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
        gate.append(1)
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
