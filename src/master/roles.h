/* SPDX-License-Identifier: ISC */
/* roles.h - the table of processes.  Runs in: master. */
#ifndef MITMD_MASTER_ROLES_H
#define MITMD_MASTER_ROLES_H

#include "proc/proc.h"

struct role_row {
	role_main_fn *main;
	bool writes_cert_cache, writes_keyring, writes_receipts;	/* shared memory */
	bool serves;		/* gets listening sockets, a ring and the trust store */
	/* In the master, once a generation serves: what it has for people. */
	void (*publish)(const struct conf *, struct str ca_chain);
	/* In the master, when it never will: take away what it made. */
	void (*withdraw)(const struct conf *, const struct msg_ca_made *);
	/* In a child that has become its user: could it work with that configuration? */
	int (*try_out)(const struct conf *, struct errmsg *);
};

extern const struct role_row roles[ROLE_COUNT];

#endif
