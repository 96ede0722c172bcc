/* SPDX-License-Identifier: ISC */
/*
 * users.h - whom each process becomes when mitmd was started as root: three
 * users where they exist (NAME-signer, NAME-recorder and NAME itself for the
 * workers, NAME being `user:`), else one for all.
 * Runs in: master (look up), every role (become), mitmctl.
 */
#ifndef MITMD_PROC_USERS_H
#define MITMD_PROC_USERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "ipc/msg.h"

struct user_ids {
	bool become;	/* else: stay who we are, and uid and gid are -1 */
	bool own;	/* no other role becomes this one */
	uid_t uid;
	gid_t gid;
};
#define USER_STAY ((struct user_ids){.uid = (uid_t)-1, .gid = (gid_t)-1})

/* The user that root is to become exists. Before anything is forked. */
int users_check(const struct conf *, struct errmsg *) NONNULL(1, 2) MUSTCHECK;
/*
 * The recorder's group is that of `user:`, who may read what it writes; workers
 * have none of those, because they may not.
 */
struct user_ids users_of(const struct conf *, enum role) NONNULL(1);
/* Become that one for good: no way back, no supplementary groups. -1 with errno. */
int users_become(const struct user_ids *) NONNULL(1) MUSTCHECK;

#endif
