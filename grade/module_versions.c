// SPDX-License-Identifier: GPL-2.0
/*
 * module_versions.c - whether a kernel loads a module that was built for another release
 *
 * A kernel with CONFIG_MODVERSIONS compares the first word of a module's vermagic, the
 * release, only where the module has no section __versions (same_magic() in
 * kernel/module/version.c). Where it has one, the checksums of the symbols in it decide:
 * so a module goes on to load after an update of the kernel that changed no type which
 * the module uses. The newer __version_ext_crcs and __version_ext_names do not count
 * here: Linux 6.14 and newer ask for __versions as well before they skip the release.
 */
#include <string.h>

#include "module_versions.h"

/* struct modversion_info of 64-bit kernels: a checksum of 8 bytes, a name with its NUL. */
#define ENTRY_SIZE 64
#define ENTRY_NAME 8

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

/**
 * module_versions_decide() - whether a kernel compares checksums in place of its release
 * @module: the module
 * @vermagic: what modules for the kernel carry
 *
 * Return: true when the vermagics differ in nothing but the release, and the kernel goes by
 * the checksums in the module.
 */
bool module_versions_decide(const struct module_info *module, const char *vermagic)
{
	const char *own = module->vermagic + strcspn(module->vermagic, " ");
	const char *others = vermagic + strcspn(vermagic, " ");

	return module->versions && strcmp(own, others) == 0 && has_word(own, "modversions");
}

/**
 * module_versions_differ() - find a symbol that is another one in the kernel
 * @module: the module
 * @symvers: symbols of the kernel
 *
 * Symbols without a checksum on either side are left to the kernel.
 *
 * Return: the first symbol whose checksums differ, NULL when there is none. It belongs to
 * @symvers.
 */
const char *module_versions_differ(const struct module_info *module, const struct symvers *symvers)
{
	const struct symvers_symbol *symbol;
	uint64_t crc;

	for (size_t at = 0; at + ENTRY_SIZE <= module->versions_size; at += ENTRY_SIZE) {
		const char *name = (const char *)module->versions + at + ENTRY_NAME;

		if (!memchr(name, '\0', ENTRY_SIZE - ENTRY_NAME))
			continue;
		symbol = symvers_find(symvers, name);
		memcpy(&crc, module->versions + at, sizeof(crc));
		if (symbol && symbol->crc && symbol->crc != crc)
			return symbol->name;
	}
	return NULL;
}
