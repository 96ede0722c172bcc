/* SPDX-License-Identifier: ISC */
/* sample.h - finished flows to make entries of. */
#ifndef TESTS_UNIT_HAR_SAMPLE_H
#define TESTS_UNIT_HAR_SAMPLE_H

#include "har/entry.h"

struct sample {
	struct har_flow flow;
	struct message request, response, early;
	struct fields early_fields;
	struct har_informational informational;
	struct addr client, server;
	struct har_tls tls;
	struct tls_facts facts;
	struct tls_cert certs[2];
	struct tls_leg leg;
	struct tls_peer peer, no_peer;
	struct har_tls_error tls_error;
};

void sample_get(struct sample *);	/* a page with every usual member */
void sample_post(struct sample *);	/* a form, answered by binary content over HTTP/2 */
void sample_failed(struct sample *);	/* no response at all */
void sample_rejected(struct sample *);	/* by the client, in its TLS handshake */
void sample_tunnel(struct sample *);
void sample_free(struct sample *);
/* Bodies of the flow, fed and ended. */
void sample_request_body(struct sample *, struct str);
void sample_response_body(struct sample *, struct str);
/* Header, one entry of each kind, tail to standard output; 0. */
int sample_write(void);

#endif
