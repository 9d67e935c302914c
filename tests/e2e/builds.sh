#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Modules as people really build them, in TAP: compressed, stripped, signed, with type
# information for BPF, with versions of symbols, built for another release of the kernel
# or by another compiler. A right module (tests/good/plain.c) gets its points in each form, and of
# one that crashes (tests/bad/init_oops.patch) the line is named as long as it can be known.
#
# Environment: KERNEL, the kernel's name (stock). With arguments, only the parts of these
# names: debug, packed, linked, versions, compilers, server.
set -eu

cd "$(dirname "$0")/../.."
kernel=${KERNEL:-stock}
grader=build/bin/kshram-grade
built=build/tests/builds/$kernel
tmp=$(mktemp -d)
clean() {
	class_kill
	rm -rf "$tmp"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/cases.sh
. tests/lib/class.sh
. tests/lib/make.sh
. tests/lib/tap.sh

make_alone all "build/$kernel/hellomod.ko" >"$tmp/make.log" 2>&1 || {
	sed 's/^/# /' "$tmp/make.log"
	echo "Bail out! make all module KERNEL=$kernel failed"
	exit 1
}
dir=$(kernel/get "$kernel")

# needs PROGRAM...: skips the test where one is not installed.
needs() {
	for program; do
		command -v "$program" >/dev/null || {
			echo "$program is not installed"
			exit 77
		}
	done
}

# modules OUT [KBUILD-ARGUMENT...]: build both modules.
modules() {
	out=$1
	shift
	patched tests/bad/init_oops.patch "$built.src" || return 1
	printf 'obj-m += init_oops.o\nobj-m += plain.o\n' >"$built.src/Kbuild"
	kernel/kbuild "$dir" "$out" "$built.src/init_oops.c" tests/good/plain.c "$built.src/Kbuild" \
		module/compat.h include/kshram.h -- "$@"
}

# grade MODULE WORDS: the table has these words (an extended regular expression) when its
# line breaks are taken out.
grade() {
	"$grader" --no-advice --timeout 300 --kernel "$kernel" "$1" >"$tmp/out" 2>"$tmp/err" || :
	cat "$tmp/out" "$tmp/err"
	LC_ALL=C tr -s '\n ' '  ' <"$tmp/out" | grep -Eq -- "$2"
}

# right MODULE and names_line MODULE: what is expected of plain.ko and of init_oops.ko
right() {
	grade "$1" 'score: 100/100 '
}
names_line() {
	grade "$1" 'NULL pointer dereference in plain_init \(init_oops\.c:[0-9]+\)'
}
# Other compilers keep other names: clang calls it by its alias, and memset from it.
names_function() {
	grade "$1" 'NULL pointer dereference in (__memset, called from )?(plain_init|init_module) \(init_oops\.c:[0-9]+\)'
}
no_line() {
	grade "$1" 'NULL pointer dereference in plain_init\+0x[0-9a-f]+'
}

# part NAME: it is to be tested.
part() {
	wanted_parts=$1
	# shellcheck disable=SC2086 # a list of names
	wanted "$wanted_parts" $parts
}
parts="$*"

check "the modules build for $kernel" modules "$built"
[ "$failed" -eq 0 ] || {
	echo "1..$count"
	exit 1
}

# --- debug sections ---------------------------------------------------------------

compress_debug() (
	needs objcopy
	objcopy --compress-debug-sections="$1" "$built/init_oops.ko" "$tmp/$1.ko" 2>"$tmp/objcopy" || {
		cat "$tmp/objcopy"
		echo "this objcopy does not compress with $1"
		exit 77
	}
	names_line "$tmp/$1.ko"
)
strip_debug() (
	strip --strip-debug -o "$tmp/nodebug.ko" "$built/init_oops.ko"
	no_line "$tmp/nodebug.ko"
)
strip_all() (
	strip -o "$tmp/stripped.ko" "$built/plain.ko"
	grade "$tmp/stripped.ko" 'it has no symbol table: do not strip a module'
)
if part debug; then
	check "as built: the line of a crash is named" names_line "$built/init_oops.ko"
	for format in zlib zlib-gnu zstd; do
		check "debug sections compressed with $format: the same" compress_debug "$format"
	done
	check "without debug sections: the function and offset" strip_debug
	check "without symbols: what is wrong with it" strip_all
fi

# --- compressed as a whole ----------------------------------------------------------

# packed PROGRAM END: both modules through that program
packed() (
	needs "$1"
	for module in plain init_oops; do
		"$1" -c <"$built/$module.ko" >"$tmp/$module.ko.$2"
	done
	right "$tmp/plain.ko.$2" && names_line "$tmp/init_oops.ko.$2"
)
half() {
	head -c 20000 "$tmp/plain.ko.xz" >"$tmp/half.ko.xz"
	grade "$tmp/half.ko.xz" 'compressed with xz, and the compressed bytes are damaged or cut short'
}
bomb() {
	head -c 65M /dev/zero | gzip -9 >"$tmp/bomb.ko.gz"
	grade "$tmp/bomb.ko.gz" 'compressed with gzip and would be larger than 64 MiB'
}
text() {
	gzip -c README.md >"$tmp/text.ko.gz"
	grade "$tmp/text.ko.gz" 'decompressed with gzip, this is not a kernel module'
}
if part packed; then
	check ".ko.xz, as DKMS installs it: graded" packed xz xz
	check ".ko.zst: graded" packed zstd zst
	check ".ko.gz: graded" packed gzip gz
	check "half a .ko.xz: what is wrong with it" half
	check "a .ko.gz that is larger than any module: refused" bomb
	check "a .gz of something else: refused" text
fi

# --- with more in it -----------------------------------------------------------------

signed() (
	needs openssl
	[ -x "$dir/build/scripts/sign-file" ] || {
		echo "the kernel $kernel has no sign-file"
		exit 77
	}
	openssl req -new -x509 -newkey rsa:2048 -nodes -subj /CN=somebody -keyout "$tmp/key.pem" \
		-out "$tmp/key.x509" 2>/dev/null || exit 1
	for module in plain init_oops; do
		"$dir/build/scripts/sign-file" sha256 "$tmp/key.pem" "$tmp/key.x509" \
			"$built/$module.ko" "$tmp/signed-$module.ko" || exit 1
		tail -c 28 "$tmp/signed-$module.ko" | grep -q 'Module signature appended' || exit 1
	done
	right "$tmp/signed-plain.ko" && names_line "$tmp/signed-init_oops.ko"
)
# The kernel has its own type information, and no package has a vmlinux with it.
with_btf() (
	needs pahole
	build/bin/kshram-vm --kernel "$kernel" --timeout 300 -- sh -c \
		'[ -e /sys/kernel/btf/vmlinux ] && base64 /sys/kernel/btf/vmlinux' >"$tmp/btf64" || {
		echo "the kernel $kernel has no type information"
		exit 77
	}
	tr -d '\r' <"$tmp/btf64" | base64 -d >"$tmp/vmlinux.btf"
	for module in plain init_oops; do
		cp "$built/$module.ko" "$tmp/btf-$module.ko"
		pahole -J --btf_base "$tmp/vmlinux.btf" "$tmp/btf-$module.ko" || exit 1
		readelf -SW "$tmp/btf-$module.ko" | grep -q ' \.BTF ' || exit 1
	done
	right "$tmp/btf-plain.ko" && names_line "$tmp/btf-init_oops.ko"
)
if part linked; then
	check "with a signature appended: graded" signed
	check "with type information (BTF): graded" with_btf
fi

# --- versions of symbols ---------------------------------------------------------------

# edit OUT EXPRESSION: plain.ko with what it says of itself edited; no byte moves.
edit() {
	perl -0777 -pe "$2" "$built/plain.ko" >"$tmp/$1"
	! cmp -s "$built/plain.ko" "$tmp/$1"
}
modversions() {
	grep -q ' modversions' "$dir/vermagic" || {
		echo "the kernel $kernel has no CONFIG_MODVERSIONS"
		exit 77
	}
}
other_release() (
	modversions
	edit release.ko 's/vermagic=\d/vermagic=9/' && right "$tmp/release.ko"
)
other_version() (
	modversions
	edit version.ko 's/vermagic=\d/vermagic=9/; s/.{8}(?=module_layout\0)/\x01\0\0\0\0\0\0\0/s' &&
		grade "$tmp/version.ko" \
			'it was built for the kernel "9.*, where module_layout has another version' &&
		grep -q '^score: 20/100' "$tmp/out"
)
same_release() (
	modversions
	edit crc.ko 's/.{8}(?=module_layout\0)/\x01\0\0\0\0\0\0\0/s' &&
		grade "$tmp/crc.ko" 'The kernel said: [^.]*disagrees about version of symbol module_layout'
)
# Newer kernels warn of it and go on.
no_version() (
	modversions
	edit entry.ko 's/module_layout\0/module_nayout\0/' &&
		grade "$tmp/entry.ko" \
			'The kernel said: [^.]*no symbol version for module_layout|score: 100/100'
)
# Nothing tells it from a module of a kernel without versions.
no_versions() (
	modversions
	edit none.ko 's/vermagic=\d/vermagic=9/; s/\0__versions\0/\0__nersions\0/g' &&
		grade "$tmp/none.ko" 'it was built for the kernel "9' &&
		grep -q '^score: 20/100' "$tmp/out"
)
if part versions; then
	check "built for another release, with the same versions of symbols: graded" other_release
	check "built for another release, with another version: 20 points, and which" other_version
	check "of this release, with another version: the kernel's words" same_release
	check "without the version of one symbol: the kernel's words" no_version
	check "built for another release, without versions: refused" no_versions
fi

# --- other compilers ---------------------------------------------------------------------

# compiler CC: both modules by it. Kbuild keeps to the compiler that the kernel was built by,
# so options that this one does not know are left out.
compiler() (
	needs "$1"
	cat >"$tmp/cc" <<-'CC'
		#!/bin/bash
		compiler=$1
		shift
		for option; do
			shift
			case $option in
			-fno-allow-store-data-races | -fconserve-stack | -mrecord-mcount | \
				-mpreferred-stack-boundary=* | -mindirect-branch* | -mfunction-return=* | \
				-mharden-sls=* | -fmin-function-alignment=* | -fno-stack-clash-protection | \
				-ftrivial-auto-var-init=* | -fzero-init-padding-bits=* | -Wimplicit-fallthrough=5)
				case $compiler in *clang*) continue ;; esac
				;;
			esac
			set -- "$@" "$option"
		done
		case $compiler in *clang*) set -- "$@" -Wno-everything ;; esac
		exec "$compiler" "$@"
	CC
	chmod +x "$tmp/cc"
	rm -rf "$built-$1"
	modules "$built-$1" CC="$tmp/cc $1" CONFIG_GCC_PLUGINS= || exit 1
	right "$built-$1/plain.ko" && names_function "$built-$1/init_oops.ko"
)
if part compilers; then
	for cc in gcc-12 gcc-13 gcc-14 gcc-15 gcc-16 clang; do
		! command -v "$cc" >/dev/null || check "built by $cc: graded" compiler "$cc"
	done
fi

# --- the challenge server ------------------------------------------------------------------

# The receipt is for what was received, and what was in it is graded.
served() {
	xz -c <"$built/plain.ko" >"$tmp/served.ko.xz"
	class_begin "$tmp/server" --kernel "$kernel" || return 1
	class_submit packed "$tmp/served.ko.xz"
	class_submit debug "$tmp/zlib.ko"
	class_submit half "$tmp/half.ko.xz"
	class_wait
	cat "$tmp/server"/*.json
	class_record "$tmp/server"
	jq -e '.score == 100' "$tmp/server/packed.json" &&
		jq -e --arg md5 "$(md5sum <"$tmp/served.ko.xz" | cut -d ' ' -f 1)" \
			'map(select(.md5 == $md5)) | length == 1' "$tmp/server/list" &&
		grep -q 'init_oops.c:' "$tmp/server/debug.json" &&
		jq -e '.outcome == "refused" and (.error | test("compressed with xz"))' "$tmp/server/half.json"
}
if part server; then
	part debug || objcopy --compress-debug-sections=zlib "$built/init_oops.ko" "$tmp/zlib.ko"
	part packed || xz -c <"$built/plain.ko" | head -c 20000 >"$tmp/half.ko.xz"
	check "the server takes .ko.xz, with a receipt for its bytes, and refuses half of one" served
fi

echo "1..$count"
[ "$failed" -eq 0 ]
