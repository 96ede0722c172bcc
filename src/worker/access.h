/* SPDX-License-Identifier: ISC */
/*
 * access.h - who may use the proxy, under which tag, and which addresses may be
 * reached through it.
 * Runs in: worker, tests.
 */
#ifndef MITMD_WORKER_ACCESS_H
#define MITMD_WORKER_ACCESS_H

#include "base/addr.h"
#include "http/message.h"
#include "worker/capture.h"

struct access;
struct conf;
struct counters;
struct proc_listener;

struct access *access_new(const struct conf *, const struct proc_listener *, size_t nlisteners);
void access_free(struct access **);

/* NULL, or why this client may not use the proxy at all. */
const char *access_client(const struct access *, const struct addr *client);
/* It is one of the proxy's own listeners, by whatever address of this host. */
bool access_is_listener(const struct access *, const struct addr *);
/* NULL, or why nothing may be connected there for that client. */
const char *access_destination(const struct access *, const struct addr *client,
    const struct addr *destination);
/*
 * The tag of a request: the user name of its Proxy-Authorization, else the
 * client's address. NULL, or why the credentials are refused (407).
 */
const char *access_tag(const struct message *, const struct addr *client,
    char out[TAG_MAX + 1]);
bool access_tag_ok(struct str);
/* "192.0.2.1", "2001-db8--1" */
void access_tag_of_address(const struct addr *, char out[TAG_MAX + 1]);

/* Count what the workers of all slots have; else only our own is known. */
void access_share(struct access *, struct counters *all, unsigned slot) NONNULL(1, 2);
/* Connections of one client, in all workers; false: it has too many. */
bool access_enter(struct access *, const struct addr *client);
void access_leave(struct access *, const struct addr *client);

#endif
