/* SPDX-License-Identifier: ISC */
/* run.c - what the processes cannot do. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

#define SKIPPED 77	/* for automake */

/* Under valgrind every call is valgrind's, and with the sanitizers more are needed. */
static const char *
other_calls(void)
{
#ifdef SANDBOX_RELAXED
	return "built with a sandbox that leaves room for other tools";
#else
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "valgrind") != NULL ? "valgrind" : NULL;
#endif
}

int
main(void)
{
	SRunner *sr;
	int failed;

	if (other_calls() != NULL) {
		(void)printf("skipped: %s\n", other_calls());
		return SKIPPED;
	}
	sr = srunner_create(walls_suite());
	/* What is kept out of forks has to be ours when roles are forked. */
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
