/* SPDX-License-Identifier: ISC */
/*
 * channel.h - one end of a SOCK_SEQPACKET pair on the event loop.  Sending never
 * blocks: what the socket does not take waits in a bounded queue.  A message
 * that is malformed or that the peer's role may not send closes the channel.
 * Runs in: every process.
 */
#ifndef MITMD_IPC_CHANNEL_H
#define MITMD_IPC_CHANNEL_H

#include <ev.h>

#include "ipc/msg.h"

struct channel;

/*
 * body is valid during the call. fds are the callee's to close (at most
 * FD_PASS_MAX). -1: the peer broke the contract; the channel is closed.
 */
typedef int channel_message_fn(void *arg, struct channel *, enum msg_type, struct str body,
    int *fds, size_t nfds);
/* The peer is gone or broke the contract. The channel is dead; free it here or later. */
typedef void channel_closed_fn(void *arg, struct channel *);

/* fd is taken (made non-blocking). */
struct channel *channel_new(struct ev_loop *, int fd, enum role self, enum role peer,
    channel_message_fn *, channel_closed_fn *, void *arg) NONNULL(1, 5, 6);
void channel_free(struct channel **); /* NULL and *NULL are fine; not from its own message fn */
/* Handle now what lies there already: before a dead peer's channel is freed. */
void channel_drain(struct channel *) NONNULL(1);

/*
 * payload is the packed body. fds are duplicated when they have to wait.
 * 0, ERR_CLOSED, or ERR_LIMIT when the message is over MSG_MAX or the queue is
 * full (the peer hangs).
 */
int channel_send(struct channel *, enum msg_type, const struct buf *payload, const int *fds,
    size_t nfds) NONNULL(1) MUSTCHECK;
size_t channel_queued(const struct channel *) NONNULL(1);

/* Pack and send in one go: CHANNEL_TELL(ch, SIGN_ASK, sign_ask, &ask) */
#define CHANNEL_TELL_FDS(ch, NAME, payload, msg, fds, nfds)                               \
	({                                                                                \
		struct buf packed_ = {0};                                                 \
		int err_;                                                                 \
                                                                                          \
		msg_pack_##payload(&packed_, (msg));                                      \
		err_ = channel_send((ch), MSG_##NAME, &packed_, (fds), (nfds));           \
		buf_free(&packed_);                                                       \
		err_;                                                                     \
	})
#define CHANNEL_TELL(ch, NAME, payload, msg)                                              \
	CHANNEL_TELL_FDS(ch, NAME, payload, msg, NULL, 0)

#endif
