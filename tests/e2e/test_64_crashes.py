# SPDX-License-Identifier: ISC
"""What dies in the middle of things: who is hurt, and what is recorded of it."""
import os
import signal
import threading

from env.mitmd import wait_for

ABORTED = "aborted by crash"


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)


def slow_route(origin, path="/slow"):
    """Answers with a head and no end; the event is set when a request came."""
    came, finish = threading.Event(), threading.Event()

    def slow(x):
        x.head(200, [("Content-Length", "4")])
        x.raw(b"ab")
        came.set()
        finish.wait(60)
    origin.route(path, slow)
    return came, finish


def aborted(har):
    return [e for e in har.entries if e.error == ABORTED]


# -- flows that were open -----------------------------------------------------------------
def test_a_flow_of_a_killed_worker_is_recorded(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"workers": 1})
    came, finish = slow_route(secure_origin)
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.ask(f"GET /hello?before HTTP/1.1\r\nHost: {secure_origin.authority}\r\n\r\n")
        client.send(f"POST /slow?x=1 HTTP/1.1\r\nHost: {secure_origin.authority}\r\n"
                    "Content-Length: 2\r\n\r\nhi".encode())
        assert came.wait(60)
        client.read_head()
        kill(mitmd.pids("worker")[0])
        finish.set()
        har = mitmd.har(tag, lambda h: len(h) == 2)
    (entry,) = aborted(har)
    assert entry.url == secure_origin.url("/slow?x=1")
    assert entry["request"]["method"] == "POST"
    assert entry["response"]["status"] == 0
    assert entry["_tag"] == tag and entry["_clientAddress"].startswith("127.0.0.1:")
    assert entry["time"] >= 0
    assert mitmd.wait_log(r"ended in the middle of 1 flows")
