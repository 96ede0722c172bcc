# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libworker.a
libworker_a_SOURCES = src/worker/worker.h
