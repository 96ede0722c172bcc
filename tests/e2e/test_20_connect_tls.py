# SPDX-License-Identifier: ISC
"""CONNECT, and what is inside: TLS intercepted on both sides, or a tunnel."""
import hashlib
import os
import re
import signal
import ssl
import subprocess

import pytest

from env.certs import Certs, openssl
from env.curl import clean_environment
from env.mitmd import wait_for
from env.origin import pattern
from env.wire import Closed


def get(client, origin, path="/hello"):
    return client.ask(f"GET {path} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")


def shown(wire):
    """The leaf a client was shown, as openssl prints it."""
    der = wire.sock.getpeercert(binary_form=True)
    return openssl("x509", "-inform", "DER", "-noout", "-text", data=der).decode()


# -- https ---------------------------------------------------------------------------
def test_curl_https(mitmd, secure_origin):
    result = mitmd.curl().ok(secure_origin.url())
    assert (result.connect_status, result.status, result.body) == (200, 200, b"hello\n")


def test_the_request_inside_is_passed_on(mitmd, secure_origin):
    mitmd.curl().ok("-H", "X-Case: Kept", "-d", "a=b", secure_origin.url("/echo?q=1"))
    seen = secure_origin.requests()[0]
    assert (seen.method, seen.target, seen.body) == ("POST", "/echo?q=1", b"a=b")
    assert ("X-Case", "Kept") in seen.headers
    assert seen.all("Host") == [secure_origin.authority]


def test_a_body_is_intact(mitmd, nginx):
    data = nginx.file("body.bin", pattern(8 << 20))
    body = mitmd.curl().ok(nginx.url("/body.bin")).body
    assert hashlib.sha256(body).digest() == hashlib.sha256(data).digest()


def test_keep_alive_inside_is_one_connection_on_both_sides(mitmd, secure_origin):
    with mitmd.secure(secure_origin.authority) as client:
        for _ in range(10):
            assert get(client, secure_origin).status == 200
    assert len(secure_origin.connections) == 1


def test_pipelining_inside(mitmd, secure_origin):
    secure_origin.route("/n/", lambda x: x.answer(body=x.request.target.encode()))
    host = f"Host: {secure_origin.authority}\r\n"
    with mitmd.secure(secure_origin.authority) as client:
        client.send("".join(f"GET /n/{i} HTTP/1.1\r\n{host}\r\n" for i in range(20)).encode())
        answers = [client.read_response().body.decode() for _ in range(20)]
    assert answers == [f"/n/{i}" for i in range(20)]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_client_versions(mitmd, secure_origin, version):
    flags = ["--tlsv" + version, "--tls-max", version]
    assert mitmd.curl().ok(*flags, secure_origin.url()).status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3],
                         ids=["1.2", "1.3"])
def test_origin_versions(mitmd, start_origin, certs, version):
    origin = start_origin(certs.leaf("good"), tls_version=version)
    with mitmd.secure(origin.authority) as client:
        assert get(client, origin).status == 200
    assert origin.connections[0].tls is not None


def test_a_tls_1_2_client_makes_a_tls_1_2_origin_leg(mitmd, nginx):
    nginx.file("v12.txt", b"x")
    mitmd.curl().ok("--tlsv1.2", "--tls-max", "1.2", nginx.url("/v12.txt"))
    assert nginx.log("/v12.txt")[0]["protocol"] == "TLSv1.2"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_versions_below_the_floor_fail(mitmd, secure_origin, version):
    result = mitmd.curl().run("--tlsv" + version, "--tls-max", version,
                              "--ciphers", "DEFAULT@SECLEVEL=0", secure_origin.url())
    assert result.code == 35
    assert not secure_origin.requests()


def test_a_client_without_ecdsa_gets_an_rsa_leaf(mitmd, start_origin, certs):
    origin = start_origin(certs.leaf("good-rsa", key="rsa"))
    context = mitmd.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    with mitmd.secure(origin.authority, context=context) as client:
        assert "rsaEncryption" in shown(client)
        assert get(client, origin).status == 200


def test_every_origin_key_type(mitmd, start_origin, certs):
    origin = start_origin(certs.leaf("good-rsa", key="rsa"))
    assert mitmd.curl().ok(origin.url()).status == 200


def test_no_sni_in_no_sni_out(mitmd, nginx):
    nginx.file("no-sni.txt", b"x")
    context = mitmd.context()
    context.check_hostname = False
    with mitmd.secure(f"localhost:{nginx.tls_port}", name=None, context=context) as client:
        assert "DNS:localhost" in shown(client)
        client.ask("GET /no-sni.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_for(lambda: nginx.log("/no-sni.txt"), "nginx's log")
    assert nginx.log("/no-sni.txt")[0]["sni"] == "-"


def test_the_sni_reaches_the_origin(mitmd, nginx):
    nginx.file("sni.txt", b"x")
    mitmd.curl().ok(nginx.url("/sni.txt"))
    assert nginx.log("/sni.txt")[0]["sni"] == "localhost"


def test_an_address_as_origin(mitmd, secure_origin):
    result = mitmd.curl().ok(secure_origin.url(host="127.0.0.1"))
    assert result.body == b"hello\n"


def test_an_ipv6_address_as_origin(mitmd, start_origin, certs):
    try:
        origin = start_origin(certs.leaf("good"), address="::1")
    except OSError:
        pytest.skip("no IPv6 on loopback")
    assert mitmd.curl().ok(origin.url(host="[::1]")).body == b"hello\n"


def test_http_1_0_without_host_inside(mitmd, secure_origin, tag):
    """The origin is spoken to in HTTP/1.1, which wants one."""
    with mitmd.secure(secure_origin.authority, tag) as client:
        assert client.ask("GET /hello HTTP/1.0\r\n\r\n").body == b"hello\n"
    assert secure_origin.requests()[0].all("Host") == [secure_origin.authority]
    assert mitmd.entry(tag, "/hello")["request"]["url"] == secure_origin.url("/hello")


def test_connect_in_http_1_0_without_host(mitmd, secure_origin):
    with mitmd.dial() as client:
        assert client.ask(f"CONNECT {secure_origin.authority} HTTP/1.0\r\n\r\n").status == 200
        inside = client.start_tls(mitmd.context(), "localhost")
        assert get(inside, secure_origin).status == 200


def test_the_answer_to_connect_has_no_framing(mitmd, secure_origin):
    with mitmd.dial() as client:
        response = client.connect(secure_origin.authority)
    assert response.status == 200
    assert not response.all("Content-Length") and not response.all("Transfer-Encoding")


def test_bytes_right_after_connect_are_not_lost(mitmd, secure_origin):
    """A hello in the same segment as the CONNECT."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    inside = mitmd.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        inside.do_handshake()
    host = secure_origin.authority
    with mitmd.dial() as client:
        client.send(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() + outgoing.read())
        assert client.read_response("CONNECT").status == 200
        while True:
            try:
                inside.do_handshake()
                break
            except ssl.SSLWantReadError:
                if not client.buffer:
                    assert client.fill()
                incoming.write(client.take(len(client.buffer)))
        assert inside.version() == "TLSv1.3"


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_hello_in_small_pieces(mitmd, secure_origin, size):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    inside = mitmd.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with mitmd.tunnel(secure_origin.authority) as client:
        while True:
            try:
                inside.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.send_slowly(outgoing.read(), size)
                assert client.fill()
                incoming.write(client.take(len(client.buffer)))


def test_a_hello_over_several_records(mitmd, secure_origin):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    inside = mitmd.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        inside.do_handshake()
    hello = outgoing.read()[5:]
    pieces = [hello[i:i + 50] for i in range(0, len(hello), 50)]
    records = b"".join(b"\x16\x03\x01" + len(p).to_bytes(2, "big") + p for p in pieces)
    with mitmd.tunnel(secure_origin.authority) as client:
        client.send(records)
        while True:
            assert client.fill()
            incoming.write(client.take(len(client.buffer)))
            try:
                inside.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass


def test_100_handshakes_at_once(mitmd, nginx):
    nginx.file("many.txt", b"many")
    curls = [mitmd.curl() for _ in range(20)]
    running = [(c, c.start(*[nginx.url(f"/many.txt?{i}") for i in range(5)])) for c in curls]
    for curl, process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, b"many" * 5), err


# -- the leaf ------------------------------------------------------------------------------
def test_the_leaf_names_what_the_origin_names(mitmd, start_origin, certs):
    san = ("DNS:localhost", "DNS:*.example.com", "IP:127.0.0.1", "DNS:other.example")
    origin = start_origin(certs.leaf("many-names", san))
    with mitmd.secure(origin.authority) as client:
        text = shown(client)
    assert ("DNS:localhost, DNS:*.example.com, IP Address:127.0.0.1, DNS:other.example"
            in text)
    assert re.search(r"Subject:.*CN = many-names", text)


def test_the_leaf_is_ours_and_strictly_valid(mitmd, secure_origin, tmp_path):
    with mitmd.secure(secure_origin.authority) as client:
        der = client.sock.getpeercert(binary_form=True)
    leaf = tmp_path / "leaf.pem"
    leaf.write_text(ssl.DER_cert_to_PEM_cert(der))
    openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost",
            "-CAfile", mitmd.ca, leaf)
    facts = openssl("x509", "-in", leaf, "-noout", "-issuer", "-ext",
                    "basicConstraints,extendedKeyUsage,keyUsage").decode()
    assert re.search(r"issuer=.*CN = mitmd CA", facts)
    assert "CA:FALSE" in facts and "TLS Web Server Authentication" in facts


def test_the_chain_sent_includes_the_ca(mitmd, secure_origin):
    out = subprocess.run(
        ["openssl", "s_client", "-proxy", mitmd.proxy, "-connect", secure_origin.authority,
         "-servername", "localhost", "-showcerts", "-CAfile", str(mitmd.ca),
         "-verify_return_error"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
        env=clean_environment())
    assert "Verify return code: 0 (ok)" in out.stdout, out
    assert out.stdout.count("BEGIN CERTIFICATE") == 2


def test_equal_origin_certificates_get_one_leaf_in_every_worker(mitmd, secure_origin):
    leafs = set()
    for _ in range(12):
        with mitmd.secure(secure_origin.authority) as client:
            leafs.add(client.sock.getpeercert(binary_form=True))
    assert len(leafs) == 1


def test_the_leaf_lives_no_longer_than_the_origins(mitmd, start_origin, certs):
    origin = start_origin(certs.leaf("short", end=0.25))
    with mitmd.secure(origin.authority) as client:
        mine = ssl.cert_time_to_seconds(client.sock.getpeercert()["notAfter"])
    end = certs.leaf("short", end=0.25).text("-enddate").partition("=")[2]
    assert mine <= ssl.cert_time_to_seconds(end)


def test_gnutls_accepts_the_leaf(mitmd, secure_origin):
    """curl and git of Debian use OpenSSL and GnuTLS; both have to agree."""
    with mitmd.secure(secure_origin.authority) as client:
        leaf = ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True))
    chain = leaf + mitmd.ca.read_text()
    done = subprocess.run(
        ["certtool", "--verify", "--load-ca-certificate", str(mitmd.ca),
         "--verify-hostname", "localhost"],
        input=chain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# -- resumption ------------------------------------------------------------------------------
def resumable(mitmd, version):
    context = mitmd.context()
    context.minimum_version = context.maximum_version = version
    return context


def session_of(mitmd, origin, context, session=None):
    """A finished exchange's session, and whether it was resumed."""
    with mitmd.secure(origin.authority, context=context, session=session) as client:
        assert get(client, origin).status == 200
        return client.sock.session, client.sock.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3],
                         ids=["1.2", "1.3"])
def test_a_session_is_resumed_in_another_worker(mitmd, secure_origin, version):
    one, two = mitmd.pids("worker")
    context = resumable(mitmd, version)
    try:
        os.kill(two, signal.SIGSTOP)
        session, _ = session_of(mitmd, secure_origin, context)
        os.kill(two, signal.SIGCONT)
        os.kill(one, signal.SIGSTOP)
        _, reused = session_of(mitmd, secure_origin, context, session)
    finally:
        for pid in (one, two):
            os.kill(pid, signal.SIGCONT)
    assert reused


def test_a_ticket_of_one_origin_is_nothing_at_another(mitmd, start_origin, certs):
    one, two = start_origin(certs.leaf("good")), start_origin(certs.leaf("another"))
    context = resumable(mitmd, ssl.TLSVersion.TLSv1_3)
    session, _ = session_of(mitmd, one, context)
    _, reused = session_of(mitmd, two, context, session)
    assert not reused


def test_origin_sessions_are_resumed(start_mitmd, nginx):
    nginx.file("again.txt", b"x")
    mitmd = start_mitmd({"workers": 1})
    for _ in range(4):
        mitmd.curl("again").ok(nginx.url("/again.txt"))
    assert [r["reused"] for r in nginx.log("/again.txt")] == [".", "r", "r", "r"]


# -- ALPN ---------------------------------------------------------------------------------------
def test_alpn_is_what_the_origin_chose(mitmd, secure_origin):
    with mitmd.secure(secure_origin.authority) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"


def test_no_alpn_in_none_out(mitmd, secure_origin):
    with mitmd.secure(secure_origin.authority, context=mitmd.context(alpn=())) as client:
        assert client.sock.selected_alpn_protocol() is None
        assert get(client, secure_origin).status == 200
    assert secure_origin.connections[0].tls.selected_alpn_protocol() is None


def test_h2_is_not_agreed_when_the_origin_has_only_http_1(mitmd, secure_origin):
    context = mitmd.context(alpn=("h2", "http/1.1"))
    with mitmd.secure(secure_origin.authority, context=context) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"


# -- origins that do not verify --------------------------------------------------------------------
@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """A CA nobody configured."""
    return Certs(tmp_path_factory.mktemp("stranger"), "a stranger")


BAD_ORIGINS = {
    "expired": lambda certs, stranger: certs.leaf("expired", start=-20, end=-2),
    "not-yet-valid": lambda certs, stranger: certs.leaf("early", start=5),
    "wrong-name": lambda certs, stranger: certs.leaf("wrong", ("DNS:other.example",)),
    "self-signed": lambda certs, stranger: certs.leaf("self", self_signed=True),
    "unknown-issuer": lambda certs, stranger: stranger.leaf("good"),
    "name-only-in-cn": lambda certs, stranger: certs.leaf("localhost", ()),
}


@pytest.fixture(params=BAD_ORIGINS.values(), ids=BAD_ORIGINS)
def bad_origin(request, start_origin, certs, stranger):
    return start_origin(request.param(certs, stranger))


@pytest.fixture(scope="module")
def rejecting(start_mitmd):
    return start_mitmd({"origin": {"verify": "reject"}})


def test_a_bad_origin_ends_with_access_denied(rejecting, bad_origin, tag):
    with rejecting.tunnel(bad_origin.authority, tag) as client:
        with pytest.raises(ssl.SSLError) as failure:
            client.start_tls(rejecting.context(), "localhost")
    assert failure.value.reason == "TLSV1_ALERT_ACCESS_DENIED"


def test_a_rejected_origin_sees_no_request(rejecting, bad_origin, tag):
    assert rejecting.curl(tag).run("-k", bad_origin.url()).code == 35
    assert not bad_origin.requests()


def test_a_rejected_origin_is_recorded(rejecting, bad_origin, tag):
    rejecting.curl(tag).run(bad_origin.url())
    entry = rejecting.entry(tag, f"https://{bad_origin.authority}/")
    assert entry["request"]["method"] == "CONNECT"
    assert entry.status in (0, 200)
    assert entry.error


def test_an_incomplete_chain_is_refused(mitmd, start_origin, certs, tmp_path):
    cert = certs.leaf("no-chain")
    cert.chain.write_bytes(cert.cert.read_bytes())
    origin = start_origin(cert)
    assert mitmd.curl().run(origin.url()).code == 60
    assert not origin.requests()


@pytest.fixture(scope="module")
def credulous(start_mitmd):
    return start_mitmd({"origin": {"verify": "off"}})


def test_verify_off_lets_a_bad_origin_pass(credulous, bad_origin):
    result = credulous.curl().ok("-k", bad_origin.url())
    assert result.body == b"hello\n"


def test_verify_off_adds_the_asked_name(credulous, start_origin, certs):
    origin = start_origin(certs.leaf("wrong", ("DNS:other.example",)))
    assert credulous.curl().ok(origin.url()).body == b"hello\n"


def test_an_origin_that_hangs_up_in_the_handshake(mitmd, start_origin, tag):
    origin = start_origin(script=lambda wire: wire.read(5))
    with mitmd.tunnel(origin.authority, tag) as client:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            client.start_tls(mitmd.context(), "localhost")
    assert mitmd.entry(tag, f"https://{origin.authority}/").error


def test_an_origins_alert_reaches_the_client(mitmd, start_origin, tag):
    handshake_failure = b"\x15\x03\x03\x00\x02\x02\x28"

    def talk(wire):
        wire.read(5)
        wire.send(handshake_failure)
        wire.read_to_end()
    origin = start_origin(script=talk)
    with mitmd.tunnel(origin.authority, tag) as client:
        with pytest.raises(ssl.SSLError) as failure:
            client.start_tls(mitmd.context(), "localhost")
    assert "HANDSHAKE_FAILURE" in failure.value.reason


# -- clients that do not want us -------------------------------------------------------------------
def test_a_client_that_does_not_trust_the_ca_is_recorded(mitmd, secure_origin, roots, tag):
    stranger = ssl.create_default_context(cafile=str(roots))
    with mitmd.tunnel(secure_origin.authority, tag) as client:
        with pytest.raises(ssl.SSLCertVerificationError):
            client.start_tls(stranger, "localhost")
    entry = mitmd.entry(tag, f"https://{secure_origin.authority}/")
    assert entry["request"]["method"] == "CONNECT"
    assert entry.error
    assert not secure_origin.requests()


def test_a_client_that_leaves_after_connect_costs_nothing(mitmd, secure_origin):
    for _ in range(20):
        mitmd.tunnel(secure_origin.authority).reset()
    assert mitmd.curl().ok(secure_origin.url()).status == 200


# -- endings -------------------------------------------------------------------------------------------------
def test_the_origins_close_notify_is_mirrored(mitmd, secure_origin):
    def bye(x):
        x.answer(body=b"last", headers=[("Connection", "close")])
        x.wire.sock.unwrap()
        x.close = True
    secure_origin.route("/bye", bye)
    with mitmd.secure(secure_origin.authority) as client:
        assert get(client, secure_origin, "/bye").body == b"last"
        assert client.sock.recv(1) == b""


def test_a_body_cut_without_close_notify_is_cut_for_the_client(mitmd, secure_origin):
    def cut(x):
        x.head(200, [("Connection", "close")])
        x.raw(b"half")
        x.wire.reset()
        x.close = True
    secure_origin.route("/cut", cut)
    with mitmd.secure(secure_origin.authority) as client:
        client.send(b"GET /cut HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises((OSError, Closed)):
            client.read_head()
            while client.fill():
                pass


def test_when_the_origin_closes_an_idle_connection_so_does_mitmd(mitmd, secure_origin):
    def end(x):
        x.answer(body=b"x")
        x.close = True
    secure_origin.route("/end", end)
    with mitmd.secure(secure_origin.authority) as client:
        assert get(client, secure_origin, "/end").status == 200
        assert client.at_end()


def test_an_origin_that_dies_before_its_answer_closes_the_client(mitmd, secure_origin, tag):
    """mitmd never puts its own words into an https origin."""
    def die(x):
        x.close = True
    secure_origin.route("/die", die)
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(f"GET /die HTTP/1.1\r\nHost: {secure_origin.authority}\r\n\r\n".encode())
        assert client.at_end()
    entry = mitmd.entry(tag, "/die")
    assert entry.status == 0 and entry.error


def test_bad_http_inside_tls_is_closed_without_a_word(mitmd, secure_origin, tag):
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
        assert client.at_end()
    assert not secure_origin.requests()
