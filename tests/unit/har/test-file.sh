#!/bin/sh
# SPDX-License-Identifier: ISC
# A whole file: parses, adds up, and passes har-schema where node has it.
set -eu
export PYTHONDONTWRITEBYTECODE=1
file=$(mktemp)
trap 'rm -f "$file"' EXIT
./tests/unit/run-har --sample >"$file"

python3 - "$file" <<'PY'
import json, re, sys
raw = open(sys.argv[1], "rb").read()
log = json.loads(raw.decode("utf-8"))["log"]
lines = raw.decode("utf-8").split("\n")
assert lines[-2] == "]}}" and lines[-1] == ""
assert [json.loads(l.rstrip(",")) for l in lines[1:-2]] == log["entries"]
assert list(log) == ["version", "creator", "pages", "entries"], list(log)
assert len(log["pages"]) == 1
for e in log["entries"]:
    t = e["timings"]
    parts = [t[k] for k in ("blocked", "dns", "connect", "send", "wait", "receive")]
    assert abs(e["time"] - sum(v for v in parts if v >= 0)) < 1e-9, e["time"]
    assert min(t["send"], t["wait"], t["receive"]) >= 0
    assert t["ssl"] <= max(t["connect"], -1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", e["startedDateTime"])
    for m in (e["request"], e["response"]):
        assert m["httpVersion"] in ("HTTP/1.0", "HTTP/1.1", "HTTP/2")
        assert isinstance(m["headersSize"], int) and isinstance(m["bodySize"], int)
PY

if ! command -v node >/dev/null || [ ! -d /usr/share/nodejs/har-validator ]; then
	echo "node-har-validator is not installed: the schema was not checked"
	exit 0
fi
NODE_PATH=/usr/share/nodejs node -e '
const validate = require("har-validator");
const har = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
validate.har(har).then(() => process.exit(0), e => {
	console.error(e.message, JSON.stringify(e.errors, null, 1));
	process.exit(1);
});' "$file"
