/* SPDX-License-Identifier: ISC */
/*
 * log.h - one line per event on standard error.  Every byte that is not
 * printable ASCII or valid text is escaped here, so callers may log what
 * strangers sent.  Under systemd each line starts with its priority.
 */
#ifndef MITMD_BASE_LOG_H
#define MITMD_BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

void log_init(enum log_level, enum log_format);
/* Who speaks: "master", "worker 3".  Copied. */
void log_role(const char *role);
bool log_wants(enum log_level);

void log_error(const char *fmt, ...) PRINTF(1, 2);
void log_warning(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_debug(const char *fmt, ...) PRINTF(1, 2);

#endif
