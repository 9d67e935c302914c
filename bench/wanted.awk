# SPDX-License-Identifier: GPL-2.0
#
# Figures of bench/module.sh (see tables.awk) against what map, store, unmap may cost at
# most, as a ratio to memfd on the same kernel. A line for each that is above, and then
# the exit status is 3.

# most(KERNEL, OBJECT, BYTES): that ratio; 0 where none is wanted.
function most(kernel, object, bytes) {
	if (object == "shmem") return 1.02
	if (object != "kmalloc") return 0
	if (large[kernel])
		return bytes == 4096 ? 0.95 : bytes == 65536 ? 0.30 : bytes == 1048576 ? 0.09 : 0.01
	return bytes == 4096 ? 1.1 : bytes == 65536 ? 0.6 : bytes == 1048576 ? 0.125 : 0.078
}

# Entries of 2 MiB, and a cheaper fault, are there since 6.12.
$2 == "release" {
	split($3, version, ".")
	large[$1] = version[1] > 6 || (version[1] == 6 && version[2] >= 12)
}
$2 == "map" { count[$1, $3, $4] = $5 }

END {
	for (key in count) {
		split(key, part, SUBSEP)
		limit = most(part[1], part[2], part[3])
		base = count[part[1], "memfd", part[3]]
		if (!limit || !base || count[key] <= limit * base)
			continue
		printf "%s: %s maps %d bytes in %.3f of memfd, wanted at most %s\n",
			part[1], part[2], part[3], count[key] / base, limit
		missed = 1
	}
	exit missed ? 3 : 0
}
