// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz_client.c - a submission from the connection to the score, whatever a server says
 *
 * The first bytes say in what pieces it arrives, after how much that was sent, and how
 * the connection ends. What comes out is what a terminal and a program are shown.
 */
#include <ctype.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../submit/client.h"
#include "../../submit/json.h"
#include "fuzz.h"
#include "pow.h"

#define HEAD 4
#define TURNS_MAX 200000
#define TURN_MS 1000

static const uint8_t *input;
static size_t left, step, sent_all, slowness;
static bool broken, halves, running, no_solution;
static int64_t clock_ms;
static unsigned int turns;

/* ---- a clock for the client; libFuzzer has the other one, also in its alarm ---- */

int clock_gettime(clockid_t id, struct timespec *now)
{
	if (!running || id != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, id, now);
	*now = (struct timespec){ .tv_sec = clock_ms / 1000, .tv_nsec = clock_ms % 1000 * 1000000 };
	return 0;
}

/* ---- the connection ---- */

int net_connect(const struct net_address *address, int seconds, char *error, size_t error_size)
{
	(void)error, (void)error_size;
	must(*address->host && seconds > 0);
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* In one of so many turns there is something to receive; in others the time passes. */
enum net_result net_wait(int fd, bool want_send, int milliseconds, bool *can_receive,
			 bool *can_send)
{
	must(fd >= 0 && turns++ < TURNS_MAX);
	*can_receive = !slowness || turns % (slowness + 1) == 0;
	*can_send = want_send;
	if (*can_receive || *can_send)
		return NET_OK;
	clock_ms += milliseconds < TURN_MS ? milliseconds : TURN_MS;
	return NET_TIMEOUT;
}

enum net_result net_receive(int fd, char *data, size_t size, size_t *len)
{
	must(fd >= 0);
	*len = left < step ? left : step;
	*len = *len < size ? *len : size;
	memcpy(data, input, *len);
	input += *len;
	left -= *len;
	if (*len)
		return NET_OK;
	return broken ? NET_BROKEN : NET_CLOSED;
}

enum net_result net_send(int fd, const char *data, size_t len, size_t *sent)
{
	must(fd >= 0 && data && len);
	*sent = halves ? (len + 1) / 2 : len;
	sent_all += *sent;
	return NET_OK;
}

/* ---- the puzzle ---- */

enum pow_result pow_solve(const char *prefix, unsigned int difficulty, unsigned int threads,
			  const struct pow_progress *progress, char answer[POW_ANSWER_SIZE],
			  uint64_t *hashes)
{
	(void)threads, (void)hashes;
	must(*prefix && difficulty <= POW_DIFFICULTY_MAX);
	for (uint64_t i = 0; i < 3; i++)
		if (!progress->report(progress->arg, i << 20))
			return POW_CANCELLED;
	if (no_solution)
		return POW_NO_THREADS;
	snprintf(answer, POW_ANSWER_SIZE, "answer");
	return POW_SOLVED;
}

/* ---- what comes of it ---- */

static void look_at_words(const char *words)
{
	for (; *words; words++)
		must(isprint((unsigned char)*words) || *words == '\t');
}

/* Colours are the only sequences: a terminal does nothing else that it is told. */
static void look_at_screen(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == 0x1b) {
			must(i + 1 < len && text[i + 1] == '[');
			i += 2;
			while (i < len && (isdigit((unsigned char)text[i]) || text[i] == ';'))
				i++;
			must(i < len && text[i] == 'm');
		} else {
			must((c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t');
		}
	}
}

static void look_at_json(const struct client *client, enum client_result result)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *json;

	must(out && !json_print(out, client, result));
	must(!fclose(out));
	json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	must(json);
	must(json_is_integer(json_object_get(json, "score")) == (result == CLIENT_SCORED));
	if (result == CLIENT_SCORED)
		must(json_integer_value(json_object_get(json, "score")) == client->score.points);
	json_decref(json);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char module[] = "hello";
	static struct client client;
	struct screen screen = { 0 };
	enum client_result result;
	FILE *terminal = stdout;
	char *shown = NULL;
	size_t len;

	if (size < HEAD)
		return 0;
	step = data[0] + 1U;
	slowness = data[1];
	broken = data[2] & 1;
	no_solution = data[2] & 2;
	halves = data[2] & 8;
	screen.clean.colour = data[2] & 4;
	input = data + HEAD;
	left = size - HEAD;
	sent_all = turns = 0;
	clock_ms = 1000;
	memset(&client, 0, sizeof(client));
	client.address = (struct net_address){ "localhost", "10548" };
	client.token = data[3] & 1 ? "ann" : NULL;
	client.silence = 20;
	client.patience = 60;
	client.module = module;
	client.size = sizeof(module) - 1;
	client.screen = &screen;
	stdout = open_memstream(&shown, &len);
	must(stdout);
	running = true;
	result = client_run(&client);
	running = false;
	must(!fclose(stdout));
	stdout = terminal;
	look_at_screen(shown, len);
	free(shown);
	if (result == CLIENT_SCORED) {
		must(client.received && client.score.total && !broken);
		must(client.score.points <= client.score.total);
	} else {
		must(*client.words);
		look_at_words(client.words);
	}
	/* Nothing is taken for a receipt before all was sent, and of other bytes. */
	must(!client.received || (sent_all > client.size && !strcmp(client.talk.md5, client.md5)));
	look_at_json(&client, result);
	return 0;
}
