# SPDX-License-Identifier: ISC
"""Chromium shows the same error through mitmd as without it."""
import pytest

from env import chromium
from env.bad_origins import BY_LABEL, World
from env.chromium import Chromium
from env.tls_clients import bracket
from env.tls_origins import Origins

pytestmark = pytest.mark.skipif(chromium.missing(), reason="no chromium, or no certutil")

# What each row is alone, so that nobody compares one accident with another.
ROWS = {
    "good": "", "wildcard": "", "idn": "", "ip": "", "no-subject": "", "sans-1000": "",
    "no-aki": "", "cross-signed": "", "must-staple": "",
    "expired": "DATE_INVALID", "expired-middle": "DATE_INVALID", "future": "DATE_INVALID",
    "wrong-name": "COMMON_NAME_INVALID", "cn-only": "COMMON_NAME_INVALID",
    "ip-wrong": "COMMON_NAME_INVALID", "wild-many-labels": "COMMON_NAME_INVALID",
    "expired-wrong-name": "COMMON_NAME_INVALID",
    "self": "AUTHORITY_INVALID", "self-ca": "AUTHORITY_INVALID",
    "self-expired": "AUTHORITY_INVALID", "self-wrong-name": "AUTHORITY_INVALID",
    "untrusted-root": "AUTHORITY_INVALID", "untrusted-middle": "AUTHORITY_INVALID",
    "untrusted-leaf": "AUTHORITY_INVALID", "incomplete": "AUTHORITY_INVALID",
    "own-ca-sent": "AUTHORITY_INVALID",
    "rsa1024": "", "sha1": "INVALID", "bad-signature": "AUTHORITY_INVALID",
    "critical": "INVALID", "eku-client": "INVALID", "middle-not-ca": "INVALID",
    "staple-good": "", "staple-revoked": "REVOKED",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("authorities"))


@pytest.fixture(scope="module")
def verdicts(world, start_mitmd, tmp_path_factory):
    """label: (alone, through mitmd, paths the origin was asked for)"""
    mitmd = start_mitmd({"origin": {"ca": [str(world.store())]}})
    world.adopt(mitmd.ca_dir / "mitmd-ca.pem", mitmd.ca_dir / "mitmd-ca.pem")
    origins = Origins(world, tmp_path_factory.mktemp("origins"))
    served = {label: origins[BY_LABEL[label]] for label in ROWS}
    urls = [f"https://{bracket(s.row.host)}:{s.port}/" for s in served.values()]
    errors = []
    for roots, proxy in ((world.files(), None), ([mitmd.ca], mitmd.proxy)):
        browser = Chromium(tmp_path_factory.mktemp("home"), roots, proxy)
        try:
            errors.append(browser.open(urls))
        finally:
            browser.close()
    yield {label: (*both, served[label]) for label, *both in zip(served, *errors)}
    origins.close()


@pytest.mark.parametrize("label", ROWS)
def test_the_error_is_the_same(verdicts, label):
    alone, through, _ = verdicts[label]
    assert alone == (ROWS[label] and f"net::ERR_CERT_{ROWS[label]}")
    assert through == alone


@pytest.mark.parametrize("label", [label for label, error in ROWS.items() if error])
def test_a_refused_origin_hears_nothing(verdicts, label):
    assert verdicts[label][2].settle() == []
