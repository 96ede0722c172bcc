# SPDX-License-Identifier: ISC
"""ws.py - WebSocket frames by hand (RFC 6455), on a Wire or anywhere else."""
import base64
import hashlib
import os
import struct

from .origin import Origin
from .wire import Wire

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1 = 0x80, 0x40


def frame(first, data=b"", masked=False):
    """first: opcode and flags. A client's are masked."""
    head = bytes([first])
    bit = 0x80 if masked else 0
    if len(data) < 126:
        head += bytes([bit | len(data)])
    elif len(data) < 65536:
        head += struct.pack(">BH", bit | 126, len(data))
    else:
        head += struct.pack(">BQ", bit | 127, len(data))
    if not masked:
        return head + data
    mask = os.urandom(4)
    key = int.from_bytes(mask * (len(data) // 4 + 1), "big") >> 8 * (4 - len(data) % 4)
    turned = (int.from_bytes(data, "big") ^ key).to_bytes(len(data), "big") if data else b""
    return head + mask + turned


def unframed(data):
    """The first frame in data: (first byte, payload, its length); None: there is no whole one."""
    if len(data) < 2:
        return None
    at, n = 2, data[1] & 0x7f
    if n >= 126:
        at = 4 if n == 126 else 10
        n = int.from_bytes(data[2:at], "big")
    mask = data[at:at + 4] if data[1] & 0x80 else b""
    at += len(mask)
    if len(data) < at + n or (data[1] & 0x80 and len(mask) < 4):
        return None
    payload = data[at:at + n]
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return data[0], payload, at + n


def text(words, masked=False):
    return frame(FIN | TEXT, words.encode(), masked)


def close(code=1000, reason="", masked=False):
    return frame(FIN | CLOSE, struct.pack(">H", code) + reason.encode(), masked)


def accept(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def upgrade(target, authority, more=""):
    return (f"GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n")


def open_on(wire, origin, path="/ws", target=None, more=""):
    """The client's handshake."""
    response = wire.ask(upgrade(target or path, origin.authority, more), "GET")
    assert response.status == 101, response
    assert response.get("Sec-WebSocket-Accept") == accept("dGhlIHNhbXBsZSBub25jZQ==")
    return wire


class WsOrigin(Origin):
    """talk(wire) after the handshake; what it reads and writes is bytes."""

    def __init__(self, cert=None, talk=None, more=""):
        self.talk = talk
        self.more = more
        super().__init__(cert, script=self._shake)

    def _shake(self, wire: Wire):
        request = wire.read_head()
        self.asked = request
        wire.send((f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                   "Upgrade: websocket\r\n"
                   f"Sec-WebSocket-Accept: {accept(request.get('Sec-WebSocket-Key'))}\r\n"
                   f"{self.more}\r\n").encode())
        self.talk(wire)


def messages(entries):
    """(type, opcode, data) of all pieces, in order."""
    return [(m["type"], m["opcode"], m["data"]) for e in entries
            for m in e["_webSocketMessages"]]
