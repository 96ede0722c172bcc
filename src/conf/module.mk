# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libconf.a
libconf_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS) $(PCRE2_CFLAGS)
libconf_a_SOURCES = src/conf/conf.c src/conf/conf.h \
	src/conf/hosts.c src/conf/hosts.h \
	src/conf/schema.c src/conf/schema_value.c src/conf/suggest.c src/conf/schema.h \
	src/conf/value.c src/conf/value.h \
	src/conf/policy.c src/conf/policy.h \
	src/conf/reader.c src/conf/reader.h \
	src/conf/set.c src/conf/set_pair.c src/conf/set.h \
	src/conf/load.c src/conf/defaults.c src/conf/check.c src/conf/load.h \
	src/conf/dirs.c src/conf/dump.c
