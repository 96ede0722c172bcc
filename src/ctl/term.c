/* SPDX-License-Identifier: ISC */
/* term.c - see term.h.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const styles[] = {
	[TERM_PLAIN] = "\033[0m",
	[TERM_BOLD] = "\033[1m",
	[TERM_DIM] = "\033[2m",
	[TERM_RED] = "\033[31m",
	[TERM_GREEN] = "\033[32m",
	[TERM_YELLOW] = "\033[33m",
	[TERM_MAGENTA] = "\033[35m",
	[TERM_CYAN] = "\033[36m",
};

bool
term_colours(const struct ctl *ctl)
{
	const char *off = getenv("NO_COLOR"), *kind = getenv("TERM");

	if (ctl->colour != CTL_COLOUR_AUTO)
		return ctl->colour == CTL_COLOUR_ALWAYS;
	return (off == NULL || off[0] == '\0') && isatty(STDOUT_FILENO) == 1 &&
	    kind != NULL && strcmp(kind, "dumb") != 0;
}

const char *
term_style(const struct ctl *ctl, enum term_style style)
{
	return term_colours(ctl) ? styles[style] : "";
}

unsigned
term_width(void)
{
	struct winsize size = {.ws_col = 0};

	if (isatty(STDOUT_FILENO) != 1)
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ?
	    size.ws_col : 80;
}

/* How it is shown; returns its columns. */
static unsigned
shown(char c, char out[5])
{
	if (c >= ' ' && c < 0x7f) {
		out[0] = c;
		out[1] = '\0';
		return 1;
	}
	return (unsigned)snprintf(out, 5, "\\x%02x", (unsigned char)c);
}

static unsigned
columns_of(struct str text)
{
	unsigned columns = 0;
	char letter[5];
	size_t i;

	for (i = 0; i < text.n; i++)
		columns += shown(text.p[i], letter);
	return columns;
}

unsigned
term_put(struct buf *out, struct str text, unsigned columns)
{
	unsigned all = columns_of(text), used = 0, n;
	bool cut = columns > 0 && all > columns;
	unsigned room = !cut ? all : columns > 3 ? columns - 3 : 0;
	char letter[5];
	size_t i;

	for (i = 0; i < text.n; i++) {
		n = shown(text.p[i], letter);
		if (used + n > room)
			break;
		buf_put(out, letter, n);
		used += n;
	}
	if (cut && columns >= 3) {
		buf_putz(out, "...");
		used += 3;
	}
	return used;
}
