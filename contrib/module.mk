# SPDX-License-Identifier: ISC
EXTRA_DIST += contrib/quickstart contrib/check contrib/packages contrib/check-layers \
	contrib/check-headers
TESTS += contrib/check-layers contrib/check-headers
AM_TESTS_ENVIRONMENT += CC='$(CC)'; CHECK_CFLAGS='$(WARN_CFLAGS)'; export CC CHECK_CFLAGS;
