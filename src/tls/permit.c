/* SPDX-License-Identifier: ISC */
/* permit.c - see permit.h.  Runs in: signer, worker, mitmctl. */
#include "config.h"

#include "tls/permit.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/mem.h"
#include "tls/name.h"

#define SUBTREES_MAX 1024

struct rule {
	bool is_ip;
	struct cidr block;
	char *dns;		/* without "*" and dot in front; "" is every name */
	bool apex, below;
};

struct rules {
	struct rule *v;
	size_t n;
};

/* What one certificate says. A kind of which nothing is permitted is not limited. */
struct limit {
	struct rules permitted, excluded;
	bool dns, ip;		/* some of that kind are permitted, and no others */
	bool no_uri, no_email;	/* limited in ways that need not be understood */
};

struct permit {
	struct rules rules;
	struct limit *limits;
	size_t nlimits;
	bool no_subject;
};

static struct rule *
rules_add(struct rules *r)
{
	r->v = mem_grow(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n] = (struct rule){.is_ip = false};
	return &r->v[r->n++];
}

static void
rules_free(struct rules *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		free(r->v[i].dns);
	free(r->v);
	*r = (struct rules){.v = NULL};
}

static int
parse_rule(struct str s, struct rule *r)
{
	struct str dns;

	if (cidr_parse(s, &r->block)) {
		r->is_ip = true;
		return 0;
	}
	r->apex = !str_starts(s, STR("*."));
	r->below = !r->apex || str_starts(s, STR("."));
	dns = str_from(s, r->apex ? (r->below ? 1 : 0) : 2);
	r->dns = str_dup(dns);
	return name_is_asked_host(dns) ? 0 : ERR_SYNTAX;
}

struct permit *
permit_new(char *const *names, size_t n, struct errmsg *err)
{
	struct permit *p = mem_new(struct permit);
	size_t i;

	for (i = 0; i < n; i++) {
		if (parse_rule(str_z(names[i]), rules_add(&p->rules)) == 0)
			continue;
		(void)errmsg_set(err, "\"%s\" cannot be a limit of a CA: use a host name, "
		    "*.NAME, .NAME, an address or a CIDR block, without a port", names[i]);
		permit_free(&p);
		return NULL;
	}
	return p;
}

void
permit_free(struct permit **pp)
{
	struct permit *p = pp != NULL ? *pp : NULL;
	size_t i;

	if (p == NULL)
		return;
	*pp = NULL;
	for (i = 0; i < p->nlimits; i++) {
		rules_free(&p->limits[i].permitted);
		rules_free(&p->limits[i].excluded);
	}
	free(p->limits);
	rules_free(&p->rules);
	free(p);
}

bool
permit_any(const struct permit *p)
{
	return p->rules.n == 0 && p->nlimits == 0;
}

bool
permit_no_subject(const struct permit *p)
{
	return p->no_subject;
}

/* ---- does a rule have the name? ---- */

static bool
lies_below(struct str host, struct str dns)
{
	return host.n > dns.n && str_iends(host, dns) && host.p[host.n - dns.n - 1] == '.';
}

static bool
rule_has_host(const struct rule *r, struct str host, bool wildcard)
{
	struct str dns = str_z(r->dns);

	if (r->is_ip)
		return false;
	if (dns.n == 0)
		return true;
	if (str_ieq(host, dns))	/* "*.example.com" is all below example.com */
		return wildcard ? r->below : r->apex;
	return r->below && lies_below(host, dns);
}

static bool
rule_has_ip(const struct rule *r, struct str ip)
{
	struct addr a = {.len = 0};

	if (!r->is_ip)
		return false;
	if (ip.n == 4) {
		a.in.sin_family = AF_INET;
		memcpy(&a.in.sin_addr, ip.p, 4);
		a.len = sizeof(a.in);
	} else {
		a.in6.sin6_family = AF_INET6;
		memcpy(&a.in6.sin6_addr, ip.p, 16);
		a.len = sizeof(a.in6);
	}
	return cidr_has(&r->block, &a);
}

static bool
rules_have(const struct rules *rules, uint8_t type, struct str name, bool wildcard)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		if (type == NAME_DNS && rule_has_host(&rules->v[i], name, wildcard))
			return true;
		if (type == NAME_IP && rule_has_ip(&rules->v[i], name))
			return true;
	}
	return false;
}

/* Would a wildcard stand for something that is excluded? */
static bool
rules_touch(const struct rules *rules, struct str base)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (!rules->v[i].is_ip && lies_below(str_z(rules->v[i].dns), base))
			return true;
	return false;
}

static bool
limit_has(const struct limit *l, uint8_t type, struct str name, bool wildcard)
{
	switch (type) {
	case NAME_DNS:
		return (!l->dns || rules_have(&l->permitted, type, name, wildcard)) &&
		    !rules_have(&l->excluded, type, name, wildcard) &&
		    !(wildcard && rules_touch(&l->excluded, name));
	case NAME_IP:
		return (!l->ip || rules_have(&l->permitted, type, name, false)) &&
		    !rules_have(&l->excluded, type, name, false);
	case NAME_URI:
		return !l->no_uri;
	default:
		return !l->no_email;
	}
}

bool
permit_has(const struct permit *p, uint8_t type, struct str name)
{
	bool wildcard = type == NAME_DNS && str_starts(name, STR("*."));
	size_t i;

	if (wildcard)
		name = str_from(name, 2);
	if (p->rules.n > 0 && !rules_have(&p->rules, type, name, wildcard))
		return false;
	for (i = 0; i < p->nlimits; i++)
		if (!limit_has(&p->limits[i], type, name, wildcard))
			return false;
	return true;
}

bool
permit_has_host(const struct permit *p, struct str host)
{
	struct addr a;

	if (permit_any(p))
		return true;
	if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
		host = str_sub(host, 1, host.n - 2);
	if (addr_parse_ip(host, 0, &a))
		return permit_has(p, NAME_IP, a.sa.sa_family == AF_INET ?
		    str_of(&a.in.sin_addr, 4) : str_of(&a.in6.sin6_addr, 16));
	if (str_ends(host, STR(".")))
		host.n--;
	return permit_has(p, NAME_DNS, host);
}

/* ---- from a certificate ---- */

static int
read_dns(const ASN1_STRING *s, struct rule *r)
{
	struct str dns = str_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));

	/* A dot in front is not in the RFC, but in use: without the name itself. */
	r->apex = !str_starts(dns, STR("."));
	r->below = true;
	dns = str_from(dns, r->apex ? 0 : 1);
	r->dns = str_dup(dns);
	return dns.n == 0 || name_is_host(dns) ? 0 : ERR_SYNTAX;
}

static int
read_block(const ASN1_STRING *s, struct rule *r)
{
	const uint8_t *p = ASN1_STRING_get0_data(s);
	size_t n = (size_t)ASN1_STRING_length(s) / 2, i;
	bool ended = false;

	if (ASN1_STRING_length(s) != 8 && ASN1_STRING_length(s) != 32)
		return ERR_SYNTAX;
	r->is_ip = true;
	r->block.family = n == 4 ? AF_INET : AF_INET6;
	memcpy(r->block.ip, p, n);
	for (i = 0; i < 8 * n; i++) {
		bool set = p[n + i / 8] >> (7 - i % 8) & 1;

		if (set && ended)
			return ERR_UNSUPPORTED;
		ended |= !set;
		r->block.bits += set;
	}
	return 0;
}

static int
read_subtree(struct permit *p, struct limit *l, const GENERAL_SUBTREE *tree, bool permits)
{
	struct rules *rules = permits ? &l->permitted : &l->excluded;

	/* Clients refuse a CA that makes use of these. */
	if (tree->maximum != NULL ||
	    (tree->minimum != NULL && ASN1_INTEGER_get(tree->minimum) != 0))
		return ERR_UNSUPPORTED;
	switch (tree->base->type) {
	case GEN_DNS:
		l->dns |= permits;
		return read_dns(tree->base->d.dNSName, rules_add(rules));
	case GEN_IPADD:
		l->ip |= permits;
		return read_block(tree->base->d.iPAddress, rules_add(rules));
	case GEN_DIRNAME:
		p->no_subject = true;
		return 0;
	case GEN_URI:
		l->no_uri = true;
		return 0;
	case GEN_EMAIL:
		l->no_email = true;
		return 0;
	default:	/* no leaf has such names */
		return 0;
	}
}

static int
read_subtrees(struct permit *p, struct limit *l, const STACK_OF(GENERAL_SUBTREE) *list,
    bool permits)
{
	int i;

	if (sk_GENERAL_SUBTREE_num(list) > SUBTREES_MAX)
		return ERR_LIMIT;
	for (i = 0; i < sk_GENERAL_SUBTREE_num(list); i++) {
		int ret = read_subtree(p, l, sk_GENERAL_SUBTREE_value(list, i), permits);

		if (ret != 0)
			return ret;
	}
	return 0;
}

int
permit_narrow(struct permit *p, X509 *cert, struct errmsg *err)
{
	int critical, ret;
	NAME_CONSTRAINTS *nc = X509_get_ext_d2i(cert, NID_name_constraints, &critical, NULL);
	struct limit *l;

	if (nc == NULL && critical == -1)
		return 0;
	p->limits = mem_grow(p->limits, p->nlimits + 1, sizeof(*p->limits));
	l = &p->limits[p->nlimits++];
	*l = (struct limit){.dns = false};
	ret = nc == NULL ? ERR_SYNTAX : read_subtrees(p, l, nc->permittedSubtrees, true);
	if (ret == 0)
		ret = read_subtrees(p, l, nc->excludedSubtrees, false);
	NAME_CONSTRAINTS_free(nc);
	if (ret != 0)
		return errmsg_set(err, "the name constraints of the CA cannot be understood");
	return 0;
}

/* ---- for a certificate ---- */

static void
add_subtree(STACK_OF(GENERAL_SUBTREE) **list, int type, const void *bytes, size_t n)
{
	GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
	ASN1_STRING *value = ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING :
	    V_ASN1_OCTET_STRING);

	if (*list == NULL)
		*list = sk_GENERAL_SUBTREE_new_null();
	CHECK(tree != NULL && value != NULL && *list != NULL);
	CHECK(ASN1_STRING_set(value, bytes, (int)n) == 1);
	GENERAL_NAME_set0_value(tree->base, type, value);
	CHECK(sk_GENERAL_SUBTREE_push(*list, tree) > 0);
}

static void
add_block(STACK_OF(GENERAL_SUBTREE) **list, const struct cidr *block)
{
	size_t n = block->family == AF_INET ? 4 : 16, i;
	uint8_t bytes[32] = {0};

	memcpy(bytes, block->ip, n);
	for (i = 0; i < block->bits; i++)
		bytes[n + i / 8] |= (uint8_t)(0x80 >> (i % 8));
	for (i = 0; i < n; i++)
		bytes[i] &= bytes[n + i];
	add_subtree(list, GEN_IPADD, bytes, 2 * n);
}

NAME_CONSTRAINTS *
permit_constraints(const struct permit *p)
{
	static const struct cidr all4 = {.family = AF_INET}, all6 = {.family = AF_INET6};
	NAME_CONSTRAINTS *nc = NAME_CONSTRAINTS_new();
	bool dns = false, v4 = false, v6 = false;
	size_t i;

	CHECK(nc != NULL);
	for (i = 0; i < p->rules.n; i++) {
		const struct rule *r = &p->rules.v[i];

		dns |= !r->is_ip;
		if (!r->is_ip) {
			add_subtree(&nc->permittedSubtrees, GEN_DNS, r->dns, strlen(r->dns));
			continue;
		}
		add_block(&nc->permittedSubtrees, &r->block);
		v4 |= r->block.family == AF_INET;
		v6 |= r->block.family == AF_INET6;
	}
	/* A permitted name of one kind says nothing about the other kinds. */
	if (!dns)
		add_subtree(&nc->excludedSubtrees, GEN_DNS, "", 0);
	if (!v4)
		add_block(&nc->excludedSubtrees, &all4);
	if (!v6)
		add_block(&nc->excludedSubtrees, &all6);
	return nc;
}

bool
permit_is_that_of(const struct permit *p, X509 *cert)
{
	X509_EXTENSION *e = X509_get_ext(cert,
	    X509_get_ext_by_NID(cert, NID_name_constraints, -1));
	NAME_CONSTRAINTS *nc = permit_constraints(p);
	uint8_t *der = NULL;
	int n = ASN1_item_i2d((ASN1_VALUE *)nc, &der, ASN1_ITEM_rptr(NAME_CONSTRAINTS));
	struct str have = STR_NONE;
	bool same;

	CHECK(n > 0);
	if (e != NULL)
		have = str_of(ASN1_STRING_get0_data(X509_EXTENSION_get_data(e)),
		    (size_t)ASN1_STRING_length(X509_EXTENSION_get_data(e)));
	same = str_eq(have, str_of(der, (size_t)n));
	OPENSSL_free(der);
	NAME_CONSTRAINTS_free(nc);
	return same;
}
