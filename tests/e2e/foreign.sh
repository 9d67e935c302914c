#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Programs that nobody here wrote, on both backings: dd and its kin, xxd,
# Python's mmap module, fio, gdb, stress-ng, trinity. TAP, from one machine that
# has them on a disk; see tests/foreign/programs.sh.
#
#	tests/e2e/foreign.sh [coreutils|xxd|python3|fio|gdb|stress-ng|trinity]...
#
# $KERNEL names the kernel (default: lab); SOAK in the environment makes the
# stressing ones long.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh
kernel=${KERNEL:-lab}
make_alone build/bin/kshram-vm build/guest/kshram-agent "modules-$kernel" >&2
root=$(tests/lib/guest-root.sh coreutils diffutils fio gdb grep kmod mount procps python3 \
	sed stress-ng trinity util-linux xxd) || {
	echo 'Bail out! no root file system with the programs; standard error says why'
	exit 1
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cp --sparse=always --reflink=auto "$root/image" "$tmp/image"

# The kernel's reports stand in one place, as C.
sed -n '/reports\[\] = {/,/};/s/^\t*"\(.*\)",$/\1/p' tests/guest/health.c >"$tmp/reports"
grep -q '^BUG: ' "$tmp/reports" || { echo 'Bail out! no reports in tests/guest/health.c'; exit 1; }

limit=1500
cpus=1
[ -z "${SOAK:-}" ] || {
	limit=36000
	cpus=2
}
status=0
build/bin/kshram-vm --kernel "$kernel" --memory 768 --cpus "$cpus" --timeout "$limit" --disk "$tmp/image" \
	--append "slub_debug=FZPU page_poison=1 debug_pagealloc=on" \
	--add tests/foreign/programs.sh:/foreign/ --add tests/foreign/mapping.py:/foreign/ \
	--add tests/lib/tap.sh:/foreign/ --add "$tmp/reports:/foreign/" \
	--add "build/$kernel/kshram.ko:/foreign/" -- sh -c '
		set -e
		mkdir /root.d
		mount -t ext4 /dev/vda /root.d
		for dir in dev proc sys; do
			mount --bind "/$dir" "/root.d/$dir"
		done
		mount -t tmpfs tmpfs /root.d/tmp
		cp -r /foreign /root.d/tmp/
		exec env SOAK="$0" chroot /root.d /bin/sh /tmp/foreign/programs.sh "$@"
	' "${SOAK:-}" "$@" || status=$?
exit "$status"
