# SPDX-License-Identifier: ISC
"""testssl.sh finds nothing wrong with how mitmd talks to clients (slow: MITMD_LONG=1)."""
import json
import os
import shutil
import subprocess

import pytest

from env.bad_origins import BY_LABEL, World
from env.bridge import Bridge
from env.curl import clean_environment
from env.tls_origins import Origins

pytestmark = [
    pytest.mark.skipif(os.environ.get("MITMD_LONG") != "1", reason="slow: MITMD_LONG=1"),
    pytest.mark.skipif(shutil.which("testssl") is None, reason="no testssl.sh"),
]

# What is the origin's, or is so on purpose.
ALLOWED = {
    "HSTS": "the origin's header",
    "security_headers": "the origin's headers",
    "cert_expirationStatus": "leafs live a day",
    "cert_notAfter": "leafs live a day",
    "cert_revocation": "leafs live a day: nothing to ask about",
}
HARMLESS = ("OK", "INFO", "LOW", "DEBUG")


def test_no_finding_of_medium_or_above(start_mitmd, tmp_path):
    """
    Through a bridge, as its own --proxy ends the lines of its CONNECT with LF
    alone, which is refused.
    """
    world = World(tmp_path / "authorities")
    mitmd = start_mitmd({"origin": {"ca": [str(world.store())]}})
    origins = Origins(world, tmp_path / "origins")
    authority = f"good.localhost:{origins[BY_LABEL['good']].port}"
    with Bridge((mitmd.host, mitmd.port), authority) as bridge:
        done = subprocess.run(
            ["testssl", "--jsonfile", tmp_path / "found.json", "--color", "0", "--quiet",
             "--warnings", "off", "--add-ca", mitmd.ca, "--nodns", "min", "--ip", "127.0.0.1",
             f"https://good.localhost:{bridge.port}"], capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=900, check=False,
            env=clean_environment(HOME=str(tmp_path)))
    origins.close()
    found = {f["id"]: f for f in json.loads((tmp_path / "found.json").read_text())}
    # it has looked, and through us
    assert found["TLS1_3"]["severity"] == "OK", done.stdout
    assert found["heartbleed"]["severity"] == "OK" and "cert_chain_of_trust" in found
    bad = {k: f["finding"] for k, f in found.items()
           if f["severity"] not in HARMLESS and k not in ALLOWED}
    assert bad == {}, done.stdout
