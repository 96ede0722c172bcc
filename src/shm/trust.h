/* SPDX-License-Identifier: ISC */
/*
 * trust.h - what the master has learnt of clients and our certificates: who
 * accepts them, and which hosts a client may reach untouched because it rejects
 * ours for them.  Outlives generations; workers only read, without a lock.
 * Runs in: master (create, write), worker (read).
 */
#ifndef MITMD_SHM_TRUST_H
#define MITMD_SHM_TRUST_H

#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "shm/segment.h"

#define TRUST_CLIENTS 1024	/* the longest unheard is forgotten */
#define TRUST_BYPASSES 512
#define TRUST_HOST_MAX 254

/* Client: SHA-256 of address, tag and ClientHello fingerprint. All zero: a free place. */
struct trust_client {
	uint8_t client[32];
	int64_t accepted_at;	/* seconds since 1970; 0: never */
	int64_t rejected_at;
	uint64_t accepted_host;	/* trust_host_hash() of the last host accepted for */
	int64_t accepted_other_at;	/* the last time for any other host; 0: never */
};

struct trust_bypass {
	uint8_t client[32];	/* all zero: every client; or of trust_address_id(), _tag_id() */
	char host[TRUST_HOST_MAX + 1];	/* lower case, no brackets */
	bool by_hand;		/* not learnt: made by mitmctl */
	uint16_t port;		/* 0: every port */
	int64_t until;		/* seconds since 1970; 0: the place is free */
	char who[128];		/* "192.0.2.1, tag ben", for people */
};

uint64_t trust_host_hash(struct str host, uint16_t port);
/* Stands for every client of an address; never the hash of a client. */
void trust_address_id(const struct addr *, uint8_t out[32]) NONNULL(1, 2);
/* The same for every client with a tag. */
void trust_tag_id(struct str tag, uint8_t out[32]) NONNULL(2);
/* The client took our certificate for that host. */
void trust_note_accepted(struct trust_client *, uint64_t host, int64_t now) NONNULL(1);
/* When it last took one for any host but this; 0: never. */
int64_t trust_accepted_elsewhere(const struct trust_client *, uint64_t host) NONNULL(1);

/*
 * What a rejected certificate of ours (not a mirrored bad one) says about the
 * client; of two views of it, the later one here knows more.
 */
enum trust_meaning {
	TRUST_NO_CA,		/* it accepted nothing for a day */
	TRUST_PINNED_OR_NO_CA,	/* it accepted others, but not lately */
	TRUST_PINNED,		/* it accepted others within the hour */
	TRUST_MIXED,		/* it accepted the same within the hour: more than one program */
	TRUST_CLOCK		/* it finds a fresh certificate out of date */
};
/* alert: 0 for none. NULL: a client never heard of. */
enum trust_meaning trust_means(const struct trust_client *, uint64_t host, unsigned alert,
    int64_t now);
const char *trust_meaning_text(enum trust_meaning);
/* "alert unknown_ca"; for 0 that it closed the connection. */
const char *trust_alert_text(unsigned alert);
/* 42-49: alerts that refuse a certificate (RFC 8446 6.2). */
bool trust_alert_refuses(unsigned alert);

int trust_create(struct segment *, struct errmsg *) NONNULL(1, 2);
/* In the master: publish one place of either table. */
void trust_put_client(struct segment *, unsigned place, const struct trust_client *)
    NONNULL(1, 3);
void trust_put_bypass(struct segment *, unsigned place, const struct trust_bypass *)
    NONNULL(1, 3);
/* In the master: what is there. */
const struct trust_client *trust_clients(const struct segment *) NONNULL(1);
const struct trust_bypass *trust_bypasses(const struct segment *) NONNULL(1);

struct trust_reader;
struct trust_reader *trust_reader_new(int fd, struct errmsg *) NONNULL(2);
void trust_reader_free(struct trust_reader **);
/* False: never heard of (or torn again and again: the master died writing it). */
bool trust_find_client(const struct trust_reader *, const uint8_t client[32],
    struct trust_client *out) NONNULL(1, 2, 3);
/* Costs next to nothing while there is no bypass at all. */
bool trust_is_bypassed(const struct trust_reader *, const uint8_t client[32], struct str host,
    uint16_t port, int64_t now) NONNULL(1, 2);

#endif
