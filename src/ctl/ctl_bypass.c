/* SPDX-License-Identifier: ISC */
/* ctl_bypass.c - mitmctl bypass.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/ctl.h"

int
ctl_bypass(const struct ctl *ctl UNUSED, int argc UNUSED, char **argv)
{
	ctl_error("%s: not supported yet", argv[0]);
	return CTL_FAILED;
}
