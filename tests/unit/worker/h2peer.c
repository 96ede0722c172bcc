/* SPDX-License-Identifier: ISC */
/* h2peer.c - see h2peer.h. */
#include "config.h"

#include "h2peer.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define FIELDS 64

static struct peer_stream *
stream_of(struct peer *p, int32_t id)
{
	ck_assert_int_gt(id, 0);
	ck_assert_int_lt(id, PEER_STREAMS);
	return &p->stream[id];
}

/* ---- what comes ------------------------------------------------------------------ */

static void
end_merge(struct peer *p)
{
	if (p->merging > 0 && p->merged > sizeof(p->text))
		buf_printf(&p->trace, "D%d[%zu] ", p->merging, p->merged);
	else if (p->merging > 0)
		buf_printf(&p->trace, "D%d(%.*s) ", p->merging, (int)p->merged, p->text);
	p->merging = 0;
	p->merged = 0;
}

static int
on_data(nghttp2_session *session UNUSED, uint8_t flags UNUSED, int32_t id, const uint8_t *bytes,
    size_t n, void *arg)
{
	struct peer *p = arg;

	p->data += n;
	stream_of(p, id)->got += n;
	if (p->merging != id) {
		end_merge(p);
		p->merging = id;
	}
	if (p->merged + n <= sizeof(p->text))
		memcpy(p->text + p->merged, bytes, n);
	p->merged += n;
	if (!p->slow)
		ck_assert_int_eq(nghttp2_session_consume(session, id, n), 0);
	return 0;
}

static int
on_begin_headers(nghttp2_session *session UNUSED, const nghttp2_frame *frame, void *arg)
{
	struct peer *p = arg;

	end_merge(p);
	buf_printf(&p->trace, "H%d(", frame->hd.stream_id);
	return 0;
}

static int
on_header(nghttp2_session *session UNUSED, const nghttp2_frame *frame UNUSED,
    const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len,
    uint8_t flags UNUSED, void *arg)
{
	struct peer *p = arg;

	if (buf_data(&p->trace)[p->trace.len - 1] != '(')
		buf_putc(&p->trace, ',');
	buf_put(&p->trace, name, name_len);
	buf_putc(&p->trace, '=');
	buf_put(&p->trace, value, value_len);
	return 0;
}

static int
on_frame(nghttp2_session *session UNUSED, const nghttp2_frame *frame, void *arg)
{
	struct peer *p = arg;
	bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

	if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_WINDOW_UPDATE)
		end_merge(p);
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		buf_putz(&p->trace, last ? "). " : ") ");
		break;
	case NGHTTP2_DATA:
		if (!last)
			break;
		end_merge(p);
		buf_printf(&p->trace, "D%d. ", frame->hd.stream_id);
		break;
	case NGHTTP2_RST_STREAM:
		buf_printf(&p->trace, "R%d(%s) ", frame->hd.stream_id,
		    nghttp2_http2_strerror(frame->rst_stream.error_code));
		break;
	case NGHTTP2_GOAWAY:
		buf_printf(&p->trace, "G(%d,%s) ", frame->goaway.last_stream_id,
		    nghttp2_http2_strerror(frame->goaway.error_code));
		break;
	case NGHTTP2_PING:
		if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
			buf_putz(&p->trace, "P ");
		break;
	default:
		break;
	}
	return 0;
}

/* ---- the session ----------------------------------------------------------------- */

static nghttp2_session *
make_session(struct peer *p, bool server)
{
	nghttp2_session_callbacks *c;
	nghttp2_session *session;
	nghttp2_option *option;

	ck_assert_int_eq(nghttp2_session_callbacks_new(&c), 0);
	ck_assert_int_eq(nghttp2_option_new(&option), 0);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_http_messaging(option, 1);
	nghttp2_option_set_peer_max_concurrent_streams(option, 1000);
	nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	if (server)
		ck_assert_int_eq(nghttp2_session_server_new2(&session, c, p, option), 0);
	else
		ck_assert_int_eq(nghttp2_session_client_new2(&session, c, p, option), 0);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(c);
	return session;
}

struct peer *
peer_new(int fd, const struct peer_conf *conf)
{
	struct peer *p = mem_new(struct peer);
	nghttp2_settings_entry s[3];
	size_t n = 0;

	p->fd = fd;
	p->slow = conf->slow;
	p->session = make_session(p, conf->server);
	if (conf->max_streams != 0)
		s[n++] = (nghttp2_settings_entry){
		    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, conf->max_streams};
	if (conf->window != 0)
		s[n++] = (nghttp2_settings_entry){
		    NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, conf->window};
	if (conf->connect_protocol)
		s[n++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
	ck_assert_int_eq(nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, s, n), 0);
	return p;
}

void
peer_free(struct peer **pp)
{
	struct peer *p = *pp;
	size_t i;

	*pp = NULL;
	if (p == NULL)
		return;
	nghttp2_session_del(p->session);
	for (i = 0; i < PEER_STREAMS; i++) {
		buf_free(&p->stream[i].out);
		buf_free(&p->stream[i].trailers);
	}
	buf_free(&p->trace);
	buf_free(&p->unsent);
	fd_close(&p->fd);
	free(p);
}

/* ---- bytes ------------------------------------------------------------------------ */

static void
flush(struct peer *p)
{
	ssize_t sent;

	while (p->fd != -1 && p->unsent.len > 0) {
		sent = send(p->fd, buf_data(&p->unsent), p->unsent.len, MSG_NOSIGNAL);
		if (sent == -1)
			return;
		buf_consume(&p->unsent, (size_t)sent);
		p->written += (size_t)sent;
	}
}

void
peer_raw(struct peer *p, const void *bytes, size_t n)
{
	buf_put(&p->unsent, bytes, n);
	flush(p);
}

static bool
write_out(struct peer *p)
{
	size_t before = p->written;
	const uint8_t *bytes;
	ssize_t n;

	flush(p);
	while (p->fd != -1 && p->unsent.len == 0 && p->written - before < 65536 &&
	       (n = nghttp2_session_mem_send(p->session, &bytes)) > 0)
		peer_raw(p, bytes, (size_t)n);
	return p->written != before;
}

static bool
read_in(struct peer *p)
{
	uint8_t bytes[16384];
	size_t before = p->read;
	ssize_t n;

	if (p->deaf)
		return false;
	while (p->fd != -1 && (n = recv(p->fd, bytes, sizeof(bytes), 0)) > 0) {
		p->read += (size_t)n;
		ck_assert_int_eq(nghttp2_session_mem_recv(p->session, bytes, (size_t)n), n);
	}
	if (p->fd != -1 && (n == 0 || errno == ECONNRESET)) {
		end_merge(p);
		buf_putz(&p->trace, n == 0 ? "[FIN] " : "[RST] ");
		fd_close(&p->fd);
	}
	return p->read != before;
}

bool
peer_pump(struct peer *p)
{
	bool in = read_in(p);

	return write_out(p) || in;
}

void
peer_close(struct peer *p)
{
	fd_close(&p->fd);
}

void
peer_frame(
    struct peer *p, uint8_t type, uint8_t flags, int32_t id, const void *payload, size_t n)
{
	uint8_t head[9] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, type, flags,
	    (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

	peer_raw(p, head, sizeof(head));
	peer_raw(p, payload, n);
}

/* ---- what it says ------------------------------------------------------------------ */

static size_t
make_nv(nghttp2_nv nv[FIELDS], const char *text)
{
	struct str lines = str_z(text), line;
	size_t n = 0;

	while (str_split(&lines, '\n', &line)) {
		ssize_t colon = line.n > 0 ? str_chr(str_from(line, 1), ':') : -1;

		if (line.n == 0)
			continue;
		ck_assert_int_ge(colon, 0);
		ck_assert_uint_lt(n, FIELDS);
		nv[n++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)line.p,
		    .namelen = (size_t)colon + 1,
		    .value = (uint8_t *)(uintptr_t)line.p + colon + 3,
		    .valuelen = line.n - (size_t)colon - 3};
	}
	return n;
}

static ssize_t
read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *arg UNUSED)
{
	struct peer_stream *s = source->ptr;
	size_t n = MIN(room, s->out.len);
	nghttp2_nv nv[FIELDS];

	if (n > 0) {
		memcpy(to, buf_data(&s->out), n);
		buf_consume(&s->out, n);
	} else if (s->filler > 0) {
		n = MIN(room, s->filler);
		memset(to, 'x', n);
		s->filler -= n;
	} else if (!s->end) {
		s->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (s->end && s->out.len == 0 && s->filler == 0) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (s->trailers.len > 0) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			(void)nghttp2_submit_trailer(
			    session, id, nv, make_nv(nv, (const char *)buf_data(&s->trailers)));
		}
	}
	return (ssize_t)n;
}

static void
resume(struct peer *p, int32_t id)
{
	struct peer_stream *s = stream_of(p, id);

	if (s->deferred) {
		s->deferred = false;
		(void)nghttp2_session_resume_data(p->session, id);
	}
}

int32_t
peer_ask(struct peer *p, const char *lines, const char *body)
{
	uint32_t next = nghttp2_session_get_next_stream_id(p->session);
	struct peer_stream *s = stream_of(p, (int32_t)next);
	nghttp2_data_provider content = {.source = {.ptr = s}, .read_callback = read_body};
	nghttp2_nv nv[FIELDS];
	size_t n = make_nv(nv, lines != NULL ? lines : LINES_GET);

	if (body != NULL)
		buf_putz(&s->out, body);
	ck_assert_int_eq(nghttp2_submit_request(
			     p->session, NULL, nv, n, body != NULL ? &content : NULL, NULL),
	    (int)next);
	return (int32_t)next;
}

void
peer_answer(struct peer *p, int32_t id, const char *lines, const char *body)
{
	struct peer_stream *s = stream_of(p, id);
	nghttp2_data_provider content = {.source = {.ptr = s}, .read_callback = read_body};
	nghttp2_nv nv[FIELDS];
	size_t n = make_nv(nv, lines);

	if (body != NULL)
		buf_putz(&s->out, body);
	ck_assert_int_eq(
	    nghttp2_submit_response(p->session, id, nv, n, body != NULL ? &content : NULL), 0);
}

void
peer_informational(struct peer *p, int32_t id, const char *lines)
{
	nghttp2_nv nv[FIELDS];
	size_t n = make_nv(nv, lines);

	ck_assert_int_eq(
	    nghttp2_submit_headers(p->session, NGHTTP2_FLAG_NONE, id, NULL, nv, n, NULL), 0);
}

void
peer_body(struct peer *p, int32_t id, const char *text)
{
	buf_putz(&stream_of(p, id)->out, text);
	resume(p, id);
}

void
peer_filler(struct peer *p, int32_t id, size_t n)
{
	stream_of(p, id)->filler += n;
	resume(p, id);
}

void
peer_end(struct peer *p, int32_t id, const char *trailers)
{
	struct peer_stream *s = stream_of(p, id);

	s->end = true;
	if (trailers != NULL) {
		buf_putz(&s->trailers, trailers);
		buf_putc(&s->trailers, '\0');
	}
	resume(p, id);
}

void
peer_reset(struct peer *p, int32_t id, uint32_t code)
{
	ck_assert_int_eq(nghttp2_submit_rst_stream(p->session, NGHTTP2_FLAG_NONE, id, code), 0);
}

void
peer_goaway(struct peer *p, int32_t last, uint32_t code)
{
	ck_assert_int_eq(
	    nghttp2_submit_goaway(p->session, NGHTTP2_FLAG_NONE, last, code, NULL, 0), 0);
}

void
peer_opens(struct peer *p, int32_t id, size_t n)
{
	ck_assert_int_eq(nghttp2_session_consume(p->session, id, n), 0);
}

/* ---- what is compared --------------------------------------------------------------- */

void
peer_saw(struct peer *p, const char *want, const char *file, int line)
{
	end_merge(p);
	buf_putc(&p->trace, '\0');
	if (strcmp((const char *)buf_data(&p->trace), want) != 0)
		ck_abort_msg("%s:%d:\nwant %s\ngot  %s", file, line, want,
		    (const char *)buf_data(&p->trace));
	buf_clear(&p->trace);
}

bool
peer_has_seen(struct peer *p, const char *piece)
{
	end_merge(p);
	return p->trace.len > 0 &&
	       memmem(buf_data(&p->trace), p->trace.len, piece, strlen(piece)) != NULL;
}

void
peer_forget(struct peer *p)
{
	end_merge(p);
	buf_clear(&p->trace);
}
