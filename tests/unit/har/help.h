/* SPDX-License-Identifier: ISC */
/* help.h - what several suites of har/ need. */
#ifndef TESTS_UNIT_HAR_HELP_H
#define TESTS_UNIT_HAR_HELP_H

#include "base/buf.h"
#include "har/body.h"
#include "har/spill.h"

int help_tmpfile(void);	/* unnamed */
/* Text with quotes, newlines, and letters of two and three bytes; binary bytes. */
void help_text(struct buf *out, size_t n);
void help_binary(struct buf *out, size_t n);
/* Strict decoder, for comparison. */
void help_unbase64(struct buf *out, struct str text);
/* The JSON text of an ended body, memory and run; the run is released. */
void help_body_json(struct body *, struct buf *out);
/* The bytes it stands for. */
void help_body_bytes(struct body *, struct buf *out);

enum help_coding { HELP_GZIP, HELP_ZLIB, HELP_RAW, HELP_BR, HELP_ZSTD };
void help_encode(struct buf *out, enum help_coding, struct str in);
/* gzip of mib MiB of zeros; made without compressing them all. */
void help_gzip_zeros(struct buf *out, size_t mib);

#endif
