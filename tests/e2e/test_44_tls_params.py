# SPDX-License-Identifier: ISC
"""TLS parameters: what an origin is offered, and what becomes of origins that answer badly."""
import contextlib
import socket
import ssl
import subprocess
import threading

import pytest

from env import hello as tls
from env.certs import openssl
from env.curl import Curl, clean_environment
from env.mitmd import wait_for
from env.nginx import Nginx
from env.wire import Closed

SENTINEL_12 = b"DOWNGRD\x01"
SENTINEL_11 = b"DOWNGRD\x00"
ILLEGAL_PARAMETER, PROTOCOL_VERSION, HANDSHAKE_FAILURE = 47, 70, 40
INAPPROPRIATE_FALLBACK = 86
PROXY_GROUPS = [29, 23, 24]
SINCE_1_2 = ["--tlsv1.2"]	# this curl alone would still begin a TLS 1.0 and fail later


class Raw:
    """An origin that answers a ClientHello with bytes and keeps what comes after."""

    def __init__(self, start_origin, answer):
        self.answer = answer
        self.hellos = []
        self.records = []
        self.origin = start_origin(script=self.talk)

    @property
    def url(self):
        return f"https://{self.origin.authority}/secret"

    def talk(self, wire):
        self.hellos.append(tls.read_hello(wire))
        answer = self.answer(self.hellos[-1]) if callable(self.answer) else self.answer
        wire.send(answer)
        with contextlib.suppress(Closed, ConnectionError):
            while True:
                self.records.append(tls.read_record(wire))

    def wait_done(self):
        self.origin.wait(lambda: self.origin.connections
                         and all(c.ended.is_set() for c in self.origin.connections))

    def alerts(self):
        self.wait_done()
        return [data[1] for kind, data in self.records if kind == tls.ALERT]


@pytest.fixture
def raw(start_origin):
    return lambda answer: Raw(start_origin, answer)


def both(mitmd, roots, url, *flags):
    """curl's results without and with mitmd."""
    direct = Curl(None, roots).run(*flags, url)
    return direct, mitmd.curl().run(*flags, url)


def assert_refused(origin, direct, through):
    """As without the proxy, and nothing of the request was ever sent."""
    assert direct.code == through.code == 35, (direct, through)
    assert through.status == 0 and through.connect_status == 200
    origin.wait_done()
    assert not [kind for kind, _ in origin.records if kind == tls.DATA]
    # one try each: no second one at a lower version
    assert len(origin.hellos) == 2


# -- servers that answer what was never offered ----------------------------------------------
def echoed(hello, **more):
    return tls.server_hello(session=hello.session if 0x0304 in hello.versions else b"", **more)


BAD_ANSWERS = {
    "SSL 3": (lambda h: tls.server_hello(0xc02f, version=0x0300), PROTOCOL_VERSION),
    "TLS 1.0": (lambda h: tls.server_hello(0xc013, version=0x0301), PROTOCOL_VERSION),
    "TLS 1.1": (lambda h: tls.server_hello(0xc013, version=0x0302), PROTOCOL_VERSION),
    "RC4": (lambda h: tls.server_hello(0x0005), ILLEGAL_PARAMETER),
    "RC4-MD5": (lambda h: tls.server_hello(0x0004), ILLEGAL_PARAMETER),
    "3DES": (lambda h: tls.server_hello(0x000a), ILLEGAL_PARAMETER),
    "NULL": (lambda h: tls.server_hello(0x003b), ILLEGAL_PARAMETER),
    "export": (lambda h: tls.server_hello(0x0003), ILLEGAL_PARAMETER),
    "anonymous": (lambda h: tls.server_hello(0x00a6), ILLEGAL_PARAMETER),
    "unknown suite": (lambda h: tls.server_hello(0x9999), ILLEGAL_PARAMETER),
    "compression": (lambda h: tls.server_hello(0xc02f, compression=1), ILLEGAL_PARAMETER),
    "no secure renegotiation": (lambda h: tls.server_hello(0xc02f, extensions=b""),
                                HANDSHAKE_FAILURE),
    "downgraded to 1.2": (lambda h: tls.server_hello(0xc02f,
                                                     random=b"x" * 24 + SENTINEL_12),
                          ILLEGAL_PARAMETER),
    "downgraded to 1.1": (lambda h: tls.server_hello(0xc02f,
                                                     random=b"x" * 24 + SENTINEL_11),
                          ILLEGAL_PARAMETER),
    "extension not asked for": (lambda h: tls.server_hello(
        0xc02f, extensions=tls.extension(tls.RENEGOTIATION, b"\0")
        + tls.extension(14, b"\0\2\0\1\0")), ILLEGAL_PARAMETER),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_server_that_answers_what_was_not_offered(mitmd, roots, raw, name):
    answer, alert = BAD_ANSWERS[name]
    origin = raw(answer)
    direct, through = both(mitmd, roots, origin.url, *SINCE_1_2)
    assert_refused(origin, direct, through)
    # what each of the two says to the origin
    assert origin.alerts() == [alert, alert]


@pytest.mark.parametrize("suite", [0x009e, 0x0033, 0x0039], ids=["DHE-AEAD", "DHE", "DHE-256"])
def test_dhe_is_never_offered(mitmd, raw, suite):
    """A client alone may take it, whatever the group (Logjam): through us it is refused."""
    origin = raw(lambda h: tls.server_hello(suite))
    through = mitmd.curl().run(origin.url)
    assert through.code == 35
    assert origin.alerts() == [ILLEGAL_PARAMETER]
    assert suite not in origin.hellos[0].ciphers


@pytest.mark.parametrize("description", [HANDSHAKE_FAILURE, PROTOCOL_VERSION, 71, 80, 112])
def test_an_alert_of_the_server_is_the_clients(mitmd, roots, raw, description):
    origin = raw(tls.alert(description))
    direct, through = both(mitmd, roots, origin.url)
    assert_refused(origin, direct, through)
    assert direct.errors == through.errors


@pytest.mark.parametrize("answer", [b"", tls.alert(0)[:5] + b"\1\0", b"HTTP/1.1 400 Bad\r\n\r\n"],
                         ids=["closed", "close_notify", "plain HTTP"])
def test_no_second_try(mitmd, roots, start_origin, answer):
    """A server that cannot bear our hello gets no other one."""
    hellos = []

    def talk(wire):
        hellos.append(tls.read_hello(wire))
        wire.send(answer)
    origin = start_origin(script=talk)
    direct, through = both(mitmd, roots, origin.url().replace("http:", "https:"))
    assert direct.code == through.code == 35
    assert len(hellos) == 2 and len(origin.connections) == 2


# -- real servers of old --------------------------------------------------------------------
class Server:
    """openssl s_server."""

    def __init__(self, cert, *args):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-www",
             "-cert", str(cert.cert), "-key", str(cert.key), "-cert_chain", str(cert.chain),
             *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=clean_environment())
        self.said = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        wait_for(lambda: b"ACCEPT" in self.said, "s_server")

    def _read(self):
        for line in self.process.stdout:
            self.said += line

    @property
    def url(self):
        return f"https://localhost:{self.port}/"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        self.process.stdout.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


@pytest.fixture
def serve():
    made = []

    def start(cert, *args):
        made.append(Server(cert, *args))
        return made[-1]
    yield start
    for server in made:
        server.close()


def entry_tls(mitmd, tag, url):
    return mitmd.entry(tag, url)["_tls"]


OLD = {
    "TLS 1.0": ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
    "TLS 1.1": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
    "anonymous": ["-tls1_2", "-cipher", "ADH-AES128-GCM-SHA256:@SECLEVEL=0"],
    "NULL": ["-tls1_2", "-cipher", "ECDHE-RSA-NULL-SHA:NULL-SHA256:@SECLEVEL=0"],
}


@pytest.mark.parametrize("name", OLD)
def test_old_servers_are_refused_alike(mitmd, roots, certs, serve, name):
    server = serve(certs.leaf("good-rsa", key="rsa"), *OLD[name])
    direct, through = both(mitmd, roots, server.url, *SINCE_1_2)
    assert direct.code == through.code == 35
    assert direct.errors == through.errors	# the server's alert, passed on


def test_dhe_alone_is_refused(mitmd, certs, serve):
    server = serve(certs.leaf("good-rsa", key="rsa"), "-tls1_2", "-cipher",
                   "DHE-RSA-AES128-GCM-SHA256")
    through = mitmd.curl().run(server.url)
    assert through.code == 35 and "handshake failure" in through.errors


@pytest.mark.parametrize("suite", ["AES128-SHA", "ECDHE-RSA-AES256-SHA", "AES256-GCM-SHA384"])
def test_what_the_client_still_takes_works(mitmd, certs, serve, suite, tag):
    """Mirrored, not judged; both legs are in the entry."""
    server = serve(certs.leaf("good-rsa", key="rsa"), "-tls1_2", "-cipher", suite)
    assert mitmd.curl(tag).ok(server.url).status == 200
    legs = entry_tls(mitmd, tag, server.url)
    assert legs["origin"]["protocol"] == "TLS 1.2"
    assert legs["client"]["protocol"] == "TLS 1.3"


@pytest.mark.parametrize("origin_version,flag", [("TLS 1.2", "-tls1_2"), ("TLS 1.3", "-tls1_3")])
def test_each_leg_has_its_own_version(mitmd, certs, serve, tag, origin_version, flag):
    server = serve(certs.leaf("good"), flag)
    assert mitmd.curl(tag).ok(server.url).status == 200
    legs = entry_tls(mitmd, tag, server.url)
    assert legs["origin"]["protocol"] == origin_version


# -- what is offered -------------------------------------------------------------------------
CLIENTS = {
    "curl": [],
    "curl, TLS 1.2": ["--tls-max", "1.2"],
    "curl, TLS 1.3": ["--tlsv1.3"],
    "curl, one suite of 1.2": ["--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"],
    "curl, one suite of 1.3": ["--tlsv1.3", "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"],
    "curl, old suites": ["--tls-max", "1.2", "--ciphers", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
    "curl, no ALPN": ["--no-alpn"],
    "curl, HTTP/1.1": ["--http1.1"],
    "curl, status": ["--cert-status"],
}
S_CLIENTS = {
    "one sigalg": ["-sigalgs", "ecdsa_secp256r1_sha256"],
    "RSA sigalgs": ["-sigalgs", "rsa_pss_rsae_sha256:rsa_pkcs1_sha256", "-tls1_2"],
    "status": ["-status"],
    "fallback": ["-fallback_scsv", "-tls1_2"],
    "ALPN": ["-alpn", "http/1.1,foo"],
    "TLS 1.0 and up": ["-min_protocol", "TLSv1", "-cipher", "DEFAULT:@SECLEVEL=0"],
    "no SNI": ["-noservername"],
}


def assert_no_more(mine, ours):
    """ours, sent by mitmd for the client that sent mine."""
    assert set(ours.versions) <= set(mine.versions) | {0x0301, 0x0302}
    assert max(ours.versions) in mine.versions
    if tls.VERSIONS not in ours.extensions:
        assert ours.version == tls.TLS12	# and refuses what is below, see BAD_ANSWERS
    for name in ("ciphers", "sigalgs"):
        extra = set(getattr(ours, name)) - set(getattr(mine, name)) - {0x00ff}
        assert not extra, (name, [hex(v) for v in extra])
        order = [v for v in getattr(mine, name) if v in getattr(ours, name) and v != 0x00ff]
        assert [v for v in getattr(ours, name) if v != 0x00ff] == order
    assert ours.alpn == mine.alpn
    assert ours.offers_staple == mine.offers_staple
    assert ours.sni == mine.sni
    assert ours.compressions == [0]
    assert ours.groups == PROXY_GROUPS		# fixed, see the manual
    assert 0x00ff in ours.ciphers or tls.RENEGOTIATION in ours.extensions
    assert (0x5600 in ours.ciphers) == (0x5600 in mine.ciphers)
    assert not {42, 15, 13172} & set(ours.extensions)	# early data, heartbeat, NPN


@pytest.mark.parametrize("name", CLIENTS)
def test_never_more_than_curl_offers(mitmd, roots, raw, name):
    origin = raw(tls.alert(HANDSHAKE_FAILURE))
    both(mitmd, roots, origin.url, *CLIENTS[name])
    assert len(origin.hellos) == 2
    assert_no_more(*origin.hellos)


@pytest.mark.parametrize("name", S_CLIENTS)
def test_never_more_than_s_client_offers(mitmd, raw, name):
    origin = raw(tls.alert(HANDSHAKE_FAILURE))
    name_flags = [] if name == "no SNI" else ["-servername", "localhost"]
    for way in ([], ["-proxy", mitmd.proxy]):
        subprocess.run(["openssl", "s_client", "-connect", origin.origin.authority, *way,
                        *name_flags, *S_CLIENTS[name]], timeout=20,
                       stdin=subprocess.DEVNULL, capture_output=True, check=False,
                       env=clean_environment())
    assert len(origin.hellos) == 2
    assert_no_more(*origin.hellos)


def test_old_suites_are_dropped(mitmd, raw):
    """However a client begs."""
    origin = raw(tls.alert(HANDSHAKE_FAILURE))
    bad = (0x0000, 0x0003, 0x0004, 0x0005, 0x000a, 0x0033, 0x0039, 0x009e, 0x0018, 0x003b)
    with mitmd.tunnel(origin.origin.authority) as client:
        client.send(tls.client_hello(b"localhost", ciphers=(*bad, 0xc02f)))
        assert client.read_to_end() == tls.alert(HANDSHAKE_FAILURE)
    assert set(origin.hellos[0].ciphers) == {0xc02f, 0x00ff}
    assert origin.hellos[0].versions[-1] == 0x0303


@pytest.mark.parametrize("hello", [
    tls.client_hello(b"localhost", ciphers=(0x0005, 0x000a)),
    tls.client_hello(b"localhost", versions=(0x0302, 0x0301)),
    tls.client_hello(b"localhost", sigalgs=(0x0201, 0x0203)),
], ids=["suites", "versions", "signatures"])
def test_nothing_sound_offered(mitmd, raw, hello):
    origin = raw(tls.alert(80))
    with mitmd.tunnel(origin.origin.authority) as client:
        client.send(hello)
        assert client.read_to_end() == tls.alert(HANDSHAKE_FAILURE)
    assert not origin.hellos


def test_origin_min_of_1_3(start_mitmd, raw):
    strict = start_mitmd({"tls": {"origin_min": "1.3"}})
    origin = raw(lambda h: tls.server_hello(0xc02f))
    assert strict.curl().run(origin.url).code == 35
    assert origin.hellos[0].versions == [0x0304]
    assert strict.curl().run("--tls-max", "1.2", origin.url).code == 35
    assert len(origin.hellos) == 1


def grade(hello):
    """Durumeric et al., NDSS 2017: A as a current browser, B dated, C attackable."""
    suites = [c for c in hello.ciphers if c not in (0x00ff, 0x5600)]
    if set(suites) & {0x0000, 0x0001, 0x0002, 0x003b, 0x0003, 0x0006, 0x0008, 0x0009}:
        return "F"
    if set(suites) & {0x0004, 0x0005, 0x000a, 0x0033, 0x0039, 0x0067, 0x006b, 0x009e, 0x009f}:
        return "C"
    best = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9}
    wanted = {tls.SNI, tls.STATUS, tls.SIGALGS, tls.GROUPS, 23}
    sound = set(suites) <= best and min(hello.versions) >= 0x0303
    return "A" if sound and wanted <= set(hello.extensions) else "B"


def test_grade_a_for_a_client_of_grade_a(mitmd, raw):
    origin = raw(tls.alert(HANDSHAKE_FAILURE))
    best = (0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8)
    with mitmd.tunnel(origin.origin.authority) as client:
        client.send(tls.client_hello(b"localhost", ciphers=best,
                                     more=tls.extension(tls.STATUS, b"\1\0\0\0\0")))
        client.read_to_end()
    assert grade(origin.hellos[0]) == "A"


def s_client(mitmd, origin, *args):
    done = subprocess.run(["openssl", "s_client", "-connect", origin.authority, "-proxy",
                           mitmd.proxy, "-CAfile", str(mitmd.ca), *args], timeout=20,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          env=clean_environment())
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_towards_the_client_only_what_is_sound(mitmd, secure_origin, version):
    code, said = s_client(mitmd, secure_origin, version)
    assert code == 0 and "Verify return code: 0 (ok)" in said
    assert "Compression: NONE" in said
    assert "Secure Renegotiation IS supported" in said or version == "-tls1_3"
    assert "Early data was not sent" in said or version == "-tls1_2"


@pytest.fixture
def early_nginx(tmp_path, certs):
    nginx = Nginx(tmp_path / "nginx", certs.leaf("good"), more="ssl_early_data on;")
    yield nginx
    nginx.close()


def test_early_data_for_the_origin_is_skipped(mitmd, early_nginx, tmp_path, tag):
    """A client comes back with what the origin itself once gave it: no 0-RTT, and no harm."""
    session, early = tmp_path / "session", tmp_path / "early"
    early.write_bytes(b"GET /early HTTP/1.1\r\nHost: x\r\n\r\n")
    early_nginx.file("early", b"early")
    early_nginx.file("late", b"late")

    def visit(*args):
        done = subprocess.run(
            ["openssl", "s_client", "-ign_eof", "-connect", f"localhost:{early_nginx.tls_port}",
             "-servername", "localhost", "-tls1_3", *map(str, args)],
            input=b"GET /late HTTP/1.0\r\nHost: localhost\r\n\r\n", capture_output=True, check=False,
            timeout=60, env=clean_environment())
        return (done.stdout + done.stderr).decode("utf-8", "replace")
    for through, verdict in (((), "accepted"),
                             (("-proxy", mitmd.proxy, "-proxy_user", tag, "-proxy_pass",
                               "pass:x"), "rejected")):
        assert "\r\n\r\nlate" in visit("-sess_out", session)
        said = visit("-sess_in", session, "-early_data", early, *through)
        assert f"Early data was {verdict}" in said and "\r\n\r\nlate" in said, said
    assert len(early_nginx.log("/early")) == 1
    assert [e["request"]["url"].rpartition("/")[2] for e in mitmd.har(tag).entries] == ["late"]


@pytest.mark.parametrize("cipher", ["RC4-SHA", "DES-CBC3-SHA", "NULL-SHA256", "ADH-AES128-SHA",
                                    "DHE-RSA-AES128-GCM-SHA256"])
def test_no_weak_suite_towards_the_client(mitmd, secure_origin, cipher):
    with mitmd.tunnel(secure_origin.authority) as client:
        number = {"RC4-SHA": 5, "DES-CBC3-SHA": 10, "NULL-SHA256": 0x3b, "ADH-AES128-SHA": 0x34,
                  "DHE-RSA-AES128-GCM-SHA256": 0x9e}[cipher]
        client.send(tls.client_hello(b"localhost", ciphers=(number,), versions=(0x0303,)))
        assert client.read_to_end() == tls.alert(HANDSHAKE_FAILURE)


def test_fallback_is_found_out_alike(mitmd, roots, secure_origin):
    """RFC 7507: the origin's own refusal reaches the client."""
    flags = ["-fallback_scsv", "-tls1_2", "-servername", "localhost"]
    _, through = s_client(mitmd, secure_origin, *flags)
    done = subprocess.run(["openssl", "s_client", "-connect", secure_origin.authority, *flags],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=20, env=clean_environment())
    said = f"SSL alert number {INAPPROPRIATE_FALLBACK}"
    assert said in done.stderr.decode() and said in through
    assert not secure_origin.requests()


# -- names -----------------------------------------------------------------------------------
NAMES = {
    "none": (None, None),
    "the same": (b"localhost", "localhost"),
    "upper case": (b"LocalHost", "localhost"),
    "another": (b"other.test", "other.test"),
    "an address": (b"127.0.0.1", None),
    "an IPv6 address": (b"::1", None),
    "255 bytes": (b".".join([b"a" * 63] * 4), None),
    "256 bytes": (b"a." * 127 + b"bc", None),
    "300 bytes": (b"a" * 300, None),
    "NUL": (b"localhost\0.evil.test", None),
    "space": (b"local host", None),
    "slash": (b"localhost/x", None),
    "empty": (b"", None),
    "underscore": (b"a_b.test", "a_b.test"),
}


@pytest.mark.parametrize("case", NAMES)
def test_sni_in_and_out(mitmd, raw, case):
    said, want = NAMES[case]
    origin = raw(tls.alert(HANDSHAKE_FAILURE))
    with mitmd.tunnel(origin.origin.authority) as client:
        client.send(tls.client_hello(said))
        client.read_to_end()
    assert origin.hellos[0].sni == want


def test_a_trailing_dot_is_no_part_of_the_name(mitmd, raw):
    origin = raw(tls.alert(HANDSHAKE_FAILURE))
    with mitmd.tunnel(origin.origin.authority) as client:
        client.send(tls.client_hello(b"localhost."))
        client.read_to_end()
    assert origin.hellos[0].sni == "localhost"


def test_ech_ends_here(mitmd, raw):
    """Whether it is real or grease: its name is for a key that we do not have (RFC 9849)."""
    origin = raw(tls.alert(HANDSHAKE_FAILURE))
    ech = b"\0\0\1\0\1\7" + tls.vector(2, bytes(32)) + tls.vector(2, bytes(144))
    with mitmd.tunnel(origin.origin.authority) as client:
        client.send(tls.client_hello(b"public.test", more=tls.extension(0xfe0d, ech)))
        assert client.read_to_end() == tls.alert(HANDSHAKE_FAILURE)
    assert origin.hellos[0].sni == "public.test"
    assert 0xfe0d not in origin.hellos[0].extensions


def names_of(client):
    der = client.sock.getpeercert(binary_form=True)
    return openssl("x509", "-inform", "DER", "-noout", "-ext", "subjectAltName",
                   data=der).decode()


def test_the_name_verified_is_the_one_asked_for(mitmd, start_origin, certs):
    """SNI before the CONNECT host: good for the one, bad for the other."""
    origin = start_origin(certs.leaf("sni-only", ("DNS:sni.test",)))
    context = mitmd.context()
    with mitmd.secure(origin.authority, name="sni.test", context=context) as client:
        assert "DNS:sni.test" in names_of(client)
    with mitmd.tunnel(origin.authority) as client:
        with pytest.raises(ssl.SSLCertVerificationError) as refused:
            client.start_tls(mitmd.context(), "localhost")
    assert "Hostname mismatch" in str(refused.value)
    assert not origin.requests()


def test_without_a_name_the_connect_host_is_verified(mitmd, start_origin, certs):
    """An address too, as an iPAddress of the certificate."""
    origin = start_origin(certs.leaf("good"))
    context = mitmd.context()
    with mitmd.secure(f"127.0.0.1:{origin.port}", name="127.0.0.1", context=context) as client:
        assert "IP Address:127.0.0.1" in names_of(client)
    bad = start_origin(certs.leaf("no-address", ("DNS:localhost",)))
    with mitmd.tunnel(f"127.0.0.1:{bad.port}") as client:
        with pytest.raises(ssl.SSLCertVerificationError) as refused:
            client.start_tls(mitmd.context(), "127.0.0.1")
    assert "IP address mismatch" in str(refused.value)
