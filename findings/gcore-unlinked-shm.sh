#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Whether shared memory is in a core file depends on whether it was unlinked
#
# Programs: gdb 13.1-3 (bookworm), 16.3-1 (trixie); python3 maps the memory.
# Guess: a core file has all that a process can write, or shared memory always, or never.
# Really: gcore writes a shared mapping of a file below /dev/shm when the file was unlinked
#   (shm_unlink) after it was mapped, and leaves it out while it has a name: the same
#   bytes of the same process. A memfd, which never has a name, is written.
# Why: a shared mapping whose file has no link counts as anonymous, and the default of
#   /proc/PID/coredump_filter, 0x33, has anonymous shared mappings and no file-backed ones
#   (core(5)); the kernel looks at i_nlink (vma_dump_size() in fs/coredump.c), gdb at
#   " (deleted)" in /proc/PID/smaps (dump_mapping_p() in gdb/linux-tdep.c).
# Matters to: whoever debugs programs that share memory: what one wants to see is missing from
#   the cores of just those programs that keep the name for others to open.
#
# Seen on 2026-11-29:
#   bookworm: a file that has its name is in the core: no
#   bookworm: a file that was unlinked is in the core: yes
#   bookworm: a memfd is in the core: yes
#   trixie: a file that has its name is in the core: no
#   trixie: a file that was unlinked is in the core: yes
#   trixie: a memfd is in the core: yes

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm gdb=13.1-3 python3 dash
install trixie trixie gdb=16.3-1 python3 dash
cat >"$work/maps.py" <<'END'
import mmap, os, sys
how, ready, done = sys.argv[1:]
name = "/dev/shm/findings.%d" % os.getpid()
if how == "memfd":
    fd = os.memfd_create("findings")
else:
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
os.ftruncate(fd, 4096)
memory = mmap.mmap(fd, 4096)
os.close(fd)
if how == "unlinked":
    os.unlink(name)
# Put together in the mapping, so that the word is nowhere else in the process.
for at, letter in enumerate(reversed("yromem derahs siht")):
    memory[at] = ord(letter)
open(ready, "w").close()
open(done).read()
if how == "named":
    os.unlink(name)
END

# in_core ROOT HOW: whether a core file of a process with such memory has its contents.
in_core()
{
	rm -f "$work/ready" "$work/done" "$work/core"
	mkfifo "$work/ready" "$work/done"
	inside "$1" python3 "$work/maps.py" "$2" "$work/ready" "$work/done" &
	child=$!
	cat "$work/ready"
	pid=$(pgrep -f "maps.py $2 $work/ready" | tail -n 1)
	inside "$1" gdb -q -batch -p "$pid" -ex "generate-core-file $work/core" >"$work/gdb" 2>&1 || :
	: >"$work/done"
	wait "$child" || :
	[ -s "$work/core" ] || cannot "gdb wrote no core file: $(tail -n 1 "$work/gdb")"
	if grep -aq 'this shared memory' "$work/core"; then echo yes; else echo no; fi
}

need pgrep
for root in bookworm trixie; do
	saw "$root: a file that has its name is in the core" no "$(in_core "$root" named)"
	saw "$root: a file that was unlinked is in the core" yes "$(in_core "$root" unlinked)"
	saw "$root: a memfd is in the core" yes "$(in_core "$root" memfd)"
done
conclude
