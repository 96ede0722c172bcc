/* SPDX-License-Identifier: ISC */
/*
 * har_stats.h - what mitmctl har stats has counted, for har_stats_show.c.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_HAR_STATS_H
#define MITMD_CTL_HAR_STATS_H

#include "ctl/tally.h"

#define STATS_TOP 10
#define STATS_TEXT_MAX 2048	/* bytes of a URL */

enum { STATS_HOSTS, STATS_TAGS, STATS_STATUS, STATS_TYPES, STATS_ERRORS, STATS_TALLIES };

struct stats_top {
	int64_t value;		/* microseconds, or bytes; 0: nothing is here */
	char *file;
	uint64_t number;
	int64_t status;
	char *method, *url;
};

struct stats {
	uint64_t files, entries, failed, tunnels, websockets, sent, received;
	int64_t first_us, last_us;	/* last_us -1: no entry has a date */
	struct spread *time, *wait;
	struct tally *tallies[STATS_TALLIES];
	struct stats_top slowest[STATS_TOP], biggest[STATS_TOP];
};

void stats_show_text(const struct stats *) NONNULL(1);
void stats_show_json(const struct stats *) NONNULL(1);
/* All in one table, whose rows say in the first cell what they are of. */
void stats_show_tsv(const struct stats *) NONNULL(1);

#endif
