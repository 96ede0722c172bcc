# SPDX-License-Identifier: ISC
"""Clients that do not take our certificates: what is said of it, what is learnt, and mitmctl bypass."""
import contextlib
import ctypes
import ctypes.util
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

import pytest

from env.certs import Certs
from env.curl import clean_environment
from env.mitmd import wait_for

NO_CA = "CA not installed on this client"
PINNED = "this host is pinned"
NODE = pathlib.Path(__file__).parent / "env" / "connect_agent.js"
SILENT = "it closed the connection after our certificate"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A root that has signed nothing here: who trusts it alone trusts nobody."""
    return Certs(tmp_path_factory.mktemp("foreign"), "somebody else").root.cert


def run(*command, data="", **env):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60,
                          input=data, env=clean_environment(**env), check=False)


def get(client, origin):
    return client.ask(f"GET /hello HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")


def python_context(ca, version=None):
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols(["http/1.1"])
    if version:
        context.minimum_version = context.maximum_version = version
    return context


@contextlib.contextmanager
def bridge(mitmd, authority, tag):
    """A port that leads through mitmd to the origin, for clients that know no proxy."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve():
        with contextlib.suppress(OSError):
            near, _ = listener.accept()
            with near, mitmd.tunnel(authority, tag).sock as far:
                back = threading.Thread(target=pump, args=(far, near), daemon=True)
                back.start()
                pump(near, far)
                back.join(20)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(20)
    listener.close()


# -- clients --------------------------------------------------------------------------------------
def curl(mitmd, origin, tag, foreign):
    done = mitmd.curl(tag).run("--cacert", foreign, origin.url())
    assert done.code == 60, done


def curl_12(mitmd, origin, tag, foreign):
    done = mitmd.curl(tag).run("--tls-max", "1.2", "--cacert", foreign, origin.url())
    assert done.code == 60, done


def python(mitmd, origin, tag, foreign):
    with pytest.raises(ssl.SSLCertVerificationError):
        mitmd.secure(origin.authority, tag, context=python_context(foreign))


def s_client(mitmd, origin, tag, foreign):
    done = run("openssl", "s_client", "-proxy", mitmd.proxy, "-proxy_user", tag, "-proxy_pass",
               "pass:x", "-connect", origin.authority, "-servername", "localhost",
               "-verify_return_error", "-CAfile", foreign)
    assert done.returncode != 0, done


def gnutls(mitmd, origin, tag, foreign):
    with bridge(mitmd, origin.authority, tag) as port:
        done = run("gnutls-cli", "--x509cafile", foreign, "--sni-hostname", "localhost",
                   "--verify-hostname", "localhost", "-p", port, "127.0.0.1")
    assert done.returncode != 0, done


def node(mitmd, origin, tag, _foreign):
    done = run("node", NODE, mitmd.proxy, tag, origin.url())
    assert done.returncode != 0, done


CLIENTS = [
    (curl, "curl", "alert unknown_ca"),
    (curl_12, "curl", "alert unknown_ca"),
    (python, None, "alert unknown_ca"),
    (s_client, "openssl", "alert unknown_ca"),
    (gnutls, "gnutls-cli", "alert bad_certificate"),
    (node, "node", SILENT),
]


@pytest.mark.parametrize("client,program,sign", CLIENTS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_client_without_our_ca(mitmd, secure_origin, tag, foreign, client, program, sign):
    if program and not shutil.which(program):
        pytest.skip(f"no {program}")
    start = len(mitmd.log)
    client(mitmd, secure_origin, tag, foreign)
    error = mitmd.entry(tag, f"https://{secure_origin.authority}/").error
    assert error == f"client refused our certificate: {NO_CA} ({sign})", error
    line = mitmd.wait_log(rf"client 127\.0\.0\.1 \(tag {tag}\) refuses our certificate", start).string
    assert f"for localhost:{secure_origin.port}: {NO_CA} ({sign});" in line
    assert f"install {mitmd.ca}" in line
    assert not secure_origin.requests()


GNUTLS_FATAL, GNUTLS_UNKNOWN_CA = 2, 48


def test_an_alert_after_the_handshake(mitmd, secure_origin, tag):
    """TLS 1.3 lets a client finish first and look at the certificate later."""
    found = ctypes.util.find_library("gnutls")
    if not found:
        pytest.skip("no libgnutls")
    lib = ctypes.CDLL(found)
    session, credentials = ctypes.c_void_p(), ctypes.c_void_p()
    wire = mitmd.tunnel(secure_origin.authority, tag)
    wire.sock.setblocking(True)
    assert lib.gnutls_init(ctypes.byref(session), 2) == 0
    assert lib.gnutls_certificate_allocate_credentials(ctypes.byref(credentials)) == 0
    assert lib.gnutls_set_default_priority(session) == 0
    assert lib.gnutls_credentials_set(session, 1, credentials) == 0
    assert lib.gnutls_server_name_set(session, 1, b"localhost", 9) == 0
    lib.gnutls_transport_set_int2(session, wire.sock.fileno(), wire.sock.fileno())
    assert lib.gnutls_handshake(session) == 0
    assert lib.gnutls_alert_send(session, GNUTLS_FATAL, GNUTLS_UNKNOWN_CA) == 0
    wire.close()
    lib.gnutls_deinit(session)
    lib.gnutls_certificate_free_credentials(credentials)
    error = mitmd.entry(tag, f"https://{secure_origin.authority}/").error
    assert error == f"client refused our certificate: {NO_CA} (alert unknown_ca)", error


def test_a_preconnect_is_no_rejection(mitmd, secure_origin, tag):
    start = len(mitmd.log)
    mitmd.secure(secure_origin.authority, tag).close()
    assert get(mitmd.secure(secure_origin.authority, tag), secure_origin).status == 200
    assert [e.error for e in mitmd.har(tag).entries] == [None]
    assert not [line for line in mitmd.log[start:] if tag in line and "refuses" in line]


def test_git_that_closes_without_a_word(mitmd, secure_origin, tag, foreign):
    """It looks at the certificate after the handshake: only a hint, after some times."""
    if not shutil.which("git"):
        pytest.skip("no git")
    start = len(mitmd.log)
    for _ in range(4):
        done = run("git", "ls-remote", secure_origin.url("/repo.git"), GIT_SSL_CAINFO=str(foreign),
                   https_proxy=f"http://{tag}:x@{mitmd.proxy}", no_proxy="",
                   GIT_HTTP_PROXY_AUTHMETHOD="basic", GIT_TERMINAL_PROMPT="0")
        assert done.returncode != 0 and "certificate" in done.stderr
    line = mitmd.wait_log(rf"client 127\.0\.0\.1 \(tag {tag}\) has opened", start).string
    assert f"{NO_CA}?" in line and str(mitmd.ca) in line


def test_the_log_says_it_once(mitmd, start_origin, certs, tag, foreign):
    start = len(mitmd.log)
    origins = [start_origin(certs.leaf("good")) for _ in range(3)]
    for _ in range(4):
        for origin in origins:
            python(mitmd, origin, tag, foreign)
    mitmd.har(tag, lambda har: len(har) == 12)
    assert len([line for line in mitmd.log[start:] if f"(tag {tag}) refuses" in line]) == 1


def test_many_clients_do_not_flood_the_log(own_mitmd, secure_origin, foreign):
    mitmd = own_mitmd({"log": {"flows": "off"}})
    context = python_context(foreign)
    for i in range(60):
        with pytest.raises(ssl.SSLCertVerificationError):
            mitmd.secure(secure_origin.authority, f"t{i}", context=context)
    mitmd.har("t59")
    assert 10 <= len([line for line in mitmd.log if "refuses our certificate" in line]) <= 30


# -- pinned ---------------------------------------------------------------------------------------
@pytest.fixture
def pair(start_origin, certs):
    """An origin whose certificate of ours a client takes, and one to which it is pinned."""
    return start_origin(certs.leaf("good")), start_origin(certs.leaf("good"))


def take(mitmd, origin, tag):
    with mitmd.secure(origin.authority, tag, context=python_context(mitmd.ca)) as client:
        assert get(client, origin).status == 200


def refuse(mitmd, origin, tag, foreign):
    with pytest.raises(ssl.SSLCertVerificationError):
        mitmd.secure(origin.authority, tag, context=python_context(foreign))


def bypasses(mitmd):
    done = mitmd.ctl("bypass", "list", "--output", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def pin(mitmd, pair, tag, foreign):
    """Until mitmd has learnt it."""
    take(mitmd, pair[0], tag)
    refuse(mitmd, pair[1], tag, foreign)
    refuse(mitmd, pair[1], tag, foreign)
    mitmd.wait_log(rf"\(tag {tag}\) reaches localhost:{pair[1].port} untouched until")


def get_untouched(mitmd, origin, tag, roots):
    """The client that is pinned to the real certificate gets it."""
    with mitmd.secure(origin.authority, tag, context=python_context(roots)) as client:
        assert get(client, origin).status == 200


def test_pinned_told_from_no_ca(mitmd, pair, tag, foreign):
    start = len(mitmd.log)
    take(mitmd, pair[0], tag)
    refuse(mitmd, pair[1], tag, foreign)
    error = mitmd.entry(tag, f"https://{pair[1].authority}/").error
    assert error.startswith(f"client refused our certificate: {PINNED}"), error
    assert error.endswith("(alert unknown_ca)"), error
    line = mitmd.wait_log(rf"\(tag {tag}\) refuses our certificate", start).string
    assert PINNED in line and "ignore_hosts" in line and "mitmctl bypass add localhost" in line
    assert not bypasses(mitmd)


def test_another_program_of_the_same_host_is_another_client(mitmd, pair, tag, foreign):
    """Python has the CA, curl does not: nothing is pinned."""
    take(mitmd, pair[0], tag)
    curl(mitmd, pair[1], tag, foreign)
    assert NO_CA in mitmd.entry(tag, f"https://{pair[1].authority}/").error


def test_learnt_by_all_workers_for_one_client_until_its_end(own_mitmd, pair, tag, foreign, roots):
    mitmd = own_mitmd({"workers": 3, "bypass": {"pinned": "1h"}})
    pin(mitmd, pair, tag, foreign)
    for _ in range(12):
        get_untouched(mitmd, pair[1], tag, roots)
    har = mitmd.har(tag, lambda h: len([e for e in h.entries if "_tunnel" in e]) == 12)
    assert {e["_tunnel"]["reason"] for e in har.entries if "_tunnel" in e} == {"bypass"}
    learnt, = bypasses(mitmd)
    assert (learnt["host"], learnt["port"], learnt["source"]) == ("localhost", pair[1].port, "learnt")
    assert learnt["client"] == f"127.0.0.1, tag {tag}"
    assert 3500 < learnt["seconds_left"] <= 3600

    # Neither another tag, nor another program, nor another host.
    take(mitmd, pair[1], "another-tag")
    assert mitmd.curl(tag).ok(pair[1].url()).status == 200
    take(mitmd, pair[0], tag)

    # A reload keeps it, and one that turns it off forgets it.
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log("reloaded", start)
    assert bypasses(mitmd)[0]["until"] == learnt["until"]
    get_untouched(mitmd, pair[1], tag, roots)
    assert mitmd.ctl("bypass", "add", "by-hand.test").returncode == 0
    mitmd.write({**mitmd.config, "bypass": {"pinned": "off"}})
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log("reloaded", start)
    assert [b["host"] for b in bypasses(mitmd)] == ["by-hand.test"]
    take(mitmd, pair[1], tag)


def test_what_was_learnt_ends(own_mitmd, pair, tag, foreign, roots):
    mitmd = own_mitmd({"workers": 3, "bypass": {"pinned": "2s"}})
    pin(mitmd, pair, tag, foreign)
    get_untouched(mitmd, pair[1], tag, roots)
    wait_for(lambda: not bypasses(mitmd), "the end of the bypass")
    take(mitmd, pair[1], tag)


def test_closing_teaches_nothing(own_mitmd, pair, tag):
    """No alert, no bypass: it may have been a user who had enough."""
    mitmd = own_mitmd({"workers": 1, "bypass": {"pinned": "1h"}})
    take(mitmd, pair[0], tag)
    for _ in range(3):
        with mitmd.tunnel(pair[1].authority, tag) as wire:
            hello, ours = ssl.MemoryBIO(), ssl.MemoryBIO()
            half = python_context(mitmd.ca).wrap_bio(hello, ours, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                half.do_handshake()
            wire.send(ours.read())
            wire.fill()
    mitmd.har(tag, lambda har: len([e for e in har.entries if e.error]) == 3)
    assert not bypasses(mitmd)


def test_a_mirrored_defect_teaches_nothing(own_mitmd, pair, start_origin, certs, tag, foreign):
    """The origin is bad: that a client refuses it says nothing of our CA."""
    mitmd = own_mitmd({"workers": 1, "bypass": {"pinned": "1h"}})
    bad = start_origin(certs.leaf("expired", start=-30, end=-1))
    take(mitmd, pair[0], tag)
    for _ in range(3):
        refuse(mitmd, bad, tag, foreign)
    har = mitmd.har(tag, lambda har: len([e for e in har.entries if e.error]) == 3)
    assert all("expired" in e.error for e in har.entries if e.error)
    assert not bypasses(mitmd)
    assert not [line for line in mitmd.log if "refuses our certificate" in line]


# -- mitmctl bypass -------------------------------------------------------------------------------
def test_by_hand(own_mitmd, pair, tag, foreign, roots):
    mitmd = own_mitmd()
    host = f"localhost:{pair[1].port}"
    assert mitmd.ctl("bypass", "list").stdout == ""
    assert mitmd.ctl("bypass", "add", host, "--for", "1h").returncode == 0
    get_untouched(mitmd, pair[1], tag, roots)
    take(mitmd, pair[0], tag)
    head, row = mitmd.ctl("bypass", "list").stdout.splitlines()
    assert head.split() == ["HOST", "PORT", "CLIENT", "SOURCE", "UNTIL"]
    assert row.split()[:4] == ["localhost", str(pair[1].port), "all", "manual"]
    assert head.index("PORT") == row.index(str(pair[1].port))
    made, = bypasses(mitmd)
    assert made["client"] is None and made["port"] == pair[1].port
    assert mitmd.ctl("bypass", "remove", host).returncode == 0
    take(mitmd, pair[1], tag)
    again = mitmd.ctl("bypass", "remove", host)
    assert again.returncode == 1 and "there is no bypass for localhost" in again.stderr
    assert mitmd.ctl("bypass", "remove", "all").returncode == 0
    assert mitmd.wait_log(r"control: uid \d+ lets all clients reach localhost:\d+ untouched until")


def test_by_hand_for_one_address(own_mitmd, secure_origin, tag, roots):
    mitmd = own_mitmd()
    assert mitmd.ctl("bypass", "add", "localhost", "--client", "192.0.2.7").returncode == 0
    take(mitmd, secure_origin, tag)
    assert mitmd.ctl("bypass", "add", "localhost", "--client", "127.0.0.1").returncode == 0
    get_untouched(mitmd, secure_origin, tag, roots)
    assert {b["client"] for b in bypasses(mitmd)} == {"192.0.2.7", "127.0.0.1"}
    assert {b["port"] for b in bypasses(mitmd)} == {None}


def test_by_hand_for_one_tag(own_mitmd, secure_origin, tag, roots):
    mitmd = own_mitmd()
    assert mitmd.ctl("bypass", "add", "localhost", "--client", tag + "-x").returncode == 0
    take(mitmd, secure_origin, tag)
    assert mitmd.ctl("bypass", "add", "localhost", "--client", tag).returncode == 0
    get_untouched(mitmd, secure_origin, tag, roots)
    take(mitmd, secure_origin, tag + "-y")
    assert {b["client"] for b in bypasses(mitmd)} == {f"tag {tag}-x", f"tag {tag}"}


def test_explain_knows_them(own_mitmd, secure_origin):
    mitmd = own_mitmd()
    ask = "explain", secure_origin.authority

    def told(*args):
        done = mitmd.ctl("explain", *args, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["bypasses"]
    assert told(secure_origin.authority) == [] and "bypass" not in mitmd.ctl(*ask).stdout
    assert mitmd.ctl("bypass", "add", secure_origin.authority, "--client", "192.0.2.7").returncode == 0
    assert mitmd.ctl("bypass", "add", "elsewhere.test").returncode == 0
    one, = told(secure_origin.authority)
    assert (one["client"], one["source"]) == ("192.0.2.7", "manual")
    assert told("localhost:1") == []		# another port
    assert told("elsewhere.test:1")[0]["client"] is None
    assert re.search(r"^but tunnelled +for 192\.0\.2\.7 until 20", mitmd.ctl(*ask).stdout, re.M)
    assert mitmd.stop() == 0
    assert told(secure_origin.authority) is None and mitmd.ctl(*ask).returncode == 0


WRONG = [
    ([], 64, "list, add or remove"),
    (["frob"], 64, "list, add or remove"),
    (["add"], 64, "which HOST"),
    (["add", "*.example.com"], 64, "patterns go into ignore_hosts"),
    (["add", "a..b"], 64, "is no HOST[:PORT]: it is no host name"),
    (["add", "a b\n\x01c"], 64, "is no HOST[:PORT]"),
    (["add", "example.com:0"], 64, "is no HOST[:PORT]"),
    (["add", "example.com", "--for", "soon"], 64, "--for is a time"),
    (["add", "example.com", "--for", "400d"], 64, "up to a year"),
    (["add", "example.com", "--client", "some/body"], 64, "client=ADDRESS"),
    (["add", "example.com", "--frob"], 64, "unrecognized option"),
    (["list", "more"], 64, "too much"),
    (["remove"], 64, "which HOST"),
    (["list", "--output", "xml"], 64, "table, json or tsv"),
]


@pytest.mark.parametrize("words,code,text", WRONG, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_wrong_words(mitmd, words, code, text):
    done = mitmd.ctl("bypass", *words)
    assert (done.returncode, done.stdout) == (code, "") and text in done.stderr, done
    assert done.stderr.startswith("mitmctl") and done.stderr.count("\n") == 1, done.stderr


def test_nobody_answers(start_mitmd):
    mitmd = start_mitmd(start=False)
    done = mitmd.ctl("bypass", "list")
    assert done.returncode == 69
    assert mitmd.config["control"] in done.stderr and "is mitmd running?" in done.stderr
    mitmd.write({**mitmd.config, "control": "off"})
    assert mitmd.ctl("bypass", "list").returncode == 69
    mitmd.write("listne: 1\n")
    done = mitmd.ctl("bypass", "list")
    assert done.returncode == 78 and f"{mitmd.file}:1:1:" in done.stderr


def test_help(mitmd):
    assert "bypass" in mitmd.ctl("help").stdout
    for words in (["help", "bypass"], ["bypass", "-h"], ["bypass", "--help"]):
        done = mitmd.ctl(*words)
        assert done.returncode == 0 and "--for" in done.stdout
    assert mitmd.ctl("help", "frob").returncode == 64


# -- the socket -----------------------------------------------------------------------------------
def nobody(*command):
    setpriv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    return run(*setpriv, *command)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="setpriv, as root")
def test_other_users_are_refused(own_mitmd):
    with tempfile.TemporaryDirectory() as open_to_all:
        os.chmod(open_to_all, 0o755)
        path = f"{open_to_all}/control.sock"
        mitmd = own_mitmd({"control": path})
        ctl = [sys.executable, "-c", f"""
import socket
s = socket.socket(socket.AF_UNIX)
s.connect({path!r})
try:
    s.sendall(b"bypass add example.com\\n")
except OSError:
    pass
print(s.recv(1000).decode(), end="")"""]
        done = nobody(*ctl)
        assert done.stdout.startswith("error denied uid 65534 may not control this mitmd"), done
        assert not bypasses(mitmd)
        mitmd.wait_log("control: uid 65534 was refused")


def test_two_do_not_share_a_socket(own_mitmd):
    first = own_mitmd()
    second = own_mitmd({"control": first.config["control"]}, start=False).spawn()
    second.wait_log(rf"cannot start: .*control: another mitmd \(pid {first.process.pid}\) answers on")
    assert second.gone() == 1
    assert first.ctl("bypass", "list").returncode == 0


def test_a_dead_ones_socket_is_replaced(own_mitmd):
    mitmd = own_mitmd()
    path = pathlib.Path(mitmd.config["control"])
    mitmd.kill()
    assert path.is_socket()
    assert mitmd.ctl("bypass", "list").returncode == 69
    mitmd.start()
    assert mitmd.ctl("bypass", "list").returncode == 0
    assert mitmd.stop() == 0
    assert not path.exists()


def test_a_reload_moves_the_socket(own_mitmd, tmp_path):
    mitmd = own_mitmd()
    old = mitmd.config["control"]
    assert mitmd.ctl("bypass", "add", "example.com").returncode == 0
    mitmd.config["control"] = str(tmp_path / "made" / "control.sock")
    mitmd.write(mitmd.config)
    assert mitmd.ctl("bypass", "list").returncode == 69
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log("reloaded")
    assert [b["host"] for b in bypasses(mitmd)] == ["example.com"]
    assert not os.path.exists(old)
    mitmd.write({**mitmd.config, "control": "/proc/no/such/place"})
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log("reload failed.*control: cannot make the directory /proc/no/such")
    mitmd.write(mitmd.config)
    assert bypasses(mitmd)
