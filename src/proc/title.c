/* SPDX-License-Identifier: ISC */
/* title.c - see title.h. */
#include "config.h"

#include "proc/title.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static char *area;
static size_t area_size;

void
title_init(int argc, char **argv)
{
	int i;

	/* Only arguments that lie one behind the other belong to the area. */
	area = argv[0];
	area_size = strlen(argv[0]) + 1;
	for (i = 1; i < argc && argv[i] == area + area_size; i++)
		area_size += strlen(argv[i]) + 1;
}

void
title_set(const char *title)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "mitmd-%s", title);
	(void)prctl(PR_SET_NAME, name);
	if (area == NULL)
		return;
	memset(area, 0, area_size);
	(void)snprintf(area, area_size, "mitmd: %s", title);
}
