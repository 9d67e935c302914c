#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# bwrap ends, and its sandbox goes on
#
# Programs: bubblewrap 0.8.0-2+deb12u1 (bookworm), 0.12.0-1~deb13u1 (trixie).
# Guess: with --unshare-pid the sandbox is a PID namespace of its own, so that nothing of it is
#   left when bwrap has returned.
# Really: bwrap returns when the command does. A process that the command left in the
#   background runs on, with the mounts of the sandbox, under a bwrap that is process 1 in
#   there. Two options change that: with --as-pid-1 the command is process 1, and the kernel
#   ends all others with it; with --die-with-parent the end of the outer bwrap ends process 1.
# Why: process 1 waits until it has no child left, and tells the end of the first child to the
#   outer bwrap at once (do_init() in bubblewrap.c). bwrap(1) describes --die-with-parent by the
#   end of bwrap's own parent, so one hardly looks for the answer there.
# Matters to: whoever takes the end of bwrap for the end of all that it contained: memory,
#   files and CPU are still in use.
#
# Seen on 2026-11-29:
#   bookworm, --unshare-pid: the background process: running
#   bookworm, with --die-with-parent: gone
#   bookworm, with --as-pid-1: gone
#   trixie, --unshare-pid: the background process: running
#   trixie, with --die-with-parent: gone
#   trixie, with --as-pid-1: gone

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm bubblewrap=0.8.0-2+deb12u1 dash coreutils
install trixie trixie bubblewrap=0.12.0-1~deb13u1 dash coreutils

# left ROOT OPTION...: whether a process of the sandbox holds the lock after bwrap's end.
left()
{
	root=$1
	shift
	: >"$work/lock"
	# The background process has descriptor 7 and its lock; it reads from a fifo that this
	# script holds open, and so ends when the script wants it to.
	rm -f "$work/hold"
	mkfifo "$work/hold"
	exec 5<>"$work/hold"
	(
		flock 7
		inside "$root" bwrap --bind / / --dev /dev --unshare-pid "$@" \
			dash -c 'cat <"$1" >/dev/null 2>&1 & exit 0' dash "$work/hold" 5>&- \
			>/dev/null 2>"$work/err" || cat "$work/err" >&2
	) 7<"$work/lock"
	if timeout 2 flock "$work/lock" true; then
		echo gone
	else
		echo running
	fi
	exec 5>&-
	flock "$work/lock" true
}

for root in bookworm trixie; do
	saw "$root, --unshare-pid: the background process" running "$(left "$root")"
	saw "$root, with --die-with-parent" gone "$(left "$root" --die-with-parent)"
	saw "$root, with --as-pid-1" gone "$(left "$root" --as-pid-1)"
done
conclude
