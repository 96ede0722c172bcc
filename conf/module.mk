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

# What an administrator has written stays, as long as it is not what was installed.
EXTRA_DIST += conf/mitmd.yaml
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)'
	test -e '$(DESTDIR)$(sysconfdir)/mitmd.yaml' || \
	    $(INSTALL) -m 640 $(srcdir)/conf/mitmd.yaml '$(DESTDIR)$(sysconfdir)/mitmd.yaml'

uninstall-local:
	! cmp -s $(srcdir)/conf/mitmd.yaml '$(DESTDIR)$(sysconfdir)/mitmd.yaml' || \
	    rm '$(DESTDIR)$(sysconfdir)/mitmd.yaml'

examplesdir = $(docdir)/examples
dist_examples_DATA = conf/mitmd.yaml.example
