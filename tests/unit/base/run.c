/* SPDX-License-Identifier: ISC */
/* run.c - the unit tests of src/base. */
#include "config.h"

#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *sr = srunner_create(str_suite());
	int failed;

	srunner_add_suite(sr, buf_suite());
	srunner_add_suite(sr, addr_suite());
	srunner_add_suite(sr, clock_suite());
	srunner_add_suite(sr, words_suite());
	srunner_add_suite(sr, escape_suite());
	srunner_add_suite(sr, journal_suite());
	srunner_add_suite(sr, log_suite());
	srunner_add_suite(sr, repeats_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
