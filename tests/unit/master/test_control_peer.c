/* SPDX-License-Identifier: ISC */
/* test_control_peer.c - whom a user namespace knows, by its map. */
#include "config.h"

#include "master/control_peer.h"

#include <unistd.h>

#include "suites.h"

/* As the kernel writes it; the second is that of a unit with PrivateUsers=yes. */
#define WHOLE "         0          0 4294967295\n"
#define UNIT "         0          0          1\n       997        997          1\n"

static const struct {
	const char *map;
	uid_t uid;
	bool known;
} who[] = {
	{WHOLE, 0, true}, {WHOLE, 65534, true}, {WHOLE, 4294967294u, true},
	{UNIT, 0, true}, {UNIT, 997, true}, {UNIT, 998, false}, {UNIT, 996, false},
	{UNIT, 65534, false}, {UNIT, 1, false},
	{"0 100000 65536\n", 65534, true}, {"0 100000 65536\n", 65536, false},
	{"0 100000 65536", 65535, true},
	{"", 0, false}, {"\n\n", 0, false}, {"0 0\n", 0, false}, {"x 0 1\n", 0, false},
	{"0 0 x\n1 1 1\n", 1, true}, {"0 0 99999999999\n", 0, false},
};

START_TEST(a_map_knows)
{
	ck_assert(control_peer_in(str_z(who[_i].map), who[_i].uid) == who[_i].known);
}
END_TEST

START_TEST(who_may)
{
	ck_assert(control_peer_may(0));
	ck_assert(control_peer_may(geteuid()));
	ck_assert(!control_peer_may(geteuid() + 1));
}
END_TEST

START_TEST(we_know_ourselves)
{
	ck_assert(control_peer_known(geteuid()));
}
END_TEST

Suite *
control_peer_suite(void)
{
	Suite *s = suite_create("control_peer");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, a_map_knows, 0, NELEM(who));
	tcase_add_test(tc, who_may);
	tcase_add_test(tc, we_know_ourselves);
	suite_add_tcase(s, tc);
	return s;
}
