/* SPDX-License-Identifier: ISC */
/* title.h - what ps(1) shows of a process.  Runs in: every process. */
#ifndef MITMD_PROC_TITLE_H
#define MITMD_PROC_TITLE_H

/* First thing in main(): remembers where the arguments lie. */
void title_init(int argc, char **argv);
void title_set(const char *title);

#endif
