/* SPDX-License-Identifier: ISC */
/*
 * link.c - the life of one client connection.
 * Runs in: bench/load.
 */
#include "config.h"

#include "link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <http_parser.h>
#include <openssl/err.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "h2.h"
#include "request.h"

enum link_state {
	LINK_CLOSED,
	LINK_CONNECTING,
	LINK_ASK,	/* sending the CONNECT */
	LINK_ASKED,	/* awaiting its answer */
	LINK_HANDSHAKE,
	LINK_SEND,
	LINK_ANSWER,	/* awaiting the answer's end */
	LINK_OPEN,	/* no request under way */
	LINK_STREAMS,	/* HTTP/2: any number of them */
};

struct link {
	struct link_env *env;
	enum link_state state;
	int fd;
	uint32_t events;	/* what epoll watches */
	SSL *ssl;
	unsigned host;		/* its number, from 0 */
	uint64_t start_us;	/* of the request */
	uint64_t answers;	/* on this connection */
	struct h2 *h2;
	unsigned wanted;	/* requests over HTTP/2 that wait for the connection */
	bool running;		/* what is asked for now is sent soon */
	http_parser parser;
	uint64_t body;		/* bytes of it so far */
	bool begun, complete, keep, wrong;
	size_t out_off, out_len;
	char out[REQUEST_MAX];
};

static char input[256 * 1024];	/* one is enough: nothing stays in it between events */

static int
on_begin(http_parser *p)
{
	struct link *l = p->data;

	l->begun = true;
	return l->complete;	/* more than one answer to one request */
}

static int
on_headers(http_parser *p)
{
	struct link *l = p->data;

	/* 2xx to a CONNECT: what follows is not HTTP (RFC 9110 9.3.6). */
	return l->state == LINK_ASKED && p->status_code / 100 == 2 ? 2 : 0;
}

static int
on_body(http_parser *p, const char *at, size_t n)
{
	struct link *l = p->data;

	if (l->state == LINK_ANSWER && p->status_code == l->env->load->status &&
	    !page_bytes(&l->env->page, l->body, at, n))
		l->wrong = true;
	l->body += n;
	return 0;
}

static int
on_complete(http_parser *p)
{
	struct link *l = p->data;

	if (p->status_code / 100 == 1)
		return 0;
	l->complete = true;
	l->keep = http_should_keep_alive(p) != 0;
	return 0;
}

static const http_parser_settings parser_settings = {
	.on_message_begin = on_begin,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

static void
await_answer(struct link *l)
{
	http_parser_init(&l->parser, HTTP_RESPONSE);
	l->parser.data = l;
	l->body = 0;
	l->begun = l->complete = l->keep = l->wrong = false;
}

static int
on_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct link *l = SSL_get_app_data(ssl);

	tickets_put(l->env->tickets, l->host, session);
	return 1;
}

SSL_CTX *
link_ctx_new(const struct load *load, struct errmsg *err)
{
	static const unsigned char h1[] = "\x08http/1.1", h2[] = "\x02h2";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	CHECK(ctx != NULL);
	CHECK(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
	CHECK(SSL_CTX_set_alpn_protos(ctx, load->streams > 0 ? h2 : h1,
	    load->streams > 0 ? sizeof(h2) - 1 : sizeof(h1) - 1) == 0);
	/* Output of HTTP/2 grows while a part of it waits to be written. */
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (load->resume) {
		SSL_CTX_set_session_cache_mode(ctx,
		    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, on_ticket);
	}
	if (load->ca == NULL)
		return ctx;
	if (SSL_CTX_load_verify_locations(ctx, load->ca, NULL) != 1) {
		errmsg_set(err, "%s: no certificate can be read", load->ca);
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

struct link *
link_new(struct link_env *env)
{
	struct link *l = mem_new(struct link);

	l->env = env;
	l->fd = -1;
	return l;
}

void
link_free(struct link **lp)
{
	if (*lp == NULL)
		return;
	link_close(*lp);
	free(*lp);
	*lp = NULL;
}

bool
link_is_open(const struct link *l)
{
	return l->state == LINK_OPEN;
}

void
link_close(struct link *l)
{
	if (l->ssl != NULL) {
		if (l->state == LINK_OPEN || l->state == LINK_STREAMS)
			SSL_shutdown(l->ssl);
		/* Without this SSL_free() marks a session not resumable. */
		SSL_set_shutdown(l->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(l->ssl);
		l->ssl = NULL;
		ERR_clear_error();
	}
	fd_close(&l->fd);
	h2_free(&l->h2);
	l->state = LINK_CLOSED;
	l->answers = 0;
}

/* The first error in full; the others are only counted. */
static void
explain(const struct link *l, enum stat_err kind, unsigned status)
{
	if (stats_errors(&l->env->stats) > 0)
		return;
	fprintf(stderr, "load: first error: %s", stats_err_name(kind));
	if (kind == STAT_STATUS || kind == STAT_REFUSED)
		fprintf(stderr, ": %u", status);
	else if (kind == STAT_TLS && ERR_peek_error() != 0)
		fprintf(stderr, ": %s", ERR_reason_error_string(ERR_peek_error()));
	fputc('\n', stderr);
}

/* Of HTTP/2, with all that is asked and not answered. */
static unsigned
under_way(const struct link *l)
{
	if (l->env->load->streams > 0)
		return l->wanted + (l->h2 != NULL ? h2_under_way(l->h2) : 0);
	return l->state != LINK_OPEN;
}

static void
fail(struct link *l, enum stat_err kind)
{
	unsigned lost = under_way(l);

	explain(l, kind, l->parser.status_code);
	l->env->stats.errors[kind] += MAX(lost, 1u);
	l->state = LINK_CLOSED;
	l->wanted = 0;
	link_close(l);
	for (; lost > 0; lost--)
		l->env->done(l, l->env->arg);
}

/* The peer's end; which kind depends on what it had sent. */
static void
fail_end(struct link *l)
{
	if (l->state == LINK_OPEN)
		fail(l, STAT_IDLE);
	else if (l->answers > 0 && !l->begun)
		fail(l, STAT_STALE);
	else
		fail(l, STAT_CLOSED);
}

static void
watch(struct link *l, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = l};

	if (l->events == events)
		return;
	CHECK(epoll_ctl(l->env->epoll, l->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, l->fd,
	    &ev) == 0);
	l->events = events;
}

static void
queue(struct link *l, size_t n)
{
	l->out_off = 0;
	l->out_len = n;
}

/* OpenSSL did not do it: either not now, and epoll will tell, or the link has failed. */
static void
tls_again(struct link *l, int ret)
{
	int e = SSL_get_error(l->ssl, ret);

	if (e == SSL_ERROR_WANT_READ)
		watch(l, EPOLLIN);
	else if (e == SSL_ERROR_WANT_WRITE)
		watch(l, EPOLLOUT);
	else if (l->state == LINK_HANDSHAKE || (e == SSL_ERROR_SSL &&
	    ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING))
		fail(l, STAT_TLS);
	else
		fail_end(l);
	ERR_clear_error();
}

static bool
send_out(struct link *l)
{
	ssize_t n;

	if (l->ssl != NULL) {
		int ret = SSL_write(l->ssl, l->out, (int)l->out_len);

		if (ret <= 0)
			tls_again(l, ret);
		return ret > 0;
	}
	while (l->out_off < l->out_len) {
		n = send(l->fd, l->out + l->out_off, l->out_len - l->out_off, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			watch(l, EPOLLOUT);
			return false;
		}
		if (n < 0) {
			fail_end(l);
			return false;
		}
		l->out_off += (size_t)n;
	}
	return true;
}

/* Bytes read into input, 0 at the peer's end, -1: not now, or failed. */
static ssize_t
read_input(struct link *l)
{
	ssize_t n;

	if (l->ssl != NULL) {
		int ret = SSL_read(l->ssl, input, sizeof(input));

		if (ret > 0)
			return ret;
		if (SSL_get_error(l->ssl, ret) == SSL_ERROR_ZERO_RETURN)
			return 0;
		tls_again(l, ret);
		return -1;
	}
	n = recv(l->fd, input, sizeof(input), 0);
	if (n < 0 && errno == EAGAIN)
		watch(l, EPOLLIN);
	else if (n < 0)
		fail_end(l);
	return n;
}

/* The same, and what was read has been parsed. */
static ssize_t
receive(struct link *l)
{
	ssize_t n = read_input(l);

	if (n < 0)
		return -1;
	if (l->state == LINK_OPEN) {
		/* Nothing was asked for: the end, or an answer to no request. */
		fail(l, n == 0 ? STAT_IDLE : STAT_PROTOCOL);
		return -1;
	}
	if (http_parser_execute(&l->parser, &parser_settings, input, (size_t)n) != (size_t)n ||
	    HTTP_PARSER_ERRNO(&l->parser) != HPE_OK) {
		if (n == 0)
			fail_end(l);
		else
			fail(l, STAT_PROTOCOL);
		return -1;
	}
	return n;
}

/* True once the whole answer is there. */
static bool
receive_answer(struct link *l)
{
	ssize_t n;

	while (!l->complete) {
		if ((n = receive(l)) < 0)
			return false;
		if (n == 0 && !l->complete) {
			fail_end(l);
			return false;
		}
	}
	return true;
}

/* ---- HTTP/2 ---- */

static void
stream_answered(void *arg, uint64_t start_us, uint64_t bytes)
{
	struct link *l = arg;

	l->env->stats.requests++;
	l->env->stats.bytes += bytes;
	stats_latency(&l->env->stats, clock_mono_us() - start_us);
	l->answers++;
	l->env->done(l, l->env->arg);
}

static void
stream_failed(void *arg, enum stat_err kind, unsigned status)
{
	struct link *l = arg;

	explain(l, kind, status);
	l->env->stats.errors[kind]++;
	l->env->done(l, l->env->arg);
}

static const struct h2_ops h2_ops = {.answered = stream_answered, .failed = stream_failed};

static void
start_h2(struct link *l)
{
	const unsigned char *alpn;
	unsigned n;

	SSL_get0_alpn_selected(l->ssl, &alpn, &n);
	if (n != 2 || memcmp(alpn, "h2", 2) != 0) {
		fail(l, STAT_PROTOCOL);
		return;
	}
	l->h2 = h2_new(l->env->load, &l->env->page, l->host, &h2_ops, l);
	l->state = LINK_STREAMS;
	for (; l->wanted > 0; l->wanted--)
		h2_request(l->h2);
}

/* False when it cannot go on now. */
static bool
send_streams(struct link *l)
{
	struct str s;
	int ret;

	while ((s = h2_output(l->h2)).n > 0) {
		ret = SSL_write(l->ssl, s.p, (int)s.n);
		if (ret <= 0) {
			tls_again(l, ret);
			return false;
		}
		h2_sent(l->h2, (size_t)ret);
	}
	watch(l, EPOLLIN);
	return true;
}

static void
run_streams(struct link *l)
{
	ssize_t n = 1;

	l->running = true;
	while (n > 0 && l->state == LINK_STREAMS && send_streams(l)) {
		n = read_input(l);
		if (n == 0)
			fail(l, STAT_CLOSED);
		else if (n > 0 && h2_receive(l->h2, input, (size_t)n) != 0)
			fail(l, STAT_PROTOCOL);
	}
	l->running = false;
}

/* ---- the life of a connection ---- */

static void
start_tls(struct link *l)
{
	const struct load *load = l->env->load;
	SSL_SESSION *session;
	char name[REQUEST_NAME_MAX];

	request_name(load, l->host, name);
	l->ssl = SSL_new(l->env->ctx);
	CHECK(l->ssl != NULL);
	CHECK(SSL_set_fd(l->ssl, l->fd) == 1);
	CHECK(SSL_set_app_data(l->ssl, l) == 1);
	CHECK(SSL_set_tlsext_host_name(l->ssl, name) == 1);
	CHECK(SSL_set1_host(l->ssl, name) == 1);
	if (load->resume && (session = tickets_take(l->env->tickets, l->host)) != NULL) {
		CHECK(SSL_set_session(l->ssl, session) == 1);
		SSL_SESSION_free(session);
	}
	SSL_set_connect_state(l->ssl);
	l->state = LINK_HANDSHAKE;
}

static void
answered(struct link *l)
{
	const struct load *load = l->env->load;
	struct stats *st = &l->env->stats;

	if (l->parser.status_code != load->status) {
		fail(l, STAT_STATUS);
		return;
	}
	if (l->wrong || !page_end(&l->env->page, l->body)) {
		fail(l, STAT_BODY);
		return;
	}
	st->requests++;
	st->bytes += l->body;
	stats_latency(st, clock_mono_us() - l->start_us);
	l->answers++;
	l->state = LINK_OPEN;
	if (!l->keep || load->fresh)
		link_close(l);
	else
		watch(l, EPOLLIN);
	l->env->done(l, l->env->arg);
}

static void
connected(struct link *l)
{
	const struct load *load = l->env->load;
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		fail(l, STAT_CONNECT);
		return;
	}
	l->env->stats.connections++;
	if (load->forward && load->tls) {
		queue(l, request_connect(load, l->out));
		l->state = LINK_ASK;
	} else if (load->tls) {
		start_tls(l);
	} else {
		queue(l, request_get(l->env->load, l->host, l->out));
		l->state = LINK_SEND;
	}
}

static void
handshake(struct link *l)
{
	int ret = SSL_do_handshake(l->ssl);

	if (ret != 1) {
		tls_again(l, ret);
		return;
	}
	l->env->stats.resumed += (unsigned)SSL_session_reused(l->ssl);
	if (l->env->load->streams > 0) {
		start_h2(l);
		return;
	}
	queue(l, request_get(l->env->load, l->host, l->out));
	l->state = LINK_SEND;
}

static void
tunnel_answered(struct link *l)
{
	if (l->parser.status_code / 100 != 2)
		fail(l, STAT_REFUSED);
	else
		start_tls(l);
}

/* One step; the next one follows at once if the state has changed. */
static void
step(struct link *l)
{
	switch (l->state) {
	case LINK_CLOSED:
		return;
	case LINK_CONNECTING:
		connected(l);
		return;
	case LINK_ASK:
	case LINK_SEND:
		if (send_out(l)) {
			await_answer(l);
			l->state = l->state == LINK_ASK ? LINK_ASKED : LINK_ANSWER;
			watch(l, EPOLLIN);
		}
		return;
	case LINK_ASKED:
		if (receive_answer(l))
			tunnel_answered(l);
		return;
	case LINK_HANDSHAKE:
		handshake(l);
		return;
	case LINK_ANSWER:
		if (receive_answer(l))
			answered(l);
		return;
	case LINK_OPEN:
		receive(l);
		return;
	case LINK_STREAMS:
		run_streams(l);
		return;
	}
}

static void
run(struct link *l)
{
	enum link_state was;

	/* After a request was sent its answer cannot be there yet: epoll says when. */
	do {
		was = l->state;
		step(l);
	} while (l->state != was && l->state != LINK_OPEN && l->state != LINK_CLOSED &&
	    l->state != LINK_ANSWER && l->state != LINK_ASKED && l->state != LINK_CONNECTING);
}

void
link_event(struct link *l)
{
	run(l);
}

static void
dial(struct link *l)
{
	const struct load *load = l->env->load;
	const struct addr *peer = &load->peer;
	int one = 1, ret;

	l->host = l->env->next_host++ % load->hosts;
	l->fd = socket(peer->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	l->events = 0;
	if (l->fd < 0) {
		fail(l, STAT_CONNECT);
		return;
	}
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	l->state = LINK_CONNECTING;
	ret = connect(l->fd, &peer->sa, peer->len);
	if (ret != 0 && errno != EINPROGRESS)
		fail(l, STAT_CONNECT);
	else
		watch(l, EPOLLOUT);
}

/* Sent when the loop comes back to it: with the others that are asked for now. */
static void
request_stream(struct link *l)
{
	if (l->state == LINK_STREAMS) {
		h2_request(l->h2);
		if (!l->running)
			watch(l, EPOLLIN | EPOLLOUT);
		return;
	}
	l->wanted++;
	if (l->state == LINK_CLOSED) {
		l->start_us = clock_mono_us();
		dial(l);
	}
}

void
link_request(struct link *l)
{
	if (l->env->load->streams > 0) {
		request_stream(l);
		return;
	}
	CHECK(l->state == LINK_CLOSED || l->state == LINK_OPEN);
	l->start_us = clock_mono_us();
	if (l->state == LINK_CLOSED) {
		dial(l);
		return;
	}
	queue(l, request_get(l->env->load, l->host, l->out));
	l->state = LINK_SEND;
	l->begun = false;
	run(l);
}

void
link_expire(struct link *l, uint64_t now_us)
{
	uint64_t since = l->state == LINK_STREAMS ? h2_oldest(l->h2) : l->start_us;

	if (l->state != LINK_CLOSED && l->state != LINK_OPEN && since > 0 &&
	    now_us > since + l->env->load->timeout_us)
		fail(l, STAT_TIMEOUT);
}
