/* SPDX-License-Identifier: ISC */
/* mirror.c - see mirror.h.  Runs in: worker, tests. */
#include "config.h"

#include "worker/mirror.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "tls/name.h"

#define DAY 86400
/*
 * What our CA signs begins no later than this: whoever holds a worker could
 * stockpile leafs for years to come otherwise.
 */
#define AHEAD_MAX (2 * DAY)
#define SPAN DAY	/* of copied dates, where one of them is free to choose */
#define RSA_MIN 2048	/* bits; what OpenSSL's level 2 asks for */
#define RSA_FACTORABLE 1024	/* below: never under our CA's name */

/* Of several the last one decides. */
enum issuer { ISSUER_CA, ISSUER_FORGED, ISSUER_FORGED_SHA1, ISSUER_NOT_CA, ISSUER_SELF,
	ISSUER_UNTRUSTED };

struct defects {
	enum issuer issuer;
	uint32_t copy;
	const char *why;	/* of ISSUER_UNTRUSTED; the first one stays */
};

static void
issued_by(struct defects *d, enum issuer issuer, const char *why)
{
	if (issuer == ISSUER_UNTRUSTED && d->issuer != ISSUER_UNTRUSTED)
		d->why = why;
	d->issuer = MAX(d->issuer, issuer);
}

static bool
key_usage_is_odd(const struct tls_facts *f)
{
	return f->has_key_usage && ((f->key_usage & KU_DIGITAL_SIGNATURE) == 0 ||
	    (!f->is_ca && (f->key_usage & KU_KEY_CERT_SIGN) != 0));
}

/* The leaf's key usage alone is why it cannot be a server's. */
static bool
purpose_is_key_usage(const struct tls_facts *f, int depth)
{
	const uint32_t tls = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT;

	return depth == 0 && f->serves && f->has_key_usage && (f->key_usage & tls) == 0;
}

static void
note_small_key(struct defects *d, const struct tls_facts *f, int code)
{
	bool leaf = code == X509_V_ERR_EE_KEY_TOO_SMALL;

	if (leaf ? f->key_is_rsa && f->key_bits >= RSA_FACTORABLE && f->key_bits < RSA_MIN :
	    !f->broken_ca_key)
		d->copy |= COPY_WEAK_KEY;
	else
		issued_by(d, ISSUER_UNTRUSTED, "unsound key");
}

static bool
is_for_the_name(const struct tls_facts *f)
{
	size_t i;

	for (i = 0; i < f->nverdicts; i++)
		if (f->verdicts[i].code == X509_V_ERR_HOSTNAME_MISMATCH ||
		    f->verdicts[i].code == X509_V_ERR_IP_ADDRESS_MISMATCH)
			return false;
	return true;
}

/* OpenSSL says of what is no CA that it does not serve as one, too. */
static bool
purpose_is_no_ca(const struct tls_facts *f, int depth)
{
	size_t i;

	for (i = 0; i < f->nverdicts; i++)
		if (f->verdicts[i].depth == depth && depth > 0 &&
		    (f->verdicts[i].code == X509_V_ERR_INVALID_CA ||
		    f->verdicts[i].code == X509_V_ERR_KEYUSAGE_NO_CERTSIGN))
			return true;
	return false;
}

static void
note_verdict(struct defects *d, const struct tls_facts *f, const struct tls_verdict *v)
{
	switch (v->code) {
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
	case X509_V_ERR_CERT_REVOKED:
		break;	/* dates, names and staple are copied as they are */
	case X509_V_ERR_INVALID_PURPOSE:
		if (!purpose_is_key_usage(f, v->depth) && !purpose_is_no_ca(f, v->depth))
			d->copy |= COPY_PURPOSE;
		break;
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		d->copy |= COPY_CRITICAL;
		break;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		note_small_key(d, f, v->code);
		break;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		issued_by(d, ISSUER_FORGED, "");
		break;
	case X509_V_ERR_CA_MD_TOO_WEAK:
		issued_by(d, ISSUER_FORGED_SHA1, "");
		break;
	case X509_V_ERR_NO_ISSUER_PUBLIC_KEY:
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
	case X509_V_ERR_SUBTREE_MINMAX:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
		issued_by(d, ISSUER_NOT_CA, "");
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		issued_by(d, ISSUER_SELF, "");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		issued_by(d, ISSUER_UNTRUSTED, "unknown root");
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		issued_by(d, ISSUER_UNTRUSTED, "unknown issuer");
		break;
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REJECTED:
		issued_by(d, ISSUER_UNTRUSTED, "refused issuer");
		break;
	case X509_V_ERR_INVALID_EXTENSION:
		issued_by(d, ISSUER_UNTRUSTED, "malformed certificate");
		break;
	default:
		/* What is new, and what only `strict` makes an error: for every client. */
		issued_by(d, ISSUER_UNTRUSTED, "not verified");
	}
}

/* What any leaf carries, whether OpenSSL minds it or not. */
static uint32_t
carried(const struct tls_facts *f)
{
	uint32_t copy = 0;

	if (f->nnames == 0)
		copy |= COPY_NO_NAMES;
	if (key_usage_is_odd(f))
		copy |= COPY_KEY_USAGE;
	if (!f->has_aki)
		copy |= COPY_NO_AKI;
	if (f->must_staple && f->staple != TLS_STAPLE_GOOD && f->staple != TLS_STAPLE_REVOKED)
		copy |= COPY_MUST_STAPLE;
	return copy;
}

/* Both dates, when one of them is out of range; the other is near it. */
static void
plan_dates(const struct mirror_ask *a, struct defects *d, struct mirror_plan *out)
{
	/* 0 would be "no bound", and what cannot be read is 0. */
	int64_t begin = a->origin->latest_not_before;
	int64_t end = MAX(a->origin->earliest_not_after, 2 * SPAN);

	if (begin <= a->now && end > a->now) {
		out->not_after = end;
		return;
	}
	d->copy |= COPY_DATES;
	if (begin <= a->now) {
		out->not_before = begin < end ? MAX(begin, end - SPAN) : end - SPAN;
		out->not_after = end;
		return;
	}
	out->not_before = begin;
	out->not_after = end > begin ? MIN(end, begin + SPAN) : begin + SPAN;
	if (begin > a->now + AHEAD_MAX)
		issued_by(d, ISSUER_UNTRUSTED, "not yet valid");
}

/* What a client concludes depends on the chain's shape: leaf; with a CA; with its root. */
static enum recipe
recipe_of(enum issuer issuer, const struct tls_facts *f)
{
	switch (issuer) {
	case ISSUER_FORGED:
		return RECIPE_FORGED;
	case ISSUER_FORGED_SHA1:
		return RECIPE_FORGED_SHA1;
	case ISSUER_NOT_CA:
		return RECIPE_NOT_CA;
	case ISSUER_SELF:
		return RECIPE_SELF;
	case ISSUER_UNTRUSTED:
		if (f->nchain < 2)
			return RECIPE_UNTRUSTED_LEAF;
		return f->last_is_self_signed ? RECIPE_UNTRUSTED_ROOT : RECIPE_UNTRUSTED_SUB;
	default:
		return RECIPE_GOOD;
	}
}

/*
 * Who trusts one bad leaf by hand must not have trusted the key of all good
 * ones.  A key usage speaks of a kind of key, so that kind is kept.
 */
static uint8_t
key_of(const struct mirror_ask *a, const struct mirror_plan *p)
{
	bool rsa = !a->takes_ecdsa ||
	    ((p->copy & COPY_KEY_USAGE) != 0 && a->origin->key_is_rsa);

	if (p->copy & COPY_WEAK_KEY)
		return SIGN_KEY_WEAK;
	if ((p->recipe == RECIPE_GOOD && p->copy == 0) || p->recipe == RECIPE_NOT_CA)
		return rsa ? SIGN_KEY_RSA : SIGN_KEY_EC;
	return rsa ? SIGN_KEY_MIRROR_RSA : SIGN_KEY_MIRROR_EC;
}

/* A staple is signed by the CA, so it says something of its own leafs only. */
static uint8_t
staple_of(const struct mirror_ask *a, const struct mirror_plan *p)
{
	if (!a->wants_staple || p->recipe != RECIPE_GOOD)
		return SIGN_STAPLE_NONE;
	if (a->origin->staple == TLS_STAPLE_GOOD)
		return SIGN_STAPLE_GOOD;
	if (a->verify_off)
		return SIGN_STAPLE_NONE;
	if (a->origin->staple == TLS_STAPLE_REVOKED)
		return SIGN_STAPLE_REVOKED;
	return a->origin->staple == TLS_STAPLE_INVALID ? SIGN_STAPLE_STALE : SIGN_STAPLE_NONE;
}

bool
mirror_takes_name(const struct tls_name *n)
{
	switch (n->type) {
	case TLS_NAME_DNS:
		return name_is_dns(n->value);
	case TLS_NAME_IP:
		return n->value.n == 4 || n->value.n == 16;
	case TLS_NAME_URI:
		return name_is_uri(n->value);
	case TLS_NAME_EMAIL:
		return name_is_email(n->value);
	default:
		return false;
	}
}

/* Some of the origin's names will stand in a leaf of our CA. */
static bool
some_name_is_signed(const struct mirror_ask *a)
{
	size_t i;

	for (i = 0; i < a->origin->nnames; i++) {
		const struct tls_name *n = &a->origin->names[i];

		if (mirror_takes_name(n) && permit_has(a->permit, n->type, n->value) &&
		    !(n->type == TLS_NAME_DNS &&
		    name_wildcard(name_without_dot(n->value)) == NAME_TOO_BROAD))
			return true;
	}
	return false;
}

static void
plan_off(const struct mirror_ask *a, struct mirror_plan *out)
{
	const struct tls_facts *f = a->origin;

	if (f->verified && f->earliest_not_after > a->now)
		out->not_after = f->earliest_not_after;
	if (!a->sniff)
		out->names = MIRROR_NAMES_ASKED;
	else if (!is_for_the_name(f))
		out->names = MIRROR_NAMES_ADD;
	out->staple = staple_of(a, out);
}

static struct defects
defects_of(const struct tls_facts *f)
{
	struct defects d = {.issuer = ISSUER_CA, .copy = carried(f), .why = ""};
	size_t i;

	for (i = 0; i < f->nverdicts; i++)
		note_verdict(&d, f, &f->verdicts[i]);
	/* What strict verifiers mind in an issuer is nothing to others, as a lack of this. */
	if (f->strict_minds && d.issuer == ISSUER_CA)
		d.copy |= COPY_NO_AKI;
	return d;
}

/*
 * With another name than the asked one the leaf must stay as wrong as it is; one
 * that may not be signed gives its place to one that is as wrong.
 */
static void
plan_names(const struct mirror_ask *a, struct defects *d, struct mirror_plan *out)
{
	const struct tls_facts *f = a->origin;

	if (is_for_the_name(f)) {
		if (!a->sniff)
			out->names = MIRROR_NAMES_ASKED;
		return;
	}
	if ((d->copy & COPY_NO_NAMES) != 0 || d->issuer == ISSUER_UNTRUSTED ||
	    some_name_is_signed(a))
		return;
	if (permit_any(a->permit))
		out->names = MIRROR_NAMES_OTHER;
	else
		issued_by(d, ISSUER_UNTRUSTED, "other names");
}

static void
plan_mirror(const struct mirror_ask *a, struct mirror_plan *out)
{
	struct defects d = defects_of(a->origin);

	plan_dates(a, &d, out);
	plan_names(a, &d, out);
	out->copy = d.copy;
	out->key_usage = d.copy & COPY_KEY_USAGE ? a->origin->key_usage : 0;
	out->recipe = recipe_of(d.issuer, a->origin);
	out->why = d.why;
	out->staple = staple_of(a, out);
	/* Whatever it was that left no trace: it is not good. */
	if (!a->origin->verified && !mirror_is_bad(out) && is_for_the_name(a->origin)) {
		out->recipe = recipe_of(ISSUER_UNTRUSTED, a->origin);
		out->why = "not verified";
		out->staple = SIGN_STAPLE_NONE;
	}
}

void
mirror_plan(const struct mirror_ask *a, struct mirror_plan *out)
{
	*out = (struct mirror_plan){.recipe = RECIPE_GOOD, .names = MIRROR_NAMES_COPY,
	    .why = ""};
	if (a->verify_off)
		plan_off(a, out);
	else
		plan_mirror(a, out);
	out->key = key_of(a, out);
}

bool
mirror_is_bad(const struct mirror_plan *p)
{
	return p->recipe != RECIPE_GOOD || p->copy != 0 || p->staple > SIGN_STAPLE_GOOD;
}
