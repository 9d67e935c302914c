#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The guest tests on one kernel, in TAP: tests/guest/suite.sh KERNEL. All of them
# run on both backings. On `debug` and its like the detectors are first shown planted faults,
# every allocation is made to fail, and every line of the module must have run.
# ROUNDS in the environment is how often the racing tests repeat; without it
# guest_tests has a default of its own, which the detectors of `debug` make too
# slow. STORM is for how many seconds slots are resized under writers at least.
set -eu

kernel=${1:?usage: tests/guest/suite.sh KERNEL}
cd "$(dirname "$0")/../.."
build=build/$kernel
[ -e "$build/kshram.ko" ] || { echo "Bail out! make module KERNEL=$kernel comes first"; exit 1; }

count=0
bad=0
few=
# Whether the kernel has KASAN and its companions from the start.
detects=false
case $kernel in
debug*)
	detects=true
	few=100
	;;
esac
rounds=${ROUNDS:-$few}
rounds="${rounds:+--rounds $rounds} --storm ${STORM:-0}"
# A race that takes longer than anybody waits for has hung.
seconds=${ROUNDS:+30000}

# Several machines, one stream: tests are counted on, plans are added up, and a
# machine that ends early or with an unexpected status fails.
merge() {
	awk -v count="$count" -v group="$1" -v numbers="$tmp/numbers" '
	/^1\.\.[0-9]+$/ { planned = substr($0, 4); next }
	/^(not )?ok [0-9]+/ {
		seen++
		if ($1 == "not") bad = 1
		sub(/ok [0-9]+/, "ok " (count + seen))
	}
	{ print; fflush() }
	END {
		if (planned == 0 || seen != planned) {
			printf "not ok %d - %s: %d of %d tests reported\n",
				count + ++seen, group, seen - 1, planned
			bad = 1
		}
		print count + seen, bad + 0 >numbers
	}'
}

run() {
	name=$1
	shift
	status=0
	# The pipe would hide the status: keep it in a file.
	{
		build/bin/kshram-vm --saved --kernel "$kernel" --timeout "${seconds:-1500}" \
			--add build/guest/guest_tests --add "$module:/kshram.ko" \
			--disk "$tmp/disk.img" "$@" || status=$?
		echo "$status" >"$tmp/status"
	} | merge "$name"
	read -r count failed <"$tmp/numbers"
	status=$(cat "$tmp/status")
	[ "$failed" = 0 ] || bad=1
	if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
		count=$((count + 1))
		echo "not ok $count - $name: kshram-vm ended with status $status"
		bad=1
	fi
}

# groups BACKING - what runs on one processor
groups() {
	echo "load abi mmap bell admin pages"
	[ "$1" != shmem ] || echo shmem
}

# What runs on two. Nothing else does: where more processors are emulated than there
# are, they spend most of their time waiting for one another.
races="large storm race file"

# tests NAME BACKING CPUS APPEND GROUPS - a machine for these. The module is there before
# the first group, unless that loads it. The detectors of `debug` must be on to the end,
# and what they counted leaves the machine on the disk, as a tar archive.
tests() {
	set -- "$1" "$2" "$3" "$4" "--backing $2 $rounds $5 health"
	! $detects ||
		set -- "$1" "$2" "$3" "rcupdate.rcu_expedited=1 $4" "$5 detectors"
	# shellcheck disable=SC2016 # the guest's shell expands it
	run "$1" --cpus "$3" --append "$4" -- /bin/sh -c '
		case $0 in
		*" load "* | *" faults "*) ;;
		*) insmod /kshram.ko backing=$1 || exit ;;
		esac
		/guest_tests $0
		status=$?
		rmmod kshram 2>/dev/null
		[ ! -d /sys/kernel/debug/gcov ] ||
			{ cp -r /sys/kernel/debug/gcov /tmp/gcov && tar -cf /dev/vda -C /tmp/gcov .; }
		exit $status' "$5" "$2"
	[ "$kernel" = debug ] || return 0 # of which tests/guest/unreached is a list
	mkdir -p "build/tests/coverage/$1"
	tar -xf "$tmp/disk.img" -C "build/tests/coverage/$1"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
# Read with O_DIRECT into a mapping; and written to, see below.
truncate -s 16M "$tmp/disk.img"
module=$build/kshram.ko

if $detects; then
	# The module is loaded a thousand times: a tenth of its bytes without the
	# lines of the source, which no report here prints.
	module=$tmp/kshram.ko
	strip -g -o "$module" "$build/kshram.ko"
	run planted --append kasan_multi_shot --add "$build/planted.ko" -- /guest_tests planted

	[ "$kernel" != debug ] || rm -rf build/tests/coverage
	for backing in kmalloc shmem; do
		# A thousand loads that fail in turn. KASAN sees what SLUB's own debugging
		# would, which here costs as much as everything else together.
		tests "$backing-faults" $backing 1 slub_debug=- faults
		tests "$backing" $backing 1 "" "$(groups $backing)"
		tests "$backing-races" $backing 2 "" "$races"
	done
	if [ "$kernel" != debug ]; then
		echo "1..$count"
		exit "$bad"
	fi
	count=$((count + 1))
	if tests/guest/coverage.sh; then
		echo "ok $count - every line of the module that can run has run"
	else
		echo "not ok $count - every line of the module that can run has run"
		bad=1
	fi
else
	# KASAN does not see what user space stores through a mapping; poisoned pages
	# and objects do, on kernels that have the options.
	poison="slub_debug=FZPU page_poison=1 debug_pagealloc=on"
	for backing in kmalloc shmem; do
		tests "$backing" $backing 1 "$poison" "$(groups $backing)"
		tests "$backing-races" $backing 2 "$poison" "$races"
	done
fi

echo "1..$count"
exit $bad
