# SPDX-License-Identifier: ISC
"""cgroup.py - a mitmd that may use so much memory and no more, as with MemoryMax= in its unit."""
import os
import pathlib
import re
import threading

import pytest

ROOT = pathlib.Path("/sys/fs/cgroup")


class Memory:
    """A control group of version 1 or 2, made by hand: there may be no systemd."""

    def __init__(self, limit):
        old = ROOT / "memory"
        self.old = (old / "memory.limit_in_bytes").exists()
        self.path = (old if self.old else ROOT) / f"mitmd-test-{os.getpid()}-{id(self)}"
        self.peak = {}
        try:
            if not self.old and "memory" not in (ROOT / "cgroup.subtree_control").read_text():
                (ROOT / "cgroup.subtree_control").write_text("+memory")
            self.path.mkdir()
            limit_in = "memory.limit_in_bytes" if self.old else "memory.max"
            (self.path / limit_in).write_text(str(limit))
        except OSError as error:
            pytest.skip(f"no control group for memory can be made: {error}")
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    @property
    def under(self):
        """What a program is run by, so that it and its children are in it."""
        return ("sh", "-c", f'echo $$ >{self.path}/cgroup.procs && exec "$@"', "sh")

    def _watch(self):
        """What cannot be given back: the cache of files is as large as it may be."""
        names = ("total_rss", "total_shmem") if self.old else ("anon", "shmem")
        while not self.done.wait(0.05):
            text = (self.path / "memory.stat").read_text()
            now = {n: int(found[1]) for n in names if (found := re.search(rf"^{n} (\d+)$", text, re.M))}
            now["both"] = sum(now.values())
            for name, value in now.items():
                self.peak[name] = max(value, self.peak.get(name, 0))

    @property
    def killed(self):
        text = (self.path / ("memory.oom_control" if self.old else "memory.events")).read_text()
        return int(re.search(r"^oom_kill (\d+)$", text, re.M)[1])

    def close(self):
        """When nobody is in it any more."""
        self.done.set()
        self.thread.join()
        self.path.rmdir()
