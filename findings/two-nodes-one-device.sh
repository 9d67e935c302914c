#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A lock on a device node does not lock the device, and fuser does not see its users
#
# Programs: util-linux 2.38.1-5+deb12u3, psmisc 23.6-1 (bookworm), util-linux
#   2.41.5-0+deb13u1, psmisc 23.7-2 (trixie).
# Guess: two nodes with the same major and minor number, one in /dev and one that a container
#   got, are one device: a lock that is taken through one is seen through the other, and
#   "fuser NODE" names everybody who has the device open.
# Really: both locks are given, and fuser names only who came through this very node.
# Why: flock(2), fcntl(2) and open file description locks belong to an inode, and each node
#   is an inode; only the driver sees the number. fuser compares st_dev and st_ino of the node,
#   not st_rdev.
# Matters to: programs that keep others away with "flock /dev/NODE", and scripts that look
#   for users before they unload a module: a container's node escapes both.
#
# The device is /dev/zero: two nodes of it in the temporary folder.
#
# Seen on 2026-11-29:
#   bookworm, while one is open and locked: lock one no, lock two yes, user of one yes, user of two no
#   trixie, while one is open and locked: lock one no, lock two yes, user of one yes, user of two no

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
install bookworm bookworm util-linux=2.38.1-5+deb12u3 psmisc=23.6-1 dash
install trixie trixie util-linux=2.41.5-0+deb13u1 psmisc=23.7-2 dash
mknod "$work/one" c 1 5 && mknod "$work/two" c 1 5 || cannot "device nodes cannot be made here"

for root in bookworm trixie; do
	# Descriptor 7 holds node one, and its lock, while the others are asked.
	seen=$(inside "$root" dash -c '
		answer() { if "$@" >/dev/null 2>&1; then echo yes; else echo no; fi; }
		exec 7<"$1/one"
		flock -n 7
		echo "lock one $(answer flock -n "$1/one" dash -c :)," \
			"lock two $(answer flock -n "$1/two" dash -c :)," \
			"user of one $(answer fuser "$1/one")," \
			"user of two $(answer fuser "$1/two")"' sh "$work")
	saw "$root, while one is open and locked" \
		"lock one no, lock two yes, user of one yes, user of two no" "$seen"
done
conclude
