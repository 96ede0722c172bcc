# SPDX-License-Identifier: ISC
"""issued.py - certificates of somebody else's CA, and the one-file form of them."""
import itertools
import subprocess

from .certs import KEYS, Cert, Certs, openssl

EXTENSIONS = """
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = {eku}
subjectKeyIdentifier = hash
{aki}
{san}
"""
numbers = itertools.count(1)


class Issuer(Certs):
    """A root and an intermediate of their own; leafs with whatever a test wants."""

    def __init__(self, directory, name):
        super().__init__(directory, name)
        self.name = name

    def issue(self, cn, san=(), key="ec", eku="serverAuth,clientAuth", days=90, aki=True):
        """A certificate by the intermediate, with its chain."""
        cert = Cert(self.directory, f"issued{next(numbers)}")
        request, ext = cert.cert.with_suffix(".csr"), cert.cert.with_suffix(".ext")
        ext.write_text(EXTENSIONS.format(
            eku=eku, aki="authorityKeyIdentifier = keyid" if aki
            else "authorityKeyIdentifier = none",
            san="subjectAltName = " + ",".join(san) if san else ""))
        openssl("req", "-new", "-nodes", *KEYS[key], "-keyout", cert.key, "-out", request,
                "-subj", f"/CN={cn}")
        openssl("x509", "-req", "-in", request, "-CA", self.middle.cert, "-CAkey",
                self.middle.key, "-CAcreateserial", "-days", days, "-extfile", ext,
                "-out", cert.cert)
        cert.chain.write_bytes(cert.cert.read_bytes() + self.middle.cert.read_bytes())
        return cert


def bundle(cert, file, chain=True):
    """Key, certificate and chain in one file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(cert.key.read_bytes() + (cert.chain if chain else cert.cert).read_bytes())
    file.chmod(0o600)
    return file


def encrypt(cert, file):
    """The same with a key that needs a passphrase."""
    key = subprocess.run(["openssl", "pkey", "-in", str(cert.key), "-aes128", "-passout",
                          "pass:secret"], capture_output=True, check=True).stdout
    file.write_bytes(key + cert.cert.read_bytes())
    return file
