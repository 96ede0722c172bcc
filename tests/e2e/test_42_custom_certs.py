# SPDX-License-Identifier: ISC
"""Certificates of the operator's own: shown to clients, shown to origins, asked of
clients; what is decided per host; and that `mitmctl explain` tells what happens."""
import contextlib
import hashlib
import json
import re
import signal
import ssl

import pytest

from env.certs import openssl
from env.issued import Issuer, bundle, encrypt

NAMES = ("localhost", "www.shop.test", "a.shop.test", "a.b.shop.test", "shop.test", "other.test",
         "strict.test", "off.test", "reject.test", "ignored.test", "a.limit.test",
         "xn--mnchen-3ya.shop.test", "ported.test", "a.apex.test", "apex.test", "far.limit.test")
GET = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="session")
def customer(tmp_path_factory):
    """Whose certificates the operator has."""
    return Issuer(tmp_path_factory.mktemp("customer"), "customer")


@pytest.fixture(scope="session")
def shop(customer):
    """Custom certificates by the name they are for."""
    return {name: customer.issue(f"custom for {name}", [f"DNS:{n}" for n in NAMES])
            for name in ("www.shop.test", "*.shop.test", "localhost", "*", "second")}


@pytest.fixture
def good(start_origin, certs):
    """An origin that is good under every name."""
    return start_origin(certs.leaf("every name", [f"DNS:{n}" for n in NAMES] + ["IP:127.0.0.1"]))


@pytest.fixture
def expired(start_origin, certs):
    return start_origin(certs.leaf("every name, once", [f"DNS:{n}" for n in NAMES], start=-9,
                                   end=-2))


def sha256(cert):
    return hashlib.sha256(cert.der()).hexdigest()


def careless(mitmd):
    context = mitmd.context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def visit(mitmd, authority, name, tag=None, context=None, session=None):
    """The fingerprint of what a client that checks nothing is shown, once it was answered."""
    with mitmd.secure(authority, tag, name, context or careless(mitmd), session) as wire:
        assert wire.ask(GET).status == 200
        return hashlib.sha256(wire.sock.getpeercert(True)).hexdigest()


def by_our_ca(mitmd, authority, name):
    """Our CA vouches for it."""
    with mitmd.secure(authority, None, name) as wire:
        assert wire.ask(GET).status == 200
        return True


FAILED = r"\breload failed, the configuration before stays: .*"


def reload(mitmd, config=None, news=rf"\breloaded(?=: generation \d)|{FAILED}"):
    start = len(mitmd.log)
    if config is not None:
        mitmd.write(config)
    mitmd.tell(signal.SIGHUP)
    return mitmd.wait_log(news, start)


def place(mitmd, text):
    """LINE:COL of a value in the configuration."""
    lines = mitmd.file.read_text().split("\n")
    found = [(i + 1, line.index(text) + 1) for i, line in enumerate(lines) if text in line]
    return "{}:{}".format(*found[0])


# -- certs -----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def shopkeeper(start_mitmd, shop, tmp_path_factory):
    here = tmp_path_factory.mktemp("shop")
    names = ("www.shop.test", "*.shop.test", "localhost", "*")
    files = {n: str(bundle(shop[n], here / f"{i}.pem")) for i, n in enumerate(names)}
    return start_mitmd({"certs": dict(reversed(files.items())),
                        "origin": {"verify_hosts": {"off.test": "off"}}})


@pytest.mark.parametrize("connect, sni, want", [
    ("localhost", "www.shop.test", "www.shop.test"),
    ("localhost", "a.shop.test", "*.shop.test"),
    ("localhost", "a.b.shop.test", "*.shop.test"),
    ("localhost", "shop.test", "localhost"),		# the name of CONNECT before "*"
    ("127.0.0.1", "shop.test", "*"),
    ("127.0.0.1", "localhost", "localhost"),
    ("localhost", None, "localhost"),
    ("127.0.0.1", None, "*"),
])
def test_the_best_name_wins(shopkeeper, good, shop, connect, sni, want):
    assert visit(shopkeeper, f"{connect}:{good.port}", sni) == sha256(shop[want])


def test_its_chain_is_sent(shopkeeper, good, customer):
    context = ssl.create_default_context(cafile=str(customer.root.cert))
    with shopkeeper.secure(good.authority, None, "www.shop.test", context) as wire:
        assert wire.ask(GET).status == 200


@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_it_is_resumed(shopkeeper, good, shop, version):
    context = careless(shopkeeper)
    context.minimum_version = context.maximum_version = version
    with shopkeeper.secure(good.authority, None, "www.shop.test", context) as wire:
        assert wire.ask(GET).status == 200
        session = wire.sock.session
    with shopkeeper.secure(good.authority, None, "www.shop.test", context, session) as wire:
        assert wire.ask(GET).status == 200
        assert wire.sock.session_reused


def test_it_does_not_win_over_a_bad_origin(shopkeeper, expired, customer):
    context = ssl.create_default_context(cafile=str(customer.root.cert))
    context.load_verify_locations(str(shopkeeper.ca))
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        shopkeeper.secure(expired.authority, None, "www.shop.test", context)
    assert not expired.requests()


def test_where_our_ca_may_not_sign_a_bad_origin_is_refused(own_mitmd, good, expired, shop, tmp_path,
                                                          tag):
    """There is nothing that could be shown: neither a good certificate nor a bad one."""
    file = bundle(shop["www.shop.test"], tmp_path / "c.pem")
    mitmd = own_mitmd({"certs": {"www.shop.test": str(file)}, "ca": {"permit": ["localhost"]}})
    assert visit(mitmd, good.authority, "www.shop.test") == sha256(shop["www.shop.test"])
    with pytest.raises(ssl.SSLError, match="(?i)access.denied"):
        mitmd.secure(expired.authority, tag, "www.shop.test", careless(mitmd))
    assert not expired.requests()
    error = mitmd.har(tag).entries[0].error
    assert error.startswith("origin certificate refused: certificate has expired"), error


def test_it_wins_where_nothing_is_verified(shopkeeper, expired, shop):
    assert visit(shopkeeper, f"127.0.0.1:{expired.port}", "off.test") == sha256(shop["*"])


@pytest.mark.parametrize("key", ["rsa", "ec"])
def test_kinds_of_keys(own_mitmd, good, customer, tmp_path, key):
    cert = customer.issue(f"custom {key}", ["DNS:localhost"], key=key)
    mitmd = own_mitmd({"certs": {"localhost": str(bundle(cert, tmp_path / "c.pem"))}})
    assert visit(mitmd, good.authority, "localhost") == sha256(cert)


def test_a_reload_takes_the_file_as_it_is_then(own_mitmd, good, shop, tmp_path):
    file = bundle(shop["*"], tmp_path / "c.pem")
    mitmd = own_mitmd({"certs": {"*": str(file)}})
    context = careless(mitmd)
    with mitmd.secure(good.authority, None, "localhost", context) as wire:
        assert wire.ask(GET).status == 200
        session = wire.sock.session
    bundle(shop["second"], file)
    assert visit(mitmd, good.authority, "localhost") == sha256(shop["*"])
    assert reload(mitmd)[0] == "reloaded"
    # An old ticket must not bring the old certificate back.
    with mitmd.secure(good.authority, None, "localhost", context, session) as wire:
        assert not wire.sock.session_reused
    assert visit(mitmd, good.authority, "localhost") == sha256(shop["second"])


def spoil(kind, shop, file):
    """What is wrong, and what is said of it."""
    if kind == "mismatch":
        file.write_bytes(shop["*"].key.read_bytes() + shop["second"].cert.read_bytes())
        return "the key is not that of the certificate"
    if kind == "garbage":
        file.write_bytes(bytes(range(256)) * 9)
        return "there is nothing in PEM form in it"
    if kind == "encrypted":
        encrypt(shop["*"], file)
        return f"the key is encrypted, and nobody is there to ask: .*openssl pkey -in {file}"
    if kind == "no key":
        file.write_bytes(shop["*"].chain.read_bytes())
        return "there is no private key in it"
    file.unlink()
    return f"cannot read {file}: No such file"


KINDS = ["mismatch", "garbage", "encrypted", "no key", "missing"]


@pytest.mark.parametrize("option", ["certs", "client_certs"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_file_stops_the_start(own_mitmd, shop, tmp_path, kind, option):
    file = bundle(shop["*"], tmp_path / "bad.pem")
    mitmd = own_mitmd({option: {"*": str(file)} if option == "certs" else str(file)},
                      start=False)
    want = spoil(kind, shop, file)
    where = re.escape(f"{mitmd.file}:{place(mitmd, json.dumps(str(file)))}: key '{option}': ")
    mitmd.spawn()
    assert mitmd.gone() not in (0, None)
    said = re.search(f"cannot start: {where}.*{want}", mitmd.log_text())
    assert said, mitmd.log_text()
    tested = mitmd.call("-t", "-c", mitmd.file)
    assert tested.returncode == 78 and re.search(f"{where}.*{want}", tested.stderr), tested


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_file_stops_a_reload(own_mitmd, good, shop, tmp_path, kind):
    file = bundle(shop["*"], tmp_path / "bad.pem")
    mitmd = own_mitmd({"certs": {"*": str(file)}})
    want = spoil(kind, shop, file)
    said = reload(mitmd, news=FAILED)[0]
    assert f"{mitmd.file}:{place(mitmd, json.dumps(str(file)))}: key 'certs': " in said
    assert re.search(want, said), said
    assert visit(mitmd, good.authority, "localhost") == sha256(shop["*"])


def test_what_ends_soon_or_is_open_is_warned_of(own_mitmd, customer, tmp_path):
    soon = bundle(customer.issue("soon", days=5), tmp_path / "soon.pem")
    opened = bundle(customer.issue("open"), tmp_path / "open.pem")
    opened.chmod(0o644)
    mitmd = own_mitmd({"certs": {"a.test": str(soon), "b.test": str(opened)}})
    assert re.search(rf"warning: certs: a certificate in {soon} ends in [45] days", mitmd.log_text())
    assert re.search(rf"warning: certs: every user .* can read the key in {opened}",
                     mitmd.log_text())
    assert str(opened) not in re.findall("ends in.*", mitmd.log_text())


# -- client_certs ------------------------------------------------------------------------------
def asking(origin, customer, mode=ssl.CERT_REQUIRED):
    """The origin asks for a certificate of the customer's; only the root is known to it."""
    origin.context.verify_mode = mode
    origin.context.load_verify_locations(str(customer.root.cert))
    return origin


def got(origin):
    """What each connection that was spoken on has shown."""
    shown = [c.client_cert for c in origin.connections if c.requests]
    return [der and hashlib.sha256(der).hexdigest() for der in shown]


@pytest.fixture(scope="session")
def mine(customer):
    return {name: customer.issue(f"client for {name}", eku="clientAuth")
            for name in ("www.shop.test", "*.shop.test", "default")}


@pytest.fixture(scope="module")
def visitor(start_mitmd, mine, tmp_path_factory):
    here = tmp_path_factory.mktemp("clients")
    for name, cert in mine.items():
        bundle(cert, here / f"{name}.pem")
    (here / "README").write_text("not mine")
    return start_mitmd({"client_certs": str(here),
                        "origin": {"verify_hosts": {"off.test": "off"}}})


@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
@pytest.mark.parametrize("name, want", [
    ("www.shop.test", "www.shop.test"), ("a.shop.test", "*.shop.test"),
    ("a.b.shop.test", "*.shop.test"), ("shop.test", "default"), ("other.test", "default")])
def test_a_directory_of_client_certs(visitor, good, customer, mine, name, want, version):
    good.context.minimum_version = good.context.maximum_version = version
    asking(good, customer)	# with the root alone: the chain was sent
    assert by_our_ca(visitor, good.authority, name)
    assert got(good) == [sha256(mine[want])]


def test_names_of_a_directory_that_say_nothing_are_told(visitor):
    assert re.search("client_certs: the names of 1 .*README", visitor.log_text())


def test_one_file_for_every_origin(own_mitmd, good, customer, mine, tmp_path):
    mitmd = own_mitmd({"client_certs": str(bundle(mine["default"], tmp_path / "c.pem"))})
    asking(good, customer)
    assert by_our_ca(mitmd, good.authority, "www.shop.test")
    assert got(good) == [sha256(mine["default"])]


def test_an_origin_that_does_not_ask_sees_none(visitor, good):
    assert by_our_ca(visitor, good.authority, "www.shop.test")
    assert got(good) == [None]


@pytest.mark.parametrize("name, shown", [("www.shop.test", False), ("off.test", True)])
def test_only_a_verified_origin_sees_it(visitor, expired, customer, mine, name, shown):
    asking(expired, customer, ssl.CERT_OPTIONAL)
    visit(visitor, expired.authority, name)
    assert got(expired) == [sha256(mine["default"]) if shown else None]


def test_it_is_in_the_entry(visitor, good, customer, mine, tag):
    asking(good, customer)
    visit(visitor, good.authority, "www.shop.test", tag)
    shown = visitor.entry(tag, "/hello")["_tls"]["origin"]["client_certificate"]
    assert shown == {"subject": "CN = client for www.shop.test",
                     "fingerprint": "sha256:" + sha256(mine["www.shop.test"])}


def test_none_for_this_host_is_in_the_entry(own_mitmd, good, customer, tag):
    mitmd = own_mitmd()
    asking(good, customer, ssl.CERT_OPTIONAL)
    visit(mitmd, good.authority, "localhost", tag)
    assert mitmd.entry(tag, "/hello")["_tls"]["origin"]["client_certificate"] is None


@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
@pytest.mark.parametrize("fixture, words", [
    ("mitmd", "it had asked for a client certificate, and got none"),
    ("visitor", "it was shown the certificate of client_certs")])
def test_an_origin_that_wants_another_one(request, good, stranger, tag, version, fixture, words):
    """Whoever reads the entry learns that this was it."""
    mitmd = request.getfixturevalue(fixture)
    good.context.minimum_version = good.context.maximum_version = version
    asking(good, stranger)
    with contextlib.suppress(ssl.SSLError):	# in 1.3 the refusal comes after both handshakes
        with mitmd.secure(good.authority, tag, "www.shop.test") as wire:
            assert wire.read_to_end() == b""
    error = mitmd.har(tag).entries[0].error
    none = fixture == "mitmd" and version == ssl.TLSVersion.TLSv1_3
    assert ("certificate required" if none else "") in error
    assert error.startswith(("TLS handshake with the origin failed: ", "origin ended TLS: "))
    assert error.endswith(f" ({words})"), error


# -- request_client_cert and client_ca ------------------------------------------------------------
@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def asker(start_mitmd):
    return start_mitmd({"request_client_cert": True})


@pytest.fixture(scope="module")
def judge(start_mitmd, customer):
    return start_mitmd({"request_client_cert": True, "client_ca": str(customer.root.cert)})


def curl_with(mitmd, origin, cert, tag, version):
    args = ["--cert", cert.chain, "--key", cert.key] if cert else []
    return mitmd.curl(tag).run("--tlsv" + version, "--tls-max", version, *args, origin.url())


def told(mitmd, tag):
    return mitmd.entry(tag, "/hello")["_tls"]["client"].get("client_certificate", "not asked")


versions = pytest.mark.parametrize("version", ["1.2", "1.3"])


@versions
def test_clients_are_not_asked_by_default(mitmd, secure_origin, mine, tag, version):
    assert curl_with(mitmd, secure_origin, mine["default"], tag, version).code == 0
    assert told(mitmd, tag) == "not asked"


@versions
@pytest.mark.parametrize("fixture", ["asker", "judge"])
def test_a_client_without_one_is_served(request, fixture, secure_origin, tag, version):
    mitmd = request.getfixturevalue(fixture)
    assert curl_with(mitmd, secure_origin, None, tag, version).code == 0
    assert told(mitmd, tag) is None


@versions
def test_any_certificate_will_do_without_a_ca(asker, secure_origin, stranger, tag, version):
    cert = stranger.issue("ben")
    assert curl_with(asker, secure_origin, cert, tag, version).code == 0
    assert told(asker, tag) == {"subject": "CN = ben", "fingerprint": "sha256:" + sha256(cert),
                                "verified": False}


@versions
def test_a_ca_verifies_it(judge, secure_origin, mine, tag, version):
    cert = mine["default"]
    assert curl_with(judge, secure_origin, cert, tag, version).code == 0
    assert told(judge, tag) == {"subject": "CN = client for default", "verified": True,
                                "fingerprint": "sha256:" + sha256(cert)}


@versions
def test_a_stranger_is_refused(judge, secure_origin, stranger, tag, version):
    result = curl_with(judge, secure_origin, stranger.issue("eve"), tag, version)
    assert result.code in (35, 55, 56) and "unknown ca" in result.errors.lower(), result
    assert not secure_origin.requests()
    error = judge.har(tag).entries[0].error
    assert error.startswith("the certificate of the client is refused: unable to get"), error


@versions
def test_a_resumed_session_still_tells(judge, secure_origin, mine, tag, version):
    context = judge.context()
    context.load_cert_chain(mine["default"].chain, mine["default"].key)
    context.maximum_version = getattr(ssl.TLSVersion, "TLSv" + version.replace(".", "_"))
    with judge.secure(secure_origin.authority, None, "localhost", context) as wire:
        assert wire.ask(GET).status == 200
        session = wire.sock.session
    with judge.secure(secure_origin.authority, tag, "localhost", context, session) as wire:
        assert wire.ask(GET).status == 200
        assert wire.sock.session_reused
    assert told(judge, tag)["subject"] == "CN = client for default"


def test_the_ca_is_reloaded(own_mitmd, secure_origin, customer, stranger, tag):
    config = {"request_client_cert": True, "client_ca": str(customer.root.cert)}
    mitmd = own_mitmd(config)
    eve = stranger.issue("eve")
    assert curl_with(mitmd, secure_origin, eve, tag, "1.3").code != 0
    mitmd.config["client_ca"] = str(stranger.root.cert)
    assert reload(mitmd, mitmd.config)[0] == "reloaded"
    assert curl_with(mitmd, secure_origin, eve, tag, "1.3").code == 0
    mitmd.config["client_ca"] = "/nonexistent/ca.pem"
    said = reload(mitmd, mitmd.config, FAILED)[0]
    assert "key 'client_ca': cannot read /nonexistent/ca.pem" in said
    assert curl_with(mitmd, secure_origin, eve, tag, "1.3").code == 0


def test_roots_of_origins_that_cannot_be_read(own_mitmd, tmp_path):
    mitmd = own_mitmd()
    empty = tmp_path / "empty.pem"
    empty.touch()
    mitmd.config["origin"]["ca"].append(str(empty))
    why = f"key 'origin.ca': {empty}: there is no PEM certificate in it"
    said = reload(mitmd, mitmd.config, FAILED)[0]
    assert f"{mitmd.file}:" in said and why in said
    tested = mitmd.call("-t", "-c", mitmd.file)
    assert tested.returncode == 78 and why in tested.stderr


def test_roots_of_origins_in_a_hashed_directory(own_mitmd, good, roots, tmp_path):
    """Read whole before there is a sandbox: later nobody opens any of it."""
    directory = tmp_path / "roots"
    directory.mkdir()
    (directory / "root.pem").write_bytes(roots.read_bytes())
    openssl("rehash", directory)
    assert len(list(directory.iterdir())) == 2
    mitmd = own_mitmd({"origin": {"ca": [str(directory)]}})
    for file in directory.iterdir():
        file.unlink()
    assert by_our_ca(mitmd, good.authority, "www.shop.test")


def test_a_client_certificate_that_no_handshake_takes(own_mitmd, tmp_path):
    file = tmp_path / "weak.pem"
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", file, "-out",
            tmp_path / "weak.crt", "-subj", "/CN=weak")
    file.write_bytes(file.read_bytes() + (tmp_path / "weak.crt").read_bytes())
    mitmd = own_mitmd({"client_certs": str(file)}, start=False)
    why = f"key 'client_certs': {file}: no TLS with this certificate: ee key too small"
    mitmd.spawn()
    assert mitmd.gone() not in (0, None)
    assert why in mitmd.log_text()
    tested = mitmd.call("-t", "-c", mitmd.file)
    assert tested.returncode == 78 and why in tested.stderr


# -- verify_hosts, strict, sniff ---------------------------------------------------------------------
@pytest.fixture(scope="module")
def picky(start_mitmd):
    return start_mitmd({"origin": {"verify_hosts": {"off.test": "off", "reject.test": "reject"},
                                   "strict": ["strict.test"]}})


@pytest.mark.parametrize("name, mode", [
    ("off.test", "off"), ("reject.test", "reject"), ("other.test", "mirror")])
def test_verification_per_host(picky, expired, tag, name, mode):
    if mode == "off":
        assert by_our_ca(picky, expired.authority, name)
    elif mode == "reject":
        with pytest.raises(ssl.SSLError, match="(?i)access.denied"):
            picky.secure(expired.authority, None, name)
    else:
        with pytest.raises(ssl.SSLCertVerificationError, match="has expired"):
            picky.secure(expired.authority, None, name)
    assert len(expired.requests()) == (1 if mode == "off" else 0)
    if mode != "reject":
        visit(picky, expired.authority, name, tag)
        origin = picky.entry(tag, "/hello")["_tls"]["origin"]
        # Also of what was let pass, the entry says what it was.
        assert (origin["verify_mode"], origin["verified"]) == (mode, False)
        assert "has expired" in origin["verify"]


@pytest.mark.parametrize("name", ["strict.test", "other.test"])
def test_strict_per_host(picky, start_origin, customer, certs, tag, name):
    """A certificate that only X509_STRICT finds fault with: no authority key identifier."""
    lax = Lax(certs)
    origin = start_origin(lax.issue(name, [f"DNS:{name}"], eku="serverAuth", aki=False))
    visit(picky, origin.authority, name, tag)
    assert picky.entry(tag, "/hello")["_tls"]["origin"]["verified"] == (name != "strict.test")


class Lax(Issuer):
    """Issues in the name of the CA that mitmd trusts."""

    def __init__(self, certs):		# pylint: disable=super-init-not-called
        self.directory, self.middle = certs.directory, certs.middle


@pytest.mark.parametrize("sniff", [True, False])
def test_names_are_taken_from_the_origin_or_not(own_mitmd, good, sniff):
    mitmd = own_mitmd({"origin": {"sniff": sniff}})
    with mitmd.secure(good.authority, None, "localhost") as wire:
        text = openssl("x509", "-inform", "DER", "-noout", "-text",
                       data=wire.sock.getpeercert(True)).decode()
    assert "DNS:localhost" in text
    assert ("DNS:shop.test" in text) == sniff
    assert ("O = Origin of tests" in text) == sniff


# -- mitmctl explain -----------------------------------------------------------------------------------
def explained(mitmd, *args):
    done = mitmd.ctl("explain", *args, "--output", "json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def everything(start_mitmd, shop, mine, tmp_path_factory):
    here = tmp_path_factory.mktemp("everything")
    for name in ("*.shop.test", "default"):
        bundle(mine[name], here / "clients" / f"{name}.pem")
    return start_mitmd({
        "certs": {"www.shop.test": str(bundle(shop["www.shop.test"], here / "www.pem"))},
        "client_certs": str(here / "clients"),
        "ignore_hosts": ["ignored.test", "~^a\\.b\\.", "127.0.0.99", ".apex.test",
                         "ported.test:1", "~^localhost\\.localhost:", "127.7.0.0/16"],
        "ca": {"permit": ["localhost", ".localhost", ".shop.test", "off.test", "strict.test",
                          "ported.test", "127.0.0.0/8"]},
        "origin": {"verify_hosts": {"*.shop.test": "reject", "off.test": "off"},
                   "strict": ["strict.test"]},
    })


REALITY = [
    ("localhost", "localhost"), ("localhost", "www.shop.test"), ("localhost", "a.shop.test"),
    ("localhost", "a.b.shop.test"), ("localhost", "shop.test"), ("localhost", "other.test"),
    ("localhost", "strict.test"), ("localhost", "off.test"), ("localhost", "ignored.test"),
    ("localhost", "a.limit.test"), ("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "off.test"),
    ("LocalHost", "WWW.Shop.Test"), ("localhost.", "a.shop.test."), ("localhost", "a.apex.test"),
    ("localhost", "apex.test"), ("localhost", "ported.test"),
    ("localhost", "xn--mnchen-3ya.shop.test"), ("localhost.localhost", "a.shop.test"),
    ("a.b.localhost", "localhost"), ("127.0.0.1", "far.limit.test"), ("127.7.7.7", "a.shop.test"),
    ("127.8.7.7", "a.shop.test"),
]


@pytest.mark.parametrize("connect, name", REALITY)
def test_what_is_explained_is_what_happens(everything, good, certs, customer, shop, tag, connect,
                                           name, start_origin):
    if connect.startswith("127.") and connect != "127.0.0.1":
        good = start_origin(certs.leaf("every name"), connect)
    asking(good, customer, ssl.CERT_OPTIONAL)
    said = explained(everything, f"{connect}:{good.port}", "--sni", name)
    sni = None if name[0].isdigit() else name
    shown = visit(everything, f"{connect}:{good.port}", sni, tag)
    origin = hashlib.sha256(good_der(certs)).hexdigest()
    assert (said["traffic"]["decision"] == "tunnelled") == (shown == origin)
    entry = everything.har(tag).entries[0]
    if shown == origin:
        assert said["traffic"]["reason"] in json.dumps(entry)
        return
    assert (said["certificate"]["kind"] == "file") == (shown == sha256(shop["www.shop.test"]))
    wanted = said["clientCertificate"]["file"]
    assert hashlib.sha256(first_der(wanted)).hexdigest() == got(good)[0]
    assert entry["_tls"]["origin"]["verify_mode"] == said["verify"]["mode"]
    assert said["strict"]["value"] == (name == "strict.test")


def test_what_nobody_reaches_is_explained(own_mitmd):
    """Whatever the rest says, no CONNECT to it comes through."""
    mitmd = own_mitmd()
    mitmd.write({**mitmd.config, "listen": mitmd.proxy})	# the port it was given
    for authority, who in ((mitmd.proxy, "nobody: that is mitmd itself"),
                           ("MitM.it:443", "nobody: those are mitmd's own pages")):
        assert explained(mitmd, authority)["reachableBy"]["who"].startswith(who)
        with mitmd.dial() as wire:
            assert wire.connect(authority).status == 403
    for address in ("169.254.169.254", "fd00:ec2::254"):
        said = explained(mitmd, "a.test", "--address", address)["reachableBy"]
        assert said["source"]["option"] == "access.guard"


def good_der(certs):
    return certs.leaf("every name").der()


def first_der(file):
    return openssl("x509", "-in", file, "-outform", "DER")


def line_of(mitmd, text):
    return next(i for i, line in enumerate(mitmd.file.read_text().split("\n"), 1) if text in line)


def test_the_line_that_decides_is_named(everything):
    host = explained(everything, "ignored.test", "--address", "192.0.2.1")
    assert host["traffic"]["source"] == {"option": "ignore_hosts", "file": str(everything.file),
                                         "line": line_of(everything, "ignored.test"),
                                         "pattern": "ignored.test"}
    host = explained(everything, "www.shop.test", "--address", "192.0.2.1")
    assert host["verify"]["source"]["line"] == line_of(everything, "\"*.shop.test\": \"reject\"")
    assert host["certificate"]["source"]["pattern"] == "www.shop.test"
    assert host["strict"]["source"]["pattern"] is None
    host = explained(everything, "localhost", "--address", "127.0.0.99")
    assert host["traffic"]["source"]["pattern"] == "127.0.0.99"
    assert "certificate" not in host


def test_people_are_told_the_same(everything):
    done = everything.ctl("explain", "www.shop.test:8443", "--address", "192.0.2.1")
    assert done.returncode == 0 and not done.stderr
    lines = dict(re.split(r"  +| (?=\d)", line, maxsplit=1) for line in done.stdout.splitlines())
    assert lines["traffic"] == "intercepted  (allow_hosts, default)"
    assert re.search(r"\(certs \"www.shop.test\", .*mitmd.yaml:\d+\)", lines["certificate"])
    assert "clients/*.shop.test.pem" in lines["client certificate"]
    assert lines["verify"].startswith("reject")


def test_without_an_address_the_rest_is_explained(everything):
    host = explained(everything, "no-such-host.shop.test")
    assert host["address"] is None and host["addressError"]
    assert host["verify"]["mode"] == "reject"
    text = everything.ctl("explain", "no-such-host.shop.test").stdout
    assert "patterns that are networks were left out" in text


def test_what_is_not_in_allow_hosts_is_explained(own_mitmd, good, certs):
    mitmd = own_mitmd({"allow_hosts": ["*.shop.test"]})
    assert visit(mitmd, good.authority, "other.test") == sha256(certs.leaf("every name"))
    said = explained(mitmd, good.authority, "--sni", "other.test")["traffic"]
    assert (said["decision"], said["reason"]) == ("tunnelled", "allow_hosts")
    assert said["source"]["line"] == line_of(mitmd, "allow_hosts")
    assert by_our_ca(mitmd, good.authority, "a.shop.test")
    said = explained(mitmd, good.authority, "--sni", "a.shop.test")["traffic"]
    assert (said["decision"], said["source"]["pattern"]) == ("intercepted", "*.shop.test")


def test_the_constraints_of_the_ca_are_explained(own_mitmd, good, certs):
    mitmd = own_mitmd({"ca": {"permit": [".shop.test"]}})
    del mitmd.config["ca"]["permit"]
    assert reload(mitmd, mitmd.config)[0] == "reloaded"
    assert visit(mitmd, good.authority, "other.test") == sha256(certs.leaf("every name"))
    said = explained(mitmd, good.authority, "--sni", "other.test")["traffic"]
    assert said == {"decision": "tunnelled", "reason": "ca.permit",
                    "constraintsOf": str(mitmd.ca)}


def test_those_of_a_ca_above_are_explained_too(own_mitmd, good, certs, tmp_path):
    """The CA itself says nothing; the root that has signed it does."""
    key, root, low = (tmp_path / name for name in ("key", "root.pem", "low.pem"))
    config = tmp_path / "ca.cnf"
    ca = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n" \
        "subjectKeyIdentifier=hash\n"
    config.write_text(f"[req]\ndistinguished_name=dn\n[dn]\n[low]\n{ca}"
                      f"[root]\n{ca}nameConstraints=critical,permitted;DNS:shop.test\n")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=narrow", "-config", config,
            "-extensions", "root", "-out", root)
    openssl("req", "-new", "-key", key, "-subj", "/CN=below", "-config", config, "-out",
            tmp_path / "csr")
    openssl("x509", "-req", "-in", tmp_path / "csr", "-CA", root, "-CAkey", key, "-extfile",
            config, "-extensions", "low", "-set_serial", "7", "-out", low)
    mitmd = own_mitmd(start=False)
    mitmd.ca_dir.mkdir()
    (mitmd.ca_dir / "mitmd-ca.pem").touch(0o600)
    (mitmd.ca_dir / "mitmd-ca.pem").write_bytes(b"".join(f.read_bytes() for f in (key, low, root)))
    mitmd.start()
    for name, decision in (("a.shop.test", "intercepted"), ("other.test", "tunnelled")):
        said = explained(mitmd, good.authority, "--sni", name)["traffic"]
        assert said["decision"] == decision
        shown = visit(mitmd, good.authority, name)
        assert (shown == sha256(certs.leaf("every name"))) == (decision == "tunnelled")


def test_who_may_reach_it_is_explained(own_mitmd):
    mitmd = own_mitmd()
    assert explained(mitmd, "127.0.0.1:1")["reachableBy"]["who"] == "only clients on this host"
    assert "reachableBy" not in explained(mitmd, "192.0.2.1")


@pytest.mark.parametrize("args, code, said", [
    ((), 64, "usage:"), (("a", "b"), 64, "usage:"), (("--x", "a"), 64, "usage:"),
    (("127.1",), 64, "127.1"), (("a.test:0",), 64, "a.test:0"), (("http://a.test",), 64, "not a URL"),
    (("a.test", "--sni", "a..b"), 64, "a..b"), (("a.test", "--address", "b"), 64, "--address")])
def test_what_cannot_be_explained(everything, args, code, said):
    done = everything.ctl("explain", *args)
    assert done.returncode == code and said in done.stderr and not done.stdout, done


def test_a_bad_configuration_is_told(own_mitmd):
    mitmd = own_mitmd(start=False)
    mitmd.write("certs: {\"a.*\": x}\n")
    done = mitmd.ctl("explain", "a.test")
    assert done.returncode == 78 and f"{mitmd.file}:1:9: key 'certs'" in done.stderr
