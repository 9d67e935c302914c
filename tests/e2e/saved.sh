#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Saved machines, in TAP: the verdict is that of a cold machine, no two draw the
# same, another machine is never taken for this one, and whatever is wrong with a
# saved one costs time and nothing else.
#
# Environment: KERNEL, the kernel's name (lab, which boots twice as fast as stock).
set -eu

cd "$(dirname "$0")/../.."
. tests/lib/make.sh
kernel=${KERNEL:-lab}
grader=$PWD/build/bin/kshram-grade
vm=$PWD/build/bin/kshram-vm
module=build/$kernel/kshram.ko
hello=build/$kernel/hellomod.ko
dir=$(kernel/get --cached "$kernel")
tmp=$(mktemp -d)
pid=
clean() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || :
	rm -rf "$tmp"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/tap.sh
. tests/lib/cases.sh

# Two suites that start together would build the same files.
mkdir -p build/tests
make_alone build/tests/spoil build/tests/preload.so >&2
preload=$PWD/build/tests/preload.so

# Saved machines of our own; the kernels are everybody's.
outer=${XDG_CACHE_HOME:-${HOME:?}/.cache}
export XDG_CACHE_HOME="$tmp/cache"
saved=$tmp/cache/kshram/saved
mkdir -p "$XDG_CACHE_HOME"

for file in "$grader" "$vm" "$module" "$hello"; do
	[ -e "$file" ] || {
		echo "Bail out! $file is not there: type make all module KERNEL=$kernel"
		exit 1
	}
done

# grade FILE ARGUMENT... - the verdict as JSON in FILE; 2 is no verdict.
grade() {
	to=$1
	shift
	status=0
	"$grader" --json --no-advice --timeout 600 --kernel "$dir" --hello "$hello" "$@" >"$to" || status=$?
	cat "$to"
	[ "$status" -ne 2 ]
}

# verdict FILE - what must not depend on where the machine came from.
verdict() {
	jq -S '{score, items: [.items[] | {number, result, points, reason}]}' "$1"
}

machines() {
	find "$saved" -mindepth 1 -maxdepth 1 -type d | grep -c . || :
}

# --- it is saved once ------------------------------------------------------------

first() {
	grade "$tmp/first" "$module" &&
		jq -e '.machine == "restored" and .score == 100' "$tmp/first" &&
		[ "$(machines)" -eq 1 ]
}
check "the first run saves a machine and grades in it" first

# What its kernel would else say in the midst of a grading.
settled() {
	grep -a 'clocksource: Switched to' "$saved"/*/console >"$tmp/clocks" || :
	cat "$tmp/clocks"
	[ -s "$tmp/clocks" ] && ! tail -n 1 "$tmp/clocks" | grep -q early
}
check "its kernel has chosen its clock" settled

again() {
	touch "$tmp/mark"
	grade "$tmp/again" --log "$tmp/log" "$module" &&
		jq -e '.machine == "restored" and .score == 100 and .notes == []' "$tmp/again" &&
		[ -z "$(find "$saved" -name ram -newer "$tmp/mark")" ]
}
check "the second takes it from there" again
check "items 1 and 2 are those that were done before the save" \
	jq -e '[.items[] | select(.saved) | .name] == ["boot", "hellomod"]' "$tmp/again"
check "the console begins with the saved machine's boot" \
	grep -q 'Linux version' "$tmp/log"
check "... and has the sample module in it" grep -q 'hellomod' "$tmp/log"

cold() {
	grade "$tmp/cold" --cold "$module" &&
		jq -e '.machine == "cold" and .score == 100 and (any(.items[]; .saved) | not)' \
			"$tmp/cold"
}
check "--cold does all eight items anew" cold

same_as_cold() {
	verdict "$tmp/cold" >"$tmp/a" && verdict "$tmp/again" >"$tmp/b" && diff "$tmp/a" "$tmp/b"
}
check "our module: the verdict is the cold one's" same_as_cold

# advised MACHINE MORE ARGUMENT... - advice comes from such a machine, of which so
# many are saved now that were not before.
advised() {
	from=$1 more=$2
	shift 2
	before=$(machines)
	grade "$tmp/advised" "$@" --advice "$module" &&
		jq -e --arg from "$from" '.advised.machine == $from and .advised.missing == "" and
			.advice == []' "$tmp/advised" &&
		[ "$(machines)" -eq $((before + more)) ]
}
check "advice has a saved machine of its own" advised restored 1
check "... and takes it from there" advised restored 0
check "--cold boots one for it" advised cold 0 --cold

# --- bad modules -------------------------------------------------------------------

# bad_module NAME - build what tests/bad/NAME.patch makes of tests/good/plain.c.
bad_module() {
	patched "tests/bad/$1.patch" "$tmp/src" && mkdir -p "$tmp/$1.src" || return 1
	printf '# SPDX-License-Identifier: GPL-2.0\nobj-m += %s.o\n' "$1" >"$tmp/$1.src/Kbuild"
	XDG_CACHE_HOME=$outer kernel/kbuild "$kernel" "$tmp/bad" "$tmp/src/$1.c" "$tmp/$1.src/Kbuild" \
		module/compat.h include/kshram.h
}

# bad NAME - graded cold and restored, the same comes out, and not full marks.
bad() {
	bad_module "$1" || return 1
	grade "$tmp/$1.cold" --cold "$tmp/bad/$1.ko" &&
		grade "$tmp/$1.saved" "$tmp/bad/$1.ko" &&
		jq -e '.machine == "restored" and .score < 100' "$tmp/$1.saved" || return 1
	# Addresses and offsets in the kernel's reports may differ; the score may not.
	jq -S '[.score, [.items[] | .result]]' "$tmp/$1.cold" >"$tmp/a"
	jq -S '[.score, [.items[] | .result]]' "$tmp/$1.saved" >"$tmp/b"
	diff "$tmp/a" "$tmp/b"
}
for name in seven_nodes init_oops shared_buffer; do
	check "tests/bad/$name: the verdict is the cold one's" bad "$name"
done

jailed() {
	grade "$tmp/jail" --jail "$module" &&
		jq -e '.machine == "restored" and .score == 100 and .notes == []' "$tmp/jail"
}
if command -v bwrap >/dev/null; then
	check "in a jail: restored, and full marks" jailed
fi

# --- how the module gets there ---------------------------------------------------------

# stores WORD [FORBID] - a grading restored, full marks; what the host said.
stores() {
	rm -f "$tmp/stores"
	LD_PRELOAD=$preload STORES=$tmp/stores FORBID=${2:-} grade "$tmp/stored" "$module" &&
		sort -u "$tmp/stores" | grep -qx "$1" &&
		jq -e '.machine == "restored" and .score == 100 and .notes == []' "$tmp/stored"
}
check "the module is stored in the machine's memory" stores yes
check "where the host forbids that, it is sent" stores no 1

# --- an end that is not the saved machine's doing ------------------------------------------

# There is one, the same as before.
kept() {
	after=$(find "$saved" -name ram -printf '%i %h\n' | sort)
	echo "$after"
	[ "$after" = "$before" ]
}
# killed_at PLACE: the host kills QEMU there, as it does for want of memory: cold once, with a
# note, and what was saved is not thrown away.
killed_at() {
	before=$(find "$saved" -name ram -printf '%i %h\n' | sort)
	LD_PRELOAD=$preload HIT="$1 1 qemu 9" grade "$tmp/hit" "$module" &&
		jq -e '.machine == "cold" and .score == 100 and (.notes | length) == 1 and
		(.notes[0] | (contains("killed by signal 9") and (contains("thrown away") | not)))' \
		"$tmp/hit" && kept && grade "$tmp/hit" "$module" &&
		jq -e '.machine == "restored" and .notes == []' "$tmp/hit"
}
check "QEMU is killed while it restores: cold once, and the saved machine stays" killed_at restore
check "... while the module is stored: the same" killed_at store
# A crash of QEMU may well be for what it was given.
crashed_at_store() {
	LD_PRELOAD=$preload HIT="store 1 qemu 11" grade "$tmp/hit" "$module" &&
		jq -e '.machine == "cold" and .score == 100 and (.notes | length) == 1 and
		(.notes[0] | (contains("killed by signal 11") and contains("thrown away")))' \
		"$tmp/hit" && [ "$(machines)" -eq $((had - 1)) ]
}
had=$(machines)
check "QEMU crashes there: it is thrown away" crashed_at_store
# The advice has a machine of its own, the second that a module is stored in.
advice_goes_on() {
	grade "$tmp/whole" --advice "$module" >/dev/null || return 1
	had=$(machines)
	LD_PRELOAD=$preload HIT="store 2 qemu 11" grade "$tmp/hit" --advice "$module" &&
		jq -e '.machine == "restored" and .advised.machine == "cold" and
		.advised.missing == "" and .advice == []' "$tmp/hit" &&
		[ "$(machines)" -eq $((had - 1)) ] && advised restored 1
}
check "... that of the advice, too, and one is booted for it" advice_goes_on
told_to_stop() {
	"$vm" --saved --timeout 600 --kernel "$dir" -- true || return
	before=$(find "$saved" -name ram -printf '%i %h\n' | sort)
	status=0
	LD_PRELOAD=$preload HIT="restore 1 self 15" \
		"$vm" --saved --timeout 600 --kernel "$dir" -- true || status=$?
	echo "status $status"
	[ "$status" -eq 143 ] && kept
}
check "whoever is told to stop while it restores does not throw it away" told_to_stop

# --- what is drawn -------------------------------------------------------------------

# draws - random bytes of a restored machine, by every road user space has. The 16 bytes that
# a new program is given lie where entry 25 (AT_RANDOM) of its auxiliary vector says.
draws() {
	"$vm" --saved --timeout 600 --kernel "$dir" -- sh -c '
		head -c 16 /dev/urandom | hexdump -ve "1/1 \"%02x\""; echo
		cat /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id
		hexdump -ve "4/4 \"%08x \" \"\n\"" /proc/$$/auxv | while read -r type zero low high; do
			[ "$type" != 00000019 ] ||
				dd if=/proc/$$/mem bs=1 skip=$((0x$high$low)) count=16 2>/dev/null |
				hexdump -ve "1/1 \"%02x\""
		done
		echo
		sed -n "/stack/s/-.*//p" /proc/self/maps
		date +%s'
}
no_two_alike() {
	draws >"$tmp/draw0" || return 1
	for i in 1 2 3; do
		draws >"$tmp/draw$i" || return 1
	done
	cat "$tmp"/draw?
	for line in 1 2 3 4 5; do
		n=$(for i in 0 1 2 3; do sed -n "${line}p" "$tmp/draw$i"; done | sort -u | grep -c .)
		[ "$n" -eq 4 ] || {
			echo "line $line: $n different of 4"
			return 1
		}
	done
}
check "no two restored machines draw the same: urandom, uuid, boot_id, AT_RANDOM, the stack" no_two_alike

# --- other files, other disks ------------------------------------------------------------

. tests/e2e/saved/files.sh

build_draws() {
	mkdir -p "$tmp/draws.src" || return 1
	cp tests/e2e/saved/draws.c "$tmp/draws.src/draws.c"
	cp tests/e2e/saved/draws.c "$tmp/draws.src/drew.c"
	printf '# SPDX-License-Identifier: GPL-2.0\nobj-m += draws.o drew.o\n' >"$tmp/draws.src/Kbuild"
	XDG_CACHE_HOME=$outer kernel/kbuild "$kernel" "$tmp/draws" "$tmp/draws.src/draws.c" \
		"$tmp/draws.src/drew.c" "$tmp/draws.src/Kbuild"
}
check "a module that says what the kernel draws builds" build_draws

# The machine has drawn with the same module, as its sample, before it was saved. Of three times
# three values no two are the same, and what was drawn before is.
gradings_draw() {
	for i in 1 2; do
		grade "$tmp/drawn" --hello "$tmp/draws/drew.ko" --log "$tmp/drawn$i" "$tmp/draws/draws.ko" &&
			jq -e '.machine == "restored" and .notes == []' "$tmp/drawn" || return 1
		grep -a ' drew: drew ' "$tmp/drawn$i" >"$tmp/before$i" &&
			grep -a ' draws: drew ' "$tmp/drawn$i" >"$tmp/then$i" || return 1
	done
	cat "$tmp/before1" "$tmp/then1" "$tmp/then2"
	cmp "$tmp/before1" "$tmp/before2" || return 1
	for kind in bytes u32 u64; do
		n=$(sed -n "s/.* $kind=\([0-9a-f]*\).*/\1/p" "$tmp/before1" "$tmp/then1" "$tmp/then2" |
			sort -u | wc -l)
		[ "$n" -eq 3 ] || {
			echo "$kind: $n different of 3"
			return 1
		}
	done
}
check "no two gradings draw the same in the kernel, nor what was drawn before the save" gradings_draw

right_clock() {
	now=$(date +%s)
	guest=$(sed -n '6p' "$tmp/draw3")
	echo "host $now, guest $guest"
	[ $((now - guest)) -ge 0 ] && [ $((now - guest)) -lt 120 ]
}
check "its clock is the host's" right_clock

# --- another machine is another machine -----------------------------------------------

other_agent() {
	before=$(machines)
	cp build/guest/kshram-agent "$tmp/agent" && echo >>"$tmp/agent"
	KSHRAM_AGENT=$tmp/agent grade "$tmp/agent.json" "$module" &&
		jq -e '.score == 100' "$tmp/agent.json" && [ "$(machines)" -eq $((before + 1)) ]
}
check "another agent: another machine is saved" other_agent

# other_qemu FILE...: with the QEMU below $tmp/other, whose FILE was replaced.
other_qemu() {
	for file; do
		cp -L "${program%/bin/*}/$file" "$tmp/other/$file" &&
			touch -d '2001-02-03' "$tmp/other/$file" || return 1
	done
	before=$(machines)
	PATH=$tmp/other/bin:$PATH grade "$tmp/other.json" "$module" &&
		jq -e '.machine == "restored" and .score == 100 and .notes == []' "$tmp/other.json" &&
		[ "$(machines)" -eq $((before + 1)) ]
}
program=$(readlink -f "$(command -v qemu-system-x86_64)")
mkdir -p "$tmp/other/bin" "$tmp/other/share"
# It looks for its modules beside itself.
ln -s "${program%/bin/*}/lib" "$tmp/other/lib"
for dir_of in qemu seabios; do
	cp -rL "${program%/bin/*}/share/$dir_of" "$tmp/other/share/" 2>/dev/null || :
done
check "another QEMU: another machine is saved" other_qemu bin/qemu-system-x86_64
check "other firmware of the same QEMU: the same" other_qemu share/seabios/bios-256k.bin

# --- damage ---------------------------------------------------------------------------

newest() {
	find "$saved" -name about -printf '%T@ %h\n' | sort -n | tail -n 1 | cut -d ' ' -f 2
}

# damage FILE OFFSET - turn a byte of the newest machine's file; its times stay.
damage() {
	file=$(newest)/$1
	touch -r "$file" "$tmp/time"
	printf '\125' | dd of="$file" bs=1 seek="$2" conv=notrunc 2>/dev/null
	touch -r "$tmp/time" "$file"
}

# damaged FILE OFFSET - it is noticed, the verdict stands, and a note says so.
damaged() {
	grade "$tmp/whole" "$module" >/dev/null && damage "$1" "$2" || return 1
	grade "$tmp/damaged" "$module" && jq -e "$noticed" "$tmp/damaged"
}
noticed='.machine == "cold" and .score == 100 and any(.notes[]; contains("damaged"))'
# With one machine there is no doubt which is the newest.
rm -rf "$saved"
check "a byte of the memory turned: cold, with a note" damaged ram 8388611
check "a byte of the devices' state turned: the same" damaged state 100
check "a byte of the console turned: the same" damaged console 10
other_time() {
	grade "$tmp/whole" "$module" >/dev/null || return 1
	sed -i 's/"when": 1/"when": 2/' "$(newest)/about"
	grade "$tmp/damaged" "$module" && jq -e "$noticed" "$tmp/damaged"
}
check "another time in the note about it: the same" other_time
cut_short() {
	grade "$tmp/whole" "$module" >/dev/null || return 1
	truncate -s -4096 "$(newest)/ram"
	grade "$tmp/damaged" "$module" && jq -e "$noticed" "$tmp/damaged"
}
check "memory that is cut short: the same" cut_short
anew() {
	[ "$(machines)" -eq 0 ] && grade "$tmp/anew" "$module" && [ "$(machines)" -eq 1 ] &&
		jq -e '.machine == "restored" and .notes == []' "$tmp/anew"
}
check "the run after saves it anew" anew

# --- a machine that is whole, and does not go on -----------------------------------------

# does_not_go_on HOW [SECONDS]: the machine that was saved is thrown away, once, with a word; the run
# that finds it so has a cold one, and the next one saves another.
does_not_go_on() {
	rm -rf "$saved"
	grade "$tmp/whole" "$module" >/dev/null || return 1
	before=$(newest)
	case $1 in
	cut) build/tests/spoil "$before" cut || return ;;
	*) build/tests/spoil "$before" "$1" build/guest/kshram-agent || return ;;
	esac
	grade "$tmp/spoiled" --timeout "${2:-600}" "$module" && [ "$(machines)" -eq 0 ] &&
		jq -e '.machine == "cold" and .score == 100 and (.notes | length) == 1 and
			(.notes[0] | contains("thrown away"))' "$tmp/spoiled" || return 1
	grade "$tmp/anew" "$module" && [ "$(machines)" -eq 1 ] &&
		jq -e '.machine == "restored" and .score == 100 and .notes == []' "$tmp/anew"
}
check "a state that QEMU does not read to its end: cold once, with a note, then anew" \
	does_not_go_on cut
check "a guest that ends at once: the same" does_not_go_on die
check "a guest that hangs: the same, and it is not waited for longer than a grading takes" \
	does_not_go_on hang 40

# --- another lab ------------------------------------------------------------------------

another_lab() {
	before=$(machines)
	mkdir -p "$tmp/lab" || return 1
	sed 's/\<load sample$/load sample howmany=2/' lab/kshram/items >"$tmp/lab/items"
	grade "$tmp/anew" --lab "$tmp/lab" "$module" && [ "$(machines)" -eq $((before + 1)) ] &&
		jq -e '.machine == "restored" and .score == 100' "$tmp/anew"
}
check "a lab that does something else before the module: another machine" another_lab

# --- other users -----------------------------------------------------------------------

# not_ours - the cache is not used, and not touched.
not_ours() {
	grade "$tmp/others" "$module" || return 1
	jq -e '.machine == "cold" and .score == 100 and
		any(.notes[]; contains("others may write to it"))' "$tmp/others"
}
writable() {
	chmod g+w "$saved" && not_ours && chmod g-w "$saved"
}
check "a cache that others may write to: cold, with a note" writable
linked() {
	mv "$saved" "$tmp/elsewhere" && ln -s "$tmp/elsewhere" "$saved" || return 1
	grade "$tmp/others" "$module"
	rm "$saved" && mv "$tmp/elsewhere" "$saved" || return 1
	jq -e '.machine == "cold" and .score == 100' "$tmp/others"
}
check "a link in its place: the same" linked
foreign_part() {
	# The newest is of another lab.
	rm -rf "$saved"
	grade "$tmp/whole" "$module" >/dev/null || return 1
	file=$(newest)/ram
	cp --sparse=always "$file" "$tmp/ram" && rm "$file" && ln -s "$tmp/ram" "$file" || return 1
	grade "$tmp/others" "$module" && [ ! -e "${file%/*}" ] &&
		jq -e '.machine == "cold" and .score == 100' "$tmp/others"
}
check "a link in place of the memory: the same, and it is removed" foreign_part
of_another_user() {
	grade "$tmp/whole" "$module" >/dev/null && chown nobody "$saved" || return 1
	not_ours
	rc=$?
	chown root "$saved"
	return "$rc"
}
if [ "$(id -u)" -eq 0 ]; then
	check "another user's cache is not root's" of_another_user
fi

# --- a full disk -------------------------------------------------------------------------

# What is smaller than the memory of a machine, in a namespace of mounts of our own.
full_disk() {
	rc=0
	# shellcheck disable=SC2016 # expanded in there
	unshare -rm sh -c '
		mount -t tmpfs -o size=8m none "$XDG_CACHE_HOME" || exit 77
		"$@" >"$0"
		find "$XDG_CACHE_HOME/kshram/saved" -mindepth 1 ! -name "*.lock" >"$0.left"' \
		"$tmp/full" "$grader" --json --no-advice --timeout 600 --kernel "$dir" --hello "$hello" "$module" ||
		rc=$?
	# Without a namespace nothing was written at all.
	[ "$rc" -ne 77 ] && unshare -rm true || return 77
	cat "$tmp/full" "$tmp/full.left"
	jq -e '.machine == "cold" and .score == 100 and
		any(.notes[]; contains("No space left"))' "$tmp/full" && [ ! -s "$tmp/full.left" ]
}
check "a disk too full for a machine: cold, with a note, and nothing is left there" full_disk

# --- a machine that waits ----------------------------------------------------------------

# stand_by FILE ARGUMENT...: a grader that waits for a line on descriptor 5.
stand_by() {
	to=$1
	shift
	rm -f "$tmp/go"
	mkfifo "$tmp/go"
	# The word of the last one must not be taken for this one's.
	: >"$to"
	"$grader" --wait --json --no-advice --timeout 600 --kernel "$dir" --hello "$hello" "$@" \
		<"$tmp/go" >"$to" 2>"$to.err" &
	pid=$!
	exec 5>"$tmp/go"
	tries=0
	until grep -qx waiting "$to"; do
		tries=$((tries + 1))
		[ "$tries" -lt 600 ] && kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
}

# What the grader that waited ended with.
ended() {
	status=0
	wait "$pid" || status=$?
	pid=
	exec 5>&-
	cat "$tmp/waited" "$tmp/waited.err"
}

# The module is not there before the machine is.
waits() {
	stand_by "$tmp/waited" "$tmp/late.ko" || return
	cp "$module" "$tmp/late.ko"
	echo >&5
	ended
	[ "$status" -eq 0 ] && sed 1d "$tmp/waited" >"$tmp/late" &&
		jq -e '.machine == "restored" and .score == 100 and .notes == []' "$tmp/late"
}
check "--wait: a machine that has waited grades the module that is there then" waits

in_vain() {
	stand_by "$tmp/waited" "$tmp/never.ko" || return
	exec 5>&-
	ended
	[ "$status" -eq 2 ] && grep -q 'waited, and no module came' "$tmp/waited.err"
}
check "and ends with status 2 when nothing comes" in_vain

no_file() {
	stand_by "$tmp/waited" "$tmp/never.ko" || return
	echo >&5
	ended
	[ "$status" -eq 2 ] && grep -q 'never.ko: No such file' "$tmp/waited.err"
}
check "or when there is no module then" no_file

dies() {
	stand_by "$tmp/waited" "$module" || return
	kill -9 "$(pgrep -P "$pid" qemu-system)"
	ended
	[ "$status" -eq 2 ] && grep -q 'ended while it waited' "$tmp/waited.err"
}
check "or when the machine is killed while it waits" dies

wrong_use() {
	for wrong in "--kernel $dir --cold" ""; do
		status=0
		# shellcheck disable=SC2086 # options
		"$grader" --wait $wrong "$module" </dev/null >"$tmp/waited" 2>&1 || status=$?
		[ "$status" -eq 2 ] && grep -q -e '--wait needs --kernel' "$tmp/waited" || return
	done
}
check "it needs a kernel, and a machine that can be restored" wrong_use

# --- two at once, and one that is killed ------------------------------------------------

two() {
	rm -rf "$saved"
	grade "$tmp/one" "$module" >/dev/null &
	one=$!
	grade "$tmp/two" "$module" && wait "$one" &&
		jq -e '.machine == "restored" and .score == 100' "$tmp/one" "$tmp/two" &&
		[ "$(machines)" -eq 1 ]
}
check "two at once save one machine" two

# Killed at moments from before the boot to after the save: nothing half is found.
killed() {
	for after in 1 3 6 9; do
		rm -rf "$saved"
		"$grader" --no-advice --timeout 600 --kernel "$dir" --hello "$hello" "$module" \
			>/dev/null 2>&1 &
		pid=$!
		sleep "$after"
		kill -9 "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
		pid=
		for d in "$saved"/*/; do
			case $d in *'*/' | *.new/) continue ;; esac
			[ -e "${d}about" ] && [ -e "${d}ram" ] && [ -e "${d}state" ] || return 1
		done
	done
	grade "$tmp/after" "$module" &&
		jq -e '.machine == "restored" and .score == 100 and .notes == []' "$tmp/after" &&
		[ "$(machines)" -eq 1 ] && [ -z "$(find "$saved" -name '*.new')" ]
}
check "kill -9 during a save leaves nothing half" killed

unusable() {
	XDG_CACHE_HOME=/proc grade "$tmp/nocache" "$module" &&
		jq -e '.machine == "cold" and .score == 100 and (.notes | length) == 1' \
			"$tmp/nocache"
}
check "a cache that cannot be written: cold, with a note" unusable

echo "1..$count"
[ "$failed" -eq 0 ]
