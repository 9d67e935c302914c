#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kshram_fuzz finds nothing in our module, and finds each of the faults that are
# planted in copies of it. TAP.
#
# A fault is tests/fuzz/mutants/NAME.patch, an edit of module/; its head says
# what is wrong ("Fault: "), on which backing it shows, on which kernels if that is
# not `lab`, and further options of kshram_fuzz if it takes others than usual to find
# it. Every second one is looked for. With arguments, only those names, and our module
# only for the name `ours`. What is found is found again by the command that the fuzzer
# says. With SOAK=1 all of them, and our module gets a million operations on each
# backing, from seeds that are new and printed.
#
# Our module runs on `debug` and `lab`, with small slots, where limits are met often,
# and on `lab` with slots of up to 4 MiB, too. With KERNEL=NAME in the environment that
# one kernel is used for both, and for the faults that show there; with SOAK=1 that is
# 300,000 operations on each backing and of each size.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh
. tests/lib/cases.sh
. tests/lib/lanes.sh

kernel=${KERNEL:-}
# Where faults are looked for.
faulty=${kernel:-lab}
vm=build/bin/kshram-vm
fuzz=build/guest/kshram_fuzz
built=build/tests/fuzz
log=$built/log/$faulty
work=$(mktemp -d)
mkdir "$work/lanes"
mkdir -p "$log" "$built/src"
trap 'lanes_end; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Detectors that KASAN makes superfluous cost more than all others together. One
# processor: what all do at once is tried where there are two, on lab.
sober="slub_debug=- kmemleak=off"
# Slots of 4 MiB, which have large entries where kernel and administrator want them.
large="--max-pages 1024"
# Those and what the model says of them need memory.
room="--memory 512"
# What user space stores through a mapping of freed memory is seen where that is
# poisoned.
poison="slub_debug=FZPU page_poison=1 debug_pagealloc=on"

bail() {
	echo "Bail out! $1"
	exit 1
}

# Two suites that start together would build the same files.
modules=build/$kernel/kshram.ko
[ -n "$kernel" ] || modules="build/debug/kshram.ko build/lab/kshram.ko"
# shellcheck disable=SC2086 # file names of ours, without spaces
make_alone "$vm" "$fuzz" build/guest/guest_tests build/guest/kshram-agent \
	$modules >"$work/make.log" 2>&1 || {
	sed 's/^/# /' "$work/make.log"
	bail "what it takes does not build"
}

# All the module in one file: one run of the compiler a fault. param.c is first,
# since it says how messages begin.
sources="module/param.c $(echo module/*.c | tr ' ' '\n' | grep -v /param.c | tr '\n' ' ')"

# mutant PATCH NAME: make src/NAME.c, the module with this fault.
mutant() {
	mkdir "$work/$2"
	cp module/*.c "$work/$2"
	patch -s -F1 -p1 -d "$work/$2" <"$1" >"$work/patch.log" 2>&1 || {
		sed 's/^/# /' "$work/patch.log"
		bail "$1 does not apply to module/"
	}
	for source in $sources; do
		echo "#line 1 \"${source##*/}\""
		cat "$work/$2/${source##*/}"
	done >"$work/$2.c"
	cmp -s "$work/$2.c" "$built/src/$2.c" || cp "$work/$2.c" "$built/src/"
}

names=
files=
position=0
echo "# SPDX-License-Identifier: GPL-2.0" >"$built/src/Kbuild"
for file in tests/fuzz/mutants/*.patch; do
	name=$(basename "$file" .patch)
	wanted "$name" "$@" || continue
	kernels=$(field "$file" Kernels)
	# shellcheck disable=SC2086 # names without spaces
	wanted "$faulty" ${kernels:-lab} || continue
	# Half of them, unless they are named: the others are for SOAK=1.
	position=$((position + 1))
	[ $# -gt 0 ] || [ -n "$kernel" ] || [ "${SOAK:-0}" != 0 ] || [ $((position % 2)) = 1 ] ||
		continue
	mutant "$file" "$name"
	names="$names $name"
	files="$files $built/src/$name.c"
	echo "obj-m += $name.o" >>"$built/src/Kbuild"
done
# shellcheck disable=SC2086 # file names of ours, without spaces
[ -z "$names" ] || kernel/kbuild "$faulty" "$built/$faulty" module/*.h include/kshram.h \
	"$built/src/Kbuild" $files >"$work/kbuild.log" 2>&1 || {
	sed 's/^/# /' "$work/kbuild.log"
	bail "the faulty modules do not build"
}

# In the guest: large entries are for who wants large pages.
huge='echo always >/sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null
'
# fuzzed NAME MACHINE... -- COMMAND: run it in a machine; $log/NAME has all that it said.
fuzzed() {
	fuzzed_log=$log/$1
	shift
	lane_run 3600 "$vm" --saved --timeout 3500 --console "$fuzzed_log.console" "$@" \
		>"$fuzzed_log.out" 2>"$fuzzed_log.err"
}

# verdict NUMBER NAME GOOD TEXT...: the line of TAP, and why when it is bad.
verdict() {
	verdict_number=$1
	verdict_name=$2
	verdict_good=$3
	shift 3
	{
		$verdict_good || printf 'not '
		echo "ok $verdict_number - $verdict_name: $*"
		$verdict_good || tail -n 40 "$log/$verdict_name.out" "$log/$verdict_name.err" |
			LC_ALL=C tr -cd '\n\t -~' | sed 's/^/# /'
	} >"$work/$verdict_number.tap"
}

# ours NUMBER NAME KERNEL OPS APPEND CPUS OPTIONS: our module, on both backings.
ours() {
	number=$1 name=$2 on=$3 ops=$4
	status=0
	# shellcheck disable=SC2016,SC2086 # the guest's shell expands it; $room is two words
	fuzzed "$name" --kernel "$on" --cpus "$6" --append "$5" ${7:+$room} --add "$fuzz" \
		--add build/guest/guest_tests --add "build/$on/kshram.ko" -- sh -c "$huge"'
		/kshram_fuzz --backing kmalloc --ops $0 --seed $1 $2 &&
		/kshram_fuzz --backing shmem --ops $0 --seed $1 $2 &&
		/guest_tests health' "$ops" "$seed" "$7" || status=$?
	good=false
	[ "$status" -ne 0 ] || good=true
	verdict "$number" "$name" "$good" "$((2 * ops)) operations with seed $seed on $on" \
		"find nothing (status $status)"
}

# found NUMBER NAME: a fault.
found() {
	number=$1 name=$2
	patch=tests/fuzz/mutants/$name.patch
	options=$(field "$patch" Options)
	cpus=$(field "$patch" Cpus)
	more=
	case $options in *--max-pages*) more=$room ;; esac
	status=0
	# shellcheck disable=SC2016,SC2086
	fuzzed "$name" --kernel "$faulty" --cpus "${cpus:-1}" --append "$poison" $more \
		--add "$fuzz" --add build/guest/guest_tests --add "$built/$faulty/$name.ko" -- sh -c "$huge"'
		/kshram_fuzz --progress 100 --backing $0 --module $1 $2 && /guest_tests health' \
		"$(field "$patch" Backing)" "/$name.ko" "$options" || status=$?
	# The mismatch, or how far it had come when the machine ended.
	what=$(sed -n 's/^MISMATCH //p' "$log/$name.out" | head -n 1 | LC_ALL=C tr -cd ' -~')
	after=$(sed -n 's/^operation //p' "$log/$name.out" | tail -n 1)
	good=true
	case $status in
	0) good=false what="not found" ;;
	1) [ -n "$what" ] || what="after the last operation the kernel's log has a report" ;;
	123) what="${what:-the kernel crashed after operation ${after:-0}}" ;;
	124) what="the machine hung after operation ${after:-0}" ;;
	*) good=false what="kshram_fuzz did not run: status $status" ;;
	esac
	verdict "$number" "$name" "$good" "$(field "$patch" Fault) Found $what"
}

# again NUMBER: the command that it says repeats what was found does so, to the word.
again() {
	status=0
	# shellcheck disable=SC2016
	fuzzed again --kernel lab --add "$fuzz" --add "$built/lab/$repeated.ko" -- sh -c '
		/kshram_fuzz --seed 7 --module /$0.ko >/tmp/found
		rmmod $0
		/$(sed -n "s/^again: //p" /tmp/found) >/tmp/again
		cat /tmp/found /tmp/again
		grep -q "^MISMATCH " /tmp/found && cmp /tmp/found /tmp/again' "$repeated" || status=$?
	good=false
	[ "$status" -ne 0 ] || good=true
	verdict "$1" again "$good" "what was found is found again by the seed (status $status)"
}

one() {
	# shellcheck disable=SC2086 # the item's words are the arguments
	case $2 in
	ours-debug) ours "$1" "$2" debug "$debug_ops" "$sober" 1 "" ;;
	ours-lab) ours "$1" "$2" lab "$lab_ops" "$poison" 2 "" ;;
	ours-small) ours "$1" "$2" "$faulty" "$ops" "$poison" 2 "" ;;
	ours-large) ours "$1" "$2" "$faulty" "$large_ops" "$poison" 2 "$large" ;;
	again) again "$1" ;;
	*) found "$1" "$2" ;;
	esac
}

debug_ops=50000
lab_ops=10000
ops=10000
large_ops=2000
seed=1
if [ "${SOAK:-0}" != 0 ]; then
	debug_ops=1000000
	lab_ops=1000000
	ops=300000
	large_ops=300000
	seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
	echo "# seed $seed"
fi
# The longest first.
if wanted ours "$@" && [ -n "$kernel" ]; then
	names="ours-large ours-small$names"
elif wanted ours "$@"; then
	names="ours-debug ours-lab ours-large$names"
fi
# It takes few operations to be found.
repeated=read_past_end
case "$names " in
*" $repeated "*) names="$names again" ;;
esac
# shellcheck disable=SC2086 # names without spaces
set -- $names
echo "1..$#"
lanes "${KSHRAM_TEST_JOBS:-2}" "$work/lanes" one "$@"
bad=0
number=0
while [ "$number" -lt $# ]; do
	number=$((number + 1))
	cat "$work/$number.tap" 2>/dev/null || echo "not ok $number - it never ran"
	! grep -qs '^ok' "$work/$number.tap" && bad=1
done
exit "$bad"
