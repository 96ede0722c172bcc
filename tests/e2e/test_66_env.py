# SPDX-License-Identifier: ISC
"""mitmctl env and exec: programs that use the proxy and trust it, by their environment alone."""
import json
import shlex
import shutil
import subprocess
import sys

import pytest

from env.mitmd import PATIENCE, binary, clean_environment

CTL = binary().with_name("mitmctl")
EVERYWHERE = "--no-proxy", ""		# loopback too: here all origins are on it


def exec_in(mitmd, tag, *command):
    return subprocess.run([CTL, "-c", mitmd.file, "exec", "--tag", tag, *EVERYWHERE, "--",
                           *map(str, command)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE, env=clean_environment())


CLIENTS = {
    "curl": ["curl", "-sS"],
    "python": [sys.executable, "-c",
               "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode(), end='')"],
    "requests": ["/usr/bin/python3", "-c", "import sys, requests; print(requests.get(sys.argv[1]).text, end='')"],
    "perl": ["perl", "-MLWP::UserAgent", "-e",
             "print LWP::UserAgent->new(env_proxy => 1)->get(shift)->content"],
}


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_do_what_it_says(mitmd, secure_origin, tag, client):
    command = CLIENTS[client]
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]}")
    if client == "perl" and subprocess.run(["perl", "-MLWP::Protocol::https", "-e", "1"], check=False,
                                           capture_output=True).returncode:
        pytest.skip("no LWP")
    if client == "requests" and subprocess.run(["/usr/bin/python3", "-c", "import requests"],
                                               check=False, capture_output=True).returncode:
        pytest.skip("no requests")
    done = exec_in(mitmd, tag, *command, secure_origin.url())
    assert (done.returncode, done.stdout) == (0, "hello\n"), done
    assert mitmd.entry(tag, "/hello").status == 200


def test_git(mitmd, secure_origin, tag):
    """It asks for references, which this origin has not; but it asks through the proxy."""
    exec_in(mitmd, tag, "git", "ls-remote", secure_origin.url("/repo.git"))
    assert mitmd.entry(tag, "/repo.git/info/refs?service=git-upload-pack")["_tls"]


def test_a_shell(mitmd, secure_origin, tag):
    ctl = shlex.join([str(CTL), "-c", str(mitmd.file), "env", "--tag", tag, *EVERYWHERE])
    done = subprocess.run(["sh", "-c", f'eval "$({ctl})" && curl -sS {secure_origin.url()}'],
                          capture_output=True, text=True, check=False, timeout=PATIENCE,
                          env=clean_environment())
    assert (done.returncode, done.stdout) == (0, "hello\n"), done
    assert mitmd.entry(tag, "/hello").status == 200


# -- formats ------------------------------------------------------------------------------------
NASTY = "it's $HOME \"quoted\" `x` \\n dir"


@pytest.fixture(name="nasty")
def nasty_files(tmp_path):
    """Not running; its CA is at a place that no shell likes."""
    (tmp_path / "mitmd.yaml").write_text(json.dumps(
        {"listen": "0.0.0.0:8080", "access": {"allow": ["10.0.0.0/8"]}, "control": str(tmp_path / "sock"),
         "ca": {"dir": str(tmp_path / NASTY)}, "spool": {"dir": str(tmp_path / "spool")}}))
    done = subprocess.run([CTL, "-c", tmp_path / "mitmd.yaml", "ca", "init"], check=False,
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return tmp_path / "mitmd.yaml"


def env_of(file, *args):
    done = subprocess.run([CTL, "-c", file, "env", *args], capture_output=True, text=True,
                          check=False, timeout=PATIENCE, env=clean_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_there_is(nasty):
    told = json.loads(env_of(nasty, "--tag", "job-1", "--format", "json"))
    assert told["https_proxy"] == told["HTTPS_PROXY"] == "http://job-1:x@127.0.0.1:8080"
    assert told["SSL_CERT_FILE"] == f"{nasty.parent}/{NASTY}/mitmd-ca-bundle.pem"
    assert told["NODE_EXTRA_CA_CERTS"].endswith("/mitmd-ca-cert.pem")
    assert "-Dhttps.proxyPort=8080 " in told["JAVA_TOOL_OPTIONS"]
    assert told["NO_PROXY"] == "localhost,127.0.0.1,::1" and told["MITMD_TAG"] == "job-1"
    untagged = json.loads(env_of(nasty, "--output", "json"))
    assert untagged["https_proxy"] == "http://127.0.0.1:8080" and "MITMD_TAG" not in untagged


@pytest.mark.parametrize("shell, form, show", [
    ("sh", "sh", ['eval "$1"; printf %s "$SSL_CERT_FILE"', "-"]),
    ("bash", "sh", ['eval "$1"; printf %s "$SSL_CERT_FILE"', "-"]),
    ("bash", "dotenv", ['eval "$1"; printf %s "$SSL_CERT_FILE"', "-"]),
    ("fish", "fish", ["eval $argv[1]; printf %s $SSL_CERT_FILE"]),
])
def test_no_shell_stumbles(nasty, shell, form, show):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    text = env_of(nasty, "--format", form)
    if shell == "fish":
        text = text.replace("\n", "; ")
    done = subprocess.run([shell, "-c", *show, text], capture_output=True, text=True, check=True,
                          timeout=PATIENCE)
    assert done.stdout == f"{nasty.parent}/{NASTY}/mitmd-ca-bundle.pem"


def test_the_others(nasty):
    told = json.loads(env_of(nasty, "--format", "json"))
    for form in ("github", "gitlab"):
        lines = env_of(nasty, "--format", form).splitlines()
        assert dict(line.split("=", 1) for line in lines) == told
    value = told["SSL_CERT_FILE"].replace("'", "''")
    assert f"$env:SSL_CERT_FILE = '{value}'" in env_of(nasty, "--format", "powershell").splitlines()


# -- exec ------------------------------------------------------------------------------------------
def test_it_ends_as_the_command_does(mitmd, tag, tmp_path):
    assert exec_in(mitmd, tag, "sh", "-c", "exit 3").returncode == 3
    none = exec_in(mitmd, tag, "no-such-command-here")
    assert none.returncode == 127 and "no-such-command-here" in none.stderr
    (tmp_path / "file").write_text("")
    assert exec_in(mitmd, tag, tmp_path / "file").returncode == 126


def test_the_commands_words_are_its_own(mitmd):
    done = mitmd.ctl("exec", "printf", "%s|", "--output", "json", "--tag", "-h", "--")
    assert (done.returncode, done.stdout) == (0, "--output|json|--tag|-h|--|")


# -- when it cannot be -------------------------------------------------------------------------------
def test_a_port_that_nobody_knows_yet(start_mitmd):
    mitmd = start_mitmd(start=False)
    done = mitmd.ctl("env")
    assert done.returncode == 69 and "port" in done.stderr


def test_no_ca_yet(tmp_path):
    (tmp_path / "mitmd.yaml").write_text(json.dumps({"ca": {"dir": str(tmp_path / "ca")}}))
    done = subprocess.run([CTL, "-c", tmp_path / "mitmd.yaml", "env"], capture_output=True,
                          text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 1 and "mitmctl ca init" in done.stderr


@pytest.mark.parametrize("args, said", [
    (["env", "x"], "too much"), (["env", "--format", "xml"], "sh, fish"), (["env", "--tag", "a/b"], "is no tag"),
    (["exec"], "which command"), (["exec", "--format", "sh", "true"], "env's"),
])
def test_wrong_words(mitmd, args, said):
    done = mitmd.ctl(*args)
    assert done.returncode == 64 and said in done.stderr
