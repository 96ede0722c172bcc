/* SPDX-License-Identifier: ISC */
/*
 * recover.c - see recover.h.  Runs in: recorder (helper thread).
 *
 * Kept is every line that is one whole JSON object (a comma behind it is not
 * part of it): after a power cut an old tail may be in the middle, since blocks
 * reach the disk in any order.  Mostly only the end is torn, and the file is
 * cut in place.  Otherwise the good lines are copied to a hidden file, which
 * then takes the name.
 */
#include "config.h"

#include "recorder/recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "har/entry.h"
#include "har/json.h"
#include "har/lines.h"
#include "recorder/har_file.h"
#include "shm/ring.h"

#define CHUNK (256u << 10)
#define HEADER_MAX 4096u
#define ODD_NAMES_BYTES 1500	/* said in the log, which has lines of 2 KiB */
#define NAMES_STEP 256		/* looked at before somebody else has a turn */

struct recover {
	struct spool_dir dir;
	char *instance;
	recover_live_fn *is_live;
	void *arg;
	DIR *root, *tags;	/* tags: of the tag being looked through */
	char tag[RING_TAG_MAX + 1];
	bool name_odd;
	unsigned odd;
	struct buf odd_names;
	uint64_t files, entries;
	struct doubt doubt, found;	/* from before; and new */
	bool left;
};

/* ---- one file ---- */

static int
scan_file(int fd, lines_fn *on_object, void *arg)
{
	struct lines s;
	char *chunk = mem_alloc(CHUNK);
	ssize_t got;
	int rc = 0;

	lines_init(&s, 0, on_object, arg);
	while (rc == 0 && (got = pread(fd, chunk, CHUNK, (off_t)s.pos)) != 0) {
		if (got == -1 && errno == EINTR)
			continue;
		rc = got == -1 ? -1 : lines_feed(&s, chunk, (size_t)got);
	}
	if (rc == 0)
		rc = lines_end(&s);	/* the last line may lack its newline */
	free(chunk);
	return rc;
}

/* What the first look finds. */
struct findings {
	int fd;
	struct tls_errors errors;
	int64_t objects;
	uint64_t header;	/* bytes before the first object */
	uint64_t end;		/* behind the last object */
	bool comma;		/* behind it */
	bool in_row;		/* nothing stands between the objects but ",\n" */
};

static int
find_error(struct tls_errors *e, int fd, uint64_t from, uint64_t to)
{
	char end[TLS_ERRORS_WINDOW];
	size_t n = (size_t)MIN(to - from, (uint64_t)sizeof(end));

	if (pread(fd, end, n, (off_t)(to - n)) != (ssize_t)n)
		return -1;
	tls_errors_look(e, str_of(end, n), to);
	return 0;
}

static int
find_object(void *arg, uint64_t from, uint64_t to, bool comma)
{
	struct findings *f = arg;

	if (f->objects == 0)
		f->header = from;
	else if (!f->comma || from != f->end + sizeof(HAR_SEPARATOR) - 1)
		f->in_row = false;
	f->objects++;
	f->end = to;
	f->comma = comma;
	return find_error(&f->errors, f->fd, from, to);
}

/* A header is good if it makes a whole object of what is nothing but a tail. */
static bool
header_ok(int fd, uint64_t n)
{
	struct str tail = str_from(STR(HAR_TAIL), 1);	/* without its newlines */
	struct json_check check;
	char text[HEADER_MAX];

	if (n < 2 || n > sizeof(text) || pread(fd, text, (size_t)n, 0) != (ssize_t)n ||
	    text[n - 1] != '\n' || !str_starts(str_of(text, (size_t)n), STR("{\"log\":{")))
		return false;
	json_check_init(&check);
	return json_check_feed(&check, text, (size_t)n - 1) &&
	    json_check_feed(&check, tail.p, tail.n - 1) && json_check_end(&check);
}

static bool
has_tail(int fd, uint64_t end, struct str tail)
{
	char *text = mem_alloc(tail.n + 1);
	bool is = pread(fd, text, tail.n + 1, (off_t)end) == (ssize_t)tail.n &&
	    memcmp(text, tail.p, tail.n) == 0;

	free(text);
	return is;
}

static int
write_tail(int fd, uint64_t end)
{
	/* Cut first: of what follows, no part may become a line of its own. */
	if (ftruncate(fd, (off_t)end) == -1)
		return -1;
	if (pwrite(fd, HAR_TAIL, sizeof(HAR_TAIL) - 1, (off_t)end) !=
	    (ssize_t)sizeof(HAR_TAIL) - 1)
		return -1;
	return 0;
}

/* First the plain one, which fits; then, if there is something to tell, the other over it. */
static int
mend_tail(int fd, const struct findings *f)
{
	struct buf tail;
	int rc = 0;

	buf_init(&tail, 0);
	tls_errors_put_tail(&f->errors, fd, &tail);
	if (!has_tail(fd, f->end, buf_str(&tail))) {
		if (!has_tail(fd, f->end, STR(HAR_TAIL)))
			rc = write_tail(fd, f->end);
		if (rc == 0 && f->errors.n > 0 && har_lock_patiently(fd))
			rc = har_file_retail(fd, f->end, buf_str(&tail));
	}
	buf_free(&tail);
	return rc;
}

struct copy {
	int from, to;
	uint64_t n;	/* objects */
	uint64_t pos;	/* in `to` */
	struct tls_errors errors;
};

static int
put(struct copy *c, const void *p, size_t n)
{
	c->pos += n;
	return fd_write_all(c->to, p, n);
}

static int
copy_range(struct copy *c, uint64_t from, uint64_t to)
{
	char *chunk = mem_alloc(CHUNK);
	int rc = 0;

	while (rc == 0 && from < to) {
		ssize_t got = pread(c->from, chunk, (size_t)MIN(to - from, CHUNK), (off_t)from);

		if (got <= 0)
			rc = -1;
		else
			rc = put(c, chunk, (size_t)got);
		from += got > 0 ? (uint64_t)got : 0;
	}
	free(chunk);
	return rc;
}

static int
copy_object(void *arg, uint64_t from, uint64_t to, bool comma UNUSED)
{
	struct copy *c = arg;

	if (c->n++ > 0 && put(c, HAR_SEPARATOR, sizeof(HAR_SEPARATOR) - 1) != 0)
		return -1;
	if (copy_range(c, from, to) != 0)
		return -1;
	return find_error(&c->errors, c->to, c->pos - (to - from), c->pos);
}

static int
fill_copy(struct copy *c, struct str title, const char *instance)
{
	struct buf b;
	int rc;

	buf_init(&b, 0);
	har_header(&b, title, str_z(instance), clock_wall_us());
	rc = put(c, buf_data(&b), b.len);
	buf_clear(&b);
	if (rc == 0)
		rc = scan_file(c->from, copy_object, c);
	if (rc == 0) {
		tls_errors_put_tail(&c->errors, c->to, &b);
		rc = put(c, buf_data(&b), b.len);
	}
	buf_free(&b);
	tls_errors_free(&c->errors);
	return rc == 0 ? fdatasync(c->to) : -1;
}

/* The good lines in a new file, which takes the name and the place of *fd. */
static int
rewrite(int dir, const char *name, const char *instance, int *fd)
{
	const struct spool_dir named = {.unnamed = false};
	char hidden[SPOOL_NAME];
	struct copy c = {.from = *fd};
	struct str title = str_sub(str_z(name), 0, strlen(name) - strlen(SPOOL_PART));

	c.to = spool_unnamed(&named, dir, 0640, hidden);
	if (c.to == -1)
		return -1;
	if (fill_copy(&c, title, instance) != 0 || renameat(dir, hidden, dir, name) == -1) {
		int saved = errno;

		(void)unlinkat(dir, hidden, 0);
		fd_close(&c.to);
		errno = saved;
		return -1;
	}
	fd_close(fd);
	*fd = c.to;
	return 0;
}

int64_t
recover_file(int dir, const char *name, const char *instance, bool copy, int *fd)
{
	struct findings f = {.fd = *fd, .in_row = true};
	int rc = scan_file(*fd, find_object, &f);

	if (rc == 0 && f.objects == 0)
		rc = unlinkat(dir, name, 0);
	else if (rc == 0 && (copy || !f.in_row || !header_ok(*fd, f.header)))
		rc = rewrite(dir, name, instance, fd);
	else if (rc == 0)
		rc = mend_tail(*fd, &f);
	tls_errors_free(&f.errors);
	return rc == 0 ? f.objects : -1;
}

/* ---- the spool ---- */

struct recover *
recover_new(const struct spool_dir *d, const char *instance, bool name_odd,
    struct doubt doubt, recover_live_fn *is_live, void *arg)
{
	struct recover *r = mem_new(struct recover);

	r->dir.fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r->dir.locked = d->locked;
	r->instance = mem_strdup(instance);
	r->name_odd = name_odd;
	r->doubt = doubt;
	r->is_live = is_live;
	r->arg = arg;
	r->root = r->dir.fd != -1 ? fdopendir(r->dir.fd) : NULL;
	if (r->root == NULL)
		fd_close(&r->dir.fd);
	return r;
}

void
recover_free(struct recover **rp)
{
	struct recover *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	if (r->tags != NULL)
		(void)closedir(r->tags);
	if (r->root != NULL)
		(void)closedir(r->root);
	buf_free(&r->odd_names);
	free(r->instance);
	free(r);
}

static void
report_odd(struct recover *r, const char *name)
{
	if (r->odd_names.len < ODD_NAMES_BYTES)
		buf_printf(&r->odd_names, "%s'%s%s%s'", r->odd > 0 ? ", " : "", r->tag,
		    r->tag[0] != '\0' ? "/" : "", name);
	r->odd++;
}

/* On one line: of lines that are much alike the log leaves some out. */
static void
log_odd(const struct recover *r)
{
	struct str names = buf_str(&r->odd_names);

	if (r->odd > 0 && r->name_odd)
		log_warning("the spool has %u things that are not ours and stay as they are: "
		    "%.*s%s", r->odd, STR_ARG(names), names.n >= ODD_NAMES_BYTES ? ", ..." : "");
}

/* Said for the last of many directories, too: the log leaves out what repeats itself. */
static void
doubt_names(struct recover *r)
{
	log_warning("cannot sync the directory '%s' of the spool: %s; it will be tried again",
	    r->tag[0] != '\0' ? r->tag : ".", strerror(errno));
	r->found.names = r->left = true;
}

static bool
seal(struct recover *r, int dir, int fd, const char *name)
{
	if (fdatasync(fd) == -1) {
		r->found.bytes = true;
		return false;
	}
	if (spool_seal(dir, name) != 0)
		return false;
	if (spool_sync_names(dir) != 0)
		doubt_names(r);
	return true;
}

static void
repair(struct recover *r, int dir, const char *name)
{
	char final[SPOOL_NAME];
	struct stat st;
	int64_t kept;
	int fd;

	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return;		/* finished since its name was read */
	if (fd == -1 || fstat(fd, &st) == -1 || !spool_file_ours(&st)) {
		report_odd(r, name);
	} else if (!r->is_live(r->arg, st.st_ino)) {
		(void)snprintf(final, sizeof(final), "%.*s",
		    (int)(strlen(name) - strlen(SPOOL_PART)), name);
		/* Readers see it torn or whole as long as nobody holds it. */
		(void)har_lock_patiently(fd);
		kept = recover_file(dir, name, r->instance, r->doubt.bytes, &fd);
		if (kept < 0 || (kept > 0 && !seal(r, dir, fd, final))) {
			log_warning("cannot repair %s/%s: %s", r->tag, name, strerror(errno));
			r->left = true;
		} else {
			r->files++;
			r->entries += (uint64_t)kept;
		}
	}
	fd_close(&fd);
}

/* Without a lock another recorder may be writing it. */
static bool
may_be_dead(const struct recover *r, const char *name)
{
	return r->dir.locked || spool_name_of(name, r->instance);
}

/* true: that was work. */
static bool
look_at_file(struct recover *r, const struct dirent *e)
{
	int dir = dirfd(r->tags);
	struct stat st;

	if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;		/* renamed since */
	if (!spool_file_ours(&st)) {
		report_odd(r, e->d_name);
	} else if (spool_name_ok(e->d_name, SPOOL_PART)) {
		if (may_be_dead(r, e->d_name))
			repair(r, dir, e->d_name);
		else
			report_odd(r, e->d_name);
		return true;
	} else if (spool_hidden_ok(e->d_name)) {
		if (r->dir.locked && !r->is_live(r->arg, st.st_ino))
			(void)unlinkat(dir, e->d_name, 0);
	} else if (!spool_name_ok(e->d_name, "")) {
		report_odd(r, e->d_name);
	}
	return false;
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What lies in the spool itself: at most what spool_dir_probe() left, if it was killed. */
static void
look_at_stray(struct recover *r, const char *name)
{
	struct stat st;

	if (fstatat(r->dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (spool_hidden_ok(name) && spool_file_ours(&st)) {
		if (r->dir.locked)
			(void)unlinkat(r->dir.fd, name, 0);
	} else {
		report_odd(r, name);
	}
}

static void
look_at_tag(struct recover *r, const struct dirent *e)
{
	int fd = -1;

	if (ring_tag_ok(str_z(e->d_name)))
		fd = spool_dir_tag(&r->dir, e->d_name, false);
	if (fd == -1 || (r->tags = fdopendir(fd)) == NULL) {
		fd_close(&fd);
		look_at_stray(r, e->d_name);
		return;
	}
	(void)snprintf(r->tag, sizeof(r->tag), "%s", e->d_name);
}

struct doubt
recover_doubt(const struct recover *r)
{
	return r->found;
}

bool
recover_left(const struct recover *r)
{
	return r->left;
}

void
recover_sums(const struct recover *r, uint64_t *out_files, uint64_t *out_entries)
{
	*out_files = r->files;
	*out_entries = r->entries;
}

static void
sync_again(struct recover *r, int dir)
{
	if (r->doubt.names && fsync(dir) == -1)
		doubt_names(r);
}

static void
tell(struct recover *r)
{
	log_odd(r);
	if (r->files > 0)
		log_info("repaired %llu files that were left unfinished: %llu entries kept",
		    (unsigned long long)r->files, (unsigned long long)r->entries);
	if (r->doubt.names && !r->found.names)
		log_over(LOG_PLAIN, "the directories of all finished files are synced");
}

static bool
look(struct recover *r, bool *out_work)
{
	const struct dirent *e = NULL;

	if (r->tags != NULL && (e = readdir(r->tags)) != NULL) {
		if (!is_dots(e->d_name))
			*out_work = look_at_file(r, e);
		return true;
	}
	if (r->tags != NULL) {
		sync_again(r, dirfd(r->tags));
		(void)closedir(r->tags);
	}
	r->tags = NULL;
	r->tag[0] = '\0';
	if (r->root != NULL && (e = readdir(r->root)) != NULL) {
		if (!is_dots(e->d_name))
			look_at_tag(r, e);
		return true;
	}
	return false;
}

bool
recover_step(struct recover *r)
{
	bool more = true, work = false;
	unsigned n;

	for (n = 0; n < NAMES_STEP && more && !work; n++)
		more = look(r, &work);
	if (!more) {
		sync_again(r, r->dir.fd);
		tell(r);
	}
	return more;
}
