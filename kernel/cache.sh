# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables are shared with kernel/get
#
# The cache of kernels, outside the repository:
#
#   kernels/NAME-VERSION-KEY[-gccN]/  finished kernels; they appear by one rename
#   work/NAME-.../                    one being made; its owner holds lock/NAME
#   downloads/                        linux-source packages, used by several names
#   versions/                         which version of a package was chosen
#   apt/ lock/ log/

# cache_open: set and create $cache.
cache_open()
{
	if [ -n "${XDG_CACHE_HOME:-}" ]; then
		cache=$XDG_CACHE_HOME/kshram
	elif [ -n "${HOME:-}" ]; then
		cache=$HOME/.cache/kshram
	else
		die "neither XDG_CACHE_HOME nor HOME is set: no place to keep kernels"
	fi
	case $cache in
	/*) ;;
	*) die "XDG_CACHE_HOME must be an absolute path, it is '$XDG_CACHE_HOME'" ;;
	esac
	# The kernel's own Makefile refuses such paths, with a message that helps less.
	case $cache in
	*[[:space:]:]*)
		die "the cache is '$cache': kernels cannot be built in a path with" \
			"spaces or colons; set XDG_CACHE_HOME to another directory"
		;;
	esac
	mkdir -p "$cache/kernels" "$cache/work" "$cache/downloads" "$cache/versions" \
		"$cache/lock" "$cache/log" 2>/dev/null ||
		die "cannot write to $cache; set XDG_CACHE_HOME to a directory that you own"
}

# cross_prefix: of the compiler for x86-64, on whatever this machine is.
cross_prefix()
{
	if [ -n "${CROSS_COMPILE:-}" ] || [ "$(uname -m)" = x86_64 ]; then
		printf '%s' "${CROSS_COMPILE:-}"
	else
		printf x86_64-linux-gnu-
	fi
}

# compiler_needed: the package and the name of that compiler, for need_commands.
compiler_needed()
{
	case $(cross_prefix) in
	x86_64-linux-gnu-) echo gcc-x86-64-linux-gnu:x86_64-linux-gnu-gcc ;;
	*) echo "gcc:$(cross_prefix)gcc" ;;
	esac
}

# compiler_tag: "gcc12" for gcc 12. gcov data and the flags that a build tree was
# configured for belong to one major version of gcc. Empty without a compiler.
compiler_tag()
{
	major=$("$(cross_prefix)gcc" -dumpversion 2>/dev/null | cut -d. -f1) || major=
	[ -z "$major" ] || printf 'gcc%s' "$major"
}

# Raise this when what the scripts here put into an entry changes.
recipe=1

# cache_key: hash of everything besides the version that decides what comes out.
cache_key()
{
	{
		printf '%s\n' "$recipe" "$kind" "$cmdline" "$memory"
		for f in $fragments; do
			source_fragment "$f"
		done
		[ "$kind" != packaged ] || printf '%s\n' "$packaged_recipe"
		if [ "$kind" = source ]; then
			source_patches | while read -r f; do cat "$f"; done
		fi
	} | sha256sum | cut -c1-10
}

# cache_name_entry: set entry (the directory to be) and work.
cache_name_entry()
{
	base=$name-$(printf '%s' "$version" | tr '~' '-')-$(cache_key)
	if [ "$kind" = source ]; then
		tag=$(compiler_tag)
		base=$base${tag:+-$tag}
	fi
	entry=$cache/kernels/$base
	work=$cache/work/$base
}

# cache_lookup: succeed if $entry is there. Where no compiler is installed (a
# machine that only runs kernels) one built by any compiler will do.
cache_lookup()
{
	cache_name_entry
	[ ! -d "$entry" ] || return 0
	if [ "$kind" = source ] && [ -z "$(compiler_tag)" ]; then
		for found in "$entry"-gcc*; do
			if [ -d "$found" ]; then
				entry=$found
				return 0
			fi
		done
	fi
	return 1
}

# cache_lock WHAT: take a lock until exit; wait for another run that has it.
# Children inherit it on purpose: what a killed run left running still counts.
cache_lock()
{
	command -v flock >/dev/null || die "flock is missing: install the package util-linux"
	exec 9>"$cache/lock/$1"
	if ! flock -n 9; then
		say "$1: another run is at it; waiting for it to finish"
		flock 9
	fi
}

# cache_drop_leftovers: delete what dead runs left for this name, except a work
# directory for the very same kernel, which is gone on with. Needs the lock.
cache_drop_leftovers()
{
	for old in "$cache/work/$name"-*; do
		[ -e "$old" ] || continue
		[ "$old" != "$work" ] || continue
		rm -rf "$old"
	done
}

# cache_has_leftovers: is there anything that an earlier run for this name began?
cache_has_leftovers()
{
	for old in "$cache/work/$name"-*; do
		[ ! -e "$old" ] || return 0
	done
	return 1
}

# cache_publish DIR: the finished kernel appears, whole, under its final name.
cache_publish()
{
	mv -T "$1" "$entry" || die "cannot rename $1 to $entry"
}

# need_space MB: refuse to start what the disk cannot hold.
need_space()
{
	have=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1024) }')
	[ "$have" -ge "$1" ] ||
		die "$name needs $1 MB of disk space in $cache, which has $have MB left;" \
			"free some (kernel/get --prune helps) or set XDG_CACHE_HOME to another disk"
}

# need_commands PACKAGE:COMMAND...: name the packages that are missing, all at once.
need_commands()
{
	missing=
	for pair; do
		command -v "${pair#*:}" >/dev/null || missing="$missing ${pair%%:*}"
	done
	[ -z "$missing" ] || die "$name needs packages that are not installed." \
		"Type: apt-get install$missing"
}

# prove_tree DIR: build a small module against DIR/build, from where it will stay
# or has been moved to, and write DIR/vermagic from what it carries.
prove_tree()
{
	rm -rf "$1/prove"
	mkdir "$1/prove"
	echo 'obj-m := prove.o' >"$1/prove/Makefile"
	cat >"$1/prove/prove.c" <<-'EOF'
	// SPDX-License-Identifier: GPL-2.0
	#include <linux/module.h>
	#include <linux/slab.h>
	static int __init prove_init(void)
	{
		kfree(kzalloc(4096, GFP_KERNEL));
		return 0;
	}
	static void __exit prove_exit(void)
	{
	}
	module_init(prove_init);
	module_exit(prove_exit);
	MODULE_DESCRIPTION("proves a build tree");
	MODULE_LICENSE("GPL");
	EOF
	kernel_make -C "$1/build" M="$1/prove" modules >"$cache/log/$name.log" 2>&1 || {
		tail -n 20 "$cache/log/$name.log" >&2
		die "$name: no module can be built against $1/build; see $cache/log/$name.log"
	}
	module_info vermagic "$1/prove/prove.ko" >"$1/vermagic"
	rm -rf "$1/prove"
}

# kernel_make ARGS...: make for an x86-64 kernel, whatever this machine is, free
# of what an outer make (kernel/get is called from one) leaves in the environment.
kernel_make()
{
	(kernel_make_exec "$@")
}

# kernel_make_exec ARGS...: the same in place of the shell that calls it, so that
# the process that $! names is make.
kernel_make_exec()
{
	cross=$(cross_prefix)
	exec env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u M -u KDIR -u O -u KERNELRELEASE \
		-u KBUILD_OUTPUT -u CFLAGS -u CPPFLAGS -u LDFLAGS -u CC -u KERNEL \
		make ARCH=x86_64 CROSS_COMPILE="$cross" "$@"
}

# module_info KEY FILE.ko: what modinfo -F would say, without kmod.
module_info()
{
	tr '\0' '\n' <"$2" | sed -n "s/^$1=//p" | head -n 1
}

# cache_prune: keep only what the present table and versions ask for.
cache_prune()
{
	busy=
	for n in $(table | awk '{print $1}'); do
		select_kernel "$n"
		exec 9>"$cache/lock/$n"
		if ! flock -n 9; then
			say "$n: in use by another run, left alone"
			busy=1
			continue
		fi
		version_recorded
		keep=
		if [ -n "$version" ] && cache_lookup; then
			keep=$entry
		fi
		for dir in "$cache/kernels/$n"-* "$cache/work/$n"-*; do
			if [ -d "$dir" ] && [ "$dir" != "$keep" ]; then
				say "deleting $dir"
				rm -rf "$dir"
			fi
		done
		exec
	done
	# Downloads serve several names: not while any of them is being made.
	[ -n "$busy" ] || rm -rf "$cache/downloads" "$cache/apt" "$cache/log"
}
