/* SPDX-License-Identifier: ISC */
/*
 * log.h - one line per event on standard error, as text or JSON; under systemd
 * one message with its fields to the journal instead.  What could harm a reader is
 * escaped here, so callers may log what strangers sent.  Of warnings and errors
 * that repeat themselves the first ones are said, and how many more there were.
 */
#ifndef MITMD_BASE_LOG_H
#define MITMD_BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* What somebody may want to find or to be told of: a MESSAGE_ID in the journal. */
enum log_event {
	LOG_PLAIN,
	LOG_READY,
	LOG_RELOADED,
	LOG_RELOAD_FAILED,
	LOG_STOPPING,
	LOG_PROCESS_DIED,
	LOG_SPOOL_BROKEN,
	LOG_SPOOL_WORKS,
	LOG_ENTRIES_LOST,
	LOG_CALL_DENIED,
	LOG_FLOW,
	LOG_FLOW_FAILED,
	LOG_EVENT_COUNT
};

void log_init(enum log_level, enum log_format);
/* Who speaks: "master", "worker 3".  Copied. */
void log_role(const char *role);
bool log_wants(enum log_level);
/* The descriptor that has to stay open besides standard error; -1: none. */
int log_fd(void);

void log_error(const char *fmt, ...) PRINTF(1, 2);
void log_warning(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_debug(const char *fmt, ...) PRINTF(1, 2);

/* In text lines the message has to say it all; these are for machines. */
struct log_field {
	const char *name;	/* in the journal MITMD_NAME */
	struct str value;	/* p NULL: left out */
	bool is_number;
};
/* limited: it counts as a repetition of the others of that event (see LOG_FLOW_FAILED). */
void log_event(enum log_level, enum log_event, bool limited, const struct log_field *,
    size_t nfields, const char *fmt, ...) PRINTF(6, 7);
/*
 * What was told of by an error or a warning is over. Said whatever log.level is, since
 * those were; and behind what was left out of them, which would deny it.
 */
void log_over(enum log_event, const char *fmt, ...) PRINTF(2, 3);
/* Once a second or so: tells of what was left out and does not go on. */
void log_settle(void);

#endif
