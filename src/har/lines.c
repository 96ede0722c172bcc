/* SPDX-License-Identifier: ISC */
/* lines.c - see lines.h.  Runs in: recorder, mitmctl, tests, fuzzers. */
#include "config.h"

#include "har/lines.h"

static void
begin_line(struct lines *s)
{
	json_check_init(&s->check);
	s->line = s->pos;
	s->ok = true;
	s->comma = false;
}

void
lines_init(struct lines *s, uint64_t from, lines_fn *on_object, void *arg)
{
	*s = (struct lines){.pos = from, .on_object = on_object, .arg = arg};
	begin_line(s);
}

int
lines_end(struct lines *s)
{
	int rc = 0;

	if (s->ok && s->pos > s->line && json_check_end(&s->check))
		rc = s->on_object(s->arg, s->line, s->pos - (s->comma ? 1 : 0), s->comma);
	return rc;
}

static void
feed_line(struct lines *s, const char *p, size_t n)
{
	s->pos += n;
	if (n == 0 || !s->ok)
		return;
	if (s->comma)
		s->ok = json_check_feed(&s->check, ",", 1);
	s->comma = p[n - 1] == ',';
	if (s->ok && n > (s->comma ? 1 : 0))
		s->ok = json_check_feed(&s->check, p, n - (s->comma ? 1 : 0));
}

/*
 * NUL is in no JSON text. It stands where a power cut left a file its new length and not
 * its new bytes: behind what was there before.
 */
static const char *
line_end(const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	const char *nul = memchr(p, '\0', nl != NULL ? (size_t)(nl - p) : n);

	return nul != NULL ? nul : nl;
}

int
lines_feed(struct lines *s, const char *p, size_t n)
{
	int rc;

	while (n > 0) {
		const char *nl = line_end(p, n);
		size_t part = nl != NULL ? (size_t)(nl - p) : n;

		feed_line(s, p, part);
		p += part;
		n -= part;
		if (nl == NULL)
			continue;
		rc = lines_end(s);
		if (rc != 0)
			return rc;
		s->pos++;
		p++;
		n--;
		begin_line(s);
	}
	return 0;
}
