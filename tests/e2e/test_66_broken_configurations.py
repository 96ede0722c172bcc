# SPDX-License-Identifier: ISC
"""Edits that are wrong, each in its own way: what was, serves on, and the log says where."""
import json
import os
import re
import signal
import socket

import pytest

from env.mitmd import wait_for


@pytest.fixture(scope="module")
def service(start_mitmd):
    return start_mitmd({"workers": 1, "log": {"flows": "off"}})


@pytest.fixture(scope="module")
def place(tmp_path_factory, certs):
    """Files that an administrator could name by mistake."""
    d = tmp_path_factory.mktemp("broken")
    (d / "empty").write_text("")
    (d / "text").write_text("nothing of use\n")
    (d / "binary").write_bytes(bytes(range(256)) * 64)
    (d / "directory").mkdir()
    os.symlink(d / "nowhere", d / "dangling")
    good, other = certs.leaf("good"), certs.leaf("another")
    chain, key = open(good.chain).read(), open(good.key).read()
    (d / "certificate").write_text(chain)
    (d / "key").write_text(key)
    (d / "mismatch").write_text(chain + open(other.key).read())
    (d / "torn").write_text((key + chain)[:-200])
    ca = d / "ca"
    ca.mkdir()
    (ca / "mitmd-ca.pem").write_text("nothing of use\n")
    (ca / "mitmd-ca.pem").chmod(0o600)
    open_ca = d / "open-ca"
    open_ca.mkdir()
    (open_ca / "mitmd-ca.pem").write_text(key + chain)
    (open_ca / "mitmd-ca.pem").chmod(0o644)
    leaf_ca = d / "leaf-ca"
    leaf_ca.mkdir()
    (leaf_ca / "mitmd-ca.pem").write_text(key + chain)
    (leaf_ca / "mitmd-ca.pem").chmod(0o600)
    return d


@pytest.fixture(scope="module")
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def bomb(levels=12):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines) + "\n"


# Whole files.
TEXTS = {
    "an open list": "listen: [\n",
    "an open quote": 'control: "abc\n',
    "a tab": "spool:\n\tdir: x\n",
    "two colons": "listen: a: b\n",
    "a list": "- listen\n",
    "a word": "listen\n",
    "not text": b"listen: \xff\xfe\n",
    "NUL": b"listen: 127.0.0.1:0\0\n",
    "an alias bomb": bomb(),
    "an anchor without end": "spool: &a {dir: *a}\n",
    "deep": "[" * 2000 + "]" * 2000 + "\n",
    "a key twice": "workers: 1\nworkers: 2\n",
    "two documents": "workers: 1\n---\nworkers: 2\n",
    "a tag": "workers: !!python/object:os.system 1\n",
    "an unknown key": "worker: 1\n",
    "an unknown key below": "spool: {directory: /x}\n",
    "a key that is a list": "[workers]: 1\n",
}
# Options on top of what serves.
OPTIONS = {
    "workers: text": {"workers": "many"},
    "workers: none": {"workers": 0},
    "workers: too many": {"workers": 1000},
    "workers: a list": {"workers": [1]},
    "listen: no port": {"listen": "127.0.0.1"},
    "listen: a large port": {"listen": "127.0.0.1:65536"},
    "listen: a name": {"listen": "localhost:0"},
    "listen: nothing": {"listen": []},
    "listen: everywhere": {"listen": "0.0.0.0:0"},
    "listen: taken": {"listen": "127.0.0.1:{taken}"},
    "listen: one is taken": {"listen": ["127.0.0.1:0", "127.0.0.1:{taken}"]},
    "listen: not ours": {"listen": "127.0.0.1:0", "access": {"allow": ["300.0.0.0/8"]}},
    "a bad CIDR": {"access": {"allow": ["10.0.0.0/33"]}},
    "a bad size": {"spool": {"rotate_size": "64Q"}},
    "a bad time": {"drain_timeout": "1 fortnight"},
    "a negative time": {"drain_idle": "-1s"},
    "a bad pattern": {"ignore_hosts": ["~("]},
    "a bad verify": {"origin": {"verify": "sometimes"}},
    "a bad TLS version": {"tls": {"client_min": "1.1"}},
    "a bad log level": {"log": {"level": "loud"}},
    "spool: a file": {"spool": {"dir": "{place}/text"}},
    "spool: below a file": {"spool": {"dir": "{place}/text/spool"}},
    "spool: no parent": {"spool": {"dir": "{place}/none/none/spool"}},
    "spool: a dangling link": {"spool": {"dir": "{place}/dangling"}},
    "spool: not to be written": {"spool": {"dir": "/proc/spool"}},
    "control: no directory": {"control": "/proc/none/control.sock"},
    "control: a file": {"control": "{place}/text"},
    "control: too long": {"control": "{place}/" + "x" * 120},
    "ca: a file": {"ca": {"dir": "{place}/text"}},
    "ca: no parent": {"ca": {"dir": "{place}/none/none"}},
    "ca: rubbish": {"ca": {"dir": "{place}/ca"}},
    "ca: readable by all": {"ca": {"dir": "{place}/open-ca"}},
    "ca: a leaf": {"ca": {"dir": "{place}/leaf-ca"}},
    "certs: missing": {"certs": {"x.test": "{place}/none"}},
    "certs: empty": {"certs": {"x.test": "{place}/empty"}},
    "certs: no key": {"certs": {"x.test": "{place}/certificate"}},
    "certs: another's key": {"certs": {"x.test": "{place}/mismatch"}},
    "certs: torn": {"certs": {"x.test": "{place}/torn"}},
    "certs: a directory": {"certs": {"x.test": "{place}/directory"}},
    "client_certs: missing": {"client_certs": "{place}/none"},
    "client_ca: rubbish": {"client_ca": "{place}/binary", "request_client_cert": True},
    "origin.ca: missing": {"origin": {"ca": ["{place}/none"]}},
    "origin.ca: a key": {"origin": {"ca": ["{place}/key"]}},
    "a missing user": {"user": "nobody-of-that-name"},
}
if os.geteuid() != 0:
    del OPTIONS["a missing user"]		# it becomes nobody else then


def merged(config, more):
    out = dict(config)
    for key, value in more.items():
        out[key] = merged(out.get(key, {}), value) if isinstance(value, dict) else value
    return out


def check(mitmd, origin):
    """The reload fails, with a place in the file, and nothing has changed."""
    workers, ca = mitmd.pids("worker"), mitmd.ca.read_bytes()
    listening = [line for line in mitmd.log if "listening on" in line]
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    said = mitmd.wait_log(r"reload failed, the configuration before stays: (.*)|\breloaded: generation \d", start)
    assert said[1], "it was taken"
    assert re.match(re.escape(str(mitmd.file)) + r":\d+:\d+: \S", said[1]), said[1]
    wait_for(lambda: mitmd.pids("worker") == workers and len(mitmd.pids("signer")) == 1,
             "the end of what was begun")
    assert mitmd.curl().ok(origin.url()).status == 200
    assert mitmd.ca.read_bytes() == ca
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(mitmd.config["control"])
        control.sendall(b"status\n")
        assert control.recv(1000).startswith(b"ok\n")
    assert not [line for line in mitmd.log[start:] if "warning" in line and "signer" in line]
    return listening


@pytest.mark.parametrize("what", TEXTS)
def test_a_text(service, secure_origin, what):
    text = TEXTS[what]
    service.file.write_bytes(text if isinstance(text, bytes) else text.encode())
    check(service, secure_origin)


@pytest.mark.parametrize("what", OPTIONS)
def test_an_option(service, secure_origin, place, taken, what):
    filled = json.dumps(OPTIONS[what]).replace("{place}", str(place)).replace("{taken}", str(taken))
    service.write(merged(service.config, json.loads(filled)))
    check(service, secure_origin)


def test_there_are_fifty():
    assert len(TEXTS) + len(OPTIONS) >= 50


def test_a_file_that_is_gone(service, secure_origin):
    service.file.unlink()
    start = len(service.log)
    service.tell(signal.SIGHUP)
    said = service.wait_log(r"reload failed, the configuration before stays: (.*)", start)
    assert str(service.file) in said[1]
    assert service.curl().ok(secure_origin.url()).status == 200


def test_after_all_of_them_a_good_one_is_taken(service, secure_origin):
    service.write(service.config)
    start = len(service.log)
    service.tell(signal.SIGHUP)
    service.wait_log(r"\breloaded: generation \d", start)
    assert service.curl().ok(secure_origin.url()).status == 200


def test_a_new_ca_is_published_when_it_serves_and_not_before(own_mitmd, start_mitmd, secure_origin,
                                                             taken):
    """A reload that fails must not hand out the certificate of a CA that signs nothing."""
    mitmd, other = own_mitmd(), start_mitmd({"workers": 1})
    before = mitmd.ca.read_bytes()
    key = mitmd.ca_dir / "mitmd-ca.pem"
    key.write_bytes((other.ca_dir / "mitmd-ca.pem").read_bytes())
    mitmd.write(merged(mitmd.config, {"listen": ["127.0.0.1:0", f"127.0.0.1:{taken}"]}))
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log("reload failed", start)
    mitmd.write(merged(mitmd.config, {"spool": {"dir": "/proc/spool"}}))
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log("reload failed", start)
    assert mitmd.ca.read_bytes() == before
    assert mitmd.curl().ok(secure_origin.url()).status == 200
    mitmd.write(mitmd.config)
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log(r"\breloaded: generation \d", start)
    assert mitmd.ca.read_bytes() == other.ca.read_bytes()
    assert mitmd.curl().ok(secure_origin.url()).status == 200


def everything(directory):
    return sorted(str(p.relative_to(directory)) for p in directory.rglob("*"))


@pytest.mark.parametrize("there", ["nothing", "a directory", "a directory with a file", "a CA"])
@pytest.mark.parametrize("trouble", [{"spool": {"dir": "/proc/spool"}},
                                     {"origin": {"ca": ["{place}/key"]}}],
                         ids=["at the end", "behind the signer"])
def test_a_reload_that_fails_leaves_no_ca(own_mitmd, start_mitmd, secure_origin, place, tmp_path,
                                          there, trouble):
    mitmd = own_mitmd()
    new = tmp_path / "new"
    if there != "nothing":
        new.mkdir()
    if there == "a directory with a file":
        (new / "file").write_text("the operator's own")
    if there == "a CA":
        other = start_mitmd({"workers": 1})
        (new / "mitmd-ca.pem").write_bytes((other.ca_dir / "mitmd-ca.pem").read_bytes())
        (new / "mitmd-ca.pem").chmod(0o600)
    before = everything(tmp_path)
    wanted = merged(mitmd.config, {"ca": {"dir": str(new)}})
    mitmd.write(json.dumps(merged(wanted, trouble)).replace("{place}", str(place)))
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log("reload failed", start)
    assert everything(tmp_path) == before
    mitmd.write(wanted)
    start = len(mitmd.log)
    mitmd.tell(signal.SIGHUP)
    mitmd.wait_log(r"\breloaded: generation \d", start)
    mitmd.ca_dir = new
    assert mitmd.curl().ok(secure_origin.url()).status == 200
    assert mitmd.ctl("reload", "--wait").returncode == 0
    assert (new / "mitmd-ca.pem").exists()


def test_a_signer_that_finds_no_ca_leaves_none(own_mitmd):
    """It is the one that this generation has begun with, or a reload's matter."""
    mitmd = own_mitmd()
    for file in mitmd.ca_dir.iterdir():
        file.unlink()
    os.kill(mitmd.pids("signer")[0], signal.SIGKILL)
    mitmd.wait_log("is not the one this generation has begun with: reload")
    assert not everything(mitmd.ca_dir)
