#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What an arm64 host does with the kit and with this tree, on one: the part of
# tests/systems/run of that name runs it there. Lines as those of inside.sh.
#
#	tests/systems/arm64.sh IN OUT
#
# IN holds the kit's archive; modules for the x86-64 machine to load are put into OUT.
set -eu
in=$1
out=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
. tests/lib/tap.sh

# chapter PATTERN: the commands of lab.md for machines that are not x86-64, those with PATTERN.
chapter() {
	sed -n '/^## On a Mac with an Apple chip/,/^## When/p' lab/kit/lab.md |
		awk '/^```/ { inside = !inside; next } inside' |
		awk '{ while (/\\$/) { sub(/\\$/, ""); line = $0; getline; $0 = line $0 } print }' |
		grep -e "$1"
}

# machine FILE: for which processor it is.
machine() {
	readelf -h "$1" | sed -n 's/^ *Machine: *//p'
}

# qemu-user-static is for those who cannot compile the tools: here it would hide that the
# tools were not compiled.
packages() {
	chapter '^apt install' | sed 's/ qemu-user-static//' >"$tmp/install"
	grep -q 'gcc-multilib-x86-64-linux-gnu' "$tmp/install" &&
		apt-get -q update && DEBIAN_FRONTEND=noninteractive sh -euxc "$(sed 's/^apt /apt-get -q /' "$tmp/install")"
}
check "kit: the packages that lab.md names are there" packages

kit=
unpack() {
	tar -xjf "$in"/kshram-kit-*.tar.bz2 -C "$tmp" && kit=$(echo "$tmp"/kshram-kit-*)
}
check "kit: it unpacks" unpack

tools() {
	sh -euxc "cd '$kit' && $(chapter rebuild-tools)" || return 1
	for tool in scripts/basic/fixdep scripts/mod/modpost tools/objtool/objtool; do
		[ "$(machine "$kit/linux/$tool")" = AArch64 ] || {
			echo "$tool is for $(machine "$kit/linux/$tool")"
			return 1
		}
	done
}
check "kit: the host's programs are compiled" tools

modules() {
	cp tests/good/plain.c "$kit/kshram/kshram.c" && cp module/compat.h "$kit/kshram" || return 1
	sh -euxc "cd '$kit' && $(chapter CROSS_COMPILE | grep make)" || return 1
	for module in hellomod/hellomod.ko kshram/kshram.ko; do
		machine "$kit/$module" | grep -q X86-64 || return 1
		cp "$kit/$module" "$out"
	done
}
check "kit: hellomod and kshram are built for x86-64" modules

# ---- this tree ----

built() {
	packaging/install-packages demo &&
		make -s -j"$(nproc)" WERROR=1 build/bin/kshram-grade build/bin/kshram-vm || return 1
	[ "$(machine build/bin/kshram-grade)" = AArch64 ] &&
		[ "$(machine build/guest/kshram-jail-init)" = AArch64 ] || return 1
	for program in build/guest/kshram-agent build/guest/kshram-probe; do
		machine "$program" | grep -q X86-64 || return 1
	done
}
check "the grader is built for arm64, its agent for x86-64" built

stock() {
	make -s module KERNEL=stock || return 1
	for program in "$(kernel/get stock)"/usr/lib/linux-kbuild-*/scripts/basic/fixdep; do
		[ "$(machine "$program")" = AArch64 ] || return 1
	done
	machine build/stock/kshram.ko | grep -q X86-64 && cp build/stock/kshram.ko "$out/stock.ko"
}
check "stock: our module is built for x86-64 by programs for arm64" stock

unit() {
	packaging/install-packages demo build && apt-get -q -y install libcmocka-dev && make -s -j"$(nproc)" unit-tests
}
[ "${UNIT:-0}" != 1 ] || check "the unit tests are built" unit

echo "0 skipped"
echo "$((count - failed)) passed, $failed failed"
[ "$failed" = 0 ]
