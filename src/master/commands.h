/* SPDX-License-Identifier: ISC */
/*
 * commands.h - what is done when mitmctl asks; the table is in commands.c.  All have
 * the shape that control.h wants; arg is the master.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_COMMANDS_H
#define MITMD_MASTER_COMMANDS_H

#include "master/control.h"

typedef void command_fn(void *arg, struct control_call *, int nwords, char **words);

command_fn commands_bypass_list, commands_bypass_add, commands_bypass_remove;
command_fn commands_status;
command_fn commands_tags, commands_conns;

#endif
