/* SPDX-License-Identifier: ISC */
/*
 * h2.c - see h2.h.
 * Runs in: bench/load.
 */
#include "config.h"

#include "h2.h"

#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "request.h"

#define STREAM_WINDOW (1 << 20)		/* about what browsers say */
#define CONNECTION_WINDOW (16 << 20)
#define FIELDS_MAX 32
#define OUTPUT_MAX 16384

struct stream {
	TAILQ_ENTRY(stream) link;
	uint64_t start_us;
	uint64_t body;
	unsigned status;
	bool wrong;
};

struct h2 {
	const struct load *load;
	struct page *page;
	const struct h2_ops *ops;
	void *arg;
	nghttp2_session *session;
	TAILQ_HEAD(, stream) streams;	/* the oldest first */
	unsigned nstreams;
	struct buf out;
	char name[REQUEST_NAME_MAX];
	char *names;			/* of the fields, as HTTP/2 writes them */
	nghttp2_nv nv[FIELDS_MAX];
	size_t nnv;
};

/* ---- what is asked ---- */

static nghttp2_nv
pair(struct str name, struct str value)
{
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p, .namelen = name.n,
	    .value = (uint8_t *)(uintptr_t)value.p, .valuelen = value.n,
	    .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

/* The same request each time; its fields are the user's, with names in small letters. */
static void
make_request(struct h2 *h2)
{
	struct str lines, line, name;
	size_t i;

	h2->nv[h2->nnv++] = pair(STR(":method"), STR("GET"));
	h2->nv[h2->nnv++] = pair(STR(":scheme"), STR("https"));
	h2->nv[h2->nnv++] = pair(STR(":authority"), str_z(h2->name));
	h2->nv[h2->nnv++] = pair(STR(":path"), str_z(h2->load->path));
	h2->names = str_dup(str_z(h2->load->fields));
	lines = str_z(h2->names);
	while (str_split(&lines, '\n', &line)) {
		if (!str_split(&line, ':', &name) || line.n == 0)
			continue;
		for (i = 0; i < name.n; i++)
			h2->names[(size_t)(name.p - h2->names) + i] = ascii_lower(name.p[i]);
		CHECK(h2->nnv < FIELDS_MAX);
		h2->nv[h2->nnv++] = pair(name, str_trim(str_sub(line, 0, line.n - 1)));
	}
}

void
h2_request(struct h2 *h2)
{
	struct stream *s = mem_new(struct stream);

	s->start_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&h2->streams, s, link);
	h2->nstreams++;
	CHECK(nghttp2_submit_request(h2->session, NULL, h2->nv, h2->nnv, NULL, s) > 0);
}

/* ---- what is answered ---- */

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags UNUSED,
    void *arg UNUSED)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	uint64_t status;

	if (s != NULL && str_eq(str_of(name, name_len), STR(":status")) &&
	    str_u64(str_of(value, value_len), 999, &status))
		s->status = (unsigned)status;
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t id, const uint8_t *p, size_t n,
    void *arg)
{
	struct h2 *h2 = arg;
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	if (s == NULL)
		return 0;
	if (s->status == h2->load->status && !page_bytes(h2->page, s->body, p, n))
		s->wrong = true;
	s->body += n;
	return 0;
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct h2 *h2 = arg;
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);
	struct stream was;

	if (s == NULL)
		return 0;
	was = *s;
	TAILQ_REMOVE(&h2->streams, s, link);
	h2->nstreams--;
	free(s);
	(void)nghttp2_session_set_stream_user_data(session, id, NULL);
	if (code != NGHTTP2_NO_ERROR)
		h2->ops->failed(h2->arg, STAT_CLOSED, 0);
	else if (was.status != h2->load->status)
		h2->ops->failed(h2->arg, STAT_STATUS, was.status);
	else if (was.wrong || !page_end(h2->page, was.body))
		h2->ops->failed(h2->arg, STAT_BODY, 0);
	else
		h2->ops->answered(h2->arg, was.start_us, was.body);
	return 0;
}

int
h2_receive(struct h2 *h2, const void *p, size_t n)
{
	return nghttp2_session_mem_recv(h2->session, p, n) == (ssize_t)n ? 0 : -1;
}

/* ---- what is sent ---- */

struct str
h2_output(struct h2 *h2)
{
	const uint8_t *p;
	ssize_t n;

	/* One record for all that is asked now. */
	while (h2->out.len < OUTPUT_MAX &&
	    (n = nghttp2_session_mem_send(h2->session, &p)) > 0)
		buf_put(&h2->out, p, (size_t)n);
	return buf_str(&h2->out);
}

void
h2_sent(struct h2 *h2, size_t n)
{
	buf_consume(&h2->out, n);
}

unsigned
h2_under_way(const struct h2 *h2)
{
	return h2->nstreams;
}

uint64_t
h2_oldest(const struct h2 *h2)
{
	const struct stream *s = TAILQ_FIRST(&h2->streams);

	return s != NULL ? s->start_us : 0;
}

/* ---- beginning and end ---- */

static void
make_session(struct h2 *h2)
{
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
	};
	nghttp2_session_callbacks *c;

	CHECK(nghttp2_session_callbacks_new(&c) == 0);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
	CHECK(nghttp2_session_client_new(&h2->session, c, h2) == 0);
	nghttp2_session_callbacks_del(c);
	CHECK(nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
	    NELEM(settings)) == 0);
	CHECK(nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
	    CONNECTION_WINDOW) == 0);
}

struct h2 *
h2_new(const struct load *load, struct page *page, unsigned host, const struct h2_ops *ops,
    void *arg)
{
	struct h2 *h2 = mem_new(struct h2);

	h2->load = load;
	h2->page = page;
	h2->ops = ops;
	h2->arg = arg;
	TAILQ_INIT(&h2->streams);
	request_name(load, host, h2->name);
	make_request(h2);
	make_session(h2);
	return h2;
}

void
h2_free(struct h2 **ph)
{
	struct h2 *h2 = *ph;
	struct stream *s;

	*ph = NULL;
	if (h2 == NULL)
		return;
	nghttp2_session_del(h2->session);	/* calls nobody back */
	while ((s = TAILQ_FIRST(&h2->streams)) != NULL) {
		TAILQ_REMOVE(&h2->streams, s, link);
		free(s);
	}
	buf_free(&h2->out);
	free(h2->names);
	free(h2);
}
