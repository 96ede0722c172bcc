# SPDX-License-Identifier: ISC
"""/metrics, /healthz and /readyz: what the proxy itself answers, and that its numbers are true."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from env.metrics import Metrics
from env.mitmd import PATIENCE, TOP, alive, wait_for
from env.wire import Closed

OPEN = "application/openmetrics-text; version=1.0.0"
MAN = TOP / "man" / "mitmd.8"
TABLE = TOP / "src" / "proc" / "counters.def"


def scrape(mitmd, accept=None):
    """(Metrics, the answer)."""
    accept = f"Accept: {accept}\r\n" if accept else ""
    with mitmd.dial() as client:
        response = client.ask(f"GET /metrics HTTP/1.1\r\nHost: x\r\n{accept}\r\n")
    assert response.status == 200
    form = "open" if response.get("Content-Type").startswith("application/openmetrics") else "text"
    return Metrics(response.body.decode(), form), response


def ask(mitmd, path, method="GET", more=""):
    with mitmd.dial() as client:
        return client.ask(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n")


def shown():
    """The names that the table declares, as they are sampled in the text format."""
    text = re.sub(r"/\*.*?\*/", "", TABLE.read_text(), flags=re.S)
    names = set()
    for kind, name in re.findall(
            r'^(SHOWN_COUNTER|SHOWN_GAUGE|HISTOGRAM)\(\w+,\s*BY\d(?:\([^)]*\))?,\s*"(\w+)"', text, re.M):
        names.add(name + {"SHOWN_COUNTER": "_total", "SHOWN_GAUGE": "", "HISTOGRAM": "_seconds"}[kind])
    assert len(names) > 20
    return names | {"mitmd_build_info"}


# -- the text ------------------------------------------------------------------------------
@pytest.mark.parametrize("accept, form", [
    (None, "text"), ("*/*", "text"), ("text/plain;version=0.0.4", "text"), (OPEN, "open"),
    # What Prometheus 2.42 asks with.
    ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "open"),
])
def test_both_formats_are_sound(mitmd, origin, accept, form):
    mitmd.curl().ok(origin.url())
    metrics, response = scrape(mitmd, accept)
    assert metrics.form == form
    assert response.get("Content-Type") == {
        "text": "text/plain; version=0.0.4; charset=utf-8",
        "open": "application/openmetrics-text; version=1.0.0; charset=utf-8"}[form]
    assert response.get("Cache-Control") == "no-store"


def test_both_formats_have_the_same_samples(mitmd):
    text, opened = scrape(mitmd)[0], scrape(mitmd, OPEN)[0]
    assert {key[0] for key in text.samples} == {key[0] for key in opened.samples}


def test_all_that_the_table_declares_is_there_and_in_the_manual(mitmd):
    metrics = scrape(mitmd)[0]
    assert set(metrics.types) == shown()
    # mdoc writes the last dash of a word as it is.
    manual = MAN.read_text()
    assert [n for n in sorted(shown()) if not re.search(rf"^\.It .*\b{n}\b", manual, re.M)] == []


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool (Debian: prometheus)")
def test_promtool_finds_nothing(mitmd, origin):
    mitmd.curl().ok(origin.url())
    with mitmd.dial() as client:
        text = client.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").body
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                          timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool (Debian: prometheus)")
def test_rules_and_dashboard_are_sound(tmp_path):
    dashboard = json.loads((TOP / "contrib" / "grafana" / "mitmd.json").read_text())
    asked = [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", [])]
    assert len(asked) > 20
    rules = tmp_path / "dashboard.yml"
    rules.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [
        {"record": f"panel:{i}", "expr": expr.replace("$__rate_interval", "1m")}
        for i, expr in enumerate(asked)]}]}))
    for file in (rules, TOP / "contrib" / "prometheus" / "mitmd.yml"):
        done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# -- who gets it, and how --------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_head_is_get_without_content(mitmd, path):
    get, head = ask(mitmd, path), ask(mitmd, path, "HEAD")
    assert (get.status, head.status, head.body) == (200, 200, b"")
    assert int(head.get("Content-Length")) >= len(get.body) > 0 or path == "/metrics"
    assert head.get("Content-Type") == get.get("Content-Type")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_405(mitmd, method):
    response = ask(mitmd, "/metrics", method)
    assert response.status == 405
    assert response.get("Allow") == "GET, HEAD"


def test_a_body_is_not_waited_for(mitmd):
    response = ask(mitmd, "/readyz", more="Content-Length: 1000000000\r\n")
    assert (response.status, response.get("Connection")) == (200, "close")


def test_many_on_one_connection(mitmd):
    with mitmd.dial() as client:
        for path in ["/healthz", "/metrics", "/readyz?verbose", "/metrics?x=1", "/healthz"]:
            assert client.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
        assert client.ask("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").status == 404
        assert client.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").body == b"ok\n"


def test_by_its_name_through_the_proxy(mitmd):
    assert mitmd.curl().ok("http://mitm.it/healthz").body == b"ok\n"
    assert mitmd.curl().ok("http://MITM.it:80/readyz").body == b"ready\n"
    assert mitmd.curl().ok(f"http://{mitmd.proxy}/readyz").body == b"ready\n"


def test_over_http2(mitmd):
    result = mitmd.curl().ok("--http2-prior-knowledge", "--proxy", "", f"http://{mitmd.proxy}/readyz")
    assert (result.body, result.facts["http_version"]) == (b"ready\n", "2")


def test_not_by_connect(mitmd):
    for target in ("mitm.it:443", "mitm.it:80"):
        with mitmd.dial() as client:
            assert client.connect(target).status == 403


def test_never_on_another_host(mitmd, origin, secure_origin):
    """An origin's own /metrics is the origin's."""
    for o in (origin, secure_origin):
        o.route("/metrics", lambda x: x.answer(body=b"theirs"))
        assert mitmd.curl().ok(o.url("/metrics")).body == b"theirs"


def test_it_is_not_recorded(own_mitmd, origin, tag):
    mitmd = own_mitmd()
    for path in ("/healthz", "/readyz", "/metrics"):
        assert ask(mitmd, path).status == 200
    mitmd.curl().ok("http://mitm.it/metrics")
    mitmd.curl(tag).ok(origin.url())
    assert len(mitmd.har(tag)) == 1
    assert mitmd.stop() == 0
    assert [p.name for p in mitmd.spool.iterdir() if p.is_dir() and not p.name.startswith(".")] == [tag]
    assert not [line for line in mitmd.log if "metrics" in line]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
def test_not_for_strangers(own_mitmd, tmp_path):
    """From an address that is neither local nor allowed."""
    def ip(*args):
        return subprocess.run(["ip", *args], capture_output=True, text=True, timeout=PATIENCE, check=False)
    there = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    link = f"mt{os.getpid() % 100000}"
    try:
        there.stdout.readline()
        if ip("link", "add", link, "type", "veth", "peer", "name", "peer0",
              "netns", str(there.pid)).returncode != 0:
            pytest.skip("no virtual link can be made here")
        ip("addr", "add", "198.51.100.1/30", "dev", link)
        ip("link", "set", link, "up")
        inside = ["nsenter", "-n", "-t", str(there.pid)]
        subprocess.run([*inside, "ip", "addr", "add", "198.51.100.2/30", "dev", "peer0"], check=True)
        subprocess.run([*inside, "ip", "link", "set", "peer0", "up"], check=True)
        for allow, status in ((["203.0.113.0/24"], "403"), (["198.51.100.0/30"], "200")):
            mitmd = own_mitmd({"listen": "198.51.100.1:0", "access": {"allow": allow}})
            done = subprocess.run(
                [*inside, "curl", "-q", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*",
                 "--retry", "30", "--retry-connrefused", "--retry-delay", "1",
                 f"http://{mitmd.proxy}/metrics"], capture_output=True, text=True, timeout=PATIENCE, check=False)
            assert done.stdout == status
            mitmd.close()
    finally:
        ip("link", "del", link)
        there.kill()
        there.wait()
        there.stdin.close()
        there.stdout.close()


# -- ready -------------------------------------------------------------------------------------
def test_a_worker_of_before_is_not_ready(own_mitmd):
    mitmd = own_mitmd({"drain_idle": "1h"})
    with mitmd.dial() as old:
        assert old.ask("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
        at = len(mitmd.log)
        mitmd.tell(signal.SIGHUP)
        mitmd.wait_log(r"\breloaded: generation \d", at)
        response = old.ask("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (response.status, response.get("Connection")) == (503, "close")
        assert b"draining" in response.body
    assert ask(mitmd, "/readyz").status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees a worker's descriptors")
def test_a_stopping_worker_is_not_ready(own_mitmd, start_origin, tag):
    mitmd = own_mitmd({"workers": 1, "stop_timeout": "1h"})
    origin = start_origin(script=lambda wire: (wire.read_head(), wire.read(1)))
    (worker,) = mitmd.pids("worker")
    listener = listening(mitmd.port)
    assert listener in sockets(worker)
    with mitmd.dial() as client, mitmd.dial() as other:
        assert other.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
        other.send(b"GET /readyz HTTP/1.1\r\n")	# begun, so that it is not let go of
        client.send(f"GET {origin.url()} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode())
        origin.wait(lambda: origin.connections)
        mitmd.tell(signal.SIGTERM)
        wait_for(lambda: listener not in sockets(worker), "the worker to stop accepting")
        other.send(b"Host: x\r\n\r\n")
        response = other.read_response()
        assert (response.status, response.body) == (503, b"stopping\n")
    assert mitmd.gone() == 0


def listening(port):
    """The socket, as /proc names it."""
    for line in pathlib.Path("/proc/net/tcp").read_text().split("\n")[1:]:
        words = line.split()
        if words and words[1].endswith(f":{port:04X}") and words[3] == "0A":
            return f"socket:[{words[9]}]"
    raise AssertionError(f"nobody listens on {port}")


def sockets(pid):
    found = set()
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(fd))
    return found


def test_a_host_that_is_emptied_serves_and_is_not_ready(own_mitmd, origin):
    mitmd = own_mitmd()
    with mitmd.dial() as early:
        assert early.ask(f"GET {origin.url()} HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
        assert mitmd.ctl("drain").returncode == 0
        wait_for(lambda: all(ask(mitmd, "/readyz").status == 503 for _ in range(8)), "all to know")
        assert b"leaving" in ask(mitmd, "/readyz").body
        assert ask(mitmd, "/healthz").status == 200
        for client in (early, mitmd.dial()):
            response = client.ask(f"GET {origin.url()} HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (response.status, response.get("Connection")) == (200, "close")
            client.close()


# -- the numbers -------------------------------------------------------------------------------
class Watch:
    """How much each number has risen since."""

    def __init__(self, mitmd):
        self.mitmd = mitmd
        self.before = scrape(mitmd)[0]

    def rises(self, name, by=None, **labels):
        """Wait until it has; what a closing connection counts may come a moment later."""
        def grown():
            try:
                now = scrape(self.mitmd)[0].value(name, **labels)
            except (OSError, Closed):
                return False	# a limit that the test has set
            risen = now - self.before.value(name, **labels)
            return risen == by if by is not None else risen > 0
        wait_for(grown, f"{name} {labels} to rise by {by}")
        SEEN.add(name)

    def stays(self, name, **labels):
        assert scrape(self.mitmd)[0].value(name, **labels) == self.before.value(name, **labels), name


SEEN = set()
# No worker asks for what the signer refuses: tests/unit/signer/test_desk.c; the others are
# of disks that fail, recorders that die, much memory: tests/unit/recorder, test_71_block.py,
# test_82_memory.py.
ELSEWHERE = {"mitmd_certs_refused_total", "mitmd_requests_unrecorded_total",
             "mitmd_har_files_unfinished_total", "mitmd_har_files_recovered_total",
             "mitmd_har_entries_recovered_total", "mitmd_har_files_deleted_total",
             "mitmd_denied_calls_total", "mitmd_connections_ended_for_memory_total"}


@pytest.fixture
def watch(mitmd):
    return Watch(mitmd)


def test_connections_and_bytes(mitmd, watch, origin):
    now = scrape(mitmd)[0]
    assert now.value("mitmd_up_workers") == 2
    with mitmd.dial() as client:
        client.ask(f"GET {origin.url('/bytes/100000')} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")
        now = scrape(mitmd)[0]
        assert now.value("mitmd_connections_active", side="client") >= 2
        assert now.value("mitmd_connections_active", side="origin") == 1
    watch.rises("mitmd_connections_total", side="client", result="ok")
    watch.rises("mitmd_connections_total", 1, side="origin", result="ok")
    watch.rises("mitmd_bytes_total", side="client", direction="in")
    watch.rises("mitmd_bytes_total", side="client", direction="out")
    watch.rises("mitmd_bytes_total", side="origin", direction="in")
    watch.rises("mitmd_bytes_total", side="origin", direction="out")
    SEEN.update({"mitmd_up_workers", "mitmd_connections_active"})
    wait_for(lambda: scrape(mitmd)[0].value("mitmd_connections_active", side="origin") == 0,
             "the connection to the origin to end")


def test_dials_that_fail(mitmd, watch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert mitmd.curl().run(f"http://127.0.0.1:{port}/").status == 502
    assert mitmd.curl().run(f"http://{mitmd.proxy}/nothing").status == 403
    assert mitmd.curl().run("http://nowhere.invalid/").status in (502, 504)
    watch.rises("mitmd_connections_total", 1, side="origin", result="refused")
    watch.rises("mitmd_connections_total", 1, side="origin", result="denied")
    watch.rises("mitmd_connections_total", 1, side="origin", result="dns")


def test_requests(mitmd, watch, origin, start_h2):
    mitmd.curl().ok(origin.url("/hello"))
    mitmd.curl().ok("-d", "x", origin.url("/echo"))
    mitmd.curl().ok("-X", "BREW", origin.url("/status/404"))
    mitmd.curl().ok(start_h2().url("/"))
    mitmd.curl().run("http://127.0.0.1:1/")
    name = "mitmd_requests_total"
    watch.rises(name, 1, proto="http/1.1", method="GET", code_class="2xx")
    watch.rises(name, 1, proto="http/1.1", method="POST", code_class="2xx")
    watch.rises(name, 1, proto="http/1.1", method="other", code_class="4xx")
    watch.rises(name, 1, proto="h2", method="GET")
    watch.rises(name, 1, method="GET", code_class="none")
    watch.rises("mitmd_request_duration_seconds_count", 4)
    watch.rises("mitmd_request_duration_seconds_sum")
    watch.rises("mitmd_upstream_ttfb_seconds_count", 4)
    watch.rises("mitmd_upstream_connect_seconds_count", 4)
    SEEN.update({"mitmd_request_duration_seconds", "mitmd_upstream_ttfb_seconds",
                 "mitmd_upstream_connect_seconds"})


def test_names_that_are_looked_up(mitmd, watch, origin):
    mitmd.curl().ok(f"http://localhost:{origin.port}/hello")
    watch.rises("mitmd_upstream_dns_seconds_count", 1)
    SEEN.add("mitmd_upstream_dns_seconds")


def test_connects(own_mitmd, secure_origin, start_origin):
    raw = start_origin(script=lambda wire: wire.send(b"220 hello\r\n"))
    mitmd = own_mitmd({"ignore_hosts": [f"*:{raw.port}"]})
    watch = Watch(mitmd)
    mitmd.curl().ok(secure_origin.url())
    with mitmd.tunnel(f"127.0.0.1:{raw.port}") as client:
        client.read(5)
    with mitmd.dial() as client:
        assert client.connect("mitm.it:443").status == 403
    with mitmd.dial() as client:
        assert client.connect("127.0.0.1:1").status == 502
    mitmd.tunnel(secure_origin.authority).close()
    for mode in ("intercept", "passthrough", "blocked", "failed", "unused"):
        watch.rises("mitmd_connects_total", 1, mode=mode)
    watch.stays("mitmd_requests_total", method="CONNECT")


def test_handshakes_and_certificates(own_mitmd, secure_origin, start_origin, certs):
    mitmd = own_mitmd()
    watch = Watch(mitmd)
    for _ in range(2):
        mitmd.curl().ok(secure_origin.url())
    context = mitmd.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with mitmd.secure(secure_origin.authority, context=context) as client:
        session = client.sock.session
        client.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
    with mitmd.secure(secure_origin.authority, context=context, session=session) as client:
        client.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
    name = "mitmd_tls_handshakes_total"
    watch.rises(name, 2, side="client", result="full", version="1.3")
    watch.rises(name, 1, side="client", result="full", version="1.2")
    watch.rises(name, 1, side="client", result="resumed", version="1.2")
    watch.rises(name, side="origin", result="full", version="1.3")
    watch.rises("mitmd_tls_handshake_seconds_count", 4)
    watch.rises("mitmd_upstream_tls_seconds_count", 4)
    SEEN.update({"mitmd_tls_handshake_seconds", "mitmd_upstream_tls_seconds"})
    watch.rises("mitmd_certs_minted_total", 1)
    watch.rises("mitmd_cert_cache_misses_total", 1)
    watch.rises("mitmd_cert_cache_hits_total", 3)
    broken = start_origin(script=lambda wire: wire.read(1))
    mitmd.curl().run(f"https://localhost:{broken.port}/")
    watch.rises(name, 1, side="origin", result="failed", version="none")


def test_rejected_and_bypassed(own_mitmd, secure_origin, roots, tag):
    mitmd = own_mitmd()
    watch = Watch(mitmd)
    with pytest.raises(ssl.SSLError), mitmd.tunnel(secure_origin.authority, tag) as client:
        client.start_tls(ssl.create_default_context(cafile=str(roots)), "localhost")
    watch.rises("mitmd_tls_client_rejects_total", 1, reason="unknown_ca", cause="no_ca")
    watch.rises("mitmd_tls_handshakes_total", 1, side="client", result="failed")
    assert mitmd.ctl("bypass", "add", "localhost").returncode == 0
    context = ssl.create_default_context(cafile=str(roots))
    with mitmd.tunnel(secure_origin.authority, tag).start_tls(context, "localhost"):
        pass
    watch.rises("mitmd_tls_bypassed_total", 1)


def test_bodies_cut_short(own_mitmd, origin):
    mitmd = own_mitmd({"capture": {"max_body": "1K"}})
    watch = Watch(mitmd)
    mitmd.curl().ok(origin.url("/hello"))
    mitmd.curl().ok(origin.url("/bytes/5000"))
    watch.rises("mitmd_har_truncated_bodies_total", 1)


def test_entries_lost(own_mitmd, origin, tag):
    """A recorder that stands still, and more than its ring holds."""
    mitmd = own_mitmd({"workers": 1})
    watch = Watch(mitmd)
    (recorder,) = mitmd.pids("recorder")
    os.kill(recorder, signal.SIGSTOP)
    try:
        for _ in range(200):
            mitmd.curl(tag).ok(origin.url("/bytes/800000"))
            if scrape(mitmd)[0].value("mitmd_har_dropped_total", reason="ring_full") > 0:
                break
        watch.rises("mitmd_har_dropped_total", reason="ring_full")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(recorder, signal.SIGCONT)


def test_the_recorders(own_mitmd, origin, tag):
    mitmd = own_mitmd()
    watch = Watch(mitmd)
    mitmd.curl(tag).ok(origin.url())
    wait_for(lambda: scrape(mitmd)[0].value("mitmd_spool_growing_files") == 1, "a file that grows")
    wait_for(lambda: scrape(mitmd)[0].value("mitmd_spool_growing_bytes") > 100, "its size")
    watch.rises("mitmd_har_entries_total", 1)
    watch.rises("mitmd_har_bytes_total")
    mitmd.har(tag)
    watch.rises("mitmd_har_files_finished_total", 1)
    wait_for(lambda: scrape(mitmd)[0].value("mitmd_spool_files") == 1, "a finished file")
    now = scrape(mitmd)[0]
    assert now.value("mitmd_spool_writable") == 1
    assert now.value("mitmd_spool_bytes") > 100
    assert now.value("mitmd_spool_free_bytes") > 100
    SEEN.update(f"mitmd_spool_{n}" for n in ("growing_files", "growing_bytes", "files", "bytes",
                                             "writable", "free_bytes"))


def test_limits_are_counted(own_mitmd, origin):
    mitmd = own_mitmd({"workers": 1, "limits": {"connections_per_client": 2}})
    watch = Watch(mitmd)
    with mitmd.dial() as one:
        one.ask(f"GET {origin.url()} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")
        with mitmd.dial() as two:
            two.ask(f"GET {origin.url()} HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n")
            with mitmd.dial() as three, contextlib.suppress(OSError):
                assert three.at_end()
    watch.rises("mitmd_connections_total", side="client", result="limit")


def test_timeouts_are_counted(own_mitmd):
    mitmd = own_mitmd({"timeouts": {"header": "50ms"}})
    watch = Watch(mitmd)
    with mitmd.dial() as client:
        client.send(b"GET http://localhost/ HT")
        assert client.read_response().status == 408
    watch.rises("mitmd_timeouts_total", 1, side="client", kind="header")


def test_reloads_and_restarts(own_mitmd):
    mitmd = own_mitmd()
    watch = Watch(mitmd)
    assert watch.before.value("mitmd_config_last_reload_success_timestamp_seconds") > 1e9
    assert watch.before.value("process_start_time_seconds") > 1e9
    at = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log(r"\breloaded: generation \d", at)
    watch.rises("mitmd_config_reloads_total", 1, result="success")
    mitmd.file.write_text("nonsense: 1\n")
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log("reload failed", at)
    watch.rises("mitmd_config_reloads_total", 1, result="failure")
    mitmd.write(mitmd.config)
    for role in ("worker", "signer", "recorder"):
        pid = mitmd.pids(role)[-1]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: not alive(pid), "its end")
        watch.rises("mitmd_process_restarts_total", 1, role=role)
    SEEN.update({"mitmd_config_last_reload_success_timestamp_seconds", "process_start_time_seconds"})


def test_counters_outlive_their_processes(own_mitmd, origin):
    mitmd = own_mitmd({"workers": 1})
    for _ in range(3):
        mitmd.curl().ok(origin.url())
    (worker,) = mitmd.pids("worker")
    wait_for(lambda: scrape(mitmd)[0].value("mitmd_requests_total") == 3, "three requests")
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: mitmd.pids("worker") not in ([], [worker]), "a new worker")
    mitmd.curl().ok(origin.url())
    now = scrape(mitmd)[0]
    assert now.value("mitmd_requests_total") == 4
    assert now.value("mitmd_connections_active", side="client") <= 2
    assert now.value("mitmd_up_workers") == 1


def test_what_the_processes_use(mitmd, watch):
    for role in ("master", "signer", "recorder", "worker"):
        watch.rises("process_cpu_seconds_total", role=role)
        for name in ("process_resident_memory_bytes", "process_virtual_memory_bytes"):
            assert scrape(mitmd)[0].value(name, role=role) > 1 << 20
        private = scrape(mitmd)[0].value("mitmd_process_private_memory_bytes", role=role)
        assert 100_000 < private < scrape(mitmd)[0].value("process_resident_memory_bytes", role=role)
    real = len(list(pathlib.Path(f"/proc/{mitmd.process.pid}/fd").iterdir()))
    assert scrape(mitmd)[0].value("process_open_fds", role="master") in (0, real)
    assert scrape(mitmd)[0].value("process_max_fds") >= 1024
    watch.rises("mitmd_event_loop_lag_seconds_count")
    SEEN.update({"process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds",
                 "process_max_fds", "mitmd_process_private_memory_bytes",
                 "mitmd_event_loop_lag_seconds", "mitmd_build_info"})


def test_each_number_was_seen_to_move(request):
    """Of a run of this whole file: a new row of the table needs a test above."""
    ran = {item.name for item in request.session.items if item.fspath == request.node.fspath}
    if "test_requests" not in ran or "test_reloads_and_restarts" not in ran:
        pytest.skip("only with the others of this file")
    names = {re.sub(r"_(count|sum|bucket)$", "", n) for n in SEEN}
    assert sorted(shown() - names - ELSEWHERE) == []
