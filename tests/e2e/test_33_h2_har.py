# SPDX-License-Identifier: ISC
"""What the recording says of exchanges over HTTP/2."""
import time

import pytest

from env.h2_peer import Codes, Gate, Settings, connect, sha
from env.origin import pattern

MIB = 1 << 20


def test_fields(mitmd, h2_origin, tag):
    """Host, and no pseudo-header field; what a head was on the wire is not to be known."""
    async def fields(x):
        x.head(200, [("x-twice", "1"), ("x-twice", "2"), ("x-empty", "")], end=True)
    h2_origin.route("/fields", fields)
    with connect(mitmd, h2_origin, tag) as client:
        client.request("/fields?a=%20b", headers=[("x-one", "1"), (b"x-latin", b"caf\xe9")]).finish()
    entry = mitmd.entry(tag, "/fields?a=%20b")
    assert entry.url == h2_origin.url("/fields?a=%20b")
    assert entry.header("request", "host") == [h2_origin.authority]
    assert entry.header("request", "x-latin") == ["caf\xe9"]
    assert entry.header("response", "x-twice") == ["1", "2"]
    for side in ("request", "response"):
        assert entry[side]["httpVersion"] == "HTTP/2"
        assert entry[side]["headersSize"] == -1
        assert not [f for f in entry[side]["headers"] if f["name"].startswith(":")]


def test_a_cookie_in_crumbs(mitmd, h2_origin, tag):
    """RFC 9113 8.2.3: on the wire; readers expect one field."""
    with connect(mitmd, h2_origin, tag) as client:
        client.request("/hello", headers=[("cookie", "a=1"), ("x-between", "1"),
                                          ("cookie", "b=2"), ("cookie", "c=3; d=4")]).finish()
    entry = mitmd.entry(tag, "/hello")
    assert [c["name"] for c in entry["request"]["cookies"]] == ["a", "b", "c", "d"]
    (cookie,) = entry.header("request", "cookie")
    assert len(cookie.split("; ")) == 4
    names = [f["name"] for f in entry["request"]["headers"]]
    assert names.index("cookie") < names.index("x-between")


def test_content_and_its_size_on_the_wire(mitmd, h2_origin, tag):
    body = pattern(10 * MIB)
    with connect(mitmd, h2_origin, tag) as client:
        down = client.request(f"/bytes/{10 * MIB}")
        client.request("/echo", "POST", body=body).finish()
        down.finish()
    har = mitmd.har(tag, lambda har: len(har) == 2)
    entry = har.one(f"/bytes/{10 * MIB}")
    assert sha(entry.body()) == sha(body)
    assert entry["response"]["bodySize"] == len(body)
    # A frame's head for each 16 KiB at least, and hardly more.
    assert len(body) < entry["response"]["_transferSize"] < len(body) * 1.01
    assert sha(har.one("/echo").posted()) == sha(body)


def test_padding_counts_on_the_wire_only(mitmd, h2_origin, tag):
    async def padded(x):
        x.head(200)
        await x.send(pattern(20000), end=True, size=10, pad=255)
    h2_origin.route("/padded", padded)
    with connect(mitmd, h2_origin, tag) as client:
        client.get("/padded")
    entry = mitmd.entry(tag, "/padded")
    assert entry["response"]["bodySize"] == 20000
    assert entry["response"]["_transferSize"] > 2000 * 256


@pytest.mark.parametrize("method, path", [("GET", "/status/204"), ("GET", "/status/304"),
                                          ("HEAD", "/bytes/12345")])
def test_answers_without_content(mitmd, h2_origin, tag, method, path):
    with connect(mitmd, h2_origin, tag) as client:
        status = client.request(path, method).finish().status
    entry = mitmd.entry(tag, path)
    assert entry.status == status and entry["response"]["bodySize"] == 0 and entry.error is None


def test_trailers(mitmd, h2_origin, tag):
    async def trailing(x):
        await x.all()
        x.head(200)
        await x.send(b"content")
        x.end([("grpc-status", "0")])
    h2_origin.route("/trailing", trailing)
    with connect(mitmd, h2_origin, tag) as client:
        up = client.request("/trailing", "POST", [("te", "trailers")], end=False)
        up.upload(b"abc", end=False)
        client.h2.send_headers(up.id, [("x-sum", "3")], end_stream=True)
        client.flush()
        up.finish()
    entry = mitmd.entry(tag, "/trailing")
    assert entry["request"]["_trailers"] == [{"name": "x-sum", "value": "3"}]
    assert {"name": "grpc-status", "value": "0"} in entry["response"]["_trailers"]


def test_1xx(mitmd, h2_origin, tag):
    async def hints(x):
        for _ in range(2):
            x.connection.h2.send_headers(x.id, [(":status", "103"), ("link", "</a.css>")])
        await x.answer(body=b"final")
    h2_origin.route("/hints", hints)
    with connect(mitmd, h2_origin, tag) as client:
        client.get("/hints")
    assert [i["status"] for i in mitmd.entry(tag, "/hints")["_informational"]] == [103, 103]


def test_an_origin_of_three_streams_queues(mitmd, start_h2, tag):
    """... and the waiting is in the timings."""
    async def slow(x):
        await gate.passed()
        await x.answer(body=b"slow")
    origin = start_h2(settings={Settings.MAX_CONCURRENT_STREAMS: 3})
    gate = Gate(origin)
    origin.route("/slow", slow)
    with connect(mitmd, origin, tag) as client:
        client.get()
        asked = time.monotonic()
        streams = [client.request(f"/slow?{i}") for i in range(9)]
        origin.wait(lambda: len(origin.requests()) == 4)
        client.ping()		# mitmd has read all nine
        begun = time.monotonic()
        time.sleep(2 * (begun - asked) + 0.05)	# it takes its time
        held = time.monotonic() - begun
        gate.open()
        for stream in streams:
            assert bytes(stream.finish().body) == b"slow"
    assert origin.connections[0].most <= 3
    har = mitmd.har(tag, lambda har: len(har) == 10)
    blocked = sorted(e["timings"]["blocked"] for e in har.entries if "/slow" in e.url)
    assert blocked[2] <= (begun - asked) * 1e3 < held * 1e3 <= blocked[3], blocked


@pytest.mark.parametrize("first", ["answer", "reset"])
def test_an_early_answer_is_an_answer(mitmd, h2_origin, tag, first):
    """RFC 9113 8.1: all of it came, and RST_STREAM(NO_ERROR) is no failure of anybody."""
    async def refuse(x):
        if first == "answer":
            await x.read()
        await x.answer(405, body=b"no")
        x.cancel(Codes.NO_ERROR)
    h2_origin.route("/refuse", refuse)
    with connect(mitmd, h2_origin, tag) as client:
        up = client.request("/refuse", "POST", [("content-length", str(4 * MIB))], end=False)
        up.upload(pattern(4 * MIB))
        client.until(lambda: up.reset is not None)
        assert (up.status, bytes(up.body), up.reset) == (405, b"no", Codes.NO_ERROR)
    entry = mitmd.entry(tag, "/refuse")
    assert entry.status == 405 and entry.body() == b"no"
    assert entry.error is None and "_aborted" not in entry
    if first == "answer":	# else nothing of it may have come
        assert "ended early" in entry["request"]["postData"]["comment"]


def test_half_an_answer_is_none(mitmd, h2_origin, tag):
    """NO_ERROR or not."""
    async def half(x):
        x.head(200, [("content-length", "10")])
        await x.send(b"half")
        x.cancel(Codes.NO_ERROR)
    h2_origin.route("/half", half)
    with connect(mitmd, h2_origin, tag) as client:
        stream = client.request("/half", "POST", end=False)
        client.until(lambda: stream.over)
        assert not stream.ended
    entry = mitmd.entry(tag, "/half")
    assert "origin reset the stream" in entry.error and entry["_aborted"] is True
