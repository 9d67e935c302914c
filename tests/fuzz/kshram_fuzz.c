// SPDX-License-Identifier: GPL-2.0
/*
 * kshram_fuzz.c - random operations on kshram.ko, checked against a model
 *
 * The processes hand a turn to each other, so that what must be seen after each
 * operation is known exactly; at the end comes a phase in which they run at once
 * and only invariants hold. The first mismatch ends it, and is told with the
 * last operations in words and the command that repeats them.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

/* Operations between two times that the module is unloaded and loaded again. */
#define SWEEP 4000
/* So many seconds asleep in the kernel are a deadlock: a busy host is slow, too. */
#define HARD 12
struct state *state;
int self = NONE;
unsigned char *window;

static const struct {
	int weight;
	void (*run)(void);
} ops[] = {
	{ 40, op_load },    { 36, op_store },	{ 5, op_mmap },	   { 2, op_mmap_wrong },
	{ 2, op_munmap },   { 3, op_mprotect }, { 2, op_mremap },  { 2, op_madvise },
	{ 4, op_open },	    { 1, op_dup },	{ 3, op_close },   { 10, op_read },
	{ 12, op_write },   { 4, op_seek },	{ 6, op_setsize }, { 1, op_sysfs_size },
	{ 1, op_ask },	    { 3, op_ring },	{ 4, op_events },  { 4, op_poll },
	{ 1, op_debugger }, { 1, op_rmmod },	{ 1, op_fork },
};

/**
 * draw() - the next choice of this operation
 * @n: how many there are, at least 1
 *
 * Return: 0 to @n - 1.
 */
unsigned long draw(unsigned long n)
{
	/* splitmix64 */
	uint64_t z = (state->random += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % n;
}

/**
 * chance() - a choice of two
 * @percent: how likely
 *
 * Return: true so often.
 */
bool chance(unsigned int percent)
{
	return draw(100) < percent;
}

/**
 * is_large() - are slots so large that they can have large entries?
 *
 * Return: whether they are.
 */
bool is_large(void)
{
	return state->max_pages >= HUGE_PAGES;
}

/**
 * note_down() - say what is about to be done
 * @text: a constant; format of up to six long
 * @args: the six
 */
void note_down(const char *text, const long *args)
{
	struct note *n = &state->notes[state->noted++ % NOTES];

	n->number = state->number;
	n->process = self;
	n->text = text;
	memcpy(n->args, args, sizeof(n->args));
}

static void report_end(void)
{
	unsigned long i = state->noted > NOTES ? state->noted - NOTES : 0;

	printf("the last operations:\n");
	for (; i < state->noted; i++) {
		const struct note *n = &state->notes[i % NOTES];
		const long *a = n->args;

		printf("  %lu, process %d: ", n->number, n->process);
		printf(n->text, a[0], a[1], a[2], a[3], a[4], a[5]);
		printf("\n");
	}
	printf("again: kshram_fuzz --seed %lu --ops %lu --storm %lu --processes %d --max-pages %zu --backing %s --module %s\n",
	       state->seed, state->ops, state->storm, state->processes, state->max_pages,
	       state->shmem ? "shmem" : "kmalloc", state->module);
	fflush(stdout);
}

/**
 * mismatch() - the module is not what the model says: report it and end
 * @format: what was expected, and what was there
 */
void mismatch(const char *format, ...)
{
	va_list args;

	/* Of several at once the first one counts. */
	if (__atomic_exchange_n(&state->reported, true, __ATOMIC_SEQ_CST))
		_exit(1);
	printf("MISMATCH at operation %lu, process %d: ", state->number, self);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	report_end();
	_exit(1);
}

/**
 * result() - what a system call gave
 * @value: its value, with errno set when that is -1
 *
 * Return: the value, or the negative errno.
 */
long result(long value)
{
	return value == -1 ? -errno : value;
}

static const char *in_words(long value, char *text, size_t size)
{
	if (value < 0 && value > -4096)
		snprintf(text, size, "-1 (%s)", strerror((int)-value));
	else
		snprintf(text, size, "%ld", value);
	return text;
}

/**
 * want() - a call gives exactly this
 * @what: the call
 * @got: its result()
 * @wanted: as the model says
 */
void want(const char *what, long got, long wanted)
{
	char a[80], b[80];

	if (got != wanted)
		mismatch("%s: expected %s, got %s", what, in_words(wanted, a, sizeof(a)),
			 in_words(got, b, sizeof(b)));
}

/**
 * node() - a device node's path
 * @slot: which
 * @second: not the system's but one made with mknod
 *
 * Return: the path, until the next call.
 */
const char *node(int slot, bool second)
{
	static char path[40];

	snprintf(path, sizeof(path), second ? "/tmp/fuzz%d" : "/dev/kshram%d", slot);
	return path;
}

/**
 * module_load() - load the module with small limits, and make second nodes
 */
void module_load(void)
{
	char params[200];
	struct stat st;
	int fd = open(state->module, O_RDONLY | O_CLOEXEC), slot;

	snprintf(params, sizeof(params), "backing=%s slots=%d size=%d max_size=%zu max_total=%zu",
		 state->shmem ? "shmem" : "kmalloc", SLOTS, LOAD_SIZE, state->max_pages * PAGE,
		 state->total_pages * PAGE);
	note("load the module");
	want("open of the module", fd < 0 ? result(fd) : 0, 0);
	want("loading", result(syscall(SYS_finit_module, fd, params, 0)), 0);
	close(fd);
	for (slot = 0; slot < SLOTS; slot++) {
		want("stat of a node", result(stat(node(slot, false), &st)), 0);
		unlink(node(slot, true));
		want("mknod", result(mknod(node(slot, true), S_IFCHR | 0600, st.st_rdev)), 0);
	}
	model_loaded();
}

/**
 * module_unload() - try to unload the module
 *
 * Return: 0 or a negative errno.
 */
long module_unload(void)
{
	return result(syscall(SYS_delete_module, state->name, O_NONBLOCK));
}

static void operate(void)
{
	size_t i;
	int total = 0, at;

	state->number++;
	state->random = state->seed * 0x2545f4914f6cdd1d + state->number * 0xd1342543de82ef95;
	if (state->progress && state->number % state->progress == 0) {
		printf("operation %lu\n", state->number);
		fflush(stdout);
	}
	if (state->number % SWEEP == 0) {
		op_sweep();
		return;
	}
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		total += ops[i].weight;
	at = (int)draw(total);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	ops[i].run();
	/* Some of what others have done, too, is looked at where it is mapped. */
	if (chance(3))
		check_pages(0, state->window);
	if (chance(1))
		check_slot((int)draw(SLOTS));
}

static void turn_to(unsigned int next)
{
	__atomic_store_n(&state->turn, next, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &state->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void turn_wait(void)
{
	unsigned int turn;

	while ((turn = __atomic_load_n(&state->turn, __ATOMIC_SEQ_CST)) != (unsigned int)self) {
		if (turn == MAX_PROCESSES)
			_exit(0);
		syscall(SYS_futex, &state->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
	}
}

/**
 * take_turns() - what every process does, also one that is forked on the way
 */
void take_turns(void)
{
	unsigned int burst, i;

	for (;;) {
		turn_wait();
		if (state->sweep) {
			op_sweep();
			turn_to((self + 1) % state->processes);
			continue;
		}
		burst = 1 + draw(16);
		for (i = 0; i < burst && state->number < state->ops && !state->sweep; i++)
			operate();
		if (state->sweep)
			turn_to((self + 1) % state->processes);
		else if (state->number >= state->ops)
			turn_to(MAX_PROCESSES);
		else
			turn_to(draw(state->processes));
	}
}

/* In uninterruptible sleep, by /proc/PID/stat? */
static bool sleeps_hard(pid_t pid)
{
	char path[40], text[200], *end;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	end = strrchr(text, ')');
	return end && end[1] == ' ' && end[2] == 'D';
}

static void end_all(void)
{
	int i;

	for (i = 0; i < state->processes; i++)
		if (state->process[i].pid > 0)
			kill(state->process[i].pid, SIGKILL);
}

/* One that was killed on purpose has a successor, and another number stands there. */
static int process_of(pid_t pid)
{
	int i;

	for (i = 0; i < state->processes; i++)
		if (state->process[i].pid == pid)
			return i;
	return NONE;
}

/*
 * See to it that the processes come to an end. Many seconds without an operation, in a
 * sleep that nothing interrupts, are a deadlock; five minutes are one in any case.
 */
static void supervise(int running)
{
	unsigned long seconds = 0, hard = 0, number = 0;
	int status, i;
	pid_t pid;

	while (running) {
		struct timespec second = { .tv_sec = 1 };
		sigset_t child;

		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			if (process_of(pid) == NONE)
				continue;
			state->process[process_of(pid)].pid = 0;
			running--;
			if (status == 0)
				continue;
			end_all();
			if (!state->reported)
				mismatch("a process ended with status 0x%x", status);
			exit(1);
		}
		sigemptyset(&child);
		sigaddset(&child, SIGCHLD);
		if (sigtimedwait(&child, NULL, &second) >= 0)
			continue;
		if (number != state->number + state->rounds)
			seconds = hard = 0;
		number = state->number + state->rounds;
		seconds++;
		for (i = 0; i < state->processes; i++)
			if (state->process[i].pid && sleeps_hard(state->process[i].pid))
				break;
		hard = i < state->processes ? hard + 1 : 0;
		if (hard >= HARD || seconds >= 300)
			mismatch("%s for %lu s: a deadlock",
				 hard >= HARD ? "a process sleeps in the kernel" :
						"nothing happened",
				 seconds);
	}
}

static void start(void (*run)(void))
{
	int i;

	/* Nobody's turn: who kills another must find its number. */
	state->turn = MAX_PROCESSES + 1;
	for (i = 0; i < state->processes; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			self = i;
			run();
			_exit(0);
		}
		if (pid < 0) {
			perror("kshram_fuzz: fork");
			exit(3);
		}
		state->process[i].pid = pid;
	}
	turn_to(0);
	supervise(state->processes);
}

static void in_storm(void)
{
	storm(state->storm);
}

static void usage(FILE *to)
{
	fputs("usage: kshram_fuzz [OPTION]...\n"
	      "\n"
	      "Does random operations on the slots of kshram.ko, which it loads and unloads,\n"
	      "and compares what is seen with a model. For use in a virtual machine, as root.\n"
	      "\n"
	      "  --seed N          where the choices come from (default: 1)\n"
	      "  --ops N           operations (default: 20000)\n"
	      "  --storm N         what each process does at the end, all at once (default: 400)\n"
	      "  --processes N     that take turns, 1 to 8 (default: 3)\n"
	      "  --max-pages N     of a slot, 8 to 1024 (default: 8); from 512 on slots can have\n"
	      "                    entries of 2 MiB\n"
	      "  --backing NAME    kmalloc or shmem (default: kmalloc)\n"
	      "  --module FILE     NAME.ko of a module called NAME (default: /kshram.ko)\n"
	      "  --progress N      print a line every N operations\n"
	      "  --help, --version\n"
	      "\n"
	      "Exit status: 0 when all was as it must be; 1 at the first mismatch, which is\n"
	      "told with the last operations and how to repeat them; 2 for wrong arguments;\n"
	      "3 when the machine cannot give what is needed.\n",
	      to);
}

static unsigned long number(const char *option, const char *text, unsigned long min,
			    unsigned long max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min || value > max) {
		fprintf(stderr, "kshram_fuzz: --%s wants a number from %lu to %lu, not '%s'\n",
			option, min, max, text);
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "ops", required_argument, NULL, 'o' },
		{ "storm", required_argument, NULL, 'S' },
		{ "processes", required_argument, NULL, 'p' },
		{ "max-pages", required_argument, NULL, 'x' },
		{ "backing", required_argument, NULL, 'b' },
		{ "module", required_argument, NULL, 'm' },
		{ "progress", required_argument, NULL, 'P' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *base;
	int c;

	state->seed = 1;
	state->ops = 20000;
	state->storm = 400;
	state->processes = 3;
	state->max_pages = SMALL_PAGES;
	state->module = "/kshram.ko";
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			state->seed = number("seed", optarg, 0, ULONG_MAX);
			break;
		case 'o':
			state->ops = number("ops", optarg, 1, 1UL << 40);
			break;
		case 'S':
			state->storm = number("storm", optarg, 0, 1UL << 40);
			break;
		case 'p':
			state->processes = (int)number("processes", optarg, 1, MAX_PROCESSES);
			break;
		case 'x':
			state->max_pages = number("max-pages", optarg, SMALL_PAGES, LARGE_PAGES);
			break;
		case 'b':
			state->shmem = !strcmp(optarg, "shmem");
			if (state->shmem || !strcmp(optarg, "kmalloc"))
				break;
			fprintf(stderr, "kshram_fuzz: --backing is kmalloc or shmem, not '%s'\n",
				optarg);
			exit(2);
		case 'm':
			state->module = optarg;
			break;
		case 'P':
			state->progress = number("progress", optarg, 1, ULONG_MAX);
			break;
		case 'h':
			usage(stdout);
			exit(0);
		case 'v':
			printf("kshram_fuzz %s\n", KSHRAM_VERSION);
			exit(0);
		default:
			fputs("kshram_fuzz: --help tells the options\n", stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "kshram_fuzz: '%s' is no option\n", argv[optind]);
		exit(2);
	}
	/* Two slots of the largest size are too much; three mappings of one can overlap. */
	state->total_pages = 2 * state->max_pages - 1;
	state->window = WINDOW_OF(state->max_pages);
	/* Where nothing else is, in every process, and across the end of a page table. */
	window = (unsigned char *)0x100000200000 - state->window / 2 * PAGE;
	base = strrchr(state->module, '/');
	base = base ? base + 1 : state->module;
	snprintf(state->name, sizeof(state->name), "%.*s", (int)strcspn(base, "."), base);
}

int main(int argc, char **argv)
{
	sigset_t child;

	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (state == MAP_FAILED) {
		perror("kshram_fuzz: mmap");
		return 3;
	}
	parse(argc, argv);
	if (mmap(window, state->window * PAGE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
		 0) != window) {
		perror("kshram_fuzz: mmap of the window");
		return 3;
	}
	/* Waited for with sigtimedwait(). */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	touch_init();
	module_load();

	start(take_turns);
	reload();
	start(in_storm);

	note("unload the module");
	want("unloading", module_unload(), 0);
	printf("%lu operations on %s with seed %lu: as they must be\n", state->ops,
	       state->shmem ? "shmem" : "kmalloc", state->seed);
	return 0;
}
