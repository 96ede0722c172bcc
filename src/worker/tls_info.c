/* SPDX-License-Identifier: ISC */
/* tls_info.c - see tls_info.h.  Runs in: worker. */
#include "config.h"

#include "worker/tls_info.h"

#include <stdlib.h>

#include "base/mem.h"
#include "har/tls_text.h"
#include "tls/cert.h"
#include "tls/client.h"

struct tls_info *
tls_info_new(const char *verify_mode)
{
	struct tls_info *t = mem_new(struct tls_info);

	t->refs = 1;
	t->verify_mode = verify_mode;
	return t;
}

struct tls_info *
tls_info_ref(struct tls_info *t)
{
	if (t != NULL)
		t->refs++;
	return t;
}

void
tls_info_unref(struct tls_info **pt)
{
	struct tls_info *t = *pt;

	*pt = NULL;
	if (t == NULL || --t->refs > 0)
		return;
	tls_facts_unref(&t->facts);
	free(t->client_peer);
	free(t->origin_peer);
	free(t->text);
	free(t);
}

void
tls_info_plan(struct tls_info *t, const struct mirror_plan *p)
{
	static const char *const staples[] = {[SIGN_STAPLE_GOOD] = "good",
	    [SIGN_STAPLE_REVOKED] = "revoked", [SIGN_STAPLE_STALE] = "invalid"};

	t->recipe = recipe_name(p->recipe);
	t->copied = p->copy;
	if (p->staple != SIGN_STAPLE_NONE)
		t->staple = staples[p->staple];
}

void
tls_info_shown(struct tls_info *t, X509 *cert)
{
	t->origin_peer = mem_new(struct tls_peer);
	if (cert != NULL)
		cert_peer(cert, t->origin_peer);
}

void
tls_info_asked(struct tls_info *t, SSL *ssl)
{
	t->client_peer = mem_new(struct tls_peer);
	tls_client_peer(ssl, t->client_peer);
}

struct har_tls
tls_info_har(const struct tls_info *t, bool whole_chain)
{
	struct har_tls h = {
	    .origin_facts = t->facts,
	    .origin_leg = t->has_origin ? &t->origin : NULL,
	    .client_leg = t->has_client ? &t->client : NULL,
	    .whole_chain = whole_chain,
	    .verify_mode = t->verify_mode,
	    .recipe = t->recipe,
	    .staple = t->staple,
	    .custom = t->custom,
	    .client_peer = t->client_peer,
	    .origin_peer = t->origin_peer,
	};
	uint32_t bit;

	for (bit = 1; bit <= COPY_ALL; bit <<= 1)
		if (t->copied & bit)
			h.copied[h.ncopied++] = copy_name(bit);
	return h;
}

struct str
tls_info_text(struct tls_info *t)
{
	if (t->text == NULL) {
		struct har_tls har = tls_info_har(t, false);
		struct buf b;

		buf_init(&b, 0);
		tls_text_put(&b, &har);
		t->text_len = b.len;
		t->text = mem_dup(buf_data(&b), b.len);
		buf_free(&b);
	}
	return str_of(t->text, t->text_len);
}
