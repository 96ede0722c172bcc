# SPDX-License-Identifier: ISC
"""x509.py - certificates and OCSP responses written byte by byte, right or wrong.

No library would make half of them; openssl only makes the keys and signatures.
"""
import base64
import datetime
import hashlib
import ipaddress
import pathlib

from .certs import openssl

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.utcnow().replace(microsecond=0)


# -- DER -------------------------------------------------------------------------------
def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 128 | size]) + n.to_bytes(size, "big") + body


def seq(*parts):
    return tlv(0x30, *parts)


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = b""
    for n in (first * 40 + second, *rest):
        piece = bytes([n & 127])
        while n > 127:
            n >>= 7
            piece = bytes([128 | n & 127]) + piece
        out += piece
    return tlv(6, out)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def time(at):
    if at.year < 2050:
        return tlv(0x17, at.strftime("%y%m%d%H%M%SZ").encode())
    return generalized(at)


def generalized(at):
    return tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())


def bits(data, unused=0):
    return tlv(3, bytes([unused]), data)


NULL = tlv(5)
TRUE = tlv(1, b"\xff")

ATTRIBUTES = {"CN": "2.5.4.3", "O": "2.5.4.10", "C": "2.5.4.6"}


def name(text):
    """"O=a, CN=b"; "" is a name without anything."""
    parts = [p.partition("=") for p in text.split(", ")] if text else []
    return seq(*(tlv(0x31, seq(oid(ATTRIBUTES[a]), tlv(12, v.encode()))) for a, _, v in parts))


def parse(data):
    """The first element: tag, contents, what follows it."""
    size, at = data[1], 2
    if size & 128:
        at += size & 127
        size = int.from_bytes(data[2:at], "big")
    return data[0], data[at:at + size], data[at + size:]


# -- keys ------------------------------------------------------------------------------
KINDS = {
    "ec": ["EC", "ec_paramgen_curve:P-256"],
    "p384": ["EC", "ec_paramgen_curve:P-384"],
    "p192": ["EC", "ec_paramgen_curve:P-192"],
    "explicit": ["EC", "ec_paramgen_curve:P-256", "ec_param_enc:explicit"],
    "rsa512": ["RSA", "rsa_keygen_bits:512"],
    "rsa768": ["RSA", "rsa_keygen_bits:768"],
    "rsa1024": ["RSA", "rsa_keygen_bits:1024"],
    "rsa": ["RSA", "rsa_keygen_bits:2048"],
    "rsa3": ["RSA", "rsa_keygen_bits:2048", "rsa_keygen_pubexp:3"],
    "rsa4096": ["RSA", "rsa_keygen_bits:4096"],
    "pss": ["RSA-PSS", "rsa_keygen_bits:2048"],
    "ed25519": ["ED25519"],
    "dsa": ["DSA", "dsa_paramgen_bits:2048", "dsa_paramgen_q_bits:256"],
}
ECDSA = "1.2.840.10045.4."
PKCS1 = "1.2.840.113549.1.1."
SHA256 = "2.16.840.1.101.3.4.2.1"
PSS = seq(oid(PKCS1 + "10"), seq(
    tlv(0xa0, seq(oid(SHA256), NULL)),
    tlv(0xa1, seq(oid(PKCS1 + "8"), seq(oid(SHA256), NULL))),
    tlv(0xa2, integer(32))))
# (family, digest): AlgorithmIdentifier
SIGNATURES = {
    ("ec", "sha1"): seq(oid(ECDSA + "1")),
    ("ec", "sha256"): seq(oid(ECDSA + "3.2")),
    ("ec", "sha384"): seq(oid(ECDSA + "3.3")),
    ("rsa", "md5"): seq(oid(PKCS1 + "4"), NULL),
    ("rsa", "sha1"): seq(oid(PKCS1 + "5"), NULL),
    ("rsa", "sha256"): seq(oid(PKCS1 + "11"), NULL),
    ("rsa", "sha512"): seq(oid(PKCS1 + "13"), NULL),
    ("pss", "sha256"): PSS,
}


class Key:
    """A private key in a file."""

    def __init__(self, path, kind):
        self.path = pathlib.Path(path)
        self.family = kind.rstrip("0123456789") if kind.startswith("rsa") else kind
        if self.family in ("p384", "p192", "explicit"):
            self.family = "ec"
        self.spki = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        point = parse(parse(parse(self.spki)[1])[2])[1]
        self.id = hashlib.sha1(point[1:]).digest()

    def sign(self, data, digest="sha256"):
        """(AlgorithmIdentifier, signature)"""
        if self.family == "ed25519":
            return seq(oid("1.3.101.112")), self._raw(data)
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
        return SIGNATURES[self.family, digest], openssl(
            "dgst", f"-{digest}", "-sign", self.path, *(pss if self.family == "pss" else []),
            data=data)

    def _raw(self, data):
        """Ed25519 signs no digest, and openssl wants to see how long its input is."""
        file = self.path.with_suffix(".tbs")
        file.write_bytes(data)
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", file)


class Keys:
    """Generates each key once: keys["ec"], keys["ec", "another"]."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.made = {}

    def __getitem__(self, asked):
        if asked not in self.made:
            words = [asked] if isinstance(asked, str) else asked
            kind = words[0]
            path = self.directory / ("-".join(words) + ".key")
            self._generate(kind, path)
            self.made[asked] = Key(path, kind)
        return self.made[asked]

    @staticmethod
    def _generate(kind, path):
        algorithm, *options = KINDS[kind]
        options = [w for o in options for w in ("-pkeyopt", o)]
        if kind == "dsa":
            parameters = path.with_suffix(".par")
            openssl("genpkey", "-genparam", "-algorithm", algorithm, *options,
                    "-out", parameters)
            openssl("genpkey", "-paramfile", parameters, "-out", path)
        else:
            openssl("genpkey", "-algorithm", algorithm, *options, "-out", path)


# -- extensions --------------------------------------------------------------------------
def extension(number, value, critical=False):
    return seq(oid(number), TRUE if critical else b"", tlv(4, value))


def general(word):
    """"DNS:a", "IP:127.0.0.1", "URI:x", or (tag, bytes) as they are."""
    if isinstance(word, tuple):
        return tlv(*word)
    kind, _, value = word.partition(":")
    if kind == "IP":
        return tlv(0x87, ipaddress.ip_address(value).packed)
    return tlv({"DNS": 0x82, "URI": 0x86}[kind], value.encode())


def alternative(*words, critical=False):
    return extension("2.5.29.17", seq(*map(general, words)), critical)


def constraints(ca, pathlen=None):
    inside = (TRUE if ca else b"") + (integer(pathlen) if pathlen is not None else b"")
    return extension("2.5.29.19", seq(inside), True)


USAGES = ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment",
          "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"]


def usage(*words):
    value = sum(0x8000 >> USAGES.index(w) for w in words)
    data = value.to_bytes(2, "big").rstrip(b"\0")
    unused = (data[-1] & -data[-1]).bit_length() - 1 if data else 0
    return extension("2.5.29.15", bits(data, unused), True)


PURPOSES = {"serverAuth": "1.3.6.1.5.5.7.3.1", "clientAuth": "1.3.6.1.5.5.7.3.2",
            "codeSigning": "1.3.6.1.5.5.7.3.3", "OCSPSigning": "1.3.6.1.5.5.7.3.9",
            "any": "2.5.29.37.0"}


def purpose(*words):
    return extension("2.5.29.37", seq(*(oid(PURPOSES[w]) for w in words)))


def subject_key(key):
    return extension("2.5.29.14", tlv(4, key.id))


def authority_key(key):
    return extension("2.5.29.35", seq(tlv(0x80, key.id)))


def permitted(*words, excluded=()):
    def trees(words):
        return b"".join(seq(general(w)) for w in words)
    inside = tlv(0xa0, trees(words)) if words else b""
    return extension("2.5.29.30",
                     seq(inside, tlv(0xa1, trees(excluded)) if excluded else b""), True)


MUST_STAPLE = extension("1.3.6.1.5.5.7.1.24", seq(integer(5)))
UNKNOWN = extension("1.3.6.1.4.1.99999.1", tlv(5), True)


# -- certificates ------------------------------------------------------------------------
class Cert:
    """DER and the private key of one certificate."""

    def __init__(self, der, key, subject, serial):
        self.der = der
        self.key = key
        self.subject = subject
        self.serial = serial

    def pem(self):
        return pem(self.der)


def pem(der):
    """Of anything, as if it were a certificate."""
    text = base64.encodebytes(der).decode().replace("\n", "")
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def load(file):
    """A CA with its key from one PEM file."""
    der = openssl("x509", "-in", file, "-outform", "DER")
    kind = "rsa" if "RSA" in openssl("x509", "-in", file, "-noout", "-text").decode() else "ec"
    parts, rest = [], parse(parse(der)[1])[1]
    while rest:
        whole, rest = rest, parse(rest)[2]
        parts.append(whole[:len(whole) - len(rest)])
    _version, serial, _algorithm, _issuer, _dates, subject, *_ = parts
    return Cert(der, Key(file, kind), subject, int.from_bytes(parse(serial)[1], "big"))


class Maker:
    """Makes certificates; every argument may be wrong."""

    def __init__(self, keys):
        self.keys = keys
        self.serial = 0x5eed000000000000

    def cert(self, subject, key, issuer, extensions, days=(-5, 90), digest="sha256",
             serial=None, version=3, dates=None, after=b"", named=None, spoil=None):
        """
        issuer None signs itself; named: another issuer's name than the signer's;
        spoil(signature) alters it; after: bytes behind the extensions.
        """
        if serial is None:
            self.serial += 1
            serial = self.serial
        subject = subject if isinstance(subject, bytes) else name(subject)
        signer = issuer.key if issuer else key
        above = named if named is not None else issuer.subject if issuer else subject
        algorithm = self._algorithm(signer, digest)
        start, end = dates or (time(NOW + d * DAY) for d in days)
        tbs = seq(tlv(0xa0, integer(version - 1)) if version > 1 else b"", integer(serial),
                  algorithm, above, seq(start, end), subject, key.spki,
                  tlv(0xa3, seq(*extensions)) if version > 1 and extensions else b"", after)
        algorithm, signature = signer.sign(tbs, digest)
        signature = spoil(signature) if spoil else signature
        return Cert(seq(tbs, algorithm, bits(signature)), key, subject, serial)

    @staticmethod
    def _algorithm(key, digest):
        if key.family == "ed25519":
            return seq(oid("1.3.101.112"))
        return SIGNATURES[key.family, digest]

    def ca(self, subject, key, issuer=None, put=None, add=(), pathlen=None, **more):
        """An ordinary CA; `put` replaces extensions (b"": none), `add` puts more behind."""
        parts = {"bc": constraints(True, pathlen), "ku": usage("keyCertSign", "cRLSign"),
                 "ski": subject_key(key),
                 "aki": authority_key(issuer.key) if issuer else b""}
        return self.cert(subject, key, issuer, self._extensions(parts, put, add),
                         **{"days": (-10, 1000), **more})

    def leaf(self, san, issuer, subject=None, key=None, put=None, add=(), **more):
        """An ordinary leaf for the names `san`, or what is left of one."""
        key = key or self.keys["ec"]
        # keyEncipherment would be odd for keys that cannot encipher
        words = ["digitalSignature"] + (["keyEncipherment"] if key.family == "rsa" else [])
        parts = {"bc": constraints(False), "ku": usage(*words), "eku": purpose("serverAuth"),
                 "ski": subject_key(key), "aki": authority_key((issuer.key if issuer else key)),
                 "san": alternative(*san) if san else b""}
        if subject is None:
            subject = "O=Origin of tests, CN=" + (san[0].partition(":")[2] if san and
                                                  isinstance(san[0], str) else "origin")
        return self.cert(subject, key, issuer, self._extensions(parts, put, add), **more)

    @staticmethod
    def _extensions(parts, put, add):
        unknown = set(put or {}) - set(parts)
        assert not unknown, unknown
        return [e for e in [*{**parts, **(put or {})}.values(), *add] if e]


# -- OCSP (RFC 6960) -----------------------------------------------------------------------
def staple(cert, issuer, status="good", days=(-1, 6), about=None, signer=None, spoil=None,
           responder=None):
    """A response for cert by its issuer; about: another certificate it speaks of."""
    about = about or cert
    signer = signer or issuer.key
    word = {"good": tlv(0x80), "unknown": tlv(0x82),
            "revoked": tlv(0xa1, generalized(NOW - 2 * DAY),
                           tlv(0xa0, tlv(0x0a, b"\1")))}[status]
    single = seq(
        seq(seq(oid("1.3.14.3.2.26"), NULL), tlv(4, hashlib.sha1(issuer.subject).digest()),
            tlv(4, issuer.key.id), integer(about.serial)),
        word, generalized(NOW + days[0] * DAY),
        tlv(0xa0, generalized(NOW + days[1] * DAY)))
    tbs = seq(tlv(0xa2, tlv(4, (responder or issuer.key).id)),
              generalized(NOW + days[0] * DAY), seq(single))
    algorithm, signature = signer.sign(tbs)
    basic = seq(tbs, algorithm, bits(spoil(signature) if spoil else signature))
    return seq(tlv(0x0a, b"\0"), tlv(0xa0, seq(oid("1.3.6.1.5.5.7.48.1.1"), tlv(4, basic))))


def flip(signature):
    """One bit of the last byte: still well-formed, no longer true."""
    return signature[:-1] + bytes([signature[-1] ^ 1])
