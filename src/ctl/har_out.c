/* SPDX-License-Identifier: ISC */
/* har_out.c - see har_out.h.  Runs in: mitmctl, tests. */
#include "config.h"

#include "ctl/har_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "har/json.h"
#include "har/shorten.h"

#define FLUSH (256u << 10)
#define FILE_MODE 0640		/* secrets may be in it */
/* As in the files of the spool. */
#define TLS_ERRORS_MAX 1000
#define TLS_ERRORS_BYTES (256u << 10)

enum part { NOTHING, MEMBERS, ENTRIES, ENTRIES_ENDED };

struct har_out {
	int fd;
	char *path, *temporary;	/* NULL: standard output */
	int fault;		/* errno of the first write that failed */
	enum part part;
	bool any_member;
	uint64_t written;
	struct buf buf;
	struct shorten squeeze;
	struct buf tls_errors;
	unsigned tls_errors_n, tls_errors_left;
};

static mode_t
current_umask(void)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	return mask;
}

struct har_out *
har_out_new(const char *path, struct errmsg *err)
{
	struct har_out *o = mem_new(struct har_out);

	shorten_init(&o->squeeze, SIZE_MAX);
	if (path == NULL || strcmp(path, "-") == 0) {
		o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		o->path = mem_strdup(path);
		o->temporary = mem_printf("%s.XXXXXX", path);
		o->fd = mkostemp(o->temporary, O_CLOEXEC);
		if (o->fd != -1)
			(void)fchmod(o->fd, FILE_MODE & ~current_umask());
	}
	if (o->fd == -1) {
		(void)errmsg_sys(err, "%s", o->path != NULL ? o->path : "standard output");
		free(o->temporary);
		o->temporary = NULL;
		har_out_free(&o);
	}
	return o;
}

void
har_out_free(struct har_out **op)
{
	struct har_out *o = *op;

	*op = NULL;
	if (o == NULL)
		return;
	if (o->temporary != NULL)
		(void)unlink(o->temporary);
	fd_close(&o->fd);
	free(o->path);
	free(o->temporary);
	buf_free(&o->buf);
	buf_free(&o->tls_errors);
	free(o);
}

void
har_out_like(struct har_out *o, const char *path)
{
	struct stat st;

	/* Whoever may not give it away keeps it; the rights never become more. */
	if (stat(path, &st) == 0 && fchown(o->fd, st.st_uid, st.st_gid) == 0)
		(void)fchmod(o->fd, st.st_mode & 07777);
}

static void
flush(struct har_out *o)
{
	if (o->fault == 0 && fd_write_all(o->fd, buf_data(&o->buf), o->buf.len) != 0)
		o->fault = errno;
	buf_clear(&o->buf);
}

static void
put(struct har_out *o, const char *p, size_t n)
{
	size_t part;

	/* An entry may be of any size. */
	for (; n > 0; p += part, n -= part) {
		part = MIN(n, (size_t)FLUSH);
		buf_put(&o->buf, p, part);
		if (o->buf.len >= FLUSH)
			flush(o);
	}
}

static void
put_str(struct har_out *o, struct str s)
{
	put(o, s.p, s.n);
}

/* ---- members ---- */

static void
member_begin(struct har_out *o, struct str name)
{
	if (o->part == NOTHING) {
		put_str(o, STR("{\"log\":{"));
		o->part = MEMBERS;
	}
	if (o->any_member)
		put_str(o, STR(","));
	o->any_member = true;
	put_str(o, STR("\""));
	put_str(o, name);		/* as it stood between quotes */
	put_str(o, STR("\":"));
}

void
har_out_member(struct har_out *o, struct str name, struct str value)
{
	member_begin(o, name);
	har_out_piece(o, value.p, value.n);
}

static int
put_piece(void *arg, const char *p, size_t n)
{
	struct har_out *o = arg;

	har_out_piece(o, p, n);
	return 0;
}

int
har_out_copy_member(struct har_out *o, struct har_in *in, const struct har_item *item,
    struct errmsg *err)
{
	member_begin(o, item->name);
	return har_in_copy(in, item, put_piece, o, err);
}

/* ---- entries ---- */

void
har_out_entries(struct har_out *o)
{
	if (o->part >= ENTRIES)
		return;		/* a second array goes on with the first one */
	member_begin(o, STR("entries"));
	put_str(o, STR("[\n"));
	o->part = ENTRIES;
}

void
har_out_entry_begin(struct har_out *o)
{
	har_out_entries(o);
	if (o->written++ > 0)
		put_str(o, STR(",\n"));
}

void
har_out_piece(struct har_out *o, const char *p, size_t n)
{
	size_t part;

	for (; n > 0; p += part, n -= part) {
		part = MIN(n, (size_t)FLUSH);
		shorten_feed(&o->squeeze, &o->buf, p, part);
		if (o->buf.len >= FLUSH)
			flush(o);
	}
}

void
har_out_entry_end(struct har_out *o)
{
	shorten_init(&o->squeeze, SIZE_MAX);
}

int
har_out_copy_entry(struct har_out *o, struct har_in *in, const struct har_item *item,
    struct errmsg *err)
{
	int rc = 0;

	har_out_entry_begin(o);
	if (!item->cut && memchr(item->text.p, '\n', item->text.n) == NULL)
		put_str(o, item->text);	/* it is on one line already */
	else
		rc = har_in_copy(in, item, put_piece, o, err);
	har_out_entry_end(o);
	return rc;
}

void
har_out_tls_error(struct har_out *o, struct str object)
{
	if (o->tls_errors_n >= TLS_ERRORS_MAX ||
	    o->tls_errors.len + object.n > TLS_ERRORS_BYTES) {
		o->tls_errors_left++;
		return;
	}
	if (o->tls_errors_n++ > 0)
		buf_putc(&o->tls_errors, ',');
	shorten_feed(&o->squeeze, &o->tls_errors, object.p, object.n);
}

/* ---- the end ---- */

static void
put_tail(struct har_out *o)
{
	char left[24];

	if (o->tls_errors_n > 0) {
		member_begin(o, STR("_tlsErrors"));
		put_str(o, STR("["));
		put_str(o, buf_str(&o->tls_errors));
		put_str(o, STR("]"));
	}
	if (o->tls_errors_left > 0) {
		member_begin(o, STR("_tlsErrorsLeftOut"));
		(void)snprintf(left, sizeof(left), "%u", o->tls_errors_left);
		put_str(o, str_z(left));
	}
	put_str(o, STR("}}\n"));
}

void
har_out_entries_end(struct har_out *o)
{
	har_out_entries(o);
	if (o->part == ENTRIES)
		put_str(o, STR("\n]"));
	o->part = ENTRIES_ENDED;
}

static int
publish(struct har_out *o)
{
	if (o->path == NULL)
		return 0;
	if (fdatasync(o->fd) == -1 && errno != EINVAL && errno != EROFS)
		return -1;
	if (rename(o->temporary, o->path) == -1)
		return -1;
	free(o->temporary);
	o->temporary = NULL;
	return 0;
}

int
har_out_end(struct har_out *o, struct errmsg *err)
{
	har_out_entries_end(o);
	put_tail(o);
	flush(o);
	if (o->fault == 0 && publish(o) == 0)
		return 0;
	if (o->fault != 0)
		errno = o->fault;
	return errmsg_sys(err, "%s", o->path != NULL ? o->path : "standard output");
}

bool
har_out_failed(const struct har_out *o)
{
	return o->fault != 0;
}

uint64_t
har_out_written(const struct har_out *o)
{
	return o->written;
}
