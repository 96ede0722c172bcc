# SPDX-License-Identifier: ISC
"""What lies in a spool: files of a dead recorder, other people's things, and very much."""
import json
import os
import socket
import stat
import time

import pytest

from env.mitmd import wait_for

LONG = os.environ.get("MITMD_LONG") == "1"
HEAD = '{"log":{"version":"1.2","entries":[\n'
TORN = HEAD + '{"request":{"url":"http://a/1"}},\n{"request":{"url":"http'
WHOLE = HEAD + '{"request":{"url":"http://a/1"}}\n]}}\n'
NAME = "20260101T000000Z-host-{}.har"


def look(path):
    """All that could change."""
    st = path.lstat()
    text = os.readlink(path) if path.is_symlink() else \
        path.read_bytes() if stat.S_ISREG(st.st_mode) else None
    return stat.S_IFMT(st.st_mode), st.st_uid, st.st_mtime_ns, st.st_nlink, text


@pytest.fixture
def spool(own_mitmd):
    """A mitmd that is not started yet, with an empty spool."""
    mitmd = own_mitmd({"spool": {"keep_size": "1M", "keep_age": "1s"}}, start=False)
    mitmd.spool.mkdir(mode=0o750, parents=True)
    mitmd.planted = True
    return mitmd


def make_odd(spool, outside):
    """Things that look like ours, more or less, and what must not change."""
    outside.mkdir()
    odd = [spool / "notes.txt", spool / "-odd", spool / ".hidden", spool / "link",
           spool / "a file with \n a newline"]
    odd[0].write_text("mine")
    (spool / "-odd").mkdir()
    (spool / ".hidden").mkdir()
    (spool / "link").symlink_to(outside)
    odd[4].write_text("mine")
    tag = spool / "tag"
    tag.mkdir()
    parts = [tag / (NAME.format(n) + ".part") for n in range(1, 8)]
    (outside / "torn").write_text(TORN)
    (outside / (NAME.format(1) + ".part")).write_text(TORN)
    (outside / NAME.format(2)).write_text(WHOLE)
    parts[0].symlink_to(outside / "torn")
    os.mkfifo(parts[1])
    parts[2].mkdir()
    os.link(outside / "torn", parts[3])
    with socket.socket(socket.AF_UNIX) as sock:
        os.chdir(tag)
        sock.bind(parts[4].name)
        os.chdir("/")
    odd += [tag / "x.har", tag / "20260101T000000Z-host-x.har.part", tag / ".mitmd-1-1.tmp.keep"]
    for path in odd[5:]:
        path.write_text(TORN)
    if os.geteuid() == 0:
        os.mknod(parts[5], stat.S_IFCHR | 0o600, os.makedev(1, 3))
        parts[6].write_text(TORN)
        os.chown(parts[6], 65534, 65534)
    return [p for p in [*odd, *parts, *outside.iterdir()] if os.path.lexists(p)]


def test_what_is_not_ours_is_left_alone(spool, origin, tag, tmp_path):
    mitmd = spool
    odd = make_odd(mitmd.spool, tmp_path / "outside")
    (mitmd.spool / "tag" / (NAME.format(9) + ".part")).write_text(TORN)
    before = {path: look(path) for path in odd}
    mitmd.start()
    wait_for(lambda: not list(mitmd.spool.glob("tag/*-9.har.part")), "the repair of ours")
    mitmd.curl(tag).ok(origin.url("/hello?x"))
    assert mitmd.entry(tag, "/hello?x").status == 200
    assert mitmd.stop() == 0
    assert {path: look(path) for path in odd} == before
    named = [line for line in mitmd.log if "things that are not ours" in line]
    assert len(named) == 1
    for path in odd:
        if mitmd.spool in path.parents:
            shown = str(path.relative_to(mitmd.spool)).replace("\n", "\\x0a")
            assert named[0].count(f"'{shown}'") == 1, (shown, named)


def test_very_many_files(spool, origin, tag):
    """It records while it still looks through them; the quota takes the oldest."""
    mitmd = spool
    mitmd.config["spool"] = {"keep_size": "off", "keep_age": "30d", "dir": str(mitmd.spool)}
    mitmd.write(mitmd.config)
    count = 100000 if LONG else 10000
    now = time.time()
    for n in range(count):
        directory = mitmd.spool / f"job-{n % 100}"
        if n < 100:
            directory.mkdir()
        path = directory / NAME.format(n)
        path.write_text(WHOLE)
        if n < count // 2:
            os.utime(path, (now - 40 * 86400, now - 40 * 86400))
    (mitmd.spool / "job-7" / (NAME.format(count) + ".part")).write_text(TORN)
    began = time.monotonic()
    mitmd.start()
    ready = time.monotonic() - began
    mitmd.curl(tag).ok(origin.url("/hello?x"))
    assert mitmd.entry(tag, "/hello?x").status == 200
    recorded = time.monotonic() - began
    wait_for(lambda: sum(1 for _ in mitmd.spool.glob("job-*/*.har")) == count - count // 2 + 1,
             "the quota")
    print(f"{count} files: ready after {ready:.2f} s, an entry finished after {recorded:.2f} s")
    text = (mitmd.spool / "job-7" / NAME.format(count)).read_text()
    assert len(json.loads(text)["log"]["entries"]) == 1
