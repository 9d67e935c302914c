#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Style and static analysis: what can be known of the sources without running
# them. TAP. A tool that is missing is a failure that names its package.
#
# With arguments, only the checks of those names (see the list at the end).
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
tests=0
bad=0
wanted=" $* "

# check NAME DESCRIPTION FUNCTION: one test; what the function prints are its findings.
check() {
	[ "$wanted" = "  " ] || case $wanted in *" $1 "*) ;; *) return 0 ;; esac
	tests=$((tests + 1))
	rm -f "$work/skip"
	"$3" >"$work/findings" 2>&1 || echo "$3: exit status $?" >>"$work/findings"
	if [ -s "$work/skip" ]; then
		echo "ok $tests - $1: $2 # SKIP $(cat "$work/skip")"
	elif [ -s "$work/findings" ]; then
		bad=1
		echo "not ok $tests - $1: $2"
		head -n 100 "$work/findings" | sed 's/^/# /'
	else
		echo "ok $tests - $1: $2"
	fi
}

# need TOOL PACKAGE: false, and a finding, when TOOL is not there.
need() {
	command -v "$1" >/dev/null || {
		echo "$1 is missing: apt-get install $2"
		return 1
	}
}

# made_for VERSION TOOL: true when TOOL is of that version. Otherwise the check is skipped: this
# tree is laid out, and false findings are known, for the version that Debian 12 has.
made_for() {
	case $("$2" --version 2>/dev/null | grep -o '[0-9][0-9.]*' | head -n 1) in
	"$1" | "$1".*) return 0 ;;
	esac
	echo "$2 here is not version $1, for which this check is made" >"$work/skip"
	return 1
}

# Sources, also those that are not committed yet; without git, all that is there.
git -c safe.directory="$(pwd)" ls-files -co --exclude-standard >"$work/all" 2>/dev/null ||
	find . -type f ! -path './.git/*' ! -path './build/*' | sed 's,^\./,,' >"$work/all"
while read -r file; do
	[ ! -f "$file" ] || [ -L "$file" ] || echo "$file"
done <"$work/all" >"$work/files"

grep '\.[ch]$' "$work/files" >"$work/c"
# Kernel code is what includes a header of modules, and all that lies beside it.
grep -e '^module/' -e '^lab/hellomod/' -e '^kernel/' -e '^tests/good/' "$work/c" >"$work/kernel"
while read -r file; do
	! grep -q '^#include <linux/module.h>' "$file" || echo "$file"
done <"$work/c" | sort -u - "$work/kernel" -o "$work/kernel"
sort "$work/c" | comm -23 - "$work/kernel" | grep '\.c$' >"$work/programs"
while read -r file; do
	case $file in
	*.sh) echo "$file" ;;
	*) ! head -n 1 "$file" | grep -aq '^#!/bin/sh' || echo "$file" ;;
	esac
done <"$work/files" >"$work/scripts"

# per_file LIST COMMAND...: run it on every file of a list, two at a time.
per_file() {
	list=$1
	shift
	xargs -P "$(nproc)" -I '{}' "$@" '{}' <"$list"
}

shell_scripts() {
	need shellcheck shellcheck || return 0
	# SC2015: "A && B || C" where B cannot fail, or C is meant for either.
	# SC2016: programs for awk, sh -c and the like stand in single quotes.
	# SC2317: it takes functions that are called by name for unreachable ones.
	xargs shellcheck -x -s sh -e SC2015,SC2016,SC2317 -f gcc <"$work/scripts"
	# What bash itself reads is in its own language.
	sed -n -e '/\.bash-completion$/p' -e '/^\.ci\/run$/p' "$work/files" | xargs -r shellcheck -s bash -e SC2317 -f gcc
}

shell_is_posix() {
	while read -r file; do
		case $file in .ci/*) continue ;; esac
		head -n 1 "$file" | grep -aHn --label="$file" '^#!.*bash' || :
	done <"$work/files"
}

c_format() {
	need clang-format clang-format || return 0
	made_for 14 clang-format || return 0
	xargs clang-format --dry-run -Werror <"$work/c" >"$work/format" 2>&1 ||
		grep 'error:' "$work/format" || cat "$work/format"
}

# checkpatch speaks of kernel code and of the header it shares with programs.
c_checkpatch() {
	need perl perl || return 0
	scripts=$(kernel/get lab)/build/scripts
	top=$(pwd)
	status=0
	# It would leave a cache of names where it finds a .git: let it run elsewhere.
	{
		cat "$work/kernel"
		echo include/kshram.h
	} | sed "s|^|$top/|" | (
		cd "$work" && xargs perl "$scripts/checkpatch.pl" --strict --no-tree --no-summary \
			--terse --show-types -f
	) >"$work/checkpatch.all" 2>&1 || status=$?
	sed "s|^$top/||" "$work/checkpatch.all" >"$work/checkpatch"
	while IFS=: read -r file line level type text; do
		ignored=false
		while read -r pattern ignored_type _; do
			# shellcheck disable=SC2254 # a pattern
			case $file in $pattern) ;; *) continue ;; esac
			[ "$ignored_type" != "$type" ] || ignored=true
		done <tests/lint/checkpatch-ignored
		$ignored || echo "$file:$line:$level:$type:$text"
	done <"$work/checkpatch"
	[ "$status" -eq 0 ] || [ -s "$work/checkpatch" ] || echo "checkpatch: exit status $status"
}

# kbuild KERNEL ARGUMENT ROOM...: build modules anew; warnings are findings.
kbuild() {
	kernel=$1
	how=$2
	shift 2
	for room; do
		sources=$(find "$room" -maxdepth 1 -name '*.[ch]' -o -maxdepth 1 -name Kbuild)
		out=$work/kbuild-$kernel-${room##*/}
		# shellcheck disable=SC2086 # file names of ours, without spaces
		kernel/kbuild "$kernel" "$out" $sources module/compat.h \
			include/kshram.h -- "$how" 2>&1 | grep -v 'Skipping BTF generation' || :
		[ -n "$(find "$out" -name '*.ko')" ] || echo "$room does not build for $kernel"
		rm -rf "$out"
	done
}


w1() {
	kbuild "$w1_kernel" "W=$w1_level" module lab/hellomod tests/guest/modules
}

c_sparse() {
	need sparse sparse || return 0
	# Not the planted faults: one of them is a shift that sparse finds.
	kbuild lab C=2 module lab/hellomod
}

c_cppcheck() {
	need cppcheck cppcheck || return 0
	made_for 2.10 cppcheck || return 0
	xargs cppcheck --quiet --std=c11 --enable=warning,performance,portability \
		--inline-suppr --error-exitcode=1 --template=gcc -j "$(nproc)" \
		-Iinclude -Igrade -Ilab/checks -Ipow --suppress=missingIncludeSystem <"$work/programs"
}

c_tidy() {
	need clang-tidy clang-tidy || return 0
	known=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/kshram/tidy
	mkdir -p "$known"
	per_file "$work/programs" tests/lint/tidy.sh "$known"
	find "$known" -type f -mtime +30 -delete
}

# found PATTERN MESSAGE FILE...: lines that match are findings.
found() {
	pattern=$1
	message=$2
	shift 2
	[ $# -eq 0 ] || grep -EHn -- "$pattern" "$@" | sed "s|\$| <- $message|" || :
}

law_versions() {
	# shellcheck disable=SC2046
	found '\<(LINUX_VERSION_CODE|KERNEL_VERSION)\>' 'kernel versions are tested in module/compat.h only' \
		$(grep -v '^module/compat\.h$' "$work/c")
}

law_module() {
	# shellcheck disable=SC2046
	found 'krealloc\(|SetPageReserved\(' 'not in our module' $(grep '^module/' "$work/files")
}

law_length() {
	while read -r file; do
		case $file in *.png | *.gif | *.svg | *.cast | LICENSE* | COPYING* | .clang-format) continue ;; esac
		lines=$(wc -l <"$file")
		[ "$lines" -le 600 ] || echo "$file: $lines lines; at most 600"
	done <"$work/files"
}

law_words() {
	# The pattern is spelled so that it does not find itself.
	xargs grep -EIHnw 'T''ODO|F''IXME|X''XX|H''ACK' <"$work/files" || :
}

law_calls() {
	# shellcheck disable=SC2046
	found '\<(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|system|popen|strncpy|mktemp|tmpnam)\(' \
		'use the bounded or checked one' $(grep '\.[ch]$' "$work/programs")
}

law_spdx() {
	while read -r file; do
		case $file in
		# Appended to a file of the kernel's, which has its own.
		kernel/lab-kallsyms.c) continue ;;
		*.[ch] | *.sh | *.bash-completion | *.mk | *Makefile | *Kbuild | *.config | *.patch) ;;
		*) head -n 1 "$file" | grep -aq '^#!' || continue ;;
		esac
		head -n 2 "$file" | grep -aq 'SPDX-License-Identifier: GPL-2.0' ||
			echo "$file: no SPDX line on top"
	done <"$work/files"
}

law_artefacts() {
	git -c safe.directory="$(pwd)" ls-files 2>/dev/null |
		grep -E '\.(o|ko|a|so|mod|mod\.c|cmd|gcno|gcda|deb|bz2|gz|xz|img)$|(^|/)(bzImage|Module\.symvers|modules\.order)$|^build/' || :
}

law_paths() {
	# Paths of one machine, also in files that a compiler wrote, and names of package hosts,
	# which the system knows better.
	xargs grep -EaoHn '(^|[^}a-z0-9_])/(home/[a-z]|ro''ot/|wo''rk/)|deb\.deb''ian\.org|security\.deb''ian\.org|snapshot\.deb''ian' \
		<"$work/files" || :
}

# A package whose name carries the version of a program (clang-14) or of a library's
# binary interface (libssl3) exists in one release of Debian and not in the next.
law_packages() {
	awk '{ name = $2; sub(/x86-64/, "x86", name) }
		!/^#/ && NF && !/[|]/ && name ~ /-[0-9]+([.][0-9]+)*(-|$)|^lib.*[0-9](t64)?$/ {
		print FILENAME ":" FNR ": " $2 ": only some releases have this version;" \
			" name the package without it or give an alternative, a | b"
	}' packaging/packages
}

# What docs/terminal-svg drew is as wide as its longest line: 8.4 a character, 16 at both edges.
law_pictures() {
	for picture in docs/*.svg; do
		awk '
			/^<svg / { match($0, /width="[0-9]+"/); width = substr($0, RSTART + 7, RLENGTH - 8) }
			/^<text [^>]*xml:space="preserve"/ {
				if (!/ textLength=/ && !/preserve"><\/text>/)
					print FILENAME ":" FNR ": no textLength: a wide font is cut off"
				gsub(/<[^>]*>/, ""); gsub(/&[a-z]+;/, "x")
				if (int(length($0) * 8.4 + 32) > width)
					print FILENAME ":" FNR ": " length($0) " characters do not fit into " width
			}' "$picture"
	done
}

check shellcheck "shell scripts are clean" shell_scripts
check posix "scripts run in any POSIX shell" shell_is_posix
check format "C is formatted as .clang-format says" c_format
check checkpatch "kernel code passes checkpatch --strict" c_checkpatch
# The kernels of the matrix only by name: tests/e2e/items.sh asks. Headers of 5.10
# have warnings of their own at W=1.
for w1_kernel in stock lab debug 5.10 6.1 6.12 7.x; do
	w1_level=1
	[ "$w1_kernel" != 5.10 ] || w1_level=
	case $wanted$w1_kernel in
	"  stock" | "  lab" | "  debug" | *" w1-$w1_kernel "*)
		check "w1-$w1_kernel" "modules build without a warning at W=$w1_level for $w1_kernel" w1
		;;
	esac
done
check sparse "modules are clean under sparse" c_sparse
check cppcheck "programs are clean under cppcheck" c_cppcheck
check tidy "programs are clean under clang-tidy" c_tidy
check versions "kernel versions are tested in one file" law_versions
check module "our module does without krealloc and SetPageReserved" law_module
check length "no file is longer than 600 lines" law_length
check words "no file says that it is unfinished" law_words
check calls "no unbounded or unchecked calls" law_calls
check spdx "every source has its licence on top" law_spdx
check artefacts "nothing that was built is tracked" law_artefacts
check pictures "text fits into the pictures of terminals" law_pictures
check packages "package names carry no version that one release has" law_packages
check paths "no path or host of one machine is written down" law_paths
echo "1..$tests"
exit "$bad"
