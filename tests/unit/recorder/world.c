/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "world.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "har/json.h"
#include "har/spill.h"

/* ---- the world ---- */

static int
remove_one(const char *path, const struct stat *st UNUSED, int what UNUSED,
    struct FTW *f UNUSED)
{
	return remove(path);
}

void
world_init(struct world *w)
{
	const char *tmp = getenv("TMPDIR");
	struct errmsg err;
	unsigned i;

	/* Without a real disk the many deaths take seconds; with TMPDIR set, half a minute. */
	if (tmp == NULL)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	memset(w, 0, sizeof(*w));
	(void)snprintf(w->dir, sizeof(w->dir), "%s/mitmd-test-XXXXXX", tmp);
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	w->receipts = receipts_create(&err);
	ck_assert_ptr_nonnull(w->receipts);
	w->counters = counters_create(&w->counters_fd, &err);
	ck_assert_ptr_nonnull(w->counters);
	for (i = 0; i < WORLD_SLOTS; i++) {
		w->ring[i] = ring_create(i, &err);
		w->wake[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		w->spill[i] = open(w->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		w->writer[i] = ring_writer_new(w->ring[i], w->wake[i], w->receipts, i, &err);
		ck_assert_ptr_nonnull(w->writer[i]);
		w->open[i] = open_flows_new(w->ring[i], &err);
		ck_assert_ptr_nonnull(w->open[i]);
	}
	w->conf.rotate_size = 64u << 20;
}

void
world_fini(struct world *w)
{
	unsigned i;

	world_stop(w);
	for (i = 0; i < WORLD_SLOTS; i++) {
		ring_writer_free(&w->writer[i]);
		open_flows_free(&w->open[i]);
		fd_close(&w->ring[i]);
		fd_close(&w->wake[i]);
		fd_close(&w->spill[i]);
	}
	receipts_free(&w->receipts);
	(void)munmap(w->counters, SLOT_COUNT * sizeof(*w->counters));
	fd_close(&w->counters_fd);
	(void)nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
on_drained(void *arg, unsigned slot)
{
	((struct world *)arg)->drained |= 1u << slot;
}

static void
on_spill(void *arg UNUSED, unsigned slot UNUSED, int fd UNUSED)
{
}

static void
on_nothing(void *arg UNUSED)
{
}

static void
on_state(void *arg, bool ok, const char *reason UNUSED)
{
	struct world *w = arg;

	w->state_ok = ok;
	w->states++;
}

void
world_start(struct world *w)
{
	static const struct intake_ops ops = {on_drained, on_spill, on_nothing};
	struct errmsg err = {""};
	unsigned i;
	int rc;

	w->loop = ev_loop_new(EVFLAG_NOENV);
	w->finish = finish_new(w->loop, &w->counters[SLOT_RECORDER], on_nothing, w);
	w->spool = spool_new(w->finish, w->receipts, &w->counters[SLOT_RECORDER], on_state, w);
	w->tails = tails_new(w->loop);
	w->intake = intake_new(w->loop, w->spool, w->receipts, w->tails, &ops, w);
	rc = spool_set(w->spool, str_z(w->dir), -1, STR("host"), &w->conf, &err);
	ck_assert_msg(rc == 0, "%s", err.text);
	for (i = 0; i < WORLD_SLOTS; i++)
		ck_assert_int_eq(intake_add(w->intake, i, 1000 + i, dup(w->ring[i]),
		    dup(w->wake[i]), dup(w->spill[i]), &err), 0);
}

void
world_stop(struct world *w)
{
	if (w->loop == NULL)
		return;
	intake_free(&w->intake);
	tails_free(&w->tails);
	spool_free(&w->spool);
	finish_free(&w->finish);
	ev_loop_destroy(w->loop);
	w->loop = NULL;
}

void
world_take_all(struct world *w)
{
	intake_mark(w->intake);
	while (intake_turn(w->intake))
		;
	ck_assert(intake_reached(w->intake));
	intake_commit(w->intake);
}

void
world_sync(struct world *w)
{
	while (finish_done(w->finish) < finish_asked(w->finish) || finish_recovering(w->finish))
		(void)usleep(500);
}

int
world_put_text(struct world *w, unsigned slot, const char *tag, const char *text)
{
	struct ring_entry e = {.tag = str_z(tag), .text = str_z(text)};
	uint64_t pos;

	return ring_put(w->writer[slot], &e, NULL, &pos);
}

void
world_put(struct world *w, unsigned slot, const char *tag, unsigned id, size_t pad)
{
	char *text = mem_alloc(pad + 64);
	int n = sprintf(text, "{\"id\":%u,\"pad\":\"", id);

	memset(text + n, 'x', pad);
	strcpy(text + n + pad, "\"}");
	ck_assert_int_eq(world_put_text(w, slot, tag, text), 0);
	free(text);
}

void
world_open(struct world *w, unsigned slot, const char *tag, unsigned id, enum world_stage stage)
{
	struct open_flow *row;
	unsigned no = open_flows_begin(w->open[slot], &row);
	_Atomic uint64_t *position = open_flows_position(w->open[slot], no);
	char text[64];
	struct ring_entry e = {.tag = str_z(tag)};
	uint64_t pos;

	*row = (struct open_flow){.started_wall_us = clock_wall_us(),
	    .started_us = clock_mono_us(), .client_id = id, .version = HTTP_VERSION_1_1,
	    .port = 80, .tag_len = (uint8_t)strlen(tag), .method_len = 3, .host_len = 6,
	    .path_len = 2, .method = "GET", .host = "o.test", .path = "/x"};
	memcpy(row->tag, tag, strlen(tag));
	if (stage >= STAGE_KNOWN)
		open_flows_known(w->open[slot], no);
	(void)snprintf(text, sizeof(text), "{\"id\":%u}", id);
	e.text = str_z(text);
	if (stage == STAGE_ANNOUNCED)	/* as far as ring_put() had got */
		*position = ring_written(w->writer[slot]) + 8;
	if (stage >= STAGE_PUBLISHED)
		ck_assert_int_eq(ring_put(w->writer[slot], &e, position, &pos), 0);
	if (stage == STAGE_ENDED)
		open_flows_end(w->open[slot], no);
}

void
world_put_error(struct world *w, unsigned slot, const char *tag, unsigned id)
{
	char text[96];

	(void)snprintf(text, sizeof(text), "{\"id\":%u,\"_tlsError\":{\"err\":%u}}", id, id);
	ck_assert_int_eq(world_put_text(w, slot, tag, text), 0);
}

int
world_put_spilled(struct world *w, unsigned slot, const char *tag, unsigned id, uint32_t first,
    uint64_t n)
{
	uint32_t count = (uint32_t)((n + SPILL_EXTENT - 1) / SPILL_EXTENT), i;
	uint32_t *extents = mem_grow(NULL, count + 1, sizeof(*extents));
	char text[64], *fill = mem_alloc(SPILL_EXTENT);
	struct ring_entry e = {.tag = str_z(tag), .text = {text, 0}, .ninserts = 1};
	uint64_t pos;
	int rc;

	e.text.n = (size_t)sprintf(text, "{\"id\":%u,\"body\":\"\"}", id);
	e.inserts[0] = (struct ring_insert){.at = (uint32_t)e.text.n - 2, .nextents = count,
	    .len = n};
	e.extents[0] = extents;
	memset(fill, 'b', SPILL_EXTENT);
	/* Out of order, so that it shows when the order of extents is not kept. */
	for (i = 0; i < count; i++) {
		extents[i] = first + count - 1 - i;
		fill[0] = (char)('A' + i % 26);
		ck_assert_int_eq(__real_pwrite(w->spill[slot], fill, SPILL_EXTENT,
		    (off_t)extents[i] * SPILL_EXTENT), SPILL_EXTENT);
	}
	rc = ring_put(w->writer[slot], &e, NULL, &pos);
	free(extents);
	free(fill);
	return rc;
}

/* ---- looking ---- */

char *
read_all(const char *path, size_t *out_n)
{
	char *text = fd_read_file(path, 256u << 20, out_n);

	ck_assert_msg(text != NULL, "%s: %s", path, strerror(errno));
	return text;
}

void
write_file(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fd_write_all(fd, text, n), 0);
	fd_close(&fd);
}

/* A file has lines; the checker wants one. */
bool
file_is_json(const char *path)
{
	struct json_check c;
	size_t n, i;
	char *text = read_all(path, &n);
	bool ok;

	n -= n > 0 && text[n - 1] == '\n' ? 1 : 0;
	for (i = 0; i < n; i++)
		if (text[i] == '\n')
			text[i] = ' ';
	json_check_init(&c);
	ok = json_check_feed(&c, text, n) && json_check_end(&c);
	free(text);
	return ok;
}

static void
look_at_errors(const char *line, bool order, struct found *f)
{
	const char *at = line;
	unsigned id;

	while ((at = strstr(at, "{\"err\":")) != NULL) {
		at += strlen("{\"err\":");
		ck_assert_int_eq(sscanf(at, "%u", &id), 1);
		f->listed[id]++;
		if (order && strlen(f->errors) < sizeof(f->errors) - 16)
			(void)sprintf(f->errors + strlen(f->errors), "%u ", id);
	}
}

static void
look_at_lines(const char *path, bool order, struct found *f)
{
	size_t n;
	char *text = read_all(path, &n), *line, *rest = text;

	while ((line = strsep(&rest, "\n")) != NULL) {
		unsigned id;
		const char *who = strstr(line, "\"_clientConnectionId\":\"");

		if (who != NULL && strstr(line, ",\"_error\":\"aborted by crash\"") != NULL &&
		    sscanf(who, "\"_clientConnectionId\":\"%u", &id) == 1)
			f->aborted[id % WORLD_IDS]++;
		if (strncmp(line, "],\"_tlsErrors\":[", 16) == 0)
			look_at_errors(line, order, f);
		if (sscanf(line, "{\"id\":%u", &id) != 1)
			continue;
		ck_assert_uint_lt(id, WORLD_IDS);
		f->ids[id]++;
		if (order && strlen(f->order) < sizeof(f->order) - 16)
			(void)sprintf(f->order + strlen(f->order), "%u ", id);
	}
	free(text);
}

static int
by_number(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static void
look_at_tag(const char *dir, bool order, struct found *f)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, by_number), i;

	for (i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char path[1024];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (spool_name_ok(name, ""))
			f->har++;
		else if (spool_name_ok(name, SPOOL_PART))
			f->part++;
		else if (name[0] != '.' || spool_hidden_ok(name))
			f->other++;
		if (spool_name_ok(name, "") || spool_name_ok(name, SPOOL_PART)) {
			if (!file_is_json(path))
				f->invalid++;
			look_at_lines(path, order, f);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

void
world_look(const struct world *w, const char *order_tag, struct found *f)
{
	DIR *d = opendir(w->dir);
	struct dirent *e;

	memset(f, 0, sizeof(*f));
	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		char path[768];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", w->dir, e->d_name);
		look_at_tag(path, order_tag != NULL && strcmp(order_tag, e->d_name) == 0, f);
	}
	(void)closedir(d);
}
