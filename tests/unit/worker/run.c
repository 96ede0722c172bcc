/* SPDX-License-Identifier: ISC */
/* run.c - the unit tests of src/worker. */
#include "config.h"

#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *sr = srunner_create(flow_suite());
	int failed;

	srunner_add_suite(sr, flow_abort_suite());
	srunner_add_suite(sr, capture_suite());
	srunner_add_suite(sr, capture_ws_suite());
	srunner_add_suite(sr, access_suite());
	srunner_add_suite(sr, sniff_suite());
	srunner_add_suite(sr, tell_suite());
	srunner_add_suite(sr, hosts_suite());
	srunner_add_suite(sr, trust_told_suite());
	srunner_add_suite(sr, exchange_suite());
	srunner_add_suite(sr, exchange_end_suite());
	srunner_add_suite(sr, mirror_suite());
	srunner_add_suite(sr, leaf_table_suite());
	srunner_add_suite(sr, leaf_ask_suite());
	srunner_add_suite(sr, h2_suite());
	srunner_add_suite(sr, h2_ends_suite());
	srunner_add_suite(sr, h2_flow_suite());
	srunner_add_suite(sr, h2_limits_suite());
	srunner_add_suite(sr, h2_mixed_suite());
	srunner_add_suite(sr, pace_suite());
	srunner_add_suite(sr, memory_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
