/* SPDX-License-Identifier: ISC */
/*
 * hosts_table.h - the text of /etc/hosts, searchable.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_HOSTS_TABLE_H
#define MITMD_WORKER_HOSTS_TABLE_H

#include "base/addr.h"
#include "base/str.h"

struct hosts_table;

struct hosts_table *hosts_table_new(struct str text) MUSTCHECK;
void hosts_table_free(struct hosts_table **);
/* The addresses of a name in lower case, in the file's order; at most max. */
size_t hosts_table_find(const struct hosts_table *, const char *name, struct addr *out,
    size_t max) NONNULL(1, 2, 3);

#endif
