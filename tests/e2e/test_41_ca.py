# SPDX-License-Identifier: ISC
"""The CA: its files, who refuses them, mitmctl ca, and what a new one changes."""
import json
import os
import shutil
import signal
import ssl
import subprocess

import pytest

from env.certs import Certs, openssl
from env.curl import Curl, clean_environment
from env.mitmd import alive, binary, children, wait_for
from env.wire import Closed

SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"
DENIED = 77
USAGE = 64
CONFIG = 78


def run(*command, code=0, data=None, **env):
    done = subprocess.run([str(c) for c in command], capture_output=True, timeout=60, input=data,
                          stdin=None if data is not None else subprocess.DEVNULL,
                          env=clean_environment(**env), check=False)
    assert code is None or done.returncode == code, (done.stdout + done.stderr).decode()
    done.text = (done.stdout + done.stderr).decode("utf-8", "replace")
    return done


def ctl(mitmd, *args, code=0, **more):
    return run(binary().parent / "mitmctl", "-c", mitmd.file, *args, code=code, **more)


def needs(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    return pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)}")


def reload(mitmd, expect=r"\breloaded: generation \d"):
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    return mitmd.wait_log(expect, start)


def fingerprint(cert):
    """SHA-256 as people see it."""
    return openssl("x509", "-in", cert, "-noout", "-fingerprint", "-sha256").decode() \
        .strip().partition("=")[2]


def context_for(*cas):
    context = ssl.create_default_context()
    for ca in cas:
        context.load_verify_locations(str(ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def issuer(mitmd, origin, *cas, name="localhost"):
    """Who signed what a client that trusts those sees."""
    with mitmd.secure(f"{name}:{origin.port}", name=name,
                      context=context_for(*cas)) as client:
        parts = dict(pair[0] for pair in client.sock.getpeercert()["issuer"])
    return parts["commonName"]


def subject(cert):
    text = openssl("x509", "-in", cert, "-noout", "-subject", "-nameopt", "multiline").decode()
    return text.partition("commonName")[2].partition("=")[2].split("\n")[0].strip()


# -- the files, read by those they are for ----------------------------------------------------
def test_every_form_has_the_same_certificate(mitmd):
    der = openssl("x509", "-in", mitmd.ca, "-outform", "DER")
    assert (mitmd.ca_dir / "mitmd-ca-cert.cer").read_bytes() == der
    p12 = openssl("pkcs12", "-in", mitmd.ca_dir / "mitmd-ca-cert.p12", "-passin",
                  "pass:changeit", "-nokeys")
    assert openssl("x509", "-outform", "DER", data=p12) == der


def test_only_the_key_is_secret(mitmd):
    modes = {p.name: p.stat().st_mode & 0o7777 for p in mitmd.ca_dir.iterdir()}
    assert modes.pop("mitmd-ca.pem") == 0o600
    assert set(modes) == {"mitmd-ca-cert.pem", "mitmd-ca-cert.cer", "mitmd-ca-cert.p12",
                          "mitmd-ca-cert.jks", "mitmd-ca-bundle.pem"}
    assert set(modes.values()) == {0o644}
    assert mitmd.ca_dir.stat().st_mode & 0o7777 == 0o755


@needs("keytool")
@pytest.mark.parametrize("form", ["p12", "jks"])
def test_java_finds_one_trusted_certificate(mitmd, form):
    text = run("keytool", "-J-Xshare:auto", "-J-XX:TieredStopAtLevel=1", "-list", "-keystore",
               mitmd.ca_dir / f"mitmd-ca-cert.{form}", "-storepass", "changeit").text
    assert "contains 1 entry" in text and "trustedCertEntry" in text
    assert fingerprint(mitmd.ca) in text


@needs("certtool")
def test_gnutls_reads_them(mitmd):
    run("certtool", "-i", "--inder", "--infile", mitmd.ca_dir / "mitmd-ca-cert.cer")
    text = run("certtool", "--p12-info", "--inder", "--password", "changeit", "--infile",
               mitmd.ca_dir / "mitmd-ca-cert.p12").text
    assert text.count("BEGIN CERTIFICATE") == 1


@needs("certutil", "pk12util")
def test_nss_takes_them(mitmd, tmp_path):
    run("certutil", "-N", "-d", f"sql:{tmp_path}", "--empty-password")
    run("certutil", "-A", "-d", f"sql:{tmp_path}", "-n", "ours", "-t", "C,,", "-i",
        mitmd.ca_dir / "mitmd-ca-cert.cer")
    run("certutil", "-V", "-d", f"sql:{tmp_path}", "-n", "ours", "-u", "L")
    assert "mitmd CA" in run("pk12util", "-l", mitmd.ca_dir / "mitmd-ca-cert.p12", "-W",
                             "changeit").text


def test_the_bundle_is_the_systems_roots_and_ours(mitmd):
    bundle = mitmd.ca_dir / "mitmd-ca-bundle.pem"
    with open(SYSTEM_ROOTS, "rb") as file:
        system = file.read()
    assert bundle.read_bytes() == system + mitmd.ca.read_bytes()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(str(bundle))
    assert context.cert_store_stats()["x509_ca"] == system.count(b"BEGIN CERTIFICATE") + 1


def test_curl_with_the_bundle(mitmd, secure_origin):
    Curl(mitmd.proxy, mitmd.ca_dir / "mitmd-ca-bundle.pem").ok(secure_origin.url())


def test_a_reload_mends_the_files(own_mitmd):
    mitmd = own_mitmd()
    before = {p.name: p.read_bytes() for p in mitmd.ca_dir.iterdir()}
    for name in set(before) - {"mitmd-ca.pem", "mitmd-ca-cert.cer"}:
        (mitmd.ca_dir / name).write_bytes(b"old roots\n")
    (mitmd.ca_dir / "mitmd-ca-cert.cer").unlink()
    reload(mitmd)
    assert {p.name: p.read_bytes() for p in mitmd.ca_dir.iterdir()} == before


def test_a_link_in_place_of_a_file_is_not_followed(own_mitmd):
    mitmd = own_mitmd()
    precious = mitmd.directory / "precious"
    precious.write_text("precious\n")
    for name in ("mitmd-ca-cert.pem", "mitmd-ca-bundle.pem"):
        (mitmd.ca_dir / name).unlink()
        (mitmd.ca_dir / name).symlink_to(precious)
    reload(mitmd)
    assert precious.read_text() == "precious\n"
    assert not mitmd.ca.is_symlink() and b"BEGIN" in mitmd.ca.read_bytes()


# -- what is refused ---------------------------------------------------------------------------
def self_signed(directory, *more, key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                usage="critical,keyCertSign", basic="critical,CA:TRUE"):
    """Key and certificate of a CA that openssl makes."""
    key_file, cert_file = directory / "k", directory / "c"
    openssl("req", "-x509", "-nodes", *key, "-keyout", key_file, "-out", cert_file, "-subj",
            "/CN=Own", "-days", "9", "-addext", f"keyUsage={usage}", "-config",
            own_config(directory, basic), *more)
    return key_file.read_bytes(), cert_file.read_bytes()


def own_config(directory, basic):
    file = directory / "own.cnf"
    file.write_text("[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[v3]\n"
                    f"basicConstraints={basic}\nsubjectKeyIdentifier=hash\n")
    return file


def loose(mitmd, tmp):
    key, cert = self_signed(tmp)
    place(mitmd, key + cert).chmod(0o644)


def ended(mitmd, tmp):
    root = Certs(tmp / "old")
    openssl("ca", "-batch", "-config", "ca.cnf", "-notext", "-extensions", "root", "-startdate",
            "20200101000000Z", "-enddate", "20210101000000Z", "-in",
            root.root.cert.with_suffix(".csr"), "-out", "old.crt", "-selfsign", "-keyfile",
            root.root.key, cwd=root.directory)
    place(mitmd, root.root.key.read_bytes() + (root.directory / "old.crt").read_bytes())


def ed25519(mitmd, tmp):
    place(mitmd, b"".join(self_signed(tmp, key=("-newkey", "ed25519"))))


def encrypted(mitmd, tmp):
    key, cert = self_signed(tmp)
    place(mitmd, openssl("pkey", "-aes128", "-passout", "pass:x", data=key) + cert)


def no_cert_sign(mitmd, tmp):
    place(mitmd, b"".join(self_signed(tmp, usage="critical,cRLSign")))


def no_ca(mitmd, tmp):
    place(mitmd, b"".join(self_signed(tmp, basic="critical,CA:FALSE")))


def other_key(mitmd, tmp):
    _, cert = self_signed(tmp)
    key, _ = self_signed(tmp)
    place(mitmd, key + cert)


def path_length(mitmd, tmp):
    """A CA below one that allows none."""
    corp = Certs(tmp / "corp")
    low = Certs(tmp / "low")
    low._issue(low.middle, "/CN=Too low", "ec", "middle", corp.middle, [], -1, 9)
    place(mitmd, low.middle.key.read_bytes() + low.middle.cert.read_bytes() +
          corp.middle.cert.read_bytes() + corp.root.cert.read_bytes())


def no_order(mitmd, tmp):
    corp, other = Certs(tmp / "corp"), Certs(tmp / "other")
    place(mitmd, corp.middle.key.read_bytes() + corp.middle.cert.read_bytes() +
          other.root.cert.read_bytes())


def key_gone(mitmd, tmp):
    del tmp
    mitmd.ca_dir.mkdir()
    mitmd.ca.write_text("left over")


def bad_list(mitmd, tmp):
    place(mitmd, b"".join(self_signed(tmp)))
    (mitmd.ca_dir / "mitmd-ca-retired.pem").write_text("nothing\n")


def open_directory(mitmd, tmp):
    del tmp
    mitmd.ca_dir.mkdir()
    mitmd.ca_dir.chmod(0o777)


def place(mitmd, data):
    mitmd.ca_dir.mkdir(exist_ok=True)
    file = mitmd.ca_dir / "mitmd-ca.pem"
    file.touch(0o600)
    file.write_bytes(data)
    return file


REFUSED = {
    loose: "chmod 600", ended: "has expired.*mitmctl ca retire", ed25519: "Ed25519",
    encrypted: "encrypted", no_cert_sign: "keyCertSign", no_ca: "CA:TRUE",
    other_key: "does not belong", path_length: "path length 0",
    no_order: "does not issue", key_gone: "put the key back", bad_list: "mitmd-ca-retired.pem",
    open_directory: "chmod o-w",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__.replace("_", "-"))
def test_what_cannot_be_used_is_refused_at_start(own_mitmd, tmp_path, make):
    mitmd = own_mitmd(start=False)
    make(mitmd, tmp_path)
    before = {p.name: p.read_bytes() for p in mitmd.ca_dir.iterdir()}
    mitmd.spawn()
    mitmd.wait_log(REFUSED[make])
    assert mitmd.gone() not in (0, None)
    assert {p.name: p.read_bytes() for p in mitmd.ca_dir.iterdir()} == before


def test_one_that_ends_soon_is_used_and_warned_of(own_mitmd, secure_origin, tmp_path):
    """With each start and reload; what it signs ends no later."""
    mitmd = own_mitmd(start=False)
    key, cert = self_signed(tmp_path)
    place(mitmd, key + cert)
    mitmd.start()
    mitmd.wait_log(r"warning: the CA ends in [89] days: prepare a new one")
    start = len(mitmd.log)
    reload(mitmd)
    mitmd.wait_log(r"warning: the CA ends in [89] days", start)
    assert issuer(mitmd, secure_origin, mitmd.ca) == "Own"


def test_one_that_was_retired_is_warned_of(own_mitmd):
    """Somebody has put the key back."""
    mitmd = own_mitmd(start=False)
    ctl(mitmd, "ca", "init")
    key = (mitmd.ca_dir / "mitmd-ca.pem").read_bytes()
    retire(mitmd)
    place(mitmd, key)
    mitmd.start()
    mitmd.wait_log(r"warning: the CA was retired: \S+/mitmd-ca-retired\.pem has its key")


def test_a_reload_keeps_the_old_ca_when_the_new_one_is_unusable(own_mitmd, secure_origin):
    mitmd = own_mitmd()
    name = subject(mitmd.ca)
    (mitmd.ca_dir / "mitmd-ca.pem").chmod(0o644)
    reload(mitmd, r"chmod 600")
    assert issuer(mitmd, secure_origin, mitmd.ca) == name


def test_a_signer_that_fails_while_the_master_is_busy(own_mitmd, secure_origin):
    """Its last words and its end are found at the same moment."""
    mitmd = own_mitmd()
    (mitmd.ca_dir / "mitmd-ca.pem").chmod(0o644)
    for _ in range(10):
        before, start = set(children(mitmd.process.pid)), len(mitmd.log)
        mitmd.tell(signal.SIGHUP)
        # It lives for milliseconds; one that is missed was only a reload that fails.
        while not (new := set(children(mitmd.process.pid)) - before) and start == len(mitmd.log):
            assert alive(mitmd.process.pid)
        mitmd.tell(signal.SIGSTOP)
        wait_for(lambda new=new: not any(alive(pid) for pid in new), "its end")
        mitmd.tell(signal.SIGCONT)
        mitmd.wait_log("reload failed", start)
    mitmd.curl().ok(secure_origin.url())


# -- the operator's own CA ---------------------------------------------------------------------
def test_own_ca_below_a_root_that_clients_have(own_mitmd, secure_origin, tmp_path):
    """The chain is sent, so that a client needs nothing but the corporate root."""
    corp = Certs(tmp_path, "corp")
    mitmd = own_mitmd(start=False)
    place(mitmd, corp.middle.key.read_bytes() + corp.middle.cert.read_bytes() +
          corp.root.cert.read_bytes())
    mitmd.start()
    assert issuer(mitmd, secure_origin, corp.root.cert) == "corp intermediate"
    Curl(mitmd.proxy, corp.root.cert).ok(secure_origin.url())
    shown = openssl("x509", "-in", mitmd.ca, "-outform", "DER")
    assert shown == corp.middle.der()
    assert (mitmd.ca_dir / "mitmd-ca-bundle.pem").read_bytes().count(b"BEGIN CERTIFICATE") == \
        open(SYSTEM_ROOTS, "rb").read().count(b"BEGIN CERTIFICATE") + 2
    context = ssl.create_default_context(cafile=str(mitmd.ca_dir / "mitmd-ca-bundle.pem"))
    mitmd.secure(secure_origin.authority, context=context).close()


def test_own_ca_without_its_root(own_mitmd, secure_origin, tmp_path):
    corp = Certs(tmp_path, "corp")
    mitmd = own_mitmd(start=False)
    place(mitmd, corp.middle.key.read_bytes() + corp.middle.cert.read_bytes())
    mitmd.start()
    assert issuer(mitmd, secure_origin, corp.root.cert) == "corp intermediate"


# -- a limited CA ------------------------------------------------------------------------------
@pytest.fixture
def two_names(start_origin, certs):
    """One origin, two names; loopback is below localhost by RFC 6761."""
    return start_origin(certs.leaf("two", ("DNS:in.localhost", "DNS:out.localhost",
                                           "IP:127.0.0.1")))


def limited(mitmd, origin, roots, tag):
    """What is inside is signed by us, for no name outside; the rest passes untouched."""
    with mitmd.secure(f"in.localhost:{origin.port}", tag, name="in.localhost",
                      context=context_for(mitmd.ca)) as client:
        names = client.sock.getpeercert()["subjectAltName"]
        client.ask("GET /hello HTTP/1.1\r\nHost: in.localhost\r\n\r\n")
    assert names == (("DNS", "in.localhost"),)
    for name in ("out.localhost", "127.0.0.1"):
        with mitmd.secure(f"{name}:{origin.port}", tag, name=name,
                          context=ssl.create_default_context(cafile=str(roots))) as client:
            client.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
    entries = mitmd.har(tag, lambda har: len(har) == 3).entries
    reasons = [json.dumps(e) for e in entries if "ca.permit" in json.dumps(e)]
    assert len(reasons) == 2, entries


def test_names_outside_ca_permit_pass_untouched(own_mitmd, two_names, roots, tag):
    mitmd = own_mitmd({"ca": {"permit": ["in.localhost"]}})
    assert "Permitted" in openssl("x509", "-in", mitmd.ca, "-noout", "-ext",
                                  "nameConstraints").decode()
    limited(mitmd, two_names, roots, tag)


def test_a_ca_made_with_permit_needs_no_option(own_mitmd, two_names, roots, tag):
    mitmd = own_mitmd(start=False)
    ctl(mitmd, "ca", "init", "--permit", "in.localhost", "x.test")
    limited(mitmd.start(), two_names, roots, tag)
    assert not [line for line in mitmd.log if "ca.permit" in line and "warning" in line]


def test_an_option_that_the_ca_does_not_have_is_warned_of(own_mitmd, two_names, roots, tag):
    """And kept all the same."""
    mitmd = own_mitmd(start=False)
    ctl(mitmd, "ca", "init")
    mitmd.write({**mitmd.config, "ca": {"dir": str(mitmd.ca_dir), "permit": ["in.localhost"]}})
    mitmd.start()
    mitmd.wait_log(r"ca\.permit: the CA was not made with this list")
    limited(mitmd, two_names, roots, tag)


def test_the_narrower_of_both_counts(own_mitmd, two_names, roots, tag):
    mitmd = own_mitmd(start=False)
    ctl(mitmd, "ca", "init", "--permit", ".localhost")
    mitmd.write({**mitmd.config, "ca": {"dir": str(mitmd.ca_dir), "permit": [
        "in.localhost", "127.0.0.1"]}})
    limited(mitmd.start(), two_names, roots, tag)


# -- mitmctl ca --------------------------------------------------------------------------------
def test_init_makes_what_a_start_makes(own_mitmd):
    mitmd = own_mitmd(start=False)
    text = ctl(mitmd, "ca", "init").text
    assert fingerprint(mitmd.ca) in text and "reload" in text
    made = {p.name: p.read_bytes() for p in mitmd.ca_dir.iterdir()}
    mitmd.start()
    assert {p.name: p.read_bytes() for p in mitmd.ca_dir.iterdir()} == made


def test_init_never_replaces(own_mitmd):
    mitmd = own_mitmd()
    made = {p.name: p.read_bytes() for p in mitmd.ca_dir.iterdir()}
    assert "ca retire" in ctl(mitmd, "ca", "init", code=1).text
    assert {p.name: p.read_bytes() for p in mitmd.ca_dir.iterdir()} == made


def test_two_are_never_the_same(own_mitmd):
    pins = set()
    for _ in range(2):
        mitmd = own_mitmd(start=False)
        ctl(mitmd, "ca", "init")
        pins.add(json.loads(ctl(mitmd, "ca", "show", "--output", "json").stdout)["spki_sha256"])
    assert len(pins) == 2


def test_init_as_rsa(own_mitmd, secure_origin):
    mitmd = own_mitmd(start=False)
    ctl(mitmd, "ca", "init", "--key-type", "rsa")
    assert json.loads(ctl(mitmd, "--output", "json", "ca", "show").stdout)["key"] == "RSA 2048"
    mitmd.start()
    mitmd.curl().ok(secure_origin.url())


@pytest.mark.parametrize("args", [
    (), ("burn",), ("init", "--permit"), ("init", "--permit", "~x"), ("init", "x"),
    ("init", "--key-type", "dsa"), ("init", "--yes"), ("show", "x"), ("show", "--output", "xml"),
    ("export", "exe"), ("export", "pem", "cer"), ("retire", "x"),
], ids=" ".join)
def test_bad_usage(own_mitmd, args):
    mitmd = own_mitmd(start=False)
    ctl(mitmd, "ca", "init")
    made = sorted(p.name for p in mitmd.ca_dir.iterdir())
    ctl(mitmd, "ca", *args, code=USAGE)
    assert sorted(p.name for p in mitmd.ca_dir.iterdir()) == made


def test_a_bad_configuration_is_said_with_its_line(own_mitmd):
    mitmd = own_mitmd(start=False)
    mitmd.write("ca:\n  dri: x\n")
    assert ":2:3: " in ctl(mitmd, "ca", "show", code=CONFIG).text


def test_show_tells_all(own_mitmd):
    mitmd = own_mitmd(start=False)
    ctl(mitmd, "ca", "init", "--permit", "a.test", "--permit", "10.0.0.0/8")
    text = ctl(mitmd, "ca", "show").text
    sha1 = openssl("x509", "-in", mitmd.ca, "-noout", "-fingerprint", "-sha1").decode().strip()
    spki = openssl("pkey", "-pubin", "-outform", "DER", data=openssl(
        "x509", "-in", mitmd.ca, "-noout", "-pubkey"))
    pin = openssl("base64", data=openssl("dgst", "-sha256", "-binary", data=spki)).decode()
    for piece in (subject(mitmd.ca), fingerprint(mitmd.ca), sha1.partition("=")[2], pin.strip(),
                  "EC P-256", "days left", "DNS:a.test", "IP:10.0.0.0/8", "IP:::/0"):
        assert piece in text, (piece, text)
    shown = json.loads(ctl(mitmd, "ca", "show", "--output", "json").stdout)
    assert shown["permitted"] == ["DNS:a.test", "IP:10.0.0.0/8"]
    assert shown["sha256"] == fingerprint(mitmd.ca) and shown["spki_sha256"] == pin.strip()
    assert 1090 < shown["days_left"] <= 1095 and shown["retired"] == []
    assert shown["files"]["pem"] == str(mitmd.ca)


def test_show_without_a_ca(own_mitmd):
    mitmd = own_mitmd(start=False)
    mitmd.ca_dir.mkdir()
    assert "ca init" in ctl(mitmd, "ca", "show", code=1).text
    assert list(mitmd.ca_dir.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_others_may_look_and_not_touch(own_mitmd):
    mitmd = own_mitmd()
    for place_ in (mitmd.directory, *mitmd.directory.parents):
        if not place_.stat().st_mode & 0o001:
            place_.chmod(place_.stat().st_mode | 0o011)
    mitmd.file.chmod(0o644)
    program = binary().parent / "mitmctl"
    if subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", program, "-V"], check=False,
                      capture_output=True).returncode != 0:
        pytest.skip("nobody may not run the build")

    def as_nobody(*args, code):
        return run("setpriv", "--reuid=65534", "--clear-groups", program, "-c", mitmd.file,
                   *args, code=code)
    assert fingerprint(mitmd.ca) in as_nobody("ca", "show", code=0).text
    assert as_nobody("ca", "export", code=0).stdout == mitmd.ca.read_bytes()
    as_nobody("ca", "retire", "--yes", code=DENIED)
    as_nobody("ca", "init", code=DENIED)


@pytest.mark.parametrize("form, file", [
    ((), "mitmd-ca-cert.pem"), (("pem",), "mitmd-ca-cert.pem"), (("cer",), "mitmd-ca-cert.cer"),
    (("p12",), "mitmd-ca-cert.p12"), (("jks",), "mitmd-ca-cert.jks"),
    (("bundle",), "mitmd-ca-bundle.pem"),
])
def test_export_gives_what_the_files_hold(mitmd, tmp_path, form, file):
    expected = (mitmd.ca_dir / file).read_bytes()
    assert ctl(mitmd, "ca", "export", *form).stdout == expected
    assert ctl(mitmd, "ca", "export", *form, "-o", tmp_path / "out").stdout == b""
    assert (tmp_path / "out").read_bytes() == expected
    assert b"PRIVATE" not in expected


# -- a CA's end --------------------------------------------------------------------------------
def retire(mitmd):
    return ctl(mitmd, "ca", "retire", "--yes").text


def test_retire_asks_first(own_mitmd):
    mitmd = own_mitmd()
    assert "--yes" in ctl(mitmd, "ca", "retire", code=USAGE).text
    assert (mitmd.ca_dir / "mitmd-ca.pem").exists()


def test_retire_keeps_the_certificate_and_removes_the_key(own_mitmd):
    mitmd = own_mitmd()
    old = mitmd.ca.read_bytes()
    assert "reload" in retire(mitmd)
    assert not (mitmd.ca_dir / "mitmd-ca.pem").exists()
    assert (mitmd.ca_dir / "mitmd-ca-retired.pem").read_bytes() == old
    assert (mitmd.ca_dir / "mitmd-ca-retired.pem").stat().st_mode & 0o7777 == 0o644
    ctl(mitmd, "ca", "retire", "--yes", code=1)
    ctl(mitmd, "ca", "init")
    shown = json.loads(ctl(mitmd, "ca", "show", "--output", "json").stdout)
    assert len(shown["retired"]) == 1 and shown["retired"][0]["sha256"] != shown["sha256"]


def test_one_that_cannot_be_used_any_more_can_be_retired(own_mitmd, tmp_path):
    mitmd = own_mitmd(start=False)
    ended(mitmd, tmp_path)
    retire(mitmd)
    mitmd.start()
    assert subject(mitmd.ca).startswith("mitmd CA")


def test_a_lost_key_can_be_retired(own_mitmd):
    mitmd = own_mitmd()
    mitmd.stop()
    (mitmd.ca_dir / "mitmd-ca.pem").unlink()
    old = subject(mitmd.ca)
    retire(mitmd)
    mitmd.start()
    assert subject(mitmd.ca) != old


def test_a_reload_takes_the_new_ca(own_mitmd, secure_origin):
    """Until then the old one signs; afterwards no leaf and no session of it is left."""
    mitmd = own_mitmd()
    old = mitmd.directory / "old.pem"
    shutil.copy(mitmd.ca, old)
    both = context_for(old)
    with mitmd.secure(secure_origin.authority, context=both) as client:
        client.ask("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
        session = client.sock.session
    with mitmd.secure(secure_origin.authority, context=both, session=session) as client:
        assert client.sock.session_reused
    retire(mitmd)
    assert issuer(mitmd, secure_origin, old) == subject(old)
    ctl(mitmd, "ca", "init")
    assert issuer(mitmd, secure_origin, old) == subject(old)
    reload(mitmd)
    both.load_verify_locations(str(mitmd.ca))
    with mitmd.secure(secure_origin.authority, context=both, session=session) as client:
        assert not client.sock.session_reused
    for _ in range(6):
        assert issuer(mitmd, secure_origin, mitmd.ca) == subject(mitmd.ca) != subject(old)
    assert (mitmd.ca_dir / "mitmd-ca-bundle.pem").read_bytes().endswith(mitmd.ca.read_bytes())


def test_a_reload_makes_the_new_ca_when_nobody_did(own_mitmd, secure_origin):
    mitmd = own_mitmd()
    old = subject(mitmd.ca)
    retire(mitmd)
    reload(mitmd)
    assert issuer(mitmd, secure_origin, mitmd.ca) == subject(mitmd.ca) != old


def test_a_new_signer_does_not_mix_two_cas(own_mitmd, secure_origin, start_origin, certs):
    """The workers of a generation send its chain: another CA waits for the reload."""
    mitmd = own_mitmd()
    retire(mitmd)
    ctl(mitmd, "ca", "init")
    start = len(mitmd.log)
    os.kill(mitmd.pids("signer")[0], signal.SIGKILL)
    mitmd.wait_log("not the one this generation has begun with", start)
    other = start_origin(certs.leaf("other"))
    with pytest.raises((ssl.SSLError, Closed, OSError)):
        issuer(mitmd, other, mitmd.ca)
    reload(mitmd)
    assert issuer(mitmd, other, mitmd.ca) == subject(mitmd.ca)


def leaf_of(mitmd, tmp_path, name):
    """An origin's certificate by somebody who has the CA's key."""
    ours = Certs(tmp_path / name)
    key = mitmd.ca_dir / "mitmd-ca.pem"
    ours.middle.key.write_bytes(openssl("pkey", "-in", key))
    ours.middle.cert.write_bytes(openssl("x509", "-in", key))
    return ours.leaf(name)


@pytest.mark.parametrize("retired", [False, True], ids=["current", "retired"])
def test_an_origin_of_our_own_is_not_trusted(own_mitmd, start_origin, tmp_path, retired):
    """Not even with the CA among the roots, where another installation would put it."""
    mitmd = own_mitmd(start=False)
    ctl(mitmd, "ca", "init")
    origin = start_origin(leaf_of(mitmd, tmp_path, "stolen"))
    stolen = mitmd.directory / "stolen.pem"
    shutil.copy(mitmd.ca, stolen)
    mitmd.config["origin"]["ca"].append(str(stolen))
    mitmd.write(mitmd.config)
    if retired:
        retire(mitmd)
    mitmd.start()
    with pytest.raises((ssl.SSLError, Closed, OSError)):
        issuer(mitmd, origin, mitmd.ca)
    assert not origin.requests()
    if retired:		# that it is the list which does it
        (mitmd.ca_dir / "mitmd-ca-retired.pem").unlink()
        reload(mitmd)
        assert issuer(mitmd, origin, mitmd.ca) == subject(mitmd.ca)


# -- the key from systemd ----------------------------------------------------------------------
@pytest.fixture
def credentials(tmp_path, monkeypatch):
    """What LoadCredential=mitmd-ca.pem gives a service."""
    directory = tmp_path / "credentials"
    directory.mkdir(0o700)
    corp = Certs(tmp_path / "corp", "corp")
    file = directory / "mitmd-ca.pem"
    file.write_bytes(corp.middle.key.read_bytes() + corp.middle.cert.read_bytes() +
                     corp.root.cert.read_bytes())
    file.chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(directory))
    corp.file = file
    return corp


def test_a_credential_is_the_key(own_mitmd, secure_origin, credentials):
    mitmd = own_mitmd()
    assert issuer(mitmd, secure_origin, credentials.root.cert) == "corp intermediate"
    assert "mitmd-ca.pem" not in os.listdir(mitmd.ca_dir)
    assert openssl("x509", "-in", mitmd.ca, "-outform", "DER") == credentials.middle.der()
    os.kill(mitmd.pids("signer")[0], signal.SIGKILL)
    wait_for(lambda: mitmd.pids("signer"), "the next signer")
    reload(mitmd)
    assert issuer(mitmd, secure_origin, credentials.root.cert) == "corp intermediate"


def test_a_credential_comes_before_the_file(own_mitmd, secure_origin, credentials):
    mitmd = own_mitmd(start=False)
    del os.environ["CREDENTIALS_DIRECTORY"]
    ctl(mitmd, "ca", "init")
    os.environ["CREDENTIALS_DIRECTORY"] = str(credentials.file.parent)
    mitmd.start()
    mitmd.wait_log(r"mitmd-ca\.pem is not used")
    assert issuer(mitmd, secure_origin, credentials.root.cert) == "corp intermediate"


@pytest.mark.parametrize("spoil, said", [
    (lambda file: file.chmod(0o444), "credential"),
    (lambda file: (file.chmod(0o600), file.write_text("nothing")), "no private key"),
], ids=["loose", "garbled"])
def test_a_bad_credential_is_refused(own_mitmd, credentials, spoil, said):
    mitmd = own_mitmd(start=False)
    spoil(credentials.file)
    mitmd.spawn()
    mitmd.wait_log(said)
    assert mitmd.gone() not in (0, None)
    assert not (mitmd.ca_dir / "mitmd-ca.pem").exists()


def test_without_its_credential_it_makes_no_other_ca(own_mitmd, credentials):
    mitmd = own_mitmd()
    mitmd.stop()
    credentials.file.unlink()
    mitmd.spawn()
    mitmd.wait_log("systemd credential")
    assert mitmd.gone() not in (0, None)
