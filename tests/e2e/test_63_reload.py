# SPDX-License-Identifier: ISC
"""Reload under load: no request fails, none is missing from the recordings."""
import contextlib
import os
import re
import select
import signal
import socket
import time

import pytest

from env.h2_peer import Client2
from env.load import Fresh, Keep, LatePost, Load, Plain, Two
from env.mitmd import PATIENCE, alive, wait_for
from env.wire import Closed

LONG = os.environ.get("MITMD_LONG") == "1"
RELOADS = 200 if LONG else 25


def reload(mitmd, expect=r"\breloaded: generation \d"):
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    return mitmd.wait_log(expect, start)


def all_kinds(secure_origin, origin, h2_origin):
    return ((Keep, secure_origin), (Fresh, secure_origin), (LatePost, secure_origin),
            (LatePost, secure_origin), (Plain, origin), (Two, h2_origin))


@pytest.fixture
def h2_origin(start_h2):
    return start_h2()


def test_no_request_fails_and_none_is_missing(own_mitmd, secure_origin, origin, h2_origin, tag):
    mitmd = own_mitmd({"log": {"flows": "off"}})
    with Load(mitmd, tag, *all_kinds(secure_origin, origin, h2_origin)) as load:
        for _ in range(RELOADS):
            reload(mitmd)
        load.wait_more(2)
    assert not load.failed
    assert not load.check_recorded()
    assert len(load.good) > RELOADS


def test_a_storm_of_reloads(own_mitmd, secure_origin, origin, h2_origin, tag):
    """Not one generation for each: those that come meanwhile are one."""
    mitmd = own_mitmd({"log": {"flows": "off"}})
    with Load(mitmd, tag, *all_kinds(secure_origin, origin, h2_origin)) as load:
        start = len(mitmd.log)
        for _ in range(10 * RELOADS):
            mitmd.tell(signal.SIGHUP)
        mitmd.wait_log(r"\breloaded: generation \d", start)
        reload(mitmd)
        load.wait_more(2)
    assert not load.failed
    assert not load.check_recorded()
    generations = int(re.findall(r"generation (\d+)", mitmd.log_text())[-1])
    assert generations < 5 * RELOADS


# -- when it is told ---------------------------------------------------------------------
def has_come(sock):
    return bool(select.select([sock], [], [], 0)[0])


def test_reloaded_is_said_when_the_old_ones_have_let_go(own_mitmd, secure_origin):
    """In the log, and to who waits for it."""
    mitmd = own_mitmd({"workers": 2})
    stopped, other = mitmd.pids("worker")
    start = len(mitmd.log)
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(mitmd.config["control"])
        line.settimeout(PATIENCE)
        os.kill(stopped, signal.SIGSTOP)
        try:
            line.sendall(b"reload wait\n")
            wait_for(lambda: not alive(other), "the end of the other old worker")
            mitmd.curl().ok(secure_origin.url())
            assert mitmd.ctl("status").returncode == 0		# what was said before has come
            said = has_come(line) or re.search(r"\breloaded: ", "\n".join(mitmd.log[start:]))
            # One that stands still for long is killed, and has let go thereby.
            assert not (said and alive(stopped))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(stopped, signal.SIGCONT)
        assert line.recv(4096) == b"ok\ngeneration\n2\n"
    mitmd.wait_log(r"\breloaded: generation 2", start)
    wait_for(lambda: not alive(stopped), "its end")


# -- listeners -----------------------------------------------------------------------------
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def ask_for_nothing(sock):
    with sock:
        sock.sendall(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 404 ")


def test_a_listener_is_added_and_one_removed(own_mitmd, secure_origin, tag):
    """Who waits at the removed one is still served; who comes later is refused."""
    mitmd = own_mitmd({"listen": ["127.0.0.1:0", f"127.0.0.2:{free_port()}"]})
    second = mitmd.config["listen"][1].split(":")
    third = f"127.0.0.3:{free_port()}"
    mitmd.config["listen"][1] = third
    mitmd.write(mitmd.config)
    before = mitmd.pids("worker")
    start = len(mitmd.log)
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    try:
        waiting = [socket.create_connection(second, 20) for _ in range(20)]
        mitmd.tell(signal.SIGHUP)
        mitmd.wait_log(r"listening on 127\.0\.0\.3", start)
        ask_for_nothing(socket.create_connection(third.split(":"), 20))	# the new workers
    finally:
        for pid in before:
            os.kill(pid, signal.SIGCONT)
    mitmd.wait_log(r"\breloaded: generation \d", start)
    for sock in waiting:
        ask_for_nothing(sock)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(second, 20)
    assert mitmd.curl(tag).ok(secure_origin.url()).status == 200


def test_a_removed_listener_is_closed_though_old_connections_live(own_mitmd, secure_origin):
    mitmd = own_mitmd({"listen": ["127.0.0.1:0", f"127.0.0.2:{free_port()}"]})
    second = mitmd.config["listen"][1]
    with mitmd.secure(secure_origin.authority):
        mitmd.config["listen"] = mitmd.config["listen"][:1]
        mitmd.write(mitmd.config)
        reload(mitmd)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(second.split(":"), 20)


# -- draining ------------------------------------------------------------------------------
def hello(authority, n=0):
    return f"GET /hello?{n} HTTP/1.1\r\nHost: {authority}\r\n\r\n"


def test_the_next_response_says_close_and_the_rest_is_read(own_mitmd, secure_origin):
    """The half-close leaves the client time: what it has sent meanwhile is no reset."""
    mitmd = own_mitmd()
    with mitmd.secure(secure_origin.authority) as client:
        assert client.ask(hello(secure_origin.authority)).get("Connection") is None
        reload(mitmd)
        client.send((hello(secure_origin.authority, 1) + hello(secure_origin.authority, 2)).encode())
        response = client.read_final_response()
        assert response.get("Connection") == "close" and response.body == b"hello\n"
        client.send(b"x" * 1000)
        assert client.at_end()


def test_an_idle_connection_is_left_alone_for_drain_idle(own_mitmd, secure_origin):
    mitmd = own_mitmd({"drain_idle": "1h"})
    before = mitmd.pids("worker")
    with mitmd.secure(secure_origin.authority) as client:
        client.ask(hello(secure_origin.authority))
        reload(mitmd)
        wait_for(lambda: sum(map(alive, before)) == 1, "the end of the idle worker")
        response = client.ask(hello(secure_origin.authority))
        assert response.get("Connection") == "close"
    wait_for(lambda: not any(map(alive, before)), "the end of both")


def test_an_idle_connection_is_closed_after_drain_idle(own_mitmd, secure_origin):
    mitmd = own_mitmd({"drain_idle": "100ms"})
    with mitmd.secure(secure_origin.authority) as client:
        client.ask(hello(secure_origin.authority))
        reload(mitmd)
        assert client.at_end()


def test_an_http2_client_that_does_not_read_yet_may_still_ask(own_mitmd, h2_origin):
    """It has not seen the GOAWAY: what it sends is not lost."""
    mitmd = own_mitmd()
    wire = mitmd.secure(h2_origin.authority, context=mitmd.context(("h2",)))
    with Client2(wire, h2_origin.authority) as client:
        client.get("/hello")
        reload(mitmd)
        time.sleep(1.5)		# who does read has answered by now, and is told the end
        assert client.get("/hello").body == b"hello\n"
        assert client.goaway is not None


def test_a_tunnel_lasts_until_drain_timeout_and_says_so(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"drain_timeout": "500ms", "ignore_hosts": ["localhost"]})
    with mitmd.tunnel(secure_origin.authority, tag) as client:
        reload(mitmd)
        try:
            assert client.at_end()
        except Closed:
            pass
    entry = mitmd.har(tag).entries[0]
    assert entry.error == "drain"


def test_at_most_four_generations_drain(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"workers": 1, "ignore_hosts": ["localhost"]})
    clients = []
    try:
        for _ in range(6):
            clients.append(mitmd.tunnel(secure_origin.authority, tag))
            reload(mitmd)
        mitmd.wait_log("is cut: more than 4 are draining")
        assert clients[0].at_end()
        wait_for(lambda: len(mitmd.pids("worker")) <= 5, "the end of the oldest")
    finally:
        for client in clients:
            client.close()
