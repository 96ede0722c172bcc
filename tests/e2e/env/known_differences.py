# SPDX-License-Identifier: ISC
"""known_differences.py - where a client says something else through mitmd than alone.

Each with the reason.  A row that is not here is equal for every client; one that
is here and became equal fails its test, so that this list is what is true.
`flipped` clients change between accepting and refusing, `said` ones only their words,
`either` ones do or do not, as they were built.
"""
from typing import NamedTuple

CURL, CURL_K, CURL12 = "curl", "curl -k", "curl --tls-max 1.2"
S_CLIENT = "openssl s_client"
PYTHON, STRICT, NODE = "python", "python strict", "node"
GNUTLS, GIT, GO, JAVA, STATUS = "gnutls-cli", "git", "go", "java", "curl --cert-status"
OPENSSL = {CURL, CURL12, S_CLIENT, PYTHON, STRICT}
EVERYBODY = OPENSSL | {NODE, GNUTLS, GIT, GO, JAVA}


class Known(NamedTuple):
    why: str
    said: set
    flipped: set
    either: set


KNOWN = {}


def known(why, *labels, said=(), flipped=(), either=()):
    for label in labels:
        assert label not in KNOWN, label
        KNOWN[label] = Known(why, set(said), set(flipped), set(either))


# -- verdicts of some clients only ------------------------------------------------------
known("Java does not look at the dates or the constraints of a root it was given",
      "expired-root", "future-root", flipped={JAVA})
known("Java does not look at a root's extensions either", "critical-root", flipped={JAVA})
known("only a public purpose could show it, and those are never signed: a wrong one does for "
      "the clients that refuse, and flips those that do not",
      "eku-any", flipped={GNUTLS, GO, JAVA})
known("the same with no purpose at all", "eku-empty", flipped={GNUTLS, GO})
known("Java checks the purpose of the leaf alone", "middle-eku", flipped={JAVA})
known("Go and Java take `any' in an intermediate", "middle-eku-any", flipped={GO, JAVA})
known("Go and Java do not compare key identifiers; shown as untrusted", "aki-wrong",
      said={NODE}, flipped={GO, JAVA})
known("no names is the nearest to an empty list of names; what the strict mind is shown as a "
      "missing key identifier", "san-empty", said={GO, STRICT})
known("only Go reads it, and reads it strictly", "aia-malformed", flipped={GO})

# -- dates -----------------------------------------------------------------------------------
known("more than 48 hours ahead is never signed: shown as untrusted, with its dates",
      "future-far", said=OPENSSL | {GNUTLS, JAVA})
known("what is no date cannot be copied: shown as untrusted", "time-malformed", said=EVERYBODY)

# -- signatures and keys ----------------------------------------------------------------------
known("Go tells which algorithm failed, and ours is another", "bad-signature",
      "bad-signature-middle", "fake-root-no-aki", said={GO})
known("an ECDSA signature fails in other words than an RSA one", "bad-signature-rsa",
      said={CURL, CURL12, GO})
known("a key under a trusted name: no other root of that name can be shown", "fake-root",
      "fake-root-unsent", said={GO, JAVA})
known("SHA-1 is never signed with our CA's key: it is weak and false at once", "sha1",
      "sha1-rsa", "sha1-middle", said={GNUTLS, NODE, GO}, flipped={JAVA})
known("the same for MD5", "md5", said={GNUTLS, NODE, GO, JAVA})
known("the weak key is our leaf's instead of the issuer's (Debian's Node minds, its makers' "
      "does not)", "rsa1024-middle", said=OPENSSL, either={NODE})
known("no key below 1024 bits is ever used: shown as untrusted", "rsa768",
      said=OPENSSL | {GNUTLS, NODE, JAVA}, flipped={GO})
known("only curl with TLS 1.2 gets so far", "rsa512", said={CURL12})
known("nor one with explicit parameters", "explicit-curve", said=EVERYBODY)

# -- issuers that may not issue --------------------------------------------------------------
NAMES_ISSUER = "the issuer that is none is one of ours, with a key usage that does not sign"
known(NAMES_ISSUER, "middle-not-ca", "middle-no-bc", "middle-v1", said={GNUTLS, NODE, GO, JAVA})
known(NAMES_ISSUER, "middle-no-certsign", "leaf-as-ca", said={GO})
known(NAMES_ISSUER, "root-no-certsign", said={GO, JAVA})
CONSTRAINTS = "no CA of ours below ours: its limits are shown as an issuer that may not issue"
known(CONSTRAINTS, "path-length", "not-permitted", "excluded", "excluded-ip",
      said=OPENSSL | {NODE, GO, JAVA})
known(CONSTRAINTS, "root-path-length", "root-not-permitted", said=OPENSSL | {NODE, GO},
      flipped={JAVA})

# -- names -----------------------------------------------------------------------------
known("not signed for anybody: a name that matches nothing takes its place, and those who tell "
      "names tell that one; Go and Java take the wildcard", "wild-top", said={NODE, GIT},
      flipped={GO, JAVA})
known("the same, and nobody takes it", "wild-star", said={NODE, GO, GIT})
known("the same for what is no name", "nul-in-san", "u-label", "san-space", said={NODE, GO})
known("the same; Java takes a wildcard anywhere", "wild-inner", said={NODE, GO}, flipped={JAVA})
known("what is no name is left out, and GnuTLS reads the rest", "san-also-nothing",
      flipped={GNUTLS, GIT})

# -- staples ---------------------------------------------------------------------------
known("the reason of the revocation is not copied", "staple-revoked", said={STATUS})
known("no staple is copied: an old one is as bad", "staple-other", "staple-bad-signature",
      said={STATUS, GNUTLS})
known("nothing is stapled where the origin's answer is `unknown'", "staple-unknown",
      said={STATUS})

# -- what is no certificate, or hardly one -----------------------------------------------------
LIBCURL = {GNUTLS, GIT}
LAX = "OpenSSL refuses the extension, and so does mitmd: untrusted, also for those who read it"
known(LAX, "extension-twice", said=LIBCURL | {GO, JAVA, CURL12})
known(LAX, "san-malformed", said=LIBCURL | {GO, CURL12}, flipped={JAVA})
known(LAX, "bc-malformed", "ku-malformed", said={GO, JAVA, CURL12}, flipped=LIBCURL)
known(LAX, "ku-empty", said={JAVA, CURL12}, flipped=LIBCURL | {GO})
known(LAX, "eku-malformed", said={GNUTLS, GO, CURL12}, flipped={GIT, JAVA})
known(LAX, "aki-malformed", said={GO, CURL12}, flipped=LIBCURL | {JAVA})
known("the intermediate's extension is not shown: as untrusted", "nc-malformed",
      said={CURL, CURL12, GNUTLS, GO, JAVA, NODE})
known("bytes behind the names are not copied", "san-garbage-behind", flipped=LIBCURL)
UNREAD = "OpenSSL ends the handshake at such a certificate, and the client is told so"
known(UNREAD, "subject-malformed", said=OPENSSL | {CURL_K, GO, NODE}, flipped=LIBCURL | {JAVA})
known(UNREAD, "behind-extensions", said=OPENSSL | LIBCURL | {CURL_K, NODE}, flipped={GO, JAVA})
known(UNREAD, "behind-certificate", "cut-certificate", "no-certificate",
      said=EVERYBODY | {CURL_K})
