/* SPDX-License-Identifier: ISC */
/* beat.c - see beat.h.  Runs in: master, every role. */
#include "config.h"

#include "proc/beat.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/counters.h"

#define BEAT_SECONDS 1.0

struct beat {
	struct ev_loop *loop;
	struct counters *mine;
	ev_timer timer;
	uint64_t due_us;	/* monotonic: when the next one should come */
	uint64_t cpu_us;	/* of this process, counted so far */
	int statm_fd, fds_fd;
};

static void
note_cpu(struct beat *b)
{
	struct timespec ts;
	uint64_t us;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == -1)
		return;
	us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	counter_add(&b->mine->process_cpu, (int64_t)(us - b->cpu_us));
	counter_set(&b->mine->cpu_now, us);
	b->cpu_us = us;
}

static void
note_memory(struct beat *b)
{
	unsigned long long pages, resident, shared;
	char text[128];
	ssize_t n = pread(b->statm_fd, text, sizeof(text) - 1, 0);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu %llu", &pages, &resident, &shared) != 3)
		return;
	counter_set(&b->mine->process_virtual, pages * page);
	counter_set(&b->mine->process_resident, resident * page);
	counter_set(&b->mine->process_private, resident > shared ?
	    (resident - shared) * page : 0);
}

/* Their number is the directory's size, from Linux 6.2 on; before, that is zero. */
static void
note_descriptors(struct beat *b)
{
	struct stat st;

	if (fstat(b->fds_fd, &st) == 0)
		counter_set(&b->mine->process_fds, (uint64_t)st.st_size);
}

static void
note_use(struct beat *b)
{
	note_cpu(b);
	note_memory(b);
	note_descriptors(b);
}

static void
on_beat(struct ev_loop *loop UNUSED, ev_timer *t, int events UNUSED)
{
	struct beat *b = t->data;
	uint64_t now = clock_mono_us();

	counter_add(&b->mine->beat, 1);
	counter_observe(&b->mine->loop_lag, now > b->due_us ? now - b->due_us : 0);
	log_settle();
	note_use(b);
	b->due_us = now + (uint64_t)(BEAT_SECONDS * 1e6);
}

struct beat *
beat_new(struct ev_loop *loop, struct counters *mine)
{
	struct beat *b = mem_new(struct beat);

	b->loop = loop;
	b->mine = mine;
	b->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	b->fds_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	note_use(b);
	return b;
}

void
beat_start(struct beat *b)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0)
		counter_set(&b->mine->process_max_fds, (uint64_t)rl.rlim_cur);
	ev_now_update(b->loop);
	b->due_us = clock_mono_us();
	ev_timer_init(&b->timer, on_beat, 0, BEAT_SECONDS);
	b->timer.data = b;
	ev_timer_start(b->loop, &b->timer);
	ev_unref(b->loop);
}

void
beat_free(struct beat **pb)
{
	struct beat *b = *pb;

	*pb = NULL;
	if (b == NULL)
		return;
	if (ev_is_active(&b->timer)) {
		ev_ref(b->loop);
		ev_timer_stop(b->loop, &b->timer);
	}
	fd_close(&b->statm_fd);
	fd_close(&b->fds_fd);
	free(b);
}
