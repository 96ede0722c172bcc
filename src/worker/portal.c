/* SPDX-License-Identifier: ISC */
/*
 * portal.c - see portal.h.  A page is an end of its flow, in an origin's place: it
 * answers over every version of HTTP.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/portal.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "conf/conf.h"
#include "proc/metrics.h"
#include "worker/access.h"
#include "worker/flow.h"
#include "worker/worker_state.h"

struct answer {
	unsigned status;
	struct str reason;
	const char *type;
	struct buf content;
};

/* ---- pages ---- */

static void
healthz(struct worker *w UNUSED, const struct message *q UNUSED, struct answer *a)
{
	buf_putz(&a->content, "ok\n");
}

/* NULL: new requests are welcome here. */
static const char *
why_not_ready(const struct worker *w)
{
	if (w->stopping)
		return "stopping";
	if (w->draining)
		return "draining: a newer generation serves";
	if (w->leaving)
		return "leaving: this host is to be emptied";
	return NULL;
}

static void
readyz(struct worker *w, const struct message *q UNUSED, struct answer *a)
{
	const char *why = why_not_ready(w);

	if (why != NULL) {
		a->status = 503;
		a->reason = STR("Service Unavailable");
	}
	buf_putz(&a->content, why != NULL ? why : "ready");
	buf_putc(&a->content, '\n');
}

static void
metrics(struct worker *w, const struct message *q, struct answer *a)
{
	const struct field *accept = fields_find_name(&q->fields, STR("Accept"));
	enum metrics_format format = metrics_wanted(
	    accept != NULL ? fields_value(&q->fields, accept) : STR_NONE);

	a->type = metrics_content_type(format);
	metrics_render(&a->content, w->proc->counters, format,
	    str_z(OpenSSL_version(OPENSSL_VERSION_STRING)));
}

static const struct page {
	struct str path;
	void (*make)(struct worker *, const struct message *, struct answer *);
} pages[] = {
	{STR("/healthz"), healthz},
	{STR("/readyz"), readyz},
	{STR("/metrics"), metrics},
};

static const struct page *
page_of(struct str path)
{
	ssize_t query = str_chr(path, '?');
	size_t i;

	if (query >= 0)
		path = str_sub(path, 0, (size_t)query);
	for (i = 0; i < NELEM(pages); i++)
		if (str_eq(pages[i].path, path))
			return &pages[i];
	return NULL;
}

/* ---- whose request it is ---- */

/* Origin-form goes to the listener; what names a host goes there, be it over HTTP/2. */
static bool
is_ours(const struct worker *w, const struct flow *f)
{
	const struct message *q = &f->request;
	const struct host_port *to = &f->facts.origin;

	if (q->version != HTTP_VERSION_2 && q->form == TARGET_ORIGIN)
		return true;
	if (!f->facts.has_origin || !str_ieq(q->scheme, STR("http")))
		return false;
	if (to->is_ip)
		return access_is_listener(w->access, &to->ip);
	return to->port == 80 && str_ieq(str_of(to->host, to->host_len),
	    str_z(w->conf->portal_host));
}

/* ---- the answer ---- */

static void
say(struct flow *f, const char *name, const char *value)
{
	fields_add(&f->response.fields, str_z(name), str_z(value));
}

static void
make_head(struct flow *f, const struct answer *a)
{
	struct message *r = &f->response;
	char length[24];

	(void)snprintf(length, sizeof(length), "%zu", a->content.len);
	r->version = HTTP_VERSION_1_1;
	r->status = a->status;
	r->reason = a->reason;
	r->length = (int64_t)a->content.len;
	r->has_body = !f->request.is_head;
	r->keep_alive = true;
	say(f, "Content-Type", a->type);
	say(f, "Content-Length", length);
	say(f, "Cache-Control", "no-store");
	say(f, "X-Content-Type-Options", "nosniff");
}

/* The request's head is there, and all that is asked. Its body, if any, is nothing. */
static void
end_head(void *end, struct flow *f, const struct message *q)
{
	struct answer a = {
	    .status = 200, .reason = STR("OK"), .type = "text/plain; charset=utf-8"};
	struct worker *w = end;

	page_of(q->path)->make(w, q, &a);
	make_head(f, &a);
	flow_head(f, FLOW_BACK);
	if (!q->is_head)
		flow_body(f, FLOW_BACK, buf_data(&a.content), a.content.len);
	flow_end(f, FLOW_BACK);
	buf_free(&a.content);
}

static void
end_informational(void *end UNUSED, struct flow *f UNUSED, const struct message *m UNUSED)
{
	CHECK(!"requests have no 1xx");
}

static bool
end_body(void *end UNUSED, struct flow *f UNUSED, const uint8_t *p UNUSED, size_t n UNUSED)
{
	return true;
}

static void
end_end(void *end UNUSED, struct flow *f UNUSED, const struct fields *trailers UNUSED)
{
}

static void
end_pause(void *end UNUSED, struct flow *f UNUSED, bool on UNUSED)
{
}

static void
end_finished(void *end UNUSED, struct flow *f UNUSED, bool whole UNUSED,
    enum conn_end how UNUSED)
{
}

static const struct flow_end_ops end_ops = {.head = end_head,
    .informational = end_informational,
    .body = end_body,
    .end = end_end,
    .pause = end_pause,
    .finished = end_finished};

bool
portal_answer(struct worker *w, struct flow *f, const struct addr *client)
{
	struct message *q = &f->request;
	const char *why;

	if (q->is_connect || page_of(q->path) == NULL || !is_ours(w, f))
		return false;
	flow_leave_out(f);
	/* A body may be any size, and is not waited for. */
	if (q->has_body)
		q->keep_alive = false;
	why = access_client(w->access, client);
	if (why != NULL) {
		flow_refuse(f, 403, "%s", why);
	} else if (!str_eq(q->method, STR("GET")) && !str_eq(q->method, STR("HEAD"))) {
		(void)snprintf(f->reply_extra, sizeof(f->reply_extra), "Allow: GET, HEAD\r\n");
		flow_refuse(f, 405, "this page is only read");
	} else {
		flow_attach(f, &end_ops, w);
	}
	return true;
}
