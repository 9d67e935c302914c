#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Modules that attack the grader or the host, each graded in a jail, get no more
# points than what they do honestly is worth, and nothing of the host changes.
# A right module that is graded between them gets all of its own. Then all of them are
# handed in to a server, a right one after each: the record and what their authors are
# told say the same, and the server and its host are as before. TAP.
#
# A case is tests/hostile/NAME.patch, an edit of tests/good/plain.c with a head
# as in tests/bad, "Says: " a pattern for its console, which shows that the
# attack took place, "Never: " one that it must not have, which would show that it
# succeeded, and "Flag: " the names of flags that the instructor is to see, of which a
# right module has none. With arguments, only those names; what goes
# through the server is called "server".
#
# KERNEL is what they are built for (default: lab). With SOAK=1 the server gets them five
# times, in an order that is drawn, so that they have other neighbours.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/grading.sh
. tests/lib/class.sh
. tests/lib/wait.sh

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
	expect_json "within its limit of $limit s, and a little to end" ".seconds - .withheld <= $limit + 5" true
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

# told NAME SCORE: the record and the client have that score, and the console and the flags
# that go with it are on record.
told() {
	submission=$(jq --arg who "token:$1" --argjson score "$2" '[.[] | select(.identity == $who and
		.state == "done" and .score == $score and .verdicts == 1 and .attempts == 0)] |
		if length == 1 then .[0].number else empty end' "$class_dir/list")
	[ -n "$submission" ] && [ "$(jq .score "$class_dir/$1.json")" = "$2" ] || {
		echo "$1 has not $2 points, once:"
		jq -c --arg who "token:$1" '.[] | select(.identity == $who)' "$class_dir/list"
		head -n 5 "$class_dir/$1.json" "$class_dir/$1.err"
		return 1
	}
	build/bin/kshramctl --state "$class_dir/state" show "$submission" --json >"$work/shown" &&
		build/bin/kshramctl --state "$class_dir/state" log "$submission" --raw >"$work/log" || return
	flagged=$(jq -r '[.runs[0].verdict.flags[].name] | join(" ")' "$work/shown")
	case $1 in
	right-*)
		[ -z "$flagged" ] || {
			echo "a right module, $1, has the flags $flagged"
			return 1
		}
		return 0
		;;
	esac
	for flag in $(field "tests/hostile/$1.patch" Flag || :); do
		case " $flagged " in
		*" $flag "*) ;;
		*)
			echo "$1 has the flags: ${flagged:-none}, and not $flag"
			return 1
			;;
		esac
	done
	says=$(field "tests/hostile/$1.patch" Says)
	never=$(field "tests/hostile/$1.patch" Never)
	[ -z "$says" ] || grep -aEq -- "$says" "$work/log" || {
		echo "the console of $1 does not have /$says/"
		return 1
	}
	[ -z "$never" ] || ! grep -aE -- "$never" "$work/log" || return 1
	# What a terminal would obey is not in what its author was shown.
	if LC_ALL=C sed 's/\x1b\[[0-9;]*m//g' "$class_dir/$1.err" | LC_ALL=C grep -aq '[^[:print:][:space:]]'; then
		echo "control characters of $1 came out of the client"
		return 1
	fi
}

# accepted NAME: the server has a submission of that one.
accepted() {
	grep -q "event=accepted .*identity=token:$1 " "$class_dir/log"
}

# beside: those that held a machine for the whole time limit had right ones beside them,
# which were graded all the while. Of the others nothing is sure: what shares their time may
# be the other half of a pair that is as long. The first of all has the other machine to its
# neighbours alone, and what a right one needs must fit into the same limit.
beside() {
	jq -r --argjson limit "$class_limit" '
		[.[] | select(.identity | startswith("token:right-"))] as $right | .[] |
		select(.finished - .started >= $limit) | . as $long |
		[$right[] | select(.started > $long.started and .started < $long.finished)] |
		"\($long.identity) had \(length) right ones beside it, of which " +
		"\(map(select(.finished < $long.finished)) | length) ended before it"' \
		"$class_dir/list" >"$work/beside"
	cat "$work/beside"
	grep -q '^token:irqs_off .* which [1-9]' "$work/beside" && ! grep ' 0 right ones' "$work/beside"
}

# Every flag stands as a word in quotes where it is raised. What the witness raises needs a
# machine; of what a file shows, test_suspect.c has more.
every_flag() {
	hyphenated='"[a-z]+(-[a-z]+)+"'
	raised=$(sed -n 's/^Flag: //p' tests/hostile/*.patch | tr '\n' ' ')
	shown=$(grep -oE "$hyphenated" tests/unit/test_suspect.c | tr -d '"' | tr '\n' ' ')
	for source in grade/witness*.c grade/suspect.c; do
		for flag in $(grep -oE "$hyphenated" "$source" | tr -d '"'); do
			case "$source $raised " in *" $flag "*) continue ;; esac
			case "$source $shown " in
			grade/suspect.c*" $flag "*) ;;
			*)
				echo "$source: nothing raises $flag"
				return 1
				;;
			esac
		done
	done | sort -u >"$work/flags"
	cat "$work/flags"
	[ ! -s "$work/flags" ] && grep -qE "$hyphenated" grade/witness.c grade/suspect.c
}

class_limit=60
# through_server NAME...: in this order, a right module after each.
through_server() {
	class_begin "$work/class.$round" --kernel "$KERNEL" --jobs 2 --set time_limit="$class_limit" ||
		return
	for name; do
		for who in "$name" "right-$name"; do
			case $who in
			right-*) class_submit "$who" "$built/plain.ko" ;;
			*) class_submit "$who" "$built/$name.ko" ;;
			esac
			# So that the next comes after it.
			within accepted "$who" || return
		done
	done
	class_wait
	class_record "$class_dir"
	for name; do
		told "$name" "$(field "tests/hostile/$name.patch" Score)" && told "right-$name" 100 ||
			return
	done
	beside && class_end "$class_dir" || return
	manifest >"$work/class.manifest"
	diff "$work/manifest" "$work/class.manifest"
}

# all_names: the cases, first the one that holds a machine for the whole time limit: all
# others run beside it.
all_names() {
	echo irqs_off
	for file in tests/hostile/*.patch; do
		basename "$file" .patch
	done | grep -vx irqs_off | if [ "$1" -gt 1 ]; then shuf; else cat; fi
}

[ $# -gt 0 ] ||
	grading_check "every flag that there is, is raised by one of them or in a unit test" every_flag
if wanted server "$@"; then
	make_alone all >"$work/make.log" 2>&1 || bail "the programs do not build"
	rounds=1
	[ "${SOAK:-0}" != 1 ] || rounds=5
	for round in $(seq "$rounds"); do
		# shellcheck disable=SC2046 # names of ours, without spaces
		grading_check "a server gives all of them what they are worth, $round of $rounds" \
			through_server $(all_names "$round")
	done
fi
grading_end
