/* SPDX-License-Identifier: ISC */
/*
 * fuzz_recover.c - any bytes as a .part that was left behind.  What recovery
 * makes of it is valid JSON, has as many lines as it says, and recovering that
 * again changes nothing.
 */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "har/json.h"
#include "recorder/recover.h"

#define NAME "20261122T080102Z-fuzz-1.har.part"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[256];
static int dir = -1;

static void
cleanup(void)
{
	(void)unlinkat(dir, NAME, 0);
	(void)rmdir(path);
}

static void
setup(void)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp == NULL)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(path, sizeof(path), "%s/mitmd-fuzz-XXXXXX", tmp);
	CHECK(mkdtemp(path) != NULL);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(dir != -1);
	(void)atexit(cleanup);
}

static int64_t
recover_once(bool copy)
{
	int fd = openat(dir, NAME, O_RDWR | O_CLOEXEC);
	int64_t kept;

	CHECK(fd != -1);
	kept = recover_file(dir, NAME, "fuzz", copy, &fd);
	CHECK(kept >= 0);
	fd_close(&fd);
	return kept;
}

static char *
content(size_t *out_n)
{
	char file[512], *text;

	(void)snprintf(file, sizeof(file), "%s/" NAME, path);
	text = fd_read_file(file, 1u << 30, out_n);
	CHECK(text != NULL);
	return text;
}

static void
check_json(const char *text, size_t n)
{
	struct json_check c;
	size_t i;

	json_check_init(&c);
	CHECK(n > 0 && text[n - 1] == '\n');
	for (i = 0; i < n - 1; i++)
		CHECK(json_check_feed(&c, text[i] == '\n' ? " " : text + i, 1));
	CHECK(json_check_end(&c));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *once, *twice;
	int64_t kept;
	size_t n, m;
	int fd;

	if (dir == -1)
		setup();
	fd = openat(dir, NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd != -1 && fd_write_all(fd, data, size) == 0);
	fd_close(&fd);
	kept = recover_once(size % 8 == 0);
	if (kept == 0) {
		CHECK(faccessat(dir, NAME, F_OK, 0) == -1);
		return 0;
	}
	once = content(&n);
	check_json(once, n);
	CHECK(recover_once(false) == kept);
	twice = content(&m);
	CHECK(n == m && memcmp(once, twice, n) == 0);
	free(once);
	free(twice);
	return 0;
}
