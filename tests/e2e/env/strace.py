# SPDX-License-Identifier: ISC
"""strace.py - system calls of a running process that fail as they are told to, or are
written down.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading

import pytest

from .mitmd import PATIENCE


def need_strace():
    """Others' processes can be traced by root; and by nobody in some containers."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    if os.geteuid() != 0:
        pytest.skip("the recorder can be traced by root only")
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False,
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"nothing can be traced here: {done.stderr.strip()}")


class Strace:
    """
    While in the context, process `pid` and its threads are traced.
    inject: "pwritev:error=ENOSPC:when=1".
    """

    def __init__(self, pid, calls, inject=None, more=()):
        self.file = pathlib.Path(tempfile.mkstemp(prefix="mitmd-strace-")[1])
        self.command = ["strace", "-f", "-p", str(pid), "-o", str(self.file),
                        "-e", f"trace={calls}", *more]
        if inject:
            self.command += ["-e", f"inject={inject}"]
        self.attached = threading.Event()
        self.said = []
        self.process = self.reader = None

    def _read(self):
        for line in self.process.stderr:
            self.said.append(line)
            if " attached" in line:
                self.attached.set()
        self.attached.set()

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        assert self.attached.wait(PATIENCE) and self.process.poll() is None, self.said
        return self

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
        self.reader.join()
        self.text = self.file.read_text(errors="replace")
        self.file.unlink()

    @property
    def injected(self):
        return len(re.findall(r"\(INJECTED\)", self.text))
