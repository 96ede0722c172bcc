# SPDX-License-Identifier: ISC
"""Processes: start, stop, reload, and what a killed one costs."""
import os
import re
import signal
import socket
import ssl
import stat
import threading
import time

import pytest

from env.har import Har
from env.mitmd import SANITIZED, Mitmd, alive, children, wait_for
from env.wire import Closed

EX_CONFIG = 78


def kill(pid):
    os.kill(pid, signal.SIGKILL)


class Traffic:
    """Requests one after another, each on a connection of its own, until told to end."""

    def __init__(self, mitmd, origin, tag):
        self.mitmd, self.origin, self.tag = mitmd, origin, tag
        self.done = threading.Event()
        self.count = 0
        self.failures = []
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.done.is_set():
            try:
                with self.mitmd.secure(self.origin.authority, self.tag) as client:
                    response = client.ask(f"GET /hello?{self.count} HTTP/1.1\r\n"
                                          f"Host: {self.origin.authority}\r\n\r\n")
                    assert response.body == b"hello\n"
            except (OSError, Closed, AssertionError) as error:
                self.failures.append(error)
            self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.done.set()
        self.thread.join()

    def wait_more(self, n=10):
        goal = self.count + n
        wait_for(lambda: self.count >= goal, "traffic")


# -- the command line ----------------------------------------------------------------------
def test_version():
    done = Mitmd.call("-V")
    assert done.returncode == 0 and re.match(r"^mitmd \d+\.\d+", done.stdout)


def test_help():
    done = Mitmd.call("-h")
    assert done.returncode == 0 and "-c" in done.stdout


def test_an_unknown_option_shows_the_usage():
    done = Mitmd.call("-Z")
    assert done.returncode in (2, 64) and "sage" in done.stderr


def test_check_accepts_a_good_file(own_mitmd):
    mitmd = own_mitmd(start=False)
    done = Mitmd.call("-t", "-c", mitmd.file)
    assert done.returncode == 0, done.stderr


def test_check_writes_nothing(own_mitmd):
    mitmd = own_mitmd(start=False)
    Mitmd.call("-t", "-c", mitmd.file)
    assert os.listdir(mitmd.directory) == ["mitmd.yaml"]


# name: (text, what has to be said)
BAD_FILES = {
    "unknown-key": ("listen: 127.0.0.1:0\nlisten_adress: x\n", r":2:1: .*listen_adress"),
    "did-you-mean": ("wokers: 2\n", r":1:1: .*did you mean.*workers"),
    "bad-value": ("spool:\n  rotate_size: many\n", r":2:16: "),
    "bad-yaml": ("listen: [1\nworkers: {\n", r":\d+:\d+: "),
    "duplicate-key": ("workers: 1\nworkers: 2\n", r":2:1: "),
    "out-of-range": ("workers: 100000\n", r":1:10: "),
    "bad-regex": ("ignore_hosts: ['~(']\n", r":1:\d+: "),
    "not-a-map": ("- a\n", r":1:1: "),
    "open-proxy": ("listen: 0.0.0.0:8080\n", r":1:9: .*access"),
}


@pytest.mark.parametrize("text, said", BAD_FILES.values(), ids=BAD_FILES)
def test_check_says_file_line_and_column(tmp_path, text, said):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    done = Mitmd.call("-t", "-c", file)
    assert done.returncode == EX_CONFIG
    assert re.search(re.escape(str(file)) + said, done.stderr), done.stderr


def test_a_file_that_is_not_there(tmp_path):
    done = Mitmd.call("-t", "-c", tmp_path / "none.yaml")
    assert done.returncode == EX_CONFIG and "none.yaml" in done.stderr


def test_a_bad_file_starts_nothing(own_mitmd):
    mitmd = own_mitmd(start=False)
    mitmd.write("workers: none\n")
    assert mitmd.spawn().gone() == EX_CONFIG


def test_print_round_trip(own_mitmd, tmp_path):
    mitmd = own_mitmd({"ignore_hosts": ["*.apple.com", "~^build[0-9]+\\."],
                       "timeouts": {"idle": "7m"}}, start=False)
    one = Mitmd.call("-T", "-c", mitmd.file)
    assert one.returncode == 0, one.stderr
    again = tmp_path / "again.yaml"
    again.write_text(one.stdout)
    two = Mitmd.call("-T", "-c", again)
    assert two.stdout == one.stdout and "7m" in one.stdout


# -- start ------------------------------------------------------------------------------------
def test_the_processes(start_mitmd):
    mitmd = start_mitmd({"workers": 3})
    assert [len(mitmd.pids(role)) for role in ("signer", "recorder", "worker")] == [1, 1, 3]


def test_what_lies_in_the_ca_directory(start_mitmd):
    mitmd = start_mitmd()
    assert stat.S_IMODE((mitmd.ca_dir / "mitmd-ca.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(mitmd.ca.stat().st_mode) == 0o644
    assert "PRIVATE KEY" not in mitmd.ca.read_text()


def test_the_ca_stays_the_same(own_mitmd):
    mitmd = own_mitmd()
    before = (mitmd.ca_dir / "mitmd-ca.pem").read_bytes()
    mitmd.close()
    mitmd.start()
    assert (mitmd.ca_dir / "mitmd-ca.pem").read_bytes() == before


def test_two_installations_have_two_cas(start_mitmd):
    assert start_mitmd().ca.read_text() != start_mitmd().ca.read_text()


def test_a_key_others_can_read_is_refused(own_mitmd):
    mitmd = own_mitmd()
    mitmd.close()
    (mitmd.ca_dir / "mitmd-ca.pem").chmod(0o644)
    assert mitmd.spawn().gone() != 0
    assert "mitmd-ca.pem" in mitmd.log_text() and "chmod" in mitmd.log_text()


def test_a_broken_ca_file_is_never_replaced(own_mitmd):
    mitmd = own_mitmd(start=False)
    mitmd.ca_dir.mkdir()
    key = mitmd.ca_dir / "mitmd-ca.pem"
    key.write_text("nothing of use\n")
    key.chmod(0o600)
    assert mitmd.spawn().gone() != 0
    assert key.read_text() == "nothing of use\n"


def test_a_port_that_is_taken_is_named(own_mitmd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        mitmd = own_mitmd({"listen": f"127.0.0.1:{port}"}, start=False)
        assert mitmd.spawn().gone() != 0
    assert re.search(rf"127\.0\.0\.1:{port}.*taken", mitmd.log_text())


def test_several_listeners(start_mitmd, origin):
    mitmd = start_mitmd({"listen": ["127.0.0.1:0", "127.0.0.2:0"]})
    found = mitmd.wait_log(r"listening on 127\.0\.0\.2:(\d+)")
    mitmd.host, mitmd.port = "127.0.0.2", int(found[1])
    assert mitmd.curl().ok(origin.url()).status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the descriptors of such processes")
def test_no_worker_can_open_the_ca_key(start_mitmd):
    """Nobody but the signer holds the file or the key."""
    mitmd = start_mitmd()
    for role in ("worker", "recorder"):
        for pid in mitmd.pids(role):
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            assert not [link for link in links if str(mitmd.ca_dir) in link], links


# -- stop ------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_stopping_finishes_the_hars(own_mitmd, secure_origin, tag, number):
    mitmd = own_mitmd()
    mitmd.curl(tag).ok(secure_origin.url())
    assert mitmd.stop(number) == 0
    assert not list(mitmd.spool.rglob("*.part"))
    assert len(Har(mitmd.files(tag))) == 1


def test_stopping_leaves_no_process(own_mitmd):
    mitmd = own_mitmd()
    pids = children(mitmd.process.pid)
    assert mitmd.stop() == 0
    assert not [pid for pid in pids if alive(pid)]


def test_a_running_flow_may_finish(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"stop_timeout": "20s"})
    finish = threading.Event()

    def slow(x):
        x.head(200, [("Content-Length", "4")])
        x.raw(b"ab")
        finish.wait(20)
        x.raw(b"cd")
    secure_origin.route("/slow", slow)
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(f"GET /slow HTTP/1.1\r\nHost: {secure_origin.authority}\r\n\r\n".encode())
        client.read_head()
        client.read(2)
        mitmd.tell(signal.SIGTERM)
        mitmd.wait_log("stopping")
        finish.set()
        assert client.read(2) == b"cd"
    assert mitmd.gone() == 0
    entry = Har(mitmd.files(tag)).one("/slow")
    assert entry.body() == b"abcd" and not entry.error


def test_a_flow_that_does_not_finish_is_cut_and_recorded(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"stop_timeout": "300ms"})
    ended = threading.Event()

    def never(x):
        x.head(200, [("Content-Length", "4")])
        x.raw(b"ab")
        ended.wait(30)
    secure_origin.route("/never", never)
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(f"GET /never HTTP/1.1\r\nHost: {secure_origin.authority}\r\n\r\n".encode())
        client.read_head()
        client.read(2)
        assert mitmd.stop() == 0
    ended.set()
    entry = Har(mitmd.files(tag)).one("/never")
    assert entry.error and entry.body() == b"ab"


def test_quit_stops_at_once(own_mitmd):
    mitmd = own_mitmd({"stop_timeout": "1h"})
    mitmd.tell(signal.SIGQUIT)
    mitmd.gone(10)


def test_a_second_start_takes_the_same_port(own_mitmd, secure_origin):
    mitmd = own_mitmd()
    mitmd.curl().ok(secure_origin.url())
    mitmd.config["listen"] = mitmd.proxy
    mitmd.close()
    mitmd.write(mitmd.config)
    mitmd.start()
    assert mitmd.curl().ok(secure_origin.url()).status == 200


# -- reload -----------------------------------------------------------------------------------
def reload(mitmd, expect=r"\breloaded: generation \d"):
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    return mitmd.wait_log(expect, start)


def test_a_reload_brings_the_new_configuration(own_mitmd, secure_origin, roots, certs):
    mitmd = own_mitmd()
    mitmd.config["ignore_hosts"] = ["localhost"]
    mitmd.write(mitmd.config)
    reload(mitmd)
    context = ssl.create_default_context(cafile=str(roots))
    with mitmd.tunnel(secure_origin.authority).start_tls(context, "localhost") as client:
        assert client.sock.getpeercert(binary_form=True) == certs.leaf("good").der()


def test_no_request_fails_during_reloads(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    with Traffic(mitmd, secure_origin, tag) as traffic:
        for _ in range(5):
            reload(mitmd)
            traffic.wait_more()
    assert not traffic.failures
    assert len(mitmd.har(tag, lambda h: len(h) >= traffic.count)) == traffic.count


def test_a_connection_of_before_goes_on(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    finish = threading.Event()

    def slow(x):
        x.head(200, [("Content-Length", "4")])
        x.raw(b"ab")
        finish.wait(30)
        x.raw(b"cd")
    secure_origin.route("/slow", slow)
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(f"GET /slow HTTP/1.1\r\nHost: {secure_origin.authority}\r\n\r\n".encode())
        client.read_head()
        reload(mitmd)
        finish.set()
        assert client.read(4) == b"abcd"
    assert mitmd.entry(tag, "/slow").body() == b"abcd"


def test_idle_old_workers_end(own_mitmd):
    mitmd = own_mitmd()
    before = mitmd.pids("worker")
    reload(mitmd)
    wait_for(lambda: not any(map(alive, before)), "the old workers' end")
    assert len(mitmd.pids("worker")) == 2


@pytest.mark.parametrize("text", ["workers: many\n", "listen: [\n", "unknown: 1\n"],
                         ids=["value", "syntax", "key"])
def test_a_bad_reload_changes_nothing(own_mitmd, secure_origin, text):
    mitmd = own_mitmd()
    before = mitmd.pids("worker")
    mitmd.write(text)
    reload(mitmd, re.escape(str(mitmd.file)) + r":\d+:\d+: ")
    assert mitmd.curl().ok(secure_origin.url()).status == 200
    assert mitmd.pids("worker") == before


def test_a_reload_that_cannot_listen_changes_nothing(own_mitmd, secure_origin):
    mitmd = own_mitmd()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        mitmd.config["listen"] = f"127.0.0.1:{taken.getsockname()[1]}"
        mitmd.write(mitmd.config)
        reload(mitmd, "taken")
    assert mitmd.curl().ok(secure_origin.url()).status == 200


def test_after_a_bad_reload_a_good_one_works(own_mitmd):
    mitmd = own_mitmd()
    mitmd.write("workers: many\n")
    reload(mitmd, "reload failed")
    mitmd.config["workers"] = 3
    mitmd.write(mitmd.config)
    reload(mitmd)
    wait_for(lambda: len(mitmd.pids("worker")) == 3, "three workers")


def test_many_sighups_at_once(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    with Traffic(mitmd, secure_origin, tag) as traffic:
        for _ in range(30):
            mitmd.tell(signal.SIGHUP)
            time.sleep(0.005)		# so that they are not one pending signal
        mitmd.wait_log(r"\breloaded: generation \d")
        traffic.wait_more(20)
    assert not traffic.failures


def test_the_spool_moves_with_a_reload(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    mitmd.curl(tag).ok(secure_origin.url("/hello?old"))
    wait_for(lambda: mitmd.files(tag, "*.part"), "the first entry in the old spool")
    old = mitmd.spool
    mitmd.spool = mitmd.directory / "elsewhere"
    mitmd.config["spool"]["dir"] = str(mitmd.spool)
    mitmd.write(mitmd.config)
    reload(mitmd)
    mitmd.curl(tag).ok(secure_origin.url("/hello?new"))
    assert mitmd.entry(tag, "/hello?new")
    wait_for(lambda: list((old / tag).glob("*.har")), "the old spool's file")
    assert len(Har((old / tag).glob("*.har"))) == 1


# -- killed processes ---------------------------------------------------------------------------
def test_a_killed_worker_is_replaced(own_mitmd, secure_origin):
    mitmd = own_mitmd()
    victim = mitmd.pids("worker")[0]
    kill(victim)
    wait_for(lambda: victim not in mitmd.pids("worker") and len(mitmd.pids("worker")) == 2,
             "a new worker")
    for _ in range(10):
        assert mitmd.curl().ok(secure_origin.url()).status == 200


def test_while_a_worker_is_dead_others_serve(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    for _ in range(3):
        kill(mitmd.pids("worker")[0])
        assert mitmd.curl(tag).run("--retry", "1", "--retry-all-errors",
                                   secure_origin.url()).status == 200


def test_a_killed_workers_finished_flows_are_kept(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"workers": 1})
    for i in range(50):
        mitmd.curl(tag).ok(secure_origin.url(f"/hello?{i}"))
    kill(mitmd.pids("worker")[0])
    assert len(mitmd.har(tag, lambda h: len(h) == 50)) == 50


def test_a_killed_signer_is_replaced(own_mitmd, start_origin, certs):
    mitmd = own_mitmd()
    victim = mitmd.pids("signer")[0]
    kill(victim)
    wait_for(lambda: mitmd.pids("signer") and victim not in mitmd.pids("signer"), "a new signer")
    origin = start_origin(certs.leaf("never-seen-by-the-first-signer"))
    wait_for(lambda: mitmd.curl().run(origin.url()).code == 0, "a leaf by the new signer")


def test_without_a_signer_known_hosts_are_served(own_mitmd, secure_origin):
    mitmd = own_mitmd()
    mitmd.curl().ok(secure_origin.url())
    kill(mitmd.pids("signer")[0])
    for _ in range(5):
        assert mitmd.curl().ok(secure_origin.url()).status == 200


def test_a_killed_recorder_loses_nothing(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    count = 0
    for _ in range(3):
        for _ in range(30):
            mitmd.curl(tag).ok(secure_origin.url(f"/hello?{count}"))
            count += 1
        victim = mitmd.pids("recorder")[0]
        kill(victim)
        wait_for(lambda v=victim: mitmd.pids("recorder") and v not in mitmd.pids("recorder"),
                 "a new recorder")
    har = mitmd.har(tag, lambda h: len(h) >= count)
    assert sorted(int(e.url.partition("?")[2]) for e in har.entries) == list(range(count))


def test_a_killed_recorder_under_load_loses_nothing(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    with Traffic(mitmd, secure_origin, tag) as traffic:
        for _ in range(3):
            traffic.wait_more(5)
            kill(wait_for(lambda: mitmd.pids("recorder"), "a recorder")[0])
            traffic.wait_more(5)
    assert not traffic.failures
    har = mitmd.har(tag, lambda h: len(h) >= traffic.count)
    assert len(har) == traffic.count


def test_when_the_master_is_killed_all_end_within_a_second(own_mitmd):
    mitmd = own_mitmd()
    pids = children(mitmd.process.pid)
    kill(mitmd.process.pid)
    mitmd.process.wait()
    wait_for(lambda: not any(map(alive, pids)), "the end of all", 10 if SANITIZED else 1)
    mitmd.gone()


def test_after_a_killed_master_a_new_one_finishes_the_files(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    mitmd.curl(tag).ok(secure_origin.url())
    pids = children(mitmd.process.pid)
    wait_for(lambda: mitmd.files(tag, "*.part"), "the .part")
    kill(mitmd.process.pid)
    mitmd.gone()
    wait_for(lambda: not any(map(alive, pids)), "the end of all", 10)
    mitmd.start()
    assert len(mitmd.har(tag)) == 1


def test_a_worker_that_keeps_dying_is_not_started_in_a_tight_loop(own_mitmd):
    mitmd = own_mitmd({"workers": 1})
    end = time.monotonic() + 3
    killed = 0
    while time.monotonic() < end:
        for pid in mitmd.pids("worker"):
            kill(pid)
            killed += 1
        time.sleep(0.01)		# the rate of this test's own killing
    assert 2 <= killed < 40
