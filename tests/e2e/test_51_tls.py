# SPDX-License-Identifier: ISC
"""What a recording says of TLS: both legs, and handshakes that came to nothing."""
import os
import signal
import ssl

import pytest

from env.har import load, load_part, validate
from env.mitmd import wait_for


def refuse(mitmd, origin, tag, alpn=(), name="localhost"):
    """A client that does not know our CA."""
    context = ssl.create_default_context()
    if alpn:
        context.set_alpn_protocols(list(alpn))
    with mitmd.tunnel(origin.authority, tag) as wire:
        here = wire.sock.getsockname()
        with pytest.raises(ssl.SSLError):
            wire.start_tls(context, name)
    return here


def only_error(har):
    """The one TLS failure of a recording, which its log tells as well."""
    assert len(har.documents) == 1
    log = har.documents[0]["log"]
    assert len(log["_tlsErrors"]) == 1
    return log["_tlsErrors"][0]


# -- log._tlsErrors -----------------------------------------------------------------------
def test_a_refused_handshake_is_told_as_http_toolkit_tells_it(mitmd, secure_origin, tag):
    host, port = refuse(mitmd, secure_origin, tag, ["h2", "http/1.1"])
    har = mitmd.har(tag)
    error = only_error(har)
    entry = har.entries[0]
    assert error == {
        "startedDateTime": entry["startedDateTime"], "time": entry["time"],
        "hostname": "localhost", "cause": "cert-rejected",
        "clientIPAddress": host, "clientPort": port,
        "tlsMetadata": {
            "sniHostname": "localhost", "connectHostname": "localhost",
            "connectPort": str(secure_origin.port), "clientAlpn": ["h2", "http/1.1"]}}
    assert list(entry)[-1] == "_tlsError"
    assert entry["request"]["method"] == "CONNECT" and entry.status == 0 and entry.error


def greet(wire):
    """A ClientHello, and the first bytes of what answers it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    wire.send(outgoing.read())
    assert wire.fill(1)


@pytest.mark.parametrize("cause", ["closed", "reset"])
def test_a_client_that_leaves_without_a_word(mitmd, secure_origin, tag, cause):
    with mitmd.tunnel(secure_origin.authority, tag) as wire:
        greet(wire)
        if cause == "reset":
            wire.reset()
        else:
            wire.half_close().read_to_end()
    assert only_error(mitmd.har(tag))["cause"] == cause


def test_a_client_that_stays_silent(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"timeouts": {"handshake": "300ms"}})
    with mitmd.tunnel(secure_origin.authority, tag) as wire:
        greet(wire)
        wire.read_to_end()
    assert only_error(mitmd.har(tag))["cause"] == "handshake-timeout"


def test_only_what_failed_is_in_the_list(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok(secure_origin.url())
    refuse(mitmd, secure_origin, tag)
    mitmd.curl(tag).ok(secure_origin.url())
    refuse(mitmd, secure_origin, tag)
    har = mitmd.har(tag, lambda har: len(har) == 4)
    assert [len(d["log"].get("_tlsErrors", [])) for d in har.documents] == [
        sum("_tlsError" in e for e in d["log"]["entries"]) for d in har.documents]
    assert sum("_tlsError" in e for e in har.entries) == 2


def test_a_file_without_failures_has_no_list(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok(secure_origin.url())
    assert "_tlsErrors" not in mitmd.har(tag).documents[0]["log"]


def test_the_schema_holds_with_a_list(mitmd, secure_origin, tag):
    for _ in range(3):
        refuse(mitmd, secure_origin, tag)
    mitmd.har(tag)
    assert not validate(mitmd.files(tag))


def test_a_killed_recorder_loses_no_failure(own_mitmd, secure_origin, tag):
    """What follows repairs the file, and makes the list from its entries."""
    mitmd = own_mitmd({"spool": {"rotate_idle": "30s"}})
    refuse(mitmd, secure_origin, tag)
    part = wait_for(lambda: mitmd.files(tag, "*.part"), "a growing file")[0]
    wait_for(lambda: load_part(part)["log"]["entries"], "its entry")
    assert "_tlsErrors" not in load_part(part)["log"]
    os.kill(mitmd.pids("recorder")[0], signal.SIGKILL)
    finished = wait_for(lambda: mitmd.files(tag), "the repaired file")[0]
    assert [e["cause"] for e in load(finished)["log"]["_tlsErrors"]] == ["cert-rejected"]


# -- both legs ----------------------------------------------------------------------------
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_versions_and_suites_of_both_legs(mitmd, secure_origin, tag, version):
    """The origin is offered no more than the client offers."""
    args = ["--tlsv" + version, "--tls-max", version]
    if version == "1.2":
        args += ["--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"]
    mitmd.curl(tag).ok(*args, secure_origin.url())
    tls = mitmd.entry(tag, "/hello")["_tls"]
    for leg in (tls["client"], tls["origin"]):
        assert leg["protocol"] == f"TLS {version}"
        assert leg["group"] and leg["sigalg"] and leg["sni"] == "localhost"
        if version == "1.2":
            assert leg["cipher"].endswith("_AES_256_GCM_SHA384")
    assert tls["recipe"] == "good" and "copied" not in tls


def test_a_client_certificate_is_not_in_the_entry_unless_asked_for(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok(secure_origin.url())
    tls = mitmd.entry(tag, "/hello")["_tls"]
    assert "client_certificate" not in tls["client"]
    assert "client_certificate" not in tls["origin"]
