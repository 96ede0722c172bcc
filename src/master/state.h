/* SPDX-License-Identifier: ISC */
/*
 * state.h - what the master knows: its children, generations, rings and
 * sockets.  Shared by the files of this folder only.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_STATE_H
#define MITMD_MASTER_STATE_H

#include <ev.h>

#include "base/list.h"
#include "base/rate.h"
#include "ipc/channel.h"
#include "master/given.h"
#include "master/identities.h"
#include "proc/proc.h"
#include "shm/ring.h"

struct master;
struct generation;
struct control;
struct pinning;
struct poll;
struct spool_trial;
struct reloads;
struct service;

/* One forked process, or the place where one is to be forked again. */
struct child {
	struct master *master;
	struct generation *gen;		/* NULL: the recorder */
	enum role role;
	unsigned index;
	pid_t pid;			/* -1: not running */
	struct channel *channel;
	bool ready;
	bool leaving;			/* told to end: not started again */
	bool holding;			/* told to drain, and may still accept */
	unsigned slot;			/* of its counters, and a worker's ring, while running */
	uint64_t started_us;		/* monotonic */
	struct rate news;		/* of its clients; more is left aside */
	uint64_t denied;		/* system calls, as far as that was logged */

	/* ---- supervise.c ---- */
	unsigned restarts;		/* times it was started again */
	unsigned deaths;		/* in a row, none of them after a good life */
	bool crash_looping;		/* ... and so many that somebody should look */
	bool stuck;			/* it stood still and is being killed for that */
	bool served;			/* the process before had been at work */
	char last_end[96];		/* how the process before ended; "": there was none */
	double backoff;			/* seconds until the next start */
	ev_timer again;
	uint64_t beat;			/* its counter, when we last looked ... */
	unsigned still;			/* ... and how often it was the same */
};

enum gen_state { GEN_SIGNER, GEN_WORKERS, GEN_SPOOL, GEN_SERVING, GEN_DRAINING };

/* One configuration and the processes that live by it. */
struct generation {
	TAILQ_ENTRY(generation) link;
	struct master *master;
	unsigned number;
	enum gen_state state;
	bool cut;			/* drains no longer: it is to end */
	uint64_t since_us;		/* ... monotonic: starting, serving or draining */
	struct conf *conf;
	struct proc_listener *listeners;	/* descriptors borrowed from the sockets */
	size_t nlisteners;
	struct identities identities;
	X509_STORE *roots;
	char *ca_chain;
	size_t ca_chain_len;
	uint8_t (*own_keys)[32];	/* see msg_ready */
	size_t nown_keys;
	struct msg_ca_made ca_made;	/* by its signer; zero: nothing */
	struct child signer;
	struct child *workers;
	unsigned nworkers;
	unsigned *worker_slots;		/* shared with the workers */
	unsigned nready;
	const char *news;		/* to be logged once the one before has let go */
};

/* A listening socket; lives as long as some generation's configuration names it. */
struct socket {
	TAILQ_ENTRY(socket) link;
	struct addr asked, bound;
	int fd;
	struct given_socket *given;	/* by systemd; NULL: bound by us */
	unsigned users;
};

enum slot_state { SLOT_FREE, SLOT_LIVE, SLOT_ENDED };

/* A file of the system that workers are told of. */
struct system_file {
	struct file_stamp {
		dev_t dev;
		ino_t ino;
		off_t size;
		struct timespec mtime, ctime;
	} stamp;
	char *text;
	size_t n;
};

/* A worker's way to the recorder. Outlives the worker until the ring is empty. */
struct slot {
	enum slot_state state;
	bool serves;			/* its generation does: the recorder is to have it */
	int ring_fd, wake_fd, spill_fd;
	struct child *worker;
};

/* What the recorder said of the spool last. */
struct spool_state {
	bool ok;
	char reason[256];		/* "" while it is ok */
	ev_tstamp since;
};

struct master {
	struct ev_loop *loop;
	const char *file;
	pid_t pid;
	bool stopping, failed, done;
	bool reload_wanted;
	int exit_code;
	TAILQ_HEAD(, generation) generations;
	struct generation *current;	/* serves; NULL until the first one does */
	struct generation *next;	/* being started; NULL */
	unsigned last_number;
	TAILQ_HEAD(, socket) sockets;
	struct systemd *systemd;
	struct given *given;
	struct service *service;
	struct child recorder;
	struct {
		char *dir;
		enum conf_sandbox sandbox;
		struct user_ids user;
	} room;				/* what the running recorder was made for */
	struct spool_trial *spool_trial;	/* NULL: none is under way */
	bool exchanging;		/* it ends, for another one to take its place */
	struct conf *spool_conf;	/* borrowed: of the generation whose spool is in use */
	struct slot *slots;		/* RING_SLOTS */
	struct segment cert_cache, keyring, trust;
	struct pinning *pinning;
	struct control *control;
	struct reloads *reloads;
	uint64_t born_us;		/* monotonic */
	struct receipts *receipts;
	struct counters *counters;
	int counters_fd;
	struct system_file system_files[FILE_COUNT];
	ev_timer files_look;			/* at those */
	char *walls_told;		/* what was last logged of the sandbox */
	int signal_fd;
	ev_io signals;
	ev_timer stop_timer;
	unsigned stop_step;
	uint32_t spool_id;
	TAILQ_HEAD(, poll) polls;	/* polls.c */
	uint32_t poll_id;
	bool flushing, flush_again;	/* flushing.c: by a signal */
	bool leaving;			/* leaving.c: this host is to be emptied ... */
	uint64_t leave_by_us;		/* monotonic: ... at the latest */
	uint64_t quiet_us;		/* since when nobody is connected */
	ev_timer look;
	struct spool_state spool_state;
	ev_timer tick;			/* supervise.c */
	struct rate restarts;		/* of all children together */
	uint64_t worked_us;		/* monotonic: when a worker was last seen at work */
};

/* ---- listen.c ---- */
/* Bind what conf names and is not bound yet; gen->listeners is filled. */
int listen_prepare(struct master *, struct generation *, struct errmsg *) MUSTCHECK;
void listen_release(struct master *, struct generation *);
/* A generation serves: sockets that systemd holds for nobody are named in the log. */
void listen_settle(struct master *);

/* ---- spawn.c ---- */
/* Fork c; -1 with a reason (no process, no memory). */
int spawn(struct child *c, struct errmsg *) MUSTCHECK;
/* A message or the end of a child's channel arrives here and is handed on. */
void spawn_forget(struct child *c);	/* its channel is closed, pid is -1 */

/* ---- supervise.c ---- */
void supervise_start(struct master *);
/* c was reaped: how it ended is kept and logged. */
void supervise_ended(struct child *c, pid_t pid, int status);
void supervise_again(struct child *c);	/* start it after its back-off */
/* Connections are served, or were half a minute ago: a watchdog need not bark. */
bool supervise_healthy(const struct master *);

/* ---- generation.c ---- */
/* conf is taken. Starts the way to serving; the outcome is logged. */
void generation_start(struct master *, struct conf *);
void generation_child_ready(struct child *, const struct msg_ready *);
/* Before it served: its reason. */
void generation_child_failed(struct child *, struct str reason);
void generation_child_gone(struct child *);
void generation_let_go(struct child *);	/* a draining worker accepts no more */
void generation_spool_is(struct master *, const struct msg_spool_is *);
void generation_recorder_gone(struct master *);
void generation_failed(struct generation *, const char *reason);
void generation_abandon(struct master *);	/* the one being started, without a word */
void generation_free(struct generation *);
void generation_stop_all(struct master *, uint64_t timeout_ms);
bool generation_any_worker(const struct master *);

/* ---- recording.c ---- */
#define RECORDER_FINISH_MS 10000	/* for emptying rings and finishing files */
void recording_start(struct master *);
void recording_prepare(struct master *);	/* a recorder is about to be forked */
int recording_message(struct master *, enum msg_type, struct str body, int *fds, size_t nfds);
void recording_ready(struct master *);
void recording_gone(struct master *);		/* the recorder died */
void recording_set_spool(struct master *, struct conf *);
/* A ring for a worker that is about to be forked. */
int recording_slot_new(struct master *, struct child *, struct errmsg *) MUSTCHECK;
void recording_slot_drop(struct master *, unsigned slot);	/* it was not */
void recording_slot_live(struct master *, struct child *);	/* forked */
/* From now on the workers of this one have something to record. */
void recording_serve(struct master *, struct generation *);
/* The running recorder logs as that says: others do so since their fork. */
void recording_log(struct master *, const struct conf *);
void recording_slot_end(struct master *, unsigned slot);	/* its worker is gone */
bool recording_any_slot(const struct master *);

void recording_make_dir(const struct conf *);	/* as root: for the recorder's user */
/* Its spool is another directory than the running recorder's. */
bool recording_moves(const struct master *, const struct conf *);
void recording_settle(struct master *);		/* a recorder for m->spool_conf, as before */

/* ---- spool_trial.c ---- */
typedef void spool_trial_fn(struct master *, struct errmsg *why);	/* NULL: it can */
/* One at a time: the one before is forgotten. */
int spool_trial_start(struct master *, const struct conf *, spool_trial_fn *,
    struct errmsg *) MUSTCHECK;
void spool_trial_drop(struct master *);

/* ---- system_files.c ---- */
void system_files_start(struct master *);

/* ---- walls.c ---- */
/* Our own, before anything is forked. */
void walls_build(struct master *, const struct conf *);
/* A generation serves: log what its processes lack. */
void walls_tell(struct master *, const struct generation *);
/* Log what that process was denied since the last look. */
void walls_look(struct child *);
/* The latest calls that it was denied: "socket, openat". */
void walls_denied(const struct master *, unsigned slot, struct buf *out);

/* ---- service.c ---- */
/* What the service manager is told of the master's life. */
struct service *service_new(struct master *);
void service_free(struct service **);
void service_reloading(struct master *);
/* The start is over, or a reload is, however that went (reloads.h knows). */
void service_ready(struct master *);
void service_failed(struct master *, const char *reason);	/* cannot start */
void service_stopping(struct master *);

/* ---- commands.c ---- */
struct control *commands_new(struct master *);

/* ---- master.c ---- */
void master_stop(struct master *);		/* as SIGTERM does */
void master_reload(struct master *);		/* now, or once the one under way is over */
void master_reload_wanted(struct master *);	/* no start is under way: the next may come */
void master_step_stop(struct master *);		/* something ended while stopping */
void master_fail(struct master *, const char *reason);	/* cannot start */
int master_news(struct child *, struct str body);	/* MSG_TRUST */
int64_t master_seconds(void);				/* since 1970 */

#endif
