/* SPDX-License-Identifier: ISC */
/* mitmd.c - main(): options, the configuration test, then master_main(). */
#include "config.h"

#include <stdio.h>

int
main(void)
{
	puts(PACKAGE_STRING);
	return 0;
}
