/* SPDX-License-Identifier: ISC */
/*
 * schema.c - see schema.h.  The rows stand in the order of the documentation;
 * those of one section stand together.
 * Runs in: master.
 */
#include "config.h"

#include "conf/schema.h"

#include <stddef.h>

#include "conf/conf.h"
#include "conf/value.h"

#define SIZE_OF(m) sizeof(((struct conf *)0)->m)
#define AT(m) .offset = offsetof(struct conf, m), .size = SIZE_OF(m)
#define LIST_AT(m, n) AT(m), .count = offsetof(struct conf, n)

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define MS UINT64_C(1)
#define SEC (1000 * MS)
#define HOUR (3600 * SEC)
#define DAY (24 * HOUR)

#define TLS12 0x0303
#define TLS13 0x0304

#define LDH "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

#define WORDS(...) ((const struct opt_word[]){__VA_ARGS__, {.name = NULL}})
#define OFF_IS_0 WORDS({"off", 0, false})
#define VERIFY_WORDS WORDS({"mirror", CONF_VERIFY_MIRROR, false}, \
	{"reject", CONF_VERIFY_REJECT, false}, {"off", CONF_VERIFY_OFF, false})

static const struct opt rows[] = {
	{.path = "listen", .type = OPT_LISTEN, LIST_AT(listen, nlisten),
	    .fallback = "127.0.0.1:8080", .example = "[\"127.0.0.1:8080\", \"[::1]:8080\"]",
	    .doc = "Where clients connect to. Port 0 takes any free one. An address that is "
	    "not a loopback one needs access.allow."},
	{.path = "listen[].address", .type = OPT_ADDRESS, LIST_AT(listen, nlisten),
	    .doc = "The address of an entry that is written as a mapping."},
	{.path = "listen[].proxy_protocol", .type = OPT_CIDRS, .later = true,
	    .doc = "Peers on this address that send a PROXY protocol header first."},
	{.path = "workers", .type = OPT_INT, AT(workers), .min = 1, .max = 256,
	    .words = WORDS({"auto", 0, false}), .fallback = "auto",
	    .doc = "How many worker processes; auto is one per processor that mitmd may use."},
	{.path = "control", .type = OPT_PATH, AT(control), .words = OFF_IS_0,
	    .fallback = "/run/mitmd/control.sock",
	    .doc = "The socket on which mitmctl(1) is answered. A normal user's default is "
	    "mitmd/control.sock below $XDG_RUNTIME_DIR, or below $XDG_STATE_HOME where that "
	    "is not set."},
	{.path = "user", .type = OPT_NAME, AT(user), .max = 32, .chars = LDH "_.",
	    .fallback = "mitmd", .doc = "The user to become when started as root: for the workers, and "
	    "where there are no users of that name with -signer and -recorder behind it, for "
	    "signer and recorder, too. It may not use the control socket then. "
	    "Who is started as that very user is no normal one: ca.dir, spool.dir and "
	    "control default to what they are for root."},
	{.path = "instance", .type = OPT_NAME, AT(instance), .max = 32, .chars = LDH,
	    .fallback = "auto",
	    .doc = "Part of the names of HAR files, so that several hosts can share a spool; "
	    "auto is the short host name."},
	{.path = "drain_timeout", .type = OPT_TIME, AT(drain_timeout_ms), .max = 30 * DAY,
	    .fallback = "1h",
	    .doc = "How long flows of an old configuration may go on after a reload."},
	{.path = "drain_idle", .type = OPT_TIME, AT(drain_idle_ms), .max = HOUR,
	    .fallback = "30s",
	    .doc = "How long an idle connection of an old configuration is kept after a "
	    "reload."},
	{.path = "stop_timeout", .type = OPT_TIME, AT(stop_timeout_ms), .max = HOUR,
	    .fallback = "10s",
	    .doc = "How long running flows may go on after SIGTERM, before they are cut and "
	    "recorded as such."},
	{.path = "sandbox", .type = OPT_WORD, AT(sandbox), .fallback = "auto",
	    .words = WORDS({"auto", CONF_SANDBOX_AUTO, false},
	    {"required", CONF_SANDBOX_REQUIRED, false}, {"off", CONF_SANDBOX_OFF, false}),
	    .doc = "How far processes are locked up: auto is as far as this kernel and the "
	    "users of this machine allow, which is logged when it is not complete; with "
	    "required nothing starts or reloads then; off leaves out the filters of system "
	    "calls and files, to look for a fault."},

	{.path = "ca.dir", .type = OPT_PATH, AT(ca.dir), .fallback = "/var/lib/mitmd",
	    .doc = "Where the CA is kept; it is made there on the first start. A normal user's "
	    "default is below $XDG_STATE_HOME/mitmd."},
	{.path = "ca.key_type", .type = OPT_WORD, AT(ca.key_rsa), .fallback = "ec",
	    .words = WORDS({"ec", false, false}, {"rsa", true, false}),
	    .doc = "The kind of key that a new CA gets. One that is there already stays as "
	    "it is."},
	{.path = "ca.permit", .type = OPT_LIMITS, AT(ca.permit), .fallback = "[]",
	    .example = "[\"*.example.com\", .internal, 10.0.0.0/8]",
	    .doc = "The only names for which the CA makes certificates; TLS to other hosts "
	    "is passed on untouched. A new CA is limited to them by constraints as well. "
	    "An empty list means all."},
	{.path = "ca.origin", .type = OPT_WORD, AT(ca.origin_allow), .fallback = "refuse",
	    .words = WORDS({"refuse", false, false}, {"allow", true, false}),
	    .doc = "Whether an origin may have a certificate of this very CA: allow is for "
	    "the CA of a company that signs real servers, too."},
	{.path = "ca.crl_url", .type = OPT_TEXT, .later = true, AT(ca.crl_url), .fallback = "",
	    .doc = "Where clients find the revocation list of the CA."},

	{.path = "leaf.lifetime", .type = OPT_TIME, AT(leaf_lifetime_ms), .min = HOUR,
	    .max = 30 * DAY, .fallback = "24h",
	    .doc = "How long a certificate that is made for a client stays valid."},

	{.path = "certs", .type = OPT_NAME_PATHS, LIST_AT(certs, ncerts), .fallback = "{}",
	    .example = "{\"*.example.com\": /etc/mitmd/certs/example.pem}",
	    .doc = "Host names to PEM files with key, certificate and chain, shown to clients "
	    "instead of a certificate of the CA. Looked up by the name in the ClientHello, "
	    "then by the one of CONNECT: the exact name first, then the longest \"*.\", "
	    "then \"*\"."},
	{.path = "client_certs", .type = OPT_PATH, AT(client_certs), .fallback = "",
	    .example = "/etc/mitmd/client_certs",
	    .doc = "A PEM file with key, certificate and chain to show to origins that ask "
	    "for one; or a directory of them: HOST.pem, *.example.com.pem, default.pem. "
	    "Shown only to origins whose own certificate is good, or whose verify is off."},
	{.path = "request_client_cert", .type = OPT_BOOL, AT(request_client_cert),
	    .fallback = "false",
	    .doc = "Whether clients are asked for a certificate. One that has none is served "
	    "all the same."},
	{.path = "client_ca", .type = OPT_PATH, AT(client_ca), .fallback = "",
	    .doc = "A PEM file with the CAs that must have signed the certificate of a client "
	    "that shows one. Needs request_client_cert; without this file any certificate "
	    "will do."},

	{.path = "ignore_hosts", .type = OPT_HOSTS, AT(ignore_hosts), .fallback = "[]",
	    .example = "[\"*.apple.com\", \"10.0.0.0/8\", \"db.internal:5432\", "
	    "\"~^build[0-9]+\\\\.\"]",
	    .doc = "Hosts whose TLS is passed on untouched; only the connection is recorded."},
	{.path = "allow_hosts", .type = OPT_HOSTS, AT(allow_hosts), .fallback = "[]",
	    .example = "[\"*.example.com\"]",
	    .doc = "The only hosts whose TLS is decrypted; an empty list means all. What "
	    "ignore_hosts has is left alone in any case."},

	{.path = "bypass.pinned", .type = OPT_TIME, AT(bypass_pinned_ms), .words = OFF_IS_0,
	    .min = 1 * SEC, .max = 30 * DAY, .fallback = "off", .example = "24h",
	    .doc = "How long a client that rejects our certificate for one host only reaches "
	    "that host untouched."},

	{.path = "origin.verify", .type = OPT_WORD, AT(origin.verify), .fallback = "mirror",
	    .words = VERIFY_WORDS,
	    .doc = "What an origin with a bad certificate leads to: mirror shows the client a "
	    "certificate that is bad in the same way, so that it decides as it would have "
	    "done alone; reject ends its handshake with an alert; off trusts every origin."},
	{.path = "origin.verify_hosts", .type = OPT_HOST_WORDS, AT(origin.verify_hosts),
	    .count = offsetof(struct conf, origin.verify_of), .words = VERIFY_WORDS,
	    .fallback = "{}", .example = "{\"*.dev.internal\": off, \"*\": reject}",
	    .doc = "Host patterns with a verify of their own; the first that matches decides."},
	{.path = "origin.strict", .type = OPT_HOSTS, AT(origin.strict),
	    .words = WORDS({"true", true, false}, {"false", false, false}),
	    .fallback = "false", .example = "[\"*.bank.example\"]",
	    .doc = "Whether what only some clients refuse in a certificate makes it a bad one; "
	    "for all origins, or for those in a list."},
	{.path = "origin.ca", .type = OPT_PATHS, AT(origin.ca),
	    .fallback = "[]", .example = "[/etc/mitmd/roots]",
	    .doc = "Files and hashed directories with CAs that origins may have, beside those "
	    "of the system."},
	{.path = "origin.sniff", .type = OPT_BOOL, AT(origin.sniff), .fallback = "true",
	    .doc = "Whether the common name, the organization and the alternative names of an "
	    "origin's certificate are taken into ours; false makes it from nothing but the "
	    "name that was asked for."},

	{.path = "tls.client_min", .type = OPT_WORD, AT(tls.client_min), .fallback = "1.2",
	    .words = WORDS({"1.2", TLS12, false}, {"1.3", TLS13, false}),
	    .doc = "The lowest version of TLS that clients may speak."},
	{.path = "tls.origin_min", .type = OPT_WORD, AT(tls.origin_min), .fallback = "1.2",
	    .words = WORDS({"1.2", TLS12, false}, {"1.3", TLS13, false}),
	    .doc = "The lowest version of TLS that origins may speak."},

	{.path = "http.relaxed", .type = OPT_HOSTS, AT(http_relaxed), .fallback = "[]",
	    .example = "[\"old-printer.internal\"]",
	    .doc = "Origins whose HTTP is read less strictly."},

	{.path = "parent_proxy.url", .type = OPT_TEXT, .later = true, .fallback = "",
	    .doc = "The proxy through which origins are reached."},
	{.path = "parent_proxy.except", .type = OPT_HOSTS, .later = true, .fallback = "[]",
	    .doc = "Hosts that are reached without the parent proxy."},

	{.path = "spool.dir", .type = OPT_PATH, AT(spool.dir), .fallback = "/var/spool/mitmd",
	    .doc = "Where the HAR files are written, in one directory per tag. A normal "
	    "user's default is below $XDG_STATE_HOME/mitmd."},
	{.path = "spool.rotate_size", .type = OPT_SIZE, AT(spool.rotate_size), .min = 4 * KIB,
	    .max = 100 * GIB, .fallback = "64M", .doc = "A HAR file is finished at this size."},
	{.path = "spool.rotate_age", .type = OPT_TIME, AT(spool.rotate_age_ms), .min = 100 * MS,
	    .max = 30 * DAY, .fallback = "10m", .doc = "A HAR file is finished at this age."},
	{.path = "spool.rotate_idle", .type = OPT_TIME, AT(spool.rotate_idle_ms),
	    .min = 100 * MS, .max = 30 * DAY, .fallback = "30s",
	    .doc = "A HAR file is finished when nothing was added for so long."},
	{.path = "spool.keep_size", .type = OPT_SIZE, AT(spool.keep_size),
	    .words = OFF_IS_0, .min = 4 << 10, .max = UINT64_MAX, .fallback = "10G",
	    .doc = "The oldest HAR files are removed when all together are larger."},
	{.path = "spool.keep_age", .type = OPT_TIME, AT(spool.keep_age_ms),
	    .words = OFF_IS_0, .min = 1000, .max = UINT64_MAX / 2000, .fallback = "7d",
	    .doc = "HAR files are removed when they are older."},
	{.path = "spool.min_free", .type = OPT_SIZE, AT(spool.min_free),
	    .words = OFF_IS_0, .max = UINT64_MAX, .fallback = "1G",
	    .doc = "The oldest HAR files are removed when the file system has less room."},
	{.path = "spool.when_full", .type = OPT_WORD, AT(spool.when_full), .fallback = "pass",
	    .words = WORDS({"pass", CONF_FULL_PASS, false}, {"block", CONF_FULL_BLOCK, false}),
	    .doc = "What happens to traffic while the spool cannot be written: pass lets it go on, "
	    "and counts what is lost; block refuses new CONNECTs and http:// with 503, and "
	    "ends the connections inside TLS when they ask for more."},

	{.path = "capture.max_body", .type = OPT_SIZE, AT(capture.max_body), .max = GIB,
	    .fallback = "16M",
	    .doc = "The most that is recorded of one body. All of it reaches the other side, "
	    "and its true size is recorded."},

	{.path = "redact.level", .type = OPT_WORD, .fallback = "off",
	    .words = WORDS({"off", 0, false}, {"credentials", 1, true}),
	    .doc = "What is taken out of recordings. off leaves passwords, cookies and "
	    "tokens in the HAR files."},
	{.path = "redact.tags", .type = OPT_MAP, .later = true, .fallback = "{}",
	    .doc = "Tags with a level of their own."},
	{.path = "redact.headers", .type = OPT_TEXTS, .later = true, .fallback = "[]",
	    .doc = "More header fields to redact."},
	{.path = "redact.fields", .type = OPT_TEXTS, .later = true, .fallback = "[]",
	    .doc = "More fields of queries, forms and JSON to redact."},

	{.path = "access.allow", .type = OPT_CIDRS, LIST_AT(access.allow, access.nallow),
	    .fallback = "[]", .example = "[192.168.0.0/16, \"fd00::/8\"]",
	    .doc = "Networks whose clients may use the proxy, beside those on its own host."},
	{.path = "access.users", .type = OPT_PATH, .later = true, .fallback = "",
	    .doc = "A file with the users that may use the proxy."},
	{.path = "access.connect_ports", .type = OPT_LIST, .later = true, .fallback = "[]",
	    .doc = "The only ports that CONNECT may go to."},
	{.path = "access.deny", .type = OPT_HOSTS, .later = true, .fallback = "[]",
	    .doc = "Hosts that nobody may reach."},
	{.path = "access.guard", .type = OPT_WORD, AT(access.guard), .fallback = "on",
	    .words = WORDS({"on", CONF_GUARD_ON, false}, {"strict", CONF_GUARD_STRICT, true},
	    {"off", CONF_GUARD_OFF, false}),
	    .doc = "Whether clients on other hosts are kept from what only this host can "
	    "reach: loopback and link-local addresses, cloud metadata."},

	{.path = "portal.host", .type = OPT_TEXT, .later = true, AT(portal_host),
	    .fallback = "mitm.it",
	    .doc = "The name under which the proxy itself answers, over plain HTTP."},

	{.path = "limits.connections", .type = OPT_INT, AT(limits.connections), .min = 1,
	    .max = 1000000, .fallback = "16384",
	    .doc = "The most client connections at a time, of all workers together, those "
	    "of a configuration before too. More wait until one ends."},
	{.path = "limits.connections_per_client", .type = OPT_INT,
	    AT(limits.connections_per_client), .min = 1, .max = 1000000, .fallback = "2048",
	    .doc = "The most connections at a time from one client address, to all workers "
	    "together. More are closed at once."},
	{.path = "limits.header_size", .type = OPT_SIZE, AT(limits.header_size), .min = 4 * KIB,
	    .max = MIB, .fallback = "64K",
	    .doc = "The largest head of a request or a response. A larger request is answered "
	    "414 or 431."},
	{.path = "limits.header_count", .type = OPT_INT, AT(limits.header_count), .min = 8,
	    .max = 4096, .fallback = "256", .doc = "The most fields in one head."},

	{.path = "timeouts.header", .type = OPT_TIME, AT(timeouts.header_ms), .min = 1 * MS,
	    .max = HOUR, .fallback = "10s",
	    .doc = "How long the head of a request may take to come in; then the answer is "
	    "408, and inside https the end of the connection."},
	{.path = "timeouts.handshake", .type = OPT_TIME, AT(timeouts.handshake_ms),
	    .min = 1 * MS, .max = HOUR, .fallback = "10s",
	    .doc = "How long a TLS handshake may take, with the origin and with the client "
	    "each."},
	{.path = "timeouts.connect", .type = OPT_TIME, AT(timeouts.connect_ms), .min = 1 * MS,
	    .max = HOUR, .fallback = "10s",
	    .doc = "How long it may take to find and reach an origin; then the answer is 504."},
	{.path = "timeouts.idle", .type = OPT_TIME, AT(timeouts.idle_ms), .min = 1 * MS,
	    .max = 30 * DAY, .fallback = "5m",
	    .doc = "How long a connection may be without any traffic, a tunnel and a wait for "
	    "an answer, too; then a request over plain http is answered 504, and else the "
	    "connection ends."},
	{.path = "timeouts.sniff", .type = OPT_TIME, AT(timeouts.sniff_ms), .min = 1 * MS,
	    .max = HOUR, .fallback = "5s",
	    .doc = "How long a client that has begun to speak in a tunnel may leave open "
	    "whether it is TLS or HTTP; then it is relayed as it is."},

	{.path = "rules", .type = OPT_LIST, .later = true, .fallback = "[]",
	    .doc = "What to change on the way."},

	{.path = "log.level", .type = OPT_WORD, AT(log.level), .fallback = "info",
	    .words = WORDS({"error", LOG_LEVEL_ERROR, false},
	    {"warning", LOG_LEVEL_WARNING, false}, {"info", LOG_LEVEL_INFO, false},
	    {"debug", LOG_LEVEL_DEBUG, false}),
	    .doc = "The least important messages that are logged; and that an error is over is said, "
	    "whatever this is."},
	{.path = "log.format", .type = OPT_WORD, AT(log.format), .fallback = "text",
	    .words = WORDS({"text", LOG_FORMAT_TEXT, false}, {"json", LOG_FORMAT_JSON, false}),
	    .doc = "How a message is written: as plain text or as a JSON object on one line."},
	{.path = "log.flows", .type = OPT_WORD, AT(log.flows), .fallback = "errors",
	    .words = WORDS({"off", CONF_FLOWS_OFF, false}, {"errors", CONF_FLOWS_ERRORS, false},
	    {"all", CONF_FLOWS_ALL, false}),
	    .doc = "Which flows are logged, beside being recorded: one line each. errors are "
	    "those that failed, at most 5 lines a second of each worker, of 20 at once; the "
	    "others are counted."},
};

size_t
schema_count(void)
{
	return NELEM(rows);
}

const struct opt *
schema_row(size_t i)
{
	CHECK(i < NELEM(rows));
	return &rows[i];
}

size_t
schema_find(struct str path)
{
	size_t i;

	for (i = 0; i < NELEM(rows); i++)
		if (str_eq(str_z(rows[i].path), path))
			return i;
	return SIZE_MAX;
}

struct str
schema_section_of(const struct opt *o)
{
	struct str path = str_z(o->path);
	ssize_t dot = str_chr(path, '.');

	return dot < 0 || path.p[dot - 1] == ']' ? STR_NONE : str_sub(path, 0, (size_t)dot);
}

bool
schema_in_entry(const struct opt *o)
{
	return str_chr(str_z(o->path), ']') >= 0;
}

size_t
schema_section(struct str name)
{
	size_t i;

	for (i = 0; i < NELEM(rows) && name.n > 0; i++)
		if (str_eq(schema_section_of(&rows[i]), name))
			return i;
	return SIZE_MAX;
}
