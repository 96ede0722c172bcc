# SPDX-License-Identifier: ISC
"""Under systemd: what it is told, the sockets it gives and keeps, and the unit files."""
import os
import re
import signal
import socket

import pytest

from env.mitmd import Mitmd, children
from env.systemd import Manager, Service, listener, name_of


@pytest.fixture
def manager():
    made = Manager()
    yield made
    made.close()


@pytest.fixture
def service(tmp_path, roots, manager):
    """service(config, **attributes) starts one that ends with the test."""
    made = []

    def start(config=None, wait=True, given=(), listen=True, to=manager, **environment):
        one = Service(tmp_path / f"mitmd-{len(made)}", roots, config)
        one.manager, one.given, one.environment = to, given, environment
        if not listen:
            del one.config["listen"]
            one.write(one.config)
        made.append(one)
        return one.start() if wait else one.spawn()
    yield start
    for one in made:
        if one in Mitmd.running:
            one.close()


@pytest.fixture
def give():
    """Listening sockets as of a socket unit; closed with the test."""
    made = []

    def make(*address):
        made.append(listener(*address))
        return made[-1]
    yield make
    for sock in made:
        sock.close()


# -- what it is told ---------------------------------------------------------------------
def test_ready_comes_when_it_serves(service, manager, origin):
    mitmd = service()
    notice = manager.notices[manager.wait("READY=1")]
    assert notice.pid == mitmd.process.pid
    assert re.match(r"generation 1, 2 of 2 workers, \d+ connections, \d+ HAR files of \d+ MiB",
                    notice.values["STATUS"])
    assert mitmd.curl().ok(origin.url()).status == 200


def test_an_abstract_address(service):
    manager = Manager(abstract=True)
    service(to=manager).close()
    manager.wait("READY=1")
    manager.close()


def test_an_address_where_nobody_listens_is_no_reason_not_to_serve(service, origin):
    mitmd = service(NOTIFY_SOCKET="/nonexistent/notify")
    mitmd.wait_log("systemd cannot be told.*/nonexistent/notify")
    assert mitmd.curl().ok(origin.url()).status == 200


def test_a_reload_is_told_with_its_time(service, manager):
    mitmd = service()
    before = manager.wait("READY=1")
    mitmd.tell(signal.SIGHUP)
    reloading = manager.wait("RELOADING=1", before + 1)
    ready = manager.wait("READY=1", reloading + 1)
    values = manager.notices[reloading].values
    with open("/proc/uptime", encoding="ascii") as uptime:
        now = float(uptime.read().split()[0]) * 1e6
    assert 0 < int(values["MONOTONIC_USEC"]) <= now
    assert manager.notices[ready].values["STATUS"].startswith("generation 2")


@pytest.mark.parametrize("how", ["syntax", "port"])
def test_a_failed_reload_is_over_too(service, manager, give, how):
    mitmd = service()
    before = manager.wait("READY=1")
    if how == "syntax":
        mitmd.write("listen: [\n")
    else:
        mitmd.config["listen"] = name_of(give())
        mitmd.write(mitmd.config)
    mitmd.tell(signal.SIGHUP)
    reloading = manager.wait("RELOADING=1", before + 1)
    ready = manager.notices[manager.wait("READY=1", reloading + 1)]
    reason = {"syntax": r"mitmd\.yaml:\d+:\d+: ", "port": "taken by another program"}[how]
    assert re.search(r"^generation 1,.*; the last reload failed: .*" + reason,
                     ready.values["STATUS"])
    mitmd.config["listen"] = "127.0.0.1:0"
    mitmd.write(mitmd.config)
    mitmd.tell(signal.SIGHUP)
    reloading = manager.wait("RELOADING=1", reloading + 1)
    ready = manager.notices[manager.wait("READY=1", reloading + 1)]
    assert "reload failed" not in ready.values["STATUS"]


def test_many_reloads_leave_nothing_open(service, manager):
    """As many READY as RELOADING, and the last word is READY."""
    mitmd = service()
    before = manager.wait("READY=1")
    for _ in range(5):
        mitmd.tell(signal.SIGHUP)
        before = manager.wait("RELOADING=1", before + 1)
        before = manager.wait("READY=1", before + 1)
    words = [line for notice in manager.notices for line in notice.lines]
    assert words.count("READY=1") == words.count("RELOADING=1") + 1


def test_a_spool_that_is_full_shows_in_the_status(disk, service, manager, origin):
    small = disk("2M")
    mitmd = service({"spool": {"dir": str(small.path / "spool")}}, WATCHDOG_USEC="600000")
    mitmd.spool = small.path / "spool"
    before = manager.wait("READY=1")
    small.fill()
    mitmd.curl().ok(origin.url())
    before = manager.wait("STATUS=", before + 1)
    while "the spool cannot be written" not in manager.notices[before].values["STATUS"]:
        before = manager.wait("STATUS=", before + 1)
    small.free()
    while "HAR files of" not in manager.notices[before].values["STATUS"]:
        before = manager.wait("STATUS=", before + 1)


def test_stopping_is_told_and_time_is_asked_for(service, manager):
    mitmd = service()
    mitmd.stop()
    notice = manager.notices[manager.wait("STOPPING=1")]
    assert int(notice.values["EXTEND_TIMEOUT_USEC"]) >= 10_000_000
    assert notice.values["STATUS"].startswith("stopping")


def test_a_start_that_fails_says_why(service, manager, give):
    mitmd = service({"listen": name_of(give())}, wait=False)
    assert mitmd.gone() == 1
    reason = manager.notices[manager.wait("STATUS=cannot start")]
    assert "taken by another program" in reason.values["STATUS"]
    assert not [n for n in manager.notices if "READY=1" in n.lines]


def test_the_watchdog_gets_signs_of_life(service, manager):
    service(WATCHDOG_USEC="600000")
    before = manager.wait("READY=1")
    for _ in range(3):
        before = manager.wait("WATCHDOG=1", before + 1)


def test_a_watchdog_of_another_process_is_not_ours(service, manager):
    """Were it ours, a sign of life would come before anything could be stopped."""
    mitmd = service(WATCHDOG_USEC="1000", WATCHDOG_PID="1")
    mitmd.tell(signal.SIGHUP)
    manager.wait("READY=1", manager.wait("RELOADING=1"))
    assert not [n for n in manager.notices if "WATCHDOG=1" in n.lines]


def test_children_have_no_way_to_systemd(service, manager):
    mitmd = service()
    manager.wait("READY=1")
    ends = notify_ends(mitmd.process.pid)
    assert ends
    for pid in children(mitmd.process.pid):
        links = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        assert links.isdisjoint(ends)
    assert {n.pid for n in manager.notices} == {mitmd.process.pid}


def notify_ends(pid):
    """Datagram sockets of the unix family that pid has open: its ends towards systemd."""
    kinds = {}
    with open("/proc/net/unix", encoding="ascii") as table:
        for row in table.readlines()[1:]:
            cells = row.split()
            kinds[f"socket:[{cells[6]}]"] = cells[4]
    links = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    return {link for link in links if kinds.get(link) == "0002"}


# -- sockets that are given ----------------------------------------------------------------
def test_a_given_socket_is_used(service, give, origin):
    sock = give()
    mitmd = service({"listen": name_of(sock)}, given=[("mitmd.socket", sock)])
    assert re.search(rf"listening on {re.escape(name_of(sock))}, given by systemd",
                     mitmd.log_text())
    assert mitmd.proxy == name_of(sock)
    assert mitmd.curl().ok(origin.url()).status == 200


def test_clients_that_came_before_the_start_are_served(service, give, origin):
    sock = give()
    with socket.create_connection(sock.getsockname()) as early:
        early.sendall(f"GET {origin.url()} HTTP/1.1\r\nHost: {origin.authority}\r\n"
                      "Connection: close\r\n\r\n".encode())
        service({"listen": name_of(sock)}, given=[("mitmd.socket", sock)])
        assert early.makefile("rb").read().endswith(b"hello\n")


def test_without_listen_all_given_ones_are_used(service, give, origin):
    socks = [give(), give(("127.0.0.2", 0))]
    mitmd = service(given=[("proxy", sock) for sock in socks], listen=False, wait=False)
    mitmd.wait_log("ready")
    for sock in socks:
        mitmd.host, mitmd.port = sock.getsockname()
        assert mitmd.curl().ok(origin.url()).status == 200
    assert mitmd.log_text().count("listening on") == 2


def test_one_that_nobody_names_is_told_of_and_taken_by_a_reload(service, give, origin, manager):
    mine, other = give(), give()
    mitmd = service({"listen": name_of(mine)}, given=[("a", mine), ("b", other)])
    mitmd.wait_log(rf"systemd listens on {re.escape(name_of(other))} for us \(b\), but no 'listen:'")
    ready = manager.wait("READY=1")
    mitmd.config["listen"] = [name_of(mine), name_of(other)]
    mitmd.write(mitmd.config)
    mitmd.tell(signal.SIGHUP)
    manager.wait("READY=1", ready + 1)
    mitmd.host, mitmd.port = other.getsockname()
    assert mitmd.curl().ok(origin.url()).status == 200


def test_a_given_socket_is_given_back_and_taken_again(service, give, origin, manager):
    """What a reload does not name any more stays systemd's, and can be named again."""
    mine, other = give(), give()
    both = [name_of(mine), name_of(other)]
    mitmd = service({"listen": both, "drain_idle": "0s"}, given=[("a", mine), ("b", other)])
    ready = manager.wait("READY=1")
    for listen in (both[0], both):
        mitmd.config["listen"] = listen
        mitmd.write(mitmd.config)
        mitmd.tell(signal.SIGHUP)
        ready = manager.wait("READY=1", ready + 1)
    mitmd.host, mitmd.port = other.getsockname()
    assert mitmd.curl().ok(origin.url()).status == 200


@pytest.mark.parametrize("kind", ["udp", "unix", "connected", "file"])
def test_what_cannot_be_used_is_named(service, give, origin, tmp_path, kind):
    sock = give()
    if kind == "udp":
        odd = socket.socket(type=socket.SOCK_DGRAM)
    elif kind == "unix":
        odd = socket.socket(socket.AF_UNIX)
    elif kind == "connected":
        odd = socket.socket()
    else:
        odd = open(tmp_path / "file", "w", encoding="ascii")	# pylint: disable=consider-using-with
    with odd:
        mitmd = service({"listen": name_of(sock)}, given=[("odd", odd), ("a", sock)])
    why = {"udp": "no TCP socket", "unix": "no TCP socket", "connected": "does not listen",
           "file": "no socket"}[kind]
    mitmd.wait_log(rf"descriptor 3 \(odd\), which cannot be used: .*{why}")
    assert mitmd.curl().ok(origin.url()).status == 200


def test_an_open_given_socket_needs_access(service, give):
    sock = give(("0.0.0.0", 0))
    mitmd = service(given=[("mitmd.socket", sock)], listen=False, wait=False)
    assert mitmd.gone() == 1
    assert re.search(r"0\.0\.0\.0:\d+ for us \(mitmd\.socket\), which is open.*access",
                     mitmd.log_text())


def test_descriptors_for_another_process_are_left_alone(service, give):
    """LISTEN_PID names who is meant."""
    sock = give()
    mitmd = service({"listen": "127.0.0.1:0"}, given=[("a", sock)], LISTEN_PID="1")
    assert "systemd" not in mitmd.log_text()


# -- sockets that are kept ------------------------------------------------------------------
def test_listeners_are_stored(service, manager):
    mitmd = service({"listen": ["127.0.0.1:0", "[::1]:0"]})
    manager.wait("READY=1")
    port = int(re.search(r"listening on \[::1\]:(\d+)", mitmd.log_text())[1])
    assert manager.stored() == {
        f"listen-127.0.0.1-{mitmd.port}": ("127.0.0.1", mitmd.port),
        f"listen----1--{port}": ("::1", port)}


def test_a_given_socket_is_not_stored(service, give, manager):
    sock = give()
    service({"listen": name_of(sock)}, given=[("mitmd.socket", sock)])
    manager.wait("READY=1")
    assert manager.stored() == {}


def test_who_connects_between_two_lives_is_served(service, manager, origin):
    """The master is killed; what it listened on stays, and so does who waits there."""
    first = service()
    manager.wait("READY=1")
    first.kill()
    with socket.create_connection((first.host, first.port)) as early:
        early.sendall(f"GET {origin.url()} HTTP/1.1\r\nHost: {origin.authority}\r\n"
                      "Connection: close\r\n\r\n".encode())
        second = service(given=first.store_as_given())
        assert second.port == first.port
        assert re.search("listening on .* as before", second.log_text())
        assert early.makefile("rb").read().endswith(b"hello\n")


def test_a_reload_stores_and_removes(service, manager, give):
    mitmd = service({"drain_idle": "0s"})
    ready = manager.wait("READY=1")
    (before,) = manager.stored()
    spare = give()
    port = spare.getsockname()[1]
    spare.close()
    mitmd.config["listen"] = f"127.0.0.1:{port}"
    mitmd.write(mitmd.config)
    mitmd.tell(signal.SIGHUP)
    manager.wait("READY=1", ready + 1)
    manager.wait("FDSTOREREMOVE=1")
    assert before != f"listen-127.0.0.1-{port}"
    assert manager.stored() == {f"listen-127.0.0.1-{port}": ("127.0.0.1", port)}


def test_what_a_restart_does_not_name_is_removed_first(service, manager, give, origin):
    """It would be in the way: [::]:p is, of 0.0.0.0:p."""
    wide = give(("::", 0))
    port = wide.getsockname()[1]
    name = f"listen------{port}"
    manager.store[name] = [wide.dup()]
    manager.held.clear()
    mitmd = service({"listen": f"0.0.0.0:{port}", "access": {"allow": ["127.0.0.0/8"]}},
                    given=[(name, wide)], wait=False)
    wide.close()
    manager.held.set()
    mitmd.wait_log(r"\bready\b")
    mitmd.host, mitmd.port = "127.0.0.1", port
    assert mitmd.curl().ok(origin.url()).status == 200
    assert list(manager.stored()) == [f"listen-0.0.0.0-{port}"]
