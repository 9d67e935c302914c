#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Grade one module as is done by hand with the development kit, as its lab.md tells:
# unpack the root file system, put the modules in, pack it again, boot it, load them and
# run the three checks. Nobody's typing is in it: the commands are one script.
#
#	bench/byhand.sh KIT KSHRAM.KO HELLOMOD.KO
#
# KIT is an unpacked kit. Exit status: 0 when all of it passed, 1 otherwise; the console
# is on standard output.
set -eu
kit=${1:?usage: bench/byhand.sh KIT KSHRAM.KO HELLOMOD.KO}
kshram=${2:?the module}
hellomod=${3:?the sample module}
work=$(mktemp -d)
qemu=
finish() {
	exec 3>&-
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || :
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$work/rootfs"
bzip2 -dc "$kit/rootfs.cpio.bz2" | (cd "$work/rootfs" && cpio -i -d --quiet)
cp "$kshram" "$work/rootfs/kshram.ko"
cp "$hellomod" "$work/rootfs/hellomod.ko"
cat >"$work/rootfs/checks" <<'END'
set -e
insmod /hellomod.ko
rmmod hellomod
insmod /kshram.ko
rmmod kshram
insmod /kshram.ko
check_msg
check_msg
check_resize
check_fork
rmmod kshram
echo 'by hand: all passed'
END
(cd "$work/rootfs" && find . | cpio -o -H newc --quiet) | bzip2 >"$work/mine.cpio.bz2"

mkfifo "$work/keys"
INITRD=$work/mine.cpio.bz2 CONSOLE=stdio sh "$kit/qemu.sh" <"$work/keys" >"$work/console" 2>&1 &
qemu=$!
exec 3>"$work/keys"
# The shell's prompt comes after the last of the machine's own words.
until grep -q 'pulls the plug' "$work/console"; do
	kill -0 "$qemu" 2>/dev/null || break
	sleep 0.05
done
echo 'sh /checks; poweroff -f' >&3
wait "$qemu" || :
qemu=
cat "$work/console"
tr -d '\r' <"$work/console" | grep -qx 'by hand: all passed'
