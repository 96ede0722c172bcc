#!/bin/sh
# SPDX-License-Identifier: ISC
# Our CA and leafs, judged by other people's programs: openssl must be there;
# python3, certtool, ocsptool and keytool are asked where they are installed.
set -u

make_leafs=./tests/unit/signer/make-leafs
top=$(mktemp -d) || exit 99
trap 'rm -rf "$top"' EXIT INT TERM
failed=0

fail() {
	echo "FAIL: $*"
	failed=1
}

strict() {	# dir leaf option value
	openssl verify -x509_strict -purpose sslserver -CAfile "$1/mitmd-ca-cert.pem" \
	    -no-CApath -no-CAstore "$3" "$4" "$1/$2.pem" >/dev/null || fail "openssl: $2"
}

staple() {	# dir leaf status
	openssl ocsp -respin "$1/$2.ocsp" -issuer "$1/mitmd-ca-cert.pem" -cert "$1/$2.pem" \
	    -CAfile "$1/mitmd-ca-cert.pem" -no-CApath -no-CAstore >"$1/out" 2>&1 ||
	    fail "openssl ocsp: $2"
	grep -q "^Response verify OK" "$1/out" && grep -q "$2.pem: $3\$" "$1/out" ||
	    { cat "$1/out"; fail "openssl ocsp: $2 is not $3"; }
}

l60=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa

with_openssl() {
	strict "$1" ec -verify_hostname localhost
	strict "$1" rsa -verify_hostname localhost
	strict "$1" ip4 -verify_ip 127.0.0.1
	strict "$1" ip6 -verify_ip ::1
	strict "$1" long -verify_hostname "$l60.$l60.example.com"
	strict "$1" underscore -verify_hostname _a_b.example.com
	strict "$1" idn -verify_hostname xn--bcher-kva.example
	strict "$1" many -verify_hostname h299.example.com
	staple "$1" ec good
	staple "$1" rsa revoked
	openssl verify -x509_strict -CAfile "$1/mitmd-ca-cert.pem" -no-CApath -no-CAstore \
	    -verify_hostname other.test "$1/ec.pem" >/dev/null 2>&1 && fail "any name verifies"
	openssl x509 -inform DER -in "$1/mitmd-ca-cert.cer" -noout || fail "cer"
	openssl pkcs12 -in "$1/mitmd-ca-cert.p12" -passin pass:changeit -nokeys -out "$1/p12.pem" ||
	    fail "p12"
	[ "$(openssl x509 -in "$1/p12.pem" -noout -fingerprint)" = \
	    "$(openssl x509 -in "$1/mitmd-ca-cert.pem" -noout -fingerprint)" ] || fail "p12 content"
	grep -q PRIVATE "$1/mitmd-ca-cert.pem" "$1/mitmd-ca-bundle.pem" "$1/mitmd-ca-cert.cer" &&
	    fail "a key in a public file"
	[ "$(stat -c %a "$1/mitmd-ca.pem")" = 600 ] || fail "mode of the key"
}

with_certtool() {
	for leaf in ec rsa ip4 ip6 long underscore idn many; do
		{ sed '/PRIVATE/,/PRIVATE/d' "$1/$leaf.pem"; cat "$1/mitmd-ca-cert.pem"; } >"$1/chain.pem"
		certtool --verify --load-ca-certificate "$1/mitmd-ca-cert.pem" \
		    --verify-purpose 1.3.6.1.5.5.7.3.1 --infile "$1/chain.pem" >"$1/out" 2>&1 ||
		    { cat "$1/out"; fail "certtool: $leaf"; }
	done
}

with_ocsptool() {
	for leaf in ec rsa; do
		sed '/PRIVATE/,/PRIVATE/d' "$1/$leaf.pem" >"$1/cert.pem"
		ocsptool --verify-response --load-response "$1/$leaf.ocsp" \
		    --load-cert "$1/cert.pem" --load-issuer "$1/mitmd-ca-cert.pem" \
		    --load-trust "$1/mitmd-ca-cert.pem" >"$1/out" 2>&1 ||
		    { cat "$1/out"; fail "ocsptool: $leaf"; }
	done
}

with_keytool() {
	for form in jks p12; do
		keytool -list -keystore "$1/mitmd-ca-cert.$form" -storepass changeit \
		    >"$1/out" 2>/dev/null || fail "keytool: $form"
		grep -qi trustedCertEntry "$1/out" || fail "keytool: no trusted entry in $form"
	done
}

with_python() {
	python3 - "$1" <<'EOF' || fail "python"
import socket, ssl, sys, threading

def handshake(ca, leaf, name, tls12):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(leaf)
    client = ssl.create_default_context(cafile=ca)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    if tls12:
        client.maximum_version = ssl.TLSVersion.TLSv1_2
    a, b = socket.socketpair()
    a.settimeout(10)
    b.settimeout(10)
    def serve():
        try:
            server.wrap_socket(a, server_side=True).recv(1)
        except OSError:
            pass
    t = threading.Thread(target=serve)
    t.start()
    try:
        with client.wrap_socket(b, server_hostname=name) as s:
            s.send(b"x")
    finally:
        t.join()

d = sys.argv[1]
for leaf, name in (("ec", "localhost"), ("rsa", "localhost"), ("ip4", "127.0.0.1"),
                   ("ip6", "::1"), ("many", "h299.example.com")):
    for tls12 in (False, True):
        handshake(d + "/mitmd-ca-cert.pem", f"{d}/{leaf}.pem", name, tls12)
try:
    handshake(d + "/mitmd-ca-cert.pem", d + "/ec.pem", "other.test", False)
except ssl.SSLCertVerificationError:
    sys.exit(0)
sys.exit("a wrong name was accepted")
EOF
}

command -v openssl >/dev/null || { echo "no openssl"; exit 77; }
for kind in ec rsa; do
	dir=$top/$kind
	$make_leafs "$dir" $([ $kind = rsa ] && echo rsa) || { fail "make-leafs $kind"; continue; }
	with_openssl "$dir"
	for program in certtool ocsptool keytool python3; do
		if command -v $program >/dev/null; then
			with_${program%3} "$dir"
		else
			echo "$program is not installed: not asked"
		fi
	done
done
[ $failed = 0 ] && echo "all verified"
exit $failed
