#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# toybox's cpio empties all but one of several hard links
#
# Programs: toybox 0.8.9+dfsg-1 and cpio 2.13+dfsg-7.1 (bookworm), toybox 0.8.9+dfsg-1.1 and
#   cpio 2.15+dfsg-2 (trixie).
# Guess: newc is a simple format: whatever unpacks it gives every file of the archive its
#   contents.
# Really: for two names of one file GNU cpio (and bsdcpio and busybox, and the kernel reads it
#   so) writes the contents with the last name only, and length 0 before. toybox takes no
#   notice of inode numbers: one name becomes an empty file, and the status is 0. Archives that
#   toybox writes hold the contents once for each name.
# Why: cpio_main() in toys/posix/cpio.c of toybox has no table of inode numbers.
# Matters to: whoever repacks an initramfs on a small system: a busybox whose applets are hard
#   links comes out as one program and hundreds of empty files.
#
# Seen on 2026-11-29:
#   bookworm, cpio -o, cpio -i: status 0, first 9, second 9
#   bookworm, cpio -o, toybox cpio -i: status 0, first 0, second 9
#   bookworm, toybox cpio -o, cpio -i: status 0, first 9, second 9
#   bookworm, toybox cpio -o, toybox cpio -i: status 0, first 9, second 9
#   trixie, cpio -o, cpio -i: status 0, first 9, second 9
#   trixie, cpio -o, toybox cpio -i: status 0, first 0, second 9
#   trixie, toybox cpio -o, cpio -i: status 0, first 9, second 9
#   trixie, toybox cpio -o, toybox cpio -i: status 0, first 9, second 9

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm toybox=0.8.9+dfsg-1 cpio=2.13+dfsg-7.1 dash coreutils
install trixie trixie toybox=0.8.9+dfsg-1.1 cpio=2.15+dfsg-2 dash coreutils
for root in bookworm trixie; do
	for packer in cpio "toybox cpio"; do
		for unpacker in cpio "toybox cpio"; do
			seen=$(inside "$root" dash -c '
				rm -rf "$1/in" "$1/out" && mkdir "$1/in" "$1/out" && cd "$1/in"
				echo contents >first && ln first second
				printf "%s\n" first second | $2 -o -H newc >../archive 2>/dev/null
				cd ../out && $3 -i <../archive 2>/dev/null
				echo "status $?, first $(wc -c <first), second $(wc -c <second)"' \
				sh "$work" "$packer" "$unpacker")
			expected="status 0, first 9, second 9"
			[ "$packer > $unpacker" != "cpio > toybox cpio" ] ||
				expected="status 0, first 0, second 9"
			saw "$root, $packer -o, $unpacker -i" "$expected" "$seen"
		done
	done
done
conclude
