# SPDX-License-Identifier: ISC
"""disk.py - small disks, readers that look at a spool while it is written, clients that
never stop.
"""
import contextlib
import os
import subprocess
import threading
import time

import pytest

from env.har import load_part
from env.origin import pattern


def run(*args):
    """None, or why it did not work."""
    try:
        done = subprocess.run([*map(str, args)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return f"{args[0]} is not installed"
    return None if done.returncode == 0 else f"{args[0]}: {done.stderr.strip()}"


def need(*args):
    why = run(*args)
    if why:
        pytest.skip(why)


# What mkfs needs at least, and how to ask it for a file system in a file.
IMAGES = {
    "ext2": (8 << 20, ["mkfs.ext2", "-q", "-F", "-m", "0"]),
    "ext4": (8 << 20, ["mkfs.ext4", "-q", "-F", "-m", "0"]),
    "xfs": (300 << 20, ["mkfs.xfs", "-q", "-f"]),
    "btrfs": (128 << 20, ["mkfs.btrfs", "-q", "-f"]),
}
KIND = os.environ.get("MITMD_DISK", "tmpfs")


class Disk:
    """
    A small file system. MITMD_DISK: which one: tmpfs, one of IMAGES (in a file; not smaller
    than it can be), overlay (on a tmpfs), bindfs (by FUSE, on a tmpfs: it has no unnamed
    files, as NFS).
    """

    def __init__(self, path, kind=KIND):
        self.path = path
        self.kind = kind
        self.below = path.with_name(f"{path.name}-below")
        self.filler = path / "filler"
        self.mounted = []

    def mount(self, size):
        """Skips the test where it cannot."""
        self.path.mkdir()
        if self.kind == "tmpfs":
            self._mount(self.path, "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs")
        elif self.kind in IMAGES:
            self._image(size)
        else:
            self._upon(size)
        self.path.chmod(0o755)

    def _mount(self, path, *args):
        need("mount", *args, path)
        self.mounted.append(path)

    def _image(self, size):
        least, mkfs = IMAGES[self.kind]
        size = max(least, int(size[:-1]) << 20)
        image = self.path.with_name(f"{self.path.name}.img")
        with open(image, "wb") as file:
            file.truncate(size)
        need(*mkfs, image)
        self._mount(self.path, "-t", self.kind, "-o", "loop", image)

    def _upon(self, size):
        self.below.mkdir()
        self._mount(self.below, "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs")
        for name in ("lower", "upper", "work"):
            (self.below / name).mkdir()
        self.filler = self.below / "filler"
        if self.kind == "overlay":
            self._mount(self.path, "-t", "overlay", "-o", ",".join(
                f"{option}dir={self.below / option}" for option in ("lower", "upper", "work")),
                "overlay")
        else:
            need(self.kind, self.below / "upper", self.path)
            self.mounted.append(self.path)

    def fill(self):
        """Up to the last page."""
        step = 64 << 20
        with open(self.filler, "wb", buffering=0) as file:
            while step >= 4096:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), step)
                except OSError:
                    step //= 2

    def free(self):
        self.filler.unlink()

    def unmount(self):
        for path in reversed(self.mounted):
            subprocess.run(["umount", "-l", str(path)], check=True)


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
        self.lock = threading.Lock()
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
                    with self.lock:
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
