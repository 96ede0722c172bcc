/* SPDX-License-Identifier: ISC */
/* message.c - see message.h.  Runs in: worker, tests. */
#include "config.h"

#include "http/message.h"

const char *
http_version_text(enum http_version v)
{
	switch (v) {
	case HTTP_VERSION_1_0:
		return "HTTP/1.0";
	case HTTP_VERSION_1_1:
		return "HTTP/1.1";
	case HTTP_VERSION_2:
		return "HTTP/2";
	case HTTP_VERSION_NONE:
		break;
	}
	return "unknown";
}

void
message_init(struct message *m)
{
	*m = (struct message){.version = HTTP_VERSION_NONE};
	fields_init(&m->fields);
	fields_init(&m->trailers);
	buf_init(&m->line, 0);
}

void
message_clear(struct message *m)
{
	struct message kept = *m;

	*m = (struct message){.version = HTTP_VERSION_NONE};
	m->fields = kept.fields;
	m->trailers = kept.trailers;
	m->line = kept.line;
	fields_clear(&m->fields);
	fields_clear(&m->trailers);
	buf_clear(&m->line);
}

size_t
message_held(const struct message *m)
{
	return fields_held(&m->fields) + fields_held(&m->trailers) + m->line.cap;
}

void
message_free(struct message *m)
{
	fields_free(&m->fields);
	fields_free(&m->trailers);
	buf_free(&m->line);
	message_init(m);
}
