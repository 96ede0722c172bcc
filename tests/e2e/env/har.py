# SPDX-License-Identifier: ISC
"""har.py - the one reader of recordings: loads them, checks what holds for every
entry, finds entries.  No test looks into HAR text by itself.
"""
import base64
import fcntl
import json
import os
import pathlib
import re
import subprocess

STARTED = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
PHASES = ("blocked", "dns", "connect", "send", "wait", "receive")
VALIDATOR = pathlib.Path(__file__).with_name("har_validate.js")


def load(path):
    """Parse strictly: one JSON document, no number JSON does not have."""
    def refuse(word):
        raise AssertionError(f"{path}: {word} is not JSON")
    text = pathlib.Path(path).read_bytes().decode("utf-8", "strict")
    return json.loads(text, parse_constant=refuse)


def load_part(path):
    """A growing file, read as its readers are told to: under flock -s."""
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return json.loads(file.read())


def validate(paths):
    """Problems har-validator finds, as text; empty when there are none."""
    done = subprocess.run(["node", str(VALIDATOR), *map(str, paths)], capture_output=True,
                          text=True, check=False,
                          env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
    return done.stdout + done.stderr if done.returncode else ""


class Entry(dict):
    """One entry, with the few questions tests ask."""

    @property
    def url(self):
        return self["request"]["url"]

    @property
    def status(self):
        return self["response"]["status"]

    @property
    def error(self):
        return self.get("_error") or self["response"].get("_error")

    def headers(self, side):
        return [(h["name"], h["value"]) for h in self[side]["headers"]]

    def header(self, side, name):
        return [v for n, v in self.headers(side) if n.lower() == name.lower()]

    def body(self):
        """The recorded response body as bytes."""
        return decoded(self["response"]["content"])

    def posted(self):
        """The recorded request body as bytes."""
        return decoded(self["request"]["postData"])


def decoded(content):
    text = content.get("text", "")
    if content.get("encoding") == "base64":
        return base64.b64decode(text, validate=True)
    return text.encode("utf-8")


def check_file(document):
    """What holds for every file."""
    log = document["log"]
    assert list(log)[:2] == ["version", "creator"], list(log)
    assert log["version"] == "1.2"
    assert log["creator"]["name"] == "mitmd"
    assert log["creator"]["version"]
    for page in log["pages"]:
        assert {"startedDateTime", "id", "title", "pageTimings"} <= set(page)
    for entry in log["entries"]:
        check_entry(entry)
    check_tls_errors(log)


CAUSES = {"cert-rejected", "closed", "reset", "no-shared-cipher", "handshake-timeout", "unknown"}


def check_tls_errors(log):
    """A finished file tells again what its entries have; a growing one does not yet."""
    told = [e["_tlsError"] for e in log["entries"] if "_tlsError" in e]
    if "_tlsErrors" in log and "_tlsErrorsLeftOut" not in log:
        assert log["_tlsErrors"] == told
    for error in told:
        assert STARTED.match(error["startedDateTime"]) and error["time"] >= 0
        assert error["cause"] in CAUSES, error
        assert error["hostname"] and error["clientIPAddress"]
        assert 0 < error["clientPort"] < 65536
        assert {"connectHostname", "connectPort"} <= set(error["tlsMetadata"])


def check_entry(entry):
    """What holds for every entry, whatever happened to its flow."""
    assert STARTED.match(entry["startedDateTime"]), entry["startedDateTime"]
    check_times(entry)
    for side in ("request", "response"):
        message = entry[side]
        for member in ("httpVersion", "cookies", "headers", "headersSize", "bodySize"):
            assert member in message, f"{side} has no {member}"
        for size in ("headersSize", "bodySize"):
            assert isinstance(message[size], int) and message[size] >= -1
        for field in message["headers"]:
            assert not field["name"].startswith(":")
            assert isinstance(field["value"], str)
    assert re.match(r"^(https?|wss?)://[!-~]+$", entry["request"]["url"])
    assert isinstance(entry["response"]["status"], int)
    assert isinstance(entry["response"]["redirectURL"], str)
    content = entry["response"]["content"]
    assert isinstance(content["size"], int) and isinstance(content["mimeType"], str)
    decoded(content)
    assert entry["cache"] == {} or isinstance(entry["cache"], dict)
    assert entry.get("serverIPAddress") != ""
    assert re.match(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$", entry["_tag"])
    assert entry["_clientAddress"]


def check_times(entry):
    times = entry["timings"]
    for phase in ("send", "wait", "receive"):
        assert times[phase] >= 0, times
    for phase, value in times.items():
        if not phase.startswith("_") and phase != "comment":
            assert value >= 0 or value == -1, times
    total = sum(max(0, times.get(phase, -1)) for phase in PHASES)
    assert abs(total - entry["time"]) < 0.002, (total, entry["time"], times)
    if times.get("ssl", -1) >= 0:
        assert times["ssl"] <= times["connect"], times


class Har:
    """All entries of some files, in file order."""

    def __init__(self, paths):
        self.documents = [load(path) for path in paths]
        for document in self.documents:
            check_file(document)
        self.entries = [Entry(e) for d in self.documents for e in d["log"]["entries"]]

    def __bool__(self):
        return bool(self.entries)

    def __len__(self):
        return len(self.entries)

    def find(self, url):
        return [e for e in self.entries if e.url.endswith(url)]

    def one(self, url):
        found = self.find(url)
        assert len(found) == 1, f"{len(found)} entries of {url}: {[e.url for e in self.entries]}"
        return found[0]
