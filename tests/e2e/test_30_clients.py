# SPDX-License-Identifier: ISC
"""The clients people have: git, node, Python, wget, and curl with large files."""
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest

from env.curl import clean_environment
from env.mitmd import SANITIZED
from env.origin import pattern

MIB = 1 << 20


def run(*command, ok=True, **env):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, env=clean_environment(**env), check=False)
    assert not ok or done.returncode == 0, done.stdout + done.stderr
    return done


def proxy_environment(mitmd, tag):
    """git asks for a missing password, Python sends no name without one, and git sends
    neither before a 407 unless it is told to."""
    url = f"http://{tag}:x@{mitmd.proxy}"
    return {"https_proxy": url, "http_proxy": url, "no_proxy": "",
            "GIT_HTTP_PROXY_AUTHMETHOD": "basic"}


# -- git --------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def repository(nginx, tmp_path_factory):
    """A repository of some commits, served as files."""
    work = tmp_path_factory.mktemp("git") / "work"
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
           "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
    run("git", "init", "-q", "-b", "main", work)
    for i in range(5):
        (work / f"file{i}").write_bytes(pattern(20000 * (i + 1)))
        run("git", "-C", work, "add", ".", **who)
        run("git", "-C", work, "commit", "-q", "-m", f"commit {i}", **who)
    bare = nginx.root / "repo.git"
    run("git", "clone", "-q", "--bare", work, bare)
    run("git", "-C", bare, "update-server-info")
    return work


def test_git_clone(mitmd, nginx, repository, tmp_path, tag):
    run("git", "clone", "-q", nginx.url("/repo.git"), tmp_path / "clone",
        GIT_SSL_CAINFO=str(mitmd.ca), GIT_TERMINAL_PROMPT="0",
        **proxy_environment(mitmd, tag))
    for i in range(5):
        name = f"file{i}"
        assert (tmp_path / "clone" / name).read_bytes() == (repository / name).read_bytes()
    refs = mitmd.har(tag).find("/repo.git/info/refs?service=git-upload-pack")
    assert [e.status for e in refs] == [200]


def test_git_without_our_ca_says_so(mitmd, nginx, repository, tmp_path, roots, tag):
    done = run("git", "clone", "-q", nginx.url("/repo.git"), tmp_path / "clone", ok=False,
               GIT_SSL_CAINFO=str(roots), GIT_TERMINAL_PROMPT="0",
               **proxy_environment(mitmd, tag))
    assert done.returncode != 0 and "certificate" in done.stderr


# -- node -------------------------------------------------------------------------------
@pytest.mark.skipif(not shutil.which("node"), reason="no node")
def test_node_https(mitmd, nginx, tag):
    data = [nginx.file(f"node{i}.bin", pattern(i * 50000 + 1)) for i in range(4)]
    script = os.path.join(os.path.dirname(__file__), "env", "connect_agent.js")
    urls = [nginx.url(f"/node{i}.bin") for i in range(4)]
    out = run("node", script, mitmd.proxy, tag, *urls, NODE_EXTRA_CA_CERTS=str(mitmd.ca)).stdout
    assert out.splitlines() == [f"200 {hashlib.sha256(d).hexdigest()}" for d in data]
    har = mitmd.har(tag, lambda h: len(h) == 4)
    assert len({e["_clientConnectionId"] for e in har.entries}) == 1


# -- Python -----------------------------------------------------------------------------
FETCH = """
import hashlib, sys, urllib.request
for url in sys.argv[1:]:
    with urllib.request.urlopen(url, timeout=30) as r:
        print(r.status, hashlib.sha256(r.read()).hexdigest())
"""


def test_python_urllib(mitmd, nginx, tag):
    """Its CONNECT is HTTP/1.0 without a Host."""
    data = nginx.file("python.bin", pattern(300000))
    out = run(sys.executable, "-c", FETCH, nginx.url("/python.bin"), nginx.plain_url("/python.bin"),
              SSL_CERT_FILE=str(mitmd.ca), **proxy_environment(mitmd, tag)).stdout
    assert out.splitlines() == [f"200 {hashlib.sha256(data).hexdigest()}"] * 2
    urls = {e.url for e in mitmd.har(tag, lambda h: len(h) == 2).entries}
    assert urls == {nginx.url("/python.bin"), nginx.plain_url("/python.bin")}


# -- wget -------------------------------------------------------------------------------
@pytest.mark.skipif(not shutil.which("wget"), reason="no wget")
def test_wget(mitmd, nginx, tmp_path, tag):
    data = nginx.file("wget.bin", pattern(300000))
    run("wget", "-q", f"--ca-certificate={mitmd.ca}", "-O", tmp_path / "out",
        nginx.url("/wget.bin"), **proxy_environment(mitmd, tag))
    assert (tmp_path / "out").read_bytes() == data
    assert mitmd.entry(tag, "/wget.bin").status == 200


# -- curl, large ------------------------------------------------------------------------
@contextlib.contextmanager
def highest_memory(mitmd):
    """Watches the workers' own memory while the block runs; [0] is the maximum seen."""
    highest, done = [0], threading.Event()
    pids = mitmd.pids("worker")

    def watch():
        while not done.wait(0.02):
            highest[0] = max([highest[0], *(mitmd.memory(pid) for pid in pids)])
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield highest
    finally:
        done.set()
        thread.join()


SIZES = [64 * MIB, pytest.param(1024 * MIB, marks=pytest.mark.skipif(
    not os.environ.get("MITMD_LONG"), reason="MITMD_LONG=1 was not set"))]
BOUND = 48 * MIB


@pytest.mark.parametrize("size", SIZES, ids=lambda n: f"{n // MIB}M")
def test_a_large_download_in_bounded_memory(mitmd, nginx, tag, size):
    path = nginx.root / "huge.bin"
    with open(path, "wb") as file:
        for _ in range(size // (16 * MIB)):
            file.write(pattern(16 * MIB))
    with highest_memory(mitmd) as highest:
        process = mitmd.curl(tag).start(nginx.url("/huge.bin"))
        got = hashlib.sha256()
        while piece := process.stdout.read(MIB):
            got.update(piece)
        assert process.wait(60) == 0, process.stderr.read()
    with open(path, "rb") as file:
        assert got.digest() == hashlib.file_digest(file, "sha256").digest()
    path.unlink()
    assert SANITIZED or highest[0] < BOUND


@pytest.mark.parametrize("size", SIZES, ids=lambda n: f"{n // MIB}M")
def test_a_large_upload_in_bounded_memory(mitmd, secure_origin, tag, size, tmp_path):
    seen = hashlib.sha256()

    def swallow(wire):
        left = int(wire.read_head().get("Content-Length"))
        while left > 0:
            if not wire.buffer:
                assert wire.fill()
            piece = wire.take(len(wire.buffer))
            seen.update(piece)
            left -= len(piece)
        wire.send(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
    secure_origin.script = swallow
    path = tmp_path / "huge.bin"
    with open(path, "wb") as file:
        for _ in range(size // (16 * MIB)):
            file.write(pattern(16 * MIB))
    with highest_memory(mitmd) as highest:
        result = mitmd.curl(tag).ok("-T", path, "-H", "Expect:", secure_origin.url("/up"))
    assert result.status == 201
    with open(path, "rb") as file:
        assert seen.digest() == hashlib.file_digest(file, "sha256").digest()
    assert SANITIZED or highest[0] < BOUND


# -- several at once ----------------------------------------------------------------------
def test_users_have_recordings_of_their_own(mitmd, nginx, tag):
    nginx.file("who.json", json.dumps({"who": "any"}).encode())
    ben, cleo = tag[:40] + "-ben", tag[:40] + "-cleo"
    mitmd.curl(ben).ok(nginx.url("/who.json?ben"))
    mitmd.curl(cleo).ok(nginx.url("/who.json?cleo"))
    assert [e.url for e in mitmd.har(ben).entries] == [nginx.url("/who.json?ben")]
    assert [e.url for e in mitmd.har(cleo).entries] == [nginx.url("/who.json?cleo")]


def test_without_a_name_the_address_is_the_tag(mitmd, nginx):
    nginx.file("anonymous.txt", b"x")
    mitmd.curl().ok(nginx.url("/anonymous.txt"))
    assert mitmd.entry("127.0.0.1", "/anonymous.txt")["_tag"] == "127.0.0.1"
