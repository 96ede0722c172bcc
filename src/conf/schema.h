/* SPDX-License-Identifier: ISC */
/*
 * schema.h - the option table: one row per key.  It feeds the parser, the
 * defaults, the dump, conf/mitmd.yaml.example and mitmd.yaml(5).
 * Runs in: master.
 */
#ifndef MITMD_CONF_SCHEMA_H
#define MITMD_CONF_SCHEMA_H

#include "base/buf.h"
#include "base/str.h"

enum opt_type {
	OPT_BOOL,
	OPT_INT,
	OPT_SIZE,
	OPT_TIME,
	OPT_WORD,	/* only what is in words */
	OPT_NAME,	/* of the characters in chars, at most max of them */
	OPT_TEXT,
	OPT_PATH,
	OPT_ADDRESS,	/* one entry of OPT_LISTEN */
	OPT_MAP,	/* mappings from here on: names to values */
	OPT_HOST_WORDS,	/* host patterns to what is in words */
	OPT_NAME_PATHS,	/* host names to files */
	OPT_LIST,	/* lists from here on; one scalar is a list of one */
	OPT_TEXTS,
	OPT_LIMITS,	/* what a CA can be limited to */
	OPT_PATHS,
	OPT_CIDRS,
	OPT_HOSTS,
	OPT_LISTEN,
};

struct opt_word {
	const char *name;	/* NULL ends the list */
	uint64_t value;
	bool later;		/* not supported yet */
};

struct opt {
	const char *path;	/* "limits.header_size"; "listen[].address" in a list's entry */
	enum opt_type type;
	bool later;		/* not supported yet: only the default is taken */
	size_t offset, size;	/* in struct conf; size 0: it has no place there */
	/*
	 * Offset of the number of entries of OPT_CIDRS, OPT_LISTEN, OPT_NAME_PATHS;
	 * of the words of OPT_HOST_WORDS.
	 */
	size_t count;
	uint64_t min, max;
	const struct opt_word *words;	/* beside what the type takes */
	const char *chars;
	const char *fallback;	/* the default as YAML, not quoted */
	const char *example;	/* YAML for the documentation, or NULL */
	const char *doc;
};

/* SIZE_MAX is no row. */
size_t schema_count(void);
const struct opt *schema_row(size_t i);
size_t schema_find(struct str path);
/* The first row of "NAME.": a section is the number of its first row. */
size_t schema_section(struct str name);
/* "ca" of "ca.dir"; nothing for a row of the top level. */
struct str schema_section_of(const struct opt *) NONNULL(1);
/* "listen[].address": inside a list, without a default of its own. */
bool schema_in_entry(const struct opt *) NONNULL(1);
/* "" is a value of it, which stands for nothing. */
bool schema_may_be_empty(const struct opt *) NONNULL(1);
/* "a size from 4K to 1M", "auto or a whole number from 1 to 256". */
void schema_put_kind(struct buf *, const struct opt *) NONNULL(1, 2);
/* The number that the text stands for, in range; false with *out_later set or not. */
bool schema_number(const struct opt *, struct str text, uint64_t *out, bool *out_later)
    NONNULL(1, 3, 4) MUSTCHECK;
/* The way back; quoted where YAML readers would take it for something else. */
void schema_put_number(struct buf *, const struct opt *, uint64_t v) NONNULL(1, 2);
/* How far it is from what may have been meant; SCHEMA_NO_SLIP: too far. 0 is the same. */
#define SCHEMA_NO_SLIP UINT32_MAX
unsigned schema_slip(struct str text, struct str candidate);
/*
 * What an unknown key may have been meant to be: ": did you mean 'x'?" and the
 * like, or nothing. prefix is "", "ca." or "listen[].".
 */
void schema_put_hint(struct buf *, struct str prefix, struct str key) NONNULL(1);

#endif
