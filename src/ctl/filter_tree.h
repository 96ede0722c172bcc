/* SPDX-License-Identifier: ISC */
/*
 * filter_tree.h - what an expression became; shared by filter.c, which builds it, and
 * filter_match.c, which asks it.
 * Runs in: mitmctl, tests, fuzzers.
 */
#ifndef MITMD_CTL_FILTER_TREE_H
#define MITMD_CTL_FILTER_TREE_H

#include "ctl/filter.h"

enum filter_what {
	FILTER_AND, FILTER_OR, FILTER_NOT,
	FILTER_ALL, FILTER_ASSET, FILTER_ANSWERED, FILTER_UNANSWERED, FILTER_ERROR, FILTER_HTTP,
	FILTER_TUNNEL, FILTER_TLS, FILTER_WEBSOCKET, FILTER_CODE,
	FILTER_BODY, FILTER_BODY_REQUEST, FILTER_BODY_RESPONSE,
	FILTER_HEADER, FILTER_HEADER_REQUEST, FILTER_HEADER_RESPONSE,
	FILTER_TYPE, FILTER_TYPE_REQUEST, FILTER_TYPE_RESPONSE,
	FILTER_COMMENT, FILTER_DOMAIN, FILTER_DST, FILTER_METHOD, FILTER_SRC, FILTER_TAG,
	FILTER_URL
};

enum filter_argument { FILTER_ALONE, FILTER_REGEX, FILTER_STATUS };

struct filter_op {
	const char *name;
	enum filter_what what;
	enum filter_argument argument;
	const char *help;
};

struct filter_regex;

struct filter_node {
	enum filter_what what;
	int child, next;		/* first child, sibling; -1: none */
	int lo, hi;			/* FILTER_CODE */
	struct filter_regex *regex;
};

struct filter_scratch;

struct filter {
	struct filter_node *v;
	int n, room, root;
	struct filter_scratch *scratch;	/* made with the first regular expression */
};

/* Give the node its expression. false: why says what is wrong with it. */
bool filter_compile(struct filter *, int node, struct str expression, char *why, size_t n)
    NONNULL(1, 4) MUSTCHECK;

#endif
