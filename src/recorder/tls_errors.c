/* SPDX-License-Identifier: ISC */
/*
 * tls_errors.c - see tls_errors.h.  Runs in: recorder (loop, helper thread).
 *
 * They are found by their name, without parsing the entry.  That is sound: each
 * quote inside a JSON string has a backslash in front, so `,"_tlsError":{` can
 * begin neither inside one (there it reads `,\"`) nor with the quote that ends
 * one (no name follows that).  Workers write it as the last member.  A broken one may
 * write it elsewhere, or something else behind it; so what was found is checked to be one
 * object before it is copied, and the file is valid whatever the entry says.
 */
#include "config.h"

#include "recorder/tls_errors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "har/json.h"

#define NAME HAR_TLS_ERROR "{"
#define NAME_BYTES (sizeof(NAME) - 1)

void
tls_errors_free(struct tls_errors *e)
{
	free(e->v);
	memset(e, 0, sizeof(*e));
}

static void
add(struct tls_errors *e, uint64_t offset, size_t len)
{
	if (e->n >= TLS_ERRORS_MAX || e->bytes + len > TLS_ERRORS_BYTES) {
		e->left_out++;
		return;
	}
	if (e->n == e->room) {
		e->room = MAX(e->room * 2, 8);
		e->v = mem_realloc(e->v, e->room * sizeof(e->v[0]));
	}
	e->v[e->n++] = (struct tls_error_at){.offset = offset, .len = (uint32_t)len};
	e->bytes += len;
}

void
tls_errors_look(struct tls_errors *e, struct str end, uint64_t to)
{
	const char *found;
	size_t len;

	if (end.n > TLS_ERRORS_WINDOW)
		end = str_from(end, end.n - TLS_ERRORS_WINDOW);
	found = memmem(end.p, end.n, NAME, NAME_BYTES);
	if (found == NULL)
		return;
	/* From its brace to the one before the entry's own. */
	len = (size_t)(end.p + end.n - found) - NAME_BYTES;
	if (len > 0 && len <= HAR_TLS_ERROR_MAX)
		add(e, to - 1 - len, len);
}

void
tls_errors_look_at_all(struct tls_errors *e, struct str entries, uint64_t from)
{
	struct str line;
	ssize_t nl;

	for (; entries.n > 0; entries = str_from(entries, (size_t)nl + 1)) {
		nl = str_chr(entries, '\n');
		line = nl < 0 ? entries : str_sub(entries, 0, (size_t)nl);
		if (line.n > 0 && line.p[line.n - 1] == ',')
			line.n--;
		tls_errors_look(e, line, from + line.n);
		if (nl < 0)
			return;
		from += (uint64_t)nl + 1;
	}
}

static bool
is_object(const char *p, size_t n)
{
	struct json_check check;

	json_check_init(&check);
	return json_check_feed(&check, p, n) && json_check_end(&check);
}

void
tls_errors_put_tail(const struct tls_errors *e, int fd, struct buf *out)
{
	char text[HAR_TLS_ERROR_MAX];
	uint32_t i;

	if (e->n == 0) {
		buf_puts(out, STR(HAR_TAIL));
		return;
	}
	JSON_LIT(out, HAR_TAIL_LIST);
	for (i = 0; i < e->n; i++) {
		size_t n = e->v[i].len;

		if (pread(fd, text, n, (off_t)e->v[i].offset) != (ssize_t)n ||
		    !is_object(text, n))
			continue;
		json_comma(out);
		json_raw(out, text, n);
	}
	JSON_LIT(out, "]");
	if (e->left_out > 0)
		json_member_int(out, "_tlsErrorsLeftOut", (int64_t)e->left_out);
	JSON_LIT(out, "}}\n");
}
