# SPDX-License-Identifier: ISC
"""What dies in the middle of things: who is hurt, and what is recorded of it."""
import contextlib
import os
import random
import resource
import signal
import ssl
import threading
import time

import pytest

from env.faults import Faults, compiler
from env.h2_peer import Client2
from env.load import Fresh, Keep, LatePost, Load, Plain, Two
from env.mitmd import SANITIZED, alive, children, wait_for
from env.ws import WsOrigin, open_on

LONG = os.environ.get("MITMD_LONG") == "1"
WORKER_KILLS = 200 if LONG else 25
OTHER_KILLS = 20 if LONG else 6
ABORTED = "aborted by crash"


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)


def hold_back(origin, path="/slow"):
    """Answers with a head and no end; the first event is set when a request came."""
    came, finish = threading.Event(), threading.Event()

    def slow(x):
        x.head(200, [("Content-Length", "4")])
        x.raw(b"ab")
        came.set()
        finish.wait(120)
    origin.route(path, slow)
    return came, finish


def aborted(har):
    return [e for e in har.entries if e.error == ABORTED]


@pytest.fixture
def h2_origin(start_h2):
    return start_h2()


# -- flows that were open -----------------------------------------------------------------
def request(authority, path, method="GET", more=""):
    return f"{method} {path} HTTP/1.1\r\nHost: {authority}\r\n{more}\r\n".encode()


def test_a_flow_of_a_killed_worker_is_recorded(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"workers": 1})
    came, finish = hold_back(secure_origin)
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.ask(request(secure_origin.authority, "/hello?before"))
        client.send(request(secure_origin.authority, "/slow?x=1", "POST", "Content-Length: 2\r\n") + b"hi")
        assert came.wait(60)
        client.read_head()
        kill(mitmd.pids("worker")[0])
        finish.set()
        har = mitmd.har(tag, lambda h: len(h) == 2)
    (entry,) = aborted(har)
    assert entry.url == secure_origin.url("/slow?x=1")
    assert entry["request"]["method"] == "POST"
    assert entry.status == 0 and entry["time"] >= 0
    assert entry["_tag"] == tag and entry["_clientAddress"].startswith("127.0.0.1:")
    assert mitmd.wait_log(r"ended in the middle of 1 flows")


def test_a_url_that_is_too_long_is_cut_and_marked(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"workers": 1})
    came, finish = hold_back(secure_origin)
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(request(secure_origin.authority, "/slow?" + "x" * 5000))
        assert came.wait(60)
        kill(mitmd.pids("worker")[0])
        finish.set()
        (entry,) = aborted(mitmd.har(tag))
    assert entry.url.startswith(secure_origin.url("/slow?xxx")) and len(entry.url) < 1000
    assert "URL" in entry["request"]["comment"]


def test_a_tunnel_of_a_killed_worker_is_recorded(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"workers": 1, "ignore_hosts": ["localhost"]})
    with mitmd.tunnel(secure_origin.authority, tag) as client:
        client.send(b"\x16\x03\x01")
        kill(mitmd.pids("worker")[0])
        (entry,) = aborted(mitmd.har(tag))
    assert entry["request"]["method"] == "CONNECT" and entry.url == secure_origin.url("/")


def test_a_websocket_of_a_killed_worker_is_recorded(own_mitmd, certs, tag):
    mitmd = own_mitmd({"workers": 1})
    origin = WsOrigin(certs.leaf("good"), talk=lambda wire: wire.read_to_end())
    try:
        with mitmd.secure(origin.authority, tag) as client:
            open_on(client, origin)
            kill(mitmd.pids("worker")[0])
            (entry,) = aborted(mitmd.har(tag))
    finally:
        origin.close()
    assert entry.url == f"wss://{origin.authority}/ws"


def test_streams_of_a_killed_worker_are_recorded(own_mitmd, h2_origin, tag):
    mitmd = own_mitmd({"workers": 1})
    came = []

    async def slow(x):
        x.head(200, [("content-type", "text/plain")])
        came.append(x)
        await x.until_reset()
    h2_origin.route("/slow", slow)
    wire = mitmd.secure(h2_origin.authority, tag, context=mitmd.context(("h2",)))
    with Client2(wire, h2_origin.authority) as client:
        client.get("/hello")
        for i in range(20):
            client.request(f"/slow?{i}")
        wait_for(lambda: len(came) == 20, "all requests")
        kill(mitmd.pids("worker")[0])
        har = mitmd.har(tag, lambda h: len(h) == 21)
    assert sorted(e.url for e in aborted(har)) == sorted(h2_origin.url(f"/slow?{i}") for i in range(20))


def test_the_master_dies_and_open_flows_are_recorded(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    came, finish = hold_back(secure_origin)
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(request(secure_origin.authority, "/slow"))
        assert came.wait(60)
        pids = children(mitmd.process.pid)
        kill(mitmd.process.pid)
        mitmd.gone()
        wait_for(lambda: not any(map(alive, pids)), "the end of all")
        finish.set()
    mitmd.start()
    har = mitmd.har(tag)
    assert [e.url for e in aborted(har)] == [secure_origin.url("/slow")] and len(har) == 1


def test_the_recorder_dies_with_the_worker(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"workers": 1})
    came, finish = hold_back(secure_origin)
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(request(secure_origin.authority, "/slow"))
        assert came.wait(60)
        kill(mitmd.pids("recorder")[0])
        kill(mitmd.pids("worker")[0])
        finish.set()
        assert len(aborted(mitmd.har(tag))) == 1


# -- under load ------------------------------------------------------------------------------
def replaced(mitmd, victim, role):
    return wait_for(lambda: mitmd.pids(role) and victim not in mitmd.pids(role), f"a new {role}")


def test_workers_are_killed_at_random(own_mitmd, secure_origin, origin, h2_origin, tag):
    """Who was not with them does not notice, and every flow is recorded once."""
    mitmd = own_mitmd({"workers": 3, "log": {"flows": "off"}})
    chance = random.Random(1)
    kinds = ((Keep, secure_origin), (Fresh, secure_origin), (LatePost, secure_origin),
             (Plain, origin), (Two, h2_origin))
    with Load(mitmd, tag, *kinds) as load:
        for _ in range(WORKER_KILLS):
            victim = chance.choice(wait_for(lambda: mitmd.pids("worker"), "a worker"))
            kill(victim)
            wait_for(lambda: len(mitmd.pids("worker")) == 3, "three workers")
            load.wait_more(1)
        load.wait_more(3)
    assert len(load.failed) <= WORKER_KILLS * len(kinds)
    failed = {url for url, _ in load.failed}
    assert {e.url for e in load.check_recorded()} <= failed
    print(f"{WORKER_KILLS} workers killed: {len(load.good)} requests, {len(load.failed)} failed, "
          f"slowest recovery {load.slowest():.3f} s")


class Names(Fresh):
    """Each connection asks for a name that no leaf was made for yet."""

    def open(self):
        context = self.mitmd.context()
        context.check_hostname = False
        name = f"n{self.asked}.{self.label.lower()}.test"
        return self.mitmd.secure(self.origin.authority, self.tag, name=name, context=context)


def test_handshakes_wait_for_a_new_signer(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"log": {"flows": "off"}, "origin": {"verify": "off"}})
    with Load(mitmd, tag, *[(Names, secure_origin)] * 4) as load:
        for _ in range(OTHER_KILLS):
            victim = wait_for(lambda: mitmd.pids("signer"), "a signer")[0]
            kill(victim)
            replaced(mitmd, victim, "signer")
            load.wait_more(2)
    assert not load.failed
    assert not load.check_recorded()


def test_a_recorder_that_is_killed_again_and_again(own_mitmd, secure_origin, origin, h2_origin, tag):
    mitmd = own_mitmd({"log": {"flows": "off"}})
    kinds = ((Keep, secure_origin), (Fresh, secure_origin), (Plain, origin), (Two, h2_origin))
    with Load(mitmd, tag, *kinds) as load:
        for _ in range(OTHER_KILLS):
            victim = wait_for(lambda: mitmd.pids("recorder"), "a recorder")[0]
            kill(victim)
            replaced(mitmd, victim, "recorder")
            load.wait_more(2)
    assert not load.failed
    assert not load.check_recorded()


def test_everything_is_killed_while_it_reloads(own_mitmd, secure_origin, tag):
    """A reload may fail then; what was, serves on."""
    mitmd = own_mitmd({"log": {"flows": "off"}})
    chance = random.Random(2)
    with Load(mitmd, tag, (Keep, secure_origin), (Fresh, secure_origin)) as load:
        for _ in range(OTHER_KILLS):
            start = len(mitmd.log)
            mitmd.tell(signal.SIGHUP)
            pids = wait_for(lambda: mitmd.pids(chance.choice(["worker", "signer", "recorder"])), "a process")
            kill(chance.choice(pids))
            mitmd.wait_log(r"\breloaded: generation \d|\breload failed, ", start)
            load.wait_more(2)
    assert {e.url for e in load.check_recorded()} <= {url for url, _ in load.failed}


# -- what stands still -------------------------------------------------------------------------
def test_what_stands_still_is_replaced(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"workers": 2})
    mitmd.curl().ok(secure_origin.url())
    victims = {role: mitmd.pids(role)[0] for role in ("worker", "signer", "recorder")}
    for pid in victims.values():
        kill(pid, signal.SIGSTOP)
    with Load(mitmd, tag, (Fresh, secure_origin), (Fresh, secure_origin)) as load:
        for role, pid in victims.items():
            mitmd.wait_log(rf"{role} \d+ \(pid {pid}\) has not moved for \d+ s: killed", timeout=120)
            replaced(mitmd, pid, role)
        load.wait_more(5)
    # What came while nobody emptied the rings may have been more than they hold.
    assert not load.failed


# -- crash loops -------------------------------------------------------------------------------
@pytest.fixture
def faults(tmp_path):
    if SANITIZED or compiler() is None:
        pytest.skip("needs malloc(3) of the C library, and a compiler")
    made = Faults(tmp_path)
    yield made
    made.close()


@pytest.fixture
def faulty_mitmd(own_mitmd, faults):
    def start(config):
        mitmd = own_mitmd(config, start=False)
        mitmd.environment = faults.environment
        return mitmd.start()
    return start


def test_a_crash_loop_is_no_storm_and_ends(faulty_mitmd, faults, secure_origin):
    mitmd = faulty_mitmd({"workers": 4})
    faults.arm("worker", 1, always=True)
    begun, start = time.monotonic(), len(mitmd.log)
    for pid in mitmd.pids("worker"):
        with contextlib.suppress(ProcessLookupError):	# it needed memory before that
            kill(pid)
    mitmd.wait_log(r"worker \d keeps dying \(", start)
    deaths = [line for line in mitmd.log[start:] if "error: worker" in line and "pid" in line]
    assert len(deaths) <= 4 + 10 * (1 + time.monotonic() - begun)
    faults.disarm()
    wait_for(lambda: len(mitmd.pids("worker")) == 4, "all workers", 60)
    assert mitmd.curl().ok(secure_origin.url()).status == 200


def test_a_worker_that_dies_at_its_start_fails_the_reload(faulty_mitmd, faults, secure_origin):
    mitmd = faulty_mitmd({})
    before = mitmd.pids("worker")
    for role in ("worker", "signer"):
        faults.arm(role, 1, always=True, spare=[*mitmd.pids("worker"), *mitmd.pids("signer")])
        start = len(mitmd.log)
        mitmd.tell(signal.SIGHUP)
        mitmd.wait_log(rf"reload failed, the configuration before stays: the {role} cannot start: "
                       "killed by signal 6", start)
        faults.disarm()
        wait_for(lambda: mitmd.pids("worker") == before, "the end of the new ones")
        assert mitmd.curl().ok(secure_origin.url()).status == 200


# -- no memory, no descriptors -----------------------------------------------------------------
NTH = [*range(1, 12), 14, 18, 25, 40, 70, 120] if LONG else [1, 2, 5, 14, 40]


@pytest.mark.parametrize("role", ["worker", "signer", "recorder"])
def test_an_allocation_that_fails_costs_one_process(faulty_mitmd, faults, secure_origin, tag, role):
    mitmd = faulty_mitmd({"workers": 2, "log": {"flows": "off"}})
    with Load(mitmd, tag, (Keep, secure_origin), (Names, secure_origin)) as load:
        for nth in NTH:
            faults.arm(role, nth)

            def fired():
                mitmd.tell(signal.SIGUSR1)	# a recorder at its ease allocates nothing
                return faults.fired
            wait_for(fired, f"allocation {nth}", 60)
            load.wait_more(1)
        faults.disarm()
        load.wait_more(3)
    most = {"worker": 4, "signer": 1, "recorder": 0}	# of the requests under way
    assert len(load.failed) <= len(NTH) * most[role], load.failed
    load.check_recorded()


def open_descriptors(pid):
    return set(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.skipif(os.geteuid() != 0 and SANITIZED, reason="needs /proc/PID/fd")
def test_a_reload_without_descriptors(own_mitmd, secure_origin, tag):
    """Whichever descriptor is one too many: what was, serves on, and nothing is left open."""
    mitmd = own_mitmd({"certs": {}, "log": {"flows": "off"}})
    mitmd.curl("first").ok(secure_origin.url())
    mitmd.har("first")			# all that follows a start has come
    pid = mitmd.process.pid
    full = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    before = open_descriptors(pid)
    failed = 0
    with Load(mitmd, tag, (Keep, secure_origin), (Fresh, secure_origin)) as load:
        for limit in range(max(map(int, before)) - 3, 1000):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, full[1]))
            start = len(mitmd.log)
            mitmd.tell(signal.SIGHUP)
            said = mitmd.wait_log(r"\breloaded: generation \d|reload failed, the configuration before stays: (.*)", start)
            if said[1] is None:
                break
            failed += 1
            wait_for(lambda: open_descriptors(pid) <= before, "the descriptors of before")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, full)
    assert failed > 3
    assert not load.failed
    assert not load.check_recorded()


# -- clocks --------------------------------------------------------------------------------------
HOUR = 3600


def test_the_clock_jumps(faulty_mitmd, faults, secure_origin, roots, tag):
    """Idle connections stay, times in recordings are sane, leafs are valid by the new clock."""
    mitmd = faulty_mitmd({"workers": 1, "log": {"flows": "off"}})
    with mitmd.secure(secure_origin.authority, tag) as idle:
        idle.ask(request(secure_origin.authority, "/hello?first"))
        for i, hours in enumerate((13, 20, -6, 1, -1, 0)):
            faults.clock(hours * HOUR)
            with mitmd.secure(secure_origin.authority, tag) as client:
                leaf = client.sock.getpeercert()
                assert client.ask(request(secure_origin.authority, f"/hello?{i}")).body == b"hello\n"
            now = time.time() + hours * HOUR
            assert ssl.cert_time_to_seconds(leaf["notBefore"]) < now
            assert ssl.cert_time_to_seconds(leaf["notAfter"]) > now + 11 * HOUR
            assert idle.ask(request(secure_origin.authority, f"/hello?idle{i}")).body == b"hello\n"
    har = mitmd.har(tag, lambda h: len(h) == 13)
    assert max(e["time"] for e in har.entries) < 20000


# -- signals -------------------------------------------------------------------------------------
def test_a_storm_of_signals_ends_in_order(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"stop_timeout": "2s", "log": {"flows": "off"}})
    chance = random.Random(3)
    with Load(mitmd, tag, (Keep, secure_origin), (Fresh, secure_origin)) as load:
        for _ in range(300):
            mitmd.tell(chance.choice([signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE, signal.SIGCHLD]))
        load.wait_more(3)
    assert not load.failed
    assert not load.check_recorded()
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM):
        mitmd.tell(number)
    assert mitmd.gone() == 0
    assert not list(mitmd.spool.rglob("*.part"))


def test_stopped_while_it_reloads(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    mitmd.curl(tag).ok(secure_origin.url())
    pids = children(mitmd.process.pid)
    mitmd.tell(signal.SIGHUP)
    mitmd.tell(signal.SIGTERM)
    assert mitmd.gone() == 0
    assert not any(map(alive, pids)) and len(mitmd.files(tag)) == 1
