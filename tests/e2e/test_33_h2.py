# SPDX-License-Identifier: ISC
"""HTTP/2 between scripted ends: what one side says is what the other hears."""
import pytest

from env.h2_frames import (DATA, END_HEADERS, END_STREAM, HEADERS, PUSH, Frames, block, frame,
                           serve, settings, window)
from env.h2_peer import Codes, Settings, connect, plain, sha
from env.origin import pattern

MIB = 1 << 20


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
def test_fields_pass_as_they_are(mitmd, h2_origin):
    """All but those of the hop."""
    async def fields(x):
        x.head(200, [("x-twice", "1"), ("x-twice", "2"), ("set-cookie", "a=1"),
                     ("set-cookie", "b=2"), ("x-empty", "")], end=True)
    h2_origin.route("/fields", fields)
    sent = [("x-one", "1"), (b"x-latin", b"caf\xe9"), ("cookie", "c=3"), ("te", "trailers")]
    with connect(mitmd, h2_origin) as client:
        got = client.request("/fields?a=%20b", headers=sent).finish()
    asked = h2_origin.requests()[0]
    assert sorted(asked.headers[:4]) == sorted([
        (":method", "GET"), (":scheme", "https"), (":path", "/fields?a=%20b"),
        (":authority", h2_origin.authority)])
    assert asked.headers[4:] == plain(sent)
    assert got.headers == [(":status", "200"), ("x-twice", "1"), ("x-twice", "2"),
                           ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-empty", "")]


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
def test_a_status_without_content(mitmd, h2_origin, code):
    with connect(mitmd, h2_origin) as client:
        got = client.get(f"/status/{code}")
        assert got.status == code and not got.body
        assert client.get().status == 200


def test_304_may_tell_a_length(mitmd, h2_origin):
    async def unchanged(x):
        x.head(304, [("content-length", "1000")], end=True)
    h2_origin.route("/unchanged", unchanged)
    with connect(mitmd, h2_origin) as client:
        got = client.get("/unchanged")
    assert got.status == 304 and got.get("content-length") == "1000"


def test_head(mitmd, h2_origin):
    with connect(mitmd, h2_origin) as client:
        got = client.request("/bytes/12345", "HEAD").finish()
        assert got.get("content-length") == "12345" and not got.body


def test_unknown_methods_and_options_of_all(mitmd, h2_origin):
    async def any_method(x):
        await x.answer(headers=[("x-method", x.method)])
    h2_origin.route("/any", any_method)
    h2_origin.route("*", any_method)
    with connect(mitmd, h2_origin) as client:
        assert client.request("/any", "BREW").finish().get("x-method") == "BREW"
        assert client.request("*", "OPTIONS").finish().get("x-method") == "OPTIONS"


# -- content ---------------------------------------------------------------------------
def test_ten_megabytes_both_ways(mitmd, h2_origin):
    body = pattern(10 * MIB)
    with connect(mitmd, h2_origin) as client:
        down = client.request(f"/bytes/{10 * MIB}")
        up = client.request("/echo", "POST", body=body)
        assert down.finish().sha == sha(body)
        assert up.finish().json()["sha256"] == sha(body)


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


def test_padding_costs_no_credit(mitmd, h2_origin):
    """Far more padding than both windows: it is given back."""
    body = pattern(20000)

    async def padded(x):
        x.head(200)
        await x.send(body, end=True, size=10, pad=255)
    h2_origin.route("/padded", padded)
    with connect(mitmd, h2_origin) as client:
        up = client.request("/echo", "POST", end=False).upload(body, size=10, pad=255)
        assert client.request("/padded").finish().sha == sha(body)
        assert up.finish().json()["sha256"] == sha(body)


def test_trailers_both_ways(mitmd, h2_origin):
    async def trailing(x):
        await x.all()
        x.head(200)
        await x.send(b"content")
        x.end([("x-there", dict(x.trailers)["x-sum"]), ("grpc-status", "0")])
    h2_origin.route("/trailing", trailing)
    with connect(mitmd, h2_origin) as client:
        up = client.request("/trailing", "POST", [("te", "trailers")], end=False)
        up.upload(b"abc", end=False)
        client.h2.send_headers(up.id, [("x-sum", "3")], end_stream=True)
        client.flush()
        up.finish()
    assert up.trailers == [("x-there", "3"), ("grpc-status", "0")]


def test_trailers_without_content(mitmd, h2_origin):
    async def refused(x):
        x.head(200)
        x.end([("grpc-status", "5")])
    h2_origin.route("/refused", refused)
    with connect(mitmd, h2_origin) as client:
        got = client.get("/refused")
    assert got.trailers == [("grpc-status", "5")] and not got.body


def test_1xx_comes_before(mitmd, h2_origin):
    async def hints(x):
        for _ in range(2):
            x.connection.h2.send_headers(x.id, [(":status", "103"), ("link", "</a.css>")])
            x.connection.flush()
        await x.answer(body=b"final")
    h2_origin.route("/hints", hints)
    with connect(mitmd, h2_origin) as client:
        got = client.get("/hints")
    assert got.informational == [(103, [("link", "</a.css>")])] * 2
    assert bytes(got.body) == b"final"


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
def test_an_answer_while_uploading(mitmd, h2_origin):
    """405 and RST(NO_ERROR), RFC 9113 8.1: the client hears both."""
    async def refuse(x):
        await x.read()
        await x.answer(405, body=b"no")
        x.cancel(Codes.NO_ERROR)
    h2_origin.route("/refuse", refuse)
    with connect(mitmd, h2_origin) as client:
        up = client.request("/refuse", "POST", end=False).upload(pattern(4 * MIB))
        client.until(lambda: up.over)
        assert (up.status, bytes(up.body)) == (405, b"no") and up.ended
        client.until(lambda: up.reset is not None)
        assert up.reset == Codes.NO_ERROR
        assert client.get().status == 200


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


def test_a_cookie_in_crumbs(mitmd, h2_origin):
    """RFC 9113 8.2.3"""
    with connect(mitmd, h2_origin) as client:
        got = client.request("/echo", headers=[("cookie", "a=1"), ("cookie", "b=2")]).finish()
    assert "; ".join(v for n, v in got.json()["headers"] if n == "cookie") == "a=1; b=2"


def test_connect_inside_is_refused(mitmd, h2_origin, tag):
    with mitmd.secure(h2_origin.authority, tag, context=mitmd.context(("h2",))) as wire:
        frames = Frames(wire, h2_origin.authority).start()
        frames.send(frame(HEADERS, END_HEADERS, 1, block((":method", "CONNECT"),
                                                         (":authority", "other:443"))))
        frames.until(lambda f: f.stream_id == 1)
        frames.send(frames.head(3))
        assert frames.answer(3) == 200
    assert [r.path for r in h2_origin.requests()] == ["/hello"]
