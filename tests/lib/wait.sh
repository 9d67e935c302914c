# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Waiting for what another process does, for suites that source this.

# gone PID: it does not run; a zombie that nobody has waited for yet is gone.
gone() {
	[ "$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null || echo Z)" = Z ]
}

# within COMMAND...: it holds now or becomes true within some minutes: a host may be busy.
within() {
	for _ in $(seq 1200); do
		"$@" && return 0
		sleep 0.2
	done
	return 1
}
