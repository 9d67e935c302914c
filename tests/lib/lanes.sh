# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# lanes.sh - several jobs at once, in POSIX sh; sourced, not run
#
# lanes COUNT DIRECTORY FUNCTION ITEM...
#	Calls FUNCTION NUMBER ITEM for every ITEM, up to COUNT at once; each lane
#	takes the next item that no other has taken. DIRECTORY exists, is empty
#	and the caller's to remove. Returns when all are done.
# lane_run LIMIT COMMAND...
#	For use in FUNCTION: runs COMMAND in a process group of its own, at most
#	LIMIT seconds, which a busy host stretches (host_time.sh); gives its status, or
#	124 when it was stopped.
#
# INT and TERM end all of it: lanes_end, to be called in the caller's trap,
# ends the lanes, and each ends the process group it waits for.

. tests/lib/host_time.sh

lanes_pids=
lane_pid=

# Stop timeout(1) as if its own limit had passed, once LIMIT is used up.
lane_watch() {
	lane_mark=$(host_time_mark)
	while lane_left=$(($2 - $(host_time_since "$lane_mark"))) && [ "$lane_left" -gt 0 ]; do
		[ "$lane_left" -lt 5 ] || lane_left=5
		sleep "$lane_left"
		# A lane that was killed does not end its watch.
		kill -0 "$1" || return 0
	done
	kill -ALRM "$1"
}

lane_run() {
	lane_limit=$1
	shift
	# What runs in the background of a shell ignores SIGINT, and hands that on:
	# programs that are tested for Ctrl-C must get it as they would elsewhere.
	# The limit here is for the case that the watch is killed.
	timeout --kill-after=10 "$((4 * lane_limit + 10))" \
		env --default-signal=INT,QUIT "$@" &
	lane_pid=$!
	# It holds nothing open that somebody could wait for the end of.
	lane_watch "$lane_pid" "$lane_limit" </dev/null >/dev/null 2>&1 &
	lane_watcher=$!
	lane_status=0
	wait "$lane_pid" || lane_status=$?
	kill "$lane_watcher" 2>/dev/null || :
	wait "$lane_watcher" 2>/dev/null || :
	lane_pid=
	return "$lane_status"
}

lane() {
	lane_dir=$1
	lane_function=$2
	shift 2
	# Nothing may survive the lane: the command's group first, then we.
	trap 'kill "${lane_watcher:-}" 2>/dev/null; kill "$lane_pid" 2>/dev/null && wait "$lane_pid"; exit 143' INT TERM
	lane_number=0
	for lane_item; do
		lane_number=$((lane_number + 1))
		# mkdir is atomic: one lane gets the item.
		mkdir "$lane_dir/taken.$lane_number" 2>/dev/null || continue
		"$lane_function" "$lane_number" "$lane_item"
	done
}

lanes() {
	lanes_left=$1
	shift
	while [ "$lanes_left" -gt 0 ]; do
		lane "$@" &
		lanes_pids="$lanes_pids $!"
		lanes_left=$((lanes_left - 1))
	done
	for lanes_pid in $lanes_pids; do
		wait "$lanes_pid" || :
	done
	lanes_pids=
}

lanes_end() {
	for lanes_pid in $lanes_pids; do
		kill "$lanes_pid" 2>/dev/null || :
	done
	for lanes_pid in $lanes_pids; do
		wait "$lanes_pid" 2>/dev/null || :
	done
	lanes_pids=
}
