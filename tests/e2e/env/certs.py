# SPDX-License-Identifier: ISC
"""certs.py - a root and origin certificates, made with openssl at run time."""
import datetime
import pathlib
import subprocess

CONFIG = """
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
copy_extensions = copy
email_in_dn = no
[any]
commonName = optional
organizationName = optional
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[middle]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""

KEYS = {
    "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-newkey", "rsa:2048"],
}


class Cert:
    """Files of one certificate: key, cert alone, cert with its chain."""

    def __init__(self, directory, name):
        self.key = directory / f"{name}.key"
        self.cert = directory / f"{name}.crt"
        self.chain = directory / f"{name}.chain"

    def der(self):
        return openssl("x509", "-in", self.cert, "-outform", "DER")

    def text(self, *fields):
        return openssl("x509", "-in", self.cert, "-noout", *fields).decode().strip()


def openssl(*args, cwd=None, data=None):
    done = subprocess.run(["openssl", *map(str, args)], cwd=cwd, input=data,
                          capture_output=True, check=False)
    assert done.returncode == 0, f"openssl {args}: {done.stderr.decode()}"
    return done.stdout


def stamp(days):
    at = datetime.datetime.utcnow() + datetime.timedelta(days=days)
    return at.strftime("%Y%m%d%H%M%SZ")


class Certs:
    """A CA of its own: a root, one intermediate, and leafs of any kind."""

    def __init__(self, directory, name="mitmd test root"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "ca.cnf").write_text(CONFIG)
        (self.directory / "index.txt").write_text("")
        self.root = self._authority("root", name, None)
        self.middle = self._authority("middle", name + " intermediate", self.root)
        self.made = {}

    def _authority(self, file, name, issuer):
        cert = Cert(self.directory, file)
        self._issue(cert, f"/O=mitmd tests/CN={name}", "ec", file, issuer, [], -10, 1000)
        return cert

    def leaf(self, name, san=("DNS:localhost", "IP:127.0.0.1", "IP:::1"), key="ec", start=-5,
             end=90, self_signed=False):
        """A leaf; the same arguments give the same files."""
        if name not in self.made:
            cert = Cert(self.directory, name)
            issuer = None if self_signed else self.middle
            self._issue(cert, f"/O=Origin of tests/CN={name}", key, "leaf", issuer, san,
                        start, end)
            above = b"" if self_signed else self.middle.cert.read_bytes()
            cert.chain.write_bytes(cert.cert.read_bytes() + above)
            self.made[name] = cert
        return self.made[name]

    def _issue(self, cert, subject, key, kind, issuer, san, start, end):
        request = cert.cert.with_suffix(".csr")
        names = ["-addext", "subjectAltName=" + ",".join(san)] if san else []
        openssl("req", "-new", "-nodes", *KEYS[key], "-keyout", cert.key, "-out", request,
                "-subj", subject, *names)
        signer = (["-selfsign", "-keyfile", cert.key] if issuer is None
                  else ["-cert", issuer.cert, "-keyfile", issuer.key])
        openssl("ca", "-batch", "-config", "ca.cnf", "-notext", "-extensions", kind,
                "-startdate", stamp(start), "-enddate", stamp(end), "-in", request,
                "-out", cert.cert, *signer, cwd=self.directory)
