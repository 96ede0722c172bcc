# SPDX-License-Identifier: ISC
"""Node's WebSockets (ws) and its gRPC (@grpc/grpc-js) on both sides."""
import json
import os
import pathlib
import subprocess

import pytest

from env import ws
from env.curl import clean_environment
from env.wire import TIMEOUT

HERE = pathlib.Path(__file__).parent / "env"
PATHS = ":".join(filter(None, [os.environ.get("NODE_PATH"), "/usr/share/nodejs"]))


def environment(**more):
    return clean_environment(NODE_PATH=PATHS, **more)


def need(module):
    """Skip where Node does not find it."""
    try:
        found = subprocess.run(["node", "-e", f"require('{module}')"], check=False,
                               capture_output=True, env=environment()).returncode == 0
    except FileNotFoundError:
        found = False
    if not found:
        pytest.skip(f"Node finds no {module} (NODE_PATH)")


class NodeOrigin:
    def __init__(self, script, cert):
        self.process = subprocess.Popen(
            ["node", HERE / script, "origin", cert.key, cert.chain], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment())
        self.authority = f"localhost:{int(self.process.stdout.readline())}"

    def close(self):
        self.process.stdin.close()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()


def client(script, plan, **more):
    done = subprocess.run(["node", HERE / script, "client", json.dumps(plan)], text=True,
                          capture_output=True, check=False, timeout=5 * TIMEOUT,
                          env=environment(**more))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def ws_origin(certs):
    need("ws")
    origin = NodeOrigin("ws_node.js", certs.leaf("good"))
    yield origin
    origin.close()


@pytest.mark.parametrize("deflate", [True, False])
def test_ws(mitmd, ws_origin, tag, deflate):
    said = [{"text": "hello"}, {"text": "w\u00fcrdig \u20ac \U0001f600"}, {"text": ""},
            {"hex": "00ff80"}, {"text": "again and again " * 5000}, {"text": "again and again "}]
    got = client("ws_node.js", {
        "host": mitmd.host, "port": mitmd.port, "authority": ws_origin.authority,
        "ca": str(mitmd.ca), "tag": tag, "deflate": deflate, "said": said})
    assert got["heard"] == said and (got["code"], got["reason"]) == (4321, "enough")
    assert ("permessage-deflate" in got["extensions"]) == deflate
    entry = mitmd.entry(tag, "/node")
    texts = [s["text"] for s in said if "text" in s]
    for side in ("send", "receive"):
        assert [d for t, o, d in ws.messages([entry]) if (t, o) == (side, 1)] == texts
        assert [d for t, o, d in ws.messages([entry]) if (t, o) == (side, 2)] == ["AP+A"]
    assert entry["_webSocketClose"] == {"code": 4321, "reason": "enough", "by": "client"}
    assert entry.error is None and "_webSocketBroken" not in entry


@pytest.fixture(scope="module")
def grpc_origin(certs):
    need("@grpc/grpc-js")
    origin = NodeOrigin("grpc_node.js", certs.leaf("good"))
    yield origin
    origin.close()


def test_grpc(mitmd, grpc_origin, tag):
    got = client("grpc_node.js", {"authority": grpc_origin.authority, "ca": str(mitmd.ca)},
                 https_proxy=f"http://{tag}@{mitmd.proxy}")
    late = got.pop("never")
    assert got == {"unary": "olleh", "down": list("01234"), "up": "500000",
                   "both": [f"PING {i}" for i in range(5)],
                   "refuses": {"code": 5, "details": "none such"}}
    assert late["code"] == 4
    har = mitmd.har(tag, lambda har: len(har) == 6)
    for name in ("Unary", "Down", "Up", "Both"):
        entry = har.one(f"/test.Node/{name}")
        assert entry.status == 200 and entry.error is None
        assert {"name": "grpc-status", "value": "0"} in entry["response"]["_trailers"]
    assert har.one("/test.Node/Refuses").header("response", "grpc-status") == ["5"] or \
        {"name": "grpc-status", "value": "5"} in har.one("/test.Node/Refuses")["response"]["_trailers"]
    never = har.one("/test.Node/Never")
    assert never.header("request", "grpc-timeout") and never["_aborted"] is True
