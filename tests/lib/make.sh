# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# make.sh - make for suites, from the top of the tree; sourced, not run

# make_alone TARGET...: one suite at a time: those that run together would build the same
# files, and each would find half of what another is writing.
make_alone() {
	mkdir -p build/tests
	flock build/tests/make.lock make -s "$@"
}
