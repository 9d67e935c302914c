#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kshram-submit and kshram-pow as whole programs: against a server of ours that
# misbehaves in every way (tests/lib/fake_server.py), and against kshramd. TAP.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh
make_alone build/tests/kshram-submit build/tests/kshram-pow build/kit/kshram-submit \
	build/kit/kshram-pow >&2
tmp=$(mktemp -d)
server=
cleanup() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh
. tests/lib/wait.sh
submit=build/tests/kshram-submit
pow=build/tests/kshram-pow
# Sanitizers end a program with a status of their own, which none of ours is.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99

# Something to hand in; what it is does not matter to this server.
head -c 100001 /dev/urandom >"$tmp/module.ko"

all() {
	for condition; do
		eval "$condition" || {
			echo "does not hold: $condition"
			return 1
		}
	done
}

# serve MODE [ADDRESS [ZEROS]]: start the server; $port is where.
serve() {
	rm -rf "$tmp/server"
	mkdir "$tmp/server"
	python3 tests/lib/fake_server.py "$1" "$tmp/server" "${2:-127.0.0.1}" "${3:-3}" \
		2>"$tmp/server/trace" &
	server=$!
	waited=0
	until [ -s "$tmp/server/port" ] || [ $waited -ge 300 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	port=$(cat "$tmp/server/port")
}

served() {
	kill "$server" 2>/dev/null || :
	wait "$server" 2>/dev/null || :
	server=
}

run() {
	status=0
	timeout 60 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
	echo "exit status $status"
	cat "$tmp/out" "$tmp/err"
}

# hand_in MODE [OPTION]...: one submission to a server of that mode.
hand_in() {
	mode=$1
	shift
	serve "$mode"
	run "$submit" "$@" "127.0.0.1:$port" "$tmp/module.ko"
	served
	cat "$tmp/server/trace"
}

# ends MODE STATUS PATTERN...: that is how it ends, and what it says among its errors.
ends() {
	mode=$1
	want=$2
	shift 2
	hand_in "$mode" --timeout 20
	[ "$status" -eq "$want" ] || return 1
	for pattern; do
		grep -Eq -e "$pattern" "$tmp/err" || {
			echo "expected: $pattern"
			return 1
		}
	done
	# What went wrong is said in one line, and nothing is said when nothing did.
	[ "$(wc -l <"$tmp/err")" -eq $(($# > 0)) ] || return 1
	! LC_ALL=C grep -aq '[^[:print:][:space:]]' "$tmp/out" "$tmp/err"
}

arrived() {
	cmp "$tmp/module.ko" "$tmp/server/module" && [ ! -s "$tmp/server/faults" ]
}

# scored MODE STATUS LAST-LINE: the module arrived whole, and so did the score.
scored() {
	ends "$1" "$2" && arrived && [ "$(tail -n 1 "$tmp/out")" = "$3" ]
}

full='score: 100/100 (3.7 s)'

check 'full marks' scored full 0 "$full"
check 'the receipt, the console and the table are on standard output' \
	all 'grep -q "^received: submission 42, md5" "$tmp/out"' \
	'grep -q "Linux version 6.1.0 green$" "$tmp/out"' \
	'[ "$(grep -c "^ [1-8]  .* passed$" "$tmp/out")" = 8 ]' '! grep -q "place [123]" "$tmp/out"'
check 'less' scored less 1 'score: 55/100 (3.7 s)'
check 'nothing' scored zero 1 'score: 0/100 (3.7 s)'
check 'every byte in a packet of its own' scored drip 0 "$full"
check 'the last line in two pieces, without its end' scored split 0 "$full"
check 'a table, and then another score' scored score-only 1 'score: 35/100'
check 'only newlines, no carriage returns' scored lf-only 0 "$full"
check 'one newline after the invitation' scored one-newline 0 "$full"
check 'another prompt' scored other-prompt 0 "$full"
check 'a prompt in capitals' scored capitals 0 "$full"
for mode in backticks words bare reversed; do
	check "the puzzle in $mode" scored $mode 0 "$full"
done
check 'a receipt in capitals, without a number' scored no-number 0 "$full"

hostile() {
	scored hostile 1 'score: 55/100 (3.7 s)' && grep -q '^hidden' "$tmp/out"
}
check 'a console with tables and escape sequences of its own' hostile

for state in connect answer invitation eof; do
	check "refused: $state" ends refuse-$state 2 "^kshram-submit: refused: not at this $state, says the server"
done
check 'refused: upload, while it goes on' ends refuse-upload 2 '^kshram-submit: refused: not at this upload'
check 'refused: upload, by a server that goes on to read' ends linger-upload 2 \
	'^kshram-submit: refused: line 1: refused in the middle'
for state in connect answer invitation upload eof; do
	check "closed: $state" ends close-$state 3 'closed the connection without a word while'
done
check 'closed: puzzle' ends close-puzzle 3 'closed the connection without a word while'
check 'reset: upload' ends reset-upload 3 'the connection broke while|closed the connection without a word'
check 'reset: eof' ends reset-eof 3 'the connection broke while'
check 'half a line: connect' ends half-connect 3 'in the middle of a line while .*: this line has no e$'
check 'half a line: eof' ends half-eof 3 'in the middle of a line'
for state in receipt queue console; do
	check "closed: $state" ends close-$state 3 'closed the connection before it had told the score'
done
check 'a score and a reset are no score' ends fake-reset 3 'the connection broke \(.*before it had told the score'
check 'a score and other words are no score' ends fake-then-words 3 'Its last line: the grader was lost'
check 'more points than there are' ends score-odd 3 'before it had told the score'
check 'a score in the middle of a line' ends score-glued 3 'before it had told the score'
check 'another MD5' ends wrong-md5 3 'received other bytes'
check 'eleven zeros' ends too-many 3 'wants 11 zeros'
check 'a puzzle without quotes' ends unquoted 3 'no prefix in single quotes|prefix'
check 'garbage' ends garbage 3 'no challenge server'
check 'garbage without end' ends endless 3 'no challenge server.*goes on and on'

silent() {
	hand_in "silent-$1" --timeout 2
	[ "$status" -eq 3 ] && grep -q 'said nothing for 2 seconds' "$tmp/err"
}
for state in connect answer eof queue console; do
	check "silence: $state" silent $state
done

token() {
	hand_in full --token some.body
	[ "$status" -eq 0 ] && arrived && [ "$(cat "$tmp/server/token")" = some.body ]
}
check 'a token' token

ipv6() {
	serve full ::1
	run "$submit" "[::1]:$port" "$tmp/module.ko"
	served
	[ "$status" -eq 0 ] && arrived
}
if grep -q '^0*1 ' /proc/net/if_inet6 2>/dev/null; then
	check 'IPv6' ipv6
fi

by_name() {
	serve full
	run build/kit/kshram-submit "localhost:$port" "$tmp/module.ko"
	served
	[ "$status" -eq 0 ] && arrived
}
check 'the static program, and a name' by_name

difficulty() {
	serve full 127.0.0.1 "$1"
	run build/kit/kshram-submit "127.0.0.1:$port" "$tmp/module.ko"
	served
	[ "$status" -eq 0 ] && arrived
}
for zeros in 0 1 5; do
	check "$zeros zeros" difficulty $zeros
done

# ---- JSON ----

json() {
	hand_in "$1" --json
	jq -e "$2" "$tmp/out"
}
check 'JSON: full marks' json full '.outcome == "scored" and .score == 100 and .total == 100 and
	.submission == 42 and (.md5 | length) == 32 and (.items | length) == 8 and .error == "" and
	([.items[].max] | add) == 100 and all(.items[]; .result == "passed")'
check 'JSON: less' json less '.score == 55 and .items[5].reason ==
	"KSHRAM_SETSIZE of slot 3 failed: \"EINVAL\" 1  it is not 5/5  1.00 s  passed" and
	.items[5].title == "check_resize passes" and .items[6].result == "not reached" and
	.table[0] == " 1  the virtual machine boots                        10/10     0.25 s  passed"'
check 'JSON: hostile' json hostile '.score == 55 and ([.items[].points] | add) == 55'
check 'JSON: only a score' json score-only '.score == 35 and .items == [] and (.table | length) == 1'
check 'JSON: refused' json refuse-eof '.outcome == "refused" and .score == null and
	.submission == null and (.error | test("^refused: not at this eof"))'
check 'JSON: trouble' json close-queue '.outcome == "trouble" and .submission == 42 and .score == null'

# ---- interruption ----

interrupted() {
	serve "silent-$1"
	# What runs in the background of a shell ignores the signal of Ctrl-C.
	env --default-signal=INT "$submit" "127.0.0.1:$port" "$tmp/module.ko" \
		>"$tmp/out" 2>"$tmp/err" &
	pid=$!
	waited=0
	until [ -s "$tmp/server/module" ] || [ "$1" = connect ] || [ $waited -ge 300 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	sleep 1
	kill -INT $pid
	status=0
	wait $pid || status=$?
	served
	cat "$tmp/out" "$tmp/err"
	[ "$status" -eq 130 ]
}
check 'Ctrl-C before the receipt' all 'interrupted connect' '[ ! -s "$tmp/err" ]'
check 'Ctrl-C after it says that it counts' all 'interrupted queue' 'grep -q "the server has the file" "$tmp/err"'

progress() {
	serve "$1" 127.0.0.1 6
	status=0
	NO_COLOR=$2 script -qec "build/kit/kshram-submit 127.0.0.1:$port $tmp/module.ko" /dev/null \
		>"$tmp/out" </dev/null || status=$?
	served
	tr '\r' '\n' <"$tmp/out" | cat -v
	[ "$status" -eq 0 ]
}
if command -v script >/dev/null; then
	check 'progress on a terminal' all 'progress full ""' 'grep -q "queue: place 1" "$tmp/out"' \
		'grep -q "puzzle: 6 zeros, " "$tmp/out"' 'grep -q "upload: " "$tmp/out"'
	check 'colours on a terminal' grep -q "$(printf '\033\\[32mgreen')" "$tmp/out"
	check 'no colours when they are not wanted' all 'progress full 1' \
		'! grep -q "$(printf "\\033\\\\[32mgreen")" "$tmp/out"'
fi

# ---- usage ----

usage() {
	want=$1
	pattern=$2
	shift 2
	run "$@"
	[ "$status" -eq "$want" ] && grep -q -e "$pattern" "$tmp/err"
}
check 'no arguments' usage 3 'give a server and a file' "$submit"
check 'no file' usage 3 'give a server and a file' "$submit" localhost
check 'a wrong option' usage 3 "Try 'kshram-submit --help'" "$submit" --nothing
check 'a wrong port' usage 3 'give HOST' "$submit" localhost:0 "$tmp/module.ko"
check 'a token with a blank' usage 3 'without blanks' "$submit" --token 'a b' localhost "$tmp/module.ko"
check 'a token with a newline' usage 3 'without blanks' "$submit" --token 'a
EOF' localhost "$tmp/module.ko"
check 'no such file' usage 3 'No such file' "$submit" localhost "$tmp/nothing.ko"
check 'a directory' usage 3 'is no file' "$submit" localhost "$tmp"
: >"$tmp/empty.ko"
check 'an empty file' usage 3 'is empty' "$submit" localhost "$tmp/empty.ko"
check 'no server' usage 3 'cannot connect to 127.0.0.1, port 1: ' "$submit" 127.0.0.1:1 "$tmp/module.ko"
check 'no such host' usage 3 'cannot find nowhere.invalid' "$submit" nowhere.invalid "$tmp/module.ko"

documented() {
	run "$1" --help
	[ "$status" -eq 0 ] || return 1
	sed -n 's/^  --\([a-z0-9]*\).*/\1/p' "$tmp/out" >"$tmp/options"
	[ -s "$tmp/options" ] || return 1
	while read -r option; do
		grep -q '\\-\\-'"$option" "docs/$(basename "$1").1" || { echo "no --$option"; return 1; }
	done <"$tmp/options"
	run "$1" --version
	[ "$(cat "$tmp/out")" = "$(basename "$1") $(sed -n 's/^VERSION[ \t]*:= *//p' Makefile)" ]
}
check 'kshram-submit: help, version and man page' documented "$submit"
check 'kshram-pow: help, version and man page' documented "$pow"

# ---- kshram-pow ----

# begins S PREFIX ZEROS: the hash does.
begins() {
	printf '%s%s' "$2" "$1" | sha1sum | grep -q "^$3"
}
solves() {
	run "$pow" "$@"
	[ "$status" -eq 0 ] && begins "$(cat "$tmp/out")" "$1" "$zeros"
}
zeros=0000
check 'pow: four zeros' solves hello 4
zeros=
check 'pow: none' solves hello 0
zeros=000
check 'pow: a prefix of 200 characters' solves "$(printf '%0200d' 7)" 3
base64_and_json() {
	run "$pow" --base64 hello 2
	begins "$(base64 -d <"$tmp/out")" hello 00 || return 1
	run "$pow" --json --threads 1 hello 2
	begins "$(jq -r .answer "$tmp/out")" hello 00 &&
		begins "$(jq -r .base64 "$tmp/out" | base64 -d)" hello 00 &&
		jq -e '.hashes > 0 and .seconds >= 0' "$tmp/out"
}
check 'pow: base64 and JSON' base64_and_json
# 2^24 on average: a program that does no more than it must takes seconds.
zeros=000000
check 'pow: six zeros unless told' solves hello
check 'pow: no prefix' usage 2 'give a prefix' "$pow"
for wrong in 11 -- x 1x ''; do
	check "pow: difficulty '$wrong'" usage 2 'difficulty\|give a prefix' "$pow" -- hello "$wrong" 1
	check "pow: difficulty '$wrong' alone" usage 2 'difficulty' "$pow" -- hello "$wrong"
done
check 'pow: no threads' usage 2 'threads 0: give a number' "$pow" --threads 0 hello

# ---- kshramd ----

# graded WANTED-STATUS MODULE: the server itself takes it and says what it is worth.
graded() {
	# Not that of the last server, which is there until this one has begun.
	: >"$tmp/kshramd"
	build/bin/kshramd --listen 127.0.0.1:0 --state "$tmp/state" --kernel stock --difficulty 2 \
		--metrics none >"$tmp/kshramd" 2>&1 &
	server=$!
	waited=0
	until port=$(sed -n 's/.*event=listening.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$tmp/kshramd") &&
		[ -n "$port" ] || [ $waited -ge 100 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	status=0
	timeout 300 "$submit" --json "127.0.0.1:$port" "$2" >"$tmp/out" 2>"$tmp/err" || status=$?
	cat "$tmp/out" "$tmp/err" "$tmp/kshramd"
	served
	[ "$status" -eq "$1" ]
}
if [ -f serve/kshramd.c ]; then
	make_alone build/bin/kshramd build/bin/kshram-grade build/guest/kshram-agent \
		build/stock/kshram.ko build/stock/hellomod.ko >&2
	check 'kshramd: our module' all 'graded 0 build/stock/kshram.ko' \
		'jq -e ".score == 100 and (.items | length) == 8 and .submission > 0" "$tmp/out"'
	check 'kshramd: the sample module' all 'graded 2 build/stock/hellomod.ko' \
		'grep -q "refused: it is hellomod.ko, the sample: hand in your kshram.ko" "$tmp/err"'
	check 'kshramd: no module at all' all 'graded 2 "$tmp/module.ko"' 'grep -q "refused: " "$tmp/err"'
fi

# ---- what the first page of the guide says, and nothing else ----

# plainly COMMAND...: nothing of it is configured; kernels are where they always are, and
# what it keeps is not with the user's own. In place of the shell that calls it, so that it
# is what is killed.
plainly() {
	exec env -i PATH="$PATH" HOME="$tmp/home" XDG_STATE_HOME="$tmp/home/state" \
		XDG_CACHE_HOME="${XDG_CACHE_HOME:-$HOME/.cache}" "$@"
}
begun() {
	grep -q 'event=ready' "$tmp/kshramd" || ! kill -0 "$server" 2>/dev/null
}
bare() {
	mkdir "$tmp/home"
	: >"$tmp/kshramd"
	plainly build/bin/kshramd >"$tmp/kshramd" 2>&1 &
	server=$!
	within begun
	cat "$tmp/kshramd"
	grep -q 'event=ready' "$tmp/kshramd" || {
		served
		! grep 'cannot listen on .*: Address already in use' "$tmp/kshramd" || return 77
		return 1
	}
	# Six zeros take some ten million tries, and may take many times as long.
	status=0
	(plainly timeout 900 build/kit/kshram-submit localhost build/lab/kshram.ko) >"$tmp/out" 2>"$tmp/err" ||
		status=$?
	cat "$tmp/out" "$tmp/err"
	(plainly build/bin/kshramctl list --json) >"$tmp/list"
	served
	cat "$tmp/kshramd" "$tmp/list"
	[ "$status" -eq 0 ] && [ ! -s "$tmp/err" ] && [ "$(tail -n 1 "$tmp/out")" = 'score: 100/100' ] &&
		grep -q 'event=listening address=127.0.0.1:10548$' "$tmp/kshramd" &&
		[ "$(grep -c event=listening "$tmp/kshramd")" -eq 1 ] &&
		grep -q 'event=metrics port=10549$' "$tmp/kshramd" &&
		[ "$(stat -c %a "$tmp/home/state/kshramd")" = 700 ] &&
		jq -e 'length == 1 and .[0].score == 100 and .[0].identity == "address:127.0.0.1"' "$tmp/list"
}
make_alone build/bin/kshramctl build/lab/kshram.ko build/lab/hellomod.ko >&2
check 'kshramd without options: port 10548, the lab, 100/100' bare

echo "1..$count"
[ "$failed" = 0 ]
