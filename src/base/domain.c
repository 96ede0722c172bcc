/* SPDX-License-Identifier: ISC */
/* domain.c - see domain.h.  Runs in: any process. */
#include "config.h"

#include "base/domain.h"

ssize_t
domain_rank(struct str pattern, struct str host)
{
	struct str below;

	if (host.n == 0)
		return -1;
	if (str_eq(pattern, STR("*")))
		return 0;
	if (!str_starts(pattern, STR("*.")))
		return str_eq(pattern, host) ? DOMAIN_EXACT : -1;
	below = str_from(pattern, 1);
	return host.n > below.n && str_ends(host, below) ? (ssize_t)pattern.n : -1;
}
