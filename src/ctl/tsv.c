/* SPDX-License-Identifier: ISC */
/* tsv.c - see tsv.h.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/tsv.h"

#include <inttypes.h>
#include <stdio.h>

static void
put_byte(struct buf *out, char c)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t byte = (uint8_t)c;

	if (c == '\t' || c == '\n' || c == '\r' || c == '\\') {
		buf_putc(out, '\\');
		buf_putc(out, c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\\');
	} else if (byte < ' ' || byte == 0x7f) {
		buf_putz(out, "\\x");
		buf_putc(out, hex[byte >> 4]);
		buf_putc(out, hex[byte & 15]);
	} else {
		buf_putc(out, c);
	}
}

void
tsv_row(struct buf *out, const struct str *cells, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(out, '\t');
		for (j = 0; j < cells[i].n; j++)
			put_byte(out, cells[i].p[j]);
	}
	buf_putc(out, '\n');
}

void
tsv_names(struct buf *out, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf_putz(out, names[i]);
		buf_putc(out, i + 1 < n ? '\t' : '\n');
	}
}

void
tsv_print(struct buf *out)
{
	(void)fwrite(buf_data(out), 1, out->len, stdout);
	buf_free(out);
}

struct str
tsv_number(int64_t n, char room[TSV_NUMBER])
{
	if (n < 0)
		return STR("");
	(void)snprintf(room, TSV_NUMBER, "%" PRId64, n);
	return str_z(room);
}
