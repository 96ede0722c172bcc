/* SPDX-License-Identifier: ISC */
/*
 * test_h1_strict.c - what a hostile or broken peer may send, and what the
 * parser library alone would let through.  One row, one payload.
 */
#include "config.h"

#include <stdio.h>

#include "base/err.h"
#include "suites.h"
#include "trace.h"

#define HOST "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

struct row {
	const char *name;
	struct str bytes;
	unsigned status;	/* 0: accepted */
	const char *text;	/* of the error, or something the trace shows */
};

#define CR_ALONE "a CR that no LF follows"
#define LF_ALONE "a line that ends with LF alone"
#define NAME "the name of a field is not a token"
#define SPACE "space before the colon of a field"
#define CONTROL "a control byte in the value of a field"
#define NOT_CHUNKED "a Transfer-Encoding other than chunked"
#define BAD_LENGTH "Content-Length is not a plain number"
#define BOTH "both Content-Length and Transfer-Encoding"
#define REQUEST_LINE "the request line is not method, target, version"
#define TARGET_BYTE "a byte in the request target that is not printable ASCII"
#define NO_URL "the request target is neither a path nor an http or https URL"
#define AFTER_SIZE "something other than CRLF behind a chunk size"
#define AFTER_DATA "no CRLF behind the data of a chunk"
#define PORT "the port is not a number from 1 to 65535"

static const struct row REQUESTS[] = {
    {"space before colon", STR(GET "Foo : x\r\n\r\n"), 400, SPACE},
    {"space before colon, TE", STR(POST "Transfer-Encoding : chunked\r\n\r\n"), 400, SPACE},
    {"space before colon, CL", STR(POST "Content-Length : 1\r\n\r\nx"), 400, SPACE},
    {"tab before colon", STR(GET "Foo\t: x\r\n\r\n"), 400, SPACE},
    {"space in name", STR(GET "Foo Bar: x\r\n\r\n"), 400, NAME},
    {"bare LF in field", STR(GET "X: y\n\r\n"), 400, LF_ALONE},
    {"bare LF in request line", STR("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400, LF_ALONE},
    {"bare LF ends head", STR(GET "\n"), 400, LF_ALONE},
    {"bare CR in field", STR(GET "X: y\rZ: z\r\n\r\n"), 400, CR_ALONE},
    {"CR CR LF", STR(GET "X: y\r\r\n\r\n"), 400, CR_ALONE},
    {"head ends CRLF CR Z", STR(GET "\rZ" GET "\r\n"), 400, CR_ALONE},
    {"chunk size CR X", STR(CHUNKED "1\rXa\r\n0\r\n\r\n"), 400,
	"no LF behind the CR of a chunk size"},
    {"chunk size bare LF", STR(CHUNKED "1\na\r\n0\r\n\r\n"), 400, AFTER_SIZE},
    {"chunk data ends XX", STR(CHUNKED "1\r\naXX0\r\n\r\n"), 400, AFTER_DATA},
    {"chunk data ends CR X", STR(CHUNKED "1\r\na\rX0\r\n\r\n"), 400, AFTER_DATA},
    {"chunk data ends LF", STR(CHUNKED "1\r\na\n0\r\n\r\n"), 400, AFTER_DATA},
    {"chunk size CR CR ext", STR(CHUNKED "2\r\r;a\r\n0\r\n\r\n"), 400,
	"no LF behind the CR of a chunk size"},
    {"chunk size space junk", STR(CHUNKED "1 foo\r\na\r\n0\r\n\r\n"), 400, AFTER_SIZE},
    {"chunk size trailing space", STR(CHUNKED "1 \r\na\r\n0\r\n\r\n"), 400, AFTER_SIZE},
    {"chunk size leading space", STR(CHUNKED " 1\r\na\r\n0\r\n\r\n"), 400,
	"a chunk size that is not a number"},
    {"chunk size 0x", STR(CHUNKED "0x1\r\na\r\n0\r\n\r\n"), 400, AFTER_SIZE},
    {"chunk size sign", STR(CHUNKED "+1\r\na\r\n0\r\n\r\n"), 400,
	"a chunk size that is not a number"},
    {"chunk size empty", STR(CHUNKED "\r\n\r\n"), 400, "a chunk size that is not a number"},
    {"chunk size 17 digits", STR(CHUNKED "00000000000000001\r\na\r\n0\r\n\r\n"), 400,
	"a chunk size that is too large"},
    {"chunk size 2^63", STR(CHUNKED "8000000000000000\r\n"), 400,
	"a chunk size that is too large"},
    {"chunk size 2^64", STR(CHUNKED "ffffffffffffffff\r\n"), 400,
	"a chunk size that is too large"},
    {"chunk size 16 digits", STR(CHUNKED "000000000000000A\r\n0123456789\r\n0\r\n\r\n"), 0,
	"body 10 [0123456789]"},
    {"chunk ext control", STR(CHUNKED "1;a\001\r\na\r\n0\r\n\r\n"), 400,
	"a control byte in a chunk extension"},
    {"chunk ext", STR(CHUNKED "1;a=\"b c\"\r\na\r\n0;x\r\n\r\n"), 0, "body 1 [a]"},
    {"obs-fold", STR(GET "X: a\r\n b\r\n\r\n"), 400, "a folded field line"},
    {"obs-fold TE", STR(POST "Transfer-Encoding:\r\n chunked\r\n\r\n"), 400,
	"a folded field line"},
    {"obs-fold CL", STR(POST "Content-Length:\r\n\t1\r\n\r\nx"), 400, "a folded field line"},
    {"fold behind request line", STR("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400,
	"a folded field line"},
    {"TE identity, chunked", STR(POST "Transfer-Encoding: identity, chunked\r\n\r\n"), 400,
	NOT_CHUNKED},
    {"TE gzip, chunked", STR(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 400,
	NOT_CHUNKED},
    {"TE chunked twice",
	STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
	"more than one Transfer-Encoding field"},
    {"TE in HTTP/1.0", STR("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
	400, "Transfer-Encoding in an HTTP/1.0 request"},
    {"TE ,chunked", STR(POST "Transfer-Encoding: ,chunked\r\n\r\n"), 400, NOT_CHUNKED},
    {"TE chunked,", STR(POST "Transfer-Encoding: chunked,\r\n\r\n"), 400, NOT_CHUNKED},
    {"TE xchunked", STR(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501, NOT_CHUNKED},
    {"TE gzip", STR(POST "Transfer-Encoding: gzip\r\n\r\n"), 501, NOT_CHUNKED},
    {"TE identity", STR(POST "Transfer-Encoding: identity\r\n\r\n"), 501, NOT_CHUNKED},
    {"TE quoted", STR(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 400, NOT_CHUNKED},
    {"TE VT", STR(POST "Transfer-Encoding: \vchunked\r\n\r\n"), 400, CONTROL},
    {"TE FF", STR(POST "Transfer-Encoding: chunked\f\r\n\r\n"), 400, CONTROL},
    {"TE 0xA0",
	STR(POST "Transfer-Encoding: \xa0"
		 "chunked\r\n\r\n"),
	400, NOT_CHUNKED},
    {"TE ;q=1", STR(POST "Transfer-Encoding: chunked;q=1\r\n\r\n"), 400, NOT_CHUNKED},
    {"TE chunked, identity", STR(POST "Transfer-Encoding: chunked, identity\r\n\r\n"), 400,
	NOT_CHUNKED},
    {"TE empty", STR(POST "Transfer-Encoding:\r\n\r\n"), 400, NOT_CHUNKED},
    {"TE case", STR(POST "transfer-encoding: ChUnKeD\r\n\r\n0\r\n\r\n"), 0, " chunked keep"},
    {"TE prefix of a name",
	STR(POST "Transfer-Encoding-X: chunked\r\nContent-Length: 1\r\n\r\nx"), 0,
	"body 1 [x]"},
    {"CL prefix of a name", STR(POST "Content-Length-X: 9\r\nContent-Length: 1\r\n\r\nx"), 0,
	"body 1 [x]"},
    {"TE tab", STR(POST "Transfer-Encoding:\tchunked \r\n\r\n0\r\n\r\n"), 0, " chunked keep"},
    {"CL and TE", STR(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	400, BOTH},
    {"TE and CL", STR(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
	400, BOTH},
    {"CL twice, equal", STR(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"), 400,
	"more than one Content-Length field"},
    {"CL twice", STR(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), 400,
	"more than one Content-Length field"},
    {"CL +1", STR(POST "Content-Length: +1\r\n\r\nx"), 400, BAD_LENGTH},
    {"CL -1", STR(POST "Content-Length: -1\r\n\r\nx"), 400, BAD_LENGTH},
    {"CL 0x1", STR(POST "Content-Length: 0x1\r\n\r\nx"), 400, BAD_LENGTH},
    {"CL 1_0", STR(POST "Content-Length: 1_0\r\n\r\nx"), 400, BAD_LENGTH},
    {"CL 1Z", STR(POST "Content-Length: 1Z\r\n\r\nx"), 400, BAD_LENGTH},
    {"CL 1 2", STR(POST "Content-Length: 1 2\r\n\r\nx"), 400, BAD_LENGTH},
    {"CL 1,1", STR(POST "Content-Length: 1,1\r\n\r\nx"), 400, BAD_LENGTH},
    {"CL empty", STR(POST "Content-Length:\r\n\r\nx"), 400, BAD_LENGTH},
    {"CL 2^64", STR(POST "Content-Length: 18446744073709551616\r\n\r\n"), 400, BAD_LENGTH},
    {"CL 2^63", STR(POST "Content-Length: 9223372036854775808\r\n\r\n"), 400, BAD_LENGTH},
    {"CL 2^63-1", STR(POST "Content-Length: 9223372036854775807\r\n\r\n"), 0,
	"length=9223372036854775807"},
    {"CL 010", STR(POST "Content-Length: 010\r\n\r\n0123456789"), 400, BAD_LENGTH},
    {"CL 00", STR(POST "Content-Length: 00\r\n\r\n"), 400, BAD_LENGTH},
    {"CL 0", STR(POST "Content-Length: 0\r\n\r\n"), 0, "length=0 keep"},
    {"NUL in value", STR(GET "X: a\0b\r\n\r\n"), 400, CONTROL},
    {"CTL in value", STR(GET "X: a\001b\r\n\r\n"), 400, CONTROL},
    {"DEL in value", STR(GET "X: a\177b\r\n\r\n"), 400, CONTROL},
    {"obs-text in value",
	STR(GET "X: a\xff\x80"
		"b\r\n\r\n"),
	0,
	"<X=a\xff\x80"
	"b>"},
    {"tab in value", STR(GET "X: a\tb\r\n\r\n"), 0, "<X=a\tb>"},
    {"NUL in name", STR(GET "X\0Y: a\r\n\r\n"), 400, NAME},
    {"0x85 in name", STR(GET "X\x85: a\r\n\r\n"), 400, NAME},
    {"brackets in name", STR(GET "X[]: a\r\n\r\n"), 400, NAME},
    {"empty name", STR(GET ": a\r\n\r\n"), 400, "a field without a name"},
    {"no colon", STR(GET "X\r\n\r\n"), 400, "a field line without a colon"},
    {"all token bytes", STR(GET "!#$%&'*+-.^_`|~09azAZ: a\r\n\r\n"), 0,
	"<!#$%&'*+-.^_`|~09azAZ=a>"},
    {"no Host", STR("GET / HTTP/1.1\r\nX: y\r\n\r\n"), 400, "the Host field is missing"},
    {"no field at all", STR("GET / HTTP/1.1\r\n\r\n"), 400, "the Host field is missing"},
    {"two Hosts", STR(GET "Host: b\r\n\r\n"), 400, "more than one Host field"},
    {"two equal Hosts", STR(GET "host: a\r\n\r\n"), 400, "more than one Host field"},
    {"two Hosts, absolute", STR("GET http://a/ HTTP/1.1\r\n" HOST HOST "\r\n"), 400,
	"more than one Host field"},
    {"empty Host", STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400, "the Host field is empty"},
    {"Host with path", STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400,
	"the host is neither a name nor an address"},
    {"Host with userinfo", STR("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400,
	"user information in the authority"},
    {"Host with two names", STR("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400,
	"the host is neither a name nor an address"},
    {"Host with bad port", STR("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n"), 400, PORT},
    {"HTTP/1.0 without Host", STR("GET / HTTP/1.0\r\n\r\n"), 0, "authority= path=/ HTTP/1.0"},
    {"HTTP/1.0 with two Hosts", STR("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), 400,
	"more than one Host field"},
    {"absolute-form wins", STR("GET http://b:81/x HTTP/1.1\r\n" HOST "\r\n"), 0,
	"scheme=http authority=b:81 path=/x"},
    {"absolute-form https", STR("GET HTTPS://b/x?y HTTP/1.1\r\n" HOST "\r\n"), 0,
	"scheme=https authority=b path=/x?y"},
    {"absolute-form, empty Host", STR("GET http://b HTTP/1.1\r\nHost:\r\n\r\n"), 0,
	"authority=b path=/ "},
    {"absolute-form, no Host", STR("GET http://b HTTP/1.1\r\n\r\n"), 400,
	"the Host field is missing"},
    {"absolute-form, query only", STR("GET http://b?x=1 HTTP/1.1\r\n" HOST "\r\n"), 0,
	"authority=b path=/?x=1 "},
    {"OPTIONS without path", STR("OPTIONS http://b HTTP/1.1\r\n" HOST "\r\n"), 0,
	"authority=b path=* "},
    {"OPTIONS *", STR("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 0,
	"target=* form=3 scheme= authority=a path=*"},
    {"GET *", STR("GET * HTTP/1.1\r\n" HOST "\r\n"), 400, NO_URL},
    {"authority-form for GET", STR("GET a:80 HTTP/1.1\r\n" HOST "\r\n"), 400, NO_URL},
    {"ftp URL", STR("GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n"), 400, NO_URL},
    {"absolute-form, no host", STR("GET http:///x HTTP/1.1\r\n" HOST "\r\n"), 400,
	"the host is empty"},
    {"HTTP/9.9", STR("GET / HTTP/9.9\r\n" HOST "\r\n"), 505,
	"an HTTP version other than 1.0 and 1.1"},
    {"HTTP/2.0", STR("GET / HTTP/2.0\r\n" HOST "\r\n"), 505,
	"an HTTP version other than 1.0 and 1.1"},
    {"HTTP/1.2", STR("GET / HTTP/1.2\r\n" HOST "\r\n"), 505,
	"an HTTP version other than 1.0 and 1.1"},
    {"HTTP/2 preface", STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505,
	"an HTTP version other than 1.0 and 1.1"},
    {"HTTP/0.9", STR("GET /\r\n"), 400, REQUEST_LINE},
    {"HTTP/0.9 with space", STR("GET / \r\n"), 400, "the HTTP version is malformed"},
    {"HTTP/1.10", STR("GET / HTTP/1.10\r\n" HOST "\r\n"), 400, "the HTTP version is malformed"},
    {"HTTP/1", STR("GET / HTTP/1\r\n" HOST "\r\n"), 400, "the HTTP version is malformed"},
    {"http/1.1", STR("GET / http/1.1\r\n" HOST "\r\n"), 400, "the HTTP version is malformed"},
    {"HXXP/1.1", STR("GET / HXXP/1.1\r\n" HOST "\r\n"), 400, "the HTTP version is malformed"},
    {"HTQQ/1.1", STR("GET / HTQQ/1.1\r\n" HOST "\r\n"), 400, "the HTTP version is malformed"},
    {"two spaces before target", STR("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400, REQUEST_LINE},
    {"two spaces behind target", STR("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400, REQUEST_LINE},
    {"space in target", STR("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400, REQUEST_LINE},
    {"space behind version", STR("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400, REQUEST_LINE},
    {"leading space", STR(" GET / HTTP/1.1\r\n" HOST "\r\n"), 400, "the method is not a token"},
    {"tab in target", STR("GET /\tx HTTP/1.1\r\n" HOST "\r\n"), 400, TARGET_BYTE},
    {"FF in target", STR("GET /\fx HTTP/1.1\r\n" HOST "\r\n"), 400, TARGET_BYTE},
    {"0x80 in target", STR("GET /\x80 HTTP/1.1\r\n" HOST "\r\n"), 400, TARGET_BYTE},
    {"NUL in target", STR("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), 400, TARGET_BYTE},
    {"DEL in target", STR("GET /\177 HTTP/1.1\r\n" HOST "\r\n"), 400, TARGET_BYTE},
    {"fragment", STR("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), 400,
	"a fragment in the request target"},
    {"userinfo", STR("GET http://u:p@a/ HTTP/1.1\r\n" HOST "\r\n"), 400,
	"user information in the authority"},
    {"odd but printable target", STR("GET /\"<>\\^`{|}[]@:? HTTP/1.1\r\n" HOST "\r\n"), 0,
	"path=/\"<>\\^`{|}[]@:? "},
    {"method FOO", STR("FOO /x HTTP/1.1\r\n" HOST "\r\n"), 0, "FOO target=/x"},
    {"method lowercase", STR("get /x HTTP/1.1\r\n" HOST "\r\n"), 0, "get target=/x"},
    {"method with body", STR("FOO /x HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"), 0,
	"body 2 [hi]"},
    {"method with chunks",
	STR("m-x!y /x HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
	0, "body 1 [x]"},
    {"method not a token", STR("G(T / HTTP/1.1\r\n" HOST "\r\n"), 400,
	"the method is not a token"},
    {"CONNECT path", STR("CONNECT /foo HTTP/1.1\r\n" HOST "\r\n"), 400, "the port is missing"},
    {"CONNECT URL", STR("CONNECT http://h:443/ HTTP/1.1\r\n" HOST "\r\n"), 400, PORT},
    {"CONNECT userinfo", STR("CONNECT u:p@h:443 HTTP/1.1\r\n" HOST "\r\n"), 400,
	"user information in the authority"},
    {"CONNECT port 99999", STR("CONNECT h:99999 HTTP/1.1\r\n" HOST "\r\n"), 400, PORT},
    {"CONNECT port 0", STR("CONNECT h:0 HTTP/1.1\r\n" HOST "\r\n"), 400, PORT},
    {"CONNECT no port", STR("CONNECT h HTTP/1.1\r\n" HOST "\r\n"), 400, "the port is missing"},
    {"CONNECT *", STR("CONNECT * HTTP/1.1\r\n" HOST "\r\n"), 400, "the port is missing"},
    {"CONNECT fragment", STR("CONNECT h:443#x HTTP/1.1\r\n" HOST "\r\n"), 400,
	"a fragment in the request target"},
    {"CONNECT with CL", STR("CONNECT h:443 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"),
	400, "a CONNECT request with content"},
    {"CONNECT with CL 0", STR("CONNECT h:443 HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"),
	400, "a CONNECT request with content"},
    {"CONNECT with TE",
	STR("CONNECT h:443 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), 400,
	"a CONNECT request with content"},
    {"CONNECT, other Host", STR("CONNECT h:443 HTTP/1.1\r\n" HOST "\r\n"), 0,
	"authority=h:443"},
    {"CONNECT, no Host", STR("CONNECT h:443 HTTP/1.1\r\n\r\n"), 0, "authority=h:443"},
    {"CONNECT HTTP/1.0", STR("CONNECT h:443 HTTP/1.0\r\n\r\n"), 0, "authority=h:443"},
    {"CONNECT IPv6", STR("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n\r\n"), 0,
	"authority=[2001:db8::1]:8443"},
    {"CONNECT, two Hosts", STR("CONNECT h:443 HTTP/1.1\r\n" HOST HOST "\r\n"), 400,
	"more than one Host field"},
    {"trailers stay apart",
	STR(CHUNKED "0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\n"
		    "Authorization: c\r\n\r\n"),
	0,
	"trailer<Content-Length=9> trailer<Transfer-Encoding=x> trailer<Host=b> "
	"trailer<Authorization=c>"},
    {"trailer space before colon", STR(CHUNKED "0\r\nX : y\r\n\r\n"), 400, SPACE},
    {"trailer bare LF", STR(CHUNKED "0\r\nX: y\n\r\n"), 400, LF_ALONE},
    {"trailer fold", STR(CHUNKED "0\r\nX: y\r\n z\r\n\r\n"), 400, "a folded field line"},
    {"trailers end CR X", STR(CHUNKED "0\r\n\rX\n"), 400, CR_ALONE},
    {"two leading CRLFs", STR("\r\n\r\n" GET "\r\n"), 0, "head=27 body=0 wire=31"},
    {"three leading CRLFs", STR("\r\n\r\n\r\n" GET "\r\n"), 400,
	"too many empty lines before a request"},
    {"leading LF", STR("\n" GET "\r\n"), 400, LF_ALONE},
    {"keep-alive, close", STR(GET "Connection: keep-alive, close\r\n\r\n"), 0,
	"length=0 <Host=a>"},
    {"close, keep-alive", STR(GET "Connection: close\r\nConnection: keep-alive\r\n\r\n"), 0,
	"length=0 <Host=a>"},
    {"HTTP/1.0 keep-alive", STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), 0,
	"length=0 keep"},
    {"HTTP/1.0 Proxy-Connection",
	STR("GET http://a/ HTTP/1.0\r\nProxy-Connection: Keep-Alive\r\n\r\n"), 0,
	"length=0 keep"},
    {"HTTP/1.0", STR("GET / HTTP/1.0\r\nX: keep-alive\r\n\r\n"), 0, "length=0 <X"},
    {"expect", STR(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"), 0,
	" body keep expect"},
    {"expect in HTTP/1.0", STR("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), 0,
	"length=0 <Expect"},
    {"upgrade", STR(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), 0,
	"keep upgrade"},
    {"upgrade with body",
	STR(POST "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\nhi"), 0,
	"keep upgrade"},
    {"upgrade to HTTP/2 is none",
	STR(GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"), 0,
	"keep <Host"},
    {"upgrade to HTTP/2 among others",
	STR(GET "Connection: Upgrade\r\nUpgrade: websocket, H2C\r\n\r\n"), 0, "keep <Host"},
    {"upgrade not named", STR(GET "Upgrade: websocket\r\n\r\n"), 0, "keep <Host=a> <Upgrade"},
    {"TLS instead of HTTP", STR("\026\003\001\002\000\001\000\001\374\003\003\n"), 400,
	LF_ALONE},
    {"ssh instead of HTTP", STR("SSH-2.0-OpenSSH_9.2\r\n"), 400, REQUEST_LINE},
};

static const struct row RESPONSES[] = {
    {"space before colon", STR(OK "Foo : x\r\n\r\n"), 502, SPACE},
    {"space in name", STR(OK "Foo Bar: x\r\n\r\n"), 502, NAME},
    {"bare LF", STR("HTTP/1.1 200 OK\nX: y\n\n"), 502, LF_ALONE},
    {"obs-fold", STR(OK "X: a\r\n \tb\r\n c\r\nContent-Length: 0\r\n\r\n"), 0, "<X=a b c>"},
    {"obs-fold TE", STR(OK "Transfer-Encoding:\r\n chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), 0,
	"body 1 [x]"},
    {"fold behind status line", STR(OK " X: y\r\n\r\n"), 502,
	"white space before the first field"},
    {"control in fold", STR(OK "X: a\r\n b\001\r\n\r\n"), 502, CONTROL},
    {"CL twice, equal", STR(OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"), 0,
	"body 2 [hi]"},
    {"CL list, equal", STR(OK "Content-Length: 2, 2\r\n\r\nhi"), 0, "body 2 [hi]"},
    {"CL twice", STR(OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi"), 502,
	"different Content-Length values"},
    {"CL list, last one bad", STR(OK "Content-Length: 2, x\r\n\r\nhi"), 502, BAD_LENGTH},
    {"CL empty", STR(OK "Content-Length: \r\n\r\n"), 502, BAD_LENGTH},
    {"CL 010", STR(OK "Content-Length: 010\r\n\r\n0123456789"), 502, BAD_LENGTH},
    {"CL and TE", STR(OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	502, BOTH},
    {"204 with CL",
	STR("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n" OK "Content-Length: 0"
	    "\r\n\r\n"),
	0, "end head=38 body=0 wire=38 keep\n200"},
    {"304 with CL",
	STR("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n" OK "Content-Length: 0"
	    "\r\n\r\n"),
	0, "304 reason=No HTTP/1.1 length=5 keep"},
    {"204 with TE",
	STR("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n" OK "Content-Length: 0"
	    "\r\n\r\n"),
	0, "keep\n200"},
    {"1xx", STR("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" OK "Content-Length: 1\r\n\r\nx"), 0,
	"103 reason=Early HTTP/1.1 length=-1 keep <Link=x>\nend"},
    {"TE chunked, gzip", STR(OK "Transfer-Encoding: chunked, gzip\r\n\r\n1\r\nx"), 0,
	"length=-1 body until_close <"},
    {"TE unknown", STR(OK "Transfer-Encoding: foo\r\n\r\nx"), 0,
	"length=-1 body until_close <"},
    {"TE gzip, chunked", STR(OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 502,
	"chunked on top of another Transfer-Encoding"},
    {"TE twice", STR(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	502, "more than one chunked Transfer-Encoding"},
    {"TE empty", STR(OK "Transfer-Encoding: ,\r\n\r\n"), 502, "Transfer-Encoding is empty"},
    {"TE in HTTP/1.0",
	STR("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\n\r\n"),
	0, "body chunked <"},
    {"status 99", STR("HTTP/1.1 99 No\r\n\r\n"), 502,
	"the status is not a number from 100 to 999"},
    {"status 099", STR("HTTP/1.1 099 No\r\n\r\n"), 502,
	"the status is not a number from 100 to 999"},
    {"status 1000", STR("HTTP/1.1 1000 No\r\n\r\n"), 502,
	"the status is not a number from 100 to 999"},
    {"status 2x0", STR("HTTP/1.1 2x0 No\r\n\r\n"), 502,
	"the status is not a number from 100 to 999"},
    {"status missing", STR("HTTP/1.1\r\n\r\n"), 502,
	"the status is not a number from 100 to 999"},
    {"two spaces before status", STR("HTTP/1.1  200 OK\r\n\r\n"), 502,
	"the status is not a number from 100 to 999"},
    {"status 999", STR("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"), 0, "999 reason=Odd"},
    {"no reason", STR("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), 0, "200 reason= HTTP"},
    {"no reason, no space", STR("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), 0,
	"200 reason= HTTP"},
    {"control in reason", STR("HTTP/1.1 200 O\001K\r\n\r\n"), 502,
	"a control byte in the reason phrase"},
    {"obs-text in reason", STR("HTTP/1.1 200 \xe9\r\nContent-Length: 0\r\n\r\n"), 0,
	"200 reason=\xe9"},
    {"HTTP/2.0", STR("HTTP/2.0 200 OK\r\n\r\n"), 502, "an HTTP version other than 1.0 and 1.1"},
    {"ICY", STR("ICY 200 OK\r\n\r\n"), 502, "the HTTP version is malformed"},
    {"leading CRLF", STR("\r\n" OK "\r\n"), 502, "an empty line before the status line"},
    {"keep-alive, close", STR(OK "Connection: keep-alive, close\r\nContent-Length: 0\r\n\r\n"),
	0, "length=0 <"},
    {"chunk size padded", STR(OK "Transfer-Encoding: chunked\r\n\r\n1  \r\nx\r\n0\r\n\r\n"),
	502, AFTER_SIZE},
    {"NUL in value", STR(OK "X: a\0b\r\n\r\n"), 502, CONTROL},
    {"no colon", STR(OK "X\r\n\r\n"), 502, "a field line without a colon"},
};

/* http.relaxed: what real origins need. */
static const struct row RELAXED[] = {
    {"bare LF", STR("HTTP/1.1 200 OK\nX: y\nContent-Length: 2\n\nhi"), 0, "body 2 [hi]"},
    {"CL and TE",
	STR(OK "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), 0,
	"length=-1 body chunked <Content-Length=9>"},
    {"TE foo and CL", STR(OK "Transfer-Encoding: foo\r\nContent-Length: 1\r\n\r\nxyz"), 0,
	"until_close <"},
    {"TE twice",
	STR(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 0,
	"body chunked keep"},
    {"bad name dropped", STR(OK "Bad Name: x\r\nContent-Length: 2\r\n\r\nhi"), 0,
	"keep <Content-Length=2>"},
    {"fold of a dropped field",
	STR(OK "A: b\r\nBad Name: x\r\n y\r\nContent-Length: 0\r\n\r\n"), 0,
	"keep <A=b> <Content-Length=0>"},
    {"no colon dropped", STR(OK "junk\r\nContent-Length: 2\r\n\r\nhi"), 0,
	"keep <Content-Length=2>"},
    {"space before colon dropped", STR(OK "Foo : x\r\nContent-Length: 2\r\n\r\nhi"), 0,
	"keep <Content-Length=2>"},
    {"framing is not dropped", STR(OK "Content-Length : 2\r\n\r\nhi"), 502, SPACE},
    {"framing is not dropped, TE", STR(OK "transfer-encoding : chunked\r\n\r\n0\r\n\r\n"), 502,
	SPACE},
    {"leading CRLF", STR("\r\n" OK "Content-Length: 0\r\n\r\n"), 0, "head=38 body=0 wire=40"},
    {"chunk size padded", STR(OK "Transfer-Encoding: chunked\r\n\r\n1  \r\nx\r\n0\r\n\r\n"), 0,
	"body 1 [x]"},
    {"chunk size padded by tab",
	STR(OK "Transfer-Encoding: chunked\r\n\r\n1\t\r\nx\r\n0\r\n\r\n"), 502, AFTER_SIZE},
    {"chunk size junk", STR(OK "Transfer-Encoding: chunked\r\n\r\n1 x\r\nx\r\n0\r\n\r\n"), 502,
	AFTER_SIZE},
    {"control in value", STR(OK "X: a\001\r\n\r\n"), 502, CONTROL},
    {"CL 010", STR(OK "Content-Length: 010\r\n\r\n"), 502, BAD_LENGTH},
};

static void
check_row(const struct row *row, enum h1_role role, bool relaxed)
{
	struct trace t = {.role = role, .limits = TRACE_LIMITS};
	const char *text;

	t.limits.relaxed = relaxed;
	trace_run(&t, row->bytes);
	text = (const char *)buf_data(&t.text);
	ck_assert_msg(t.error.status == row->status, "%s: %s", row->name, text);
	ck_assert_msg((t.err != 0) == (row->status != 0), "%s: %s", row->name, text);
	if (row->status != 0)
		ck_assert_msg(strcmp(t.error.text, row->text) == 0, "%s: %s", row->name, text);
	else if (row->text != NULL)
		ck_assert_msg(strstr(text, row->text) != NULL, "%s: %s", row->name, text);
	ck_assert_msg((t.state == H1_FAILED) == (row->status != 0), "%s: state", row->name);
	trace_free(&t);
}

START_TEST(requests)
{
	check_row(&REQUESTS[_i], H1_REQUESTS, false);
}
END_TEST

START_TEST(responses)
{
	check_row(&RESPONSES[_i], H1_RESPONSES, false);
}
END_TEST

START_TEST(relaxed_responses)
{
	check_row(&RELAXED[_i], H1_RESPONSES, true);
}
END_TEST

/* Leniency is for origins: a client gets the same refusals with it. */
START_TEST(relaxed_requests)
{
	check_row(&REQUESTS[_i], H1_REQUESTS, true);
}
END_TEST

/* Wherever the bytes are cut, the story is the same, errors and counts included. */
static void
check_cuts(const struct row *row, enum h1_role role, bool relaxed)
{
	struct trace whole = {.role = role, .limits = TRACE_LIMITS, .eof = true};
	size_t cut;

	whole.limits.relaxed = relaxed;
	trace_run(&whole, row->bytes);
	for (cut = 1; cut < row->bytes.n; cut++) {
		struct trace t = {
		    .role = role, .limits = whole.limits, .cut = cut, .eof = true};

		t.step = cut == 1 ? 1 : 0;
		trace_run(&t, row->bytes);
		ck_assert_msg(str_eq(buf_str(&t.text), buf_str(&whole.text)),
		    "%s cut at %zu:\n%s"
		    "\nnot\n%s",
		    row->name, cut, (char *)buf_data(&t.text), (char *)buf_data(&whole.text));
		ck_assert_int_eq(t.eof_err, whole.eof_err);
		ck_assert_str_eq(t.pending, whole.pending);
		trace_free(&t);
	}
	trace_free(&whole);
}

START_TEST(cut_requests)
{
	check_cuts(&REQUESTS[_i], H1_REQUESTS, false);
}
END_TEST

START_TEST(cut_responses)
{
	check_cuts(&RESPONSES[_i], H1_RESPONSES, false);
}
END_TEST

START_TEST(cut_relaxed)
{
	check_cuts(&RELAXED[_i], H1_RESPONSES, true);
}
END_TEST

Suite *
h1_strict_suite(void)
{
	Suite *s = suite_create("h1_strict");
	TCase *tc = tcase_create("payloads");

	tcase_add_loop_test(tc, requests, 0, NELEM(REQUESTS));
	tcase_add_loop_test(tc, responses, 0, NELEM(RESPONSES));
	tcase_add_loop_test(tc, relaxed_responses, 0, NELEM(RELAXED));
	tcase_add_loop_test(tc, relaxed_requests, 0, NELEM(REQUESTS));
	suite_add_tcase(s, tc);
	tc = tcase_create("cuts");
	tcase_add_loop_test(tc, cut_requests, 0, NELEM(REQUESTS));
	tcase_add_loop_test(tc, cut_responses, 0, NELEM(RESPONSES));
	tcase_add_loop_test(tc, cut_relaxed, 0, NELEM(RELAXED));
	suite_add_tcase(s, tc);
	return s;
}
