/* SPDX-License-Identifier: ISC */
/* main.c - runs the unit tests of src/signer. */
#include "config.h"

#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *sr = srunner_create(der_suite());
	int failed;

	srunner_add_suite(sr, ask_suite());
	srunner_add_suite(sr, mint_suite());
	srunner_add_suite(sr, recipes_suite());
	srunner_add_suite(sr, ocsp_suite());
	srunner_add_suite(sr, promises_suite());
	srunner_add_suite(sr, ca_suite());
	srunner_add_suite(sr, ca_files_suite());
	srunner_add_suite(sr, ca_made_suite());
	srunner_add_suite(sr, export_suite());
	srunner_add_suite(sr, keys_suite());
	srunner_add_suite(sr, desk_suite());
	srunner_add_suite(sr, files_suite());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
