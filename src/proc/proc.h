/* SPDX-License-Identifier: ISC */
/*
 * proc.h - what the master leaves to a process it forks, and the skeleton that
 * every role runs in.  Nothing else crosses the fork.
 * Runs in: master (fill), every role (use).
 */
#ifndef MITMD_PROC_PROC_H
#define MITMD_PROC_PROC_H

#include <ev.h>
#include <openssl/x509.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "ipc/channel.h"
#include "proc/users.h"
#include "shm/segment.h"

struct beat;
struct counters;
struct receipts;
struct shelf;

struct proc_listener {
	int fd;
	struct addr address;	/* really bound to */
	const struct conf_listen *conf;
};

/* The heritage. Borrowed from the master's memory as it was at fork. */
struct proc {
	enum role role;
	unsigned index;		/* workers of a generation: 0 .. n-1 */
	unsigned generation;
	unsigned slot;		/* counters, of workers the ring too; unique among the living */
	pid_t master_pid;
	struct user_ids user;	/* whom to become */
	const struct conf *conf;

	int master_fd;		/* our end of the channel to the master */
	int signer_fd;		/* workers: to the signer; -1 */
	const struct proc_listener *listeners;	/* workers */
	size_t nlisteners;

	struct segment *cert_cache;	/* signer: writable; workers: the descriptor */
	struct segment *keyring;
	struct receipts *receipts;	/* recorder: writable */
	int receipts_fd;		/* workers */
	int ring_fd, wake_fd;		/* workers */
	struct counters *counters;	/* the table of all slots; ours alone is writable */
	int counters_fd;		/* until proc_begin() */
	const unsigned *peer_slots;	/* slots of this generation's workers ... */
	unsigned npeers; /* ... conf->workers of them, shared and kept up to date */

	struct str system_files[FILE_COUNT];	/* workers: their text, as now */
	int trust_fd;			/* workers: what was learnt of clients */
	X509_STORE *roots;		/* workers, as all below */
	struct str ca_chain;	/* as in msg_ready.ca_chain; the first signer has none yet */
	struct str own_keys;		/* as in msg_ready.own_keys */
	const struct shelf *certs;	/* in the order of conf->certs; NULL: none */
	const struct shelf *client_certs;	/* NULL: none */
	X509_STORE *client_ca;		/* NULL: none */

	/* Made by proc_begin(). */
	struct ev_loop *loop;
	uint64_t walls;			/* proc/sandbox.h */
	struct beat *beat;
	struct channel *master;
	const struct proc_ops *ops;
	void *arg;
};

/* What a role does on the master's word; a role without workers' matters leaves NULL. */
struct proc_ops {
	/* Messages other than STOP and DRAIN. -1: malformed. */
	int (*message)(void *arg, enum msg_type, struct str body, int *fds, size_t nfds);
	void (*stop)(void *arg, uint64_t timeout_ms);
	void (*drain)(void *arg, uint64_t timeout_ms, uint64_t idle_ms);
};

/* Every role's entry; returns the exit code. Ends with proc_end(). */
typedef int role_main_fn(struct proc *);

/*
 * First thing in a role: foreign descriptors closed (all but those of struct
 * proc and standard error), signals, parent-death signal, not dumpable, title,
 * log tag, loop.
 */
void proc_begin(struct proc *) NONNULL(1);
/* Become self->user for good. */
void proc_drop(struct proc *) NONNULL(1);
/* Before proc_ready(), when nothing reads the answers yet: the master is told now. */
void proc_tell_early(struct proc *, enum msg_type, const struct buf *payload) NONNULL(1, 3);
/* The role cannot start: tells the master why and exits with 1. */
void proc_fail(struct proc *, const struct errmsg *) NONNULL(1, 2) NORETURN;
/* At work. ca_chain and own_keys: signer only, else STR_NONE. */
void proc_ready(struct proc *, const struct proc_ops *, void *arg, struct str ca_chain,
    struct str own_keys) NONNULL(1, 2);
/* The loop, until proc_quit(), or until the master is gone. */
void proc_run(struct proc *) NONNULL(1);
void proc_quit(struct proc *) NONNULL(1);
int proc_end(struct proc *) NONNULL(1);

#endif
