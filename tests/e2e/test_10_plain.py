# SPDX-License-Identifier: ISC
"""Plain HTTP in absolute-form, as every client sends http:// URLs to a proxy."""
import gzip
import hashlib
import threading

import pytest

from env.origin import pattern
from env.wire import Closed


def request(origin, path="/hello", method="GET", more="", version="HTTP/1.1", body=""):
    where = origin.authority
    return f"{method} {origin.url(path)} {version}\r\nHost: {where}\r\n{more}\r\n{body}"


def refused(response, *statuses):
    """Refusals are one line of plain text."""
    assert response.status in statuses, response
    assert response.get("Content-Type", "").startswith("text/plain"), response
    text = response.body.decode()
    assert text.endswith("\n") and text.count("\n") == 1 and len(text) > 5, text


# -- what passes ------------------------------------------------------------------
def test_get(mitmd, origin):
    result = mitmd.curl().ok(origin.url("/hello"))
    assert (result.status, result.body) == (200, b"hello\n")


def test_what_the_origin_reads_is_origin_form_with_host(mitmd, origin):
    mitmd.curl().ok(origin.url("/echo?a=b%20c&d"))
    seen = origin.requests()[0]
    assert seen.target == "/echo?a=b%20c&d"
    assert seen.all("Host") == [origin.authority]
    assert seen.version == "HTTP/1.1"


def test_fields_keep_order_case_and_duplicates(mitmd, origin):
    with mitmd.dial() as client:
        client.ask(request(origin, more="X-one: 1\r\nx-ONE: 2\r\nAccept:*/*\r\nX-One: 3\r\n"))
    names = [(n, v) for n, v in origin.requests()[0].headers if n != "Host"]
    assert names[:4] == [("X-one", "1"), ("x-ONE", "2"), ("Accept", "*/*"), ("X-One", "3")]


@pytest.mark.parametrize("field", [
    "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic bWU6", "Keep-Alive: timeout=5",
    "TE: gzip", "Connection: X-Secret\r\nX-Secret: 1", "Upgrade: h2c\r\nHTTP2-Settings: AA",
    "Proxy-Foo: bar",
])
def test_hop_by_hop_fields_end_here(mitmd, origin, field):
    with mitmd.dial() as client:
        assert client.ask(request(origin, more=field + "\r\n")).status == 200
    names = {n.lower() for n, _ in origin.requests()[0].headers}
    own = {line.split(":")[0].lower() for line in field.split("\r\n")} - {"connection"}
    assert not names & own, names


def test_connection_cannot_name_end_to_end_fields_away(mitmd, origin):
    with mitmd.dial() as client:
        response = client.ask(request(
            origin, "/echo", "POST", "Connection: Host, Content-Length, Authorization\r\n"
            "Authorization: Bearer x\r\nContent-Length: 2\r\n", body="ab"))
    assert response.status == 200
    seen = origin.requests()[0]
    assert seen.body == b"ab"
    assert seen.all("Authorization") == ["Bearer x"]


def test_post_with_length(mitmd, origin):
    body = pattern(100000)
    result = mitmd.curl().ok("--data-binary", "@-", "-H", "Expect:", origin.url("/echo"),
                             data=body)
    assert result.status == 200
    assert origin.requests()[0].body == body


def test_post_chunked(mitmd, origin):
    body = pattern(100000)
    mitmd.curl().ok("-T", "-", "-X", "POST", "-H", "Expect:", origin.url("/echo"), data=body)
    seen = origin.requests()[0]
    assert seen.body == body
    assert seen.get("Transfer-Encoding") == "chunked"


@pytest.mark.parametrize("path", ["/bytes/300000", "/chunked/300000", "/until-close/300000"])
def test_every_framing_of_a_response(mitmd, origin, path):
    assert mitmd.curl().ok(origin.url(path)).body == pattern(300000)


def test_head_has_the_length_and_no_body(mitmd, origin):
    with mitmd.dial() as client:
        response = client.ask(request(origin, "/bytes/5000", "HEAD"))
        assert response.get("Content-Length") == "5000"
        assert client.ask(request(origin)).body == b"hello\n"


@pytest.mark.parametrize("status", [204, 304])
def test_bodyless_statuses_are_followed_by_the_next_response(mitmd, origin, status):
    with mitmd.dial() as client:
        assert client.ask(request(origin, f"/status/{status}")).status == status
        assert client.ask(request(origin)).body == b"hello\n"


def test_304_keeps_the_length_it_came_with(mitmd, origin):
    origin.route("/not-modified", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n")
    with mitmd.dial() as client:
        assert client.ask(request(origin, "/not-modified")).get("Content-Length") == "77"


@pytest.mark.parametrize("status", [200, 201, 299, 301, 404, 418, 500, 599])
def test_status_and_reason_pass(mitmd, origin, status):
    with mitmd.dial() as client:
        response = client.ask(request(origin, f"/status/{status}"))
    assert (response.status, response.reason) == (status, "Made To Order")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "PURGE",
                                    "FOO", "X-Y", "get"])
def test_any_method_passes(mitmd, origin, method):
    with mitmd.dial() as client:
        assert client.ask(request(origin, "/echo", method)).status == 200
    assert origin.requests()[0].method == method


def test_keep_alive_serves_many_on_one_origin_connection(mitmd, origin):
    with mitmd.dial() as client:
        for _ in range(20):
            assert client.ask(request(origin)).status == 200
    assert len(origin.connections) == 1
    assert len(origin.requests()) == 20


def test_one_client_connection_two_origins(mitmd, start_origin):
    one, two = start_origin(), start_origin()
    two.route("/hello", lambda x: x.answer(body=b"two"))
    with mitmd.dial() as client:
        bodies = [client.ask(request(each)).body for each in (one, two, one, two)]
    assert bodies == [b"hello\n", b"two", b"hello\n", b"two"]


def test_pipelined_requests_are_answered_in_order(mitmd, origin):
    origin.route("/n/", lambda x: x.answer(body=x.request.target.encode()))
    with mitmd.dial() as client:
        client.send("".join(request(origin, f"/n/{i}") for i in range(50)).encode())
        answers = [client.read_response().body.decode() for _ in range(50)]
    assert answers == [f"/n/{i}" for i in range(50)]


def test_pipelined_posts_keep_their_bodies(mitmd, origin):
    texts = ["a" * 10, "b" * 70000, "c"]
    with mitmd.dial() as client:
        for text in texts:
            client.send(request(origin, "/echo", "POST", f"Content-Length: {len(text)}\r\n",
                                body=text).encode())
        for _ in texts:
            assert client.read_response().status == 200
    assert [r.body.decode() for r in origin.requests()] == texts


def test_http_1_0_client_gets_a_closed_connection(mitmd, origin):
    with mitmd.dial() as client:
        response = client.ask(request(origin, version="HTTP/1.0"))
        assert response.body == b"hello\n"
        assert client.at_end()


def test_http_1_0_keep_alive(mitmd, origin):
    with mitmd.dial() as client:
        for _ in range(2):
            ask = request(origin, version="HTTP/1.0", more="Connection: keep-alive\r\n")
            response = client.ask(ask)
            assert response.body == b"hello\n"
            assert response.get("Connection", "").lower() == "keep-alive"


def test_http_1_0_client_never_sees_chunks(mitmd, origin):
    with mitmd.dial() as client:
        response = client.ask(request(origin, "/chunked/100000", version="HTTP/1.0"))
    assert response.get("Transfer-Encoding") is None
    assert response.body == pattern(100000)


def test_http_1_0_without_host(mitmd, origin):
    with mitmd.dial() as client:
        assert client.ask(f"GET {origin.url()} HTTP/1.0\r\n\r\n").body == b"hello\n"
    assert origin.requests()[0].all("Host") == [origin.authority]


@pytest.mark.parametrize("fields", ["Connection: close", "Connection: keep-alive, close"])
def test_close_is_honoured(mitmd, origin, fields):
    with mitmd.dial() as client:
        response = client.ask(request(origin, more=fields + "\r\n"))
        assert response.get("Connection", "").lower() == "close"
        assert client.at_end()


def test_absolute_form_wins_over_host(mitmd, origin):
    with mitmd.dial() as client:
        ask = f"GET {origin.url()} HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n"
        assert client.ask(ask).body == b"hello\n"
    assert origin.requests()[0].all("Host") == [origin.authority]


def test_up_to_two_empty_lines_before_a_request(mitmd, origin):
    with mitmd.dial() as client:
        assert client.ask(b"\r\n\r\n" + request(origin).encode(), "GET").status == 200


def test_trailers_of_a_response(mitmd, origin):
    origin.route("/trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                 b"Trailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\nHost: evil\r\n\r\n")
    with mitmd.dial() as client:
        response = client.ask(request(origin, "/trailers", more="TE: trailers\r\n"))
    assert response.body == b"abc"
    assert response.trailers == [("X-Sum", "7")]


def test_trailers_of_a_request(mitmd, origin):
    with mitmd.dial() as client:
        assert client.ask(request(
            origin, "/echo", "POST", "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n",
            body="3\r\nabc\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n")).status == 200
    assert origin.requests()[0].trailers == [("X-Sum", "7")]


def test_chunk_extensions_are_dropped(mitmd, origin):
    with mitmd.dial() as client:
        client.ask(request(origin, "/echo", "POST", "Transfer-Encoding: chunked\r\n",
                           body="3;a=b;c\r\nabc\r\n0;last\r\n\r\n"))
    assert origin.requests()[0].body == b"abc"


def test_informational_responses_pass(mitmd, origin):
    origin.route("/early", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
                 b"HTTP/1.1 102 Processing\r\n\r\n"
                 b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with mitmd.dial() as client:
        response = client.ask(request(origin, "/early"))
    assert [r.status for r in response.informational] == [103, 102]
    assert response.informational[0].get("Link") == "</a.css>"
    assert response.body == b"ok"


def test_http_1_0_clients_get_no_informational_response(mitmd, origin):
    origin.route("/early", b"HTTP/1.1 103 Early Hints\r\n\r\n"
                 b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with mitmd.dial() as client:
        response = client.ask(request(origin, "/early", version="HTTP/1.0"))
    assert response.informational == [] and response.body == b"ok"


# -- Expect -------------------------------------------------------------------------
def expecting(origin, length):
    return request(origin, "/expect", "POST",
                   f"Expect: 100-continue\r\nContent-Length: {length}\r\n")


def raw_talk(origin, talk):
    """An origin whose whole connection is in the test's hands."""
    origin.script = talk


def test_expect_is_answered_by_the_origin_and_then_the_body_flows(mitmd, origin):
    seen = []

    def talk(wire):
        seen.append(wire.read_head().get("Expect"))
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        seen.append(wire.read(5))
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    raw_talk(origin, talk)
    with mitmd.dial() as client:
        client.send(expecting(origin, 5).encode())
        assert client.read_response().status == 100
        client.send(b"hello")
        assert client.read_final_response().status == 200
    assert seen == ["100-continue", b"hello"]


def test_expect_refused_by_the_origin(mitmd, origin):
    def talk(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno")
        wire.read_to_end()
    raw_talk(origin, talk)
    with mitmd.dial() as client:
        client.send(expecting(origin, 5).encode())
        response = client.read_final_response()
    assert (response.status, response.body, response.informational) == (417, b"no", [])


def test_curl_waits_for_100_and_uploads(mitmd, origin):
    def continue_then_echo(wire):
        head = wire.read_head()
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = wire.read(int(head.get("Content-Length")))
        digest = hashlib.sha256(body).hexdigest().encode()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + digest)
    raw_talk(origin, continue_then_echo)
    body = pattern(2000000)
    result = mitmd.curl().ok("--expect100-timeout", "30", "-H", "Expect: 100-continue",
                             "--data-binary", "@-", origin.url("/up"), data=body)
    assert result.body.decode() == hashlib.sha256(body).hexdigest()


# -- streaming ------------------------------------------------------------------------
def test_a_response_streams_while_the_origin_still_writes(mitmd, origin):
    half = threading.Event()

    def slowly(x):
        x.head(200, [("Content-Length", "10")])
        x.raw(b"first")
        assert half.wait(20)
        x.raw(b"later")
    origin.route("/stream", slowly)
    with mitmd.dial() as client:
        client.send(request(origin, "/stream").encode())
        client.read_head()
        assert client.read(5) == b"first"
        half.set()
        assert client.read(5) == b"later"


def test_a_request_streams_while_the_client_still_writes(mitmd, origin):
    half = threading.Event()

    def talk(wire):
        wire.read_head()
        assert wire.read(5) == b"first"
        half.set()
        wire.read(5)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    raw_talk(origin, talk)
    with mitmd.dial() as client:
        client.send(request(origin, "/up", "POST", "Content-Length: 10\r\n").encode() + b"first")
        assert half.wait(20)
        client.send(b"later")
        assert client.read_response().status == 200


def test_a_response_may_come_before_the_request_body_ends(mitmd, origin):
    def talk(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        wire.half_close()
        wire.read_to_end()
    raw_talk(origin, talk)
    with mitmd.dial() as client:
        client.send(request(origin, "/up", "POST", "Content-Length: 9999999\r\n").encode())
        client.send(b"x" * 1000)
        response = client.read_response()
    assert (response.status, response.body) == (413, b"big")


def test_a_request_byte_by_byte(mitmd, origin):
    text = request(origin, "/echo", "POST", "Transfer-Encoding: chunked\r\nA: b\r\n",
                   body="3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n")
    with mitmd.dial() as client:
        client.send_slowly(text.encode())
        assert client.read_response().status == 200
    assert origin.requests()[0].body == b"abcd"


def test_a_response_byte_by_byte(mitmd, origin):
    origin.route("/drip", lambda x: x.wire.send_slowly(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n"
        b"3\r\nabc\r\n1;x\r\nd\r\n0\r\nT: u\r\n\r\n"))
    with mitmd.dial() as client:
        response = client.ask(request(origin, "/drip"))
    assert response.body == b"abcd" and response.trailers == [("T", "u")]


def test_a_large_body_arrives_whole(mitmd, nginx):
    data = nginx.file("large.bin", pattern(32 << 20))
    result = mitmd.curl().ok(nginx.plain_url("/large.bin"))
    assert hashlib.sha256(result.body).digest() == hashlib.sha256(data).digest()


def test_encoded_bodies_pass_untouched(mitmd, origin):
    packed = gzip.compress(b"text " * 1000)
    origin.route("/gz", lambda x: x.answer(headers=[("Content-Encoding", "gzip")], body=packed))
    assert mitmd.curl().ok(origin.url("/gz")).body == packed


# -- requests that nobody may forward ----------------------------------------------------
HOST = "Host: @"
CHUNKED = "Transfer-Encoding: chunked"
# name: (lines after the request line, statuses)
BAD_FIELDS = {
    "space-before-colon-te": [HOST, "Transfer-Encoding : chunked"],
    "space-before-colon-cl": [HOST, "Content-Length : 1"],
    "space-in-name": [HOST, "Foo Bar: x"],
    "fold": [HOST, "A: b", " c"],
    "fold-te": [HOST, "Transfer-Encoding:", " chunked"],
    "empty-name": [HOST, ": x"],
    "no-colon": [HOST, "nonsense"],
    "bracket-in-name": [HOST, "A[]: x"],
    "nul-in-name": [HOST, "A\0: x"],
    "0x85-in-name": [HOST, "A\x85: x"],
    "nul-in-value": [HOST, "A: x\0y"],
    "control-in-value": [HOST, "A: x\x01y"],
    "delete-in-value": [HOST, "A: x\x7fy"],
    "cr-in-value": [HOST, "A: x\ry"],
    "te-identity-chunked": [HOST, "Transfer-Encoding: identity, chunked"],
    "te-gzip-chunked": [HOST, "Transfer-Encoding: gzip, chunked"],
    "te-twice": [HOST, CHUNKED, CHUNKED],
    "te-leading-comma": [HOST, "Transfer-Encoding: ,chunked"],
    "te-trailing-comma": [HOST, "Transfer-Encoding: chunked,"],
    "te-unknown": [HOST, "Transfer-Encoding: xchunked"],
    "te-quoted": [HOST, 'Transfer-Encoding: "chunked"'],
    "te-vertical-tab": [HOST, "Transfer-Encoding: \x0bchunked"],
    "te-nbsp": [HOST, "Transfer-Encoding: \xa0chunked"],
    "te-parameter": [HOST, "Transfer-Encoding: chunked;q=1"],
    "te-chunked-identity": [HOST, "Transfer-Encoding: chunked, identity"],
    "te-empty": [HOST, "Transfer-Encoding:"],
    "cl-and-te": [HOST, "Content-Length: 3", CHUNKED],
    "te-and-cl": [HOST, CHUNKED, "Content-Length: 3"],
    "cl-different": [HOST, "Content-Length: 1", "Content-Length: 2"],
    "cl-plus": [HOST, "Content-Length: +1"],
    "cl-minus": [HOST, "Content-Length: -1"],
    "cl-hex": [HOST, "Content-Length: 0x1"],
    "cl-underscore": [HOST, "Content-Length: 1_0"],
    "cl-junk": [HOST, "Content-Length: 1Z"],
    "cl-two-words": [HOST, "Content-Length: 1 2"],
    "cl-list": [HOST, "Content-Length: 1,2"],
    "cl-empty": [HOST, "Content-Length:"],
    "cl-leading-zero": [HOST, "Content-Length: 010"],
    "cl-2-64": [HOST, "Content-Length: 18446744073709551616"],
    "cl-2-63": [HOST, "Content-Length: 9223372036854775808"],
    "cl-folded": [HOST, "Content-Length:", " 1"],
    "no-host": ["A: b"],
    "two-hosts": [HOST, HOST],
    "two-different-hosts": [HOST, "Host: elsewhere"],
    "host-with-path": ["Host: a/b"],
    "host-with-userinfo": ["Host: a@b"],
    "host-with-space": ["Host: a b"],
    "host-list": ["Host: a, b"],
}


def nothing_arrived(origin):
    return not origin.requests() and not any(c.wire and c.wire.received
                                             for c in origin.connections)


@pytest.mark.parametrize("lines", BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_bad_fields_are_refused(mitmd, origin, lines):
    text = "\r\n".join([f"POST {origin.url()} HTTP/1.1", *lines, "", ""])
    with mitmd.dial() as client:
        client.send(text.replace("@", origin.authority).encode("latin-1"))
        refused(client.read_response(), 400, 501)
        assert client.at_end()
    assert nothing_arrived(origin)


# name: (request line with @ for the authority, statuses)
BAD_LINES = {
    "http-9.9": ("GET http://@/ HTTP/9.9", 505),
    "http-2.0": ("GET http://@/ HTTP/2.0", 505),
    "http-1.2": ("GET http://@/ HTTP/1.2", 505),
    "http-0.9": ("GET http://@/", 400),
    "hxxp": ("GET http://@/ HXXP/1.1", 400),
    "lower-case-http": ("GET http://@/ http/1.1", 400),
    "http-1.10": ("GET http://@/ HTTP/1.10", 400),
    "two-spaces-before-target": ("GET  http://@/ HTTP/1.1", 400),
    "two-spaces-after-target": ("GET http://@/  HTTP/1.1", 400),
    "leading-space": (" GET http://@/ HTTP/1.1", 400),
    "trailing-space": ("GET http://@/ HTTP/1.1 ", 400),
    "tab-for-space": ("GET\thttp://@/ HTTP/1.1", 400),
    "tab-in-target": ("GET http://@/a\tb HTTP/1.1", 400),
    "form-feed-in-target": ("GET http://@/a\x0cb HTTP/1.1", 400),
    "0x80-in-target": ("GET http://@/a\x80b HTTP/1.1", 400),
    "fragment": ("GET http://@/a#b HTTP/1.1", 400),
    "userinfo": ("GET http://u:p@@/ HTTP/1.1", 400),
    "empty-host": ("GET http:///a HTTP/1.1", 400),
    "bad-port": ("GET http://localhost:99999/ HTTP/1.1", 400),
    "ftp": ("GET ftp://localhost/ HTTP/1.1", 400),
    "empty-method": (" http://@/ HTTP/1.1", 400),
    "bad-method": ("GE[T http://@/ HTTP/1.1", 400),
    "three-empty-lines": ("\r\n\r\n\r\nGET http://@/ HTTP/1.1", 400),
}


@pytest.mark.parametrize("line, status", BAD_LINES.values(), ids=BAD_LINES)
def test_bad_request_lines_are_refused(mitmd, origin, line, status):
    with mitmd.dial() as client:
        text = line.replace("http://@", f"http://{origin.authority}")
        text = text.replace("@@", f"@{origin.authority}")
        client.send(f"{text}\r\nHost: {origin.authority}\r\n\r\n".encode("latin-1"))
        refused(client.read_response(), status)
        assert client.at_end()
    assert nothing_arrived(origin)


@pytest.mark.parametrize("text", [
    "GET http://@/hello HTTP/1.1\nHost: @\n\n",
    "GET http://@/hello HTTP/1.1\r\nHost: @\nA: b\r\n\r\n",
    "GET http://@/hello HTTP/1.1\r\nHost: @\r\n\n",
    "GET http://@/hello HTTP/1.1\r\nHost: @\r\n\r\rZ\r\n\r\n",
], ids=["all", "one-field", "last", "cr-cr"])
def test_bare_line_feeds_are_refused(mitmd, origin, text):
    with mitmd.dial() as client:
        client.send(text.replace("@", origin.authority).encode())
        refused(client.read_response(), 400)
    assert nothing_arrived(origin)


BAD_CHUNKS = {
    "cr-alone-after-size": "1\rX\r\na\r\n0\r\n\r\n",
    "junk-after-data": "1\r\naXX0\r\n\r\n",
    "cr-cr-after-data": "2\r\nab\r\r0\r\n\r\n",
    "space-junk": "1 foo\r\na\r\n0\r\n\r\n",
    "lf-after-size": "1\na\r\n0\r\n\r\n",
    "lf-after-data": "1\r\na\n0\r\n\r\n",
    "empty-size": "\r\na\r\n0\r\n\r\n",
    "hex-prefix": "0x1\r\na\r\n0\r\n\r\n",
    "negative": "-1\r\na\r\n0\r\n\r\n",
    "seventeen-digits": "00000000000000001\r\na\r\n0\r\n\r\n",
    "too-large": "ffffffffffffffff\r\na",
    "long-extension": "1;" + "x" * 300 + "\r\na\r\n0\r\n\r\n",
    "many-extensions": "".join("1;" + "x" * 200 + "\r\na\r\n" for _ in range(40)) + "0\r\n\r\n",
    "bad-trailer": "1\r\na\r\n0\r\nA : b\r\n\r\n",
}


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_bad_chunks_never_complete_a_request(mitmd, origin, body):
    with mitmd.dial() as client:
        client.send(request(origin, "/echo", "POST", CHUNKED + "\r\n", body=body).encode())
        try:
            assert client.read_final_response().status == 400
        except (Closed, ConnectionResetError):
            pass
        assert client.at_end()
    assert not origin.requests()


def test_equal_lengths_twice_are_refused_or_merged(mitmd, origin):
    with mitmd.dial() as client:
        twice = "Content-Length: 1\r\nContent-Length: 1\r\n"
        status = client.ask(request(origin, "/echo", "POST", twice, body="a")).status
    assert status == 400 or origin.requests()[0].all("Content-Length") == ["1"]


def test_transfer_encoding_in_http_1_0_is_refused(mitmd, origin):
    with mitmd.dial() as client:
        refused(client.ask(request(origin, "/echo", "POST", CHUNKED + "\r\n", "HTTP/1.0",
                                   "1\r\na\r\n0\r\n\r\n")), 400, 501)
    assert nothing_arrived(origin)


# -- responses that are not what they say -------------------------------------------------
BAD_RESPONSES = {
    "garbage": b"hello there\r\n\r\n",
    "nothing": b"",
    "head-cut-off": b"HTTP/1.1 200 OK\r\nContent-Le",
    "status-99": b"HTTP/1.1 99 Low\r\n\r\n",
    "status-1000": b"HTTP/1.1 1000 High\r\n\r\n",
    "unasked-101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "cl-and-te": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"1\r\na\r\n0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "http-9.9": b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "space-before-colon": b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na",
    "nul-in-value": b"HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 1\r\n\r\na",
}


@pytest.mark.parametrize("answer", BAD_RESPONSES.values(), ids=BAD_RESPONSES)
def test_bad_responses_become_502(mitmd, origin, answer):
    def talk(wire):
        wire.read_head()
        wire.send(answer)
        wire.half_close()
        wire.read_to_end()
    raw_talk(origin, talk)
    with mitmd.dial() as client:
        response = client.ask(request(origin))
    refused(response, 502)
    assert "mitmd" in response.get("Proxy-Status", "")


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n",
], ids=["length", "chunked", "bad-chunk"])
def test_a_response_cut_off_is_cut_off_for_the_client(mitmd, origin, answer):
    def cut(x):
        x.raw(answer)
        x.close = True
    origin.route("/cut", cut)
    with mitmd.dial() as client:
        client.send(request(origin, "/cut").encode())
        with pytest.raises((Closed, ConnectionResetError)):
            assert client.read_head().status == 200
            while client.read_until(b"\r\n") != b"0\r\n":
                pass


def test_a_second_unasked_response_reaches_nobody(mitmd, origin):
    twice = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
    origin.route("/twice", twice + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    with mitmd.dial() as client:
        assert client.ask(request(origin, "/twice")).body == b"a"
        assert client.ask(request(origin)).body == b"hello\n"
    assert len(origin.connections) == 2


def test_a_204_with_a_body_does_not_desync(mitmd, origin):
    origin.route("/odd", b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil")
    with mitmd.dial() as client:
        assert client.ask(request(origin, "/odd")).status == 204
        assert client.ask(request(origin)).body == b"hello\n"


# -- where it cannot go ---------------------------------------------------------------------
def test_nobody_listens_there(mitmd, start_origin):
    gone = start_origin()
    gone.close()
    with mitmd.dial() as client:
        response = client.ask(request(gone))
        refused(response, 502)
        assert "connection_refused" in response.get("Proxy-Status", "")


def test_after_a_502_the_connection_goes_on(mitmd, origin, start_origin):
    gone = start_origin()
    gone.close()
    with mitmd.dial() as client:
        assert client.ask(request(gone)).status == 502
        assert client.ask(request(origin)).body == b"hello\n"


def test_a_name_that_does_not_exist(mitmd):
    with mitmd.dial() as client:
        response = client.ask("GET http://nowhere.onion/ HTTP/1.1\r\nHost: nowhere.onion\r\n\r\n")
    refused(response, 502)
    assert "dns_error" in response.get("Proxy-Status", "")


def test_the_proxy_itself_is_no_destination(mitmd):
    with mitmd.dial() as client:
        url = f"http://{mitmd.proxy}/loop"
        response = client.ask(f"GET {url} HTTP/1.1\r\nHost: {mitmd.proxy}\r\n\r\n")
    assert response.status in (403, 502, 508), response


def test_a_tag_that_is_no_tag_is_refused_and_told_why(mitmd, origin):
    with mitmd.dial() as client:
        user = "Proxy-Authorization: Basic Li4vZXRjOg==\r\n"		# "../etc:"
        refused(client.ask(request(origin, more=user)), 407)
    assert nothing_arrived(origin)


# -- http inside CONNECT -----------------------------------------------------------------------
def test_plain_http_inside_connect(mitmd, origin, tag):
    with mitmd.tunnel(origin.authority, tag) as client:
        ask = f"GET /hello HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n"
        assert client.ask(ask).body == b"hello\n"
        assert client.ask(ask).body == b"hello\n"
    entries = mitmd.har(tag, lambda har: len(har) == 2).entries
    assert [e.url for e in entries] == [origin.url("/hello")] * 2
