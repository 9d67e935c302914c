# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables are shared with kernel/get
#
# A kernel as the distribution packages it: unpacked into the cache, its header
# tree moved from /usr/src to there, nothing compiled and no root needed.

# What a guest of ours needs to talk to QEMU on every machine type we start.
guest_modules='virtio_mmio virtio_pci virtio_console virtio-rng virtio_blk loop'

# The packages, and what is unpacked of them.
packaged_space_mb=500

packaged_check_tools()
{
	need_commands apt:apt-get dpkg:dpkg-deb "$(compiler_needed)" make:make util-linux:flock
}

# load_order TREE MODULE...: print the files of the modules below TREE and of what
# they depend on, dependencies first. Module names are compared as the kernel
# does, with - and _ the same. What is built in has no file and is left out.
load_order()
{
	tree=$1
	shift
	for m; do
		file=$(find "$tree" -name "$m.ko" -o -name "$(printf '%s' "$m" | tr _ -).ko" | head -n 1)
		[ -n "$file" ] || continue
		deps=$(module_info depends "$file" | tr ',' ' ')
		# shellcheck disable=SC2086 # a list of names
		[ -z "$deps" ] || (load_order "$tree" $deps)
		printf '%s\n' "$file"
	done
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
	# 6.1.0-56-cloud-amd64 shares 6.1.0-56-common with the other flavours.
	common=$(debian_depends "$headers" "$version" '^linux-headers-.*-common$')
	kbuild=$(debian_depends "$headers" "$version" '^linux-kbuild-')
	# The headers' own programs (modpost, objtool) are for the host; they know x86-64 on arm64, too.
	[ -z "$kbuild" ] || [ -z "$(debian_host)" ] || kbuild=$kbuild:arm64
	if [ -z "$common" ] || [ -z "$kbuild" ]; then
		die "$name: $headers $version is not what this script knows: it depends on no" \
			"linux-headers-*-common or no linux-kbuild-*"
	fi

	debian_download "$image" "$version" "$headers" "$version" "$common" "$version" "$kbuild" "$version"

	say "$name: unpacking $release"
	rm -rf "$work"
	mkdir -p "$work/new" "$work/image"
	for p in "$headers" "$common" "$kbuild"; do
		dpkg-deb --fsys-tarfile "$(debian_file "$p" "$version")" |
			tar -x -C "$work/new" --exclude ./usr/share --exclude ./lib ||
			die "$name: cannot unpack $(debian_file "$p" "$version")"
	done
	dpkg-deb -x "$(debian_file "$image" "$version")" "$work/image" ||
		die "$name: cannot unpack $(debian_file "$image" "$version")"

	new=$work/new
	tree=usr/src/$headers
	# The headers expect to live in /usr/src, and a compiler of one exact version.
	sed -i "s|^include /usr/src/|include \$(dir \$(lastword \$(MAKEFILE_LIST)))../|" "$new/$tree/Makefile"
	sed -i 's/gcc-[0-9]*$/gcc/' "$new/$tree/.kernelvariables"
	ln -s "$tree" "$new/build"
	cp "$work/image/boot/vmlinuz-$release" "$new/bzImage"
	cp "$work/image/boot/config-$release" "$new/config"
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
	for p in "$image" "$headers" "$common" "$kbuild"; do
		rm -f "$(debian_file "$p" "$version")"
	done
	say "$name: ready ($release)"
}
