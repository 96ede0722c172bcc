/* SPDX-License-Identifier: ISC */
/* run_conf.c - unit tests of src/conf. */
#include "config.h"

#include <stdlib.h>

#include "suites.h"

int
main(void)
{
	SRunner *r = srunner_create(hosts_suite());
	int failed;

	srunner_add_suite(r, value_suite());
	srunner_add_suite(r, schema_suite());
	srunner_add_suite(r, errors_suite());
	srunner_add_suite(r, conf_suite());
	srunner_add_suite(r, dump_suite());
	srunner_add_suite(r, policy_suite());
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
