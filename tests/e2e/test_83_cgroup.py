# SPDX-License-Identifier: ISC
"""256 MiB for all processes together: bodies of gigabytes, gzip bombs and many connections at
once end no process, reach the clients whole, and are in the recording up to its limits.
MITMD_LONG=1: as many and as large as they get.
"""
import concurrent.futures
import contextlib
import gzip
import hashlib
import os
import subprocess

import pytest

from env.cgroup import Memory
from env.mitmd import SANITIZED

MIB = 1 << 20
LONG = os.environ.get("MITMD_LONG") == "1"
BODY, BODIES = (1024 * MIB, 10) if LONG else (128 * MIB, 4)
BOMB, BOMBS = (100 * MIB, 400) if LONG else (100 * MIB, 20)
CONNECTIONS = 1000 if LONG else 300
LIMIT = 256 * MIB
CAPTURED = 1 * MIB

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="control groups need root"),
              pytest.mark.skipif(SANITIZED, reason="the sanitizers' own memory is not ours")]


@pytest.fixture
def memory():
    made = []

    def limit(size):
        made.append(Memory(size))
        return made[-1]
    yield limit
    for group in made:
        group.close()


def digest_of(mitmd, tag, url):
    """What curl gets through mitmd, never all of it in memory."""
    digest, size = hashlib.sha256(), 0
    with subprocess.Popen(["curl", "-sS", "--proxy", f"http://{tag}@{mitmd.proxy}", "--cacert",
                           str(mitmd.ca), url], stdout=subprocess.PIPE) as curl:
        while chunk := curl.stdout.read(MIB):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest(), curl.returncode


def test_all_at_once(memory, own_mitmd, nginx, secure_origin, tag):
    group = memory(LIMIT)
    mitmd = own_mitmd({"capture": {"max_body": f"{CAPTURED >> 20}M"}}, start=False)
    mitmd.under = group.under
    mitmd.start()
    workers = mitmd.pids("worker")
    with open(nginx.root / "large", "wb") as file:
        file.truncate(BODY)
    zeros = hashlib.sha256()
    for _ in range(BODY // MIB):
        zeros.update(bytes(MIB))
    bomb = gzip.compress(bytes(BOMB))
    secure_origin.route("/bomb", lambda x: x.answer(
        headers=[("Content-Encoding", "gzip")], body=bomb))
    with contextlib.ExitStack() as stack, \
            concurrent.futures.ThreadPoolExecutor(BODIES + 4) as pool:
        for _ in range(CONNECTIONS):
            stack.enter_context(mitmd.tunnel(secure_origin.authority, tag + "-idle"))
        large = [pool.submit(digest_of, mitmd, tag, f"https://localhost:{nginx.tls_port}/large?{n}")
                 for n in range(BODIES)]
        bombs = [pool.submit(mitmd.curl(tag + "-bomb").run, secure_origin.url(f"/bomb?{n}"))
                 for n in range(BOMBS)]
        for got in large:
            assert got.result() == (BODY, zeros.hexdigest(), 0)
        for got in bombs:
            assert got.result().code == 0 and got.result().body == bomb
    har = mitmd.har(tag, lambda har: len(har) >= BODIES)
    for entry in har.entries:
        assert entry["response"]["content"]["size"] == BODY
        assert len(entry.body()) == CAPTURED
    har = mitmd.har(tag + "-bomb", lambda har: len(har) >= BOMBS)
    assert all(len(entry.body()) == CAPTURED for entry in har.entries)
    assert group.killed == 0
    assert mitmd.pids("worker") == workers
    assert not [line for line in mitmd.log if "lost" in line]
    assert mitmd.stop() == 0
    print("peaks in MiB:", {name: value >> 20 for name, value in group.peak.items()})
    assert group.peak["both"] < LIMIT * 3 // 4
