# SPDX-License-Identifier: ISC
"""wire.py - HTTP/1 bytes on a socket, read strictly, written as told.

Both raw clients and the scripted origin use it, so that a test sees exactly
what mitmd wrote and decides exactly what mitmd reads.
"""
import base64
import fcntl
import os
import pathlib
import socket
import ssl
import struct
import termios
import time

TIMEOUT = float(os.environ.get("MITMD_TEST_TIMEOUT", "20"))


class Closed(Exception):
    """The peer closed where bytes were expected; .data is what came before."""

    def __init__(self, data):
        super().__init__(f"closed after {bytes(data[:200])!r}")
        self.data = bytes(data)


class Message:
    """A request or a response as it was read."""

    def __init__(self, start, headers, raw_head):
        self.start = start
        self.headers = headers
        self.raw_head = raw_head
        self.body = b""
        self.trailers = []
        self.chunks = []

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    @property
    def version(self):
        words = self.start.split(" ")
        return words[0] if words[0].startswith("HTTP/") else words[2]

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    @property
    def reason(self):
        return self.start.split(" ", 2)[2]

    def __repr__(self):
        return f"<{self.start} {self.headers} {len(self.body)} bytes>"


class Wire:
    """A connected socket with a read buffer."""

    def __init__(self, sock, timeout=TIMEOUT):
        self.sock = sock
        self.sock.settimeout(timeout)
        self.buffer = bytearray()
        self.received = 0

    # -- bytes ---------------------------------------------------------------
    def send(self, data):
        self.sock.sendall(data)
        return self

    def send_slowly(self, data, size=1):
        """Each piece in a segment of its own."""
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(data), size):
            self.sock.sendall(data[i:i + size])
        return self

    def fill(self, at_most=262144):
        """One read more into the buffer; False at the end of the stream."""
        data = self.sock.recv(at_most)
        self.buffer += data
        self.received += len(data)
        return bool(data)

    def take(self, n):
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def read(self, n):
        while len(self.buffer) < n:
            if not self.fill():
                raise Closed(self.buffer)
        return self.take(n)

    def read_until(self, mark):
        start = 0
        while True:
            at = self.buffer.find(mark, start)
            if at >= 0:
                return self.take(at + len(mark))
            start = max(0, len(self.buffer) - len(mark))
            if not self.fill():
                raise Closed(self.buffer)

    def read_to_end(self):
        """Everything up to FIN; a reset ends it too."""
        try:
            while self.fill():
                pass
        except (ConnectionResetError, ssl.SSLEOFError, BrokenPipeError):
            pass
        return self.take(len(self.buffer))

    def at_end(self):
        """True if the peer closes next, without a byte before."""
        if self.buffer:
            return False
        try:
            return not self.fill()
        except (ConnectionResetError, ssl.SSLEOFError):
            return True

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # -- messages ------------------------------------------------------------
    def read_head(self):
        raw = self.read_until(b"\r\n\r\n")
        lines = raw[:-4].decode("latin-1").split("\r\n")
        return Message(lines[0], [self._field(line) for line in lines[1:]], raw)

    @staticmethod
    def _field(line):
        name, colon, value = line.partition(":")
        assert colon and name and name == name.strip(), f"not a field line: {line!r}"
        return name, value.strip(" \t")

    def read_request(self):
        """None when the peer is done."""
        try:
            request = self.read_head()
        except Closed as end:
            assert not end.data, f"torn request: {end.data!r}"
            return None
        request.body = b""
        if request.method == "CONNECT":
            return request
        return self._read_body(request, until_close=False)

    def read_response(self, to="GET"):
        """The next response, whatever it is (also a 1xx)."""
        response = self.read_head()
        status = response.status
        if to == "HEAD" or status < 200 or status in (204, 304):
            return response
        if to == "CONNECT" and 200 <= status < 300:
            return response
        return self._read_body(response, until_close=True)

    def read_final_response(self, to="GET"):
        """The final response; those before are in .informational."""
        before = []
        while True:
            response = self.read_response(to)
            if response.status >= 200 or response.status == 101:
                response.informational = before
                return response
            before.append(response)

    def _read_body(self, message, until_close):
        coding = message.get("Transfer-Encoding")
        length = message.get("Content-Length")
        if coding is not None:
            assert coding.lower() == "chunked" and length is None, message.headers
            self._read_chunks(message)
        elif length is not None:
            message.body = self.read(int(length))
        elif until_close:
            message.body = self.read_to_end()
        return message

    def _read_chunks(self, message):
        while True:
            size = int(self.read_until(b"\r\n")[:-2].split(b";")[0], 16)
            if size == 0:
                break
            message.chunks.append(self.read(size))
            assert self.read(2) == b"\r\n"
        message.body = b"".join(message.chunks)
        while True:
            line = self.read_until(b"\r\n")[:-2].decode("latin-1")
            if not line:
                return
            message.trailers.append(self._field(line))

    # -- as a proxy's client ---------------------------------------------------
    def ask(self, text, to=None):
        """Send a request and read its response."""
        self.send(text if isinstance(text, bytes) else text.encode("latin-1"))
        method = to or (text if isinstance(text, str) else text.decode("latin-1")).split(" ")[0]
        return self.read_final_response(method)

    def connect(self, authority, tag=None, more=""):
        """CONNECT and its response."""
        user = f"Proxy-Authorization: {basic(tag)}\r\n" if tag else ""
        return self.ask(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{user}{more}\r\n",
                        "CONNECT")

    def start_tls(self, context, name, session=None):
        """A new Wire on top of this one; name None sends no SNI."""
        assert not self.buffer
        secure = context.wrap_socket(self.sock, server_hostname=name, session=session,
                                     suppress_ragged_eofs=False)
        return Wire(secure, self.sock.gettimeout())


def reset(sock):
    """Close with RST, also below TLS."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket.close(sock)


def until_read(sock):
    """
    Wait until the program at the other end of a loopback connection has read all
    that was sent: that it was sent says nothing of when a loop of another process
    looks at it, and there is no event of that, only the kernel's table.
    """
    def place(address):
        return f"{struct.unpack('=I', socket.inet_aton(address[0]))[0]:08X}:{address[1]:04X}"
    ends = [place(sock.getpeername()), place(sock.getsockname())]	# as the other end sees it
    deadline = time.monotonic() + TIMEOUT
    while True:
        unsent = fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4))	# neither sent nor acknowledged
        rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
        unread = [row[4].split(":")[1] for row in rows if row[1:3] == ends]
        if not any(unsent) and (not unread or int(unread[0], 16) == 0):
            return
        assert time.monotonic() < deadline, f"never read: {unread}"
        time.sleep(0.005)


def basic(tag, password=""):
    return "Basic " + base64.b64encode(f"{tag}:{password}".encode()).decode()


def at_once(sock):
    """A second small piece waits for no acknowledgement, which may take 40 ms (a listener's
    connections inherit it)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def dial(host, port, timeout=TIMEOUT):
    sock = socket.create_connection((host, port), timeout)
    return Wire(at_once(sock), timeout)
