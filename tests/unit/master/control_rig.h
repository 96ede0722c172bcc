/* SPDX-License-Identifier: ISC */
/*
 * control_rig.h - a control socket in a directory of its own, with a table of
 * commands that do what a test needs, and people who connect to it.
 */
#ifndef TESTS_UNIT_MASTER_CONTROL_RIG_H
#define TESTS_UNIT_MASTER_CONTROL_RIG_H

#include "master/control.h"

#define PATIENCE 0.5
#define GRACE 0.05
#define FOREVER 3600.0

extern struct ev_loop *loop;
extern struct control *control;
extern char *dir, *path; /* where the socket is */
extern struct errmsg err;

/* Of the commands: "later" waits here, who waited and left is counted, "take" took this. */
extern struct control_call *pending;
extern int gone;
extern int taken;

void control_setup(void);    /* for checked fixtures */
void control_teardown(void);

/* The loop until nothing more happens. */
void turn(void);
void serve(const char *at);
/* One that serves nowhere yet. */
struct control *control_another(double patience, double grace);
/* Another one in its place. */
void serve_with(double patience, double grace);
/* -1 if nobody listens. */
int dial(const char *at);
/* All there is; NULL while the end has not come. */
const char *hear(int fd);
const char *ask(const char *request);

#endif
