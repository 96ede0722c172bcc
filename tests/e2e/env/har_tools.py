# SPDX-License-Identifier: ISC
"""mitmctl har as tests call it, and recordings for it to look at."""
import subprocess

from .curl import Curl, clean_environment
from .har import load
from .mitmd import PATIENCE, binary
from .origin import Origin, pattern
from .ws import WsOrigin, close, open_on, text

GOOD, PROBLEMS, USAGE, NO_INPUT = 0, 1, 64, 66


def har(*args, **more):
    """mitmctl har, which needs neither a configuration nor a mitmd."""
    more = {"stdin": subprocess.DEVNULL, "text": True, **more}
    if "input" in more:
        del more["stdin"]
    return subprocess.run([binary().with_name("mitmctl"), "har", *map(str, args)],
                          capture_output=True, timeout=PATIENCE, check=False,
                          env=clean_environment(), **more)


def entries(path):
    return load(path)["log"]["entries"]


def tells_tls_errors(path):
    """Its list of them is what its entries have."""
    told = [e["_tlsError"] for e in entries(path) if "_tlsError" in e]
    return load(path)["log"].get("_tlsErrors", []) == told


def ok(*args, **more):
    done = har(*args, **more)
    assert done.returncode == GOOD, done
    return done


def whole(found):
    """All that was done has ended; the WebSocket perhaps in several pieces."""
    pieces = [e for e in found.entries if "_webSocketMessages" in e]
    return (len(found) - len(pieces) == 10 and any("_tunnel" in e for e in found.entries) and
            any("_webSocketMore" not in e for e in pieces))


def record(start_mitmd, certs, directory):
    """A recording with something of everything, by one tag; and its file."""
    mitmd = start_mitmd({"ignore_hosts": ["ignored.localhost"]})
    origin, plain = Origin(certs.leaf("good")), Origin()
    ws = WsOrigin(certs.leaf("good"), talk=lambda wire: wire.read_to_end())
    origin.route("/html", lambda x: x.answer(
        headers=[("Content-Type", "text/html; charset=utf-8"), ("X-Kind", "page")],
        body="<p>grüße, \"world\"</p>\n".encode()))
    origin.route("/image", lambda x: x.answer(
        headers=[("Content-Type", "image/png")], body=b"\x89PNG\r\n\x1a\n" + pattern(3000)))
    curl = mitmd.curl("tools")
    for path in ("/html", "/image", "/status/404", "/status/503", "/bytes/70000"):
        curl.ok(origin.url(path))
    curl.ok("-d", "name=value&secret=7", origin.url("/echo"))
    curl.ok(plain.url("/hello"))
    assert curl.run("http://localhost:1/").status == 502
    curl.run("-k", origin.url("/hello", host="ignored.localhost"))
    Curl(mitmd.proxy, tag="tools").run(origin.url())	# does not know our CA
    with mitmd.secure(ws.authority, "tools") as client:
        open_on(client, ws)
        client.send(text("ping from here", masked=True))
        client.send(close(masked=True))
    mitmd.har("tools", whole)
    merged = directory / "all.har"
    ok("merge", "-o", merged, *mitmd.files("tools"))
    for server in (origin, plain, ws):
        server.close()
    return merged


def torn(path):
    """Without the second half of its last entry."""
    whole = path.read_bytes()
    last = whole.rindex(b"\n{\"startedDateTime\"")
    return whole[:(last + whole.index(b"\n", last + 1)) // 2]
