# SPDX-License-Identifier: ISC
"""Kernels that have less: mitmd serves and records, says what it has not, and does not start
where it is required.
"""
import os
import pathlib
import re
import subprocess

import pytest

from env.faults import compiler
from env.mitmd import SANITIZED

SOURCE = pathlib.Path(__file__).parent / "env" / "old_kernel.c"
# The first call that it does not have.
KERNELS = {
    "5.4": 436,		# close_range; Ubuntu 20.04
    "5.10": 440,	# process_madvise; Debian 11
    "5.15": 448,	# process_mrelease; Ubuntu 22.04, which has Landlock
    "6.1": 451,		# cachestat; Debian 12
}
HAS_LANDLOCK = ("5.15", "6.1")

pytestmark = [pytest.mark.skipif(not compiler(), reason="a C compiler"),
              pytest.mark.skipif(SANITIZED, reason="what the sanitizers call is not ours")]


def build(directory, name, *options):
    made = directory / name
    done = subprocess.run([compiler(), "-O2", "-o", made, *options, SOURCE, "-ldl"], check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    made = build(tmp_path_factory.mktemp("kernel"), "old_kernel")
    if subprocess.run([made, "424", "/bin/true"], check=False, capture_output=True).returncode == 77:
        pytest.skip("no filter can be set here")
    return made


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("abi"), "abi.so", "-DPRELOAD", "-shared", "-fPIC")


def serves(mitmd, origin, tag):
    mitmd.curl(tag).ok(origin.url("/hello"))
    entry = mitmd.entry(tag, "/hello")
    assert entry.status == 200
    start = len(mitmd.log)
    assert mitmd.ctl("reload", "--wait").returncode == 0
    mitmd.wait_log(r"\breloaded: generation \d", start)
    mitmd.curl(tag).ok(origin.url("/hello?again"))
    assert mitmd.entry(tag, "/hello?again").status == 200


def holds_no_file_of_others(mitmd):
    """Where it cannot close a range at once, neither."""
    for pid in mitmd.pids("worker"):
        held = [os.readlink(fd) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        assert not [name for name in held if name.startswith("/") and name != "/dev/null" and
                    "memfd" not in name and not name.startswith((f"/proc/{pid}/", str(mitmd.spool)))], held


def missing(mitmd):
    """What it said, once."""
    said = [line for line in mitmd.log if "sandbox: degraded" in line]
    assert len(said) <= 1, said
    return said[0] if said else ""


@pytest.mark.parametrize("kernel", KERNELS)
def test_serves_on_an_old_kernel(own_mitmd, secure_origin, program, tag, kernel):
    mitmd = own_mitmd(start=False)
    mitmd.under = (str(program), str(KERNELS[kernel]))
    mitmd.start()
    serves(mitmd, secure_origin, tag)
    holds_no_file_of_others(mitmd)
    if kernel not in HAS_LANDLOCK:
        for role in ("signer", "recorder", "worker"):
            assert re.search(rf"{role} without [^;]*\blandlock\b", missing(mitmd))
    for pid in (p for role in ("signer", "recorder", "worker") for p in mitmd.pids(role)):
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert re.search(r"^Seccomp:\s+2$", text, re.M) and re.search(r"^NoNewPrivs:\s+1$", text, re.M)


def test_is_not_started_where_it_is_required(own_mitmd, program):
    mitmd = own_mitmd({"sandbox": "required"}, start=False)
    mitmd.under = (str(program), str(KERNELS["5.10"]))
    mitmd.spawn()
    mitmd.wait_log(r"cannot start: .*sandbox: required, but a signer cannot have: .*landlock")
    assert mitmd.gone() != 0


@pytest.mark.parametrize("abi", range(1, 7))
def test_takes_the_landlock_that_is_there(own_mitmd, secure_origin, library, tag, abi):
    mitmd = own_mitmd(start=False)
    mitmd.environment = {"LD_PRELOAD": str(library), "MITMD_TEST_ABI": str(abi)}
    mitmd.start()
    serves(mitmd, secure_origin, tag)
    assert "landlock" not in missing(mitmd)
    shown = mitmd.ctl("status").stdout
    assert ("landlock-net" in shown) == (abi >= 4)
    assert ("landlock-scope" in shown) == (abi >= 6)
