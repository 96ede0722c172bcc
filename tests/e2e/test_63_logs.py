# SPDX-License-Identifier: ISC
"""The log: its formats, what strangers put into it, repeats, one line per flow, the journal."""
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess

import pytest

from env.curl import clean_environment
from env.mitmd import PATIENCE, alive, binary, wait_for

DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


# -- formats ---------------------------------------------------------------------------------
def test_json_lines(start_mitmd, origin, tag):
    mitmd = start_mitmd({"log": {"format": "json", "flows": "all"}})
    mitmd.curl(tag).ok(origin.url())
    mitmd.wait_log("hello: 200")
    lines = [json.loads(line) for line in mitmd.log]
    for line in lines:
        assert {"time", "level", "role", "pid", "message"} <= set(line)
        assert re.fullmatch(DATE, line["time"])
        assert line["level"] in ("error", "warning", "info", "debug")
    assert {line["role"] for line in lines} >= {"master"}
    (ready,) = [line for line in lines if line.get("event") == "ready"]
    assert (ready["role"], ready["pid"]) == ("master", mitmd.process.pid)
    (flow,) = [line for line in lines if line.get("event") == "flow"]
    assert {"tag": tag, "client": "127.0.0.1", "method": "GET", "url": origin.url(), "status": 200,
            "host": "localhost"}.items() <= flow.items()
    assert flow["ms"] >= 0 and flow["bytes"] > 6 and flow["connection"] > 0
    assert re.fullmatch(r"worker \d+", flow["role"]) and re.fullmatch(r"\d+-\d+", flow["flow"])
    assert "error" not in flow and "tunnel" not in flow


def test_a_failed_flow_in_json(start_mitmd, tag):
    mitmd = start_mitmd({"log": {"format": "json", "flows": "errors"}})
    assert mitmd.curl(tag).run("http://localhost:1/").status == 502
    mitmd.wait_log("flow_failed")
    (flow,) = [json.loads(line) for line in mitmd.log if "flow_failed" in line]
    assert (flow["tag"], flow["status"]) == (tag, 0)
    assert "refused" in flow["error"]


def test_lines_of_a_file_have_dates_and_a_terminals_have_none(own_mitmd, tmp_path):
    """Nobody else dates the lines of a pipe or a file."""
    mitmd = own_mitmd()
    assert all(re.match(DATE + " mitmd: ", line) for line in mitmd.log)
    mitmd.stop()
    ours, theirs = os.openpty()
    process = subprocess.Popen([binary(), "-c", mitmd.file], stdin=subprocess.DEVNULL, stderr=theirs,
                               env=clean_environment(), start_new_session=True)
    os.close(theirs)
    said = b""
    while b"ready" not in said:
        said += os.read(ours, 4096)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    os.close(ours)
    assert all(line.startswith(b"mitmd: ") for line in said.splitlines())


# -- what strangers send ------------------------------------------------------------------------
ODD = {"escape": b"\x1b[31m", "newline-ish": b"\xe2\x80\xa8", "c1": b"\xc2\x9b31m",
       "bidi": b"\xe2\x80\xaetxt", "not-utf8": b"\xff\xfe"}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("sent", ODD.values(), ids=ODD)
def test_odd_bytes_do_not_reach_the_reader(own_mitmd, form, sent):
    """How each is written: tests/unit/base/test_escape.c."""
    mitmd = own_mitmd({"log": {"format": form, "flows": "all"}})
    with mitmd.dial() as client:
        client.send(b"GE" + sent + b"T http://127.0.0.1:1/" + sent + b" HTTP/1.1\r\nHost: a" + sent + b"\r\n\r\n")
        client.read_to_end()
    with mitmd.dial() as client:
        client.send(b"GET http://127.0.0.1:1/" + sent + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        client.read_to_end()
    mitmd.close()
    raw = "\n".join(mitmd.log)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufffd]", raw)
    if form == "json":
        assert all(json.loads(line) for line in mitmd.log)


def test_a_line_cannot_be_forged(own_mitmd, start_origin, tag):
    """An origin's words in a line of ours."""
    mitmd = own_mitmd({"workers": 1, "log": {"flows": "errors"}})
    origin = start_origin(script=lambda wire: (wire.read_head(), wire.send(b"HTTP/1.1 2\r\nmitmd: x\r\n\r\n")))
    mitmd.curl(tag).run(origin.url("/a%0amitmd:%20master:%20ready"))
    mitmd.wait_log("flow " + tag)
    assert len([line for line in mitmd.log if re.match(DATE + " mitmd: master: ready", line)]) == 1


# -- one line per flow ---------------------------------------------------------------------
def lines_of_flows(mitmd):
    return [line for line in mitmd.log_text().splitlines() if " flow " in line]


def test_failed_flows_are_logged(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"log": {"flows": "errors"}})
    mitmd.curl(tag).ok(secure_origin.url())
    assert mitmd.curl(tag).run("http://localhost:1/").status == 502
    wait_for(lambda: lines_of_flows(mitmd), "the line")
    (line,) = lines_of_flows(mitmd)
    assert f"flow {tag} 127.0.0.1 GET http://localhost:1/: 0," in line and "refused" in line


@pytest.mark.parametrize("flows, lines", [("all", 2), ("off", 0)])
def test_log_flows(own_mitmd, secure_origin, tag, flows, lines):
    mitmd = own_mitmd({"log": {"flows": flows}})
    mitmd.curl(tag).ok(secure_origin.url())
    assert mitmd.curl(tag).run("http://localhost:1/").status == 502
    mitmd.har(tag, lambda h: len(h) == 2)
    assert len(lines_of_flows(mitmd)) == lines


# -- repeats ---------------------------------------------------------------------------------
MORE = r"(\d+) more in (\d+) s like: flow "


def test_the_recorder_logs_as_the_last_reload_says(own_mitmd):
    """It outlives reloads; what it has a word for is one more follower than it takes."""
    mitmd = own_mitmd({"workers": 1})
    recorder = mitmd.pids("recorder")
    followers = []

    def follow():
        """One more. A recorder that answers about its tags has seen it."""
        line = socket.socket(socket.AF_UNIX)
        followers.append(line)
        line.connect(mitmd.config["control"])
        line.sendall(b"tail\n")
        assert line.recv(3) == b"ok\n"
        assert mitmd.ctl("tags").returncode == 0

    def reload(**log):
        mitmd.config["log"] = log
        mitmd.write(mitmd.config)
        assert mitmd.ctl("reload", "--wait").returncode == 0
    try:
        for _ in range(16):
            follow()
        reload(level="error")
        follow()
        reload(level="warning", format="json")
        follow()
        mitmd.wait_log(r'"role":"recorder".*"message":"nobody else can follow')
        assert mitmd.log_text().count("nobody else can follow") == 1
        reload(level="info", format="text")
        follow()
        mitmd.wait_log(r"mitmd: recorder: warning: nobody else can follow")
        assert mitmd.pids("recorder") == recorder
    finally:
        for line in followers:
            line.close()


def test_lines_about_errors_are_limited_and_counted(own_mitmd):
    mitmd = own_mitmd({"workers": 1, "log": {"flows": "errors"}})
    with mitmd.dial() as client:
        for _ in range(300):
            assert client.ask(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n").status == 404
    # The last of them are told of when no more come.
    def all_told():
        said = [line for line in lines_of_flows(mitmd) if " more in " not in line]
        left = sum(int(found[1]) for line in mitmd.log if (found := re.search(MORE, line)))
        return len(said) + left == 300 and len(said)
    assert 20 <= wait_for(all_told, "every line to be said or counted") < 250


def test_all_flows_are_never_left_out(own_mitmd):
    mitmd = own_mitmd({"workers": 1, "log": {"flows": "all"}})
    with mitmd.dial() as client:
        for _ in range(300):
            assert client.ask(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n").status == 404
    wait_for(lambda: len(lines_of_flows(mitmd)) == 300, "all of them")


# -- the journal -----------------------------------------------------------------------------
def fields_of(datagram):
    found = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", datagram[:8])
            value, datagram = datagram[8:8 + length], datagram[9 + length:]
        found[name.decode()] = value.decode("utf-8", "replace")
    return found


class Journal:
    """mitmd under a journal of ours: a mount namespace where its socket is."""

    def __init__(self, mitmd, directory, there=True):
        self.mitmd = mitmd
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(directory / "socket"))
        self.sock.settimeout(PATIENCE)
        self.messages = []
        self.stream, theirs = os.pipe()
        st = os.fstat(theirs)
        where = directory if there else directory.parent
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && "
             f"mount --bind {where} /run/systemd/journal && exec {binary()} -c {mitmd.file}"],
            stdin=subprocess.DEVNULL, stderr=theirs, start_new_session=True,
            env=clean_environment(JOURNAL_STREAM=f"{st.st_dev}:{st.st_ino}"))
        os.close(theirs)

    def wait(self, pattern):
        while True:
            for message in self.messages:
                if re.search(pattern, message["MESSAGE"]):
                    return message
            self.messages.append(fields_of(self.sock.recv(1 << 20)))

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0
        rest = b""
        while data := os.read(self.stream, 65536):
            rest += data
        os.close(self.stream)
        self.sock.close()
        return rest.decode()


def can_unshare():
    return os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(
        ["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_unshare(), reason="needs root and a mount namespace")
def test_messages_have_their_fields_in_the_journal(own_mitmd, origin, tmp_path, tag):
    mitmd = own_mitmd({"log": {"flows": "all"}}, start=False)
    (tmp_path / "journal").mkdir()
    journal = Journal(mitmd, tmp_path / "journal")
    mitmd.host, mitmd.port = "127.0.0.1", int(
        re.search(r":(\d+)$", journal.wait("listening on")["MESSAGE"])[1])
    ready = journal.wait("ready: ")
    assert ready["PRIORITY"] == "6" and ready["SYSLOG_IDENTIFIER"] == "mitmd"
    assert re.fullmatch("[0-9a-f]{32}", ready["MESSAGE_ID"]) and ready["MITMD_ROLE"] == "master"
    mitmd.curl(tag).ok(origin.url())
    flow = journal.wait(f"flow {tag}")
    assert {"MITMD_CLIENT": "127.0.0.1", "MITMD_HOST": "localhost", "MITMD_TAG": tag, "MITMD_STATUS": "200",
            "MITMD_URL": origin.url(), "MITMD_METHOD": "GET"}.items() <= flow.items()
    assert flow["MITMD_WORKER"] in "01" and flow["MITMD_FLOW"] and flow["MESSAGE_ID"] != ready["MESSAGE_ID"]
    mitmd.curl(tag).run("http://localhost:1/")
    failed = journal.wait("refused")
    assert failed["MESSAGE_ID"] not in (flow["MESSAGE_ID"], ready["MESSAGE_ID"])
    assert "refused" in failed["MITMD_ERROR"]
    mitmd.file.write_text("nonsense: 1\n")
    journal.process.send_signal(signal.SIGHUP)
    bad = journal.wait("reload failed")
    assert bad["PRIORITY"] == "3" and bad["MESSAGE_ID"]
    assert not [m for m in journal.messages if any(name.startswith("CODE_") for name in m)]
    assert journal.close() == ""


@pytest.mark.skipif(not can_unshare(), reason="needs root and a mount namespace")
def test_without_its_socket_lines_have_priorities(own_mitmd, tmp_path):
    mitmd = own_mitmd(start=False)
    (tmp_path / "journal").mkdir()
    journal = Journal(mitmd, tmp_path / "journal", there=False)
    said = b""
    while b"ready: " not in said:
        said += os.read(journal.stream, 4096)
    said = said.decode() + journal.close()
    assert all(re.match(r"<[3467]>\w+", line) for line in said.splitlines()), said


def test_another_journal_stream_is_none_of_ours(own_mitmd):
    """Inherited by a shell in a service, say: standard error leads somewhere else."""
    mitmd = own_mitmd(start=False)
    done = subprocess.Popen([binary(), "-c", mitmd.file], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            env=clean_environment(JOURNAL_STREAM="1:1"), start_new_session=True)
    line = done.stderr.readline().decode()
    done.send_signal(signal.SIGTERM)
    done.stderr.read()
    done.stderr.close()
    done.wait(PATIENCE)
    assert re.match(DATE + " mitmd: ", line)
    assert not alive(done.pid)
