/* SPDX-License-Identifier: ISC */
/*
 * policy.c - see policy.h.
 * Runs in: worker, mitmctl, tests.
 */
#include "config.h"

#include "conf/policy.h"

#include "base/domain.h"

static int
match(const struct hosts *h, const struct policy_ask *a, struct str host)
{
	return hosts_match(h, host, a->port, a->addr);
}

/* Of two names that match, the pattern that stands first in the file is named. */
static int
match_either(const struct hosts *h, const struct policy_ask *a)
{
	int connect = match(h, a, a->connect_host), name;

	if (str_eq(a->connect_host, a->name))
		return connect;
	name = match(h, a, a->name);
	if (connect < 0 || name < 0)
		return MAX(connect, name);
	return MIN(connect, name);
}

static struct policy_source
pattern_source(const char *option, const struct hosts *h, int i)
{
	return (struct policy_source){option, hosts_line(h, i), hosts_pattern(h, i)};
}

static struct policy_source
option_source(const struct conf *c, const char *option)
{
	return (struct policy_source){option, conf_place(c, option).line, STR_NONE};
}

static void
decide_tunnel(const struct conf *c, const struct policy_ask *a, struct policy *out)
{
	int i = match_either(c->ignore_hosts, a);

	if (i >= 0) {
		out->tunnel = "ignore_hosts";
		out->tunnel_source = pattern_source("ignore_hosts", c->ignore_hosts, i);
		return;
	}
	i = match_either(c->allow_hosts, a);
	if (i >= 0) {
		out->tunnel_source = pattern_source("allow_hosts", c->allow_hosts, i);
		return;
	}
	out->tunnel_source = option_source(c, "allow_hosts");
	if (hosts_count(c->allow_hosts) > 0)
		out->tunnel = "allow_hosts";
}

static void
decide_verify(const struct conf *c, const struct policy_ask *a, struct policy *out)
{
	const struct hosts *h = c->origin.verify_hosts;
	int i = match(h, a, a->name);

	out->verify = i >= 0 ? c->origin.verify_of[i] : c->origin.verify;
	out->verify_source = i >= 0 ? pattern_source("origin.verify_hosts", h, i)
	    : option_source(c, "origin.verify");
}

static void
decide_strict(const struct conf *c, const struct policy_ask *a, struct policy *out)
{
	int i = match(c->origin.strict, a, a->name);

	out->strict = i >= 0;
	out->strict_source = i >= 0 ? pattern_source("origin.strict", c->origin.strict, i)
	    : option_source(c, "origin.strict");
}

void
policy_decide(const struct conf *c, const struct policy_ask *a, struct policy *out)
{
	*out = (struct policy){.tunnel = NULL};
	decide_tunnel(c, a, out);
	decide_verify(c, a, out);
	decide_strict(c, a, out);
}

/* *best is raised. */
static int
best_cert(const struct conf *c, struct str host, ssize_t *best)
{
	int found = -1;
	size_t i;

	for (i = 0; i < c->ncerts; i++) {
		ssize_t rank = domain_rank(str_z(c->certs[i].name), host);

		if (rank > *best) {
			*best = rank;
			found = (int)i;
		}
	}
	return found;
}

int
policy_cert(const struct conf *c, const struct policy_ask *a)
{
	ssize_t rank = -1;
	int by_name = best_cert(c, a->name, &rank), by_connect;

	if (rank > 0)
		return by_name;
	/* "*" is for whatever nothing else stands for, so the other name goes first. */
	by_connect = best_cert(c, a->connect_host, &rank);
	return by_connect >= 0 ? by_connect : by_name;
}

const char *
policy_verify_name(enum conf_verify v)
{
	static const char *const names[] = {
		[CONF_VERIFY_MIRROR] = "mirror",
		[CONF_VERIFY_REJECT] = "reject",
		[CONF_VERIFY_OFF] = "off",
	};

	CHECK((size_t)v < NELEM(names));
	return names[v];
}
