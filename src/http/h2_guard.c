/* SPDX-License-Identifier: ISC */
/* h2_guard.c - see h2_guard.h.  Runs in: worker, tests. */
#include "config.h"

#include "http/h2_guard.h"

static const struct {
	double burst, per_second;
	const char *text;
} prices[H2_COST_COUNT] = {
	[H2_COST_RESET_IN] = {200, 20, "reset too many streams"},
	/* Less than the library stands: its limit ends the connection with another code. */
	[H2_COST_RESET_OVER] = {800, 30, "reset too many streams that were over"},
	[H2_COST_RESET_OUT] = {100, 10, "broke too many streams"},
	[H2_COST_PING] = {200, 10, "sent too many PING frames"},
	[H2_COST_SETTINGS] = {50, 1, "sent too many SETTINGS frames"},
	[H2_COST_IDLE] = {1000, 100, "sent too many frames without use"},
	/* A megabyte may be on its way when we end a stream. */
	[H2_COST_OVER] = {5000, 500, "sent too much to streams that were over"},
	/* The decoder must see all of a block, of which 16 KB can name 64 MB. */
	[H2_COST_HEAD] = {100, 10, "sent heads that were far too large"},
};

/*
 * A window is opened again long after its bytes went by, in steps as small as
 * 4 KiB for the stream and as many for the connection: content pays in advance.
 */
#define BANK 4000

static void
earn(struct h2_bucket *b, double n, double least)
{
	if (b->spent > least)
		b->spent = b->spent - n > least ? b->spent - n : least;
}

const char *
h2_guard_pay(struct h2_guard *g, enum h2_cost cost, uint64_t mono_us)
{
	struct h2_bucket *b = &g->bucket[cost];

	if (b->last_us != 0)
		earn(b, (double)(mono_us - b->last_us) / 1e6 * prices[cost].per_second, 0);
	b->last_us = mono_us;
	b->spent++;
	return b->spent > prices[cost].burst ? prices[cost].text : NULL;
}

void
h2_guard_stream_done(struct h2_guard *g)
{
	earn(&g->bucket[H2_COST_RESET_IN], 1, 0);
	earn(&g->bucket[H2_COST_RESET_OUT], 1, 0);
	earn(&g->bucket[H2_COST_IDLE], 10, 0);
}

void
h2_guard_progress(struct h2_guard *g, size_t n)
{
	/* A stream's and the connection's WINDOW_UPDATE for each frame, and one to spare. */
	earn(&g->bucket[H2_COST_IDLE], 3 + (double)n / 1024, -BANK);
	/* gRPC measures the way with a PING behind each frame. */
	earn(&g->bucket[H2_COST_PING], 1, 0);
}
