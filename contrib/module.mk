# SPDX-License-Identifier: ISC
EXTRA_DIST += contrib/quickstart contrib/check contrib/packages contrib/check-layers \
	contrib/check-headers contrib/check-metrics \
	contrib/grafana/mitmd.json contrib/prometheus/mitmd.yml
TESTS += contrib/check-layers contrib/check-headers contrib/check-metrics
AM_TESTS_ENVIRONMENT += CC='$(CC)'; CHECK_CFLAGS='$(WARN_CFLAGS)'; export CC CHECK_CFLAGS;
