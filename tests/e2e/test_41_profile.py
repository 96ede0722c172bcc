# SPDX-License-Identifier: ISC
"""Whatever an origin is called: the leaf and the CA are what every client takes."""
import collections
import pathlib
import re
import shutil
import subprocess

import pytest

from env import chromium
from env.certs import openssl
from env.curl import clean_environment
from env.mitmd import SANITIZED
from env.origin import Origin
from env.tls_clients import (CurlClient, GnutlsClient, GoClient, NodeClient, OpensslClient,
                             StrictPython, Target)

ENV = pathlib.Path(__file__).parent / "env"

# Everything below localhost is loopback (RFC 6761), for c-ares and without any DNS.
NAMES = {
    "ordinary": "www.profile.localhost",
    "below-a-wildcard": "any.wild.localhost",
    "ipv4": "127.0.0.1",
    "ipv6": "[::1]",
    "idn": "xn--mnchen-3ya.localhost",
    "label-of-63": "l" * 63 + ".localhost",
    "name-of-64": "n" * 54 + ".localhost",
    "name-of-65": "n" * 55 + ".localhost",
    "name-of-253": ".".join(["m" * 60] * 4)[:243] + ".localhost",
    "300-names": "host299.many.localhost",
    "underscore": "under_score.localhost",
    "upper-case": "Upper.Case.localhost",
}
SANS = {
    "below-a-wildcard": ["DNS:*.wild.localhost"],
    "ipv4": ["IP:127.0.0.1"],
    "ipv6": ["IP:::1"],
    "300-names": [f"DNS:host{i}.many.localhost" for i in range(300)],
}
# The common name of a certificate has at most 64 bytes; the first is exactly that.
CNS = {"name-of-64": NAMES["name-of-64"], "ipv6": "An address"}

Case = collections.namedtuple("Case", "id name host port")


def script(wire):
    """Any path is there."""
    while wire.read_request() is not None:
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture(scope="module")
def cases(certs):
    """One origin for each name."""
    origins, made = [], []
    for case, host in NAMES.items():
        name = host.strip("[]")
        cert = certs.leaf(CNS.get(case, case), SANS.get(case, [f"DNS:{name}"]))
        origins.append(Origin(cert, "::1" if case == "ipv6" else "127.0.0.1", script))
        made.append(Case(case, name, host, origins[-1].port))
    assert len(NAMES["name-of-64"]) == 64 and len(NAMES["name-of-253"]) == 253
    yield made
    for origin in origins:
        origin.close()


CAS = {
    "ec": {"key_type": "ec"},
    "rsa-limited": {"key_type": "rsa", "permit": [".localhost", "127.0.0.1", "::1"]},
}


@pytest.fixture(scope="module", params=CAS.values(), ids=CAS)
def proxy(request, start_mitmd):
    """With a CA of either kind, for everything or for what is asked here."""
    return start_mitmd({"ca": request.param})


@pytest.fixture(scope="module")
def chains(proxy, cases, tmp_path_factory):
    """What goes over the wire, per case: [leaf, CA] as PEM files."""
    directory = tmp_path_factory.mktemp("chains")
    found = {}
    for case in cases:
        name = [] if case.id.startswith("ipv") else ["-servername", case.name]
        done = subprocess.run(
            ["openssl", "s_client", "-proxy", proxy.proxy, "-connect", f"{case.host}:{case.port}",
             *name, "-showcerts"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60, check=False, env=clean_environment())
        pems = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n",
                          done.stdout, re.S)
        assert len(pems) == 2, (case.id, done.stdout[-600:], done.stderr)
        found[case.id] = []
        for i, pem in enumerate(pems):
            file = directory / f"{case.id}.{i}.pem"
            file.write_text(pem)
            found[case.id].append(file)
    return found


def run(*command, **env):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=180,
                          stdin=subprocess.DEVNULL, env=clean_environment(**env), check=False)


def needs(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    return pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)}")


def is_option(case):
    return "-verify_ip" if case.id.startswith("ipv") else "-verify_hostname"


# -- the chain as sent, judged by verifiers ------------------------------------------------------
def test_openssl_strict(proxy, cases, chains):
    for case in cases:
        leaf, ca = chains[case.id]
        openssl("verify", "-x509_strict", "-purpose", "sslserver", "-auth_level", "2",
                is_option(case), case.name, "-CAfile", proxy.ca, "-untrusted", ca, leaf)
        assert openssl("x509", "-in", ca, "-outform", "DER") == \
            openssl("x509", "-in", proxy.ca, "-outform", "DER")


@needs("certtool")
def test_gnutls(proxy, cases, chains):
    for case in cases:
        done = subprocess.run(
            ["certtool", "--verify", "--load-ca-certificate", str(proxy.ca),
             "--verify-hostname", case.name, "--verify-purpose", "1.3.6.1.5.5.7.3.1"],
            input="".join(f.read_text() for f in chains[case.id]), capture_output=True,
            text=True, check=False)
        assert done.returncode == 0, (case.id, done.stdout + done.stderr)


@needs("vfychain", "certutil")
def test_nss(proxy, cases, chains, tmp_path):
    for command in (["-N", "--empty-password"],
                    ["-A", "-n", "mitmd", "-t", "C,,", "-i", proxy.ca]):
        assert run("certutil", *command, "-d", f"sql:{tmp_path}").returncode == 0
    for case in cases:
        leaf, ca = chains[case.id]
        done = run("vfychain", "-d", f"sql:{tmp_path}", "-u", "1", "-pp", "-a", leaf, ca)
        assert done.returncode == 0 and "Chain is good" in done.stderr, (case.id, done.stderr)


# -- clients through the proxy -----------------------------------------------------------------
@pytest.fixture(scope="module", params=[CurlClient, OpensslClient, GnutlsClient, StrictPython,
                                        NodeClient, GoClient], ids=lambda kind: kind.name)
def client(request, tmp_path_factory):
    if request.param.missing():
        pytest.skip(f"no {request.param.program}")
    made = request.param(tmp_path_factory.mktemp("client"))
    yield made
    made.close()


def test_client(proxy, cases, client, roots):
    """Node 18 of Debian finds no IPv6 address in any certificate: what fails alone may fail."""
    targets = [Target(case.name, case.port, str(proxy.ca), "/", proxy.proxy) for case in cases]
    verdicts = {case.id: client.ask(target) for case, target in zip(cases, targets)}
    bad = {case: verdicts[case.id] for case in cases if not verdicts[case.id].ok and
           client.ask(Target(case.name, case.port, str(roots), "/")).ok}
    assert not bad, bad
    assert sum(verdict.ok for verdict in verdicts.values()) >= len(cases) - 1


@needs("java")
@pytest.mark.parametrize("form", ["jks", "p12"])
def test_java(proxy, cases, form):
    """The way its users do it: a trust store and a proxy on the command line."""
    host, port = proxy.proxy.split(":")
    done = run("java", "-XX:TieredStopAtLevel=1", f"-Dhttps.proxyHost={host}",
               f"-Dhttps.proxyPort={port}", "-Dhttp.nonProxyHosts=",
               f"-Djavax.net.ssl.trustStore={proxy.ca_dir / ('mitmd-ca-cert.' + form)}",
               "-Djavax.net.ssl.trustStorePassword=changeit", ENV / "Trust.java",
               *[f"{c.host}:{c.port}" for c in cases])
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert len(lines) == len(cases), done.stdout + done.stderr
    verdicts = {c.id: lines[f"{c.host}:{c.port}"] for c in cases}
    # Java itself takes no such name, from anybody.
    assert "Illegal given domain name" in verdicts.pop("underscore")
    assert set(verdicts.values()) == {"ok"}, verdicts


@pytest.mark.skipif(chromium.missing(), reason="no chromium or no certutil")
@pytest.mark.skipif(SANITIZED, reason="enough of Chromium's time without")
def test_chromium(proxy, cases, tmp_path):
    browser = chromium.Chromium(tmp_path, [proxy.ca], proxy.proxy)
    try:
        errors = browser.open([f"https://{c.host}:{c.port}/" for c in cases])
    finally:
        browser.close()
    bad = {case.id: error for case, error in zip(cases, errors) if error}
    assert not bad, bad
