# SPDX-License-Identifier: ISC
"""A spool on a disk that fills up, turns read-only or goes away: traffic goes on, what is
lost is said once, every file parses at any time, and recording resumes by itself.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest

from env.disk import Traffic, Watch
from env.mitmd import wait_for
from env.origin import pattern

LASTING = 5		# seconds that trouble lasts, some looks of the recorder long
LOST = r"cannot be written: "
AGAIN = r"is written again; (\d+) entries were lost"
BIG = 3 << 20


def count(mitmd, pattern_text):
    return sum(pattern_text in line for line in mitmd.log)


def resumes(mitmd, origin, tag, mark):
    """The word that it does, in time, and the proof: an entry in a file."""
    found = mitmd.wait_log(AGAIN, mark)
    mitmd.curl(tag).ok(origin.url("/hello?after"))
    assert mitmd.entry(tag, "/hello?after").status == 200
    return int(found[1])


@pytest.mark.parametrize("size", ["2m", "8m"])
def test_a_disk_that_fills_up_costs_entries_only(on_disk, secure_origin, tag, size):
    mitmd, disk = on_disk(size)
    workers = mitmd.pids("worker")
    with Watch(mitmd.spool) as watch:
        with Traffic(mitmd, secure_origin, [tag, tag + "-b", tag + "-c"], 2000) as traffic:
            wait_for(lambda: mitmd.files(tag, "*.part"), "a file that grows")
            disk.fill()
            assert "No space left" in mitmd.wait_log(LOST + r".*").group()
            seen = traffic.answers
            wait_for(lambda: traffic.answers > seen + 50, "traffic on a full disk")
            assert count(mitmd, "traffic goes on") == 1
            mark = len(mitmd.log)
            disk.free()
            assert int(mitmd.wait_log(AGAIN, mark)[1]) > 0
        assert resumes_quietly(mitmd, secure_origin, tag)
    assert watch.looks > 10
    assert mitmd.pids("worker") == workers


def resumes_quietly(mitmd, origin, tag):
    mitmd.curl(tag).ok(origin.url("/hello?after"))
    return mitmd.entry(tag, "/hello?after").status == 200


def test_a_full_disk_is_said_once_however_long_it_lasts(on_disk, secure_origin, tag):
    mitmd, disk = on_disk("2m")
    disk.fill()
    end = time.monotonic() + LASTING
    curl = mitmd.curl(tag)
    asked = 0
    while time.monotonic() < end:
        assert curl.ok(secure_origin.url(f"/hello?{asked}")).body == b"hello\n"
        asked += 1
    assert count(mitmd, "traffic goes on") == 1
    mark = len(mitmd.log)
    disk.free()
    assert resumes(mitmd, secure_origin, tag, mark) == asked


def test_a_spool_that_fills_itself_stays_whole(on_disk, secure_origin, tag):
    mitmd, _ = on_disk("2m", {"rotate_size": "256K"})
    with Watch(mitmd.spool):
        with Traffic(mitmd, secure_origin, [tag, tag + "-b"], 20000):
            mitmd.wait_log(LOST)
            time.sleep(0.5)
    for path in mitmd.spool.glob("*/*.har"):
        path.unlink()
    for path in mitmd.spool.glob("*/*.part"):
        path.unlink()
    mitmd.wait_log(AGAIN)
    assert resumes_quietly(mitmd, secure_origin, tag)


@contextlib.contextmanager
def read_only(*paths):
    """
    Nothing can be made, renamed or removed in these directories, even by root.  A
    remount would be refused: the recorder always has files open for writing.
    """
    done = subprocess.run(["chattr", "+i", *paths], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no directory can be made immutable: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *paths], check=True)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("chattr"), reason="chattr, as root")
def test_a_spool_that_turns_read_only_and_back(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"spool": {"rotate_idle": "1h"}})
    with Watch(mitmd.spool):
        mitmd.curl(tag).ok(secure_origin.url("/hello?before"))
        wait_for(lambda: mitmd.files(tag, "*.part"), "a file that grows")
        with read_only(mitmd.spool, mitmd.spool / tag):
            for i in range(5):
                curl = mitmd.curl(f"{tag[:50]}-{i}")
                assert curl.ok(secure_origin.url(f"/hello?{i}")).body == b"hello\n"
            assert "not permitted" in mitmd.wait_log(LOST + r".*").group()
            mark = len(mitmd.log)
        assert resumes(mitmd, secure_origin, tag, mark) == 5
        assert mitmd.entry(tag, "/hello?before").status == 200
    assert count(mitmd, "traffic goes on") == 1


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("chattr"), reason="chattr, as root")
def test_a_file_that_cannot_be_finished_is_finished_later(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"spool": {"rotate_idle": "500ms"}})
    with Watch(mitmd.spool):
        mitmd.curl(tag).ok(secure_origin.url("/hello?before"))
        wait_for(lambda: mitmd.files(tag, "*.part"), "a file that grows")
        with read_only(mitmd.spool / tag):
            mitmd.wait_log(r"cannot finish ")
        wait_for(lambda: mitmd.files(tag), "the file, finished")
    assert mitmd.entry(tag, "/hello?before").status == 200
    assert count(mitmd, "cannot finish") == 1


def test_a_spool_that_is_removed_and_made_again(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    with Traffic(mitmd, secure_origin, [tag, tag + "-b"], 500) as traffic:
        wait_for(lambda: mitmd.files(tag, "*.part"), "a file that grows")
        mitmd.spool.rename(mitmd.directory / "gone")
        shutil.rmtree(mitmd.directory / "gone")
        mitmd.wait_log(LOST)
        seen = traffic.answers
        wait_for(lambda: traffic.answers > seen + 20, "traffic without a spool")
        with contextlib.suppress(FileExistsError):	# it makes one itself, too
            mitmd.spool.mkdir(mode=0o750)
        mitmd.wait_log(AGAIN)
    assert resumes_quietly(mitmd, secure_origin, tag)
    assert count(mitmd, "traffic goes on") == 1


def test_the_end_is_said_by_a_recorder_that_has_not_seen_the_beginning(on_disk, secure_origin,
                                                                       tag):
    mitmd, disk = on_disk("2m")
    disk.fill()
    mitmd.curl(tag).ok(secure_origin.url("/hello?lost"))
    mitmd.wait_log(LOST)
    recorder = mitmd.pids("recorder")[0]
    os.kill(recorder, signal.SIGSTOP)
    disk.free()
    os.kill(recorder, signal.SIGKILL)
    mitmd.wait_log("is written again, by another recorder")
    assert resumes_quietly(mitmd, secure_origin, tag)


def test_large_bodies_on_a_full_disk_arrive_whole(on_disk, secure_origin, tag):
    mitmd, disk = on_disk("24m")
    workers = mitmd.pids("worker")
    body = pattern(BIG)
    secure_origin.route("/big", lambda x: x.answer(body=body))
    url = secure_origin.url("/big")
    with Watch(mitmd.spool):
        mitmd.curl(tag).ok(url + "?room")
        assert mitmd.entry(tag, "?room").body() == body
        disk.fill()
        running = [mitmd.curl(tag).start(f"{url}?{i}") for i in range(6)]
        for process in running:
            result = mitmd.curl(tag).finish(process)
            assert result.code == 0 and result.body == body
        up = mitmd.curl(tag).ok("--data-binary", "@-", secure_origin.url("/echo"),
                                data=body)
        assert up.status == 200
        mitmd.wait_log(LOST)
        mark = len(mitmd.log)
        disk.free()
        resumes(mitmd, secure_origin, tag, mark)
    assert mitmd.pids("worker") == workers


def test_a_body_larger_than_the_disk_arrives_whole(on_disk, secure_origin, tag):
    mitmd, _ = on_disk("8m")
    body = pattern(12 << 20)
    secure_origin.route("/big", lambda x: x.answer(body=body))
    assert mitmd.curl(tag).ok(secure_origin.url("/big")).body == body

    def is_recorded():
        mitmd.curl(tag).ok(secure_origin.url("/hello?next"))
        mitmd.tell(signal.SIGUSR1)
        return mitmd.files(tag) and not mitmd.files(tag, "*.part")
    wait_for(is_recorded, "an entry after the body")
    for entry in mitmd.har(tag).find("/big"):
        assert entry["response"]["content"]["size"] == len(body)
        assert body.startswith(entry.body()) and len(entry.body()) < len(body)
        assert entry["response"]["content"].get("_truncated") or entry.get("_truncated")
