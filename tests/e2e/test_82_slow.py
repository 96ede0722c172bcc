# SPDX-License-Identifier: ISC
"""
Peers that move a byte now and then: they are ended, whoever has nothing to say is not, and
others are served by the same worker meanwhile.
"""
import contextlib
import pathlib
import queue
import socket
import ssl
import threading

import pytest

from env.h2_frames import DATA, END_STREAM, HEADERS, RST, Frames, frame, window
from env.h2_peer import connect
from env.metrics import Metrics
from env.mitmd import PATIENCE, wait_for
from env.wire import Closed, Wire, basic

MIB = 1 << 20
STEP = 0.05			# between two bytes: the rate that is tested
IDLE = 1.2			# seconds; STEP is far below, and a byte each STEP below the floor
TIMEOUTS = {"timeouts": {"header": "700ms", "handshake": "700ms", "sniff": "700ms",
                         "idle": f"{int(IDLE * 1000)}ms"}}
LONG = int(4 * IDLE / STEP)	# steps of one who must not be ended
GONE = (OSError, Closed, ssl.SSLError)
CLIENT_READS = "timeout: client took less than 64 bytes a second"
CLIENT_SENDS = "timeout: client sent less than 64 bytes a second"
ORIGIN_READS = "timeout: origin took less than 64 bytes a second"


@pytest.fixture(scope="module")
def slow(start_mitmd):
    """One worker, so that it is the same one for all; `large` does not fit into any buffer."""
    return start_mitmd({**TIMEOUTS, "workers": 1, "ignore_hosts": ["127.0.0.2"],
                        "capture": {"max_body": "64K"}})


def timeouts(mitmd, side, kind):
    with mitmd.dial() as client:
        text = client.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").body.decode()
    return Metrics(text).value("mitmd_timeouts_total", side=side, kind=kind)


def fds(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


class Drip(threading.Thread):
    """step() every now and then, until it fails or is told to end."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self.step = step
        self.over = threading.Event()
        self.steps = 0

    def run(self):
        with contextlib.suppress(*GONE):
            while not self.over.wait(STEP):
                self.step()
                self.steps += 1
        self.over.set()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.join(PATIENCE)
        assert not self.is_alive()


@contextlib.contextmanager
def counted(mitmd, origin, side, kind):
    """Others are served, the end is counted, and nothing is left behind."""
    (worker,) = mitmd.pids("worker")
    mitmd.curl().ok(origin.url())
    before, base = timeouts(mitmd, side, kind), fds(worker)
    yield lambda: mitmd.curl().ok(origin.url())
    mitmd.curl().ok(origin.url())
    wait_for(lambda: timeouts(mitmd, side, kind) > before, f"a timeout of {side}: {kind}")
    wait_for(lambda: fds(worker) <= base + 1, "the descriptors to come back")
    assert mitmd.pids("worker") == [worker]


def narrow(mitmd):
    """A client whose kernel takes little for it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(PATIENCE)
    sock.connect((mitmd.host, mitmd.port))
    return Wire(sock)


def endless(x):
    """A body that fits into no buffer."""
    x.head(200, [("Content-Length", 1 << 34)])
    with contextlib.suppress(*GONE):
        while True:
            x.raw(bytes(MIB))


def drink(wire):
    """A byte, or none where none has come; what was sent before an end does not hide it."""
    wire.sock.settimeout(STEP)
    try:
        if not wire.sock.recv(1):
            raise Closed(b"")
    except socket.timeout:
        pass


def ask(origin, path, tag, method="GET", more="", absolute=True):
    target = origin.url(path) if absolute else path
    who = f"Proxy-Authorization: {basic(tag)}\r\n" if absolute else ""
    return f"{method} {target} HTTP/1.1\r\nHost: {origin.authority}\r\n{who}{more}\r\n".encode()


# -- readers -----------------------------------------------------------------------------------
def test_a_reader_that_trickles(slow, origin, tag):
    origin.route("/endless", endless)
    with counted(slow, origin, "client", "slow_read") as others, narrow(slow) as client:
        client.send(ask(origin, "/endless", tag))
        client.read(100)
        with Drip(lambda: drink(client)):
            others()
            entry = slow.entry(tag, "/endless")
    assert entry["_error"].startswith(CLIENT_READS)


def test_a_reader_that_trickles_inside_tls(slow, secure_origin, origin, tag):
    secure_origin.route("/endless", endless)
    with counted(slow, origin, "client", "slow_read") as others, narrow(slow) as wire:
        assert wire.connect(secure_origin.authority, tag).status == 200
        with wire.start_tls(slow.context(), "localhost") as client:
            client.send(ask(secure_origin, "/endless", tag, absolute=False))
            client.read(100)
            with Drip(lambda: drink(client)):
                others()
                entry = slow.entry(tag, "/endless")
    assert entry["_error"].startswith(CLIENT_READS)


def test_a_reader_that_trickles_in_a_tunnel(slow, start_origin, origin, tag):
    def talk(wire):
        wire.read(1)
        with contextlib.suppress(*GONE):
            while True:
                wire.send(bytes(MIB))
    other = start_origin(script=talk, address="127.0.0.2")
    with counted(slow, origin, "client", "slow_read"), narrow(slow) as client:
        assert client.connect(f"127.0.0.2:{other.port}", tag).status == 200
        client.send(b"x")
        client.read(100)
        with Drip(lambda: drink(client)):
            (entry,) = slow.har(tag).entries
    assert entry["_error"] == CLIENT_READS


def test_an_origin_that_reads_an_upload_in_trickles(slow, start_origin, origin, tag):
    def talk(wire):
        wire.read_head()
        with Drip(lambda: drink(wire)) as drip:
            drip.over.wait(PATIENCE * 3)
    other = start_origin(script=talk)
    with counted(slow, origin, "origin", "slow_read"), slow.dial() as client:
        client.send(ask(other, "/upload", tag, "POST", f"Content-Length: {1 << 34}\r\n"))
        sender = threading.Thread(target=send_all, args=(client,), daemon=True)
        sender.start()
        response = client.read_head()
        assert response.status == 504
        assert "connection_write_timeout" in response.get("Proxy-Status")
    sender.join(PATIENCE)
    assert slow.entry(tag, "/upload")["_error"].startswith(ORIGIN_READS)


def send_all(wire):
    with contextlib.suppress(*GONE):
        while True:
            wire.send(bytes(MIB))


# -- senders -----------------------------------------------------------------------------------
def test_a_body_that_trickles(slow, origin, tag):
    with counted(slow, origin, "client", "slow_send") as others, slow.dial() as client:
        client.send(ask(origin, "/echo", tag, "POST", "Content-Length: 100000\r\n"))
        with Drip(lambda: client.send(b"x")):
            others()
            assert client.read_response().status == 408
    assert slow.entry(tag, "/echo")["_error"].startswith(CLIENT_SENDS)


def test_a_body_that_trickles_inside_tls(slow, secure_origin, origin, tag):
    """No word of ours there."""
    with counted(slow, origin, "client", "slow_send") as others, \
            slow.secure(secure_origin.authority, tag) as client:
        client.send(ask(secure_origin, "/echo", tag, "POST", "Content-Length: 100000\r\n", False))
        with Drip(lambda: client.send(b"x")) as drip:
            others()
            entry = slow.entry(tag, "/echo")
            wait_for(drip.over.is_set, "the end of the connection")
        with contextlib.suppress(*GONE):
            assert client.read_to_end() == b""
    assert entry["_error"].startswith(CLIENT_SENDS) and entry["response"]["status"] == 0


def test_a_body_that_is_slow_but_comes(slow, secure_origin, tag):
    """Far above the floor, for longer than any other deadline."""
    size = 100 * (LONG + 1)
    with slow.secure(secure_origin.authority, tag) as client:
        client.send(ask(secure_origin, "/echo", tag, "POST", f"Content-Length: {size}\r\n", False))
        with Drip(lambda: client.send(bytes(100))) as drip:
            wait_for(lambda: drip.steps > LONG or drip.over.is_set(), "a slow body")
            drip.over.set()
        client.send(bytes(max(0, size - 100 * drip.steps)))
        assert client.read_response().status == 200


def test_a_record_that_trickles(slow, secure_origin, origin, tag):
    """An idle connection is no less idle for it."""
    with counted(slow, origin, "client", "idle") as others, \
            slow.secure(secure_origin.authority, tag) as client:
        assert client.ask(ask(secure_origin, "/hello", tag, absolute=False)).status == 200
        begun = iter(b"\x17\x03\x03\x40\x00" + bytes(16384))
        with Drip(lambda: socket.socket.send(client.sock, bytes([next(begun)]))) as drip:
            others()
            wait_for(drip.over.is_set, "the end of the connection")
            assert drip.steps < 1000


# -- HTTP/2 ------------------------------------------------------------------------------------
@pytest.fixture
def two(slow, h2_origin, tag):
    """Frames by hand, to an origin whose /endless has no end; (frames, origin)."""
    async def big(x):
        await x.answer(body=bytes(16 * MIB))
    h2_origin.route("/big", big)
    wire = slow.secure(h2_origin.authority, tag, context=slow.context(("h2",)))
    with Frames(wire, h2_origin.authority) as frames:
        yield frames


def seen_by(frames):
    """What arrives, read by a thread: whoever sends by hand cannot wait for it."""
    found = queue.Queue()

    def read():
        while (f := frames.next()) is not None:
            found.put(f)
        found.put(None)
    threading.Thread(target=read, daemon=True).start()
    return found


def reset_in(found):
    """The code of the RST_STREAM that comes."""
    while True:
        f = found.get(timeout=PATIENCE)
        assert f is not None, "the connection ended"
        if f.type == RST:
            return f.error_code


def test_windows_that_are_opened_by_a_byte(slow, two, origin, tag):
    with counted_stream(slow, origin, "slow_read") as others:
        two.start((4, 100))
        two.send(two.head(path="/big"))
        found = seen_by(two)
        with Drip(lambda: two.send(window(1, 1))):
            others()
            assert reset_in(found) == 8		# CANCEL
    assert slow.entry(tag, "/big")["_error"] == CLIENT_READS


def test_content_that_trickles_over_http2(slow, two, origin, tag):
    with counted_stream(slow, origin, "slow_send") as others:
        two.start()
        two.send(two.head(path="/echo", method="POST", more=[("content-length", "100000")], end=False))
        found = seen_by(two)
        with Drip(lambda: two.send(frame(DATA, 0, 1, b"x"))):
            others()
            assert reset_in(found) == 8
    assert slow.entry(tag, "/echo")["_error"] == CLIENT_SENDS


@contextlib.contextmanager
def counted_stream(mitmd, origin, kind):
    """The connection stays, and goes on being served."""
    before = timeouts(mitmd, "client", kind)
    yield lambda: mitmd.curl().ok(origin.url())
    assert timeouts(mitmd, "client", kind) == before + 1


def test_another_stream_of_the_same_connection_goes_on(slow, two, tag):
    two.start((4, 100))
    two.send(two.head(1, path="/big"), two.head(3, path="/hello"))
    found = seen_by(two)
    got = {}
    with Drip(lambda: two.send(window(3, 1))):
        while got.get(1) != "reset":
            f = found.get(timeout=PATIENCE)
            assert f is not None
            if f.type == RST:
                got[f.stream_id] = "reset"
            elif f.type == DATA and f.stream_id == 3:
                got[3] = f.data
    assert got == {1: "reset", 3: b"hello\n"}
    assert slow.entry(tag, "/hello")["response"]["status"] == 200


# -- handshakes --------------------------------------------------------------------------------
def flight(context):
    """A client's first flight, and what makes the next one."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return tls, incoming, outgoing


def drip_all(client, data):
    """The beginning, the rest byte by byte, and never whole: until the other side has enough."""
    client.send(data[:40])
    left = iter(data[40:])
    with Drip(lambda: client.send(bytes([next(left, 0)]))) as drip:
        with contextlib.suppress(*GONE):
            client.read_to_end()
        drip.over.set()
    assert drip.steps < len(data) - 41, "it was whole"


def test_a_client_hello_that_drips(slow, secure_origin, origin):
    with counted(slow, origin, "client", "handshake"), slow.tunnel(secure_origin.authority) as client:
        drip_all(client, flight(slow.context())[2].read())


def test_a_second_flight_that_drips(slow, secure_origin, origin):
    """The deadline is for the whole of a handshake, on its way inside OpenSSL too."""
    with counted(slow, origin, "client", "handshake"), slow.tunnel(secure_origin.authority) as client:
        tls, incoming, outgoing = flight(slow.context())
        client.send(outgoing.read())
        while not outgoing.pending:
            assert client.fill()
            incoming.write(client.take(len(client.buffer)))
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
        drip_all(client, outgoing.read())


def test_an_origin_whose_handshake_drips(slow, start_origin, origin):
    def talk(wire):
        wire.read(5)
        left = iter(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03" + bytes(16384))
        with Drip(lambda: wire.send(bytes([next(left)]))) as drip:
            with contextlib.suppress(*GONE):
                wire.read_until(b"never")
            drip.over.set()
    other = start_origin(script=talk)
    with counted(slow, origin, "origin", "handshake"):
        assert slow.curl().run(f"https://localhost:{other.port}/").code != 0


def test_a_head_that_drips(slow, secure_origin, origin, tag):
    """Inside TLS, each byte in a record of its own."""
    with counted(slow, origin, "client", "header"), \
            slow.secure(secure_origin.authority, tag) as client:
        drip_all(client, ask(secure_origin, "/never", tag, more="A: " + "x" * 5000 + "\r\n",
                             absolute=False))
    assert not secure_origin.requests("/never")


def test_silence_after_connect(slow, secure_origin, origin):
    with counted(slow, origin, "client", "idle"), slow.tunnel(secure_origin.authority) as client:
        assert client.read_to_end() == b""


def test_silence_after_a_handshake(slow, secure_origin, origin):
    with counted(slow, origin, "client", "idle"), slow.secure(secure_origin.authority) as client:
        assert client.read_to_end() == b""


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_silence_after_a_response(slow, secure_origin, origin, tag, secure):
    where = secure_origin if secure else origin
    with counted(slow, origin, "client", "idle"), \
            (slow.secure(where.authority) if secure else slow.dial()) as client:
        assert client.ask(ask(where, "/hello", tag, absolute=not secure)).status == 200
        assert client.read_to_end() == b""


def test_silence_after_http2(slow, h2_origin, origin):
    with counted(slow, origin, "client", "idle"), connect(slow, h2_origin) as client:
        assert client.get("/hello").body == b"hello\n"
        client.until(lambda: client.closed)
        assert client.goaway is not None


# -- who has nothing to say ----------------------------------------------------------------------
def test_a_stream_to_an_origin_may_drip(slow, origin, tag):
    """Chunked: how much there will be, nobody has said."""
    with slow.dial() as client:
        client.send(ask(origin, "/echo", tag, "POST", "Transfer-Encoding: chunked\r\n"))
        with Drip(lambda: client.send(b"1\r\nx\r\n")) as drip:
            wait_for(lambda: drip.steps > LONG or drip.over.is_set(), "a slow upload")
        client.send(b"0\r\n\r\n")
        assert client.read_response().status == 200


def test_an_answer_may_drip(slow, origin, tag):
    """An event stream; and one whose length is known."""
    def drip(x):
        with Drip(lambda: x.raw(b"x")) as drip:
            wait_for(lambda: drip.steps >= LONG or drip.over.is_set(), "a slow answer")
        x.raw(b"x" * (LONG * 2 - drip.steps))

    def events(x):
        x.head(200, [("Content-Type", "text/event-stream")])
        drip(x)
        x.close = True

    def known(x):
        x.head(200, [("Content-Length", LONG * 2)])
        drip(x)
    origin.route("/events", events)
    origin.route("/known", known)
    for path in ("/events", "/known"):
        with slow.dial() as client:
            response = client.ask(ask(origin, path, tag))
            assert (response.status, len(response.body)) == (200, LONG * 2)


def test_a_tunnel_may_drip(slow, start_origin, tag):
    def talk(wire):
        with contextlib.suppress(*GONE):
            while True:
                wire.send(wire.read(1))
    other = start_origin(script=talk, address="127.0.0.2")
    with slow.tunnel(f"127.0.0.2:{other.port}", tag) as client:
        client.send(b"\0")
        client.read(1)

        def step():
            client.send(b"\0")
            client.read(1)
        with Drip(step) as drip:
            wait_for(lambda: drip.steps > LONG or drip.over.is_set(), "a slow tunnel")
        assert drip.steps > LONG


def test_streams_over_http2_may_drip(slow, two, tag):
    """As gRPC: no length."""
    two.start()
    two.send(two.head(path="/echo", method="POST", end=False))
    found = seen_by(two)
    with Drip(lambda: two.send(frame(DATA, 0, 1, b"x"))) as drip:
        wait_for(lambda: drip.steps > LONG or drip.over.is_set(), "a slow stream")
    two.send(frame(DATA, END_STREAM, 1, b""))
    while (f := found.get(timeout=PATIENCE)).type != HEADERS:
        assert f.type != RST
    assert dict(f.fields)[":status"] == "200"


def test_a_reader_that_is_slow_but_reads(slow, origin, tag):
    """Far above the floor, and far below what a connection could do."""
    size = 3 * MIB
    with narrow(slow) as client:
        client.send(ask(origin, f"/bytes/{size}", tag))
        assert client.read_head().status == 200
        with Drip(lambda: client.read(size // (2 * LONG))) as drip:
            wait_for(lambda: drip.steps > LONG or drip.over.is_set(), "a slow reader")
        client.read(size - drip.steps * (size // (2 * LONG)))


def test_a_reader_over_http2_that_is_slow_but_reads(slow, two, tag):
    """What waits in the kernels of both on the way to it is not what it has not taken."""
    two.start((4, (1 << 31) - 1))
    two.send(window(0, 1 << 30), two.head(path="/big"))
    with Drip(lambda: two.wire.fill(8192)) as drip:
        wait_for(lambda: drip.steps > LONG or drip.over.is_set(), "a slow reader")
    two.until(lambda f: f.stream_id == 1 and (f.type == RST or "END_STREAM" in f.flags))
    assert not two.resets()
