/* SPDX-License-Identifier: ISC */
/* tries.h - what somebody would try who has taken over a process. */
#ifndef TESTS_UNIT_WALLS_TRIES_H
#define TESTS_UNIT_WALLS_TRIES_H

#include "proc/proc.h"

/* What a try may work with. */
struct tries_world {
	struct proc *self;
	pid_t sibling;		/* of the same user */
	const char *dir;	/* everything of this test is below */
	char ca_file[300], spool[300], outside[300], victim[300];
};

enum { TRY_SIGNER = 1 << ROLE_SIGNER, TRY_RECORDER = 1 << ROLE_RECORDER,
	TRY_WORKER = 1 << ROLE_WORKER, TRY_ALL = TRY_SIGNER | TRY_RECORDER | TRY_WORKER };

enum try_end {
	TRY_KILLED,	/* by the filter */
	TRY_DENIED,	/* EPERM or EACCES */
	TRY_FENCED,	/* the same; a recorder's by Landlock, which also says EXDEV */
	TRY_FAULT	/* the memory cannot be written */
};

struct try {
	const char *name;
	unsigned roles;
	enum try_end end;
	bool works;	/* outside, for whoever runs the tests: else the try proves nothing */
	long (*run)(const struct tries_world *);	/* -1 with errno, else it is allowed */
};

extern const struct try tries[];
extern const size_t ntries;

#endif
