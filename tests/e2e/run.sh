#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/run itself, on made-up suites: what it counts, what it calls a failure,
# and that it leaves nothing behind. TAP.
set -eu
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
runner=
trap '[ -z "$runner" ] || kill "$runner" 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/tap.sh
. tests/lib/wait.sh
# Read by tap.sh.
# shellcheck disable=SC2034
also=$tmp/out

# suite NAME: a suite from standard input.
suite() {
	{
		echo '#!/bin/sh'
		cat
	} >"$tmp/$1"
	chmod +x "$tmp/$1"
}

cat >"$tmp/skips" <<END
# a comment

$tmp/skips_* | needs [a-m]* | not on this machine
END

# run SUITE...: run them; the output in $tmp/out, the exit status in $status.
run() {
	status=0
	tests/run -s "$tmp/skips" -l "$tmp/log" "$@" >"$tmp/out" 2>&1 || status=$?
}

# ended STATUS "N passed, N failed, N skipped": the status and the last two lines.
ended() {
	[ "$status" -eq "$1" ] &&
		[ "$(tail -n 2 "$tmp/out")" = "${2##*, }
${2%, *}" ]
}

says() {
	grep -q -- "$1" "$tmp/out"
}

# says_not TEXT: a status that set -e does not see.
says_not() {
	! says "$1"
}

suite pass <<'END'
printf '1..2\nok 1 - one\nok 2 - two\n'
END
suite fail <<'END'
printf '1..2\nok 1 - one\nnot ok 2 - two\n# because\nprintf\n' && echo oops >&2
exit 1
END
suite lies <<'END'
printf '1..1\nnot ok 1 - one\n'
END
suite dies <<'END'
printf '1..2\nok 1 - one\n'
kill -9 $$
END
suite short <<'END'
printf '1..3\nok 1 - one\nok 2 - two\n'
END
suite long <<'END'
printf '1..1\nok 1 - one\nok 2 - two\n'
END
suite no_plan <<'END'
printf 'ok 1 - one\n'
END
suite status <<'END'
printf '1..1\nok 1 - one\n'
exit 3
END
suite bails <<'END'
printf 'Bail out! the sky fell\n'
exit 1
END
suite skips_allowed <<'END'
printf '1..2\nok 1 - one\nok 2 - needs a hat # SKIP no hat\n'
END
suite skips_other <<'END'
printf '1..1\nok 1 - needs shoes # SKIP no shoes\n'
END
suite skips_all <<'END'
printf '1..0 # SKIP no feet\n'
END
suite cmocka <<'END'
[ "$CMOCKA_MESSAGE_OUTPUT" = TAP ] && printf '1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n'
END
suite words <<'END'
printf '1..1\n'
[ "$WHO-$1" = me-too ] && echo 'ok 1 - words' || echo 'not ok 1 - words'
END
suite control <<'END'
printf '1..1\nnot ok 1 - a\033[2Jb\007\n'
END
suite slow <<'END'
sleep 1000 &
echo "$!" >"$SLOW"
wait
END

run "$tmp/pass"
check "a suite that passes" ended 0 "2 passed, 0 failed, 0 skipped"
run "$tmp/fail" "$tmp/pass"
check "a test that fails is counted and fails the run" ended 1 "3 passed, 1 failed, 0 skipped"
check "its name is shown" says "FAILED .*fail: two"
check "its diagnostics are shown" says "# because"
check "what it wrote to stderr is shown" says "stderr: oops"
run "$tmp/lies"
check "a failed test counts even when the suite ends with 0" ended 1 "0 passed, 1 failed, 0 skipped"
run "$tmp/dies"
check "a suite that is killed is a failure" ended 1 "1 passed, 1 failed, 0 skipped"
run "$tmp/short"
check "fewer tests than planned are a failure" ended 1 "2 passed, 1 failed, 0 skipped"
run "$tmp/long"
check "more tests than planned are a failure" ended 1 "2 passed, 1 failed, 0 skipped"
run "$tmp/no_plan"
check "no plan is a failure" ended 1 "1 passed, 1 failed, 0 skipped"
run "$tmp/status"
check "an exit status that the tests do not explain is a failure" ended 1 "1 passed, 1 failed, 0 skipped"
check "it is named" says "status 3"
run "$tmp/bails"
check "a bail-out is one failure" ended 1 "0 passed, 1 failed, 0 skipped"
check "its reason is shown" says "the sky fell"
run "$tmp/missing"
check "a suite that is not there is a failure" test "$status" -eq 1
run "$tmp/skips_allowed"
check "an allowed skip is counted" ended 0 "1 passed, 0 failed, 1 skipped"
check "its reason is shown" says "needs a hat: no hat"
run "$tmp/skips_other"
check "a skip that is not listed is a failure" ended 1 "0 passed, 1 failed, 0 skipped"
run "$tmp/skips_all"
check "a suite that skips itself is one, too" ended 1 "0 passed, 1 failed, 0 skipped"
run "$tmp/cmocka"
check "several plans in one suite add up" ended 0 "3 passed, 0 failed, 0 skipped"
run "WHO=me $tmp/words too"
check "a suite may have arguments and variables" ended 0 "1 passed, 0 failed, 0 skipped"
run "$tmp/control"
check "control characters do not reach the terminal" says 'a\[2Jb$'
run -j 2 "$tmp/pass" "$tmp/fail" "$tmp/words" "$tmp/pass"
check "two at once count the same" ended 1 "5 passed, 2 failed, 0 skipped"

SLOW=$tmp/slow.pid
export SLOW
run -t 1 "$tmp/slow"
check "a suite that does not end is stopped" ended 1 "0 passed, 2 failed, 0 skipped"
check "what it started is stopped, too" within gone "$(cat "$SLOW")"

# interrupt SIGNAL: send it to a run whose suite is under way.
interrupt() {
	rm -f "$SLOW"
	mkfifo "$tmp/ready"
	suite waits <<END
sleep 1000 &
echo "\$!" >"$SLOW"
echo >"$tmp/ready"
wait
END
	env --default-signal=INT tests/run -s "$tmp/skips" -l "$tmp/log" "$tmp/waits" \
		"$tmp/pass" >"$tmp/out" 2>&1 &
	runner=$!
	read -r _ <"$tmp/ready"
	kill "-$1" "$runner"
	status=0
	wait "$runner" || status=$?
	runner=
	rm -f "$tmp/ready"
}

for signal in INT TERM; do
	interrupt "$signal"
	check "SIG$signal ends the run with a status that says so" test "$status" -gt 128
	check "SIG$signal leaves no suite behind" within gone "$(cat "$SLOW")"
	check "SIG$signal prints no count" says_not "^[0-9][0-9]* passed, "
done

echo 'no reason | here' >"$tmp/skips"
run "$tmp/pass"
check "a listed skip without a reason is refused" test "$status" -eq 2
run
check "no suite at all is an error" test "$status" -eq 2
run -j none "$tmp/pass"
check "a job count that is none is an error" test "$status" -eq 2

echo "1..$count"
[ "$failed" = 0 ]
