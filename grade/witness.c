// SPDX-License-Identifier: GPL-2.0
/*
 * witness.c - what the host sees for itself, whatever the guest answers
 *
 * A process of the agent's holds still in a loop that the host knows, with a
 * number in a register that the host drew for it. The host stops the machine,
 * finds a processor with that number there, and goes through the page tables
 * which that processor uses. It reads and never writes, so a module can neither
 * notice more than that time passed nor answer in the machine's place.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hold.h"
#include "look.h"
#include "witness.h"
#include "witness_agent.h"
#include "witness_kernel.h"

/* For QEMU's answers. */
#define QEMU_MS 10000
/* Between two looks at a process that was not seen. */
#define NAP_MS 2
/*
 * Not to be seen so long and so often is no accident. A host that cannot look so
 * often in the longer time proves nothing.
 */
#define UNSEEN_MS 15000
#define UNSEEN_LOOKS 200
#define SLOW_MS 30000
/* The kernel may be just about to patch itself. */
#define AGAIN_MS 30

/*
 * struct witness - what is needed to look
 * @look: how the machine is looked at
 * @begun: witness_start() was called
 * @on: it can be
 * @agent: the agent's program
 * @no_agent: why there is none
 * @kernel: the kernel before the module
 * @taker: reads it
 * @taking: and has not been waited for
 * @why: why it cannot be looked at
 * @told: that was said, if there was anything to say
 * @item: the item in which @frame was seen
 * @device: of which device it was
 * @offset: where in it
 * @frame: guest-physical address of what was there, 0 for none
 * @disbelieved: why nothing since the module was loaded is believed; mostly empty
 */
struct witness {
	struct look look;
	bool begun;
	bool on;
	struct agent_image agent;
	char no_agent[512];
	struct kernel_image kernel;
	pthread_t taker;
	bool taking;
	char why[512];
	bool told;
	const struct item *item;
	unsigned int device;
	uint64_t offset;
	uint64_t frame;
	struct text disbelieved;
};

/*
 * struct held - a process that holds still
 * @worker: its number, or WIRE_AGENT
 * @number: what it has in RBX
 * @va: what it has in R13, as it says
 * @met: it was seen in the loop
 * @seen: and the mark's page in its tables
 * @pa: where the mark is
 * @last_pa: where the mark's last byte is
 * @bytes: what is there
 */
struct held {
	unsigned int worker;
	uint64_t number;
	uint64_t va;
	bool met;
	bool seen;
	uint64_t pa;
	uint64_t last_pa;
	uint8_t bytes[MARK_MAX];
};

/*
 * struct group - the processes that are looked at together
 * @count: how many
 * @held: they
 * @mark: what was stored and all of them map, or NULL for the agent
 * @looks: how often they were looked for
 */
struct group {
	size_t count;
	struct held held[WIRE_WORKERS];
	const struct mark *mark;
	unsigned int looks;
};

static void give_up(struct session *s, const char *why)
{
	char clean[512];

	flags_add(&s->result->flags, "not-looked", false,
		  "the host could not look into the machine: %s",
		  text_clean(clean, sizeof(clean), why, strlen(why)));
	s->witness->on = false;
}

static bool stop(struct session *s)
{
	char why[512];

	s->witness->look.deadline_ms = vm_clock_ms(s->vm) + QEMU_MS;
	if (look_stop(&s->witness->look, why, sizeof(why)) == 0)
		return true;
	give_up(s, why);
	look_go(&s->witness->look, why, sizeof(why));
	return false;
}

static bool go(struct session *s)
{
	char why[512];

	if (look_go(&s->witness->look, why, sizeof(why)) == 0)
		return true;
	give_up(s, why);
	return false;
}

void witness_prepare(struct session *s)
{
	struct witness *w = calloc(1, sizeof(*w));

	if (w)
		agent_image_read(&w->agent, w->no_agent, sizeof(w->no_agent));
	witness_free(s->witness);
	s->witness = w;
}

/* In a thread of its own: it takes some milliseconds, in which the machine can work. */
static void *take_kernel(void *arg)
{
	struct witness *w = arg;

	w->on = !kernel_image_take(&w->kernel, &w->look, w->why, sizeof(w->why));
	return NULL;
}

/* Whatever is wrong is told by witness_begin(): the run has no flags yet. */
void witness_start(struct session *s)
{
	struct witness *w = s->witness;
	int64_t deadline = vm_clock_ms(s->vm) + QEMU_MS;

	if (!w || w->begun)
		return;
	w->begun = true;
	if (*w->no_agent)
		snprintf(w->why, sizeof(w->why), "%s", w->no_agent);
	else if (!look_open(&w->look, s->vm, deadline, w->why, sizeof(w->why)) &&
		 !look_stop(&w->look, w->why, sizeof(w->why)) &&
		 !look_go(&w->look, w->why, sizeof(w->why)))
		w->taking = !pthread_create(&w->taker, NULL, take_kernel, w);
	/* One that was stopped and not understood has to go on all the same. */
	if (!w->taking && w->look.stopped)
		look_go(&w->look, w->why, sizeof(w->why));
}

/* The kernel is read, or was never to be. */
static void wait_for_taker(struct witness *w)
{
	if (w->taking)
		pthread_join(w->taker, NULL);
	w->taking = false;
}

void witness_begin(struct session *s)
{
	struct witness *w = s->witness;

	if (!w) {
		flags_add(&s->result->flags, "not-looked", false,
			  "the host could not look into the machine: no memory");
		return;
	}
	if (w->told)
		return;
	w->told = true;
	witness_start(s);
	wait_for_taker(w);
	if (!w->on)
		give_up(s, *w->why ? w->why : "no thread for reading its kernel");
}

/* Compare the kernel of the stopped machine; it is stopped again afterwards. */
static bool compare_kernel(struct session *s)
{
	struct witness *w = s->witness;
	const char *dir = s->config->kernel_dir;

	if (!kernel_image_compare(&w->kernel, &w->look, dir, NULL))
		return true;
	if (!go(s) || vm_idle(s->vm, vm_clock_ms(s->vm) + AGAIN_MS) != VM_OK || !stop(s))
		return false;
	kernel_image_compare(&w->kernel, &w->look, dir, &s->result->flags);
	return true;
}

/* ---- processes that hold still ---- */

static bool hold(struct session *s, struct held *h, uint64_t number, uint64_t offset)
{
	wire_begin(&s->request, WIRE_HOLD, 0);
	wire_put_u32(&s->request, h->worker);
	wire_put_u64(&s->request, number);
	wire_put_u64(&s->request, offset);
	if (!session_ask(s, "having a process of the grader's read %s",
			 h->worker == WIRE_AGENT ? "its own memory" : "from its mapping"))
		return false;
	h->number = number;
	h->va = wire_take_u64(&s->answer);
	return wire_done(&s->answer) ||
	       session_fail(s, "the answer of a process that should read from its mapping has the "
			       "wrong form: does the module write to memory that is not its own?");
}

static bool hold_all(struct session *s, struct group *group, bool still)
{
	for (size_t i = 0; i < group->count; i++) {
		uint64_t number = 0;

		while (still && !number)
			if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
				number = 0;
		if (!hold(s, &group->held[i], number, group->mark ? group->mark->offset : 0))
			return false;
	}
	return true;
}

static bool in_loop(const struct witness *w, const struct look_cpu *cpu, const struct held *h)
{
	return cpu->cpl == 3 && cpu->rbx == h->number && cpu->r13 == h->va &&
	       cpu->rip >= w->agent.loop && cpu->rip < w->agent.loop + HOLD_LOOP_LEN;
}

/* Look at the process that runs there; its pages may be away for the moment. */
static void examine(struct session *s, struct group *group, struct held *h,
		    const struct look_cpu *cpu)
{
	struct witness *w = s->witness;
	const struct pagewalk walk = look_tables(&w->look, cpu);
	struct text what = { 0 };
	struct page_run first, last;

	if (!h->met && agent_image_differs(&w->agent, &walk, &what) && !w->disbelieved.len) {
		flags_add(&s->result->flags, "agent-text-changed", true,
			  "the grader's program in the machine is not what the host put there: %s",
			  what.s);
		text_add(&w->disbelieved,
			 "the grader's own program in the machine was overwritten after the "
			 "module was loaded (%s), so nothing that it answered counts: does the "
			 "module write to memory that is not its own?",
			 what.s);
	}
	h->met = true;
	if (!group->mark) {
		h->seen = true;
		return;
	}
	if (!pagewalk_find(&walk, h->va, &first) ||
	    !pagewalk_find(&walk, h->va + group->mark->len - 1, &last) ||
	    !pagewalk_read(&walk, h->va, h->bytes, group->mark->len))
		return;
	h->pa = first.pa;
	h->last_pa = last.pa;
	h->seen = true;
}

/* There is no use in more looks, or no time. */
static bool enough(const struct session *s, const struct group *group, int64_t begin)
{
	int64_t now = vm_clock_ms(s->vm);

	return now >= s->deadline || now - begin >= SLOW_MS ||
	       (now - begin >= UNSEEN_MS && group->looks >= UNSEEN_LOOKS);
}

static bool all_seen(const struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (!group->held[i].seen)
			return false;
	return true;
}

/*
 * Stop the machine again and again until all of them were seen, or could have
 * been; it runs afterwards. False when it can be looked at no longer.
 */
static bool look_for(struct session *s, struct group *group)
{
	struct witness *w = s->witness;
	int64_t begin = vm_clock_ms(s->vm);

	for (;;) {
		if (!stop(s))
			return false;
		group->looks++;
		for (size_t i = 0; i < group->count; i++)
			for (size_t k = 0; k < w->look.ncpus && !group->held[i].seen; k++)
				if (in_loop(w, &w->look.cpus[k], &group->held[i]))
					examine(s, group, &group->held[i], &w->look.cpus[k]);
		if (all_seen(group)) {
			s->result->looks++;
			return compare_kernel(s) && go(s);
		}
		if (!go(s))
			return false;
		if (enough(s, group, begin))
			return true;
		if (vm_idle(s->vm, vm_clock_ms(s->vm) + NAP_MS) != VM_OK)
			return true;
	}
}

/* ---- what follows ---- */

/* A proof: the flag, and the item fails for it. */
static bool prove(struct session *s, const char *flag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static bool prove(struct session *s, const char *flag, const char *format, ...)
{
	struct text why = { 0 };
	va_list args;

	va_start(args, format);
	text_vadd(&why, format, args);
	va_end(args);
	flags_add(&s->result->flags, flag, true, "%s", why.s);
	return session_fail(s, "%s", why.s);
}

static bool judge_unseen(struct session *s, const struct group *group, const struct held *h)
{
	const char *device = s->lab->device;
	unsigned int number = group->mark->device;

	if (group->looks < UNSEEN_LOOKS) {
		flags_add(&s->result->flags, "not-looked", false,
			  "the host is too slow to find the grader's process %u in the machine: "
			  "it looked %u times",
			  h->worker, group->looks);
		return true;
	}
	if (!h->met)
		return prove(s, "process-not-there",
			     "a process that says it reads from its mapping of /dev/%s%u runs on "
			     "no processor of the machine: the host stopped it %u times and looked",
			     device, number, group->looks);
	return prove(s, "page-not-there",
		     "a process reads from its mapping of /dev/%s%u at offset %llu, but its page "
		     "tables have no page there: the host stopped the machine %u times and looked. "
		     "Does the module map the slot's own memory?",
		     device, number, (unsigned long long)group->mark->offset, group->looks);
}

/* What is stored lies in the frame that all of them reach. */
static bool judge(struct session *s, const struct group *group)
{
	const struct held *first = &group->held[0];
	const struct mark *mark = group->mark;
	const char *device = s->lab->device;

	for (size_t i = 0; i < group->count; i++)
		if (!group->held[i].seen)
			return judge_unseen(s, group, &group->held[i]);
	for (size_t i = 0; i < group->count; i++) {
		const struct held *h = &group->held[i];

		if (h->pa != first->pa || h->last_pa != first->last_pa)
			return prove(s, "frames-differ",
				     "two processes that map /dev/%s%u do not share memory: at "
				     "offset %llu one has the physical page 0x%llx and the other "
				     "0x%llx, as the host found in the stopped machine. Does each "
				     "mapping get memory of its own, which is copied?",
				     device, mark->device, (unsigned long long)mark->offset,
				     (unsigned long long)first->pa, (unsigned long long)h->pa);
		if (memcmp(h->bytes, mark->bytes, mark->len) != 0)
			return prove(s, "bytes-not-there",
				     "what was stored at offset %llu of the mapped /dev/%s%u is "
				     "not in the memory that the process maps (physical page "
				     "0x%llx), as the host found in the stopped machine",
				     (unsigned long long)mark->offset, device, mark->device,
				     (unsigned long long)h->pa);
	}
	return true;
}

/* The memory of a slot stays where it is while nobody resizes it. */
static void compare_frame(struct session *s, const struct group *group)
{
	struct witness *w = s->witness;
	uint64_t frame = group->held[0].pa;

	if (!group->held[0].seen)
		return;
	if (w->frame && w->item == s->item && w->device == group->mark->device &&
	    w->offset == group->mark->offset && w->frame != frame)
		flags_add(&s->result->flags, "frame-moved", false,
			  "offset %llu of /dev/%s%u was at the physical address 0x%llx for one "
			  "process and at 0x%llx for the next, without a resize between them",
			  (unsigned long long)w->offset, s->lab->device, w->device,
			  (unsigned long long)w->frame, (unsigned long long)frame);
	w->item = s->item;
	w->device = group->mark->device;
	w->offset = group->mark->offset;
	w->frame = frame;
}

/* Does a process have all of the mark mapped? */
static bool maps(const struct session_worker *worker, const struct mark *mark)
{
	return worker->open && worker->device == mark->device &&
	       mark->offset + mark->len <= worker->mapped;
}

/* A mark that is mapped, and who maps it. */
static bool choose(struct session *s, struct group *group)
{
	for (size_t i = s->marks.count; i-- > 0;) {
		group->mark = &s->marks.all[i];
		for (unsigned int k = 0; k < WIRE_WORKERS; k++)
			if (maps(&s->workers[k], group->mark))
				group->held[group->count++].worker = k;
		if (group->count)
			return true;
	}
	return session_lab_wrong(s, "nothing that was stored is mapped");
}

static bool drawn(uint64_t chance)
{
	uint64_t number;

	return chance <= 1 || getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number) ||
	       number % chance == 0;
}

bool witness_look(struct session *s, uint64_t chance)
{
	struct group *group;
	bool held;

	if (!s->witness || !s->witness->on || !drawn(chance))
		return true;
	group = calloc(1, sizeof(*group));
	if (!group)
		return true;
	held = choose(s, group) && hold_all(s, group, true);
	if (held && look_for(s, group)) {
		held = judge(s, group);
		compare_frame(s, group);
	}
	if (held && s->witness->disbelieved.len)
		held = session_fail(s, "%s", s->witness->disbelieved.s);
	/* Whoever is not asked anything next would go on reading. */
	if (held)
		held = hold_all(s, group, false);
	free(group);
	return held;
}

/* All points were given: see that process 1 still is who gave the answers. */
static void look_at_agent(struct session *s)
{
	struct group *group = calloc(1, sizeof(*group));
	bool host_failed = s->host_failed, crashed = s->crashed;
	struct text *reason = s->reason, unused = { 0 };

	if (!group)
		return;
	group->count = 1;
	group->held[0].worker = WIRE_AGENT;
	s->reason = &unused;
	if (!hold_all(s, group, true))
		flags_add(
			&s->result->flags, "not-looked", false,
			"the machine ended, or answered no more, before the host could look at it "
			"for the last time");
	else if (look_for(s, group) && !group->held[0].met)
		flags_add(&s->result->flags, "agent-not-seen", false,
			  "process 1 says it runs, and the host saw it on no processor: it looked "
			  "%u times",
			  group->looks);
	s->reason = reason;
	/* What ends a machine that has all its points costs none. */
	s->host_failed = host_failed;
	s->crashed = crashed;
	free(group);
}

/* Everything since the module was loaded came from somebody else. */
static void take_back(struct session *s)
{
	struct grade_result *result = s->result;
	size_t first = lab_before_module(s->lab);

	if (result->items[first].state == ITEM_NOT_REACHED)
		return;
	for (size_t i = first; i < s->lab->nitems; i++) {
		text_clear(&result->items[i].reason);
		result->items[i].state = i == first ? ITEM_FAILED : ITEM_NOT_REACHED;
	}
	text_add(&result->items[first].reason, "%s", s->witness->disbelieved.s);
}

void witness_end(struct session *s, bool held)
{
	struct witness *w = s->witness;

	if (!w || !w->told)
		return;
	if (w->on && held)
		look_at_agent(s);
	else if (w->on && !s->crashed && !s->host_failed && stop(s) && compare_kernel(s))
		go(s);
	if (w->disbelieved.len && !s->host_failed)
		take_back(s);
}

/**
 * witness_free() - release what witness_prepare() and witness_begin() took
 * @w: the witness, or NULL
 */
void witness_free(struct witness *w)
{
	if (!w)
		return;
	wait_for_taker(w);
	agent_image_free(&w->agent);
	kernel_image_free(&w->kernel);
	free(w);
}
