# SPDX-License-Identifier: ISC
"""WebSockets over HTTP/1 and HTTP/2: their bytes, and what is recorded of them.

Nothing here sleeps: each side sends the next piece when it has heard of the one before,
so that a proxy that holds anything back stands still.
"""
import asyncio
import base64
import concurrent.futures
import contextlib
import os
import queue
import re
import signal
import socket
import ssl
import threading
import time
import zlib

import pytest

from env import ws
from env.h2_peer import Client2, Codes, Settings, connect
from env.har import Har
from env.origin import pattern
from env.wire import TIMEOUT as PATIENCE, basic, reset

RFC8441 = {Settings.ENABLE_CONNECT_PROTOCOL: 1}


def entry_of(mitmd, tag, url):
    """Of one that has ended: a flush before that would make two entries of it."""
    mitmd.wait_log(rf"flow {re.escape(tag)} \S+ \S+ \S*{re.escape(url)}: ")
    return mitmd.entry(tag, url)


@pytest.fixture
def start_ws(certs):
    made = []

    def start(talk, secure=True, more=""):
        made.append(ws.WsOrigin(certs.leaf("good") if secure else None, talk, more))
        return made[-1]
    yield start
    for origin in made:
        origin.close()


# -- WebSocket over HTTP/1: bytes --------------------------------------------------------------
def test_frames_pass_at_once_and_untouched(mitmd, start_ws, tag):
    """Half a frame is worth passing on, and a frame of five bytes is not waited with."""
    def talk(wire):
        while True:
            wire.send(wire.read(1)[::-1])
    origin = start_ws(talk)
    sent = (ws.text("hello", True) + ws.frame(ws.FIN | ws.PING, b"?", True)
            + ws.close(1000, "done", True))
    with ws.open_on(mitmd.secure(origin.authority, tag), origin) as client:
        for byte in sent:
            client.send(bytes([byte]))
            assert client.read(1) == bytes([byte])
    assert entry_of(mitmd, tag, "/ws").status == 101


def test_the_entry_of_a_ws(mitmd, start_ws, tag):
    def talk(wire):
        wire.read(len(sent))
        wire.send(ws.text("back") + ws.frame(ws.FIN | ws.BINARY, b"\0\xff"))
        assert wire.read(len(bye)) == bye
        wire.send(ws.close(1001, "gone"))
    sent = (ws.frame(ws.TEXT, "spl\u00e4t".encode()[:4], True)
            + ws.frame(ws.FIN | ws.PING, b"", True)
            + ws.frame(ws.FIN, "spl\u00e4t".encode()[4:], True))
    bye = ws.close(1001, "bye", True)
    origin = start_ws(talk)
    before = time.time()
    with ws.open_on(mitmd.secure(origin.authority, tag), origin, "/ws?a=b") as client:
        client.send(sent)
        client.read(6 + 4)
        client.send(bye)
        assert client.read(8) == ws.close(1001, "gone") and client.at_end()
    entry = entry_of(mitmd, tag, "/ws?a=b")
    assert entry.url == f"wss://{origin.authority}/ws?a=b"
    assert (entry["request"]["method"], entry.status) == ("GET", 101)
    assert entry["_resourceType"] == "websocket"
    assert ws.messages([entry]) == [
        ("send", 9, ""), ("send", 1, "spl\u00e4t"), ("receive", 1, "back"),
        ("receive", 2, base64.b64encode(b"\0\xff").decode())]
    assert entry["_webSocketClose"] == {"code": 1001, "reason": "bye", "by": "client"}
    times = [m["time"] for m in entry["_webSocketMessages"]]
    assert times == sorted(times) and before - 1 < times[0] <= times[-1] < time.time() + 1
    assert all(set(m) == {"type", "time", "opcode", "data"} for m in entry["_webSocketMessages"])
    assert entry["response"]["_transferSize"] > entry["response"]["headersSize"]
    assert entry.error is None and "_aborted" not in entry and "_webSocketPiece" not in entry
    assert entry["time"] > 0 and "_tls" in entry


@pytest.mark.parametrize("way", ["absolute", "tunnel"])
def test_ws_without_tls(mitmd, start_ws, tag, way):
    origin = start_ws(lambda wire: wire.send(wire.read(11)), secure=False)
    if way == "absolute":
        wire, target = mitmd.dial(), f"http://{origin.authority}/plain"
    else:
        wire, target = mitmd.tunnel(origin.authority, tag), "/plain"
    more = f"Proxy-Authorization: {basic(tag)}\r\n" if way == "absolute" else ""
    with ws.open_on(wire, origin, target=target, more=more) as client:
        client.send(ws.text("hello", True))
        client.read(11)
    assert not origin.asked.all("Proxy-Authorization")
    entry = entry_of(mitmd, tag, "/plain")
    assert entry.url == f"ws://{origin.authority}/plain"
    assert ws.messages([entry])[0] == ("send", 1, "hello")


def test_bytes_behind_the_handshakes_are_not_lost(mitmd, start_ws, tag):
    """Either side may speak with its handshake."""
    early = ws.text("early", True)
    origin = start_ws(lambda wire: wire.send(wire.read(len(early))))
    head = ws.upgrade("/early", origin.authority).encode()
    with mitmd.secure(origin.authority, tag) as client:
        client.send(head + early)
        assert client.read_head().status == 101
        assert client.read(len(early)) == early
    assert ws.messages([entry_of(mitmd, tag, "/early")]) == [
        ("send", 1, "early"), ("receive", 1, "early")]


def test_a_refused_handshake_is_an_exchange(mitmd, secure_origin, tag):
    with mitmd.secure(secure_origin.authority, tag) as client:
        assert client.ask(ws.upgrade("/status/403", secure_origin.authority)).status == 403
        assert client.ask(ws.upgrade("/hello", secure_origin.authority)).body == b"hello\n"
    har = mitmd.har(tag, lambda har: len(har) == 2)
    assert not any("_webSocketMessages" in e for e in har.entries)


@pytest.mark.parametrize("broken", [b"\xf1\x00", b"\x83\x01x", b"\x80\x00", b"not a frame at all"])
def test_what_is_no_frame_passes_too(mitmd, start_ws, tag, broken):
    """Watching ends, not the connection."""
    good = ws.text("good", True)

    def talk(wire):
        wire.send(broken + wire.read(len(good + broken)))
        wire.read_to_end()
    origin = start_ws(talk)
    with ws.open_on(mitmd.secure(origin.authority, tag), origin) as client:
        client.send(good + broken)
        assert client.read(len(broken)) == broken
        assert client.read(len(good + broken)) == good + broken
    entry = entry_of(mitmd, tag, "/ws")
    assert ws.messages([entry])[0] == ("send", 1, "good")
    assert entry["_webSocketBroken"]


def test_an_origin_that_resets_half_way(mitmd, start_ws, tag):
    def talk(wire):
        wire.send(ws.text("whole") + ws.frame(ws.TEXT, b"half"))
        wire.read(1)
        reset(wire.sock)
    origin = start_ws(talk)
    with ws.open_on(mitmd.secure(origin.authority, tag), origin) as client:
        client.read(7 + 6)
        client.send(b"!")
        assert client.read_to_end() == b""
    entry = entry_of(mitmd, tag, "/ws")
    assert "origin reset" in entry.error and entry["_aborted"] is True
    assert ws.messages([entry]) == [("receive", 1, "whole"), ("receive", 1, "half")]
    assert [m.get("_incomplete") for m in entry["_webSocketMessages"]] == [None, True]


def test_a_client_that_is_gone(mitmd, start_ws, tag):
    def talk(wire):
        wire.send(ws.text("news"))
        seen.put(wire.read_to_end())
    seen = queue.Queue()
    origin = start_ws(talk)
    with ws.open_on(mitmd.secure(origin.authority, tag), origin) as client:
        client.read(6)
    assert seen.get(timeout=PATIENCE) == b""
    entry = entry_of(mitmd, tag, "/ws")
    assert "without a Close frame" in entry.error and entry["_aborted"] is True
    assert ws.messages([entry]) == [("receive", 1, "news")]


def test_two_megabytes_both_ways_at_once(mitmd, start_ws, tag):
    """Without TLS: Python's cannot be read and written by two threads at a time."""
    body = pattern(2 << 20)

    def talk(wire):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sent = pool.submit(wire.send, ws.frame(ws.FIN | ws.BINARY, body))
            seen.put(wire.read(len(ours)))
            sent.result(PATIENCE)
        wire.read_to_end()
    seen = queue.Queue()
    origin = start_ws(talk, secure=False)
    ours = ws.frame(ws.FIN | ws.BINARY, body, True)
    with ws.open_on(mitmd.tunnel(origin.authority, tag), origin) as client:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sent = pool.submit(client.send, ours)
            got = client.read(10 + len(body))
            sent.result(PATIENCE)
        client.send(ws.close(masked=True))
    assert got == ws.frame(ws.FIN | ws.BINARY, body) and seen.get(timeout=PATIENCE) == ours
    har = mitmd.har(tag, lambda har: "_webSocketMore" not in har.find("/ws")[-1])
    both = [m for e in har.find("/ws") for m in e["_webSocketMessages"]]
    assert sorted(m["type"] for m in both) == ["receive", "send"]
    for m in both:
        assert m["_truncated"] == len(body)
        kept = base64.b64decode(m["data"])
        assert body.startswith(kept) and len(kept) == 512 << 10
    assert all(e["_truncated"] is True for e in har.find("/ws") if e["_webSocketMessages"])


def test_a_reader_that_stops_stops_the_writer(mitmd, start_ws):
    """Back-pressure: what is not read does not pile up in between."""
    def talk(wire):
        wire.sock.settimeout(1)
        n = 0
        with contextlib.suppress(socket.timeout):
            while n < 64 << 20:
                n += wire.sock.send(b"\x82\x7f" + (1 << 40).to_bytes(8, "big") if n == 0
                                    else bytes(65536))
        written.put(n)
    written = queue.Queue()
    origin = start_ws(talk, secure=False)
    with ws.open_on(mitmd.tunnel(origin.authority), origin):
        assert written.get(timeout=PATIENCE) < 32 << 20


# -- WebSocket over HTTP/1: recordings ---------------------------------------------------------
def test_an_open_ws_is_recorded_in_pieces(own_mitmd, start_ws, tag):
    """Also what a killed worker had passed is there, up to the last piece."""
    def talk(wire):
        for _ in range(9):
            wire.send(ws.frame(ws.FIN | ws.BINARY, pattern(65536)))
        wire.read_to_end()
    mitmd = own_mitmd({"workers": 1})
    origin = start_ws(talk)
    with ws.open_on(mitmd.secure(origin.authority, tag), origin) as client:
        client.read(9 * (10 + 65536))
        entries = mitmd.har(tag, lambda har: len(har) == 3).find("/ws")
        os.kill(mitmd.pids("worker")[0], signal.SIGKILL)
        client.read_to_end()
    assert [e["_webSocketPiece"] for e in entries] == [1, 2, 3]
    assert all(e["_webSocketMore"] is True for e in entries)
    assert len({e["_connectionId"] for e in entries}) == 1
    assert len(ws.messages(entries)) == 9
    chains = [e["_tls"]["origin"]["chain"][0][:5] for e in entries]
    assert chains[0] == "-----" and chains[1] == "sha25"


@pytest.mark.parametrize("end", ["stop", "drain"])
def test_an_open_ws_is_recorded_at_the_end(own_mitmd, start_ws, tag, end):
    def talk(wire):
        wire.send(ws.text("still here"))
        wire.read_to_end()
    mitmd = own_mitmd({"stop_timeout": "1s", "drain_timeout": "1s"})
    origin = start_ws(talk)
    with ws.open_on(mitmd.secure(origin.authority, tag), origin) as client:
        client.read(12)
        if end == "stop":
            assert mitmd.stop() == 0
            client.read_to_end()
        else:
            mitmd.tell(signal.SIGHUP)
            client.read_to_end()
    entry = entry_of(mitmd, tag, "/ws") if end == "drain" else None
    if entry is None:
            entry = Har(mitmd.files(tag)).one("/ws")
    assert entry.error == {"stop": "stopped", "drain": "drain"}[end]
    assert entry["_aborted"] is True
    assert ws.messages([entry]) == [("receive", 1, "still here")]


def test_a_deflate_bomb_is_passed_and_not_inflated(own_mitmd, start_ws, tag):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(256)) + packer.flush(zlib.Z_SYNC_FLUSH)
    wire_bytes = ws.frame(ws.FIN | ws.RSV1 | ws.BINARY, bomb[:-4])

    def talk(wire):
        wire.send(wire_bytes + ws.text("behind"))
        wire.read_to_end()
    mitmd = own_mitmd({"workers": 1})
    origin = start_ws(talk, more="Sec-WebSocket-Extensions: permessage-deflate\r\n")
    worker = mitmd.pids("worker")[0]
    with ws.open_on(mitmd.secure(origin.authority, tag), origin) as client:
        before = spent(worker)
        assert client.read(len(wire_bytes)) == wire_bytes
        client.read(8)
        assert spent(worker) - before < 1 and mitmd.memory(worker) < 48 << 20
    entry = entry_of(mitmd, tag, "/ws")
    assert "too large" in entry["_webSocketBroken"]


def spent(pid):
    """Seconds of processor time."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


# -- WebSocket over HTTP/1: a real library -----------------------------------------------------
class Library:
    """python3-websockets as an origin, in a loop of its own."""

    def __init__(self, cert, handler, **more):
        websockets = pytest.importorskip("websockets")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert.chain, cert.key)
        self.loop = asyncio.new_event_loop()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.authority = f"localhost:{self.port}"
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

        async def begin():
            return await websockets.serve(handler, sock=self.listener, ssl=context,
                                          max_size=8 << 20, **more)
        self.server = self.do(begin())

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def talk(self, mitmd, tag, conversation, **more):
        """conversation(socket) of a client through mitmd."""
        import websockets  # pylint: disable=import-outside-toplevel
        wire = mitmd.tunnel(self.authority, tag)
        wire.sock.setblocking(False)

        async def client():
            async with websockets.connect(
                    f"wss://{self.authority}/library", sock=wire.sock, max_size=8 << 20,
                    ssl=mitmd.context(None), server_hostname="localhost", **more) as socket_:
                return await asyncio.wait_for(conversation(socket_), PATIENCE)
        return self.do(client())

    def close(self):
        async def end():
            self.server.close()
            await self.server.wait_closed()
        self.do(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop.close()


@pytest.fixture
def start_library(certs):
    made = []

    def start(handler, **more):
        made.append(Library(certs.leaf("good"), handler, **more))
        return made[-1]
    yield start
    for library in made:
        library.close()


async def parrot(socket_):
    async for message in socket_:
        await socket_.send(message)


@pytest.mark.parametrize("compression", ["deflate", None])
def test_library_talk(mitmd, start_library, tag, compression):
    said = ["plain", "w\u00fcrdig \u20ac \U0001f600", "", b"\0\1\2", b"", "x" * 100000,
            "again and again " * 50, "again and again " * 50]

    async def conversation(socket_):
        for message in said:
            await socket_.send(message)
            assert await socket_.recv() == message
        await socket_.send(["in ", "three ", "fragments"])
        assert await socket_.recv() == "in three fragments"
        await (await socket_.ping(b"ping"))
        await socket_.close(4321, "enough")
    library = start_library(parrot, compression=compression)
    library.talk(mitmd, tag, conversation, compression=compression)
    entry = entry_of(mitmd, tag, "/library")
    extensions = entry.header("response", "Sec-WebSocket-Extensions")
    assert bool(extensions) == (compression is not None)
    seen = ws.messages([entry])
    for side in ("send", "receive"):
        data = [d if o == 1 else base64.b64decode(d) for t, o, d in seen
                if t == side and o in (1, 2)]
        assert data == [*said, "in three fragments"]
    assert ("send", 9, "ping") in seen and ("receive", 10, "ping") in seen
    assert entry["_webSocketClose"] == {"code": 4321, "reason": "enough", "by": "client"}
    assert entry.error is None and "_webSocketBroken" not in entry


@pytest.mark.parametrize("server,client", [
    ({"server_no_context_takeover": True}, {}), ({}, {"client_no_context_takeover": True}),
    ({"server_max_window_bits": 9, "client_max_window_bits": 10}, {}),
    ({"server_no_context_takeover": True, "client_no_context_takeover": True}, {})])
def test_library_deflate_parameters(mitmd, start_library, tag, server, client):
    from websockets.extensions import permessage_deflate as pmd  # pylint: disable=import-outside-toplevel
    text = "the same words, as often as you like; " * 40

    async def conversation(socket_):
        for _ in range(4):
            await socket_.send(text)
            assert await socket_.recv() == text
    library = start_library(parrot, compression=None, extensions=[
        pmd.ServerPerMessageDeflateFactory(**server)])
    library.talk(mitmd, tag, conversation, compression=None, extensions=[
        pmd.ClientPerMessageDeflateFactory(**{"client_max_window_bits": True, **client})])
    entry = entry_of(mitmd, tag, "/library")
    assert "permessage-deflate" in entry.header("response", "Sec-WebSocket-Extensions")[0]
    assert [d for _, o, d in ws.messages([entry]) if o == 1] == [text] * 8
    assert "_webSocketBroken" not in entry


def test_library_large_messages(mitmd, start_library, tag):
    body = pattern(2 << 20)

    async def conversation(socket_):
        for _ in range(2):
            await socket_.send(body)
            assert await socket_.recv() == body
    start_library(parrot).talk(mitmd, tag, conversation)
    har = mitmd.har(tag, lambda har: "_webSocketMore" not in har.find("/library")[-1])
    assert [m["_truncated"] for e in har.find("/library") for m in e["_webSocketMessages"]
            if m["opcode"] == 2] == [len(body)] * 4


# -- WebSocket over HTTP/2 ---------------------------------------------------------------------
WS_FIELDS = [(":protocol", "websocket"), ("sec-websocket-version", "13"),
             ("origin", "https://localhost")]


def offered(client):
    return client.h2.remote_settings.get(Settings.ENABLE_CONNECT_PROTOCOL) == 1


def open_h2_ws(client, path="/ws"):
    client.until(lambda: offered(client))
    stream = client.request(path, "CONNECT", WS_FIELDS, end=False)
    client.until(lambda: stream.headers or stream.over)
    return stream


def test_ws_is_offered_only_where_the_origin_has_it(mitmd, start_h2):
    with connect(mitmd, start_h2(settings=RFC8441)) as client:
        client.get()
        assert offered(client)
    with connect(mitmd, start_h2()) as client:
        client.get()
        client.ping()
        assert not offered(client)


def test_ws_over_h2(mitmd, start_h2, tag):
    async def talk(x):
        x.head(headers=[("sec-websocket-protocol", "chat")])
        while data := await x.read():
            await x.send(ws.text(f"{len(data)} bytes"))
        x.end()
    origin = start_h2(settings=RFC8441)
    origin.route("/ws", talk)
    with connect(mitmd, origin, tag) as client:
        stream = open_h2_ws(client)
        assert stream.get("sec-websocket-protocol") == "chat"
        for i in range(1, 6):
            sent = ws.frame(ws.FIN | ws.TEXT, b"x" * i, True)
            stream.upload(sent, end=False)
            want = ws.text(f"{len(sent)} bytes")
            client.until(lambda: stream.body.endswith(want) or stream.over)  # pylint: disable=W0640
        assert client.get().status == 200	# beside it
        stream.upload(ws.close(1000, "", True), end=True)
        stream.finish()
    asked = origin.requests("/ws")[0]
    assert (asked.method, asked.get(":protocol")) == ("CONNECT", "websocket")
    assert asked.get("origin") == "https://localhost" and asked.get(":scheme") == "https"
    entry = entry_of(mitmd, tag, "/ws")
    assert entry.url == f"wss://{origin.authority}/ws"
    assert (entry["request"]["method"], entry.status) == ("CONNECT", 200)
    assert entry["request"]["httpVersion"] == entry["response"]["httpVersion"] == "HTTP/2"
    assert entry["_resourceType"] == "websocket"
    seen = ws.messages([entry])
    assert [m for m in seen if m[0] == "send"] == [("send", 1, "x" * i) for i in range(1, 6)]
    assert seen[:2] == [("send", 1, "x"), ("receive", 1, "7 bytes")]
    assert entry["_webSocketClose"]["code"] == 1000 and entry.error is None


def test_ws_over_h2_deflated_and_large(mitmd, start_h2, tag):
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    sent = b"".join(ws.frame(ws.FIN | ws.RSV1 | ws.TEXT, (
        packer.compress(b"same again") + packer.flush(zlib.Z_SYNC_FLUSH))[:-4], True)
        for _ in range(3))
    large = ws.frame(ws.FIN | ws.BINARY, pattern(2 << 20))

    async def talk(x):
        x.head(headers=[("sec-websocket-extensions", "permessage-deflate")])
        await x.send(large)
        await x.all()
        await x.send(bytes(x.body), end=True)
    origin = start_h2(settings=RFC8441)
    origin.route("/ws", talk)
    with connect(mitmd, origin, tag) as client:
        stream = open_h2_ws(client)
        stream.upload(large + sent, end=True)
        stream.finish()
        assert bytes(stream.body) == large + large + sent
    har = mitmd.har(tag, lambda har: "_webSocketMore" not in har.find("/ws")[-1])
    seen = ws.messages(har.find("/ws"))
    for side in ("send", "receive"):
        assert [d for t, o, d in seen if t == side and o == 1] == ["same again"] * 3


@pytest.mark.parametrize("who", ["origin", "client"])
def test_ws_over_h2_is_given_up(mitmd, start_h2, tag, who):
    async def talk(x):
        x.head()
        await x.send(ws.text("whole") + ws.frame(ws.TEXT, b"half"))
        if who == "client":
            given.put(await x.until_reset())
        else:
            await x.read()
            x.cancel(Codes.CANCEL)
    given = queue.Queue()
    origin = start_h2(settings=RFC8441)
    origin.route("/ws", talk)
    with connect(mitmd, origin, tag) as client:
        stream = open_h2_ws(client)
        client.until(lambda: len(stream.body) == 13)
        if who == "client":
            stream.cancel()
            assert given.get(timeout=PATIENCE) == Codes.CANCEL
        else:
            stream.upload(ws.text("go", True), end=False)
            client.until(lambda: stream.over)
            assert stream.reset == Codes.CANCEL
        assert client.get().status == 200
    entry = entry_of(mitmd, tag, "/ws")
    assert f"{who} reset the stream" in entry.error and entry["_aborted"] is True
    assert ws.messages([entry])[:2] == [("receive", 1, "whole")] + (
        [("receive", 1, "half")] if who == "client" else [("send", 1, "go")])


def test_ws_over_h2_without_the_offer(mitmd, start_h2):
    """A client that does not ask first loses its stream, and only that."""
    origin = start_h2()
    with connect(mitmd, origin) as client:
        client.get()
        stream = client.request("/ws", "CONNECT", WS_FIELDS, end=False)
        client.until(lambda: stream.over)
        assert stream.reset == Codes.PROTOCOL_ERROR
        assert client.get().status == 200
    assert not origin.requests("/ws")


def test_a_refused_ws_over_h2_is_an_exchange(mitmd, start_h2, tag):
    origin = start_h2(settings=RFC8441)
    origin.route("/ws", lambda x: x.answer(403, body=b"no"))
    with connect(mitmd, origin, tag) as client:
        stream = open_h2_ws(client)
        client.until(lambda: stream.over)
        assert (stream.status, bytes(stream.body)) == (403, b"no")
    entry = mitmd.har(tag, lambda har: har.find("/ws")).one("/ws")
    assert entry.body() == b"no" and "_webSocketMessages" not in entry


def test_ws_over_h2_without_tls(mitmd, start_h2, tag):
    async def talk(x):
        x.head()
        await x.send(ws.text("hi"))
        await x.all()
        x.end()
    origin = start_h2(secure=False, settings=RFC8441)
    origin.route("/ws", talk)
    with Client2(mitmd.tunnel(origin.authority, tag), origin.authority) as client:
        client.until(lambda: offered(client))
        stream = client.request("/ws", "CONNECT", WS_FIELDS, end=False, scheme="http")
        client.until(lambda: len(stream.body) == 4)
        stream.upload(ws.close(masked=True), end=True)
        stream.finish()
    assert entry_of(mitmd, tag, "/ws").url == f"ws://{origin.authority}/ws"
