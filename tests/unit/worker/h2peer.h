/* SPDX-License-Identifier: ISC */
/*
 * h2peer.h - the far end of an HTTP/2 connection, client or server, which does
 * what the test says and writes down what it sees:
 *
 *	H1(:status=200,a=b)	a header block; a dot behind it ends the stream
 *	D1(text) D1[70000]	content, as it came or (more than 64 bytes) its size
 *	R1(CANCEL)		RST_STREAM
 *	G(2147483647,NO_ERROR)	GOAWAY
 *	P			PING, not its answer
 *	[FIN] [RST]		the end of the connection
 */
#ifndef TESTS_UNIT_WORKER_H2PEER_H
#define TESTS_UNIT_WORKER_H2PEER_H

#include <nghttp2/nghttp2.h>

#include "base/buf.h"

#define PEER_STREAMS 4096 /* stream numbers below this */

struct peer {
	nghttp2_session *session;
	int fd;	   /* -1: it has ended */
	bool slow; /* opens no window again: peer_opens() does */
	bool deaf; /* does not read the socket */
	size_t read, written;
	size_t data;	   /* bytes of content, all streams */
	struct buf unsent; /* the socket did not take it yet */
	struct buf trace;
	int32_t merging; /* the stream whose content came last */
	size_t merged;
	char text[64];
	struct peer_stream {
		struct buf out;
		size_t filler; /* so many bytes more, all the same */
		bool open, end, deferred;
		struct buf trailers;
		size_t got;
	} stream[PEER_STREAMS];
};

struct peer_conf {
	bool server, slow;
	uint32_t max_streams; /* 0: does not say */
	uint32_t window;      /* of each stream; 0: does not say */
	bool connect_protocol;
};

/* fd is taken; lives on the heap. */
struct peer *peer_new(int fd, const struct peer_conf *);
void peer_free(struct peer **);
/* Bytes in and out; true when there were some. */
bool peer_pump(struct peer *);

/*
 * lines: "name: value\n". A request GET without lines. body: NULL ends the stream
 * with the head, otherwise it is content, and peer_end() ends it.
 */
int32_t peer_ask(struct peer *, const char *lines, const char *body);
void peer_answer(struct peer *, int32_t id, const char *lines, const char *body);
void peer_informational(struct peer *, int32_t id, const char *lines);
void peer_body(struct peer *, int32_t id, const char *text);
void peer_filler(struct peer *, int32_t id, size_t n);
void peer_end(struct peer *, int32_t id, const char *trailers);
void peer_reset(struct peer *, int32_t id, uint32_t code);
void peer_goaway(struct peer *, int32_t last, uint32_t code);
/* Opens the stream's and the connection's window for what has come. */
void peer_opens(struct peer *, int32_t id, size_t n);
void peer_raw(struct peer *, const void *bytes, size_t n);
/* A frame that the library would not send. */
void peer_frame(
    struct peer *, uint8_t type, uint8_t flags, int32_t id, const void *payload, size_t n);
void peer_close(struct peer *);

/* What was seen since the last time. */
void peer_saw(struct peer *, const char *want, const char *file, int line);
#define SAW(peer, want) peer_saw((peer), (want), __FILE__, __LINE__)
bool peer_has_seen(struct peer *, const char *piece);
void peer_forget(struct peer *);

#define LINES_GET ":method: GET\n:scheme: http\n:authority: o.test\n:path: /a\n"
#define LINES_POST ":method: POST\n:scheme: http\n:authority: o.test\n:path: /a\n"
#define SAW_GET ":method=GET,:scheme=http,:path=/a,:authority=o.test"
#define SAW_POST ":method=POST,:scheme=http,:path=/a,:authority=o.test"

#endif
