/* SPDX-License-Identifier: ISC */
/* h2rig.c - see h2rig.h. */
#include "config.h"

#include "h2rig.h"

#include <check.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "worker/back.h"

const struct peer_conf usual_client = {.server = false}, usual_origin = {.server = true};

struct peer *c, *o;
struct h2 *h2_client, *h2_origin;
int h1_fd = -1;
struct flow *asked;
bool free_on_request;
static struct back *h1_back;
static enum rig_route route;
static struct buf told;

/* A pair of local sockets needs no time; TCP over loopback does, on a busy machine. */
#define TCP_ROUNDS 30

void
settle(void)
{
	unsigned quiet = 0;

	while (quiet < (world.unix_pairs ? 2 : TCP_ROUNDS)) {
		bool moved = c != NULL && peer_pump(c);

		moved |= o != NULL && peer_pump(o);
		world_run(&world);
		quiet = moved ? 0 : quiet + 1;
		if (quiet > 0 && !world.unix_pairs)
			(void)usleep(1000);
	}
}

void
told_is(const char *want, const char *file, int line)
{
	buf_putc(&told, '\0');
	if (strcmp((const char *)buf_data(&told), want) != 0)
		ck_abort_msg("%s:%d:\nwant %s\ngot  %s", file, line, want,
		    (const char *)buf_data(&told));
	buf_clear(&told);
}

/* ---- inside a CONNECT ------------------------------------------------------------- */

void
tunnel_begin(const struct peer_conf *client_conf, const struct peer_conf *origin_conf)
{
	static const char preface[] = NGHTTP2_CLIENT_MAGIC;

	say(client, "CONNECT o.test:80 HTTP/1.1\r\nHost: o.test:80\r\n\r\n");
	HEARS(client, "HTTP/1.1 200 Connection established\r\n\r\n");
	ck_assert_uint_eq(strlen(preface), NGHTTP2_CLIENT_MAGIC_LEN);
	c = peer_new(client, client_conf);
	settle(); /* an origin that speaks first would make it a tunnel */
	o = peer_new(world.origin[0], origin_conf);
	client = world.origin[0] = -1;
	settle();
	SAW(c, "");
	SAW(o, "");
}

void
tunnel_setup(void)
{
	world_init(&world);
	world.unix_pairs = true;
	client = world_client(&world);
}

void
tunnel_setup_tcp(void)
{
	rig_setup();
}

void
tunnel_usual(void)
{
	tunnel_setup();
	tunnel_begin(&usual_client, &usual_origin);
}

void
tunnel_usual_tcp(void)
{
	tunnel_setup_tcp();
	tunnel_begin(&usual_client, &usual_origin);
}

static void
end_common(void)
{
	peer_free(&c);
	peer_free(&o);
	world_run(&world);
	buf_free(&told);
}

void
tunnel_teardown(void)
{
	end_common();
	rig_teardown();
}

/* ---- alone -------------------------------------------------------------------------- */

static void
on_describe(void *host UNUSED, struct flow *f)
{
	memcpy(f->facts.tag, "job-1", 6);
	f->facts.scheme = "https";
	f->facts.has_origin = true;
	ck_assert_int_eq(target_parse_host(STR("o.test"), &f->facts.origin), 0);
	f->facts.origin.port = 443;
	ck_assert(addr_parse(STR("127.0.0.1:5000"), &f->facts.client));
}

static void
on_request(void *host, struct flow *f)
{
	on_describe(host, f);
	asked = f;
	if (free_on_request) {
		h2_cut(h2_client, "the host has enough");
		h2_free(&h2_client);
		return;
	}
	switch (route) {
	case TO_H2:
		if (h2_origin == NULL || !h2_attach(h2_origin, f))
			flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "the origin takes no more");
		break;
	case TO_H1:
		if (h1_back == NULL || !back_idle(h1_back))
			flow_refuse(f, 503, "the origin is busy");
		else
			flow_attach(f, &back_end_ops, h1_back);
		break;
	case TO_FAKE:
		flow_attach(f, &fake_ops, &back);
		break;
	case TO_NOBODY:
		break;
	}
}

static const char *
side(const struct h2 *h2)
{
	return h2 == h2_client ? "client" : "origin";
}

static void
on_ended(void *host UNUSED, struct h2 *h2, enum conn_end how)
{
	struct conn *conn = h2_take_conn(h2);

	buf_printf(&told, "%s ended(%d) ", side(h2), how);
	conn_end_like(&conn, how);
	h2_free(h2 == h2_client ? &h2_client : &h2_origin);
}

static void
on_idle(void *host UNUSED, struct h2 *h2)
{
	buf_printf(&told, "%s idle ", side(h2));
}

static void
on_goaway(void *host UNUSED, struct h2 *h2)
{
	buf_printf(&told, "%s goaway ", side(h2));
}

static void
on_settings(void *host UNUSED, struct h2 *h2)
{
	if (told.len == 0) /* a flood of them is told by its end */
		buf_printf(
		    &told, "%s settings%s ", side(h2), h2_has_connect(h2) ? "(connect)" : "");
}

static const struct h2_ops host_ops = {.describe = on_describe,
    .request = on_request,
    .ended = on_ended,
    .idle = on_idle,
    .goaway = on_goaway,
    .settings = on_settings};

static void
on_back_ended(void *host UNUSED, struct back *b UNUSED, enum conn_end how)
{
	struct conn *conn = back_take_conn(h1_back);

	buf_printf(&told, "back ended(%d) ", how);
	conn_end_like(&conn, how);
	back_free(&h1_back);
}

static bool
on_lost(void *host UNUSED, struct back *b UNUSED, struct flow *f UNUSED)
{
	return false;
}

static void
on_upgraded(void *host UNUSED, struct back *b UNUSED, struct flow *f UNUSED)
{
	ck_abort_msg("HTTP/2 asks for no upgrade");
}

static const struct back_ops back_ops = {
    .ended = on_back_ended, .lost = on_lost, .upgraded = on_upgraded};

static const struct conn_ops no_ops = {0};

/* A connection of the worker's; its far end in *out_fd. */
static struct conn *
new_conn(int *out_fd)
{
	struct addr addr;
	int fd[2];

	world_pair(&world, fd);
	ck_assert(addr_parse(STR("127.0.0.1:5000"), &addr));
	*out_fd = fd[1];
	return conn_new(&world.worker, SIDE_ORIGIN, fd[0], &addr, &no_ops, NULL);
}

void
alone_origin(const struct peer_conf *conf)
{
	struct h2_conf role = {.role = H2_ORIGIN, .scheme = "https"};
	struct conn *conn;
	int fd;

	conn = new_conn(&fd);
	o = peer_new(fd, conf);
	h2_origin = h2_new(&world.worker, &conn, &role, &host_ops, NULL);
	settle();
}

void
alone_begin(enum rig_route to, const struct peer_conf *client_conf,
    const struct peer_conf *origin_conf, bool may_answer)
{
	struct h2_conf role = {.role = H2_CLIENTS, .scheme = "https", .may_answer = may_answer};
	struct conn *conn;
	int fd;

	route = to;
	if (to == TO_H2)
		alone_origin(origin_conf);
	if (to == TO_H1) {
		conn = new_conn(&h1_fd);
		h1_back = back_new(&world.worker, &conn, false, &back_ops, NULL);
	}
	conn = new_conn(&fd);
	c = peer_new(fd, client_conf);
	h2_client = h2_new(&world.worker, &conn, &role, &host_ops, NULL);
	settle();
	buf_clear(&told);
}

void
alone_usual(void)
{
	alone_begin(TO_H2, &usual_client, &usual_origin, false);
}

void
alone_setup(void)
{
	ends_setup();
	world.unix_pairs = true;
	free_on_request = false;
	asked = NULL;
}

void
alone_teardown(void)
{
	if (h2_client != NULL)
		h2_cut(h2_client, "test over");
	if (h2_origin != NULL)
		h2_cut(h2_origin, "test over");
	h2_free(&h2_client);
	h2_free(&h2_origin);
	back_free(&h1_back);
	fd_close(&h1_fd);
	end_common();
	ends_teardown();
}

void
drop_entries(void)
{
	world_drop_entries(&world);
}

void
watch_now(struct h2 *h2)
{
	ck_assert_msg(ev_is_active(&h2->watch), "the timer does not run");
	ev_invoke(world.worker.loop, &h2->watch, EV_TIMER);
	settle();
}
