# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/fuzz/fuzz-conf_yaml
TESTS += tests/fuzz/fuzz-conf_yaml
tests_fuzz_fuzz_conf_yaml_SOURCES = tests/fuzz/fuzz_conf_yaml.c $(FUZZ_MAIN)
tests_fuzz_fuzz_conf_yaml_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_conf_yaml_LDADD = libconf.a libbase.a $(YAML_LIBS) $(PCRE2_LIBS)
