/* SPDX-License-Identifier: ISC */
/*
 * conn_pace.c - deadlines, and peers that are too slow for any of them to pass.
 *
 * Who moves a byte now and then never is idle, and holds a connection for as long
 * as it likes. So there is a floor, where a peer has no reason to be slower:
 *
 *   - as a reader, either side, whatever is spoken: bytes wait for it, and to
 *     take them is all it has to do;
 *   - as a sender, while it owes what it has announced: a client the rest of a
 *     body whose length it has said, anybody the rest of a TLS record.
 *
 * There is none for who has nothing to say: origins that stream or let wait for
 * an answer (their clients decide how long), bodies without a length, tunnels,
 * WebSockets.
 *
 * A clock runs behind time at most by the limit, timeouts.idle, and each byte
 * moves it on by 1/CONN_FLOOR of a second: a peer may be silent for as long as
 * any other, but must make up for it.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/conn_state.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "conf/conf.h"

double
conn_pace(double clock, size_t n, double now)
{
	return MIN(now, clock + (double)n / CONN_FLOOR);
}

/*
 * How much the peer has taken of all that was sent. A socket's buffer may hold
 * minutes of a slow line, and says that there is room by thirds of its size, so
 * what went into it is not what counts.
 */
uint64_t
conn_taken(const struct conn *c)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &n) == -1 ||
	    n < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
		return c->sent;		/* not TCP */
	return info.tcpi_bytes_acked;
}

uint64_t
conn_given(const struct conn *c)
{
	return c->sent + c->out.len;
}

static bool
reads_too_slowly(struct conn *c, double now, double limit)
{
	uint64_t n;

	if (c->out.len == 0)
		return false;
	if (c->taking == 0) {
		c->taking = now;
		c->taken = conn_taken(c);
		return false;
	}
	if (now - c->taking < limit)
		return false;
	n = conn_taken(c);
	c->taking = conn_pace(c->taking, n - c->taken, now);
	c->taken = n;
	return now - c->taking >= limit;
}

static bool
sends_too_slowly(struct conn *c, double now, double limit)
{
	if (c->sending == 0)
		return false;
	if (c->paused)
		c->sending = now;	/* it cannot send what we do not read */
	return now - c->sending >= limit;
}

static bool
has_passed(const struct conn *c, double now)
{
	double deadline = c->idle_s > 0 ? c->active + c->idle_s : c->deadline;

	/*
	 * While something waits for the peer, what counts is how much of it is taken; and
	 * while the peer waits, because somebody else takes nothing, he is looked at.
	 */
	if (c->idle_s > 0 && (c->out.len > 0 || c->held_up))
		return false;
	return deadline != 0 && now >= deadline;
}

enum counter_timeout
conn_look(struct conn *c, double now)
{
	double limit = c->ops == NULL ? CONN_FLUSH_SECONDS :
	    (double)c->hub->worker->conf->timeouts.idle_ms / 1000;

	if (has_passed(c, now))
		return c->waited;
	if (reads_too_slowly(c, now, limit))
		return TIMEOUT_SLOW_READ;
	if (sends_too_slowly(c, now, limit))
		return TIMEOUT_SLOW_SEND;
	return COUNT_timeout;
}

void
conn_owes(struct conn *c, bool on)
{
	c->sending = on ? clock_mono_s() : 0;
}

enum counter_timeout
conn_late(const struct conn *c)
{
	return c->late;
}

const char *
conn_slow_text(enum counter_timeout kind)
{
	switch (kind) {
	case TIMEOUT_SLOW_READ:
		return "took less than 64 bytes a second";
	case TIMEOUT_SLOW_SEND:
		return "sent less than 64 bytes a second";
	default:
		return NULL;
	}
}
