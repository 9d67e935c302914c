#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Two containers that share a slot and nothing else: each has its own mounts,
# its own processes (both programs are process 1, or children of one), and a
# /dev in which slot 0 is all there is. The consumer's node is made with mknod;
# the producer, whose root is nobody outside (a user namespace), cannot make
# one and is given the host's by a bind mount.
#
# usage: two_namespaces.sh PRODUCER_CONSUMER COUNT    (as root)
# PRODUCER_CONSUMER is the path of that example. Exit status: 0 when COUNT
# messages went from one container to the other.
set -eu

[ $# -eq 2 ] || { echo "usage: two_namespaces.sh PRODUCER_CONSUMER COUNT" >&2; exit 2; }
program=$1
count=$2
[ -x "$program" ] || { echo "two_namespaces.sh: $program: not a program that can be run" >&2; exit 2; }
[ -c /dev/kshram0 ] || { echo "two_namespaces.sh: no /dev/kshram0: load kshram.ko first" >&2; exit 1; }
# The major number, whatever the kernel gave.
device=$(cat /sys/class/kshram/kshram0/dev)

# A private /dev needs a place to prepare it in, where the bind mount starts from.
# shellcheck disable=SC2016 # for the shell in the container
consumer='
	mount -t tmpfs none /dev
	mknod -m 600 /dev/kshram0 c "${1%:*}" "${1#*:}"
	exec "$2" consume /dev/kshram0 "$3"'
# shellcheck disable=SC2016
producer='
	mount -t tmpfs none /mnt
	: >/mnt/kshram0
	mount --bind /dev/kshram0 /mnt/kshram0
	mount --move /mnt /dev
	exec "$2" produce /dev/kshram0 "$3"'

unshare --mount --pid --fork sh -euc "$consumer" sh "$device" "$program" "$count" &
unshare --user --map-root-user --mount --pid --fork \
	sh -euc "$producer" sh "$device" "$program" "$count"
wait $!
