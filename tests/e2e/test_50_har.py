# SPDX-License-Identifier: ISC
"""What lies in the spool: every field of an entry, and files that always parse."""
import base64
import datetime
import gzip
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import zlib

import pytest

from env.certs import openssl
from env.har import Har, load_part
from env.mitmd import wait_for
from env.origin import pattern
from env.wire import Closed


def typed(body, kind="application/octet-stream", *headers):
    """A route that answers with that body and type."""
    return lambda x: x.answer(headers=[("Content-Type", kind), *headers], body=body)


def asked(origin, path, more="", method="GET", body=""):
    return (f"{method} {path} HTTP/1.1\r\nHost: {origin.authority}\r\n{more}\r\n{body}")


# -- the request ------------------------------------------------------------------------
def test_method_url_and_version(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok("-X", "PATCH", secure_origin.url("/echo?a=b%20c&a=2&e"))
    entry = mitmd.entry(tag, "/echo?a=b%20c&a=2&e")
    assert entry["request"]["method"] == "PATCH"
    assert entry.url == secure_origin.url("/echo?a=b%20c&a=2&e")
    assert entry["request"]["httpVersion"] == "HTTP/1.1"
    assert entry["request"]["queryString"] == [
        {"name": "a", "value": "b c"}, {"name": "a", "value": "2"}, {"name": "e", "value": ""}]


def test_the_url_of_plain_http(mitmd, origin, tag):
    mitmd.curl(tag).ok(origin.url("/hello"))
    assert mitmd.entry(tag, "/hello").url == origin.url("/hello")


def test_request_headers_as_sent(mitmd, secure_origin, tag):
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.ask(asked(secure_origin, "/hello", "X-b: 1\r\nx-A: 2\r\nX-b: 3\r\n"))
    entry = mitmd.entry(tag, "/hello")
    assert entry.headers("request") == [
        ("Host", secure_origin.authority), ("X-b", "1"), ("x-A", "2"), ("X-b", "3")]


def test_head_sizes_are_those_on_the_wire(mitmd, secure_origin, tag):
    with mitmd.secure(secure_origin.authority, tag) as client:
        text = asked(secure_origin, "/hello")
        response = client.ask(text)
    entry = mitmd.entry(tag, "/hello")
    assert entry["request"]["headersSize"] == len(text)
    assert entry["request"]["bodySize"] == 0
    assert entry["response"]["bodySize"] == 6
    assert entry["response"]["headersSize"] == len(response.raw_head)


def test_request_cookies(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok("-b", "a=1; b=two", secure_origin.url())
    cookies = mitmd.entry(tag, "/hello")["request"]["cookies"]
    assert [(c["name"], c["value"]) for c in cookies] == [("a", "1"), ("b", "two")]


def test_proxy_credentials_are_not_recorded(mitmd, origin, tag):
    mitmd.curl(tag).ok(origin.url())
    assert not mitmd.entry(tag, "/hello").header("request", "Proxy-Authorization")


# name: (content type, body, is text)
POSTED = {
    "text": ("text/plain", b"plain text", True),
    "json": ("application/json", '{"k": "schön \\u2028"}'.encode(), True),
    "binary": ("application/octet-stream", bytes(range(256)), False),
    "empty-type": ("", b"something", True),
    "latin-1": ("text/plain; charset=iso-8859-1", b"sch\xf6n", False),
}


@pytest.mark.parametrize("kind, body, is_text", POSTED.values(), ids=POSTED)
def test_posted_data(mitmd, secure_origin, tag, kind, body, is_text):
    mitmd.curl(tag).ok("-H", f"Content-Type: {kind}" if kind else "Content-Type:",
                       "--data-binary", "@-", secure_origin.url("/echo"), data=body)
    entry = mitmd.entry(tag, "/echo")
    data = entry["request"]["postData"]
    assert entry.posted() == body
    assert data["mimeType"] == (kind or "application/octet-stream")
    assert (data.get("encoding") is None) == is_text
    assert entry["request"]["bodySize"] == len(body)


def test_posted_form_has_params(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok("-d", "a=1&b=x+y%26", secure_origin.url("/echo"))
    data = mitmd.entry(tag, "/echo")["request"]["postData"]
    assert data["text"] == "a=1&b=x+y%26"
    assert [(p["name"], p["value"]) for p in data["params"]] == [("a", "1"), ("b", "x y&")]


def test_a_chunked_upload_is_recorded_without_chunks(mitmd, secure_origin, tag):
    body = pattern(70000)
    mitmd.curl(tag).ok("-T", "-", secure_origin.url("/echo"), data=body)
    assert mitmd.entry(tag, "/echo").posted() == body


def test_no_body_no_post_data(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok(secure_origin.url())
    assert "postData" not in mitmd.entry(tag, "/hello")["request"]


# -- the response -----------------------------------------------------------------------
@pytest.mark.parametrize("status", [200, 204, 304, 404, 500])
def test_status_and_text(mitmd, secure_origin, tag, status):
    mitmd.curl(tag).ok(secure_origin.url(f"/status/{status}"))
    response = mitmd.entry(tag, f"/status/{status}")["response"]
    assert (response["status"], response["statusText"]) == (status, "Made To Order")
    assert response["httpVersion"] == "HTTP/1.1"


def test_response_headers_as_sent(mitmd, secure_origin, tag):
    secure_origin.route("/odd", b"HTTP/1.1 200 OK\r\nX-b: 1\r\nx-A: 2\r\nX-b: 3\r\n"
                        b"Content-Length: 0\r\n\r\n")
    mitmd.curl(tag).ok(secure_origin.url("/odd"))
    assert mitmd.entry(tag, "/odd").headers("response") == [
        ("X-b", "1"), ("x-A", "2"), ("X-b", "3"), ("Content-Length", "0")]


def test_set_cookie(mitmd, secure_origin, tag):
    secure_origin.route("/set", typed(
        b"", "text/plain", ("Set-Cookie", "s=1; Path=/; HttpOnly; Secure; SameSite=Lax"),
        ("Set-Cookie", "t=2; Max-Age=60")))
    mitmd.curl(tag).ok(secure_origin.url("/set"))
    one, two = mitmd.entry(tag, "/set")["response"]["cookies"]
    assert (one["name"], one["value"], one["path"]) == ("s", "1", "/")
    assert one["httpOnly"] is True and one["secure"] is True and one["sameSite"] == "Lax"
    assert (two["name"], two["value"]) == ("t", "2") and two["expires"]


def test_redirect_url(mitmd, secure_origin, tag):
    secure_origin.route("/go", lambda x: x.answer(302, [("Location", "/there?x")]))
    mitmd.curl(tag).ok(secure_origin.url("/go"))
    assert mitmd.entry(tag, "/go")["response"]["redirectURL"] == "/there?x"


# name: (content type, body, is text)
BODIES = {
    "ascii": ("text/plain", b"plain\n\ttext\r\n", True),
    "utf-8": ("text/html; charset=utf-8", "grüße 日本 🙂".encode(), True),
    "quotes": ("text/plain", b'a "quoted" \\ backslash </script>', True),
    "separators": ("text/plain", "a\u2028b\u2029c".encode(), True),
    "no-type-but-text": ("", b"text", True),
    "nul": ("text/plain", b"a\0b", False),
    "control": ("text/plain", b"a\x1bb", False),
    "broken-utf-8": ("text/plain; charset=utf-8", b"abc\xff\xfe", False),
    "surrogate": ("text/plain", b"\xed\xa0\x80", False),
    "non-character": ("text/plain", b"\xef\xbf\xbf", False),
    "binary": ("image/png", bytes(range(256)) * 3, False),
    "empty": ("text/plain", b"", True),
}


@pytest.mark.parametrize("kind, body, is_text", BODIES.values(), ids=BODIES)
def test_bodies_are_text_where_they_can_be(mitmd, secure_origin, tag, kind, body, is_text):
    secure_origin.route("/body", lambda x: x.answer(
        headers=[("Content-Type", kind)] if kind else [], body=body))
    assert mitmd.curl(tag).ok(secure_origin.url("/body")).body == body
    entry = mitmd.entry(tag, "/body")
    content = entry["response"]["content"]
    assert entry.body() == body
    assert (content.get("encoding") is None) == is_text
    assert content["mimeType"] == (kind or "x-unknown")
    assert content["size"] == len(body)


TEXT = b"The same sentence again and again. " * 500


def piped(*command):
    """Packed by a program that reads stdin."""
    return lambda data: subprocess.run(command, input=data, capture_output=True,
                                       check=True).stdout


BROTLI = "process.stdout.write(require('zlib').brotliCompressSync(require('fs').readFileSync(0)))"


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODINGS = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw-deflate": ("deflate", raw_deflate),
    "br": ("br", piped("node", "-e", BROTLI)),
    "zstd": ("zstd", piped("zstd", "-q", "-c")),
    "gzip-twice": ("gzip, gzip", lambda d: gzip.compress(gzip.compress(d))),
}


@pytest.mark.parametrize("coding, pack", CODINGS.values(), ids=CODINGS)
def test_encoded_bodies_are_recorded_decoded(mitmd, secure_origin, tag, coding, pack):
    try:
        data = pack(TEXT)
    except FileNotFoundError:
        pytest.skip(f"nothing here can write {coding}")
    secure_origin.route("/packed", typed(data, "text/plain", ("Content-Encoding", coding)))
    assert mitmd.curl(tag).ok(secure_origin.url("/packed")).body == data
    entry = mitmd.entry(tag, "/packed")
    assert entry.body() == TEXT
    assert entry["response"]["content"]["size"] == len(TEXT)
    assert entry["response"]["bodySize"] == len(data)
    assert entry["response"]["content"]["compression"] == len(TEXT) - len(data)


def test_a_coding_nobody_knows_is_recorded_as_it_is(mitmd, secure_origin, tag):
    secure_origin.route("/odd", typed(b"\1\2\3", "text/plain", ("Content-Encoding", "x-odd")))
    mitmd.curl(tag).ok(secure_origin.url("/odd"))
    entry = mitmd.entry(tag, "/odd")
    assert entry.body() == b"\1\2\3"
    assert entry["response"]["content"]["comment"]


def test_a_broken_gzip_still_passes_and_is_noted(mitmd, secure_origin, tag):
    data = gzip.compress(TEXT)[:-20]
    secure_origin.route("/torn", typed(data, "text/plain", ("Content-Encoding", "gzip")))
    assert mitmd.curl(tag).ok(secure_origin.url("/torn")).body == data
    assert mitmd.entry(tag, "/torn")["response"]["content"]["comment"]


@pytest.mark.parametrize("size", [300 << 10, 2 << 20, 12 << 20], ids=["300K", "2M", "12M"])
def test_large_bodies_are_recorded_whole(mitmd, secure_origin, tag, size):
    mitmd.curl(tag).ok(secure_origin.url(f"/bytes/{size}"))
    entry = mitmd.entry(tag, f"/bytes/{size}")
    assert entry.body() == pattern(size)
    assert not entry["response"].get("_truncated") and not entry.get("_truncated")


def test_a_large_text_stays_text(mitmd, secure_origin, tag):
    text = (b"line of \xc3\xa4 text, quite long\n" * 100000)
    secure_origin.route("/text", typed(text, "text/plain"))
    mitmd.curl(tag).ok(secure_origin.url("/text"))
    content = mitmd.entry(tag, "/text")["response"]["content"]
    assert content.get("encoding") is None and content["text"].encode() == text


def test_a_text_that_turns_binary_at_its_end(mitmd, secure_origin, tag):
    data = b"text " * 400000 + b"\0\xff"
    secure_origin.route("/turns", typed(data, "text/plain"))
    mitmd.curl(tag).ok(secure_origin.url("/turns"))
    assert mitmd.entry(tag, "/turns").body() == data


@pytest.fixture(scope="module")
def brief(start_mitmd):
    """Records little of each body."""
    return start_mitmd({"capture": {"max_body": "100K"}})


def truncated(entry, side="response"):
    place = entry[side]
    where = [entry, place, place.get("content", {}), place.get("postData", {})]
    return any(each.get("_truncated") for each in where)


def test_beyond_max_body_the_prefix_and_the_true_size_are_kept(brief, secure_origin, tag):
    assert brief.curl(tag).ok(secure_origin.url("/bytes/500000")).body == pattern(500000)
    entry = brief.entry(tag, "/bytes/500000")
    assert truncated(entry)
    assert entry.body() == pattern(500000)[:100 << 10]
    assert entry["response"]["content"]["size"] == 500000
    assert entry["response"]["bodySize"] == 500000


def test_beyond_max_body_for_a_request(brief, secure_origin, tag):
    body = pattern(500000)
    brief.curl(tag).ok("--data-binary", "@-", "-H", "Expect:", secure_origin.url("/echo"),
                       data=body)
    entry = brief.entry(tag, "/echo")
    assert truncated(entry, "request")
    assert entry.posted() == body[:100 << 10]
    assert entry["request"]["bodySize"] == 500000


def test_a_text_is_not_cut_inside_a_character(brief, secure_origin, tag):
    text = b"x" + "ä".encode() * 100000
    secure_origin.route("/cut", typed(text, "text/plain; charset=utf-8"))
    brief.curl(tag).ok(secure_origin.url("/cut"))
    entry = brief.entry(tag, "/cut")
    assert truncated(entry)
    assert text.startswith(entry.body()) and len(entry.body()) > (100 << 10) - 4


def test_a_decompression_bomb_costs_no_more_than_max_body(brief, secure_origin, tag):
    bomb = gzip.compress(b"\0" * (64 << 20))
    secure_origin.route("/bomb", typed(bomb, "text/plain", ("Content-Encoding", "gzip")))
    assert brief.curl(tag).ok(secure_origin.url("/bomb")).body == bomb
    entry = brief.entry(tag, "/bomb")
    assert truncated(entry) or entry["response"]["content"].get("comment")
    assert len(entry.body()) <= max(100 << 10, len(bomb))


def test_trailers_and_informational(mitmd, secure_origin, tag):
    secure_origin.route("/t", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n")
    mitmd.curl(tag).ok(secure_origin.url("/t"))
    entry = mitmd.entry(tag, "/t")
    assert "X-Sum" in json.dumps(entry["response"]["_trailers"])
    informational = entry.get("_informational") or entry["response"].get("_informational")
    assert informational[0]["status"] == 103
    assert {"name": "Link", "value": "</a>"} in informational[0]["headers"]


# -- who, when, where ---------------------------------------------------------------------
def test_started_is_now(mitmd, secure_origin, tag):
    before = datetime.datetime.now(datetime.timezone.utc)
    mitmd.curl(tag).ok(secure_origin.url())
    after = datetime.datetime.now(datetime.timezone.utc)
    text = mitmd.entry(tag, "/hello")["startedDateTime"].replace("Z", "+00:00")
    started = datetime.datetime.fromisoformat(text)
    millisecond = datetime.timedelta(milliseconds=1)
    assert before - millisecond <= started <= after


def test_a_slow_origin_is_seen_in_wait_and_receive(mitmd, secure_origin, tag):
    def slow(x):
        threading.Event().wait(0.2)
        x.head(200, [("Content-Length", "4")])
        x.raw(b"ab")
        threading.Event().wait(0.2)
        x.raw(b"cd")
    secure_origin.route("/slow", slow)
    mitmd.curl(tag).ok(secure_origin.url("/slow"))
    entry = mitmd.entry(tag, "/slow")
    assert entry["timings"]["wait"] >= 190 and entry["timings"]["receive"] >= 190
    assert 390 <= entry["time"] < 5000


def test_only_the_first_flow_of_a_connection_has_its_set_up(mitmd, secure_origin, tag):
    with mitmd.secure(secure_origin.authority, tag) as client:
        for path in ("/hello?1", "/hello?2"):
            client.ask(asked(secure_origin, path))
    har = mitmd.har(tag, lambda h: len(h) == 2)
    second = har.one("/hello?2")["timings"]
    assert [second.get(phase, -1) for phase in ("dns", "connect", "ssl")] == [-1, -1, -1]
    first = har.one("/hello?1")
    set_up = first.get("_mitmd", {}).get("upstream", first["timings"])
    assert 0 <= set_up["ssl"] <= set_up["connect"]
    assert first["_connectionId"] == har.one("/hello?2")["_connectionId"]


def test_server_address_and_client_address(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok(secure_origin.url())
    entry = mitmd.entry(tag, "/hello")
    assert entry["serverIPAddress"] == "127.0.0.1"
    assert entry["connection"] == str(secure_origin.port) or entry["_serverPort"]
    assert entry["_clientAddress"].startswith("127.0.0.1")
    assert entry["_tag"] == tag


def seconds(value):
    """A date of an entry: a number, or text."""
    if isinstance(value, (int, float)):
        return int(value)
    return int(datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp())


def test_security_details_are_the_real_origins(mitmd, secure_origin, certs, tag):
    mitmd.curl(tag).ok(secure_origin.url())
    entry = mitmd.entry(tag, "/hello")
    details = entry.get("_securityDetails") or entry["response"]["_securityDetails"]
    cert = certs.leaf("good")
    end = ssl.cert_time_to_seconds(cert.text("-enddate").partition("=")[2])
    assert details["protocol"] == "TLS 1.3"
    assert details["subjectName"] == "good"
    assert details["issuer"] == "mitmd test root intermediate"
    assert seconds(details["validTo"]) == end


def test_the_first_entry_of_a_connection_has_the_whole_chain(mitmd, secure_origin, certs, tag):
    mitmd.curl(tag).ok(secure_origin.url())
    text = json.dumps(mitmd.entry(tag, "/hello")["_tls"])
    chain = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----",
                       text.replace("\\n", "\n"), re.S)
    ders = [openssl("x509", "-outform", "DER", data=pem.encode()) for pem in chain]
    assert ders[:2] == [certs.leaf("good").der(), certs.middle.der()]


def test_plain_http_has_no_tls(mitmd, origin, tag):
    mitmd.curl(tag).ok(origin.url())
    entry = mitmd.entry(tag, "/hello")
    assert "_tls" not in entry and "_securityDetails" not in entry


# -- what went wrong -----------------------------------------------------------------------
def test_a_client_that_leaves_half_way(mitmd, secure_origin, tag):
    gone = threading.Event()

    def endless(x):
        x.head(200, [("Content-Type", "text/plain"), ("Content-Length", 1 << 40)])
        x.raw(b"the beginning")
        gone.wait(20)
        while True:
            x.raw(b"x" * 65536)
    secure_origin.route("/endless", endless)
    client = mitmd.secure(secure_origin.authority, tag)
    client.send(asked(secure_origin, "/endless").encode())
    client.read_head()
    client.read(13)
    client.reset()
    gone.set()
    entry = mitmd.entry(tag, "/endless")
    assert entry.status == 200 and entry.error
    assert entry.body().startswith(b"the beginning")


def test_an_origin_that_leaves_half_way(mitmd, secure_origin, tag):
    def half(x):
        x.head(200, [("Content-Type", "text/plain"), ("Content-Length", "100")])
        x.raw(b"half")
        x.close = True
    secure_origin.route("/half", half)
    assert mitmd.curl(tag).run(secure_origin.url("/half")).code in (18, 56)
    entry = mitmd.entry(tag, "/half")
    assert entry.status == 200 and entry.error
    assert entry.body() == b"half"


def test_a_request_body_that_never_ends(mitmd, secure_origin, tag):
    client = mitmd.secure(secure_origin.authority, tag)
    client.send(asked(secure_origin, "/echo", "Content-Length: 100\r\n", "POST", "half").encode())
    wait_for(lambda: any(c.wire and c.wire.buffer == b"half" for c in secure_origin.connections),
             "the first half at the origin")
    client.reset()
    entry = mitmd.entry(tag, "/echo")
    assert entry.error and entry.status == 0


def test_a_502_of_our_own_is_recorded_as_a_failure(mitmd, start_origin, tag):
    gone = start_origin()
    gone.close()
    mitmd.curl(tag).run(gone.url("/nobody"))
    entry = mitmd.entry(tag, "/nobody")
    assert entry.error and "refused" in entry.error.lower()


def test_a_bad_request_inside_tls_is_recorded(mitmd, secure_origin, tag):
    with mitmd.secure(secure_origin.authority, tag) as client:
        client.send(b"GET /bad HTTP/1.1\r\nHost : x\r\n\r\n")
        with pytest.raises((Closed, OSError)):
            client.read_head()
    assert mitmd.har(tag).entries[0].error


# -- files ------------------------------------------------------------------------------------
def test_names_and_modes(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok(secure_origin.url())
    mitmd.har(tag)
    (path,) = mitmd.files(tag)
    assert re.match(r"^\d{8}T\d{6}Z-[A-Za-z0-9-]+-\d+\.har$", path.name)
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.parent.stat().st_mode & 0o7777 == 0o2750


def test_one_entry_per_line(mitmd, secure_origin, tag):
    for i in range(3):
        mitmd.curl(tag).ok(secure_origin.url(f"/hello?{i}"))
    mitmd.har(tag, lambda h: len(h) == 3)
    lines = [line.rstrip(",") for path in mitmd.files(tag)
             for line in path.read_text().splitlines() if line.startswith('{"')]
    entries = [json.loads(line) for line in lines if '"startedDateTime"' in line
               and '"request"' in line]
    assert len(entries) == 3


def test_a_growing_file_always_parses(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd({"spool": {"rotate_idle": "1h", "rotate_age": "1h"}})
    seen, done = set(), threading.Event()

    def work():
        mitmd.curl(tag).ok(*[secure_origin.url(f"/bytes/{i * 1000}") for i in range(200)])
        done.set()
    thread = threading.Thread(target=work)
    thread.start()
    while not done.wait(0.01):		# a reader without a pause would keep the writer out
        for path in mitmd.files(tag, "*.part"):
            seen.add(len(load_part(path)["log"]["entries"]))
    thread.join()
    assert len(seen) > 1
    assert len(mitmd.har(tag, lambda h: len(h) == 200)) == 200


def test_an_entry_is_there_when_the_client_has_its_last_byte(own_mitmd, secure_origin, tag):
    """With SIGUSR1 right after curl, in every of 20 rounds."""
    mitmd = own_mitmd()
    for i in range(20):
        mitmd.curl(f"{tag}-{i}").ok(secure_origin.url(f"/hello?{i}"))
        mitmd.tell(signal.SIGUSR1)
        wait_for(lambda i=i: mitmd.files(f"{tag}-{i}"), "the finished file", 5)
        assert len(Har(mitmd.files(f"{tag}-{i}"))) == 1


def test_rotation_by_size(start_mitmd, secure_origin, tag):
    mitmd = start_mitmd({"spool": {"rotate_size": "64K"}})
    for i in range(8):
        mitmd.curl(tag).ok(secure_origin.url("/bytes/30000"))
    har = mitmd.har(tag, lambda h: len(h) == 8)
    assert len(mitmd.files(tag)) >= 2	# looked at between batches
    assert len(har.find("/bytes/30000")) == 8


@pytest.mark.parametrize("option", ["rotate_idle", "rotate_age"])
def test_rotation_by_time(start_mitmd, secure_origin, tag, option):
    mitmd = start_mitmd({"spool": {option: "500ms"}})
    mitmd.curl(tag).ok(secure_origin.url())
    wait_for(lambda: mitmd.files(tag), "the file's own end", 10)
    assert len(Har(mitmd.files(tag))) == 1


def test_an_entry_over_8_mib_has_a_file_of_its_own(mitmd, secure_origin, tag):
    mitmd.curl(tag).ok(secure_origin.url("/hello"), secure_origin.url(f"/bytes/{10 << 20}"))
    mitmd.har(tag, lambda h: len(h) == 2)
    counts = sorted(len(Har([path])) for path in mitmd.files(tag))
    assert counts == [1, 1]


def test_usr1_finishes_all_tags(own_mitmd, secure_origin):
    mitmd = own_mitmd()
    for tag in ("one", "two", "three"):
        mitmd.curl(tag).ok(secure_origin.url())
    mitmd.tell(signal.SIGUSR1)
    wait_for(lambda: all(mitmd.files(t) for t in ("one", "two", "three")), "three files")
    assert not list(mitmd.spool.rglob("*.part"))


TEARS = {
    "in-an-entry": lambda text: text[:-40],
    "tail-lost": lambda text: text[:text.rindex("\n]}}")],
    "zeros-behind": lambda text: text + "\0" * 5000,
    "half-an-entry-more": lambda text: text.replace("\n]}}", ",\n{\"startedDateTime\": \"20"),
}


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_a_torn_part_is_repaired_at_start(own_mitmd, secure_origin, tag, tear):
    mitmd = own_mitmd()
    for i in range(5):
        mitmd.curl(tag).ok(secure_origin.url(f"/hello?{i}"))
    mitmd.har(tag, lambda h: len(h) == 5)
    mitmd.close()
    (path,) = mitmd.files(tag)
    part = path.with_name(path.name + ".part")
    part.write_text(tear(path.read_text()))
    path.unlink()
    mitmd.start()
    wait_for(lambda: mitmd.files(tag) and not part.exists(), "the repair")
    har = Har(mitmd.files(tag))
    assert len(har) == (4 if tear is TEARS["in-an-entry"] else 5)


def test_a_spool_that_cannot_be_written_stops_no_traffic(own_mitmd, secure_origin, tag):
    mitmd = own_mitmd()
    (mitmd.spool / tag).write_text("a file where the tag's directory belongs")
    assert mitmd.curl(tag).ok(secure_origin.url()).status == 200
    os.unlink(mitmd.spool / tag)
    mitmd.curl(tag).ok(secure_origin.url("/hello?again"))
    assert mitmd.entry(tag, "/hello?again").status == 200


def test_200_flows_of_many_connections_are_all_there_once(mitmd, nginx, tag):
    nginx.file("each.txt", b"each")
    running = []
    for c in range(10):
        urls = [nginx.url(f"/each.txt?{c}-{i}") for i in range(20)]
        curl = mitmd.curl(tag)
        running.append((curl, curl.start(*urls)))
    for curl, process in running:
        assert curl.finish(process).code == 0
    har = mitmd.har(tag, lambda h: len(h) == 200)
    assert len({e.url for e in har.entries}) == 200


def test_base64_is_padded_and_without_line_ends(mitmd, secure_origin, tag):
    data = b"\0" * 1000 + b"x"
    secure_origin.route("/b", typed(data))
    mitmd.curl(tag).ok(secure_origin.url("/b"))
    content = mitmd.entry(tag, "/b")["response"]["content"]
    assert content["text"] == base64.b64encode(data).decode()


# -- quota ------------------------------------------------------------------------------------
def test_the_oldest_files_go_when_all_are_too_large(start_mitmd, secure_origin, tag):
    mitmd = start_mitmd({"spool": {"rotate_size": "16K", "keep_size": "200K"}})
    for i in range(12):
        mitmd.curl(tag).ok(secure_origin.url(f"/bytes/{30000 + i}"))
        mitmd.har(tag, lambda h, i=i: h.find(f"/bytes/{30000 + i}"))
    wait_for(lambda: sum(p.stat().st_size for p in mitmd.files(tag)) <= 200 << 10, "the quota")
    har = mitmd.har(tag)
    assert har.find("/bytes/30011") and not har.find("/bytes/30000")


# -- what was refused ---------------------------------------------------------------------------
def test_a_refused_request_shows_its_url(mitmd, origin):
    """Under the client's address, since the name was no tag."""
    assert mitmd.curl("-no-tag").run(origin.url("/refused-by-tag")).status == 407
    (entry,) = mitmd.har("127.0.0.1", lambda h: h.find("/refused-by-tag")).find("/refused-by-tag")
    assert entry.url == origin.url("/refused-by-tag") and "tag" in entry.error
