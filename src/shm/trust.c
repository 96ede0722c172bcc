/* SPDX-License-Identifier: ISC */
/*
 * trust.c - see trust.h.  Every place has its own sequence, so that a reader of
 * one never waits for another; the master alone writes, so no writer waits at
 * all.  Runs in: master, worker.
 */
#include "config.h"

#include "shm/trust.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "shm/seqlock.h"

#define MAGIC 0x6d6b7431u	/* the layout; change it with any change here */
#define CLIENT_WORDS (sizeof(struct trust_client) / sizeof(uint64_t))
#define BYPASS_WORDS (sizeof(struct trust_bypass) / sizeof(uint64_t))
#define HOUR 3600
#define TRIES 100	/* a write takes less than a microsecond */

/* RFC 8446 6 */
enum { ALERT_FIRST = 42, ALERT_CERTIFICATE_EXPIRED = 45, ALERT_LAST = 49 };

_Static_assert(sizeof(struct trust_client) % sizeof(uint64_t) == 0, "copied by whole words");
_Static_assert(sizeof(struct trust_bypass) % sizeof(uint64_t) == 0, "copied by whole words");

struct client_place {
	struct seqlock lock;
	seqlock_word words[CLIENT_WORDS];
};

struct bypass_place {
	struct seqlock lock;
	seqlock_word words[BYPASS_WORDS];
};

struct shared {
	uint32_t magic, unused;
	/* trust_host_hash() without port of each bypass, 0 where there is none: only a hint. */
	_Atomic uint64_t hints[TRUST_BYPASSES];
	_Atomic uint64_t nbypasses;
	struct client_place clients[TRUST_CLIENTS];
	struct bypass_place bypasses[TRUST_BYPASSES];
	/* The master's own, plain; readers never look here. */
	struct trust_client own_clients[TRUST_CLIENTS];
	struct trust_bypass own_bypasses[TRUST_BYPASSES];
};

struct trust_reader {
	const struct shared *shared;
};

/* ---- values ---- */

/* FNV-1a. */
uint64_t
trust_host_hash(struct str host, uint16_t port)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < host.n; i++)
		h = (h ^ (uint8_t)host.p[i]) * 0x100000001b3u;
	h = (h ^ (port & 0xffu)) * 0x100000001b3u;
	h = (h ^ port >> 8) * 0x100000001b3u;
	return h != 0 ? h : 1;
}

void
trust_address_id(const struct addr *a, uint8_t out[32])
{
	static const char mark[16] = "any at address:";

	memset(out, 0, 32);
	memcpy(out, mark, 15);
	if (a->sa.sa_family == AF_INET6) {
		out[15] = 6;
		memcpy(out + 16, &a->in6.sin6_addr, 16);
	} else {
		out[15] = 4;
		memcpy(out + 16, &a->in.sin_addr, 4);
	}
}

void
trust_tag_id(struct str tag, uint8_t out[32])
{
	static const char mark[] = "any with tag:";
	char text[sizeof(mark) + 256];
	size_t n = MIN(tag.n, (size_t)256);

	memcpy(text, mark, sizeof(mark));
	memcpy(text + sizeof(mark), tag.p, n);
	CHECK(EVP_Digest(text, sizeof(mark) + n, out, NULL, EVP_sha256(), NULL) == 1);
}

void
trust_note_accepted(struct trust_client *c, uint64_t host, int64_t now)
{
	if (c->accepted_host != host)
		c->accepted_other_at = c->accepted_at;
	c->accepted_host = host;
	c->accepted_at = now;
}

int64_t
trust_accepted_elsewhere(const struct trust_client *c, uint64_t host)
{
	return c->accepted_host != host ? c->accepted_at : c->accepted_other_at;
}

enum trust_meaning
trust_means(const struct trust_client *c, uint64_t host, unsigned alert, int64_t now)
{
	int64_t elsewhere = c != NULL ? trust_accepted_elsewhere(c, host) : 0;

	if (alert == ALERT_CERTIFICATE_EXPIRED)
		return TRUST_CLOCK;
	if (c != NULL && c->accepted_host == host && c->accepted_at > now - HOUR)
		return TRUST_MIXED;
	if (elsewhere > now - HOUR)
		return TRUST_PINNED;
	return elsewhere > now - 24 * HOUR ? TRUST_PINNED_OR_NO_CA : TRUST_NO_CA;
}

const char *
trust_meaning_text(enum trust_meaning m)
{
	switch (m) {
	case TRUST_PINNED:
		return "this host is pinned: the client accepts our certificates for others";
	case TRUST_PINNED_OR_NO_CA:
		return "this host is pinned, or the CA is no longer installed on this client";
	case TRUST_MIXED:
		return "this client took it a while ago: another program on it lacks the CA";
	case TRUST_CLOCK:
		return "our certificate is out of date for this client: its clock may be wrong";
	default:
		return "CA not installed on this client";
	}
}

const char *
trust_alert_text(unsigned alert)
{
	static const char *const names[] = {"alert bad_certificate",
	    "alert unsupported_certificate", "alert certificate_revoked",
	    "alert certificate_expired", "alert certificate_unknown",
	    "alert illegal_parameter", "alert unknown_ca", "alert access_denied"};

	if (trust_alert_refuses(alert))
		return names[alert - ALERT_FIRST];
	return "it closed the connection after our certificate";
}

bool
trust_alert_refuses(unsigned alert)
{
	return alert >= ALERT_FIRST && alert <= ALERT_LAST;
}

/* ---- the master ---- */

int
trust_create(struct segment *s, struct errmsg *err)
{
	struct shared *shared;

	if (segment_create(s, "mitmd-trust", sizeof(*shared), err) != 0)
		return -1;
	shared = s->map;
	shared->magic = MAGIC;
	return 0;
}

void
trust_put_client(struct segment *s, unsigned place, const struct trust_client *c)
{
	struct shared *shared = s->map;
	struct client_place *p = &shared->clients[place];

	CHECK(place < TRUST_CLIENTS);
	shared->own_clients[place] = *c;
	seqlock_write_begin(&p->lock);
	seqlock_copy_in(p->words, c, CLIENT_WORDS);
	seqlock_write_end(&p->lock);
}

void
trust_put_bypass(struct segment *s, unsigned place, const struct trust_bypass *b)
{
	struct shared *shared = s->map;
	struct bypass_place *p = &shared->bypasses[place];
	struct trust_bypass *own = &shared->own_bypasses[place];
	uint64_t n, hint = b->until != 0 ? trust_host_hash(str_z(b->host), 0) : 0;

	CHECK(place < TRUST_BYPASSES && memchr(b->host, '\0', sizeof(b->host)) != NULL);
	n = atomic_load_explicit(&shared->nbypasses, memory_order_relaxed);
	n = n + (b->until != 0) - (own->until != 0);
	*own = *b;
	seqlock_write_begin(&p->lock);
	seqlock_copy_in(p->words, b, BYPASS_WORDS);
	seqlock_write_end(&p->lock);
	atomic_store_explicit(&shared->hints[place], hint, memory_order_release);
	atomic_store_explicit(&shared->nbypasses, n, memory_order_release);
}

const struct trust_client *
trust_clients(const struct segment *s)
{
	const struct shared *shared = s->map;

	return shared->own_clients;
}

const struct trust_bypass *
trust_bypasses(const struct segment *s)
{
	const struct shared *shared = s->map;

	return shared->own_bypasses;
}

/* ---- workers ---- */

struct trust_reader *
trust_reader_new(int fd, struct errmsg *err)
{
	const struct shared *shared;
	struct trust_reader *r;
	struct stat st;

	if (fstat(fd, &st) == -1 || (size_t)st.st_size != sizeof(*shared)) {
		(void)errmsg_set(err, "the table of clients is not there");
		return NULL;
	}
	shared = segment_open(fd, sizeof(*shared), err);
	if (shared == NULL)
		return NULL;
	if (shared->magic != MAGIC) {
		(void)errmsg_set(err, "the table of clients has another layout");
		(void)munmap((void *)(uintptr_t)shared, sizeof(*shared));
		return NULL;
	}
	r = mem_new(struct trust_reader);
	r->shared = shared;
	return r;
}

void
trust_reader_free(struct trust_reader **pr)
{
	struct trust_reader *r = pr != NULL ? *pr : NULL;

	if (r == NULL)
		return;
	*pr = NULL;
	(void)munmap((void *)(uintptr_t)r->shared, sizeof(*r->shared));
	free(r);
}

static bool
read_place(const struct seqlock *lock, const seqlock_word *words, void *out, size_t n)
{
	unsigned try;

	for (try = 0; try < TRIES; try++) {
		uint32_t before = seqlock_peek(lock);

		if (before & 1)
			continue;
		seqlock_copy_out(out, words, n);
		if (seqlock_unchanged(lock, before))
			return true;
	}
	return false;
}

bool
trust_find_client(const struct trust_reader *r, const uint8_t client[32],
    struct trust_client *out)
{
	uint64_t first;
	unsigned i;

	memcpy(&first, client, sizeof(first));
	for (i = 0; i < TRUST_CLIENTS; i++) {
		const struct client_place *p = &r->shared->clients[i];

		if (atomic_load_explicit(&p->words[0], memory_order_relaxed) == first &&
		    read_place(&p->lock, p->words, out, CLIENT_WORDS) &&
		    memcmp(out->client, client, sizeof(out->client)) == 0)
			return true;
	}
	return false;
}

static bool
applies(const struct trust_bypass *b, const uint8_t client[32], struct str host, uint16_t port,
    int64_t now)
{
	static const uint8_t everyone[32];

	return b->until > now && (b->port == 0 || b->port == port) &&
	    (memcmp(b->client, everyone, 32) == 0 || memcmp(b->client, client, 32) == 0) &&
	    str_eq(str_of(b->host, strnlen(b->host, sizeof(b->host))), host);
}

bool
trust_is_bypassed(const struct trust_reader *r, const uint8_t client[32], struct str host,
    uint16_t port, int64_t now)
{
	const struct shared *shared = r->shared;
	struct trust_bypass b;
	uint64_t hint;
	unsigned i;

	if (atomic_load_explicit(&shared->nbypasses, memory_order_acquire) == 0)
		return false;
	hint = trust_host_hash(host, 0);
	for (i = 0; i < TRUST_BYPASSES; i++) {
		const struct bypass_place *p = &shared->bypasses[i];

		if (atomic_load_explicit(&shared->hints[i], memory_order_acquire) == hint &&
		    read_place(&p->lock, p->words, &b, BYPASS_WORDS) &&
		    applies(&b, client, host, port, now))
			return true;
	}
	return false;
}
