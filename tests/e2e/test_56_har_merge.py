# SPDX-License-Identifier: ISC
"""mitmctl har merge, filter and stats: of what mitmd has recorded and browsers have written."""
import gzip
import json
import re

import pytest

from env.har import Har, load, validate
from env.har_samples import FIRST, chrome, chrome_entry, firefox, firefox_entry, iso, write
from env.har_tools import (GOOD, PROBLEMS, USAGE, entries, har, ok, record, tells_tls_errors,
                           torn)


@pytest.fixture(scope="module")
def recorded(start_mitmd, certs, tmp_path_factory):
    return record(start_mitmd, certs, tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def chrome_file(tmp_path):
    return write(tmp_path / "chrome.har", chrome([chrome_entry(i) for i in range(40)]))


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
