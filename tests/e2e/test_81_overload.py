# SPDX-License-Identifier: ISC
"""Slow peers, too many peers, no descriptors: each costs only itself, and all comes back."""
import contextlib
import os
import pathlib
import resource
import select
import socket
import ssl
import time

import pytest

from env.mitmd import PATIENCE, SANITIZED, wait_for
from env.wire import Closed

MIB = 1 << 20
SHORT = {"timeouts": {"header": "400ms", "handshake": "400ms", "idle": "600ms", "sniff": "400ms",
                      "connect": "400ms"}}


def ask_of(origin, more="", path="/hello", method="GET"):
    return f"{method} {origin.url(path)} HTTP/1.1\r\nHost: {origin.authority}\r\n{more}\r\n"


def fds(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def cpu_seconds(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / 100


@pytest.fixture(scope="module")
def short(start_mitmd):
    return start_mitmd(SHORT)


@pytest.fixture
def many_files():
    """Room for thousands of sockets in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    yield min(hard, 16384)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# -- slow peers --------------------------------------------------------------------------------
def test_a_body_that_stops(short, origin, tag):
    with short.dial() as client:
        client.send(f"POST {origin.url('/echo')} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic "
                    f"{__import__('base64').b64encode(tag.encode()).decode()}\r\n"
                    "Content-Length: 1000\r\n\r\nhalf".encode())
        said = client.read_to_end()
    assert said == b"" or b" 504 " in said.split(b"\r\n")[0], said
    assert "no byte moved in the middle of the request" in short.entry(tag, "/echo")["_error"]


def test_a_reader_that_stops(short, start_origin, tag):
    """It takes nothing any more: neither its connection nor the origin's stays."""
    ended = []

    def talk(wire):
        wire.read_head()
        with contextlib.suppress(OSError):
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                wire.send(b"x" * MIB)
        ended.append(True)
    origin = start_origin(script=talk)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((short.host, short.port))
    client.sendall(ask_of(origin).encode())
    wait_for(lambda: ended, "the origin's connection to end")
    client.close()


@pytest.mark.parametrize("begun", [False, True])
def test_an_origin_that_stops(short, start_origin, begun):
    def talk(wire):
        wire.read_head()
        if begun:
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        with contextlib.suppress(OSError):
            wire.read(1)
    origin = start_origin(script=talk)
    with short.dial() as client:
        client.send(ask_of(origin).encode())
        try:
            said = client.read_to_end()
        except ConnectionResetError:
            said = b""
        assert begun or b" 504 " in said.split(b"\r\n")[0], said


def test_a_client_that_stops_in_its_handshake(short, secure_origin):
    """After the server's flight: its Finished never comes."""
    context = short.context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with short.tunnel(secure_origin.authority) as client:
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        client.send(outgoing.read())
        assert client.read(5)[0] == 22
        with contextlib.suppress(OSError):
            client.read_to_end()
    short.wait_log("TLS handshake with the client timed out")


def test_an_origin_that_stops_in_its_handshake(short, start_origin):
    def talk(wire):
        with contextlib.suppress(OSError, Closed):
            wire.read_until(b"never")
    origin = start_origin(script=talk)
    assert short.curl().run(f"https://localhost:{origin.port}/").code != 0
    short.wait_log("TLS handshake with the origin timed out")


def test_a_tunnel_that_never_says_what_it_is(short, start_origin):
    """One byte that could begin HTTP: after a while it goes on as it is."""
    got = []
    origin = start_origin(script=lambda wire: got.append(wire.read(1)))
    with short.tunnel(origin.authority) as client:
        client.send(b"G")
        wait_for(lambda: got == [b"G"], "the byte at the origin")


def test_a_tunnel_without_a_byte(short, start_origin):
    origin = start_origin(script=lambda wire: wire.read(1))
    with short.tunnel(origin.authority) as client:
        assert client.read_to_end() == b""


def test_an_origin_that_does_not_take_connections(short):
    """Its queue is full: the kernel drops what comes."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        port = listener.getsockname()[1]
        result = short.curl().run(f"http://127.0.0.1:{port}/")
        assert result.status == 504
        with short.dial() as client:
            response = client.connect(f"127.0.0.1:{port}")
        assert response.status == 504
        assert "connection_timeout" in response.get("Proxy-Status")


# -- too many -----------------------------------------------------------------------------------
def served(mitmd, origin, count):
    """Connections of which each had an answer, and how many had none."""
    good, bad = [], 0
    for _ in range(count):
        client = mitmd.dial()
        try:
            assert client.ask(ask_of(origin)).status == 200
            good.append(client)
        except (Closed, OSError):
            client.close()
            bad += 1
    return good, bad


def test_a_clients_limit_holds_over_all_workers(own_mitmd, origin):
    mitmd = own_mitmd({"workers": 4, "limits": {"connections_per_client": 10}})
    good, bad = served(mitmd, origin, 30)
    assert (len(good), bad) == (10, 20)
    for client in good[:5]:
        client.close()

    def more():
        again, _ = served(mitmd, origin, 5)
        good.extend(again)
        return len(good) == 15
    wait_for(more, "room for five again")
    assert served(mitmd, origin, 5)[1] == 5
    for client in good:
        client.close()


def test_the_limit_of_all_holds_over_all_workers(own_mitmd, origin):
    """More wait, and are served when there is room."""
    mitmd = own_mitmd({"workers": 3, "limits": {"connections": 12}})
    clients = [mitmd.dial() for _ in range(12)]
    for client in clients:
        assert client.ask(ask_of(origin)).status == 200
    late = mitmd.dial()
    late.send(ask_of(origin).encode())
    assert not select.select([late.sock], [], [], 1)[0]
    for client in clients:
        client.close()
    assert late.read_response().status == 200
    late.close()


def test_half_open_connections_by_the_thousand(own_mitmd, origin, many_files):
    """Each ends at its deadline; who is served meanwhile does not notice."""
    count = min(2000 if "CI" in os.environ else 10000, many_files - 1000)
    mitmd = own_mitmd({**SHORT, "workers": 2, "limits": {"connections_per_client": 100000},
                       "timeouts": {"header": "2s", "idle": "3s"}})
    before = [fds(pid) for pid in mitmd.pids("worker")]
    clients = []
    for i in range(count):
        sock = socket.create_connection((mitmd.host, mitmd.port), PATIENCE)
        clients.append(sock)
        with contextlib.suppress(OSError):
            sock.send([b"", b"G", b"GET http://x/ HTTP/1.1\r\nHost: x\r\n", b"\r\n"][i % 4])
        if i % 500 == 0:
            assert mitmd.curl().ok(origin.url()).status == 200
    waiting = set(clients)
    end = time.monotonic() + PATIENCE * 3
    poll = select.poll()
    for sock in waiting:
        poll.register(sock, select.POLLIN)
    by_fd = {sock.fileno(): sock for sock in clients}
    while waiting:
        assert time.monotonic() < end, f"{len(waiting)} are still open"
        for fd, _ in poll.poll(1000):
            sock = by_fd[fd]
            with contextlib.suppress(OSError):
                if sock.recv(4096):
                    continue
            poll.unregister(sock)
            waiting.discard(sock)
            sock.close()
    assert mitmd.curl().ok(origin.url()).status == 200
    wait_for(lambda: all(fds(pid) <= n + 8 for pid, n in zip(mitmd.pids("worker"), before)),
             "the descriptors to come back", PATIENCE * 3)


# -- no descriptors ------------------------------------------------------------------------------
def test_without_descriptors_clients_are_told_and_all_comes_back(own_mitmd, origin):
    mitmd = own_mitmd({"workers": 1, "limits": {"connections_per_client": 100000}})
    assert mitmd.curl().ok(origin.url()).status == 200
    (worker,) = mitmd.pids("worker")
    _, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (64, hard))
    base = fds(worker)
    clients = [mitmd.dial() for _ in range(500)]
    # Who was taken waits; a descriptor may have come back meanwhile, so it may be anyone.
    told = wait_for(lambda: len(told := [c for c in clients if select.select([c.sock], [], [], 0)[0]])
                    >= 500 - 64 and told, "all others to be told")
    for client in told:
        response = client.read_response()
        assert (response.status, response.get("Connection")) == (503, "close")
        assert b"no descriptor" in response.body
    # Nobody comes, and nothing turns: neither for the listener nor for the connections.
    used = cpu_seconds(worker)
    time.sleep(1)
    assert cpu_seconds(worker) - used < 0.2 or SANITIZED
    for client in clients:
        client.close()
    wait_for(lambda: fds(worker) <= base + 2, "the descriptors to come back")
    assert mitmd.curl().ok(origin.url()).status == 200
    assert mitmd.pids("worker") == [worker]
    assert len([line for line in mitmd.log if "cannot accept: Too many open files" in line]) <= 20


def test_without_descriptors_for_origins(own_mitmd, origin):
    """A client that was taken, and an origin that cannot be: 503."""
    mitmd = own_mitmd({"workers": 1})
    with mitmd.dial() as client:
        assert client.ask(ask_of(origin)).status == 200
        (worker,) = mitmd.pids("worker")
        _, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (3, hard))
        response = client.connect("127.0.0.1:1")
        assert response.status == 503 and b"descriptor" in response.body
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (hard, hard))
        assert client.ask(ask_of(origin)).status == 200
