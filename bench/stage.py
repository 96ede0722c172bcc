# SPDX-License-Identifier: ISC
"""What a benchmark needs around it: the origin, the proxies, the load, the clock.

Everything runs on loopback below one temporary directory.  Only what was
started here is ever signalled.
"""

import glob
import gzip
import hashlib
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SETTLE = 0.2        # the recorder writes within 100 ms of the last entry

# What a browser sends, in short.
FIELDS = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br",
]
SECRETS = ["Authorization: Bearer dGhpcyBpcyBub3QgYSByZWFsIHRva2Vu",
           "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark"]


def die(text):
    sys.exit(f"bench/run: {text}")


# ---- processes: what they are, what they cost --------------------------------

def tree(pid):
    """The process and all below it."""
    found = [pid]
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path) as f:
                for child in f.read().split():
                    found += tree(int(child))
        except OSError:
            pass
    return found


def cpu(pid):
    """Nanoseconds by thread.  Threads that ended are not in it."""
    spent = {}
    for p in tree(pid):
        for path in glob.glob(f"/proc/{p}/task/*/schedstat"):
            try:
                with open(path) as f:
                    spent[path] = int(f.read().split()[0])
            except OSError:
                pass
    return spent


def cpu_since(pid, before):
    return sum(ns - before.get(path, 0) for path, ns in cpu(pid).items()) / 1000


def pss_kib(pid):
    total = 0
    for p in tree(pid):
        with open(f"/proc/{p}/smaps_rollup") as f:
            for line in f:
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total


class Children:
    """Everything this run has started; nothing else is ever signalled."""

    def __init__(self):
        self.running = []

    def start(self, argv, **kw):
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **kw)
        self.running.append(p)
        return p

    def stop(self, p, patience=15):
        if p not in self.running:
            return
        self.running.remove(p)
        if p.poll() is not None:
            return
        below = tree(p.pid)
        p.terminate()
        try:
            p.wait(patience)
        except subprocess.TimeoutExpired:
            # Only those that still hang below our own child.
            for pid in [q for q in tree(p.pid) if q in below]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            p.wait()

    def stop_all(self):
        for p in reversed(list(self.running)):
            self.stop(p)


# ---- the stage: certificates, files, origin ----------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_port(port, p, log):
    for _ in range(200):
        if p.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    text = ""
    if os.path.exists(log):
        with open(log, errors="replace") as f:
            text = f.read()[-2000:]
    die(f"port {port} does not answer:\n{text}")


class Stage:
    def __init__(self, opt, children):
        self.opt = opt
        self.children = children
        self.dir = tempfile.mkdtemp(prefix="mitmd-bench-", dir=opt.dir)
        os.chmod(self.dir, 0o755)
        self.count = 0

    def build(self):
        self.make_certs()
        self.make_files()
        self.start_origin()

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def openssl(self, *args):
        r = subprocess.run(["openssl", *args], cwd=self.dir, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if r.returncode != 0:
            die(f"openssl {args[0]}: {r.stdout}")

    def make_certs(self):
        p256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self.openssl("req", "-x509", *p256, "-keyout", "root.key", "-out", "root.pem",
                     "-days", "30", "-subj", "/CN=bench root",
                     "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.openssl("req", *p256, "-keyout", "origin.key", "-out", "origin.csr",
                     "-subj", "/CN=bench.test")
        with open(self.path("ext"), "w") as f:
            f.write("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                    "extendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\n"
                    "authorityKeyIdentifier=keyid\n"
                    "subjectAltName=DNS:*.bench.test,DNS:*.tunnel.test,DNS:localhost,"
                    "IP:127.0.0.1\n")
        self.openssl("x509", "-req", "-in", "origin.csr", "-CA", "root.pem", "-CAkey",
                     "root.key", "-CAcreateserial", "-days", "20", "-extfile", "ext",
                     "-out", "origin.pem")

    def make_files(self):
        os.mkdir(self.path("www"))
        self.bodies = {name: os.urandom(size) for name, size in
                       (("1k", 1 << 10), ("16k", 16 << 10), ("1m", 1 << 20))}
        rows = [{"id": i, "name": f"item {i * 7919 % 1000}", "token": os.urandom(12).hex(),
                 "note": "words that repeat, as they do in what applications send"}
                for i in range(200)]
        # Cut to 16 KiB, but still whole JSON.
        while len(text := json.dumps({"user": "ben", "password": "hunter2",
                                      "items": rows})) > 16 << 10:
            rows.pop()
        self.bodies["json"] = gzip.compress(text.encode(), 6, mtime=0)
        for name, body in self.bodies.items():
            with open(self.path("www", name + (".gz" if name == "json" else "")), "wb") as f:
                f.write(body)

    def nginx(self, name, http, log="access_log off;"):
        """One nginx with one worker; its process and its error log."""
        base = self.path(name)
        os.mkdir(base)
        user = "user root;" if os.geteuid() == 0 else ""
        with open(os.path.join(base, "conf"), "w") as f:
            f.write(f"""daemon off; worker_processes 1; pid {base}/pid; {user}
error_log {base}/log warn; worker_rlimit_nofile {self.opt.files};
events {{ worker_connections 16384; }}
http {{
	keepalive_requests 1000000000; keepalive_timeout 1h;
	client_body_temp_path {base}/t1; proxy_temp_path {base}/t2;
	fastcgi_temp_path {base}/t3; uwsgi_temp_path {base}/t4; scgi_temp_path {base}/t5;
	ssl_certificate {self.dir}/origin.pem; ssl_certificate_key {self.dir}/origin.key;
	ssl_protocols TLSv1.3; proxy_ssl_protocols TLSv1.3;
{http}
	{log}
}}
""")
        errors = os.path.join(base, "log")
        with open(os.path.join(base, "out"), "w") as out:
            return self.children.start([self.opt.nginx, "-p", base, "-c",
                                        os.path.join(base, "conf"), "-e", errors],
                                       stdout=out, stderr=out), errors

    def start_origin(self):
        """Two ports: one that gives tickets, one that can resume nothing.

        The log has a line per connection: "r" if its session was resumed.
        """
        self.port, self.port_full = free_port(), free_port()
        where = f"root {self.dir}/www; default_type application/octet-stream; " \
                "location = /json { default_type application/json; gzip_static always; }"
        self.origin, log = self.nginx("origin", f"""
	open_file_cache max=100;
	map $connection_requests $first {{ 1 1; default 0; }}
	log_format reused $ssl_session_reused;
	server {{ listen 127.0.0.1:{self.port} ssl http2 backlog=4096; {where} }}
	server {{ listen 127.0.0.1:{self.port_full} ssl backlog=4096; {where}
		ssl_session_tickets off; ssl_session_cache off; }}""",
                                      f"access_log {self.dir}/origin/reused reused if=$first;")
        for port in (self.port, self.port_full):
            await_port(port, self.origin, log)

    def reused(self):
        with open(self.path("origin", "reused")) as f:
            text = f.read()
        return text.count("r"), text.count(".")

    def user(self):
        """Whom to run mitmd as: never as root."""
        return self.opt.user if os.geteuid() == 0 else None


# ---- who is measured ---------------------------------------------------------

class Nginx:
    """A reverse proxy: the same two legs, without CONNECT, minting and recording."""

    recorded = None
    KINDS = {
        "pooled": ("", "proxy_set_header Connection \"\";"),
        "full": ("full", "proxy_set_header Connection close; proxy_ssl_session_reuse off;"),
        "resumed": ("", "proxy_set_header Connection close; proxy_ssl_session_reuse on;"),
    }

    def __init__(self, stage, kind):
        self.stage, self.name = stage, f"nginx {kind}"
        origin, how = self.KINDS[kind]
        to = stage.port_full if origin == "full" else stage.port
        self.port = free_port()
        stage.count += 1
        self.process, log = stage.nginx(f"nginx-{kind}-{stage.count}", f"""
	upstream origin {{ server 127.0.0.1:{to}; keepalive 1024;
		keepalive_requests 1000000000; keepalive_timeout 1h; }}
	server {{ listen 127.0.0.1:{self.port} ssl http2 backlog=4096;
		location / {{ proxy_pass https://origin; proxy_http_version 1.1;
			proxy_set_header Host $host; {how} }} }}""")
        await_port(self.port, self.process, log)
        self.pid = self.process.pid

    def args(self, full, domain):
        return ["--direct", f"127.0.0.1:{self.port}"]

    def roots(self):
        return self.stage.path("root.pem")

    def stop(self):
        self.stage.children.stop(self.process)


class Peer:
    """A forward proxy that runs already: measured, never touched."""

    recorded = None

    def __init__(self, stage, spec):
        try:
            self.name, rest = spec.split("=", 1)
            self.address, pid = rest.rsplit(",", 1)
            self.pid = int(pid)
        except ValueError:
            die(f"--peer {spec}: not NAME=HOST:PORT,PID")
        self.stage = stage

    def args(self, full, domain):
        port = self.stage.port_full if full else self.stage.port
        return ["--proxy", self.address, "--origin", f"127.0.0.1:{port}"]

    def roots(self):
        return None

    def stop(self):
        pass


class Mitmd(Peer):
    def __init__(self, stage, extra="", workers=1):
        self.stage, self.tag = stage, 0
        self.name = "mitmd" if workers == 1 else f"mitmd x{workers}"
        stage.count += 1
        base = self.base = stage.path(f"mitmd-{stage.count}")
        owner = pwd.getpwnam(stage.user()) if stage.user() else None
        for d in (base, f"{base}/ca", f"{base}/spool"):
            os.mkdir(d)
            if owner:
                os.chown(d, owner.pw_uid, owner.pw_gid)
        with open(f"{base}/mitmd.yaml", "w") as f:
            f.write(f"""listen: 127.0.0.1:0
workers: {workers}
control: off
stop_timeout: 5s
ca: {{dir: {base}/ca}}
spool: {{dir: {base}/spool}}
origin: {{ca: [{stage.dir}/root.pem]}}
ignore_hosts: ["*.tunnel.test"]
limits: {{connections: 16384, connections_per_client: 16384}}
{stage.opt.conf or ""}
{extra}
""")
        self.log = f"{base}/log"
        with open(self.log, "w") as log:
            self.process = stage.children.start(
                [stage.opt.mitmd, "-c", f"{base}/mitmd.yaml"], stdout=log, stderr=log,
                user=stage.user(), group=owner and owner.pw_gid,
                extra_groups=[] if owner else None)
        self.pid = self.process.pid
        self.address = self.await_ready()

    def await_ready(self):
        address = None
        for _ in range(300):
            with open(self.log, errors="replace") as f:
                text = f.read()
            for line in text.splitlines():
                if "listening on " in line:
                    address = line.split("listening on ", 1)[1].split()[0].strip('",;')
                if address and "ready" in line:
                    return address
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"mitmd does not get ready:\n{text[-2000:]}")

    def args(self, full, domain):
        """Each load has its own tag, so that what it left can be counted."""
        self.tag += 1
        return super().args(full, domain) + ["--tag", f"bench{self.tag}"]

    def recorded(self):
        """Entries of the last load, and their bytes."""
        entries = size = 0
        for path in glob.glob(f"{self.base}/spool/bench{self.tag}/*.har*"):
            try:
                with open(path, "rb") as f:
                    while chunk := f.readlines(1 << 24):
                        entries += sum(b'"startedDateTime"' in x for x in chunk)
                        size += sum(map(len, chunk))
            except FileNotFoundError:
                pass    # the recorder renames and deletes
        return entries, size

    def roots(self):
        return f"{self.base}/ca/mitmd-ca-cert.pem"

    def stop(self):
        self.stage.children.stop(self.process)


# ---- one measurement ---------------------------------------------------------

class Failed(Exception):
    pass


class Load:
    """bench/load with --sync or --idle: it reports, then holds its connections."""

    def __init__(self, stage, who, path, args, full=False, domain="bench.test",
                 fields=FIELDS):
        body = stage.bodies[path]
        argv = [stage.opt.load, "--json", "--path", f"/{path}", "--size", str(len(body)),
                "--expect-sha256", hashlib.sha256(body).hexdigest(), "--domain", domain,
                *who.args(full, domain), *args]
        for f in fields:
            argv += ["--field", f]
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        self.watchdog = threading.Timer(stage.opt.seconds + 120, self.p.kill)
        self.watchdog.start()

    def line(self):
        text = self.p.stdout.readline()
        if not text:
            self.close()
            raise Failed(f"the load generator ended: {self.error.strip()}")
        return text

    def ready(self):
        text = self.line()
        if text != "ready\n":
            self.close()
            raise Failed(f"{self.error.strip()}: {text.strip()}")

    def go(self):
        self.p.stdin.write("\n")
        self.p.stdin.flush()

    def report(self):
        report = json.loads(self.line())
        bad = {k: v for k, v in report["errors"].items() if v}
        if bad or not report["requests"]:
            self.close()
            raise Failed(f"errors: {bad}")
        return report

    def close(self):
        try:
            self.p.stdin.close()
        except BrokenPipeError:
            pass
        self.error = self.p.stderr.read()
        self.p.wait()
        self.watchdog.cancel()
        self.p.stdout.close()
        self.p.stderr.close()


def measure(stage, who, path, args, limit, **kw):
    """The load's report, with "us": processor time of the proxy per request."""
    load = Load(stage, who, path, ["--sync", *args, *limit], **kw)
    try:
        load.ready()
        time.sleep(SETTLE)
        before, reused = cpu(who.pid), stage.reused()
        load.go()
        report = load.report()
        time.sleep(SETTLE)
        report["us"] = cpu_since(who.pid, before) / report["requests"]
        resumed, full = (b - a for a, b in zip(reused, stage.reused()))
        report["origin_resumed"] = resumed / (resumed + full) if resumed + full else None
        report["recorded"] = who.recorded() if who.recorded else None
        return report
    finally:
        load.close()


def hold(stage, who, count, **kw):
    load = Load(stage, who, "1k", ["--idle", str(count), "-c", "32"], **kw)
    try:
        return load, load.report()
    except Failed:
        load.close()
        raise


def check(stage, who):
    """Does it serve at all, and with a certificate that its clients trust?"""
    for path in stage.bodies:
        args = ["--ca", who.roots()] if who.roots() else []
        measure(stage, who, path, args, ["-n", "1"])
    if isinstance(who, Mitmd):
        # A tunnel shows the origin's own certificate.
        measure(stage, who, "1k", ["--ca", stage.path("root.pem")], ["-n", "1"],
                domain="tunnel.test")
