/* SPDX-License-Identifier: ISC */
/* control_peer.c - see control_peer.h.  Runs in: master. */
#include "config.h"

#include "master/control_peer.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

#define NUMBERS 3	/* of a line: the first inside, the first outside, how many */

bool
control_peer_may(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* The next word of a line of numbers. */
static struct str
next_word(struct str *line)
{
	struct str word;

	*line = str_trim(*line);
	(void)str_split(line, ' ', &word);
	return word;
}

bool
control_peer_in(struct str map, uid_t uid)
{
	uint64_t n[NUMBERS];
	struct str line;
	int i;

	while (str_split(&map, '\n', &line)) {
		for (i = 0; i < NUMBERS && str_u64(next_word(&line), UINT32_MAX, &n[i]); i++)
			;
		if (i == NUMBERS && uid >= n[0] && uid - n[0] < n[2])
			return true;
	}
	return false;
}

bool
control_peer_known(uid_t uid)
{
	int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n = fd != -1 ? read(fd, text, sizeof(text)) : -1;

	fd_close(&fd);
	return n <= 0 || control_peer_in(str_of(text, (size_t)n), uid);
}
