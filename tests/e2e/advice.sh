#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Advice for a folder with source, which is built for the kernel `debug` too: what KASAN,
# UBSAN, lockdep and kmemleak report of a student's modules is told with function and line, and
# of ours with SOAK=1 that there is nothing. TAP. What is found without source is the business
# of bad.sh.
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

# folder NAME SED-ARGUMENT...: a student's folder, with an edit of the plain module.
folder() {
	mkdir "$tmp/$1"
	cp module/compat.h "$tmp/$1"
	printf 'obj-m := kshram.o\nkshram-objs := plain.o\n' >"$tmp/$1/Makefile"
	to=$tmp/$1/plain.c
	shift
	sed "$@" tests/good/plain.c >"$to"
}

# line FOLDER FUNCTION TEXT: the number of the first line of the function that has TEXT.
line() {
	awk -v function_is="static int $2(" -v text="$3" \
		'index($0, function_is) { on = 1 } on && index($0, text) { print NR; exit }' "$tmp/$1/plain.c"
}

folder source \
	-e 's|ret = slot->size;|ret = slot->size + ((1 << (slot->size >> 6)) \& 0);|' \
	-e 's|memcpy(memory, slot->memory, min(size, slot->size));|memcpy(memory, slot->memory, PAGE_ALIGN(min(size, slot->size)) + 1);|'
# shellcheck disable=SC2016 # jq's
found='def tells($what): any(.advice[]; (.seen | test($what)) and (.where | test("^plain_.* \\(plain.c:[0-9]+\\)")));
	tells("UBSAN: shift-out-of-bounds") and tells("KASAN: slab-out-of-bounds")'
check "a shift that is too far and a copy that is too long, each with its line" \
	advised "$tmp/source" "$found"
check "the folder is left as it was" \
	test "$(find "$tmp/source" -type f | sort | sed 's,.*/,,' | tr '\n' ' ')" = "Makefile compat.h plain.c "
# A folder of its own: what KASAN reports turns lockdep off. A resize takes the slot's lock and then
# the one of the books, mmap the other way round; and what open allocates is freed by nobody.
folder orders \
	-e 's|^static struct class \*class;|&\nstatic DEFINE_MUTEX(books);|' \
	-e 's|^\tslot->size = size;|\tmutex_lock(\&books);\n&\n\tmutex_unlock(\&books);|' \
	-e '/^static int plain_mmap/,/^}/s|^\tmutex_lock(&slot->lock);|\tmutex_lock(\&books);\n&|' \
	-e '/^static int plain_mmap/,/^}/s|^\tmutex_unlock(&slot->lock);|&\n\tmutex_unlock(\&books);|' \
	-e 's|^\tfile->private_data = &slots.*|&\n\tkmalloc(200, GFP_KERNEL);|'
books="plain_(resize|ioctl) \\\\(plain.c:$(line orders plain_resize 'mutex_lock(&books)')\\\\)"
slot="plain_mmap \\\\(plain.c:$(line orders plain_mmap 'mutex_lock(&slot->lock)')\\\\)"
opened="plain_open \\\\(plain.c:$(line orders plain_open 'kmalloc(200')\\\\)"
found='any(.advice[]; .name == "report" and (.where | test("^'$books'$")) and
	(.seen | test("^lockdep report .*in '$slot'.*possible circular locking"))) and
	any(.advice[]; .name == "leak-object" and (.where | test("^'$opened'$")) and
	(.seen | test("as kmemleak found")))'
check "locks in two orders, and memory of each open, each with its line" \
	advised "$tmp/orders" "$found"
[ -z "${SOAK:-}" ] || check "our module: nothing" advised module '.advice == []'

echo "1..$count"
[ "$failed" = 0 ]
