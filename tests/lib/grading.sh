# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# grading.sh - grade many modules and compare scores; sourced, not run
#
# The caller fills $cases with one line a module, grades them with grade_cases
# and ends with grading_end:
#
#	NAME KERNEL MODULE.ko SCORE LIMIT REASON...
#
# KERNEL is the name given to the grader, or - to let it choose; LIMIT its time
# limit in seconds; REASON an extended regular expression that the reason of
# the item that failed must match (ignoring case), nothing where none failed.
# Logs stay in build/tests/grade/NAME.{json,err,console}. $grader_options are given
# to the grader, and what $options_hook prints for $name; $case_hook is called after
# each, with $name, $limit, $json and $logs/$name.err set, and says with fault what is
# wrong; $clean_hook when it is over. There is no advice unless an option asks for it.

. tests/lib/cases.sh
. tests/lib/lanes.sh
. tests/lib/make.sh

grader=build/bin/kshram-grade
logs=build/tests/grade
work=$(mktemp -d)
cases=$work/cases
: >"$cases"
mkdir -p "$logs" build/tests

grading_clean() {
	lanes_end
	${clean_hook:-:}
	rm -rf "$work"
}
trap 'grading_clean; exit 130' INT
trap 'grading_clean; exit 143' TERM

# bail TEXT: nothing can be tested.
bail() {
	echo "Bail out! $1"
	grading_clean
	exit 1
}

# need_built KERNEL...: see to it that the grader and the sample modules are there.
need_built() {
	for kernel; do
		shift
		set -- "$@" "build/$kernel/hellomod.ko"
	done
	set -- "$grader" "$@"
	make_alone "$@" >"$work/make.log" 2>&1 && return
	sed 's/^/# /' "$work/make.log"
	bail "make $* failed"
}

# build_modules KERNEL OUT SOURCE.c...: one kbuild for all, OUT/NAME.ko.
build_modules() {
	kernel=$1
	out=$2
	shift 2
	mkdir -p "$out.src"
	{
		echo "# SPDX-License-Identifier: GPL-2.0"
		for source; do
			name=${source##*/}
			echo "obj-m += ${name%.c}.o"
		done
	} >"$out.src/Kbuild"
	kernel/kbuild "$kernel" "$out" "$@" "$out.src/Kbuild" module/compat.h \
		include/kshram.h >"$work/kbuild.log" 2>&1 && return
	sed 's/^/# /' "$work/kbuild.log"
	bail "the modules do not build for $kernel"
}

# fault LINE...: why this case fails; collected as TAP diagnostics.
fault() {
	echo "# $*" >>"$work/$number.fault"
}

# expect_json NAME FILTER EXPECTED: what jq says of the grader's answer.
expect_json() {
	got=$(jq -r "$2" "$json" 2>&1) || :
	[ "$got" = "$3" ] || fault "$1: expected $3, got $got"
}

grade_case() {
	number=$1
	# shellcheck disable=SC2086 # the line's words are the arguments
	set -f && set -- $2
	name=$1 kernel=$2 module=$3 score=$4 limit=$5
	shift 5
	reason=$*
	json=$logs/$name.json
	want=1
	[ "$score" -ne 100 ] || want=0
	begin=$(date +%s)

	# shellcheck disable=SC2046,SC2086 # options without spaces
	set -- "$grader" --no-advice ${grader_options:-} $(${options_hook:-:}) --json --log "$logs/$name.console" \
		--timeout "$limit"
	[ "$kernel" = - ] || set -- "$@" --kernel "$kernel"
	status=0
	lane_run $((limit + 20)) "$@" "$module" >"$json" 2>"$logs/$name.err" || status=$?
	seconds=$(($(date +%s) - begin))

	[ "$status" -eq "$want" ] || fault "exit status: expected $want, got $status"
	expect_json score .score "$score"
	expect_json "points of the items passed" \
		'[.items[] | select(.result == "passed") | .max] | add // 0' "$score"
	if [ "$score" -eq 100 ]; then
		expect_json "items that did not pass" \
			'[.items[] | select(.result != "passed")] | length' 0
	else
		expect_json "items that failed" \
			'[.items[] | select(.result == "failed")] | length' 1
		jq -r '.items[] | select(.result == "failed") | .reason' "$json" 2>/dev/null |
			tr '\n' ' ' >"$work/$number.reason"
		grep -Eiq -- "$reason" "$work/$number.reason" ||
			fault "reason: expected /$reason/, got: $(cat "$work/$number.reason")"
	fi
	${case_hook:-:}
	if [ -f "$work/$number.fault" ]; then
		head -n 20 "$logs/$name.err" | sed 's/^/# stderr: /' >>"$work/$number.fault"
	fi
	echo "$name is worth $score points ($seconds s)" >"$work/$number.done"
}

# grade_cases: grade what stands in $cases, several at once.
grade_cases() {
	set -f
	old_ifs=$IFS
	IFS='
'
	# shellcheck disable=SC2046 # one line is one item
	set -- $(cat "$cases")
	IFS=$old_ifs
	set +f
	lanes "${KSHRAM_TEST_JOBS:-2}" "$work" grade_case "$@"
}

# grading_check TEXT COMMAND...: one test more, of all cases together; after grade_cases.
grading_check() {
	echo "$1" >>"$cases"
	number=$(wc -l <"$cases")
	echo "$1" >"$work/$number.done"
	shift
	if "$@" >"$work/why" 2>&1; then
		rm -f "$work/$number.fault"
	else
		sed 's/^/# /' "$work/why" >"$work/$number.fault"
	fi
}

# grading_end: print the TAP of all cases; the exit status is the script's.
grading_end() {
	total=$(wc -l <"$cases")
	bad=0
	number=0
	echo "1..$total"
	while [ "$number" -lt "$total" ]; do
		number=$((number + 1))
		name=$(sed -n "${number}s/ .*//p" "$cases")
		if [ ! -f "$work/$number.done" ]; then
			bad=1
			echo "not ok $number - $name"
			echo "# it was never graded"
		elif [ -f "$work/$number.fault" ]; then
			bad=1
			echo "not ok $number - $(cat "$work/$number.done")"
			LC_ALL=C tr -d '\000-\010\013-\037\177' <"$work/$number.fault"
		else
			echo "ok $number - $(cat "$work/$number.done")"
		fi
	done
	grading_clean
	exit "$bad"
}
