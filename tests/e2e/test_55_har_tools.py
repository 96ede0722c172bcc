# SPDX-License-Identifier: ISC
"""mitmctl har check, repair, merge, filter, stats: on what mitmd has recorded, on what
browsers write, and on what is left of either.
"""
import copy
import fcntl
import gzip
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import threading

import pytest

from env.curl import Curl, clean_environment
from env.har import Har, load, validate
from env.har_samples import FIRST, chrome, chrome_entry, firefox, firefox_entry, iso, write
from env.mitmd import PATIENCE, SANITIZED, binary, wait_for
from env.origin import Origin, pattern
from env.ws import WsOrigin, close, open_on, text

GOOD, PROBLEMS, USAGE, NO_INPUT = 0, 1, 64, 66


def har(*args, **more):
    """mitmctl har, which needs neither a configuration nor a mitmd."""
    more = {"stdin": subprocess.DEVNULL, "text": True, **more}
    if "input" in more:
        del more["stdin"]
    return subprocess.run([binary().with_name("mitmctl"), "har", *map(str, args)],
                          capture_output=True, timeout=PATIENCE, check=False,
                          env=clean_environment(), **more)


def entries(path):
    return load(path)["log"]["entries"]


def tells_tls_errors(path):
    """Its list of them is what its entries have."""
    told = [e["_tlsError"] for e in entries(path) if "_tlsError" in e]
    return load(path)["log"].get("_tlsErrors", []) == told


def ok(*args, **more):
    done = har(*args, **more)
    assert done.returncode == GOOD, done
    return done


# -- what there is to look at ------------------------------------------------------------
def whole(found):
    """All that was done has ended; the WebSocket perhaps in several pieces."""
    pieces = [e for e in found.entries if "_webSocketMessages" in e]
    return (len(found) - len(pieces) == 10 and any("_tunnel" in e for e in found.entries) and
            any("_webSocketMore" not in e for e in pieces))


@pytest.fixture(scope="module")
def recorded(start_mitmd, certs, tmp_path_factory):
    """A recording with something of everything, by one tag; and its file."""
    mitmd = start_mitmd({"ignore_hosts": ["ignored.localhost"]})
    origin, plain = Origin(certs.leaf("good")), Origin()
    ws = WsOrigin(certs.leaf("good"), talk=lambda wire: wire.read_to_end())
    origin.route("/html", lambda x: x.answer(
        headers=[("Content-Type", "text/html; charset=utf-8"), ("X-Kind", "page")],
        body="<p>grüße, \"world\"</p>\n".encode()))
    origin.route("/image", lambda x: x.answer(
        headers=[("Content-Type", "image/png")], body=b"\x89PNG\r\n\x1a\n" + pattern(3000)))
    curl = mitmd.curl("tools")
    for path in ("/html", "/image", "/status/404", "/status/503", "/bytes/70000"):
        curl.ok(origin.url(path))
    curl.ok("-d", "name=value&secret=7", origin.url("/echo"))
    curl.ok(plain.url("/hello"))
    assert curl.run("http://localhost:1/").status == 502
    curl.run("-k", origin.url("/hello", host="ignored.localhost"))
    Curl(mitmd.proxy, tag="tools").run(origin.url())	# does not know our CA
    with mitmd.secure(ws.authority, "tools") as client:
        open_on(client, ws)
        client.send(text("ping from here", masked=True))
        client.send(close(masked=True))
    mitmd.har("tools", whole)
    merged = tmp_path_factory.mktemp("recorded") / "all.har"
    ok("merge", "-o", merged, *mitmd.files("tools"))
    for server in (origin, plain, ws):
        server.close()
    return merged


@pytest.fixture
def chrome_file(tmp_path):
    return write(tmp_path / "chrome.har", chrome([chrome_entry(i) for i in range(40)]))


@pytest.fixture
def firefox_file(tmp_path):
    return write(tmp_path / "firefox.har", firefox([firefox_entry(i) for i in range(40)]))


def torn(path):
    """Without the second half of its last entry."""
    whole = path.read_bytes()
    last = whole.rindex(b"\n{\"startedDateTime\"")
    return whole[:(last + whole.index(b"\n", last + 1)) // 2]


# -- check -------------------------------------------------------------------------------
def test_what_mitmd_records_is_good(recorded):
    done = ok("check", "--strict", recorded)
    assert re.fullmatch(rf"{recorded}: good, \d+ entries\n", done.stdout), done.stdout


def test_what_browsers_write_is_good(chrome_file, firefox_file):
    done = ok("check", chrome_file, firefox_file)
    assert "chrome.har: 40 entries, 0 errors" in done.stdout
    assert "firefox.har: 40 entries, 0 errors" in done.stdout
    assert validate([chrome_file, firefox_file]) == ""


def test_warnings_are_told_with_their_place_and_count_if_asked(chrome_file):
    done = ok("check", chrome_file)
    assert (f"{chrome_file}:1: warning: log.entries[0].request.headers[0].name "
            "is a pseudo-header") in done.stdout
    assert f"{chrome_file}: warning: ... 75 more: is a pseudo-header" in done.stdout
    assert har("check", "--strict", chrome_file).returncode == PROBLEMS


def changed(document, *path):
    """A copy, and the object that holds what the path names."""
    document = copy.deepcopy(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    return document, place


# Where, and what to put there; DROP: nothing at all.
DROP = object()
ENTRY = ("log", "entries", 1)
BROKEN = {
    "no-version": (("log", "version"), DROP),
    "no-creator": (("log", "creator"), DROP),
    "creator-name": (("log", "creator", "name"), 7),
    "entries": (("log", "entries"), {}),
    "page-id": (("log", "pages", 0, "id"), DROP),
    "page-date": (("log", "pages", 0, "startedDateTime"), "yesterday"),
    "page-timing": (("log", "pages", 0, "pageTimings", "onLoad"), "soon"),
    "started": ((*ENTRY, "startedDateTime"), "22.11.2026"),
    "no-started": ((*ENTRY, "startedDateTime"), DROP),
    "time": ((*ENTRY, "time"), "5"),
    "null-time": ((*ENTRY, "time"), None),
    "no-request": ((*ENTRY, "request"), DROP),
    "no-response": ((*ENTRY, "response"), DROP),
    "no-cache": ((*ENTRY, "cache"), DROP),
    "no-timings": ((*ENTRY, "timings"), DROP),
    "no-wait": ((*ENTRY, "timings", "wait"), DROP),
    "wait": ((*ENTRY, "timings", "wait"), None),
    "method": ((*ENTRY, "request", "method"), None),
    "url": ((*ENTRY, "request", "url"), "/relative"),
    "request-cookies": ((*ENTRY, "request", "cookies"), DROP),
    "cookie-value": ((*ENTRY, "request", "cookies", 0, "value"), 1),
    "cookie-expires": ((*ENTRY, "request", "cookies", 0, "expires"), "Session"),
    "cookie-secure": ((*ENTRY, "request", "cookies", 0, "secure"), "yes"),
    "headers": ((*ENTRY, "request", "headers"), {}),
    "header-name": ((*ENTRY, "request", "headers", 2, "name"), DROP),
    "query": ((*ENTRY, "request", "queryString", 0, "value"), None),
    "body-size": ((*ENTRY, "request", "bodySize"), "0"),
    "body-size-part": ((*ENTRY, "request", "bodySize"), 0.5),
    "post-type": (("log", "entries", 2, "request", "postData", "mimeType"), DROP),
    "status": ((*ENTRY, "response", "status"), "200"),
    "status-text": ((*ENTRY, "response", "statusText"), None),
    "redirect": ((*ENTRY, "response", "redirectURL"), None),
    "content": ((*ENTRY, "response", "content"), {}),
    "content-size": ((*ENTRY, "response", "content", "size"), 1.5),
    "content-type": ((*ENTRY, "response", "content", "mimeType"), None),
    "address": ((*ENTRY, "serverIPAddress"), ""),
    "an-entry": (ENTRY, 7),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_published_schema_refuses_is_an_error(tmp_path, name):
    path, value = BROKEN[name]
    document, place = changed(chrome([chrome_entry(i) for i in range(4)]), *path)
    if value is DROP:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    file = write(tmp_path / "broken.har", document)
    assert validate([file]), "the validator finds nothing wrong with it"
    done = har("check", file)
    assert done.returncode == PROBLEMS, done
    entry = f"{path[2] + 1}:" if path[1] == "entries" and len(path) > 2 else ""
    assert re.search(rf"^{file}:{entry} log\.", done.stdout, re.M), done.stdout


def test_what_is_no_json_is_told_with_its_place(recorded, tmp_path):
    file = tmp_path / "torn.har"
    file.write_bytes(recorded.read_bytes()[:5000])
    done = har("check", file)
    assert done.returncode == PROBLEMS
    assert re.search(rf"^{file}:\d+: the file ends too early, at byte 5000, inside an entry$",
                     done.stdout, re.M), done.stdout
    file.write_text("<html>")
    assert f"{file}: this is no JSON at byte 0\n" in har("check", file).stdout
    file.write_text('{"entries": []}')
    assert "log is missing" in har("check", file).stdout


def test_the_rest_is_checked_when_one_file_cannot_be_read(recorded, tmp_path):
    done = har("check", tmp_path / "nothing.har", recorded)
    assert done.returncode == NO_INPUT
    assert "nothing.har: No such file" in done.stderr and ": good," in done.stdout


def test_check_for_programs(recorded, tmp_path):
    bad = write(tmp_path / "bad.har", chrome([{**chrome_entry(0), "time": None}]))
    done = har("check", "--output", "json", recorded, bad)
    assert done.returncode == PROBLEMS
    good, bad = json.loads(done.stdout)
    assert good["problems"] == [] and good["errors"] == 0
    assert good["entries"] == len(entries(recorded))
    assert bad["errors"] == 1
    assert {"severity": "error", "entry": 1, "path": "log.entries[0].time",
            "message": "must be a number"} in bad["problems"]


def test_names_in_a_file_do_not_steer_the_terminal(tmp_path):
    entry = {**chrome_entry(0), "\u009b31m\u202e\x7f": 1}
    file = write(tmp_path / "steer.har", chrome([entry]))
    done = har("check", file)
    assert "is not in HAR 1.2" in done.stdout
    assert all(c == "\n" or " " <= c < "\x7f" for c in done.stdout), done.stdout


def test_a_growing_file_is_read_under_the_lock(recorded, tmp_path):
    """Whoever writes it has the lock until it is whole again."""
    part = tmp_path / "x.har.part"
    part.write_bytes(recorded.read_bytes()[:5000])
    with open(part, "r+b") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        process = subprocess.Popen([binary().with_name("mitmctl"), "har", "check", str(part)],
                                   stdout=subprocess.PIPE, text=True, env=clean_environment())
        blocked = re.compile(rf"-> FLOCK .* {process.pid} ")
        wait_for(lambda: blocked.search(open("/proc/locks", encoding="ascii").read()),
                 "mitmctl to wait for the lock")
        writer.write(recorded.read_bytes())
        writer.flush()
        fcntl.flock(writer, fcntl.LOCK_UN)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == GOOD, out


def test_gzip_and_pipes(recorded, tmp_path):
    packed = tmp_path / "two.har.gz"
    whole = recorded.read_bytes()
    packed.write_bytes(gzip.compress(whole[:3000]) + gzip.compress(whole[3000:]))
    assert ": good," in ok("check", packed).stdout
    assert ": good," in ok("check", "-", input=whole.decode()).stdout
    assert ": good," in ok("check", "-", input=packed.read_bytes(), text=False).stdout.decode()
    packed.write_bytes(gzip.compress(whole)[:-100])
    done = har("check", packed)
    assert done.returncode == NO_INPUT and "gzip is cut off" in done.stderr


# -- repair ------------------------------------------------------------------------------
def test_every_cut_keeps_every_whole_entry(recorded, tmp_path):
    whole = recorded.read_bytes()
    all_entries = entries(recorded)
    ends = [m.end() for m in re.finditer(rb"^\{\"startedDateTime\".*\}(?=,?$)", whole, re.M)]
    assert len(ends) == len(all_entries)
    file = tmp_path / "torn.har"
    cuts = {len(whole) * i // 40 for i in range(1, 40)}
    cuts |= {e + more for e in ends for more in (-1, 0, 1, 2)}
    for cut in sorted(cuts):
        file.write_bytes(whole[:cut])
        done = har("repair", file)
        n = sum(1 for e in ends if e <= cut)
        if n == 0 and b'"entries":[' not in whole[:cut]:
            assert done.returncode == PROBLEMS and file.read_bytes() == whole[:cut]
            continue
        assert done.returncode == GOOD, (cut, done)
        assert entries(file) == all_entries[:n], cut
        if cut < len(whole) - 1:
            assert f"{n} entries kept" in done.stderr, (cut, done.stderr)
        assert har("check", "--strict", file).returncode == GOOD or n == 0
    assert [p.name for p in tmp_path.iterdir()] == ["torn.har"]


def test_the_number_of_dropped_ones_is_told(recorded, tmp_path):
    file = tmp_path / "torn.har"
    file.write_bytes(torn(recorded))
    n = len(entries(recorded)) - 1
    assert f"{n} entries kept, 1 dropped that were not whole" in ok("repair", file).stderr


def test_a_hole_costs_what_lies_in_it(recorded, tmp_path):
    """As after a power cut: a block in the middle was never written."""
    whole = recorded.read_bytes()
    all_entries = entries(recorded)
    starts = [m.start() for m in re.finditer(rb"^\{\"startedDateTime\"", whole, re.M)]
    hole = slice(starts[2] + 100, starts[4] + 100)
    file = tmp_path / "hole.har"
    file.write_bytes(whole[:hole.start] + bytes(hole.stop - hole.start) + whole[hole.stop:])
    done = ok("repair", file)
    assert entries(file) == all_entries[:2] + all_entries[5:]
    assert "dropped" in done.stderr


def test_a_torn_head(recorded, tmp_path):
    whole = recorded.read_bytes()
    file = tmp_path / "head.har"
    file.write_bytes(bytes(60) + whole[60:])
    ok("repair", file)
    assert entries(file) == entries(recorded)
    assert validate([file]) == ""
    assert load(file)["log"]["pages"][0]["id"] == "page_1"


def test_an_entry_that_swallows_the_next_ones(recorded, tmp_path):
    """Torn where a value would stand: what follows looks like that value."""
    whole = recorded.read_bytes()
    all_entries = entries(recorded)
    starts = [m.start() for m in re.finditer(rb"^\{\"startedDateTime\"", whole, re.M)]
    cut = whole.index(b'"request":', starts[1]) + len(b'"request":')
    file = tmp_path / "swallow.har"
    file.write_bytes(whole[:cut] + b"\n" + whole[starts[2]:])
    ok("repair", file)
    assert entries(file) == all_entries[:1] + all_entries[2:]


@pytest.mark.parametrize("indent", [None, 2, 4], ids=["one-line", "two", "four"])
def test_a_truncated_copy_of_others(tmp_path, indent):
    all_entries = [chrome_entry(i) for i in range(10)]
    file = write(tmp_path / "cut.har", chrome(all_entries), indent)
    whole = file.read_bytes()
    repaired = []
    for cut in range(0, len(whole), len(whole) // 13):
        file = tmp_path / f"cut-{cut}.har"
        file.write_bytes(whole[:cut])
        done = har("repair", file)
        if done.returncode != GOOD:
            assert b'"entries"' not in whole[:cut]
            continue
        got = entries(file)
        assert got == all_entries[:len(got)]
        assert len(got) >= 10 * (cut - 600) // len(whole) - 1
        repaired.append(file)
    assert validate(repaired) == ""
    file.write_bytes(whole[:len(whole) // 2])
    assert re.search(r"\d entries kept, 1 dropped", ok("repair", file).stderr)


def test_a_whole_file_is_left_as_it_is(recorded, tmp_path):
    file = tmp_path / "whole.har"
    shutil.copy(recorded, file)
    before = os.stat(file)
    assert "is whole" in ok("repair", file).stderr
    assert os.stat(file) == before


def test_a_repaired_file_keeps_its_rights(recorded, tmp_path):
    file = tmp_path / "torn.har"
    file.write_bytes(torn(recorded))
    file.chmod(0o604)
    ok("repair", file)
    assert file.stat().st_mode & 0o7777 == 0o604


def test_repair_to_another_file_and_to_a_pipe(recorded, tmp_path):
    half = torn(recorded)
    file, out = tmp_path / "torn.har", tmp_path / "out.har"
    file.write_bytes(half)
    ok("repair", "-o", out, file)
    assert file.read_bytes() == half
    assert entries(out) == entries(recorded)[:-1]
    done = ok("repair", "-", input=half, text=False)
    assert json.loads(done.stdout)["log"]["entries"] == entries(out)


def test_nothing_is_made_of_nothing(tmp_path):
    file = tmp_path / "text.har"
    file.write_text("this is no HAR\n")
    done = har("repair", file)
    assert done.returncode == PROBLEMS and file.read_text() == "this is no HAR\n"


def test_repair_agrees_with_recovery(recorded, own_mitmd, tmp_path):
    """The same torn file, by mitmctl and by mitmd when it starts."""
    whole = recorded.read_bytes()
    half = whole[:len(whole) * 2 // 3]
    mine = tmp_path / "mine.har"
    mine.write_bytes(half)
    ok("repair", mine)
    mitmd = own_mitmd(start=False)
    (mitmd.spool / "t").mkdir(parents=True)
    (mitmd.spool / "t" / "20261122T080102Z-x-1.har.part").write_bytes(half)
    mitmd.start()
    wait_for(lambda: mitmd.files("t"), "the file to be recovered")
    theirs, = mitmd.files("t")
    assert entries(theirs) == entries(mine)
    assert load(theirs)["log"].get("_tlsErrors") == load(mine)["log"].get("_tlsErrors")


# -- merge -------------------------------------------------------------------------------
def started(found):
    return [e["startedDateTime"] for e in found]


def test_merge_orders_by_start_and_drops_what_is_there_twice(tmp_path):
    all_entries = [chrome_entry(i) for i in range(30)]
    a = write(tmp_path / "a.har", chrome(all_entries[20:] + all_entries[:12]))
    b = write(tmp_path / "b.har", chrome(all_entries[25:5:-1]), None)	# laid out in another way
    out = tmp_path / "out.har"
    done = ok("merge", "-o", out, a, b)
    assert entries(out) == all_entries
    assert "12 entries were there more than once" in done.stderr
    assert validate([out]) == "" and har("check", out).returncode == GOOD
    ok("merge", "-o", a, out, b)		# into one that is read
    assert a.read_bytes() == out.read_bytes()


def test_merge_of_time_zones_and_without_dates(tmp_path):
    ours = [chrome_entry(i) for i in range(0, 10, 2)]
    theirs = [firefox_entry(i) for i in range(1, 10, 2)]
    undated = {**chrome_entry(3), "startedDateTime": "?"}
    a = write(tmp_path / "a.har", chrome([undated, *ours]))
    b = write(tmp_path / "b.har", firefox(theirs))
    found = json.loads(ok("merge", a, b).stdout)["log"]["entries"]
    assert [e["request"]["url"] for e in found[:4]] == [
        "https://www.example.com/api/0?q=%C3%A4", "https://ff.example/1",
        "https://www.example.com/api/2?q=%C3%A4", "https://ff.example/3"]
    assert found[-1] == undated


def test_merge_keeps_pages_apart(tmp_path):
    a = write(tmp_path / "a.har", chrome([chrome_entry(0)], title="one"))
    b = write(tmp_path / "b.har", chrome([chrome_entry(1)], title="two"))
    c = write(tmp_path / "c.har", chrome([chrome_entry(2)], title="two"))
    log = json.loads(ok("merge", a, b, c).stdout)["log"]
    assert [(p["id"], p["title"]) for p in log["pages"]] == [("page_1", "one"), ("page_1_2", "two")]
    assert [e["pageref"] for e in log["entries"]] == ["page_1", "page_1_2", "page_1_2"]
    assert log["creator"]["name"] == "WebInspector"
    found = log["entries"][1]
    assert {**found, "pageref": "page_1"} == chrome_entry(1)


def test_merge_of_ours_keeps_chains_and_tls_errors(recorded, tmp_path):
    """All of a connection's entries come along, so that the chain of each can be found."""
    half = tmp_path / "half.har"
    ok("filter", "-f", "~c 404 | ~tls", "-o", half, recorded)
    out = tmp_path / "out.har"
    ok("merge", "-o", out, half, recorded)
    assert entries(out) == entries(recorded)
    assert Har([out])
    assert load(out)["log"]["_tlsErrors"] and tells_tls_errors(out)


def test_a_broken_file_is_not_merged(recorded, tmp_path):
    half, out = tmp_path / "torn.har", tmp_path / "out.har"
    half.write_bytes(torn(recorded))
    done = har("merge", "-o", out, recorded, half)
    assert done.returncode == PROBLEMS and "har repair" in done.stderr
    assert not out.exists() and len(list(tmp_path.iterdir())) == 1
    done = har("merge", recorded, write(tmp_path / "odd.har", {"log": {}}))
    assert done.returncode == PROBLEMS and "no log.entries" in done.stderr


def test_merge_of_pipes_and_gzip(tmp_path):
    a = tmp_path / "a.har.gz"
    a.write_bytes(gzip.compress(json.dumps(chrome([chrome_entry(1)])).encode()))
    done = ok("merge", a, "-", input=json.dumps(chrome([chrome_entry(0)])))
    assert started(json.loads(done.stdout)["log"]["entries"]) == [iso(FIRST), iso(FIRST + 10)]


# -- filter ------------------------------------------------------------------------------
def header_lines(entry, side):
    return [f"{h['name']}: {h['value']}" for h in entry[side]["headers"]]


def kind(entry):
    return entry["response"]["content"]["mimeType"]


FILTERS = {
    "html": lambda e: "html" in e["request"]["url"],
    "~u ^https": lambda e: e["request"]["url"].startswith("https"),
    "~c 404": lambda e: e["response"]["status"] == 404,
    "~c 4xx | ~c 500-599": lambda e: 400 <= e["response"]["status"] < 600,
    "~m post": lambda e: e["request"]["method"] == "POST",
    "~e": lambda e: "_error" in e or "_error" in e["response"],
    "~q": lambda e: e["response"]["status"] == 0,
    "~s & !~tcp": lambda e: e["response"]["status"] > 0 and "_tunnel" not in e,
    "~tcp": lambda e: "_tunnel" in e,
    "~http": lambda e: "_tunnel" not in e,
    "~tls": lambda e: "_tlsError" in e,
    "~websocket": lambda e: "_webSocketMessages" in e,
    "~ts image": lambda e: "image" in kind(e),
    "~a": lambda e: kind(e) == "image/png",
    "~tq urlencoded": lambda e: "urlencoded" in e["request"].get("postData", {}).get("mimeType", ""),
    "~hs '^x-kind: page$'": lambda e: "X-Kind: page" in header_lines(e, "response"),
    "~hq ^user-agent:.curl": lambda e: any(h.startswith("User-Agent: curl")
                                           for h in header_lines(e, "request")),
    "~b grüße": lambda e: "grüße" in e["response"]["content"].get("text", ""),
    "~bs '\"world\"</p>\\n$'": lambda e: "world" in e["response"]["content"].get("text", ""),
    "~bs ^\\x89PNG": lambda e: kind(e) == "image/png",
    "~bq name=value": lambda e: "name=value" in e["request"].get("postData", {}).get("text", ""),
    "~bq 'ping from'": lambda e: any("ping from" in m["data"]
                                     for m in e.get("_webSocketMessages", [])),
    "~d ^localhost$": lambda e: "//localhost" in e["request"]["url"],
    "~d ^ignored": lambda e: "//ignored" in e["request"]["url"],
    "~dst ^127.0.0.1:": lambda e: e.get("serverIPAddress") == "127.0.0.1",
    "~src ^127": lambda e: e["_clientAddress"].startswith("127"),
    "~tag ^tools$": lambda e: e["_tag"] == "tools",
    "~tag other": lambda e: False,
    "~all": lambda e: True,
}


@pytest.mark.parametrize("expression", FILTERS)
def test_filters(recorded, tmp_path, expression):
    wanted = [e for e in entries(recorded) if FILTERS[expression](e)]
    assert wanted or expression == "~tag other", "no entry to find"
    out = tmp_path / "out.har"
    ok("filter", "-f", expression, "-o", out, recorded)
    assert entries(out) == wanted
    assert Har([out]) is not None and tells_tls_errors(out)
    log, before = load(out)["log"], load(recorded)["log"]
    assert {k: v for k, v in log.items() if k not in ("entries", "_tlsErrors")} == \
        {k: v for k, v in before.items() if k not in ("entries", "_tlsErrors")}


def test_filter_of_a_pretty_printed_file(chrome_file):
    done = ok("filter", "-f", "~c 404 ~ts html", chrome_file)
    wanted = [e for e in entries(chrome_file) if e["response"]["status"] == 404 and
              "html" in e["response"]["content"]["mimeType"]]
    assert json.loads(done.stdout)["log"]["entries"] == wanted
    lines = done.stdout.splitlines()
    assert len(lines) == len(wanted) + 2		# an entry on a line
    assert all(json.loads(line.rstrip(",")) for line in lines[1:-1])


def test_filter_of_several_files(tmp_path):
    a = write(tmp_path / "a.har", chrome([chrome_entry(i) for i in range(10, 20)]))
    b = write(tmp_path / "b.har", chrome([chrome_entry(i) for i in range(0, 12)]))
    found = json.loads(ok("filter", "-f", "~c 404", a, b).stdout)["log"]["entries"]
    assert found == [chrome_entry(i) for i in (3, 7, 11, 15, 19)]


def test_a_broken_file_gives_what_came_before(recorded, tmp_path):
    half, out = tmp_path / "torn.har", tmp_path / "out.har"
    half.write_bytes(torn(recorded))
    done = har("filter", "-f", "~all", half)
    assert done.returncode == PROBLEMS and "har repair" in done.stderr
    assert json.loads(done.stdout)["log"]["entries"] == entries(recorded)[:-1]
    assert har("filter", "-f", "~all", "-o", out, half).returncode == PROBLEMS
    assert not out.exists()


@pytest.mark.parametrize("expression, column", [
    ("~u [a", 4), ("foo & ", 7), ("~zz", 1), ("(~e", 1), ("~c x", 4)])
def test_a_bad_filter_is_told_with_its_column(recorded, expression, column):
    done = har("filter", "-f", expression, recorded)
    assert done.returncode == USAGE
    assert f"filter, column {column}: " in done.stderr


def test_the_help_has_the_letters():
    done = subprocess.run([binary().with_name("mitmctl"), "help", "har"], capture_output=True,
                          text=True, check=True, env=clean_environment())
    for word in ("check", "repair", "merge", "filter", "stats", "~bq REGEX", "~websocket"):
        assert word in done.stdout


@pytest.mark.parametrize("args", [
    [], ["check"], ["chekc", "x"], ["filter", "x"], ["repair", "a", "b"], ["merge"], ["stats"],
    ["check", "--nonsense", "x"], ["stats", "-o", "x", "y"]])
def test_usage(args):
    done = har(*args)
    assert done.returncode == USAGE and "usage: mitmctl har" in done.stderr


# -- stats -------------------------------------------------------------------------------
def by(found, name):
    return {row["name"]: row for row in found[name]}


def test_stats_for_programs(recorded):
    found = json.loads(ok("stats", "--output", "json", recorded).stdout)
    all_entries = entries(recorded)
    assert found["files"] == 1 and found["entries"] == len(all_entries)
    assert found["tunnels"] == sum(1 for e in all_entries if "_tunnel" in e)
    assert found["webSockets"] == sum(1 for e in all_entries if "_webSocketMessages" in e)
    assert by(found, "tags")["tools"]["entries"] == len(all_entries)
    for status in {e["response"]["status"] for e in all_entries}:
        assert by(found, "status")[str(status) if status else "none"]["entries"] == \
            sum(1 for e in all_entries if e["response"]["status"] == status)
    assert by(found, "types")["image/png"]["entries"] == 1
    times = [e["time"] for e in all_entries]
    assert found["time"]["max"] == pytest.approx(max(times), abs=0.01)
    assert found["slowest"][0]["time"] == pytest.approx(max(times), abs=0.01)
    slowest = all_entries[found["slowest"][0]["entry"] - 1]
    assert found["slowest"][0]["url"] == slowest["request"]["url"]
    assert found["first"] == min(started(all_entries))


def test_percentiles(tmp_path):
    made = [{**firefox_entry(i), "time": i + 1} for i in range(1000)]
    file = write(tmp_path / "many.har", firefox(made), None)
    found = json.loads(ok("stats", "--output", "json", file).stdout)
    assert found["time"]["p50"] == pytest.approx(500, rel=0.04)
    assert found["time"]["p95"] == pytest.approx(950, rel=0.04)
    assert found["time"]["max"] == 1000
    assert by(found, "hosts")["ff.example"]["time"]["p95"] == pytest.approx(950, rel=0.04)
    assert found["received"] == sum(e["response"]["headersSize"] + e["response"]["bodySize"]
                                    for e in made)


def test_stats_for_people(recorded, tmp_path):
    done = ok("stats", "-f", "!~tcp", recorded)
    for title in ("HOST", "TAG", "STATUS", "TYPE", "ERROR", "SLOWEST", "BIGGEST"):
        assert re.search(rf"^{title}\b", done.stdout, re.M), title
    assert "0 tunnels" in done.stdout
    hostile = chrome_entry(0, host="\x1b[2J\u202e")
    hostile["_tag"] = "\x1b]0;x\x07"
    done = ok("stats", write(tmp_path / "hostile.har", chrome([hostile])))
    assert all(c == "\n" or " " <= c < "\x7f" for c in done.stdout), done.stdout


# -- size, memory, progress --------------------------------------------------------------
BIG = 200 << 20
ROOM = 176 << 20		# of address space, of which the program's own libraries take 20


def big_file(path):
    """Many ordinary entries, and one with a body larger than all memory there is."""
    many = json.dumps(chrome_entry(0)) + ",\n"
    head, tail = json.dumps(chrome_entry(2)).split("s\\u00f6me", 1)
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"pages":[],'
                   '"entries":[\n')
        for _ in range((20 << 20) // len(many)):
            file.write(many)
        file.write(head)
        for _ in range(BIG >> 20):
            file.write("s" * (1 << 20))
        file.write(tail + "\n]}}\n")
    return path


def little_room():
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))


@pytest.mark.skipif(SANITIZED, reason="sanitizers take address space for themselves")
def test_memory_has_a_bound(tmp_path):
    file = big_file(tmp_path / "big.har")
    n = (20 << 20) // len(json.dumps(chrome_entry(0)) + ",\n") + 1
    room = {"preexec_fn": little_room}
    assert f"{n} entries, 0 errors" in ok("check", file, **room).stdout
    assert json.loads(ok("stats", "--output", "json", file, **room).stdout)["entries"] == n
    out = tmp_path / "out.har"
    ok("filter", "-f", "~m post", "-o", out, file, **room)
    assert BIG < out.stat().st_size < BIG + 10000
    ok("merge", "-o", out, file, file, **room)
    assert "2 entries, 0 errors" in ok("check", out, **room).stdout	# all others are one
    with open(file, "r+b") as end:
        end.truncate(file.stat().st_size - 10)
    ok("repair", file, **room)
    assert f"{n - 1} entries, 0 errors" in ok("check", file, **room).stdout
    with open(file, "rb") as pipe:
        assert f"{n - 1} entries" in ok("check", "-", stdin=pipe, **room).stdout
    os.unlink(file)
    os.unlink(out)


@pytest.mark.skipif(SANITIZED, reason="sanitizers take address space for themselves")
def test_an_entry_of_too_many_values(tmp_path):
    """It is large without a long string; the others are looked at as ever."""
    file = tmp_path / "many.har"
    with open(file, "w", encoding="ascii") as out:
        out.write('{"log":{"entries":[{"a":[')
        for _ in range(BIG >> 20):
            out.write("1," * (1 << 19))
        out.write('1]},' + json.dumps(firefox_entry(1)) + ']}}')
    room = {"preexec_fn": little_room}
    done = har("check", file, **room)
    assert done.returncode == PROBLEMS
    assert f"{file}:1: has too much in it to look at" in done.stdout
    done = har("filter", "-f", "~all", file, **room)
    assert json.loads(done.stdout)["log"]["entries"] == [firefox_entry(1)]
    assert "has too much in it to look at, and is left out" in done.stderr
    os.unlink(file)


class Terminal:
    """A pseudo-terminal, and all that is written to it."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        self.seen = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                got = os.read(self.master, 4096)
            except OSError:
                return
            self.seen += got

    def close(self):
        os.close(self.slave)
        self.reader.join(PATIENCE)
        os.close(self.master)


def test_progress_on_a_terminal_only():
    """It is fed until it shows how far it is."""
    terminal = Terminal()
    process = subprocess.Popen([binary().with_name("mitmctl"), "har", "check", "-"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=terminal.slave, env=clean_environment())
    entry = json.dumps(firefox_entry(0)).encode()
    process.stdin.write(json.dumps(firefox([])).encode().replace(b"[]}}", b"["))
    process.stdin.write(entry)

    def shown():
        process.stdin.write((b"," + entry) * 50)
        process.stdin.flush()
        return re.search(rb"[0-9kM]  [0-9.]+[kM]?/s", terminal.seen)
    wait_for(shown, "a line of progress")
    out, _ = process.communicate(b"]}}", timeout=PATIENCE)
    terminal.close()
    assert process.returncode == GOOD, out
    assert terminal.seen.endswith(b"\r\x1b[K"), terminal.seen	# the line is free again


@pytest.mark.parametrize("args", [["check"], ["stats"], ["filter", "-f", "~all"], ["merge"]])
def test_what_cannot_be_written_is_told(recorded, args):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([binary().with_name("mitmctl"), "har", *args, str(recorded)],
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=PATIENCE, env=clean_environment())
    assert done.returncode == PROBLEMS
    assert "standard output" in done.stderr


def test_a_closed_pipe_ends_it(tmp_path):
    file = write(tmp_path / "many.har", chrome([chrome_entry(i) for i in range(500)]), None)
    process = subprocess.Popen([binary().with_name("mitmctl"), "har", "filter", "-f", "~all",
                                str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=clean_environment())
    process.stdout.close()
    assert process.wait(PATIENCE) in (-signal.SIGPIPE, PROBLEMS)
    process.stderr.close()
