/* SPDX-License-Identifier: ISC */
/*
 * journal.h - one message with its fields for systemd's journal, in its native
 * protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).  The socket is connected once, so
 * that a process that may open nothing any more can still write to it.
 */
#ifndef MITMD_BASE_JOURNAL_H
#define MITMD_BASE_JOURNAL_H

#include "base/buf.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* -1: there is no journal there. */
int journal_open(const char *path) NONNULL(1);
/* $JOURNAL_STREAM says that this descriptor leads to the journal (systemd.exec(5)). */
bool journal_is(int fd, const char *journal_stream);
/* name: A-Z, digits and _; the value may have any bytes. */
void journal_put(struct buf *, const char *name, struct str value) NONNULL(1, 2);
/* What was put; false: not taken. */
bool journal_send(int fd, const struct buf *) NONNULL(2) MUSTCHECK;

#endif
