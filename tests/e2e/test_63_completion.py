# SPDX-License-Identifier: ISC
"""The completion of mitmctl, in a bash that knows nothing else."""
import os
import pty
import re
import subprocess

import pytest

from env.mitmd import PATIENCE, TOP, binary, clean_environment, wait_for

FILE = TOP / "contrib" / "completion" / "mitmctl"
SCRIPT = """source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_mitmctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


def environment():
    """The built mitmctl is the one that is found."""
    found = clean_environment()
    return found | {"PATH": f"{binary().parent}:{found['PATH']}", "TERM": "dumb"}


def complete(*words, cwd=None):
    done = subprocess.run(["bash", "--norc", "--noprofile", "-c", SCRIPT, "bash", FILE, "mitmctl",
                           *map(str, words)], capture_output=True, text=True, timeout=PATIENCE,
                          check=True, env=environment(), cwd=cwd)
    assert done.stderr == ""
    return sorted(done.stdout.split())


def test_all_commands_and_no_others():
    done = subprocess.run([binary().with_name("mitmctl"), "-h"], capture_output=True, text=True,
                          check=True, timeout=PATIENCE)
    assert complete("") == sorted(re.findall(r"^  ([a-z]+) ", done.stdout, re.M))


@pytest.mark.parametrize("words, found", [
    (["st"], ["status"]),
    (["bypass", ""], ["add", "list", "remove"]),
    (["ca", "e"], ["export"]),
    (["ca", "export", ""], ["bundle", "cer", "jks", "p12", "pem"]),
    (["ca", "init", "--key-type", ""], ["ec", "rsa"]),
    (["--output", ""], ["json", "table", "tsv"]),
    (["status", "--output", "=", "j"], ["json"]),
    (["--color", "a"], ["always", "auto"]),
    (["reload", "--w"], ["--wait"]),
    (["drain", "--c"], ["--cancel", "--color"]),
    (["-c", "x", "reload", "--w"], ["--wait"]),
    (["tail", "--j"], ["--json"]),
    (["tail", "-f", ""], []),
    (["status", ""], []),
    (["help", "ta"], ["tags", "tail"]),
    (["env", "--format", "g"], ["github", "gitlab"]),
    (["exec", "--tag", "x", "pytho"], None),
    (["har", ""], ["check", "filter", "merge", "repair", "stats"]),
    (["har", "check", "--s"], ["--strict"]),
])
def test_words(words, found):
    assert complete(*words) == found if found is not None else "python3" in complete(*words)


def test_every_option_is_one(tmp_path):
    """What it offers, mitmctl takes: a wrong option is complained of with its name."""
    for command in ("reload", "tail", "drain", "explain"):
        for option in complete(command, "-"):
            done = subprocess.run([binary().with_name("mitmctl"), "-s", tmp_path / "none", command, option],
                                  capture_output=True, text=True, check=False, timeout=PATIENCE)
            assert "unrecognized" not in done.stderr and "invalid option" not in done.stderr, done


def test_files(tmp_path):
    (tmp_path / "one file.yaml").write_text("")
    (tmp_path / "other.yaml").write_text("")
    assert complete("-c", "oth", cwd=tmp_path) == ["other.yaml"]
    assert complete("har", "check", "x.har", "oth", cwd=tmp_path) == ["other.yaml"]
    assert complete("ca", "export", "-o", "one", cwd=tmp_path) == ["file.yaml", "one"]


def test_what_the_running_mitmd_knows(mitmd, origin, tag):
    done = mitmd.ctl("bypass", "add", "pinned.example.net")
    assert done.returncode == 0, done.stderr
    named = "-s", mitmd.config["control"]
    assert complete(*named, "bypass", "remove", "p") == ["pinned.example.net"]
    mitmd.curl(tag).ok(origin.url())
    wait_for(lambda: tag in complete(*named, "tail", ""), "the entry")
    assert complete("-c", mitmd.file, "flush", tag[:-1]) == [tag]
    assert complete("-s", "/nowhere", "flush", "") == []


def test_at_a_terminal():
    """The key itself."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment() | {"PS1": "$ "})
    try:
        seen = b""

        def wait(text):
            nonlocal seen
            while text not in seen:
                seen += os.read(fd, 4096)
            seen = b""
        wait(b"$ ")
        os.write(fd, f"bind 'set enable-bracketed-paste off'; source {FILE}; echo re''ady\n".encode())
        wait(b"ready\r\n")
        os.write(fd, b"mitmctl stat\t")
        wait(b"mitmctl status ")
    finally:
        os.close(fd)
        os.waitpid(pid, 0)
