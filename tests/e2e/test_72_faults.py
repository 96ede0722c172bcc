# SPDX-License-Identifier: ISC
"""Each call of the recorder that has to do with a file fails, while traffic goes on: every
file parses at any time, what is missing was said, and all goes on by itself.
MITMD_LONG=1: every error at every call.
"""
import os
import re
import signal

import pytest

from env.disk import Watch
from env.har import Har
from env.mitmd import alive, wait_for
from env.origin import pattern
from env.strace import Strace, need_strace

SAID = re.compile(r"(are|were) lost|cannot (write|finish|repair)")
LONG = os.environ.get("MITMD_LONG") == "1"
# What each of them is told is a thing that it may be told.
CALLS = {
    "pwritev": ["ENOSPC", "EIO", "EDQUOT", "EFBIG"],
    "pwrite64": ["ENOSPC", "EIO", "EDQUOT", "EROFS"],
    "fallocate": ["ENOSPC", "EDQUOT", "EIO", "EOPNOTSUPP"],
    "ftruncate": ["EIO", "EROFS"],
    "fdatasync": ["EIO", "ENOSPC", "EDQUOT"],
    "fsync": ["EIO", "ENOSPC"],
    "openat": ["EROFS", "EMFILE", "EACCES", "ENOSPC", "ENOENT", "EIO"],
    "linkat": ["EIO", "ENOSPC", "EROFS", "EDQUOT", "EEXIST"],
    "renameat2": ["EIO", "EROFS", "ENOSPC", "EEXIST"],
    "unlinkat": ["EROFS", "EIO"],
    "mkdirat": ["ENOSPC", "EROFS", "EDQUOT", "EIO"],
    "flock": ["ENOLCK", "EIO", "EWOULDBLOCK"],
    "fchmod": ["EPERM", "EROFS"],
    "pread64": ["EIO"],
    "%fstat": ["EIO"],
    "%statfs": ["EIO"],
}


@pytest.fixture(scope="module")
def traced(start_mitmd):
    need_strace()
    return start_mitmd({"spool": {"rotate_size": "20K"}})


class Case:
    """Requests of two tags, a new one each time, and what became of them."""

    def __init__(self, mitmd, origin, tag):
        self.mitmd, self.origin = mitmd, origin
        self.tags = [f"{tag[:50]}.a", f"{tag[:50]}.b"]
        self.asked = {tag: [] for tag in self.tags}
        self.mark = len(mitmd.log)
        self.recorder = mitmd.pids("recorder")[0]

    def ask(self, path, size=3000):
        for tag in self.tags:
            url = self.origin.url(f"/sized?{path}")
            self.origin.route("/sized", lambda x: x.answer(body=pattern(size)))
            assert self.mitmd.curl(tag).ok(url).status == 200
            self.asked[tag].append(url)

    def news(self):
        """Of losses of single tags the log speaks once a minute, at most."""
        return [line for line in self.mitmd.log if SAID.search(line)]

    def work(self):
        """Begin files, fill one up, finish all."""
        self.ask("first")
        self.ask("second", 30000)
        self.ask("third")
        self.mitmd.tell(signal.SIGUSR1)
        self.ask("fourth")
        self.mitmd.wait_log("finished [0-9]+ HAR files", self.mark)

    def recorded(self):
        """Asked once more, and finished: then the last entries are in files, or were lost."""
        self.ask(f"after-{len(self.asked[self.tags[0]])}")
        mark = len(self.mitmd.log)
        self.mitmd.tell(signal.SIGUSR1)
        self.mitmd.wait_log("finished [0-9]+ HAR files", mark)
        hars = {}
        for tag, urls in self.asked.items():
            hars[tag] = Har(self.mitmd.files(tag))
            if not hars[tag].find(urls[-1]) or self.mitmd.files(tag, "*.part"):
                return None
        return hars

    def check(self):
        """All goes on, by the same recorder; what is missing was said."""
        hars = wait_for(self.recorded, "recordings after the fault")
        assert alive(self.recorder) and self.mitmd.pids("recorder") == [self.recorder]
        for tag, urls in self.asked.items():
            found = [e.url for e in hars[tag].entries]
            assert len(found) == len(set(found)), "an entry is there twice"
            missing = [url for url in urls if url not in found]
            assert not missing or self.news(), f"nothing was said of {missing}"


def run(mitmd, origin, tag, call, error, when):
    case = Case(mitmd, origin, tag)
    with Watch(mitmd.spool):
        with Strace(case.recorder, call, f"{call}:error={error}:when={when}") as strace:
            case.work()
        case.check()
    return strace.injected


def cases():
    """Each call once with its first error, and with another one from then on."""
    for call, errors in CALLS.items():
        yield pytest.param(call, errors[0], "1", id=f"{call[-9:]}-{errors[0]}")
        if call in ("pwritev", "fallocate", "openat", "linkat", "renameat2"):
            yield pytest.param(call, errors[1], "2+", id=f"{call}-{errors[1]}-lasts")


@pytest.mark.parametrize("call, error, when", cases())
def test_one_call_fails(traced, secure_origin, tag, call, error, when):
    injected = run(traced, secure_origin, tag, call, error, when)
    if call not in ("unlinkat", "pread64", "flock", "%statfs"):
        assert injected > 0, "it was never called"


@pytest.mark.skipif(not LONG, reason="takes many minutes: MITMD_LONG=1")
@pytest.mark.parametrize("call", CALLS)
def test_every_call_fails(traced, secure_origin, tag, call):
    for error in CALLS[call]:
        for lasts in ("", "+"):
            when = 1
            while run(traced, secure_origin, f"{when}{lasts and 'on'}.{error}.{tag}"[:50], call,
                      error, f"{when}{lasts}") and when < 40:
                when += 1
