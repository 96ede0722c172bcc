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
		return name_is_host(name->value) ||
		    name_wildcard(name->value) != NAME_NO_WILDCARD ? NULL :
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

static const char *
take_names(struct str list, const struct permit *permit, struct ask *out)
{
	struct ask_name name;
	const char *why;

	while (list.n > 0) {
		if (!next_name(&list, &name))
			return "the list of names is cut short";
		why = why_not_name(&name);
		if (why != NULL)
			return why;
		/* Left out, not refused: the origin's other names are still good. */
		if ((name.type == NAME_DNS && name_wildcard(name.value) == NAME_TOO_BROAD) ||
		    !permit_has(permit, name.type, name.value))
			continue;
		if (out->nnames == ASK_NAMES_MAX)
			return "too many names";
		out->names[out->nnames++] = name;
	}
	return out->nnames > 0 ? NULL : "no name of the origin may be signed";
}

static const char *
why_not_dates(const struct msg_sign_ask *m, int64_t now)
{
	if (m->not_before > now + ASK_BACKDATE_SECONDS)
		return "the first date lies more than 48 hours ahead";
	if (m->not_before < 0 || m->not_after < 0)
		return "a date before 1970";
	if (m->not_after != 0 && m->not_after <= now)
		return "the last date is over";
	return NULL;
}

static const char *
why_not(const struct msg_sign_ask *m, const struct permit *permit, int64_t now, struct ask *out)
{
	struct ask_name asked;
	const char *why;

	if (m->recipe != RECIPE_GOOD)
		return "an unknown recipe";
	if (m->key != SIGN_KEY_EC && m->key != SIGN_KEY_RSA)
		return "an unknown kind of key";
	if (!asked_as_name(m->asked_name, out->ip, &asked))
		return "the asked name is neither a host name nor an address";
	if (!permit_has(permit, asked.type, asked.value))
		return "the asked name is outside ca.permit";
	if (!name_is_text(m->cn) || !name_is_text(m->org))
		return "the subject has bytes that are no text";
	why = why_not_dates(m, now);
	if (why != NULL)
		return why;
	if (m->names.n > 0)
		return take_names(m->names, permit, out);
	out->names[out->nnames++] = asked;
	return NULL;
}

/* The origin's subject as far as it fits; all of it or, without a CN's room, nothing. */
static void
take_subject(const struct msg_sign_ask *m, const struct permit *permit, struct ask *out)
{
	struct str cn = m->cn.n == 0 && m->names.n == 0 ? m->asked_name : m->cn;

	if (cn.n > ASK_ATTRIBUTE_MAX || permit_no_subject(permit))
		return;
	out->cn = cn;
	if (m->org.n <= ASK_ATTRIBUTE_MAX)
		out->org = m->org;
}

int
ask_check(const struct msg_sign_ask *m, const struct permit *permit, int64_t now,
    struct ask *out, const char **out_why)
{
	const char *why;

	out->nnames = 0;
	out->cn = out->org = STR_NONE;
	out->rsa = m->key == SIGN_KEY_RSA;
	out->not_after = m->not_after;
	why = m->asked_name.n + m->cn.n + m->org.n + m->names.n > ASK_MAX ?
	    "the request is too large" : why_not(m, permit, now, out);
	if (why != NULL) {
		*out_why = why;
		return ERR_DENIED;
	}
	take_subject(m, permit, out);
	return 0;
}
