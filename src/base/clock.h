/* SPDX-License-Identifier: ISC */
/*
 * clock.h - time.  Durations come from the monotonic clock, dates from the
 * wall clock.  Nothing here reads a time-zone file (a sandboxed process has
 * none): all dates are UTC.
 */
#ifndef MITMD_BASE_CLOCK_H
#define MITMD_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_us(void);	/* microseconds, never backwards */
double clock_mono_s(void);	/* ... in seconds: ev_now() follows the wall clock's jumps */
uint64_t clock_boot_us(void);	/* the same, and goes on while the machine sleeps */
uint64_t clock_wall_us(void);	/* microseconds since 1970 */

/* "2026-11-22T08:01:02.345Z"; 24 bytes and a NUL. */
#define CLOCK_ISO_SIZE 25
void clock_iso(uint64_t wall_us, char out[CLOCK_ISO_SIZE]);
/* "20261122T080102Z" for file names. */
#define CLOCK_COMPACT_SIZE 17
void clock_compact(uint64_t wall_us, char out[CLOCK_COMPACT_SIZE]);

#endif
