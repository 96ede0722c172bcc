# SPDX-License-Identifier: ISC
"""mitmctl tail, tags and flush: what is being recorded, while it is."""
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

import pytest

from env import ws
from env.har import Har
from env.mitmd import PATIENCE, binary, clean_environment, wait_for
from env.wire import basic

FOLLOWS = r"follows the entries"


class Tail:
    """A running `mitmctl tail`; its lines can be waited for."""

    def __init__(self, mitmd, *args, columns=None, env=None, common=()):
        self.lines, self.news = [], threading.Condition()
        self.ended = False
        before = len(mitmd.log)
        out, inside = subprocess.PIPE, None
        if columns:
            self.outside, inside = pty.openpty()
            fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            out = inside
        self.process = subprocess.Popen(
            [binary().with_name("mitmctl"), "-s", mitmd.config["control"], *common, "tail", *args],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
            env=clean_environment() | {"TERM": "xterm", "TZ": "UTC"} | (env or {}))
        if inside is not None:
            os.close(inside)
            self.out = os.fdopen(self.outside, "rb")
        else:
            self.out = self.process.stdout
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        mitmd.wait_log(FOLLOWS, before)
        # The recorder has heard of it before it is asked this.
        assert mitmd.ctl("tags").returncode == 0

    def _read(self):
        with contextlib.suppress(OSError):	# the end of a terminal
            for line in self.out:
                with self.news:
                    self.lines.append(line.decode().rstrip("\r\n"))
                    self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def wait(self, pattern):
        with self.news:
            def find():
                return next((l for l in self.lines if re.search(pattern, l)), None)
            assert self.news.wait_for(lambda: find() or self.ended, PATIENCE), self.lines
            assert find(), self.lines
            return find()

    def end(self, number=signal.SIGINT):
        """Its exit code and what it complained of."""
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.out.close()
        complaints = self.process.stderr.read().decode()
        self.process.stderr.close()
        return code, complaints

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.returncode is None:
            self.process.kill()
            self.end(None)


def get(mitmd, origin, tag, path="/hello", host=None):
    with mitmd.dial() as client:
        host = host or origin.authority
        return client.ask(f"GET http://{host}{path} HTTP/1.1\r\nHost: {host}\r\n"
                          f"Proxy-Authorization: {basic(tag)}\r\n\r\n")


@pytest.fixture(scope="module")
def mitmd(start_mitmd):
    """One worker: what comes first is shown first."""
    return start_mitmd({"workers": 1})


# -- lines for people -------------------------------------------------------------------------
def test_a_line_per_flow(mitmd, origin, secure_origin, tag):
    with Tail(mitmd, tag) as tail:
        get(mitmd, origin, tag, "/hello?one")
        line = tail.wait("one")
        assert re.fullmatch(rf"\d\d:\d\d:\d\d {tag} +GET +http://{origin.authority}/hello\?one "
                            r"200 +\d+ +\d+ms", line), line
        with mitmd.secure(secure_origin.authority, tag) as client:
            client.ask(f"GET /status/404 HTTP/1.1\r\nHost: {secure_origin.authority}\r\n\r\n")
        assert " 404 " in tail.wait(rf"https://{secure_origin.authority}/status/404")
        assert len(tail.lines) == 2
        assert tail.end() == (0, "")


def test_what_failed_and_what_was_passed_on(mitmd, origin, tag):
    with Tail(mitmd, tag) as tail:
        get(mitmd, origin, tag, host="127.0.0.1:1")
        assert tail.wait("127.0.0.1:1/hello").endswith("the connection was refused")
        with mitmd.tunnel(origin.authority, tag) as client:
            client.send(b"\0\1\2")
        assert re.search(r" CONNECT .* tunnel: ", tail.wait("CONNECT"))


def test_tags_are_chosen(mitmd, origin, tag):
    with Tail(mitmd, "nobody", f"{tag}-b", f"{tag}-c") as tail:
        for which in "abcd":
            get(mitmd, origin, f"{tag}-{which}", f"/hello?{which}")
        tail.wait(r"hello\?c")
        get(mitmd, origin, f"{tag}-b", "/hello?end")
        tail.wait("end")
        assert [l.split("?")[1][:1] for l in tail.lines] == ["b", "c", "e"]


def test_filters_are_mitmproxys(mitmd, origin, tag):
    with Tail(mitmd, "-f", "~c 404 | ~u end", tag) as tail:
        for path in ("/status/200", "/status/404", "/status/500", "/hello?end"):
            get(mitmd, origin, tag, path)
        tail.wait("end")
        assert [l.split()[4] for l in tail.lines] == ["404", "200"]


def test_a_terminal_has_colours_and_a_width(mitmd, origin, tag):
    with Tail(mitmd, tag, columns=100) as tail:
        get(mitmd, origin, tag, "/hello?" + "long" * 100)
        line = tail.wait("GET")
        plain = re.sub(r"\033\[\d+m", "", line)
        assert "\033[32m" in line and "\033[0m" in line
        assert len(plain) <= 100 and "..." in plain and " 200 " in plain
        get(mitmd, origin, tag, host="127.0.0.1:1")
        assert "\033[31m" in tail.wait("127.0.0.1:1")
        assert tail.end() == (0, "")


@pytest.mark.parametrize("columns, common, env, coloured", [
    (100, (), {"NO_COLOR": "1"}, False), (100, (), {"TERM": "dumb"}, False),
    (100, ("--color=never",), {}, False), (None, (), {}, False),
    (None, ("--color=always",), {"NO_COLOR": "1"}, True),
], ids=["NO_COLOR", "dumb", "never", "pipe", "always"])
def test_when_there_are_colours(mitmd, origin, tag, columns, common, env, coloured):
    with Tail(mitmd, tag, columns=columns, common=common, env=env) as tail:
        get(mitmd, origin, tag)
        assert ("\033" in tail.wait("GET")) == coloured


# -- lines for programs -----------------------------------------------------------------------
def test_json_is_the_entries_as_they_are(mitmd, origin, tag):
    with Tail(mitmd, "--json", tag) as tail:
        for path in ("/hello?1", "/status/404", "/hello?2"):
            get(mitmd, origin, tag, path)
        tail.wait(r"hello\?2")
        assert tail.end() == (0, "")
    shown = [json.loads(line) for line in tail.lines]
    assert shown == [dict(e) for e in mitmd.har(tag).entries]


def test_so_many_and_no_more(mitmd, origin, tag):
    with Tail(mitmd, "-n", "2", "--json", tag) as tail:
        for number in range(3):
            get(mitmd, origin, tag, f"/hello?{number}")
        assert tail.end(None) == (0, "")
        assert len(tail.lines) == 2


# -- endings ------------------------------------------------------------------------------------
def test_who_has_seen_enough(mitmd, origin, tag):
    """| head: also when nothing comes any more."""
    with Tail(mitmd, tag) as tail:
        get(mitmd, origin, tag)
        tail.wait("GET")
    before = len(mitmd.log)
    process = subprocess.Popen(f"{binary().with_name('mitmctl')} -s {mitmd.config['control']} tail "
                               "| sh -c 'exec 0<&-'; echo ${PIPESTATUS[0]}", shell=True,
                               executable="/bin/bash", stdout=subprocess.PIPE, text=True,
                               env=clean_environment())
    mitmd.wait_log(FOLLOWS, before)
    assert process.communicate(timeout=PATIENCE)[0] == "0\n"


def test_mitmd_ends(own_mitmd, origin, tag):
    mitmd = own_mitmd()
    with Tail(mitmd) as tail:
        get(mitmd, origin, tag)
        tail.wait("GET")
        assert mitmd.stop() == 0
        code, complaints = tail.end(None)
        assert code == 69 and "mitmd has ended" in complaints


def test_a_recorder_that_is_started_again(own_mitmd, origin, tag):
    mitmd = own_mitmd()
    with Tail(mitmd, tag) as tail:
        get(mitmd, origin, tag, "/hello?before")
        tail.wait("before")
        seen = len(mitmd.log)
        os.kill(mitmd.pids("recorder")[0], signal.SIGKILL)
        mitmd.wait_log(FOLLOWS, seen)
        assert mitmd.ctl("tags").returncode == 0
        get(mitmd, origin, tag, "/hello?after")
        tail.wait("after")
        code, complaints = tail.end()
        assert code == 0 and "started again" in complaints


def test_a_reload_changes_nothing(own_mitmd, origin, tag):
    mitmd = own_mitmd()
    with Tail(mitmd, tag) as tail:
        assert mitmd.ctl("reload", "--wait").returncode == 0
        get(mitmd, origin, tag)
        tail.wait("GET")
        assert tail.end() == (0, "")


def test_not_too_many_follow(own_mitmd):
    mitmd = own_mitmd()
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(Tail(mitmd))
        one_more = stack.enter_context(Tail(mitmd))
        code, complaints = one_more.end(None)
        assert code == 75 and "too many" in complaints


@pytest.mark.parametrize("args, said", [
    (("-f", "~q & ("), "column"), (("-n", "0"), "number"), (("--what",), "unrecognized"),
])
def test_bad_words(mitmd, args, said):
    done = mitmd.ctl("tail", *args)
    assert done.returncode == 64 and said in done.stderr


# -- flush and tags ------------------------------------------------------------------------------
def test_flush_of_a_tag(mitmd, origin, tag):
    for which in "ab":
        get(mitmd, origin, f"{tag}-{which}")
    done = mitmd.ctl("flush", f"{tag}-a", "--output", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [{"files": 1}])
    # It has come back when it was done: no waiting here.
    assert Har(mitmd.files(f"{tag}-a")).one("/hello").status == 200
    assert not mitmd.files(f"{tag}-b") and mitmd.files(f"{tag}-b", "*.part")
    assert mitmd.ctl("flush").returncode == 0
    assert len(mitmd.files(f"{tag}-b")) == 1


def test_flush_of_nothing(mitmd):
    assert mitmd.ctl("flush", "nobody-was-here").stdout == "0 files finished\n"


@pytest.mark.parametrize("args", [("a/b",), ("..",), ("a", "b")])
def test_flush_of_what_is_no_tag(mitmd, args):
    assert mitmd.ctl("flush", *args).returncode == 64


def test_flush_has_what_an_open_websocket_has_said(mitmd, certs, tag):
    def talk(wire):
        wire.send(ws.text("so far"))
        wire.read_to_end()
    origin = ws.WsOrigin(certs.leaf("good"), talk)
    try:
        with ws.open_on(mitmd.secure(origin.authority, tag), origin) as client:
            client.read(8)
            assert mitmd.ctl("flush", "another-tag").returncode == 0
            assert not mitmd.files(tag)
            assert mitmd.ctl("flush", tag).returncode == 0
            entry = Har(mitmd.files(tag)).one("/ws")
            assert ws.messages([entry]) == [("receive", 1, "so far")]
            assert entry["_webSocketMore"] is True
    finally:
        origin.close()


def test_flush_with_a_worker_that_hangs(own_mitmd, origin, tag):
    mitmd = own_mitmd({"workers": 2})
    get(mitmd, origin, tag)
    wait_for(lambda: mitmd.files(tag, "*.part"), "the entry")
    stopped = mitmd.pids("worker")[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        done = mitmd.ctl("flush", tag)
        assert done.returncode == 0 and len(mitmd.files(tag)) == 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stopped, signal.SIGCONT)


def test_tags(mitmd, origin, tag):
    get(mitmd, origin, f"{tag}-a")
    get(mitmd, origin, f"{tag}-a")
    get(mitmd, origin, f"{tag}-b")

    def growing():
        rows = json.loads(mitmd.ctl("tags", "--output", "json").stdout)
        return {r["tag"]: r for r in rows if r["tag"].startswith(tag)}
    rows = wait_for(lambda: growing() if len(growing()) == 2 else None, "both")
    assert rows[f"{tag}-a"]["entries"] == 2 and rows[f"{tag}-b"]["entries"] == 1
    file = mitmd.spool / f"{tag}-a" / rows[f"{tag}-a"]["file"]
    assert file.exists() and file.suffix == ".part"
    table = mitmd.ctl("tags").stdout
    assert re.search(rf"^{tag}-a +2 +[\d.]+k? ", table, re.M), table
    assert mitmd.ctl("flush").returncode == 0
    assert growing() == {}
