# SPDX-License-Identifier: ISC
"""Attacks on what joins the parts: pauses, endings, signals, and who cleans up."""
import os
import random
import resource
import signal
import socket
import ssl
import time

import pytest

from env.har import Har
from env.mitmd import SANITIZED, wait_for

MIB = 1 << 20


def ask_of(origin, path="/hello", method="GET", more=""):
    return (f"{method} {origin.url(path)} HTTP/1.1\r\nHost: {origin.authority}\r\n"
            f"{more}\r\n").encode()


# -- CONNECT where none belongs ------------------------------------------------------------
def test_connect_inside_https_costs_its_connection_only(mitmd, secure_origin, tag):
    before = mitmd.pids("worker")
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n")
        assert client.at_end()
    assert mitmd.har(tag, lambda har: har.entries).entries[0]["request"]["method"] == "CONNECT"
    assert mitmd.pids("worker") == before


def test_connect_inside_a_plain_tunnel_is_405(mitmd, origin):
    before = mitmd.pids("worker")
    with mitmd.tunnel(origin.authority) as client:
        assert client.connect("other:443").status == 405
    assert mitmd.curl().ok(origin.url()).status == 200
    assert mitmd.pids("worker") == before


# -- stop --------------------------------------------------------------------------------------
def test_stop_cuts_half_a_head(own_mitmd, origin):
    mitmd = own_mitmd({"workers": 1, "stop_timeout": "1s"})
    with mitmd.dial() as client:
        client.send(ask_of(origin)[:-10])
        time.sleep(0.3)
        mitmd.close()
    assert "killed" not in mitmd.log_text(), mitmd.log
    assert Har(mitmd.files("127.0.0.1")).entries[0]["_error"] == "stopped"


def test_stop_cuts_a_silent_tunnel_in_time(own_mitmd, start_origin):
    """A peer that never closes does not hold a worker."""
    origin = start_origin(script=lambda wire: (wire.read(5), wire.read(1)))
    mitmd = own_mitmd({"workers": 1, "stop_timeout": "200ms"})
    with mitmd.tunnel(origin.authority) as client:
        client.send(b"\0\0\0\0\0")
        time.sleep(0.3)
        assert mitmd.stop() == 0
    assert "killed" not in mitmd.log_text(), mitmd.log


def test_stop_loses_nothing_when_the_recorder_died(own_mitmd, origin, tag):
    """What lies in the rings is for the next recorder, also while stopping."""
    mitmd = own_mitmd({"workers": 1})
    (recorder,) = mitmd.pids("recorder")
    os.kill(recorder, signal.SIGSTOP)
    for i in range(20):
        assert mitmd.curl(tag).ok(origin.url(f"/hello?{i}")).status == 200
    os.kill(recorder, signal.SIGKILL)
    assert mitmd.stop() == 0
    text = "".join(f.read_text() for f in mitmd.files(tag))
    assert [i for i in range(20) if f"/hello?{i}\"" not in text] == []


def test_stop_after_a_worker_could_not_be_forked(own_mitmd, origin):
    """A ring that no worker ever had is not waited for."""
    mitmd = own_mitmd({"workers": 1})
    pid, nofile = mitmd.process.pid, resource.RLIMIT_NOFILE
    before = resource.prlimit(pid, nofile)
    used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    (worker,) = mitmd.pids("worker")
    os.kill(worker, signal.SIGSTOP)		# so that its own descriptors stay counted
    room = sorted(set(range(1000)) - used)[:2]	# for a ring, not for the channels
    resource.prlimit(pid, nofile, (room[-1] + 1, before[1]))
    os.kill(worker, signal.SIGKILL)
    mitmd.wait_log("cannot (make|fork)")
    resource.prlimit(pid, nofile, before)
    wait_for(lambda: mitmd.pids("worker"), "a worker")
    assert mitmd.curl().ok(origin.url()).status == 200
    started = time.monotonic()
    assert mitmd.stop() == 0
    assert time.monotonic() - started < 8


def test_sigterm_at_any_time_of_the_start(own_mitmd):
    """Stopped before it was ready is still an orderly end."""
    rng = random.Random(1)
    mitmd = own_mitmd(start=False)
    mitmd.spawn().wait_log("ready")		# the CA is made
    mitmd.stop()
    for _ in range(25):
        mitmd.spawn()
        wait_for(lambda: "mitmd" in open(f"/proc/{mitmd.process.pid}/comm").read(), "exec")
        wait_for(lambda: signals_blocked(mitmd.process.pid), "main()")
        time.sleep(rng.random() * (0.5 if SANITIZED else 0.08))
        started = time.monotonic()
        assert mitmd.stop() == 0, mitmd.log
        assert time.monotonic() - started < 5, mitmd.log
        assert "cannot start" not in mitmd.log_text()


def signals_blocked(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        mask = [line.split()[1] for line in status if line.startswith("SigBlk")]
    return int(mask[0], 16) & 1 << signal.SIGTERM - 1


# -- reload ------------------------------------------------------------------------------------
def test_a_reload_asked_during_the_start_comes(own_mitmd):
    mitmd = own_mitmd(start=False)
    mitmd.spawn().wait_log("listening on")
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log("reloaded: generation 2", timeout=10)


def test_a_reload_asked_during_a_reload_comes(own_mitmd, origin):
    """Nothing but the reload's own end wakes the one that waits for it."""
    mitmd = own_mitmd({"workers": 1})
    with mitmd.tunnel(origin.authority):		# keeps the first generation
        mitmd.tell(signal.SIGHUP)
        time.sleep(0.002)
        mitmd.tell(signal.SIGHUP)
        time.sleep(0.002)
        mitmd.tell(signal.SIGHUP)
        mitmd.wait_log("reloaded: generation 3", timeout=10)


# -- who answers what ---------------------------------------------------------------------------
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_refused_head_request_has_no_body(mitmd, origin):
    """Or the next response on the connection would be misread."""
    with mitmd.dial() as client:
        client.send(f"HEAD http://localhost:{free_port()}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.read_response("HEAD").status == 502
        assert client.ask(ask_of(origin)).body == b"hello\n"


def test_an_origin_that_closes_after_100(mitmd, start_origin):
    def talk(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    origin = start_origin(script=talk)
    with mitmd.dial() as client:
        client.sock.settimeout(5)
        assert client.ask(ask_of(origin)).status == 502


def test_a_post_is_not_sent_twice(mitmd, start_origin):
    """RFC 9110 9.2.2: nobody knows what the first one did."""
    def talk(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        seen.append(wire.read_head())
    seen = []
    origin = start_origin(script=talk)
    with mitmd.dial() as client:
        client.ask(ask_of(origin))
        more = "Content-Length: 0\r\n"
        assert client.ask(ask_of(origin, method="POST", more=more)).status == 502
    assert len(seen) == 1 and len(origin.connections) == 1


# -- pauses -----------------------------------------------------------------------------------
def send_until_stuck(client, data, limit, patience=2):
    """Send without reading; how much was taken before nothing more was."""
    client.sock.settimeout(patience)
    sent = 0
    try:
        while sent < limit:
            sent += client.sock.send(data)
    except (socket.timeout, ConnectionError):
        pass
    return sent


@pytest.mark.parametrize("kind", ["refused", "served"])
def test_a_client_that_pipelines_and_reads_nothing(own_mitmd, origin, kind):
    """Answers nobody reads stop the requests."""
    mitmd = own_mitmd({"workers": 1})
    (worker,) = mitmd.pids("worker")
    path = "/bytes/200000"
    data = b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n" if kind == "refused" else ask_of(origin, path)
    with mitmd.dial() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        before = mitmd.memory(worker)
        if kind == "refused":
            send_until_stuck(client, data * 1000, 32 * MIB)
        else:
            client.send(data * 1000)
            time.sleep(2)
        grown = mitmd.memory(worker) - before
        assert SANITIZED or grown < 24 * MIB, f"{grown // MIB} MiB"
        client.reset()


def test_pipelined_answers_all_come_to_a_slow_reader(mitmd, origin):
    """... and go on when they are read after all."""
    with mitmd.dial() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        client.send(ask_of(origin, "/bytes/200000") * 50)
        time.sleep(0.5)
        for _ in range(50):
            assert len(client.read_response().body) == 200000
        client.send(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n" * 5000)
        time.sleep(0.5)
        for _ in range(5000):
            assert client.read_response().status == 404


def test_an_answer_before_the_end_of_an_upload(mitmd, start_origin):
    """The origin refuses, and resets on what still comes: the client hears the answer."""
    def talk(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
        time.sleep(0.5)
        wire.reset()
    origin = start_origin(script=talk)
    size = 32 * MIB
    with mitmd.dial() as client:
        client.sock.settimeout(10)
        client.send(ask_of(origin, method="POST", more=f"Content-Length: {size}\r\n"))
        try:
            for _ in range(size // MIB):
                client.send(bytes(MIB))
        except ConnectionError:
            pass
        assert client.read_response().body == b"large"


# -- deadlines -----------------------------------------------------------------------------------
def test_an_origin_that_never_shakes_hands_is_named(own_mitmd, start_origin, tag):
    origin = start_origin(script=lambda wire: wire.read_until(b"never"))
    mitmd = own_mitmd({"workers": 1, "timeouts": {"handshake": "500ms"}})
    hello = client_hello()
    with mitmd.tunnel(origin.authority, tag) as client:
        client.send(hello[:20])
        time.sleep(0.3)
        client.send(hello[20:])
        client.read_to_end()
    (entry,) = mitmd.har(tag, lambda har: har.entries).entries
    assert "with the origin timed out" in entry["_error"], entry["_error"]


def client_hello():
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    shy = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        shy.do_handshake()
    return out.read()


def test_dialling_has_a_deadline_of_its_own(own_mitmd, tag):
    """The client's idle time, when it is shorter, does not end it unrecorded."""
    mitmd = own_mitmd({"workers": 1, "timeouts": {"idle": "300ms", "connect": "1s"}})
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        filler = [socket.socket() for _ in range(4)]
        for s in filler:
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
        with mitmd.dial() as client:
            assert client.connect(f"127.0.0.1:{port}", tag).status == 504
        for s in filler:
            s.close()
    (entry,) = mitmd.har(tag, lambda har: har.entries).entries
    assert "timed out" in entry["_error"]
