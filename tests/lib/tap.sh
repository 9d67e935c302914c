# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# One test a command, in TAP, for suites that source this. They set tmp, a
# directory of theirs, and end with the plan, "1..$count", and a status from
# $failed, the number of tests that failed. A test that fails shows what it said,
# and the ends of the files that the suite names in $also.
count=0
failed=0
also=

# check NAME COMMAND... - one test: the command succeeds. Status 77 skips it, and what was
# said last is why.
check() {
	name=$1
	shift
	count=$((count + 1))
	check_status=0
	# shellcheck disable=SC2154 # tmp is the suite's
	"$@" >"$tmp/why" 2>&1 || check_status=$?
	if [ "$check_status" -eq 0 ]; then
		echo "ok $count - $name"
	elif [ "$check_status" -eq 77 ]; then
		echo "ok $count - $name # SKIP $(tail -n 1 "$tmp/why")"
	else
		echo "not ok $count - $name"
		for file in "$tmp/why" $also; do
			LC_ALL=C tr -cd '\n\t -~' <"$file" | tail -n 40 | sed 's/^/# /'
		done
		failed=$((failed + 1))
	fi
}
