#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A class at the deadline: many students hand in at once, and each gets the right
# verdict from a server with one machine a processor. TAP.
#
# 30 submissions; with SOAK=1, 300. All arrive within one minute. Every fifth module
# is a wrong one. Comments tell how long it took, what the server used, and the
# longest wait against the ideal, all machines busy without a pause.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh
students=30
[ "${SOAK:-0}" = 0 ] || students=300

tmp=$(mktemp -d)
. tests/lib/class.sh
trap 'class_kill; wait; rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh

make_alone all modules-lab >"$tmp/make.log" 2>&1 || {
	sed 's/^/# /' "$tmp/make.log"
	echo 'Bail out! the programs do not build'
	exit 1
}
class_begin "$tmp" || {
	echo 'Bail out! kshramd does not start'
	exit 1
}

# Loads and unloads, but has no device nodes of ours: 20 points. By its own name the
# sample would be refused.
LC_ALL=C sed 's/hellomod/hallomod/g' build/lab/hellomod.ko >"$tmp/wrong.ko"
begin=$(date +%s)
number=0
while [ "$number" -lt "$students" ]; do
	number=$((number + 1))
	module=build/lab/kshram.ko
	[ $((number % 5)) -ne 0 ] || module=$tmp/wrong.ko
	class_submit "$number" "$module"
	# A fifth of a second each is 300 in a minute.
	sleep 0.15
done
class_wait
drained=$(($(date +%s) - begin))

verdicts() {
	bad=0
	number=0
	while [ "$number" -lt "$students" ]; do
		number=$((number + 1))
		want=0
		[ $((number % 5)) -ne 0 ] || want=1
		[ "$(cat "$tmp/$number.status")" = "$want" ] && continue
		echo "student $number: status $(cat "$tmp/$number.status"), expected $want"
		head -n 5 "$tmp/$number.err"
		bad=1
	done
	return "$bad"
}

record() {
	class_graded_once "$tmp" "$students" &&
		jq -e --argjson n "$students" '
			(map(select(.score == 100)) | length) == $n - ($n / 5 | floor) and
			(map(select(.score == 20)) | length) == ($n / 5 | floor)' "$tmp/list"
}

arrived() {
	jq -e 'map(.received) | max - min <= 60' "$tmp/list"
}

check "each of $students students is told the right verdict" verdicts
check "the record has one verdict for each, the right one" record
check "they arrived within one minute" arrived
check "never more gradings at once than processors" class_busy "$tmp" "$(nproc)"

jq -r --argjson cpus "$(nproc)" '
	([.[] | .finished - .started] | add / length) as $each |
	([.[] | .started - .received] | max) as $longest |
	# As many machines that are never idle, first come first served.
	(reduce (sort_by(.received)[] | {at: .received, takes: (.finished - .started)}) as $s
		({free: [range($cpus) | 0], longest: 0};
		(.free | min) as $first | ([$first, $s.at] | max) as $begin |
		.longest = ([.longest, $begin - $s.at] | max) |
		.free[.free | index($first)] = $begin + $s.takes) | .longest) as $ideal |
	"# a grading takes \($each * 10 | round / 10) s; the longest wait was \($longest | round) s, ideal " +
	"\($ideal | round) s"' "$tmp/list" || :
echo "# $students arrived in $(jq 'map(.received) | max - min | round' "$tmp/list") s and were graded in $drained s"
awk '/^VmHWM|^Threads/ { printf "# server: %s %s %s\n", $1, $2, $3 }' "/proc/$class_server/status"
awk -v hz="$(getconf CLK_TCK)" '{ printf "# server: %.2f s of processor time\n", ($14 + $15) / hz }' \
	"/proc/$class_server/stat"
check "the server ends and had nothing to complain of" class_end "$tmp"
echo "1..$count"
[ "$failed" -eq 0 ]
