#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Provide a Debian 12 to install packages in: an ext4 image with DKMS, a compiler,
# udev and the headers of a kernel of ours; its path is printed.
#
#	tests/e2e/deb/image.sh KERNEL-DIRECTORY
#
# It is made once for each state of what goes into it and kept beside the kernels,
# in ${XDG_CACHE_HOME:-~/.cache}/kshram/images. Nobody writes to it: copy it. Needs
# no root where user namespaces are allowed. Exit status: 0; 1 when something
# failed; 77 when a program that makes it is missing.
set -eu

if [ $# -ne 1 ]; then
	echo "usage: tests/e2e/deb/image.sh KERNEL-DIRECTORY" >&2
	exit 1
fi
kernel=$(cd "$1" && pwd)
cd "$(dirname "$0")/../../.."
PATH=$PATH:/usr/sbin:/sbin

debian=bookworm
# libelf1 is for the headers' own objtool.
packages='adduser dkms gcc libelf1 libjansson4 linux-libc-dev make openssl udev'
for tool in mmdebstrap fakeroot mke2fs:e2fsprogs; do
	command -v "${tool%:*}" >/dev/null || {
		echo "${tool%:*} is missing: apt-get install ${tool#*:}" >&2
		exit 77
	}
done

release=$(cat "$kernel/release")
images=${XDG_CACHE_HOME:-$HOME/.cache}/kshram/images
key=$({ echo "$debian $packages $kernel" && cat "$0"; } | sha256sum | cut -c 1-10)
image=$images/deb-$release-$key.ext4
mkdir -p "$images"
exec 9>"$images/.lock"
flock 9
if [ -f "$image" ]; then
	echo "$image"
	exit 0
fi

work=$(mktemp -d "$images/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

die() {
	echo "tests/e2e/deb/image.sh: $*" >&2
	exit 1
}

# The archive that this system's own apt uses, as for kernel/get.
# shellcheck disable=SC2034 # read by debian_sources
suites=$debian,$debian-security
. kernel/debian.sh
debian_sources >"$work/sources" ||
	die "this system's apt knows no Debian archive; set DEBIAN_MIRROR to the URL of one"

echo "making a Debian to install packages in (once; some minutes)" >&2
mmdebstrap --quiet --variant=minbase --include="$(echo "$packages" | tr ' ' ,)" \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	"$debian" "$work/root.tar" "$work/sources" >&2 9>&- ||
	die "mmdebstrap failed; its words are above"

# The headers are those that kernel/get has unpacked: the archive may have others
# by now. Built modules go where the image's packages would have put theirs.
export work kernel release
fakeroot sh -euc '
	mkdir "$work/root"
	tar -xf "$work/root.tar" -C "$work/root" --exclude ./dev
	cp -a "$kernel/usr/." "$work/root/usr"
	mkdir -p "$work/root/dev" "$work/root/lib/modules/$release"
	ln -s "/usr/src/linux-headers-$release" "$work/root/lib/modules/$release/build"
	rm -rf "$work/root/var/lib/apt/lists" "$work/root/var/cache/apt"
	mke2fs -qF -t ext4 -O ^has_journal -d "$work/root" "$work/image" 1200M
' >&2 9>&- || die "the file system could not be made"
mv "$work/image" "$image"
for old in "$images"/deb-*.ext4; do
	[ "$old" = "$image" ] || rm -f "$old"
done
echo "$image"
