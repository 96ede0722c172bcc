/* SPDX-License-Identifier: ISC */
/*
 * log.c - see log.h.  Runs in: every process.
 * A line is written with one write(2), so that lines of several processes
 * never mix.
 */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/fd.h"
#include "base/journal.h"
#include "base/repeats.h"

#define LINE_MAX_BYTES 2048
#define ESCAPED_MAX (LINE_MAX_BYTES * 2)

/* Many different ones are of use; of the others, one says it. */
static const struct rate flow_rate = {.burst = 20, .per_second = 5};
static const struct rate other_rate = {.burst = 10, .per_second = 0.2};

static struct {
	_Atomic enum log_level level;	/* a reload changes both while threads log */
	_Atomic enum log_format format;
	bool under_journal;	/* standard error leads there */
	bool dated;		/* nobody else dates the lines, and they are kept */
	bool asked;		/* which of both it is */
	int journal_fd;		/* -1: only through standard error */
	char role[32];
	pthread_mutex_t mutex;	/* guards repeats: some roles have a thread beside the loop */
	struct repeats repeats;
} log_state = {.level = LOG_LEVEL_INFO, .journal_fd = -1, .role = "mitmd",
    .mutex = PTHREAD_MUTEX_INITIALIZER};

struct line {
	enum log_level level;
	enum log_event event;
	const struct log_field *fields;
	size_t nfields;
	const char *text;
};

static const struct {
	const char *name;
	int priority;	/* syslog(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

/* As mitmd(8) lists them: they never change. */
static const struct {
	const char *name, *id;
} events[LOG_EVENT_COUNT] = {
    [LOG_READY] = {"ready", "cde24e2373b2456b81bc3ea68c94d762"},
    [LOG_RELOADED] = {"reloaded", "d910abedb5cd438985a0614586378491"},
    [LOG_RELOAD_FAILED] = {"reload_failed", "9ce1a306260748e1b00145bc76875d19"},
    [LOG_STOPPING] = {"stopping", "b25d3ba5c56e4017875f8c9549f726e9"},
    [LOG_PROCESS_DIED] = {"process_died", "1749cf6504b04c09a9bd1fdcfdc00369"},
    [LOG_SPOOL_BROKEN] = {"spool_broken", "a5a3ea4d1ba540cda769c67197c56c5c"},
    [LOG_SPOOL_WORKS] = {"spool_works", "e2e079773c784d7e80509ca08db84d85"},
    [LOG_ENTRIES_LOST] = {"entries_lost", "bcb5234d42484ac98b8fbfe0feb5dddf"},
    [LOG_CALL_DENIED] = {"call_denied", "9f43649afa0c4a1b8d3b30e6cc4c2ea1"},
    [LOG_FLOW] = {"flow", "087455c466a74787b2d671c6f8e6665c"},
    [LOG_FLOW_FAILED] = {"flow_failed", "6f7dd691e65c4f90b7fa70a6fcd49e65"},
};

/* ---- where it goes ---- */

static void
look_around(void)
{
	if (log_state.asked)
		return;
	log_state.asked = true;
	log_state.under_journal = journal_is(STDERR_FILENO, getenv("JOURNAL_STREAM"));
	if (log_state.under_journal)
		log_state.journal_fd = journal_open(JOURNAL_SOCKET);
	log_state.dated = !log_state.under_journal && isatty(STDERR_FILENO) == 0;
}

void
log_init(enum log_level level, enum log_format format)
{
	log_state.level = level;
	log_state.format = format;
	look_around();
}

void
log_role(const char *role)
{
	(void)snprintf(log_state.role, sizeof(log_state.role), "%s", role);
	/* A child begins with what its parent left out. */
	log_state.repeats = (struct repeats){0};
}

bool
log_wants(enum log_level level)
{
	return level <= log_state.level;
}

int
log_fd(void)
{
	return log_state.journal_fd;
}

/* ---- three ways to write a line ---- */

static void
put_escaped(struct buf *out, struct str s, enum escape_as as)
{
	char text[ESCAPED_MAX];

	buf_put(out, text, escape(text, sizeof(text), s, as));
}

static void
put_json(struct buf *out, const struct line *l)
{
	char when[CLOCK_ISO_SIZE];
	size_t i;

	clock_iso(clock_wall_us(), when);
	buf_printf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"role\":\"%s\",\"pid\":%ld,"
	    "\"message\":\"", when, levels[l->level].name, log_state.role, (long)getpid());
	put_escaped(out, str_z(l->text), ESCAPE_JSON);
	buf_putc(out, '"');
	if (events[l->event].name != NULL)
		buf_printf(out, ",\"event\":\"%s\"", events[l->event].name);
	for (i = 0; i < l->nfields; i++) {
		const struct log_field *f = &l->fields[i];

		if (f->value.p == NULL)
			continue;
		buf_printf(out, ",\"%s\":%s", f->name, f->is_number ? "" : "\"");
		put_escaped(out, f->value, ESCAPE_JSON);
		if (!f->is_number)
			buf_putc(out, '"');
	}
	buf_putz(out, "}\n");
}

static void
put_text(struct buf *out, const struct line *l)
{
	bool plain = l->level == LOG_LEVEL_INFO;
	char when[CLOCK_ISO_SIZE];

	if (log_state.under_journal) {
		buf_printf(out, "<%d>%s: ", levels[l->level].priority, log_state.role);
	} else {
		clock_iso(clock_wall_us(), when);
		buf_printf(out, "%s%smitmd: %s: %s%s", log_state.dated ? when : "",
		    log_state.dated ? " " : "", log_state.role,
		    plain ? "" : levels[l->level].name, plain ? "" : ": ");
	}
	put_escaped(out, str_z(l->text), ESCAPE_TEXT);
	buf_putc(out, '\n');
}

/* Fields have the bytes as they came: journalctl escapes what it shows. */
static void
put_journal_field(struct buf *out, const struct log_field *f)
{
	char name[64];
	size_t i;

	(void)snprintf(name, sizeof(name), "MITMD_%s", f->name);
	for (i = 6; name[i] != '\0'; i++)
		if (name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
	journal_put(out, name, f->value);
}

static bool
to_journal(struct buf *out, const struct line *l)
{
	char text[ESCAPED_MAX], number[16];
	size_t i;

	(void)snprintf(number, sizeof(number), "%d", levels[l->level].priority);
	(void)snprintf(text, sizeof(text), "%s: ", log_state.role);
	i = strlen(text);
	(void)escape(text + i, sizeof(text) - i, str_z(l->text), ESCAPE_TEXT);
	journal_put(out, "MESSAGE", str_z(text));
	journal_put(out, "PRIORITY", str_z(number));
	journal_put(out, "SYSLOG_IDENTIFIER", STR("mitmd"));
	journal_put(out, "MITMD_ROLE", str_z(log_state.role));
	if (strncmp(log_state.role, "worker ", 7) == 0)
		journal_put(out, "MITMD_WORKER", str_z(log_state.role + 7));
	if (events[l->event].id != NULL)
		journal_put(out, "MESSAGE_ID", str_z(events[l->event].id));
	for (i = 0; i < l->nfields; i++)
		if (l->fields[i].value.p != NULL)
			put_journal_field(out, &l->fields[i]);
	return journal_send(log_state.journal_fd, out);
}

static void
say(const struct line *l)
{
	struct buf out = {0};

	if (log_state.format == LOG_FORMAT_JSON) {
		put_json(&out, l);
	} else {
		if (log_state.journal_fd != -1 && to_journal(&out, l)) {
			buf_free(&out);
			return;
		}
		buf_clear(&out);
		put_text(&out, l);
	}
	(void)!write(STDERR_FILENO, buf_data(&out), out.len);
	buf_free(&out);
}

/* ---- repetitions ---- */

static void
say_left_out(const struct repeated *r, uint64_t seconds)
{
	char text[REPEATS_TEXT + 80];
	struct line l = {.level = (enum log_level)r->level, .text = text};

	(void)snprintf(text, sizeof(text), "%llu more in %llu s like: %s",
	    (unsigned long long)r->left_out, (unsigned long long)seconds, r->text);
	say(&l);
}

void
log_settle(void)
{
	(void)pthread_mutex_lock(&log_state.mutex);
	repeats_settle(&log_state.repeats, clock_mono_us(), say_left_out);
	(void)pthread_mutex_unlock(&log_state.mutex);
}

/* ---- what others call ---- */

static bool
may_say(const struct line *l, const char *fmt)
{
	bool may;

	(void)pthread_mutex_lock(&log_state.mutex);
	may = repeats_may_say(&log_state.repeats, fmt,
	    l->event == LOG_FLOW_FAILED ? flow_rate : other_rate, (int)l->level, l->text,
	    clock_mono_us(), say_left_out);
	(void)pthread_mutex_unlock(&log_state.mutex);
	return may;
}

static void PRINTF(3, 0)
log_line(struct line *l, bool limited, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	l->text = text;
	if (!limited || may_say(l, fmt))
		say(l);
	errno = saved;
}

void
log_event(enum log_level level, enum log_event event, bool limited,
    const struct log_field *fields, size_t nfields, const char *fmt, ...)
{
	struct line l = {.level = level, .event = event, .fields = fields, .nfields = nfields};
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	log_line(&l, limited, fmt, ap);
	va_end(ap);
}

void
log_over(enum log_event event, const char *fmt, ...)
{
	struct line l = {.level = LOG_LEVEL_INFO, .event = event};
	va_list ap;

	(void)pthread_mutex_lock(&log_state.mutex);
	repeats_tell(&log_state.repeats, clock_mono_us(), say_left_out);
	(void)pthread_mutex_unlock(&log_state.mutex);
	va_start(ap, fmt);
	log_line(&l, false, fmt, ap);
	va_end(ap);
}

#define LOG_FUNCTION(name, which)                                                         \
	void name(const char *fmt, ...)                                                   \
	{                                                                                 \
		struct line l = {.level = which};                                         \
		va_list ap;                                                               \
                                                                                          \
		if (!log_wants(which))                                                    \
			return;                                                           \
		va_start(ap, fmt);                                                        \
		log_line(&l, (which) <= LOG_LEVEL_WARNING, fmt, ap);                      \
		va_end(ap);                                                               \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
