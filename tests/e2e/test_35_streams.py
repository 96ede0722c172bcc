# SPDX-License-Identifier: ISC
"""What stays open: WebSockets, gRPC, server-sent events, long polls; and HTTP/2 without TLS.

Nothing here sleeps: each side sends the next piece when it has heard of the one before,
so that a proxy that holds anything back stands still.
"""
import asyncio
import base64
import concurrent.futures
import contextlib
import os
import queue
import signal
import socket
import ssl
import threading
import time
import zlib

import pytest

from env import ws
from env.h2_peer import Client2, Codes, Origin2, Settings, connect, plain
from env.origin import Origin, pattern
from env.wire import basic

PATIENCE = 20
RFC8441 = {Settings.ENABLE_CONNECT_PROTOCOL: 1}


@pytest.fixture
def start_ws(certs):
    made = []

    def start(talk, secure=True, more=""):
        made.append(ws.WsOrigin(certs.leaf("good") if secure else None, talk, more))
        return made[-1]
    yield start
    for origin in made:
        origin.close()


@pytest.fixture
def start_h2(certs):
    made = []

    def start(secure=True, **more):
        made.append(Origin2(certs.leaf("good") if secure else None, **more))
        return made[-1]
    yield start
    for origin in made:
        origin.close()
    trouble = [t for o in made for c in o.connections for t in c.trouble]
    assert not trouble, trouble


def one(mitmd, tag, path, until=lambda e: True):
    """The entry that ends in path, once it is as wanted."""
    return mitmd.har(tag, lambda har: har.find(path) and until(har.find(path)[-1])).one(path)


# -- WebSocket over HTTP/1: bytes ---------------------------------------------------------
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
    assert one(mitmd, tag, "/ws").status == 101


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
    entry = one(mitmd, tag, "/ws?a=b")
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
    entry = one(mitmd, tag, "/plain")
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
    assert ws.messages([one(mitmd, tag, "/early")]) == [
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
    entry = one(mitmd, tag, "/ws")
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
    entry = one(mitmd, tag, "/ws")
    assert "origin reset" in entry.error and entry["_aborted"] is True
    assert ws.messages([entry]) == [("receive", 1, "whole"), ("receive", 1, "half")]
    assert [m.get("_incomplete") for m in entry["_webSocketMessages"]] == [None, True]


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    socket.socket.close(sock)


def test_a_client_that_is_gone(mitmd, start_ws, tag):
    def talk(wire):
        wire.send(ws.text("news"))
        seen.put(wire.read_to_end())
    seen = queue.Queue()
    origin = start_ws(talk)
    with ws.open_on(mitmd.secure(origin.authority, tag), origin) as client:
        client.read(6)
    assert seen.get(timeout=PATIENCE) == b""
    entry = one(mitmd, tag, "/ws")
    assert "without a Close frame" in entry.error and entry["_aborted"] is True
    assert ws.messages([entry]) == [("receive", 1, "news")]


def test_two_megabytes_both_ways_at_once(mitmd, start_ws, tag):
    """Neither side reads before it has written: the proxy has to take turns."""
    body = pattern(2 << 20)

    def talk(wire):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sent = pool.submit(wire.send, ws.frame(ws.FIN | ws.BINARY, body))
            seen.put(wire.read(len(ours)))
            sent.result(PATIENCE)
        wire.read_to_end()
    seen = queue.Queue()
    origin = start_ws(talk)
    ours = ws.frame(ws.FIN | ws.BINARY, body, True)
    with ws.open_on(mitmd.tunnel(origin.authority, tag).start_tls(mitmd.context(), "localhost"),
                    origin) as client:
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


# -- WebSocket over HTTP/1: recordings ------------------------------------------------------
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
    entry = one(mitmd, tag, "/ws") if end == "drain" else None
    if entry is None:
        from env.har import Har  # pylint: disable=import-outside-toplevel
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
    entry = one(mitmd, tag, "/ws")
    assert "too large" in entry["_webSocketBroken"]


def spent(pid):
    """Seconds of processor time."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


# -- WebSocket over HTTP/1: a real library ---------------------------------------------------
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
    entry = one(mitmd, tag, "/library")
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
    entry = one(mitmd, tag, "/library")
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


# -- WebSocket over HTTP/2 --------------------------------------------------------------------
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
    entry = one(mitmd, tag, "/ws")
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
    entry = one(mitmd, tag, "/ws")
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
    entry = one(mitmd, tag, path)
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
    entry = one(mitmd, tag, path)
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
    entry = one(mitmd, tag, path)
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
    assert one(mitmd, tag, path).posted() == framed(*(b"x" * i for i in range(5)))


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
    entry = one(mitmd, tag, path)
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
    entry = one(mitmd, tag, path)
    assert entry.status == 200 and grpc_status(entry) == ["5"] and entry.error is None


def test_grpc_deadline(mitmd, grpc, tag):
    def method(request, context):
        over = threading.Event()
        context.add_callback(lambda: (ended.put(True), over.set()))
        yield b"first"
        over.wait(PATIENCE)
    ended = queue.Queue()
    path = grpc.method("unary_stream", "Late", method)
    call = grpc.channel(mitmd, tag).unary_stream(path)(b"", timeout=1)
    assert next(call) == b"first"
    with pytest.raises(grpc.grpc.RpcError) as error:
        next(call)
    assert error.value.code() == grpc.grpc.StatusCode.DEADLINE_EXCEEDED
    assert ended.get(timeout=PATIENCE)
    entry = one(mitmd, tag, path)
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
    entry = one(mitmd, tag, path)
    assert "client reset the stream" in entry.error and entry["_aborted"] is True
    assert entry.body() == framed(b"first")
    # The channel is as good as before.
    other = grpc.method("unary_unary", "After", lambda request, context: b"fine")
    assert channel.unary_unary(other)(b"", timeout=PATIENCE) == b"fine"


# -- server-sent events and long polls ------------------------------------------------------------
EVENTS = [b"event: tick\ndata: %d\n\n" % i for i in range(5)]
SSE = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")]


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def ticker(heard, framing):
    """An h1 handler that sends an event when the client has told of the one before."""
    def handler(x):
        x.head(200, SSE + ([("Transfer-Encoding", "chunked")] if framing == "chunked" else
                           [("Connection", "close")]))
        for event in EVENTS:
            x.raw(chunk(event) if framing == "chunked" else event)
            assert heard.get(timeout=PATIENCE) == event
        if framing == "chunked":
            x.raw(b"0\r\n\r\n")
        x.close = framing != "chunked"
    return handler


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
    entry = one(mitmd, tag, "/events")
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
    entry = one(mitmd, tag, "/events")
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
    entry = one(mitmd, tag, "/events")
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


# -- HTTP/2 without TLS -----------------------------------------------------------------------------
def test_prior_knowledge_inside_a_connect(mitmd, start_h2, tag):
    origin = start_h2(secure=False)
    body = pattern(300000)
    curl = mitmd.curl(tag)
    got = curl.ok("-p", "--http2-prior-knowledge", "--data-binary", "@-",
                  origin.url("/echo"), data=body)
    assert got.facts["http_version"] == "2"
    assert b'"length": 300000' in got.body
    entry = one(mitmd, tag, "/echo")
    assert entry.url == origin.url("/echo") and entry.posted() == body
    assert entry["response"]["httpVersion"] == "HTTP/2"


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
    assert one(mitmd, tag, "/ws").url == f"ws://{origin.authority}/ws"


FIRST = b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"	# SETTINGS


@pytest.mark.parametrize("said", [b"\1hello", b"GET / HTTP/1.1\r\n\r\n", b"\x16\3\1\0\1\0"])
def test_what_only_looks_like_h2_is_a_tunnel(mitmd, start_origin, tag, said):
    """The origin's first bytes wait until the client has spoken, no longer."""
    origin = start_origin(script=lambda wire: (wire.send(FIRST), spoken.set(),
                                               wire.send(wire.read(len(said))[::-1])))
    spoken = threading.Event()
    with mitmd.tunnel(origin.authority, tag) as client:
        assert spoken.wait(PATIENCE)
        client.send(said)
        assert client.read_to_end() == FIRST + said[::-1]
    assert one(mitmd, tag, "/")["_tunnel"]["bytesReceived"] == len(FIRST + said)


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
    entry = one(mitmd, tag, "/hello?x=1")
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
    assert one(mitmd, tag, "/echo").posted() == body


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
    assert one(mitmd, tag, "/hello").error


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
    entry = one(mitmd, tag, "/cut")
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
    assert "client reset" in one(mitmd, tag, "/slow").error


def test_a_client_that_leaves_while_its_origin_is_dialled(start_mitmd):
    """192.0.2.0/24 is for documentation: with or without a route, nobody is there."""
    mitmd = start_mitmd({"workers": 1})
    for _ in range(3):
        with Client2(mitmd.dial(), "192.0.2.1") as client:
            streams = [asks(client) for _ in range(5)]
            streams[0].cancel()
            client.ping()
    assert mitmd.curl().run(f"http://{mitmd.proxy}/").status == 403	# it lives


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
        go_on.set()
        assert bytes(stream.finish().body) == b"done"
    assert one(mitmd, tag, "/slow").status == 200


def test_stopping_records_what_is_under_way_on_the_proxy_hop(own_mitmd, origin, tag):
    mitmd = own_mitmd({"stop_timeout": "500ms"})
    origin.route("/stuck", lambda x: (x.head(200, [("Content-Length", "10")]), x.raw(b"half"),
                                      x.wire.read_to_end()))
    from env.har import Har  # pylint: disable=import-outside-toplevel
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
