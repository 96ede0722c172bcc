/* SPDX-License-Identifier: ISC */
/*
 * conns_list.h - the answer to MSG_LIST: the client connections that are open, some
 * in each turn of the loop, so that ten thousand of them delay nobody.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_CONNS_LIST_H
#define MITMD_WORKER_CONNS_LIST_H

#include "base/str.h"

struct conns_list;
struct worker;

struct conns_list *conns_list_new(struct worker *);
void conns_list_free(struct conns_list **);
/* -1: malformed. */
int conns_list_asked(struct conns_list *, struct str body) MUSTCHECK;

#endif
