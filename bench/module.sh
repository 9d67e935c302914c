#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the module costs, against other shared memory: bench/module.sh --help.
set -eu
cd "$(dirname "$0")/.."

usage() {
	cat <<'END'
usage: bench/module.sh [--quick] [--figures FILE] [--output DIRECTORY] [KERNEL]...

Measures slots of both backings, memfd, POSIX and System V shared memory and
anonymous memory in a machine of each KERNEL (a name that kernel/get knows;
default: 6.1), and prints tables in Markdown. The machine's clock counts
instructions: the figures do not depend on how fast or how busy the host is.
Only for processes that spin, which takes two processors at once, there is a
second machine, and figures are ticks of the time-stamp counter.

  --quick             two small sizes, and few rounds of spinning
  --figures FILE      also write what was measured to FILE, one figure a line:
                      kernel, operation, object, bytes, instructions for one time
                      (ticks where the operation is "spin")
  --output DIRECTORY  write bench.md and bench.svg there instead
  --help              this text

Wants build/guest/bench, build/bin/kshram-vm and build/KERNEL/kshram.ko: make all,
make module KERNEL=NAME.
Exit status: 0, 1 when a machine or the program in it failed, 2 for wrong arguments, 3
when mapping costs more than it should (bench/wanted.awk; not asked with --quick).
END
}

wrong() {
	echo "bench/module.sh: $1 (bench/module.sh --help says how)" >&2
	exit 2
}

sizes='4096 65536 1048576 4194304'
large=268435456
spins=15
quick=false
figures=
output=
while [ $# -gt 0 ]; do
	case $1 in
	--help)
		usage
		exit 0
		;;
	--quick) quick=true ;;
	--figures)
		figures=${2:-}
		[ -n "$figures" ] || wrong "--figures wants a file"
		shift
		;;
	--output)
		[ -d "${2:-}" ] || wrong "--output wants a directory, not '${2:-}'"
		output=$2
		shift
		;;
	-*) wrong "there is no option $1" ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || set -- 6.1
if $quick; then
	sizes='4096 65536'
	large=
	spins=5
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What runs in the machine. In rounds, because now and then a process finds the kernel
# in a rare state; the largest size, which takes longest, only once.
cat >"$work/all.sh" <<END
set -e
large='$large'
for round in 1 2 3; do
	insmod /kshram.ko max_total=512M
	bench kmalloc $sizes
	rmmod kshram
	insmod /kshram.ko backing=shmem max_total=512M
	bench shmem $sizes \$large
	rmmod kshram
	for object in memfd posix sysv anonymous; do
		bench \$object $sizes \$large
	done
	bench streams
	large=
done
END

# memfd last of each round: see spins.
cat >"$work/spin.sh" <<END
set -e
round=0
while [ \$round -lt $spins ]; do
	round=\$((round + 1))
	for backing in kmalloc shmem; do
		insmod /kshram.ko backing=\$backing
		bench --spin \$backing
		rmmod kshram
	done
	bench --spin memfd
done
END

# medians: of the figures that have all words but the last in common.
medians() {
	sort -k 1,1 -k 2,2 -k 3,3n -k 4,4n | awk '
	function flush() { if (n) print key, value[int((n + 1) / 2)]; n = 0 }
	$1 " " $2 " " $3 != key { flush(); key = $1 " " $2 " " $3 }
	{ value[++n] = $4 }
	END { flush() }'
}

# spins: the time of memfd, which is that of the median round, and of the others by the
# median of what each round has as their ratio to it. What else the host does, and where
# it runs the two processors, can double all three from one round to another.
spins() {
	awk '
	function middle(list,   i, j, swap) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
				swap = list[j]
				list[j] = list[j - 1]
				list[j - 1] = swap
			}
		return list[int((n + 1) / 2)]
	}
	$1 != "spin" { next }
	{ value[$2] = $4 }
	$2 == "memfd" {
		n++
		memfd[n] = $4
		kmalloc[n] = value["kmalloc"] / $4
		shmem[n] = value["shmem"] / $4
	}
	END {
		base = middle(memfd)
		print "spin memfd 64", base
		printf "spin kmalloc 64 %d\nspin shmem 64 %d\n",
			base * middle(kmalloc), base * middle(shmem)
	}'
}

# machine KERNEL SCRIPT OPTION...: what that prints in such a machine. Where mappings lie
# decides how many page tables each needs: with norandmaps it is not at random but
# below the vdso, as in a program that has libraries there.
machine() {
	on=$1 script=$2
	shift 2
	build/bin/kshram-vm --kernel "$on" "$@" --append norandmaps \
		--timeout 1800 --add build/guest/bench:/bin/bench --add "build/$on/kshram.ko" \
		--add "$work/$script:/measure.sh" -- \
		sh -c 'echo "release $(uname -r) 0 0" && sh /measure.sh' >"$work/out" || {
		echo "bench/module.sh: measuring on $on failed" >&2
		exit 1
	}
}

# measured KERNEL: measure, add the figures.
measured() {
	[ ! -t 2 ] || printf '\r\033[Kmeasuring on %s' "$1" >&2
	machine "$1" all.sh --icount --cpus 1 --memory 1024
	medians <"$work/out" | sed "s|^|$1 |" >>"$work/figures"
	machine "$1" spin.sh --cpus 2
	spins <"$work/out" | sed "s|^|$1 |" >>"$work/figures"
}

for kernel; do
	measured "$kernel"
done
[ ! -t 2 ] || printf '\r\033[K' >&2

[ -z "$figures" ] || cp "$work/figures" "$figures"
commit=$(git -c safe.directory="$(pwd)" rev-parse --short HEAD 2>/dev/null || echo unknown)
git -c safe.directory="$(pwd)" diff --quiet HEAD -- module include bench/guest.c bench/measure.c 2>/dev/null ||
	commit="$commit, with changes"
host=$(qemu-system-x86_64 --version | sed -n '1s/^QEMU emulator version \([0-9.]*\).*/\1/p')
awk -v commit="$commit" -v host="$host" -v kernels="$*" -f bench/tables.awk "$work/figures" >"$work/bench.md"
if [ -z "$output" ]; then
	cat "$work/bench.md"
else
	awk -v commit="$commit" -f bench/plot.awk "$work/figures" >"$work/bench.svg"
	cp "$work/bench.md" "$work/bench.svg" "$output"
fi
$quick || awk -f bench/wanted.awk "$work/figures" >&2
