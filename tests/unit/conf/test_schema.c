/* SPDX-License-Identifier: ISC */
/* test_schema.c - the option table itself, and the hints for unknown keys. */
#include "config.h"

#include <stdio.h>

#include "conf/conf.h"
#include "conf/schema.h"
#include "suites.h"

static void
must_load(const char *text)
{
	struct errmsg err;
	struct conf *c = conf_load_text("t", str_z(text), &err);

	ck_assert_msg(c != NULL, "%s\n%s", text, err.text);
	conf_free(&c);
}

static void
load_key(const struct opt *o, const char *value)
{
	struct str section = schema_section_of(o);
	char text[512];

	if (section.n > 0)
		(void)snprintf(text, sizeof(text), "%.*s:\n  %s: %s\n", STR_ARG(section),
		    o->path + section.n + 1, value);
	else
		(void)snprintf(text, sizeof(text), "%s: %s\n", o->path, value);
	must_load(text);
}

/* Also of what is not supported yet: a key set to its default is accepted. */
START_TEST(test_fallbacks_load)
{
	size_t i;

	for (i = 0; i < schema_count(); i++) {
		const struct opt *o = schema_row(i);

		if (!schema_in_entry(o))
			load_key(o, o->fallback[0] != '\0' ? o->fallback : "\"\"");
	}
}
END_TEST

START_TEST(test_examples_load)
{
	size_t i, n = 0;

	for (i = 0; i < schema_count(); i++) {
		if (schema_row(i)->example == NULL)
			continue;
		load_key(schema_row(i), schema_row(i)->example);
		n++;
	}
	ck_assert_uint_gt(n, 3);
}
END_TEST

START_TEST(test_rows_are_whole)
{
	size_t i, j;

	for (i = 0; i < schema_count(); i++) {
		const struct opt *o = schema_row(i);
		struct str doc = str_z(o->doc), section = schema_section_of(o);

		ck_assert_msg(doc.n > 10 && str_ends(doc, STR(".")), "%s: doc", o->path);
		ck_assert_msg(o->fallback != NULL || schema_in_entry(o), "%s: default",
		    o->path);
		ck_assert_msg(o->size > 0 || o->later || o->type == OPT_WORD, "%s: place",
		    o->path);
		ck_assert_uint_le(strlen(o->path), 64);
		ck_assert_uint_eq(schema_find(str_z(o->path)), i);
		for (j = schema_section(section); section.n > 0 && j <= i; j++)
			ck_assert_msg(str_eq(schema_section_of(schema_row(j)), section),
			    "%s: its section is in two pieces", o->path);
	}
}
END_TEST

static const struct {
	const char *prefix, *key, *hint;
} hints[] = {
	{"", "lisen", ": did you mean 'listen'?"},
	{"", "Listen", ": did you mean 'listen'?"},
	{"", "lsiten", ": did you mean 'listen'?"},
	{"", "ignore-hosts", ": did you mean 'ignore_hosts'?"},
	{"", "ignore", ": did you mean 'ignore_hosts'?"},
	{"", "timeout", ": did you mean 'timeouts'?"},
	{"", "worker", ": did you mean 'workers'?"},
	{"limits.", "conections", ": did you mean 'limits.connections'?"},
	{"limits.", "header_cnt", ": did you mean 'limits.header_count'?"},
	{"listen[].", "adress", ": did you mean 'listen[].address'?"},
	{"", "header_size", ": did you mean 'limits.header_size'?"},
	{"limits.", "workers", ": did you mean 'workers'?"},
	{"", "limits.header_size", ": write 'header_size' below 'limits'"},
	{"", "cert", ": did you mean 'certs'?"},
	{"", "client_cert", ": did you mean 'client_certs'?"},
	{"origin.", "verify_host", ": did you mean 'origin.verify_hosts'?"},
	{"", "verify_hosts", ": did you mean 'origin.verify_hosts'?"},
	{"", "banana", ""},
	{"", "x", ""},
	{"", "", ""},
	{"", "a_very_long_key_that_is_nothing_like_any_of_those_that_there_are", ""},
};

START_TEST(test_hint)
{
	struct buf b;

	buf_init(&b, 0);
	schema_put_hint(&b, str_z(hints[_i].prefix), str_z(hints[_i].key));
	buf_putc(&b, '\0');
	ck_assert_str_eq((const char *)buf_data(&b), hints[_i].hint);
	buf_free(&b);
}
END_TEST

Suite *
schema_suite(void)
{
	Suite *s = suite_create("schema");
	TCase *t = tcase_create("schema");

	tcase_add_test(t, test_fallbacks_load);
	tcase_add_test(t, test_examples_load);
	tcase_add_test(t, test_rows_are_whole);
	tcase_add_loop_test(t, test_hint, 0, (int)NELEM(hints));
	suite_add_tcase(s, t);
	return s;
}
