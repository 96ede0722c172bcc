# SPDX-License-Identifier: ISC
"""The spool on other file systems, as far as this machine can mount them: recorded in files
that can be read at any time, a full disk, a killed recorder.  More on one of them:
MITMD_DISK=xfs, with test_70, 71 and 90.
"""
import os
import signal

import pytest

from env.disk import IMAGES, Traffic, Watch
from env.mitmd import wait_for
from env.origin import pattern

LARGE = 9 << 20		# a file of its own
KINDS = ["tmpfs", *IMAGES, "overlay", "bindfs"]


@pytest.mark.parametrize("kind", KINDS)
def test_records(on_disk, secure_origin, tag, kind):
    mitmd, disk = on_disk("64m", {"rotate_size": "64K"}, kind=kind)
    body = pattern(LARGE)
    secure_origin.route("/large", lambda x: x.answer(body=body))
    with Watch(mitmd.spool) as watch:
        with Traffic(mitmd, secure_origin, [f"{tag[:50]}.a", f"{tag[:50]}.b"], 3000) as traffic:
            mitmd.curl(tag).ok(secure_origin.url("/large"))
            assert mitmd.entry(tag, "/large").body() == body
            wait_for(lambda: len(mitmd.files(f"{tag[:50]}.a")) > 2, "finished files")
            recorder = mitmd.pids("recorder")[0]
            os.kill(recorder, signal.SIGKILL)
            seen = traffic.answers
            wait_for(lambda: traffic.answers > seen + 50, "traffic behind the kill")
    assert watch.looks > 0

    def found():
        return sum(len(mitmd.har(f"{tag[:50]}.{which}", lambda har: len(har) > 0))
                   for which in "ab")
    wait_for(lambda: found() >= traffic.answers, "all entries")
    assert found() == traffic.answers, "each exactly once"
    assert not [l for l in mitmd.log if "lost" in l or "cannot" in l], disk.kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk(on_disk, secure_origin, tag, kind):
    mitmd, disk = on_disk("8m", kind=kind)
    with Watch(mitmd.spool):
        with Traffic(mitmd, secure_origin, [tag, tag + "-b"], 2000) as traffic:
            wait_for(lambda: mitmd.files(tag, "*.part"), "a file that grows")
            disk.fill()
            mitmd.wait_log("cannot be written: No space left")
            seen = traffic.answers
            wait_for(lambda: traffic.answers > seen + 50, "traffic on a full disk")
            mark = len(mitmd.log)
            disk.free()
            mitmd.wait_log("is written again", mark)
        mitmd.curl(tag).ok(secure_origin.url("/hello?after"))
        assert mitmd.entry(tag, "/hello?after").status == 200
