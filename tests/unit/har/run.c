/* SPDX-License-Identifier: ISC */
/* run.c - runs all suites of har/; with --sample, writes a whole HAR file. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "suites.h"

int
main(int argc, char **argv)
{
	SRunner *r;
	int failed;

	if (argc > 1 && strcmp(argv[1], "--sample") == 0)
		return sample_write();
	r = srunner_create(utf8_suite());
	srunner_add_suite(r, json_suite());
	srunner_add_suite(r, json_check_suite());
	srunner_add_suite(r, json_read_suite());
	srunner_add_suite(r, split_suite());
	srunner_add_suite(r, base64_suite());
	srunner_add_suite(r, spill_suite());
	srunner_add_suite(r, coding_suite());
	srunner_add_suite(r, body_suite());
	srunner_add_suite(r, cookies_suite());
	srunner_add_suite(r, entry_suite());
	srunner_add_suite(r, ws_suite());
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
