// SPDX-License-Identifier: GPL-2.0
/*
 * solve.c - find an answer to a puzzle, on every processor
 *
 * All candidates share the prefix and differ in a few characters of the last
 * block. So the state after the blocks before it is computed once and copied, and
 * a candidate costs one call of the compression function. The library's
 * documented interface (EVP) has no such call: finishing a hash there costs
 * several times what the compression does. Hence the low-level functions,
 * deprecated since OpenSSL 3.0, in this file and in no other; pow_check(), which
 * judges, does without.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "pow.h"

#define BLOCK SHA_CBLOCK
/* The end of a last block: the bit that ends the message, and its length in bits. */
#define TRAILER 9
/* Characters that differ: one for the thread, and 66 bits to count with. */
#define COUNTER 12
#define THREADS_MAX 64
/* Tries between two looks at what the others do: well under a millisecond. */
#define BATCH (UINT64_C(1) << 13)
#define REPORT_MICROSECONDS 100000

/* 64 characters, none of which a shell, a quote or a line would trip over. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+_";

/**
 * struct search - what the threads share
 * @start: state of the hash before the last block
 * @block: the last block, with a counter of 'A's
 * @at: where in it the counter is
 * @mask: bits of the first two words of a hash that must be zero
 * @hashes: computed so far
 * @stop: no more
 * @lock: protects @solved, @answer and @running
 * @changed: @solved or @running did
 * @solved: @answer is one
 * @answer: the counter that solves it
 * @running: threads that search
 */
struct search {
	SHA_CTX start;
	unsigned char block[BLOCK];
	size_t at;
	uint64_t mask;
	atomic_uint_fast64_t hashes;
	atomic_bool stop;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool solved;
	unsigned char answer[COUNTER];
	unsigned int running;
};

struct worker {
	struct search *search;
	unsigned int index;
	pthread_t thread;
};

/* The next number, first digit last; @digits has the values of the @counter's characters. */
static void count_up(unsigned char *counter, unsigned char *digits)
{
	size_t i = 0;

	while (i < COUNTER - 1 && ++digits[i] == 64) {
		digits[i] = 0;
		counter[i] = alphabet[0];
		i++;
	}
	if (i < COUNTER - 1)
		counter[i] = alphabet[digits[i]];
}

/* Try so many; true when the block is a solution. */
static bool try_batch(const struct search *s, unsigned char *block, unsigned char *digits,
		      uint64_t *tried)
{
	SHA_CTX ctx = s->start;
	uint64_t i;

	for (i = 0; i < BATCH; i++) {
		ctx.h0 = s->start.h0;
		ctx.h1 = s->start.h1;
		ctx.h2 = s->start.h2;
		ctx.h3 = s->start.h3;
		ctx.h4 = s->start.h4;
		SHA1_Transform(&ctx, block);
		if (!(((uint64_t)ctx.h0 << 32 | ctx.h1) & s->mask)) {
			*tried = i + 1;
			return true;
		}
		count_up(block + s->at, digits);
	}
	*tried = BATCH;
	return false;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct search *s = worker->search;
	unsigned char block[BLOCK], digits[COUNTER] = { 0 };
	bool found = false;

	memcpy(block, s->block, sizeof(block));
	block[s->at + COUNTER - 1] = alphabet[worker->index];
	while (!found && !atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		uint64_t tried;

		found = try_batch(s, block, digits, &tried);
		atomic_fetch_add_explicit(&s->hashes, tried, memory_order_relaxed);
	}
	pthread_mutex_lock(&s->lock);
	if (found && !s->solved) {
		s->solved = true;
		memcpy(s->answer, block + s->at, COUNTER);
		atomic_store(&s->stop, true);
	}
	s->running--;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Signals are for the thread that called: it is the one that knows what to do. */
static unsigned int start_workers(struct search *s, struct worker *workers, unsigned int count)
{
	unsigned int started;
	sigset_t all, old;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	pthread_mutex_lock(&s->lock);
	for (started = 0; started < count && !err; started++) {
		workers[started].search = s;
		workers[started].index = started;
		err = pthread_create(&workers[started].thread, NULL, work, &workers[started]);
		if (err)
			break;
		s->running++;
	}
	pthread_mutex_unlock(&s->lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!started)
		errno = err;
	return started;
}

/* A point in time a moment from now; macOS has no other clock for conditions. */
static struct timespec next_report(void)
{
	struct timeval now;
	struct timespec then;

	gettimeofday(&now, NULL);
	now.tv_usec += REPORT_MICROSECONDS;
	then.tv_sec = now.tv_sec + now.tv_usec / 1000000;
	then.tv_nsec = now.tv_usec % 1000000 * 1000L;
	return then;
}

static void wait_for_workers(struct search *s, const struct pow_progress *progress)
{
	struct timespec when = next_report();

	pthread_mutex_lock(&s->lock);
	while (s->running && !s->solved) {
		bool on = true;

		if (pthread_cond_timedwait(&s->changed, &s->lock, &when) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&s->lock);
		if (progress && progress->report)
			on = progress->report(progress->arg, atomic_load(&s->hashes));
		if (!on)
			atomic_store(&s->stop, true);
		when = next_report();
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

/*
 * Lay out the message: prefix, filler up to a block with room for counter and
 * trailer (often none), counter, trailer. @answer gets the filler.
 */
static void lay_out(struct search *s, const char *prefix, unsigned int difficulty, char *answer)
{
	size_t len = strlen(prefix), rest = len % BLOCK, filler = 0;
	unsigned char head[BLOCK];
	uint64_t bits;

	SHA1_Init(&s->start);
	SHA1_Update(&s->start, prefix, len - rest);
	memset(s->block, 0, BLOCK);
	if (rest + COUNTER + TRAILER > BLOCK) {
		filler = BLOCK - rest;
		memset(answer, alphabet[0], filler);
		memcpy(head, prefix + len - rest, rest);
		memset(head + rest, alphabet[0], filler);
		SHA1_Update(&s->start, head, BLOCK);
		rest = 0;
	}
	answer[filler] = '\0';
	memcpy(s->block, prefix + len - rest, rest);
	s->at = rest;
	memset(s->block + rest, alphabet[0], COUNTER);
	s->block[rest + COUNTER] = 0x80;
	bits = (uint64_t)(len + filler + COUNTER) * 8;
	for (size_t i = 0; i < 8; i++)
		s->block[BLOCK - 1 - i] = (unsigned char)(bits >> 8 * i);
	s->mask = difficulty ? ~UINT64_C(0) << (64 - 4 * difficulty) : 0;
}

/* As many threads as there are processors, unless told otherwise. */
static unsigned int thread_count(unsigned int wanted)
{
	long online = wanted ? (long)wanted : sysconf(_SC_NPROCESSORS_ONLN);

	if (online < 1)
		return 1;
	return online > THREADS_MAX ? THREADS_MAX : (unsigned int)online;
}

/**
 * pow_solve() - find an answer
 * @prefix: the puzzle, of any length
 * @difficulty: zeros that are asked for; each more takes 16 times as long
 * @threads: how many to search with; 0: one for each processor
 * @progress: NULL, or who wants to know
 * @answer: gets a printable answer without blanks and quotes; "" without one
 * @hashes: NULL, or gets how many were computed
 *
 * Return: POW_SOLVED, or why not. No thread is left behind.
 */
enum pow_result pow_solve(const char *prefix, unsigned int difficulty, unsigned int threads,
			  const struct pow_progress *progress, char answer[POW_ANSWER_SIZE],
			  uint64_t *hashes)
{
	struct search search = { .lock = PTHREAD_MUTEX_INITIALIZER,
				 .changed = PTHREAD_COND_INITIALIZER };
	struct worker workers[THREADS_MAX];
	unsigned int started;
	size_t filler;

	answer[0] = '\0';
	if (hashes)
		*hashes = 0;
	if (difficulty > POW_DIFFICULTY_MAX)
		return POW_INVALID;
	lay_out(&search, prefix, difficulty, answer);
	filler = strlen(answer);
	started = start_workers(&search, workers, thread_count(threads));
	if (started)
		wait_for_workers(&search, progress);
	for (unsigned int i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_cond_destroy(&search.changed);
	pthread_mutex_destroy(&search.lock);
	if (hashes)
		*hashes = atomic_load(&search.hashes);
	if (search.solved) {
		memcpy(answer + filler, search.answer, COUNTER);
		answer[filler + COUNTER] = '\0';
		return POW_SOLVED;
	}
	answer[0] = '\0';
	return started ? POW_CANCELLED : POW_NO_THREADS;
}
