/* SPDX-License-Identifier: ISC */
/*
 * env_vars.h - what a program's environment has to say so that it uses the proxy and
 * trusts its CA: every client has names of its own for that.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_ENV_VARS_H
#define MITMD_CTL_ENV_VARS_H

#include <stddef.h>

#include "base/addr.h"

#define ENV_VARS_MAX 64

struct env_var {
	const char *name;
	char *value;	/* on the heap */
};

struct env_vars {
	struct env_var v[ENV_VARS_MAX];
	size_t n;
};

/* tag, no_proxy: NULL: none. */
void env_vars_fill(struct env_vars *, const struct addr *proxy, const char *tag,
    const char *ca_dir, const char *no_proxy) NONNULL(1, 2, 4);
void env_vars_free(struct env_vars *) NONNULL(1);

#endif
