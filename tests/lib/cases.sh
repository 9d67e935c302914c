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

# patched FILE.patch DIRECTORY: tests/good/plain.c with that edit, as DIRECTORY/FILE.c. It
# replaces an older one only where they differ: kbuild looks at times.
patched() {
	patched_to=$2/$(basename "$1" .patch).c
	mkdir -p "$2"
	patch -s -F0 -p1 -o "$patched_to.new" tests/good/plain.c <"$1" || {
		echo "$1 does not apply to tests/good/plain.c"
		return 1
	}
	if cmp -s "$patched_to.new" "$patched_to"; then
		rm "$patched_to.new"
	else
		mv "$patched_to.new" "$patched_to"
	fi
}
