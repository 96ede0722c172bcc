# SPDX-License-Identifier: ISC
dist_man_MANS += man/mitmd.8
