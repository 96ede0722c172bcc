/* SPDX-License-Identifier: ISC */
/* hop.c - see hop.h.  Runs in: worker, tests. */
#include "config.h"

#include "http/hop.h"

static const struct str END_TO_END[] = {
	STR("authorization"),
	STR("cache-control"),
	STR("content-encoding"),
	STR("content-length"),
	STR("content-range"),
	STR("content-type"),
	STR("cookie"),
	STR("date"),
	STR("expect"),
	STR("forwarded"),
	STR("host"),
	STR("location"),
	STR("origin"),
	STR("range"),
	STR("set-cookie"),
	STR("trailer"),
	STR("via"),
	STR("www-authenticate"),
	STR("x-forwarded-for"),
	STR("x-forwarded-host"),
	STR("x-forwarded-proto"),
};

/* Options that say something themselves, or name what is always dropped. */
static bool
is_plain_option(struct str option)
{
	return str_ieq(option, STR("close")) || str_ieq(option, STR("keep-alive")) ||
	    str_ieq(option, STR("upgrade")) || str_ieq(option, STR("te"));
}

static bool
is_end_to_end(struct str name)
{
	size_t i;

	for (i = 0; i < NELEM(END_TO_END); i++)
		if (str_ieq(END_TO_END[i], name))
			return true;
	return false;
}

bool
hop_init(struct hop *h, const struct fields *f)
{
	struct str list, option;
	unsigned options = 0;
	uint32_t i;

	h->n = 0;
	for (i = 0; i < f->n; i++) {
		if (f->v[i].id != FIELD_CONNECTION)
			continue;
		for (list = fields_value(f, &f->v[i]); str_list_next(&list, &option);) {
			if (++options > HOP_MAX)
				return false;
			if (!is_plain_option(option) && !is_end_to_end(option))
				h->name[h->n++] = option;
		}
	}
	return true;
}

static bool
is_always_dropped(enum field_id id)
{
	switch (id) {
	case FIELD_CONNECTION:
	case FIELD_PROXY_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_UPGRADE:
	case FIELD_TE:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_HTTP2_SETTINGS:
	case FIELD_PROXY_AUTHORIZATION:
	case FIELD_PROXY_AUTHENTICATE:
	case FIELD_PROXY_AUTHENTICATION_INFO:
		return true;
	default:
		return false;
	}
}

bool
hop_drops(const struct hop *h, const struct fields *f, const struct field *x)
{
	unsigned i;

	if (is_always_dropped(x->id))
		return true;
	/* Whatever else speaks to a proxy; Proxy-Status is for the client (RFC 9209 2). */
	if (x->id != FIELD_PROXY_STATUS && str_istarts(fields_name(f, x), STR("proxy-")))
		return true;
	for (i = 0; i < h->n; i++)
		if (str_ieq(h->name[i], fields_name(f, x)))
			return true;
	return false;
}

/* RFC 9110 6.5.1: what frames, routes or authorises has no place behind the content. */
bool
hop_may_trail(const struct hop *h, const struct fields *f, const struct field *x)
{
	switch (x->id) {
	case FIELD_HOST:
	case FIELD_CONTENT_LENGTH:
	case FIELD_TRAILER:
	case FIELD_EXPECT:
	case FIELD_COOKIE:
	case FIELD_SET_COOKIE:
	case FIELD_ALT_SVC:
		return false;
	default:
		return !str_ieq(fields_name(f, x), STR("authorization")) &&
		    !hop_drops(h, f, x);
	}
}
