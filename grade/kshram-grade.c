// SPDX-License-Identifier: GPL-2.0
/*
 * kshram-grade - grade one module: boot, do the items of the lab, say why
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grade.h"
#include "grade_options.h"
#include "kernels.h"
#include "module_sample.h"
#include "module_versions.h"
#include "report.h"
#include "source.h"
#include "standard_fds.h"

#define KERNELS_MAX 16
/* For which advice is given when there is source to build for it. */
#define STRICT_KERNEL "debug"

/**
 * struct kernel - a kernel that is there
 * @name: its name
 * @dir: its directory
 * @vermagic: what modules for it carry
 * @sample: the lab has a sample module
 * @hello: that module for it, "" when it is not known where it lies
 * @hello_name: what that is called once it is loaded
 */
struct kernel {
	char name[64];
	char dir[PATH_MAX];
	char vermagic[MODULE_VALUE_MAX];
	bool sample;
	char hello[PATH_MAX];
	char hello_name[MODULE_NAME_MAX];
};

static bool on_terminal;

/*
 * QEMU is bound to die with us and nothing of a run lies in the file system but
 * what is being built, so ending at once leaves nothing behind.
 */
static void interrupted(int number)
{
	static const char erase[] = "\r\033[K";

	source_interrupted();
	if (on_terminal && write(STDERR_FILENO, erase, sizeof(erase) - 1) < 0)
		_exit(EXIT_TROUBLE);
	_exit(128 + number);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupted };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

static void trim(char *text)
{
	size_t len = strlen(text);

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\n'))
		text[--len] = '\0';
}

/* Fill in what stands in a kernel's directory; EXIT_TROUBLE after a message. */
static int read_kernel(struct kernel *kernel, const struct options *o)
{
	char path[PATH_MAX + 32];

	if (kernel_read(kernel->dir, "vermagic", kernel->vermagic, sizeof(kernel->vermagic)))
		return trouble("%s/vermagic: %s; is this what kernel/get prints?", kernel->dir,
			       strerror(errno));
	trim(kernel->vermagic);
	kernel->hello[0] = '\0';
	kernel->sample = o->lab->sample;
	if (!kernel->sample)
		return 0;
	if (o->hello) {
		snprintf(kernel->hello, sizeof(kernel->hello), "%s", o->hello);
		return 0;
	}
	/* A directory has no name that a module was built under. */
	snprintf(path, sizeof(path), "../%s/%s.ko", kernel->name, o->lab->sample);
	if (!strchr(kernel->name, '/') && tree_path(path, NULL, kernel->hello) != 0)
		return trouble("cannot find where this program lies: %s", strerror(errno));
	return 0;
}

static bool has_hello(const struct kernel *kernel)
{
	return !kernel->sample || (*kernel->hello && access(kernel->hello, R_OK) == 0);
}

/* All kernels that are there, in kernel/get's order; -1 after a message. */
static int find_kernels(struct kernel *kernels, char *absent, size_t absent_size,
			const struct options *o)
{
	char names[1024], error[1024];
	char *rest = names, *name;
	int count = 0;

	*absent = '\0';
	if (kernel_names(names, sizeof(names), error, sizeof(error))) {
		trouble("%s", error);
		return -1;
	}
	while ((name = strsep(&rest, "\n")) != NULL) {
		struct kernel *kernel = &kernels[count];
		size_t used = strlen(absent);

		if (!*name || count == KERNELS_MAX)
			continue;
		if (kernel_find(name, true, kernel->dir, error, sizeof(error)) != 0) {
			snprintf(absent + used, absent_size - used, "%s%s", used ? " " : "", name);
			continue;
		}
		snprintf(kernel->name, sizeof(kernel->name), "%s", name);
		if (read_kernel(kernel, o) == 0)
			count++;
	}
	return count;
}

static bool is_built_for(const struct module_info *module, const struct kernel *kernel)
{
	return strcmp(module->vermagic, kernel->vermagic) == 0;
}

/*
 * Whether the kernel takes the module, also one that was built for another release. @symbol
 * gets the symbol whose version speaks against a module that has versions, else "".
 */
static bool fits(const struct module_info *module, const struct kernel *kernel, char symbol[64])
{
	char path[PATH_MAX + 32];
	struct symvers symvers;
	const char *differs;

	*symbol = '\0';
	if (is_built_for(module, kernel))
		return true;
	snprintf(path, sizeof(path), "%s/build/Module.symvers", kernel->dir);
	if (!module_versions_decide(module, kernel->vermagic) || !symvers_read(&symvers, path))
		return false;
	differs = module_versions_differ(module, &symvers);
	if (differs)
		text_clean(symbol, 64, differs, strlen(differs));
	symvers_free(&symvers);
	return !differs;
}

/* 0 for a kernel that does not take the module (if there is one), higher for a better one. */
static int rank(const struct kernel *kernel, const struct module_info *module)
{
	char symbol[64];

	if (module && !fits(module, kernel, symbol))
		return 0;
	return 1 + has_hello(kernel) + (module && is_built_for(module, kernel) ? 2 : 0);
}

/* Among the kernels that the module fits (or all), one that has its sample module. */
static const struct kernel *pick(const struct kernel *kernels, int count,
				 const struct module_info *module)
{
	const struct kernel *best = NULL;
	int highest = 0;

	for (int i = 0; i < count; i++) {
		int ranked = rank(&kernels[i], module);

		if (ranked <= highest)
			continue;
		best = &kernels[i];
		highest = ranked;
	}
	return best;
}

/* For a module that no kernel loads: the kit's, if it is there. */
static const struct kernel *pick_any(const struct kernel *kernels, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(kernels[i].name, "lab") == 0 && has_hello(&kernels[i]))
			return &kernels[i];
	return pick(kernels, count, NULL);
}

static void say_kernel(struct text *why, const struct kernel *kernel,
		       const struct module_info *module)
{
	char symbol[64];

	text_add(why, "\"%s\"", kernel->vermagic);
	if (!fits(module, kernel, symbol) && *symbol)
		text_add(why, ", where %s has another version", symbol);
}

static void say_misfit(struct text *why, const struct module_info *module,
		       const struct kernel *kernels, int count, const char *absent)
{
	text_add(why, "it was built for the kernel \"%s\", and ", module->vermagic);
	if (count == 1)
		text_add(why, "this is the kernel %s, ", kernels->name);
	else
		text_add(why, "none of the kernels here is that one. There are: ");
	for (int i = 0; i < count; i++) {
		if (count > 1)
			text_add(why, "%s%s ", i ? ", " : "", kernels[i].name);
		say_kernel(why, &kernels[i], module);
	}
	text_add(why, ". Build it again with 'make -C $(kernel/get %s)/build M=$PWD modules'",
		 kernels->name);
	if (*absent)
		text_add(why, " (not provided yet, kernel/get NAME does it: %s)", absent);
	text_add(why, ".");
}

/* Choose among the kernels that are there; @why says so when none fits. */
static int choose_kernel(struct kernel *chosen, struct text *why, enum module_result readable,
			 const struct module_info *module, const struct options *o)
{
	struct kernel *kernels = calloc(KERNELS_MAX, sizeof(*kernels));
	const struct kernel *best = NULL;
	char absent[1024];
	int count, rc = 0;

	if (!kernels)
		return trouble("no memory");
	count = find_kernels(kernels, absent, sizeof(absent), o);
	if (count > 0 && readable == MODULE_OK) {
		best = pick(kernels, count, module);
		if (!best)
			say_misfit(why, module, kernels, count, absent);
	}
	if (count > 0 && !best)
		best = pick_any(kernels, count);
	if (best)
		*chosen = *best;
	else if (count == 0)
		rc = trouble("there is no kernel yet; get one with: kernel/get stock");
	else
		rc = EXIT_TROUBLE;
	free(kernels);
	return rc;
}

/* The kernel that was asked for; @why says so when the module does not fit it. */
static int take_kernel(struct kernel *chosen, struct text *why, enum module_result readable,
		       const struct module_info *module, const struct options *o)
{
	char error[1024], symbol[64];

	if (strlen(o->kernel) >= sizeof(chosen->name) && !strchr(o->kernel, '/'))
		return trouble("'%s' is not the name of a kernel", o->kernel);
	if (kernel_find(o->kernel, false, chosen->dir, error, sizeof(error)) != 0)
		return trouble("%s", error);
	snprintf(chosen->name, sizeof(chosen->name), "%s", o->kernel);
	if (read_kernel(chosen, o))
		return EXIT_TROUBLE;
	if (readable == MODULE_OK && !fits(module, chosen, symbol))
		say_misfit(why, module, chosen, 1, "");
	return 0;
}

/* The sample module is not the student's: when it is not right, nothing can be graded. */
static int check_hello(struct kernel *kernel)
{
	struct module_info hello;
	char error[512];
	int rc = 0;

	if (!kernel->sample)
		return 0;
	if (!*kernel->hello)
		return trouble("with a kernel's directory, name its sample module: --hello FILE");
	switch (module_info_read(&hello, kernel->hello, error, sizeof(error))) {
	case MODULE_OK:
		if (!is_built_for(&hello, kernel))
			rc = trouble("%s was built for \"%s\", not for the kernel %s (\"%s\"); "
				     "type: make module KERNEL=%s",
				     kernel->hello, hello.vermagic, kernel->name, kernel->vermagic,
				     kernel->name);
		break;
	case MODULE_BAD:
		rc = trouble("%s: %s", kernel->hello, error);
		break;
	default:
		rc = trouble("the sample module for the kernel %s is not there (%s); type: "
			     "make module KERNEL=%s",
			     kernel->name, error, kernel->name);
	}
	if (!rc)
		snprintf(kernel->hello_name, sizeof(kernel->hello_name), "%s", hello.name);
	module_info_free(&hello);
	return rc;
}

static void show_progress(void *arg, const struct item *item)
{
	(void)arg;
	fprintf(stderr, "\r\033[K%s ...", item->title);
}

/**
 * struct built - a module built for a kernel that looks harder
 * @there: it is
 * @dir: the kernel's directory
 * @module: the module
 * @why_not: why there is none although there is source, "" otherwise
 */
struct built {
	bool there;
	char dir[PATH_MAX];
	struct module_info module;
	struct text why_not;
};

/* What the grading has left of the log's limit is the advice's. */
static void share_log(struct advice_config *config)
{
	struct stat st;

	config->console_max = GRADE_CONSOLE_MAX;
	if (config->console_fd < 0 || fstat(config->console_fd, &st) || !S_ISREG(st.st_mode))
		return;
	if ((size_t)st.st_size < GRADE_CONSOLE_MAX)
		config->console_max -= (size_t)st.st_size;
	else
		config->console_fd = -1;
}

static struct advice *advise(const struct options *o, const struct kernel *kernel,
			     const struct module_info *module, const struct built *strict, int log)
{
	struct advice *advice = calloc(1, sizeof(*advice));
	struct advice_config config = {
		.kernel = strict->there ? STRICT_KERNEL : kernel->name,
		.kernel_dir = strict->there ? strict->dir : kernel->dir,
		.module = strict->there ? &strict->module : module,
		.cold = o->cold,
		.jail = o->jail,
		.jail_user = o->jail_user,
		.console_fd = log,
	};

	/* Who waits reads on, and knows best what to keep: the end as well. */
	if (!o->wait)
		share_log(&config);
	if (on_terminal)
		fprintf(stderr, "\r\033[Klooking for what no item asks ...");
	if (advice)
		advice_run(&config, advice);
	if (advice && !advice->missing.len)
		text_add(&advice->missing, "%s", strict->why_not.s);
	return advice;
}

static struct grade_config configure(const struct options *o, const struct kernel *kernel, int log)
{
	return (struct grade_config){
		.lab = o->lab,
		.kernel_dir = kernel->dir,
		.hello = kernel->hello,
		.hello_name = kernel->hello_name,
		.seconds = o->seconds ? o->seconds : o->lab->seconds,
		.jail = o->jail,
		.jail_user = o->jail_user,
		.cold = o->cold,
		.console_fd = log,
		.console_max = o->wait ? 0 : GRADE_CONSOLE_MAX,
		.progress = on_terminal ? show_progress : NULL,
	};
}

/* Read to the end of a line; false when there is none. */
static bool line_came(void)
{
	char c = '\0';

	while (c != '\n' && read(STDIN_FILENO, &c, 1) == 1)
		continue;
	return c == '\n';
}

/* Have a machine ready, and let it wait until somebody says that the module is there. */
static int stand_by(const struct grade_config *config, struct grade_standby **standby)
{
	*standby = grade_stand_by(config);
	if (!*standby)
		return trouble("no memory");
	if (puts("waiting") < 0 || fflush(stdout))
		return trouble("cannot say that the machine waits: %s", strerror(errno));
	if (!grade_standby_wait(*standby, STDIN_FILENO))
		return trouble("the machine ended while it waited for a module");
	if (!line_came())
		return trouble("the machine waited, and no module came");
	return 0;
}

static int grade(const struct options *o, const struct kernel *kernel,
		 const struct module_info *module, const struct built *strict, const char *why,
		 int log, struct grade_standby *standby)
{
	struct grade_result *result = calloc(1, sizeof(*result));
	struct grade_config config = configure(o, kernel, log);
	struct advice *advice = NULL;
	enum grade_outcome how;
	char error[TEXT_MAX + 128];
	const char *no_colour = getenv("NO_COLOR");
	int rc;

	if (!result) {
		grade_stand_down(standby);
		return trouble("no memory");
	}
	config.module = module;
	config.module_error = *why ? why : NULL;
	config.standby = standby;
	how = grade_run(&config, result, error, sizeof(error));
	if (how == GRADE_DONE && result->loaded && o->lab->advice && !o->no_advice)
		advice = advise(o, kernel, module, strict, log);
	if (on_terminal)
		fputs("\r\033[K", stderr);
	if (how != GRADE_HOST_FAILED) {
		const struct report report = { o->module, kernel->name, &config, result, advice };

		if (o->json)
			rc = report_json(stdout, &report);
		else
			rc = report_table(stdout, &report,
					  isatty(STDOUT_FILENO) && !(no_colour && *no_colour));
		if (rc) {
			how = GRADE_HOST_FAILED;
			snprintf(error, sizeof(error), "cannot write the result: %s",
				 strerror(errno));
		}
	}
	if (how != GRADE_DONE)
		rc = trouble("%s", error);
	else
		rc = result->score == lab_total(o->lab) ? EXIT_FULL : EXIT_LESS;
	free(advice);
	free(result);
	return rc;
}

/* Build what is in the directory for the kernel that grades, and for the stricter one. */
static int build(struct options *o, const struct kernel *kernel, struct module_info *module,
		 struct built *strict)
{
	const char *directory = o->module;
	struct text error = { 0 };

	if (source_build(directory, kernel->dir, o->lab->name, module, &error))
		return trouble("%s", error.s);
	o->module = module->name;
	if (o->no_advice || !o->lab->advice || strcmp(kernel->name, STRICT_KERNEL) == 0)
		return 0;
	if (kernel_find(STRICT_KERNEL, true, strict->dir, error.s, sizeof(error.s))) {
		text_add(&strict->why_not,
			 "the kernel " STRICT_KERNEL ", which finds more, is not there yet; get it "
			 "with: kernel/get " STRICT_KERNEL);
		return 0;
	}
	text_clear(&error);
	strict->there =
		source_build(directory, strict->dir, o->lab->name, &strict->module, &error) == 0;
	if (!strict->there)
		text_add(&strict->why_not, "for the kernel " STRICT_KERNEL ", which finds more, %s",
			 error.s);
	return 0;
}

/* The lab that was asked for, or ours; EXIT_TROUBLE after a message. */
static int read_lab(struct lab *lab, const struct options *o)
{
	char dir[PATH_MAX], error[PATH_MAX + 256];

	if (!o->lab_dir && tree_path("../../lab/kshram", "KSHRAM_LAB", dir))
		return trouble("cannot find where this program lies: %s", strerror(errno));
	if (lab_read(lab, o->lab_dir ? o->lab_dir : dir, error, sizeof(error)))
		return trouble("%s", error);
	return 0;
}

static int open_log(const struct options *o, int *log)
{
	if (!o->log)
		return 0;
	*log = open(o->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	return *log < 0 ? trouble("--log %s: %s", o->log, strerror(errno)) : 0;
}

/* All that is known before the module is, and a machine that waits for it. */
static int wait_for_module(const struct options *o, struct kernel *kernel, int *log,
			   struct grade_standby **standby)
{
	/* Outlives this function: the machine is asked while it waits. */
	static struct grade_config config;
	int rc;

	if (!o->kernel || o->cold)
		return trouble("--wait needs --kernel, and no --cold: the machine comes before "
			       "the module, and is restored");
	rc = take_kernel(kernel, NULL, MODULE_UNREADABLE, NULL, o);
	if (!rc)
		rc = check_hello(kernel);
	if (!rc)
		rc = open_log(o, log);
	if (rc)
		return rc;
	config = configure(o, kernel, *log);
	return stand_by(&config, standby);
}

/* The kernel for a module that is there, which may have to be built for it. */
static int find_kernel(struct options *o, struct kernel *kernel, struct module_info *module,
		       enum module_result readable, struct built *strict, struct text *why)
{
	int rc = o->kernel ? take_kernel(kernel, why, readable, module, o) :
			     choose_kernel(kernel, why, readable, module, o);

	if (!rc)
		rc = check_hello(kernel);
	if (!rc && source_is(o->module))
		rc = build(o, kernel, module, strict);
	return rc;
}

int main(int argc, char **argv)
{
	static struct lab lab;
	static struct built strict;
	struct options o = { .lab = &lab };
	enum module_result readable = MODULE_BAD;
	struct module_info module = { .name = "" };
	struct kernel kernel = { .name = "" };
	struct grade_standby *standby = NULL;
	struct text why = { 0 };
	char symbol[64];
	int log = -1, rc;

	standard_fds_open();
	catch_signals();
	rc = options_parse(&o, argc, argv);
	if (rc)
		return rc - 1;
	on_terminal = isatty(STDERR_FILENO);
	rc = read_lab(&lab, &o);
	if (!rc && o.wait)
		rc = wait_for_module(&o, &kernel, &log, &standby);
	if (rc)
		goto out;
	if (o.wait || !source_is(o.module))
		readable = module_info_read(&module, o.module, why.s, sizeof(why.s));
	why.len = strlen(why.s);
	if (readable == MODULE_UNREADABLE)
		rc = trouble("%s", why.s);
	else if (!o.wait)
		rc = find_kernel(&o, &kernel, &module, readable, &strict, &why);
	else if (readable == MODULE_OK && !fits(&module, &kernel, symbol))
		say_misfit(&why, &module, &kernel, 1, "");
	if (!rc && readable == MODULE_OK && !why.len)
		module_is_sample(&module, kernel.hello_name, lab.name,
				 lab.device ? lab.device : lab.name, &why);
	if (!rc && log < 0)
		rc = open_log(&o, &log);
	if (!rc) {
		rc = grade(&o, &kernel, &module, &strict, why.s, log, standby);
		standby = NULL;
	}
	if (log >= 0 && close(log) != 0 && rc != EXIT_TROUBLE)
		rc = trouble("--log %s: %s", o.log, strerror(errno));
out:
	grade_stand_down(standby);
	module_info_free(&strict.module);
	module_info_free(&module);
	lab_free(&lab);
	return rc;
}
