/* SPDX-License-Identifier: ISC */
/*
 * trust_told.c - see trust_told.h.  Clients come in any number and hosts are of
 * their choice: what is remembered lies in tables where a newcomer takes its
 * place from whoever had it, and what is told is rationed as a whole.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/trust_told.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rate.h"
#include "proc/counters.h"
#include "shm/trust.h"
#include "worker/tally.h"
#include "worker/worker_state.h"

#define PLACES 512	/* of each table; a power of two */
#define NEWS_SPAN_US 60000000u
#define ACCEPTED_PER_SPAN 1	/* of one client and host */
#define REJECTED_PER_SPAN 4	/* ... enough to show that it was no single accident */

/* What was told of one client and host in the current span. */
struct told {
	uint64_t key, since_us;
	unsigned n;
};

struct trust_told {
	struct worker *worker;
	struct trust_reader *reader;
	struct told told[PLACES];
	/* What the master has not published yet. */
	struct trust_client seen[PLACES];
	struct rate accepted, rejected;
	char text[256];
};

void
trust_id_make(const struct addr *client, const char *tag, const struct tls_hello *h,
    struct trust_id *out)
{
	uint8_t text[32 + 32 + 256];
	size_t n = strnlen(tag, 255);

	trust_address_id(client, out->at_address);
	trust_tag_id(str_of(tag, n), out->with_tag);
	memcpy(text, out->at_address, 32);
	memcpy(text + 32, h->fingerprint, 32);
	memcpy(text + 64, tag, n);
	CHECK(EVP_Digest(text, 64 + n, out->hash, NULL, EVP_sha256(), NULL) == 1);
}

struct trust_told *
trust_told_new(struct worker *w, struct errmsg *err)
{
	struct trust_reader *reader = trust_reader_new(w->proc->trust_fd, err);
	struct trust_told *t;

	if (reader == NULL)
		return NULL;
	t = mem_new(struct trust_told);
	t->worker = w;
	t->reader = reader;
	t->accepted = (struct rate){.burst = 200, .per_second = 50};
	t->rejected = (struct rate){.burst = 100, .per_second = 20};
	return t;
}

void
trust_told_free(struct trust_told **pt)
{
	struct trust_told *t = pt != NULL ? *pt : NULL;

	if (t == NULL)
		return;
	*pt = NULL;
	trust_reader_free(&t->reader);
	free(t);
}

static int64_t
now_seconds(void)
{
	return (int64_t)(clock_wall_us() / 1000000);
}

bool
trust_told_bypassed(struct trust_told *t, const struct trust_id *id, struct str host,
    uint16_t port)
{
	int64_t now = now_seconds();
	bool yes = trust_is_bypassed(t->reader, id->hash, host, port, now) ||
	    trust_is_bypassed(t->reader, id->at_address, host, port, now) ||
	    trust_is_bypassed(t->reader, id->with_tag, host, port, now);

	if (yes)
		counter_add(&t->worker->counters->bypassed, 1);
	return yes;
}

/* ---- news for the master ---- */

static uint64_t
first_word(const uint8_t hash[32])
{
	uint64_t word;

	memcpy(&word, hash, sizeof(word));
	return word;
}

static bool
is_news(struct trust_told *t, const struct trust_id *id, uint64_t host, unsigned what)
{
	bool accepted = what == TRUST_ACCEPTED;
	uint64_t now = clock_mono_us(), key = first_word(id->hash) ^ host ^ what;
	struct told *told = &t->told[key % PLACES];

	if (told->key != key || now - told->since_us >= NEWS_SPAN_US)
		*told = (struct told){.key = key, .since_us = now};
	if (told->n >= (accepted ? ACCEPTED_PER_SPAN : REJECTED_PER_SPAN) ||
	    !rate_take(accepted ? &t->accepted : &t->rejected, now))
		return false;
	told->n++;
	return true;
}

static void
tell(struct trust_told *t, const struct trust_event *e, unsigned what, unsigned alert)
{
	char address[ADDR_TEXT_SIZE];
	struct msg_trust m = {.accepted = (uint8_t)what, .alert = (uint8_t)alert, .port = e->port,
	    .address = str_z(addr_ip_text(e->client, address)), .tag = str_z(e->tag),
	    .host = e->host};

	memcpy(m.client.b, e->id->hash, sizeof(m.client.b));
	(void)CHANNEL_TELL(t->worker->proc->master, TRUST, trust, &m);
}

/* ---- what happened ---- */

static struct trust_client *
seen_place(struct trust_told *t, const struct trust_id *id)
{
	return &t->seen[first_word(id->hash) % PLACES];
}

void
trust_told_accepted(struct trust_told *t, const struct trust_event *e)
{
	uint64_t host = trust_host_hash(e->host, e->port);
	struct trust_client *seen = seen_place(t, e->id);

	if (memcmp(seen->client, e->id->hash, sizeof(seen->client)) != 0) {
		memset(seen, 0, sizeof(*seen));
		memcpy(seen->client, e->id->hash, sizeof(seen->client));
	}
	trust_note_accepted(seen, host, now_seconds());
	if (is_news(t, e->id, host, TRUST_ACCEPTED))
		tell(t, e, TRUST_ACCEPTED, 0);
}

/* Of what this worker saw a moment ago and what all of them have told. */
static enum trust_meaning
meaning(struct trust_told *t, const struct trust_event *e, uint64_t host, unsigned alert)
{
	const struct trust_client *seen = seen_place(t, e->id);
	bool is_seen = memcmp(seen->client, e->id->hash, sizeof(seen->client)) == 0;
	int64_t now = now_seconds();
	struct trust_client all;
	bool known = trust_find_client(t->reader, e->id->hash, &all);
	enum trust_meaning here = trust_means(is_seen ? seen : NULL, host, alert, now);
	enum trust_meaning everywhere = trust_means(known ? &all : NULL, host, alert, now);

	return MAX(here, everywhere);
}

const char *
trust_told_rejected(struct trust_told *t, const struct trust_event *e, unsigned alert)
{
	uint64_t host = trust_host_hash(e->host, e->port);
	enum trust_meaning m = meaning(t, e, host, alert);

	tally_reject(t->worker, alert, m == TRUST_NO_CA ? CAUSE_NO_CA :
	    m == TRUST_PINNED ? CAUSE_PINNED : CAUSE_UNCLEAR);
	if (is_news(t, e->id, host, TRUST_REFUSED))
		tell(t, e, TRUST_REFUSED, alert);
	(void)snprintf(t->text, sizeof(t->text), "%s (%s)", trust_meaning_text(m),
	    trust_alert_text(alert));
	return t->text;
}

void
trust_told_unused(struct trust_told *t, const struct trust_event *e)
{
	uint64_t host = trust_host_hash(e->host, e->port);

	if (meaning(t, e, host, 0) == TRUST_NO_CA && is_news(t, e->id, host, TRUST_UNUSED))
		tell(t, e, TRUST_UNUSED, 0);
}
