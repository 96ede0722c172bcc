# SPDX-License-Identifier: ISC
"""chromium.py - the real browser without a window, told what to do over DevTools' pipe."""
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import time

from .curl import clean_environment

PROGRAM = shutil.which("chromium")
SWITCHES = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
            "--disable-field-trial-config", "--disable-features=OptimizationHints,MediaRouter",
            "--no-default-browser-check", "--remote-debugging-pipe"]
PATIENCE = 60


def missing():
    return PROGRAM is None or shutil.which("certutil") is None


class Chromium:
    """Trusts the certificates in `roots` (files of one each), and nothing else."""

    def __init__(self, home, roots, proxy=None):
        self.home = home
        self._trust(roots)
        way = ([f"--proxy-server=http://{proxy}", "--proxy-bypass-list=<-loopback>"] if proxy
               else ["--no-proxy-server"])
        mine, its_out = os.pipe()
        its_in, to_it = os.pipe()
        self.log = open(home / "chromium.log", "wb")	# pylint: disable=consider-using-with
        # the pipe has to be descriptors 3 and 4
        self.process = subprocess.Popen(
            ["sh", "-c", f"exec 3<&{its_in} 4>&{its_out} \"$@\"", "sh", PROGRAM, *SWITCHES, *way,
             f"--user-data-dir={home}/profile", "about:blank"],
            pass_fds=[its_in, its_out], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, env=clean_environment(HOME=str(home)), start_new_session=True)
        os.close(its_in)
        os.close(its_out)
        self.reading, self.writing = mine, to_it
        self.buffer = b""
        self.numbers = itertools.count(1)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]

    def _trust(self, roots):
        store = self.home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        subprocess.run(["certutil", "-N", "-d", f"sql:{store}", "--empty-password"], check=True)
        for number, root in enumerate(roots):
            subprocess.run(["certutil", "-A", "-d", f"sql:{store}", "-n", f"root {number}", "-t",
                            "C,,", "-i", str(root)], check=True)

    def call(self, method, session=None, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

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

    def open(self, url):
        """"net::ERR_..." or "" when there was an answer."""
        return self.call("Page.navigate", self.session, url=url).get("errorText", "")

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
