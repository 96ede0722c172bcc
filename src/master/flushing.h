/* SPDX-License-Identifier: ISC */
/*
 * flushing.h - all HAR files, or those of a tag, are finished now: first the workers
 * hand over what open WebSockets have said so far, then the recorder takes what lies
 * in the rings and finishes its files.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_FLUSHING_H
#define MITMD_MASTER_FLUSHING_H

#include "master/control.h"
#include "master/state.h"

/* The answer comes when the files are finished. tag: empty: all. */
void flushing_ask(struct master *, struct control_call *, struct str tag) NONNULL(1, 2);
/* SIGUSR1: the outcome is logged. Any number of them while one is under way become one. */
void flushing_all(struct master *) NONNULL(1);

#endif
