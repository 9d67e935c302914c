#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The part of tests/systems/run that runs on the other system, from the top of a
# clean clone: tests/systems/inside.sh PART.
#
# Standard output: what the tests say; lines "@program VERSION" for the table in
# docs/systems.md; and at the end N skipped, and: N passed, N failed.
# Only what a system without any of our packages has may be used until PART has run.
set -eu

passed=0
failed=0
skipped=0
out=/tmp/systems-output

# logged COMMAND...: run it, show its output, keep it in $out; its status.
logged() {
	echo "== $*"
	{
		status=0
		"$@" </dev/null 2>&1 || status=$?
		echo "$status" >"$out.status"
	} | tee "$out"
	return "$(cat "$out.status")"
}

# demo COMMAND...: one test, that it ends in full marks.
demo() {
	status=0
	logged "$@" || status=$?
	if [ "$status" -eq 0 ] && tail -n 1 "$out" | grep -q '100/100'; then
		passed=$((passed + 1))
	else
		echo "FAILED  $*: status $status, and the last line is not a score of 100/100"
		failed=$((failed + 1))
	fi
}

# tests COMMAND...: add the counts of its last lines to ours.
tests() {
	status=0
	logged "$@" || status=$?
	counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$out" | tail -n 1)
	if [ -z "$counts" ]; then
		echo "FAILED  $*: status $status, and no line 'N passed, N failed'"
		failed=$((failed + 1))
		return
	fi
	more=$(grep -E '^[0-9]+ skipped$' "$out" | tail -n 1)
	skipped=$((skipped + ${more%% *}))
	passed=$((passed + ${counts%% *}))
	more=${counts#* passed, }
	failed=$((failed + ${more%% *}))
	if [ "$status" -ne 0 ] && [ "${more%% *}" -eq 0 ]; then
		echo "FAILED  $*: status $status"
		failed=$((failed + 1))
	fi
}

# readme NUMBER: the block of commands of that number under "Two commands".
readme() {
	awk -v wanted="$1" '
		/^## / { there = $0 == "## Two commands" }
		/^```/ { inside = there && $0 == "```sh"; blocks += inside; next }
		inside && blocks == wanted' README.md
}

# versions: of the programs that the results may depend on.
versions() {
	package() {
		dpkg-query -W -f '${db:Status-Abbrev} ${Version}\n' "$1" 2>/dev/null |
			sed -n 's/^ii *\([0-9]*:\)\{0,1\}//p' | sed 's/-[^-]*$//' | head -n 1
	}
	echo "@system $(. /etc/os-release && echo "$PRETTY_NAME")"
	echo "@Linux $(cat "$(kernel/get --cached stock)/release" 2>/dev/null)"
	echo "@QEMU $(qemu-system-x86_64 --version 2>/dev/null |
		sed -n 's/^QEMU.* version \([0-9.]*\).*/\1/p')"
	echo "@gcc $(gcc -dumpfullversion 2>/dev/null)"
	echo "@clang $(clang --version 2>/dev/null | sed -n 's/.*clang version \([0-9.]*\).*/\1/p')"
	echo "@kmod $(package kmod)"
	echo "@bubblewrap $(package bubblewrap)"
	echo "@elfutils $(package 'libdw1*')"
	echo "@systemd $(package systemd)"
	# DKMS is not installed here, but in the machine in which packages are installed.
	for image in "${XDG_CACHE_HOME:-$HOME/.cache}"/kshram/images/deb-*.ext4; do
		[ ! -f "$image" ] || echo "@dkms $(debugfs -R 'cat /var/lib/dpkg/status' "$image" 2>/dev/null |
			awk '/^Package: / { name = $2 } /^Version: / && name == "dkms" { print $2 }' |
			sed 's/-[^-]*$//')"
	done
}

case $1 in
demo)
	demo sh -euc "$(readme 1)"
	;;
readme)
	demo sh -euc "$(readme 1)"
	tests sh -euc "$(readme 2)"
	;;
short)
	demo make demo
	tests make test-short
	;;
all)
	demo make demo
	tests make test
	tests make test-debian
	;;
arm64)
	tests sh tests/systems/arm64.sh "$HOME/.cache/in" "$HOME/.cache/out"
	;;
prepare)
	make -s --no-print-directory prepare-short
	;;
*)
	echo "tests/systems/inside.sh: there is no part $1" >&2
	exit 2
	;;
esac
versions
printf '%d skipped\n%d passed, %d failed\n' "$skipped" "$passed" "$failed"
[ "$failed" -eq 0 ]
