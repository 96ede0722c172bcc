# SPDX-License-Identifier: ISC
"""What would be another message, or two, once it is HTTP/1: it goes no further than mitmd."""
import pytest

from env.h2_attack import assault, attacker
from env.h2_frames import DATA, END_HEADERS, END_STREAM, HEADERS, RST, block, frame
from env.h2_peer import Origin2


@pytest.fixture(scope="module")
def target(certs):
    origin = Origin2(certs.leaf("good"))
    yield origin
    origin.close()


def with_fields(*more, method="POST", path="/smuggled", body=b"", drop=(), first=()):
    """A request with those fields; returns frames(f)."""
    def make(f, marked):
        fields = [*first, *[(n, v) for n, v in f.fields(path, method) if n not in drop]]
        fields = [(n, v.replace("/smuggled", marked) if isinstance(v, str) else v)
                  for n, v in fields]
        head = frame(HEADERS, END_HEADERS | (0 if body else END_STREAM), 1,
                     block(*fields, *more))
        return head + (frame(DATA, END_STREAM, 1, body) if body else b"")
    return make


INNER = "\r\n\r\nGET /inner HTTP/1.1\r\nhost: x\r\n\r\n"
SPACES = [" ", "\t", "\v", "\f", "\x85", "\xa0", "\0"]
SMUGGLING = {
    "te-chunked": with_fields(("transfer-encoding", "chunked"), body=b"0\r\n\r\n"),
    "te-underscore": with_fields(("transfer_encoding", "chunked"), body=b"0\r\n\r\n"),
    "cl-underscore": with_fields(("content_length", "0"), body=b"x"),
    "te-upper": with_fields(("Transfer-Encoding", "chunked"), body=b"0\r\n\r\n"),
    "te-colon": with_fields(("transfer-encoding:", "chunked"), body=b"0\r\n\r\n"),
    "te-unicode": with_fields(("tran\u017ffer-encoding".encode(), "chunked"), body=b"0\r\n\r\n"),
    "te-kelvin": with_fields(("transfer-encoding", "chun\u212aed".encode()), body=b"0\r\n\r\n"),
    **{f"te-space-{ord(c):02x}-after": with_fields((f"transfer-encoding{c}", "chunked"))
       for c in SPACES},
    **{f"te-space-{ord(c):02x}-before": with_fields((f"{c}transfer-encoding", "chunked"))
       for c in SPACES},
    "name-empty": with_fields(("", "x")),
    "name-crlf": with_fields(("x: y\r\ntransfer-encoding", "chunked")),
    "name-lf": with_fields(("x\ntransfer-encoding", "chunked")),
    "name-colon": with_fields(("x:y", "z")),
    "value-crlf": with_fields(("x", "y\r\ntransfer-encoding: chunked")),
    "value-lf": with_fields(("x", "y\ntransfer-encoding: chunked")),
    "value-cr": with_fields(("x", "y\rtransfer-encoding: chunked")),
    "value-nul": with_fields(("x", "y\0z")),
    "value-inner": with_fields(("x", "y" + INNER)),
    "path-crlf": with_fields(path="/smuggled HTTP/1.1" + INNER),
    "path-space": with_fields(path="/smuggled x"),
    "path-tab": with_fields(path="/smuggled\tx"),
    "path-fragment": with_fields(path="/smuggled#x"),
    "path-nul": with_fields(path="/smuggled\0"),
    "path-high": with_fields(path="/smuggled\xe4"),
    "path-absolute": with_fields(path="http://other/smuggled"),
    "path-relative": with_fields(path="smuggled", drop=()),
    "path-empty": with_fields(path=""),
    "path-star": with_fields(path="*"),
    "method-space": with_fields(method="GET /smuggled HTTP/1.1\r\nx: y\r\n\r\nPOST"),
    "method-crlf": with_fields(method="GET\r\n"),
    "method-empty": with_fields(method=""),
    "method-colon": with_fields(method="GET:"),
    "scheme-crlf": with_fields(drop=(":scheme",), first=[(":scheme", "https\r\nx: y")]),
    "scheme-odd": with_fields(drop=(":scheme",), first=[(":scheme", "https://other/?")]),
    "authority-userinfo": with_fields(drop=(":authority",),
                                      first=[(":authority", "user@localhost")]),
    "authority-crlf": with_fields(drop=(":authority",),
                                  first=[(":authority", "localhost\r\nx: y")]),
    "authority-path": with_fields(drop=(":authority",), first=[(":authority", "localhost/x")]),
    "authority-two": with_fields(first=[(":authority", "localhost")]),
    "authority-empty": with_fields(drop=(":authority",), first=[(":authority", "")]),
    "host-differs": with_fields(("host", "other.example")),
    "host-two": with_fields(("host", "localhost"), ("host", "localhost"), drop=(":authority",)),
    "host-crlf": with_fields(("host", "localhost\r\nx: y"), drop=(":authority",)),
    "host-none": with_fields(drop=(":authority",)),
    "pseudo-late": with_fields(("x", "y"), (":path", "/smuggled")),
    "pseudo-unknown": with_fields(first=[(":odd", "x")]),
    "pseudo-status": with_fields(first=[(":status", "200")]),
    "protocol-without-connect": with_fields(first=[(":protocol", "websocket")]),
    **{f"hop-{n}": with_fields((n, v)) for n, v in {
        "connection": "close, x", "proxy-connection": "keep-alive", "keep-alive": "timeout=5",
        "upgrade": "h2c", "te": "chunked"}.items()},
    "length-two": with_fields(("content-length", "1"), ("content-length", "2"), body=b"x"),
    "length-list": with_fields(("content-length", "1, 1"), body=b"x"),
    "length-plus": with_fields(("content-length", "+1"), body=b"x"),
    "length-minus": with_fields(("content-length", "-1"), body=b"x"),
    "length-space": with_fields(("content-length", "1 "), body=b"x"),
    "length-hex": with_fields(("content-length", "0x1"), body=b"x"),
    "length-huge": with_fields(("content-length", "18446744073709551617"), body=b"x"),
    "length-none": with_fields(("content-length", "5")),
    "length-less": with_fields(("content-length", "1"), body=b"xGET /inner HTTP/1.1\r\n"),
}
# They may reach the origin: the form of a head that says so is right.
HARMLESS = {"path-star"}


@pytest.mark.parametrize("kind", SMUGGLING)
def test_smuggling(mitmd, target, kind):
    """It ends at mitmd; or, where only the end of the content shows it, is never ended."""
    marked = f"/smuggled-{kind}"
    with attacker(mitmd, target) as f:
        f.authority = "localhost"
        before = len(target.requests())
        f.send(SMUGGLING[kind](f, marked))
        f.until(lambda x: x.type == RST and x.stream_id == 1)
        f.send(f.head(3, "/hello?" + kind))
        assert f.answer(3) == 200
    new_ones = [r for r in target.requests()[before:] if r.path != "/hello?" + kind]
    if kind in ("length-less", "length-none"):
        new_ones = [r for r in new_ones if r.ended and r.reset is None]
    assert not new_ones, [r.headers for r in new_ones]


def test_smuggling_in_trailers(mitmd, target):
    for fields in ([("transfer-encoding", "chunked")], [(":path", "/inner")],
                   [("x", "y\r\nz: w")], [("X", "y")]):
        with attacker(mitmd, target) as f:
            f.send(f.head(1, "/echo", "POST", end=False),
                   frame(HEADERS, END_HEADERS | END_STREAM, 1, block(*fields)))
            f.until(lambda x: x.type == RST and x.stream_id == 1)
    assert not [r for r in target.requests("/echo") if r.trailers]


RESPONSES = {
    "te-chunked": [("transfer-encoding", "chunked")],
    "te-underscore": [("transfer_encoding", "chunked")],
    "connection": [("connection", "x")],
    "value-crlf": [("x", "y\r\nset-cookie: a=b")],
    "name-crlf": [("x: y\r\nset-cookie", "a=b")],
    "name-upper": [("X", "y")],
    "length-two": [("content-length", "1"), ("content-length", "2")],
    "status-late": [("x", "y"), (":status", "200")],
}


@pytest.mark.parametrize("kind", RESPONSES)
def test_a_split_response(mitmd, certs, kind):
    def script(f):
        f.send(frame(HEADERS, END_HEADERS, 1, block((":status", "200"), *RESPONSES[kind])))
        return f.until(lambda x: x.type == RST and x.stream_id == 1).error_code
    _, stream = assault(certs, mitmd, script)
    assert stream.reset is not None and not stream.status
