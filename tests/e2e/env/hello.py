# SPDX-License-Identifier: ISC
"""hello.py - TLS records by hand: ClientHellos read and written, ServerHellos written."""
import os
import struct

ALERT, HANDSHAKE, DATA = 21, 22, 23
SNI, STATUS, GROUPS, SIGALGS, ALPN, VERSIONS, KEY_SHARE = 0, 5, 10, 13, 16, 43, 51
RENEGOTIATION = 0xff01
TLS12 = 0x0303


def grease(value):
    return value & 0x0f0f == 0x0a0a and value >> 8 == value & 255


def numbers(data):
    return [v for v, in struct.iter_unpack("!H", data) if not grease(v)]


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, n):
        assert len(self.data) >= n, "cut short"
        piece, self.data = self.data[:n], self.data[n:]
        return piece

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def vector(self, size):
        return self.take(self.number(size))


class ClientHello:
    """What a ClientHello offers; GREASE left out."""

    def __init__(self, body):
        r = Reader(body)
        self.version = r.number(2)
        self.random = r.take(32)
        self.session = r.vector(1)
        self.ciphers = numbers(r.vector(2))
        self.compressions = list(r.vector(1))
        self.extensions = {}
        more = Reader(r.vector(2)) if r.data else Reader(b"")
        while more.data:
            kind = more.number(2)
            value = more.vector(2)
            if not grease(kind):
                self.extensions[kind] = value

    def _list(self, kind, size=2):
        value = self.extensions.get(kind)
        return numbers(Reader(value).vector(size)) if value is not None else []

    @property
    def versions(self):
        return self._list(VERSIONS, 1) or [v for v in (0x0301, 0x0302, 0x0303)
                                           if v <= self.version]

    @property
    def sigalgs(self):
        return self._list(SIGALGS)

    @property
    def groups(self):
        return self._list(GROUPS)

    @property
    def alpn(self):
        names, found = Reader(Reader(self.extensions.get(ALPN, b"\0\0")).vector(2)), []
        while names.data:
            found.append(names.vector(1).decode())
        return found

    @property
    def sni(self):
        value = self.extensions.get(SNI)
        if value is None:
            return None
        r = Reader(Reader(value).vector(2))
        assert r.number(1) == 0
        return r.vector(2).decode()

    @property
    def offers_staple(self):
        return STATUS in self.extensions


def read_record(wire):
    kind, _version, n = struct.unpack("!BHH", wire.read(5))
    return kind, wire.read(n)


def read_hello(wire):
    """Through however many records it came in."""
    data = b""
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[1:4], "big"):
        kind, more = read_record(wire)
        assert kind == HANDSHAKE, kind
        data += more
    assert data[0] == 1
    return ClientHello(data[4:])


def record(kind, data, version=TLS12):
    return struct.pack("!BHH", kind, version, len(data)) + data


def alert(description, version=TLS12):
    return record(ALERT, bytes((2, description)), version)


def extension(kind, value):
    return struct.pack("!H", kind) + vector(2, value)


def server_hello(cipher, version=TLS12, random=None, compression=0, extensions=None,
                 session=b""):
    """extensions: bytes; None for the empty renegotiation_info every server has."""
    more = extension(RENEGOTIATION, b"\0") if extensions is None else extensions
    body = (struct.pack("!H", version) + (random or os.urandom(32)) + vector(1, session)
            + struct.pack("!HB", cipher, compression) + (vector(2, more) if more else b""))
    return record(HANDSHAKE, b"\x02" + vector(3, body), min(version, TLS12))


def client_hello(sni=None, ciphers=(0x1301, 0xc02b, 0xc02f), versions=(0x0304, 0x0303),
                 sigalgs=(0x0403, 0x0804, 0x0401), alpn=(b"http/1.1",), more=b""):
    """sni: the bytes of a host name, or None."""
    def of_numbers(values):
        return b"".join(struct.pack("!H", v) for v in values)
    extensions = b""
    if sni is not None:
        extensions += extension(SNI, vector(2, b"\0" + vector(2, sni)))
    extensions += extension(GROUPS, vector(2, of_numbers((29, 23))))
    extensions += extension(SIGALGS, vector(2, of_numbers(sigalgs)))
    extensions += extension(VERSIONS, vector(1, of_numbers(versions)))
    extensions += extension(KEY_SHARE, vector(2, struct.pack("!H", 29)
                                              + vector(2, os.urandom(32))))
    if alpn:
        extensions += extension(ALPN, vector(2, b"".join(vector(1, a) for a in alpn)))
    body = (struct.pack("!H", TLS12) + os.urandom(32) + vector(1, os.urandom(32))
            + vector(2, of_numbers(ciphers)) + b"\x01\0" + vector(2, extensions + more))
    return record(HANDSHAKE, b"\x01" + vector(3, body), 0x0301)
