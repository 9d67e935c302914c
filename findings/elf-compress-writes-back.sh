#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# elf_compress() on an Elf in memory writes into the caller's buffer
#
# Programs: libelf-dev and libelf1 0.188-2.1 (bookworm), libelf-dev and libelf1t64 0.192-4
#   (trixie), linked by the system's gcc.
# Guess: elf_memory() reads: to decompress a section with elf_compress() changes what libelf
#   keeps of the section, and the buffer stays as it is until elf_update() is called, which
#   this program never does.
# Really: section headers in the buffer change at once (flags, size, alignment) while the
#   section's bytes there stay compressed. Whoever opens the buffer a second time is told that
#   the section is not compressed, and reads garbage of the wrong length.
# Why: elf_memory() hands out the buffer's own section headers where their byte order and
#   alignment are the machine's (file_read_elf() in libelf/elf_begin.c), and elf_compress()
#   updates the header through them (libelf/elf_compress.c).
# Matters to: programs that look into a module with debug sections compressed by zlib or zstd,
#   first with libelf and then with libdw. Decompress in a copy, or open a second copy.
#
# Seen on 2026-11-29:
#   bookworm, sections before and after elf_compress(): 1 compressed, then 0, buffer changed
#   trixie, sections before and after elf_compress(): 1 compressed, then 0, buffer changed

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

need gcc
install bookworm bookworm libelf-dev=0.188-2.1 libelf1=0.188-2.1
install trixie trixie libelf-dev=0.192-4 libelf1t64=0.192-4
cat >"$work/part.c" <<'END'
int add(int x)
{
	return x + 1;
}
END
cat >"$work/reads.c" <<'END'
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number of compressed sections, as an Elf opened anew on the buffer shows them. */
static int compressed(char *buffer, size_t size, int decompress)
{
	Elf *elf = elf_memory(buffer, size);
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	int count = 0;

	while ((scn = elf_nextscn(elf, scn))) {
		gelf_getshdr(scn, &shdr);
		if (!(shdr.sh_flags & SHF_COMPRESSED))
			continue;
		count++;
		if (decompress && elf_compress(scn, 0, 0) != 1)
			exit(3);
	}
	elf_end(elf);
	return count;
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16], before[1 << 16];
	int fd = open(argv[argc - 1], O_RDONLY);
	ssize_t size = read(fd, buffer, sizeof(buffer));

	memcpy(before, buffer, sizeof(buffer));
	elf_version(EV_CURRENT);
	printf("%d compressed,", compressed(buffer, size, 1) > 0);
	printf(" then %d, buffer %s\n", compressed(buffer, size, 0),
	       memcmp(before, buffer, sizeof(buffer)) ? "changed" : "unchanged");
	return 0;
}
END
gcc -g -gz=zlib -c -o "$work/part.o" "$work/part.c"
for root in bookworm trixie; do
	# Only libelf's own headers are that version's; the program runs with that suite's libc.
	mkdir "$work/$root.include"
	cp "$work/$root/usr/include/libelf.h" "$work/$root/usr/include/gelf.h" "$work/$root.include"
	gcc -I"$work/$root.include" -o "$work/reads" "$work/reads.c" \
		"$(find "$work/$root/usr/lib" -name libelf.so.1)" -Wl,--allow-shlib-undefined
	seen=$(inside "$root" "$work/reads" "$work/part.o") || cannot "the program ended with $?"
	saw "$root, sections before and after elf_compress()" "1 compressed, then 0, buffer changed" \
		"$seen"
done
conclude
