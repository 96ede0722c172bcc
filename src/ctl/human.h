/* SPDX-License-Identifier: ISC */
/*
 * human.h - numbers as people read them.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_HUMAN_H
#define MITMD_CTL_HUMAN_H

#include <stdint.h>

#define HUMAN_SIZE 24
/* "45s", "12m", "3h12m", "2d4h". Returns out. */
char *human_seconds(uint64_t seconds, char out[HUMAN_SIZE]);
/* "45ms", "1.2s", "12m". */
char *human_ms(uint64_t ms, char out[HUMAN_SIZE]);
/* "0.3ms", and as before from ten milliseconds on. */
char *human_us(uint64_t us, char out[HUMAN_SIZE]);
/* "512", "1.4k", "20M": bytes, by 1024. */
char *human_bytes(uint64_t bytes, char out[HUMAN_SIZE]);

#endif
