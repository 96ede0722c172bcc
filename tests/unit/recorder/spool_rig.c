/* SPDX-License-Identifier: ISC */
/* spool_rig.c - see spool_rig.h. */
#include "config.h"

#include "spool_rig.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

struct world w;
struct found f;

void
spool_setup(void)
{
	world_init(&w);
}

void
spool_teardown(void)
{
	fail_errno = 0;
	world_fini(&w);
}

void
add(const char *tag, unsigned id, size_t pad)
{
	struct buf *b = spool_text(w.spool, str_z(tag));
	size_t before = b->len;

	buf_printf(b, ",\n{\"id\":%u,\"pad\":\"%0*d\"}", id, (int)pad, 0);
	spool_added(w.spool, str_z(tag), b->len - before);
}

int
commit_at(uint64_t now_us, bool patient)
{
	return spool_commit(w.spool, NULL, 0, now_us, patient);
}

void
commit(void)
{
	ck_assert_int_eq(commit_at(clock_mono_us(), true), 0);
}

void
look(const char *order)
{
	world_sync(&w);
	world_look(&w, order, &f);
	ck_assert_uint_eq(f.invalid, 0);
	ck_assert_uint_eq(f.other, 0);
}

void
part_path(const char *tag, char *out, size_t size)
{
	char command[600];
	FILE *p;

	(void)snprintf(command, sizeof(command), "ls %s/%s/*.part", w.dir, tag);
	p = popen(command, "r");
	ck_assert_ptr_nonnull(fgets(out, (int)size, p));
	out[strcspn(out, "\n")] = '\0';
	(void)pclose(p);
}
