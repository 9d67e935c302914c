# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables are shared with kernel/get
#
# A kernel as the distribution packages it: unpacked into the cache, its header
# tree moved from /usr/src to there, nothing compiled and no root needed.

# What a guest of ours needs to talk to QEMU on every machine type we start.
guest_modules='virtio_mmio virtio_pci virtio_console virtio-rng virtio_blk loop'

# Raise this when what packaged_provide() puts into an entry changes.
packaged_recipe=2

# The packages, and what is unpacked of them.
packaged_space_mb=500

packaged_check_tools()
{
	need_commands apt:apt-get dpkg:dpkg-deb "$(compiler_needed)" make:make util-linux:flock \
		xz-utils:xz
}

# uncompressed FILE: unpack a module in place, and print its name then.
uncompressed()
{
	case $1 in
	*.ko.xz) xz -d "$1" || die "cannot unpack $1" ;;
	*.ko.zst)
		need_commands zstd:zstd
		zstd -q -d --rm "$1" || die "cannot unpack $1"
		;;
	*.ko.gz) gzip -d "$1" || die "cannot unpack $1" ;;
	esac
	printf '%s.ko\n' "${1%.ko*}"
}

# load_order TREE MODULE...: print the files of the modules below TREE and of what
# they depend on, dependencies first. Module names are compared as the kernel
# does, with - and _ the same. What is built in has no file and is left out.
load_order()
{
	tree=$1
	shift
	for m; do
		file=$(find "$tree" -name "$m.ko*" -o -name "$(printf '%s' "$m" | tr _ -).ko*" | head -n 1)
		[ -n "$file" ] || continue
		file=$(uncompressed "$file")
		deps=$(module_info depends "$file" | tr ',' ' ')
		# shellcheck disable=SC2086 # a list of names
		[ -z "$deps" ] || (load_order "$tree" $deps)
		printf '%s\n' "$file"
	done
}

# packaged_file NAME TO: a file of the image's, in /boot or, from 7.x on, beside the modules.
packaged_file()
{
	for from in "$work/image/boot/$1-$release" "$work/image/usr/lib/modules/$release/$1"; do
		[ ! -f "$from" ] || {
			cp "$from" "$2"
			return
		}
	done
	die "$name: $image $version is not what this script knows: it has no $1"
}

packaged_provide()
{
	[ -f "$cache/apt/conf/$name.conf" ] || debian_open
	image=$(debian_depends "$real_package" "$version" '^linux-image-[0-9]')
	[ -n "$image" ] || {
		# The version written down may have left the archive since.
		debian_update
		image=$(debian_depends "$real_package" "$version" '^linux-image-[0-9]')
	}
	[ -n "$image" ] || die "$name: the archive no longer has $real_package $version;" \
		"take the present one with: kernel/get --update $name"
	release=${image#linux-image-}
	headers=linux-headers-$release
	# From 7.x on the image's package is empty and depends on those with its parts.
	parts=
	for part in base binary modules; do
		parts="$parts $(debian_depends "$image" "$version" "^linux-$part-$(printf '%s' "$release" |
			sed 's/[.+]/[&]/g')\$")"
	done
	# 6.1.0-56-cloud-amd64 shares 6.1.0-56-common with the other flavours.
	common=$(debian_depends "$headers" "$version" '^linux-headers-.*-common$')
	kbuild=$(debian_depends "$headers" "$version" '^linux-kbuild-')
	# The headers' own programs (modpost, objtool) are for the host; they know x86-64 on arm64, too.
	[ -z "$kbuild" ] || [ -z "$(debian_host)" ] || kbuild=$kbuild:arm64
	if [ -z "$common" ] || [ -z "$kbuild" ]; then
		die "$name: $headers $version is not what this script knows: it depends on no" \
			"linux-headers-*-common or no linux-kbuild-*"
	fi

	packages="$image $headers $common $kbuild $parts"
	# shellcheck disable=SC2046,SC2086 # names and versions
	debian_download $(printf "%s $version\n" $packages)

	say "$name: unpacking $release"
	rm -rf "$work"
	mkdir -p "$work/new" "$work/image"
	for p in "$headers" "$common" "$kbuild"; do
		dpkg-deb --fsys-tarfile "$(debian_file "$p" "$version")" |
			tar -x -C "$work/new" --exclude ./usr/share --exclude ./lib ||
			die "$name: cannot unpack $(debian_file "$p" "$version")"
	done
	for p in "$image" $parts; do
		dpkg-deb -x "$(debian_file "$p" "$version")" "$work/image" ||
			die "$name: cannot unpack $(debian_file "$p" "$version")"
	done

	new=$work/new
	tree=usr/src/$headers
	# The headers expect to live in /usr/src.
	sed -i -e "s|^include /usr/src/|include \$(dir \$(lastword \$(MAKEFILE_LIST)))../|" \
		-e "s|^KBUILD_OUTPUT=/usr/src/.*|KBUILD_OUTPUT := \$(abspath \$(dir \$(lastword \$(MAKEFILE_LIST))))|" \
		"$new/$tree/Makefile"
	# They name a compiler of one version: it is used where it is installed. With LLVM=1 the
	# kernel's own Makefile has chosen clang.
	gcc=$(sed -n 's/^CC = .*)\(gcc-[0-9]*\)$/\1/p' "$new/$tree/.kernelvariables")
	sed -i -e 's/^CC = .*/ifeq ($(LLVM),)\n&\nendif/' "$new/$tree/.kernelvariables"
	if [ -n "$gcc" ]; then
		sed -i 's/gcc-[0-9]*$/$(HEADERS_GCC)/' "$new/$tree/.kernelvariables"
		echo "HEADERS_GCC := \$(shell command -v \$(CROSS_COMPILE)$gcc >/dev/null && echo $gcc || echo gcc)" \
			>>"$new/$tree/.kernelvariables"
	fi
	# Type information for BPF would need pahole. The structures keep its members.
	# And no warning that pahole is another one than the kernel's.
	sed -i -e '/^CONFIG_DEBUG_INFO_BTF_MODULES=/d' \
		-e 's/^CONFIG_PAHOLE_VERSION=.*/CONFIG_PAHOLE_VERSION=$(PAHOLE_VERSION)/' \
		"$new/$tree/include/config/auto.conf"
	ln -s "$tree" "$new/build"
	packaged_file "vmlinuz" "$new/bzImage"
	packaged_file "config" "$new/config"
	printf '%s\n' "$release" >"$new/release"
	printf '%s\n' "$cmdline" >"$new/cmdline"
	printf '%s\n' "$memory" >"$new/memory"

	mkdir "$new/modules"
	# shellcheck disable=SC2086 # a list of names
	load_order "$work/image" $guest_modules | awk '!seen[$0]++' | while read -r file; do
		cp "$file" "$new/modules/"
		printf 'modules/%s\n' "${file##*/}"
	done >"$new/modules.list"
	rm -rf "$work/image"

	say "$name: building a module against it, as a proof"
	prove_tree "$new"
	cache_publish "$new"
	rm -rf "$work"
	for p in $packages; do
		rm -f "$(debian_file "$p" "$version")"
	done
	say "$name: ready ($release)"
}
