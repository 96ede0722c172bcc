/* SPDX-License-Identifier: ISC */
/*
 * client_peer.h - certificates of clients: asked for, verified by the operator's
 * CAs or by nobody, and remembered by sessions.  tls_client_peer() is declared in
 * client.h.
 * Runs in: worker.
 */
#ifndef MITMD_TLS_CLIENT_PEER_H
#define MITMD_TLS_CLIENT_PEER_H

#include <openssl/ssl.h>

#include "tls/client.h"

struct client_peer;	/* what a tls_client has for it */

/* NULL: clients are not asked. The context is told everything there is to tell. */
struct client_peer *client_peer_new(const struct tls_client_conf *, SSL_CTX *) NONNULL(1, 2);
void client_peer_free(struct client_peer **);
/*
 * The binding of tickets with who may have signed a client's certificate: another
 * CA makes all of them full handshakes.
 */
void client_peer_bind(const struct client_peer *, const uint8_t sid_context[32],
    uint8_t out[32]) NONNULL(1, 2, 3);

#endif
