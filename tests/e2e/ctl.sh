#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kshramctl as a whole, in TAP, on a record that no server works on: what each
# command prints, changes and answers. With a server: serve.sh.
set -eu

cd "$(dirname "$0")/../.."
. tests/lib/make.sh
make_alone build/tests/kshramctl build/tests/fill >&2
ctl=build/tests/kshramctl
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export TZ=UTC

. tests/lib/tap.sh

state=$tmp/state
db=$state/kshramd.db

# fill - the record anew.
fill() {
	rm -rf "$state"
	mkdir "$state"
	build/tests/fill "$state"
}

# ctl ARGUMENT... - run it on the record; out, err and status are what came of it.
ctl() {
	status=0
	"$ctl" --state "$state" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}

# gives STATUS FILE WORDS ARGUMENT... - with these arguments it ends with that
# status and the file (out or err) has these words.
gives() {
	want=$1 file=$2 words=$3
	shift 3
	ctl "$@"
	cat "$tmp/out" "$tmp/err"
	echo "status $status"
	[ "$status" -eq "$want" ] && grep -q -- "$words" "$tmp/$file"
}

# refuses STATUS WORDS ARGUMENT... - that status, and nothing but one line with
# these words on standard error.
refuses() {
	refuses_status=$1 refuses_words=$2
	shift 2
	gives "$refuses_status" err "^kshramctl: .*$refuses_words" "$@" && [ ! -s "$tmp/out" ] &&
		[ "$(wc -l <"$tmp/err")" -eq 1 ]
}

# says FILTER ARGUMENT... - what jq says of the JSON on standard output is true.
says() {
	filter=$1
	shift
	ctl "$@" --json
	cat "$tmp/out" "$tmp/err"
	[ "$status" -eq 0 ] && jq -e "$filter" "$tmp/out"
}

# quiet - the last command has written no control character but newlines.
quiet() {
	cat -v "$tmp/out"
	[ "$(LC_ALL=C tr -d '\n -~' <"$tmp/out" | wc -c)" -eq 0 ]
}

fill

# --- arguments ---------------------------------------------------------------

check "--help goes to standard output" gives 0 out '^usage: kshramctl' --help
check "--help names every exit status" grep -q '^Exit status: 0 when it was done, 1' "$tmp/out"
every_command() {
	for word in status list show log module regrade export drain; do
		grep -q "^  $word " "$tmp/out" && grep -q "^\.B.*$word" docs/kshramctl.8 ||
			echo "$word is not described"
	done >"$tmp/missing"
	sed -n 's/^  \(--[a-z]*\).*/\1/p' "$tmp/out" | while read -r option; do
		grep -qF "$(echo "$option" | sed 's/-/\\-/g')" docs/kshramctl.8 ||
			echo "$option is not described"
	done >>"$tmp/missing"
	cat "$tmp/missing"
	[ ! -s "$tmp/missing" ]
}
check "every command and option is in --help and in the man page" every_command
check "--version" gives 0 out '^kshramctl [0-9]' --version
check "no command: 2" refuses 2 'kshramctl --help'
check "no such command: 2" refuses 2 'no command "sow"' sow
check "no such option: 2" gives 2 err "kshramctl --help" list --colour
check "an option of another command: 2" refuses 2 'list knows no --raw' list --raw
check "a value of another command: 2" refuses 2 'show knows no --only' show 1 --only=done
check "show without a number: 2" refuses 2 'wants the number' show
check "show with two numbers: 2" refuses 2 'too many' show 1 2
check "list with a number: 2" refuses 2 'no arguments' list 1
for word in x 0 -1 +1 1x ' 1' '' 99999999999999999999; do
	check "\"$word\" is not a number: 2" refuses 2 'not the number' show -- "$word"
done
check "--only of no state: 2" refuses 2 'queued, running, done or failed' list --only lost
check "export without a format: 2, and what to type" refuses 2 'export --csv > FILE' export
check "--config that is not there: 2" refuses 2 "$tmp/none" --config "$tmp/none" status
for command in show log module regrade; do
	check "$command of no submission: 1" refuses 1 'no submission 99' $command 99
done

no_state() {
	"$ctl" --state "$tmp/none" status >"$tmp/out" 2>"$tmp/err" || status=$?
	cat "$tmp/err"
	[ "$status" -eq 2 ] && grep -q 'kshramd makes it when it starts' "$tmp/err" &&
		grep -q -- '--state DIR' "$tmp/err" && [ ! -e "$tmp/none" ]
}
check "no record there: 2, what to do, and nothing is made" no_state
default_state() {
	mkdir -p "$tmp/xdg"
	ln -s "$state" "$tmp/xdg/kshramd"
	XDG_STATE_HOME=$tmp/xdg "$ctl" list | grep -q token:anna
}
check "without --state it is kshramd's own" default_state
config_state() {
	echo "state = $state" >"$tmp/conf"
	"$ctl" --config "$tmp/conf" list | grep -q token:anna
}
check "--config takes it from the server's file" config_state

# --- looking -------------------------------------------------------------------

check "status: no server" gives 0 out '^server  *not running$' status
check "status: how many" sh -c "tr -s ' ' <$tmp/out | grep -c -e '^queued 2$' -e '^running 1$' \
	-e '^done 3$' -e '^failed 1;' | grep -x 4"
check "status: what to do about the failed one" grep -q 'list --only failed' "$tmp/out"
check "status --json" says '.queued == 2 and .running == 1 and .done == 3 and .failed == 1 and
	.drain == false and .server.running == false' status

check "list: a head and a line each" sh -c "$ctl --state $state list | wc -l | grep -x 8"
check "list: columns" gives 0 out '^     2  20..-..-.. ..:..:..  done      60/100  token:bob   ' list
aligned() {
	cat "$tmp/out"
	awk 'NR == 1 { column = index($0, "IDENTITY") }
		substr($0, column - 2, 3) !~ /^  [^ ]/ { bad = 1 } END { exit bad }' "$tmp/out"
}
check "list: aligned" aligned
check "list: no verdict yet" gives 0 out '^     7  .*  queued  *-  token:dora$' list
check "list: nothing for a terminal to obey" quiet
check "list --json" says 'length == 7 and ([.[].number] == [range(1; 8)]) and .[1].score == 60 and
	.[1].verdicts == 2 and .[6].score == null and .[6].started == null and
	.[0].received > 1700000000 and .[0].received < 10000000000' list
check "list --identity, short" says '[.[].number] == [1, 5, 6]' list --identity anna
check "list --identity, full" says '[.[].number] == [2]' list --identity token:bob
check "list --identity of the other kind" says '. == []' list --identity address:bob
for pair in queued:6,7 running:5 done:1,2,3 failed:4; do
	check "list --only ${pair%:*}" says "[.[].number] == [${pair#*:}]" list --only "${pair%:*}"
done
check "list: both filters" says '[.[].number] == [1]' list --identity anna --only=done

check "list --students: a head and a line each" sh -c "$ctl --state $state list --students |
	cut -c 1-28,48- | sed 's/^ *//' >$tmp/students; cat $tmp/students; printf '%s\n' \
	'BEST  NUMBER  HANDED IN    IDENTITY' '20/100       3          1    address:=1+1' \
	'100/100       1          3    token:anna' '60/100       2          1    token:bob' \
	'-       -          1    token:carl' '-       -          1    token:dora' | diff - $tmp/students"
check "list --students: nothing for a terminal to obey" quiet
check "list --students --json" says 'length == 5 and (.[1] | .identity == "token:anna" and .score == 100 and
	.total == 100 and .number == 1 and .submissions == 3 and .last > 1700000000) and
	(.[4] | .identity == "token:dora" and .score == null and .total == null and .number == null and
	.submissions == 1)' list --students
last_of_them() {
	$ctl --state "$state" list --json >"$tmp/all"
	ctl list --students --json
	cat "$tmp/all" "$tmp/out"
	jq -e --slurpfile all "$tmp/all" 'map(select(.last != (.identity as $who |
		[$all[0][] | select(.identity == $who) | .received] | max))) == []' "$tmp/out"
}
check "list --students: the time is that of the last one" last_of_them
check "list --students: the filters" says '[.[] | [.identity, .submissions]] == [["token:anna", 1]]' \
	list --students --identity anna --only=done
check "--students is for list: 2" refuses 2 'show knows no --students' show 1 --students

check "show: score and place" gives 0 out '^score  *60/100$' show 2
check "show: both verdicts" sh -c "grep -c '^verdict [12]: [46]0/100, ' $tmp/out | grep -x 2"
check "show: items and reasons" grep -q '^  2  the sample  *0/10  *failed$' "$tmp/out"
flags() {
	sed -n '/^flags/,$p' "$tmp/out" | sed '/^$/,$d' >"$tmp/flags"
	cat "$tmp/flags"
	printf '%s\n' 'flags, for you and not for the student:' '  imports-?[2Jfiles: filp_?[8mopen' \
		'  frames-differ (it failed for this): two of them' | diff - "$tmp/flags" &&
		[ "$(grep -c '^flags, for you' "$tmp/out")" -eq 2 ]
}
check "show: flags, each with its evidence, after the items of its verdict" flags
check "show: titles, results, reasons and flags are harmless" quiet
check "show: where it is in the queue" gives 0 out '^state  *queued, 0 before it$' show 7
check "show: the identity as it was given" gives 0 out '^identity  *address:=1+1$' show 3
check "show: nothing for a terminal to obey" quiet
check "show --json" says '.number == 2 and (.runs | length) == 2 and .runs[0].score == 40 and
	.runs[1].note == "check_resize: second" and .runs[1].verdict.items[1].max == 10 and
	.runs[0].round == 1 and .md5 == "00000000000000000000000000000005"' show 2
check "show --json of one without a verdict" says '.runs == [] and .state == "queued"' show 7
check "show: why it was given up" gives 0 out '^note  *the machine was lost 3 times$' show 4

check "log: the newest" gives 0 out '^second$' log 2
check "log: lines end as in a file" sh -c "$ctl --state $state log 1 | od -c | grep -c '\\\\r' | grep -x 0"
check "log: of a machine that was lost, where nothing came after it" gives 0 out '^last words$' log 4
check "log: but the verdict's where it did" gives 0 out '^well done$' log 1
check "log --lost: all the same" gives 0 out '^lost first$' log 1 --lost
check "log --lost of one that lost none: 1" refuses 1 'submission 2 has lost no machine' log 2 --lost
check "log of one without a verdict: 1" refuses 1 'submission 7 has no verdict' log 7
harmless_log() {
	ctl log 3
	cat -v "$tmp/out"
	printf '\033[31mred\033[0m onetwo\n?end\n' | cmp - "$tmp/out"
}
check "log: colour passes, titles and clearing do not" harmless_log
raw_log() {
	ctl log 3 --raw
	printf '\033]0;title\007\033[2J\033[31mred\033[0m one\btwo\r\n\200end' | cmp - "$tmp/out"
}
check "log --raw: every byte" raw_log
module() {
	ctl module 2
	printf 'module of bob' | cmp - "$tmp/out"
}
check "module: every byte" module
on_terminal() {
	script -qec "$ctl --state $state module 2" /dev/null >"$tmp/out" </dev/null && return 1
	cat "$tmp/out"
	grep -q 'module 2 > FILE' "$tmp/out" && ! grep -q 'of bob' "$tmp/out"
}
check "module: not to a terminal" on_terminal
full_disk() {
	status=0
	"$ctl" --state "$state" "$@" >/dev/full 2>"$tmp/err" || status=$?
	cat "$tmp/err"
	[ "$status" -eq 2 ] && grep -q 'cannot write' "$tmp/err"
}
for command in status list 'list --json' 'list --students' 'show 1' 'log 1' 'module 1' 'export --csv'; do
	# shellcheck disable=SC2086 # words
	check "$command: cannot be written: 2" full_disk $command
done

# --- for a spreadsheet -----------------------------------------------------------

# csv FILTER - what Python's reader, in strict mode, makes of it.
csv() {
	ctl export --csv
	cat "$tmp/out"
	python3 - "$tmp/out" "$1" <<'END'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline=""), strict=True))
sys.exit(not eval(sys.argv[2]))
END
}
check "export: a row for each" csv '[row["number"] for row in rows] == list("1234567")'
check "export: every row has every column" csv 'all(None not in r and None not in r.values() for r in rows)'
check "export: the newest verdict" csv \
	'rows[1]["score"] == "60" and rows[1]["verdicts"] == "2" and rows[6]["score"] == ""'
check "export: quotes, escapes and line ends are as they were" csv \
	'rows[2]["note"] == "a \"quoted\", \033[31mred\033[2J\nnote"'
check "export: lines end in CR LF" sh -c "LC_ALL=C grep -c '	\$\|[^\"]\$' $tmp/out | grep -q . &&
	head -n 1 $tmp/out | od -c | grep -q '\\\\r  *\\\\n'"
check "export: times are UTC" csv 'rows[0]["received"].endswith("Z") and len(rows[0]["received"]) == 20'
formula() {
	sqlite3 "$db" "UPDATE submissions SET identity = '=HYPERLINK(\"http://x\")', note = '@SUM(1)',
		address = '-2' WHERE id = 7"
	csv 'rows[6]["identity"] == "'\''=HYPERLINK(\"http://x\")" and rows[6]["note"] == "'\''@SUM(1)" and \
		rows[6]["address"] == "'\''-2" and rows[2]["identity"] == "address:=1+1"'
}
check "export: no formula" formula
fill
best() {
	ctl export --csv --best
	grep '^[0-9]' "$tmp/out" | cut -d, -f1,2,8 | tr -d '"' | sort | tr '\n' ' ' >"$tmp/best"
	cat "$tmp/best"
	[ "$(cat "$tmp/best")" = \
		"1,token:anna,100 2,token:bob,60 3,address:=1+1,20 4,token:carl, 7,token:dora, " ]
}
check "export --best: one for each identity" best
check "export --only" sh -c "$ctl --state $state export --csv --only done | grep -c '^[0-9]' | grep -x 3"

# --- changing --------------------------------------------------------------------

check "regrade: one that is done" gives 0 out '^submission 1 is queued again$' regrade 1
check "regrade: its verdict stays" says '.state == "queued" and .score == 100 and (.runs | length) == 1' show 1
check "regrade: one that waits: 1" refuses 1 'queued already' regrade 1
check "regrade: one that runs: 1" refuses 1 'running already' regrade 5
several() {
	ctl regrade 99 4 5 2
	cat "$tmp/out" "$tmp/err"
	[ "$status" -eq 1 ] && [ "$(wc -l <"$tmp/out")" -eq 2 ] && [ "$(wc -l <"$tmp/err")" -eq 2 ] &&
		says '.state == "queued" and .attempts == 0 and .note == ""' show 4
}
check "regrade: several, and those that cannot be are named" several
check "drain" gives 0 out 'kshramctl drain --off' drain
check "drain: status says so" gives 0 out '^new ones  *refused' status
check "drain: status --json" says '.drain == true' status
check "drain --off" gives 0 out 'are taken' drain --off
check "drain --off: status says so" gives 0 out '^new ones  *taken as soon as the server runs$' status

check "drain: no server, so nobody is waited for" gives 0 out 'no server runs now' drain
check "drain --off: the same" gives 0 out 'no server runs now' drain --off

# hold, let_go - the lock that a server has for as long as it lives.
hold() {
	exec 9>>"$state/lock"
	flock 9
}
let_go() {
	flock -u 9
	exec 9>&-
}
# beat PID AGE [MORE] - what a server would have written of itself.
beat() {
	echo "$1" >"$state/lock"
	now=$(($(date +%s) - $2))
	sqlite3 "$db" "REPLACE INTO settings VALUES ('server', '{\"pid\": $1, \"started\": $now,
		\"beat\": $now, \"listen\": \"127.0.0.1:10548\"${3:-}}')"
}
hold
beat $$ 3
check "status: a server runs" gives 0 out "running since .*process $$, listens on 127.0.0.1:10548" status
check "status --json: a server runs" says ".server.running and .server.pid == $$ and
	.server.listen == \"127.0.0.1:10548\"" status
check "drain: a server that does not notice: 2 after 10 s, and whom to look at" refuses 2 \
	"the record says so, but the server, process $$, has not noticed within 10 s" drain
check "status: that it has not" gives 0 out '^new ones  *taken until the server notices' status
check "status --json: the record and the server" says '.drain == true and .server.draining == false' status
beat $$ 3 ', "draining": true'
no_number() {
	: >"$state/lock"
	gives 0 out "^server  *running since .*process $$," status
}
check "status: it has the lock, and its number could not be written into it" no_number
of_another() {
	let_go
	echo 1 >"$state/lock"
	gives 0 out '^server  *not running$' status
}
check "status: a copy of the record does not have its server" of_another
hold
beat $$ 3 ', "draining": true'
check "status: it has" gives 0 out '^new ones  *refused; to take them again' status
check "status --json: both" says '.drain == true and .server.draining == true' status
check "drain: a server that has noticed" gives 0 out '^no new submissions are taken' drain
ctl_off() {
	# The server's word comes while it waits.
	(sleep 1 && beat $$ 3 ', "draining": false') &
	gives 0 out '^new submissions are taken$' drain --off || return 1
	wait
	! grep -q 'no server' "$tmp/out"
}
check "drain --off: waits until the server has noticed" ctl_off
beat $$ 3 ', "draining": false, "ending": true'
check "status: a server that ends" gives 0 out "^server  *ending: process $$ was told to stop" status
check "status: it takes none" gives 0 out '^new ones  *refused, as the server is ending' status
check "status --json: it ends" says '.server.ending == true and .server.running' status
check "drain: a server that ends is not waited for" gives 0 out 'the server is ending' drain
ctl drain --off
beat $$ 300
check "status: a server hangs" gives 0 out "process $$ has not answered since" status
let_go
sleep 0 &
gone=$!
wait "$gone"
beat "$gone" 3
check "status: a server was killed" gives 0 out "not running; process $gone was killed after" status
check "status --json: a server was killed" says '.server.running == false' status
# A number is given again: it is that of a process, which is no server.
beat $$ 3
check "status: a server was killed, and another process has its number" gives 0 out \
	"not running; process $$ was killed after" status
not_waited_for() {
	begin=$(date +%s%N)
	gives 0 out 'no server runs now' drain || return 1
	spent=$((($(date +%s%N) - begin) / 1000000))
	echo "$spent ms"
	# For one that runs it would be 10 s.
	[ "$spent" -lt 9000 ] && gives 0 out 'no server runs now' drain --off
}
check "drain: that one is not waited for" not_waited_for
sqlite3 "$db" "UPDATE settings SET value = 'nonsense' WHERE key = 'server'"
check "status: nonsense of a server" gives 0 out '^server  *not running$' status

# --- trouble ---------------------------------------------------------------------

locked() {
	# It holds the lock until its input ends.
	mkfifo "$tmp/fifo"
	sqlite3 "$db" <"$tmp/fifo" &
	holder=$!
	exec 3>"$tmp/fifo"
	echo "BEGIN EXCLUSIVE; SELECT 1;" >&3
	sleep 1
	status=0
	refuses 2 'locked for more than 2 s' regrade 3 || status=1
	says '.state == "done"' show 3 || status=1
	exec 3>&-
	wait "$holder"
	return "$status"
}
check "the record is locked: 2, nothing changed, and reading works" locked
check "afterwards it works" gives 0 out 'queued again' regrade 3
newer() {
	sqlite3 "$db" "PRAGMA user_version = 99"
	refuses 2 'version 99' status
}
check "a newer record: 2, and what to use" newer
foreign() {
	echo "this is a text, and much longer than what is looked at: $(seq 1000)" >"$db"
	rm -f "$db"-wal "$db"-shm
	refuses 2 'not a database' list
}
check "no database: 2" foreign

echo "1..$count"
[ "$failed" -eq 0 ]
