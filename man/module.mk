# SPDX-License-Identifier: ISC
dist_man_MANS += man/mitmd.yaml.5

TESTS += man/lint
EXTRA_DIST += man/lint
dist_man_MANS += man/mitmd.8
