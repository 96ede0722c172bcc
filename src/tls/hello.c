/* SPDX-License-Identifier: ISC */
/*
 * hello.c - reads a ClientHello; see hello.h.  Every length comes from a
 * stranger, so all reading goes through struct rd.
 * Runs in: worker, tests, fuzzers.
 */
#include "config.h"

#include "tls/hello.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/err.h"
#include "base/mem.h"

#define RECORD_HEADER 5
#define RECORD_MAX 16384	/* RFC 8446 5.1 */
/*
 * Every call walks all record headers again, so their number is what a client
 * sending single bytes can make expensive.
 */
#define RECORDS_MAX 1024

enum {
	CONTENT_HANDSHAKE = 22,
	HANDSHAKE_CLIENT_HELLO = 1,
	SCSV_RENEGOTIATION = 0x00ff,	/* RFC 5746 3.3 */
	SCSV_FALLBACK = 0x5600,		/* RFC 7507 */
};

enum {
	EXT_SERVER_NAME = 0,
	EXT_STATUS_REQUEST = 5,
	EXT_GROUPS = 10,
	EXT_SIGALGS = 13,
	EXT_ALPN = 16,
	EXT_PADDING = 21,
	EXT_SESSION_TICKET = 35,
	EXT_PRE_SHARED_KEY = 41,
	EXT_EARLY_DATA = 42,
	EXT_SUPPORTED_VERSIONS = 43,
	EXT_COOKIE = 44,
};

struct rd {
	const uint8_t *p;
	size_t n;
};

struct extensions {
	uint16_t ids[TLS_HELLO_LIST_MAX];
	size_t n;
	uint8_t seen[65536 / 8];
};

static bool
rd_bytes(struct rd *r, size_t n, struct rd *out)
{
	if (r->n < n)
		return false;
	*out = (struct rd){r->p, n};
	r->p += n;
	r->n -= n;
	return true;
}

static bool
rd_u8(struct rd *r, unsigned *out)
{
	struct rd b;

	if (!rd_bytes(r, 1, &b))
		return false;
	*out = b.p[0];
	return true;
}

static bool
rd_u16(struct rd *r, unsigned *out)
{
	struct rd b;

	if (!rd_bytes(r, 2, &b))
		return false;
	*out = (unsigned)b.p[0] << 8 | b.p[1];
	return true;
}

static bool
rd_vec8(struct rd *r, struct rd *out)
{
	unsigned n;

	return rd_u8(r, &n) && rd_bytes(r, n, out);
}

static bool
rd_vec16(struct rd *r, struct rd *out)
{
	unsigned n;

	return rd_u16(r, &n) && rd_bytes(r, n, out);
}

/* RFC 8701: 0x0a0a, 0x1a1a, ... 0xfafa. */
static bool
is_grease(unsigned v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* A vector of 16-bit values that must fill its extension; GREASE left out. */
static bool
read_u16_list(struct rd list, uint16_t *out, size_t max, size_t *out_n)
{
	unsigned v;

	if (list.n == 0 || list.n % 2 != 0)
		return false;
	while (rd_u16(&list, &v))
		if (!is_grease(v) && *out_n < max)
			out[(*out_n)++] = (uint16_t)v;
	return true;
}

static bool
read_ciphers(struct rd list, struct tls_hello *h)
{
	unsigned v;

	if (list.n == 0 || list.n % 2 != 0)
		return false;
	while (rd_u16(&list, &v)) {
		if (v == SCSV_FALLBACK)
			h->fallback_scsv = true;
		else if (v != SCSV_RENEGOTIATION && !is_grease(v) &&
		    h->nciphers < TLS_HELLO_LIST_MAX)
			h->ciphers[h->nciphers++] = (uint16_t)v;
	}
	return true;
}

/*
 * Digits alone, or 0x and hex digits, as the last label: what resolvers take
 * for (part of) an IPv4 address, never a host name.
 */
static bool
label_is_number(struct str label)
{
	size_t i;
	bool hex = label.n >= 2 && label.p[0] == '0' && label.p[1] == 'x';

	for (i = hex ? 2 : 0; i < label.n; i++) {
		char c = label.p[i];

		if (!(c >= '0' && c <= '9') && !(hex && c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

static bool
label_ok(struct str label)
{
	size_t i;

	for (i = 0; i < label.n; i++) {
		char c = label.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return label.n >= 1 && label.n <= 63;
}

static bool
host_ok(struct str name)
{
	struct str label = STR_NONE;

	if (name.n == 0 || name.n > 253)
		return false;
	while (str_split(&name, '.', &label))
		if (!label_ok(label))
			return false;
	return !label_is_number(label);
}

static void
take_host(struct rd name, struct tls_hello *h)
{
	size_t i;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n >= sizeof(h->sni))
		return;
	for (i = 0; i < name.n; i++)
		h->sni[i] = ascii_lower((char)name.p[i]);
	h->sni_len = name.n;
	if (!host_ok(str_of(h->sni, h->sni_len)))
		h->sni_len = 0;
	h->sni[h->sni_len] = '\0';
}

/* RFC 6066 3; types other than host_name were never defined. */
static bool
read_server_name(struct rd ext, struct tls_hello *h)
{
	struct rd list, name;
	unsigned type;

	if (!rd_vec16(&ext, &list) || ext.n != 0 || list.n == 0)
		return false;
	if (!rd_u8(&list, &type) || !rd_vec16(&list, &name))
		return false;
	if (type == 0)
		take_host(name, h);
	return true;
}

static bool
read_alpn(struct rd ext, struct tls_hello *h)
{
	struct rd list, name;

	if (!rd_vec16(&ext, &list) || ext.n != 0 || list.n < 2)
		return false;
	h->has_alpn = true;
	while (list.n > 0) {
		if (!rd_vec8(&list, &name) || name.n == 0)
			return false;
		if (h->alpn_len + 1 + name.n > sizeof(h->alpn))
			continue;	/* whole names only; the rest is still checked */
		memcpy(h->alpn + h->alpn_len, name.p - 1, 1 + name.n);
		h->alpn_len += 1 + name.n;
	}
	return true;
}

static bool
read_versions(struct rd ext, struct tls_hello *h)
{
	struct rd list;

	h->nversions = 0;
	return rd_vec8(&ext, &list) && ext.n == 0 &&
	    read_u16_list(list, h->versions, NELEM(h->versions), &h->nversions);
}

static bool
read_u16_ext(struct rd ext, uint16_t *out, size_t *out_n)
{
	struct rd list;

	return rd_vec16(&ext, &list) && ext.n == 0 &&
	    read_u16_list(list, out, TLS_HELLO_LIST_MAX, out_n);
}

static bool
read_extension(unsigned type, struct rd ext, struct tls_hello *h)
{
	switch (type) {
	case EXT_SERVER_NAME:
		return read_server_name(ext, h);
	case EXT_STATUS_REQUEST:
		h->status_request = ext.n > 0 && ext.p[0] == 1;
		return ext.n > 0;
	case EXT_GROUPS:
		return read_u16_ext(ext, h->groups, &h->ngroups);
	case EXT_SIGALGS:
		return read_u16_ext(ext, h->sigalgs, &h->nsigalgs);
	case EXT_ALPN:
		return read_alpn(ext, h);
	case EXT_SESSION_TICKET:
		h->has_session |= ext.n > 0;
		return true;
	case EXT_PRE_SHARED_KEY:
		h->has_session = true;
		return true;
	case EXT_EARLY_DATA:
		h->early_data = true;
		return true;
	case EXT_SUPPORTED_VERSIONS:
		return read_versions(ext, h);
	default:
		return true;
	}
}

/*
 * Of one program, these come and go with the host's name and with what is
 * known of the host.
 */
static bool
is_per_host(unsigned type)
{
	return type == EXT_SERVER_NAME || type == EXT_PADDING || type == EXT_SESSION_TICKET ||
	    type == EXT_PRE_SHARED_KEY || type == EXT_EARLY_DATA || type == EXT_COOKIE;
}

static bool
read_extensions(struct rd all, struct tls_hello *h, struct extensions *x)
{
	struct rd ext;
	unsigned type;

	while (all.n > 0) {
		if (!rd_u16(&all, &type) || !rd_vec16(&all, &ext))
			return false;
		/* RFC 8446 4.2: not more than one of a type. */
		if ((x->seen[type / 8] & 1u << type % 8) != 0)
			return false;
		x->seen[type / 8] |= (uint8_t)(1u << type % 8);
		if (!read_extension(type, ext, h))
			return false;
		if (!is_grease(type) && !is_per_host(type) && x->n < NELEM(x->ids))
			x->ids[x->n++] = (uint16_t)type;
	}
	return true;
}

static void
derive_versions(unsigned legacy, struct tls_hello *h)
{
	unsigned v = MIN(legacy, 0x0303u);

	for (; v >= 0x0300; v--)
		h->versions[h->nversions++] = (uint16_t)v;
}

static int
cmp_u16(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static size_t
put_list(uint8_t *out, const uint16_t *v, size_t n)
{
	size_t i;

	out[0] = (uint8_t)n;
	for (i = 0; i < n; i++) {
		out[1 + 2 * i] = (uint8_t)(v[i] >> 8);
		out[2 + 2 * i] = (uint8_t)v[i];
	}
	return 1 + 2 * n;
}

/* Extensions are sorted: today's browsers shuffle them in every connection. */
static void
fingerprint(unsigned legacy, struct extensions *x, struct tls_hello *h)
{
	uint8_t text[2 + 5 * (1 + 2 * TLS_HELLO_LIST_MAX)];
	size_t n = 0;

	text[n++] = (uint8_t)(legacy >> 8);
	text[n++] = (uint8_t)legacy;
	qsort(x->ids, x->n, sizeof(x->ids[0]), cmp_u16);
	n += put_list(text + n, h->versions, h->nversions);
	n += put_list(text + n, h->ciphers, h->nciphers);
	n += put_list(text + n, x->ids, x->n);
	n += put_list(text + n, h->groups, h->ngroups);
	n += put_list(text + n, h->sigalgs, h->nsigalgs);
	CHECK(EVP_Digest(text, n, h->fingerprint, NULL, EVP_sha256(), NULL) == 1);
}

static bool
read_hello(struct rd body, struct tls_hello *h)
{
	struct rd random, session, ciphers, compression, all = {NULL, 0};
	struct extensions x = {.n = 0};
	unsigned legacy;

	if (!rd_u16(&body, &legacy) || legacy >> 8 != 3 || !rd_bytes(&body, 32, &random) ||
	    !rd_vec8(&body, &session) || session.n > 32 || !rd_vec16(&body, &ciphers) ||
	    !rd_vec8(&body, &compression) || compression.n == 0)
		return false;
	/* RFC 5246 7.4.1.2: a hello may end here. */
	if (body.n > 0 && (!rd_vec16(&body, &all) || body.n != 0))
		return false;
	derive_versions(legacy, h);
	if (!read_ciphers(ciphers, h) || !read_extensions(all, h, &x))
		return false;
	fingerprint(legacy, &x, h);
	return true;
}

/*
 * One handshake record's fragment off *in.  Bytes that cannot be a record are
 * told as soon as they are there.
 */
static int
next_fragment(struct rd *in, struct rd *out)
{
	size_t len;

	if ((in->n > 0 && in->p[0] != CONTENT_HANDSHAKE) || (in->n > 1 && in->p[1] != 3))
		return ERR_SYNTAX;
	if (in->n < RECORD_HEADER)
		return ERR_AGAIN;
	len = (size_t)in->p[3] << 8 | in->p[4];
	/* RFC 8446 5.1: no zero-length fragments of handshake messages. */
	if (len == 0 || len > RECORD_MAX)
		return ERR_SYNTAX;
	*out = (struct rd){in->p + RECORD_HEADER, MIN(len, in->n - RECORD_HEADER)};
	in->p += RECORD_HEADER + out->n;
	in->n -= RECORD_HEADER + out->n;
	return 0;
}

struct message {
	uint8_t head[4];	/* type and 24-bit length, may be cut by records */
	size_t have;		/* bytes of the message seen, with the head */
	size_t size;		/* the same when whole; 0: not known yet */
};

static int
message_add(struct message *m, struct rd fragment)
{
	size_t i;

	for (i = 0; i < fragment.n && m->have + i < sizeof(m->head); i++)
		m->head[m->have + i] = fragment.p[i];
	m->have += fragment.n;
	if (m->have > 0 && m->head[0] != HANDSHAKE_CLIENT_HELLO)
		return ERR_SYNTAX;
	if (m->have < sizeof(m->head))
		return 0;
	m->size = sizeof(m->head) + ((size_t)m->head[1] << 16 | (size_t)m->head[2] << 8 |
	    m->head[3]);
	return m->size > TLS_HELLO_MAX - RECORD_HEADER ? ERR_LIMIT : 0;
}

/* How many records hold the whole message, or an error. */
static int
measure(struct rd in, struct message *m)
{
	struct rd fragment;
	int rc, records;

	for (records = 1; records <= RECORDS_MAX; records++) {
		rc = next_fragment(&in, &fragment);
		if (rc == 0)
			rc = message_add(m, fragment);
		if (rc != 0)
			return rc;
		if (m->size > 0 && m->have >= m->size)
			return records;
	}
	return ERR_LIMIT;
}

static bool
read_scattered(struct rd in, size_t size, struct tls_hello *out)
{
	uint8_t *whole = mem_alloc(size);
	size_t have = 0;
	struct rd fragment;
	bool ok;

	while (have < size && next_fragment(&in, &fragment) == 0) {
		size_t n = MIN(fragment.n, size - have);

		memcpy(whole + have, fragment.p, n);
		have += n;
	}
	CHECK(have == size);
	ok = read_hello((struct rd){whole + 4, size - 4}, out);
	free(whole);
	return ok;
}

int
tls_hello_parse(const uint8_t *p, size_t n, struct tls_hello *out)
{
	struct rd in = {p, MIN(n, TLS_HELLO_MAX)};
	struct message m = {.have = 0};
	int records = measure(in, &m);
	bool ok;

	if (records == ERR_AGAIN && n >= TLS_HELLO_MAX)
		return ERR_LIMIT;
	if (records < 0)
		return records;
	memset(out, 0, sizeof(*out));
	if (records == 1)
		ok = read_hello((struct rd){p + RECORD_HEADER + 4, m.size - 4}, out);
	else
		ok = read_scattered(in, m.size, out);
	return ok ? 0 : ERR_SYNTAX;
}

static bool
has(const uint16_t *list, size_t n, uint16_t v)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i] == v)
			return true;
	return false;
}

bool
tls_hello_offers_version(const struct tls_hello *h, uint16_t version)
{
	return has(h->versions, h->nversions, version);
}

/*
 * TLS 1.3 names the curve in the signature scheme; TLS 1.2 in the groups, and
 * the key type in the suite (RFC 8422 5.1.1, 2.2).  1.3 is what would be
 * negotiated if both are offered.
 */
bool
tls_hello_takes_ecdsa(const struct tls_hello *h)
{
	bool p256_sha256 = has(h->sigalgs, h->nsigalgs, 0x0403);

	if (tls_hello_offers_version(h, 0x0304))
		return p256_sha256;
	return (has(h->ciphers, h->nciphers, 0xc02b) || has(h->ciphers, h->nciphers, 0xc02c) ||
	    has(h->ciphers, h->nciphers, 0xcca9)) &&
	    (h->ngroups == 0 || has(h->groups, h->ngroups, 0x0017)) &&
	    (p256_sha256 || has(h->sigalgs, h->nsigalgs, 0x0503) ||
	    has(h->sigalgs, h->nsigalgs, 0x0603));
}

bool
tls_hello_no_http(const struct tls_hello *h)
{
	struct rd list = {h->alpn, h->alpn_len}, name;

	while (rd_vec8(&list, &name)) {
		struct str s = str_of(name.p, name.n);

		if (str_eq(s, STR("h2")) || str_eq(s, STR("http/1.1")) ||
		    str_eq(s, STR("http/1.0")))
			return false;
	}
	return h->has_alpn;
}

void
tls_alert(uint8_t description, uint8_t out[TLS_ALERT_SIZE])
{
	/* alert(21), TLS 1.2 as record version (RFC 8446 5.1), 2 bytes, fatal(2) */
	static const uint8_t head[6] = {21, 3, 3, 0, 2, 2};

	memcpy(out, head, sizeof(head));
	out[6] = description;
}
