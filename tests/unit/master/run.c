/* SPDX-License-Identifier: ISC */
/* run.c - the unit tests of src/master. */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "suites.h"

int
main(void)
{
	SRunner *sr = srunner_create(pinning_suite());
	int failed;

	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	srunner_add_suite(sr, control_suite());
	srunner_add_suite(sr, control_peer_suite());
	srunner_add_suite(sr, control_socket_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
