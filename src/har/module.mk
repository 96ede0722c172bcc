# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libhar.a
libhar_a_SOURCES = src/har/json.h src/har/spill.h src/har/body.h src/har/entry.h
