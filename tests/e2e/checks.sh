#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The three check programs tell the truth: their exit status and their words,
# without a module, with ours, and with modules that are wrong in one thing. And
# the sample module does what it says.
# Everything runs in one boot; the results are then read here.
#
# Environment: KERNEL, the kernel's name (stock).
set -eu

cd "$(dirname "$0")/../.."
kernel=${KERNEL:-stock}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/tap.sh

# --- what fails: edits of a right module -----------------------------------

mkdir "$tmp/src"
wrong="mmap_copy one_page setsize_lies exclusive"
for name in $wrong; do
	cp tests/good/plain.c "$tmp/src/plain.c"
	(cd "$tmp/src" && patch -s -p1) <"tests/bad/$name.patch"
	mv "$tmp/src/plain.c" "$tmp/src/$name.c"
done
# mmap that says yes and maps nothing.
sed 's/ret = remap_pfn_range(/ret = 0 \&\& remap_pfn_range(/' tests/good/plain.c \
	>"$tmp/src/map_nothing.c"
{
	printf 'obj-m :='
	# shellcheck disable=SC2086 # a list
	printf ' %s.o' $wrong map_nothing
	echo
} >"$tmp/src/Kbuild"
kernel/kbuild "$kernel" "$tmp/out" "$tmp"/src/* module/compat.h include/kshram.h >"$tmp/build" 2>&1 || {
	sed 's/^/# /' "$tmp/build"
	echo "Bail out! the wrong modules do not build"
	exit 1
}

# --- the one boot ----------------------------------------------------------

cat >"$tmp/run" <<'END'
#!/bin/sh
# Prints "=== CASE N", what the program said, and "=== status S".
run() {
	echo "=== $1"
	shift
	"$@" 2>&1
	echo "=== status $?"
}
hello() {
	insmod /hellomod.ko && cat /dev/hellomod && echo abc >/dev/hellomod && cat /proc/hellomod
	rmmod hellomod && dmesg | grep hellomod: && ls /dev/hellomod /proc/hellomod /sys/class/hellomod
}
run hello hello
run hello-again hello
run absent-msg check_msg
run absent-resize check_resize
run absent-fork check_fork
run help check_msg --help
run version check_fork --version
run argument check_resize 7
insmod /kshram.ko || exit 1
run fresh-msg check_msg
run second-msg check_msg
run resize check_resize
run resize-again check_resize
run fork check_fork
run after-msg check_msg
rmmod kshram || exit 1
insmod /mmap_copy.ko || exit 1
run copy-msg check_msg
run copy-fork check_fork
rmmod mmap_copy || exit 1
insmod /one_page.ko || exit 1
run page-resize check_resize
rmmod one_page || exit 1
insmod /setsize_lies.ko || exit 1
run lies-resize check_resize
rmmod setsize_lies || exit 1
insmod /exclusive.ko || exit 1
run exclusive-fork check_fork
rmmod exclusive || exit 1
insmod /map_nothing.ko || exit 1
run nothing-msg check_msg
run nothing-fork check_fork
rmmod map_nothing || exit 1
echo "=== end"
END
chmod 755 "$tmp/run"
add=
for name in $wrong map_nothing; do
	add="$add --add $tmp/out/$name.ko"
done
for name in msg resize fork; do
	add="$add --add build/guest/check_$name:/bin/check_$name"
done
# shellcheck disable=SC2086 # a list
build/bin/kshram-vm --saved --kernel "$kernel" --add "build/$kernel/kshram.ko" \
	--add "build/$kernel/hellomod.ko" --add "$tmp/run:/steps" $add \
	-- /steps >"$tmp/all" 2>"$tmp/err" || :

# said CASE STATUS [PATTERN...] - that case ended so and said each of these.
said() {
	awk -v want="=== $1" '/^=== status/ { if (on) print; on = 0 } on; $0 == want { on = 1 }' \
		"$tmp/all" >"$tmp/case"
	cat "$tmp/case"
	grep -qx "=== status $2" "$tmp/case" || return 1
	shift 2
	for pattern; do
		echo "expected: $pattern"
		grep -Eq -e "$pattern" "$tmp/case" || return 1
	done
}

whole_run() {
	cat "$tmp/err"
	tail -n 20 "$tmp/all"
	grep -qx "=== end" "$tmp/all"
}

message() {
	awk -v want="=== $1" -v key="$2: " \
		'$0 == want { on = 1 } on && index($0, key) == 1 { print substr($0, length(key) + 1); exit }' \
		"$tmp/all"
}

second_finds() {
	left=$(message fresh-msg stored)
	echo "left '$left', found '$(message second-msg found)'"
	[ ${#left} = 32 ] && [ "$(message second-msg found)" = "$left" ]
}

rounds() {
	said fork 0 || return 1
	[ "$(grep -c '^round .*PASSED$' "$tmp/case")" = 100 ] && ! grep -q FAILED "$tmp/case"
}

sizes() {
	said resize 0 || return 1
	for i in 0 1 2 3 4 5 6 7; do
		size=$((1048576 + (i + 1) * 4096))
		grep -qx "/dev/kshram$i: has $size bytes, mapped and cleared" "$tmp/case" || return 1
	done
}

missing='^FAILED: open\(/dev/kshram0, O_RDWR\): No such file or directory \(ENOENT\)$'
check "the guest ran to its end" whole_run
check "hellomod answers, logs and counts" said hello 1 '^Hello from the kernel\.$' '^opens: 2$' \
	'^calls: 3$' 'hellomod: loaded: /dev/hellomod' 'hellomod: open: minor 0, by cat' \
	'hellomod: read: [0-9]+ bytes at 0' 'hellomod: write: 4 bytes at 0' 'hellomod: unloaded' \
	'ls: /dev/hellomod: No such' 'ls: /proc/hellomod: No such' 'ls: /sys/class/hellomod: No such'
check "hellomod loads again" said hello-again 1 '^Hello from the kernel\.$' '^opens: 2$'
check "check_msg without a module fails" said absent-msg 1 "$missing"
check "check_resize without a module fails" said absent-resize 1 "$missing"
check "check_fork without a module fails" said absent-fork 1 "$missing"
check "--help tells the exit statuses" said help 0 '^usage: check_msg' 'Exit status:'
check "--version" said version 0 '^check_fork [0-9]'
check "an argument is a wrong command line" said argument 2 "got '7'"
check "check_msg on a fresh slot" said fresh-msg 0 '^found: no message$' '^stored: .{32}$'
check "a second check_msg passes" said second-msg 0
check "the second check_msg finds the first one's message" second_finds
check "check_resize gives all eight their sizes" sizes
check "check_resize passes twice" said resize-again 0
check "check_fork: 100 rounds PASSED" rounds
check "check_msg on a resized slot" said after-msg 0 '^stored: '
check "check_msg sees that mmap gave a copy" said copy-msg 1 '^FAILED: .*lost the message'
check "check_fork sees that mmap gave a copy" said copy-fork 1 '^round   1: .*FAILED$' \
	'^round 100: ' '^FAILED: in 100 of 100 rounds'
check "check_resize names the signal that killed it" said page-resize 1 'killed by signal 7'
check "check_resize sees that SETSIZE lied" said lies-resize 1 'has 4096 bytes.*resized to 1052672'
check "check_fork needs two that have it open" said exclusive-fork 1 'open.*EBUSY'
check "check_msg on a mapping of nothing" said nothing-msg 1 'killed by signal 7'
check "check_fork tells which child was killed" said nothing-fork 1 'process [AB] was killed by signal 7'

echo "1..$count"
[ "$failed" = 0 ]
