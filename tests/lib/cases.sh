# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# cases.sh - suites whose cases are files with a head; sourced, not run

# field FILE NAME: what follows "NAME: " in the head of a case's file.
field() {
	sed -n "s/^\(# \| \* \)\{0,1\}$2: //p" "$1" | head -n 1
}

# wanted NAME ARGUMENT...: it is among the arguments, or there are none.
wanted() {
	wanted_name=$1
	shift
	[ $# -gt 0 ] || return 0
	for argument; do
		[ "$argument" != "$wanted_name" ] || return 0
	done
	return 1
}
