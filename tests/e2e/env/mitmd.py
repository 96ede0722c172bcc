# SPDX-License-Identifier: ISC
"""mitmd.py - the program under test: started, watched, asked for its HARs."""
import contextlib
import getpass
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import threading
import time

from .curl import Curl, clean_environment
from .har import Har
from .wire import TIMEOUT, dial

TOP = pathlib.Path(__file__).resolve().parents[3]
SANITIZED = os.environ.get("MITMD_SANITIZED") == "1"
PATIENCE = TIMEOUT
# What a healthy process never says.
DEFECTS = re.compile(r"Sanitizer|runtime error:|CHECK failed|assertion|Assertion|stack smashing")


def binary():
    """$MITMD, else a build in ./build, else one in the tree."""
    named = os.environ.get("MITMD")
    if named:
        return pathlib.Path(named).resolve()
    for place in (TOP / "build" / "mitmd", TOP / "mitmd"):
        if place.exists():
            return place
    raise FileNotFoundError("no mitmd was built; set MITMD=/path/to/mitmd")


def merge(base, more):
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value
    return base


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def title(pid):
    """What top(1) shows: "mitmd-worker 0"."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def wait_for(condition, what, timeout=PATIENCE):
    """Poll for what has no event to wait on: other processes and their files."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {timeout} s in vain for {what}"
        time.sleep(0.01)


class Mitmd:
    """One running mitmd with its own CA and spool."""

    running = []
    hars = []		# every file any instance has left, for the last test of the run

    def __init__(self, directory, roots, config=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ca_dir = self.directory / "ca"
        self.spool = self.directory / "spool"
        self.file = self.directory / "mitmd.yaml"
        self.config = merge({
            "listen": "127.0.0.1:0",
            "workers": 2,
            "control": str(self.directory / "control.sock"),
            "user": getpass.getuser(),
            "ca": {"dir": str(self.ca_dir)},
            "spool": {"dir": str(self.spool), "min_free": "off"},	# the machine may be full
            "origin": {"ca": [str(roots)]},
            "log": {"flows": "all"},
        }, config or {})
        self.write(self.config)
        self.environment = {}
        self.under = ()		# a command to run it, as unshare
        self.planted = False	# the test put files into the spool
        self.process = None
        self.log = []
        self.news = threading.Condition()

    def write(self, config):
        """JSON is YAML. In one step: a reload that is under way reads the old or the new one."""
        text = config if isinstance(config, str) else json.dumps(config, indent=4) + "\n"
        made = self.file.with_suffix(".new")
        made.write_text(text)
        made.replace(self.file)

    # -- life ------------------------------------------------------------------
    @staticmethod
    def call(*args, **more):
        """Run to the end, as for -t."""
        return subprocess.run([binary(), *map(str, args)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False,
                              env=clean_environment(), **more)

    def ctl(self, *args, under=()):
        """mitmctl with our configuration; under: a command to run it, as setpriv."""
        return subprocess.run([*under, binary().with_name("mitmctl"), "-c", self.file, *map(str, args)],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=PATIENCE, check=False, env=clean_environment())

    def launch(self):
        """What a start has of its own beside this: options of Popen."""
        return {"args": [*self.under, binary(), "-c", str(self.file)],
                "env": {**clean_environment(), **self.environment}}

    def spawn(self):
        """Start without waiting for anything."""
        self.log = []
        self.process = subprocess.Popen(
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            cwd=self.directory, start_new_session=True, **self.launch())
        Mitmd.running.append(self)
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        return self

    def start(self):
        self.spawn()
        found = self.wait_log(r"listening on (\S+):(\d+)")
        self.host, self.port = found[1].strip("[]"), int(found[2])
        self.wait_log(r"\bready\b")
        return self

    def _read_log(self):
        for line in self.process.stderr:
            with self.news:
                self.log.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def log_text(self):
        return "\n".join(self.log)

    def wait_log(self, pattern, start=0, timeout=PATIENCE):
        """
        The first line from start on that matches; fails when mitmd ends before. Lines of
        flows are among them, some come late, and tags are the names of tests.
        """
        looked = start
        end = time.monotonic() + timeout
        with self.news:
            while True:
                while looked < len(self.log):
                    found = re.search(pattern, self.log[looked])
                    if found:
                        return found
                    looked += 1
                assert self.reader.is_alive(), f"mitmd ended without saying {pattern!r}"
                left = end - time.monotonic()
                assert left > 0, f"mitmd never said {pattern!r}"
                self.news.wait(min(left, 0.5))

    def tell(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """Ask it to end and return its exit code."""
        if self.process.poll() is None:
            self.tell(number)
        return self.gone()

    def gone(self, timeout=PATIENCE):
        """Wait for the end of the master and of its log."""
        code = self.process.wait(timeout)
        self.reader.join(timeout)
        if self in Mitmd.running:
            Mitmd.running.remove(self)
        if not self.planted:
            Mitmd.hars += sorted(self.spool.rglob("*.har"))
        return code

    def close(self):
        """The end of a fixture: an orderly exit, and no defect in the log."""
        try:
            code = self.stop()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert code == 0, f"exit code {code}"
        defects = [line for line in self.log if DEFECTS.search(line)]
        assert not defects, defects

    def kill(self):
        pids = [self.process.pid, *children(self.process.pid)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.gone()

    # -- processes ---------------------------------------------------------------
    def pids(self, role):
        """Living processes of a role, oldest first."""
        found = [p for p in children(self.process.pid) if alive(p) and title(p).startswith(f"mitmd-{role}")]
        return sorted(found)

    def memory(self, pid):
        """Resident bytes, shared mappings left out."""
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", text)[1]) * 1024

    # -- as a proxy --------------------------------------------------------------
    @property
    def ca(self):
        return self.ca_dir / "mitmd-ca-cert.pem"

    @property
    def proxy(self):
        return f"{self.host}:{self.port}"

    def curl(self, tag=None):
        return Curl(self.proxy, self.ca, tag)

    def dial(self):
        return dial(self.host, self.port)

    def tunnel(self, authority, tag=None):
        """A CONNECT that succeeded."""
        wire = self.dial()
        response = wire.connect(authority, tag)
        assert response.status == 200, response
        return wire

    def context(self, alpn=("http/1.1",)):
        """What a client that trusts our CA has."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def secure(self, authority, tag=None, name="localhost", context=None, session=None):
        """CONNECT and TLS: a Wire inside of both."""
        return self.tunnel(authority, tag).start_tls(context or self.context(), name, session)

    # -- recordings --------------------------------------------------------------
    def files(self, tag, pattern="*.har"):
        return sorted((self.spool / tag).glob(pattern))

    def har(self, tag, until=bool):
        """
        The finished recording of a tag, once until(har) holds: an exchange that
        breaks ends when mitmd notices, not when the client does.
        """
        def look():
            self.tell(signal.SIGUSR1)
            quiet = time.monotonic() + 1
            while time.monotonic() < quiet:
                if self.files(tag) and not self.files(tag, "*.part"):
                    har = Har(self.files(tag))
                    if until(har):
                        return har
                time.sleep(0.01)
            return None
        return wait_for(look, f"the recording of {tag}")

    def entry(self, tag, url):
        """The one entry of that URL (or its end)."""
        return self.har(tag, lambda har: har.find(url)).one(url)
