# SPDX-License-Identifier: ISC
"""h2_peer.py - honest ends of HTTP/2 with python3-h2: an origin whose handlers
are coroutines, one per stream, and a client that is driven step by step.
"""
import asyncio
import contextlib
import hashlib
import json
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from .origin import pattern
from .wire import Closed, TIMEOUT, at_once

Codes = h2.errors.ErrorCodes
Settings = h2.settings.SettingCodes
REASON = "HTTP/1.1 {} Said\r\nContent-Length: {}\r\n\r\n"


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Reset(Exception):
    """The peer gave up the stream (.code; None: the connection ended)."""

    def __init__(self, code):
        super().__init__(f"reset: {code}")
        self.code = code


class Message:
    """What either end reads of a stream."""

    def __init__(self):
        self.headers = []
        self.informational = []		# [(status, headers)]
        self.body = bytearray()
        self.frames = []		# lengths of DATA
        self.trailers = None
        self.ended = False
        self.reset = None		# code

    def get(self, name, default=None):
        return dict(self.headers).get(name, default)

    @property
    def status(self):
        return int(self.get(":status", 0))

    @property
    def sha(self):
        return sha(self.body)

    def json(self):
        return json.loads(bytes(self.body))


def plain(headers):
    return [(decoded(n), decoded(v)) for n, v in headers]


def decoded(text):
    return text.decode("latin-1") if isinstance(text, bytes) else text


class Lasting(h2.connection.H2Connection):
    """Streams outlive a GOAWAY (RFC 9113 6.8), which this library does not know."""

    def _receive_goaway_frame(self, frame):
        event = h2.events.ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        event.additional_data = frame.additional_data or None
        return [], [event]


# -- the origin ------------------------------------------------------------------------
class Gate:
    """Where handlers of an origin wait until the test opens it."""

    def __init__(self, origin):
        self.origin = origin
        self.event = asyncio.Event()

    async def passed(self):
        await asyncio.wait_for(self.event.wait(), TIMEOUT)

    def open(self):
        self.origin.do(self.event.set)


class Asked(Message):
    """A request at the origin, and the stream to answer it on."""

    def __init__(self, connection, number, headers):
        super().__init__()
        self.connection = connection
        self.id = number
        self.headers = headers
        self.news = asyncio.Event()
        self.unread = []		# [(bytes, credit)]
        self.blocked = False		# no window is left to send in

    @property
    def path(self):
        return self.get(":path", "")

    @property
    def method(self):
        return self.get(":method")

    async def wait(self):
        self.news.clear()
        await self.news.wait()

    async def read(self):
        """The next piece, b"" at the end; only this gives credit back."""
        while not self.unread:
            if self.reset is not None:
                raise Reset(self.reset)
            if self.ended:
                return b""
            await self.wait()
        data, credit = self.unread.pop(0)
        self.take(credit)
        return data

    def take(self, credit):
        if credit:
            self.connection.h2.acknowledge_received_data(credit, self.id)
            self.connection.flush()

    def drop(self):
        """The connection's credit comes back, whatever became of the stream."""
        for _, credit in self.unread:
            self.take(credit)
        self.unread.clear()

    async def all(self):
        while await self.read():
            pass
        return bytes(self.body)

    async def until_reset(self):
        while self.reset is None:
            await self.wait()
        return self.reset

    def head(self, status=200, headers=(), end=False):
        self.connection.h2.send_headers(
            self.id, [(":status", str(status)), *headers], end_stream=end)
        self.connection.flush()

    async def send(self, data, end=False, size=16384, pad=None):
        """As far and as fast as the windows allow."""
        conn, at = self.connection, 0
        extra = 0 if pad is None else pad + 1
        while at < len(data):
            if self.reset is not None:
                raise Reset(self.reset)
            room = min(conn.h2.local_flow_control_window(self.id) - extra, size,
                       conn.h2.max_outbound_frame_size - extra)
            self.blocked = room <= 0
            if self.blocked:
                conn.origin.note()
                await self.wait()
                continue
            piece = data[at:at + room]
            at += len(piece)
            conn.h2.send_data(self.id, piece, end_stream=end and at == len(data),
                              pad_length=pad)
            conn.flush()
            await conn.writer.drain()
        if end and not data:
            self.end()

    def end(self, trailers=None):
        if trailers is None:
            self.connection.h2.end_stream(self.id)
        else:
            self.connection.h2.send_headers(self.id, trailers, end_stream=True)
        self.connection.flush()

    async def answer(self, status=200, headers=(), body=b""):
        none = self.method == "HEAD" or status in (204, 304)
        length = [] if status in (204, 304) else [("content-length", str(len(body)))]
        self.head(status, [*headers, *length], end=none or not body)
        if body and not none:
            await self.send(body, end=True)

    def cancel(self, code=Codes.CANCEL):
        self.connection.h2.reset_stream(self.id, code)
        self.connection.flush()


async def hello(x):
    await x.answer(headers=[("content-type", "text/plain")], body=b"hello\n")


async def echo(x):
    """What arrived, as JSON."""
    body = await x.all()
    await x.answer(headers=[("content-type", "application/json")], body=json.dumps({
        "headers": x.headers, "length": len(body), "sha256": sha(body),
        "trailers": x.trailers}).encode())


async def sized(x):
    await x.answer(headers=[("content-type", "application/octet-stream")],
                   body=pattern(int(x.path.rsplit("/", 1)[1])))


async def status(x):
    await x.answer(int(x.path.rsplit("/", 1)[1]))


class Origin2:
    """Listens on loopback; alpn (None: cleartext with prior knowledge)."""

    def __init__(self, cert=None, alpn=("h2", "http/1.1"), settings=None, window=1 << 20):
        self.alpn = alpn
        self.settings = settings or {}
        self.window = window
        self.routes = {"/hello": hello, "/echo": echo, "/bytes/": sized, "/status/": status}
        self.connections = []
        self.changed = threading.Condition()
        self.context = None
        if cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert.chain, cert.key)
            self.context.set_alpn_protocols(list(alpn))
        listener = at_once(socket.create_server(("127.0.0.1", 0), backlog=1024))
        self.port = listener.getsockname()[1]
        self.authority = f"localhost:{self.port}"
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(
            self._serve, sock=listener, ssl=self.context))
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def url(self, path="/hello", host="localhost"):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}{path}"

    def route(self, path, handler):
        self.routes[path] = handler

    def requests(self, path=None):
        every = [r for c in list(self.connections) for r in list(c.requests)]
        return [r for r in every if path is None or r.path == path]

    def wait(self, condition, timeout=TIMEOUT):
        with self.changed:
            assert self.changed.wait_for(condition, timeout), "the origin never saw it"

    def note(self):
        with self.changed:
            self.changed.notify_all()

    def do(self, function, *args):
        """Call it inside of the origin's loop."""
        async def call():
            return function(*args)
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(TIMEOUT)

    async def _serve(self, reader, writer):
        tls = writer.get_extra_info("ssl_object")
        connection = Connection2(self, reader, writer)
        connection.alpn = tls.selected_alpn_protocol() if tls else "h2"
        self.connections.append(connection)
        self.note()
        try:
            if connection.alpn == "h2":
                await connection.run()
            else:
                await connection.run_http1()
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError,
                h2.exceptions.ProtocolError) as error:
            connection.error = error
        finally:
            connection.over()
            writer.close()
            self.note()

    async def _end(self):
        self.server.close()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def close(self):
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(TIMEOUT)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(TIMEOUT)
        self.loop.close()


class Connection2:
    """One connection at the origin."""

    def __init__(self, origin, reader, writer):
        self.origin = origin
        self.reader = reader
        self.writer = writer
        self.requests = []
        self.streams = {}
        self.events = []		# what concerns no stream
        self.error = None
        self.ended = False
        self.trouble = []		# handlers that failed
        self.most = 0			# streams open at a time

    def flush(self):
        data = self.h2.data_to_send()
        if data and not self.writer.is_closing():
            self.writer.write(data)

    async def run(self):
        self.h2 = Lasting(h2.config.H2Configuration(
            client_side=False, header_encoding="latin-1",
            normalize_inbound_headers=False))
        self.h2.local_settings.update(self.origin.settings)
        self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(self.origin.window)
        self.flush()
        while data := await self.reader.read(65536):
            try:
                events = self.h2.receive_data(data)
            finally:
                self.flush()
            for event in events:
                self._take(event)
            self.most = max(self.most, self.h2.open_inbound_streams)
            self.flush()
            self.origin.note()

    def _take(self, event):
        number = getattr(event, "stream_id", None)
        x = self.streams.get(number)
        if isinstance(event, h2.events.RequestReceived):
            x = self.streams[number] = Asked(self, number, plain(event.headers))
            self.requests.append(x)
            x.task = asyncio.get_running_loop().create_task(self._handle(x))
        elif x is None:
            self.events.append(event)
            for every in self.streams.values():
                every.news.set()
        else:
            self._tell(x, event)
            x.news.set()

    @staticmethod
    def _tell(x, event):
        if isinstance(event, h2.events.DataReceived):
            x.body += event.data
            x.frames.append(len(event.data))
            x.unread.append((event.data, event.flow_controlled_length))
        elif isinstance(event, h2.events.TrailersReceived):
            x.trailers = plain(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            x.ended = True
        elif isinstance(event, h2.events.StreamReset):
            x.reset = event.error_code
            x.drop()

    async def _handle(self, x):
        path = x.path.split("?")[0]
        found = [p for p in self.origin.routes
                 if path == p or (p.endswith("/") and path.startswith(p))]
        try:
            if found:
                await self.origin.routes[max(found, key=len)](x)
            else:
                await x.answer(404)
        except (Reset, OSError, h2.exceptions.StreamClosedError,
                h2.exceptions.StreamIDTooLowError):
            pass				# the stream was gone, or even forgotten
        except Exception as error:  # pylint: disable=broad-except
            self.trouble.append(error)
            raise

    async def run_http1(self):
        """Enough to show which protocol was chosen."""
        while True:
            head = await self.reader.readuntil(b"\r\n\r\n")
            self.requests.append(Asked(self, 0, [(":path", head.decode().split(" ")[1])]))
            self.writer.write(REASON.format(200, 6).encode() + b"hello\n")

    def goaway(self, code=Codes.NO_ERROR, last=None):
        self.h2.close_connection(code, last_stream_id=last)
        self.flush()

    def over(self):
        self.ended = True
        for x in self.streams.values():
            if x.reset is None and not (x.ended and x.task.done()):
                x.reset = -1
            x.news.set()


# -- the client ------------------------------------------------------------------------
class Stream(Message):
    """One request of a client."""

    def __init__(self, client, number):
        super().__init__()
        self.client = client
        self.id = number
        self.pending = memoryview(b"")
        self.end_after = False
        self.size, self.pad = 16384, None
        self.hold = False		# keep the credit of what comes
        self.held = 0

    @property
    def over(self):
        return self.ended or self.reset is not None

    def upload(self, data, end=True, size=16384, pad=None):
        """Handed to the windows now and whenever the client reads."""
        self.pending, self.end_after = memoryview(data), end
        self.size, self.pad = size, pad
        self.push()
        return self

    def push(self):
        conn = self.client.h2
        extra = 0 if self.pad is None else self.pad + 1
        while self.pending and not self.over:
            room = min(conn.local_flow_control_window(self.id) - extra, self.size,
                       conn.max_outbound_frame_size - extra)
            if room <= 0:
                break
            piece, self.pending = self.pending[:room], self.pending[room:]
            conn.send_data(self.id, bytes(piece), pad_length=self.pad,
                           end_stream=self.end_after and not self.pending)
        self.client.flush()

    def release(self):
        """Give back what was held, and hold no more."""
        self.hold = False
        if self.held:
            self.client.h2.acknowledge_received_data(self.held, self.id)
            self.held = 0
        self.client.flush()

    def cancel(self, code=Codes.CANCEL):
        self.client.h2.reset_stream(self.id, code)
        self.client.flush()

    def finish(self, timeout=TIMEOUT):
        self.client.until(lambda: self.over, timeout)
        assert self.reset is None, f"reset: {self.reset!r}"
        return self


class Client2:
    """On a Wire; reads only inside of until()."""

    def __init__(self, wire, authority, settings=None, window=1 << 20, checks=True):
        self.wire = wire
        self.authority = authority
        self.h2 = Lasting(h2.config.H2Configuration(
            client_side=True, header_encoding="latin-1", validate_outbound_headers=checks,
            normalize_outbound_headers=checks))
        self.h2.local_settings.update(settings or {})
        self.h2.local_settings.acknowledge()
        self.streams = {}
        self.events = []		# what concerns no stream
        self.closed = None
        self.corked = False
        self.goaway = None		# the last one's event
        self.h2.initiate_connection()
        if window:
            self.h2.increment_flow_control_window(window)
        self.flush()

    def flush(self):
        data = b"" if self.corked else self.h2.data_to_send()
        if data:
            self.wire.send(data)

    @contextlib.contextmanager
    def together(self):
        """What is said in between is sent at once: the peer reads all of it or nothing."""
        self.corked = True
        yield
        self.corked = False
        self.flush()

    def request(self, path="/hello", method="GET", headers=(), body=None, end=True,
                scheme="https"):
        """body None: none (end) or one that upload() brings."""
        number = self.h2.get_next_available_stream_id()
        stream = self.streams[number] = Stream(self, number)
        self.h2.send_headers(number, [
            (":method", method), (":scheme", scheme), (":authority", self.authority),
            (":path", path), *headers], end_stream=end and body is None)
        self.flush()
        return stream if body is None else stream.upload(body, end)

    def get(self, path="/hello", timeout=TIMEOUT):
        """A whole exchange; checks nothing but that it ends well."""
        return self.request(path).finish(timeout)

    def until(self, condition, timeout=TIMEOUT):
        """Read until condition() holds."""
        self.wire.sock.settimeout(timeout)
        while not condition():
            assert self.closed is None, f"closed: {self.closed!r}"
            self.pump()

    def pump(self):
        """One read, and what follows from it."""
        try:
            if not self.wire.fill():
                self._over(Closed(b""))
                return
        except (ConnectionError, ssl.SSLError) as error:
            self._over(error)
            return
        for event in self.h2.receive_data(self.wire.take(len(self.wire.buffer))):
            self._take(event)
        for stream in list(self.streams.values()):
            if stream.pending and not stream.over:
                stream.push()
        if self.closed is None:
            with contextlib.suppress(OSError):	# shows when it is read next
                self.flush()

    def _over(self, why):
        self.closed = why
        for stream in self.streams.values():
            if not stream.over:
                stream.reset = -1

    def _take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event
        if stream is None:
            self.events.append(event)
        elif isinstance(event, h2.events.ResponseReceived):
            stream.headers = plain(event.headers)
        elif isinstance(event, h2.events.InformationalResponseReceived):
            fields = plain(event.headers)
            stream.informational.append((int(dict(fields)[":status"]), fields[1:]))
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            stream.frames.append(len(event.data))
            if stream.hold:
                stream.held += event.flow_controlled_length
            elif event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream.id)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = plain(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = event.error_code

    def ping(self, data=b"12345678"):
        self.h2.ping(data)
        self.flush()
        self.until(lambda: any(isinstance(e, h2.events.PingAckReceived) and e.ping_data == data
                               for e in self.events))

    def close(self):
        self.wire.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def connect(mitmd, origin, tag=None, **more):
    """A client of that origin through mitmd, TLS and ALPN done."""
    wire = mitmd.secure(origin.authority, tag, context=mitmd.context(("h2",)))
    assert wire.sock.selected_alpn_protocol() == "h2"
    return Client2(wire, origin.authority, **more)
