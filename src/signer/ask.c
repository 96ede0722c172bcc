/* SPDX-License-Identifier: ISC */
/* ask.c - see ask.h.  Runs in: signer, fuzzers. */
#include "config.h"

#include "signer/ask.h"

#include "base/addr.h"
#include "tls/name.h"

/* What the asked name is in a certificate; ip receives an address. */
static bool
asked_as_name(struct str asked, uint8_t ip[16], struct ask_name *out)
{
	struct addr a;

	if (addr_parse_ip(asked, 0, &a)) {
		bool v4 = a.sa.sa_family == AF_INET;

		if (v4)
			memcpy(ip, &a.in.sin_addr, 4);
		else
			memcpy(ip, &a.in6.sin6_addr, 16);
		*out = (struct ask_name){NAME_IP, str_of(ip, v4 ? 4 : 16)};
		return true;
	}
	*out = (struct ask_name){NAME_DNS, asked};
	return name_is_asked_host(asked);
}

/* The next element of the list; false when it is cut short. */
static bool
next_name(struct str *rest, struct ask_name *out)
{
	size_t n;

	if (rest->n < 3)
		return false;
	out->type = (uint8_t)rest->p[0];
	n = (size_t)(uint8_t)rest->p[1] << 8 | (uint8_t)rest->p[2];
	if (n > rest->n - 3)
		return false;
	out->value = str_sub(*rest, 3, n);
	*rest = str_from(*rest, 3 + n);
	return true;
}

static const char *
why_not_name(const struct ask_name *name)
{
	switch (name->type) {
	case NAME_DNS:
		return name_is_dns(name->value) ? NULL :
		    "a DNS name of the origin has a bad form";
	case NAME_IP:
		return name->value.n == 4 || name->value.n == 16 ? NULL :
		    "an address of the origin has a bad length";
	case NAME_URI:
		return name_is_uri(name->value) ? NULL : "a URI of the origin has a bad form";
	case NAME_EMAIL:
		return name_is_email(name->value) ? NULL :
		    "an e-mail address of the origin has a bad form";
	default:
		return "a name of the origin has an unknown kind";
	}
}

/*
 * May clients read this as one of their hosts, as far as permit goes?  All that
 * "f*.example.com" stands for is below example.com, as with "*.example.com".
 */
static bool
may_stand_for(const struct permit *permit, uint8_t type, struct str name)
{
	enum name_wildcard wildcard;
	char whole[256] = "*";
	struct str rest;

	if (type != NAME_DNS)
		return permit_has(permit, type, name);
	/* With the dot it would break constraints that it keeps without. */
	if (str_ends(name, STR(".")) && !permit_any(permit))
		return false;
	name = name_without_dot(name);
	wildcard = name_wildcard(name);
	if (wildcard == NAME_TOO_BROAD)
		return false;
	if (wildcard != NAME_PARTIAL)
		return permit_has(permit, type, name);
	rest = str_from(name, (size_t)str_chr(name, '.'));
	memcpy(whole + 1, rest.p, rest.n);
	return permit_has(permit, NAME_DNS, str_of(whole, 1 + rest.n));
}

static const char *
take_names(struct str list, const struct permit *permit, struct ask *out)
{
	bool ours = ask_is_ours(out);
	struct ask_name name;
	const char *why;

	while (list.n > 0) {
		if (!next_name(&list, &name))
			return "the list of names is cut short";
		why = why_not_name(&name);
		if (why != NULL)
			return why;
		/* Left out, not refused: the origin's other names are still good. */
		if ((name.type == NAME_DNS &&
		    name_wildcard(name_without_dot(name.value)) == NAME_TOO_BROAD) ||
		    (ours && !may_stand_for(permit, name.type, name.value)))
			continue;
		if (out->nnames == SIGN_NAMES_MAX)
			return "too many names";
		out->names[out->nnames++] = name;
	}
	return out->nnames > 0 || !ours ? NULL : "no name of the origin may be signed";
}

static const char *
why_not_dates(const struct msg_sign_ask *m, bool ours, int64_t now)
{
	bool copied = (m->copy & COPY_DATES) != 0;

	if (copied && (m->not_before < ASK_DATE_MIN || m->not_before > ASK_DATE_MAX ||
	    m->not_after < ASK_DATE_MIN || m->not_after > ASK_DATE_MAX || m->not_after == 0))
		return "a date that no certificate has";
	/* Or a broken worker could lay in leafs for years ahead. */
	if ((ours || !copied) && m->not_before > now + ASK_AHEAD_SECONDS)
		return "the first date lies more than 48 hours ahead";
	if (copied)
		return NULL;
	if (m->not_before < 0 || m->not_after < 0)
		return "a date before 1970";
	if (m->not_after != 0 && m->not_after <= now)
		return "the last date is over";
	return NULL;
}

/* See SIGN_KEY_* in msg.h: no leaf that is bad has the key of a good one. */
static bool
is_key_for(const struct msg_sign_ask *m)
{
	if ((m->copy & COPY_WEAK_KEY) != 0)
		return m->key == SIGN_KEY_WEAK;
	if ((m->recipe == RECIPE_GOOD && m->copy == 0) || m->recipe == RECIPE_NOT_CA)
		return m->key == SIGN_KEY_EC || m->key == SIGN_KEY_RSA;
	return m->key == SIGN_KEY_MIRROR_EC || m->key == SIGN_KEY_MIRROR_RSA;
}

/*
 * keyCertSign in a leaf of our CA is taken, because origins have such leafs: it
 * goes with CA:FALSE, always, and then no verifier takes it for an issuer (RFC
 * 5280 6.1.4 (k), checked before the bit is looked at).
 */
static const uint32_t all_key_usages = KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION |
    KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT | KU_KEY_AGREEMENT | KU_KEY_CERT_SIGN |
    KU_CRL_SIGN | KU_ENCIPHER_ONLY | KU_DECIPHER_ONLY;

static const char *
why_not_recipe(const struct msg_sign_ask *m)
{
	if (m->recipe >= RECIPE_COUNT)
		return "an unknown recipe";
	if ((m->copy & ~(uint32_t)COPY_ALL) != 0)
		return "an unknown defect";
	if (!is_key_for(m))
		return "a key that is not for such a certificate";
	if (m->staple > SIGN_STAPLE_STALE)
		return "an unknown kind of staple";
	if (m->staple != SIGN_STAPLE_NONE && m->recipe != RECIPE_GOOD)
		return "a staple for what our CA did not issue";
	if ((m->copy & COPY_KEY_USAGE) != 0 && (m->key_usage & ~all_key_usages) != 0)
		return "an unknown key usage";
	if ((m->copy & COPY_NO_NAMES) != 0 && m->names.n > 0)
		return "names for a certificate without names";
	return NULL;
}

static const char *
why_not(const struct msg_sign_ask *m, const struct permit *permit, int64_t now, struct ask *out)
{
	struct ask_name asked;
	const char *why = why_not_recipe(m);

	if (why != NULL)
		return why;
	if (!asked_as_name(m->asked_name, out->ip, &asked))
		return "the asked name is neither a host name nor an address";
	if (!permit_has(permit, asked.type, asked.value))
		return "the asked name is outside ca.permit";
	if (!name_is_text(m->cn) || !name_is_text(m->org))
		return "the subject has bytes that are no text";
	if (!name_is_text(m->why))
		return "the reason has bytes that are no text";
	why = why_not_dates(m, ask_is_ours(out), now);
	if (why != NULL)
		return why;
	/* Name constraints hold for it as well, where there are any. */
	out->go_between = permit_any(permit) ? (struct ask_name){NAME_DNS,
	    STR("mirror.invalid")} : asked;
	if (m->names.n > 0)
		return take_names(m->names, permit, out);
	if ((m->copy & COPY_NO_NAMES) == 0)
		out->names[out->nnames++] = asked;
	return NULL;
}

static bool
has_dns_name(const struct ask *a)
{
	size_t i;

	for (i = 0; i < a->nnames; i++)
		if (a->names[i].type == NAME_DNS)
			return true;
	return false;
}

/* Clients without a dNSName to look at take the CN for one, GnuTLS whatever it says. */
static bool
is_cn_permitted(struct str cn, const struct permit *permit, const struct ask *out)
{
	struct addr a;
	struct str name = name_without_dot(cn);
	uint8_t ip[16];
	struct ask_name as;

	if (addr_parse_ip(name, 0, &a))
		return asked_as_name(name, ip, &as) && permit_has(permit, as.type, as.value);
	if (!name_is_host(name) && name_wildcard(name) == NAME_NO_WILDCARD)
		return has_dns_name(out) || permit_has(permit, NAME_DNS, name);
	return may_stand_for(permit, NAME_DNS, cn);
}

/* The origin's subject as far as it fits; all of it or, without a CN's room, nothing. */
static void
take_subject(const struct msg_sign_ask *m, const struct permit *permit, struct ask *out)
{
	bool named = m->names.n > 0 || (m->copy & COPY_NO_NAMES) != 0;
	struct str cn = m->cn.n == 0 && !named ? m->asked_name : m->cn;

	if (cn.n > ASK_ATTRIBUTE_MAX || (ask_is_ours(out) && permit_no_subject(permit)))
		return;
	/* With all names left out the CN must not become one. */
	if (!(m->names.n > 0 && out->nnames == 0) &&
	    (!ask_is_ours(out) || is_cn_permitted(cn, permit, out)))
		out->cn = cn;
	if (m->org.n <= ASK_ATTRIBUTE_MAX)
		out->org = m->org;
}

/* Cut between two characters. */
static struct str
cut_why(struct str why)
{
	size_t n = MIN(why.n, ASK_ATTRIBUTE_MAX);

	if (why.n == 0)
		return STR("the origin's certificate is not trusted");
	while (n < why.n && ((uint8_t)why.p[n] & 0xc0) == 0x80)
		n--;
	return str_sub(why, 0, n);
}

bool
ask_is_ours(const struct ask *a)
{
	return a->recipe == RECIPE_GOOD || a->recipe == RECIPE_NOT_CA;
}

int
ask_check(const struct msg_sign_ask *m, const struct permit *permit, int64_t now,
    struct ask *out, const char **out_why)
{
	const char *why;

	out->recipe = (enum recipe)m->recipe;
	out->key = m->key;
	out->staple = m->staple;
	out->copy = m->copy;
	out->key_usage = m->key_usage;
	out->nnames = 0;
	out->cn = out->org = STR_NONE;
	out->not_before = m->not_before;
	out->not_after = m->not_after;
	why = m->asked_name.n + m->cn.n + m->org.n + m->names.n + m->why.n > ASK_MAX ?
	    "the request is too large" : why_not(m, permit, now, out);
	if (why != NULL) {
		*out_why = why;
		return ERR_DENIED;
	}
	take_subject(m, permit, out);
	out->why = cut_why(m->why);
	return 0;
}
