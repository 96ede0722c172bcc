/* SPDX-License-Identifier: ISC */
/* world.h - a spool in a temporary directory, rings with workers' ends, what is in files. */
#ifndef TESTS_RECORDER_WORLD_H
#define TESTS_RECORDER_WORLD_H

#include <ev.h>

#include "proc/counters.h"
#include "recorder/intake.h"
#include "shm/open_flows.h"

#define WORLD_SLOTS 4
#define WORLD_IDS 4096

struct world {
	char dir[256];		/* the spool */
	struct ev_loop *loop;
	struct receipts *receipts;
	struct counters *counters;
	int counters_fd;
	int ring[WORLD_SLOTS], wake[WORLD_SLOTS], spill[WORLD_SLOTS];
	struct ring_writer *writer[WORLD_SLOTS];
	struct open_flows *open[WORLD_SLOTS];

	/* The recorder's parts, made by world_start(). */
	struct finish *finish;
	struct spool *spool;
	struct tails *tails;
	struct intake *intake;
	struct spool_conf conf;
	unsigned drained;	/* bits of slots */
	bool state_ok;
	unsigned states;
};

/* A number of the recorder's own. */
#define WORLD_COUNT(w, name) counter_get(&(w).counters[SLOT_RECORDER].name)

/* What is in the spool. */
struct found {
	unsigned ids[WORLD_IDS];	/* how often each entry is there */
	unsigned har, part, other, invalid;
	char order[8192];		/* ids of one tag, in order of files and lines */
	char errors[8192];		/* ids in the lists of TLS errors, likewise */
	unsigned aborted[WORLD_IDS];	/* entries of dead workers' flows, by their client_id */
	unsigned listed[WORLD_IDS];	/* how often each is in a list, of any tag */
};

void world_init(struct world *);
void world_fini(struct world *);
void world_start(struct world *);	/* a recorder in this process */
void world_stop(struct world *);	/* without finishing anything */
void world_take_all(struct world *);	/* everything in the rings is in files */
void world_sync(struct world *);	/* the helper thread is through */

/* {"id":ID,"pad":"xxx..."}: `pad` bytes more. */
void world_put(struct world *, unsigned slot, const char *tag, unsigned id, size_t pad);
/* {"id":ID,"_tlsError":{"err":ID}} */
void world_put_error(struct world *, unsigned slot, const char *tag, unsigned id);
int world_put_text(struct world *, unsigned slot, const char *tag, const char *text);
/* An entry with a hole of n spilled bytes; extents from `first` on. */
int world_put_spilled(struct world *, unsigned slot, const char *tag, unsigned id,
    uint32_t first, uint64_t n);

/* How far a worker had got with a flow, and its entry, when it was killed. */
enum world_stage { STAGE_BEGUN, STAGE_KNOWN, STAGE_ANNOUNCED, STAGE_PUBLISHED, STAGE_ENDED };
void world_open(struct world *, unsigned slot, const char *tag, unsigned id, enum world_stage);

void world_look(const struct world *, const char *order_tag, struct found *);
bool file_is_json(const char *path);
char *read_all(const char *path, size_t *out_n);
void write_file(const char *path, const char *text, size_t n);

/* What was done to files and directories, in order; they are told apart by inode. */
#define OP_NAME (SPOOL_NAME + 8)
struct op {
	enum { OP_CREATE, OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_LINK, OP_RENAME, OP_UNLINK,
		OP_MKDIR } kind;
	uint64_t ino, dir;		/* dir: in which the name is */
	char name[OP_NAME], to[OP_NAME];
	uint64_t at;
	size_t n;
	const char *data;		/* good during the call */
};
extern void (*world_op)(const struct op *);	/* told of each that succeeded; NULL */
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);	/* without all that */

/* Death: the nth call of a wrapped function does not return. */
extern _Atomic unsigned death_at, death_calls;
extern bool death_torn;			/* half of the bytes are written first */
extern _Atomic int fail_errno;		/* writes fail with it ... */
extern _Atomic unsigned fail_after;	/* ... after so many that do not */
extern _Atomic int64_t wall_ahead_us;	/* how wrong the clock is */
extern _Atomic int fail_lock;		/* flock(2) fails with it */
extern _Atomic int fail_reserve;	/* fallocate(2) fails with it */


/*
 * Failure: the nth call from now on (0: none) of a function that has to do with a
 * file; fault_lasts: and all that follow. fault_short: what writes does half of it.
 */
extern _Atomic unsigned fault_at, fault_calls;
extern int fault_errno;
extern const char *fault_name;		/* which failed last */
extern const char *fault_only;		/* only this one counts; NULL: all */
extern bool fault_lasts, fault_short;

#endif
