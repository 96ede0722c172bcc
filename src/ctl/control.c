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

/* ---- the socket ---- */

/*
 * A file with a mistake is no reason not to reach the mitmd that runs on with the one
 * before: where it is found at the place that serves without a file, it is that.
 */
static char *
usual_path(void)
{
	struct errmsg err;
	struct conf *conf = conf_load_text("defaults", STR(""), &err);
	char *path = NULL;

	if (conf != NULL && access(conf->control, F_OK) == 0)
		path = mem_strdup(conf->control);
	conf_free(&conf);
	return path;
}

/* As mitmd would find it; NULL and *out_code when it cannot be known. */
static char *
socket_path(const struct ctl *ctl, int *out_code, struct errmsg *why)
{
	struct conf *conf;
	char *path = NULL;

	if (ctl->socket != NULL)
		return mem_strdup(ctl->socket);
	conf = conf_load(ctl->conf_file, why);
	if (conf == NULL) {
		*out_code = CTL_CONFIG;
		return usual_path();
	}
	if (conf->control != NULL) {
		path = mem_strdup(conf->control);
	} else {
		(void)errmsg_set(why, "the control socket is off ('control:' in %s); "
		    "-s names one", conf->file != NULL ? conf->file : "the defaults");
		*out_code = CTL_UNREACHABLE;
	}
	conf_free(&conf);
	return path;
}

static int
connect_failed(const char *path, struct errmsg *why)
{
	if (errno == EACCES || errno == EPERM) {
		(void)errmsg_sys(why, "%s", path);
		return CTL_DENIED;
	}
	(void)errmsg_set(why, "nobody answers on %s (%s): is mitmd running?  -c names its "
	    "configuration, -s its socket", path, strerror(errno));
	return CTL_UNREACHABLE;
}

/* seconds: without a sign of life; 0: for ever. */
static int
dial(const char *path, unsigned seconds, int *out_fd, struct errmsg *why)
{
	struct timeval patience = {.tv_sec = PATIENCE}, waits = {.tv_sec = seconds};
	struct sockpath at;
	int rc = CTL_OK, fd = -1;

	if (sockpath_open(&at, path) == -1 ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &waits, sizeof(waits)) == -1 ||
	    connect(fd, (struct sockaddr *)&at.sun, at.len) == -1) {
		rc = connect_failed(path, why);
		fd_close(&fd);
	}
	sockpath_close(&at);
	*out_fd = fd;
	return rc;
}

/* Who is refused may find the socket closed before the request is out: the answer tells. */
static void
send_request(int fd, const char *const *words, size_t nwords)
{
	struct buf request = {0};
	size_t i;

	for (i = 0; i < nwords; i++) {
		word_put(&request, str_z(words[i]));
		buf_putc(&request, i + 1 < nwords ? ' ' : '\n');
	}
	while (request.len > 0) {
		ssize_t n = send(fd, buf_data(&request), request.len, MSG_NOSIGNAL);

		if (n == -1)
			break;
		buf_consume(&request, (size_t)n);
	}
	buf_free(&request);
}

static const char *
silence(void)
{
	return errno == EAGAIN ? "mitmd is not responding" : strerror(errno);
}

static int
read_answer(int fd, const char *path, struct buf *answer, struct errmsg *why)
{
	for (;;) {
		uint8_t *p = buf_reserve(answer, 16384);
		ssize_t n = p != NULL ? recv(fd, p, 16384, 0) : 0;

		if (p == NULL) {
			(void)errmsg_set(why, "the answer on %s is too long", path);
			return CTL_FAILED;
		}
		if (n > 0) {
			buf_commit(answer, (size_t)n);
			continue;
		}
		if (n == 0 || (errno == ECONNRESET && answer->len > 0))
			break;
		(void)errmsg_set(why, "no answer on %s: %s", path, silence());
		return CTL_UNREACHABLE;
	}
	if (answer->len == 0) {
		(void)errmsg_set(why, "mitmd ended without an answer");
		return CTL_UNREACHABLE;
	}
	if (buf_append(answer, "", 1) != 0) {
		(void)errmsg_set(why, "the answer on %s is too long", path);
		return CTL_FAILED;
	}
	return CTL_OK;
}

/* What comes after it stays in the socket. */
static int
read_line(int fd, char *out, size_t size, struct errmsg *why)
{
	size_t have = 0;
	ssize_t n = 1;

	while (have + 1 < size && (n = recv(fd, out + have, 1, 0)) == 1 && out[have] != '\n')
		have++;
	out[have] = '\0';
	if (n == 1)
		return CTL_OK;
	(void)errmsg_set(why, "no answer: %s", n == 0 ? "mitmd has ended" : silence());
	return CTL_UNREACHABLE;
}

/* ---- the answer ---- */

static const struct {
	const char *word;
	int code;
} failures[] = {
	{"busy", CTL_BUSY}, {"config", CTL_CONFIG}, {"denied", CTL_DENIED},
	{"failed", CTL_FAILED}, {"usage", CTL_USAGE},
};

/* text: the first line of an answer that is not "ok". */
static int
read_failure(const char *path, char *text, struct errmsg *why)
{
	char *reason = strncmp(text, "error ", 6) == 0 ? strchr(text + 6, ' ') : NULL;
	size_t i;

	if (reason == NULL) {
		(void)errmsg_set(why, "what answers on %s is not mitmd", path);
		return CTL_UNREACHABLE;
	}
	*reason++ = '\0';
	reason[strcspn(reason, "\n")] = '\0';
	(void)errmsg_set(why, "%s", reason);
	for (i = 0; i < NELEM(failures); i++)
		if (strcmp(text + 6, failures[i].word) == 0)
			return failures[i].code;
	return CTL_FAILED;
}

/* Every row has as many cells as the first. */
static bool
read_rows(char *text, struct control_table *out)
{
	char *line, *save = NULL, *cells[CONTROL_COLUMNS];
	int n;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		n = words_cut(line, '\t', cells, CONTROL_COLUMNS);
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
read_table(const char *path, const struct buf *answer, struct control_table *out,
    struct errmsg *why)
{
	char *text = (char *)buf_data(answer);

	if (strncmp(text, "ok\n", 3) != 0)
		return read_failure(path, text, why);
	out->text = mem_dup(text, answer->len);
	if (read_rows(out->text + 3, out))
		return CTL_OK;
	control_table_free(out);
	(void)errmsg_set(why, "the answer on %s cannot be read", path);
	return CTL_FAILED;
}

static int
ask(const struct ctl *ctl, const char *const *words, size_t nwords, unsigned seconds,
    struct control_table *out, struct errmsg *why)
{
	struct buf answer = {.max = ANSWER_MAX};
	int code = CTL_OK, fd = -1;
	char *path = socket_path(ctl, &code, why);

	*out = (struct control_table){.cells = NULL};
	if (path == NULL)
		return code;
	code = dial(path, seconds, &fd, why);
	if (code == CTL_OK) {
		send_request(fd, words, nwords);
		code = read_answer(fd, path, &answer, why);
	}
	if (code == CTL_OK)
		code = read_table(path, &answer, out, why);
	fd_close(&fd);
	buf_free(&answer);
	free(path);
	return code;
}

static int
tell(int code, const struct errmsg *why)
{
	if (code != CTL_OK)
		ctl_error("%s", why->text);
	return code;
}

int
control_ask(const struct ctl *ctl, const char *const *words, size_t nwords,
    struct control_table *out)
{
	struct errmsg why;

	return tell(ask(ctl, words, nwords, PATIENCE, out, &why), &why);
}

int
control_wait(const struct ctl *ctl, const char *const *words, size_t nwords,
    struct control_table *out)
{
	struct errmsg why;

	return tell(ask(ctl, words, nwords, 0, out, &why), &why);
}

int
control_try(const struct ctl *ctl, const char *const *words, size_t nwords,
    struct control_table *out, struct errmsg *why)
{
	return ask(ctl, words, nwords, PATIENCE, out, why);
}

int
control_stream(const struct ctl *ctl, const char *const *words, size_t nwords, int *out_fd,
    struct errmsg *why)
{
	char line[sizeof(why->text) + 32];
	int code = CTL_OK;
	char *path = socket_path(ctl, &code, why);

	*out_fd = -1;
	if (path == NULL)
		return code;
	code = dial(path, PATIENCE, out_fd, why);
	if (code == CTL_OK) {
		send_request(*out_fd, words, nwords);
		code = read_line(*out_fd, line, sizeof(line), why);
	}
	if (code == CTL_OK && strcmp(line, "ok") != 0)
		code = read_failure(path, line, why);
	if (code != CTL_OK)
		fd_close(out_fd);
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
