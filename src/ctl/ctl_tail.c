/* SPDX-License-Identifier: ISC */
/*
 * ctl_tail.c - mitmctl tail: flows as they end, a line each.  They come from the
 * recorder; when that is started again, so is the line to it.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "ctl/control.h"
#include "ctl/filter.h"
#include "ctl/tail_line.h"
#include "ctl/term.h"

#define LINE_MAX_BYTES (16u << 20)	/* far more than the recorder sends */
#define READ_BYTES 65536
#define DEAF_MAX 5
#define TRIES 50		/* to get a new line, ... */
#define TRY_NS 200000000L	/* ... and how long between them */

struct tail {
	struct ctl ctl;
	struct filter *filter;	/* NULL: all */
	char **tags;		/* these, or all */
	int ntags;
	uint64_t limit;		/* flows to show; 0: no end */
	uint64_t shown;
	int fd;
	struct buf in, out;
	struct view view;
	bool heard;		/* something came over this connection */
	unsigned deaf;		/* connections in a row on which nothing came */
	sigset_t waiting;	/* the signals that come while we do */
	bool over;		/* nobody wants more; code says why */
	int code;
};

static volatile sig_atomic_t stopped;

static void
on_signal(int number UNUSED)
{
	stopped = 1;
}

static void
end(struct tail *t, int code)
{
	t->over = true;
	t->code = code;
}

/* ---- showing ---- */

static bool
has_tag(const struct tail *t, struct str tag)
{
	int i;

	for (i = 0; i < t->ntags; i++)
		if (str_eq(tag, str_z(t->tags[i])))
			return true;
	return t->ntags == 0;
}

static void
put_entry(struct tail *t, struct str line)
{
	if (!has_tag(t, t->view.tag) ||
	    (t->filter != NULL && !filter_match(t->filter, &t->view)))
		return;
	if (t->ctl.output == CTL_JSON) {
		buf_puts(&t->out, line);
		buf_putc(&t->out, '\n');
	} else if (t->ctl.output == CTL_TSV) {
		tail_row(&t->view, &t->out);
	} else {
		tail_line(&t->ctl, &t->view, term_width(), &t->out);
	}
	if (++t->shown == t->limit)
		end(t, CTL_OK);
}

static void
on_line(struct tail *t, struct str line)
{
	struct str skipped = STR("{\"_skipped\":");

	t->heard = true;
	if (str_starts(line, skipped)) {
		ctl_error("tail: %.*s flows are missing here: they came faster than they were "
		    "read", (int)strspn(line.p + skipped.n, "0123456789"),
		    line.p + skipped.n);
		return;
	}
	if (view_parse(&t->view, line))
		put_entry(t, line);
}

static void
write_out(struct tail *t)
{
	while (t->out.len > 0) {
		ssize_t n = write(STDOUT_FILENO, buf_data(&t->out), t->out.len);

		if (n == -1 && errno == EINTR && !stopped)
			continue;
		if (n == -1) {
			/* Who has seen enough has done nothing wrong: | head. */
			end(t, errno == EPIPE || stopped ? CTL_OK : CTL_FAILED);
			return;
		}
		buf_consume(&t->out, (size_t)n);
	}
}

static void
take_lines(struct tail *t)
{
	const char *begin, *lf;

	while (!t->over && t->in.len > 0 &&
	    (lf = memchr(begin = (const char *)buf_data(&t->in), '\n', t->in.len)) != NULL) {
		on_line(t, str_of(begin, (size_t)(lf - begin)));
		buf_consume(&t->in, (size_t)(lf - begin) + 1);
	}
	write_out(t);
}

/* ---- the line to the recorder ---- */

static void
pause_shortly(const struct tail *t)
{
	struct timespec ts = {.tv_nsec = TRY_NS};

	(void)ppoll(NULL, 0, &ts, &t->waiting);
}

/* Until there is a recorder again; mitmd's own end is the end. */
static void
connect_again(struct tail *t)
{
	static const char *const words[] = {"tail"};
	struct errmsg why;
	int tries, code = CTL_BUSY;

	for (tries = 0; tries < TRIES && code == CTL_BUSY && !stopped; tries++) {
		pause_shortly(t);
		code = control_stream(&t->ctl, words, 1, &t->fd, &why);
	}
	if (stopped) {
		end(t, CTL_OK);
	} else if (code == CTL_OK) {
		ctl_error("tail: the recorder was started again: flows may be missing here");
	} else {
		ctl_error("tail: %s", code == CTL_UNREACHABLE ? "mitmd has ended" : why.text);
		end(t, CTL_UNREACHABLE);
	}
}

static void
on_end(struct tail *t)
{
	fd_close(&t->fd);
	buf_clear(&t->in);
	t->deaf = t->heard ? 0 : t->deaf + 1;
	t->heard = false;
	if (t->deaf < DEAF_MAX) {
		connect_again(t);
		return;
	}
	ctl_error("tail: the recorder closes the connection at once: too many follow it");
	end(t, CTL_BUSY);
}

static void
on_readable(struct tail *t)
{
	uint8_t *p = buf_reserve(&t->in, READ_BYTES);
	ssize_t n;

	if (p == NULL) {
		ctl_error("tail: a line is longer than %u bytes", LINE_MAX_BYTES);
		end(t, CTL_FAILED);
		return;
	}
	n = read(t->fd, p, READ_BYTES);
	if (n > 0) {
		buf_commit(&t->in, (size_t)n);
		take_lines(t);
	} else if (n == 0 || errno != EINTR) {
		on_end(t);
	}
}

/* Signals come only while we wait, so that none is overlooked. */
static void
follow(struct tail *t)
{
	while (!t->over && !stopped) {
		struct pollfd fds[] = {{.fd = t->fd, .events = POLLIN},
			{.fd = STDOUT_FILENO}};	/* a pipe that nobody reads any more */

		if (ppoll(fds, NELEM(fds), NULL, &t->waiting) == -1)
			continue;
		if ((fds[1].revents & POLLERR) != 0)
			end(t, CTL_OK);
		else if (fds[0].revents != 0)
			on_readable(t);
	}
}

static void
hold_signals(sigset_t *before)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &held, before);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* ---- the command line ---- */

static int
read_options(struct tail *t, int argc, char **argv)
{
	static const struct option longs[] = {
		{"filter", required_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{"limit", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	struct errmsg err;
	int c;

	while ((c = getopt_long(argc, argv, "f:n:", longs, NULL)) != -1) {
		if (c == 'j') {
			t->ctl.output = CTL_JSON;
		} else if (c == 'n') {
			if (!str_u64(str_z(optarg), UINT32_MAX, &t->limit) || t->limit == 0) {
				ctl_error("tail: -n is a number of flows, not '%s'", optarg);
				return CTL_USAGE;
			}
		} else if (c == 'f') {
			filter_free(&t->filter);
			t->filter = filter_parse(optarg, &err);
			if (t->filter == NULL) {
				ctl_error("tail: %s", err.text);
				return CTL_USAGE;
			}
		} else {
			return CTL_USAGE;
		}
	}
	t->tags = argv + optind;
	t->ntags = argc - optind;
	return CTL_OK;
}

static int
run(struct tail *t)
{
	static const char *const words[] = {"tail"};
	struct errmsg why;
	int code;

	code = control_stream(&t->ctl, words, 1, &t->fd, &why);
	if (code != CTL_OK) {
		ctl_error("%s", why.text);
		return code;
	}
	hold_signals(&t->waiting);
	if (t->ctl.output == CTL_TSV)
		tail_names(&t->out);
	write_out(t);
	follow(t);
	return t->code;
}

int
ctl_tail(const struct ctl *ctl, int argc, char **argv)
{
	struct tail t = {.ctl = *ctl, .fd = -1, .in = {.max = LINE_MAX_BYTES}};
	int code = read_options(&t, argc, argv);

	if (code == CTL_OK)
		code = run(&t);
	fd_close(&t.fd);
	filter_free(&t.filter);
	view_free(&t.view);
	buf_free(&t.in);
	buf_free(&t.out);
	return code;
}
