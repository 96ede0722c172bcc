# SPDX-License-Identifier: ISC
"""A stop, or a drain, in the middle of things: what has come is served, or told."""
import contextlib
import os
import pathlib
import signal
import socket
import threading

import pytest

from env.h2_peer import Client2
from env.har import Har
from env.mitmd import alive, wait_for
from env.wire import basic

HELLO = "GET /hello HTTP/1.1\r\nHost: {0}\r\n\r\n"
LONG = {"workers": 1, "stop_timeout": "1h", "timeouts": {"connect": "1h"}}


class Busy:
    """A port that takes no connection until it is told to: its queue is full."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", self.port))
            self.fillers.append(filler)
        self.waiting = self.count()

    def count(self):
        """Who has asked for a connection, and not got one."""
        return pathlib.Path("/proc/net/tcp").read_text().count(f" 0100007F:{self.port:04X} 02 ")

    def wait_dial(self):
        wait_for(lambda: self.count() > self.waiting, "one more that asks")

    def serve(self):
        """Takes all, and says hello to who asks."""
        for filler in self.fillers:
            filler.close()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._hello, args=(sock,), daemon=True).start()

    @staticmethod
    def _hello(sock):
        with sock, contextlib.suppress(OSError):
            if sock.recv(65536).startswith(b"GET "):
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")

    def close(self):
        for sock in (self.listener, *self.fillers):
            sock.close()


@pytest.fixture
def busy():
    made = Busy()
    yield made
    made.close()


@contextlib.contextmanager
def standing(mitmd):
    """The worker stands still; what happens meanwhile it sees at once."""
    (worker,) = mitmd.pids("worker")
    os.kill(worker, signal.SIGSTOP)
    wait_for(lambda: " T " in pathlib.Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2][:4],
             "the worker to stand")
    try:
        yield worker
    finally:
        os.kill(worker, signal.SIGCONT)


def accepted(mitmd):
    """All connections of before are: the worker answers what one of later asks."""
    with mitmd.dial() as other:
        other.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")


# -- a CONNECT that is being dialled ---------------------------------------------------------
def test_a_dial_may_end_while_we_stop(own_mitmd, busy, tag):
    """... and what the client asks then is served."""
    mitmd = own_mitmd(LONG)
    with mitmd.dial() as client:
        client.send(f"CONNECT localhost:{busy.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        busy.wait_dial()
        mitmd.tell(signal.SIGTERM)
        mitmd.wait_log("stopping")
        busy.serve()
        assert client.read_response("CONNECT").status == 200
        assert client.ask(HELLO.format("localhost")).body == b"hello\n"
        assert client.at_end()
    assert mitmd.gone() == 0


@pytest.mark.parametrize("method", ["CONNECT", "GET"])
def test_a_dial_that_does_not_end_is_told_so(own_mitmd, busy, tag, method):
    """503, and why; not the end of a connection that says nothing."""
    mitmd = own_mitmd({**LONG, "stop_timeout": "300ms"})
    target = f"localhost:{busy.port}" if method == "CONNECT" else f"http://localhost:{busy.port}/"
    with mitmd.dial() as client:
        client.send(f"{method} {target} HTTP/1.1\r\nHost: x\r\n"
                    f"Proxy-Authorization: {basic(tag)}\r\n\r\n".encode())
        busy.wait_dial()
        mitmd.tell(signal.SIGTERM)
        response = client.read_response()
        assert response.status == 503
        assert response.get("Proxy-Status") == 'mitmd; error=proxy_internal_error; details="stopped"'
        assert response.get("Connection") == "close" and client.at_end()
    assert mitmd.gone() == 0
    (entry,) = Har(mitmd.files(tag)).entries
    assert entry.error == "stopped"


# -- a request that has arrived ----------------------------------------------------------------
@pytest.fixture(params=["stop", "drain"])
def ending(request, own_mitmd):
    """(mitmd, begin): begin() tells its worker, which stands still, to let go."""
    mitmd = own_mitmd({**LONG, "drain_idle": "0s"})

    def stop():
        mitmd.tell(signal.SIGTERM)
        mitmd.wait_log("stopping")

    def drain():
        mitmd.tell(signal.SIGHUP)
        wait_for(lambda: len(mitmd.pids("worker")) == 2, "a new worker")
        with mitmd.dial() as other:		# which has begun to serve: the old one was told
            other.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

    def begin():
        stop() if request.param == "stop" else drain()
        mitmd.ctl("status")		# whatever it says: the master's turn is over
    return mitmd, begin


# Which of both the worker's loop shows it first is not ours to say.
ORDERS = pytest.mark.parametrize("order", ["asked-first", "told-first"])


def both(worker_stands, order, begin, ask):
    """The worker is told to let go, and asked, in one turn of its loop."""
    with worker_stands as worker:
        if order == "asked-first":
            asked = ask()
            begin()
        else:
            begin()
            asked = ask()
    return worker, asked


@ORDERS
@pytest.mark.parametrize("where", ["new", "used", "tls"])
def test_a_request_in_the_sockets_buffer_is_served(ending, origin, secure_origin, where, order):
    """The worker hears of the end first, and reads before it closes."""
    mitmd, begin = ending
    if where == "tls":
        client, text = mitmd.secure(secure_origin.authority), HELLO.format(secure_origin.authority)
    else:
        client, text = mitmd.dial(), HELLO.format("x").replace("/hello", origin.url())
    with client:
        if where == "new":
            accepted(mitmd)
        else:
            assert client.ask(text).get("Connection") is None
        worker, _ = both(standing(mitmd), order, begin, lambda: client.send(text.encode()))
        response = client.read_response()
        assert (response.status, response.get("Connection")) == (200, "close")
        assert client.at_end()
    wait_for(lambda: not alive(worker), "the worker's end")


@ORDERS
@pytest.mark.parametrize("secure", [True, False], ids=["tls", "plain"])
def test_a_stream_in_the_sockets_buffer_is_served(ending, origin, h2_origin, secure, order):
    """HTTP/2: it came before the client could know of the GOAWAY."""
    mitmd, begin = ending
    if secure:
        where, wire = h2_origin, mitmd.secure(h2_origin.authority, context=mitmd.context(("h2",)))
    else:
        where, wire = origin, mitmd.dial()
    scheme = "https" if secure else "http"
    with Client2(wire, where.authority) as client:
        assert client.request(scheme=scheme).finish().body == b"hello\n"
        worker, stream = both(standing(mitmd), order, begin, lambda: client.request(scheme=scheme))
        client.until(lambda: stream.over)
        assert stream.body == b"hello\n" and client.goaway is not None
        client.until(lambda: client.closed)
    wait_for(lambda: not alive(worker), "the worker's end")
