/* SPDX-License-Identifier: ISC */
/* human.c - see human.h.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/human.h"

#include <stdio.h>

char *
human_seconds(uint64_t s, char out[HUMAN_SIZE])
{
	unsigned long long d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;

	if (d > 0)
		(void)snprintf(out, HUMAN_SIZE, "%llud%lluh", d, h);
	else if (h > 0)
		(void)snprintf(out, HUMAN_SIZE, "%lluh%llum", h, m);
	else if (m > 0)
		(void)snprintf(out, HUMAN_SIZE, "%llum", m);
	else
		(void)snprintf(out, HUMAN_SIZE, "%llus", (unsigned long long)s);
	return out;
}

char *
human_ms(uint64_t ms, char out[HUMAN_SIZE])
{
	if (ms >= 60000)
		return human_seconds(ms / 1000, out);
	if (ms >= 1000)
		(void)snprintf(out, HUMAN_SIZE, "%.1fs", (double)ms / 1000);
	else
		(void)snprintf(out, HUMAN_SIZE, "%llums", (unsigned long long)ms);
	return out;
}

char *
human_us(uint64_t us, char out[HUMAN_SIZE])
{
	if (us >= 9950)
		return human_ms((us + 500) / 1000, out);
	(void)snprintf(out, HUMAN_SIZE, "%.1fms", (double)us / 1000);
	return out;
}

char *
human_bytes(uint64_t bytes, char out[HUMAN_SIZE])
{
	static const char units[] = "kMGTPE";
	double v = (double)bytes;
	int i = -1;

	if (bytes < 1000) {
		(void)snprintf(out, HUMAN_SIZE, "%llu", (unsigned long long)bytes);
		return out;
	}
	/* 1000 already takes the next unit: "1000k" would be a digit wider. */
	for (; v >= 999.5 && units[i + 1] != '\0'; i++)
		v /= 1024;
	(void)snprintf(out, HUMAN_SIZE, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[i]);
	return out;
}
