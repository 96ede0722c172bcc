# SPDX-License-Identifier: ISC
"""bad_origins.py - every origin of the fidelity table and its certificates.

ROWS says what is wrong with each; nothing is made before a test asks for it.
Names end in .localhost, which every client and mitmd take to loopback.
"""
from .x509 import (MUST_STAPLE, NOW, DAY, UNKNOWN, Keys, Maker, alternative, authority_key,
                   constraints, extension, flip, generalized, load, oid, permitted, purpose,
                   seq, subject_key, time, tlv, usage)


class Row:
    """
    One origin.  build(w) gives its chain; verdict is what `openssl s_client`
    says of it (0: fine, None: no verdict of a certificate but a failed handshake).
    """

    def __init__(self, label, verdict, build, host=None, staple=None, raw=False):
        self.label = label
        self.verdict = verdict
        self.build = build
        self.host = host or f"{label}.localhost"
        self.staple = staple
        self.raw = raw

    @property
    def is_ip(self):
        return self.host in ("127.0.0.1", "::1")


class World:
    """The authorities, and what rows are made with."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.keys = Keys(directory)
        self.make = Maker(self.keys)
        self.trusted = []
        self.mitmd_ca = self.retired_ca = None		# of the mitmd under test: adopt()
        ca, key = self.make.ca, self.keys
        self.root = self.trust(ca("O=Fidelity, CN=root", key["ec", "root"]))
        self.middle = ca("O=Fidelity, CN=middle", key["ec", "middle"], self.root, pathlen=0)
        self.rsa = ca("O=Fidelity, CN=RSA middle", key["rsa", "middle"], self.root)
        self.stranger = ca("O=Strangers, CN=root", key["ec", "stranger"])
        self.strange = ca("O=Strangers, CN=middle", key["ec", "strange"], self.stranger)
        self.ended = self.trust(ca("O=Fidelity, CN=ended root", key["ec", "ended"],
                                   days=(-900, -10)))
        self.future = self.trust(ca("O=Fidelity, CN=future root", key["ec", "future"],
                                    days=(1, 900)))
        self.sha1 = self.trust(ca("O=Fidelity, CN=SHA-1 root", key["rsa", "sha1"],
                                  digest="sha1"))
        self.limited = self.trust(ca("O=Fidelity, CN=limited root", key["ec", "limited"],
                                     add=[permitted("DNS:other.localhost")]))
        self.short = self.trust(ca("O=Fidelity, CN=short root", key["ec", "short"], pathlen=0))
        self.odd = self.trust(ca("O=Fidelity, CN=odd root", key["ec", "odd root"],
                                 add=[UNKNOWN]))
        self.mute = self.trust(ca("O=Fidelity, CN=root without keyCertSign", key["ec", "mute"],
                                  put={"ku": usage("cRLSign")}))

    def trust(self, cert):
        self.trusted.append(cert)
        return cert

    def adopt(self, own, retired):
        """mitmd's own CA, key and all, to sign origins with; and one it had before."""
        self.mitmd_ca, self.retired_ca = load(own), load(retired)

    def store(self, *more):
        """The file of all roots a client trusts."""
        path = self.directory / f"store{len(more)}.pem"
        path.write_text("".join(c.pem() for c in [*self.trusted, *more]))
        return path

    def files(self):
        """The same, one file each."""
        paths = [self.directory / f"root{n}.pem" for n in range(len(self.trusted))]
        for path, cert in zip(paths, self.trusted):
            path.write_text(cert.pem())
        return paths

    def leaf(self, label, issuer=None, san=None, **more):
        """A leaf for LABEL.localhost, by the trusted intermediate unless told otherwise."""
        if san is None:
            san = [f"DNS:{label}.localhost"]
        return self.make.leaf(san, issuer or self.middle, **more)

    def chain(self, label, issuer=None, **more):
        """The leaf and its issuer."""
        return [self.leaf(label, issuer, **more), issuer or self.middle]

    def under(self, label, subject=None, issuer=None, **ca):
        """A leaf below an intermediate of its own."""
        middle = self.make.ca(subject or f"O=Fidelity, CN=middle of {label}",
                              ca.pop("key", None) or self.keys["ec", "odd"],
                              issuer or self.root, **ca)
        return [self.leaf(label, middle), middle]

    def alone(self, label, san=None, subject=None, ca=False, **more):
        """Self-signed."""
        put = {"bc": constraints(True), "ku": usage("keyCertSign", "digitalSignature")}
        return [self.make.leaf(san or [f"DNS:{label}.localhost"], None,
                               subject or f"O=Alone, CN={label}.localhost",
                               put=put if ca else None, **more)]


def fake(w, label, aki):
    """The trusted root's name, another key."""
    root = w.make.ca("O=Fidelity, CN=root", w.keys["ec", "fake"])
    return [w.leaf(label, root, put=None if aki else {"aki": b""}), root]


def crossed(w):
    """
    Two ways up: by a trusted root, and by the same root's cross certificate of
    one that has ended.
    """
    cross = w.make.cert("O=Fidelity, CN=root", w.root.key, w.ended,
                        [constraints(True), usage("keyCertSign", "cRLSign"),
                         subject_key(w.root.key), authority_key(w.ended.key)], (-500, 500))
    return [w.leaf("cross-signed"), w.middle, cross]


def own_crossed(w):
    """The key of mitmd's own CA, certified by a root that everybody trusts."""
    cross = w.make.ca("O=mitmd, CN=a CA in the middle", w.mitmd_ca.key, w.root)
    return [w.leaf("own-ca-crossed", cross), cross]


def deep(w, depth):
    """A chain of many intermediates, all good."""
    chain = [w.root]
    for i in range(depth):
        chain.append(w.make.ca(f"O=Fidelity, CN=step {i}", w.keys["ec", "odd"], chain[-1]))
    return [w.leaf(f"deep-{depth}", chain[-1]), *chain[:0:-1]]


def path_too_long(w):
    """pathlen:0 with a CA below."""
    below = w.make.ca("O=Fidelity, CN=one too many", w.keys["ec", "odd"], w.middle)
    return [w.leaf("path-length", below), below, w.middle]


def twice(cert):
    """The same extension again."""
    return extension("2.5.29.17", seq(tlv(0x82, cert.encode())))


def constrained(label, *words, excluded=(), san=None):
    def build(w):
        chain = w.under(label, add=[permitted(*words, excluded=excluded)])
        if san:
            chain[0] = w.leaf(label, chain[1], san=san)
        return chain
    return build


def named(label, verdict, *san, host=None, **more):
    """A row whose only oddity is its names."""
    return Row(label, verdict, lambda w: w.chain(label, san=list(san), **more), host)


def put(label, verdict, key=None, raw=False, **extensions):
    """A row whose only oddity is its leaf's extensions."""
    return Row(label, verdict, lambda w: w.chain(
        label, put=extensions, key=key and w.keys[key]), raw=raw)


def keyed(label, verdict, kind, **more):
    """A row whose leaf has another kind of key."""
    return Row(label, verdict, lambda w: w.chain(label, key=w.keys[kind], **more))


MALFORMED = b"\x30\x05\x01"

GOOD = [
    Row("good", 0, lambda w: w.chain("good")),
    keyed("rsa2048", 0, "rsa"), keyed("rsa4096", 0, "rsa4096"), keyed("p384", 0, "p384"),
    keyed("rsa-e3", 0, "rsa3"), keyed("ed25519", 0, "ed25519"), keyed("rsa-pss", 0, "pss"),
    Row("rsa-signed", 0, lambda w: w.chain("rsa-signed", w.rsa, key=w.keys["rsa"])),
    Row("sha384", 0, lambda w: w.chain("sha384", digest="sha384")),
    Row("sha512", 0, lambda w: w.chain("sha512", w.rsa, digest="sha512")),
    named("sans-1000", 0, *(f"DNS:n{i}.sans-1000.localhost" for i in range(999)),
          "DNS:sans-1000.localhost"),
    named("sans-1500", 0, *(f"DNS:{i:x}" for i in range(1500)), "DNS:sans-1500.localhost"),
    named("subject-odd", 0, "DNS:subject-odd.localhost", subject=seq(
        tlv(0x31, seq(oid("2.5.4.10"), tlv(12, "turned\u202eround".encode()))),
        tlv(0x31, seq(oid("2.5.4.3"), tlv(12, b"two\nlines\0"))))),
    Row("no-subject", 0, lambda w: w.chain("no-subject", subject="", san=[], add=[
        alternative("DNS:no-subject.localhost", critical=True)])),
    named("no-cn", 0, "DNS:no-cn.localhost", subject="O=Nobody"),
    named("wildcard", 0, "DNS:*.wildcard.localhost", host="a.wildcard.localhost"),
    named("idn", 0, "DNS:xn--mnchen-3ya.localhost", host="xn--mnchen-3ya.localhost"),
    named("capitals", 0, "DNS:CAPITALS.LocalHost"),
    named("underscore", 0, "DNS:under_score.localhost", host="under_score.localhost"),
    named("many-kinds", 0, "URI:https://x.localhost/", "IP:192.0.2.1",
          "DNS:many-kinds.localhost", (0x81, b"a@b.localhost")),
    named("ip", 0, "IP:127.0.0.1", host="127.0.0.1"),
    named("ip6", 0, "IP:::1", host="::1"),
    Row("reversed", 0, lambda w: [w.leaf("reversed"), w.root, w.middle]),
    Row("root-sent", 0, lambda w: [*w.chain("root-sent"), w.root]),
    Row("sent-twice", 0, lambda w: [*w.chain("sent-twice"), w.middle, w.middle]),
    Row("stray-sent", 0, lambda w: [*w.chain("stray-sent"), w.stranger]),
    Row("cross-signed", 0, crossed),
    Row("sha1-root", 0, lambda w: [w.leaf("sha1-root", w.sha1, key=w.keys["rsa"])]),
    Row("long-life", 0, lambda w: w.chain("long-life", days=(-5, 2000))),
    Row("until-2055", 0, lambda w: w.chain("until-2055", dates=(
        time(NOW - DAY), generalized(NOW.replace(year=2055, day=1))))),
    Row("serial-0", 0, lambda w: w.chain("serial-0", serial=0)),
    Row("serial-negative", 0, lambda w: w.chain("serial-negative", serial=-5)),
    Row("serial-long", 0, lambda w: w.chain("serial-long", serial=1 << 200)),
    put("eku-absent", 0, eku=b""),
    put("eku-both", 0, eku=purpose("clientAuth", "serverAuth")),
    put("ku-absent", 0, ku=b""),
    put("no-ski", 0, ski=b""),
    put("no-aki", 0, aki=b""),
    put("leaf-ca", 0, bc=constraints(True)),
    put("leaf-without-bc", 0, bc=b""),
    put("ku-certsign", 0, ku=usage("digitalSignature", "keyCertSign")),
    Row("must-staple", 0, lambda w: w.chain("must-staple", add=[MUST_STAPLE])),
    Row("permitted", 0, constrained("permitted", "DNS:permitted.localhost")),
]

DATES = [
    Row("expired", 10, lambda w: w.chain("expired", days=(-90, -5))),
    Row("expired-now", 10, lambda w: w.chain("expired-now", days=(-90, -1 / 86400))),
    Row("expired-middle", 10, lambda w: w.under("expired-middle", days=(-90, -5))),
    Row("expired-root", 10, lambda w: w.chain("expired-root", w.ended)[:1]),
    Row("future", 9, lambda w: w.chain("future", days=(1, 90))),
    Row("future-far", 9, lambda w: w.chain("future-far", days=(30, 90))),
    Row("future-middle", 9, lambda w: w.under("future-middle", days=(1, 90))),
    Row("future-root", 9, lambda w: w.chain("future-root", w.future)[:1]),
    Row("expired-wrong-name", 62, lambda w: w.chain("expired-wrong-name", days=(-90, -5),
                                                    san=["DNS:other.localhost"])),
    Row("time-malformed", 14, lambda w: w.chain("time-malformed", dates=(
        time(NOW - DAY), tlv(0x17, b"20300101000000Z")))),
]

NAMES = [
    named("wrong-name", 62, "DNS:other.localhost"),
    named("cn-only", 0, subject="CN=cn-only.localhost"),
    named("cn-only-other", 62, subject="CN=other.localhost"),
    named("cn-besides-san", 62, "DNS:other.localhost", subject="CN=cn-besides-san.localhost"),
    named("ip-for-name", 62, "IP:127.0.0.1"),
    named("ip-in-cn", 64, host="127.0.0.1", subject="CN=127.0.0.1"),
    named("ip-in-dns", 64, "DNS:127.0.0.1", host="127.0.0.1"),
    named("ip-wrong", 64, "IP:127.0.0.2", host="127.0.0.1"),
    named("wild-partial", 62, "DNS:f*o.wild.localhost", host="foo.wild.localhost"),
    named("wild-prefix", 0, "DNS:s*.wild.localhost", host="spot.wild.localhost"),
    named("wild-many-labels", 62, "DNS:*.wild.localhost", host="a.b.wild.localhost"),
    named("wild-apex", 62, "DNS:*.wild-apex.localhost"),
    named("wild-top", 62, "DNS:*.localhost"),
    named("wild-star", 62, "DNS:*"),
    named("wild-inner", 62, "DNS:a.*.wild.localhost", host="a.b.wild.localhost"),
    named("wild-idn", 0, "DNS:*.xn--mnchen-3ya.localhost", host="a.xn--mnchen-3ya.localhost"),
    named("nul-in-san", 62, (0x82, b"nul-in-san.localhost\0.evil.localhost")),
    named("u-label", 62, (0x82, "münchen.localhost".encode()),
          host="xn--mnchen-3ya.localhost"),
    named("san-dot", 62, "DNS:san-dot.localhost."),
    named("san-space", 62, "DNS: san-space.localhost"),
    named("san-also-space", 0, "DNS:san-also-space.localhost", "DNS:b c"),
    named("san-also-star", 0, "DNS:*", "DNS:san-also-star.localhost"),
    named("san-also-nul", 0, (0x82, b"a\0b.localhost"), "DNS:san-also-nul.localhost"),
    named("san-also-nothing", 0, "DNS:", "DNS:san-also-nothing.localhost"),
    named("san-only-mail", 0, (0x81, b"a@san-only-mail.localhost"),
          subject="CN=san-only-mail.localhost"),
    Row("san-empty", 0, lambda w: w.chain("san-empty", put={"san": alternative()},
                                           subject="CN=san-empty.localhost")),
]

ISSUERS = [
    Row("self", 18, lambda w: w.alone("self")),
    Row("self-ca", 18, lambda w: w.alone("self-ca", ca=True)),
    Row("self-expired", 18, lambda w: w.alone("self-expired", days=(-90, -5))),
    Row("self-wrong-name", 18, lambda w: w.alone("self-wrong-name",
                                                 san=["DNS:other.localhost"])),
    Row("untrusted-root", 19, lambda w: [*w.chain("untrusted-root", w.strange), w.stranger]),
    Row("untrusted-root-direct", 19, lambda w: w.chain("untrusted-root-direct", w.stranger)),
    Row("untrusted-middle", 20, lambda w: w.chain("untrusted-middle", w.strange)),
    Row("untrusted-leaf", 20, lambda w: w.chain("untrusted-leaf", w.stranger)[:1]),
    Row("untrusted-expired", 20, lambda w: w.chain("untrusted-expired", w.strange,
                                                   days=(-90, -5))),
    Row("untrusted-wrong-name", 20, lambda w: w.chain("untrusted-wrong-name", w.strange,
                                                      san=["DNS:other.localhost"])),
    Row("incomplete", 20, lambda w: w.chain("incomplete")[:1]),
    Row("fake-root", 19, lambda w: fake(w, "fake-root", True)),
    Row("fake-root-no-aki", 7, lambda w: fake(w, "fake-root-no-aki", False)),
    Row("fake-root-unsent", 20, lambda w: fake(w, "fake-root-unsent", True)[:1]),
    Row("other-mitmd", 19, lambda w: w.chain("other-mitmd", w.make.ca(
        "CN=mitmd CA elsewhere 1a2b3c4d", w.keys["ec", "elsewhere"], pathlen=0))),
    Row("own-ca", 20, lambda w: w.chain("own-ca", w.mitmd_ca)[:1]),
    Row("own-ca-sent", 19, lambda w: w.chain("own-ca-sent", w.mitmd_ca)),
    Row("retired-ca", 20, lambda w: w.chain("retired-ca", w.retired_ca)[:1]),
    Row("deep-9", 0, lambda w: deep(w, 9)),
]

SIGNATURES = [
    Row("bad-signature", 7, lambda w: w.chain("bad-signature", spoil=flip)),
    Row("bad-signature-rsa", 7, lambda w: w.chain("bad-signature-rsa", w.rsa, spoil=flip)),
    Row("bad-signature-middle", 7, lambda w: w.under("bad-signature-middle", spoil=flip)),
    Row("sha1", 68, lambda w: w.chain("sha1", digest="sha1")),
    Row("sha1-rsa", 68, lambda w: w.chain("sha1-rsa", w.rsa, digest="sha1")),
    Row("md5", 68, lambda w: w.chain("md5", w.rsa, digest="md5")),
    Row("sha1-middle", 68, lambda w: w.under("sha1-middle", digest="sha1")),
    keyed("rsa1024", 66, "rsa1024"), keyed("rsa768", 66, "rsa768"),
    keyed("rsa512", None, "rsa512"),
    Row("rsa1024-middle", 67, lambda w: w.under("rsa1024-middle", key=w.keys["rsa1024", "ca"])),
    keyed("explicit-curve", 94, "explicit"),
    keyed("p192", None, "p192"),
    keyed("dsa", None, "dsa"),
]

USES = [
    put("eku-any", 26, eku=purpose("any")),
    put("eku-client", 26, eku=purpose("clientAuth")),
    put("eku-code", 26, eku=purpose("codeSigning")),
    put("eku-empty", 26, eku=purpose()),
    put("ku-no-signature", 0, ku=usage("keyAgreement")),
    put("ku-encipher-ec", 0, ku=usage("keyEncipherment")),
    put("ku-encipher-rsa", 0, key="rsa", ku=usage("keyEncipherment")),
    Row("middle-eku", 26, lambda w: w.under("middle-eku", add=[purpose("clientAuth")])),
    Row("middle-eku-any", 26, lambda w: w.under("middle-eku-any", add=[purpose("any")])),
    Row("middle-not-ca", 79, lambda w: w.under("middle-not-ca",
                                               put={"bc": constraints(False)})),
    Row("middle-no-bc", 79, lambda w: w.under("middle-no-bc", put={"bc": b""})),
    Row("middle-no-certsign", 79, lambda w: w.under("middle-no-certsign",
                                                    put={"ku": usage("digitalSignature")})),
    Row("middle-v1", 79, lambda w: w.under("middle-v1", version=1)),
    Row("middle-no-aki", 0, lambda w: w.under("middle-no-aki", put={"aki": b""})),
    Row("leaf-as-ca", 79, lambda w: (lambda up: [w.leaf("leaf-as-ca", up), up, w.middle])(
        w.leaf("issuer", key=w.keys["ec", "odd"]))),
    Row("root-no-certsign", 79, lambda w: w.chain("root-no-certsign", w.mute)[:1]),
    Row("path-length", 25, path_too_long),
    Row("root-path-length", 25, lambda w: w.under("root-path-length", issuer=w.short)),
    Row("not-permitted", 47, constrained("not-permitted", "DNS:other.localhost")),
    Row("excluded", 48, constrained("excluded", excluded=["DNS:excluded.localhost"])),
    Row("excluded-wildcard", 0, constrained("excluded-wildcard",
                                             excluded=["DNS:a.excluded-wildcard.localhost"],
                                             san=["DNS:*.excluded-wildcard.localhost"]),
        host="b.excluded-wildcard.localhost"),
    Row("excluded-ip", 48, constrained("excluded-ip", excluded=[(0x87, bytes(8))],
                                       san=["IP:127.0.0.1"]), host="127.0.0.1"),
    Row("root-not-permitted", 47, lambda w: w.chain("root-not-permitted", w.limited)[:1]),
    Row("critical", 34, lambda w: w.chain("critical", add=[UNKNOWN])),
    Row("critical-root", 34, lambda w: w.chain("critical-root", w.odd)[:1]),
    Row("critical-middle", 34, lambda w: w.under("critical-middle", add=[UNKNOWN])),
    put("aki-wrong", 20, aki=extension("2.5.29.35", seq(tlv(0x80, bytes(20))))),
]

# What no encoder writes.
MANGLED = [
    Row("extension-twice", None, lambda w: w.chain("extension-twice", add=[
        twice("extension-twice.localhost")]), raw=True),
    put("san-malformed", None, raw=True, san=extension("2.5.29.17", MALFORMED)),
    put("san-garbage-behind", 0, san=extension(
        "2.5.29.17", seq(tlv(0x82, b"san-garbage-behind.localhost")) + b"\5\0")),
    put("bc-malformed", None, raw=True, bc=extension("2.5.29.19", MALFORMED, True)),
    put("ku-malformed", None, raw=True, ku=extension("2.5.29.15", b"\3\0", True)),
    put("ku-empty", None, raw=True, ku=usage()),
    put("eku-malformed", None, raw=True, eku=extension("2.5.29.37", MALFORMED)),
    put("aki-malformed", None, raw=True, aki=extension("2.5.29.35", MALFORMED)),
    Row("nc-malformed", 20, lambda w: w.under("nc-malformed", add=[
        extension("2.5.29.30", MALFORMED, True)])),
    Row("aia-malformed", 0, lambda w: w.chain("aia-malformed", add=[
        extension("1.3.6.1.5.5.7.1.1", MALFORMED)])),
    Row("subject-malformed", None, lambda w: w.chain("subject-malformed", subject=seq(
        tlv(0x31, seq(oid("2.5.4.3"), tlv(12, b"\xff\xfe"))))), raw=True),
    Row("behind-extensions", None, lambda w: w.chain("behind-extensions", after=b"\5\0"),
        raw=True),
    Row("behind-certificate", None, lambda w: [w.leaf("x").der + b"garbage", w.middle],
        raw=True),
    Row("cut-certificate", None, lambda w: [w.leaf("x").der[:-20], w.middle], raw=True),
    Row("no-certificate", None, lambda w: [b"\x30\x03\x02\x01\x01"], raw=True),
]

# Each with what is stapled: (status, more arguments of x509.staple)
STAPLED = [
    Row("staple-good", 0, lambda w: w.chain("staple-good"), staple={}),
    Row("staple-must", 0, lambda w: w.chain("staple-must", add=[MUST_STAPLE]), staple={}),
    Row("staple-revoked", 0, lambda w: w.chain("staple-revoked"), staple={"status": "revoked"}),
    Row("staple-unknown", 0, lambda w: w.chain("staple-unknown"), staple={"status": "unknown"}),
    Row("staple-expired", 0, lambda w: w.chain("staple-expired"), staple={"days": (-9, -2)}),
    Row("staple-other", 0, lambda w: w.chain("staple-other"), staple={"about": "another"}),
    Row("staple-bad-signature", 0, lambda w: w.chain("staple-bad-signature"),
        staple={"spoil": flip}),
    Row("staple-revoked-expired", 10, lambda w: w.chain("staple-revoked-expired",
                                                        days=(-90, -5)),
        staple={"status": "revoked"}),
]

# Good for whoever trusts the root, and still from our own key.
OWN = [Row("own-ca-crossed", 0, own_crossed)]

# Too much of everything: not for the table, but for what it costs.
HUGE = [
    Row("sans-10000", None, lambda w: w.chain("sans-10000", san=[
        *(f"DNS:n{i}.sans-10000.localhost" for i in range(9999)), "DNS:sans-10000.localhost"])),
    Row("deep-100", None, lambda w: deep(w, 100)),
]

ROWS = [*GOOD, *DATES, *NAMES, *ISSUERS, *SIGNATURES, *USES, *MANGLED, *STAPLED]
BY_LABEL = {row.label: row for row in ROWS}
assert len(BY_LABEL) == len(ROWS)
