# SPDX-License-Identifier: ISC
dist_man_MANS += man/mitmctl.1
dist_man_MANS += man/mitmd.yaml.5
dist_man_MANS += man/mitmd.8

TESTS += man/lint
EXTRA_DIST += man/lint
