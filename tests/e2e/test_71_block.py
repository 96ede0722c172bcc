# SPDX-License-Identifier: ISC
"""spool.when_full: block. What cannot be recorded is refused, nothing that was let through
is lost, and all goes on by itself.
"""
import json
import os
import signal
import socket

import pytest

from env.disk import Watch
from env.h2_peer import Client2, Codes
from env.mitmd import wait_for
from env.wire import Closed, basic

SAID = "the spool is full or broken"
BROKEN = r"cannot be written: .*; new traffic is refused"
AGAIN = r"is written again; (\d+) entries were lost"


@pytest.fixture
def on_small_disk(on_disk):
    def start(more=None):
        return on_disk("4m", {"when_full": "block", **(more or {})})
    return start


def fill(mitmd, disk, origin, tag):
    """
    The one who finds out is let through, and recorded in the end; unless an entry
    before it was not written yet, and finds out itself.
    """
    disk.fill()
    got = mitmd.curl(tag).run(origin.url("/hello?finds-out"))
    mitmd.wait_log(BROKEN)
    return ["?finds-out"] if got.status == 200 else []


def is_recorded(mitmd, tag, urls):
    return all(mitmd.entry(tag, url).status == 200 for url in urls)


def free(mitmd, disk):
    """How many entries it says that it lost."""
    mark = len(mitmd.log)
    disk.free()
    return int(mitmd.wait_log(AGAIN, mark)[1])


def get(origin, path="/hello"):
    return f"GET {path} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n"


def absolute(origin, path="/hello"):
    return f"GET http://{origin.authority}{path} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n"


def is_refusal(answer):
    return (answer.status == 503 and SAID in answer.body.decode() and
            answer.get("Proxy-Status").startswith("mitmd; error=proxy_internal_error"))


def test_refuses_where_the_hop_is_ours(on_small_disk, secure_origin, origin, tag):
    mitmd, disk = on_small_disk()
    with mitmd.tunnel(origin.authority, tag) as inside, mitmd.dial() as kept, Watch(mitmd.spool):
        assert inside.ask(get(origin, "/hello?before")).status == 200
        assert kept.ask(absolute(origin, "/hello?kept")).status == 200
        passed = fill(mitmd, disk, secure_origin, tag)
        with mitmd.dial() as client:
            assert is_refusal(client.connect(secure_origin.authority, tag))
            assert is_refusal(client.connect(secure_origin.authority, tag))	# on the same one
        assert is_refusal(kept.ask(absolute(origin)))
        assert is_refusal(inside.ask(get(origin)))
        with Client2(mitmd.dial(), origin.authority) as client:
            asked = client.request("/hello", "GET", [("proxy-authorization", basic(tag))],
                                   scheme="http").finish()
            assert asked.status == 503 and SAID in asked.body.decode()
        assert free(mitmd, disk) == 0
        assert kept.ask(absolute(origin, "/hello?after")).status == 200
        with mitmd.tunnel(secure_origin.authority, tag):
            pass
    assert {"/hello?before", "/hello?kept", "/hello?after"} == \
        {r.target for r in origin.requests()}
    assert is_recorded(mitmd, tag, ["?before", *passed])
    assert not [e for e in mitmd.har(tag).entries if e.status == 503]


def test_closes_inside_tls(on_small_disk, secure_origin, tag):
    mitmd, disk = on_small_disk()
    with mitmd.secure(secure_origin.authority, tag) as client:
        assert client.ask(get(secure_origin, "/hello?before")).status == 200
        passed = fill(mitmd, disk, secure_origin, tag)
        with pytest.raises(Closed) as closed:
            client.ask(get(secure_origin, "/hello?refused"))
        assert closed.value.data == b""
    assert free(mitmd, disk) == 0
    assert is_recorded(mitmd, tag, ["?before", *passed])
    assert not mitmd.har(tag).find("?refused")
    assert not [r for r in secure_origin.requests() if "refused" in r.target]


def test_resets_streams_inside_tls(on_small_disk, start_h2, secure_origin, tag):
    mitmd, disk = on_small_disk()
    origin = start_h2()
    wire = mitmd.secure(origin.authority, tag, context=mitmd.context(("h2",)))
    with Client2(wire, origin.authority) as client:
        assert client.get("/hello?before").status == 200
        fill(mitmd, disk, secure_origin, tag)
        stream = client.request("/hello?refused")
        client.until(lambda: stream.over)
        assert stream.reset == Codes.REFUSED_STREAM
        client.until(lambda: client.goaway is not None)
    assert free(mitmd, disk) == 0
    assert mitmd.entry(tag, "?before").status == 200
    assert not [r for r in origin.requests() if "refused" in r.path]


def test_what_is_under_way_ends_and_is_recorded(on_small_disk, secure_origin, tag):
    mitmd, disk = on_small_disk()
    gate = socket.socketpair()

    def slowly(x):
        x.head(200, [("Content-Length", "10")])
        x.raw(b"12345")
        gate[1].recv(1)
        x.raw(b"67890")
    secure_origin.route("/slow", slowly)
    running = mitmd.curl(tag).start(secure_origin.url("/slow"))
    wait_for(lambda: [r for r in secure_origin.requests() if r.target == "/slow"], "a request")
    passed = fill(mitmd, disk, secure_origin, tag)
    gate[0].send(b"!")
    assert mitmd.curl(tag).finish(running).body == b"1234567890"
    assert free(mitmd, disk) == 0
    assert mitmd.entry(tag, "/slow").body() == b"1234567890"
    assert is_recorded(mitmd, tag, passed)


def test_nothing_that_was_let_through_is_lost(on_small_disk, secure_origin, tag):
    """Full and free again and again, while clients never stop asking."""
    mitmd, disk = on_small_disk()
    curl = mitmd.curl(tag)
    passed = []
    for turn in range(3):
        disk.fill()
        asked = 0
        while not [l for l in mitmd.log if "new traffic is refused" in l][turn:]:
            url = f"/hello?{turn}-{asked}"
            asked += 1
            if curl.run(secure_origin.url(url)).status == 200:
                passed.append(url)
        assert free(mitmd, disk) == 0
    found = mitmd.har(tag, lambda har: len(har) >= len(passed)).entries
    assert sorted(e.url.partition("localhost")[2].partition("/")[2] for e in found) == \
        sorted(url[1:] for url in passed)


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_a_recorder_that_does_nothing(own_mitmd, origin, tag, how):
    """What fills up is refused before it is full: the rest is for what is under way."""
    mitmd = own_mitmd({"spool": {"when_full": "block"}, "workers": 1})
    recorder = mitmd.pids("recorder")[0]
    os.kill(recorder, signal.SIGSTOP)
    body = "b" * 200000
    origin.route("/big", lambda x: x.answer(body=body.encode()))
    passed = 0
    curl = mitmd.curl(tag)
    while True:
        got = curl.run(origin.url(f"/big?{passed}"))
        if got.status == 503:
            break
        assert got.status == 200
        passed += 1
        assert passed < 10000
    os.kill(recorder, signal.SIGCONT if how == signal.SIGSTOP else how)
    wait_for(lambda: curl.run(origin.url("/hello?after")).status == 200, "traffic")
    har = mitmd.har(tag, lambda har: har.find("/hello?after"))
    assert sorted(e.url.rpartition("?")[2] for e in har.entries if "/big" in e.url) == \
        sorted(str(n) for n in range(passed))


def test_a_stop_does_not_wait_for_the_disk(on_small_disk, secure_origin, tag):
    mitmd, disk = on_small_disk()
    assert mitmd.curl(tag).ok(secure_origin.url("/hello?before")).status == 200
    wait_for(lambda: mitmd.files(tag, "*.part"), "a file that grows")
    passed = fill(mitmd, disk, secure_origin, tag)
    assert passed and mitmd.stop() == 0
    assert [l for l in mitmd.log if "could not be written: 1 entries are lost" in l]
    for path in [*mitmd.files(tag), *mitmd.files(tag, "*.part")]:
        json.loads(path.read_text())


def test_a_stop_with_room_again_loses_nothing(on_small_disk, secure_origin, tag):
    mitmd, disk = on_small_disk()
    fill(mitmd, disk, secure_origin, tag)
    disk.free()
    assert mitmd.stop() == 0
    assert [e for p in mitmd.files(tag) for e in json.loads(p.read_text())["log"]["entries"]
            if e["request"]["url"].endswith("finds-out")]
