/* SPDX-License-Identifier: ISC */
/* control.c - see control.h.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/sockpath.h"
#include "base/words.h"
#include "conf/conf.h"

#define PATIENCE 15		/* seconds without a sign of life */
#define ANSWER_MAX (16u << 20)
#define COLUMNS_MAX 32

/* ---- the socket ---- */

/* As mitmd would find it; NULL and *out_code when it cannot be known. */
static char *
socket_path(const struct ctl *ctl, int *out_code)
{
	struct errmsg err;
	struct conf *conf;
	char *path = NULL;

	if (ctl->socket != NULL)
		return mem_strdup(ctl->socket);
	conf = conf_load(ctl->conf_file, &err);
	if (conf == NULL) {
		ctl_error("%s", err.text);
		*out_code = CTL_CONFIG;
		return NULL;
	}
	if (conf->control != NULL) {
		path = mem_strdup(conf->control);
	} else {
		ctl_error("the control socket is off ('control:' in %s); -s names one",
		    conf->file != NULL ? conf->file : "the defaults");
		*out_code = CTL_UNREACHABLE;
	}
	conf_free(&conf);
	return path;
}

static int
connect_failed(const char *path)
{
	if (errno == EACCES || errno == EPERM) {
		ctl_error("%s: %s", path, strerror(errno));
		return CTL_DENIED;
	}
	ctl_error("nobody answers on %s (%s): is mitmd running?  -c names its configuration, "
	    "-s its socket", path, strerror(errno));
	return CTL_UNREACHABLE;
}

static int
dial(const char *path, int *out_fd)
{
	struct timeval patience = {.tv_sec = PATIENCE};
	struct sockpath at;
	int rc = CTL_OK, fd = -1;

	if (sockpath_open(&at, path) == -1 ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == -1 ||
	    connect(fd, (struct sockaddr *)&at.sun, at.len) == -1) {
		rc = connect_failed(path);
		fd_close(&fd);
	}
	sockpath_close(&at);
	*out_fd = fd;
	return rc;
}

/* Who is refused may find the socket closed before the request is out: the answer tells. */
static void
send_request(int fd, const struct buf *request)
{
	size_t done = 0;

	while (done < request->len) {
		ssize_t n = send(fd, buf_data(request) + done, request->len - done,
		    MSG_NOSIGNAL);

		if (n == -1)
			return;
		done += (size_t)n;
	}
}

static int
read_answer(int fd, const char *path, struct buf *answer)
{
	for (;;) {
		uint8_t *p = buf_reserve(answer, 16384);
		ssize_t n = p != NULL ? recv(fd, p, 16384, 0) : 0;

		if (p == NULL) {
			ctl_error("the answer on %s is too long", path);
			return CTL_FAILED;
		}
		if (n > 0) {
			buf_commit(answer, (size_t)n);
			continue;
		}
		if (n == 0 || (errno == ECONNRESET && answer->len > 0))
			break;
		ctl_error("no answer on %s: %s", path,
		    errno == EAGAIN ? "mitmd is not responding" : strerror(errno));
		return CTL_UNREACHABLE;
	}
	buf_putc(answer, '\0');
	return CTL_OK;
}

/* ---- the answer ---- */

static int
read_failure(const char *path, char *text)
{
	char *end = strchr(text, '\n'), *reason;

	if (end == NULL || strncmp(text, "error ", 6) != 0) {
		ctl_error("what answers on %s is not mitmd", path);
		return CTL_UNREACHABLE;
	}
	*end = '\0';
	text += 6;
	reason = strchr(text, ' ');
	if (reason != NULL)
		*reason++ = '\0';
	ctl_error("%s", reason != NULL ? reason : text);
	if (strcmp(text, "denied") == 0)
		return CTL_DENIED;
	return strcmp(text, "usage") == 0 ? CTL_USAGE : CTL_FAILED;
}

/* Every row has as many cells as the first. */
static bool
read_rows(char *text, struct control_table *out)
{
	char *line, *save = NULL, *cells[COLUMNS_MAX];
	int n;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		n = words_cut(line, '\t', cells, COLUMNS_MAX);
		if (n < 1 || (out->nrows > 0 && (size_t)n != out->ncolumns))
			return false;
		out->ncolumns = (size_t)n;
		out->cells = mem_grow(out->cells, (out->nrows + 1) * out->ncolumns,
		    sizeof(*out->cells));
		memcpy(out->cells + out->nrows * out->ncolumns, cells,
		    out->ncolumns * sizeof(*cells));
		out->nrows++;
	}
	return true;
}

static int
read_table(const char *path, const struct buf *answer, struct control_table *out)
{
	char *text = (char *)buf_data(answer);

	if (strncmp(text, "ok\n", 3) != 0)
		return read_failure(path, text);
	out->text = mem_dup(text, answer->len);
	if (read_rows(out->text + 3, out))
		return CTL_OK;
	control_table_free(out);
	ctl_error("the answer on %s cannot be read", path);
	return CTL_FAILED;
}

int
control_ask(const struct ctl *ctl, const char *const *words, size_t nwords,
    struct control_table *out)
{
	struct buf request = {0}, answer = {.max = ANSWER_MAX};
	int code = CTL_OK, fd = -1;
	char *path = socket_path(ctl, &code);
	size_t i;

	*out = (struct control_table){.cells = NULL};
	if (path == NULL)
		return code;
	for (i = 0; i < nwords; i++) {
		word_put(&request, str_z(words[i]));
		buf_putc(&request, i + 1 < nwords ? ' ' : '\n');
	}
	code = dial(path, &fd);
	if (code == CTL_OK) {
		send_request(fd, &request);
		code = read_answer(fd, path, &answer);
	}
	if (code == CTL_OK)
		code = read_table(path, &answer, out);
	fd_close(&fd);
	buf_free(&request);
	buf_free(&answer);
	free(path);
	return code;
}

void
control_table_free(struct control_table *t)
{
	free(t->cells);
	free(t->text);
	*t = (struct control_table){.cells = NULL};
}

/* ---- showing ---- */

static const char *
cell(const struct control_table *t, size_t row, const char *name)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++)
		if (strcmp(t->cells[i], name) == 0)
			return t->cells[row * t->ncolumns + i];
	return "";
}

void
control_json_string(const char *s)
{
	(void)putchar('"');
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			(void)printf("\\%c", c);
		else if (c < ' ' || c == 0x7f)
			(void)printf("\\u%04x", c);
		else
			(void)putchar(c);
	}
	(void)putchar('"');
}

static void
show_json(const struct control_table *t, const struct control_column *columns, size_t n)
{
	size_t row, i;

	(void)putchar('[');
	for (row = 1; row < t->nrows; row++) {
		(void)fputs(row > 1 ? ",\n {" : "{", stdout);
		for (i = 0; i < n; i++) {
			const char *value = cell(t, row, columns[i].name);

			(void)fputs(i > 0 ? ", " : "", stdout);
			control_json_string(columns[i].name);
			(void)fputs(": ", stdout);
			if (value[0] == '\0')
				(void)fputs("null", stdout);
			else if (columns[i].kind == CONTROL_NUMBER)
				(void)printf("%lld", strtoll(value, NULL, 10));
			else
				control_json_string(value);
		}
		(void)putchar('}');
	}
	(void)fputs("]\n", stdout);
}

static const char *
shown(const struct control_table *t, size_t row, const struct control_column *c)
{
	const char *value = row == 0 ? c->title : cell(t, row, c->name);

	return value[0] != '\0' ? value : c->empty;
}

/* A terminal obeys control bytes. */
static void
put_text(const char *s)
{
	for (; *s != '\0'; s++)
		(void)putchar((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
}

static void
show_text(const struct control_table *t, const struct control_column *columns, size_t n)
{
	size_t row, i, width[COLUMNS_MAX] = {0}, written;

	CHECK(n <= COLUMNS_MAX);
	for (row = 0; row < t->nrows; row++)
		for (i = 0; i < n; i++)
			if (columns[i].title != NULL)
				width[i] = MAX(width[i], strlen(shown(t, row, &columns[i])));
	for (row = 0; row < t->nrows; row++) {
		for (i = 0, written = 0; i < n; i++) {
			if (columns[i].title == NULL)
				continue;
			if (written > 0)
				(void)printf("%*s", (int)written, "");
			put_text(shown(t, row, &columns[i]));
			written = width[i] + 2 - strlen(shown(t, row, &columns[i]));
		}
		(void)putchar('\n');
	}
}

void
control_show(const struct ctl *ctl, const struct control_table *t,
    const struct control_column *columns, size_t ncolumns)
{
	if (ctl->json)
		show_json(t, columns, ncolumns);
	else if (t->nrows > 1)
		show_text(t, columns, ncolumns);
}
