# SPDX-License-Identifier: ISC
systemdunitdir = $(prefix)/lib/systemd/system
systemdunit_DATA = systemd/mitmd.service
sysusersdir = $(prefix)/lib/sysusers.d
EXTRA_DIST += systemd/mitmd.service.in systemd/mitmd.sysusers
CLEANFILES += systemd/mitmd.service

systemd/mitmd.service: systemd/mitmd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	    sed 's|@sbindir[@]|$(sbindir)|' $(srcdir)/systemd/mitmd.service.in >$@.new && \
	    mv $@.new $@

install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) $(srcdir)/systemd/mitmd.sysusers '$(DESTDIR)$(sysusersdir)/mitmd.conf'

uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/mitmd.conf'
