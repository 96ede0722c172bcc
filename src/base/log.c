/* SPDX-License-Identifier: ISC */
/*
 * log.c - see log.h.  Runs in: every process.
 * A line is written with one write(2), so that lines of several processes
 * never mix.
 */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 2048

static struct {
	enum log_level level;
	enum log_format format;
	bool journal;
	char role[32];
} log_state = {.level = LOG_LEVEL_INFO, .role = "mitmd"};

static const struct {
	const char *name;
	int priority;	/* syslog(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

void
log_init(enum log_level level, enum log_format format)
{
	log_state.level = level;
	log_state.format = format;
	log_state.journal = getenv("JOURNAL_STREAM") != NULL;
}

void
log_role(const char *role)
{
	(void)snprintf(log_state.role, sizeof(log_state.role), "%s", role);
}

bool
log_wants(enum log_level level)
{
	return level <= log_state.level;
}

/* Escape as JSON does; in text lines the quote and the backslash stay. */
static size_t
escape(char *out, size_t size, const char *in, bool json)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *in != '\0' && n + 8 < size; in++) {
		unsigned char c = (unsigned char)*in;

		if (json && (c == '"' || c == '\\')) {
			out[n++] = '\\';
			out[n++] = (char)c;
		} else if (c >= 0x20 && c < 0x7f) {
			out[n++] = (char)c;
		} else if (json) {
			n += (size_t)sprintf(out + n, "\\u00%c%c", hex[c >> 4], hex[c & 15]);
		} else {
			n += (size_t)sprintf(out + n, "\\x%c%c", hex[c >> 4], hex[c & 15]);
		}
	}
	out[n] = '\0';
	return n;
}

static void PRINTF(2, 0)
log_line(enum log_level level, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES], escaped[LINE_MAX_BYTES * 2], line[LINE_MAX_BYTES * 3];
	bool json = log_state.format == LOG_FORMAT_JSON;
	int saved = errno, n;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	(void)escape(escaped, sizeof(escaped), text, json);
	if (json) {
		char when[CLOCK_ISO_SIZE];

		clock_iso(clock_wall_us(), when);
		n = snprintf(line, sizeof(line),
		    "{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%s\","
		    "\"message\":\"%s\"}\n",
		    when, levels[level].name, log_state.role, escaped);
	} else if (log_state.journal) {
		n = snprintf(line, sizeof(line), "<%d>%s: %s\n", levels[level].priority,
		    log_state.role, escaped);
	} else {
		n = snprintf(line, sizeof(line), "mitmd: %s: %s%s%s\n", log_state.role,
		    level == LOG_LEVEL_INFO ? "" : levels[level].name,
		    level == LOG_LEVEL_INFO ? "" : ": ", escaped);
	}
	if (n > 0)
		(void)!write(STDERR_FILENO, line, MIN((size_t)n, sizeof(line) - 1));
	errno = saved;
}

#define LOG_FUNCTION(name, level)                                                         \
	void name(const char *fmt, ...)                                                   \
	{                                                                                 \
		va_list ap;                                                               \
                                                                                          \
		if (!log_wants(level))                                                    \
			return;                                                           \
		va_start(ap, fmt);                                                        \
		log_line(level, fmt, ap);                                                 \
		va_end(ap);                                                               \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
