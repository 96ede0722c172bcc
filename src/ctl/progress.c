/* SPDX-License-Identifier: ISC */
/* progress.c - see progress.h.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "ctl/human.h"

#define EVERY_US 100000
#define QUIET_US 500000		/* what takes no longer shows nothing */
#define CALLS 16		/* so many may go by without a look at the clock */
#define COLUMNS 80
#define COLUMNS_MAX 200
#define BESIDE_BAR 44		/* columns of the numbers */

void
progress_begin(struct progress *p, uint64_t total)
{
	*p = (struct progress){.on = isatty(STDERR_FILENO) == 1, .total = total};
	p->begin_us = clock_mono_us();
}

void
progress_text(char *out, size_t n, unsigned columns, uint64_t done, uint64_t total,
    uint64_t us)
{
	double rate = us > 0 ? (double)done * 1e6 / (double)us : 0;
	char amount[HUMAN_SIZE], speed[HUMAN_SIZE], left[HUMAN_SIZE], bar[COLUMNS_MAX + 1];
	unsigned width, filled;

	if (total > 0)
		done = MIN(done, total);
	(void)human_bytes(done, amount);
	(void)human_bytes((uint64_t)rate, speed);
	if (total == 0 || rate <= 0) {
		(void)snprintf(out, n, "%s  %s/s", amount, speed);
		return;
	}
	(void)human_seconds((uint64_t)((double)(total - done) / rate + 0.5), left);
	width = columns > BESIDE_BAR ? MIN(columns - BESIDE_BAR, COLUMNS_MAX) : 0;
	filled = (unsigned)((double)width * (double)done / (double)total);
	memset(bar, '#', filled);
	memset(bar + filled, '.', width - filled);
	bar[width] = '\0';
	(void)snprintf(out, n, "%3u%% %s %s  %s/s  %s left",
	    (unsigned)((double)done * 100 / (double)total), bar, amount, speed, left);
}

static void
show(struct progress *p, uint64_t done, uint64_t now)
{
	struct winsize size = {.ws_col = 0};
	char text[COLUMNS_MAX + 80];

	(void)ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	progress_text(text, sizeof(text), size.ws_col > 0 ? size.ws_col : COLUMNS, done,
	    p->total, now - p->begin_us);
	(void)fprintf(stderr, "\r%s\033[K", text);
	(void)fflush(stderr);
	p->shown_us = now;
}

void
progress_at(struct progress *p, uint64_t done)
{
	uint64_t now;

	if (!p->on || p->calls++ % CALLS != 0)
		return;
	now = clock_mono_us();
	if (now - p->begin_us >= QUIET_US && now - p->shown_us >= EVERY_US)
		show(p, done, now);
}

void
progress_clear(struct progress *p)
{
	if (p->shown_us == 0)
		return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	p->shown_us = 0;
}
