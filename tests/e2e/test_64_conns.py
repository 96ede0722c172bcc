# SPDX-License-Identifier: ISC
"""mitmctl conns: who is connected, to what, and what is going on there."""
import contextlib
import json
import re
import socket
import threading

import pytest

from env import ws
from env.h2_peer import connect
from env.mitmd import wait_for


def rows(mitmd, tag=None):
    done = mitmd.ctl("conns", "--output", "json")
    assert done.returncode == 0, done.stderr
    return [r for r in json.loads(done.stdout) if tag is None or r["tag"] == tag]


def row(mitmd, tag, **what):
    """The one connection of a tag, once it is like that."""
    def look():
        found = rows(mitmd, tag)
        assert len(found) <= 1, found
        return found[0] if found and what.items() <= found[0].items() else None
    return wait_for(look, f"a connection with {what}: {rows(mitmd, tag)}")


def test_plain_http(mitmd, start_origin, tag):
    go = threading.Event()
    origin = start_origin()
    origin.route("/wait", lambda x: (go.wait(60), x.answer(body=b"x" * 1000)))
    with mitmd.curl(tag).start(origin.url("/wait")) as curl:
        found = row(mitmd, tag, state="active", requests=1)
        assert (found["kind"], found["host"], found["port"]) == ("http", "localhost", origin.port)
        assert re.fullmatch(r"127\.0\.0\.1:\d+", found["client"])
        assert found["received"] > 100 and found["sent"] == 0
        assert found["pid"] in mitmd.pids("worker") and found["generation"] == 1
        go.set()
        curl.communicate()
    wait_for(lambda: not rows(mitmd, tag), "its end")


def test_before_it_says_anything(mitmd):
    with mitmd.dial() as client:
        name = "127.0.0.1:{}".format(client.sock.getsockname()[1])
        found = wait_for(lambda: [r for r in rows(mitmd) if r["client"] == name], "it")[0]
        assert (found["kind"], found["state"], found["host"], found["tag"]) == ("http", "idle", None, None)
        assert (found["requests"], found["received"], found["sent"]) == (0, 0, 0)


def test_after_connect(mitmd, origin, tag):
    with mitmd.tunnel(origin.authority, tag) as client:
        found = row(mitmd, tag, kind="connect", state="waiting")
        assert (found["host"], found["port"], found["requests"]) == ("localhost", origin.port, 0)
        client.send(b"\0\1\2\3")
        row(mitmd, tag, kind="tunnel", state="active")


def test_https(mitmd, secure_origin, tag):
    with mitmd.secure(secure_origin.authority, tag) as client:
        for _ in range(3):
            client.ask(f"GET /hello HTTP/1.1\r\nHost: {secure_origin.authority}\r\n\r\n")
        found = row(mitmd, tag, kind="https", state="idle", requests=3)
        assert found["host"] == "localhost" and found["port"] == secure_origin.port
        assert found["received"] > 500 and found["sent"] > 500


def test_https_over_h2(mitmd, start_h2, tag):
    origin = start_h2()
    origin.route("/", lambda x: x.answer(200, body=b"hello"))
    with connect(mitmd, origin, tag) as client:
        for number in (1, 2):
            assert client.get("/").status == 200
            found = row(mitmd, tag, kind="https/2", state="idle", requests=number)
    assert found["host"] == "localhost"


def test_a_websocket(mitmd, certs, tag):
    origin = ws.WsOrigin(certs.leaf("good"), lambda wire: wire.read_to_end())
    try:
        with ws.open_on(mitmd.secure(origin.authority, tag), origin):
            row(mitmd, tag, kind="websocket", state="active", requests=1)
    finally:
        origin.close()


def test_one_of_a_generation_that_drains(own_mitmd, origin, tag):
    mitmd = own_mitmd()
    with mitmd.tunnel(origin.authority, tag):
        assert mitmd.ctl("reload", "--wait").returncode == 0
        assert row(mitmd, tag)["generation"] == 1
        with mitmd.tunnel(origin.authority, f"{tag}-2"):
            assert row(mitmd, f"{tag}-2")["generation"] == 2


def test_for_people(mitmd, origin, tag):
    with mitmd.tunnel(origin.authority, tag):
        row(mitmd, tag, kind="connect")
        table = mitmd.ctl("conns").stdout
        assert table.startswith("CLIENT ") and re.search(
            rf"^127\.0\.0\.1:\d+ +{tag} +connect +localhost +{origin.port} +waiting +\d+s +0 ", table, re.M)


@pytest.mark.parametrize("number", [1500])
def test_many_of_them(own_mitmd, number):
    """Each is there once, in whatever turn of the loop its row was made."""
    mitmd = own_mitmd({"workers": 1, "timeouts": {"header": "1h"}})
    with contextlib.ExitStack() as stack:
        clients = {}
        for _ in range(number):
            client = stack.enter_context(socket.create_connection((mitmd.host, mitmd.port)))
            clients["127.0.0.1:{}".format(client.getsockname()[1])] = client
        # Those at the end may not be accepted yet.
        found = wait_for(lambda: (lambda r: r if len(r) == number else None)(rows(mitmd)), "all")
        assert {r["client"] for r in found} == set(clients)


def test_those_that_come_and_go_meanwhile(own_mitmd):
    mitmd = own_mitmd({"workers": 1, "timeouts": {"header": "1h"}})
    with contextlib.ExitStack() as stack:
        stay = set()
        for _ in range(400):
            client = stack.enter_context(socket.create_connection((mitmd.host, mitmd.port)))
            stay.add("127.0.0.1:{}".format(client.getsockname()[1]))
        wait_for(lambda: len(rows(mitmd)) == 400, "all")
        over = threading.Event()

        def come_and_go():
            while not over.is_set():
                socket.create_connection((mitmd.host, mitmd.port)).close()
        thread = threading.Thread(target=come_and_go)
        thread.start()
        try:
            for _ in range(10):
                seen = [r["client"] for r in rows(mitmd)]
                assert stay <= set(seen) and len(seen) == len(set(seen))
        finally:
            over.set()
            thread.join()
