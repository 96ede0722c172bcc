# SPDX-License-Identifier: ISC
"""HTTP/2 without TLS: inside of CONNECT, and to the proxy itself."""
import queue
import signal
import socket
import threading

import pytest

from env.events import EVENTS, ticker
from env.h2_peer import Client2
from env.har import Har
from env.origin import pattern
from env.wire import TIMEOUT as PATIENCE, basic, until_read


# -- HTTP/2 without TLS ------------------------------------------------------------------------
def test_prior_knowledge_inside_a_connect(mitmd, start_h2, tag):
    origin = start_h2(secure=False)
    body = pattern(300000)
    curl = mitmd.curl(tag)
    got = curl.ok("-p", "--http2-prior-knowledge", "--data-binary", "@-",
                  origin.url("/echo"), data=body)
    assert got.facts["http_version"] == "2"
    assert b'"length": 300000' in got.body
    entry = mitmd.entry(tag, "/echo")
    assert entry.url == origin.url("/echo") and entry.posted() == body
    assert entry["response"]["httpVersion"] == "HTTP/2"


FIRST = b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"	# SETTINGS


@pytest.mark.parametrize("said", [b"\1hello", b"GET / HTTP/1.1\r\n\r\n", b"\x16\3\1\0\1\0"])
def test_what_only_looks_like_h2_is_a_tunnel(mitmd, start_origin, tag, said):
    """The origin's first bytes wait until the client has spoken, no longer."""
    def script(wire):
        wire.send(FIRST)
        until_read(wire.sock)
        spoken.set()
        wire.send(wire.read(len(said))[::-1])
    origin = start_origin(script=script)
    spoken = threading.Event()
    with mitmd.tunnel(origin.authority, tag) as client:
        assert spoken.wait(PATIENCE)	# else a GET may come first, and is plain HTTP
        client.send(said)
        assert client.read_to_end() == FIRST + said[::-1]
    assert mitmd.entry(tag, "/")["_tunnel"]["bytesReceived"] == len(FIRST + said)


def test_an_origin_that_speaks_first_to_a_client_that_waits(start_mitmd, start_origin):
    mitmd = start_mitmd({"timeouts": {"sniff": "300ms"}})
    origin = start_origin(script=lambda wire: (wire.send(FIRST), wire.read_to_end()))
    with mitmd.tunnel(origin.authority) as client:
        assert client.read(len(FIRST)) == FIRST


def hop(mitmd, origin, **more):
    """A client that speaks HTTP/2 to the proxy itself."""
    return Client2(mitmd.dial(), origin.authority, **more)


def asks(client, path="/hello", method="GET", tag=None, **more):
    headers = [("proxy-authorization", basic(tag))] if tag else []
    return client.request(path, method, headers, scheme="http", **more)


def test_h2_to_the_proxy(mitmd, origin, tag):
    with hop(mitmd, origin) as client:
        got = asks(client, "/hello?x=1", tag=tag).finish()
    assert (got.status, bytes(got.body)) == (200, b"hello\n")
    seen = origin.requests()[0]
    assert (seen.start, seen.get("Host")) == ("GET /hello?x=1 HTTP/1.1", origin.authority)
    assert not seen.all("Proxy-Authorization")
    entry = mitmd.entry(tag, "/hello?x=1")
    assert entry.url == origin.url("/hello?x=1")
    assert entry["request"]["httpVersion"] == "HTTP/2"
    assert entry["response"]["httpVersion"] == "HTTP/1.1"
    assert entry.header("request", "host") == [origin.authority]
    assert entry["timings"]["connect"] >= 0


def test_h2_to_the_proxy_byte_by_byte(mitmd, origin):
    """The preface may come in any pieces."""
    class Slow:
        def __init__(self, wire):
            self.wire = wire
            self.__dict__.update(sock=wire.sock)

        def send(self, data):
            self.wire.send_slowly(data)

        def __getattr__(self, name):
            return getattr(self.wire, name)
    with Client2(Slow(mitmd.dial()), origin.authority) as client:
        assert asks(client).finish().status == 200


@pytest.mark.parametrize("method", ["PROPFIND", "PRI", "P", "POST", "PRIVMSG"])
def test_methods_that_begin_like_the_preface(mitmd, origin, method):
    with mitmd.dial() as client:
        client.send_slowly(f"{method} http://{origin.authority}/hello HTTP/1.1\r\n"
                           f"Host: {origin.authority}\r\nContent-Length: 0\r\n\r\n".encode())
        assert client.read_response().body == b"hello\n"
    assert origin.requests()[0].method == method


@pytest.mark.parametrize("first", [b"P", b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM"])
def test_a_preface_that_ends_half_way(mitmd, first):
    with mitmd.dial() as client:
        client.send(first).half_close()
        assert client.at_end()


def test_a_preface_that_goes_wrong(mitmd):
    with mitmd.dial() as client:
        client.send(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
        assert client.read_response().status == 505


@pytest.mark.parametrize("path", ["/bytes/300000", "/chunked/300000", "/until-close/300000"])
def test_every_framing_becomes_h2(mitmd, origin, path):
    with hop(mitmd, origin) as client:
        got = asks(client, path).finish()
        assert bytes(got.body) == pattern(300000) and got.reset is None
        assert not {n for n, _ in got.headers} & {"connection", "transfer-encoding"}


def test_uploads_become_http1(mitmd, origin, tag):
    body = pattern(1 << 20)
    with hop(mitmd, origin) as client:
        got = asks(client, "/echo", "POST", tag, body=body).finish()
        told = client.request("/echo", "POST", [("content-length", "3")], body=b"abc",
                              scheme="http").finish()
    assert got.json()["length"] == len(body) and got.json()["chunked"]
    assert told.json()["length"] == 3 and not told.json()["chunked"]
    assert mitmd.entry(tag, "/echo").posted() == body


def test_cookies_are_one_field_in_http1(mitmd, origin):
    with hop(mitmd, origin) as client:
        client.request("/hello", headers=[("cookie", "a=1"), ("cookie", "b=2")],
                       scheme="http").finish()
    assert origin.requests()[0].all("Cookie") == ["a=1; b=2"]


def test_trailers_and_1xx_become_h2(mitmd, origin):
    origin.route("/trailers", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                 b"2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n")
    with hop(mitmd, origin) as client:
        got = asks(client, "/trailers").finish()
    assert got.informational == [(103, [("link", "</a>")])]
    assert bytes(got.body) == b"hi" and got.trailers == [("x-sum", "7")]


@pytest.mark.parametrize("method,path", [("HEAD", "/bytes/1000"), ("GET", "/status/204"),
                                         ("GET", "/status/304")])
def test_answers_without_content_become_h2(mitmd, origin, method, path):
    with hop(mitmd, origin) as client:
        got = asks(client, path, method).finish()
        assert not got.body and got.status == (200 if method == "HEAD" else int(path[-3:]))
        assert asks(client).finish().status == 200


def test_many_streams_to_many_origins(mitmd, start_origin, tag):
    origins = [start_origin() for _ in range(4)]
    with hop(mitmd, origins[0]) as client:
        streams = []
        for i in range(80):
            client.authority = origins[i % 4].authority
            streams.append(asks(client, f"/bytes/{1000 + i}", tag=tag))
        for i, stream in enumerate(streams):
            assert bytes(stream.finish().body) == pattern(1000 + i)
    for o in origins:
        assert len(o.requests()) == 20
    assert len(mitmd.har(tag, lambda har: len(har) == 80)) == 80


def test_a_connection_to_the_origin_serves_again(mitmd, origin):
    with hop(mitmd, origin) as client:
        for _ in range(5):
            assert asks(client).finish().status == 200
    assert len(origin.connections) == 1


def test_an_origin_that_closes_between_requests(mitmd, start_origin):
    """The request that meets the closed connection is sent again."""
    origin = start_origin()

    def last(x):
        x.answer(body=b"last")
        x.close = True
    origin.route("/last", last)
    with hop(mitmd, origin) as client:
        for _ in range(3):
            assert bytes(asks(client, "/last").finish().body) == b"last"


def test_events_pass_at_once_from_http1_to_h2(mitmd, origin):
    heard = queue.Queue()
    origin.route("/events", ticker(heard, "chunked"))
    with hop(mitmd, origin) as client:
        stream = asks(client, "/events")
        for i, event in enumerate(EVENTS):
            client.until(lambda: len(stream.body) == sum(map(len, EVENTS[:i + 1])))  # pylint: disable=W0640
            heard.put(event)
        stream.finish()


def test_a_stalled_stream_to_the_proxy_delays_no_other(mitmd, origin):
    body = pattern(8 << 20)
    with hop(mitmd, origin, window=64 << 20) as client:
        stalled = asks(client, f"/bytes/{len(body)}")
        stalled.hold = True
        client.until(lambda: len(stalled.body) > 0)
        for _ in range(5):
            assert bytes(asks(client, "/bytes/100000").finish().body) == pattern(100000)
        assert not stalled.over
        stalled.release()
        assert bytes(stalled.finish(60).body) == body


@pytest.mark.parametrize("name", ["", "-x", "a b", "x" * 65])
def test_bad_tags_are_told_over_h2(mitmd, origin, name):
    with hop(mitmd, origin) as client:
        got = client.request("/hello", headers=[("proxy-authorization", basic(name))],
                             scheme="http").finish()
        assert got.status == 407 and "Basic" in got.get("proxy-authenticate")
        assert bytes(got.body).startswith(b"mitmd: ")
        assert asks(client).finish().status == 200
    assert len(origin.requests()) == 1


def test_connect_over_h2_is_refused(mitmd, origin, tag):
    with hop(mitmd, origin, checks=False) as client:
        number = client.h2.get_next_available_stream_id()
        stream = client.streams[number] = type(asks(client))(client, number)
        client.h2.send_headers(number + 2, [
            (":method", "CONNECT"), (":authority", origin.authority),
            ("proxy-authorization", basic(tag))], end_stream=False)
        stream = client.streams[number + 2] = type(stream)(client, number + 2)
        client.flush()
        client.until(lambda: stream.headers)
        assert stream.status == 405
    entry = mitmd.har(tag).entries[0]
    assert entry["request"]["method"] == "CONNECT" and "HTTP/1.1" in entry.error


def test_only_http_urls_over_h2(mitmd, origin):
    with hop(mitmd, origin) as client:
        got = client.request("/hello", scheme="https").finish()
        assert got.status == 501 and b"CONNECT" in got.body
    assert not origin.requests()


def test_an_origin_that_is_not_there(mitmd, start_origin, tag):
    gone = start_origin()
    gone.close()
    with hop(mitmd, gone) as client:
        got = asks(client, tag=tag).finish()
        assert got.status == 502 and "connection_refused" in got.get("proxy-status")
    assert mitmd.entry(tag, "/hello").error


def test_a_bad_answer_of_http1(mitmd, origin):
    origin.route("/bad", b"HTTP/1.1 200 OK\r\nContent Length: 3\r\n\r\nabc")
    with hop(mitmd, origin) as client:
        got = asks(client, "/bad").finish()
        assert got.status == 502 and "http_protocol_error" in got.get("proxy-status")
        assert asks(client).finish().status == 200


def test_a_cut_answer_of_http1_is_a_reset(mitmd, origin, tag):
    def cut(x):
        x.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        x.close = True
    origin.route("/cut", cut)
    with hop(mitmd, origin) as client:
        stream = asks(client, "/cut", tag=tag)
        client.until(lambda: stream.over)
        assert stream.reset is not None and bytes(stream.body) in (b"", b"half")
        assert asks(client).finish().status == 200
    entry = mitmd.entry(tag, "/cut")
    assert entry["_aborted"] is True and entry.body() == b"half"


def test_a_stream_given_up_frees_its_origin(mitmd, origin, tag):
    def slow(x):
        x.head(200, [("Content-Length", "10")])
        x.raw(b"half")
        x.wire.read_to_end()
        ended.set()
        x.close = True
    ended = threading.Event()
    origin.route("/slow", slow)
    with hop(mitmd, origin) as client:
        stream = asks(client, "/slow", tag=tag)
        client.until(lambda: len(stream.body) == 4)
        stream.cancel()
        assert ended.wait(PATIENCE)
        assert asks(client).finish().status == 200
    assert "client reset" in mitmd.entry(tag, "/slow").error


@pytest.fixture
def deaf():
    """An authority where connecting takes for ever: its queue is full."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    held = []
    while len(held) < 10:
        held.append(socket.socket())
        held[-1].settimeout(1)
        try:
            held[-1].connect(listener.getsockname())
        except socket.timeout:
            break
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    for each in [listener, *held]:
        each.close()


def test_a_stream_given_up_while_its_origin_is_dialled(start_mitmd, deaf, tag):
    """The dial that fails afterwards has nobody left to tell."""
    mitmd = start_mitmd({"timeouts": {"connect": "300ms"}})
    with Client2(mitmd.dial(), deaf) as client:
        with client.together():
            streams = [asks(client, f"/{i}", tag=tag) for i in range(6)]
            for stream in streams[::2]:
                stream.cancel()
        for stream in streams[1::2]:
            assert stream.finish().status == 504
        client.ping()
    har = mitmd.har(tag, lambda har: len(har) == 6)
    assert ["reset" in har.one(f"/{i}").error for i in range(6)] == [True, False] * 3


def test_a_client_that_leaves_while_its_origins_are_dialled(start_mitmd, deaf, tag):
    mitmd = start_mitmd({"workers": 1, "timeouts": {"connect": "300ms"}})
    with Client2(mitmd.dial(), deaf) as client:
        for i in range(3):
            asks(client, f"/{i}", tag=tag)
        client.ping()
    assert len(mitmd.har(tag, lambda har: len(har) == 3)) == 3
    with Client2(mitmd.dial(), deaf) as client:	# the same worker lives
        assert asks(client).finish().status == 504


def test_draining_says_goaway_on_the_proxy_hop(own_mitmd, origin, tag):
    mitmd = own_mitmd({"drain_idle": "1s"})

    def slow(x):
        begun.set()
        go_on.wait(PATIENCE)
        x.answer(body=b"done")
    begun, go_on = threading.Event(), threading.Event()
    origin.route("/slow", slow)
    with hop(mitmd, origin) as client:
        stream = asks(client, "/slow", tag=tag)
        assert begun.wait(PATIENCE)
        mitmd.tell(signal.SIGHUP)
        client.until(lambda: client.goaway)
        assert not stream.over
        go_on.set()
        assert bytes(stream.finish().body) == b"done"
    assert mitmd.entry(tag, "/slow").status == 200


def test_stopping_records_what_is_under_way_on_the_proxy_hop(own_mitmd, origin, tag):
    mitmd = own_mitmd({"stop_timeout": "500ms"})
    origin.route("/stuck", lambda x: (x.head(200, [("Content-Length", "10")]), x.raw(b"half"),
                                      x.wire.read_to_end()))
    with hop(mitmd, origin) as client:
        stream = asks(client, "/stuck", tag=tag)
        client.until(lambda: len(stream.body) == 4)
        assert mitmd.stop() == 0
    entry = Har(mitmd.files(tag)).one("/stuck")
    assert entry.error == "stopped" and entry.body() == b"half"


@pytest.mark.parametrize("secure", [True, False])
def test_upgrade_to_h2c_is_ignored(mitmd, start_origin, certs, secure):
    origin = start_origin(certs.leaf("good") if secure else None)
    target = "/hello" if secure else origin.url("/hello")
    wire = mitmd.secure(origin.authority) if secure else mitmd.dial()
    with wire as client:
        got = client.ask(f"GET {target} HTTP/1.1\r\nHost: {origin.authority}\r\n"
                         "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                         "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
        assert got.body == b"hello\n"
    seen = origin.requests()[0]
    assert not seen.all("Upgrade") and not seen.all("HTTP2-Settings")
    assert "upgrade" not in seen.get("Connection", "").lower()
