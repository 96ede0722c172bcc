# SPDX-License-Identifier: ISC
# Harnesses are libFuzzer entry points; without --enable-fuzzers a plain driver
# replays tests/fuzz/corpus/NAME for each tests/fuzz/fuzz-NAME in `make check`.
#   check_PROGRAMS += tests/fuzz/fuzz-NAME
#   TESTS += tests/fuzz/fuzz-NAME
#   tests_fuzz_fuzz_NAME_SOURCES = tests/fuzz/fuzz_NAME.c $(FUZZ_MAIN)
#   tests_fuzz_fuzz_NAME_LDFLAGS = $(FUZZ_LDFLAGS)
if FUZZERS
FUZZ_MAIN =
FUZZ_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_LDFLAGS = $(AM_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/replay.c
include tests/fuzz/http.mk
include tests/fuzz/tls.mk
include tests/fuzz/conf.mk
include tests/fuzz/ipc.mk
include tests/fuzz/har.mk
include tests/fuzz/recorder.mk
include tests/fuzz/worker.mk
include tests/fuzz/ctl.mk
