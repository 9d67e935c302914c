#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The coverage-guided fuzz targets of tests/fuzzing, each for a fixed number of
# inputs that takes about ten seconds, from a fixed seed. TAP. SOAK=1: each for
# SOAK_SECONDS (default: 300), from a new seed; what was found in earlier soaks
# is in build/tests/fuzzing/corpus and is begun with. The seeds are only read: a target
# run by hand writes what it finds into the first directory that it is given.
#
# With arguments, only the targets of those names. An input that breaks something
# is kept in build/tests/fuzzing; the target run with its path shows it again.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh
command -v clang >/dev/null || {
	echo "Bail out! clang is missing: apt-get install clang libclang-rt-14-dev"
	exit 1
}
make_alone fuzzers >&2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh
. tests/lib/cases.sh
fuzzing=build/tests/fuzzing

# fuzz TARGET RUNS LARGEST EDGES: so many inputs of at most that many bytes;
# coverage of fewer edges means that they do not get to what is to be tested.
fuzz() {
	target=$1
	corpus=$tmp/$target
	mkdir -p "$corpus" "$fuzzing/corpus/$target"
	if [ -n "${SOAK:-}" ]; then
		corpus=$fuzzing/corpus/$target
		set -- "$1" -1 "$3" "$4" -max_total_time="${SOAK_SECONDS:-300}"
	else
		# The limit is for machines on which ten seconds are minutes.
		set -- "$1" "$2" "$3" "$4" -seed=1 -max_total_time=120
	fi
	runs=$2 largest=$3 edges=$4
	shift 4
	status=0
	"$fuzzing/$target" -runs="$runs" -max_len="$largest" -timeout=20 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$fuzzing/$target-" "$@" \
		"$corpus" "tests/fuzzing/corpus/$target" >"$tmp/log" 2>&1 || status=$?
	tail -n 60 "$tmp/log"
	[ "$status" -eq 0 ] || return 1
	covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$tmp/log" | tail -n 1)
	[ "${covered:-0}" -ge "$edges" ] || {
		echo "$covered edges covered, of $edges that were expected"
		return 1
	}
}

# Every target stands here, or it would never be run.
while read -r target runs largest edges; do
	# shellcheck disable=SC2086 # the targets named
	! wanted "$target" "$@" || check "$target: inputs that guide themselves" \
		fuzz "$target" "$runs" "$largest" "$edges"
	echo "$target" >>"$tmp/known"
done <<'END'
talk 6000 4096 250
client 20000 4096 400
pow 60000 512 20
wire 500000 4096 60
module_info 150000 4096 100
explain 20000 4096 200
advice 30000 4096 430
grading 4000 2048 900
upload 120000 4096 80
console 60000 4096 60
verdict 40000 4096 90
record 40000 4096 210
session 6000 4096 250
qmp 40000 4096 150
vm 40000 4096 150
module_line 60000 8192 85
memory 6000 2048 180
suspect 40000 4096 180
END
every_target() {
	for source in tests/fuzzing/fuzz_*.c; do
		target=${source##*/fuzz_}
		grep -qx "${target%.c}" "$tmp/known" || {
			echo "${target%.c} is not run"
			return 1
		}
		[ -n "$(ls "tests/fuzzing/corpus/${target%.c}")" ] || return 1
	done
}
check 'every target is run, and has seeds' every_target

echo "1..$count"
[ "$failed" = 0 ]
