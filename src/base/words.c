/* SPDX-License-Identifier: ISC */
/* words.c - see words.h.  Runs in: master, mitmctl. */
#include "config.h"

#include "base/words.h"

void
word_put(struct buf *out, struct str word)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t i;

	for (i = 0; i < word.n; i++) {
		uint8_t c = (uint8_t)word.p[i];

		if (c <= ' ' || c == 0x7f || c == '%') {
			buf_putc(out, '%');
			buf_putc(out, hex[c >> 4]);
			buf_putc(out, hex[c & 15]);
		} else {
			buf_putc(out, (char)c);
		}
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
word_get(char *p, size_t n)
{
	size_t from, to = 0;

	for (from = 0; from < n; from++) {
		int high, low;

		if (p[from] != '%') {
			p[to++] = p[from];
			continue;
		}
		if (n - from < 3 || (high = hex_value(p[from + 1])) < 0 ||
		    (low = hex_value(p[from + 2])) < 0 || (high | low) == 0)
			return false;
		p[to++] = (char)(high << 4 | low);
		from += 2;
	}
	p[to] = '\0';
	return true;
}

int
words_cut(char *line, char sep, char **words, int max)
{
	int n = 0;

	for (;;) {
		char *end = strchr(line, sep);
		size_t len = end != NULL ? (size_t)(end - line) : strlen(line);

		if (n == max || !word_get(line, len))
			return -1;
		words[n++] = line;
		if (end == NULL)
			return n;
		line = end + 1;
	}
}
