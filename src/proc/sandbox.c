/* SPDX-License-Identifier: ISC */
/* sandbox.c - see sandbox.h.  Runs in: every role. */
#include "config.h"

#include "proc/sandbox.h"

#include <unistd.h>

static const char *const wall_names[WALL_COUNT] = {
#define W(name, text) text,
    SANDBOX_WALLS(W)
#undef W
};

const char *
sandbox_wall_name(unsigned bit)
{
	return bit < WALL_COUNT ? wall_names[bit] : NULL;
}

/*
 * What every kernel of Debian 12 and later has. The others are more than was
 * promised: newer kernels' second line behind seccomp.
 */
uint64_t
sandbox_missing(uint64_t walls, enum role role)
{
	uint64_t needed = WALL_NO_NEW_PRIVS | WALL_NOT_DUMPABLE | WALL_NO_CORE |
	    WALL_NO_CAPABILITIES;

	if (role != ROLE_MASTER)
		needed |= WALL_SECCOMP | WALL_FILES;
	if (role == ROLE_SIGNER)
		needed |= WALL_LOCKED_KEYS;
	/* Only root can give every role a user: who starts as one user has no others. */
	if (role != ROLE_MASTER && geteuid() == 0)
		needed |= WALL_OWN_USER;
	return needed & ~walls;
}

static void
put_names(uint64_t walls, struct buf *out)
{
	unsigned i;
	bool first = true;

	for (i = 0; i < WALL_COUNT; i++) {
		if ((walls & (uint64_t)1 << i) == 0)
			continue;
		if (!first)
			buf_putc(out, ' ');
		buf_putz(out, wall_names[i]);
		first = false;
	}
}

void
sandbox_text(uint64_t walls, enum role role, struct buf *out)
{
	uint64_t missing = sandbox_missing(walls, role);

	if (walls == 0)
		buf_putz(out, "none");
	else
		put_names(walls, out);
	if (missing == 0)
		return;
	buf_putz(out, ", without ");
	put_names(missing, out);
}
