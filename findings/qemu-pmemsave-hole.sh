#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# QEMU's pmemsave succeeds where the guest has no memory
#
# Programs: qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3 (bookworm), 1:10.0.13+ds-0+deb13u1
#   (trixie). 11.1.3 does the same.
# Guess: pmemsave of an address at which the machine has neither memory nor a device is an
#   error.
# Really: it succeeds, and writes as many zero bytes as were asked for.
# Why: qmp_pmemsave() reads with cpu_physical_memory_read(), which returns nothing, and
#   unassigned addresses read as 0 (unassigned_mem_read() in softmmu/memory.c of 7.2,
#   system/memory.c of 10.0).
# Matters to: whoever looks into a stopped machine from outside. A wrong physical address,
#   a page-table entry that was misread, say, shows as a page of zeros, which is also what
#   fresh memory shows. Compare with the machine's memory size first.
#
# Seen on 2026-11-29:
#   bookworm: answer: {"return": {}}
#   bookworm: bytes written, bytes that are not 0: 4096, 0
#   trixie: answer: {"return": {}}
#   trixie: bytes written, bytes that are not 0: 4096, 0

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3
install trixie trixie qemu-system-x86=1:10.0.13+ds-0+deb13u1
for root in bookworm trixie; do
	# 16 MiB of memory; 2 GiB is beyond it and below the devices.
	qmp_start "$root" -S
	qmp "{\"execute\": \"pmemsave\", \"arguments\": {\"val\": 2147483648, \"size\": 4096,
		\"filename\": \"$work/$root.page\"}}"
	saw "$root: answer" '{"return": {}}' "$(printf '%s' "$reply" | tr -d '\r')"
	saw "$root: bytes written, bytes that are not 0" "4096, 0" \
		"$(wc -c <"$work/$root.page"), $(tr -d '\0' <"$work/$root.page" | wc -c)"
	qmp_end
done
conclude
