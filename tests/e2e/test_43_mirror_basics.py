# SPDX-License-Identifier: ISC
"""A bad origin's leaf: the same in every worker, kept over a reload, told in the entry."""
import json
import signal
import ssl
import time

import pytest

from env.certs import Certs, openssl
from env.curl import Curl
from env.origin import Origin


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """A CA nobody configured."""
    return Certs(tmp_path_factory.mktemp("stranger"), "a stranger")


# What is wrong, the recipe, and what is copied.
BAD = {
    "expired": (lambda c, s: c.leaf("expired", start=-20, end=-2), "good", ["dates"]),
    "early": (lambda c, s: c.leaf("soon", start=1), "good", ["dates"]),
    "self-signed": (lambda c, s: c.leaf("self", self_signed=True), "self", None),
    "wrong-name": (lambda c, s: c.leaf("wrong", ("DNS:other.example",)), "good", []),
    "untrusted": (lambda c, s: s.leaf("good"), "untrusted-sub", []),
}


@pytest.fixture(params=BAD)
def bad(request, start_origin, certs, stranger):
    make, recipe, copied = BAD[request.param]
    origin = start_origin(make(certs, stranger))
    origin.recipe, origin.copied = recipe, copied
    return origin


@pytest.fixture(scope="module")
def four(start_mitmd):
    return start_mitmd({"workers": 4})


def ask(client, origin):
    return client.ask(f"GET /hello HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")


def careless():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def leaf_of(mitmd, origin):
    """The DER that a client is shown."""
    with mitmd.secure(origin.authority, context=careless()) as client:
        return client.sock.getpeercert(binary_form=True)


def facts(der, *fields):
    return openssl("x509", "-inform", "DER", "-noout", *fields, data=der).decode()


# -- what the client sees --------------------------------------------------------------
def test_curl_says_what_it_says_alone(four, bad, roots):
    alone = Curl(ca=roots).run(bad.url())
    through = four.curl().run(bad.url())
    assert (through.code, through.errors) == (alone.code, alone.errors)
    assert through.code == 60
    assert not bad.requests()


def test_who_does_not_mind_goes_on(four, bad, tag):
    assert four.curl(tag).ok("-k", bad.url()).body == b"hello\n"
    entry = four.entry(tag, "/hello")
    assert entry["_tls"]["origin"]["verified"] is False
    assert entry["_tls"]["origin"]["verify_mode"] == "mirror"
    assert entry["_tls"]["recipe"] == bad.recipe
    if bad.copied is not None:
        assert entry["_tls"].get("copied", []) == bad.copied


def test_the_entry_names_the_origins_defect_and_not_the_ca(four, bad, tag):
    four.curl(tag).run(bad.url())
    entry = four.entry(tag, f"https://{bad.authority}/")
    assert entry["request"]["method"] == "CONNECT"
    assert entry.error.startswith("origin certificate: ")
    assert "CA not installed" not in entry.error


def test_the_leaf_is_the_same_in_every_worker(four, bad):
    assert len({leaf_of(four, bad) for _ in range(24)}) == 1


def test_so_is_a_good_one(four, secure_origin):
    assert len({leaf_of(four, secure_origin) for _ in range(24)}) == 1


def test_bad_leafs_have_another_key_than_good_ones(four, start_origin, certs, stranger):
    good, bad = start_origin(certs.leaf("good")), start_origin(stranger.leaf("good"))
    assert facts(leaf_of(four, good), "-pubkey") != facts(leaf_of(four, bad), "-pubkey")


# -- a reload --------------------------------------------------------------------------
def reload(mitmd):
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log(r"\breloaded: generation \d", start)


def test_leafs_survive_a_reload(own_mitmd, start_origin, certs, stranger):
    mitmd = own_mitmd({"workers": 1})
    origins = [start_origin(certs.leaf("good")), start_origin(stranger.leaf("good")),
               start_origin(certs.leaf("expired", start=-20, end=-2))]
    before = [leaf_of(mitmd, origin) for origin in origins]
    reload(mitmd)
    assert [leaf_of(mitmd, origin) for origin in origins] == before


def test_narrower_rules_hold_from_the_reload_on(own_mitmd, start_origin, certs):
    mitmd = own_mitmd({"workers": 1})
    origin = start_origin(certs.leaf("narrower", ("DNS:localhost", "DNS:other.example")))
    assert "other.example" in facts(leaf_of(mitmd, origin), "-ext", "subjectAltName")
    config = json.loads(mitmd.file.read_text())
    config["ca"]["permit"] = ["localhost"]
    config["leaf"] = {"lifetime": "1h"}
    mitmd.write(config)
    reload(mitmd)
    leaf = leaf_of(mitmd, origin)
    assert "other.example" not in facts(leaf, "-ext", "subjectAltName")
    end = facts(leaf, "-enddate").partition("=")[2].strip()
    assert ssl.cert_time_to_seconds(end) <= time.time() + 3600


# -- per host --------------------------------------------------------------------------
def test_verify_per_host(start_mitmd, start_origin, stranger):
    origin = start_origin(stranger.leaf("good"))
    mitmd = start_mitmd({"origin": {"verify": "reject",
                                    "verify_hosts": {"localhost": "off", "127.0.0.1": "mirror"}}})
    assert mitmd.curl().ok(origin.url()).body == b"hello\n"
    assert mitmd.curl().run(origin.url(host="127.0.0.1")).code == 60
    mitmd = start_mitmd({"origin": {"verify": "off", "verify_hosts": {"*": "reject"}}})
    assert mitmd.curl().run("-k", origin.url()).code == 35


def test_without_sniffing_nothing_of_the_origin_is_told(start_mitmd, start_origin, certs, stranger):
    mitmd = start_mitmd({"origin": {"sniff": False}})
    origin = start_origin(certs.leaf("two-names", ("DNS:localhost", "DNS:other.example")))
    der = leaf_of(mitmd, origin)
    assert "DNS:localhost\n" in facts(der, "-ext", "subjectAltName")
    assert "Origin of tests" not in facts(der, "-subject")
    assert mitmd.curl().ok(origin.url()).status == 200
    for bad in (certs.leaf("wrong", ("DNS:other.example",)), stranger.leaf("good"),
                certs.leaf("expired", start=-20, end=-2)):
        assert mitmd.curl().run(start_origin(bad).url()).code == 60


# -- sessions --------------------------------------------------------------------------
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3],
                         ids=["1.2", "1.3"])
def test_a_ticket_is_worth_nothing_when_the_origin_goes_bad(start_mitmd, start_origin, certs,
                                                            version):
    mitmd = start_mitmd({"workers": 1})
    origin = start_origin(certs.leaf("good"))
    context = mitmd.context()
    context.minimum_version = context.maximum_version = version
    session = None
    for resumed in (False, True):
        with mitmd.secure(origin.authority, context=context, session=session) as client:
            assert ask(client, origin).status == 200
            assert client.sock.session_reused == resumed
            session = client.sock.session
    expired = certs.leaf("expired", start=-20, end=-2)
    origin.context = Origin._context(expired, None)  # pylint: disable=protected-access
    heard = len(origin.requests())
    with pytest.raises(ssl.SSLCertVerificationError):
        mitmd.secure(origin.authority, context=context, session=session)
    assert len(origin.requests()) == heard


def test_a_ticket_of_a_bad_origin_is_resumed_by_who_took_it(start_mitmd, start_origin, stranger):
    mitmd = start_mitmd({"workers": 1})
    origin = start_origin(stranger.leaf("good"))
    session, context = None, careless()
    for resumed in (False, True):
        with mitmd.secure(origin.authority, context=context, session=session) as client:
            assert ask(client, origin).status == 200
            assert client.sock.session_reused == resumed
            session = client.sock.session
