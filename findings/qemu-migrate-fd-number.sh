#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# fd:7 is descriptor 7 for a machine that comes in, and a name for one that goes out
#
# Programs: qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3 (bookworm), 1:10.0.13+ds-0+deb13u1
#   (trixie). 11.1.3 does the same.
# Guess: where "-incoming fd:7" and "migrate-incoming" with uri fd:7 read from the inherited
#   descriptor 7, "migrate" with uri fd:7 writes to it.
# Really: "File descriptor named '7' has not been found": outgoing migration knows names only,
#   those that the command "getfd" gave to descriptors passed over the QMP socket.
# Why: fd_start_outgoing_migration() in migration/fd.c calls monitor_get_fd(), where
#   fd_start_incoming_migration() calls monitor_fd_param(), which takes numbers, too.
# Matters to: programs that start QEMU with a descriptor to save to: it needs a socket as the
#   monitor and SCM_RIGHTS, while restoring needs neither.
#
# Seen on 2026-11-29:
#   bookworm: migrate to fd:7: File descriptor named '7' has not been found
#   bookworm: migrate to a file: completed
#   bookworm: migrate-incoming from fd:7: prelaunch
#   trixie: migrate to fd:7: File descriptor named '7' has not been found
#   trixie: migrate to a file: completed
#   trixie: migrate-incoming from fd:7: prelaunch

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 dash coreutils
install trixie trixie qemu-system-x86=1:10.0.13+ds-0+deb13u1 dash coreutils
# For exec:, as no maintainer script has made it.
ln -sf dash "$work/bookworm/usr/bin/sh"
ln -sf dash "$work/trixie/usr/bin/sh"
for root in bookworm trixie; do
	mkfifo "$work/$root.out"
	cat "$work/$root.out" >"$work/copy" &
	background="$background $!"
	qmp_start "$root" -S 7>"$work/$root.out"
	saw "$root: migrate to fd:7" "File descriptor named '7' has not been found" \
		"$(qmp_save fd:7)"
	saw "$root: migrate to a file" completed "$(qmp_save "exec:/bin/cat >$work/state")"
	qmp_end
	mkfifo "$work/$root.in"
	cat "$work/state" >"$work/$root.in" &
	qmp_start "$root" -S -incoming defer 7<"$work/$root.in"
	qmp '{"execute": "migrate-incoming", "arguments": {"uri": "fd:7"}}'
	while :; do
		qmp '{"execute": "query-status"}'
		case $reply in
		*inmigrate*) sleep 0.1 ;;
		*) break ;;
		esac
	done
	saw "$root: migrate-incoming from fd:7" prelaunch "$(qmp_word)"
	qmp_end
done
conclude
