/* SPDX-License-Identifier: ISC */
/*
 * shelf.h - certificates with their keys from files of the operator: those shown
 * to clients instead of ours (`certs`) and those shown to origins that ask for
 * one (`client_certs`).  Read completely by the master, used by workers who
 * could not open the files; immutable once loaded.
 * Runs in: master (load), worker (use, by copy on write), mitmctl (names), tests.
 */
#ifndef MITMD_TLS_SHELF_H
#define MITMD_TLS_SHELF_H

#include "base/err.h"
#include "tls/client.h"

/*
 * PEM: key, certificate, chain, in any order; the certificate that the key
 * belongs to is shown, the others follow as they stand.  NULL with a sentence
 * that helps: encrypted, no key, no certificate of that key, too large, expired
 * is no reason (tell by tls_pair_left()).
 */
struct tls_leaf *tls_pair_load(const char *path, struct errmsg *) NONNULL(1, 2);
/* Seconds until the certificate, or an earlier one of its chain, ends; negative: it has. */
int64_t tls_pair_left(const struct tls_leaf *, int64_t now) NONNULL(1);

/*
 * -1 with a sentence: origins are never shown it, since OpenSSL takes no such keys
 * and signatures at level 2, and each handshake that asks for it would fail.
 */
int tls_pair_check(const struct tls_leaf *, const char *path, struct errmsg *)
    NONNULL(1, 2, 3) MUSTCHECK;

struct shelf;

struct shelf *shelf_new(void);
void shelf_free(struct shelf **);
/* name: "www.example.com", "*.example.com" (any depth below) or "*". The leaf is taken. */
void shelf_add(struct shelf *, struct str name, struct tls_leaf *) NONNULL(1, 3);
/*
 * A file serves all hosts; a directory has HOST.pem, *.example.com.pem and
 * default.pem; files of other names are ignored.  NULL with a sentence.
 */
struct shelf *shelf_load(const char *path, struct errmsg *) NONNULL(1, 2);
/* The same without opening the files: places have no leaf. */
struct shelf *shelf_names(const char *path, struct errmsg *) NONNULL(1, 2);
size_t shelf_count(const struct shelf *);	/* NULL has none */
struct tls_leaf *shelf_leaf(const struct shelf *, size_t i) NONNULL(1);	/* borrowed */
struct str shelf_name(const struct shelf *, size_t i) NONNULL(1);
/* Where it was read from; NULL: shelf_add() brought it. */
const char *shelf_file(const struct shelf *, size_t i) NONNULL(1);
/* How many files of the directory say no host by their name, and one of them. */
size_t shelf_ignored(const struct shelf *, const char **out_first) NONNULL(1, 2);
/* Index of the best one: exact, then the longest wildcard, then "*"; -1: none. NULL is fine. */
int shelf_find(const struct shelf *, struct str host);

#endif
