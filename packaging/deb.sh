#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Make the Debian packages that packaging/debian/control names; `make deb` has
# built what goes into them.
#
#	packaging/deb.sh VERSION OUT
#
# OUT receives PACKAGE_VERSION_ARCHITECTURE.deb, and their paths are printed. The
# same sources make the same packages, byte by byte: every time in them is
# SOURCE_DATE_EPOCH, by default the one of the last commit. Needs no root. The
# packages bear the maintainer's name in DEBFULLNAME and DEBEMAIL, if they are set.
# Exit status: 0, 1 when something failed, 2 for wrong arguments.
set -eu

if [ $# -ne 2 ]; then
	echo "usage: packaging/deb.sh VERSION OUT" >&2
	exit 2
fi
version=$1
case $version in
[0-9]*) ;;
*)
	echo "packaging/deb.sh: a version begins with a digit, '$version' does not" >&2
	exit 2
	;;
esac
mkdir -p "$2"
out=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."
for tool in dpkg-deb dpkg-shlibdeps strip; do
	command -v "$tool" >/dev/null || {
		echo "packaging/deb.sh: $tool is missing: apt-get install dpkg-dev binutils" >&2
		exit 1
	}
done

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -c safe.directory="$PWD" log -1 --format=%ct 2>/dev/null ||
	stat -c %Y Makefile)}
export SOURCE_DATE_EPOCH
architecture=$(dpkg --print-architecture)
multiarch=$(dpkg-architecture -q DEB_HOST_MULTIARCH)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
umask 022

# put MODE FILE... DIRECTORY: install files into a directory of the package $root.
put() {
	mode=$1
	shift
	for last; do :; done
	mkdir -p "$root/$last"
	while [ $# -gt 1 ]; do
		install -m "$mode" "$1" "$root/$last"
		shift
	done
}

# fill FILE TARGET: a file of ours with its @VERSION@ filled in.
fill() {
	mkdir -p "$(dirname "$root/$2")"
	sed "s/@VERSION@/$version/g" "$1" >"$root/$2"
}

files_kshram_dkms() {
	# One directory, as kernel/kbuild has it: Kbuild looks for kshram.h beside it.
	put 644 module/*.[ch] module/Kbuild include/kshram.h "usr/src/kshram-$version"
	fill packaging/debian/dkms.conf "usr/src/kshram-$version/dkms.conf"
	put 644 packaging/modprobe/kshram.conf etc/modprobe.d
	put 644 packaging/modules-load/kshram.conf etc/modules-load.d
	put 644 docs/secure-boot.md docs/backings.md usr/share/doc/kshram-dkms
	put 644 docs/kshram.4 usr/share/man/man4
}

files_kshram_tools() {
	put 755 build/bin/kshram usr/bin
	put 644 docs/kshram.1 usr/share/man/man1
	install -D -m 644 tools/kshram.bash-completion \
		"$root/usr/share/bash-completion/completions/kshram"
	put 644 packaging/udev/60-kshram.rules usr/lib/udev/rules.d
}

# The library's own installation says what belongs to it; programs need of it the
# shared library at run time and the rest to be built.
files_libkshram_dev() {
	make -s --no-print-directory install-lib VERSION="$version" DESTDIR="$root" PREFIX=/usr \
		LIBDIR="/usr/lib/$multiarch"
	rm "$root/usr/lib/$multiarch"/libkshram.so.[0-9]*
}

files_libkshram0() {
	make -s --no-print-directory install-lib VERSION="$version" DESTDIR="$work/lib" PREFIX=/usr \
		LIBDIR="/usr/lib/$multiarch"
	mkdir -p "$root/usr/lib/$multiarch"
	cp -P "$work/lib/usr/lib/$multiarch"/libkshram.so.[0-9]* "$root/usr/lib/$multiarch"
}

# finish: what every package has: copyright, changelog, compressed manuals,
# stripped programs.
finish() {
	put 644 packaging/debian/copyright "usr/share/doc/$package"
	{
		echo "kshram ($version) unstable; urgency=medium"
		echo
		echo "  * Built from the project's own tree; its history tells what changed."
		echo
		echo " -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")"
	} | gzip -9n >"$root/usr/share/doc/$package/changelog.gz"
	# A link to a page that is compressed carries its ending too.
	find "$root/usr/share/man" -type l 2>/dev/null | while read -r link; do
		ln -s "$(readlink "$link").gz" "$link.gz"
		rm "$link"
	done
	find "$root/usr/share/man" -type f -exec gzip -9n {} + 2>/dev/null || :
	: >"$work/programs"
	find "$root" -type f \( -path '*/usr/bin/*' -o -name '*.so.*' \) | while read -r file; do
		strip --strip-unneeded --remove-section=.comment "$file"
		echo "$file" >>"$work/programs"
	done
	find "$root" -name '*.so.*' -type f -exec chmod 644 {} +
	find "$root" -name '*.a' -exec strip --strip-debug --enable-deterministic-archives {} +
}

# shared_libraries: what the package's programs are linked with, as Depends.
shared_libraries() {
	mkdir -p "$work/shlibs/debian"
	printf 'Source: kshram\n\nPackage: %s\nArchitecture: any\n' "$package" \
		>"$work/shlibs/debian/control"
	(
		cd "$work/shlibs"
		# shellcheck disable=SC2046 # paths of ours, without spaces
		dpkg-shlibdeps -O $(cat "$work/programs")
	) | sed -n 's/^shlibs:Depends=//p'
}

# control: the package's entry of packaging/debian/control, completed.
control() {
	depends=
	[ ! -s "$work/programs" ] || depends=$(shared_libraries)
	awk -v RS= -v wanted="Package: $package" 'index($0, wanted "\n") == 1' packaging/debian/control |
		sed -e "s/^Architecture: any$/Architecture: $architecture/" \
			-e "s/@SHLIBS@/$depends/g" -e "s/@VERSION@/$version/g"
	echo "Version: $version"
	echo "Source: kshram"
	echo "Maintainer: $maintainer"
	echo "Installed-Size: $(du -k -s --apparent-size "$root" | cut -f 1)"
}

build() {
	package=$1
	root=$work/$package
	mkdir -p "$root/DEBIAN"
	"files_$(echo "$package" | tr - _)"
	finish
	control >"$work/control"
	mv "$work/control" "$root/DEBIAN/control"
	for script in preinst postinst prerm postrm triggers shlibs; do
		[ -f "packaging/debian/$package.$script" ] || continue
		fill "packaging/debian/$package.$script" "DEBIAN/$script"
		case $script in p*) chmod 755 "$root/DEBIAN/$script" ;; esac
	done
	(cd "$root" && find . -path ./DEBIAN -prune -o -type f -print | sort | sed 's,^\./,,' |
		xargs md5sum >DEBIAN/md5sums)
	if [ -d "$root/etc" ]; then
		(cd "$root" && find etc -type f | sort | sed 's,^,/,') >"$root/DEBIAN/conffiles"
	fi
	find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	deb=${package}_${version}_$(sed -n 's/^Architecture: //p' "$root/DEBIAN/control").deb
	dpkg-deb --root-owner-group -Zxz -b "$root" "$work/$deb" >/dev/null
	mv "$work/$deb" "$out/$deb"
	echo "$out/$deb"
}

maintainer="${DEBFULLNAME:-The kshram developers} <${DEBEMAIL:-kshram@localhost}>"
sed -n 's/^Package: //p' packaging/debian/control | while read -r name; do
	build "$name" </dev/null
done
