
/*
 * The lab exports this on purpose: the course lets students look up functions
 * that no module is meant to call. Not _GPL: a student's licence may differ.
 * (Appended to kernel/kallsyms.c when the lab's kernel is built.)
 */
EXPORT_SYMBOL(kallsyms_lookup_name);
