# SPDX-License-Identifier: ISC
"""bridge.py - for clients that know no proxy: a port of our own whose every
connection becomes a CONNECT at mitmd.  Ends and resets pass as they come.
"""
import contextlib
import socket
import struct
import threading

from .wire import dial


class Bridge:
    """Connections to .port reach `authority` through the proxy at (host, port)."""

    def __init__(self, proxy, authority, tag=None):
        self.proxy = proxy
        self.tag = tag
        self.authority = authority
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        wire = dial(*self.proxy)
        try:
            if wire.connect(self.authority, self.tag).status != 200:
                client.close()
                return
            wire.sock.settimeout(None)
            other = threading.Thread(target=copy, args=(client, wire.sock), daemon=True)
            other.start()
            copy(wire.sock, client)
            other.join()
        finally:
            client.close()
            wire.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def copy(source, sink):
    """Everything up to the end; a reset is one on the other side too."""
    try:
        while True:
            data = source.recv(65536)
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(data)
    except ConnectionResetError:
        with contextlib.suppress(OSError):
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sink.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
