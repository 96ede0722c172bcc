/* SPDX-License-Identifier: ISC */
/* kind.c - see kind.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "har/kind.h"

struct known {
	struct str key;
	const char *kind;
};

#define KNOWN(k, v) {{"" k, sizeof(k) - 1}, v}

/* Sec-Fetch-Dest (Fetch Metadata 2.1) says what the browser wanted it for. */
static const struct known dests[] = {
	KNOWN("document", "document"),
	KNOWN("iframe", "document"),
	KNOWN("frame", "document"),
	KNOWN("script", "script"),
	KNOWN("worker", "script"),
	KNOWN("sharedworker", "script"),
	KNOWN("serviceworker", "script"),
	KNOWN("style", "stylesheet"),
	KNOWN("image", "image"),
	KNOWN("font", "font"),
	KNOWN("audio", "media"),
	KNOWN("video", "media"),
	KNOWN("track", "media"),
	KNOWN("websocket", "websocket"),
};

/* Prefixes of media types. */
static const struct known types[] = {
	KNOWN("text/html", "document"),
	KNOWN("application/xhtml", "document"),
	KNOWN("text/css", "stylesheet"),
	KNOWN("text/javascript", "script"),
	KNOWN("application/javascript", "script"),
	KNOWN("application/x-javascript", "script"),
	KNOWN("text/event-stream", "eventsource"),
	KNOWN("image/", "image"),
	KNOWN("font/", "font"),
	KNOWN("application/font", "font"),
	KNOWN("application/x-font", "font"),
	KNOWN("audio/", "media"),
	KNOWN("video/", "media"),
};

static const char *
by_dest(const struct message *request)
{
	const struct fields *f = &request->fields;
	const struct field *dest = fields_find_name(f, STR("sec-fetch-dest"));
	size_t i;

	if (fields_find_name(f, STR("x-requested-with")) != NULL)
		return "xhr";
	if (dest == NULL)
		return NULL;
	for (i = 0; i < NELEM(dests); i++)
		if (str_ieq(fields_value(f, dest), dests[i].key))
			return dests[i].kind;
	return str_ieq(fields_value(f, dest), STR("empty")) ? "fetch" : "other";
}

static const char *
by_type(const struct message *response)
{
	struct str type = fields_get(&response->fields, FIELD_CONTENT_TYPE);
	size_t i;

	for (i = 0; i < NELEM(types); i++)
		if (str_istarts(type, types[i].key))
			return types[i].kind;
	return NULL;
}

const char *
kind_of(const struct message *request, const struct message *response, struct str url)
{
	const char *dest = by_dest(request), *type = NULL;

	if (str_starts(url, STR("ws://")) || str_starts(url, STR("wss://")))
		return "websocket";
	if (response != NULL)
		type = by_type(response);
	/* A browser fetches an event stream with Sec-Fetch-Dest: empty. */
	if (type != NULL && str_eq(str_z(type), STR("eventsource")))
		return type;
	if (dest != NULL)
		return dest;
	return type != NULL ? type : "other";
}
