# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# class.sh - a challenge server and students who hand in at once; sourced, not run
#
# A class has a directory, with the server's record in DIR/state, its words in DIR/log,
# and of each student DIR/NAME.json, DIR/NAME.err and DIR/NAME.status. Each is an identity
# of its own. The caller has built the programs, and calls class_kill in its trap.
class_pids=
class_servers=

# class_begin DIR OPTION...: start kshramd; sets $class_port and $class_server.
class_begin() {
	class_dir=$1
	shift
	mkdir -p "$class_dir"
	build/bin/kshramd --state "$class_dir/state" --listen 127.0.0.1:0 --metrics none \
		--difficulty 2 "$@" >"$class_dir/log" 2>&1 &
	class_server=$!
	class_servers="$class_servers $class_server"
	class_port=
	class_tries=0
	while [ -z "$class_port" ] && [ "$class_tries" -lt 600 ] && kill -0 "$class_server" 2>/dev/null; do
		class_port=$(sed -n 's/.*event=listening address=127.0.0.1:\([0-9]*\).*/\1/p' "$class_dir/log")
		[ -n "$class_port" ] || sleep 0.1
		class_tries=$((class_tries + 1))
	done
	[ -n "$class_port" ] || {
		sed 's/^/# /' "$class_dir/log"
		return 1
	}
}

class_student() {
	student_status=0
	build/bin/kshram-submit "127.0.0.1:$class_port" "$2" --token "$1" --json \
		>"$class_dir/$1.json" 2>"$class_dir/$1.err" || student_status=$?
	echo "$student_status" >"$class_dir/$1.status"
}

# class_submit NAME MODULE: hand in to the server begun last, and do not wait.
class_submit() {
	class_student "$1" "$2" &
	class_pids="$class_pids $!"
}

# class_wait: until all students have been told how it went.
class_wait() {
	for class_pid in $class_pids; do
		wait "$class_pid" || :
	done
	class_pids=
}

# class_record DIR: put all that was accepted into DIR/list.
class_record() {
	build/bin/kshramctl --state "$1/state" list --json >"$1/list"
}

# class_full_marks DIR COUNT MODULE: so many students hand in a right module to the server
# begun last; prints the seconds from the first receipt to the last verdict.
class_full_marks() {
	class_turn=0
	while [ "$class_turn" -lt "$2" ]; do
		class_turn=$((class_turn + 1))
		class_submit "s$class_turn" "$3"
	done
	class_wait
	class_record "$1"
	jq -e --argjson n "$2" 'map(select(.score == 100)) | length == $n' "$1/list" >/dev/null &&
		jq '(map(.finished) | max) - (map(.received) | min)' "$1/list"
}

# class_graded_once DIR COUNT: so many were accepted, each of somebody else, and each has
# one verdict from one run.
class_graded_once() {
	class_record "$1" && jq -e --argjson n "$2" '
		length == $n and
		(map(select(.state == "done" and .verdicts == 1 and .attempts == 0)) | length) == $n and
		(map(.identity) | unique | length) == $n' "$1/list"
}

# class_busy DIR COUNT: never more machines at once.
class_busy() {
	jq -e --argjson most "$2" '
		[.[] | {s: .started, f: .finished}] as $runs |
		[$runs[] | .s as $at | [$runs[] | select(.s <= $at and .f > $at)] | length] | max <= $most' \
		"$1/list"
}

# class_end: the servers end as they are told to, and had nothing to complain of.
class_end() {
	class_bad=0
	for class_pid in $class_servers; do
		kill "$class_pid" && wait "$class_pid" || class_bad=1
	done
	class_servers=
	for class_log; do
		! grep -E 'level=(warn|error)' "$class_log/log" || class_bad=1
	done
	return "$class_bad"
}

# class_kill: nothing of it goes on, whatever state it is in.
class_kill() {
	for class_pid in $class_pids $class_servers; do
		kill -9 "$class_pid" 2>/dev/null || :
	done
	class_pids=
	class_servers=
}
