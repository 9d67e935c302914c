# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Waiting for what another process does, for suites that source this.

. tests/lib/host_time.sh

# gone PID: it does not run; a zombie that nobody has waited for yet is gone.
gone() {
	[ "$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null || echo Z)" = Z ]
}

# within COMMAND...: it holds now or becomes true within four minutes, more on a busy host.
within() {
	within_mark=$(host_time_mark)
	until "$@"; do
		[ "$(host_time_since "$within_mark")" -lt 240 ] || return 1
		sleep 0.2
	done
}
