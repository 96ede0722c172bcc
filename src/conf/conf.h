/* SPDX-License-Identifier: ISC */
/*
 * conf.h - struct conf: THE snapshot of the configuration.  Built by
 * conf_load() in the master, never changed afterwards; a process lives its
 * whole life with one.  Names are those of the YAML file; times are in
 * milliseconds, sizes in bytes.
 * Runs in: master (load, free); read everywhere.
 */
#ifndef MITMD_CONF_CONF_H
#define MITMD_CONF_CONF_H

#include <stdio.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/hosts.h"

struct conf_listen {
	struct addr address;		/* port 0: any free one */
	struct cidr *proxy_protocol;	/* peers that send a PROXY header */
	size_t nproxy_protocol;
	unsigned line, col;		/* 0: the default */
};

enum conf_verify { CONF_VERIFY_MIRROR, CONF_VERIFY_REJECT, CONF_VERIFY_OFF };
enum conf_when_full { CONF_FULL_PASS, CONF_FULL_BLOCK };
enum conf_sandbox { CONF_SANDBOX_AUTO, CONF_SANDBOX_REQUIRED, CONF_SANDBOX_OFF };
enum conf_guard { CONF_GUARD_ON, CONF_GUARD_STRICT, CONF_GUARD_OFF };
enum conf_log_flows { CONF_FLOWS_OFF, CONF_FLOWS_ERRORS, CONF_FLOWS_ALL };

/* Where something stands in the file; line 0: nowhere, it is the default. */
struct conf_place {
	unsigned line, col;
};

struct conf_strings {
	char **v;
	unsigned *line;		/* where each stands in the file */
	size_t n;
};

struct conf_ca {
	char *dir;
	bool key_rsa;			/* key_type: rsa */
	struct conf_strings permit;
	bool origin_allow;		/* origin: allow */
	char *crl_url;
};

struct conf_origin {
	enum conf_verify verify;
	struct hosts *verify_hosts;	/* with a verify of their own: */
	enum conf_verify *verify_of;	/* ... by index */
	struct hosts *strict;		/* hosts; true is ["*"], false is [] */
	struct conf_strings ca;		/* files and hashed directories */
	bool sniff;
};

/* One row of `certs`. */
struct conf_cert {
	char *name;			/* exact, "*.example.com" or "*"; lower case */
	char *file;
	unsigned line, col;
};

struct conf_tls {
	int client_min, origin_min;	/* TLS1_2_VERSION, TLS1_3_VERSION (0x0303, 0x0304) */
};

struct conf_spool {
	char *dir;
	uint64_t rotate_size, rotate_age_ms, rotate_idle_ms;
	uint64_t keep_size, keep_age_ms, min_free;	/* 0: off */
	enum conf_when_full when_full;
};

struct conf_capture {
	uint64_t max_body;
};

struct conf_access {
	struct cidr *allow;
	size_t nallow;
	enum conf_guard guard;
};

struct conf_limits {
	unsigned connections, connections_per_client;
	uint64_t header_size;
	unsigned header_count;
};

struct conf_timeouts {
	uint64_t header_ms, handshake_ms, connect_ms, idle_ms, sniff_ms;
};

struct conf_log {
	enum log_level level;
	enum log_format format;
	enum conf_log_flows flows;
};

struct conf {
	char *file;			/* NULL: no file, the defaults serve */
	struct conf_place *places;	/* by row of the option table: of its value */
	struct conf_listen *listen;
	size_t nlisten;
	unsigned workers;		/* "auto" is resolved */
	char *control;			/* NULL: off */
	char *user;
	char *instance;
	uint64_t drain_timeout_ms, drain_idle_ms, stop_timeout_ms;
	enum conf_sandbox sandbox;
	struct conf_ca ca;
	uint64_t leaf_lifetime_ms;
	struct conf_cert *certs;
	size_t ncerts;
	char *client_certs;		/* NULL: none; a file or a directory */
	bool request_client_cert;
	char *client_ca;		/* NULL: none */
	struct hosts *ignore_hosts, *allow_hosts;	/* allow_hosts empty: all */
	uint64_t bypass_pinned_ms;	/* 0: off */
	struct conf_origin origin;
	struct conf_tls tls;
	struct hosts *http_relaxed;
	struct conf_spool spool;
	struct conf_capture capture;
	struct conf_access access;
	char *portal_host;
	struct conf_limits limits;
	struct conf_timeouts timeouts;
	struct conf_log log;
};

/*
 * Load FILE (NULL: SYSCONFDIR/mitmd.yaml if it is there, else the defaults) and
 * check everything that can be checked without touching the world. NULL with
 * "FILE:LINE:COL: key 'x': ..." in *err. Creates nothing. Relative paths in the
 * file start from the directory it is in; those in struct conf are absolute.
 */
struct conf *conf_load(const char *file, struct errmsg *err) NONNULL(2);
/* The same from memory, for tests and fuzzers; name stands for FILE in errors. */
struct conf *conf_load_text(const char *name, struct str text, struct errmsg *err)
    NONNULL(1, 3);
void conf_free(struct conf **);
/* The way to those directories that the file does not name: levels above, not themselves. */
int conf_make_dirs(const struct conf *, struct errmsg *) NONNULL(1, 2) MUSTCHECK;
/* Where the value of a key stands: "origin.verify". */
struct conf_place conf_place(const struct conf *, const char *key) NONNULL(1, 2);
/* Puts the line that decided in front of what went wrong with it; always -1. */
int conf_blame(const struct conf *, const char *key, struct conf_place, struct errmsg *)
    NONNULL(1, 2, 4);
/* The effective configuration as YAML that conf_load() takes again (-T). */
void conf_dump(const struct conf *, FILE *out) NONNULL(1, 2);

#endif
