# SPDX-License-Identifier: ISC
"""Names: workers open no file, and yet follow /etc/hosts and resolv.conf."""
import os
import pathlib
import re

import pytest

from env.etc import Etc, NameServer
from env.mitmd import wait_for

NAMES = {"www.a.test": "127.0.0.1", "short.b.test": "127.0.0.1", "six.a.test": "::1",
         "large.a.test": "127.0.0.1", "other.c.test": "127.0.0.1"}


@pytest.fixture
def etc(tmp_path):
    return Etc(tmp_path / "etc")


@pytest.fixture
def start_name_server():
    made = []

    def start(names=None):
        made.append(NameServer(NAMES if names is None else names))
        return made[-1]
    yield start
    for server in made:
        server.close()


@pytest.fixture
def named(own_mitmd, etc, start_name_server):
    """A mitmd and the server it asks."""
    server = start_name_server()
    etc.write("hosts", "127.0.0.1 localhost\n127.0.0.1 in.hosts.test\n")
    etc.write("resolv.conf", f"search a.test b.test\nnameserver {server.address}\n")
    mitmd = own_mitmd(start=False)
    mitmd.under = etc.under
    return mitmd.start(), server


def get(mitmd, origin, name):
    return mitmd.curl().run(f"http://{name}:{origin.port}/hello")


def reaches(mitmd, origin, name):
    result = get(mitmd, origin, name)
    return result.code == 0 and result.status == 200


@pytest.mark.parametrize("name", ["in.hosts.test", "IN.hosts.TEST", "www.a.test", "www.a.test.",
                                  "www", "short", "localhost"])
def test_a_name_is_found(named, origin, name):
    mitmd, _ = named
    assert reaches(mitmd, origin, name)


def test_hosts_come_first(named, origin):
    mitmd, server = named
    assert reaches(mitmd, origin, "in.hosts.test")
    assert not server.asked


def test_a_name_with_a_dot_is_first_asked_for_as_it_is(named, origin):
    mitmd, server = named
    assert get(mitmd, origin, "no.such").status == 502
    names = [name for name, kind, _ in server.asked if kind == "A"]
    assert names == ["no.such", "no.such.a.test", "no.such.b.test"]


def test_an_answer_that_is_too_large_for_udp(named, origin):
    mitmd, server = named
    server.large.add("large.a.test")
    assert reaches(mitmd, origin, "large.a.test")
    assert ("large.a.test", "A", True) in server.asked


def test_an_address_of_version_6(named, start_origin):
    mitmd, _ = named
    assert reaches(mitmd, start_origin(address="::1"), "six.a.test")


def test_hosts_that_change_are_followed(named, etc, origin):
    mitmd, _ = named
    assert get(mitmd, origin, "new.hosts.test").status == 502
    etc.write("hosts", "127.0.0.1 new.hosts.test\n")
    wait_for(lambda: reaches(mitmd, origin, "new.hosts.test"), "the new name")
    assert get(mitmd, origin, "in.hosts.test").status == 502
    etc.write("hosts", "")
    wait_for(lambda: get(mitmd, origin, "new.hosts.test").status == 502, "its end")


def test_servers_that_change_are_followed(named, etc, origin, start_name_server):
    mitmd, first = named
    assert reaches(mitmd, origin, "www.a.test")
    for i in range(3):
        other = start_name_server({f"n{i}.test": "127.0.0.1"})
        etc.write("resolv.conf", f"nameserver {other.address}\n")
        wait_for(lambda i=i: reaches(mitmd, origin, f"n{i}.test"), "the next server")
    asked = len(first.asked)
    assert get(mitmd, origin, "www.a.test").status == 502
    assert len(first.asked) == asked


def test_workers_that_start_later_know_the_new_files(named, etc, origin):
    mitmd, _ = named
    etc.write("hosts", "127.0.0.1 new.hosts.test\n")
    wait_for(lambda: reaches(mitmd, origin, "new.hosts.test"), "the new name")
    start = len(mitmd.log)
    mitmd.tell(1)
    mitmd.wait_log(r"\breloaded: generation \d", start)
    assert reaches(mitmd, origin, "new.hosts.test")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the descriptors of such processes")
def test_workers_have_no_file_open(named, origin):
    mitmd, _ = named
    assert reaches(mitmd, origin, "www.a.test")
    for pid in mitmd.pids("worker"):
        links = [os.readlink(fd) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        files = [link for link in links if link.startswith("/")
                 and not re.match(r"/dev/null$|/memfd:|/proc/\d+/(statm|fd)$|.* \(deleted\)$", link)]
        assert not files
