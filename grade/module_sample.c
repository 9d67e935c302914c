// SPDX-License-Identifier: GPL-2.0
/*
 * module_sample.c - the sample module, handed in by mistake
 */
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "module_sample.h"

/* Whether what is loaded of the module has that text; debugging information is not. */
static bool loads_text(const struct module_info *info, const char *text)
{
	Elf *elf;
	Elf_Scn *scn = NULL;
	GElf_Shdr header;
	bool found = false;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)info->data, info->size);
	while (!found && (scn = elf_nextscn(elf, scn)) != NULL) {
		const Elf_Data *data;

		if (!gelf_getshdr(scn, &header) || header.sh_type == SHT_NOBITS ||
		    !(header.sh_flags & SHF_ALLOC))
			continue;
		data = elf_rawdata(scn, NULL);
		found = data && data->d_buf &&
			memmem(data->d_buf, data->d_size, text, strlen(text));
	}
	elf_end(elf);
	return found;
}

bool module_is_sample(const struct module_info *info, const char *sample, const char *wanted,
		      const char *devices, struct text *why)
{
	if (!*sample || strcmp(info->name, sample) != 0 || loads_text(info, devices))
		return false;
	text_add(why, "it is %s.ko, the sample: hand in your %s.ko", sample, wanted);
	return true;
}
