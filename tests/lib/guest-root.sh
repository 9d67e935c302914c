#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A Debian root file system with some packages in it, for machines of the tests:
#
#	tests/lib/guest-root.sh PACKAGE...
#
# prints a directory with `image`, an ext4 file system of the packages and all
# they depend on, and `packages`, a line "NAME VERSION" for each. Packages are
# unpacked and not configured: no root is needed, and programs run, but there
# are no users, no alternatives and no dpkg database.
#
# It is made once and kept in ${XDG_CACHE_HOME:-~/.cache}/kshram/guest-root. So a
# new upload to Debian does not change it; removing the directory there does. Do
# not write to the image: a machine is given a copy.
#
# $SUITE is the Debian release that the packages are of (default: bookworm).
# Exit status: 0, or 1 when it cannot be made; standard error says why.
set -eu
cd "$(dirname "$0")/../.."

# What the functions of kernel/debian.sh name their files and words after.
name=guest-root

say() {
	echo "$*" >&2
}

die() {
	say "$name: $*"
	exit 1
}

. kernel/cache.sh
. kernel/debian.sh

[ $# -gt 0 ] || die "usage: tests/lib/guest-root.sh PACKAGE..."
# Raise this when what is made of the same packages changes.
recipe=1
suites=${SUITE:-bookworm}

cache_open
key=$(echo "$recipe $suites $*" | sha256sum | cut -c1-16)
entry=$cache/guest-root/$key
work=$cache/work/$name-$key

# Told from those that nobody has used for long.
found() {
	touch "$entry" 2>/dev/null || :
	echo "$entry"
	exit 0
}

[ ! -d "$entry" ] || found
need_commands apt:apt-get dpkg:dpkg-deb e2fsprogs:mke2fs util-linux:flock tar:tar
cache_lock "$name"
[ ! -d "$entry" ] || found
need_space 1500

rm -rf "$cache/work/$name"-*
mkdir -p "$work/archives/partial" "$work/new" "$work/root" "$cache/guest-root"
debian_open
debian_update
say "$name: downloading $* and what they depend on"
# dash is the shell; everybody counts on it and nobody depends on it. Without
# usr-is-merged the first choice is a script that would do the merging.
apt_private apt-get -qq -y -o Dir::Cache::archives="$work/archives" -o Debug::NoLocking=1 \
	--no-install-recommends --download-only install "$@" dash usr-is-merged \
	>"$cache/log/$name.log" 2>&1 || {
	cat "$cache/log/$name.log" >&2
	die "cannot download the packages; is the network up? (apt-get's words are above)"
}

say "$name: unpacking"
# Some of these are in packages that nothing need depend on.
for dir in dev etc proc root run sys tmp; do
	mkdir -p "$work/root/$dir"
done
for dir in bin lib lib32 lib64 libx32 sbin; do
	mkdir -p "$work/root/usr/$dir"
	ln -s "usr/$dir" "$work/root/$dir"
done
for deb in "$work/archives"/*.deb; do
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/root" --keep-directory-symlink \
		--exclude './usr/share/doc/*' --exclude './usr/share/locale/*' \
		--exclude './usr/share/man/*' || die "cannot unpack $deb"
	dpkg-deb -W --showformat '${Package} ${Version}\n' "$deb"
done >"$work/new/packages"
[ -x "$work/root/bin/sh" ] || die "what was unpacked has no /bin/sh"

say "$name: writing the image"
size=$(du -sm "$work/root" | cut -f1)
truncate -s "$((size * 5 / 4 + 64))M" "$work/new/image"
mke2fs -q -F -t ext4 -O ^has_journal -m 0 -E root_owner=0:0 -d "$work/root" \
	"$work/new/image" >&2 || die "mke2fs failed; its words are above"
mv -T "$work/new" "$entry" || die "cannot rename $work/new to $entry"
rm -rf "$work"
# Lists of packages change with the tests; images of old ones are not kept for ever.
find "$cache/guest-root" -mindepth 1 -maxdepth 1 -mtime +60 -exec rm -rf '{}' +
echo "$entry"
