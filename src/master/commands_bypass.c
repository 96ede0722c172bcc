/* SPDX-License-Identifier: ISC */
/*
 * commands_bypass.c - bypass list, add and remove: the hosts that clients reach
 * untouched.
 * Runs in: master.
 */
#include "config.h"

#include "master/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "master/pinning.h"
#include "master/state.h"

#define BYPASS_SECONDS_MAX (366 * 86400)

/* HOST or HOST:PORT, an IPv6 address with or without brackets. */
static bool
read_host(struct control_call *call, const char *word, struct host_port *out)
{
	struct str s = str_z(word), inner = s;
	const char *why = NULL;

	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		inner = str_sub(s, 1, s.n - 2);
	if (target_parse_host(inner, out) == 0) {
		out->port = 0;
		return true;
	}
	if (str_chr(s, '*') < 0 && target_parse_authority(s, 0, out, &why) == 0)
		return true;
	if (str_chr(s, ':') < 0)
		why = "it is no host name";
	if (str_chr(s, '*') >= 0)
		why = "a bypass is for one host; patterns go into ignore_hosts";
	control_fail(call, "usage", "'%s' is no HOST[:PORT]: %s", word, why);
	return false;
}

void
commands_bypass_list(void *arg, struct control_call *call, int nwords UNUSED, char **words UNUSED)
{
	struct master *m = arg;
	const struct trust_bypass *all = pinning_bypasses(m->pinning);
	int64_t now = master_seconds();
	unsigned i;

	control_row(call, "host", "port", "client", "source", "until", "seconds_left", NULL);
	for (i = 0; i < TRUST_BYPASSES; i++) {
		const struct trust_bypass *b = &all[i];
		char until[CLOCK_ISO_SIZE], left[24], port[8];

		if (b->until <= now)
			continue;
		clock_iso((uint64_t)b->until * 1000000, until);
		(void)snprintf(left, sizeof(left), "%lld", (long long)(b->until - now));
		(void)snprintf(port, sizeof(port), "%u", b->port);
		control_row(call, b->host, b->port != 0 ? port : "", b->who,
		    b->by_hand ? "manual" : "learnt", until, left, NULL);
	}
}

struct add {
	struct host_port host;
	struct addr client;	/* len 0: not by address */
	struct str tag;		/* empty: not by tag, either */
	uint64_t seconds;
};

static bool
read_add(struct control_call *call, int nwords, char **words, struct add *add)
{
	int i;

	if (nwords == 0) {
		control_fail(call, "usage", "which HOST[:PORT]?");
		return false;
	}
	if (!read_host(call, words[0], &add->host))
		return false;
	for (i = 1; i < nwords; i++) {
		struct str word = str_z(words[i]);

		if (str_starts(word, STR("for=")) &&
		    str_u64(str_from(word, 4), BYPASS_SECONDS_MAX, &add->seconds) &&
		    add->seconds > 0)
			continue;
		if (str_starts(word, STR("client=")) &&
		    addr_parse_ip(str_from(word, 7), 0, &add->client))
			continue;
		if (str_starts(word, STR("client=")) && ring_tag_ok(str_from(word, 7))) {
			add->tag = str_from(word, 7);
			continue;
		}
		control_fail(call, "usage", "'%s' is not understood: for=SECONDS up to a year, "
		    "client=ADDRESS or client=TAG", words[i]);
		return false;
	}
	return true;
}

void
commands_bypass_add(void *arg, struct control_call *call, int nwords, char **words)
{
	struct master *m = arg;
	struct add add = {.seconds = 86400};
	int64_t now = master_seconds();
	char client[80] = "all clients", until[CLOCK_ISO_SIZE];
	struct errmsg err;

	if (!read_add(call, nwords, words, &add))
		return;
	if (pinning_add(m->pinning, &add.host, add.client.len > 0 ? &add.client : NULL,
	    add.tag, now + (int64_t)add.seconds, now, &err) == -1) {
		control_fail(call, "failed", "%s", err.text);
		return;
	}
	if (add.client.len > 0)
		(void)addr_ip_text(&add.client, client);
	else if (add.tag.n > 0)
		(void)snprintf(client, sizeof(client), "clients with tag %.*s",
		    STR_ARG(add.tag));
	clock_iso((uint64_t)(now + (int64_t)add.seconds) * 1000000, until);
	log_info("control: uid %u lets %s reach %s untouched until %s",
	    (unsigned)control_uid(call), client, words[0], until);
}

void
commands_bypass_remove(void *arg, struct control_call *call, int nwords, char **words)
{
	struct master *m = arg;
	bool all = nwords == 1 && strcmp(words[0], "all") == 0;
	struct host_port host;
	char text[16];
	unsigned n;

	if (nwords != 1) {
		control_fail(call, "usage", "one HOST[:PORT], or all");
		return;
	}
	if (!all && !read_host(call, words[0], &host))
		return;
	n = pinning_remove(m->pinning, all ? NULL : &host, master_seconds());
	if (n == 0 && !all) {
		control_fail(call, "failed", "there is no bypass for %s", words[0]);
		return;
	}
	log_info("control: uid %u removed %u bypasses", (unsigned)control_uid(call), n);
	(void)snprintf(text, sizeof(text), "%u", n);
	control_row(call, "removed", NULL);
	control_row(call, text, NULL);
}
