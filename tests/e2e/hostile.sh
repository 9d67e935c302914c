#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Modules that attack the grader or the host, each graded in a jail, get no more
# points than what they do honestly is worth, and nothing of the host changes.
# A right module that is graded between them gets all of its own. Some of them are
# then handed in to a server, beside right ones: the record and what their authors
# are told say the same. TAP.
#
# A case is tests/hostile/NAME.patch, an edit of tests/good/plain.c with a head
# as in tests/bad, "Says: " a pattern for its console, which shows that the
# attack took place, "Never: " one that it must not have, which would show that it
# succeeded, and "Flag: " the names of flags that the instructor is to see, of which a
# right module has none. With arguments, only those names.
#
# KERNEL is what they are built for (default: lab).
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/grading.sh
. tests/lib/class.sh

KERNEL=${KERNEL:-lab}
built=build/tests/hostile/$KERNEL
sources=build/tests/hostile/src
grader_options=--jail
case_hook=unharmed
clean_hook=class_kill

need_built "$KERNEL"
mkdir -p "$sources"
edited=
for file in tests/hostile/*.patch; do
	patched "$file" "$sources" >"$work/patch.log" 2>&1 || {
		sed 's/^/# /' "$work/patch.log"
		bail "$file does not apply"
	}
	edited="$edited $sources/$(basename "$file" .patch).c"
done
# shellcheck disable=SC2086 # file names of ours, without spaces
build_modules "$KERNEL" "$built" tests/good/plain.c $edited

# manifest: what a machine is made of and what made it, with its contents and times.
dir=$(kernel/get "$KERNEL")
manifest() {
	# grade_case has no use for patterns of names.
	set +f
	for file in "$dir"/* "$grader" build/guest/* "build/$KERNEL"/*.ko "$built"/*.ko \
		/bin/busybox "$(command -v qemu-system-x86_64)"; do
		[ ! -f "$file" ] || {
			stat -L -c '%n %s %Y %Z' "$file"
			sha256sum <"$file"
		}
	done
}
manifest >"$work/manifest"

# unharmed: after a case: the host, what the grader says, and how long it took.
unharmed() {
	manifest >"$work/$number.manifest"
	cmp -s "$work/manifest" "$work/$number.manifest" ||
		fault "a file of the host's has changed:" \
			"$(diff "$work/manifest" "$work/$number.manifest" | head -n 2)"
	# shellcheck disable=SC2154 # all of these are grade_case's
	if LC_ALL=C grep -q '[^[:print:][:space:]]' "$json" "$logs/$name.err" ||
		grep -q '\\u00[01]' "$json"; then
		fault "control characters of the module's came out of the grader"
	fi
	expect_json "within its limit of $limit s, and a little to end" ".seconds <= $limit + 5" true
	size=$(stat -c %s "$logs/$name.console")
	if [ "$size" -gt $((4 << 20)) ]; then
		[ "$size" -le $(((4 << 20) + 100)) ] &&
			tail -n 1 "$logs/$name.console" | grep -q 'the copy of the console ends here' ||
			fault "$size bytes of its console were kept, which should be 4 MiB and a word"
	fi
	says=$(field "tests/hostile/$name.patch" Says 2>/dev/null || :)
	[ -z "$says" ] || grep -aEq -- "$says" "$logs/$name.console" ||
		fault "its console does not have /$says/: did it do what it is here for?"
	never=$(field "tests/hostile/$name.patch" Never 2>/dev/null || :)
	[ -z "$never" ] || ! grep -aE -- "$never" "$logs/$name.console" >"$work/never" ||
		fault "it got what it must not: $(head -n 1 "$work/never")"
	flagged=$(jq -r '[.flags[].name] | join(" ")' "$json" 2>/dev/null || :)
	for flag in $(field "tests/hostile/$name.patch" Flag 2>/dev/null || :); do
		case " $flagged " in
		*" $flag "*) ;;
		*) fault "it has the flags: ${flagged:-none}, and not $flag" ;;
		esac
	done
	case $name in
	beside-*) [ -z "$flagged" ] || fault "a right module has the flags $flagged" ;;
	esac
}

for file in tests/hostile/*.patch; do
	name=$(basename "$file" .patch)
	wanted "$name" "$@" || continue
	score=$(field "$file" Score)
	limit=$(field "$file" Timeout)
	[ -n "$score" ] || bail "$file has no line 'Score: '"
	echo "$name $KERNEL $built/$name.ko $score ${limit:-120} $(field "$file" Reason)"
	# Neighbours: nothing that one machine does reaches another.
	case $name in
	flood | memory | irqs_off) echo "beside-$name $KERNEL $built/plain.ko 100 120" ;;
	esac
done >>"$cases"

grade_cases

# told NAME SCORE: the record and the client have that score.
told() {
	jq -e --arg who "token:$1" --argjson score "$2" \
		'[.[] | select(.identity == $who and .state == "done" and .score == $score)] |
		length == 1' "$work/class/list" >/dev/null &&
		[ "$(jq .score "$work/class/$1.json")" = "$2" ] && return
	echo "$1 has not $2 points:"
	jq -c --arg who "token:$1" '.[] | select(.identity == $who)' "$work/class/list"
	head -n 5 "$work/class/$1.json" "$work/class/$1.err"
	return 1
}

through_server() {
	served="verdicts escapes flood forge agent_patch triple_fault memory disks"
	class_begin "$work/class" --kernel "$KERNEL" --jobs 2 --set time_limit=60 || return
	class_submit right-1 "$built/plain.ko"
	for name in $served; do
		class_submit "$name" "$built/$name.ko"
	done
	class_submit right-2 "$built/plain.ko"
	class_wait
	class_record "$work/class"
	for name in $served; do
		told "$name" "$(field "tests/hostile/$name.patch" Score)" || return
	done
	told right-1 100 && told right-2 100 && class_end "$work/class"
}

[ $# -gt 0 ] || {
	flock build/tests/grade.lock make -s all >"$work/make.log" 2>&1 || bail "the programs do not build"
	grading_check "a server gives all of them what they are worth" through_server
}
grading_end
