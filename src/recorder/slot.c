/* SPDX-License-Identifier: ISC */
/* slot.c - see slot.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/slot.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "recorder/aborted.h"

#define BAD_LOG_US 60000000

struct slot *
slot_new(unsigned no, unsigned pid, struct ring_reader *reader, int wake_fd, int spill_fd)
{
	struct slot *s = mem_new(struct slot);

	s->no = no;
	s->pid = pid;
	s->reader = reader;
	s->receipt = s->mark = s->told = ring_reader_pos(reader);
	s->wake_fd = wake_fd;
	s->spill_fd = spill_fd;
	s->spill_told = spill_fd != -1;
	return s;
}

void
slot_free(struct slot **sp)
{
	struct slot *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	ring_reader_free(&s->reader);
	open_flows_unmap(&s->open);
	fd_close(&s->wake_fd);
	fd_close(&s->spill_fd);
	free(s);
}

bool
slot_behind(const struct slot *s)
{
	return ring_reader_pos(s->reader) != s->receipt || s->aborted != s->aborted_receipt;
}

void
slot_rewind(struct slot *s)
{
	ring_rewind(s->reader);
	s->aborted = s->aborted_receipt;
	s->bad_read = 0;
	s->ready = !s->broken || s->ended;
}

void
slot_bad(struct slot *s)
{
	s->bad_read++;
}

uint64_t
slot_taken(struct slot *s, uint64_t pos)
{
	uint64_t bad = s->bad_read;
	bool first = s->bad == 0;

	s->receipt = pos;
	s->bad += bad;
	s->bad_read = 0;
	if (bad > 0 && (first || clock_mono_us() - s->bad_logged_us > BAD_LOG_US))
		slot_log_bad(s);
	return bad;
}

void
slot_log_bad(struct slot *s)
{
	if (s->bad > s->bad_logged)
		log_warning("worker %u (slot %u) handed over %llu entries that are not one "
		    "JSON object on one line; they are dropped", s->pid, s->no,
		    (unsigned long long)(s->bad - s->bad_logged));
	s->bad_logged = s->bad;
	s->bad_logged_us = clock_mono_us();
}

void
slot_log_lost(const struct slot *s)
{
	if (s->nlost > 0)
		log_warning("worker %u ended in the middle of %u flows: they are recorded as "
		    "'" ABORTED_ERROR "'", s->pid, s->nlost);
}

void
slot_give_up(struct slot *s)
{
	log_error("the ring of worker %u (slot %u) is broken: it records nothing more", s->pid,
	    s->no);
	s->broken = true;
	s->ready = s->ended;	/* for what its worker was in the middle of */
}
