/* SPDX-License-Identifier: ISC */
/* permit.c - see permit.h.  Runs in: signer. */
#include "config.h"

#include "signer/permit.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/mem.h"
#include "signer/name.h"

struct rule {
	struct cidr block;	/* bits count when dns is empty */
	struct str dns;		/* the name without "*" and dot in front */
	bool apex, below;
};

struct permit {
	struct rule *rules;
	size_t n;
};

static int
parse_rule(struct str s, struct rule *r)
{
	if (cidr_parse(s, &r->block))
		return 0;
	r->apex = !str_starts(s, STR("*."));
	r->below = !r->apex || str_starts(s, STR("."));
	r->dns = str_from(s, r->apex ? (r->below ? 1 : 0) : 2);
	return name_is_asked_host(r->dns) ? 0 : ERR_SYNTAX;
}

struct permit *
permit_new(const struct conf_strings *list, struct errmsg *err)
{
	struct permit *p = mem_new(struct permit);
	size_t i;

	p->rules = mem_grow(NULL, MAX(list->n, 1u), sizeof(*p->rules));
	for (i = 0; i < list->n; i++) {
		p->rules[i] = (struct rule){.apex = false};
		if (parse_rule(str_z(list->v[i]), &p->rules[p->n++]) == 0)
			continue;
		(void)errmsg_set(err, "ca.permit: \"%s\" cannot be a limit of a CA: use a host "
		    "name, *.NAME, .NAME, an address or a CIDR block, without a port",
		    list->v[i]);
		permit_free(&p);
		return NULL;
	}
	return p;
}

void
permit_free(struct permit **pp)
{
	struct permit *p = pp != NULL ? *pp : NULL;

	if (p == NULL)
		return;
	*pp = NULL;
	free(p->rules);
	free(p);
}

bool
permit_any(const struct permit *p)
{
	return p->n == 0;
}

static bool
rule_has_host(const struct rule *r, struct str host, bool wildcard)
{
	if (r->dns.n == 0)
		return false;
	if (str_ieq(host, r->dns))	/* "*.example.com" is all below example.com */
		return wildcard ? r->below : r->apex;
	return r->below && host.n > r->dns.n && str_iends(host, r->dns) &&
	    host.p[host.n - r->dns.n - 1] == '.';
}

static bool
rule_has_ip(const struct rule *r, struct str ip)
{
	struct addr a = {.len = 0};

	if (r->dns.n != 0)
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

bool
permit_has(const struct permit *p, uint8_t type, struct str name)
{
	bool wildcard = type == NAME_DNS && str_starts(name, STR("*."));
	size_t i;

	if (p->n == 0)
		return true;
	if (wildcard)
		name = str_from(name, 2);
	for (i = 0; i < p->n; i++) {
		if (type == NAME_DNS && rule_has_host(&p->rules[i], name, wildcard))
			return true;
		if (type == NAME_IP && rule_has_ip(&p->rules[i], name))
			return true;
	}
	return false;
}

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
	bool v4 = false, v6 = false;
	size_t i;

	CHECK(nc != NULL);
	for (i = 0; i < p->n; i++) {
		const struct rule *r = &p->rules[i];

		if (r->dns.n > 0) {
			add_subtree(&nc->permittedSubtrees, GEN_DNS, r->dns.p, r->dns.n);
			continue;
		}
		add_block(&nc->permittedSubtrees, &r->block);
		v4 |= r->block.family == AF_INET;
		v6 |= r->block.family == AF_INET6;
	}
	/* A permitted name of one kind says nothing about the other kinds. */
	if (!v4)
		add_block(&nc->excludedSubtrees, &all4);
	if (!v6)
		add_block(&nc->excludedSubtrees, &all6);
	return nc;
}
