/* SPDX-License-Identifier: ISC */
/*
 * tls_info.h - what the flows of one intercepted connection share: both TLS
 * legs and the origin's chain, counted, since an entry may be made after its
 * connection is gone.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_TLS_INFO_H
#define MITMD_WORKER_TLS_INFO_H

#include <openssl/x509.h>

#include "har/entry.h"
#include "worker/mirror.h"

struct tls_info {
	unsigned refs;
	struct tls_facts *facts;	/* NULL until the origin's handshake is done */
	struct tls_leg origin, client;
	bool has_origin, has_client;
	const char *verify_mode;
	const char *recipe;		/* these three as in struct har_tls */
	const char *staple;
	const char *custom;
	uint32_t copied;		/* COPY_* */
	struct tls_peer *client_peer, *origin_peer;	/* NULL: not asked for one */
	bool chain_told;		/* some entry of the connection has it in full */
	char *text; /* of the entries after that one; NULL until it is asked for */
	size_t text_len;
};

struct tls_info *tls_info_new(const char *verify_mode);
struct tls_info *tls_info_ref(struct tls_info *);
void tls_info_unref(struct tls_info **);
/* What the certificate shown to the client is like. */
void tls_info_plan(struct tls_info *, const struct mirror_plan *) NONNULL(1, 2);
/* The origin asked for a certificate and was shown this; NULL: none. */
void tls_info_shown(struct tls_info *, X509 *) NONNULL(1);
/* The client was asked for a certificate, and its handshake is done. */
void tls_info_asked(struct tls_info *, SSL *) NONNULL(1, 2);
/* The form that entries are made from. */
struct har_tls tls_info_har(const struct tls_info *, bool whole_chain);
/* Without the chain, as text: once both handshakes are done. */
struct str tls_info_text(struct tls_info *);

#endif
