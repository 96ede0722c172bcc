# SPDX-License-Identifier: ISC
"""A page in Chromium: 200 requests at once, a WebSocket and events, with mitmd and without."""
import base64
import datetime
import json

import pytest

from env import chromium, ws
from env.chromium import Chromium
from env.events import EVENTS, SSE
from env.h2_peer import Origin2, Settings, sha
from env.origin import pattern

pytestmark = pytest.mark.skipif(chromium.missing(), reason="no chromium, or no certutil")
PARTS = 200
SAID = ["hello", "w\u00fcrdig \u20ac", "x" * 70000]
PAGE = """<!doctype html><title>page</title><link rel=icon href=data:,><script>
const hex = (b) => Array.from(new Uint8Array(b), (x) => x.toString(16).padStart(2, "0")).join("");
const part = async (i) => {
	const got = await fetch(`/part/${i}`, i % 2 ? {method: "POST", body: "x".repeat(i)} : {});
	const body = await got.arrayBuffer();
	return [got.status, body.byteLength, hex(await crypto.subtle.digest("SHA-256", body))];
};
const talk = () => new Promise((resolve) => {
	const socket = new WebSocket(`wss://${location.host}/talk`), heard = [], say = SAID;
	socket.binaryType = "arraybuffer";
	socket.onopen = () => socket.send(say[0]);
	socket.onmessage = (e) => {
		heard.push(typeof e.data === "string" ? e.data.length : hex(e.data));
		if (heard.length < say.length)
			socket.send(say[heard.length]);
		else if (heard.length === say.length)
			socket.send(new Uint8Array([0, 255, 1]));
		else
			socket.close(4321, "enough");
	};
	socket.onclose = (e) => resolve([...heard, e.code, e.reason]);
});
const events = () => new Promise((resolve) => {
	const source = new EventSource("/events"), heard = [];
	source.addEventListener("tick", async (e) => {
		heard.push(e.data);
		await fetch("/heard", {method: "POST"});	// only then the next one is sent
	});
	source.onerror = () => { source.close(); resolve(heard); };
});
window.result = Promise.all([talk(), events(), ...Array.from({length: PARTS}, (_, i) => part(i))]);
</script>"""


class PageOrigin(Origin2):
    """What the page needs."""

    def __init__(self, cert):
        super().__init__(cert, settings={Settings.MAX_CONCURRENT_STREAMS: 100,
                                         Settings.ENABLE_CONNECT_PROTOCOL: 1})
        page = PAGE.replace("PARTS", str(PARTS)).replace("SAID", json.dumps(SAID))
        self.route("/page", lambda x: x.answer(headers=[("content-type", "text/html")],
                                               body=page.encode()))
        self.route("/part/", self.part)
        self.route("/talk", self.talk)
        self.route("/events", self.events)
        self.route("/heard", self.hear)

    @staticmethod
    async def part(x):
        await x.all()
        number = int(x.path.rsplit("/", 1)[1])
        await x.answer(headers=[("content-type", "application/octet-stream")],
                       body=pattern(1000 + 317 * number))

    @staticmethod
    async def talk(x):
        """Each message comes back; frames as they are, without their masks."""
        x.head()
        data = b""
        while piece := await x.read():
            data += piece
            while (message := ws.unframed(data)) is not None:
                first, payload, used = message
                data = data[used:]
                await x.send(ws.frame(first, payload))
        x.end()

    async def events(self, x):
        self.listener = x
        self.heard = 0
        x.head(headers=[(n.lower(), v) for n, v in SSE])
        for number, event in enumerate(EVENTS):
            await x.send(event)
            while self.heard <= number:
                await x.wait()
        x.end()

    async def hear(self, x):
        self.heard += 1
        self.listener.news.set()
        await x.answer(204)


def started(entry):
    return datetime.datetime.fromisoformat(entry["startedDateTime"]).timestamp()


WANT = [[*map(len, SAID), "00ff01", 4321, "enough"], [str(i) for i in range(len(EVENTS))],
        *[[200, 1000 + 317 * i, sha(pattern(1000 + 317 * i))] for i in range(PARTS)]]


@pytest.fixture(scope="module")
def page_origin(certs):
    origin = PageOrigin(certs.leaf("good"))
    yield origin
    origin.close()


def tab(browser, url="about:blank"):
    target = browser.call("Target.createTarget", url=url)["targetId"]
    return browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]


def evaluate(browser, session, expression):
    got = browser.call("Runtime.evaluate", session, awaitPromise=True, returnByValue=True,
                       expression=expression)
    assert "exceptionDetails" not in got, got["exceptionDetails"]
    return got["result"]["value"]


def load(home, roots, proxy, url):
    """What the page's script made of it."""
    browser = Chromium(home, roots, proxy)
    try:
        session = tab(browser)
        browser.call("Page.enable", session)
        assert "errorText" not in browser.call("Page.navigate", session, url=url)
        return evaluate(browser, session, """new Promise((resolve) => {
            const look = () => window.result ? window.result.then(resolve) : setTimeout(look, 20);
            look();
        })""")
    finally:
        browser.close()


@pytest.fixture(scope="module")
def loaded(start_mitmd, page_origin, certs, tmp_path_factory):
    """(alone, through mitmd, its recording)"""
    url = page_origin.url("/page", "127.0.0.1")
    mitmd = start_mitmd()
    alone = load(tmp_path_factory.mktemp("home"), [certs.root.cert], None, url)
    through = load(tmp_path_factory.mktemp("home"), [mitmd.ca], mitmd.proxy, url)
    tag = "127.0.0.1"

    def whole(har):
        return len(har.find("/events")) == 1 and any(
            "_webSocketMore" not in e for e in har.find("/talk"))
    return alone, through, mitmd.har(tag, whole)


def test_the_page_sees_no_difference(loaded):
    alone, through, _ = loaded
    assert alone == WANT
    assert through == alone


def test_every_request_is_recorded(loaded):
    har = loaded[2]
    for i in range(PARTS):
        entry = har.one(f"/part/{i}")
        assert (entry.status, entry["request"]["httpVersion"]) == (200, "HTTP/2")
        assert entry["request"]["method"] == ("POST" if i % 2 else "GET")
        assert entry.body() == pattern(1000 + 317 * i) and entry.error is None
        assert i % 2 == 0 or entry.posted() == b"x" * i
        assert entry["response"]["_transferSize"] > entry["response"]["bodySize"] == 1000 + 317 * i
        assert entry["_resourceType"] == "fetch"


def test_the_websocket_is_recorded(loaded):
    entries = loaded[2].find("/talk")
    assert entries[0].url.startswith("wss://") and entries[0]["_resourceType"] == "websocket"
    told = ws.messages(entries)
    for side in ("send", "receive"):
        texts = [data for way, opcode, data in told if (way, opcode) == (side, 1)]
        assert texts == SAID
        (binary,) = [data for way, opcode, data in told if (way, opcode) == (side, 2)]
        assert base64.b64decode(binary) == b"\0\xff\1"
    close = {"code": 4321, "reason": "enough", "by": "client"}
    assert entries[-1]["_webSocketClose"] == close and entries[-1].error is None


def test_the_events_are_recorded(loaded):
    entry = loaded[2].one("/events")
    assert entry.body() == b"".join(EVENTS)
    assert entry["_resourceType"] == "eventsource" and "_aborted" not in entry


def test_the_times_are_true(loaded):
    """That phases add up is looked at in every entry."""
    har = loaded[2]
    page, events = har.one("/page"), har.one("/events")
    heard = har.find("/heard")
    assert len(heard) == len(EVENTS)
    slack = 0.002		# the start is told in milliseconds
    for entry in [e for e in har.entries if "//127.0.0.1:" in e.url]:	# and none of its own
        assert started(page) <= started(entry) + slack
    for entry in heard:
        assert started(events) <= started(entry) + slack
        assert started(entry) <= started(events) + events["time"] / 1e3 + slack
    talk = har.find("/talk")[-1]
    times = [m["time"] for m in talk["_webSocketMessages"]]
    assert times == sorted(times) and started(talk) <= times[0] + slack
    assert times[-1] <= started(talk) + talk["time"] / 1e3 + slack


IMPORT = """(async () => {
	const url = "devtools://devtools/bundled/models/har/har.js";
	while (location.href !== "devtools://devtools/bundled/devtools_app.html")
		await new Promise((resolve) => setTimeout(resolve, 20));
	const {HARFormat, Importer} = await import(url).catch(() => ({}));
	if (!HARFormat || !Importer)
		return null;
	const log = new HARFormat.HARRoot(JSON.parse(TEXT)).log;
	return Importer.Importer.requestsFromHARLog(log).map((r) => ({url: r.url(),
		status: r.statusCode, type: r.resourceType().name(), frames: r.frames().map((f) => f.text),
		start: r.startTime, end: r.endTime, transfer: r.transferSize, size: r.resourceSize}));
})()"""


def test_devtools_open_it(loaded, tmp_path):
    """With the importer that is behind the button."""
    har = loaded[2]
    browser = Chromium(tmp_path, [])
    try:
        session = tab(browser, "devtools://devtools/bundled/devtools_app.html")
        (document,) = har.documents
        seen = evaluate(browser, session,
                        IMPORT.replace("TEXT", json.dumps(json.dumps(document))))
    finally:
        browser.close()
    if seen is None:
        pytest.skip("the devtools of this chromium are made in another way")
    assert len(seen) == len(har)
    assert all(r["end"] >= r["start"] for r in seen)
    found = {r["url"].rpartition("/")[2]: r for r in seen}
    assert found["events"]["type"] == "eventsource"
    assert [f for f in found["talk"]["frames"] if f in SAID] == [w for w in SAID for _ in range(2)]
    part = found["7"]
    assert part["status"] == 200 and part["size"] == 1000 + 317 * 7 < part["transfer"]
