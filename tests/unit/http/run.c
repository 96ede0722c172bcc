/* SPDX-License-Identifier: ISC */
/* run.c - the unit tests of src/http. */
#include "config.h"

#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *sr = srunner_create(fields_suite());
	int failed;

	srunner_add_suite(sr, target_suite());
	srunner_add_suite(sr, h1_strict_suite());
	srunner_add_suite(sr, h1_read_suite());
	srunner_add_suite(sr, h1_write_suite());
	srunner_add_suite(sr, h2_guard_suite());
	srunner_add_suite(sr, h2_heads_suite());
	srunner_add_suite(sr, h2_read_suite());
	srunner_add_suite(sr, h2_write_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
