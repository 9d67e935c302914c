#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A grader for the tests of the server: the score is what stands at the module's
# end, "<kill NAME SCORE>". It waits as long as the file "gate" is there.
# KILLS names the directory of these files; started.NAME has a line with its
# process for each start.
set -eu

for module; do :; done
for argument; do
	[ "${before:-}" != --log ] || log=$argument
	before=$argument
done
# As with the real one, the module comes when the machine waits.
echo waiting
read -r _ || exit 2
mark=$(tail -c 64 "$module" | tr -cd ' -~' | sed -n 's/.*<kill \([a-z0-9]* [0-9]*\)>.*/\1/p')
name=${mark% *} score=${mark#* }
echo "a console of $name" >"$log"
echo $$ >>"$KILLS/started.$name"
while [ -e "$KILLS/gate" ]; do
	sleep 0.1
done
result=failed status=1
[ "$score" -ne 100 ] || result=passed status=0
printf '{"score": %d, "total": 100, "notes": ["verdict-%s-"], "items": [{"number": 1,
	"title": "all", "points": %d, "max": 100, "result": "%s", "reason": "%s"}]}\n' \
	"$score" "$name" "$score" "$result" "$name"
exit "$status"
