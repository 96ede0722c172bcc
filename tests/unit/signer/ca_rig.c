/* SPDX-License-Identifier: ISC */
/* ca_rig.c - see ca_rig.h. */
#include "config.h"

#include "ca_rig.h"

#include <check.h>
#include <stdio.h>
#include <sys/stat.h>

char *dir;
struct files files;
struct permit *all;
struct ca ca;
struct errmsg err;

void
ca_setup(void)
{
	dir = fixture_dir();
	all = fixture_permit_all();
	ck_assert_int_eq(files_open(&files, dir, (uid_t)-1, (gid_t)-1, &err), 0);
}

void
ca_teardown(void)
{
	ca_free(&ca);
	files_close(&files);
	permit_free(&all);
	fixture_dir_remove(&dir);
}

int
open_at(int64_t now)
{
	struct ca_new want = {.host = "build7.example.com", .permit = all};

	ca_free(&ca);
	return ca_open(&ca, &files, &want, now, &err);
}

char *
in_dir(const char *name)
{
	static char path[300];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

void
write_file(const char *name, mode_t mode, struct str bytes)
{
	FILE *f = fopen(in_dir(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(in_dir(name), mode), 0);
}
