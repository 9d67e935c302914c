#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# SIGALRM from outside is for timeout the end of its time
#
# Programs: coreutils 9.1-1 (bookworm), 9.7-3 (trixie).
# Guess: SIGALRM that another process sends to timeout(1) ends it with status 142, as any program
#   that does not expect it, or is passed on to the command, as SIGTERM is.
# Really: timeout takes it for its own timer: the command gets SIGTERM (or what -s says), the
#   status is 124, and --kill-after counts from there. So a limit can be moved forward: start
#   with a long one, and send SIGALRM when it is enough.
# Why: the timer delivers SIGALRM, too, and cleanup() in src/timeout.c does not ask who sent it.
# Matters to: scripts whose limit depends on what happens meanwhile; and to whoever reads 124 as
#   "the limit that stands in the command line has passed".
#
# Seen on 2026-11-29:
#   bookworm: status after SIGALRM, with 200 s to go: 124
#   trixie: status after SIGALRM, with 200 s to go: 124

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

need pgrep
install bookworm bookworm coreutils=9.1-1
install trixie trixie coreutils=9.7-3
for root in bookworm trixie; do
	mkfifo "$work/$root.fifo"
	# cat holds its end of the fifo until it is ended: then the command has begun.
	inside "$root" timeout 200 cat "$work/$root.fifo" &
	child=$!
	exec 7>"$work/$root.fifo"
	# The outer timeout is the limit of inside; the one that is meant is its child.
	pid=$(pgrep -f "^timeout 200 cat $work/$root.fifo")
	kill -ALRM "$pid"
	status=0
	wait "$child" || status=$?
	exec 7>&-
	saw "$root: status after SIGALRM, with 200 s to go" 124 "$status"
done
conclude
