/* SPDX-License-Identifier: ISC */
/* main.c - runs the unit tests of src/shm. */
#include "config.h"

#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *sr = srunner_create(cert_cache_suite());
	int failed;

	srunner_add_suite(sr, keyring_suite());
	srunner_add_suite(sr, segment_suite());
	srunner_add_suite(sr, trust_suite());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
