# SPDX-License-Identifier: ISC
"""Streams that stay open: gRPC, server-sent events, long polls.

Nothing here sleeps: each side sends the next piece when it has heard of the one before,
so that a proxy that holds anything back stands still.
"""
import asyncio
import concurrent.futures
import os
import queue
import threading
import time

import pytest

from env.events import EVENTS, SSE, chunk, ticker
from env.h2_peer import Codes, connect
from env.origin import pattern
from env.wire import TIMEOUT as PATIENCE, reset


# -- gRPC --------------------------------------------------------------------------------------
class Grpc:
    """A service whose messages are bytes: method(request(s), context)."""

    def __init__(self, grpc, cert):
        self.grpc = grpc
        self.pool = concurrent.futures.ThreadPoolExecutor(8)
        self.server = grpc.server(self.pool)
        self.server.add_generic_rpc_handlers((self,))
        self.methods = {}
        key, chain = (open(f, "rb").read() for f in (cert.key, cert.chain))
        self.port = self.server.add_secure_port(
            "127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
        self.authority = f"localhost:{self.port}"
        self.server.start()
        self.channels = []

    def service(self, call):
        """A generic handler, as grpc wants one."""
        return self.methods.get(call.method)

    def method(self, kind, name, function):
        handler = getattr(self.grpc, f"{kind}_rpc_method_handler")
        self.methods[f"/test.Service/{name}"] = handler(function)
        return f"/test.Service/{name}"

    def channel(self, mitmd, tag):
        roots = mitmd.ca.read_bytes()
        self.channels.append(self.grpc.secure_channel(
            self.authority, self.grpc.ssl_channel_credentials(roots),
            options=[("grpc.http_proxy", f"http://{tag}@{mitmd.proxy}"),
                     ("grpc.use_local_subchannel_pool", 1)]))
        return self.channels[-1]

    def close(self):
        for channel in self.channels:
            channel.close()
        self.server.stop(None).wait(PATIENCE)
        self.pool.shutdown()


@pytest.fixture
def grpc(certs, monkeypatch):
    module = pytest.importorskip("grpc")
    for name in ("no_proxy", "no_grpc_proxy", "grpc_proxy", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    service = Grpc(module, certs.leaf("good"))
    yield service
    service.close()


def framed(*messages):
    """RFC-less, but documented: a flag, a length, a message."""
    return b"".join(b"\0" + len(m).to_bytes(4, "big") + m for m in messages)


def grpc_status(entry):
    fields = entry["response"].get("_trailers", []) + entry["response"]["headers"]
    return [f["value"] for f in fields if f["name"] == "grpc-status"]


def test_grpc_unary(mitmd, grpc, tag):
    def method(request, context):
        assert dict(context.invocation_metadata())["x-mine"] == "yes"
        context.set_trailing_metadata((("x-last", "word"), ("x-raw-bin", b"\0\xff")))
        return request[::-1]
    path = grpc.method("unary_unary", "Unary", method)
    call = grpc.channel(mitmd, tag).unary_unary(path)
    got, facts = call.with_call(b"hello", metadata=(("x-mine", "yes"),), timeout=PATIENCE)
    assert got == b"olleh"
    assert dict(facts.trailing_metadata()) == {"x-last": "word", "x-raw-bin": b"\0\xff"}
    entry = mitmd.entry(tag, path)
    assert (entry["request"]["method"], entry.status) == ("POST", 200)
    assert entry["request"]["httpVersion"] == "HTTP/2"
    assert entry.posted() == framed(b"hello") and entry.body() == framed(b"olleh")
    assert grpc_status(entry) == ["0"]
    trailers = {f["name"]: f["value"] for f in entry["response"]["_trailers"]}
    assert trailers["x-last"] == "word"
    assert entry.error is None


def test_grpc_large_messages(mitmd, grpc, tag):
    body = pattern(3 << 20)
    path = grpc.method("unary_unary", "Large", lambda request, context: request)
    assert grpc.channel(mitmd, tag).unary_unary(path)(body, timeout=60) == body
    entry = mitmd.entry(tag, path)
    assert entry.posted() == framed(body) and entry.body() == framed(body)


def test_grpc_server_streaming(mitmd, grpc, tag):
    """Each message is sent when the one before has arrived."""
    def method(request, context):
        for i in range(5):
            yield b"%d of %s" % (i, request)
            assert arrived.get(timeout=PATIENCE) == i
    arrived = queue.Queue()
    path = grpc.method("unary_stream", "Down", method)
    for i, message in enumerate(grpc.channel(mitmd, tag).unary_stream(path)(
            b"five", timeout=PATIENCE)):
        assert message == b"%d of five" % i
        arrived.put(i)
    entry = mitmd.entry(tag, path)
    assert entry.body() == framed(*(b"%d of five" % i for i in range(5)))
    assert grpc_status(entry) == ["0"]


def test_grpc_client_streaming(mitmd, grpc, tag):
    def method(requests, context):
        n = 0
        for message in requests:
            n += len(message)
            arrived.put(message)
        return b"%d" % n

    def up():
        for i in range(5):
            yield b"x" * i
            assert arrived.get(timeout=PATIENCE) == b"x" * i
    arrived = queue.Queue()
    path = grpc.method("stream_unary", "Up", method)
    assert grpc.channel(mitmd, tag).stream_unary(path)(up(), timeout=PATIENCE) == b"10"
    assert mitmd.entry(tag, path).posted() == framed(*(b"x" * i for i in range(5)))


def test_grpc_bidirectional(mitmd, grpc, tag):
    def method(requests, context):
        for message in requests:
            yield message.upper()

    def questions():
        for i in range(20):
            yield b"ping %d" % i
            assert answers.get(timeout=PATIENCE) == b"PING %d" % i
    answers = queue.Queue()
    path = grpc.method("stream_stream", "Both", method)
    for message in grpc.channel(mitmd, tag).stream_stream(path)(questions(), timeout=PATIENCE):
        answers.put(message)
    entry = mitmd.entry(tag, path)
    assert entry.posted() == framed(*(b"ping %d" % i for i in range(20)))
    assert entry.body() == framed(*(b"PING %d" % i for i in range(20)))
    assert grpc_status(entry) == ["0"] and entry.error is None


def test_grpc_error_is_an_answer(mitmd, grpc, tag):
    def method(request, context):
        context.abort(grpc.grpc.StatusCode.NOT_FOUND, "no such thing: \u00e4")
    path = grpc.method("unary_unary", "Fails", method)
    with pytest.raises(grpc.grpc.RpcError) as error:
        grpc.channel(mitmd, tag).unary_unary(path)(b"", timeout=PATIENCE)
    assert error.value.code() == grpc.grpc.StatusCode.NOT_FOUND
    assert error.value.details() == "no such thing: \u00e4"
    entry = mitmd.entry(tag, path)
    assert entry.status == 200 and grpc_status(entry) == ["5"] and entry.error is None


def test_grpc_deadline(mitmd, grpc, tag):
    def method(request, context):
        over = threading.Event()
        context.add_callback(lambda: (ended.put(True), over.set()))
        yield b"first"
        over.wait(PATIENCE)
    ended = queue.Queue()
    path = grpc.method("unary_stream", "Late", method)
    channel = grpc.channel(mitmd, tag)
    unary = grpc.method("unary_unary", "Warm", lambda request, context: request)
    started = time.monotonic()
    for _ in range(5):
        channel.unary_unary(unary)(b"", timeout=PATIENCE)
    # Far longer than a call takes on this machine, now.
    call = channel.unary_stream(path)(b"", timeout=1 + 10 * (time.monotonic() - started))
    assert next(call) == b"first"
    with pytest.raises(grpc.grpc.RpcError) as error:
        next(call)
    assert error.value.code() == grpc.grpc.StatusCode.DEADLINE_EXCEEDED
    assert ended.get(timeout=PATIENCE)
    entry = mitmd.entry(tag, path)
    assert entry.header("request", "grpc-timeout")
    assert entry.body() == framed(b"first")
    # The server looks at the clock, too.
    assert grpc_status(entry) == ["4"] or entry["_aborted"] is True


def test_grpc_cancellation_reaches_the_server(mitmd, grpc, tag):
    def method(requests, context):
        over = threading.Event()
        context.add_callback(lambda: (ended.put(True), over.set()))
        yield b"first"
        over.wait(PATIENCE)
    ended = queue.Queue()
    path = grpc.method("stream_stream", "Cancelled", method)
    channel = grpc.channel(mitmd, tag)
    hold = threading.Event()
    call = channel.stream_stream(path)(iter(hold.wait, None), timeout=PATIENCE)
    assert next(call) == b"first"
    call.cancel()
    hold.set()
    assert ended.get(timeout=PATIENCE)
    entry = mitmd.entry(tag, path)
    assert "client reset the stream" in entry.error and entry["_aborted"] is True
    assert entry.body() == framed(b"first")
    # The channel is as good as before.
    other = grpc.method("unary_unary", "After", lambda request, context: b"fine")
    assert channel.unary_unary(other)(b"", timeout=PATIENCE) == b"fine"


# -- server-sent events and long polls ---------------------------------------------------------
@pytest.mark.parametrize("framing", ["chunked", "close"])
@pytest.mark.parametrize("secure", [True, False])
def test_each_event_passes_at_once(mitmd, start_origin, certs, tag, framing, secure):
    heard = queue.Queue()
    origin = start_origin(certs.leaf("good") if secure else None)
    origin.route("/events", ticker(heard, framing))
    wire = mitmd.secure(origin.authority, tag) if secure else mitmd.tunnel(origin.authority, tag)
    with wire as client:
        client.send(f"GET /events HTTP/1.1\r\nHost: {origin.authority}\r\n"
                    "Accept: text/event-stream\r\n\r\n".encode())
        assert client.read_head().get("Content-Type") == "text/event-stream"
        for event in EVENTS:
            want = chunk(event) if framing == "chunked" else event
            assert client.read(len(want)) == want
            heard.put(event)
        assert client.read(5) == b"0\r\n\r\n" if framing == "chunked" else client.at_end()
    entry = mitmd.entry(tag, "/events")
    assert entry.body() == b"".join(EVENTS)
    assert entry["_resourceType"] == "eventsource" and "_aborted" not in entry


def test_each_event_passes_at_once_over_h2(mitmd, start_h2, tag):
    async def handler(x):
        x.head(headers=[(n.lower(), v) for n, v in SSE])
        for event in EVENTS:
            await x.send(event)
            heard.clear()
            await asyncio.wait_for(heard.wait(), PATIENCE)
        x.end()
    origin = start_h2()
    heard = asyncio.Event()
    origin.route("/events", handler)
    with connect(mitmd, origin, tag) as client:
        stream = client.request("/events")
        for i in range(len(EVENTS)):
            want = b"".join(EVENTS[:i + 1])
            client.until(lambda: len(stream.body) >= len(want) or stream.over)  # pylint: disable=W0640
            assert bytes(stream.body) == want
            origin.do(heard.set)
        stream.finish()
    entry = mitmd.entry(tag, "/events")
    assert entry.body() == b"".join(EVENTS) and entry["_resourceType"] == "eventsource"


def test_curl_sees_each_event(mitmd, start_origin, certs, tag):
    heard = queue.Queue()
    origin = start_origin(certs.leaf("good"))
    origin.route("/events", ticker(heard, "chunked"))
    curl = mitmd.curl(tag)
    process = curl.start("-N", origin.url("/events"))
    for event in EVENTS:
        assert os.read(process.stdout.fileno(), 1000) == event
        heard.put(event)
    assert curl.finish(process).code == 0


@pytest.mark.parametrize("who", ["client", "origin"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_stream_that_breaks_is_recorded_as_far_as_it_came(mitmd, start_origin, start_h2, certs,
                                                            tag, who, version):
    gone = threading.Event()
    if version == 1:
        def handler(x):
            x.head(200, SSE + [("Transfer-Encoding", "chunked")])
            x.raw(chunk(EVENTS[0]) + chunk(EVENTS[1]))
            if who == "origin":
                gone.wait(PATIENCE)
                reset(x.wire.sock)
            else:
                x.wire.read_to_end()
                gone.set()
            x.close = True
        origin = start_origin(certs.leaf("good"))
        origin.route("/events", handler)
        with mitmd.secure(origin.authority, tag) as client:
            client.send(f"GET /events HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode())
            client.read_head()
            client.read(len(chunk(EVENTS[0]) + chunk(EVENTS[1])))
            if who == "origin":
                gone.set()
                client.read_to_end()
    else:
        async def talk(x):
            x.head(headers=[(n.lower(), v) for n, v in SSE])
            await x.send(EVENTS[0] + EVENTS[1])
            if who == "origin":
                await asyncio.get_running_loop().run_in_executor(None, gone.wait, PATIENCE)
                x.cancel(Codes.INTERNAL_ERROR)
            else:
                await x.until_reset()
                gone.set()
        origin = start_h2()
        origin.route("/events", talk)
        with connect(mitmd, origin, tag) as client:
            stream = client.request("/events")
            client.until(lambda: len(stream.body) == len(EVENTS[0] + EVENTS[1]))
            if who == "origin":
                gone.set()
                client.until(lambda: stream.over)
                assert stream.reset == Codes.INTERNAL_ERROR
            else:
                stream.cancel()
                client.ping()
    assert gone.wait(PATIENCE)
    entry = mitmd.entry(tag, "/events")
    assert entry["_aborted"] is True and who in entry.error
    assert entry.body() == EVENTS[0] + EVENTS[1]
    assert "ended early" in entry["response"]["content"]["comment"]


@pytest.mark.parametrize("version", [1, 2])
def test_long_polls(mitmd, start_origin, start_h2, certs, tag, version):
    """The answer waits for something that another request brings."""
    if version == 1:
        news = queue.Queue()
        origin = start_origin(certs.leaf("good"))
        origin.route("/poll", lambda x: x.answer(body=news.get(timeout=PATIENCE)))
        origin.route("/tell", lambda x: (news.put(x.request.body), x.answer(204)))
        with mitmd.secure(origin.authority, tag) as waits, \
                mitmd.secure(origin.authority, tag) as tells:
            for i in range(3):
                waits.send(f"GET /poll HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode())
                origin.wait(lambda: len(origin.requests("/poll")) == i + 1)  # pylint: disable=W0640
                assert tells.ask(f"POST /tell HTTP/1.1\r\nHost: {origin.authority}\r\n"
                                 f"Content-Length: 1\r\n\r\n{i}").status == 204
                assert waits.read_response().body == b"%d" % i
    else:
        async def poll(x):
            await x.answer(body=await asyncio.wait_for(news.get(), PATIENCE))

        async def tell(x):
            await news.put(await x.all())
            await x.answer(204)
        news = asyncio.Queue()
        origin = start_h2()
        origin.route("/poll", poll)
        origin.route("/tell", tell)
        with connect(mitmd, origin, tag) as client:
            for i in range(3):
                waiting = client.request("/poll")
                assert client.request("/tell", "POST", body=b"%d" % i).finish().status == 204
                assert bytes(waiting.finish().body) == b"%d" % i
    har = mitmd.har(tag, lambda har: len(har) == 6)
    assert sorted(e.body() for e in har.find("/poll")) == [b"0", b"1", b"2"]
    assert all(e["timings"]["wait"] > 0 for e in har.find("/poll"))
