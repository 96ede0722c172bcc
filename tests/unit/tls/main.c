/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *runner = srunner_create(hello_suite());
	int failed;

	srunner_add_suite(runner, verify_suite());
	srunner_add_suite(runner, chains_suite());
	srunner_add_suite(runner, verdicts_suite());
	srunner_add_suite(runner, offer_suite());
	srunner_add_suite(runner, origin_suite());
	srunner_add_suite(runner, sessions_suite());
	srunner_add_suite(runner, staple_suite());
	srunner_add_suite(runner, client_suite());
	srunner_add_suite(runner, roots_suite());
	srunner_add_suite(runner, name_suite());
	srunner_add_suite(runner, permit_suite());
	srunner_add_suite(runner, shelf_suite());
	srunner_add_suite(runner, client_peer_suite());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
