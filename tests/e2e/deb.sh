#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The Debian packages: what is in them, on the host; and on a Debian in a machine
# their installation, upgrade, failure and removal. TAP. The machine takes five
# minutes and more, so there is none without VM=1 or FULL=1, which upgrades to the
# whole module and not to a small one, and once more while nothing is loaded.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh
make_alone build/bin/kshram-vm build/guest/kshram-agent deb modules-stock >&2
version=$(build/bin/kshram-vm --version | cut -d ' ' -f 2)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh

# ---- the packages themselves ----

debs=$tmp/debs
mkdir "$debs" "$debs/1" "$debs/2" "$debs/3" "$debs/broken" "$tmp/again"
cp build/*kshram*_"$version"_*.deb "$debs/1"

lintian_is_content() {
	command -v lintian >/dev/null || { echo "lintian is missing: apt-get install lintian"; return 1; }
	# Whoever publishes the packages sets their own address.
	lintian --allow-root --fail-on error,warning \
		--suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "$debs"/1/*.deb
}
check 'lintian finds nothing' lintian_is_content

same_again() {
	(umask 077 && TZ=Asia/Kolkata LC_ALL=C.UTF-8 packaging/deb.sh "$version" "$tmp/again") || return 1
	for deb in "$debs"/1/*.deb; do
		cmp "$deb" "$tmp/again/${deb##*/}" || return 1
	done
}
SOURCE_DATE_EPOCH=1700000000
export SOURCE_DATE_EPOCH
packaging/deb.sh "$version" "$debs/1" >&2
check 'the same sources make the same packages' same_again

# ---- on a Debian ----

if [ "${VM:-0}" != 1 ] && [ "${FULL:-0}" != 1 ]; then
	echo "1..$count"
	[ "$failed" = 0 ]
	exit
fi

status=0
image=$(tests/e2e/deb/image.sh "$(kernel/get stock)") || status=$?
if [ "$status" -ne 0 ]; then
	count=$((count + 1))
	if [ "$status" -eq 77 ]; then
		echo "ok $count - on a Debian # SKIP a program that makes its file system is missing"
	else
		echo "not ok $count - on a Debian: its file system cannot be made"
		failed=$((failed + 1))
	fi
	echo "1..$count"
	exit "$failed"
fi

packaging/deb.sh "$version.1" "$debs/2" >&2
[ "${FULL:-0}" != 1 ] || packaging/deb.sh "$version.3" "$debs/3" >&2
packaging/deb.sh "$version.2" "$tmp/again" >&2

# with_source DEB VERSION TO: its module is only $tmp/kshram.c from now on.
with_source() {
	rm -rf "$tmp/unpacked"
	dpkg-deb -R "$1" "$tmp/unpacked"
	rm "$tmp/unpacked/usr/src/kshram-$2"/*.[ch]
	cp "$tmp/kshram.c" "$tmp/unpacked/usr/src/kshram-$2"
	echo 'obj-m := kshram.o' >"$tmp/unpacked/usr/src/kshram-$2/Kbuild"
	dpkg-deb --root-owner-group -b "$tmp/unpacked" "$3" >&2
}
echo '#error broken' >"$tmp/kshram.c"
broken=kshram-dkms_$version.2_all.deb
with_source "$tmp/again/$broken" "$version.2" "$debs/broken/$broken"
if [ "${FULL:-0}" != 1 ]; then
	# An emulated compiler takes minutes for the module. Once is enough for it: to
	# see what the package does at an upgrade, a small one serves.
	printf '#include <linux/module.h>\nMODULE_LICENSE("GPL");\n' >"$tmp/kshram.c"
	second=$debs/2/kshram-dkms_$version.1_all.deb
	with_source "$second" "$version.1" "$second"
fi
cp tests/e2e/deb/guest.sh tests/lib/tap.sh build/stock/kshram.ko "$debs"
echo 'options kshram slots=3' >"$debs/kshram.conf"

# It is written to.
cp --sparse=always --reflink=auto "$image" "$tmp/disk"
status=0
build/bin/kshram-vm --kernel stock --memory 1024 --timeout 1500 --disk "$tmp/disk" --add "$debs:/debs" \
	-- env FULL="${FULL:-0}" VERSIONS="$version $version.1 $version.2 $version.3" \
	sh /debs/guest.sh >"$tmp/tap" 2>"$tmp/err" </dev/null || status=$?
cat "$tmp/err" >&2

# Its tests, numbered on from ours.
while IFS= read -r line; do
	case $line in
	'ok '* | 'not ok '*)
		count=$((count + 1))
		case $line in not*) failed=$((failed + 1)) ;; esac
		echo "$line" | sed "s/ok [0-9]* /ok $count /"
		;;
	1..*) planned=${line#1..} ;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$tmp/tap"
check 'the machine ran all its tests' [ "$(grep -Ec '^(not )?ok ' "$tmp/tap"):$status" = \
	"${planned:-no plan}:$(grep -c '^not ok' "$tmp/tap")" ]
echo "1..$count"
exit "$failed"
