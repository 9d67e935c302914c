#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kshram inside a machine: guest.sh BACKING, with tests/lib/tap.sh at that path,
# /kshram.ko, and kshram among the commands. TAP; and a line "json WHAT {...}" for
# each piece of JSON, which the host looks into.
set -u
cd /
backing=$1
tmp=/tmp/tools
. tests/lib/tap.sh
mkdir -p "$tmp"
cd "$tmp" || exit 1

# run COMMAND...: what it said is in out and err, how it ended in $status.
run() {
	status=0
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}

# ended STATUS [TEXT]...: with it, and each text among the errors; no text, no errors.
ended() {
	cat "$tmp/out" "$tmp/err"
	[ "$status" -eq "$1" ] || { echo "exit status $status, not $1"; return 1; }
	shift
	[ $# -gt 0 ] || [ ! -s "$tmp/err" ] || return 1
	for text; do
		grep -qF -e "$text" "$tmp/err" || { echo "does not say: $text"; return 1; }
	done
}

# said LINE: the only line of the output.
said() {
	cat "$tmp/out"
	[ "$(cat "$tmp/out")" = "$1" ]
}

all() {
	for condition; do
		eval "$condition" || { echo "does not hold: $condition"; return 1; }
	done
}

# within COMMAND...: it holds now or becomes true within a generous time.
within() {
	for _ in $(seq 3000); do
		"$@" && return 0
		usleep 20000
	done
	return 1
}

# same FILE: what `kshram read 0` prints is that file and then zeros.
same() {
	kshram read 0 --length "$(wc -c <"$1")" | cmp - "$1"
}

run kshram list
check 'not loaded: says how to load it' ended 1 'modprobe kshram' 'insmod PATH/kshram.ko'
run kshram watch 0
check 'not loaded: any command says so' ended 1 'not loaded'

insmod /kshram.ko "backing=$backing" slots=6 max_size=1M max_total=2M size=4K || exit 1

# ---- list and info ----

exec 9</dev/kshram2
run kshram list
check 'list: a line for each slot, and a head' all 'ended 0' '[ "$(wc -l <"$tmp/out")" = 7 ]'
check 'list: size, backing, opens, mappings, mode, owner, node' \
	grep -Eqx " +2 +4096 +$backing +1 +0 +0600 +root:root +/dev/kshram2" "$tmp/out"
run kshram info 2
check 'info: the same, with limits' all 'ended 0' 'grep -Eqx "opens +1" "$tmp/out"' \
	'grep -Eqx "size +4096 bytes \(4K\)" "$tmp/out"' \
	'grep -Eqx "max_total +2097152 bytes \(2M\)" "$tmp/out"' \
	'grep -qx "device  *$(cat /sys/class/kshram/kshram2/dev)" "$tmp/out"'
echo "json list $(kshram list --json | tr -d '\n')"
echo "json info $(kshram info 2 --json | tr -d '\n')"
exec 9<&-
run kshram info 6
check 'no such slot: says which there are' ended 1 'no slot 6: there are 6, 0 to 5'
run kshram info 99999999999999999999999
check 'no such slot, by far' ended 1 'there are 6, 0 to 5'
run kshram info kshram2
check 'no such path' ended 1 'kshram2: No such file or directory' '/dev/kshram0'
run kshram info ''
check 'no path at all' ended 1 'No such file or directory'

# ---- resize ----

run kshram resize 1 64K
check 'resize' all 'ended 0' 'said "slot 1: 65536 bytes, was 4096"' \
	'[ "$(cat /sys/class/kshram/kshram1/size)" = 65536 ]'
run kshram resize 1 0x1001
check 'resize: hexadecimal, no whole page' all 'ended 0' 'said "slot 1: 4097 bytes, was 65536"'
echo "json resize $(kshram resize --json 1 8K | tr -d '\n')"
run kshram resize 1 0
check 'resize: to nothing' ended 2 'size 0: a slot has at least 1 byte'
run kshram resize 1 1M1
check 'resize: no number' ended 2 "size '1M1': give a number" "Try 'kshram resize --help'"
run kshram resize 1 -- -4
check 'resize: a negative number' ended 2 "size '-4': give a number"
run kshram resize 1 -4
check 'resize: a negative number without --' ended 2 'start at 0' "Try 'kshram resize --help'"
run kshram resize 1 1048577
check 'resize: above the maximum says the maximum' ended 1 'at most 1048576 bytes (1M)' max_size
run kshram resize 1 4G
check 'resize: above what an int holds' ended 1 'size 4G: ' 'at most 1048576 bytes'
run kshram resize 1 0x10000000000001000
check 'resize: above what a long holds' ended 2 'give a number up to'
kshram resize 1 1M >/dev/null
run kshram resize 2 1M
check 'resize: all slots together too large' ended 1 "it takes 1M of memory on $backing" \
	'other slots take 1040K: together more than 2M' 'max_total' 'slot 2 is as it was'
kshram resize 2 400K >/dev/null
run kshram resize 3 513K
if [ "$backing" = kmalloc ]; then
	check 'resize: what a power of two takes is told' ended 1 'takes 1M of memory on kmalloc' \
		'other slots take 1548K'
	kshram resize 1 4096 >/dev/null
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	mkdir /sys/fs/cgroup/small
	echo 1M >/sys/fs/cgroup/small/memory.max
	run sh -c 'echo $$ >/sys/fs/cgroup/small/cgroup.procs && exec kshram resize 2 1020K'
	check 'resize: no memory' ended 1 'size 1020K: the system has no memory for it' \
		'slot 2 is as it was'
else
	check 'resize: whole pages count on shmem' all 'ended 0'
fi
kshram resize 3 4096 >/dev/null
kshram resize 2 4096 >/dev/null
kshram resize 1 4096 >/dev/null
if [ "$backing" = shmem ]; then
	run sh -c 'ulimit -f 64; exec kshram resize 1 128K'
	check 'resize: a limit on file sizes is named' ended 1 'ulimit -f'
fi

# ---- read, write, fill ----

head -c 200000 /dev/urandom >random
head -c 4096 random >page
kshram resize 0 200000 >/dev/null
run kshram write 0 random
check 'write: a file that fits exactly' all 'ended 0' 'same random'
run kshram read 0
check 'read: all of it' all 'ended 0' 'cmp random "$tmp/out"'
run kshram read 0 --offset 70000 --length 0x11111
tail -c +70001 random | head -c 69905 >part
check 'read: a part' all 'ended 0' 'cmp part "$tmp/out"'
run kshram read 0 --offset 199990 --length 4K
check 'read: no further than the end' all 'ended 0' '[ "$(wc -c <"$tmp/out")" = 10 ]'
run kshram read 0 --offset 200000
check 'read: at the end there is nothing' all 'ended 0' '[ ! -s "$tmp/out" ]'
run kshram read 0 --offset 200001
check 'read: beyond the end' ended 1 'offset 200001: slot 0 has only 200000 bytes'
run kshram read 0 --length 0
check 'read: nothing, when asked for it' all 'ended 0' '[ ! -s "$tmp/out" ]'
status=0
kshram read 0 >/dev/full 2>err || status=$?
: >out
check 'read: to a full device' ended 1 'standard output: No space left'
status=0
kshram list >/dev/full 2>err || status=$?
check 'list: to a full device' ended 1 'standard output: No space left'

kshram fill 0 0
run kshram read 0
check 'fill: all of it, with 0' all 'ended 0' '[ "$(tr -d "\000" <"$tmp/out" | wc -c)" = 0 ]' \
	'[ "$(wc -c <"$tmp/out")" = 200000 ]'
run kshram fill 0 0xab --offset 65530 --length 65540
check 'fill: a part' all 'ended 0' \
	'[ "$(kshram read 0 --offset 65530 --length 65540 | tr -d "\253" | wc -c)" = 0 ]' \
	'[ "$(kshram read 0 | tr -d "\000" | wc -c)" = 65540 ]'
run kshram fill 0 256
check 'fill: what is no byte' ended 2 "byte '256': give a whole number from 0 to 255"
run kshram fill 0 A
check 'fill: a letter is no byte' ended 2 "byte 'A': give a whole number from 0 to 255"
run kshram fill 0 1 --offset 199999 --length 2
check 'fill: beyond the end' ended 1 'did not fit' '1 were written'
run kshram fill 0 1 --offset 200001
check 'fill: from beyond the end' ended 1 'offset 200001: slot 0 has only 200000 bytes'

echo 'from a pipe' | kshram write 0 --offset 100000
check 'write: from a pipe, at an offset' all \
	'[ "$(kshram read 0 --offset 100000 --length 12)" = "from a pipe" ]'
echo 'dash' | kshram write 0 -
check 'write: "-" is standard input' all '[ "$(kshram read 0 --length 5)" = dash ]'
kshram resize 3 4096 >/dev/null
run kshram write 3 random
check 'write: what does not fit is said, the rest is there' all \
	'ended 1 "did not fit: slot 3 has 4096 bytes; 4096 were written at offset 0" "kshram resize 3"' \
	'kshram read 3 | cmp - page'
run kshram write 3 page --offset 1
check 'write: an offset counts' all 'ended 1 "4095 were written at offset 1"'
run kshram write 3 --offset 4097
check 'write: beyond the end' ended 1 'offset 4097: slot 3 has only 4096 bytes'
run kshram write 3 --offset 4096
check 'write: nothing fits at the end' ended 0
run kshram write 3 none
check 'write: no such file' ended 1 'none: No such file or directory'
run kshram write 3 /tmp
check 'write: a directory' ended 1 'reading /tmp: Is a directory'
kshram write 3 page && kshram read 3 | kshram write 4
check 'one slot is copied to another' all 'kshram read 4 | cmp - page'

# busybox has a dump of its own, which knows nothing of ours.
{
	cat page
	head -c 6000 /dev/zero
	printf 'x%.0s' $(seq 48)
	printf 'end\377'
} >pattern
kshram resize 0 "$(wc -c <pattern)" >/dev/null
kshram write 0 pattern
hexdump -C pattern >expected
run kshram read 0 --hex
check 'hex: as hexdump -C has it' all 'ended 0' 'cmp expected "$tmp/out"'
hexdump -C -s 4090 -n 77 pattern >expected
run kshram read 0 --hex --offset 4090 --length 77
check 'hex: of a part' all 'ended 0' 'cmp expected "$tmp/out"'
run kshram read 0 --hex --raw
check 'hex and raw exclude each other' ended 2 'not both'

# The machine's console is a terminal; the host has what was printed there.
kshram fill 5 0x41
kshram read 5 --length 40 >/dev/ttyS0
kshram read 5 --length 60 --raw >/dev/ttyS0

# ---- watch and ring ----

heard() {
	[ "$(wc -l <watched)" -ge "$1" ]
}

opens() {
	[ "$(cat /sys/class/kshram/kshram3/opens)" = "$1" ]
}

stopped() {
	grep -q '^State:.T' "/proc/$1/status"
}

kshram ring 3
kshram watch 3 --count 3 --timeout 120 >watched 2>err &
watcher=$!
within opens 1
kshram ring 3 && within heard 1 && kshram resize 3 8K >/dev/null && within heard 2 && kshram ring 3
status=0
wait "$watcher" || status=$?
printf 'slot 3: %s bytes\n' 'rung, 4096' 'resized, 8192' 'rung, 8192' >expected
cp watched out
check 'watch: a line for each event, from then on, until --count' all 'ended 0' 'cmp expected watched'

kshram watch --json 3 --count 2 --timeout 120 >watched 2>err &
watcher=$!
within opens 1
kill -STOP "$watcher"
within stopped "$watcher"
kshram ring 3 && kshram ring 3 && kshram resize 3 4096 >/dev/null && kshram resize 3 12288 >/dev/null
kill -CONT "$watcher"
status=0
wait "$watcher" || status=$?
cp watched out
check 'watch: what happened meanwhile is one line of each kind' all 'ended 0' \
	'[ "$(wc -l <watched)" = 2 ]'
sed 's/^/json watch /' watched

run kshram watch 3 --timeout 0
check 'watch: the end of the time without --count' all 'ended 0' '[ ! -s "$tmp/out" ]'
run kshram watch 3 --timeout 1 --count 2
check 'watch: the end of the time before --count' ended 1 '0 of 2 events in 1 s'

# ---- nodes and permissions ----

# shellcheck disable=SC2046 # two numbers
mknod mynode c $(tr : ' ' </sys/class/kshram/kshram4/dev)
echo 'by path' | kshram write ./mynode
run kshram read /dev/kshram4 --length 8
check 'a slot is named by any node' all 'ended 0' 'said "by path"'
run kshram info ./mynode
check 'info: of that node' all 'ended 0' 'grep -Eqx "node +./mynode" "$tmp/out"' \
	'grep -Eqx "slot +4 of 6" "$tmp/out"'
run kshram read /dev/null
check 'another device is refused' ended 1 '/dev/null is no node of kshram'
run kshram read page
check 'a file is refused' ended 1 "no node of kshram's"
rm /dev/kshram5
run kshram write 5 page
check 'a slot without a node' ended 1 '/dev/kshram5: No such file' mknod
mknod /dev/kshram5 c 1 3
run kshram write 5 page
check 'a node that is something else by now' ended 1 '/dev/kshram5 is no node of slot 5'
run kshram list
check 'list: no node' grep -Eqx " +5 .* +- +- +-" "$tmp/out"
echo "json nonode $(kshram info --json 5 | tr -d '\n')"
mkdir nodev
mount -t tmpfs -o nodev nodev nodev
cp -a mynode nodev/
run kshram read nodev/mynode
check 'a file system without devices' ended 1 'mounted nodev'
umount nodev

cat >>/etc/passwd <<'END'
alice:x:1000:1000::/:/bin/sh
bob:x:1001:1001::/:/bin/sh
END
echo 'kshram:x:500:alice' >>/etc/group
run su alice -c 'kshram read 1 --length 1'
check 'not permitted: what it is now' ended 1 \
	'/dev/kshram1: no permission for reading; it has mode 0600 and belongs to root:root' mode=0660
chgrp kshram /dev/kshram1
chmod 640 /dev/kshram1
run su bob -c 'kshram read 1 --length 1'
check 'not permitted: names the group' ended 1 'root:kshram' 'member of group kshram' \
	'usermod -aG kshram'
run su alice -c 'kshram read 1 --length 1'
check 'permitted to the group' ended 0
run su alice -c 'kshram ring 1'
check 'not permitted: to write' ended 1 'no permission for writing; it has mode 0640'
run su alice -c 'kshram list'
check 'list: needs no permission, and names owners' all 'ended 0' \
	'grep -Eqx " +1 .* 0640 +root:kshram +/dev/kshram1" "$tmp/out"'

rmmod kshram
umount -l /sys
run kshram list
check 'no /sys: says so' ended 1 '/sys is not mounted'
echo "1..$count"
exit "$failed"
