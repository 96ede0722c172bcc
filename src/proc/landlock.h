/* SPDX-License-Identifier: ISC */
/*
 * landlock.h - the kernel's own fence around files, ports and signals, as high
 * as the running kernel can build it (landlock(7)); the headers may be older.
 * Runs in: every role but the master.
 */
#ifndef MITMD_PROC_LANDLOCK_H
#define MITMD_PROC_LANDLOCK_H

#include <stdbool.h>

struct landlock_wish {
	int dir;	/* all below is read, written, made and removed; -1: no file at all */
	bool connects;	/* TCP connections are its work; no port is opened in any case */
};

/* 0: this kernel has none (or it was switched off at boot). */
int landlock_abi(void);
/* For good, for this thread and those it starts. The ABI that is in force, or 0. */
int landlock_enter(const struct landlock_wish *);

#endif
