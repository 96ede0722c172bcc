# SPDX-License-Identifier: ISC
"""At the end: every file that any mitmd of this run has left."""
import shutil

import pytest

from env.har import Har, validate
from env.mitmd import Mitmd


@pytest.fixture(scope="module")
def files():
    found = [path for path in dict.fromkeys(Mitmd.hars) if path.exists()]
    if not found:
        pytest.skip("no other test has run")
    return found


def test_every_har_parses_and_adds_up(files):
    for path in files:
        assert Har([path]) is not None


@pytest.mark.skipif(not shutil.which("node"), reason="no node")
def test_every_har_validates_against_the_published_schema(files):
    problems = [p for i in range(0, len(files), 200) for p in [validate(files[i:i + 200])] if p]
    assert not problems, "\n".join(problems)[:4000]
