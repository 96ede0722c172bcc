/* SPDX-License-Identifier: ISC */
/* test_log.c - what is left out of a log, and what never is. */
#include "config.h"

#include "base/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suites.h"

static int saved, out;

/* Standard error is a file: nothing to wait for, and no end of a pipe. */
static void
setup(void)
{
	char name[] = "/tmp/mitmd-test-XXXXXX";

	out = mkstemp(name);
	ck_assert_int_ne(out, -1);
	(void)unlink(name);
	saved = dup(STDERR_FILENO);
	(void)dup2(out, STDERR_FILENO);
	log_role("test");
}

static void
teardown(void)
{
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	(void)close(out);
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
}

static const char *
said(void)
{
	static char text[65536];
	ssize_t n = pread(out, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static unsigned
count(const char *what)
{
	const char *p = said();
	unsigned n = 0;

	for (; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static const char *
last_line(void)
{
	const char *text = said(), *end = text + strlen(text) - 1;

	while (end > text && end[-1] != '\n')
		end--;
	return end;
}

static void
break_and_mend(unsigned times)
{
	while (times-- > 0) {
		log_event(LOG_LEVEL_ERROR, LOG_SPOOL_BROKEN, true, NULL, 0, "it is broken");
		log_over(LOG_SPOOL_WORKS, "it works");
	}
}

/* _i: the level. */
START_TEST(an_end_is_said_whatever_the_level)
{
	log_init((enum log_level)_i, LOG_FORMAT_TEXT);
	break_and_mend(1);
	ck_assert_uint_eq(count("it is broken"), 1);
	ck_assert_uint_eq(count("it works"), 1);
}
END_TEST

/* Of many beginnings some are left out, of ends none; and one of those is the last word. */
START_TEST(an_end_is_the_last_word)
{
	log_init(LOG_LEVEL_WARNING, LOG_FORMAT_TEXT);
	break_and_mend(30);
	log_settle();
	ck_assert_uint_eq(count("it works"), 30);
	ck_assert_uint_ge(count(": error: it is broken"), 10);
	ck_assert_uint_ge(count("1 more in "), 15);
	ck_assert_ptr_nonnull(strstr(last_line(), "it works"));
}
END_TEST

START_TEST(other_news_is_of_its_level)
{
	log_init(LOG_LEVEL_WARNING, LOG_FORMAT_TEXT);
	log_info("news");
	log_warning("warned");
	ck_assert_uint_eq(count("news"), 0);
	ck_assert_uint_eq(count("warned"), 1);
}
END_TEST

Suite *
log_suite(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, an_end_is_said_whatever_the_level, LOG_LEVEL_ERROR,
	    LOG_LEVEL_DEBUG + 1);
	tcase_add_test(tc, an_end_is_the_last_word);
	tcase_add_test(tc, other_news_is_of_its_level);
	suite_add_tcase(s, tc);
	return s;
}
