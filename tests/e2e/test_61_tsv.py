# SPDX-License-Identifier: ISC
"""--output tsv: each command's table has the columns that mitmctl(1) names, and what is said
as JSON too."""
import json
import re
import signal
import subprocess

import pytest

from env.mitmd import TOP, binary, clean_environment, wait_for
from env.wire import basic

MAN = TOP / "man" / "mitmctl.1"
USAGE = 64


def cells(line):
    """One row, as a reader that knows no more than the manual takes it apart."""
    def plain(found):
        letter = found[1]
        return {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}.get(letter) or chr(int(letter[1:], 16))
    return [re.sub(r"\\(x..|.)", plain, cell) for cell in line.split("\t")]


def table(text):
    """Rows by name; every row has as many cells as there are names."""
    assert text.endswith("\n")
    names, *rows = [cells(line) for line in text[:-1].split("\n")]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[a-z0-9_]+", n) for n in names)
    assert all(len(row) == len(names) for row in rows), rows
    return names, [dict(zip(names, row)) for row in rows]


def ask(mitmd, *args, code=0):
    done = mitmd.ctl(*args, "--output", "tsv")
    assert (done.returncode, done.stderr) == (code, ""), done
    return table(done.stdout)


def ask_json(mitmd, *args):
    return json.loads(mitmd.ctl(*args, "--output", "json").stdout)


def as_cell(value):
    """What JSON says, as a cell."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def manual(command):
    """The columns that the manual lists for a command."""
    text = MAN.read_text().split(".Ss Tables for programs")[1].split(".Ss ")[0]
    found = re.search(rf"^\.It Cm {command}\n((?:[a-z].*\n)+)", text, re.M)[1].replace("\n", " ")
    return re.findall(r"[a-z0-9_]+", re.split(r"[.;:]", found)[0])


def start(mitmd, *args):
    """mitmctl, not waited for, and without the configuration file."""
    return subprocess.Popen([binary().with_name("mitmctl"), "-s", mitmd.config["control"], *args],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=clean_environment())


def start_tail(mitmd, *args):
    before = len(mitmd.log)
    tail = start(mitmd, "tail", "--output", "tsv", *args)
    mitmd.wait_log(r"follows the entries", before)
    # The recorder has heard of it before it is asked this.
    assert mitmd.ctl("tags").returncode == 0
    return tail


# -- the running mitmd -------------------------------------------------------------------------
def test_lists_have_what_json_has(mitmd, origin, tag):
    assert mitmd.ctl("bypass", "add", "--client", "job-1", "pinned.example:8443", "pinned.example.net").returncode == 0
    with mitmd.tunnel(origin.authority, tag):
        mitmd.curl(f"{tag}-2").ok(origin.url())
        wait_for(lambda: ask_json(mitmd, "tags"), "a file that grows")
        for words, volatile in ((("tags",), {"last", "entries", "bytes"}), (("bypass", "list"), {"seconds_left"}),
                                (("conns",), {"seconds", "state", "received", "sent", "kind"})):
            names, rows = ask(mitmd, *words)
            objects = ask_json(mitmd, *words)
            assert rows and list(objects[0]) == names, words
            for row, told in zip(rows, objects):
                assert {n: c for n, c in row.items() if n not in volatile} == {
                    n: as_cell(v) for n, v in told.items() if n not in volatile}
    assert mitmd.ctl("bypass", "remove", "all").returncode == 0


def test_an_empty_list_has_its_names(own_mitmd):
    mitmd = own_mitmd()
    for words in (("tags",), ("conns",), ("bypass", "list")):
        names, rows = ask(mitmd, *words)
        assert len(names) > 3 and rows == []


def test_status(mitmd):
    names, rows = ask(mitmd, "status")
    assert names == manual("status") == ["section", "item", "name", "value"]
    told = ask_json(mitmd, "status")
    assert rows[0] == {"section": "mitmd", "item": "0", "name": "healthy", "value": "1"}
    found = {(r["section"], int(r["item"]), r["name"]): r["value"] for r in rows}
    assert len(found) == len(rows)
    stable = {"pid", "role", "index", "generation", "address", "dir", "version", "config", "protections"}
    expect = {}
    for section, things in told.items():
        if section in ("healthy", "problems"):
            continue
        for item, thing in enumerate(things if isinstance(things, list) else [things]):
            expect.update({(section, item, n): as_cell(v) for n, v in thing.items()})
    assert set(found) - {("mitmd", 0, "healthy")} == set(expect)
    assert {k: v for k, v in found.items() if k[2] in stable} == {
        k: v for k, v in expect.items() if k[2] in stable}


def test_status_with_a_problem(own_mitmd):
    mitmd = own_mitmd()
    mitmd.write("wokers: 1\n")
    reload = start(mitmd, "reload")
    assert (reload.communicate()[0], reload.returncode) == ("", 78)
    done = start(mitmd, "status", "--output", "tsv")
    rows = table(done.communicate()[0])[1]
    assert done.returncode == 2
    assert rows[0]["name"] == "healthy" and rows[0]["value"] == "0"
    assert [r["name"] for r in rows if r["section"] == "problems"] == ["text"]
    mitmd.write(mitmd.config)


def test_what_is_done(own_mitmd):
    mitmd = own_mitmd({"drain_idle": "1h"})
    assert ask(mitmd, "flush") == (["files"], [{"files": "0"}])
    assert ask(mitmd, "reload", "--wait") == (["generation"], [{"generation": "2"}])
    assert ask(mitmd, "drain") == (["timeout", "idle"], [{"timeout": "3600", "idle": "3600"}])
    assert ask(mitmd, "drain", "--cancel") == (["cancelled"], [{"cancelled": "1"}])


def test_tail(mitmd, origin, tag):
    tail = start_tail(mitmd, "-n", "2", tag)
    for host, path in ((origin.authority, "/hello?a\\tb"), ("127.0.0.1:1", "/hello")):
        with mitmd.dial() as client:
            client.ask(f"GET http://{host}{path} HTTP/1.1\r\nHost: {host}\r\n"
                       f"Proxy-Authorization: {basic(tag)}\r\n\r\n")
    names, rows = table(tail.communicate()[0])
    assert tail.returncode == 0 and names == manual("tail")
    good, bad = sorted(rows, key=lambda row: row["error"])
    assert good["url"].endswith("/hello?a\\tb") and good["method"] == "GET"
    assert (good["status"], good["tag"], good["version"]) == ("200", tag, "HTTP/1.1")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", good["started"]) and int(good["received"]) > 0
    assert (good["tunnel"], good["websocket"], good["tls_refused"], good["error"]) == ("", "0", "0", "")
    assert int(good["ms"]) >= 0 and re.fullmatch(r"127\.0\.0\.1:\d+", good["client"])
    assert bad["error"].endswith("the connection was refused") and bad["status"] == ""


# -- files ---------------------------------------------------------------------------------------
def test_explain(mitmd):
    mitmd.write(dict(mitmd.config, ignore_hosts=["*.ignored.test"]))
    names, rows = ask(mitmd, "explain", "www.ignored.test", "--address", "192.0.2.1")
    assert names == manual("explain")
    by_name = {row["name"]: row for row in rows}
    told = ask_json(mitmd, "explain", "www.ignored.test", "--address", "192.0.2.1")
    assert by_name["traffic"]["value"] == "tunnelled" == told["traffic"]["decision"]
    for column in ("option", "pattern", "file", "line"):
        assert by_name["traffic"][column] == str(told["traffic"]["source"][column])
    assert by_name["host"]["value"] == "www.ignored.test" and by_name["port"]["value"] == "443"
    mitmd.write(mitmd.config)
    assert mitmd.ctl("bypass", "add", "www.example.test").returncode == 0
    rows = ask(mitmd, "explain", "www.example.test:8443", "--address", "192.0.2.1")[1]
    by_name = {row["name"]: row for row in rows}
    assert (by_name["traffic"]["value"], by_name["verify"]["value"]) == ("intercepted", "mirror")
    assert (by_name["strict"]["value"], by_name["strict"]["line"]) == ("0", "")
    assert by_name["bypass"]["value"] == "" and by_name["bypass"]["until"].startswith("20")
    assert mitmd.ctl("bypass", "remove", "all").returncode == 0


def test_ca_show(own_mitmd):
    mitmd = own_mitmd()
    names, rows = ask(mitmd, "ca", "show")
    assert names == manual("ca show")
    told = ask_json(mitmd, "ca", "show")
    values = {row["name"]: row["value"] for row in rows if row["ca"] == "0"}
    for name, value in told.items():
        if name == "files":
            assert {f"file_{n}": v for n, v in value.items()}.items() <= values.items()
        elif name == "days_left":		# another second, perhaps another day
            assert 1090 < int(values[name]) <= 1096
        elif not isinstance(value, list):
            assert values[name] == as_cell(value), name
    assert mitmd.stop() == 0
    assert mitmd.ctl("ca", "retire", "--yes").returncode == 0
    assert mitmd.ctl("ca", "init", "--permit", ".corp.example", "--permit", "10.0.0.0/8").returncode == 0
    rows = ask(mitmd, "ca", "show")[1]
    permitted = [row["value"] for row in rows if row["name"] == "permitted"]
    assert permitted == ask_json(mitmd, "ca", "show")["permitted"] and len(permitted) >= 2
    assert [row["value"] for row in rows if row["ca"] == "1" and row["name"] == "sha256"] == [told["sha256"]]


def test_env(mitmd):
    names, rows = ask(mitmd, "env", "--tag", "job-1")
    assert names == manual("env")
    assert {row["name"]: row["value"] for row in rows} == ask_json(mitmd, "env", "--tag", "job-1")


def test_har_check_and_stats(mitmd, origin, tag, tmp_path):
    for path in ("/hello", "/status/404"):
        mitmd.curl(tag).run(origin.url(path))
    mitmd.har(tag, lambda har: len(har) == 2)
    (good,) = mitmd.files(tag)
    names, rows = ask(mitmd, "har", "check", good)
    assert (names, rows) == (manual("har check"), [])
    bad = tmp_path / "a\tfile.har"
    text = good.read_text().replace('"HTTP/1.1"', "7")
    bad.write_text(text)
    rows = ask(mitmd, "har", "check", bad, code=1)[1]
    assert rows[0]["file"] == str(bad) and rows[0]["severity"] == "error" and rows[0]["entry"] == "1"
    told = json.loads(mitmd.ctl("har", "check", "--output", "json", bad).stdout)[0]["problems"]
    assert [(r["path"], r["message"]) for r in rows] == [(t.get("path", ""), t["message"]) for t in told]

    names, rows = ask(mitmd, "har", "stats", good)
    assert names == manual("har stats")
    told = ask_json(mitmd, "har", "stats", good)
    assert {r["table"] for r in rows} >= {"all", "kinds", "hosts", "tags", "status", "slowest", "biggest"}
    everything = next(r for r in rows if r["table"] == "all")
    for name in ("entries", "failed", "sent", "received", "first", "last"):
        assert everything[name] == str(told[name]), name
    assert float(everything["time_p95"]) == pytest.approx(told["time"]["p95"], abs=0.001)
    assert {r["name"]: r["entries"] for r in rows if r["table"] == "status"} == {"200": "1", "404": "1"}
    slowest = [r for r in rows if r["table"] == "slowest"]
    assert [(r["name"], r["entry"], r["method"], r["status"]) for r in slowest] == [
        (t["url"], str(t["entry"]), t["method"], str(t["status"])) for t in told["slowest"]]


# -- the word -------------------------------------------------------------------------------------
def test_anywhere_on_the_line(mitmd):
    asked = [("--output", "tsv", "bypass", "list"), ("-o", "tsv", "bypass", "list"),
             ("bypass", "--output=tsv", "list"), ("bypass", "list", "--output", "tsv")]
    assert len({mitmd.ctl(*words).stdout for words in asked}) == 1


@pytest.mark.parametrize("word", ["csv", "", "TSV"])
def test_no_other_words(mitmd, word):
    done = mitmd.ctl("status", "--output", word)
    assert done.returncode == USAGE and "table, json or tsv" in done.stderr


def test_a_tail_that_is_interrupted_has_said_its_names(mitmd):
    tail = start_tail(mitmd, "nobody")
    assert tail.stdout.readline().startswith("started\ttag\t")
    tail.send_signal(signal.SIGINT)
    assert tail.communicate() == ("", "") and tail.returncode == 0
