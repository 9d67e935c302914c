#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A descriptor that is open for reading and writing is not good enough for QEMU to write to
#
# Programs: qemu-system-x86 1:10.0.13+ds-0+deb13u1 (trixie). 11.1.3 does the same.
# Guess: a regular file that is passed with -add-fd, open for reading and writing, serves for
#   "migrate" to file:/dev/fdset/N: whoever may do both may write. And a pipe that is passed
#   so is written to, as it is with fd:.
# Really: O_RDWR is refused ("Failed to find file descriptor with matching flags"); only a
#   descriptor with exactly O_WRONLY is taken. An inherited O_RDWR descriptor works under the
#   name /dev/fd/N. A pipe is refused because it cannot be truncated.
# Why: /dev/fdset compares the access mode for equality (monitor_fdset_dup_fd_add() in
#   monitor/fds.c), and file: opens with O_CREAT | O_WRONLY and calls ftruncate()
#   (file_start_outgoing_migration() in migration/file.c).
# Matters to: whoever saves a jailed machine into a descriptor: the one that was opened for
#   writing the state and reading it back later is the wrong one.
#
# Seen on 2026-11-29:
#   O_RDWR as /dev/fdset/3: Failed to find file descriptor with matching
#   O_RDWR as /dev/fd/7: completed
#   O_WRONLY as /dev/fdset/3: completed
#   a pipe as /dev/fdset/3: failed to truncate migration file: Invalid argument

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install trixie trixie qemu-system-x86=1:10.0.13+ds-0+deb13u1
# words TEXT: an error without the numbers in it.
words()
{
	printf '%s\n' "$1" | sed -e 's/ flags=.*//' -e 's/ to offset.*: /: /'
}

state=$work/state
: >"$state"
qmp_start trixie -S -add-fd fd=7,set=3 7<>"$state"
saw "O_RDWR as /dev/fdset/3" "Failed to find file descriptor with matching" \
	"$(words "$(qmp_save file:/dev/fdset/3)")"
qmp_end
# -add-fd takes the descriptor's number away, so here it goes without.
qmp_start trixie -S 7<>"$state"
saw "O_RDWR as /dev/fd/7" completed "$(qmp_save file:/dev/fd/7)"
qmp_end
qmp_start trixie -S -add-fd fd=7,set=3 7>"$state"
saw "O_WRONLY as /dev/fdset/3" completed "$(qmp_save file:/dev/fdset/3)"
qmp_end
mkfifo "$work/pipe"
cat "$work/pipe" >"$work/copy" &
background="$background $!"
qmp_start trixie -S -add-fd fd=7,set=3 7>"$work/pipe"
saw "a pipe as /dev/fdset/3" "failed to truncate migration file: Invalid argument" \
	"$(words "$(qmp_save file:/dev/fdset/3)")"
qmp_end
conclude
