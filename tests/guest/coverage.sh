#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Which lines of the module ran in the guest tests on `debug`, and which of their
# branches were taken. Reads what suite.sh left in build/tests/coverage; prints what
# did not run as TAP comments, and a summary. Exit status: 0 when all of that is in
# tests/guest/unreached, 1 otherwise.
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
		count = split(line, part, " \\| ")
		if (count == 4)
			untaken[part[1] "|" part[2]] = part[3] + 0
		else
			allowed[part[1] "|" part[2]] = 1
	}
}
# The branches of the source line that was read last, if that has run.
function end_line() {
	not_taken += dead
	if (dead > untaken[file "|" text]) {
		print "# not taken: " dead " of " ways " branches of " file ":" number ": " text
		missed++
	} else {
		excused_ways += dead
	}
	dead = ways = 0
}
FNR == 1 { end_line(); file = FILENAME; sub(/\.gcov$/, "", file) }
/^branch/ {
	if (!counts) next
	all_ways++
	ways++
	if (/ taken 0%/ || / never executed/) dead++
	next
}
/^(call|function|unconditional)/ { next }
{
	end_line()
	counts = 0
	hits = $1; gsub(/ /, "", hits)
	text = $0; sub(/^[^:]*:[^:]*:/, "", text); gsub(/^[ \t]+|[ \t]+$/, "", text)
	number = $2 + 0
}
# A label has a count of its own that says nothing: the gotos are lines too.
text ~ /^[a-z_0-9]+:$/ { next }
hits == "-" || number == 0 { next }
{ lines++ }
hits ~ /^[#=]/ {
	if ((file "|" text) in allowed) { excused++; next }
	print "# did not run: " file ":" number ": " text
	missed++
	next
}
{ ran++; counts = 1 }
END {
	end_line()
	printf "# module coverage: %d of %d branches, as the optimizer left them, taken, %d cannot\n", \
		all_ways - not_taken, all_ways, excused_ways
	printf "# module coverage: %d of %d lines ran, %d cannot\n", ran, lines, excused
	exit missed || !lines
}' $files
