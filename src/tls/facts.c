/* SPDX-License-Identifier: ISC */
/* facts.c - life and death of facts; see facts.h.  Runs in: worker, tests. */
#include "config.h"

#include "tls/facts.h"

#include <stdlib.h>

#include "base/mem.h"

#define LARGE_CERTS 16
#define LARGE_BYTES ((size_t)32 << 10)

bool
tls_facts_is_large(const struct tls_facts *f)
{
	size_t i, n = 0;

	for (i = 0; i < f->nchain; i++)
		n += f->chain[i].der.n;
	return f->nchain > LARGE_CERTS || n > LARGE_BYTES;
}

struct tls_facts *
tls_facts_ref(struct tls_facts *f)
{
	if (f != NULL)
		f->refs++;
	return f;
}

static void
cert_free(struct tls_cert *c)
{
	free((void *)(uintptr_t)c->der.p);
	free(c->subject);
	free(c->issuer);
	free(c->subject_cn);
	free(c->issuer_cn);
}

void
tls_facts_unref(struct tls_facts **fp)
{
	struct tls_facts *f;
	size_t i;

	if (fp == NULL || *fp == NULL)
		return;
	f = *fp;
	*fp = NULL;
	CHECK(f->refs > 0);
	if (--f->refs > 0)
		return;
	for (i = 0; i < f->nchain; i++)
		cert_free(&f->chain[i]);
	free(f->chain);
	free(f->names);
	free(f->names_text);
	free((void *)(uintptr_t)f->cn.p);
	free((void *)(uintptr_t)f->org.p);
	for (i = 0; i < f->nwarnings; i++)
		free(f->warnings[i]);
	free(f->reason);
	free(f);
}
