/* SPDX-License-Identifier: ISC */
/*
 * aborted.c - see aborted.h.  The bytes come from a process that crashed, or was
 * made to: nothing in them is believed.
 * Runs in: recorder.
 */
#include "config.h"

#include "recorder/aborted.h"

#include "har/entry.h"
#include "http/target.h"
#include "shm/ring.h"

#define URL_CUT "the URL had no room in what was saved"

static bool
is_method(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static bool
is_address(const struct addr *a)
{
	switch (a->sa.sa_family) {
	case AF_INET:
		return a->len == sizeof(a->in);
	case AF_INET6:
		return a->len == sizeof(a->in6);
	default:
		return false;
	}
}

static struct str
scheme_of(uint8_t flags)
{
	bool secure = (flags & (OPEN_SECURE | OPEN_CONNECT)) != 0;

	if ((flags & OPEN_WEBSOCKET) != 0)
		return secure ? STR("wss") : STR("ws");
	return secure ? STR("https") : STR("http");
}

/* As the entry of the worker would have it. */
static bool
put_url(struct buf *url, const struct open_flow *f)
{
	bool connect = (f->flags & OPEN_CONNECT) != 0;
	struct host_port to;

	if (f->port == 0) {
		buf_putz(url, "http://invalid/");
		return true;
	}
	if (target_parse_host(str_of(f->host, f->host_len), &to) != 0)
		return false;
	to.port = f->port;
	target_put_url(url, scheme_of(f->flags), &to,
	    connect ? STR("/") : str_of(f->path, f->path_len));
	return true;
}

static void
take_times(struct har_times *t, const struct open_flow *f, uint64_t now_wall_us,
    uint64_t now_us)
{
	*t = (struct har_times){.started_wall_us = f->started_wall_us, .blocked = -1,
	    .dns = -1, .connect = -1, .ssl = -1};
	if (f->started_us <= now_us)
		t->wait = (int64_t)(now_us - f->started_us);
	/* The clock may have been set since; a date that never was is of no use. */
	if (t->started_wall_us == 0 || t->started_wall_us > now_wall_us)
		t->started_wall_us = now_wall_us - MIN(now_wall_us, (uint64_t)t->wait);
}

bool
aborted_entry(const struct open_flow *f, uint64_t now_wall_us, uint64_t now_us,
    struct buf *out)
{
	struct har_insert none[RING_INSERTS_MAX];
	struct buf url = {0};
	struct message request;
	size_t ninserts;
	struct har_flow h = {
	    .tag = str_of(f->tag, f->tag_len),
	    .client = is_address(&f->client) ? &f->client : NULL,
	    .request = &request,
	    .client_id = f->client_id,
	    .error = ABORTED_ERROR,
	    .aborted = true,
	    .comment = (f->flags & OPEN_CUT) != 0 ? URL_CUT : NULL,
	};
	struct str method = str_of(f->method, f->method_len);
	bool ok = ring_tag_ok(h.tag) && is_method(method) && put_url(&url, f);

	if (ok) {
		message_init(&request);
		request.is_request = true;
		request.method = method;
		request.is_connect = (f->flags & OPEN_CONNECT) != 0;
		request.version = f->version <= HTTP_VERSION_2 ? f->version : HTTP_VERSION_1_1;
		request.head_bytes = request.body_bytes = -1;
		h.url = buf_str(&url);
		take_times(&h.times, f, now_wall_us, now_us);
		har_entry(out, &h, none, &ninserts);
		message_free(&request);
	}
	buf_free(&url);
	return ok;
}
