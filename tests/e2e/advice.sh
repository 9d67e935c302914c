#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Advice for a folder with source, which is built for the kernel `debug` too: what KASAN
# and UBSAN report of a student's module is told with function and line, and of ours with
# SOAK=1 that there is nothing. TAP. What is found without source is the business of bad.sh.
#
# KERNEL is what grades (default: lab).
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh

kernel=${KERNEL:-lab}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh

make_alone all "modules-$kernel" >"$tmp/log" 2>&1 || {
	sed 's/^/# /' "$tmp/log"
	echo "Bail out! the grader does not build"
	exit 1
}
kernel/get --cached debug >/dev/null || {
	echo "Bail out! the kernel debug is not there: kernel/get debug"
	exit 1
}

# advised DIRECTORY FILTER - grade it, and look at the JSON.
advised() {
	build/bin/kshram-grade --json --timeout 600 --kernel "$kernel" "$1" >"$tmp/json" 2>"$tmp/err" || :
	cat "$tmp/err"
	jq '{score, advised, advice: [.advice[] | {name, seen, where}]}' "$tmp/json"
	jq -e '.score == 100 and .advised.kernel == "debug" and .advised.machine == "restored" and
		.advised.missing == ""' "$tmp/json" >/dev/null &&
		jq -e "$2" "$tmp/json"
}

mkdir "$tmp/source"
sed -e 's|ret = slot->size;|ret = slot->size + ((1 << (slot->size >> 6)) \& 0);|' \
	-e 's|memcpy(memory, slot->memory, min(size, slot->size));|memcpy(memory, slot->memory, PAGE_ALIGN(min(size, slot->size)) + 1);|' \
	tests/good/plain.c >"$tmp/source/plain.c"
cp module/compat.h "$tmp/source"
printf 'obj-m := kshram.o\nkshram-objs := plain.o\n' >"$tmp/source/Makefile"
# shellcheck disable=SC2016 # jq's
found='def tells($what): any(.advice[]; (.seen | test($what)) and (.where | test("^plain_.* \\(plain.c:[0-9]+\\)")));
	tells("UBSAN: shift-out-of-bounds") and tells("KASAN: slab-out-of-bounds")'
check "a shift that is too far and a copy that is too long, each with its line" \
	advised "$tmp/source" "$found"
check "the folder is left as it was" \
	test "$(find "$tmp/source" -type f | sort | sed 's,.*/,,' | tr '\n' ' ')" = "Makefile compat.h plain.c "
[ -z "${SOAK:-}" ] || check "our module: nothing" advised module '.advice == []'

echo "1..$count"
[ "$failed" = 0 ]
