# SPDX-License-Identifier: ISC
"""CONNECT that leads nowhere, and CONNECT whose inside nobody looks into."""
import hashlib
import ssl
import threading

import pytest

from env.origin import pattern


def get(client, origin):
    return client.ask(f"GET /hello HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")


# -- where CONNECT cannot go ----------------------------------------------------------------------------
def one_line(response):
    assert response.get("Content-Type", "").startswith("text/plain"), response
    assert response.body.endswith(b"\n") and response.body.count(b"\n") == 1, response.body


def test_nobody_listens_there(mitmd, start_origin, tag):
    gone = start_origin()
    gone.close()
    with mitmd.dial() as client:
        response = client.connect(gone.authority, tag)
    assert response.status == 502
    assert "connection_refused" in response.get("Proxy-Status", "")
    one_line(response)
    assert mitmd.entry(tag, f"https://{gone.authority}/").error


def test_a_name_that_does_not_exist(mitmd):
    with mitmd.dial() as client:
        response = client.connect("nowhere.onion:443")
    assert response.status == 502
    assert "dns_error" in response.get("Proxy-Status", "")
    one_line(response)


def test_after_a_502_another_connect_works_on_the_same_connection(mitmd, secure_origin):
    with mitmd.dial() as client:
        assert client.connect("nowhere.onion:443").status == 502
        assert client.connect(secure_origin.authority).status == 200
        inside = client.start_tls(mitmd.context(), "localhost")
        assert get(inside, secure_origin).status == 200


def test_an_address_where_nobody_answers_times_out(start_mitmd):
    """192.0.2.0/24 is for documentation; without a route it fails at once."""
    mitmd = start_mitmd({"timeouts": {"connect": "300ms"}})
    with mitmd.dial() as client:
        response = client.connect("192.0.2.1:443")
    assert response.status in (502, 504)
    assert response.get("Proxy-Status")


BAD_TARGETS = ["/foo", "http://localhost:443/", "u:p@localhost:443", "localhost:99999",
               "localhost:0", "localhost:", "localhost", "localhost:+443", "localhost:0443",
               "localhost:443/", "localhost:443#a", "::1:443", "[::1", "[fe80::1%lo]:443",
               "127.1:443", "2130706433:443", "0x7f.1:443", "0177.0.0.1:443", "0:443", "1.1:443",
               "*", "a..b:443", "a" * 64 + ".example:443", ".".join(["abcdefgh"] * 32) + ":443"]


@pytest.mark.parametrize("target", BAD_TARGETS, ids=lambda t: t[:24])
def test_targets_that_are_no_host_and_port(mitmd, target):
    with mitmd.dial() as client:
        response = client.ask(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n", "CONNECT")
    assert response.status == 400
    one_line(response)


@pytest.mark.parametrize("field", ["Content-Length: 3", "Transfer-Encoding: chunked"])
def test_connect_has_no_body(mitmd, secure_origin, field):
    with mitmd.dial() as client:
        response = client.connect(secure_origin.authority, more=field + "\r\n")
    assert response.status == 400
    assert not secure_origin.connections


def test_a_trailing_dot_is_the_same_host(mitmd, secure_origin):
    with mitmd.dial() as client:
        assert client.connect(f"localhost.:{secure_origin.port}").status == 200


def test_the_proxy_itself_is_no_destination(mitmd):
    with mitmd.dial() as client:
        assert client.connect(mitmd.proxy).status in (403, 502, 508)


# -- tunnels ------------------------------------------------------------------------------------------------
def tunnel_reason(entry):
    """Tunnels say in words why nobody looked inside."""
    assert entry["request"]["method"] == "CONNECT"
    return entry["_tunnel"]["reason"]


def banner(wire):
    wire.send(b"220 hello from the server\r\n")
    wire.send(b"you said " + wire.read_until(b"\n"))
    wire.half_close()


def test_a_server_that_speaks_first_is_tunnelled(mitmd, start_origin, tag):
    origin = start_origin(script=banner)
    with mitmd.tunnel(origin.authority, tag) as client:
        assert client.read_until(b"\n") == b"220 hello from the server\r\n"
        client.send(b"EHLO me\n")
        assert client.read_to_end() == b"you said EHLO me\n"
    entry = mitmd.entry(tag, f"https://{origin.authority}/")
    assert tunnel_reason(entry)


def echo_bytes(wire):
    while wire.fill():
        wire.send(wire.take(len(wire.buffer)))
    wire.send(b"bye")


@pytest.mark.parametrize("data", [b"\0\1\2\3 binary", b"SSH-2.0-test\r\n",
                                  b"\x16\xff\xff\xff\xff\xff", b"*3\r\n$3\r\nSET\r\n"],
                         ids=["binary", "ssh", "not-a-hello", "redis"])
def test_bytes_that_are_neither_tls_nor_http_are_tunnelled(mitmd, start_origin, tag, data):
    origin = start_origin(script=echo_bytes)
    with mitmd.tunnel(origin.authority, tag) as client:
        client.send(data).half_close()
        assert client.read_to_end() == data + b"bye"
    assert tunnel_reason(mitmd.entry(tag, f"https://{origin.authority}/"))


def test_half_close_in_a_tunnel(mitmd, start_origin):
    seen = []

    def talk(wire):
        seen.append(wire.read_to_end())
        wire.send(b"after your end")
    origin = start_origin(script=talk)
    with mitmd.tunnel(origin.authority) as client:
        client.send(b"\0all I have").half_close()
        assert client.read_to_end() == b"after your end"
    assert seen == [b"\0all I have"]


def test_a_tunnel_moves_large_data_both_ways(mitmd, start_origin):
    origin = start_origin(script=echo_bytes)
    data = b"\0" + pattern(16 << 20)
    with mitmd.tunnel(origin.authority) as client:
        sender = threading.Thread(target=lambda: client.send(data).half_close())
        sender.start()
        back = client.read_to_end()
        sender.join()
    assert hashlib.sha256(back).digest() == hashlib.sha256(data + b"bye").digest()


def test_no_http_inside_tls_is_relayed(mitmd, start_origin, certs, tag):
    def talk(wire):
        wire.send(b"* OK IMAP ready\r\n")
        wire.send(b"got " + wire.read_until(b"\n"))
    origin = start_origin(certs.leaf("good"), script=talk)
    with mitmd.secure(origin.authority, tag, context=mitmd.context(alpn=())) as client:
        assert client.read_until(b"\n") == b"* OK IMAP ready\r\n"
        client.send(b"a1 LOGOUT\n")
        assert client.read_until(b"\n") == b"got a1 LOGOUT\n"
    assert "not http" in tunnel_reason(mitmd.entry(tag, f"https://{origin.authority}/"))


# name: (configuration, reason)
BYPASSES = {
    "ignore": ({"ignore_hosts": ["localhost"]}, "ignore_hosts"),
    "ignore-regex": ({"ignore_hosts": ["~^local.*:[0-9]+$"]}, "ignore_hosts"),
    "ignore-address": ({"ignore_hosts": ["127.0.0.0/8"]}, "ignore_hosts"),
    "allow-others": ({"allow_hosts": ["*.example.com"]}, "allow_hosts"),
}


@pytest.fixture(params=BYPASSES.values(), ids=BYPASSES)
def bypass(request, start_mitmd):
    config, reason = request.param
    return start_mitmd(config), reason


def test_a_bypassed_host_shows_its_own_certificate(bypass, secure_origin, roots, certs, tag):
    mitmd, reason = bypass
    context = ssl.create_default_context(cafile=str(roots))
    with mitmd.tunnel(secure_origin.authority, tag).start_tls(context, "localhost") as client:
        assert client.sock.getpeercert(binary_form=True) == certs.leaf("good").der()
        assert get(client, secure_origin).status == 200
    entry = mitmd.entry(tag, f"https://{secure_origin.authority}/")
    assert reason in tunnel_reason(entry)


def test_allow_hosts_lets_the_named_be_intercepted(start_mitmd, secure_origin):
    mitmd = start_mitmd({"allow_hosts": ["localhost"]})
    assert mitmd.curl().ok(secure_origin.url()).status == 200


def test_ignore_hosts_matches_the_sni_too(start_mitmd, secure_origin, roots):
    mitmd = start_mitmd({"ignore_hosts": ["localhost"]})
    context = ssl.create_default_context(cafile=str(roots))
    authority = f"127.0.0.1:{secure_origin.port}"
    with mitmd.tunnel(authority).start_tls(context, "localhost") as client:
        assert get(client, secure_origin).status == 200


def test_an_alpn_offer_without_http_is_tunnelled(mitmd, start_origin, certs, roots, tag):
    origin = start_origin(certs.leaf("good"))
    origin.context.set_alpn_protocols(["acme-tls/1"])
    context = ssl.create_default_context(cafile=str(roots))
    context.set_alpn_protocols(["acme-tls/1"])
    with mitmd.tunnel(origin.authority, tag).start_tls(context, "localhost") as client:
        assert client.sock.selected_alpn_protocol() == "acme-tls/1"
        assert client.sock.getpeercert(binary_form=True) == certs.leaf("good").der()
    assert tunnel_reason(mitmd.entry(tag, f"https://{origin.authority}/"))
