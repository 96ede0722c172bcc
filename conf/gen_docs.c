/* SPDX-License-Identifier: ISC */
/*
 * gen_docs.c - writes what the option table says: "gen-docs example" is
 * conf/mitmd.yaml.example, "gen-docs man" the list of options in
 * man/mitmd.yaml.5 (see conf/check-docs).
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "conf/schema.h"

#define WIDTH 78

static const char example_head[] =
    "# mitmd.yaml - the configuration of mitmd(8); copy it to /etc/mitmd.yaml.\n"
    "#\n"
    "# Every option is shown with its default: take the # away in front of what you\n"
    "# want to change.  mitmd.yaml(5) explains values and host patterns, and lists\n"
    "# what is not supported yet.  \"mitmd -t\" checks the file, and\n"
    "# \"systemctl reload mitmd\" puts it to use.\n";

/* The text in lines that start with prefix; per_sentence: each on lines of its own. */
static void
put_wrapped(struct str text, const char *prefix, bool per_sentence)
{
	struct str rest = text, word;
	bool fresh = true;
	size_t col = 0;

	while (str_split(&rest, ' ', &word)) {
		if (!fresh && col + 1 + word.n > WIDTH) {
			putchar('\n');
			fresh = true;
		}
		col = fresh ? strlen(prefix) + word.n : col + 1 + word.n;
		printf("%s%.*s", fresh ? prefix : " ", STR_ARG(word));
		fresh = per_sentence && str_ends(word, STR("."));
		if (fresh && rest.n > 0)
			putchar('\n');
	}
	putchar('\n');
}

/* "Value: a size from 4K to 1M." */
static void
put_kind(struct buf *b, const struct opt *o)
{
	buf_putz(b, "Value: ");
	schema_put_kind(b, o);
	buf_putc(b, '.');
}

/* The default as one would write it, quoted where that is wise. */
static void
put_default(struct buf *b, const struct opt *o)
{
	bool later;
	uint64_t v;

	if (o->fallback[0] == '\0')
		buf_putz(b, "\"\"");
	else if (o->type == OPT_WORD && schema_number(o, str_z(o->fallback), &v, &later))
		schema_put_number(b, o, v);
	else
		buf_putz(b, o->fallback);
}

static void
put_example_row(const struct opt *o, size_t section_len)
{
	const char *indent = section_len > 0 ? "  " : "";
	const char *key = o->path + (section_len > 0 ? section_len + 1 : 0);
	char prefix[8];
	struct buf b;

	buf_init(&b, 0);
	(void)snprintf(prefix, sizeof(prefix), "%s# ", indent);
	buf_printf(&b, "%s ", o->doc);
	put_kind(&b, o);
	put_wrapped(buf_str(&b), prefix, false);
	if (o->example != NULL)
		printf("%sFor example: %s: %s\n", prefix, key, o->example);
	buf_clear(&b);
	put_default(&b, o);
	printf("%s#%s: %.*s\n", indent, key, STR_ARG(buf_str(&b)));
	buf_free(&b);
}

static void
put_example(void)
{
	struct str section = STR_NONE, now;
	size_t i;

	fputs(example_head, stdout);
	for (i = 0; i < schema_count(); i++) {
		const struct opt *o = schema_row(i);

		if (o->later || schema_in_entry(o))
			continue;
		now = schema_section_of(o);
		putchar('\n');
		if (now.n > 0 && !str_eq(now, section))
			printf("%.*s:\n", STR_ARG(now));
		section = now;
		put_example_row(o, now.n);
	}
}

static void
put_later_words(const struct opt *o)
{
	const struct opt_word *w;

	for (w = o->words; w != NULL && w->name != NULL; w++)
		if (w->later)
			printf("Not supported yet:\n.Cm %s .\n", w->name);
}

/* In literal text of roff, where only the backslash is special. */
static void
put_literal(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '\\')
			fputs("\\e", stdout);
		else
			putchar(*s);
	putchar('\n');
}

static void
put_man_row(const struct opt *o)
{
	struct str section;
	struct buf b;

	buf_init(&b, 0);
	printf(".It Ic %s\n", o->path);
	buf_printf(&b, "%s ", o->doc);
	put_kind(&b, o);
	put_wrapped(buf_str(&b), "", true);
	buf_clear(&b);
	if (o->fallback != NULL)
		printf("Default:\n.Li %s .\n",
		    o->fallback[0] != '\0' ? o->fallback : "\\(dq\\(dq");
	if (o->later)
		printf("Not supported yet: %s.\n", o->fallback != NULL
		    ? "only the default is accepted" : "only an empty list is accepted");
	put_later_words(o);
	if (o->example != NULL) {
		section = schema_section_of(o);
		printf(".Bd -literal -offset indent\n");
		if (section.n > 0)
			printf("%.*s:\n  ", STR_ARG(section));
		printf("%s: ", o->path + (section.n > 0 ? section.n + 1 : 0));
		put_literal(o->example);
		printf(".Ed\n");
	}
	buf_free(&b);
}

static void
put_man(void)
{
	size_t i;

	printf(".Bl -tag -width Ds\n");
	for (i = 0; i < schema_count(); i++)
		put_man_row(schema_row(i));
	printf(".El\n");
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "example") == 0)
		put_example();
	else if (argc == 2 && strcmp(argv[1], "man") == 0)
		put_man();
	else {
		fputs("usage: gen-docs example | man\n", stderr);
		return 2;
	}
	return ferror(stdout) || fflush(stdout) != 0;
}
