# SPDX-License-Identifier: ISC
"""The surroundings of mitmd in tests: one class per real program."""
