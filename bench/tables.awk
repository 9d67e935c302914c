# SPDX-License-Identifier: GPL-2.0
#
# Figures of bench/module.sh as Markdown tables. Each line of input:
# KERNEL OPERATION OBJECT BYTES COUNT, and "KERNEL release NAME 0 0" in front.

function size_name(bytes) {
	return bytes < 1048576 ? bytes / 1024 " KiB" : bytes / 1048576 " MiB"
}

# A ratio with three digits that count, or a dash where there is no figure.
function ratio(kernel, operation, object, bytes, base,   r) {
	if (!((kernel, operation, object, bytes) in count))
		return "–"
	r = count[kernel, operation, object, bytes] / base
	return sprintf(r < 0.1 ? "%.4f" : r < 10 ? "%.3f" : "%.1f", r)
}

# The objects of a table, and its first lines.
function heading(what, names,   i) {
	objects = split(names, object, " ")
	printf "| %s | memfd, instructions |", what
	for (i = 1; i <= objects; i++) printf " %s |", object[i]
	printf "\n|---|---:|"
	for (i = 1; i <= objects; i++) printf "---:|"
	printf "\n"
}

function row(label, kernel, operation, bytes,   i, base) {
	if (!((kernel, operation, "memfd", bytes) in count))
		return
	base = count[kernel, operation, "memfd", bytes]
	printf "| %s | %d |", label, base
	for (i = 1; i <= objects; i++)
		printf " %s |", ratio(kernel, operation, object[i], bytes, base)
	printf "\n"
}

function maps(kernel, operation, names, title,   i) {
	printf "\n%s\n\n", title
	heading("size", names)
	for (i = 1; i <= sizes; i++) row(size_name(size[i]), kernel, operation, size[i])
}

# message(KERNEL, LABEL, OPERATION, OBJECT): one line of the table of messages.
function message(kernel, label, operation, what) {
	if ((kernel, operation, what, 64) in count)
		printf "| %s | %d | %s |\n", label, count[kernel, operation, what, 64],
			ratio(kernel, operation, what, 64, count[kernel, "message", "pipe", 64])
}

# spin(KERNEL, LABEL, OBJECT): one line of the table of spinning.
function spin(kernel, label, what) {
	if ((kernel, "spin", what, 64) in count)
		printf "| %s | %d | %.2f |\n", label, count[kernel, "spin", what, 64],
			count[kernel, "spin", what, 64] / count[kernel, "spin", "memfd", 64]
}

$2 == "release" { release[$1] = $3; next }
{
	count[$1, $2, $3, $4] = $5
	if ($2 == "map" && !seen[$4]++) {
		for (i = ++sizes; i > 1 && size[i - 1] + 0 > $4 + 0; i--) size[i] = size[i - 1]
		size[i] = $4
	}
}

END {
	print "# What shared memory costs"
	print ""
	print "Instructions that the processor executes, in the program and in the kernel, for one time;"
	print "except in the column of memfd, as a ratio to memfd on the same kernel, so less than 1 is"
	print "better than memfd. *kmalloc* and *shmem* are slots of kshram with this backing, *posix* is a file"
	print "in `/dev/shm`, *sysv* a segment of `shmget`. All are made, sized and filled once, before."
	print "*anonymous* is private memory, which has to be allocated and cleared each time."
	print ""
	print "Mappings lie below the vdso in page tables that exist, as they do beside a program's libraries."
	print "A string instruction of the count clears or copies one byte, or eight, at a time; real"
	print "processors move many at once. So whatever clears memory (anonymous, page tables) or copies"
	print "it (resize, read, write) is cheaper on them than here. What the kernel\x27s caches have at hand is"
	print "chance and makes up to two per cent: of many such states the lower quintile counts."
	print ""
	print "![map, store into every page, unmap](bench.svg)"
	print ""
	print "Written by `bench/module.sh --output docs " kernels "` (commit " commit "), in machines of QEMU " host
	print "with its processor `max`; not to be edited."
	total = split(kernels, name, " ")
	for (k = 1; k <= total; k++) {
		kernel = name[k]
		printf "\n## Linux %s (%s)\n", release[kernel], kernel
		maps(kernel, "map", "kmalloc shmem posix sysv anonymous", "Map, store into every page, unmap:")
		maps(kernel, "open+map", "kmalloc shmem posix sysv",
			"The same with opening before and closing after (memfd: through `/proc/self/fd`):")
		printf "\nSystem calls on 256 KiB; *size* is `KSHRAM_GETSIZE` or `fstat`, *resize* `KSHRAM_SETSIZE` or\n"
		printf "`ftruncate`, to 1 MiB and back; *in use*: the new size is mapped and written to in between.\n"
		printf "kmalloc copies what is in the slot and clears the rest, each byte once; shmem and files\n"
		printf "allocate and clear at the first touch.\n\n"
		heading("call", "kmalloc shmem posix")
		row("size", kernel, "size", 262144)
		row("resize", kernel, "resize", 262144)
		row("resize, in use", kernel, "resize+map", 262144)
		row("read 4 KiB", kernel, "read", 262144)
		row("write 4 KiB", kernel, "write", 262144)
		printf "\nA message of 64 bytes to another process and back, both asleep while they wait, on one CPU:\n\n"
		print "| by | instructions | ratio to a pipe |"
		print "|---|---:|---:|"
		message(kernel, "pipe", "message", "pipe")
		message(kernel, "Unix socket", "message", "socket")
		message(kernel, "kmalloc, bell and `poll`", "message", "kmalloc")
		message(kernel, "shmem, bell and `poll`", "message", "shmem")
		message(kernel, "shmem, futex", "futex", "shmem")
		message(kernel, "memfd, futex", "futex", "memfd")
		printf "\nThe same where both spin on a word of the mapping and never sleep, on two emulated CPUs.\n"
		printf "Instructions cannot be counted there: this is time of the host that measured, in ticks of its\n"
		printf "time-stamp counter, which is another in every run; ratios are the median of rounds in which the\n"
		printf "three took turns, and differ by some per cent:\n\n"
		print "| by | ticks | ratio to memfd |"
		print "|---|---:|---:|"
		spin(kernel, "memfd, spinning", "memfd")
		spin(kernel, "kmalloc, spinning", "kmalloc")
		spin(kernel, "shmem, spinning", "shmem")
	}
}
