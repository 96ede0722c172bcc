# SPDX-License-Identifier: ISC
EXTRA_DIST += contrib/quickstart contrib/check contrib/packages contrib/check-layers \
	contrib/check-headers contrib/check-metrics contrib/build-deb \
	contrib/grafana/mitmd.json contrib/prometheus/mitmd.yml \
	contrib/debian/changelog \
	contrib/debian/control \
	contrib/debian/copyright \
	contrib/debian/mitmd.lintian-overrides \
	contrib/debian/postinst \
	contrib/debian/postrm \
	contrib/debian/rules \
	contrib/debian/source/format \
	contrib/debian/tests/control \
	contrib/debian/tests/service
TESTS += contrib/check-layers contrib/check-headers contrib/check-metrics
AM_TESTS_ENVIRONMENT += CC='$(CC)'; CHECK_CFLAGS='$(WARN_CFLAGS)'; export CC CHECK_CFLAGS;
completiondir = $(datadir)/bash-completion/completions
dist_completion_DATA = contrib/completion/mitmctl
