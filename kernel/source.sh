# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables are shared with kernel/get
#
# A kernel built from a linux-source package, or from the user's own source, with
# the small configuration in the fragments.

# Enough for the unpacked source and the objects of the largest of the kernels.
source_space_mb=3000

source_check_tools()
{
	need_commands "$(compiler_needed)" make:make flex:flex bison:bison bc:bc \
		xz-utils:xz util-linux:flock binutils:ld
	[ -n "$own_source" ] || need_commands apt:apt-get dpkg:dpkg-deb
	# objtool, which looks at every object of the kernel and of every module.
	echo '#include <gelf.h>' | gcc -E - >/dev/null 2>&1 ||
		die "$name needs a package that is not installed. Type: apt-get install libelf-dev"
}

# source_patches: the files that change the source, one a line.
source_patches()
{
	for f in $fragments; do
		[ "$f" != lab ] || printf '%s\n' "$here/lab-kallsyms.c"
	done
}

# source_identify_own PATH: check KERNEL_SOURCE and set version from its identity,
# so that another source, or an edited one, is another kernel in the cache.
source_identify_own()
{
	if [ -d "$1" ]; then
		for f in Makefile Kconfig init/main.c arch/x86/Makefile; do
			[ -e "$1/$f" ] ||
				die -s 2 "KERNEL_SOURCE=$1 is not a kernel tree: it has no $f"
		done
		# Sizes and times stand for the contents: reading it all takes too long.
		identity=$(cd "$1" && find . -name .git -prune -o -type f -printf '%P %s %T@\n' |
			sort | sha256sum)
	elif [ -f "$1" ]; then
		identity=$(sha256sum <"$1")
	else
		die -s 2 "KERNEL_SOURCE=$1: no such directory or file"
	fi
	real_package=$1
	version=own-$(printf '%s' "$identity" | cut -c1-12)
}

# source_unpack DIR: put the source into DIR, less the parts of it (graphics, sound,
# network cards, other processors) that are large and never compiled here. Their
# Kconfig files stay: the configuration is read whole.
source_unpack()
{
	if [ -z "$own_source" ]; then
		debian_download "$real_package" "$version"
		say "$name: unpacking $real_package $version"
	else
		say "$name: copying $own_source"
	fi
	mkdir -p "$1"
	set -- "$1" --exclude=.git --exclude='*/drivers/gpu/*.[ch]' --exclude='*/sound/*.[ch]' \
		--exclude='*/drivers/net/*/*.[ch]' --exclude='*/drivers/media/*.[ch]' \
		--exclude='*/Documentation/*.rst' --exclude='*/arch/*/boot/dts/*' \
		--exclude='*/tools/testing/*.[ch]' --exclude='*/tools/perf/*'
	if [ -z "$own_source" ]; then
		dpkg-deb --fsys-tarfile "$(debian_file "$real_package" "$version")" |
			tar -xO "./usr/src/$real_package.tar.xz" | xz -dc -T0 |
			tar -x --strip-components=1 -C "$@"
	elif [ -d "$own_source" ]; then
		dir=$1
		shift
		tar -c -C "$own_source" "$@" . | tar -x -C "$dir"
		# The tree may have been built in; nothing of that may be taken over.
		kernel_make -C "$dir" mrproper >"$log" 2>&1
	else
		dir=$1
		shift
		tar -x -f "$own_source" --strip-components=1 -C "$dir" "$@"
	fi || return 1
	[ -e "$work/src/Kconfig" ] && [ -e "$work/src/init/main.c" ]
}

# source_fragment NAME: the settings of a fragment without its comments.
source_fragment()
{
	sed -e 's/[[:space:]]*#?.*//' -e '/^#/d' -e '/^[[:space:]]*$/d' "$here/$1.config"
}

# source_configure: .config from the fragments, and nothing of them lost on the way.
source_configure()
{
	say "$name: configuring ($fragments)"
	for f in $fragments; do
		source_fragment "$f"
	done >"$work/all.config"
	kernel_make -C "$work/src" KCONFIG_ALLCONFIG="$work/all.config" allnoconfig >"$log" 2>&1 ||
		source_failed "cannot be configured"
	: >"$work/left-out"
	for f in $fragments; do
		cat "$here/$f.config"
	done | awk -v result="$work/src/.config" -v optional_file="$work/left-out" '
		BEGIN {
			while ((getline line <result) > 0) {
				if (match(line, /^CONFIG_[A-Za-z0-9_]+=/))
					got[substr(line, 1, RLENGTH - 1)] = substr(line, RLENGTH + 1)
			}
		}
		/^CONFIG_/ {
			symbol = value = $1
			sub(/=.*/, "", symbol)
			sub(/^[^=]*=/, "", value)
			# A later fragment has the last word.
			want[symbol] = value
			optional[symbol] = /#\?/
		}
		END {
			for (s in want) {
				have = s in got ? got[s] : "n"
				if (have == want[s])
					continue
				if (optional[s] && have == "n") {
					print substr(s, 8) >optional_file
					continue
				}
				printf "%s is %s, wanted %s\n", s, have, want[s]
				bad = 1
			}
			exit bad
		}' >"$work/lost" || {
		cat "$work/lost" >&2
		die "$name: these lines of kernel/*.config did not survive; what they depend on" \
			"is off, or this version of Linux does not know them (then mark them with #?)"
	}
	[ ! -s "$work/left-out" ] ||
		say "$name: without what is marked #? and cannot be had here:" \
			"$(sort "$work/left-out" | tr '\n' ' ')"
}

# source_failed WHAT: the end of the log, where the rest of it is, and out.
source_failed()
{
	grep -nE '(error|Error|\*\*\*|undefined reference)' "$log" | tail -n 20 >&2 || :
	tail -n 5 "$log" >&2
	die "$name: $real_package $version $1; the whole log is $log"
}

# count_lines: copy make's output to the log; on a terminal show how far it is.
count_lines()
{
	terminal=
	[ ! -t 2 ] || terminal=1
	files=0
	while read -r line; do
		printf '%s\n' "$line"
		case $line in
		CC\ * | AS\ * | HOSTCC\ *)
			files=$((files + 1))
			[ -z "$terminal" ] || printf '\r%s: %d files compiled' "$name" $files >&2
			;;
		esac
	done >"$log"
	[ -z "$terminal" ] || printf '\n' >&2
}

source_provide()
{
	log=$cache/log/$name.log
	src=$work/src
	started=$(date +%s)
	if [ ! -e "$work/unpacked" ]; then
		rm -rf "$work"
		mkdir -p "$work"
		source_unpack "$src" || {
			rm -rf "$work"
			die "$name: cannot unpack the source $real_package $version"
		}
		source_patches | while read -r f; do cat "$f" >>"$src/kernel/kallsyms.c"; done
		source_configure
		: >"$work/unpacked"
	else
		say "$name: going on with an interrupted build"
	fi

	say "$name: building $real_package $version on $(nproc) processors" \
		"(some minutes; log: $log)"
	rm -f "$work/output"
	mkfifo "$work/output"
	count_lines <"$work/output" &
	# One date and one builder, so that the same input gives the same kernel.
	(kernel_make_exec -C "$src" -j"$(nproc)" KBUILD_BUILD_TIMESTAMP='2024-01-01 00:00:00 UTC' \
		KBUILD_BUILD_USER=kshram KBUILD_BUILD_HOST=kshram \
		bzImage modules) >"$work/output" 2>&1 &
	child=$!
	wait "$child" || source_failed "does not build"
	child=

	say "$name: packing"
	new=$work/new
	rm -rf "$new"
	mkdir "$new"
	"$here/pack-tree" "$src" "$new/build"
	cp "$src/arch/x86/boot/bzImage" "$new/bzImage"
	cp "$src/.config" "$new/config"
	cp "$src/System.map" "$new/System.map"
	cp "$src/include/config/kernel.release" "$new/release"
	gcc --version | head -n 1 >"$new/compiler"
	printf '%s\n' "$cmdline" >"$new/cmdline"
	printf '%s\n' "$memory" >"$new/memory"
	: >"$new/modules.list"
	prove_tree "$new"
	cache_publish "$new"
	rm -rf "$work"
	say "$name: ready ($(cat "$entry/release"), $(($(date +%s) - started)) s)"
}
