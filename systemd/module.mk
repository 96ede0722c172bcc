# SPDX-License-Identifier: ISC
EXTRA_DIST += systemd/mitmd.service.in systemd/mitmd.socket systemd/sysusers.d/mitmd.conf \
	systemd/tmpfiles.d/mitmd.conf systemd/check-unit
CLEANFILES += systemd/mitmd.service
TESTS += systemd/check-unit
dist_examples_DATA += systemd/three-users.conf

systemd/mitmd.service: systemd/mitmd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	    sed -e 's|@sbindir[@]|$(sbindir)|' -e 's|@bindir[@]|$(bindir)|' \
	    $(srcdir)/systemd/mitmd.service.in >$@.new && mv $@.new $@

if UNITS
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
systemdsystemunit_DATA = systemd/mitmd.service systemd/mitmd.socket
sysusers_DATA = systemd/sysusers.d/mitmd.conf
tmpfiles_DATA = systemd/tmpfiles.d/mitmd.conf
endif
