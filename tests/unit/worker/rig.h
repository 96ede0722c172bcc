/* SPDX-License-Identifier: ISC */
/*
 * rig.h - a client and its origins, as bytes on sockets, with a real front and
 * back between them.
 */
#ifndef TESTS_UNIT_WORKER_RIG_H
#define TESTS_UNIT_WORKER_RIG_H

#include "ends.h"

extern int client;

/* For checked fixtures: a client is connected. */
void rig_setup(void);
void rig_teardown(void);

/* Write all of it, then let the loop run. */
void say(int fd, const char *text);
/* The same, byte by byte, the loop running between them. */
void say_slowly(int fd, const char *text);
/* What has come, with [FIN] or [RST] where the connection ended. */
const char *hear(int fd);
void hears(int fd, const char *want, const char *file, int line);
#define HEARS(fd, want) hears((fd), (want), __FILE__, __LINE__)
/* End it; the loop runs. */
void hang_up(int *fd);	/* FIN, and nobody reads any more */
void half_close(int fd);
void reset(int *fd);
/* No more than one entry may be waiting: the only one. */
const char *only_entry(void);
void no_entry(void);

#define GET "GET http://o.test/a HTTP/1.1\r\nHost: o.test\r\n\r\n"
#define GOT "GET /a HTTP/1.1\r\nHost: o.test\r\n\r\n"
#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

#endif
