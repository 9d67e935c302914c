#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# rsync FILE /dev/NODE takes the device away, and reading one copies nothing
#
# Programs: rsync 3.2.7-1+deb12u6 (bookworm), 3.5.0+ds1-0+deb13u2 (trixie), coreutils 9.1-1.
# Guess: as cp does, "rsync FILE NODE" writes into the device; and with --copy-devices, which
#   reads devices, "rsync NODE FILE" copies what the device gives, until its end.
# Really: the node is replaced by a regular file with that content and the status is 0. Until
#   the next boot programs that open the node get a file in memory instead of the driver.
#   With --write-devices, which implies --inplace, it writes into the device.
#   --copy-devices of a character device that does not tell a size gives an empty file,
#   status 0.
# Why: rsync writes a temporary file and renames it over the destination (rsync(1), section
#   --inplace); the length to copy from a device is where lseek(SEEK_END) ends
#   (get_device_size() in fileio.c), which is 0 for most character devices.
# Matters to: whoever loads firmware, shared memory or test data through device nodes.
#
# The devices are nodes of /dev/null (1, 3) and /dev/zero (1, 5) in the temporary folder.
#
# Seen on 2026-11-29:
#   cp FILE NODE leaves: character special file
#   bookworm: rsync FILE NODE leaves: regular file of 6 bytes
#   bookworm: rsync --write-devices FILE NODE leaves: character special file
#   bookworm: rsync --copy-devices of a node of /dev/zero gives: 0 bytes
#   trixie: rsync FILE NODE leaves: regular file of 6 bytes
#   trixie: rsync --write-devices FILE NODE leaves: character special file
#   trixie: rsync --copy-devices of a node of /dev/zero gives: 0 bytes

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
install bookworm bookworm rsync=3.2.7-1+deb12u6 coreutils=9.1-1
install trixie trixie rsync=3.5.0+ds1-0+deb13u2
echo hello >"$work/file"

# fresh MINOR: make the node anew.
fresh()
{
	rm -f "$work/node"
	mknod "$work/node" c 1 "$1" || cannot "device nodes cannot be made here"
}

fresh 3
inside bookworm cp "$work/file" "$work/node"
saw "cp FILE NODE leaves" "character special file" "$(stat -c %F "$work/node")"
for root in bookworm trixie; do
	fresh 3
	inside "$root" rsync "$work/file" "$work/node"
	saw "$root: rsync FILE NODE leaves" "regular file of 6 bytes" \
		"$(stat -c '%F of %s bytes' "$work/node")"
	fresh 3
	inside "$root" rsync --write-devices "$work/file" "$work/node"
	saw "$root: rsync --write-devices FILE NODE leaves" "character special file" \
		"$(stat -c %F "$work/node")"
	fresh 5
	rm -f "$work/copy"
	inside "$root" rsync --copy-devices "$work/node" "$work/copy"
	saw "$root: rsync --copy-devices of a node of /dev/zero gives" "0 bytes" \
		"$(stat -c '%s bytes' "$work/copy")"
done
conclude
