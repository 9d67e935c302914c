#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A file in a later initramfs archive is lost in a directory and written through hard links
#
# Programs: linux-image-6.1.0-50-cloud-amd64 6.1.176-1, busybox-static 1:1.35.0-4+deb12u1+b1,
#   cpio 2.13+dfsg-7.1 (bookworm), qemu-system-x86 1:10.0.13+ds-0+deb13u1 (trixie).
# Guess: of archives that are concatenated a later one wins: its file takes the place of
#   what an earlier archive had under that name, and of nothing else; what cannot be is told
#   in the kernel's log.
# Really: (1) where an earlier archive made a directory that is not empty, the file is dropped
#   without a word. (2) where the earlier archive had a file with another name for the same
#   inode, the new contents appear under both names: to put a script over one applet of a
#   busybox whose applets are hard links overwrites busybox.
# Why: do_name() in init/initramfs.c removes what is in the way only when it is of another
#   type, does so with rmdir() whose failure nobody looks at, and then opens the name that is
#   there with O_TRUNC and writes into it.
# Matters to: whoever appends files to an initramfs instead of building a new one.
#
# Seen on 2026-11-29:
#   two is replaced, one is a hard link to it: one late two late
#   folder is replaced by a file: folder directory holds inner
#   lines of the kernel's log about it: 0

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

release=6.1.0-50-cloud-amd64
get kernel bookworm "linux-image-$release=6.1.176-1" busybox-static=1:1.35.0-4+deb12u1+b1
install cpio bookworm cpio=2.13+dfsg-7.1 dash
install trixie trixie qemu-system-x86=1:10.0.13+ds-0+deb13u1

# archive NAME: pack the folder $work/NAME to $work/NAME.cpio.
archive()
{
	(cd "$work/$1" && find . -mindepth 1) >"$work/names"
	inside cpio dash -c 'cd "$1/$2" && cpio --quiet -o -H newc <"$1/names" >"$1/$2.cpio"' \
		dash "$work" "$1"
}

mkdir -p "$work/early/bin" "$work/early/folder" "$work/late"
cp "$work/kernel/bin/busybox" "$work/early/bin/busybox"
cat >"$work/early/init" <<'END'
#!/bin/busybox sh
echo "seen: one $(/bin/busybox cat /one) two $(/bin/busybox cat /two)"
echo "seen: folder $(/bin/busybox stat -c %F /folder) holds $(/bin/busybox ls /folder)"
/bin/busybox reboot -f
END
chmod +x "$work/early/init"
echo early >"$work/early/one"
ln "$work/early/one" "$work/early/two"
: >"$work/early/folder/inner"
echo late >"$work/late/two"
echo late >"$work/late/folder"
archive early
archive late
cat "$work/early.cpio" "$work/late.cpio" >"$work/initramfs"
cp "$work/kernel/boot/vmlinuz-$release" "$work/vmlinuz"
inside trixie qemu-system-x86_64 -nodefaults -display none -accel tcg -cpu max,-erms,-fsrm -m 256 \
	-no-reboot -serial stdio -kernel "$work/vmlinuz" -initrd "$work/initramfs" \
	-append "console=ttyS0 panic=-1" </dev/null >"$work/console" 2>"$work/errors" ||
	cannot "the machine did not end: $(tail -n 1 "$work/console")"
grep -q 'seen: one' "$work/console" || cannot "the machine did not boot: $(tail -n 1 "$work/console")"

# said WORD: the line that the guest printed.
said()
{
	tr -d '\r' <"$work/console" | sed -n "s/.*seen: \($1 .*\)/\1/p"
}

saw "two is replaced, one is a hard link to it" "one late two late" "$(said one)"
saw "folder is replaced by a file" "folder directory holds inner" "$(said folder)"
saw "lines of the kernel's log about it" 0 "$(grep -ciE 'initramfs.*(fail|exist|folder)' "$work/console" || :)"
conclude
