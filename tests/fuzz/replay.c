/* SPDX-License-Identifier: ISC */
/*
 * replay.c - runs a fuzz harness over its corpus, whole files and every cut of
 * small ones, without libFuzzer.  Fails when the corpus is empty or missing.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX (1u << 20)
#define CUT_MAX 2048

static size_t
replay_file(const char *path)
{
	static uint8_t bytes[FILE_MAX];
	FILE *f = fopen(path, "rb");
	size_t n, cut;

	if (f == NULL)
		return 0;
	n = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	for (cut = n <= CUT_MAX ? 0 : n; cut <= n; cut++) {
		uint8_t *copy = malloc(cut + 1);	/* so that reading past the end shows */

		if (copy == NULL)
			abort();
		memcpy(copy, bytes, cut);
		(void)LLVMFuzzerTestOneInput(copy, cut);
		free(copy);
	}
	return 1;
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name = strrchr(argv[0], '/');
	char dir[2048], path[4096];
	struct dirent *e;
	size_t files = 0;
	DIR *d;
	int i;

	for (i = 1; i < argc; i++)
		files += replay_file(argv[i]);
	if (argc > 1)
		return files > 0 ? 0 : 1;
	name = name != NULL ? name + 1 : argv[0];
	name = strncmp(name, "fuzz-", 5) == 0 ? name + 5 : name;
	(void)snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".", name);
	d = opendir(dir);
	if (d == NULL) {
		perror(dir);
		return 1;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		files += replay_file(path);
	}
	(void)closedir(d);
	printf("%s: %zu files replayed\n", name, files);
	return files > 0 ? 0 : 1;
}
