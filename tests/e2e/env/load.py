# SPDX-License-Identifier: ISC
"""load.py - many clients at work while something happens to mitmd, each request with
an address of its own, so that afterwards every one of them is looked for.
"""
import collections
import itertools
import ssl
import threading
import time

from .h2_peer import Client2
from .mitmd import PATIENCE, wait_for
from .wire import Closed

FAILURES = (OSError, Closed, AssertionError, ssl.SSLError)


class Client(threading.Thread):
    """Requests one after another until told to end."""

    think = 0			# seconds before it goes on: a client's own pace

    def __init__(self, mitmd, origin, tag, name):
        super().__init__(daemon=True)
        self.mitmd, self.origin, self.tag, self.label = mitmd, origin, tag, name
        self.done = threading.Event()
        self.asked = 0
        self.good = []		# URLs
        self.failed = []	# (URL, why)
        self.gaps = []		# seconds from a failure to the next success
        self.count = itertools.count()

    def run(self):
        trouble = None
        while not self.done.is_set():
            path = f"/hello?{self.label}-{next(self.count)}"
            try:
                self.ask(path)
            except FAILURES as error:
                self.failed.append((self.origin.url(path), repr(error)))
                self.drop()
                trouble = trouble or time.monotonic()
            else:
                self.good.append(self.origin.url(path))
                if trouble is not None:
                    self.gaps.append(time.monotonic() - trouble)
                trouble = None
            self.asked += 1
            if self.think:
                self.done.wait(self.think)
        self.drop()

    def ask(self, path):
        raise NotImplementedError

    def drop(self):
        """The connection is of no more use."""


class Keep(Client):
    """HTTP/1 on one connection for as long as the proxy keeps it."""

    method, body = "GET", b""
    wire = None

    def ask(self, path):
        if self.wire is None:
            self.wire = self.open()
        request = (f"{self.method} {self.target(path)} HTTP/1.1\r\n"
                   f"Host: {self.origin.authority}\r\n{self.fields()}\r\n")
        self.wire.send(request.encode() + self.body)
        response = self.wire.read_final_response(self.method)
        assert (response.status, response.body) == (200, b"hello\n"), response
        if (response.get("Connection") or "").lower() == "close":
            assert self.wire.at_end()
            self.drop()

    def open(self):
        return self.mitmd.secure(self.origin.authority, self.tag)

    @staticmethod
    def target(path):
        return path

    def fields(self):
        return f"Content-Length: {len(self.body)}\r\n" if self.body else ""

    def drop(self):
        if self.wire is not None:
            self.wire.close()
        self.wire = None


class Fresh(Keep):
    """A connection for each."""

    def ask(self, path):
        super().ask(path)
        self.drop()


class LatePost(Keep):
    """A POST on a connection that was idle for a moment: nobody may send it again."""

    method, body, think = "POST", b"x" * 100, 0.05


class Plain(Keep):
    """http:// on the proxy hop."""

    def open(self):
        return self.mitmd.dial()

    def target(self, path):		# pylint: disable=arguments-differ
        return self.origin.url(path)

    def fields(self):
        from .wire import basic	 # pylint: disable=import-outside-toplevel
        return f"Proxy-Authorization: {basic(self.tag)}\r\n"


class Two(Client):
    """HTTP/2, until the proxy says that it goes away."""

    client = None

    def ask(self, path):
        if self.client is not None and self.client.goaway is not None:
            self.drop()
        if self.client is None:
            wire = self.mitmd.secure(self.origin.authority, self.tag,
                                     context=self.mitmd.context(("h2",)))
            self.client = Client2(wire, self.origin.authority)
        stream = self.client.request(path)
        self.client.until(lambda: stream.over)
        assert stream.reset is None and stream.body == b"hello\n", stream.reset

    def drop(self):
        if self.client is not None:
            self.client.close()
        self.client = None


class Load:
    """with Load(mitmd, tag, (Keep, origin), ...) as load: ..."""

    def __init__(self, mitmd, tag, *kinds):
        self.mitmd, self.tag = mitmd, tag
        self.clients = [kind(mitmd, origin, tag, f"{kind.__name__}{i}")
                        for i, (kind, origin) in enumerate(kinds)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        self.wait_more(2)
        return self

    def __exit__(self, *exc):
        for client in self.clients:
            client.done.set()
        for client in self.clients:
            client.join(PATIENCE)
            assert not client.is_alive(), f"{client.label} hangs"

    def wait_more(self, n):
        """Until each client has asked n times more."""
        goals = [(client, client.asked + n) for client in self.clients]
        wait_for(lambda: all(client.asked >= goal for client, goal in goals),
                 f"{n} more requests of each client", 4 * PATIENCE)

    @property
    def good(self):
        return [url for client in self.clients for url in client.good]

    @property
    def failed(self):
        return [each for client in self.clients for each in client.failed]

    def slowest(self):
        return max((gap for client in self.clients for gap in client.gaps), default=0)

    def check_recorded(self):
        """
        Each request that went well is in the HARs once and whole; each that did not
        is there once or, if its head had not arrived, not at all. Returns entries
        with an error.
        """
        good = set(self.good)
        tried = good | {url for url, _ in self.failed}

        def complete(har):
            return len({e.url for e in har.entries if not e.error} & good) == len(good)
        har = self.mitmd.har(self.tag, complete)
        asked = [e for e in har.entries if e["request"]["method"] != "CONNECT"]
        times = collections.Counter(e.url for e in asked)
        assert not [url for url in good if times[url] != 1]
        assert not [url for url, n in times.items() if n != 1 or url not in tried]
        return [e for e in asked if e.error]
