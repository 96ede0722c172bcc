# SPDX-License-Identifier: ISC
check_PROGRAMS += conf/gen-docs
conf_gen_docs_SOURCES = conf/gen_docs.c
conf_gen_docs_LDADD = libconf.a libbase.a $(YAML_LIBS) $(PCRE2_LIBS)

# After a change of the option table: `make conf-docs'.
TESTS += conf/check-docs
EXTRA_DIST += conf/check-docs
conf-docs: conf/gen-docs$(EXEEXT)
	srcdir=$(srcdir) $(srcdir)/conf/check-docs --update
.PHONY: conf-docs

examplesdir = $(docdir)/examples
dist_examples_DATA = conf/mitmd.yaml.example
