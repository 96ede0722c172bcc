# SPDX-License-Identifier: ISC
"""disk.py - small disks, readers that look at a spool while it is written, clients that
never stop.
"""
import contextlib
import subprocess
import threading
import time

import pytest

from env.har import load_part
from env.origin import pattern


def mount(*args):
    return subprocess.run(["mount", *map(str, args)], capture_output=True, text=True,
                          check=False)


class Disk:
    """A small tmpfs."""

    def __init__(self, path, size):
        path.mkdir()
        self.path = path
        self.filler = path / "filler"
        done = mount("-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", path)
        if done.returncode != 0:
            pytest.skip(f"no tmpfs can be mounted: {done.stderr.strip()}")

    def fill(self):
        """Up to the last page."""
        with open(self.filler, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 65536):
                pass

    def free(self):
        self.filler.unlink()

    def unmount(self):
        subprocess.run(["umount", "-l", str(self.path)], check=True)


class Watch:
    """Reads every file of a spool again and again as its readers are told to."""

    def __init__(self, spool):
        self.spool = spool
        self.looks = 0
        self.torn = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def look(self):
        for path in [*self.spool.glob("*/*.har"), *self.spool.glob("*/*.part")]:
            try:
                load_part(path)
                self.looks += 1
            except FileNotFoundError:
                pass		# finished, or deleted, between the listing and now
            except ValueError as error:
                self.torn.append((path.name, str(error)))

    def _run(self):
        while not self.done.is_set():
            with contextlib.suppress(FileNotFoundError):
                self.look()
            time.sleep(0.001)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.done.set()
        self.thread.join()
        if exc[0] is None:
            self.look()
            assert not self.torn, self.torn[:5]


class Traffic:
    """Clients that never stop asking; each answer has to be whole."""

    def __init__(self, mitmd, origin, tags, size):
        self.wrong = []
        self.answers = 0
        self.done = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(mitmd, origin, tag, size))
                        for tag in tags]

    def _run(self, mitmd, origin, tag, size):
        try:
            with mitmd.secure(origin.authority, tag) as wire:
                while not self.done.is_set():
                    answer = wire.ask(f"GET /bytes/{size} HTTP/1.1\r\n"
                                      f"Host: {origin.authority}\r\n\r\n")
                    assert answer.status == 200 and answer.body == pattern(size)
                    self.answers += 1
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.done.set()
        for thread in self.threads:
            thread.join()
        if exc[0] is None:
            assert not self.wrong, self.wrong
