/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "suites.h"

int
main(void)
{
	SRunner *r = srunner_create(ring_suite());
	int failed;

	(void)signal(SIGXFSZ, SIG_IGN);
	log_init(getenv("TEST_LOG") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR,
	    LOG_FORMAT_TEXT);
	srunner_add_suite(r, recover_suite());
	srunner_add_suite(r, spool_suite());
	srunner_add_suite(r, spool_later_suite());
	srunner_add_suite(r, tls_errors_suite());
	srunner_add_suite(r, intake_suite());
	srunner_add_suite(r, tails_suite());
	srunner_add_suite(r, aborted_suite());
	srunner_add_suite(r, block_suite());
	srunner_add_suite(r, quota_suite());
	srunner_add_suite(r, death_suite());
	srunner_add_suite(r, faults_suite());
	srunner_add_suite(r, power_suite());
	srunner_add_suite(r, recorder_suite());
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
