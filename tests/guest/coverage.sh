#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Which lines of the module ran in the guest tests on `debug`. Reads what
# suite.sh left in build/tests/coverage; prints the lines that did not run as
# TAP comments, and a summary. Exit status: 0 when the only ones are those that
# tests/guest/unreached lists, 1 otherwise.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
cd build/tests/coverage

# Several machines, each of which runs lines that the others do not.
rm -rf flat merged
for counts in */; do
	counts=${counts%/}
	mkdir -p "flat/$counts"
	find "$counts" -name '*.gcda' -path '*/module/*' -exec cp {} "flat/$counts" \;
	if [ -d merged ]; then
		gcov-tool merge -o both merged "flat/$counts" >>merge.log 2>&1
		rm -rf merged
		mv both merged
	else
		cp -r "flat/$counts" merged
	fi
done

# gcov looks for notes, counts and sources in one place.
cd merged
cp "$root"/build/debug/module/*.gcno "$root"/build/debug/module/*.[ch] .
rm -f kshram.mod.gc*
gcov -b ./*.gcda >gcov.log 2>&1
files=
for source in "$root"/module/*.c; do
	files="$files ${source##*/}.gcov"
done

# shellcheck disable=SC2086 # a list
awk -F ':' -v list="$root/tests/guest/unreached" '
BEGIN {
	while ((getline line <list) > 0) {
		if (line ~ /^#/ || line == "") continue
		split(line, part, " \\| ")
		allowed[part[1] "|" part[2]] = 1
	}
}
FNR == 1 { file = FILENAME; sub(/\.gcov$/, "", file) }
{
	hits = $1; gsub(/ /, "", hits)
	text = $0; sub(/^[^:]*:[^:]*:/, "", text); gsub(/^[ \t]+|[ \t]+$/, "", text)
	number = $2 + 0
}
# A label has a count of its own that says nothing: the gotos are lines too.
text ~ /^[a-z_0-9]+:$/ { next }
hits == "-" || number == 0 || $0 ~ /^(branch|call|function|unconditional)/ { next }
{ lines++ }
hits ~ /^[#=]/ {
	if ((file "|" text) in allowed) { excused++; next }
	print "# did not run: " file ":" number ": " text
	missed++
	next
}
{ ran++ }
END {
	while ((getline line <"gcov.log") > 0) {
		if (line ~ /^File .*\/module\/[a-z_]+\.c/) module = 1
		else if (line ~ /^File /) module = 0
		if (module && match(line, /^Branches executed:[0-9.]+% of /)) {
			all = substr(line, RLENGTH + 1)
			branches += all
		}
		if (module && match(line, /^Taken at least once:[0-9.]+/))
			taken += substr(line, 21, RLENGTH - 20) * all / 100
	}
	printf "# branches, as the optimizer left them: %d of %d taken\n", taken + 0.5, branches
	printf "# module coverage: %d of %d lines ran, %d cannot\n", ran, lines, excused
	exit missed || !lines
}' $files
