# SPDX-License-Identifier: ISC
"""mitmctl har check and repair, and what all its commands have in common: on what mitmd has
recorded, on what browsers write, and on what is left of either.
"""
import copy
import fcntl
import gzip
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import threading

import pytest

from env.curl import clean_environment
from env.har import load, validate
from env.har_samples import chrome, chrome_entry, firefox, firefox_entry, write
from env.har_tools import GOOD, NO_INPUT, PROBLEMS, USAGE, entries, har, ok, record, torn
from env.mitmd import PATIENCE, SANITIZED, binary, wait_for


@pytest.fixture(scope="module")
def recorded(start_mitmd, certs, tmp_path_factory):
    return record(start_mitmd, certs, tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def chrome_file(tmp_path):
    return write(tmp_path / "chrome.har", chrome([chrome_entry(i) for i in range(40)]))


@pytest.fixture
def firefox_file(tmp_path):
    return write(tmp_path / "firefox.har", firefox([firefox_entry(i) for i in range(40)]))


# -- check -------------------------------------------------------------------------------
def test_what_mitmd_records_is_good(recorded):
    done = ok("check", "--strict", recorded)
    assert re.fullmatch(rf"{recorded}: good, \d+ entries\n", done.stdout), done.stdout


def test_what_browsers_write_is_good(chrome_file, firefox_file):
    done = ok("check", chrome_file, firefox_file)
    assert "chrome.har: 40 entries, 0 errors" in done.stdout
    assert "firefox.har: 40 entries, 0 errors" in done.stdout
    assert validate([chrome_file, firefox_file]) == ""


def test_warnings_are_told_with_their_place_and_count_if_asked(chrome_file):
    done = ok("check", chrome_file)
    assert (f"{chrome_file}:1: warning: log.entries[0].request.headers[0].name "
            "is a pseudo-header") in done.stdout
    assert f"{chrome_file}: warning: ... 75 more: is a pseudo-header" in done.stdout
    assert har("check", "--strict", chrome_file).returncode == PROBLEMS


def changed(document, *path):
    """A copy, and the object that holds what the path names."""
    document = copy.deepcopy(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    return document, place


# Where, and what to put there; DROP: nothing at all.
DROP = object()
ENTRY = ("log", "entries", 1)
BROKEN = {
    "no-version": (("log", "version"), DROP),
    "no-creator": (("log", "creator"), DROP),
    "creator-name": (("log", "creator", "name"), 7),
    "entries": (("log", "entries"), {}),
    "page-id": (("log", "pages", 0, "id"), DROP),
    "page-date": (("log", "pages", 0, "startedDateTime"), "yesterday"),
    "page-timing": (("log", "pages", 0, "pageTimings", "onLoad"), "soon"),
    "started": ((*ENTRY, "startedDateTime"), "22.11.2026"),
    "no-started": ((*ENTRY, "startedDateTime"), DROP),
    "time": ((*ENTRY, "time"), "5"),
    "null-time": ((*ENTRY, "time"), None),
    "no-request": ((*ENTRY, "request"), DROP),
    "no-response": ((*ENTRY, "response"), DROP),
    "no-cache": ((*ENTRY, "cache"), DROP),
    "no-timings": ((*ENTRY, "timings"), DROP),
    "no-wait": ((*ENTRY, "timings", "wait"), DROP),
    "wait": ((*ENTRY, "timings", "wait"), None),
    "method": ((*ENTRY, "request", "method"), None),
    "url": ((*ENTRY, "request", "url"), "/relative"),
    "request-cookies": ((*ENTRY, "request", "cookies"), DROP),
    "cookie-value": ((*ENTRY, "request", "cookies", 0, "value"), 1),
    "cookie-expires": ((*ENTRY, "request", "cookies", 0, "expires"), "Session"),
    "cookie-secure": ((*ENTRY, "request", "cookies", 0, "secure"), "yes"),
    "headers": ((*ENTRY, "request", "headers"), {}),
    "header-name": ((*ENTRY, "request", "headers", 2, "name"), DROP),
    "query": ((*ENTRY, "request", "queryString", 0, "value"), None),
    "body-size": ((*ENTRY, "request", "bodySize"), "0"),
    "body-size-part": ((*ENTRY, "request", "bodySize"), 0.5),
    "post-type": (("log", "entries", 2, "request", "postData", "mimeType"), DROP),
    "status": ((*ENTRY, "response", "status"), "200"),
    "status-text": ((*ENTRY, "response", "statusText"), None),
    "redirect": ((*ENTRY, "response", "redirectURL"), None),
    "content": ((*ENTRY, "response", "content"), {}),
    "content-size": ((*ENTRY, "response", "content", "size"), 1.5),
    "content-type": ((*ENTRY, "response", "content", "mimeType"), None),
    "address": ((*ENTRY, "serverIPAddress"), ""),
    "an-entry": (ENTRY, 7),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_published_schema_refuses_is_an_error(tmp_path, name):
    path, value = BROKEN[name]
    document, place = changed(chrome([chrome_entry(i) for i in range(4)]), *path)
    if value is DROP:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    file = write(tmp_path / "broken.har", document)
    assert validate([file]), "the validator finds nothing wrong with it"
    done = har("check", file)
    assert done.returncode == PROBLEMS, done
    entry = f"{path[2] + 1}:" if path[1] == "entries" and len(path) > 2 else ""
    assert re.search(rf"^{file}:{entry} log\.", done.stdout, re.M), done.stdout


def test_what_is_no_json_is_told_with_its_place(recorded, tmp_path):
    file = tmp_path / "torn.har"
    file.write_bytes(recorded.read_bytes()[:5000])
    done = har("check", file)
    assert done.returncode == PROBLEMS
    assert re.search(rf"^{file}:\d+: the file ends too early, at byte 5000, inside an entry$",
                     done.stdout, re.M), done.stdout
    file.write_text("<html>")
    assert f"{file}: this is no JSON at byte 0\n" in har("check", file).stdout
    file.write_text('{"entries": []}')
    assert "log is missing" in har("check", file).stdout


def test_the_rest_is_checked_when_one_file_cannot_be_read(recorded, tmp_path):
    done = har("check", tmp_path / "nothing.har", recorded)
    assert done.returncode == NO_INPUT
    assert "nothing.har: No such file" in done.stderr and ": good," in done.stdout


def test_check_for_programs(recorded, tmp_path):
    bad = write(tmp_path / "bad.har", chrome([{**chrome_entry(0), "time": None}]))
    done = har("check", "--output", "json", recorded, bad)
    assert done.returncode == PROBLEMS
    good, bad = json.loads(done.stdout)
    assert good["problems"] == [] and good["errors"] == 0
    assert good["entries"] == len(entries(recorded))
    assert bad["errors"] == 1
    assert {"severity": "error", "entry": 1, "path": "log.entries[0].time",
            "message": "must be a number"} in bad["problems"]


def test_names_in_a_file_do_not_steer_the_terminal(tmp_path):
    entry = {**chrome_entry(0), "\u009b31m\u202e\x7f": 1}
    file = write(tmp_path / "steer.har", chrome([entry]))
    done = har("check", file)
    assert "is not in HAR 1.2" in done.stdout
    assert all(c == "\n" or " " <= c < "\x7f" for c in done.stdout), done.stdout


def test_a_growing_file_is_read_under_the_lock(recorded, tmp_path):
    """Whoever writes it has the lock until it is whole again."""
    part = tmp_path / "x.har.part"
    part.write_bytes(recorded.read_bytes()[:5000])
    with open(part, "r+b") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        process = subprocess.Popen([binary().with_name("mitmctl"), "har", "check", str(part)],
                                   stdout=subprocess.PIPE, text=True, env=clean_environment())
        blocked = re.compile(rf"-> FLOCK .* {process.pid} ")
        wait_for(lambda: blocked.search(open("/proc/locks", encoding="ascii").read()),
                 "mitmctl to wait for the lock")
        writer.write(recorded.read_bytes())
        writer.flush()
        fcntl.flock(writer, fcntl.LOCK_UN)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == GOOD, out


def test_gzip_and_pipes(recorded, tmp_path):
    packed = tmp_path / "two.har.gz"
    whole = recorded.read_bytes()
    packed.write_bytes(gzip.compress(whole[:3000]) + gzip.compress(whole[3000:]))
    assert ": good," in ok("check", packed).stdout
    assert ": good," in ok("check", "-", input=whole.decode()).stdout
    assert ": good," in ok("check", "-", input=packed.read_bytes(), text=False).stdout.decode()
    packed.write_bytes(gzip.compress(whole)[:-100])
    done = har("check", packed)
    assert done.returncode == NO_INPUT and "gzip is cut off" in done.stderr


# -- repair ------------------------------------------------------------------------------
def test_every_cut_keeps_every_whole_entry(recorded, tmp_path):
    whole = recorded.read_bytes()
    all_entries = entries(recorded)
    ends = [m.end() for m in re.finditer(rb"^\{\"startedDateTime\".*\}(?=,?$)", whole, re.M)]
    assert len(ends) == len(all_entries)
    file = tmp_path / "torn.har"
    cuts = {len(whole) * i // 40 for i in range(1, 40)}
    cuts |= {e + more for e in ends for more in (-1, 0, 1, 2)}
    for cut in sorted(cuts):
        file.write_bytes(whole[:cut])
        done = har("repair", file)
        n = sum(1 for e in ends if e <= cut)
        if n == 0 and b'"entries":[' not in whole[:cut]:
            assert done.returncode == PROBLEMS and file.read_bytes() == whole[:cut]
            continue
        assert done.returncode == GOOD, (cut, done)
        assert entries(file) == all_entries[:n], cut
        if cut < len(whole) - 1:
            assert f"{n} entries kept" in done.stderr, (cut, done.stderr)
        assert har("check", "--strict", file).returncode == GOOD or n == 0
    assert [p.name for p in tmp_path.iterdir()] == ["torn.har"]


def test_the_number_of_dropped_ones_is_told(recorded, tmp_path):
    file = tmp_path / "torn.har"
    file.write_bytes(torn(recorded))
    n = len(entries(recorded)) - 1
    assert f"{n} entries kept, 1 dropped that were not whole" in ok("repair", file).stderr


def test_a_hole_costs_what_lies_in_it(recorded, tmp_path):
    """As after a power cut: a block in the middle was never written."""
    whole = recorded.read_bytes()
    all_entries = entries(recorded)
    starts = [m.start() for m in re.finditer(rb"^\{\"startedDateTime\"", whole, re.M)]
    hole = slice(starts[2] + 100, starts[4] + 100)
    file = tmp_path / "hole.har"
    file.write_bytes(whole[:hole.start] + bytes(hole.stop - hole.start) + whole[hole.stop:])
    done = ok("repair", file)
    assert entries(file) == all_entries[:2] + all_entries[5:]
    assert "dropped" in done.stderr


def test_a_torn_head(recorded, tmp_path):
    whole = recorded.read_bytes()
    file = tmp_path / "head.har"
    file.write_bytes(bytes(60) + whole[60:])
    ok("repair", file)
    assert entries(file) == entries(recorded)
    assert validate([file]) == ""
    assert load(file)["log"]["pages"][0]["id"] == "page_1"


def test_an_entry_that_swallows_the_next_ones(recorded, tmp_path):
    """Torn where a value would stand: what follows looks like that value."""
    whole = recorded.read_bytes()
    all_entries = entries(recorded)
    starts = [m.start() for m in re.finditer(rb"^\{\"startedDateTime\"", whole, re.M)]
    cut = whole.index(b'"request":', starts[1]) + len(b'"request":')
    file = tmp_path / "swallow.har"
    file.write_bytes(whole[:cut] + b"\n" + whole[starts[2]:])
    ok("repair", file)
    assert entries(file) == all_entries[:1] + all_entries[2:]


@pytest.mark.parametrize("indent", [None, 2, 4], ids=["one-line", "two", "four"])
def test_a_truncated_copy_of_others(tmp_path, indent):
    all_entries = [chrome_entry(i) for i in range(10)]
    file = write(tmp_path / "cut.har", chrome(all_entries), indent)
    whole = file.read_bytes()
    repaired = []
    for cut in range(0, len(whole), len(whole) // 13):
        file = tmp_path / f"cut-{cut}.har"
        file.write_bytes(whole[:cut])
        done = har("repair", file)
        if done.returncode != GOOD:
            assert b'"entries"' not in whole[:cut]
            continue
        got = entries(file)
        assert got == all_entries[:len(got)]
        assert len(got) >= 10 * (cut - 600) // len(whole) - 1
        repaired.append(file)
    assert validate(repaired) == ""
    file.write_bytes(whole[:len(whole) // 2])
    assert re.search(r"\d entries kept, 1 dropped", ok("repair", file).stderr)


def test_a_whole_file_is_left_as_it_is(recorded, tmp_path):
    file = tmp_path / "whole.har"
    shutil.copy(recorded, file)
    before = os.stat(file)
    assert "is whole" in ok("repair", file).stderr
    assert os.stat(file) == before


def test_a_repaired_file_keeps_its_rights(recorded, tmp_path):
    file = tmp_path / "torn.har"
    file.write_bytes(torn(recorded))
    file.chmod(0o604)
    ok("repair", file)
    assert file.stat().st_mode & 0o7777 == 0o604


def test_repair_to_another_file_and_to_a_pipe(recorded, tmp_path):
    half = torn(recorded)
    file, out = tmp_path / "torn.har", tmp_path / "out.har"
    file.write_bytes(half)
    ok("repair", "-o", out, file)
    assert file.read_bytes() == half
    assert entries(out) == entries(recorded)[:-1]
    done = ok("repair", "-", input=half, text=False)
    assert json.loads(done.stdout)["log"]["entries"] == entries(out)


def test_nothing_is_made_of_nothing(tmp_path):
    file = tmp_path / "text.har"
    file.write_text("this is no HAR\n")
    done = har("repair", file)
    assert done.returncode == PROBLEMS and file.read_text() == "this is no HAR\n"


def test_repair_agrees_with_recovery(recorded, own_mitmd, tmp_path):
    """The same torn file, by mitmctl and by mitmd when it starts."""
    whole = recorded.read_bytes()
    half = whole[:len(whole) * 2 // 3]
    mine = tmp_path / "mine.har"
    mine.write_bytes(half)
    ok("repair", mine)
    mitmd = own_mitmd(start=False)
    (mitmd.spool / "t").mkdir(parents=True)
    (mitmd.spool / "t" / "20261122T080102Z-x-1.har.part").write_bytes(half)
    mitmd.start()
    wait_for(lambda: mitmd.files("t"), "the file to be recovered")
    theirs, = mitmd.files("t")
    assert entries(theirs) == entries(mine)
    assert load(theirs)["log"].get("_tlsErrors") == load(mine)["log"].get("_tlsErrors")


# -- size, memory, progress --------------------------------------------------------------
BIG = 200 << 20
ROOM = 176 << 20		# of address space, of which the program's own libraries take 20


def big_file(path):
    """Many ordinary entries, and one with a body larger than all memory there is."""
    many = json.dumps(chrome_entry(0)) + ",\n"
    head, tail = json.dumps(chrome_entry(2)).split("s\\u00f6me", 1)
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"pages":[],'
                   '"entries":[\n')
        for _ in range((20 << 20) // len(many)):
            file.write(many)
        file.write(head)
        for _ in range(BIG >> 20):
            file.write("s" * (1 << 20))
        file.write(tail + "\n]}}\n")
    return path


def little_room():
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))


@pytest.mark.skipif(SANITIZED, reason="sanitizers take address space for themselves")
def test_memory_has_a_bound(tmp_path):
    file = big_file(tmp_path / "big.har")
    n = (20 << 20) // len(json.dumps(chrome_entry(0)) + ",\n") + 1
    room = {"preexec_fn": little_room}
    assert f"{n} entries, 0 errors" in ok("check", file, **room).stdout
    assert json.loads(ok("stats", "--output", "json", file, **room).stdout)["entries"] == n
    out = tmp_path / "out.har"
    ok("filter", "-f", "~m post", "-o", out, file, **room)
    assert BIG < out.stat().st_size < BIG + 10000
    ok("merge", "-o", out, file, file, **room)
    assert "2 entries, 0 errors" in ok("check", out, **room).stdout	# all others are one
    with open(file, "r+b") as end:
        end.truncate(file.stat().st_size - 10)
    ok("repair", file, **room)
    assert f"{n - 1} entries, 0 errors" in ok("check", file, **room).stdout
    with open(file, "rb") as pipe:
        assert f"{n - 1} entries" in ok("check", "-", stdin=pipe, **room).stdout
    os.unlink(file)
    os.unlink(out)


@pytest.mark.skipif(SANITIZED, reason="sanitizers take address space for themselves")
def test_an_entry_of_too_many_values(tmp_path):
    """It is large without a long string; the others are looked at as ever."""
    file = tmp_path / "many.har"
    with open(file, "w", encoding="ascii") as out:
        out.write('{"log":{"entries":[{"a":[')
        for _ in range(BIG >> 20):
            out.write("1," * (1 << 19))
        out.write('1]},' + json.dumps(firefox_entry(1)) + ']}}')
    room = {"preexec_fn": little_room}
    done = har("check", file, **room)
    assert done.returncode == PROBLEMS
    assert f"{file}:1: has too much in it to look at" in done.stdout
    done = har("filter", "-f", "~all", file, **room)
    assert json.loads(done.stdout)["log"]["entries"] == [firefox_entry(1)]
    assert "has too much in it to look at, and is left out" in done.stderr
    os.unlink(file)


class Terminal:
    """A pseudo-terminal, and all that is written to it."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        self.seen = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                got = os.read(self.master, 4096)
            except OSError:
                return
            self.seen += got

    def close(self):
        os.close(self.slave)
        self.reader.join(PATIENCE)
        os.close(self.master)


def test_progress_on_a_terminal_only():
    """It is fed until it shows how far it is."""
    terminal = Terminal()
    process = subprocess.Popen([binary().with_name("mitmctl"), "har", "check", "-"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=terminal.slave, env=clean_environment())
    entry = json.dumps(firefox_entry(0)).encode()
    process.stdin.write(json.dumps(firefox([])).encode().replace(b"[]}}", b"["))
    process.stdin.write(entry)

    def shown():
        process.stdin.write((b"," + entry) * 50)
        process.stdin.flush()
        return re.search(rb"[0-9kM]  [0-9.]+[kM]?/s", terminal.seen)
    wait_for(shown, "a line of progress")
    out, _ = process.communicate(b"]}}", timeout=PATIENCE)
    terminal.close()
    assert process.returncode == GOOD, out
    assert terminal.seen.endswith(b"\r\x1b[K"), terminal.seen	# the line is free again


@pytest.mark.parametrize("args", [["check"], ["stats"], ["filter", "-f", "~all"], ["merge"]])
def test_what_cannot_be_written_is_told(recorded, args):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([binary().with_name("mitmctl"), "har", *args, str(recorded)],
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=PATIENCE, env=clean_environment())
    assert done.returncode == PROBLEMS
    assert "standard output" in done.stderr


def test_a_closed_pipe_ends_it(tmp_path):
    file = write(tmp_path / "many.har", chrome([chrome_entry(i) for i in range(500)]), None)
    process = subprocess.Popen([binary().with_name("mitmctl"), "har", "filter", "-f", "~all",
                                str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=clean_environment())
    process.stdout.close()
    assert process.wait(PATIENCE) in (-signal.SIGPIPE, PROBLEMS)
    process.stderr.close()


# -- the command line -------------------------------------------------------------------
def test_the_help_has_the_letters():
    done = subprocess.run([binary().with_name("mitmctl"), "help", "har"], capture_output=True,
                          text=True, check=True, env=clean_environment())
    for word in ("check", "repair", "merge", "filter", "stats", "~bq REGEX", "~websocket"):
        assert word in done.stdout


@pytest.mark.parametrize("args", [
    [], ["check"], ["chekc", "x"], ["filter", "x"], ["repair", "a", "b"], ["merge"], ["stats"],
    ["check", "--nonsense", "x"], ["stats", "-o", "x", "y"]])
def test_usage(args):
    done = har(*args)
    assert done.returncode == USAGE and "usage: mitmctl har" in done.stderr
