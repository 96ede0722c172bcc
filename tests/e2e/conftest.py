# SPDX-License-Identifier: ISC
"""Fixtures: programs live as long as a module's tests, tags as long as one test."""
import itertools
import os
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from env.certs import Certs  # noqa: E402
from env.disk import Disk  # noqa: E402
from env.mitmd import Mitmd  # noqa: E402
from env.nginx import Nginx  # noqa: E402
from env.origin import Origin  # noqa: E402


NUMBERS = itertools.count()	# many names begin alike


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    return Certs(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="session")
def roots(certs):
    """The file that mitmd's origin.ca names."""
    return certs.root.cert


@pytest.fixture(scope="module")
def start_mitmd(tmp_path_factory, roots):
    """start_mitmd(config, start=True): instances that end with the module."""
    made = []

    def start(config=None, start=True):
        made.append(Mitmd(tmp_path_factory.mktemp("mitmd"), roots, config))
        return made[-1].start() if start else made[-1]
    yield start
    finish(made)


def finish(made):
    """Close all, then complain of the first that could not."""
    trouble = []
    for mitmd in made:
        if mitmd.process is None or mitmd not in Mitmd.running:
            continue
        try:
            mitmd.close()
        except Exception as error:  # pylint: disable=broad-except
            trouble.append((error, mitmd.log[-30:]))
    assert not trouble, trouble


@pytest.fixture
def own_mitmd(tmp_path_factory, roots):
    """The same for tests that hurt their mitmd: ends with the test."""
    made = []

    def start(config=None, start=True):
        made.append(Mitmd(tmp_path_factory.mktemp("mitmd"), roots, config))
        return made[-1].start() if start else made[-1]
    yield start
    finish(made)


@pytest.fixture
def disk(tmp_path):
    """disk(size): a file system that ends with the test, after its mitmd."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    made = []

    def make(size):
        made.append(Disk(tmp_path / "disk", size))
        return made[-1]
    yield make
    for one in made:
        one.unmount()


@pytest.fixture
def on_disk(disk, own_mitmd):
    """on_disk(size): a mitmd whose spool is on a disk of its own, and that disk."""
    def start(size, spool=None):
        made = disk(size)
        mitmd = own_mitmd({"spool": spool or {}}, start=False)
        mitmd.spool = made.path / "spool"
        mitmd.config["spool"]["dir"] = str(mitmd.spool)
        mitmd.write(mitmd.config)
        return mitmd.start(), made
    return start


@pytest.fixture(scope="module")
def mitmd(start_mitmd):
    """The mitmd most tests of a module share."""
    return start_mitmd()


@pytest.fixture
def start_origin():
    made = []

    def start(*args, **more):
        made.append(Origin(*args, **more))
        return made[-1]
    yield start
    for origin in made:
        origin.close()


@pytest.fixture
def origin(start_origin):
    """A plain http origin."""
    return start_origin()


@pytest.fixture
def secure_origin(start_origin, certs):
    """An https origin with a good certificate."""
    return start_origin(certs.leaf("good"))


@pytest.fixture
def start_h2(certs):
    """Origins of HTTP/2; secure=False: with prior knowledge."""
    from env.h2_peer import Origin2  # pylint: disable=import-outside-toplevel
    made = []

    def start(secure=True, **more):
        made.append(Origin2(certs.leaf("good") if secure else None, **more))
        return made[-1]
    yield start
    for origin in made:
        origin.close()
    trouble = [t for o in made for c in o.connections for t in c.trouble]
    assert not trouble, trouble


@pytest.fixture
def h2_origin(start_h2):
    return start_h2()


@pytest.fixture
def frames_origin(certs):
    """frames_origin(script): an origin of frames by hand."""
    from env.h2_frames import FramesOrigin  # pylint: disable=import-outside-toplevel
    made = []

    def start(script):
        made.append(FramesOrigin(certs.leaf("good"), script))
        return made[-1]
    yield start
    for origin in made:
        origin.close()


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, certs):
    nginx = Nginx(tmp_path_factory.mktemp("nginx") / "prefix", certs.leaf("good"))
    yield nginx
    nginx.close()


@pytest.fixture
def tag(request):
    """A tag of this test's own, so that its recording is too."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", request.node.name).strip("-.")
    return name[:48].rstrip("-.") + f"-{next(NUMBERS):04d}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what every running mitmd has logged."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for mitmd in item.funcargs.values():
        if isinstance(mitmd, Mitmd):
            report.sections.append(("mitmd's log", "\n".join(mitmd.log[-80:])))
    for mitmd in Mitmd.running:
        if mitmd not in item.funcargs.values():
            report.sections.append((f"log in {mitmd.directory}", "\n".join(mitmd.log[-80:])))
