// SPDX-License-Identifier: GPL-2.0
/*
 * suspect.c - what a module's file shows, before it is loaded
 *
 * Instructions are decoded by capstone, in a row from the start of each section
 * that runs: the byte of a privileged instruction inside another one is no
 * finding. Addresses that are still to be filled in do not change where an
 * instruction begins.
 */
#include <capstone/capstone.h>
#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>

#include "suspect.h"

/* No honest module has so much code; a decoder of it would take the time of a grading. */
#define CODE_MAX ((size_t)2 << 20)
/* So many places are named for each kind of instruction. */
#define PLACES_MAX 4

/*
 * struct import_group - functions that serve one purpose
 * @flag: the flag's name
 * @purpose: it
 * @names: the functions, NULL-terminated; one that ends in '*' stands for all
 *	that begin so
 */
struct import_group {
	const char *flag;
	const char *purpose;
	const char *const *names;
};

static const char *const look_up[] = { "kallsyms_lookup_name", "kallsyms_on_each_symbol",
				       "kallsyms_on_each_match_symbol", "__symbol_get", NULL };
static const char *const hook[] = {
	"register_kprobe*",	"register_kretprobe*",	       "register_ftrace_function*",
	"ftrace_set_filter*",	"tracepoint_probe_register*",  "register_die_notifier",
	"kmsg_dump_register",	"__register_nmi_handler",      "static_key_*able*",
	"__static_call_update", "register_wide_hw_breakpoint", NULL
};
static const char *const patch[] = {
	"set_memory_*",	    "set_pages_*",   "text_poke*", "lookup_address*",
	"native_write_cr*", "stop_machine*", "vmap",	   "vmap_pfn",
	"memremap",	    "ioremap*",	     "init_mm",	   NULL
};
static const char *const run[] = { "call_usermodehelper*", "kernel_restart",  "emergency_restart",
				   "orderly_poweroff",	   "orderly_reboot",  "kernel_power_off",
				   "kernel_halt",	   "machine_restart", NULL };
static const char *const others[] = { "access_process_vm",
				      "ptrace_access_vm",
				      "get_task_mm",
				      "kthread_use_mm",
				      "find_vpid",
				      "init_task",
				      "task_work_add",
				      "kthread_create_on_node",
				      "find_get_pid",
				      "pid_task",
				      "get_pid_task",
				      "task_pid_nr_ns",
				      "force_sig",
				      "send_sig*",
				      "get_user_pages_remote",
				      "pin_user_pages_remote",
				      "mmget_not_zero",
				      NULL };
static const char *const files[] = { "filp_open",  "file_open_root", "kernel_read*", "kernel_write",
				     "kern_path*", "vfs_unlink",     "vfs_iter_*",   NULL };

static const struct import_group groups[] = {
	{ "imports-symbol-lookup", "finds what the kernel does not export", look_up },
	{ "imports-hooks", "runs code of its own where the kernel does other things", hook },
	{ "imports-patching", "reaches or rewrites memory of the kernel's", patch },
	{ "imports-processes", "reaches into other processes", others },
	{ "imports-files", "reads or writes files", files },
	{ "imports-programs", "starts programs or ends the machine", run },
};

static bool stands_for(const char *pattern, const char *name)
{
	/* One '*' at most, or two with something between them. */
	const char *star = strchr(pattern, '*');
	size_t len = star ? (size_t)(star - pattern) : strlen(pattern);

	if (strncmp(pattern, name, len) != 0)
		return false;
	if (!star)
		return name[len] == '\0';
	if (star[1] == '\0')
		return true;
	for (const char *at = name + len; *at; at++)
		if (stands_for(star + 1, at))
			return true;
	return false;
}

static void list_imports(struct flags *flags, const struct module_info *module,
			 const struct import_group *group)
{
	struct text found = { 0 };
	char clean[80];

	for (size_t i = 0; i < module->nimports; i++) {
		const char *name = module->imports[i];

		for (size_t k = 0; group->names[k]; k++) {
			if (!stands_for(group->names[k], name))
				continue;
			text_clean(clean, sizeof(clean), name, strlen(name));
			text_add(&found, "%s%s", found.len ? ", " : "", clean);
			break;
		}
	}
	if (found.len)
		flags_add(flags, group->flag, false, "the module imports what %s: %s",
			  group->purpose, found.s);
}

/* ---- instructions ---- */

/*
 * enum kind - instructions that a driver of memory has no use for
 */
enum kind { CONTROL, TABLES, MSR, PORTS, HALT, IRQS_OFF, KINDS };

/*
 * struct finding - where instructions of one kind are
 * @count: how many
 * @places: the first of them, in words
 */
struct finding {
	unsigned int count;
	struct text places;
};

static const char *const kind_flags[KINDS] = {
	[CONTROL] = "instructions-control-registers",
	[TABLES] = "instructions-tables",
	[MSR] = "instructions-msr",
	[PORTS] = "instructions-ports",
	[HALT] = "instructions-halt",
	[IRQS_OFF] = "instructions-interrupts",
};

static bool writes_control(const cs_insn *insn)
{
	/* "mov cr0, rax": the target comes first. */
	return insn->id == X86_INS_MOV && (insn->op_str[0] == 'c' || insn->op_str[0] == 'd') &&
	       insn->op_str[1] == 'r' && insn->op_str[2] >= '0' && insn->op_str[2] <= '9';
}

static enum kind kind_of(const cs_insn *insn)
{
	switch (insn->id) {
	case X86_INS_MOV:
		return writes_control(insn) ? CONTROL : KINDS;
	case X86_INS_LMSW:
	case X86_INS_CLTS:
	case X86_INS_XSETBV:
		return CONTROL;
	case X86_INS_LIDT:
	case X86_INS_LGDT:
	case X86_INS_LLDT:
	case X86_INS_LTR:
	case X86_INS_SIDT:
	case X86_INS_SGDT:
		return TABLES;
	case X86_INS_WRMSR:
	case X86_INS_RDMSR:
	case X86_INS_SWAPGS:
	case X86_INS_SYSRET:
	case X86_INS_SYSEXIT:
		return MSR;
	case X86_INS_IN:
	case X86_INS_OUT:
	case X86_INS_INSB:
	case X86_INS_INSW:
	case X86_INS_INSD:
	case X86_INS_OUTSB:
	case X86_INS_OUTSW:
	case X86_INS_OUTSD:
		return PORTS;
	case X86_INS_HLT:
		return HALT;
	case X86_INS_CLI:
		return IRQS_OFF;
	default:
		return KINDS;
	}
}

static void note(struct finding *finding, const cs_insn *insn, const char *section)
{
	if (finding->count++ >= PLACES_MAX)
		return;
	text_add(&finding->places, "%s%s%s%s at %s+0x%llx", finding->places.len ? ", " : "",
		 insn->mnemonic, *insn->op_str ? " " : "", insn->op_str, section,
		 (unsigned long long)insn->address);
}

static void decode(csh handle, cs_insn *insn, const Elf_Data *data, const char *section,
		   struct finding *found)
{
	const uint8_t *code = data->d_buf;
	size_t left = data->d_size;
	uint64_t address = 0;

	while (left) {
		enum kind kind;

		if (!cs_disasm_iter(handle, &code, &left, &address, insn)) {
			/* Data among the code, or what capstone does not know. */
			code++;
			left--;
			address++;
			continue;
		}
		kind = kind_of(insn);
		if (kind != KINDS)
			note(&found[kind], insn, section);
	}
}

/* Go through all that runs; false when that is more than is looked at. */
static bool decode_all(csh handle, cs_insn *insn, Elf *elf, struct finding *found)
{
	size_t names, done = 0;
	Elf_Scn *scn = NULL;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		const char *name;
		char clean[40];
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &header) || header.sh_type == SHT_NOBITS ||
		    !(header.sh_flags & SHF_EXECINSTR))
			continue;
		data = elf_rawdata(scn, NULL);
		if (!data || !data->d_buf)
			continue;
		if (data->d_size > CODE_MAX - done)
			return false;
		done += data->d_size;
		name = elf_strptr(elf, names, header.sh_name);
		text_clean(clean, sizeof(clean), name ? name : "?", name ? strlen(name) : 1);
		decode(handle, insn, data, clean, found);
	}
	return true;
}

static void list_instructions(struct flags *flags, const struct module_info *module)
{
	static const char flag[] = "instructions-not-looked";
	struct finding found[KINDS] = { 0 };
	cs_insn *insn = NULL;
	csh handle = 0;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)module->data, module->size);
	if (elf && cs_open(CS_ARCH_X86, CS_MODE_64, &handle) == CS_ERR_OK)
		insn = cs_malloc(handle);
	if (!insn)
		flags_add(flags, flag, false, "the module's code could not be decoded");
	else if (!decode_all(handle, insn, elf, found))
		flags_add(flags, flag, false,
			  "the module has more than %zu MiB of code: not all was decoded",
			  CODE_MAX >> 20);
	for (int i = 0; i < KINDS; i++)
		if (found[i].count)
			flags_add(flags, kind_flags[i], false, "%u in the module's code: %s%s",
				  found[i].count, found[i].places.s,
				  found[i].count > PLACES_MAX ? " and more" : "");
	if (insn)
		cs_free(insn, 1);
	if (handle)
		cs_close(&handle);
	if (elf)
		elf_end(elf);
}

void suspect_list(struct flags *flags, const struct module_info *module)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		list_imports(flags, module, &groups[i]);
	if (module->size)
		list_instructions(flags, module);
}
