# SPDX-License-Identifier: ISC
"""mitmctl and a running mitmd: status, reload, and what its control socket withstands."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import pytest

from env.mitmd import PATIENCE, binary, clean_environment, wait_for

FAILED, DEGRADED, USAGE, UNREACHABLE, CONFIG = 1, 2, 64, 69, 78


def status(mitmd):
    done = mitmd.ctl("status", "--output", "json")
    assert done.returncode in (0, DEGRADED), done.stderr
    told = json.loads(done.stdout)
    assert told["healthy"] == (done.returncode == 0)
    return told


def processes(told, role):
    return [p for p in told["processes"] if p["role"] == role]


def start_ctl(mitmd, *args):
    """mitmctl, not waited for."""
    return subprocess.Popen([binary().with_name("mitmctl"), "-s", mitmd.config["control"], *args],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=clean_environment())


@contextlib.contextmanager
def control(mitmd):
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PATIENCE)
        line.connect(mitmd.config["control"])
        yield line


def ask(mitmd, request):
    """One request and the whole of its answer."""
    with control(mitmd) as line:
        line.sendall(request)
        return b"".join(iter(lambda: line.recv(65536), b"")).decode()


# -- status ---------------------------------------------------------------------------------
def test_status_of_all_that_runs(mitmd):
    told = status(mitmd)
    assert told["healthy"] and told["problems"] == []
    assert told["mitmd"]["pid"] == mitmd.process.pid
    assert told["mitmd"]["config"] == str(mitmd.file)
    assert [l["address"] for l in told["listeners"]] == [mitmd.proxy]
    assert [g["state"] for g in told["generations"]] == ["serving"]
    assert told["spool"]["dir"] == str(mitmd.spool)
    for role in ("signer", "recorder", "worker"):
        assert sorted(p["pid"] for p in processes(told, role)) == mitmd.pids(role)
    assert all(p["state"] == "running" and p["memory"] > 0 for p in told["processes"])


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="mounting needs root")
def test_what_is_used_is_told_where_proc_is_hidden(own_mitmd):
    """As in the unit, with ProtectProc=invisible: the master sees none of its children there."""
    mitmd = own_mitmd(start=False)
    mitmd.under = ("unshare", "--mount", "sh", "-c",
                   'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh")
    mitmd.start()
    told = status(mitmd)["processes"]
    assert len(told) == 5
    for process in told:
        assert process["memory"] > 100_000 and process["cpu_ms"] >= 0, process
    assert sum(p["cpu_ms"] for p in told) > 0
    table = mitmd.ctl("status").stdout
    assert re.search(r"^worker +0 .* [\d.]+m?s +[\d.]+[kM] +(\d+|-) +0 ", table, re.M), table


def test_what_is_used_is_what_the_kernel_says(mitmd):
    def agree():
        for process in status(mitmd)["processes"]:
            private = [int(word) for word in pathlib.Path(f"/proc/{process['pid']}/statm").read_text().split()]
            private = (private[1] - private[2]) * os.sysconf("SC_PAGE_SIZE")
            if abs(private - process["memory"]) > 256 << 10:
                return False
        return True
    wait_for(agree, "the same numbers")


def test_status_counts_connections(mitmd, tag, origin):
    with mitmd.tunnel(origin.authority, tag):
        told = status(mitmd)
        assert sum(g["connections"] for g in told["generations"]) >= 1
        assert sum(p["connections"] for p in processes(told, "worker")) >= 1


def test_status_for_people(mitmd):
    done = mitmd.ctl("status")
    assert done.returncode == 0
    assert re.search(r"^state +serving, healthy$", done.stdout, re.M)
    assert mitmd.proxy in done.stdout and "\033" not in done.stdout
    assert len(re.findall(r"^worker ", done.stdout, re.M)) == 2


def test_colour_is_asked_for(mitmd):
    assert "\033[" in mitmd.ctl("status", "--color=always").stdout
    assert mitmd.ctl("status", "--color", "sometimes").returncode == USAGE


def test_status_of_nobody(own_mitmd):
    mitmd = own_mitmd(start=False)
    done = mitmd.ctl("status")
    assert done.returncode == UNREACHABLE and "is mitmd running" in done.stderr


def test_a_worker_that_is_not_there_is_a_problem(own_mitmd):
    mitmd = own_mitmd()
    worker = mitmd.pids("worker")[0]
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: status(mitmd)["healthy"] and worker not in mitmd.pids("worker"),
             "another worker")


# -- reload ---------------------------------------------------------------------------------
def test_reload_waits_until_it_serves(own_mitmd):
    mitmd = own_mitmd()
    old = mitmd.pids("worker")
    mitmd.write(dict(mitmd.config, workers=1))
    done = mitmd.ctl("reload", "--wait")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    told = status(mitmd)
    serving = [g for g in told["generations"] if g["state"] == "serving"]
    assert [(g["number"], g["workers"]) for g in serving] == [(2, 1)]
    assert not set(mitmd.pids("worker")) <= set(old)
    assert told["reload"]["ok"] and told["reload"]["done"] == 1


def test_reload_without_waiting(own_mitmd):
    mitmd = own_mitmd()
    assert mitmd.ctl("reload").returncode == 0
    mitmd.wait_log(r"reloaded: generation 2")


# name: (what is wrong, what is said)
BROKEN = {
    "typo": ("wokers: 2\n", r"{file}:1:1: .*workers"),
    "yaml": ("listen: [\n", r"{file}:\d+:\d+: "),
    "value": ("workers: -1\n", r"{file}:1:10: "),
}


@pytest.mark.parametrize("wait", [["--wait"], []], ids=["wait", "at-once"])
@pytest.mark.parametrize("text, said", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_told_of(start_mitmd, text, said, wait):
    mitmd = start_mitmd()
    mitmd.write(text)
    done = start_ctl(mitmd, "reload", *wait)
    out, err = done.communicate(timeout=PATIENCE)
    assert done.returncode == CONFIG and out == ""
    assert re.search(said.format(file=re.escape(str(mitmd.file))), err), err
    mitmd.write(mitmd.config)
    told = status(mitmd)
    assert not told["healthy"] and "reload failed" in told["problems"][0]["text"]
    assert mitmd.ctl("reload", "--wait").returncode == 0
    assert status(mitmd)["healthy"]


def test_what_shows_only_when_it_is_tried(own_mitmd, tmp_path):
    mitmd = own_mitmd()
    (tmp_path / "file").write_text("")
    mitmd.write(dict(mitmd.config, spool={"dir": str(tmp_path / "file" / "spool")}))
    done = start_ctl(mitmd, "reload", "--wait")
    err = done.communicate(timeout=PATIENCE)[1]
    assert done.returncode == FAILED and "spool" in err, err
    assert status(mitmd)["mitmd"]["state"] == "serving"
    mitmd.write(mitmd.config)


def test_everybody_hears_of_the_generation_that_has_his_edit(own_mitmd):
    """Each asker has made an edit before; what it hears of is the generation with that edit."""
    mitmd = own_mitmd()

    def outcome(process, name):
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, err, name, status(mitmd)["mitmd"]["instance"]

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        asked = []
        for number in range(1, 13):
            name = f"edit{number:02}"
            mitmd.write(dict(mitmd.config, instance=name))
            asked.append(pool.submit(outcome, start_ctl(mitmd, "reload", "--wait"), name))
            # The request is on its way before the next edit is made.
            wait_for(lambda: mitmd.log_text().count("asks for a reload") == number,
                     "the request")		# pylint: disable=cell-var-from-loop
        for code, err, name, seen in [future.result() for future in asked]:
            assert (code, err) == (0, "") and seen >= name
    assert status(mitmd)["mitmd"]["instance"] == "edit12"


def test_a_storm_of_reloads_becomes_a_few(own_mitmd):
    mitmd = own_mitmd()
    with contextlib.ExitStack() as stack:
        # All of them lie there when it looks.
        mitmd.tell(signal.SIGSTOP)
        lines = [stack.enter_context(control(mitmd)) for _ in range(40)]
        for line in lines:
            line.sendall(b"reload wait\n")
        mitmd.tell(signal.SIGCONT)
        answers = [b"".join(iter(lambda l=line: l.recv(4096), b"")) for line in lines]
    assert all(re.fullmatch(rb"ok\ngeneration\n\d+\n", answer) for answer in answers), answers
    assert 1 < status(mitmd)["reload"]["done"] < 40


def test_who_leaves_while_he_waits(own_mitmd):
    mitmd = own_mitmd()
    with control(mitmd) as line:
        line.sendall(b"reload wait\n")
    mitmd.wait_log(r"reloaded: generation 2")
    assert status(mitmd)["healthy"]


def test_a_stop_answers_who_waits(own_mitmd):
    mitmd = own_mitmd()
    with control(mitmd) as line:
        line.sendall(b"reload wait\n")
        mitmd.wait_log(r"asks for a reload")
        assert mitmd.stop() == 0
        answer = line.recv(4096)
    assert answer == b"error failed mitmd is stopping\n" or answer.startswith(b"ok\n")


# -- drain ---------------------------------------------------------------------------------------
def ask_through(client, origin):
    return client.ask(f"GET {origin.url()} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")


def ready(mitmd):
    with mitmd.dial() as client:
        return client.ask(f"GET /readyz HTTP/1.1\r\nHost: {mitmd.proxy}\r\n\r\n").status


def test_a_host_is_emptied(own_mitmd, origin, tag):
    mitmd = own_mitmd({"drain_idle": "100ms"})
    with mitmd.tunnel(origin.authority, tag), mitmd.dial() as client:
        assert ask_through(client, origin).get("connection") is None
        assert ready(mitmd) == 200
        done = mitmd.ctl("drain", "--output", "json")
        assert (done.returncode, json.loads(done.stdout)) == (0, [{"timeout": 3600, "idle": 0}])
        wait_for(lambda: ready(mitmd) == 503, "/readyz")
        told = status(mitmd)["mitmd"]
        assert told["state"] == "leaving" and 3000 < told["leaves_in"] <= 3600
        assert re.search(r"^state +leaving \(in (59m|1h0m) at the latest\), healthy$",
                         mitmd.ctl("status").stdout, re.M)
        # Who is idle is let go, who comes is served, but not for long.
        assert client.at_end()
        with mitmd.dial() as another:
            answer = ask_through(another, origin)
            assert (answer.status, answer.get("connection")) == (200, "close")
            assert another.at_end()
    assert mitmd.gone() == 0
    assert "nobody is connected any more" in mitmd.log_text()


def test_a_host_is_not_emptied_while_somebody_is_there(own_mitmd, origin, tag):
    mitmd = own_mitmd({"drain_idle": "0s", "stop_timeout": "0s"})
    with mitmd.tunnel(origin.authority, tag):
        assert mitmd.ctl("drain").returncode == 0
        # Each look at the connections is an occasion to go wrong.
        assert all(status(mitmd)["mitmd"]["state"] == "leaving" for _ in range(20))
        # In a moment, whoever is there.
        assert mitmd.ctl("drain", "--timeout", "0s").returncode == 0
        assert mitmd.gone() == 0
    assert "the time is up" in mitmd.log_text()


def test_a_drain_is_taken_back(own_mitmd, origin, tag):
    """With nobody connected, and drain_idle over in a moment, it would have ended."""
    mitmd = own_mitmd({"drain_idle": "500ms"})
    with mitmd.tunnel(origin.authority, tag):
        assert mitmd.ctl("drain").returncode == 0
        wait_for(lambda: ready(mitmd) == 503, "/readyz")
        done = mitmd.ctl("drain", "--cancel")
        assert (done.returncode, done.stdout) == (0, "mitmd stays, and is ready again\n")
        told = status(mitmd)["mitmd"]
        assert told["state"] == "serving" and "leaves_in" not in told
        wait_for(lambda: ready(mitmd) == 200, "/readyz")
    mitmd.wait_log("takes the drain back")
    with mitmd.dial() as client:
        for _ in range(2):		# nobody is sent away
            assert ask_through(client, origin).get("connection") is None
    # Nobody is connected now: four times as long as it would have waited.
    since = status(mitmd)["mitmd"]["uptime"]
    wait_for(lambda: status(mitmd)["mitmd"]["uptime"] >= since + 3, "two seconds at least")
    assert ready(mitmd) == 200 and "drained" not in mitmd.log_text()
    # It can be asked again.
    assert mitmd.ctl("drain").returncode == 0
    assert mitmd.gone() == 0


def test_there_is_nothing_to_take_back(mitmd):
    done = mitmd.ctl("drain", "--cancel")
    assert (done.returncode, done.stdout) == (0, "mitmd was not draining, and stays\n")
    assert json.loads(mitmd.ctl("drain", "--cancel", "--output", "json").stdout) == [{"cancelled": 0}]
    assert ready(mitmd) == 200


@pytest.mark.parametrize("how", ["killed", "reload"])
def test_new_workers_know_that_the_host_is_emptied(own_mitmd, how):
    mitmd = own_mitmd({"workers": 1, "drain_idle": "1h"})
    assert mitmd.ctl("drain").returncode == 0
    worker = mitmd.pids("worker")[0]
    if how == "killed":
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: mitmd.pids("worker") not in ([], [worker]), "another worker")
    else:
        assert mitmd.ctl("reload", "--wait").returncode == 0
    # A moment passes until it has heard of it.
    wait_for(lambda: ready(mitmd) == 503, "/readyz")


@pytest.mark.parametrize("args, said", [
    (["now"], "too much"), (["--timeout", "soon"], "is a time"), (["--for", "1s"], "unrecognized"),
    (["--cancel", "--timeout", "1s"], "too much"), (["--cancel", "now"], "too much")])
def test_drain_takes_a_time(mitmd, args, said):
    done = mitmd.ctl("drain", *args)
    assert done.returncode == USAGE and said in done.stderr


# -- the socket ------------------------------------------------------------------------------
def test_those_who_say_nothing_hold_up_nobody(mitmd):
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(control(mitmd)).sendall(b"stat")
        assert ask(mitmd, b"status\n").startswith("ok\n")


@pytest.mark.parametrize("request_line, said", [
    (b"nothing\n", "no command"), (b"status please\n", "takes nothing"),
    (b"reload now\n", "'wait'"), (b"\0\n", "cannot be read"), (b"x" * 8193, "longer than"),
], ids=["unknown", "status", "reload", "nul", "long"])
def test_requests_that_are_none(mitmd, request_line, said):
    assert re.match(rf"error usage .*{said}", ask(mitmd, request_line))


def test_the_socket_is_not_reached_through_the_proxy(mitmd, tag):
    path = mitmd.config["control"]
    for target in (path, f"unix:{path}", f"unix://{path}", f"{path}:80", f"unix:{path}:0",
                   f"%2F{path[1:].replace('/', '%2F')}:80"):
        with mitmd.dial() as client:
            response = client.connect(target, tag)
            assert response.status in (400, 403), (target, response)
    for url in (f"unix://{path}", f"http://unix:{path}:/", f"http+unix://{path.replace('/', '%2F')}/"):
        with mitmd.dial() as client:
            response = client.ask(f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n")
            assert response.status in (400, 403, 501, 502), (url, response)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"),
                    reason="needs root, unshare and setpriv")
def test_a_user_whom_the_namespace_hides_is_refused_with_a_word(own_mitmd):
    """As in the unit, with PrivateUsers=: whoever it is, the kernel says 65534."""
    mitmd = own_mitmd(start=False)
    with tempfile.TemporaryDirectory() as open_to_all:
        os.chmod(open_to_all, 0o755)
        mitmd.config["control"] = f"{open_to_all}/control.sock"
        mitmd.write(mitmd.config)
        mitmd.under = ("unshare", "--user", "--map-root-user")
        mitmd.start()
        line = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                "print(s.recv(1000).decode(), end='')")
        done = subprocess.run(["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups",
                               sys.executable, "-c", line, mitmd.config["control"]],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.stdout == "error denied your user may not control this mitmd: be root\n", done
        found = mitmd.wait_log(r"somebody was refused \(pid (\d+)\): not root; who it is cannot be "
                               r"told, PrivateUsers= shows everybody else as uid 65534")
        assert int(found[1]) > 0


# -- the command line -------------------------------------------------------------------------
def test_a_slip_of_the_finger(mitmd):
    done = mitmd.ctl("statsu")
    assert done.returncode == USAGE and "did you mean 'status'" in done.stderr


def test_every_command_explains_itself(mitmd):
    listed = re.findall(r"^  ([a-z]+) ", mitmd.ctl("-h").stdout, re.M)
    assert {"status", "reload", "help"} <= set(listed)
    for command in listed:
        if command == "help":
            continue
        for way in ((command, "-h"), (command, "--help"), ("help", command)):
            done = mitmd.ctl(*way)
            assert done.returncode == 0 and done.stdout.startswith("usage: mitmctl"), way
            assert command in done.stdout


@pytest.mark.parametrize("args", [("status", "x"), ("reload", "x"), ("reload", "--now"), ()])
def test_too_much_or_too_little(mitmd, args):
    assert mitmd.ctl(*args).returncode == USAGE
