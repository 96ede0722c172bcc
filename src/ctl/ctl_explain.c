/* SPDX-License-Identifier: ISC */
/* ctl_explain.c - mitmctl explain.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/ctl.h"

int
ctl_explain(const struct ctl *ctl UNUSED, int argc UNUSED, char **argv)
{
	ctl_error("%s: not supported yet", argv[0]);
	return CTL_FAILED;
}
