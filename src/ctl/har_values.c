/* SPDX-License-Identifier: ISC */
/* har_values.c - see har_values.h.  Runs in: mitmctl, tests, fuzzers. */
#include "config.h"

#include "ctl/har_values.h"

#include <stdlib.h>

#include "base/addr.h"
#include "base/mem.h"
#include "har/iso_date.h"

#define PAGES_MAX 4096		/* that are remembered */
#define ROUNDING_MS 5		/* seven durations, each rounded to whole milliseconds */

static void
warn(struct har_values *v, const struct har_place *at, const char *rule)
{
	har_values_tell(v, true, at, rule);
}

static void
complain(struct har_values *v, const struct har_place *at, const char *rule)
{
	har_values_tell(v, false, at, rule);
}

bool
har_value_is_whole(struct str number)
{
	size_t i;

	for (i = 0; i < number.n; i++)
		if (number.p[i] == '.' || number.p[i] == 'e' || number.p[i] == 'E')
			return false;
	return true;
}

/* ---- strings ---- */

void
har_value_date(struct har_values *v, const struct har_place *at, struct str text)
{
	int64_t us;

	if (!iso_date_parse(text, &us))
		complain(v, at, "must be a date with a time zone (2026-11-22T08:01:02.345Z)");
}

void
har_value_header_name(struct har_values *v, const struct har_place *at, struct str text)
{
	if (text.n == 0)
		warn(v, at, "is empty (har-to-k6 refuses the file)");
	else if (text.p[0] == ':')
		warn(v, at, "is a pseudo-header of HTTP/2 (who replays it may fail)");
}

void
har_value_url(struct har_values *v, const struct har_place *at, struct str text)
{
	ssize_t colon = str_chr(text, ':');
	size_t i;

	if (colon <= 0 || str_chr(text, ' ') >= 0) {
		complain(v, at, "must be an absolute URL");
		return;
	}
	if (!str_starts(str_from(text, (size_t)colon), STR("://")))
		warn(v, at, "has no host (har-to-k6 and Charles refuse the file)");
	if (str_chr(text, '#') >= 0)
		warn(v, at, "has a fragment, which is not sent");
	for (i = 0; i < text.n; i++)
		if ((uint8_t)text.p[i] >= 0x80) {
			warn(v, at, "is not ASCII (mitmproxy refuses the file)");
			return;
		}
}

/* As HTTP Toolkit has it: ^(HTTP/)?[0-9.]+$ or h3. */
void
har_value_version(struct har_values *v, const struct har_place *at, struct str text)
{
	struct str number = str_istarts(text, STR("HTTP/")) ? str_from(text, 5) : text;
	bool good = number.n > 0;
	size_t i;

	for (i = 0; i < number.n; i++)
		good = good &&
		    (number.p[i] == '.' || (number.p[i] >= '0' && number.p[i] <= '9'));
	if (!good && !str_eq(text, STR("h3")))
		warn(v, at, "is no version that all know (HTTP Toolkit refuses the file; "
		    "write HTTP/1.1 or HTTP/2)");
}

void
har_value_address(struct har_values *v, const struct har_place *at, struct str text)
{
	struct addr ip;

	if (addr_parse_ip(text, 0, &ip))
		return;
	if (text.n > 2 && text.p[0] == '[')
		warn(v, at, "has brackets (HTTP Toolkit refuses the file)");
	else
		complain(v, at, "must be an address of IPv4 or IPv6");
}

void
har_value_direction(struct har_values *v, const struct har_place *at, struct str text)
{
	if (!str_eq(text, STR("send")) && !str_eq(text, STR("receive")))
		warn(v, at, "is neither send nor receive (Chrome leaves the message out)");
}

void
har_value_initiator(struct har_values *v, const struct har_place *at, struct str text)
{
	if (str_eq(text, STR("null")))
		warn(v, at, "is null (Chrome refuses the file)");
}

void
har_value_log_version(struct har_values *v, const struct har_place *at, struct str text)
{
	if (!str_eq(text, STR("1.2")))
		warn(v, at, "is not 1.2 (Safari refuses the file)");
}

/* ---- pages ---- */

static bool
page_known(const struct har_values *v, struct str id)
{
	size_t i;

	for (i = 0; i < v->npages; i++)
		if (str_eq(v->page_ids[i], id))
			return true;
	return false;
}

void
har_value_page_id(struct har_values *v, const struct har_place *at, struct str text)
{
	if (page_known(v, text)) {
		warn(v, at, "is that of another page (har-to-k6 refuses the file)");
		return;
	}
	if (v->npages >= PAGES_MAX)
		return;
	v->page_ids = mem_grow(v->page_ids, v->npages + 1, sizeof(v->page_ids[0]));
	v->page_ids[v->npages++] = str_of(str_dup(text), text.n);
}

void
har_value_pages(struct har_values *v, const struct har_place *at, struct str text UNUSED)
{
	if (v->elements == 0)
		warn(v, at, "has no page (Safari refuses the file)");
}

/* Pages may stand behind the entries, where nothing is known of them yet. */
void
har_value_pageref(struct har_values *v, const struct har_place *at, struct str text)
{
	if (v->npages > 0 && v->npages < PAGES_MAX && !page_known(v, text))
		warn(v, at, "names no page");
}

/* ---- bodies ---- */

void
har_value_text(struct har_values *v, const struct har_place *at UNUSED, struct str text)
{
	v->text = text;
}

void
har_value_encoding(struct har_values *v, const struct har_place *at, struct str text)
{
	v->base64 = str_eq(text, STR("base64"));
	if (!v->base64 && text.n > 0)
		warn(v, at, "is not base64, the only one that all know");
}

static bool
is_base64(struct str text)
{
	static bool letter[256];
	size_t i, n = 0;
	char c;

	if (!letter['A'])
		for (i = 0; i < 64; i++)
			letter[(uint8_t)"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789+/"[i]] = true;
	for (i = 0; i < text.n; i++) {
		if (letter[(uint8_t)text.p[i]]) {
			n++;
			continue;
		}
		if (text.p[i] == '=')
			break;
		/* "\/" is a letter; line breaks are let through by readers. */
		if (text.p[i] != '\\' || ++i == text.n)
			return false;
		if (text.p[i] == '/')
			n++;
		else if (text.p[i] != 'n' && text.p[i] != 'r')
			return false;
	}
	for (; i < text.n; i++, n++) {
		c = text.p[i];
		if (c == '\\' && i + 1 < text.n &&
		    (text.p[i + 1] == 'n' || text.p[i + 1] == 'r')) {
			i++;
			n--;
		} else if (c != '=') {
			return false;
		}
	}
	return n % 4 == 0;
}

void
har_value_body(struct har_values *v, const struct har_place *at, struct str none UNUSED)
{
	struct har_place here = {.up = at, .name = STR("text"), .index = -1};

	if (v->base64 && !v->cut && !is_base64(v->text))
		complain(v, &here, "is not base64, though the encoding says so");
	v->base64 = false;
	v->text = STR_NONE;
}

/* ---- durations ---- */

static void
phase(struct har_values *v, enum har_phase which, struct str text)
{
	if (!json_read_number(text, &v->phases[which]))
		v->phases[which] = -1;
}

static void
needed_phase(struct har_values *v, enum har_phase which, const struct har_place *at,
    struct str text)
{
	phase(v, which, text);
	if (v->phases[which] < 0)
		warn(v, at, "must not be negative");
}

void
har_value_blocked(struct har_values *v, const struct har_place *at UNUSED, struct str text)
{
	phase(v, PHASE_BLOCKED, text);
}

void
har_value_dns(struct har_values *v, const struct har_place *at UNUSED, struct str text)
{
	phase(v, PHASE_DNS, text);
}

void
har_value_connect(struct har_values *v, const struct har_place *at UNUSED, struct str text)
{
	phase(v, PHASE_CONNECT, text);
}

void
har_value_ssl(struct har_values *v, const struct har_place *at UNUSED, struct str text)
{
	phase(v, PHASE_SSL, text);
}

void
har_value_send(struct har_values *v, const struct har_place *at, struct str text)
{
	needed_phase(v, PHASE_SEND, at, text);
}

void
har_value_wait(struct har_values *v, const struct har_place *at, struct str text)
{
	needed_phase(v, PHASE_WAIT, at, text);
}

void
har_value_receive(struct har_values *v, const struct har_place *at, struct str text)
{
	needed_phase(v, PHASE_RECEIVE, at, text);
}

void
har_value_time(struct har_values *v, const struct har_place *at, struct str text)
{
	if (!json_read_number(text, &v->time))
		v->time = -1;
	if (v->time < 0)
		warn(v, at, "must not be negative");
}

/* ---- an entry ---- */

void
har_values_begin(struct har_values *v, bool cut)
{
	int i;

	v->cut = cut;
	v->base64 = false;
	v->text = STR_NONE;
	v->time = -1;
	for (i = 0; i < PHASES; i++)
		v->phases[i] = -1;
}

static bool
adds_up(double time, double sum)
{
	return time - sum <= ROUNDING_MS && sum - time <= ROUNDING_MS;
}

void
har_values_end(struct har_values *v, const struct har_place *entry)
{
	struct har_place at = {.up = entry, .name = STR("timings"), .index = -1};
	struct har_place ssl = {.up = &at, .name = STR("ssl"), .index = -1};
	double sum = 0, tls = v->phases[PHASE_SSL];
	int i;

	for (i = 0; i < PHASE_SSL; i++)
		sum += v->phases[i] > 0 ? v->phases[i] : 0;
	if (tls > 0 && v->phases[PHASE_CONNECT] >= 0 && tls > v->phases[PHASE_CONNECT])
		warn(v, &ssl, "is longer than connect, whose part it is (HttpWatch refuses the "
		    "file)");
	/* Firefox counts ssl once more. */
	if (v->time >= 0 && !adds_up(v->time, sum) && !adds_up(v->time, sum + MAX(tls, 0)))
		warn(v, &at, "do not add up to the entry's time");
}

void
har_values_free(struct har_values *v)
{
	size_t i;

	for (i = 0; i < v->npages; i++)
		free((void *)(uintptr_t)v->page_ids[i].p);
	free(v->page_ids);
	v->page_ids = NULL;
	v->npages = 0;
}
