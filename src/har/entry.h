/* SPDX-License-Identifier: ISC */
/*
 * entry.h - a finished flow becomes one HAR 1.2 entry on one line.
 * Everything in struct har_flow is borrowed during the call.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_ENTRY_H
#define MITMD_HAR_ENTRY_H

#include "base/addr.h"
#include "har/body.h"
#include "har/ws.h"
#include "http/message.h"
#include "tls/facts.h"

/* Durations in microseconds; -1 where the phase did not happen for this flow. */
struct har_times {
	uint64_t started_wall_us;
	int64_t blocked, dns, connect, ssl, send, wait, receive; /* ssl lies inside connect */
};

/*
 * How long the origin connection took when it was opened before this flow
 * began (so that it is no part of the flow's time): "_mitmd.upstream".
 */
struct har_setup {
	int64_t dns, connect, ssl;	/* as in struct har_times */
};

struct har_informational {
	unsigned status;
	struct fields *fields;
};

#define HAR_COPIED_MAX 8

/* One TLS connection's text, made once and shared by its flows. */
struct har_tls {
	const struct tls_facts *origin_facts;	/* NULL: no TLS or not that far */
	const struct tls_leg *origin_leg;	/* NULL likewise */
	const struct tls_leg *client_leg;
	bool whole_chain; /* first entry of the connection: PEM chain; else fingerprints */
	const char *verify_mode;	/* "reject", "mirror", "off" */
	/* The certificate shown to the client. */
	const char *recipe;	/* recipe_name(): "good", ...; NULL: none was made */
	const char *copied[HAR_COPIED_MAX];	/* copy_name() of each defect it carries */
	size_t ncopied;
	const char *staple;	/* "good" or "revoked"; NULL: none was shown */
	const char *custom;	/* file of the operator's that was shown instead; NULL */
	/* Client certificates. */
	const struct tls_peer *client_peer;	/* the client was asked; NULL: it was not */
	const struct tls_peer *origin_peer;	/* the origin asked: has_cert: that was shown */
};

/*
 * TLS with the client came to nothing: "_tlsError", in the shape and the words
 * of HTTP Toolkit, which reads them from log._tlsErrors.
 */
struct har_tls_error {
	const char *cause;		/* HAR_TLS_* */
	struct str hostname;		/* SNI, else the host of CONNECT */
	struct str sni;			/* empty: none came */
	struct str connect_host;
	uint16_t connect_port;
	struct str alpn;		/* as in struct tls_hello */
};
#define HAR_TLS_CERT_REJECTED "cert-rejected"	/* it said so, by an alert */
#define HAR_TLS_CLOSED "closed"
#define HAR_TLS_RESET "reset"
#define HAR_TLS_NO_SHARED_CIPHER "no-shared-cipher"
#define HAR_TLS_TIMEOUT "handshake-timeout"
#define HAR_TLS_UNKNOWN "unknown"
#define HAR_TLS_ERROR_MAX 4096			/* bytes that one may have */
#define HAR_TLS_ERROR ",\"_tlsError\":"		/* the entry's last member, an object */

struct har_tunnel {
	const char *reason;	/* "ignore_hosts", "not http", ...; NULL: not a tunnel */
	uint64_t bytes_up, bytes_down;
};

/* A WebSocket: the messages of this entry, which may be one of several pieces. */
struct har_ws {
	struct str messages;		/* as ws_text() has them */
	bool truncated;			/* one of them was */
	struct ws_close closed;
	const char *broken;		/* as of ws_broken() */
	unsigned piece;			/* 1, 2, ...; 0: the only one */
	bool more;			/* the connection goes on */
};

struct har_flow {
	struct str tag;
	const struct addr *client;
	const struct addr *server;	/* len 0 or NULL: never connected */
	struct str url;			/* normalised, see target_put_url() */
	struct str raw_target;		/* as sent; written as _rawTarget when it differs */
	const struct message *request;	/* never NULL; for tunnels a made-up CONNECT */
	const struct message *response;	/* NULL: none came */
	struct body *request_body;	/* ended; NULL: none */
	struct body *response_body;
	bool request_whole, response_whole;
	const struct har_informational *informational;
	size_t ninformational;
	struct har_times times;
	const struct har_setup *setup;	/* of a connection's first flow; else NULL */
	const struct har_tls *tls;	/* NULL: no TLS on either leg, or: */
	struct str tls_text; /* the same, ready made by tls_text_put() into an empty buffer */
	struct har_tunnel tunnel;
	const struct har_ws *ws;	/* NULL: it is none */
	uint64_t origin_id, client_id;	/* unique connection numbers */
	int64_t response_wire_bytes;	/* _transferSize */
	const char *error;		/* short reason; NULL: none */
	const struct har_tls_error *tls_error;	/* NULL: that was not it */
	bool aborted;			/* the body broke half-way */
	struct str raw_head;		/* bytes of a broken message that could not be parsed */
	const char *comment;		/* on the request; NULL: none */
};

/* A place in the text where spilled bytes belong. */
struct har_insert {
	size_t at;		/* offset in the text */
	struct spill_run run;	/* owned by the caller after har_entry() */
};

/*
 * Append the entry, one line without "\n", to out. Up to two inserts
 * (request and response body) come back.
 */
void har_entry(struct buf *out, const struct har_flow *, struct har_insert inserts[2],
    size_t *out_ninserts) NONNULL(1, 2, 3, 4);
/*
 * What stands around the entries of a file: the first line(s), ending with "\n"
 * and expecting an entry, and the tail "\n]}}\n". title names the file.
 */
void har_header(struct buf *out, struct str title, struct str instance, uint64_t wall_us)
    NONNULL(1);
#define HAR_TAIL "\n]}}\n"
/* ... or this, the objects of the entries' _tlsError, and "]}}\n", on one line. */
#define HAR_TAIL_LIST "\n],\"_tlsErrors\":["
#define HAR_SEPARATOR ",\n"

#endif
