# SPDX-License-Identifier: ISC
"""HTTP/2 with programs that people use: curl, nghttp, h2load, Node; nginx and Node as origins."""
import asyncio
import json
import os
import pathlib
import signal
import subprocess
import threading

import pytest

from env.bridge import Bridge
from env.curl import clean_environment
from env.h2_peer import Codes, Origin2, connect, sha
from env.mitmd import SANITIZED, wait_for
from env.nginx import Nginx
from env.origin import pattern

MIB = 1 << 20
NODE = pathlib.Path(__file__).parent / "env" / "h2_node.js"
LONG = os.environ.get("MITMD_LONG") == "1"


@pytest.fixture(scope="module")
def nginx2(tmp_path_factory, certs):
    nginx = Nginx(tmp_path_factory.mktemp("nginx2") / "prefix", certs.leaf("good"), http2=True)
    yield nginx
    nginx.close()


@pytest.fixture
def h2_origin(certs):
    origin = Origin2(certs.leaf("good"))
    yield origin
    origin.close()


class NodeOrigin:
    def __init__(self, cert):
        self.process = subprocess.Popen(
            ["node", NODE, "origin", cert.key, cert.chain], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=clean_environment())
        self.authority = f"localhost:{int(self.process.stdout.readline())}"

    def url(self, path):
        return f"https://{self.authority}{path}"

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def node(certs):
    origin = NodeOrigin(certs.leaf("good"))
    yield origin
    origin.close()


def run(*command, timeout=120):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=timeout, env=clean_environment())


def bridge(mitmd, authority, tag=None):
    return Bridge((mitmd.host, mitmd.port), authority, tag)


# -- curl ------------------------------------------------------------------------------
@pytest.mark.parametrize("words, version", [(["--http2"], "2"), (["--http1.1"], "1.1"),
                                            ([], "2")], ids=["http2", "http1", "unasked"])
def test_curl_has_what_the_origin_has(mitmd, nginx2, tag, words, version):
    nginx2.file("small.txt", b"small")
    got = mitmd.curl(tag).ok(*words, nginx2.url(f"/small.txt?{tag}"))
    assert got.body == b"small" and got.facts["http_version"] == version
    (seen,) = nginx2.log(f"/small.txt?{tag}")
    assert seen["http"] == ("HTTP/2.0" if version == "2" else "HTTP/1.1")
    entry = mitmd.entry(tag, f"/small.txt?{tag}")
    assert entry["request"]["httpVersion"] == ("HTTP/2" if version == "2" else "HTTP/1.1")


def test_curl_has_http1_where_the_origin_has_no_more(mitmd, nginx):
    nginx.file("small.txt", b"small")
    assert mitmd.curl().ok("--http2", nginx.url("/small.txt")).facts["http_version"] == "1.1"


def test_curl_downloads_from_nginx(mitmd, nginx2, tag):
    body = nginx2.file("ten.bin", pattern(10 * MIB))
    assert sha(mitmd.curl(tag).ok(nginx2.url("/ten.bin")).body) == sha(body)
    assert sha(mitmd.entry(tag, "/ten.bin").body()) == sha(body)


def test_curl_uploads(mitmd, h2_origin):
    body = pattern(10 * MIB)
    got = mitmd.curl().ok("--data-binary", "@-", h2_origin.url("/echo"), data=body)
    assert json.loads(got.body)["sha256"] == sha(body)


def test_curl_sees_an_early_answer(mitmd, nginx2):
    """nginx says 405 to the POST of a file, and wants none of the rest."""
    nginx2.file("small.txt", b"small")
    for _ in range(5):
        got = mitmd.curl().run("--data-binary", "@-", "-o", "/dev/null",
                               nginx2.url("/small.txt"), data=pattern(8 * MIB))
        assert (got.code, got.status) == (0, 405), got


@pytest.mark.parametrize("way", ["at once", "in pieces"])
def test_curl_sees_the_early_answer_and_the_reset(mitmd, h2_origin, way):
    async def refuse(x):
        await x.read()
        x.connection.h2.send_headers(x.id, [(":status", "405")])
        if way == "in pieces":	# curl has stopped uploading before the rest comes
            x.connection.flush()
            await asyncio.sleep(0.02)
        x.connection.h2.send_data(x.id, b"no", end_stream=True)
        x.cancel(Codes.NO_ERROR)
    h2_origin.route("/refuse", refuse)
    for _ in range(10):
        got = mitmd.curl().run("--data-binary", "@-", h2_origin.url("/refuse"),
                               data=pattern(4 * MIB))
        assert (got.code, got.status, got.body) == (0, 405, b"no"), got


def test_curl_in_parallel(mitmd, nginx2, tmp_path):
    body = nginx2.file("some.bin", pattern(300000))
    words = []
    for i in range(60):
        words += ["-o", tmp_path / str(i), nginx2.url(f"/some.bin?{i}")]
    mitmd.curl().ok("--parallel", "--parallel-max", "60", *words)
    assert {sha((tmp_path / str(i)).read_bytes()) for i in range(60)} == {sha(body)}


def test_curl_is_told_of_a_reset(mitmd, h2_origin):
    """Its code is the one it has without mitmd."""
    async def give_up(x):
        x.head(200)
        await x.send(b"half")
        x.cancel(Codes.INTERNAL_ERROR)
    h2_origin.route("/give-up", give_up)
    assert mitmd.curl().run(h2_origin.url("/give-up")).code == 92


# -- nghttp, h2load ----------------------------------------------------------------------
def test_nghttp(mitmd, nginx2, tag):
    nginx2.file("small.txt", b"small")
    with bridge(mitmd, f"localhost:{nginx2.tls_port}", tag) as port:
        got = run("nghttp", "-nv", f"https://localhost:{port.port}/small.txt")
    assert "recv (stream_id=13) :status: 200" in got.stdout, got.stdout
    assert "error" not in got.stdout.lower().replace("error_code=no_error", "")
    assert mitmd.entry(tag, "/small.txt").status == 200


def test_nghttp_sends_content_with_padding_and_trailers(mitmd, h2_origin, tmp_path):
    file = tmp_path / "up"
    file.write_bytes(pattern(100000))
    with bridge(mitmd, h2_origin.authority) as port:
        got = run("nghttp", "-b", "200", "-d", file, "--trailer", "x-sum: 1",
                  f"https://localhost:{port.port}/echo")
    told = json.loads(got.stdout)
    assert told["sha256"] == sha(pattern(100000)) and told["trailers"] == [["x-sum", "1"]]


def test_h2load(mitmd, nginx2):
    nginx2.file("kilo.bin", bytes(1024))
    with bridge(mitmd, f"localhost:{nginx2.tls_port}") as port:
        got = run("h2load", "-n", "3000", "-c", "5", "-m", "60",
                  f"https://localhost:{port.port}/kilo.bin")
    assert "3000 succeeded, 0 failed, 0 errored, 0 timeout" in got.stdout, got.stdout
    assert "status codes: 3000 2xx" in got.stdout


def test_h2load_with_small_windows(mitmd, nginx2):
    """Of 2^10-1 a stream and 2^16-1 all together: a WINDOW_UPDATE for every few bytes."""
    nginx2.file("medium.bin", bytes(100000))
    with bridge(mitmd, f"localhost:{nginx2.tls_port}") as port:
        got = run("h2load", "-n", "100", "-c", "2", "-m", "20", "-w", "10", "-W", "16",
                  f"https://localhost:{port.port}/medium.bin")
    assert "100 succeeded, 0 failed" in got.stdout, got.stdout


# -- Node -----------------------------------------------------------------------------------
def node_client(mitmd, authority, tag, timeout=120, **plan):
    got = run("node", NODE, "client", json.dumps({
        "host": mitmd.host, "port": mitmd.port, "authority": authority, "ca": str(mitmd.ca),
        "tag": tag, "connections": 1, "streams": 1, "up": 1000, "down": 1000, **plan}),
        timeout=timeout)
    assert got.returncode == 0, got.stderr
    told = json.loads(got.stdout)
    assert not told["failed"], told
    return told["done"]


def test_node_on_both_sides(mitmd, node, tag):
    assert node_client(mitmd, node.authority, tag, streams=50, up=100000, down=200000) == 50
    har = mitmd.har(tag, lambda har: len(har) == 50)
    assert not [e.error for e in har.entries if e.error]


def test_node_as_an_origin_of_curl(mitmd, node):
    got = mitmd.curl().ok("-d", "body", "-H", "x-seed: 1", "-H", "x-down: 100000",
                          node.url("/"))
    assert len(got.body) == 100000 and got.facts["http_version"] == "2"
    assert mitmd.curl().ok("--http1.1", node.url("/")).body == b"hello\n"


def test_node_as_an_origin_of_python(mitmd, node):
    class Named:
        authority = node.authority
    with connect(mitmd, Named) as client:
        got = client.request("/", "POST", [("x-seed", "1"), ("x-down", "500000")],
                             body=pattern(500000)).finish()
    assert got.get("x-up") == sha(pattern(500000)) and got.get("x-down-sum") == got.sha


# -- many ---------------------------------------------------------------------------------------
class Memory:
    """The most that any worker's memory has grown by."""

    def __init__(self, mitmd):
        self.mitmd = mitmd
        self.over = threading.Event()
        self.before = {pid: mitmd.memory(pid) for pid in mitmd.pids("worker")}
        self.grown = 0
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self.over.wait(0.05):
            for pid, before in self.before.items():
                self.grown = max(self.grown, self.mitmd.memory(pid) - before)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.thread.join()


# What a connection may hold: output until it is crowded and a little of each stream from
# then on, what it gives no credit for, and a window (H2_OUT_CROWDED, 2 * H2_OUT_LOW for each,
# H2_WITHHELD_MAX, H2_CONN_WINDOW); and its own memory. The content of one is 25 MiB, or 6.
LIMIT = 11 * MIB


@pytest.mark.parametrize("connections, down", [
    (10, 262144), pytest.param(100, 65536, marks=pytest.mark.skipif(
        not LONG, reason="slow: MITMD_LONG=1")),
], ids=["1000", "10000"])
def test_streams_all_at_once(own_mitmd, node, tag, connections, down):
    """100 on each connection, all of them open before the first is answered; every byte right."""
    mitmd = own_mitmd({"log": {"flows": "errors"}, "capture": {"max_body": "1K"}})
    node_client(mitmd, node.authority, "warm")
    with Memory(mitmd) as memory:
        done = node_client(mitmd, node.authority, tag, timeout=1200, connections=connections,
                           streams=100, up=8192, down=down, together=True)
    assert done == connections * 100
    print(f"{memory.grown / MIB:.0f} MiB more")
    assert SANITIZED or memory.grown <= connections * LIMIT, f"{memory.grown / MIB:.0f} MiB"
    har = mitmd.har(tag, lambda har: len(har) == done)
    assert not [e.error for e in har.entries if e.error]
    assert len({e["_connectionId"] for e in har.entries}) == connections


def test_a_reload_under_load(own_mitmd, nginx2, tag):
    """h2load is told to go (GOAWAY) and comes again; curl, which asks one thing, sees nothing."""
    nginx2.file("kilo.bin", bytes(1024))
    mitmd = own_mitmd({"log": {"flows": "errors"}})
    done, codes = threading.Event(), []

    def ask():
        while not done.is_set():
            codes.append(mitmd.curl(tag).run(nginx2.url("/kilo.bin")).code)
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for generation in (2, 3):
            mitmd.tell(signal.SIGHUP)
            mitmd.wait_log(rf"\breloaded: generation {generation}\b")
            wait_for(lambda n=len(codes): len(codes) > n + 5, "requests")
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not any(codes)
    assert len(mitmd.har(tag, lambda har: len(har) == len(codes))) == len(codes)
