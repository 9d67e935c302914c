#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A class at the deadline: many students hand in at once, and each gets the right
# verdict from a server with one machine a processor. TAP.
#
# 30 submissions; with SOAK=1, 300 that arrive within one minute. Every fifth module
# is a wrong one. Comments tell how long it took, what the server used, and the
# longest wait against the ideal, all machines busy without a pause.
set -eu
cd "$(dirname "$0")/../.."
students=30
[ "${SOAK:-0}" = 0 ] || students=300

tmp=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	# A second one does not wait for what runs.
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	wait
	rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh

# Two suites that start together would build the same files.
mkdir -p build/tests
flock build/tests/grade.lock make -s all modules-lab >"$tmp/make.log" 2>&1 || {
	sed 's/^/# /' "$tmp/make.log"
	echo 'Bail out! the programs do not build'
	exit 1
}

build/bin/kshramd --state "$tmp/state" --listen 127.0.0.1:0 --metrics none \
	--difficulty 2 --set max_upload=16M >"$tmp/server.log" 2>&1 &
server=$!
port=
tries=0
while [ -z "$port" ] && [ "$tries" -lt 300 ] && kill -0 "$server" 2>/dev/null; do
	port=$(sed -n 's/.*event=listening address=127.0.0.1:\([0-9]*\).*/\1/p' "$tmp/server.log")
	[ -n "$port" ] || sleep 0.1
	tries=$((tries + 1))
done
[ -n "$port" ] || {
	sed 's/^/# /' "$tmp/server.log"
	echo 'Bail out! kshramd does not start'
	exit 1
}

# submit NUMBER - as one student
submit() {
	module=build/lab/kshram.ko
	# Loads and unloads, but has no device nodes of ours: 20 points.
	[ $(($1 % 5)) -ne 0 ] || module=build/lab/hellomod.ko
	status=0
	build/bin/kshram-submit "127.0.0.1:$port" "$module" --token "student$1" --json \
		>"$tmp/$1.json" 2>"$tmp/$1.err" || status=$?
	echo "$status" >"$tmp/$1.status"
}

begin=$(date +%s)
number=0
pids=
while [ "$number" -lt "$students" ]; do
	number=$((number + 1))
	submit "$number" &
	pids="$pids $!"
	# A fifth of a second each is 300 in a minute.
	sleep 0.15
done
arrived=$(($(date +%s) - begin))
# shellcheck disable=SC2086 # a list
wait $pids
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
	build/bin/kshramctl --state "$tmp/state" list --json >"$tmp/list" &&
		jq -e --argjson n "$students" '
			length == $n and
			(map(select(.state == "done" and .verdicts == 1 and .attempts == 0)) | length) == $n and
			(map(.identity) | unique | length) == $n and
			(map(select(.score == 100)) | length) == $n - ($n / 5 | floor) and
			(map(select(.score == 20)) | length) == ($n / 5 | floor)' "$tmp/list"
}

busy() {
	jq -e --argjson cpus "$(nproc)" '
		[.[] | {s: .started, f: .finished}] as $runs |
		[$runs[] | .s as $at | [$runs[] | select(.s <= $at and .f > $at)] | length] | max <= $cpus' \
		"$tmp/list"
}

check "each of $students students is told the right verdict" verdicts
check "the record has one verdict for each, the right one" record
check "never more machines than processors" busy

jq -r --argjson cpus "$(nproc)" '
	([.[] | .finished - .started] | add / length) as $each |
	([.[] | .started - .received] | max) as $longest |
	"# a grading takes \($each * 10 | round / 10) s; the longest wait was \($longest | round) s, ideal " +
	"\(((length - $cpus) / $cpus * $each) | round) s"' "$tmp/list" || :
echo "# $students arrived in $arrived s and were graded in $drained s"
awk '/^VmHWM|^Threads/ { printf "# server: %s %s %s\n", $1, $2, $3 }' "/proc/$server/status"
awk -v hz="$(getconf CLK_TCK)" '{ printf "# server: %.2f s of processor time\n", ($14 + $15) / hz }' \
	"/proc/$server/stat"
echo "1..$count"
[ "$failed" -eq 0 ]
