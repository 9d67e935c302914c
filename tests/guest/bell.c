// SPDX-License-Identifier: GPL-2.0
/*
 * bell.c - poll, epoll, KSHRAM_RING and KSHRAM_EVENTS
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kshram.h"
#include "slots.h"
#include "tap.h"

/* Long enough for any machine; a test that waits so long has failed. */
#define FOR_EVER 300000

static int ready(int fd, int events, int timeout)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK(poll(&p, 1, timeout) >= 0);
	return p.revents;
}

static void in_and_out(void)
{
	int fd = slot_open(NODE(0), O_RDWR);

	CHECK_IS(ready(fd, POLLIN | POLLOUT | POLLPRI, 0), POLLIN | POLLOUT);
	CHECK_IS(ready(fd, POLLRDNORM | POLLWRNORM, 0), POLLRDNORM | POLLWRNORM);
	CHECK_IS(ready(fd, POLLPRI, 0), 0);
}

static void rings_everybody(void)
{
	int a = slot_open(NODE(0), O_RDWR), b = slot_open(NODE(0), O_RDONLY);
	int other = slot_open(NODE(1), O_RDWR), late;

	CHECK_IS(ioctl(a, KSHRAM_EVENTS), 0);
	CHECK_IS(ioctl(a, KSHRAM_RING), 0);
	late = slot_open(NODE(0), O_RDWR);
	CHECK_IS(ready(b, POLLPRI, 0), POLLPRI);
	CHECK_IS(ready(a, POLLPRI, 0), POLLPRI);
	/* Not another slot's, and not who came later. */
	CHECK_IS(ready(other, POLLPRI, 0), 0);
	CHECK_IS(ready(late, POLLPRI, 0), 0);
	CHECK_IS(ioctl(late, KSHRAM_EVENTS), 0);
	CHECK_IS(ioctl(other, KSHRAM_EVENTS), 0);
	/* Taking one's events takes nobody else's. */
	CHECK_IS(ioctl(b, KSHRAM_EVENTS), KSHRAM_EVENT_RUNG);
	CHECK_IS(ioctl(b, KSHRAM_EVENTS), 0);
	CHECK_IS(ready(b, POLLPRI, 0), 0);
	CHECK_IS(ready(a, POLLPRI, 0), POLLPRI);
	CHECK_IS(ioctl(a, KSHRAM_EVENTS), KSHRAM_EVENT_RUNG);
	/* A descriptor made by dup has the same open file. */
	CHECK_IS(ioctl(a, KSHRAM_RING), 0);
	CHECK_IS(ioctl(dup(a), KSHRAM_EVENTS), KSHRAM_EVENT_RUNG);
	CHECK_IS(ioctl(a, KSHRAM_EVENTS), 0);
	CHECK_IS(ioctl(b, KSHRAM_EVENTS), KSHRAM_EVENT_RUNG);
}

static void resizes_are_events(void)
{
	int a = slot_open(NODE(0), O_RDWR), b = slot_open(NODE(0), O_RDONLY);

	CHECK_IS(ioctl(a, KSHRAM_SETSIZE, 8192), 0);
	CHECK_IS(ready(b, POLLPRI, 0), POLLPRI);
	CHECK_IS(ioctl(b, KSHRAM_EVENTS), KSHRAM_EVENT_RESIZED);
	CHECK_IS(ioctl(a, KSHRAM_SETSIZE, 4096), 0);
	CHECK_IS(ioctl(a, KSHRAM_RING), 0);
	CHECK_IS(ioctl(b, KSHRAM_EVENTS), KSHRAM_EVENT_RESIZED | KSHRAM_EVENT_RUNG);
	/* One that failed is none. */
	CHECK_ERR(ioctl(a, KSHRAM_SETSIZE, 0), EINVAL);
	CHECK_IS(ioctl(b, KSHRAM_EVENTS), 0);
}

static void ring_needs_write(void)
{
	int rw = slot_open(NODE(0), O_RDWR), ro = slot_open(NODE(0), O_RDONLY);

	CHECK_ERR(ioctl(ro, KSHRAM_RING), EBADF);
	CHECK_IS(ioctl(rw, KSHRAM_EVENTS), 0);
	CHECK_IS(ioctl(slot_open(NODE(0), O_WRONLY), KSHRAM_RING), 0);
	CHECK_IS(ioctl(rw, KSHRAM_EVENTS), KSHRAM_EVENT_RUNG);
}

static void sleeps_until_rung(void)
{
	int fd = slot_open(NODE(0), O_RDWR), fds[2], status;
	unsigned char *mem = slot_map(fd, PAGE);
	char byte = 0;
	pid_t pid;

	CHECK_IS(pipe(fds), 0);
	mem[0] = 0;
	pid = fork();
	if (pid == 0) {
		int own = slot_open(NODE(0), O_RDWR);

		CHECK_IS(write(fds[1], "r", 1), 1);
		CHECK_IS(ready(own, POLLPRI, FOR_EVER), POLLPRI);
		CHECK_IS(mem[0], 42);
		CHECK_IS(ioctl(own, KSHRAM_EVENTS), KSHRAM_EVENT_RUNG);
		_exit(0);
	}
	CHECK_IS(read(fds[0], &byte, 1), 1);
	mem[0] = 42;
	CHECK_IS(ioctl(fd, KSHRAM_RING), 0);
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK_IS(status, 0);
	mem[0] = 0;
}

static void epoll_edges(void)
{
	int fd = slot_open(NODE(0), O_RDWR), ringer = slot_open(NODE(0), O_RDWR);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLPRI | EPOLLET }, got;

	CHECK(ep >= 0);
	CHECK_IS(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_IS(epoll_wait(ep, &got, 1, 0), 0);
	CHECK_IS(ioctl(ringer, KSHRAM_RING), 0);
	CHECK_IS(epoll_wait(ep, &got, 1, FOR_EVER), 1);
	CHECK(got.events == EPOLLPRI);
	/* Edge-triggered: again only when rung again. */
	CHECK_IS(epoll_wait(ep, &got, 1, 0), 0);
	CHECK_IS(ioctl(ringer, KSHRAM_RING), 0);
	CHECK_IS(epoll_wait(ep, &got, 1, FOR_EVER), 1);
	CHECK_IS(ioctl(fd, KSHRAM_EVENTS), KSHRAM_EVENT_RUNG);
	CHECK_IS(epoll_wait(ep, &got, 1, 0), 0);
	/* Closed while it is watched, and rung after that. */
	close(fd);
	CHECK_IS(ioctl(ringer, KSHRAM_RING), 0);
	CHECK_IS(epoll_wait(ep, &got, 1, 0), 0);
}

/* Two processes, a counter in the slot, a ring after each step: none is lost. */
static void there_and_back(void)
{
	int fd = slot_open(NODE(0), O_RDWR), status, side, own;
	volatile unsigned int *turn = (unsigned int *)slot_map(fd, PAGE);
	unsigned int steps = tap_rounds * 2;
	pid_t pids[2];

	*turn = 0;
	for (side = 0; side < 2; side++) {
		pids[side] = fork();
		if (pids[side])
			continue;
		own = slot_open(NODE(0), O_RDWR);
		while (*turn < steps) {
			if (*turn % 2 == (unsigned int)side) {
				++*turn;
				CHECK_IS(ioctl(own, KSHRAM_RING), 0);
				continue;
			}
			/* Taken first and looked after: a ring in between stays. */
			ioctl(own, KSHRAM_EVENTS);
			if (*turn % 2 != (unsigned int)side && *turn < steps)
				CHECK_IS(ready(own, POLLPRI, FOR_EVER), POLLPRI);
		}
		_exit(0);
	}
	for (side = 0; side < 2; side++) {
		CHECK_IS(waitpid(pids[side], &status, 0), pids[side]);
		CHECK_IS(status, 0);
	}
	CHECK_IS(*turn, steps);
	*turn = 0;
}

const struct tap_test bell_tests[] = {
	{ "IN and OUT are always ready, PRI is not", in_and_out },
	{ "the bell is heard once by every open file of the slot, and no other", rings_everybody },
	{ "a resize is an event, one that failed is none", resizes_are_events },
	{ "ringing through a read-only descriptor is EBADF", ring_needs_write },
	{ "poll sleeps until another process rings", sleeps_until_rung },
	{ "epoll, edge-triggered", epoll_edges },
	{ "two processes take turns by the bell, and none is lost", there_and_back },
	{ NULL, NULL },
};
