# SPDX-License-Identifier: ISC
"""chromium.py - the real browser without a window, told what to do over DevTools' pipe."""
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time

from .curl import clean_environment

PROGRAM = shutil.which("chromium")
SWITCHES = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
            "--disable-field-trial-config", "--allow-browser-signin=false",
            "--disable-features=OptimizationHints,MediaRouter,NetworkTimeServiceQuerying",
            "--no-default-browser-check", "--remote-debugging-pipe"]
PATIENCE = 60
# The pipe has to be descriptors 3 and 4.
MOVE = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 5) for fd in sys.argv[1:3])
os.dup2(read, 3), os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def missing():
    return PROGRAM is None or shutil.which("certutil") is None


class Chromium:
    """Trusts the certificates in `roots` (files of one each), and nothing else."""

    def __init__(self, home, roots, proxy=None):
        self.home = home
        self._trust(roots)
        self._keep_to_itself()
        way = ([f"--proxy-server=http://{proxy}", "--proxy-bypass-list=<-loopback>"] if proxy
               else ["--no-proxy-server"])
        mine, its_out = os.pipe()
        its_in, to_it = os.pipe()
        self.log = open(home / "chromium.log", "wb")	# pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [sys.executable, "-c", MOVE, str(its_in), str(its_out), PROGRAM, *SWITCHES, *way,
             "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE *1",
             f"--user-data-dir={home}/profile", "about:blank"],
            pass_fds=[its_in, its_out], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, env=clean_environment(HOME=str(home)), start_new_session=True)
        os.close(its_in)
        os.close(its_out)
        self.reading, self.writing = mine, to_it
        self.buffer = b""
        self.numbers = itertools.count(1)
        self.answers = {}

    def _trust(self, roots):
        store = self.home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        subprocess.run(["certutil", "-N", "-d", f"sql:{store}", "--empty-password"], check=True)
        for number, root in enumerate(roots):
            subprocess.run(["certutil", "-A", "-d", f"sql:{store}", "-n", f"root {number}",
                            "-t", "C,,", "-i", str(root)], check=True)

    def _keep_to_itself(self):
        """At an error it would ask the Internet whether it is there, and wait for that."""
        profile = self.home / "profile" / "Default"
        profile.mkdir(parents=True)
        (profile / "Preferences").write_text(json.dumps(
            {"alternate_error_pages": {"enabled": False}}))

    def tell(self, method, session=None, **params):
        """The number of the answer to come."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        return number

    def answer(self, number):
        while number not in self.answers:
            message = self._read()
            if "id" in message:
                self.answers[message["id"]] = message
        message = self.answers.pop(number)
        assert "error" not in message, message
        return message["result"]

    def call(self, method, session=None, **params):
        return self.answer(self.tell(method, session, **params))

    def _read(self):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.reading], [], [], max(0, end - time.monotonic()))
            assert ready, "chromium says nothing"
            data = os.read(self.reading, 1 << 16)
            assert data, "chromium ended: " + (self.home / "chromium.log").read_text()[-2000:]
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(line)

    def open(self, urls):
        """What becomes of each, all at once: "net::ERR_..." or ""."""
        tabs = [self.call("Target.createTarget", url="about:blank")["targetId"] for _ in urls]
        sessions = [self.call("Target.attachToTarget", targetId=t, flatten=True)["sessionId"]
                    for t in tabs]
        asked = [self.tell("Page.navigate", s, url=u) for s, u in zip(sessions, urls)]
        errors = [self.answer(number).get("errorText", "") for number in asked]
        for tab in tabs:
            self.call("Target.closeTarget", targetId=tab)
        return errors

    def close(self):
        with contextlib.suppress(OSError, AssertionError):
            self.call("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.reading)
        os.close(self.writing)
        self.log.close()
