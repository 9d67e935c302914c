#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A QEMU that a signal ends exits with status 0
#
# Programs: qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3 (bookworm), 1:10.0.13+ds-0+deb13u1
#   (trixie). 11.1.3 does the same.
# Guess: after SIGTERM, SIGINT or SIGHUP the parent sees death by that signal, or a status
#   that is not 0.
# Really: QEMU writes "terminating on signal 15" to standard error and exits with status 0,
#   as after a shutdown that the guest asked for.
# Why: the handler of all three signals asks for an ordinary shutdown
#   (qemu_system_killed(), in softmmu/runstate.c of 7.2 and system/runstate.c of 10.0).
# Matters to: whoever supervises machines. An operator's kill, or a service manager's, looks
#   like a guest that has finished its work; standard error and the "reason" of the QMP event
#   SHUTDOWN tell them apart.
#
# Seen on 2026-11-29:
#   bookworm, SIGTERM: status 0, terminating on signal 15
#   bookworm, SIGINT: status 0, terminating on signal 2
#   bookworm, SIGHUP: status 0, terminating on signal 1
#   trixie, SIGTERM: status 0, terminating on signal 15
#   trixie, SIGINT: status 0, terminating on signal 2
#   trixie, SIGHUP: status 0, terminating on signal 1

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3
install trixie trixie qemu-system-x86=1:10.0.13+ds-0+deb13u1
for root in bookworm trixie; do
	for signal in TERM:15 INT:2 HUP:1; do
		qmp_start "$root" -S
		kill "-${signal%:*}" "$(cat "$work/qemu.pid")"
		status=0
		wait "$qemu" || status=$?
		exec 8>&- 9<&-
		saw "$root, SIG${signal%:*}" "status 0, terminating on signal ${signal#*:}" \
			"status $status, $(grep -o 'terminating on signal [0-9]*' "$work/qemu.err")"
	done
done
conclude
