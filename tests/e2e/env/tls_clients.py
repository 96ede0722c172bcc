# SPDX-License-Identifier: ISC
"""tls_clients.py - each TLS client there is, asked the same way, direct or through
mitmd, and what it says of a certificate, freed of what differs by accident.
"""
import os
import re
import shutil
import socket
import ssl
import subprocess
from typing import NamedTuple

from .bridge import Bridge
from .curl import clean_environment
from .helper import Helper
from .tls_origins import go_command, java_command, node_command
from .wire import Closed, Wire

PATIENCE = 60


class Verdict(NamedTuple):
    """code and text: why it refused, in the client's own words."""
    ok: bool
    code: str = ""
    text: str = ""


class Target(NamedTuple):
    """Whom to ask, whom to trust, and which way to go (proxy None: straight)."""
    host: str
    port: int
    ca: str
    path: str
    proxy: str = None
    tag: str = None

    @property
    def is_ip(self):
        return self.host in ("127.0.0.1", "::1")

    @property
    def address(self):
        return self.host if self.is_ip else "127.0.0.1"

    @property
    def authority(self):
        return f"{bracket(self.host)}:{self.port}"

    @property
    def tagged_proxy(self):
        if self.proxy is None:
            return "-"
        return f"{self.tag}@{self.proxy}" if self.tag else self.proxy


def bracket(host):
    return f"[{host}]" if ":" in host else host


def run(command, data=None, **env):
    return subprocess.run(list(map(str, command)), input=data, capture_output=True, check=False,
                          timeout=PATIENCE, env=clean_environment(**env))


class Client:
    name = None
    program = None

    @classmethod
    def missing(cls):
        return cls.program is not None and shutil.which(cls.program) is None

    def __init__(self, directory):
        self.directory = directory

    @property
    def slug(self):
        """Its name as a part of a path."""
        return re.sub(r"[^a-z0-9.]+", "-", self.name)

    def ask(self, target):
        """The Verdict."""
        raise NotImplementedError

    def close(self):
        pass


class CurlClient(Client):
    name = "curl"
    program = "curl"
    options = ()

    def ask(self, target):
        proxy = ["--proxy", f"http://{target.tagged_proxy}"] if target.proxy else []
        done = run(["curl", "-q", "-sS", "--max-time", "30", "--noproxy", "", "--cacert",
                    target.ca, "-o", os.devnull, *proxy, *self.options,
                    f"https://{target.authority}{target.path}"])
        line = done.stderr.decode().partition("\n")[0]
        text = re.sub(r"^curl: \(\d+\) ", "", line)
        return Verdict(done.returncode == 0, str(done.returncode), cured(text, target))


class CurlBlind(CurlClient):
    """curl that looks at no certificate."""
    name = "curl -k"
    options = ("-k",)


class CurlStatus(CurlClient):
    """curl that insists on a staple."""
    name = "curl --cert-status"
    options = ("--cert-status",)


class Curl12(CurlClient):
    """curl without TLS 1.3."""
    name = "curl --tls-max 1.2"
    options = ("--tls-max", "1.2")


def cured(text, target):
    """Without what the two ways differ in by nature."""
    for accident in (target.ca, str(target.proxy)):
        text = text.replace(str(accident), "...")
    return re.sub(r"current time \S+", "now", text.strip())


class OpensslClient(Client):
    name = "openssl s_client"
    program = "openssl"
    options = ()

    def ask(self, target):
        names = (["-noservername", "-verify_ip", target.host] if target.is_ip else
                 ["-servername", target.host, "-verify_hostname", target.host])
        proxy = ["-proxy", target.proxy] if target.proxy else []
        done = run(["openssl", "s_client", "-quiet", "-verify_return_error",
                    "-CAfile", target.ca, "-no-CApath", "-no-CAstore", *names, *proxy,
                    *self.options, "-connect", f"{bracket(target.address)}:{target.port}"],
                   request(target))
        said = done.stderr.decode("utf-8", "replace")
        verdicts = re.findall(r"verify error:num=(\d+):(.*)", said)
        heard = done.stdout.startswith(b"HTTP/1.1 200")
        if verdicts:
            return Verdict(heard, verdicts[0][0], "; ".join(text for _, text in verdicts))
        reasons = re.findall(r":SSL routines:[^:]*:([^:]*)", said)
        return Verdict(heard, "", "; ".join(reasons) if not heard else "")


def request(target):
    return (f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\n"
            "Connection: close\r\n\r\n").encode()


class GnutlsClient(Client):
    name = "gnutls-cli"
    program = "gnutls-cli"
    options = ()

    def ask(self, target):
        if target.proxy is None:
            return self._ask(target, target.address, target.port)
        host, _, port = target.proxy.rpartition(":")
        with Bridge((host, int(port)), target.authority) as bridge:
            return self._ask(target, "127.0.0.1", bridge.port)

    def _ask(self, target, host, port):
        sni = ["--disable-sni"] if target.is_ip else ["--sni-hostname", target.host]
        done = run(["gnutls-cli", "--x509cafile", target.ca, "--verify-hostname", target.host,
                    *sni, *self.options, "-p", port, host], request(target))
        said = done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")
        status = re.findall(r"- Status: (.*)", said)
        errors = re.findall(r"\*\*\* (?:Fatal error|Verifying server certificate failed): (.*)",
                            said)
        ok = "HTTP/1.1 200" in said
        return Verdict(ok, "", "" if ok else cured("; ".join([*status, *errors][:1]), target))


class GitClient(Client):
    """git: libcurl on GnuTLS."""
    name = "git"
    program = "git"

    def ask(self, target):
        proxy = f"http://{target.proxy}" if target.proxy else ""
        done = run(["git", "-c", f"http.proxy={proxy}", "-c", "credential.helper=", "ls-remote",
                    f"https://{target.authority}{target.path}"],
                   GIT_SSL_CAINFO=str(target.ca), GIT_CONFIG_NOSYSTEM="1",
                   GIT_TERMINAL_PROMPT="0", HOME=str(self.directory))
        said = done.stderr.decode("utf-8", "replace").strip()
        refused = re.search(r"unable to access '[^']*': (.*)", said)
        return Verdict(refused is None, str(done.returncode) if refused else "",
                       cured(refused[1], target) if refused else "")


class PythonClient(Client):
    """This Python, in this process."""
    name = "python"
    flags = 0
    version = None

    def __init__(self, directory):
        super().__init__(directory)
        self.contexts = {}

    def _context(self, ca):
        if ca not in self.contexts:
            context = ssl.create_default_context(cafile=str(ca))
            context.verify_flags |= self.flags
            if self.version:
                context.maximum_version = self.version
            self.contexts[ca] = context
        return self.contexts[ca]

    def ask(self, target):
        try:
            sock = self._reach(target)
            with sock, self._context(target.ca).wrap_socket(
                    sock, server_hostname=target.host, suppress_ragged_eofs=False) as secure:
                secure.sendall(request(target))
                return Verdict(secure.recv(100).startswith(b"HTTP/1.1 200"))
        except ssl.SSLCertVerificationError as error:
            return Verdict(False, str(error.verify_code), error.verify_message)
        except ssl.SSLError as error:
            return Verdict(False, type(error).__name__, str(error.reason))
        except (OSError, Closed) as error:
            return Verdict(False, type(error).__name__, str(error))

    @staticmethod
    def _reach(target):
        if target.proxy is None:
            return socket.create_connection((target.address, target.port), PATIENCE)
        host, _, port = target.proxy.rpartition(":")
        wire = Wire(socket.create_connection((host, int(port)), PATIENCE), PATIENCE)
        answer = wire.connect(target.authority, target.tag)
        assert answer.status == 200, answer
        return wire.sock


class StrictPython(PythonClient):
    """As Python 3.13 does it by default."""
    name = "python strict"
    flags = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN


class HelperClient(Client):
    """One that lives in a process of its own for as long as the tests."""

    def __init__(self, directory):
        super().__init__(directory)
        self.helper = None

    def _start(self):
        command = type(self).command(self.directory)
        self.helper = Helper(command, clean_environment(HOME=str(self.directory)))

    def ask(self, target):
        if self.helper is None:
            self._start()
        ok, code, text = self.helper.ask("get", target.address, target.port, target.host,
                                         target.tagged_proxy, target.ca, target.path)
        return Verdict(ok == "ok", "" if ok == "ok" else code, cured(text, target))

    def close(self):
        if self.helper is not None:
            self.helper.close()


class NodeClient(HelperClient):
    name = "node"
    program = "node"
    command = staticmethod(node_command)


class GoClient(HelperClient):
    name = "go"
    program = "go"
    command = staticmethod(go_command)


class JavaClient(HelperClient):
    name = "java"
    program = "javac"
    command = staticmethod(java_command)


# Those every row is shown to, and those that look at staples.
EVERYWHERE = [CurlClient, CurlBlind, Curl12, OpensslClient, GnutlsClient, GitClient,
              PythonClient, StrictPython, NodeClient, GoClient, JavaClient]
STAPLERS = [CurlStatus]
