/* SPDX-License-Identifier: ISC */
/* pinning.c - see pinning.h.  Runs in: master. */
#include "config.h"

#include "master/pinning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rate.h"
#include "conf/conf.h"
#include "ipc/msg.h"

#define HOUR 3600
#define REFUSALS 512		/* the longest unheard is forgotten */
#define SAY_AGAIN 600		/* seconds until the same is logged again */
#define ALERTS_NEEDED 2
#define TAG_LONGEST 64
#define UNUSED_NEEDED 3		/* a browser that opens some in advance uses one at last */

/* A client that refused our certificate for a host. */
struct refusal {
	uint8_t client[32];
	struct host_port host;
	uint64_t hash;			/* of host and port; 0: a free place */
	int64_t alert_at[ALERTS_NEEDED];	/* the latest fatal alerts, newest first */
	int64_t accepted_at;		/* ... and yet it took it */
	int64_t heard_at, said_at;
};

struct pinning {
	struct segment *segment;
	uint64_t pinned_ms;
	char *ca_dir;
	struct refusal refusals[REFUSALS];
	int64_t no_ca_said_at[TRUST_CLIENTS];
	unsigned nunused[TRUST_CLIENTS];	/* connections of those that accepted none */
	struct rate lines, learnt_lines;
	unsigned left_out, learnt_left_out;
};

/* A message that was found to be true, at least in form. */
struct news {
	const uint8_t *client;
	struct host_port host;		/* with the port */
	uint64_t hash;
	char address[ADDR_TEXT_SIZE], tag[TAG_LONGEST + 1];
	unsigned what, alert;
	int64_t now;
};

struct pinning *
pinning_new(struct segment *s)
{
	struct pinning *p = mem_new(struct pinning);

	p->segment = s;
	p->lines = p->learnt_lines = (struct rate){.burst = 20, .per_second = 0.5};
	return p;
}

void
pinning_free(struct pinning **pp)
{
	struct pinning *p = pp != NULL ? *pp : NULL;

	if (p == NULL)
		return;
	*pp = NULL;
	free(p->ca_dir);
	free(p);
}

const struct trust_bypass *
pinning_bypasses(const struct pinning *p)
{
	return trust_bypasses(p->segment);
}

/* ---- the list ---- */

static void
drop(struct pinning *p, unsigned place)
{
	static const struct trust_bypass none;

	trust_put_bypass(p->segment, place, &none);
}

static void
expire(struct pinning *p, int64_t now)
{
	const struct trust_bypass *all = pinning_bypasses(p);
	unsigned i;

	for (i = 0; i < TRUST_BYPASSES; i++) {
		if (all[i].until == 0 || all[i].until > now)
			continue;
		if (!all[i].by_hand && rate_take(&p->learnt_lines, clock_mono_us()))
			log_info("%s is intercepted again for %s: the learnt bypass has ended",
			    all[i].host, all[i].who);
		drop(p, i);
	}
}

/*
 * The place of an equal one, a free one, or that of the learnt one that ends
 * first; none when all were made by hand.
 */
static unsigned
place_for(const struct pinning *p, const struct trust_bypass *b)
{
	const struct trust_bypass *all = pinning_bypasses(p);
	unsigned i, free_place = TRUST_BYPASSES, first = TRUST_BYPASSES;

	for (i = 0; i < TRUST_BYPASSES; i++) {
		if (all[i].until == 0) {
			free_place = MIN(free_place, i);
			continue;
		}
		if (all[i].by_hand == b->by_hand && all[i].port == b->port &&
		    memcmp(all[i].client, b->client, sizeof(b->client)) == 0 &&
		    strcmp(all[i].host, b->host) == 0)
			return i;
		if (!all[i].by_hand &&
		    (first == TRUST_BYPASSES || all[i].until < all[first].until))
			first = i;
	}
	return free_place < TRUST_BYPASSES ? free_place : first;
}

static int
put(struct pinning *p, const struct trust_bypass *b, int64_t now)
{
	unsigned place;

	expire(p, now);
	place = place_for(p, b);
	if (place == TRUST_BYPASSES)
		return ERR_LIMIT;
	trust_put_bypass(p->segment, place, b);
	return 0;
}

static void
name_host(struct trust_bypass *b, const struct host_port *host)
{
	memcpy(b->host, host->host, host->host_len);
	b->port = host->port;
}

int
pinning_add(struct pinning *p, const struct host_port *host, const struct addr *address,
    struct str tag, int64_t until, int64_t now, struct errmsg *err)
{
	struct trust_bypass b;

	memset(&b, 0, sizeof(b));
	name_host(&b, host);
	b.by_hand = true;
	b.until = until;
	if (address != NULL) {
		char text[ADDR_TEXT_SIZE];

		trust_address_id(address, b.client);
		(void)snprintf(b.who, sizeof(b.who), "%s", addr_ip_text(address, text));
	} else if (tag.n > 0) {
		trust_tag_id(tag, b.client);
		(void)snprintf(b.who, sizeof(b.who), "tag %.*s", STR_ARG(tag));
	}
	if (put(p, &b, now) != 0)
		return errmsg_set(err, "there are %u bypasses already; remove some",
		    TRUST_BYPASSES);
	return 0;
}

unsigned
pinning_remove(struct pinning *p, const struct host_port *host, int64_t now)
{
	const struct trust_bypass *all = pinning_bypasses(p);
	unsigned i, n = 0;

	expire(p, now);
	for (i = 0; i < TRUST_BYPASSES; i++) {
		if (all[i].until == 0 ||
		    (host != NULL && (strcmp(all[i].host, host->host) != 0 ||
		    (host->port != 0 && host->port != all[i].port))))
			continue;
		drop(p, i);
		n++;
	}
	return n;
}

void
pinning_follow(struct pinning *p, const struct conf *conf, int64_t now)
{
	const struct trust_bypass *all = pinning_bypasses(p);
	unsigned i, n = 0;

	p->pinned_ms = conf->bypass_pinned_ms;
	free(p->ca_dir);
	p->ca_dir = mem_strdup(conf->ca.dir);
	expire(p, now);
	for (i = 0; i < TRUST_BYPASSES && p->pinned_ms == 0; i++)
		if (all[i].until != 0 && !all[i].by_hand) {
			drop(p, i);
			n++;
		}
	if (n > 0)
		log_info("bypass.pinned is off: %u learnt bypasses were forgotten", n);
}

/* ---- what people are told ---- */

static void
put_hint(const struct pinning *p, const struct news *n, enum trust_meaning m, char *out,
    size_t size)
{
	switch (m) {
	case TRUST_CLOCK:
		(void)snprintf(out, size, "compare the client's clock with this host's");
		break;
	case TRUST_PINNED:
	case TRUST_PINNED_OR_NO_CA:
		if (p->pinned_ms > 0 && n->alert != 0)
			(void)snprintf(out, size, "after %d alerts within the hour it reaches "
			    "the host untouched (bypass.pinned)", ALERTS_NEEDED);
		else
			(void)snprintf(out, size, "let it reach the host untouched with "
			    "ignore_hosts, bypass.pinned or 'mitmctl bypass add %s'",
			    n->host.host);
		break;
	default:
		(void)snprintf(out, size, "install %s/mitmd-ca-cert.pem there", p->ca_dir);
	}
}

static bool
may_say(struct pinning *p, int64_t *said_at, int64_t now)
{
	if (*said_at != 0 && now - *said_at < SAY_AGAIN)
		return false;
	if (!rate_take(&p->lines, clock_mono_us())) {
		p->left_out++;
		return false;
	}
	*said_at = now;
	return true;
}

static void
say_refused(struct pinning *p, const struct news *n, enum trust_meaning m, int64_t *said_at)
{
	char hint[1100];

	if (!may_say(p, said_at, n->now))
		return;
	put_hint(p, n, m, hint, sizeof(hint));
	log_warning("client %s (tag %s) refuses our certificate for %s:%u: %s (%s); %s",
	    n->address, n->tag, n->host.host, n->host.port, trust_meaning_text(m),
	    trust_alert_text(n->alert), hint);
	if (p->left_out > 0)
		log_info("%u more refusals of clients were not logged", p->left_out);
	p->left_out = 0;
}

static void
say_unused(struct pinning *p, const struct news *n, int64_t *said_at)
{
	if (may_say(p, said_at, n->now))
		log_warning("client %s (tag %s) has opened %d TLS connections and sent no "
		    "request, the last one to %s:%u: CA not installed on this client?  Install "
		    "%s/mitmd-ca-cert.pem there", n->address, n->tag, UNUSED_NEEDED,
		    n->host.host, n->host.port, p->ca_dir);
}

/* ---- memory ---- */

static unsigned
client_place(const struct pinning *p, const uint8_t client[32])
{
	const struct trust_client *all = trust_clients(p->segment);
	unsigned i, oldest = 0;
	int64_t heard, oldest_heard = INT64_MAX;

	for (i = 0; i < TRUST_CLIENTS; i++) {
		if (memcmp(all[i].client, client, sizeof(all[i].client)) == 0)
			return i;
		heard = MAX(all[i].accepted_at, all[i].rejected_at);
		if (heard < oldest_heard) {
			oldest_heard = heard;
			oldest = i;
		}
	}
	return oldest;
}

static struct refusal *
refusal_place(struct pinning *p, const struct news *n)
{
	struct refusal *r, *oldest = p->refusals;

	for (r = p->refusals; r < p->refusals + REFUSALS; r++) {
		if (r->hash == n->hash && memcmp(r->client, n->client, sizeof(r->client)) == 0)
			return r;
		if (r->heard_at < oldest->heard_at)
			oldest = r;
	}
	memset(oldest, 0, sizeof(*oldest));
	memcpy(oldest->client, n->client, sizeof(oldest->client));
	oldest->host = n->host;
	oldest->hash = n->hash;
	return oldest;
}

/* ---- learning ---- */

/* Who changes his tag with each connection is a new client each time. */
static void
say_learnt(struct pinning *p, const struct news *n, const struct trust_bypass *b)
{
	char date[CLOCK_ISO_SIZE];

	if (!rate_take(&p->learnt_lines, clock_mono_us())) {
		p->learnt_left_out++;
		return;
	}
	clock_iso((uint64_t)b->until * 1000000, date);
	log_info("client %s (tag %s) reaches %s:%u untouched until %s (bypass.pinned): it "
	    "refuses our certificate there and accepts others", n->address, n->tag, b->host,
	    b->port, date);
	if (p->learnt_left_out > 0)
		log_info("%u more learnt bypasses were not logged", p->learnt_left_out);
	p->learnt_left_out = 0;
}

static void
learn(struct pinning *p, const struct news *n, struct refusal *r)
{
	struct trust_bypass b;

	memset(&b, 0, sizeof(b));
	memcpy(b.client, r->client, sizeof(b.client));
	name_host(&b, &r->host);
	b.until = n->now + (int64_t)((p->pinned_ms + 999) / 1000);
	(void)snprintf(b.who, sizeof(b.who), "%.45s, tag %.64s", n->address, n->tag);
	memset(r, 0, sizeof(*r));
	if (put(p, &b, n->now) == 0)
		say_learnt(p, n, &b);
}

static bool
is_pinned(const struct trust_client *c, const struct refusal *r, int64_t now)
{
	/* Who takes it now and then is not pinned: two programs that look alike. */
	return r->alert_at[ALERTS_NEEDED - 1] > now - HOUR && r->accepted_at <= now - HOUR &&
	    trust_accepted_elsewhere(c, r->hash) > now - HOUR;
}

static void
heard_accepted(struct pinning *p, const struct news *n, const struct trust_client *c)
{
	struct refusal *r;

	for (r = p->refusals; r < p->refusals + REFUSALS; r++) {
		if (r->hash == 0 || memcmp(r->client, n->client, sizeof(r->client)) != 0)
			continue;
		if (r->hash == n->hash)
			r->accepted_at = n->now;
		else if (p->pinned_ms > 0 && is_pinned(c, r, n->now))
			learn(p, n, r);
	}
}

static void
heard_refused(struct pinning *p, const struct news *n, unsigned place,
    const struct trust_client *c)
{
	enum trust_meaning m = trust_means(c, n->hash, n->alert, n->now);
	struct refusal *r = refusal_place(p, n);

	r->heard_at = n->now;
	/* Who has no CA refuses every host: said once. */
	say_refused(p, n, m, m == TRUST_NO_CA ? &p->no_ca_said_at[place] : &r->said_at);
	if (!trust_alert_refuses(n->alert) || m == TRUST_CLOCK || m == TRUST_MIXED)
		return;
	memmove(r->alert_at + 1, r->alert_at, sizeof(r->alert_at) - sizeof(r->alert_at[0]));
	r->alert_at[0] = n->now;
	if (p->pinned_ms > 0 && is_pinned(c, r, n->now))
		learn(p, n, r);
}

/* No more than a hint: it publishes nothing and teaches nothing. */
static void
heard_unused(struct pinning *p, const struct news *n, unsigned place,
    const struct trust_client *c)
{
	if (c->accepted_at == 0 && ++p->nunused[place] >= UNUSED_NEEDED)
		say_unused(p, n, &p->no_ca_said_at[place]);
}

/* ---- messages ---- */

static bool
tag_ok(struct str tag)
{
	size_t i;

	for (i = 0; i < tag.n; i++) {
		char c = ascii_lower(tag.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
		    c != '.' && c != '-')
			return false;
	}
	return tag.n >= 1 && tag.n <= TAG_LONGEST;
}

/* What stands for more than one client is not a worker's to name. */
static bool
one_client(const uint8_t client[32], const struct addr *address)
{
	static const uint8_t none[32];
	uint8_t any[32];

	trust_address_id(address, any);
	return memcmp(client, none, sizeof(none)) != 0 && memcmp(client, any, 8) != 0;
}

static bool
read_news(const struct msg_trust *m, struct news *n)
{
	struct addr address;

	if (m->accepted > TRUST_UNUSED || (m->accepted != TRUST_REFUSED && m->alert != 0) ||
	    (m->alert != 0 && !trust_alert_refuses(m->alert)) || m->port == 0 ||
	    m->port > 65535 || !tag_ok(m->tag) || !addr_parse_ip(m->address, 0, &address) ||
	    target_parse_host(m->host, &n->host) != 0 || !one_client(m->client.b, &address))
		return false;
	n->client = m->client.b;
	n->host.port = (uint16_t)m->port;
	n->hash = trust_host_hash(str_of(n->host.host, n->host.host_len), n->host.port);
	(void)addr_ip_text(&address, n->address);
	(void)snprintf(n->tag, sizeof(n->tag), "%.*s", STR_ARG(m->tag));
	n->what = m->accepted;
	n->alert = m->alert;
	return true;
}

int
pinning_told(struct pinning *p, struct str body, int64_t now)
{
	struct news n = {.now = now};
	struct trust_client c;
	struct msg_trust m;
	unsigned place;

	if (msg_unpack_trust(body, &m) != 0)
		return -1;
	if (!read_news(&m, &n))
		return 0;
	expire(p, now);
	place = client_place(p, n.client);
	c = trust_clients(p->segment)[place];
	if (memcmp(c.client, n.client, sizeof(c.client)) != 0) {
		memset(&c, 0, sizeof(c));
		memcpy(c.client, n.client, sizeof(c.client));
		p->no_ca_said_at[place] = 0;
		p->nunused[place] = 0;
	}
	switch (n.what) {
	case TRUST_ACCEPTED:
		trust_note_accepted(&c, n.hash, now);
		heard_accepted(p, &n, &c);
		break;
	case TRUST_REFUSED:
		c.rejected_at = now;
		heard_refused(p, &n, place, &c);
		break;
	default:
		heard_unused(p, &n, place, &c);
	}
	trust_put_client(p->segment, place, &c);
	return 0;
}
