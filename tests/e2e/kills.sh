#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The server, its machines and its disk fail in every state of a submission; what
# was accepted has one verdict afterwards, the right one. TAP.
#
#	[SOAK=1] tests/e2e/kills.sh [STATE...]
#
# STATE: receiving storing queued running standby machine both verdict locked full
# real_machine real_server real_both, the last three with real machines in place of a stub.
# Environment: KERNEL, the kernel's name (lab); SOAK=1 for 20 kills in each state in
# place of 5 (2 of the server with real machines).
set -eu

cd "$(dirname "$0")/../.."
. tests/lib/make.sh
KERNEL=${KERNEL:-lab}
make_alone all "modules-$KERNEL" build/tests/killpoint.so >&2
KILLS=$(mktemp -d)
pid=
clean() {
	# It ends its server first.
	[ -z "$pid" ] || { kill "$pid" 2>/dev/null && wait "$pid" || :; }
	rm -rf "$KILLS"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
MODULE=$KILLS/kshram.ko
strip --strip-debug -o "$MODULE" "build/$KERNEL/kshram.ko"
KILLPOINT_LIB=$PWD/build/tests/killpoint.so
if [ "${SOAK:-0}" = 1 ]; then
	ROUNDS=4 REAL_ROUNDS=20
	export ROUNDS REAL_ROUNDS
fi
export KERNEL KILLS MODULE KILLPOINT_LIB

python3 -B tests/serve/kills.py "$@" &
pid=$!
status=0
wait "$pid" || status=$?
pid=
exit "$status"
