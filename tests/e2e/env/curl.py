# SPDX-License-Identifier: ISC
"""curl.py - the real curl, through the proxy unless told otherwise."""
import json
import os
import subprocess

PROXY_WORDS = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "curl_ca_bundle",
               "ssl_cert_file", "ssl_cert_dir")


def clean_environment(**more):
    env = {k: v for k, v in os.environ.items() if k.lower() not in PROXY_WORDS}
    env.update({"HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **more})
    return env


class Result:
    def __init__(self, code, body, facts, errors):
        self.code = code
        self.body = body
        self.facts = facts
        self.errors = errors

    @property
    def status(self):
        return self.facts["http_code"]

    @property
    def connect_status(self):
        return self.facts["http_connect"]

    def __repr__(self):
        return f"<curl {self.code}, status {self.facts.get('http_code')}: {self.errors}>"


class Curl:
    """proxy None goes straight to the origin."""

    def __init__(self, proxy=None, ca=None, tag=None):
        user = f"{tag}@" if tag else ""
        self.args = ["--noproxy", ""]
        if proxy:
            self.args += ["--proxy", f"http://{user}{proxy}"]
        if ca:
            self.args += ["--cacert", str(ca)]

    def command(self, *args):
        return ["curl", "-q", "-sS", "--max-time", "120", "-w", "%{stderr}\n%{json}",
                *self.args, *map(str, args)]

    def start(self, *args, **popen):
        return subprocess.Popen(self.command(*args), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=clean_environment(), **popen)

    def finish(self, process, data=None):
        out, err = process.communicate(data, timeout=150)
        errors, _, facts = err.decode("utf-8", "replace").rpartition("\n")
        return Result(process.returncode, out, json.loads(facts or "{}"), errors.strip())

    def run(self, *args, data=None):
        stdin = subprocess.PIPE if data is not None else subprocess.DEVNULL
        return self.finish(self.start(*args, stdin=stdin), data)

    def ok(self, *args, data=None):
        """The same; curl's exit code has to be 0."""
        result = self.run(*args, data=data)
        assert result.code == 0, result
        return result
