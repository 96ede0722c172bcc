# SPDX-License-Identifier: ISC
noinst_LIBRARIES += librecorder.a
librecorder_a_SOURCES = src/recorder/recorder.h
