# SPDX-License-Identifier: ISC
"""A worker that somebody has taken over asks the signer for what it must never sign."""
import os
import signal
import ssl
import time

import pytest

from env import broken_worker as broken
from env.broken_worker import ask, dns, message
from env.certs import openssl
from env.mitmd import alive, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gets at descriptors")

HOUR = 3600
YEAR = 365 * 24 * HOUR
NOW = int(time.time())
# enum recipe, COPY_* and SIGN_KEY_* of src/ipc/msg.h
SELF, NOT_CA = 1, 5
DATES, NO_NAMES, KEY_USAGE, PURPOSE = 1, 2, 4, 8
MIRROR_KEY = 2
KEY_CERT_SIGN, CRL_SIGN = 4, 2


class Taken:
    """One worker's way to the signer, with the worker itself held still."""

    def __init__(self, mitmd):
        self.mitmd = mitmd
        self.worker, self.signer = mitmd.pids("worker")[0], mitmd.pids("signer")[0]
        self.sock = broken.way_to(self.worker, self.signer)
        os.kill(self.worker, signal.SIGSTOP)
        self.start = len(mitmd.log)

    def ask(self, **what):
        self.sock.send(message(ask(**what)))
        return broken.answer(self.sock)

    def close(self):
        self.sock.close()
        if alive(self.worker):		# the master has no patience with one that stands still
            os.kill(self.worker, signal.SIGCONT)


@pytest.fixture
def taken(own_mitmd):
    made = Taken(own_mitmd({"workers": 2, "ca": {"permit": [".test", "localhost"]}}))
    yield made
    made.close()


def serves(taken, origin):
    """The signer is the same, and signs for the other worker."""
    assert taken.mitmd.pids("signer") == [taken.signer]
    assert taken.mitmd.curl().ok(origin.url()).status == 200


REFUSED = {
    "no such recipe": {"recipe": 99},
    "no such defect": {"copy": 1 << 20, "key": MIRROR_KEY},
    "no such key": {"key": 77},
    "the key of the good for a bad one": {"copy": PURPOSE},
    "no such staple": {"staple": 9},
    "a staple for a stranger's leaf": {"staple": 1, "recipe": SELF, "key": MIRROR_KEY},
    "a top-level wildcard": {"names": dns(b"*.test")},
    "a wildcard for all": {"names": dns(b"*")},
    "a top-level wildcard asked for": {"name": b"*.test"},
    "a name outside ca.permit": {"name": b"www.example.com"},
    "names outside ca.permit": {"names": dns(b"www.example.com")},
    "a NUL in a name": {"name": b"a.test\0.evil.test"},
    "a slash in a name": {"name": b"a.test/x"},
    "a name of 254 bytes": {"name": b"a." * 125 + b"test"},
    "no name": {"name": b""},
    "a NUL in another name": {"names": dns(b"b\0.test")},
    "an unknown kind of name": {"names": b"\x04\x00\x01x"},
    "names that are cut short": {"names": b"\x02\xff\xff"},
    "too many names": {"names": dns(*[b"a.test"] * 1025)},
    "too much": {"org": b"x" * 9000},
    "next month": {"not_before": NOW + 30 * 24 * HOUR, "not_after": NOW + 31 * 24 * HOUR},
    "next month, as copied": {"copy": DATES, "key": MIRROR_KEY,
                              "not_before": NOW + 30 * 24 * HOUR,
                              "not_after": NOW + 31 * 24 * HOUR},
    "next month, by what is no CA": {"copy": DATES, "recipe": NOT_CA,
                                     "not_before": NOW + 30 * 24 * HOUR,
                                     "not_after": NOW + 31 * 24 * HOUR},
    "control bytes in the subject": {"cn": b"a\nb"},
    "a text that is none": {"org": b"\xff\xfe"},
    "names and none": {"copy": NO_NAMES, "names": dns(b"a.test"), "key": MIRROR_KEY},
}


def test_what_is_never_signed(taken, secure_origin):
    for what, fields in REFUSED.items():
        status, reason, leaf = taken.ask(**fields)
        assert (status, leaf) == (broken.REFUSED, None) and reason, what
    taken.mitmd.wait_log(r"refused worker \d a certificate for a\.test: an unknown recipe",
                         taken.start)
    serves(taken, secure_origin)


def parsed(leaf, *fields):
    return openssl("x509", "-inform", "DER", "-noout", *fields, data=leaf).decode()


def lifetime(leaf):
    dates = dict(line.split("=") for line in parsed(leaf, "-dates").splitlines())
    return [ssl.cert_time_to_seconds(dates[k]) for k in ("notBefore", "notAfter")]


CLIPPED = {
    "ten years": {"not_after": NOW + 10 * YEAR},
    "ten years, as copied": {"copy": DATES, "key": MIRROR_KEY, "not_before": NOW - 5 * YEAR,
                             "not_after": NOW + 5 * YEAR},
    "to issue others": {"copy": KEY_USAGE, "key": MIRROR_KEY,
                        "key_usage": KEY_CERT_SIGN | CRL_SIGN},
    "to sign code": {"copy": PURPOSE, "key": MIRROR_KEY},
    "names besides": {"names": dns(b"a.test", b"www.example.com", b"*.test")},
    "a name as CN": {"names": dns(b"a.test"), "cn": b"www.example.com"},
}


def test_what_is_signed_is_for_a_day_and_for_servers(taken, secure_origin):
    for what, fields in CLIPPED.items():
        status, reason, leaf = taken.ask(**fields)
        assert status == broken.OK and leaf, (what, reason)
        begin, end = lifetime(leaf)
        assert end <= time.time() + 24 * HOUR and end - begin <= 72 * HOUR, what
        text = parsed(leaf, "-text")
        assert "CA:FALSE" in text and "CA:TRUE" not in text, what
        assert ("TLS Web Server Authentication" in text) != (what == "to sign code"), what
        assert "Code Signing" not in text and "example.com" not in text, what
        assert "DNS:*" not in text, what
    serves(taken, secure_origin)


GARBAGE = {
    "no message": b"x",
    "not its length": message(b"")[:7] + b"\5",
    "half a question": message(ask()[:40]),
    "more than a question": message(ask() + b"\0"),
    "a length beyond the end": message(ask()[:55] + b"\xff\xff\xff\xff"),
    "an answer": message(ask(), broken.SIGN_ANSWER),
    "the master's words": message(b"\0" * 8, 0x02),
    "no such kind": message(b"", 0xdead),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_ends_this_way_and_no_other(taken, secure_origin, what):
    taken.sock.send(GARBAGE[what])
    assert taken.sock.recv(100) == b""
    taken.mitmd.wait_log(r"(malformed message SIGN_ASK|a message) from worker", taken.start)
    serves(taken, secure_origin)


def test_descriptors_are_not_kept(taken, secure_origin):
    fds = len(os.listdir(f"/proc/{taken.signer}/fd"))
    with open("/dev/null", "rb") as file:
        broken.socket.send_fds(taken.sock, [message(ask())], [file.fileno()] * 2)
    assert taken.sock.recv(100) == b""
    # Its channel is gone with them.
    wait_for(lambda: len(os.listdir(f"/proc/{taken.signer}/fd")) == fds - 1, "their end")
    serves(taken, secure_origin)


def test_a_thousand_names_a_second(taken, secure_origin):
    """It has to wait, and nobody else has."""
    seen, batch = [], 50
    while broken.BUSY not in seen:
        for i in range(batch):		# at once, so that a slow machine is fast enough
            taken.sock.send(message(ask(name=b"n%d.test" % (len(seen) + i))))
        seen += [broken.answer(taken.sock)[0] for _ in range(batch)]
        if len(seen) > 50000:
            pytest.skip("this machine does not get through five hundred a second")
    assert set(seen) == {broken.OK, broken.BUSY}
    assert set(seen[:1000]) == {broken.OK}
    taken.mitmd.wait_log(r"worker \d asks for more than 500 certificates a second", taken.start)
    serves(taken, secure_origin)


def test_who_does_not_read_is_cut_off(taken, secure_origin):
    """Thousands of answers wait for nobody."""
    with pytest.raises((BrokenPipeError, ConnectionError)):
        while True:
            taken.sock.send(message(ask(name=b"")))
    taken.mitmd.wait_log(r"worker \d does not read its answers", taken.start)
    serves(taken, secure_origin)
