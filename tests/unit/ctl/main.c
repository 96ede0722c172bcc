/* SPDX-License-Identifier: ISC */
/* main.c - runs the unit tests of src/ctl. */
#include "config.h"

#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *sr = srunner_create(view_suite());
	int failed;

	srunner_add_suite(sr, filter_suite());
	srunner_add_suite(sr, tail_line_suite());
	srunner_add_suite(sr, tsv_suite());
	srunner_add_suite(sr, har_rules_suite());
	srunner_add_suite(sr, har_files_suite());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
