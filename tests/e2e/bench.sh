#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# bench/module.sh measures what it says: figures that repeat, and that are in an
# order which nothing but a fault of the bench or of the module would turn. TAP.
set -eu
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh

bench=bench/module.sh

# figure OPERATION OBJECT BYTES: that figure of the first run, or failure.
figure() {
	awk -v o="$1" -v what="$2" -v b="$3" \
		'$2 == o && $3 == what && $4 == b { print $5; found = 1 } END { exit !found }' "$tmp/one"
}

# below PERCENT FIGURE OTHER: each figure as "OPERATION OBJECT BYTES".
below() {
	# shellcheck disable=SC2086 # three words each
	a=$(figure $2) && b=$(figure $3) || {
		echo "no figure for $2, or none for $3"
		return 1
	}
	echo "$2: $a; $3: $b"
	[ "$((a * 100))" -lt "$((b * $1))" ]
}

measured() {
	"$bench" --quick --figures "$tmp/one" --output "$tmp" lab &&
		"$bench" --quick --figures "$tmp/two" lab >"$tmp/stdout.md"
}

# complete: every operation on every object that has it, and no figure of nothing.
complete() {
	awk '$2 != "release" { print $2, $3; if ($5 + 0 < 100) print "too small:", $0 }' "$tmp/one" |
		sort -u >"$tmp/got"
	{
		for object in kmalloc shmem memfd posix; do
			for operation in map open+map size resize resize+map read write; do
				echo "$operation $object"
			done
		done
		printf '%s\n' 'spin kmalloc' 'spin shmem' 'spin memfd' 'map sysv' 'open+map sysv' 'map anonymous' 'message kmalloc' 'message shmem' \
			'message pipe' 'message socket' 'futex shmem' 'futex memfd' 'futex posix' 'futex sysv'
	} | sort >"$tmp/want"
	diff "$tmp/want" "$tmp/got"
}

# within PERCENT: the two runs' figures differ by no more, but for those that are time.
within() {
	paste -d ' ' "$tmp/one" "$tmp/two" | awk -v percent="$1" '
	$2 != $7 || $3 != $8 || $4 != $9 { print "not the same figures: " $0; bad = 1 }
	$2 != "release" && $2 != "spin" && ($5 - $10) ^ 2 > ($5 * percent / 100) ^ 2 { print; bad = 1 }
	END { exit bad || !NR }'
}

# each_byte_once: 256 KiB to 1 MiB and back copies 512 KiB and clears 768, where
# an instruction of the count does a byte; all else is little.
each_byte_once() {
	bytes=$(figure resize kmalloc 262144) || return 1
	echo "$bytes instructions for $((5 * 262144)) bytes"
	[ "$bytes" -gt $((4 * 262144)) ] && [ "$bytes" -lt $((11 * 262144 / 2)) ]
}

# spins: neither takes twice as long as the other. Time on a busy host says no more.
spins() {
	for object in kmalloc shmem; do
		below 200 "spin $object 64" 'spin memfd 64' &&
			below 200 'spin memfd 64' "spin $object 64" || return
	done
}

# status WANTED COMMAND...: the command ends with that status.
status() {
	wanted=$1
	shift
	got=0
	"$@" || got=$?
	[ "$got" -eq "$wanted" ]
}

# drawn: a curve for every object through both sizes, and every point inside.
drawn() {
	awk '
	NR == 1 && !/^<svg .*>$/ { print "it begins: " $0; bad = 1 }
	{ last = $0 }
	/nan|inf/ { print; bad = 1 }
	/<polyline/ { curves++; if (gsub(/[0-9],[0-9]/, "&") != 2) { print; bad = 1 } }
	/<circle/ {
		match($0, /cy="[-0-9.]+/)
		y = substr($0, RSTART + 4, RLENGTH - 4) + 0
		if (y < 40 || y > 280) { print; bad = 1 }
	}
	END {
		if (curves != 5 || last != "</svg>") { print curves, "curves; it ends: " last; bad = 1 }
		exit bad
	}' "$tmp/bench.svg"
}

check 'measures twice' measured
check 'measures every operation on every object' complete
check 'measures the same within 3 % each time' within 3
for object in kmalloc shmem memfd posix sysv anonymous; do
	check "$object: 64 KiB cost more than 4 KiB" below 100 "map $object 4096" "map $object 65536"
done
check 'an untouched page costs more to have than to find' \
	below 100 'map memfd 65536' 'map anonymous 65536'
check 'kmalloc maps 64 KiB in half the time of memfd' \
	below 50 'map kmalloc 65536' 'map memfd 65536'
check 'shmem maps 64 KiB in the time of memfd' below 102 'map shmem 65536' 'map memfd 65536'
# 1.018 in docs/bench.md; the two levels of memfd are a per cent apart.
check 'shmem maps 4 KiB in little more' below 103 'map shmem 4096' 'map memfd 4096'
check 'a resize of shmem waits for no uevent' below 300 'resize shmem 262144' 'resize memfd 262144'
check 'opening costs something' below 100 'map kmalloc 4096' 'open+map kmalloc 4096'
check 'the size is asked faster than with fstat' below 50 'size kmalloc 262144' 'size memfd 262144'
check 'a resize copies and clears each byte once' each_byte_once
check 'ringing the bell is no slower than a socket' below 100 'message kmalloc 64' 'message socket 64'
check 'spinning takes as long on a slot as on a memfd' spins
check 'the table has the figures' grep -q "^| 64 KiB | $(figure map memfd 65536) |" "$tmp/bench.md"
check 'the table has what spinning takes' \
	grep -q "^| memfd, spinning | $(figure spin memfd 64) | 1.00 |" "$tmp/bench.md"
check 'the tables do not mention what was not measured' status 1 grep -q '256 MiB' "$tmp/bench.md"
check 'the plot has every curve, inside its frame' drawn
# The figures of docs/bench.md on 7.x, or with the last one 0.011 of memfd.
figures() {
	printf '7.x %s\n' 'release 7.3.4-small 0 0' 'map memfd 4096 10000' 'map kmalloc 4096 9330' \
		'map shmem 4096 9890' 'map memfd 4194304 2000000' "map kmalloc 4194304 $1"
}
wanted() {
	figures 13400 >"$tmp/figures" && awk -f bench/wanted.awk "$tmp/figures" &&
		figures 22000 >"$tmp/figures" && status 3 awk -f bench/wanted.awk "$tmp/figures"
}
check 'a mapping that costs more than it should is status 3' wanted
check 'a wrong option is status 2' status 2 "$bench" --wrong
check 'a directory that is not there is status 2' status 2 "$bench" --output "$tmp/none"
check 'a kernel without a module is status 1' status 1 "$bench" --quick "$tmp/none"
check '--help is help' sh -c '"$1" --help | grep -q usage' sh "$bench"
check 'the program refuses an object it does not know' status 2 build/guest/bench bytes

echo "1..$count"
[ "$failed" -eq 0 ]
