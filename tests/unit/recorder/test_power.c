/* SPDX-License-Identifier: ISC */
/*
 * The power fails after every single step of a recorder, and what was not synced is
 * lost in one way or another: what a file system may leave then is made, and the
 * next recorder must turn it into files that parse, with each entry that was on disk
 * (the method is ALICE's: Pillai et al., OSDI 2014).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "suites.h"
#include "world.h"

#define OPS_MAX 4000
#define IDS 60
#define PAGE 4096u

static struct world w, after;
static struct op ops[OPS_MAX];
static size_t nops;
static size_t first;		/* after that many the power may fail */
static uint64_t root;		/* the spool */

/* What becomes of that which was not synced. */
enum loss {
	LOSS_NONE,	/* nothing is lost */
	LOSS_ALL,	/* all of it, names too */
	LOSS_DATA,	/* bytes, but no names */
	LOSS_ZEROS,	/* names and sizes stay, bytes are zero */
	LOSS_LAST,	/* of the last write half, all else stays */
	LOSS_PAGES,	/* pages reach the disk in any order */
	LOSS_COUNT
};

static const char *const losses[] = {"nothing", "all", "data", "zeros", "half of the last",
    "some pages"};

/* A file as it would be found. */
struct image {
	uint64_t ino;
	struct buf data;
};

/* A name as it would be found. */
struct entry {
	uint64_t dir, ino;
	bool is_dir;
	char name[OP_NAME];
};

struct disk {
	struct image files[400];
	struct entry names[400];
	size_t nfiles, nnames;
};

static unsigned seed;

static bool
coin(void)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16 & 1) != 0;
}

/* ---- what a file holds ---- */

static void
put_bytes(struct buf *b, uint64_t at, const char *p, size_t n)
{
	static const char zeros[PAGE];

	while (b->len < at + n)
		buf_put(b, zeros, MIN(sizeof(zeros), (size_t)(at + n - b->len)));
	if (p != NULL)
		memcpy(buf_data(b) + at, p, n);
}

static void
put_pages(struct buf *b, const struct op *op)
{
	uint64_t at = op->at, end = op->at + op->n;

	put_bytes(b, at, NULL, 0);
	while (at < end) {
		uint64_t next = MIN((at / PAGE + 1) * PAGE, end);

		put_bytes(b, at, coin() ? op->data + (at - op->at) : NULL, (size_t)(next - at));
		at = next;
	}
}

static void
apply(struct buf *b, const struct op *op, enum loss loss, bool synced, bool last)
{
	if (op->kind == OP_CREATE)
		buf_clear(b);
	else if (op->kind == OP_TRUNCATE && op->at < b->len &&
	    (synced || loss == LOSS_NONE || loss == LOSS_LAST || (loss == LOSS_PAGES && coin())))
		buf_truncate(b, (size_t)op->at);
	if (op->kind != OP_WRITE)
		return;
	if (synced || loss == LOSS_NONE || (loss == LOSS_LAST && !last))
		put_bytes(b, op->at, op->data, op->n);
	else if (loss == LOSS_LAST)
		put_bytes(b, op->at, op->data, op->n / 2);
	else if (loss == LOSS_ZEROS && b->len < op->at + op->n)
		put_bytes(b, b->len, NULL, (size_t)(op->at + op->n) - b->len);
	else if (loss == LOSS_PAGES)
		put_pages(b, op);
}

/* After the first n steps. */
static void
make_file(struct image *f, size_t n, enum loss loss)
{
	size_t i, synced = 0, last = 0;

	for (i = 0; i < n; i++)
		if (ops[i].ino == f->ino && ops[i].kind == OP_SYNC)
			synced = i;
		else if (ops[i].ino == f->ino && ops[i].kind == OP_WRITE)
			last = i;
	for (i = 0; i < n; i++)
		if (ops[i].ino == f->ino)
			apply(&f->data, &ops[i], loss, i < synced, i == last);
}

/* ---- which names there are ---- */

static struct entry *
find_name(struct disk *d, uint64_t dir, const char *name)
{
	size_t i;

	for (i = 0; i < d->nnames; i++)
		if (d->names[i].dir == dir && strcmp(d->names[i].name, name) == 0)
			return &d->names[i];
	return NULL;
}

static void
add_name(struct disk *d, const struct op *op, bool is_dir)
{
	struct entry *e = &d->names[d->nnames++];

	ck_assert_uint_lt(d->nnames, NELEM(d->names));
	*e = (struct entry){.dir = op->dir, .ino = op->ino, .is_dir = is_dir};
	(void)snprintf(e->name, sizeof(e->name), "%s", op->name);
}

static void
drop_name(struct disk *d, uint64_t dir, const char *name)
{
	struct entry *e = find_name(d, dir, name);

	if (e != NULL)
		*e = d->names[--d->nnames];
}

static void
apply_name(struct disk *d, const struct op *op)
{
	struct entry *e;

	if (op->kind == OP_LINK || op->kind == OP_MKDIR)
		add_name(d, op, op->kind == OP_MKDIR);
	else if (op->kind == OP_UNLINK)
		drop_name(d, op->dir, op->name);
	if (op->kind != OP_RENAME || find_name(d, op->dir, op->name) == NULL)
		return;
	drop_name(d, op->dir, op->to);
	e = find_name(d, op->dir, op->name);
	(void)snprintf(e->name, sizeof(e->name), "%s", op->to);
}

static bool
is_name_op(const struct op *op)
{
	return op->kind == OP_LINK || op->kind == OP_RENAME || op->kind == OP_UNLINK ||
	    op->kind == OP_MKDIR;
}

/* What was in a directory that is lost is lost, too. */
static void
drop_strays(struct disk *d)
{
	size_t i, k;

	for (i = 0; i < d->nnames;) {
		bool found = d->names[i].dir == root;

		for (k = 0; k < d->nnames && !found; k++)
			found = d->names[k].is_dir && d->names[k].ino == d->names[i].dir;
		if (found)
			i++;
		else
			d->names[i] = d->names[--d->nnames];
	}
}

static void
make_names(struct disk *d, size_t n, enum loss loss)
{
	size_t i, k, end = n;

	/* A journal keeps order: of what is not synced, a first part. */
	if (loss == LOSS_PAGES)
		end = n - (n > 8 ? seed % 8 : 0);
	for (i = 0; i < n; i++) {
		bool kept = !is_name_op(&ops[i]) || loss != LOSS_ALL;

		for (k = i + 1; k < n && (!kept || i >= end); k++)
			if (ops[k].kind == OP_SYNC && ops[k].ino == ops[i].dir)
				kept = true, end = MAX(end, i + 1);
		if (kept && (i < end || !is_name_op(&ops[i])))
			apply_name(d, &ops[i]);
	}
	drop_strays(d);
}

static void
make_disk(struct disk *d, size_t n, enum loss loss)
{
	size_t i;

	memset(d, 0, sizeof(*d));
	seed = (unsigned)n * 2654435761u + 1;
	make_names(d, n, loss);
	for (i = 0; i < d->nnames; i++) {
		struct image *f = &d->files[d->nfiles];

		if (d->names[i].is_dir)
			continue;
		d->nfiles++;
		f->ino = d->names[i].ino;
		make_file(f, n, loss);
	}
}

static void
free_disk(struct disk *d)
{
	size_t i;

	for (i = 0; i < d->nfiles; i++)
		buf_free(&d->files[i].data);
}

/* ---- in a real directory ---- */

static const char *
tag_of(const struct disk *d, uint64_t dir)
{
	size_t i;

	for (i = 0; i < d->nnames; i++)
		if (d->names[i].is_dir && d->names[i].ino == dir)
			return d->names[i].name;
	return NULL;
}

static void
write_disk(const struct disk *d)
{
	size_t i, file = 0;
	char path[1024];

	for (i = 0; i < d->nnames; i++)
		if (d->names[i].is_dir) {
			(void)snprintf(path, sizeof(path), "%s/%s", after.dir, d->names[i].name);
			ck_assert_int_eq(mkdir(path, 0750), 0);
		}
	for (i = 0; i < d->nnames; i++) {
		const char *tag = tag_of(d, d->names[i].dir);
		const struct buf *b;

		if (d->names[i].is_dir)
			continue;
		b = &d->files[file++].data;
		(void)snprintf(path, sizeof(path), "%s/%s%s%s", after.dir, tag != NULL ? tag : "",
		    tag != NULL ? "/" : "", d->names[i].name);
		write_file(path, (const char *)buf_data(b), b->len);
	}
}

/* The ids of whole lines in what is on the disk whatever happens. */
static void
durable(size_t n, bool must[IDS + 2])
{
	struct disk *d = mem_new(struct disk);
	size_t i;
	unsigned id;

	memset(must, 0, (IDS + 2) * sizeof(must[0]));
	make_disk(d, n, LOSS_ALL);
	for (i = 0; i < d->nfiles; i++) {
		struct str rest = buf_str(&d->files[i].data), line;
		char text[40];

		while (str_split(&rest, '\n', &line)) {
			(void)snprintf(text, sizeof(text), "%.*s", (int)MIN(line.n, 39), line.p);
			if (sscanf(text, "{\"id\":%u", &id) == 1 && line.n > 2 &&
			    (line.p[line.n - 1] == '}' || line.p[line.n - 2] == '}'))
				must[id] = true;
		}
	}
	free_disk(d);
	free(d);
}

static void
recover(void)
{
	world_start(&after);
	world_sync(&after);
	world_stop(&after);
}

static void
check(size_t n, enum loss loss)
{
	bool must[IDS + 2];
	struct found f, again;
	unsigned id;

	world_look(&after, NULL, &f);
	ck_assert_msg(f.invalid + f.part + f.other == 0, "%zu steps, lost: %s: %u invalid, "
	    "%u unfinished, %u odd files", n, losses[loss], f.invalid, f.part, f.other);
	durable(n, must);
	for (id = 1; id <= IDS; id++) {
		ck_assert_msg(f.ids[id] <= 1, "%zu steps, lost: %s: entry %u is there twice", n,
		    losses[loss], id);
		ck_assert_msg(f.ids[id] == 1 || !must[id], "%zu steps, lost: %s: entry %u was on "
		    "disk and is gone", n, losses[loss], id);
	}
	recover();
	world_look(&after, NULL, &again);
	ck_assert_msg(memcmp(&f, &again, sizeof(f)) == 0, "%zu steps, lost: %s: recovery does "
	    "not end", n, losses[loss]);
}

/* ---- the recorder whose power fails ---- */

static void
note(const struct op *op)
{
	ck_assert_uint_lt(nops, OPS_MAX);
	ops[nops] = *op;
	if (op->kind == OP_MKDIR)
		root = op->dir;
	if (op->n > 0)
		ops[nops].data = mem_dup(op->data, op->n);
	nops++;
}

static void
take(void)
{
	world_take_all(&w);
	world_sync(&w);
}

/* Half of a batch is written, and taken back. */
static void
break_down(void)
{
	world_put(&w, 0, "a", IDS + 1, 10000);
	fail_errno = EIO;
	take();
	fail_errno = 0;
	spool_tick(w.spool, clock_mono_us() + 10000000);
	world_sync(&w);
}

static void
record(bool large)
{
	static const char *const tags[] = {"a", "b"};
	unsigned id;

	world_init(&w);
	w.conf.rotate_size = 40000;
	world_op = note;
	world_start(&w);
	for (id = 1; id <= IDS; id++) {
		if (id == 20 && large)
			ck_assert_int_eq(world_put_spilled(&w, 0, "a", id, 0, SPOOL_LARGE + 1), 0);
		else if (id % 6 == 0)
			world_put_error(&w, 0, tags[id % 2], id);
		else
			world_put(&w, 0, tags[id % 2], id, id % 7 == 0 ? 9000 : 500);
		if (id % 2 == 0)
			take();
		if (id == 30)
			(void)spool_flush(w.spool, STR("a"));
		if (id == 40)
			break_down();
	}
	(void)spool_flush(w.spool, STR_NONE);
	take();
	world_op = NULL;
	world_stop(&w);
	world_fini(&w);
}

static void
lay_down(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	ck_assert_int_eq(fsync(fd), 0);
	fd_close(&fd);
}

/* What a dead recorder left, all of it on disk, and the one that repairs it. */
static void
record_repair(void)
{
	static const char head[] = "{\"log\":{\"version\":\"1.2\",\"entries\":[\n";
	static const char *const texts[] = {
	    "{\"id\":1},\n{\"id\":2,\"a\":\"",	/* cut in place */
	    "{\"id\":3},\n{\"id\":4}\n]}}\n{\"id\":5}\n]}}\n",	/* copied */
	    "{\"id\":6},\n{\"id\":7,\"_tlsError\":{\"err\":7}}\n]}}\n",	/* another tail */
	    "\n]}}\n",				/* removed */
	};
	int top, dir;
	size_t i;

	world_init(&w);
	world_op = note;
	top = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(top, "a", 0750), 0);
	dir = openat(top, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < NELEM(texts); i++) {
		char name[64], text[400];

		(void)snprintf(name, sizeof(name), "20261122T080102Z-host-%zu.har.part", i);
		(void)snprintf(text, sizeof(text), "%s%s", head, texts[i]);
		lay_down(dir, name, text);
	}
	ck_assert_int_eq(fsync(dir), 0);
	ck_assert_int_eq(fsync(top), 0);
	fd_close(&dir);
	fd_close(&top);
	first = nops;
	world_start(&w);
	world_sync(&w);
	world_op = NULL;
	world_stop(&w);
	world_fini(&w);
}

static void
forget(void)
{
	while (nops > 0)
		if (ops[--nops].n > 0)
			free((void *)(uintptr_t)ops[nops].data);
}

START_TEST(after_every_step)
{
	enum loss loss = (enum loss)(_i % LOSS_COUNT);
	bool large = _i / LOSS_COUNT == 1, repair = _i / LOSS_COUNT == 2;
	struct disk *d = mem_new(struct disk);
	size_t n, step;

	if (repair)
		record_repair();
	else
		record(large);
	ck_assert_uint_gt(nops, repair ? first + 15 : 100);
	step = repair || getenv("MITMD_LONG") != NULL ? 1 : large ? 11 : 2;
	for (n = first + 1; n <= nops; n += step) {
		world_init(&after);
		make_disk(d, n, loss);
		write_disk(d);
		free_disk(d);
		recover();
		check(n, loss);
		world_fini(&after);
	}
	forget();
	free(d);
}
END_TEST

/* What was finished, and said to be, is there whatever is lost. */
START_TEST(what_was_finished_is_on_disk)
{
	bool must[IDS + 2];
	unsigned id;

	record(false);
	durable(nops, must);
	for (id = 1; id <= IDS; id++)
		ck_assert_msg(must[id], "entry %u is not", id);
	forget();
}
END_TEST

Suite *
power_suite(void)
{
	Suite *s = suite_create("power");
	TCase *t = tcase_create("power");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, after_every_step, 0, 3 * LOSS_COUNT);
	tcase_add_test(t, what_was_finished_is_on_disk);
	suite_add_tcase(s, t);
	return s;
}
