# SPDX-License-Identifier: ISC
"""Limits: too much, too slow, too odd; each costs only the one who does it."""
import random
import resource
import signal
import socket

import pytest

from env.mitmd import SANITIZED
from env.wire import Closed

MIB = 1 << 20


def ask_of(origin, more="", path="/hello"):
    return f"GET {origin.url(path)} HTTP/1.1\r\nHost: {origin.authority}\r\n{more}\r\n"


@pytest.fixture(scope="module")
def strict(start_mitmd):
    """Small limits, short times."""
    return start_mitmd({
        "limits": {"header_size": "8K", "header_count": 20},
        "timeouts": {"header": "300ms", "handshake": "300ms", "idle": "500ms",
                     "sniff": "300ms"},
    })


# -- heads ---------------------------------------------------------------------------------
# name: (fields, statuses)
LARGE = {
    "one-field": "A: " + "x" * 9000 + "\r\n",
    "one-name": "A" * 9000 + ": x\r\n",
    "many-bytes": "".join(f"A{i}: {'x' * 900}\r\n" for i in range(12)),
    "many-fields": "".join(f"A{i}: x\r\n" for i in range(30)),
}


@pytest.mark.parametrize("fields", LARGE.values(), ids=LARGE)
def test_a_head_too_large_is_431(strict, origin, fields):
    with strict.dial() as client:
        response = client.ask(ask_of(origin, fields))
        assert response.status == 431
        assert client.at_end()
    assert not origin.requests()


def test_a_target_too_long_is_414_or_431(strict, origin):
    with strict.dial() as client:
        assert client.ask(ask_of(origin, path="/" + "x" * 9000)).status in (414, 431)


def test_a_head_just_within_the_limits_passes(strict, origin):
    fields = "".join(f"A{i}: {'x' * 380}\r\n" for i in range(18))
    with strict.dial() as client:
        assert client.ask(ask_of(origin, fields)).status == 200


def test_trailers_have_limits_too(strict, origin):
    trailers = "".join(f"A{i}: x\r\n" for i in range(30))
    with strict.dial() as client:
        try:
            ask = ask_of(origin, "Transfer-Encoding: chunked\r\n", "/echo").replace("GET", "POST")
            assert client.ask(ask + f"0\r\n{trailers}\r\n").status in (400, 431)
        except (Closed, ConnectionResetError):
            pass
    assert not origin.requests()


def test_a_response_head_too_large_is_502(strict, origin):
    origin.route("/huge", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 20000 + b"\r\n\r\n")
    with strict.dial() as client:
        assert client.ask(ask_of(origin, path="/huge")).status == 502


# -- slow ----------------------------------------------------------------------------------
def ends_in_time(client):
    """The rest of what mitmd says before it closes."""
    client.sock.settimeout(5)
    return client.read_to_end()


def test_a_head_that_never_ends(strict, origin):
    with strict.dial() as client:
        client.send(ask_of(origin)[:30].encode())
        said = ends_in_time(client)
    assert said == b"" or b" 408 " in said.split(b"\r\n")[0]


def test_a_head_that_drips_is_no_longer_lived(strict, origin):
    text = ask_of(origin, "A: " + "x" * 500 + "\r\n").encode()
    with strict.dial() as client:
        client.sock.settimeout(0.05)
        with pytest.raises((OSError, Closed)):
            for i in range(len(text)):
                client.send(text[i:i + 1])
                try:
                    if not client.fill():
                        raise Closed(client.buffer)
                except socket.timeout:
                    continue
                raise Closed(client.buffer)
    assert not origin.requests()


def test_a_client_that_says_nothing(strict):
    with strict.dial() as client:
        ends_in_time(client)


def test_an_idle_connection_is_closed(strict, origin):
    with strict.dial() as client:
        assert client.ask(ask_of(origin)).status == 200
        assert ends_in_time(client) == b""


def test_a_client_hello_that_never_ends(strict, secure_origin):
    with strict.tunnel(secure_origin.authority) as client:
        client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        ends_in_time(client)


# -- garbage -----------------------------------------------------------------------------------
def garbage(seed, n):
    return random.Random(seed).randbytes(n)


@pytest.mark.parametrize("seed", range(10))
def test_garbage_at_the_door(strict, origin, seed):
    with strict.dial() as client:
        try:
            client.send(garbage(seed, 1 + seed * 700))
            ends_in_time(client)
        except OSError:
            pass
    with strict.dial() as client:
        assert client.ask(ask_of(origin)).status == 200


@pytest.mark.parametrize("seed", range(10))
def test_garbage_after_a_hello(strict, secure_origin, seed):
    with strict.tunnel(secure_origin.authority) as client:
        try:
            client.send(b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + garbage(seed, 245))
            ends_in_time(client)
        except OSError:
            pass
    assert strict.curl().ok(secure_origin.url()).status == 200


@pytest.mark.parametrize("seed", range(10))
def test_garbage_from_an_origin(strict, start_origin, seed):
    def talk(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\n"[:seed * 2] + garbage(seed, 500))
    origin = start_origin(script=talk)
    with strict.dial() as client:
        try:
            client.send(ask_of(origin).encode())
            ends_in_time(client)
        except OSError:
            pass


@pytest.mark.parametrize("seed", range(5))
def test_garbage_from_a_tls_origin(strict, start_origin, secure_origin, seed):
    def talk(wire):
        wire.read(5)
        wire.send(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + garbage(seed, 111))
    origin = start_origin(script=talk)
    assert strict.curl().run(f"https://{origin.authority}/hello").code == 35
    assert strict.curl().ok(secure_origin.url()).status == 200


def test_garbage_inside_tls(strict, secure_origin):
    for seed in range(10):
        with strict.secure(secure_origin.authority) as client:
            try:
                client.send(garbage(seed, 3000))
                ends_in_time(client)
            except OSError:
                pass
    assert strict.curl().ok(secure_origin.url()).status == 200


# -- many ---------------------------------------------------------------------------------------
@pytest.fixture
def many_files():
    """Room for thousands of sockets in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    yield min(hard, 16384)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_1000_connections_at_once(start_mitmd, nginx, many_files):
    if many_files < 3000:
        pytest.skip("too few open files allowed")
    mitmd = start_mitmd()
    nginx.file("thousand.txt", b"one of a thousand")
    url = nginx.plain_url("/thousand.txt")
    ask = f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    clients = [mitmd.dial() for _ in range(1000)]
    for client in clients:
        client.send(ask)
    for client in clients:
        assert client.read_response().body == b"one of a thousand"
    for client in clients:
        client.send(ask)
    for client in clients:
        assert client.read_response().body == b"one of a thousand"
        client.close()


def test_too_few_open_files_for_a_new_limit_are_told(own_mitmd, origin):
    """Processes cannot get more of them later than the first configuration's master could."""
    mitmd = own_mitmd()
    resource.prlimit(mitmd.process.pid, resource.RLIMIT_NOFILE, (5000, 5000))
    mitmd.write({**mitmd.config, "limits": {"connections": 3000}})
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log(r"the limit of open files \(5000\) allows 2244 connections")
    mitmd.wait_log(r"\breloaded\b")
    assert mitmd.curl().ok(origin.url()).status == 200


def test_connections_per_client_are_limited(start_mitmd, origin):
    mitmd = start_mitmd({"workers": 1, "limits": {"connections_per_client": 10}})
    clients = [mitmd.dial() for _ in range(10)]
    for client in clients:
        assert client.ask(ask_of(origin)).status == 200
    with mitmd.dial() as eleventh:
        try:
            eleventh.send(ask_of(origin).encode())
            assert eleventh.read_response().status in (429, 503)
        except (Closed, OSError):
            pass
    clients.pop().close()
    for client in clients:
        assert client.ask(ask_of(origin)).status == 200


def test_200_slow_readers_of_a_large_body(start_mitmd, nginx, many_files):
    """What a slow client does not take stays at the origin, not in the worker."""
    mitmd = start_mitmd({"workers": 1, "capture": {"max_body": "64K"}})
    nginx.file("slow-reader.bin", b"\0" * (64 * MIB))
    (worker,) = mitmd.pids("worker")
    context = mitmd.context()
    ask = b"GET /slow-reader.bin HTTP/1.1\r\nHost: localhost\r\n\r\n"
    before = mitmd.memory(worker)
    clients = []
    for _ in range(200):
        client = mitmd.secure(f"localhost:{nginx.tls_port}", context=context)
        client.send(ask)
        clients.append(client)
    for client in clients:
        assert client.read_head().status == 200
        client.read(100000)
    grown = mitmd.memory(worker) - before
    for client in clients:
        client.reset()
    assert SANITIZED or grown < 200 * MIB, f"{grown // MIB} MiB for 200 readers"


def test_a_slow_reader_does_not_slow_others(start_mitmd, nginx):
    mitmd = start_mitmd({"workers": 1})
    nginx.file("stuck.bin", b"\0" * (64 * MIB))
    nginx.file("quick.txt", b"quick")
    with mitmd.secure(f"localhost:{nginx.tls_port}") as stuck:
        stuck.send(b"GET /stuck.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stuck.read(1000)
        for _ in range(5):
            assert mitmd.curl().ok(nginx.url("/quick.txt")).facts["time_total"] < 5
