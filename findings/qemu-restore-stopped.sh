#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A machine that was stopped when it was saved does not run when it is restored
#
# Programs: qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3 (bookworm), 1:10.0.13+ds-0+deb13u1
#   (trixie). 11.1.3 does the same.
# Guess: "qemu -incoming ..." without -S runs the machine as soon as its state is read; -S is
#   there to prevent that.
# Really: the saved state says whether the machine ran. One that was stopped for the save, as
#   is prudent when its memory is to be kept, stays "paused"; one that had never run is in
#   "prelaunch". Both wait for the QMP command "cont".
# Why: migration sends the run state along (section "globalstate", migration/global_state.c),
#   and the end of incoming migration starts only what was running.
# Matters to: whoever keeps snapshots in files: a restore that hangs for no visible reason.
#
# Seen on 2026-11-29:
#   bookworm, saved while running: save, state after restore without -S: completed, running
#   bookworm, saved while running: after cont: running
#   bookworm, saved while paused: save, state after restore without -S: completed, paused
#   bookworm, saved while paused: after cont: running
#   bookworm, saved while prelaunch: save, state after restore without -S: completed, prelaunch
#   bookworm, saved while prelaunch: after cont: running
#   trixie, saved while running: save, state after restore without -S: completed, running
#   trixie, saved while running: after cont: running
#   trixie, saved while paused: save, state after restore without -S: completed, paused
#   trixie, saved while paused: after cont: running
#   trixie, saved while prelaunch: save, state after restore without -S: completed, prelaunch
#   trixie, saved while prelaunch: after cont: running

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 dash coreutils
install trixie trixie qemu-system-x86=1:10.0.13+ds-0+deb13u1 dash coreutils
# For exec:, as no maintainer script has made it.
ln -sf dash "$work/bookworm/usr/bin/sh"
ln -sf dash "$work/trixie/usr/bin/sh"

# restored: print the status of a machine once its state is read.
restored()
{
	while :; do
		qmp '{"execute": "query-status"}'
		case $reply in
		*inmigrate*) sleep 0.1 ;;
		*) break ;;
		esac
	done
	qmp_word
}

for root in bookworm trixie; do
	for how in running paused prelaunch; do
		stop=
		[ "$how" != prelaunch ] || stop=-S
		# shellcheck disable=SC2086 # one option or none
		qmp_start "$root" $stop
		[ "$how" != paused ] || qmp '{"execute": "stop"}'
		saved=$(qmp_save "exec:/bin/cat >$work/state")
		qmp_end
		qmp_start "$root" -incoming "exec:/bin/cat $work/state"
		saw "$root, saved while $how: save, state after restore without -S" \
			"completed, $how" "$saved, $(restored)"
		qmp '{"execute": "cont"}'
		saw "$root, saved while $how: after cont" running "$(restored)"
		qmp_end
	done
done
conclude
