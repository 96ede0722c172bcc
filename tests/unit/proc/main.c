/* SPDX-License-Identifier: ISC */
/* main.c - runs the unit tests of src/proc. */
#include "config.h"

#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *sr = srunner_create(beat_suite());
	int failed;

	srunner_add_suite(sr, metrics_suite());
	srunner_add_suite(sr, clients_suite());
	srunner_add_suite(sr, room_suite());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
