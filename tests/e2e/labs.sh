#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Labs are data: the one in tests/labs/note is graded by the same program, and
# what is wrong with a lab is told with file and line and is no module's fault.
# What our own lab says is said the same wherever else its items are told. TAP.
#
# Environment: KERNEL, the kernel's name (stock).
set -eu

cd "$(dirname "$0")/../.."
. tests/lib/make.sh
kernel=${KERNEL:-stock}
grader=build/bin/kshram-grade
note=tests/labs/note
built=build/tests/labs/$kernel
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/tap.sh

bail() {
	sed 's/^/# /' "$tmp/log"
	echo "Bail out! $1"
	exit 1
}
make_alone "$grader" >"$tmp/log" 2>&1 || bail "the grader does not build"

# wrong NAME SED: a note.c that differs in that.
mkdir -p build/tests/labs/src
wrong() {
	sed "$2" "$note/note.c" >"$tmp/$1.c"
	! cmp -s "$tmp/$1.c" "$note/note.c" || bail "$1: nothing was changed"
	cmp -s "$tmp/$1.c" "build/tests/labs/src/$1.c" || cp "$tmp/$1.c" build/tests/labs/src/
}
: >"$tmp/log"
wrong cut 's/page\[count\] = /page[count \/ 2] = /'
wrong copy 's/virt_to_phys(page)/virt_to_phys(kzalloc(PAGE_SIZE, GFP_KERNEL))/'
wrong unmappable 's/\.mmap = /\/\/ .mmap = /'
wrong unreadable 's/\.read = /\/\/ .read = /'
cat >"$tmp/Kbuild" <<'END'
# SPDX-License-Identifier: GPL-2.0
obj-m += note.o cut.o copy.o unmappable.o unreadable.o
ccflags-y += -Wno-unused-function
END
kernel/kbuild "$kernel" "$built" "$note/note.c" build/tests/labs/src/*.c "$tmp/Kbuild" \
	>"$tmp/log" 2>&1 || bail "the modules do not build"

# grade ARGUMENT... - run the grader; out, err and status are what came of it.
grade() {
	status=0
	"$grader" --no-advice "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
	cat "$tmp/out" "$tmp/err"
	echo "status $status"
}

# scores NAME SCORE WORDS: this module gets so many points of the ten, and the
# reason has the words.
scores() {
	want=1
	[ "$2" -ne 10 ] || want=0
	grade --lab "$note" --kernel "$kernel" --json "$built/$1.ko"
	[ "$status" -eq "$want" ] && [ "$(jq .score "$tmp/out")" -eq "$2" ] &&
		jq -r '.items[].reason' "$tmp/out" | grep -Eq -- "$3"
}

# --- a second lab ------------------------------------------------------------------

check "a module of the second lab that is right gets all of its points" scores note 10 ''
says() {
	jq -e "$1" "$tmp/out"
}
check "JSON names the lab, its items and its limit" says \
	'.lab == "note" and .total == 10 and .limit == 110 and
	 [.items[].name] == ["boot", "load", "keep", "map", "unload"] and
	 [.items[].max] == [2, 1, 3, 3, 1]'
check "a number that does not come back fails its item, in the lab's words" scores cut 3 \
	'^try 1 of 2: ([0-9]+) was written to /dev/note0, and reading it gave "[0-9]+" \(ended with exit status 0\)\.$'
check "so does a command that fails" scores unreadable 3 \
	'gave "cat: .*" \(ended with exit status [1-9]'
check "processes that do not see one page: the engine's words, and the lab's device" scores copy 6 \
	'^one process wrote 32 bytes at offset [0-9]+ of /dev/note0, another process read others'
check "a call that is not there: the lab's hint" scores unmappable 6 \
	'^mapping 4096 bytes of /dev/note0 failed: .*ENODEV.* The module has no such operation\.$'
table() {
	KSHRAM_LAB=$note grade --kernel "$kernel" --timeout 109 "$built/note.ko"
	[ "$status" -eq 0 ] && tail -n 1 "$tmp/out" | grep -q '^score: 10/10 ' &&
		grep -q 'two processes that map it see one page .* 3/3 .* passed$' "$tmp/out"
}
check "KSHRAM_LAB does what --lab does, and the table shows the lab's items" table

# One that is called otherwise than its devices. Who began with its sample may keep that name.
mkdir "$tmp/apart"
cat >"$tmp/apart/items" <<'END'
lab apart
device note
sample note
item boot 1 it boots
	boot
item load 1 it loads
	load module
	nodes 1
END
apart() {
	grade --lab "$tmp/apart" --kernel "$kernel" --hello "$built/note.ko" "$built/note.ko"
	[ "$status" -eq 0 ] && grep -q '^score: 2/2 ' "$tmp/out"
}
check "a lab that is called otherwise than its devices: a solution is not taken for the sample" apart

# --- labs that are wrong -----------------------------------------------------------

mkdir "$tmp/lab"
# refused WORDS: the lab in $tmp/lab ends it with 2, one line and these words.
refused() {
	grade --lab "$tmp/lab" --kernel "$kernel" "$built/note.ko"
	[ "$status" -eq 2 ] && [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] &&
		grep -qF -- "kshram-grade: $tmp/lab/items$1" "$tmp/err"
}
check "a folder that is no lab: 2" refused ': No such file or directory; is its folder a lab?'
printf 'lab x\nitem boot 1 it boots\nboot\nitem a 1 t\n\texplode now\n' >"$tmp/lab/items"
check "a step that nobody knows: 2, with file and line" refused ":5: nobody knows how to 'explode'"
printf 'lab x\nfile none\n' >"$tmp/lab/items"
check "a file that is not there: 2" refused ":2: there is no file 'none'"
cat >"$tmp/lab/items" <<'END'
lab x
device note
item boot 1 it boots
	boot
item a 1 it asks for what is not there
	load module
	open 0, 0
	map 0, 4096
	store 0, 4096 - 31, 32
END
check "a lab that goes wrong while it runs: 2, and it is not the module's fault" \
	refused ':9: 32 bytes at offset 4065 are not in what is mapped'
cat >"$tmp/lab/items" <<'END'
lab x
sample note
item boot 1 it boots
	boot
END
check "a sample that was not built: 2, by its name" \
	sh -c "! '$grader' --lab '$tmp/lab' --kernel '$kernel' '$built/note.ko' 2>'$tmp/err' &&
		grep -q '/note.ko' '$tmp/err'"

# --- our own lab, told elsewhere ------------------------------------------------------

# items: "POINTS TITLE" of each item of ours.
items() {
	sed -n 's/^item [^ ]* \([0-9]* .*\)/\1/p' lab/kshram/items
}
assignment() {
	sed -n 's/^| [1-8] | \([0-9]*\) | \(.*\) |$/\1 \2/p' lab/kit/lab.md | tr -d '`' |
		sed 's/loads, and/loads,/' >"$tmp/told"
	items | diff "$tmp/told" -
}
check "the assignment has the items, their points and their order" assignment
manual() {
	sed -n 's/^[1-8]  *\([0-9]* \) *\(.*\)$/\1\2/p' docs/kshram-grade.1 |
		sed 's/the module loads, and/kshram.ko loads,/; s,to /dev/,to ,' >"$tmp/told"
	items | diff "$tmp/told" -
}
check "and so has the manual page" manual
verbs() {
	sed -n 's/^	{ \.name = "\([a-z]*\)".*/\1/p' grade/verbs.c | sort >"$tmp/known"
	sed -n '/^\.SH LABS/,/^\.SH EXIT/s/^\.B[IR]* "*\([a-z]*\).*/\1/p' docs/kshram-grade.1 |
		sort -u >"$tmp/told"
	[ -s "$tmp/known" ] && comm -23 "$tmp/known" "$tmp/told" >"$tmp/untold"
	cat "$tmp/untold"
	[ ! -s "$tmp/untold" ]
}
check "every verb is in the manual page" verbs

echo "1..$count"
[ "$failed" -eq 0 ]
