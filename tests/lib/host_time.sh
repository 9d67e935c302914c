# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# host_time.sh - limits that a busy host stretches, in POSIX sh; sourced, not run
#
# host_time_mark
#	Prints a mark: now.
# host_time_since MARK
#	Prints the seconds since MARK, less those in which some program waited for a
#	processor (Linux counts them in /proc/pressure/cpu), but at least a quarter of
#	all: so a limit that is compared with it is stretched to four times at most.
#	grade/host_time.c does the same for graders. Where Linux does not count, all
#	seconds do.

host_time_waited() {
	sed -n 's/^some .*total=//p' /proc/pressure/cpu 2>/dev/null || :
}

host_time_mark() {
	echo "$(date +%s)/$(host_time_waited)"
}

host_time_since() {
	host_time_real=$(($(date +%s) - ${1%/*}))
	host_time_then=${1#*/}
	host_time_now=$(host_time_waited)
	host_time_now=$(((${host_time_now:-0} - ${host_time_then:-0}) / 1000000))
	[ "$host_time_now" -le $((host_time_real * 3 / 4)) ] ||
		host_time_now=$((host_time_real * 3 / 4))
	echo $((host_time_real - host_time_now))
}
