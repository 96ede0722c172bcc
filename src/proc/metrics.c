/* SPDX-License-Identifier: ISC */
/* metrics.c - see metrics.h.  Runs in: every role, tests. */
#include "config.h"

#include "proc/metrics.h"

#include <stddef.h>

#include "proc/counters.h"

#define LABELS_MAX 3
/* A family with more cells than that shows only those that were ever raised. */
#define CELLS_ALWAYS 20

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };
enum unit { PLAIN, MICROS };
enum merge { SUM, LARGEST, ROLES };

struct label {
	const char *name;
	const char *const *values;
	size_t n;
};

#define VALUE(symbol, text) text,
#define LABEL(name, shown, values)                                                        \
	static const char *const values_##name[] = {values};                              \
	static const struct label label_##name = {shown, values_##name, COUNT_##name};
#include "proc/counters.def"

struct family {
	const char *shown, *help;
	enum kind kind;
	enum unit unit;
	enum merge merge;
	size_t offset, cells;	/* in struct counters */
	const struct label *labels[LABELS_MAX];
};

#define CELL(name, type) offsetof(struct counters, name),                                 \
	sizeof(((struct counters *)0)->name) / sizeof(type)
#define BY0 {NULL}
#define BY1(a) {&label_##a}
#define BY2(a, b) {&label_##a, &label_##b}
#define BY3(a, b, c) {&label_##a, &label_##b, &label_##c}

static const struct family families[] = {
#define SHOWN_COUNTER(name, by, shown, unit, merge, help)                                 \
	{shown, help, KIND_COUNTER, unit, merge, CELL(name, uint64_t), by},
#define SHOWN_GAUGE(name, by, shown, unit, merge, help)                                   \
	{shown, help, KIND_GAUGE, unit, merge, CELL(name, uint64_t), by},
#define HISTOGRAM(name, by, shown, help)                                                  \
	{shown "_seconds", help, KIND_HISTOGRAM, MICROS, SUM,                             \
	    CELL(name, struct counter_histogram), by},
#include "proc/counters.def"
};

/* ---- sums ---- */

/* Living or not, every slot that was ever used; false: no more. */
static bool
next_slot(const struct counters *all, unsigned *slot)
{
	unsigned used = (unsigned)counter_get(&all[SLOT_MASTER].slots_used);

	if (*slot < SLOT_MASTER && *slot >= used)
		*slot = SLOT_MASTER;
	return *slot < SLOT_COUNT;
}

static uint64_t
number_at(const struct counters *c, size_t offset)
{
	return counter_get((const _Atomic uint64_t *)(const void *)
	    ((const char *)c + offset));
}

static uint64_t
merged(const struct counters *all, size_t offset, enum merge how)
{
	uint64_t all_of_them = 0, one;
	unsigned slot;

	for (slot = 0; next_slot(all, &slot); slot++) {
		one = number_at(&all[slot], offset);
		if (how != LARGEST)
			all_of_them += one;
		else if (one > all_of_them)
			all_of_them = one;
	}
	return all_of_them;
}

static uint64_t
of_role(const struct counters *all, size_t offset, enum counter_role role)
{
	uint64_t sum = 0;
	unsigned slot;

	for (slot = 0; next_slot(all, &slot); slot++)
		if (counters_role(slot) == role)
			sum += number_at(&all[slot], offset);
	return sum;
}

/* ---- text ---- */

static void
put_escaped(struct buf *out, struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case '\\':
			buf_putz(out, "\\\\");
			break;
		case '"':
			buf_putz(out, "\\\"");
			break;
		case '\n':
			buf_putz(out, "\\n");
			break;
		default:
			buf_putc(out, s.p[i]);
		}
}

static void
put_number(struct buf *out, uint64_t n, enum unit unit)
{
	if (unit == MICROS)
		buf_printf(out, " %llu.%06llu\n", (unsigned long long)(n / 1000000),
		    (unsigned long long)(n % 1000000));
	else
		buf_printf(out, " %llu\n", (unsigned long long)n);
}

/* One more label of a sample: n is how many it has already. */
static void
put_label(struct buf *out, unsigned *n, const char *name, struct str value)
{
	buf_printf(out, "%s%s=\"", (*n)++ == 0 ? "{" : ",", name);
	put_escaped(out, value);
	buf_putc(out, '"');
}

/* Those of a cell: its number counts through the values of the last label first. */
static unsigned
put_labels(struct buf *out, const struct family *f, size_t cell)
{
	size_t below = f->cells;
	unsigned i, n = 0;

	for (i = 0; i < LABELS_MAX && f->labels[i] != NULL; i++) {
		const struct label *l = f->labels[i];

		below /= l->n;
		put_label(out, &n, l->name, str_z(l->values[cell / below % l->n]));
	}
	return n;
}

static void
put_head(struct buf *out, const struct family *f, enum metrics_format format)
{
	static const char *const types[] = {
	    [KIND_COUNTER] = "counter", [KIND_GAUGE] = "gauge", [KIND_HISTOGRAM] = "histogram"};
	/* In OpenMetrics the family of a counter has no _total, its sample has. */
	const char *end = f->kind == KIND_COUNTER && format == METRICS_TEXT ? "_total" : "";

	buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", f->shown, end, f->help, f->shown,
	    end, types[f->kind]);
}

/* Of a sample without labels of its own. */
static void
put_name(struct buf *out, const struct family *f, const char *end, size_t cell)
{
	buf_printf(out, "%s%s", f->shown, end);
	if (put_labels(out, f, cell) > 0)
		buf_putc(out, '}');
}

static void
put_simple(struct buf *out, const struct counters *all, const struct family *f)
{
	const char *end = f->kind == KIND_COUNTER ? "_total" : "";
	size_t cell;

	for (cell = 0; cell < f->cells; cell++) {
		uint64_t n = merged(all, f->offset + cell * sizeof(uint64_t), f->merge);

		if (n == 0 && f->cells > CELLS_ALWAYS)
			continue;
		put_name(out, f, end, cell);
		put_number(out, n, f->unit);
	}
}

static void
put_roles(struct buf *out, const struct counters *all, const struct family *f)
{
	enum counter_role role;

	for (role = 0; role < COUNT_role; role++) {
		unsigned n = 0;

		buf_printf(out, "%s%s", f->shown, f->kind == KIND_COUNTER ? "_total" : "");
		put_label(out, &n, label_role.name, str_z(label_role.values[role]));
		buf_putc(out, '}');
		put_number(out, of_role(all, f->offset, role), f->unit);
	}
}

static void
put_histogram(struct buf *out, const struct counters *all, const struct family *f)
{
#define TEXT_OF(us, text) text,
	static const char *const ends[] = {COUNTER_BUCKETS(TEXT_OF) "+Inf"};
	size_t cell, i;

	for (cell = 0; cell < f->cells; cell++) {
		size_t at = f->offset + cell * sizeof(struct counter_histogram);
		uint64_t count = 0;
		unsigned n;

		/* The count is the buckets' sum, so that both agree while others write. */
		for (i = 0; i < COUNTER_NBUCKETS; i++) {
			count += merged(all, at + i * sizeof(uint64_t), SUM);
			buf_printf(out, "%s_bucket", f->shown);
			n = put_labels(out, f, cell);
			put_label(out, &n, "le", str_z(ends[i]));
			buf_putc(out, '}');
			put_number(out, count, PLAIN);
		}
		put_name(out, f, "_sum", cell);
		put_number(out, merged(all, at + offsetof(struct counter_histogram, sum), SUM),
		    MICROS);
		put_name(out, f, "_count", cell);
		put_number(out, count, PLAIN);
	}
}

static void
put_build(struct buf *out, enum metrics_format format, struct str openssl)
{
	unsigned n = 0;

	if (format == METRICS_OPEN)
		buf_putz(out, "# HELP mitmd_build What is running.\n"
		    "# TYPE mitmd_build info\n");
	else
		buf_putz(out, "# HELP mitmd_build_info What is running.\n"
		    "# TYPE mitmd_build_info gauge\n");
	buf_putz(out, "mitmd_build_info");
	put_label(out, &n, "version", STR(PACKAGE_VERSION));
	put_label(out, &n, "openssl", openssl);
	buf_putz(out, "} 1\n");
}

void
metrics_render(struct buf *out, const struct counters *all, enum metrics_format format,
    struct str openssl)
{
	size_t i;

	put_build(out, format, openssl);
	for (i = 0; i < NELEM(families); i++) {
		const struct family *f = &families[i];

		put_head(out, f, format);
		if (f->kind == KIND_HISTOGRAM)
			put_histogram(out, all, f);
		else if (f->merge == ROLES)
			put_roles(out, all, f);
		else
			put_simple(out, all, f);
	}
	if (format == METRICS_OPEN)
		buf_putz(out, "# EOF\n");
}

void
metrics_totals(const struct counters *all, metrics_total_fn *fn, void *arg)
{
	size_t i, cell;

	for (i = 0; i < NELEM(families); i++) {
		const struct family *f = &families[i];
		uint64_t total = 0;

		if (f->kind != KIND_COUNTER || strncmp(f->shown, "mitmd_", 6) != 0)
			continue;
		for (cell = 0; cell < f->cells; cell++)
			total += merged(all, f->offset + cell * sizeof(uint64_t), SUM);
		fn(arg, f->shown + 6, total);
	}
}

/* ---- which format ---- */

/* A parameter of an element of Accept; the name is given in lower case. */
static struct str
parameter(struct str params, struct str name)
{
	struct str part;

	while (str_split(&params, ';', &part)) {
		ssize_t eq;

		part = str_trim(part);
		eq = str_chr(part, '=');
		if (eq > 0 && str_ieq(str_sub(part, 0, (size_t)eq), name))
			return str_from(part, (size_t)eq + 1);
	}
	return STR_NONE;
}

/* RFC 9110 12.4.2: "0" and "0.000" mean: never. */
static bool
is_zero(struct str q)
{
	size_t i;

	for (i = 0; i < q.n; i++)
		if (q.p[i] != '0' && q.p[i] != '.')
			return false;
	return q.n > 0;
}

enum metrics_format
metrics_wanted(struct str accept)
{
	struct str element, type;

	while (str_list_next(&accept, &element)) {
		struct str version = parameter(element, STR("version"));

		(void)str_split(&element, ';', &type);
		if (str_ieq(str_trim(type), STR("application/openmetrics-text")) &&
		    (version.p == NULL || str_eq(version, STR("1.0.0"))) &&
		    !is_zero(parameter(element, STR("q"))))
			return METRICS_OPEN;
	}
	return METRICS_TEXT;
}

const char *
metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPEN ?
	    "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	    "text/plain; version=0.0.4; charset=utf-8";
}
