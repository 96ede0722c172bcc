/* SPDX-License-Identifier: ISC */
/*
 * schema_value.c - values as a row of the option table wants them: numbers and
 * words, the description of what is accepted, and what an unknown key was
 * probably meant to be.
 * Runs in: master.
 */
#include "config.h"

#include "conf/schema.h"

#include "conf/value.h"

static const struct opt_word *
word_find(const struct opt *o, struct str text)
{
	const struct opt_word *w;

	for (w = o->words; w != NULL && w->name != NULL; w++)
		if (str_eq(str_z(w->name), text))
			return w;
	return NULL;
}

bool
schema_number(const struct opt *o, struct str text, uint64_t *out, bool *out_later)
{
	const struct opt_word *w = word_find(o, text);
	bool b = false, ok = false;

	*out_later = w != NULL && w->later;
	if (w != NULL) {
		*out = w->value;
		return !w->later;
	}
	switch (o->type) {
	case OPT_BOOL:
		ok = value_bool(text, &b);
		*out = b;
		return ok;
	case OPT_INT:
		ok = str_u64(text, o->max, out);
		break;
	case OPT_SIZE:
		ok = value_size(text, out);
		break;
	case OPT_TIME:
		ok = value_time(text, out);
		break;
	default:
		return false;
	}
	return ok && *out >= o->min && *out <= o->max;
}

static void
put_plain(struct buf *b, const struct opt *o, uint64_t v)
{
	if (o->type == OPT_BOOL)
		buf_putz(b, v != 0 ? "true" : "false");
	else if (o->type == OPT_SIZE)
		value_put_size(b, v);
	else if (o->type == OPT_TIME)
		value_put_time(b, v);
	else
		buf_printf(b, "%llu", (unsigned long long)v);
}

void
schema_put_number(struct buf *b, const struct opt *o, uint64_t v)
{
	const struct opt_word *w;

	for (w = o->words; w != NULL && w->name != NULL; w++) {
		if (w->value != v)
			continue;
		/* Other readers of the file would see a float in a bare 1.2. */
		if (str_chr(str_z(w->name), '.') >= 0)
			value_put_quoted(b, str_z(w->name));
		else
			buf_putz(b, w->name);
		return;
	}
	put_plain(b, o, v);
}

/* With what else there is behind the words: "a, b or " and not "a or b". */
static void
put_words(struct buf *b, const struct opt *o, bool more)
{
	const struct opt_word *w;
	size_t left = more;

	for (w = o->words; w->name != NULL; w++)
		left += !w->later;
	for (w = o->words; w->name != NULL; w++) {
		if (w->later)
			continue;
		schema_put_number(b, o, w->value);
		left--;
		if (left > 0)
			buf_putz(b, left == 1 ? " or " : ", ");
	}
}

static void
put_range(struct buf *b, const struct opt *o, const char *what)
{
	buf_printf(b, "%s from ", what);
	put_plain(b, o, o->min);
	buf_putz(b, " to ");
	put_plain(b, o, o->max);
}

void
schema_put_kind(struct buf *b, const struct opt *o)
{
	static const char *const names[] = {
		[OPT_BOOL] = "true or false",
		[OPT_TEXT] = "a text",
		[OPT_PATH] = "a path",
		[OPT_ADDRESS] = "an address with port",
		[OPT_MAP] = "a mapping",
		[OPT_NAME_PATHS] = "a mapping of host names to files",
		[OPT_LIST] = "a list",
		[OPT_TEXTS] = "a list of texts",
		[OPT_LIMITS] = "a list of names, addresses and networks",
		[OPT_PATHS] = "a list of paths",
		[OPT_CIDRS] = "a list of addresses and networks",
		[OPT_HOSTS] = "a list of host patterns",
		[OPT_LISTEN] = "a list of addresses with port",
	};

	if (o->type == OPT_HOST_WORDS)
		buf_putz(b, "a mapping of host patterns to ");
	if (o->words != NULL)
		put_words(b, o, o->type != OPT_WORD && o->type != OPT_HOST_WORDS);
	switch (o->type) {
	case OPT_WORD:
	case OPT_HOST_WORDS:
		break;
	case OPT_INT:
		put_range(b, o, "a whole number");
		break;
	case OPT_SIZE:
		put_range(b, o, "a size");
		break;
	case OPT_TIME:
		put_range(b, o, "a time");
		break;
	case OPT_NAME:
		buf_printf(b, "1 to %u letters, digits and %s", (unsigned)o->max,
		    str_chr(str_z(o->chars), '_') >= 0 ? "any of '-', '_', '.'" : "'-'");
		break;
	default:
		buf_putz(b, names[o->type]);
		if (o->type == OPT_PATH && schema_may_be_empty(o))
			buf_putz(b, ", or \"\" for none");
	}
}

bool
schema_may_be_empty(const struct opt *o)
{
	return o->fallback != NULL && o->fallback[0] == '\0';
}
