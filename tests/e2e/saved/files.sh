# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables are those of saved.sh
#
# files.sh - files and disks of restored machines; sourced by tests/e2e/saved.sh

# with_files TEXT: a run that has a file and a disk with that text, and finds them.
with_files() {
	mkdir -p "$tmp/add/below"
	echo "file $1" >"$tmp/add/below/file"
	ln -sf below/file "$tmp/add/link"
	printf '#!/bin/sh\necho "program %s"\n' "$1" >"$tmp/program"
	chmod 755 "$tmp/program"
	printf 'disk %s' "$1" >"$tmp/disk"
	truncate -s 1M "$tmp/disk"
	"$vm" --saved --timeout 600 --kernel "$dir" --add "$tmp/add:/in/here" \
		--add "$tmp/program:/bin/" --disk "$tmp/disk" -- sh -c '
		cat /in/here/link; program; head -c "$0" /dev/vda; echo
		printf "written" | dd of=/dev/vda conv=notrunc 2>/dev/null; ls -A /' $((${#1} + 5)) \
		>"$tmp/found" || return 1
	printf 'file %s\nprogram %s\ndisk %s\n' "$1" "$1" "$1" >"$tmp/meant"
	cat "$tmp/found"
	head -n 3 "$tmp/found" | cmp - "$tmp/meant" && ! grep -q '^\.' "$tmp/found" &&
		[ "$(head -c 7 "$tmp/disk")" = written ]
}
shared_by_all() {
	before=$(machines)
	with_files one && with_files another && [ "$(machines)" -eq $((before + 1)) ]
}
check "runs with other files and other disks share one saved machine" shared_by_all
too_large() {
	status=0
	truncate -s 200M "$tmp/large"
	"$vm" --saved --timeout 600 --kernel "$dir" --add "$tmp/large" -- true 2>"$tmp/err" || status=$?
	rm "$tmp/large"
	cat "$tmp/err"
	[ "$status" -eq 125 ] && grep -q 'too much for a machine of .* give it more memory' "$tmp/err"
}
check "files that are too large for it: an error" too_large
