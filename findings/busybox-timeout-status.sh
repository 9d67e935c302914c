#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# busybox's timeout does not exit with 124
#
# Programs: busybox-static 1:1.35.0-4+deb12u1+b1 (bookworm), 1:1.37.0-6+b9 (trixie),
#   coreutils 9.1-1 (bookworm). busybox 1.38.0 does the same.
# Guess: "timeout 1 COMMAND" in a guest's busybox exits with 124 when the time is over, as
#   that of coreutils does; scripts test for 124.
# Really: it exits with 143: the status of a command that SIGTERM has ended. A command that
#   ends by SIGTERM for another reason looks the same, and a command that catches SIGTERM and
#   exits with 0 looks as if it had been in time.
# Why: busybox forks a grandchild that waits and kills, and becomes the command itself
#   (coreutils/timeout.c), so that nobody is left who could exit with 124.
# Matters to: test scripts that are written on a full system and run in an initramfs.
#
# Seen on 2026-11-29:
#   coreutils 9.1, sleep: 124
#   coreutils 9.1, a command that exits with 0 at SIGTERM: 124
#   busybox of bookworm, sleep: 143
#   busybox of bookworm, a command that exits with 0 at SIGTERM: 0
#   busybox of trixie, sleep: 143
#   busybox of trixie, a command that exits with 0 at SIGTERM: 0

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

get bookworm bookworm busybox-static=1:1.35.0-4+deb12u1+b1
get trixie trixie busybox-static=1:1.37.0-6+b9
install full bookworm coreutils=9.1-1 dash
obliging='trap "exit 0" TERM; while :; do :; done'

# status ROOT COMMAND...: print the exit status.
status()
{
	if inside "$@" >/dev/null 2>&1; then
		echo 0
	else
		echo $?
	fi
}

saw "coreutils 9.1, sleep" 124 "$(status full timeout 1 sleep 60)"
saw "coreutils 9.1, a command that exits with 0 at SIGTERM" 124 \
	"$(status full timeout 1 dash -c "$obliging")"
for root in bookworm trixie; do
	saw "busybox of $root, sleep" 143 "$(status "$root" busybox timeout 1 busybox sleep 60)"
	saw "busybox of $root, a command that exits with 0 at SIGTERM" 0 \
		"$(status "$root" busybox timeout 1 busybox sh -c "$obliging")"
done
conclude
