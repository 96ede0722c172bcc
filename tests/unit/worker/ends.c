/* SPDX-License-Identifier: ISC */
/* ends.c - see ends.h. */
#include "config.h"

#include "ends.h"

#include <check.h>
#include <stdarg.h>
#include <string.h>

struct world world;
struct fake front, back;
static struct buf trace;

static void
note_recorded(void)
{
	while (world_entry(&world) != NULL)
		buf_putz(&trace, "REC ");
}

static void PRINTF(4, 5)
note(struct fake *e, struct flow *f, const char *event, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	note_recorded();
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(&trace, "%c.%s%s ", e->name, event, text);
	if (e->strike != NULL && strcmp(e->strike, event) == 0) {
		e->strike = NULL;
		flow_fail(f, e->side, CONN_END_RESET, "struck in %s", event);
	}
}

static void
on_head(void *end, struct flow *f, const struct message *m)
{
	if (m->is_request)
		note(end, f, "head", "(%.*s)", (int)m->method.n, m->method.p);
	else
		note(end, f, "head", "(%u)", m->status);
}

static void
on_informational(void *end, struct flow *f, const struct message *m)
{
	note(end, f, "informational", "(%u)", m->status);
}

static bool
on_body(void *end, struct flow *f, const uint8_t *p, size_t n)
{
	struct fake *e = end;

	note(e, f, "body", "(%.*s)", (int)n, (const char *)p);
	return !e->full;
}

static void
on_end(void *end, struct flow *f, const struct fields *trailers)
{
	note(end, f, "end", "%s", trailers != NULL ? "(trailers)" : "");
}

static void
on_pause(void *end, struct flow *f, bool on)
{
	note(end, f, on ? "pause" : "resume", "%s", "");
}

static void
on_finished(void *end, struct flow *f, bool whole, enum conn_end how)
{
	static const char *const names[] = {
	    [CONN_END_CLEAN] = "clean",
	    [CONN_END_TRUNCATED] = "truncated",
	    [CONN_END_RESET] = "reset",
	    [CONN_END_TLS] = "tls",
	    [CONN_END_TIMEOUT] = "timeout",
	};
	struct fake *e = end;

	e->finished++;
	note(e, f, "finished", "(%s)", whole ? "whole" : names[how]);
}

const struct flow_end_ops fake_ops = {.head = on_head, .informational = on_informational,
    .body = on_body, .end = on_end, .pause = on_pause, .finished = on_finished};

void
ends_setup(void)
{
	world_init(&world);
	front = (struct fake){.name = 'F', .side = FLOW_FRONT};
	back = (struct fake){.name = 'B', .side = FLOW_BACK};
}

void
ends_teardown(void)
{
	world_fini(&world);
	buf_free(&trace);
}

/* ---- flows ---- */

struct flow *
ends_flow(void)
{
	struct flow *f = flow_new(&world.worker, &fake_ops, &front);

	memcpy(f->facts.tag, "job-1", 6);
	f->facts.scheme = "http";
	f->facts.has_origin = true;
	ck_assert_int_eq(target_parse_host(STR("o.test"), &f->facts.origin), 0);
	f->facts.origin.port = 80;
	ck_assert(addr_parse(STR("127.0.0.1:5000"), &f->facts.client));
	return f;
}

static void
frame(struct message *m, int64_t length)
{
	m->version = HTTP_VERSION_1_1;
	m->keep_alive = true;
	m->has_body = length != 0;
	m->length = length;
	m->chunked = length < 0;
}

void
ends_request(struct flow *f, const char *method, int64_t length)
{
	f->request.is_request = true;
	f->request.method = str_z(method);
	f->request.target = f->request.path = STR("/a");
	f->request.authority = STR("o.test");
	frame(&f->request, length);
	flow_head(f, FLOW_FRONT);
}

void
ends_response(struct flow *f, unsigned status, int64_t length)
{
	f->response.status = status;
	f->response.reason = STR("Some");
	frame(&f->response, length);
	flow_head(f, FLOW_BACK);
}

void
ends_body(struct flow *f, enum flow_side side, const char *text)
{
	flow_body(f, side, (const uint8_t *)text, strlen(text));
}

/* ---- what is compared ---- */

void
trace_is(const char *want, const char *file, int line)
{
	note_recorded();
	buf_putc(&trace, '\0');
	if (strcmp((const char *)buf_data(&trace), want) != 0)
		ck_abort_msg("%s:%d:\nwant %s\ngot  %s", file, line, want,
		    (const char *)buf_data(&trace));
	buf_clear(&trace);
}

void
trace_clear(void)
{
	note_recorded();
	buf_clear(&trace);
}

const char *
entry_next(void)
{
	const char *e = world_entry(&world);

	ck_assert_msg(e != NULL, "nothing was recorded");
	return e;
}

const char *
entry_last(void)
{
	ck_assert_msg(world.entry.len > 0, "nothing was recorded");
	return (const char *)buf_data(&world.entry);
}
