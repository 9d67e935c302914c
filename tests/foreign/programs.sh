#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Programs that nobody here wrote, against the device nodes: TAP. It runs in a
# machine, on the root file system that tests/e2e/foreign.sh attaches, beside
# kshram.ko, tap.sh and `reports`, a pattern a line of what a kernel's log must
# not have. The commands were written for coreutils 9.1, fio 3.33, gdb 13.1,
# Python 3.11, stress-ng 0.15.06, trinity 1.9+git20230109 and xxd 2022-01-14.
#
#	programs.sh [PROGRAM]...
#
# SOAK in the environment makes the stressing ones long.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tmp=/tmp/work
mkdir -m 777 "$tmp"
cd "$tmp"
# shellcheck source=tests/lib/tap.sh
. "$here/tap.sh"
LC_ALL=C
export LC_ALL
exec 3>&1

size=262144
node=/dev/kshram0
seconds=4
calls=8000
if [ -n "${SOAK:-}" ]; then
	seconds=120
	calls=400000
fi

# run COMMAND...: show it in a comment, and run it, but not for ever.
run() {
	echo "# \$ $*" >&3
	timeout "$((seconds * 5 + 280))" "$@"
}

# fails TEXT COMMAND...: it ends with a status that is not 0, and says TEXT.
fails() {
	text=$1
	shift
	status=0
	run "$@" >"$tmp/said" 2>&1 || status=$?
	cat "$tmp/said"
	[ "$status" -ne 0 ] && grep -q -e "$text" "$tmp/said"
}

# says TEXT COMMAND...: it ends with 0, and says TEXT.
says() {
	text=$1
	shift
	run "$@" >"$tmp/said" 2>&1 || { cat "$tmp/said"; return 1; }
	grep -q -e "$text" "$tmp/said" || { cat "$tmp/said"; return 1; }
}

version() {
	"$@" 2>&1 | head -n 1 | sed 's/^/# version: /'
}

quiet() {
	dmesg >"$tmp/dmesg"
	! grep -F -f "$here/reports" "$tmp/dmesg" || return 1
	# Out-of-tree and unsigned is what any module from outside is.
	tainted=$(cat /proc/sys/kernel/tainted)
	[ "$((tainted & ~12288))" -eq 0 ] || { echo "tainted: $tainted"; return 1; }
}

unloads() {
	rmmod kshram && [ ! -e "$node" ]
}

# resized BYTES: slot 0 gets that size, and is zero where it was not before.
resized() {
	echo "$1" >/sys/class/kshram/kshram0/size
}

random() {
	head -c "$1" /dev/urandom
}

# ---- coreutils ----

# as_file ARGUMENT...: dd writes the same to the slot and to a file.
as_file() {
	dd if="$node" of=file bs=64k status=none
	cp data before
	run dd if=data of=file conv=notrunc status=none "$@" || return 1
	run dd if=data of="$node" status=none "$@" || return 1
	cmp file "$node"
}

# from_file ARGUMENT...: dd reads the same from the slot and from a file.
from_file() {
	run dd if=data of=file.part status=none "$@" || return 1
	run dd if="$node" of=slot.part status=none "$@" || return 1
	cmp file.part slot.part
}

dd_full() {
	random "$((size * 2))" >large
	fails 'No space left on device' dd if=large of="$node" bs=100k conv=fsync || return 1
	grep -q '^262144 bytes' said && cmp -n "$size" large "$node"
}

dd_append() {
	cp "$node" before
	fails 'No space left on device' dd if=data of="$node" bs=4k oflag=append conv=notrunc &&
		cmp before "$node"
}

dd_slot_to_slot() {
	run dd if="$node" of=/dev/kshram1 bs=5000 status=none && cmp "$node" /dev/kshram1 || return 1
	run dd if=/dev/kshram1 of="$node" bs=4k conv=swab status=none &&
		dd if=/dev/kshram1 bs=4k conv=swab status=none | cmp - "$node"
}

copied() {
	run cp data "$node" && cmp data "$node" && run cp "$node" copy && cmp data copy
}

ends() {
	run tail -c 1000 "$node" >slot.part && tail -c 1000 data | cmp - slot.part || return 1
	run head -c 1000 "$node" >slot.part && head -c 1000 data | cmp - slot.part || return 1
	run od -A d -t x1 -j 4090 -N 12 "$node" >slot.part && od -A d -t x1 -j 4090 -N 12 data | cmp - slot.part
}

same_sum() {
	[ "$(run sha256sum <"$node")" = "$(sha256sum <data)" ]
}

# It asks for the size with SEEK_END, writes over it several times and syncs.
shredded() {
	run shred -n 2 -z "$node" && head -c "$size" /dev/zero | cmp - "$node"
}

test_coreutils() {
	version dd --version
	random "$size" >data
	check "$1: dd, conv=fsync" as_file bs=64k conv=fsync
	check "$1: dd, odd blocks, conv=fdatasync" as_file bs=1000 seek=3 skip=7 count=100 conv=fdatasync
	check "$1: dd, seek and skip, synchronous" as_file bs=4096 skip=3 seek=7 count=5 oflag=sync
	check "$1: dd, one byte at a time across a page" as_file bs=1 seek=4095 skip=10 count=3
	check "$1: dd, counted in bytes" as_file bs=8k iflag=skip_bytes,count_bytes oflag=seek_bytes \
		skip=123 count=50000 seek=4567
	check "$1: dd, holes are left" as_file bs=512 conv=sparse
	check "$1: cp there and back" copied
	check "$1: dd reads odd blocks" from_file bs=777
	check "$1: dd reads, skip and count" from_file bs=4k skip=5 count=9
	check "$1: dd reads its last, short block" from_file bs=100k skip=2
	check "$1: head, tail, od" ends
	check "$1: sha256sum" same_sum
	check "$1: dd, more than fits" dd_full
	check "$1: dd, oflag=append: nothing fits at the end" dd_append
	check "$1: dd, slot to slot and conv=swab" dd_slot_to_slot
	check "$1: truncate is refused" fails 'Invalid argument' truncate -s 4096 "$node"
	check "$1: shred" shredded
}

# ---- xxd ----

# dumped ARGUMENT...: xxd prints the same of the slot and of a file.
dumped() {
	run xxd "$@" "$node" >slot.dump && xxd "$@" data >file.dump && cmp file.dump slot.dump
}

patched() {
	echo '00000ffe: 6b73 6872 616d' | run xxd -r - "$node" &&
		says '^00000ffe: 6b73 6872 616d  *kshram$' xxd -s 4094 -l 6 "$node"
}

undumped() {
	random "$size" >data
	xxd data | run xxd -r - "$node" && cmp data "$node"
}

test_xxd() {
	version xxd --version
	check "$1: xxd -r writes all of it" undumped
	check "$1: xxd reads all of it" dumped
	check "$1: xxd -s -l, plain" dumped -p -s 4090 -l 100
	check "$1: xxd, from the end" dumped -s -33
	check "$1: xxd -r patches across a page" patched
}

# ---- python3's mmap module ----

test_python3() {
	version python3 --version
	check "$1: python3: the tests of mapping.py ran" \
		run sh -c 'python3 "$1" "$2" "$3" >results 2>traces' sh "$here/mapping.py" "$node" "$1"
	while read -r verdict; do
		check "$1: python3: mmap: ${verdict##* }" \
			sh -c 'case $1 in ok*) ;; *) cat traces; exit 1 ;; esac' sh "$verdict"
	done <results
}

# ---- fio ----

# io ARGUMENT...: blocks with a checksum each, over all of the slot.
io() {
	run fio --filename="$node" --size="$size" --bs=4k --thread --allow_file_create=0 \
		--verify=crc32c --verify_fatal=1 --verify_dump=0 --output=/dev/null --name=job "$@"
}

# across WRITER READER [ARGUMENT]...: what one engine writes is what another reads.
across() {
	writer=$1
	reader=$2
	shift 2
	io --ioengine="$writer" --rw=randwrite --do_verify=0 "$@" &&
		io --ioengine="$reader" --rw=read "$@"
}

# One byte that differs from what was written last is found: so it does look.
spoilt() {
	dd if="$node" bs=1 skip=70000 count=1 status=none | tr '\000-\377' '\001-\377\000' |
		dd of="$node" bs=1 seek=70000 status=none
	! io --ioengine=mmap --rw=read --bs=2k
}

# Engines in turn, in one process: each reads what the one before it wrote, and
# writes anew.
engines() {
	set -- --ioengine=psync --rw=randwrite --do_verify=0
	for engine in sync vsync pvsync2 splice libaio posixaio io_uring mmap; do
		for how in '--rw=read' '--rw=randwrite --do_verify=0'; do
			# shellcheck disable=SC2086 # words
			set -- "$@" --stonewall --name="$engine" --filename="$node" --size="$size" \
				--bs=4k --thread --allow_file_create=0 --verify=crc32c --verify_fatal=1 \
				--verify_dump=0 --ioengine="$engine" $how
		done
	done
	io "$@"
}

# Four threads with a quarter of the slot each, reading and writing at once.
quarters() {
	set -- --ioengine="$1" --size="$((size / 4))" --bs=512 --numjobs=4 \
		--offset_increment="$((size / 4))" --rw=randrw
	# And not for a time: until that has passed fio keeps in memory what it will verify.
	[ -z "${SOAK:-}" ] || set -- "$@" --loops=10000
	io "$@"
}

test_fio() {
	version fio --version
	check "$1: fio: written by psync, verified through mmap" across psync mmap
	check "$1: fio: written through mmap, verified by psync" across mmap psync --bs=2k
	check "$1: fio: verification finds a spoilt byte" spoilt
	check "$1: fio: other engines" engines
	check "$1: fio: mmap, four at once" quarters mmap
	check "$1: fio: psync, four at once" quarters psync
	check "$1: fio: buffers that are a mapping of another slot" \
		io --ioengine=pvsync --iomem=mmapshared:/dev/kshram1 --rw=randwrite
}

# ---- gdb ----

# debug COMMAND...: gdb's commands on the process that holds a mapping; what it
# said is in `said`. One gdb does many: it takes long to start.
debug() {
	for command; do
		set -- "$@" -ex "$command"
		shift
	done
	# Of the process only the memory matters; symbols take long to read.
	run gdb -nx -batch -iex 'set auto-solib-add off' -iex 'set pagination off' \
		-iex 'set debuginfod enabled off' -p "$holder" "$@" >said 2>&1
}

held() {
	[ -s ready ]
}

# hold w|r: a live process maps the slot; $holder is its number, $at the address.
hold() {
	rm -f ready
	python3 "$here/mapping.py" --hold "$node" "$1" >ready &
	holder=$!
	for _ in $(seq 600); do
		! held || break
		sleep 0.1
	done
	at=$(grep kshram "/proc/$holder/maps" | head -n 1 | sed 's/^/0x/; s/-.*//')
	[ -n "$at" ]
}

release() {
	kill "$holder"
	wait "$holder" 2>/dev/null || :
}

# said_all PATTERN...: gdb said each of them.
said_all() {
	cat said
	for pattern; do
		grep -q -e "$pattern" said || { echo "no $pattern"; return 1; }
	done
}

# refused COMMAND...: gdb can do none of them, and the slot is as it was.
refused() {
	cp "$node" before
	debug "$@" || :
	cat said
	[ "$(grep -c 'Cannot access memory at address' said)" -eq $# ] && cmp before "$node"
}

# slot_has TEXT OFFSET: seen through read(2).
slot_has() {
	[ "$(dd if="$node" bs=1 skip="$2" count="${#1}" status=none)" = "$1" ]
}

test_gdb() {
	version gdb --version
	random "$size" >data
	printf 'a word of ours\000' | dd of=data bs=1 seek=4090 conv=notrunc status=none
	cp data "$node"
	check "$1: gdb: a live process maps the slot" hold w
	random 100000 >other
	check "$1: gdb: it ran" debug "x/s $at + 4090" \
		"print/x *(unsigned char *)($at + 4091)@4" "x/2xb $at + 4095" \
		"find $at, +$size, 'o', 'u', 'r', 's'" \
		"dump binary memory dumped $at ($at + $size)" \
		"set var *(int *)($at + 8190) = 0x64636261" "print/x *(int *)($at + 8190)" \
		"restore other binary $((at + 100001))"
	check "$1: gdb: x, across a page" said_all '"a word of ours"' '0x64[[:space:]]0x20'
	check "$1: gdb: print" said_all '= {0x20, 0x77, 0x6f, 0x72}'
	check "$1: gdb: find" said_all '^1 pattern found'
	check "$1: gdb: dump memory" cmp dumped data
	check "$1: gdb: set var, across a page" slot_has abcd 8190
	check "$1: gdb: and sees it" said_all '= 0x64636261'
	check "$1: gdb: restore" cmp -n 100000 -i 0:100001 other "$node"
	resized 4096
	check "$1: gdb: beyond a new end: not read, not written" \
		refused "x/xb $at + 4096" "set var *(char *)($at + 4096) = 1"
	resized "$size"
	release
	check "$1: gdb: a live process maps the slot to read" hold r
	check "$1: gdb: its mapping is not written" refused "set var *(char *)$at = 1"
	release
}

# ---- stress-ng and trinity ----

# What they do to slot 0 is their business; the others are none of it.
guard() {
	random "$size" >data
	cp data /dev/kshram1
}

unharmed() {
	cmp data /dev/kshram1
}

# Of its stressors `dev` alone takes the name of what it works on. It reads, maps,
# seeks, polls, locks, and calls ioctls of all kinds of devices.
test_stress_ng() {
	version stress-ng --version
	guard
	check "$1: stress-ng: dev, two workers" says ' 1 of 1 devices opened and exercised' \
		stress-ng --dev 2 --dev-file "$node" --timeout "$seconds" --verbose
	check "$1: stress-ng: other slots are unharmed" unharmed
}

# Without rights, on one node and no other file: it reads, writes, maps, seeks and
# calls ioctls with arguments made to hurt, as 64-bit and as 32-bit program.
test_trinity() {
	trinity --help 2>&1 | grep -o -m 1 '^Trinity [0-9.]*' | sed 's/^/# version: /'
	guard
	chmod 600 /dev/kshram[1-9]*
	seed=1
	[ -z "${SOAK:-}" ] || seed=$(od -A n -t u4 -N 4 /dev/urandom | tr -d ' ')
	set -- "$1"
	# shellcheck disable=SC2046 # words
	check "$1: trinity: system calls of all kinds on one node" says 'Ran [0-9]* syscalls' \
		chroot --userspec=65534:65534 --groups=65534 / sh -c 'cd "$0" && exec "$@"' "$tmp" \
		trinity -q -q -l off -s "$seed" -N "$calls" -C 2 -V "$node" --enable-fds=pseudo \
		$(for call in read write readv writev pread64 pwrite64 preadv pwritev lseek ioctl \
			mmap munmap mremap mprotect madvise msync mlock munlock mincore remap_file_pages \
			poll select fsync fdatasync fcntl flock ftruncate fallocate splice tee vmsplice \
			sendfile copy_file_range dup open openat close fadvise64 sync_file_range; do
			printf -- '-c %s ' "$call"
		done)
	check "$1: trinity: other slots are unharmed" unharmed
}

# ---- all of them, on a module of their own each ----

program() {
	dmesg --clear
	# shellcheck disable=SC2154 # the loop below sets it
	insmod "$here/kshram.ko" "backing=$backing" mode=0666 "size=$size" slots=4
	# A function of a program's own name would hide the program.
	"test_$(echo "$1" | tr - _)" "$backing"
	check "$backing: $1: the module unloads" unloads
	check "$backing: $1: the kernel's log has no report" quiet
}

# Programs that crash are not the kernel's faults, and would read like some.
echo 0 >/proc/sys/debug/exception-trace
[ $# -gt 0 ] || set -- coreutils xxd python3 fio gdb stress-ng trinity
for backing in kmalloc shmem; do
	for name; do
		program "$name"
	done
done
# shellcheck disable=SC2154 # tap.sh counts
echo "1..$count"
[ "$failed" -eq 0 ]
