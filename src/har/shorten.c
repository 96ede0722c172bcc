/* SPDX-License-Identifier: ISC */
/* shorten.c - see shorten.h.  Runs in: mitmctl, tests, fuzzers. */
#include "config.h"

#include "har/shorten.h"

void
shorten_init(struct shorten *s, size_t keep)
{
	*s = (struct shorten){.keep = keep};
}

/* Bytes up to the next that means something in a string. */
static size_t
plain_run(const char *p, size_t n)
{
	const char *quote = memchr(p, '"', n), *back;

	if (quote != NULL)
		n = (size_t)(quote - p);
	back = memchr(p, '\\', n);
	return back != NULL ? (size_t)(back - p) : n;
}

static void
keep(struct shorten *s, struct buf *out, const char *p, size_t n)
{
	if (!s->cutting)
		buf_put(out, p, n);
	s->run += n;
}

/* A cut may stand before any byte that begins a character. */
static void
put_plain(struct shorten *s, struct buf *out, const char *p, size_t n)
{
	size_t fits = s->run < s->keep ? s->keep - s->run : 0;

	if (s->cutting || n <= fits) {
		keep(s, out, p, n);
		return;
	}
	while (fits < n && ((uint8_t)p[fits] & 0xc0) == 0x80)
		fits++;
	keep(s, out, p, fits);
	s->cutting = fits < n;
	s->run += n - fits;
}

static void
put_special(struct shorten *s, struct buf *out, char b)
{
	if (b == '"') {
		buf_putc(out, b);
		s->in_string = s->cutting = false;
		return;
	}
	s->cutting = s->cutting || s->run >= s->keep;
	s->escape = 1;
	keep(s, out, &b, 1);
}

static void
put_escaped(struct shorten *s, struct buf *out, char b)
{
	if (--s->escape == 0 && b == 'u' && !s->in_hex) {
		s->in_hex = true;
		s->escape = 4;
	} else if (s->escape == 0) {
		s->in_hex = false;
	}
	keep(s, out, &b, 1);
}

void
shorten_feed(struct shorten *s, struct buf *out, const char *p, size_t n)
{
	size_t i = 0, k;

	while (i < n) {
		if (s->escape > 0) {
			put_escaped(s, out, p[i++]);
		} else if (s->in_string) {
			k = plain_run(p + i, n - i);
			put_plain(s, out, p + i, k);
			i += k;
			if (i < n)
				put_special(s, out, p[i++]);
		} else {
			if (p[i] == '"') {
				s->in_string = true;
				s->run = 0;
			}
			if (p[i] != ' ' && p[i] != '\n' && p[i] != '\r' && p[i] != '\t')
				buf_putc(out, p[i]);
			i++;
		}
	}
}
