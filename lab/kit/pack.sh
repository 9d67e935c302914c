#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# lab/kit/pack.sh KERNEL_DIR VERSION CHECKS_DIR CLIENTS_DIR ARCHIVE
#
# Pack the development kit: the kernel in KERNEL_DIR (what `kernel/get lab` printed)
# and the static programs in CHECKS_DIR and CLIENTS_DIR, with all that lies in lab/ and
# the clients' sources, into ARCHIVE, a .tar.bz2 with the one folder kshram-kit-VERSION in it. The same input
# gives the same bytes. Run it from the top of the project.
#
# Exit status: 0 when ARCHIVE is there, whole; 1 when not, and then it is as before.
set -eu

die() {
	echo "pack.sh: $*" >&2
	exit 1
}

[ $# = 5 ] || die "usage: lab/kit/pack.sh KERNEL_DIR VERSION CHECKS_DIR CLIENTS_DIR ARCHIVE"
kernel=$1
version=$2
checks=$3
clients=$4
archive=$5

busybox=$(command -v busybox) || die "cannot find busybox: install busybox-static"
if ldd "$busybox" >/dev/null 2>&1; then
	die "$busybox is not a static program, so it cannot run in the kit: install busybox-static"
fi
[ -r "$kernel/bzImage" ] || die "$kernel is not a kernel's directory: it has no bzImage"
if [ -s "$kernel/modules.list" ]; then
	die "the kernel in $kernel needs modules to use QEMU's devices; the kit wants one that has them built in"
fi

# One time stamp for everything, of the last change to what is packed, so that it
# does not matter when it was packed.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct -- lab kernel include pow submit 2>/dev/null || :)}
epoch=${epoch:-1750000000}

mkdir -p "$(dirname "$archive")"
tmp=$(mktemp -d "$(dirname "$archive")/kit.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
umask 022

stamp() {
	find "$1" -exec touch -h -d "@$epoch" {} +
}

# The root file system.
root=$tmp/root
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/root"
cp "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do
	[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
cp lab/kit/init "$root/init"
cp lab/kit/session "$root/bin/session"
chmod 755 "$root/init" "$root/bin/session"
# What the items are called, a number and a title on each line.
awk '$1 == "item" { sub(/^item +[^ ]+ +[0-9]+ +/, ""); print ++n, $0 }' lab/kshram/items \
	>"$root/items"
[ -s "$root/items" ] || die "lab/kshram/items has no items"
for program in check_msg check_resize check_fork; do
	strip -o "$root/bin/$program" "$checks/$program"
	chmod 755 "$root/bin/$program"
done
stamp "$root"

kit=$tmp/kshram-kit-$version
mkdir "$kit" "$kit/hellomod" "$kit/kshram" "$kit/checks" "$kit/submit"
(cd "$root" && find . | LC_ALL=C sort |
	cpio -o -H newc -R 0:0 --reproducible --quiet) >"$tmp/rootfs.cpio"
bzip2 -9 <"$tmp/rootfs.cpio" >"$kit/rootfs.cpio.bz2"

cp "$kernel/bzImage" "$kit/bzImage"
cp -R "$kernel/build" "$kit/linux"
# Of the errors that kernel makefiles ask for, this one the lab takes back: source
# for 6.2 and later has a devnode() with a const argument, which 6.1 lacks. It stays
# a warning. Done here and not in the modules' makefiles, so that a student's own works.
relaxed=
for makefile in Makefile scripts/Makefile.extrawarn; do
	[ -f "$kit/linux/$makefile" ] || continue
	grep -q -e '-Werror=incompatible-pointer-types' "$kit/linux/$makefile" || continue
	sed 's/-Werror=incompatible-pointer-types/-Wno-error=incompatible-pointer-types/' \
		"$kit/linux/$makefile" >"$tmp/makefile"
	cat "$tmp/makefile" >"$kit/linux/$makefile"
	relaxed=1
done
[ -n "$relaxed" ] ||
	die "no makefile of this kernel says -Werror=incompatible-pointer-types: find out what it says instead"

cp lab/hellomod/hellomod.c lab/hellomod/Kbuild lab/hellomod/Makefile "$kit/hellomod/"
cp lab/kit/skeleton/kshram.c lab/kit/skeleton/Makefile include/kshram.h "$kit/kshram/"
cp lab/checks/*.c lab/checks/*.h include/standard_fds.h "$kit/checks/"
cp lab/kit/checks.mk "$kit/checks/Makefile"
for program in check_msg check_resize check_fork; do
	cp "$root/bin/$program" "$kit/checks/$program"
done
cp pow/*.c pow/*.h submit/*.c submit/*.h include/standard_fds.h "$kit/submit/"
cp lab/kit/submit.mk "$kit/submit/Makefile"
for program in kshram-submit kshram-pow; do
	strip -o "$kit/submit/$program" "$clients/$program"
	chmod 755 "$kit/submit/$program"
done
cp lab/kit/README.md lab/kit/lab.md lab/kit/qemu.sh lab/kit/try.sh "$kit/"
chmod 755 "$kit/qemu.sh" "$kit/try.sh"
echo "$version" >"$kit/VERSION"
cat "$kernel/release" >"$kit/linux/RELEASE"
stamp "$kit"

tar --sort=name --owner=0 --group=0 --numeric-owner --format=gnu -C "$tmp" -cf "$tmp/kit.tar" \
	"kshram-kit-$version"
bzip2 -9 <"$tmp/kit.tar" >"$tmp/kit.tar.bz2"
mv "$tmp/kit.tar.bz2" "$archive"
