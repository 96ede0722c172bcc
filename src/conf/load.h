/* SPDX-License-Identifier: ISC */
/*
 * load.h - the steps of conf_load(), in their order.
 * Runs in: master.
 */
#ifndef MITMD_CONF_LOAD_H
#define MITMD_CONF_LOAD_H

#include "conf/conf.h"

/*
 * Read text into conf. set has schema_count() places, zeroed; it gets the line
 * of each row that the text sets.
 */
int load_text(struct conf *, const char *file, struct str text, unsigned *set,
    struct errmsg *) NONNULL(1, 2, 4, 5) MUSTCHECK;
/* Give every row that is not set its default, and "auto" its meaning. */
int defaults_apply(struct conf *, const unsigned *set, struct errmsg *)
    NONNULL(1, 2, 3) MUSTCHECK;
/* The short form of a host name, with what no file name should have replaced. */
char *defaults_instance(const char *host) NONNULL(1) MUSTCHECK;
/* What no single value can show to be wrong. file is for messages. */
int check_conf(const struct conf *, const char *file, struct errmsg *)
    NONNULL(1, 2, 3) MUSTCHECK;

#endif
