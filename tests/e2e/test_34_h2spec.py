# SPDX-License-Identifier: ISC
"""What RFC 9113 and RFC 7541 make of each wrong (and odd but right) frame.

The cases are those of summerwind/h2spec by their descriptions; most hold for
both ends, so BOTH is said by a client to mitmd and by an origin to mitmd.
"""
import queue

import pytest

from env.h2_frames import (ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS,
                           END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS,
                           PADDED, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH, REFUSED_STREAM,
                           RST, SETTINGS, STREAM_CLOSED, WINDOW, WITH_PRIORITY, Frames,
                           FramesOrigin, block, frame, goaway, integer, literal, ping, priority,
                           rst, settings, window)
from env.h2_peer import Origin2, connect
from env.wire import TIMEOUT

# -- what may come of it -----------------------------------------------------------------
FINE = ("fine",)


def ends(*codes):
    """A connection error: GOAWAY with one of the codes, and the end."""
    return tuple(("goaway", code) for code in codes)


def resets(*codes):
    """A stream error; all else goes on."""
    return tuple(("rst", code) for code in codes)


def outcome(f):
    """Two round trips show what mitmd made of what was sent."""
    for data in (b"question", b"QUESTION"):
        if not f.try_send(ping(data)):
            f.to_end()
        while f.ended is None:
            got = f.next()
            if got is not None and got.type == PING and got.opaque_data == data:
                break
    if f.goaway():
        f.to_end()
        return ("goaway", f.goaway())
    if f.ended is not None:
        return ("closed", repr(f.ended))
    if f.resets():
        (code,) = f.resets().values()
        return ("rst", code)
    return FINE


# -- how it is said ------------------------------------------------------------------------
class Side:
    """The end that speaks: frames whose meaning is the same on both."""

    def __init__(self, f, is_client):
        self.f = f
        self.is_client = is_client

    def fields(self, more=(), path="/echo", method="POST"):
        if self.is_client:
            return self.f.fields(path, method, *more)
        return [(":status", "200"), *more]

    def head(self, stream=1, end=False, more=(), flags=END_HEADERS, extra=b"", **request):
        """extra: bytes behind the fields of the block."""
        return frame(HEADERS, flags | (END_STREAM if end else 0), stream,
                     block(*self.fields(more, **request)) + extra)

    def tail(self, stream=1, data=b"", end=True):
        return frame(DATA, END_STREAM if end else 0, stream, data)

    def send(self, *frames):
        self.f.send(*frames)

    def half_closed(self, stream=1):
        """Our side of it is over, the other is not."""
        if self.is_client:
            self.send(self.head(stream, end=True, path="/wait", method="GET"))
        else:
            self.send(self.head(stream, end=True))

    def closed(self, stream=1):
        """All was said by both sides."""
        if self.is_client:
            self.send(self.head(stream, end=True, path="/hello", method="GET"))
            self.f.until(lambda x: x.stream_id == stream and "END_STREAM" in x.flags)
        else:
            self.send(self.head(stream, end=True))
            self.f.sync()


def then(*makers):
    """Frames made by functions of the side, sent at once."""
    return lambda s: s.send(*(m(s) if callable(m) else m for m in makers))


def after(state, *makers):
    def do(s):
        getattr(s, state)()
        then(*makers)(s)
    return do


def raw_head(payload, flags=END_HEADERS, stream=1):
    return frame(HEADERS, flags, stream, payload)


def head(s):
    return s.head()


def whole(s):
    return s.head(end=True)


def cut_head(s):
    """Without END_HEADERS."""
    return s.head(flags=0)


def extra(data):
    """A block with these bytes behind its fields."""
    return lambda s: s.head(end=True, extra=data)


def rest(more=(("x-rest", "1"),), flags=END_HEADERS, stream=1):
    return frame(CONTINUATION, flags, stream, block(*more))


BIG = bytes(16384)
TRAILER = (HEADERS, END_HEADERS | END_STREAM, 1)
IGNORED_OR_CLOSED = (FINE, *ends(STREAM_CLOSED), *resets(STREAM_CLOSED))

# section of RFC 9113 (or "hpack" and that of RFC 7541), description, what to send, what may come
BOTH = [
    # -- 4 frames
    ("4.1", "frame of unknown type", then(frame(0xfb, 0, 0, b"12345678"), head), FINE),
    ("4.1", "undefined flags", then(frame(PING, 0x16, 0, b"flagflag")), FINE),
    ("4.1", "reserved bit", then(frame(PING, 0, 1 << 31, b"reserved")), FINE),
    ("4.2", "DATA of 2^14", then(head, frame(DATA, 0, 1, BIG)), FINE),
    ("4.2", "DATA of 2^14+1", then(head, frame(DATA, 0, 1, BIG + b"x")),
     (*ends(FRAME_SIZE_ERROR), *resets(FRAME_SIZE_ERROR))),
    ("4.2", "HEADERS of 2^14+1", then(raw_head(literal("x", BIG))), ends(FRAME_SIZE_ERROR)),
    ("4.3", "a block cut off", then(raw_head(b"\0\x05abc")), ends(COMPRESSION_ERROR)),
    ("4.3", "PRIORITY inside a block", then(cut_head, priority(1), rest()), ends(PROTOCOL_ERROR)),
    ("4.3", "HEADERS of another inside a block",
     then(cut_head, lambda s: s.head(3), rest()), ends(PROTOCOL_ERROR)),
    # -- 5 streams
    ("5.1", "idle: DATA", then(frame(DATA, 0, 99, b"x")), ends(PROTOCOL_ERROR)),
    ("5.1", "idle: RST_STREAM", then(rst(99)), ends(PROTOCOL_ERROR)),
    ("5.1", "idle: WINDOW_UPDATE", then(window(99, 1)), ends(PROTOCOL_ERROR)),
    ("5.1", "idle: CONTINUATION", then(rest(stream=99)), ends(PROTOCOL_ERROR)),
    ("5.1", "half-closed: DATA", after("half_closed", frame(DATA, END_STREAM, 1, b"x")),
     IGNORED_OR_CLOSED),
    ("5.1", "half-closed: HEADERS", after("half_closed", lambda s: s.head(end=True)),
     IGNORED_OR_CLOSED),
    ("5.1", "half-closed: CONTINUATION", after("half_closed", rest()),
     ends(STREAM_CLOSED, PROTOCOL_ERROR)),
    ("5.1", "half-closed: WINDOW_UPDATE", after("half_closed", window(1, 100)), FINE),
    ("5.1", "half-closed: PRIORITY", after("half_closed", priority(1)), FINE),
    ("5.1", "half-closed: RST_STREAM", after("half_closed", rst(1)), FINE),
    ("5.1", "reset: DATA", then(head, rst(1), frame(DATA, END_STREAM, 1, b"x")),
     IGNORED_OR_CLOSED),
    ("5.1", "reset: HEADERS", then(head, rst(1), whole), IGNORED_OR_CLOSED),
    ("5.1", "reset: CONTINUATION", then(head, rst(1), rest()),
     ends(STREAM_CLOSED, PROTOCOL_ERROR)),
    ("5.1", "closed: DATA", after("closed", frame(DATA, END_STREAM, 1, b"x")), IGNORED_OR_CLOSED),
    ("5.1", "closed: HEADERS", after("closed", whole), IGNORED_OR_CLOSED),
    ("5.1", "closed: CONTINUATION", after("closed", rest()), ends(STREAM_CLOSED, PROTOCOL_ERROR)),
    ("5.1", "closed: PRIORITY", after("closed", priority(1)), FINE),
    ("5.1", "closed: WINDOW_UPDATE", after("closed", window(1, 1)), FINE),
    ("5.3", "PRIORITY of an idle stream", then(priority(99)), FINE),
    ("5.3", "PRIORITY of all kinds", then(priority(9, 7, 255), priority(9, 7, 0, True)), FINE),
    ("5.3.1", "PRIORITY on itself", then(head, priority(1, 1)),
     (FINE, *resets(PROTOCOL_ERROR), *ends(PROTOCOL_ERROR))),
    ("5.4.1", "a bad PING ends the connection", then(frame(PING, 0, 0, b"short")),
     ends(FRAME_SIZE_ERROR)),
    ("5.5", "unknown extension frame", then(head, frame(0x16, 0, 1, b"12345678")), FINE),
    ("5.5", "unknown frame inside a block", then(cut_head, frame(0x16, 0, 0, b"1234"), rest()),
     ends(PROTOCOL_ERROR)),
    # -- 6.1 DATA
    ("6.1", "DATA", then(head, frame(DATA, END_STREAM, 1, b"test")), FINE),
    ("6.1", "DATA, many", then(head, *[frame(DATA, 0, 1, b"test")] * 5), FINE),
    ("6.1", "DATA, padded", then(head, frame(DATA, END_STREAM | PADDED, 1, b"\3abc\0\0\0")), FINE),
    ("6.1", "DATA, nothing but padding", then(head, frame(DATA, PADDED, 1, b"\3\0\0\0")), FINE),
    ("6.1", "DATA on stream 0", then(frame(DATA, 0, 0, b"x")), ends(PROTOCOL_ERROR)),
    ("6.1", "DATA padded beyond its end", then(head, frame(DATA, PADDED, 1, b"\x09abc")),
     ends(PROTOCOL_ERROR)),
    ("6.1", "DATA padded without a length", then(head, frame(DATA, PADDED, 1)),
     ends(PROTOCOL_ERROR, FRAME_SIZE_ERROR)),
    # -- 6.2 HEADERS
    ("6.2", "HEADERS, padded",
     then(lambda s: frame(HEADERS, END_HEADERS | PADDED, 1, b"\2" + block(*s.fields()) + b"\0\0")),
     FINE),
    ("6.2", "HEADERS with priority",
     then(lambda s: frame(HEADERS, END_HEADERS | WITH_PRIORITY, 1,
                          b"\0\0\0\0\x10" + block(*s.fields()))), FINE),
    ("6.2", "HEADERS depending on itself",
     then(lambda s: frame(HEADERS, END_HEADERS | WITH_PRIORITY, 1,
                          b"\0\0\0\1\x10" + block(*s.fields()))),
     (FINE, *resets(PROTOCOL_ERROR), *ends(PROTOCOL_ERROR))),
    ("6.2", "DATA inside a block", then(cut_head, frame(DATA, 0, 1, b"x")), ends(PROTOCOL_ERROR)),
    ("6.2", "HEADERS on stream 0", then(lambda s: s.head(0)), ends(PROTOCOL_ERROR)),
    ("6.2", "HEADERS padded beyond its end",
     then(lambda s: frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + block(*s.fields()))),
     ends(PROTOCOL_ERROR)),
    # -- 6.3 PRIORITY, 6.4 RST_STREAM
    ("6.3", "PRIORITY on stream 0", then(priority(0)), ends(PROTOCOL_ERROR)),
    ("6.3", "PRIORITY of 4 bytes", then(head, frame(PRIORITY, 0, 1, b"1234")),
     (*resets(FRAME_SIZE_ERROR), *ends(FRAME_SIZE_ERROR))),
    ("6.4", "RST_STREAM", then(head, rst(1)), FINE),
    ("6.4", "RST_STREAM on stream 0", then(rst(0)), ends(PROTOCOL_ERROR)),
    ("6.4", "RST_STREAM of 3 bytes", then(head, frame(RST, 0, 1, b"123")), ends(FRAME_SIZE_ERROR)),
    # -- 6.5 SETTINGS
    ("6.5", "SETTINGS ACK with a payload", then(frame(SETTINGS, ACK, 0, bytes(6))),
     ends(FRAME_SIZE_ERROR)),
    ("6.5", "SETTINGS on a stream", then(frame(SETTINGS, 0, 1, bytes(6))), ends(PROTOCOL_ERROR)),
    ("6.5", "SETTINGS of 3 bytes", then(frame(SETTINGS, 0, 0, bytes(3))), ends(FRAME_SIZE_ERROR)),
    ("6.5.2", "ENABLE_PUSH of 2", then(settings((2, 2))), ends(PROTOCOL_ERROR)),
    ("6.5.2", "a window of 2^31", then(settings((4, 1 << 31))), ends(FLOW_CONTROL_ERROR)),
    ("6.5.2", "frames of 2^14-1", then(settings((5, 16383))), ends(PROTOCOL_ERROR)),
    ("6.5.2", "frames of 2^24", then(settings((5, 1 << 24))), ends(PROTOCOL_ERROR)),
    ("6.5.2", "an unknown setting", then(settings((0xff, 1))), FINE),
    # -- 6.7 PING, 6.8 GOAWAY
    ("6.7", "PING on a stream", then(frame(PING, 0, 1, bytes(8))), ends(PROTOCOL_ERROR)),
    ("6.7", "PING of 6 bytes", then(frame(PING, 0, 0, bytes(6))), ends(FRAME_SIZE_ERROR)),
    ("6.8", "GOAWAY on a stream", then(frame(GOAWAY, 0, 1, bytes(8))), ends(PROTOCOL_ERROR)),
    ("6.8", "GOAWAY of 4 bytes", then(frame(GOAWAY, 0, 0, bytes(4))), ends(FRAME_SIZE_ERROR)),
    # -- 6.9 WINDOW_UPDATE
    ("6.9", "WINDOW_UPDATE", then(head, window(0, 1), window(1, 1)), FINE),
    ("6.9", "WINDOW_UPDATE of 0", then(window(0, 0)), ends(PROTOCOL_ERROR)),
    ("6.9", "WINDOW_UPDATE of 0 on a stream", then(head, window(1, 0)),
     (*resets(PROTOCOL_ERROR), *ends(PROTOCOL_ERROR))),
    ("6.9", "WINDOW_UPDATE of 3 bytes", then(frame(WINDOW, 0, 0, bytes(3))),
     ends(FRAME_SIZE_ERROR)),
    ("6.9.1", "the connection's window over 2^31", then(*[window(0, (1 << 31) - 1)] * 2),
     ends(FLOW_CONTROL_ERROR)),
    ("6.9.1", "a stream's window over 2^31", then(head, *[window(1, (1 << 31) - 1)] * 2),
     resets(FLOW_CONTROL_ERROR)),
    ("6.9.2", "streams' windows over 2^31 by SETTINGS",
     then(head, window(1, (1 << 31) - 70000), settings((4, 1 << 20))),
     # It should be the connection's end; the library is milder.
     (*ends(FLOW_CONTROL_ERROR), *resets(FLOW_CONTROL_ERROR))),
    # -- 6.10 CONTINUATION
    ("6.10", "CONTINUATION, one", then(cut_head, rest()), FINE),
    ("6.10", "CONTINUATION, many", then(cut_head, *[rest(flags=0)] * 3, rest()), FINE),
    ("6.10", "CONTINUATION, empty", then(cut_head, frame(CONTINUATION, END_HEADERS, 1)), FINE),
    ("6.10", "CONTINUATION and then DATA", then(cut_head, rest(flags=0), frame(DATA, 0, 1, b"x")),
     ends(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION on stream 0", then(cut_head, rest(stream=0)), ends(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION of another", then(cut_head, rest(stream=3)), ends(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION after END_HEADERS", then(head, rest()), ends(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION after the last", then(cut_head, rest(), rest()), ends(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION after DATA", then(head, frame(DATA, 0, 1, b"x"), rest()),
     ends(PROTOCOL_ERROR)),
    # -- 7, 8
    ("7", "RST_STREAM with an unknown code", then(head, rst(1, 0xff)), FINE),
    ("8.1", "trailers", then(head, frame(*TRAILER, block(("x-sum", "1")))), FINE),
    ("8.1", "trailers that end nothing",
     then(head, frame(HEADERS, END_HEADERS, 1, block(("x-sum", "1")))), resets(PROTOCOL_ERROR)),
    ("8.1", "pseudo-header field in trailers",
     then(head, frame(*TRAILER, block((":status", "200")))), resets(PROTOCOL_ERROR)),
    ("8.2.1", "name in upper case", then(lambda s: s.head(more=[("X-Test", "1")])),
     resets(PROTOCOL_ERROR)),
    ("8.2.1", "name with a space", then(lambda s: s.head(more=[("x test", "1")])),
     resets(PROTOCOL_ERROR)),
    ("8.2.1", "value with CR LF", then(lambda s: s.head(more=[("x", "a\r\nb: c")])),
     resets(PROTOCOL_ERROR)),
    ("8.2.1", "value with NUL", then(lambda s: s.head(more=[("x", "a\0b")])),
     resets(PROTOCOL_ERROR)),
    ("8.2.2", "Connection", then(lambda s: s.head(more=[("connection", "close")])),
     resets(PROTOCOL_ERROR)),
    ("8.2.2", "Transfer-Encoding",
     then(lambda s: s.head(more=[("transfer-encoding", "chunked")])), resets(PROTOCOL_ERROR)),
    ("8.3", "unknown pseudo-header field", then(lambda s: s.head(more=[(":test", "1")])),
     resets(PROTOCOL_ERROR)),
    ("8.3", "pseudo-header field after others",
     then(lambda s: frame(HEADERS, END_HEADERS, 1, block(("x", "1"), *s.fields()))),
     resets(PROTOCOL_ERROR)),
    ("8.1.1", "less than Content-Length",
     then(lambda s: s.head(more=[("content-length", "9")]), frame(DATA, END_STREAM, 1, b"test")),
     resets(PROTOCOL_ERROR)),
    ("8.1.1", "more than Content-Length, in pieces",
     then(lambda s: s.head(more=[("content-length", "5")]), frame(DATA, 0, 1, b"test"),
          frame(DATA, END_STREAM, 1, b"test")), resets(PROTOCOL_ERROR)),
    # -- HPACK
    ("hpack 2.3.3", "index beyond the tables", then(extra(integer(127, 7, 0x80))),
     ends(COMPRESSION_ERROR)),
    ("hpack 2.3.3", "name's index beyond the tables",
     then(extra(integer(127, 6, 0x40) + b"\1x")), ends(COMPRESSION_ERROR)),
    ("hpack 4.2", "table size at the end of a block", then(extra(b"\x21")),
     ends(COMPRESSION_ERROR)),
    ("hpack 4.2", "table size at the beginning",
     then(lambda s: raw_head(b"\x21\x3f\xe1\x1f" + block(*s.fields()))), FINE),
    ("hpack 5.1", "an endless integer", then(extra(b"\xff" + b"\xff" * 12)),
     ends(COMPRESSION_ERROR)),
    ("hpack 5.2", "Huffman padding of 8 bits", then(extra(b"\0\1x\x83\x07\xff\xff")),
     ends(COMPRESSION_ERROR)),
    ("hpack 5.2", "Huffman padding of 0", then(extra(b"\0\1x\x81\x00")), ends(COMPRESSION_ERROR)),
    ("hpack 5.2", "Huffman EOS", then(extra(b"\0\1x\x84\xff\xff\xff\xff")),
     ends(COMPRESSION_ERROR)),
    ("hpack 6.1", "index 0", then(extra(b"\x80")), ends(COMPRESSION_ERROR)),
    ("hpack 6.1", "indexed: accept-encoding", then(extra(b"\x90")), FINE),
    ("hpack 6.2.1", "literal, indexed afterwards",
     then(extra(b"\x40\5x-new\1v" + integer(62, 7, 0x80))), FINE),
    ("hpack 6.2.2", "literal, not indexed, name by index", then(extra(b"\x0f\x24\1v")), FINE),
    ("hpack 6.2.3", "literal, never indexed", then(extra(b"\x10\5x-new\1v")), FINE),
    ("hpack 5.2", "literal in Huffman code", then(extra(b"\0\5x-new\x83\x94\xe7\x27")), FINE),
    ("hpack 6.3", "table size above what was allowed",
     then(lambda s: raw_head(integer(100000, 5, 0x20) + block(*s.fields()))),
     ends(COMPRESSION_ERROR)),
]


def asks(*fields):
    """A whole request of those fields only."""
    return then(lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, block(*fields)))


METHOD, SCHEME, PATH, AUTHORITY = ((":method", "GET"), (":scheme", "https"), (":path", "/hello"),
                                   (":authority", "localhost"))
CLIENT = [
    ("5.1.1", "an even number", then(lambda s: s.head(2, end=True)), ends(PROTOCOL_ERROR)),
    # It may have been reset by us, which the client need not know yet: ignored.
    ("5.1.1", "a smaller number", then(lambda s: s.head(5, end=True), lambda s: s.head(3)),
     (FINE, *ends(PROTOCOL_ERROR, STREAM_CLOSED))),
    ("5.3", "PRIORITY of idle, HEADERS of smaller", then(priority(3), whole), FINE),
    ("5.1.2", "more streams than allowed",
     then(*[lambda s, i=i: s.head(i) for i in range(1, 203, 2)], rst(1)),
     # The library is stricter than RFC 9113 with a client that has acknowledged the limit.
     (*resets(REFUSED_STREAM, PROTOCOL_ERROR), *ends(PROTOCOL_ERROR))),
    ("8.3.1", "no :method", asks(SCHEME, PATH, AUTHORITY), resets(PROTOCOL_ERROR)),
    ("8.3.1", "no :scheme", asks(METHOD, PATH, AUTHORITY), resets(PROTOCOL_ERROR)),
    ("8.3.1", "no :path", asks(METHOD, SCHEME, AUTHORITY), resets(PROTOCOL_ERROR)),
    ("8.3.1", "empty :path", asks(METHOD, SCHEME, (":path", ""), AUTHORITY),
     resets(PROTOCOL_ERROR)),
    ("8.3.1", "neither :authority nor Host", asks(METHOD, SCHEME, PATH), resets(PROTOCOL_ERROR)),
    ("8.3.1", "Host alone", asks(METHOD, SCHEME, PATH, ("host", "localhost")), FINE),
    ("8.3.1", "two :method", asks(METHOD, METHOD, SCHEME, PATH, AUTHORITY),
     resets(PROTOCOL_ERROR)),
    ("8.3.1", "two :scheme", asks(METHOD, SCHEME, SCHEME, PATH, AUTHORITY),
     resets(PROTOCOL_ERROR)),
    ("8.3.1", "two :path", asks(METHOD, SCHEME, PATH, PATH, AUTHORITY), resets(PROTOCOL_ERROR)),
    ("8.3.1", "a response's pseudo-header field", asks(METHOD, SCHEME, PATH, AUTHORITY,
                                                       (":status", "200")),
     resets(PROTOCOL_ERROR)),
    ("8.2.2", "TE: trailers", asks(METHOD, SCHEME, PATH, AUTHORITY, ("te", "trailers")), FINE),
    ("8.2.2", "TE of another kind", asks(METHOD, SCHEME, PATH, AUTHORITY,
                                         ("te", "trailers, deflate")), resets(PROTOCOL_ERROR)),
    ("8.1.1", "Content-Length and no content",
     then(lambda s: s.head(end=True, more=[("content-length", "4")])), resets(PROTOCOL_ERROR)),
    ("8.4", "PUSH_PROMISE from a client",
     then(head, lambda s: frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + block(*s.fields()))),
     ends(PROTOCOL_ERROR)),
    ("6.5.2", "ENABLE_PUSH of 0 and 1", then(settings((2, 0)), settings((2, 1))), FINE),
    ("6.8", "GOAWAY with an unknown code", then(head, goaway(0xff)), FINE),
]

ORIGIN = [
    ("5.1.1", "HEADERS on a stream nobody opened", then(lambda s: s.head(2)),
     ends(PROTOCOL_ERROR)),
    ("8.1", "DATA before HEADERS", then(frame(DATA, 0, 1, b"x")),
     (*resets(PROTOCOL_ERROR), *ends(PROTOCOL_ERROR))),
    ("8.3.2", "no :status", then(raw_head(block(("x", "1")))), resets(PROTOCOL_ERROR)),
    ("8.3.2", "two :status", then(raw_head(block((":status", "200"), (":status", "200")))),
     resets(PROTOCOL_ERROR)),
    ("8.3.2", "status of two digits", then(raw_head(block((":status", "20")))),
     resets(PROTOCOL_ERROR)),
    ("8.3.2", "status with letters", then(raw_head(block((":status", "20x")))),
     resets(PROTOCOL_ERROR)),
    ("8.3.2", "a request's pseudo-header field",
     then(raw_head(block((":status", "200"), (":path", "/")))), resets(PROTOCOL_ERROR)),
    ("8.6", "status 101", then(raw_head(block((":status", "101")))), resets(PROTOCOL_ERROR)),
    ("8.1", "103 that ends the stream",
     then(raw_head(block((":status", "103")), END_HEADERS | END_STREAM)), resets(PROTOCOL_ERROR)),
    ("8.1", "100, 103 and an answer",
     then(raw_head(block((":status", "100"))), raw_head(block((":status", "103"))), whole), FINE),
    ("8.4", "PUSH_PROMISE although push is off",
     then(frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + block((":method", "GET")))),
     ends(PROTOCOL_ERROR)),
    ("6.5.2", "ENABLE_PUSH of 1 by a server", then(settings((2, 1))),
     (FINE, *ends(PROTOCOL_ERROR))),
    ("6.5.2", "CONNECT taken back", then(settings((8, 1)), settings((8, 0))),
     (FINE, *ends(PROTOCOL_ERROR))),
]


def names(rows):
    return [f"{section}-{text}".replace(" ", "-").replace("/", "_") for section, text, *_ in rows]


def allowed(row):
    return [row[3]] if row[3] == FINE else list(row[3])


# -- a client that says it ---------------------------------------------------------------
@pytest.fixture(scope="module")
def target(certs):
    async def wait(x):
        await x.until_reset()
    origin = Origin2(certs.leaf("good"))
    origin.route("/wait", wait)
    yield origin
    origin.close()


def dial(mitmd, target):
    wire = mitmd.secure(target.authority, context=mitmd.context(("h2",)))
    return Frames(wire, target.authority)


@pytest.mark.parametrize("row", BOTH + CLIENT, ids=names(BOTH + CLIENT))
def test_of_a_client(mitmd, target, row):
    with dial(mitmd, target) as f:
        f.authority = "localhost"
        f.start()
        row[2](Side(f, True))
        what = outcome(f)
        assert what in allowed(row), (what, f.told())
        if what[0] != "goaway" and "GOAWAY" not in row[1]:
            f.send(f.head(901))
            assert f.answer(901) == 200


def test_a_preface(mitmd, target):
    """3.4: SETTINGS come first, and both are acknowledged."""
    with dial(mitmd, target) as f:
        f.send(PREFACE, settings())
        assert f.next().type == SETTINGS
        f.until(lambda x: x.type == SETTINGS and "ACK" in x.flags)


@pytest.mark.parametrize("bad", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", PREFACE + ping()],
                         ids=["letters", "no-settings"])
def test_a_bad_preface(mitmd, target, bad):
    with dial(mitmd, target) as f:
        f.send(bad)
        f.to_end()
        assert f.goaway() in (None, PROTOCOL_ERROR)


def test_ping(mitmd, target):
    """6.7: answered with its bytes; an answer is not."""
    with dial(mitmd, target) as f:
        f.start().send(ping(b"answered", ack=True), ping(b"question"))
        assert f.until(lambda x: x.type == PING).opaque_data == b"question"


def test_a_window_of_one(mitmd, target):
    """6.9.1, 6.9.2: content in frames of one byte, as the window allows."""
    with dial(mitmd, target) as f:
        f.start((4, 1)).send(f.head(path="/hello"))
        for i in range(4):
            assert f.until(lambda x: x.type == DATA).flow_controlled_length == 1
            f.send(window(1, 1) if i < 3 else b"")
        f.sync()
        assert sum(len(x.data) for x in f.seen if x.type == DATA) == 4


def test_a_window_that_goes_below_nothing(mitmd, target):
    """6.9.2"""
    with dial(mitmd, target) as f:
        f.start((4, 3)).send(f.head(path="/hello"))
        assert f.until(lambda x: x.type == DATA).data == b"hel"
        f.send(settings((4, 2)))		# -1 now
        f.send(window(1, 1))			# and 0
        f.sync()
        f.send(window(1, 1))
        assert f.until(lambda x: x.type == DATA).data == b"l"


def test_settings_of_many_windows(mitmd, target):
    """6.5.3: in order, so the last one holds; and acknowledged."""
    with dial(mitmd, target) as f:
        f.start().send(settings((4, 100), (4, 1)), f.head(path="/hello"))
        f.until(lambda x: x.type == SETTINGS and "ACK" in x.flags)
        assert f.until(lambda x: x.type == DATA).flow_controlled_length == 1


# -- an origin that says it ------------------------------------------------------------------
@pytest.fixture(scope="module")
def speaker(certs):
    """One origin for all rows: it says what is in .row, once three requests are there."""
    class Speaker:
        row = None
        heard = queue.Queue()

    def script(f):
        assert f.wire.read(len(PREFACE)) == PREFACE
        f.start(preface=False)
        for _ in range(3):
            f.until(lambda x: x.type == HEADERS)
        try:
            Speaker.row[2](Side(f, False))
            f.wire.sock.settimeout(TIMEOUT)
            Speaker.heard.put((outcome(f), f.told()))
        except Exception as error:  # pylint: disable=broad-except
            Speaker.heard.put((error, f.told()))
            raise
        f.to_end()
    Speaker.origin = FramesOrigin(certs.leaf("good"), script)
    yield Speaker
    Speaker.origin.close()


@pytest.mark.parametrize("row", BOTH + ORIGIN, ids=names(BOTH + ORIGIN))
def test_of_an_origin(mitmd, speaker, row):
    speaker.row = row
    with connect(mitmd, speaker.origin) as client:
        streams = [client.request(f"/{i}", "POST", end=False) for i in range(3)]
        what, told = speaker.heard.get(timeout=TIMEOUT)
        assert what in allowed(row), (what, told)
        if what[0] == "rst":		# ... is the client's loss, and that of this stream only
            client.until(lambda: streams[0].reset is not None)
            assert streams[1].reset is streams[2].reset is None
        elif what[0] == "goaway":
            client.until(lambda: all(s.over for s in streams))
