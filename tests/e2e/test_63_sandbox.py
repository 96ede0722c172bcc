# SPDX-License-Identifier: ISC
"""The walls around each process, as the kernel tells of them; and what is said when one is
not there. What the processes cannot do is tried in tests/unit/proc.
"""
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys

import pytest

from env.etc import Etc
from env.mitmd import SANITIZED, wait_for
from env.strace import Strace, need_strace

ROLES = ("signer", "recorder", "worker")
USERS = {"mitmd": 41001, "mitmd-signer": 41002, "mitmd-recorder": 41003}
NO_GROUP = 65534
LANDLOCK_CREATE_RULESET = 444
# setuid, setgid, kill, net_bind_service, chown, dac_override
MASTER_CAPABILITIES = 1 << 7 | 1 << 6 | 1 << 5 | 1 << 10 | 1 << 0 | 1 << 1


def kernel_has_landlock():
    return ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1) > 0


needs_landlock = pytest.mark.skipif(not kernel_has_landlock(), reason="a kernel with Landlock")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="root")


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def limits(pid, name):
    text = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return re.search(rf"^{name}\s+(\S+)\s+(\S+)", text, re.M).groups()


def threads(pid):
    return [int(task) for task in os.listdir(f"/proc/{pid}/task")]


def processes(mitmd):
    return {"master": [mitmd.process.pid], **{role: mitmd.pids(role) for role in ROLES}}


def reload(mitmd, expect=r"\breloaded: generation \d"):
    start = len(mitmd.log)
    mitmd.write(mitmd.config)
    mitmd.tell(signal.SIGHUP)
    return mitmd.wait_log(expect, start)


# -- what the kernel says ------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["master", *ROLES])
def test_a_process_is_walled_in(mitmd, secure_origin, tag, role):
    mitmd.curl(tag).ok(secure_origin.url())
    for pid in processes(mitmd)[role]:
        for task in threads(pid):
            says = status(f"{pid}/task/{task}")
            assert says["Seccomp"] == "2", (role, task)
            assert says["NoNewPrivs"] == "1", (role, task)
            assert int(says["CapEff"], 16) & ~(MASTER_CAPABILITIES if role == "master" else 0) == 0
            assert says["CapPrm"] == says["CapEff"]
            assert int(says["CapAmb"], 16) == int(says["CapInh"], 16) == 0


@needs_root
@pytest.mark.parametrize("role", ["master", *ROLES])
def test_a_process_leaves_no_core(mitmd, role):
    for pid in processes(mitmd)[role]:
        assert limits(pid, "Max core file size") == ("0", "0")
        # Of a process that may be dumped these are its own user's.
        assert pathlib.Path(f"/proc/{pid}/mem").stat().st_uid == 0


@needs_root
@pytest.mark.parametrize("role", ROLES)
def test_a_role_can_make_no_process(mitmd, role):
    for pid in mitmd.pids(role):
        assert limits(pid, "Max processes") == ("0", "0")


@pytest.mark.skipif(SANITIZED, reason="the sanitizers need more")
@needs_root
@pytest.mark.parametrize("role", ROLES)
def test_no_memory_is_writable_and_executable(mitmd, role):
    for pid in mitmd.pids(role):
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            assert "wx" not in line.split()[1], line


@needs_root
def test_the_bounding_set_is_what_the_master_needs(mitmd):
    for pids in processes(mitmd).values():
        for pid in pids:
            assert int(status(pid)["CapBnd"], 16) & ~MASTER_CAPABILITIES == 0


# -- three users -----------------------------------------------------------------------------------
@pytest.fixture
def as_three(own_mitmd, tmp_path):
    """A mitmd whose user and the two beside it exist; files where they may go."""
    place = pathlib.Path("/tmp") / f"mitmd-users-{os.getpid()}"
    etc = Etc(tmp_path / "etc")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o755)

    def start(names=tuple(USERS), more=None, begin=True):
        for name in names:
            etc.add_user(name, USERS[name])
        mitmd = own_mitmd({"user": "mitmd", "ca": {"dir": str(place / "ca")},
                           "spool": {"dir": str(place / "spool")},
                           "control": str(place / "control.sock"), **(more or {})}, start=False)
        mitmd.under = etc.under
        mitmd.ca_dir, mitmd.spool = place / "ca", place / "spool"
        return mitmd.start() if begin else mitmd.spawn()
    yield start
    shutil.rmtree(place, ignore_errors=True)


@needs_landlock
@needs_root
def test_each_role_is_a_user_of_its_own(as_three, secure_origin, tag):
    mitmd = as_three()
    assert "sandbox: degraded" not in mitmd.log_text()
    expect = {"master": (0, None), "signer": (USERS["mitmd-signer"], USERS["mitmd-signer"]),
              "recorder": (USERS["mitmd-recorder"], USERS["mitmd"]),
              "worker": (USERS["mitmd"], NO_GROUP)}
    for role, pids in processes(mitmd).items():
        for pid in pids:
            says = status(pid)
            uid, gid = expect[role]
            assert says["Uid"].split() == [str(uid)] * 4
            if gid is not None:
                assert says["Gid"].split() == [str(gid)] * 4
                assert says["Groups"].strip() == ""
    mitmd.curl(tag).ok(secure_origin.url())
    assert mitmd.entry(tag, "/hello").status == 200


@needs_root
def test_files_belong_to_who_needs_them(as_three, secure_origin, tag):
    mitmd = as_three()
    mitmd.curl(tag).ok(secure_origin.url())
    assert mitmd.entry(tag, "/hello")
    key = (mitmd.ca_dir / "mitmd-ca.pem").stat()
    assert (key.st_uid, stat.S_IMODE(key.st_mode)) == (USERS["mitmd-signer"], 0o600)
    assert mitmd.ca_dir.stat().st_uid == USERS["mitmd-signer"]
    for path in (mitmd.spool, mitmd.spool / tag):
        has = path.stat()
        assert (has.st_uid, has.st_gid, oct(has.st_mode & 0o7777)) == (
            USERS["mitmd-recorder"], USERS["mitmd"], oct(0o2750))
    for file in mitmd.files(tag):
        has = file.stat()
        assert (has.st_uid, has.st_gid, oct(has.st_mode & 0o7777)) == (
            USERS["mitmd-recorder"], USERS["mitmd"], oct(0o640))


@needs_root
def test_three_users_reload_and_start_again(as_three, secure_origin, tag):
    mitmd = as_three()
    reload(mitmd)
    for role in ROLES:
        before = mitmd.pids(role)
        os.kill(before[-1], signal.SIGKILL)
        wait_for(lambda role=role, before=before: set(mitmd.pids(role)) - set(before), f"a {role}")
    mitmd.curl(tag).ok("--retry", "5", "--retry-connrefused", secure_origin.url())
    assert mitmd.entry(tag, "/hello").status == 200
    mitmd.close()
    mitmd.start()
    mitmd.curl(tag).ok(secure_origin.url("/hello?again"))
    assert mitmd.entry(tag, "?again").status == 200


@needs_landlock
@needs_root
def test_one_user_for_all_is_said(as_three, secure_origin, tag):
    mitmd = as_three(names=["mitmd"])
    mitmd.wait_log(r"sandbox: degraded: signer without own-user; recorder without own-user; "
                   r"worker without own-user$")
    for role in ROLES:
        for pid in mitmd.pids(role):
            assert status(pid)["Uid"].split()[0] == str(USERS["mitmd"])
    mitmd.curl(tag).ok(secure_origin.url())
    assert mitmd.entry(tag, "/hello").status == 200


@needs_root
@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv")
@pytest.mark.parametrize("name", USERS)
def test_whom_the_processes_become_may_not_control(as_three, name):
    mitmd = as_three()
    ask = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
           "print(s.recv(1000).decode(), end='')")
    done = subprocess.run(["setpriv", f"--reuid={USERS[name]}", f"--regid={USERS[name]}",
                           "--clear-groups", sys.executable, "-c", ask, mitmd.config["control"]],
                          capture_output=True, text=True, check=False)
    assert done.stdout.startswith("error denied"), done


# -- sandbox: auto, required, off ----------------------------------------------------------------
@needs_landlock
@needs_root
def test_required_starts_where_everything_is_there(as_three, secure_origin):
    mitmd = as_three(more={"sandbox": "required"})
    assert mitmd.curl().ok(secure_origin.url()).status == 200


@needs_root
def test_required_does_not_start_with_one_user(as_three):
    mitmd = as_three(names=["mitmd"], more={"sandbox": "required"}, begin=False)
    mitmd.wait_log(r"cannot start: .*sandbox: required, but .* own-user")
    assert mitmd.gone() != 0


@needs_root
def test_a_reload_that_requires_what_is_not_there_changes_nothing(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    before = processes(mitmd)
    mitmd.config["sandbox"] = "required"
    reload(mitmd, r"reload failed.*sandbox: required, but .* own-user")
    assert mitmd.pids("worker") == before["worker"]
    mitmd.curl(tag).ok(secure_origin.url())
    assert mitmd.entry(tag, "/hello").status == 200


def test_off_is_off_and_said(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"sandbox": "off"})
    mitmd.wait_log(r"sandbox: off: master without seccomp; ")
    for role in ROLES:
        for pid in mitmd.pids(role):
            assert status(pid)["Seccomp"] == "0"
    mitmd.curl(tag).ok(secure_origin.url())
    mitmd.config["sandbox"] = "auto"
    reload(mitmd)
    wait_for(lambda: all(status(pid)["Seccomp"] == "2" for role in ROLES for pid in mitmd.pids(role)),
             "walls around all")
    mitmd.curl(tag).ok(secure_origin.url("/hello?walled"))
    assert len(mitmd.har(tag, lambda h: len(h) == 2)) == 2


def test_what_is_missing_is_said_once(own_mitmd):
    mitmd = own_mitmd({"sandbox": "off"})
    reload(mitmd)
    reload(mitmd)
    assert mitmd.log_text().count("sandbox: off") == 1


@needs_landlock
def test_status_says_what_stands(own_mitmd):
    mitmd = own_mitmd()
    told = json.loads(mitmd.ctl("status", "--output", "json").stdout)["processes"]
    assert {p["role"] for p in told} == {"master", *ROLES}
    for process in told:
        stands = process["protections"].split(", ")
        assert {"seccomp", "no-new-privs", "not-dumpable", "no-core", "no-capabilities"} <= set(stands)
        assert (process["sandbox"] == "complete") == (
            os.geteuid() != 0 or process["role"] == "master")
    if os.geteuid() == 0:
        assert re.search(r"worker .* without own-user\s*$", mitmd.ctl("status").stdout, re.M)


# -- calls that are denied -------------------------------------------------------------------------
@needs_root
@pytest.mark.parametrize("role", ROLES)
def test_no_thread_is_deaf_to_a_denied_call(mitmd, role):
    """Such a one would be killed where it should get EPERM."""
    bit = 1 << (signal.SIGSYS - 1)
    for pid in mitmd.pids(role):
        for task in threads(pid):
            says = status(f"{pid}/task/{task}")
            assert int(says["SigBlk"], 16) & bit == 0, (role, task)
            assert SANITIZED or int(says["SigCgt"], 16) & bit, (role, task)


@pytest.mark.skipif(SANITIZED, reason="with the sanitizers nothing is denied")
@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="not seen on this machine")
def test_denied_calls_are_seen(own_mitmd, secure_origin, tag):
    """One of a worker's calls becomes another one, by somebody who traces it."""
    need_strace()
    mitmd = own_mitmd({"workers": 1})

    def told():
        done = mitmd.ctl("status", "--output", "json")
        return done.returncode, json.loads(done.stdout)

    def counted():
        with mitmd.dial() as client:
            text = client.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").body.decode()
        return int(re.search(r'^mitmd_denied_calls_total{role="worker"} (\d+)', text, re.M)[1])

    code, before = told()
    assert (code, before["healthy"], counted()) == (0, True, 0)
    worker = mitmd.pids("worker")[0]
    with Strace(worker, "pread64", "pread64:error=EPERM:syscall=getppid:when=1"):
        mitmd.wait_log(rf"sandbox: worker 0 \(pid {worker}\) makes system calls that are denied "
                       r"\(1 so far, the latest: getppid\)")
    code, now = told()
    process = next(p for p in now["processes"] if p["pid"] == worker)
    assert (code, process["denied_calls"], process["denied_latest"]) == (2, 1, "getppid")
    assert "worker 0 makes system calls that its sandbox denies" in now["problems"][0]["text"]
    assert (now["counters"]["denied_calls"], counted()) == (1, 1)
    mitmd.curl(tag).ok(secure_origin.url())		# it works on
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: mitmd.pids("worker") not in ([], [worker]) and told()[1]["healthy"], "another")
    wait_for(lambda: counted() == 1, "the counter, which does not fall")


@needs_root
def test_what_a_tracer_makes_of_a_call_is_no_denied_one(own_mitmd):
    """strace -e inject takes the call away and sets its result: neither is touched."""
    need_strace()
    mitmd = own_mitmd({"workers": 1})
    worker = mitmd.pids("worker")[0]
    with Strace(worker, "pread64", "pread64:error=EXDEV") as strace:
        wait_for(lambda: strace.file.read_text().count("EXDEV") >= 2, "two of them")
    told = json.loads(mitmd.ctl("status", "--output", "json").stdout)
    assert told["counters"]["denied_calls"] == 0 and told["healthy"]


# -- the spool, which a sandbox is built around ---------------------------------------------------
def test_a_reload_brings_another_spool(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    mitmd.curl(tag).ok(secure_origin.url("/hello?before"))
    first, mitmd.spool = mitmd.spool, mitmd.directory / "other"
    mitmd.config["spool"]["dir"] = str(mitmd.spool)
    reload(mitmd)
    mitmd.curl(tag).ok(secure_origin.url("/hello?after"))
    assert mitmd.entry(tag, "?after").status == 200
    assert not mitmd.har(tag).find("?before")
    assert len(list((first / tag).glob("*.har"))) == 1	# finished by the recorder before


def test_nothing_is_lost_while_the_recorder_is_exchanged(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    places = [mitmd.spool, mitmd.directory / "other"]
    sent = 0
    for turn in range(6):
        for _ in range(5):
            mitmd.curl(tag).ok(secure_origin.url(f"/hello?{sent}"))
            sent += 1
        mitmd.config["spool"]["dir"] = str(places[(turn + 1) % 2])
        reload(mitmd)
    assert mitmd.stop() == 0
    found = []
    for mitmd.spool in places:
        found += [e["request"]["url"] for e in mitmd.har(tag).entries]
    assert sorted(int(url.rpartition("?")[2]) for url in found) == list(range(sent))


def test_a_spool_that_cannot_be_used_changes_nothing(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    recorder = mitmd.pids("recorder")
    mitmd.config["spool"]["dir"] = str(mitmd.directory / "no" / "such")
    reload(mitmd, r"reload failed.*no/such")
    assert mitmd.pids("recorder") == recorder
    mitmd.curl(tag).ok(secure_origin.url())
    assert mitmd.entry(tag, "/hello").status == 200


# -- a worker that listens to nobody else ---------------------------------------------------------
@needs_root
def test_workers_hold_no_descriptor_of_another_business(mitmd):
    allowed = re.compile(r"/dev/null$|pipe:|socket:|anon_inode:|/memfd:mitmd|/proc/\d+/(statm|fd)$")
    for pid in mitmd.pids("worker"):
        links = [os.readlink(fd) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        spool = [link for link in links if str(mitmd.spool) in link]
        assert len(spool) <= 1 and all("(deleted)" in link for link in spool)
        assert not [link for link in links if not allowed.match(link) and link not in spool]


def test_no_wall_is_in_the_way_of_strange_addresses(mitmd, start_origin):
    """IPv6; a port that nobody listens on."""
    six = start_origin(address="::1")
    assert mitmd.curl().ok(f"http://[::1]:{six.port}/hello").status == 200
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        result = mitmd.curl().run(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert result.status == 502
