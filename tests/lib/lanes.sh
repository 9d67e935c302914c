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
#	LIMIT seconds; gives its status, or 124 when it was stopped.
#
# INT and TERM end all of it: lanes_end, to be called in the caller's trap,
# ends the lanes, and each ends the process group it waits for.

lanes_pids=

lane_run() {
	lane_limit=$1
	shift
	# What runs in the background of a shell ignores SIGINT, and hands that on:
	# programs that are tested for Ctrl-C must get it as they would elsewhere.
	timeout --kill-after=10 "$lane_limit" env --default-signal=INT,QUIT "$@" &
	lane_status=0
	wait "$!" || lane_status=$?
	return "$lane_status"
}

lane() {
	lane_dir=$1
	lane_function=$2
	shift 2
	# Nothing may survive the lane: the command's group first, then we.
	trap 'kill "${!:-}" 2>/dev/null && wait "$!"; exit 143' INT TERM
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
