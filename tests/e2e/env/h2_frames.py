# SPDX-License-Identifier: ISC
"""h2_frames.py - HTTP/2 frames by hand: what a library would not send, on a Wire."""
import socket
import ssl
import struct
import time

import hpack
from hyperframe import frame as hf

from .origin import Origin
from .wire import Closed, TIMEOUT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 0x20
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED,
 FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM,
 INADEQUATE_SECURITY, HTTP_1_1_REQUIRED) = range(14)
ENDS = (Closed, ConnectionError, ssl.SSLError, BrokenPipeError)


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """One frame; length says something else than the truth."""
    n = len(payload) if length is None else length
    return struct.pack(">I", n)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs, ack=False):
    return frame(SETTINGS, ACK if ack else 0, 0, b"".join(struct.pack(">HI", *p) for p in pairs))


def window(stream, n):
    return frame(WINDOW, 0, stream, struct.pack(">I", n))


def rst(stream, code=CANCEL):
    return frame(RST, 0, stream, struct.pack(">I", code))


def ping(data=b"12345678", ack=False):
    return frame(PING, ACK if ack else 0, 0, data)


def goaway(code=NO_ERROR, last=0, text=b""):
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + text)


def priority(stream, on=0, weight=15, exclusive=False):
    return frame(PRIORITY, 0, stream, struct.pack(">IB", on | exclusive << 31, weight))


def literal(name, value):
    """HPACK without any indexing or Huffman code."""
    name = name.encode("latin-1") if isinstance(name, str) else name
    value = value.encode("latin-1") if isinstance(value, str) else value
    return b"\0" + string(name) + string(value)


def string(data):
    return integer(len(data), 7) + data


def integer(n, bits, top=0):
    """RFC 7541 5.1"""
    most = (1 << bits) - 1
    if n < most:
        return bytes([top | n])
    out = [top | most]
    n -= most
    while n >= 128:
        out.append(n % 128 | 128)
        n //= 128
    return bytes([*out, n])


def block(*fields):
    return b"".join(literal(n, v) for n, v in fields)


class Frames:
    """One end of a connection, which sends what it is told and keeps what it reads."""

    def __init__(self, wire, authority="localhost"):
        self.wire = wire
        self.authority = authority
        self.decoder = hpack.Decoder()
        self.decoder.max_allowed_table_size = 65536
        self.seen = []
        self.ended = None	# why there is nothing more to read

    # -- out -----------------------------------------------------------------
    def send(self, *frames):
        self.wire.send(b"".join(frames))
        return self

    def try_send(self, *frames):
        """False when the peer takes no more."""
        try:
            self.send(*frames)
        except (*ENDS, socket.timeout):
            return False
        return True

    def start(self, *pairs, preface=True):
        """Preface (of a client) and SETTINGS; the peer's are read and acknowledged."""
        self.send(PREFACE if preface else b"", settings(*pairs))
        self.until(lambda f: f.type == SETTINGS and "ACK" not in f.flags)
        return self.send(settings(ack=True))

    def fields(self, path="/hello", method="GET", *more):
        return [(":method", method), (":scheme", "https"), (":path", path),
                (":authority", self.authority), *more]

    def head(self, stream=1, path="/hello", method="GET", more=(), end=True):
        flags = END_HEADERS | (END_STREAM if end else 0)
        return frame(HEADERS, flags, stream, block(*self.fields(path, method, *more)))

    # -- in ------------------------------------------------------------------
    def next(self):
        """The next frame; None (and .ended) when there are no more."""
        try:
            head = self.wire.read(9)
            f, length = hf.Frame.parse_frame_header(memoryview(head))
            f.parse_body(memoryview(self.wire.read(length)))
        except ENDS as end:
            self.ended = end
            return None
        f.at = time.monotonic()
        if f.type in (HEADERS, CONTINUATION) and "END_HEADERS" in f.flags:
            f.fields = [(decode(n), decode(v)) for n, v in self.decoder.decode(f.data)]
        self.seen.append(f)
        return f

    def until(self, condition, timeout=TIMEOUT):
        """The next frame for which condition(frame) holds."""
        self.wire.sock.settimeout(timeout)
        while True:
            f = self.next()
            assert f is not None, f"ended ({self.ended!r}) after {self.told()}"
            if condition(f):
                return f

    def to_end(self, timeout=TIMEOUT):
        """Read until the peer closes; the frames of this time."""
        before = len(self.seen)
        self.wire.sock.settimeout(timeout)
        while self.next() is not None:
            pass
        return self.seen[before:]

    def answer(self, stream):
        """The status of a stream's final head."""
        f = self.until(lambda f: f.stream_id == stream and f.type in (HEADERS, RST)
                       and not dict(getattr(f, "fields", ())).get(":status", "").startswith("1"))
        assert f.type == HEADERS, f"stream {stream} was reset: {f.error_code}"
        return int(dict(f.fields)[":status"])

    def sync(self, data=b"are you?"):
        """A round trip: all we sent was read."""
        self.send(ping(data))
        return self.until(lambda f: f.type == PING and "ACK" in f.flags
                          and f.opaque_data == data)

    def told(self):
        return [str(f)[:100] for f in self.seen[-8:]]

    def resets(self):
        return {f.stream_id: f.error_code for f in self.seen if f.type == RST}

    def goaway(self):
        """The code of the last GOAWAY, or None."""
        codes = [f.error_code for f in self.seen if f.type == GOAWAY]
        return codes[-1] if codes else None

    def close(self):
        self.wire.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def decode(text):
    return text.decode("latin-1") if isinstance(text, bytes) else text


class FramesOrigin(Origin):
    """An origin whose script(Frames) does as it likes, after ALPN chose h2."""

    def __init__(self, cert, script):
        super().__init__(cert, script=lambda wire: script(Frames(wire)))

    def _context(self, cert, version):
        context = Origin._context(cert, version)
        context.set_alpn_protocols(["h2"])
        return context


def serve(frames, answer, *pairs):
    """The rest of an honest origin for such a script: answer(frames, stream) each head."""
    assert frames.wire.read(len(PREFACE)) == PREFACE
    frames.start(*pairs, preface=False)
    while (f := frames.next()) is not None:
        if f.type == HEADERS:
            answer(frames, f.stream_id)
        elif f.type == PING and "ACK" not in f.flags:
            frames.send(ping(f.opaque_data, ack=True))
