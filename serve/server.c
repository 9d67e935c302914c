// SPDX-License-Identifier: GPL-2.0
/*
 * server.c - the server as a whole: start, listen, signals, end
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../grade/kernels.h"
#include "log.h"
#include "queue.h"
#include "server.h"
#include "session.h"
#include "state.h"

#define GRADER "kshram-grade"
/* Descriptors for the database, listeners and the like, and of each grader. */
#define OTHER_FILES 512
#define GRADER_FILES 8
#define BACKLOG 1024
/* While descriptors are short, connections wait in the kernel for so long. */
#define ACCEPT_PAUSE_SECONDS 1
/* When we end: how often we look, and how long the last words may take. */
#define END_TICK_MS 100
#define END_WORDS_MS 5000
#define END_NOW_MS 1000

/**
 * struct running - the server and what only this file needs
 * @server: the server
 * @source: where its configuration comes from
 * @lock: descriptor of the lock on the state directory
 * @listeners: sockets that we listen on
 * @resume: a timer that listens again
 * @end_tick: a timer, when we are ending
 * @over_ms: when nothing ran any more
 * @now: a second signal: do not wait for what runs
 */
struct running {
	struct server server;
	const struct server_source *source;
	int lock;
	struct evconnlistener *listeners[CONFIG_LISTEN_MAX];
	struct event *signals[3];
	struct event *resume;
	struct event *end_tick;
	int64_t over_ms;
	bool now;
};

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool fail(const char *format, ...)
{
	va_list args;

	fputs("kshramd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return false;
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *address, int len, void *arg)
{
	struct running *r = arg;

	(void)listener;
	(void)len;
	session_open(&r->server, fd, address);
}

/* No descriptors or no memory left: waiting is better than asking again at once. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct timeval pause = { .tv_sec = ACCEPT_PAUSE_SECONDS };
	struct running *r = arg;

	log_warn("not_accepted", LOG_TEXT("error", strerror(errno)));
	evconnlistener_disable(listener);
	evtimer_add(r->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct running *r = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
		if (r->listeners[i])
			evconnlistener_enable(r->listeners[i]);
}

/* The address that a socket really has: port 0 becomes one that is free. */
static void name_socket(evutil_socket_t fd, char *text, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "";

	memset(&address, 0, sizeof(address));
	if (getsockname(fd, &address.any, &len) != 0) {
		snprintf(text, size, "unknown");
	} else if (address.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%d", host, ntohs(address.v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%d", host, ntohs(address.v4.sin_port));
	}
}

static bool listen_on(struct running *r, size_t index)
{
	const char *where = r->server.config.listen[index];
	struct sockaddr_storage address;
	char name[CONFIG_ADDRESS_MAX];
	unsigned int flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	socklen_t len = 0;
	size_t used;

	if (!config_address(where, &address, &len))
		return fail("%s is not an address", where);
	/* [::] and 0.0.0.0 side by side. */
	if (address.ss_family == AF_INET6)
		flags |= LEV_OPT_BIND_IPV6ONLY;
	r->listeners[index] = evconnlistener_new_bind(r->server.base, on_connection, r, flags,
						      BACKLOG, (struct sockaddr *)&address,
						      (int)len);
	if (!r->listeners[index])
		return fail("cannot listen on %s: %s", where, strerror(errno));
	evconnlistener_set_error_cb(r->listeners[index], on_accept_error);
	name_socket(evconnlistener_get_fd(r->listeners[index]), name, sizeof(name));
	used = strlen(r->server.listening);
	snprintf(r->server.listening + used, sizeof(r->server.listening) - used, "%s%s",
		 used ? ", " : "", name);
	log_info("listening", LOG_TEXT("address", name));
	return true;
}

static bool is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		errno = EACCES;
	else if (access(path, X_OK) == 0)
		return true;
	return false;
}

static void find_in_path(char *path, size_t size)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t len = strcspn(at, ":");

		if ((size_t)snprintf(path, size, "%.*s/" GRADER, (int)len, at) < size && len &&
		    is_program(path))
			return;
		at += len + (at[len] == ':');
	}
	path[0] = '\0';
}

/* The program that @config names, or else the one beside us or in PATH. */
static bool find_grader(const struct config *config, char path[PATH_MAX], char *error,
			size_t error_size)
{
	const char *given = config->grader;

	if (*given) {
		snprintf(path, PATH_MAX, "%s", given);
		if (is_program(given))
			return true;
		snprintf(error, error_size, "the grader %.800s cannot be run: %s", given,
			 strerror(errno));
		return false;
	}
	if (tree_path(GRADER, NULL, path) == 0 && is_program(path))
		return true;
	find_in_path(path, PATH_MAX);
	if (*path)
		return true;
	snprintf(error, error_size,
		 "there is no " GRADER " beside this program or in PATH; to build it, type: "
		 "make all");
	return false;
}

/* As many descriptors as connections may need, if we are let. */
static void raise_files(const struct config *config)
{
	struct rlimit files;
	rlim_t wanted = (rlim_t)config->connections + OTHER_FILES +
			GRADER_FILES * (rlim_t)(config->jobs + config->standby);

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
		return;
	files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < wanted)
		log_warn("few_descriptors", LOG_NUMBER("wanted", (int64_t)wanted),
			 LOG_NUMBER("allowed", (int64_t)files.rlim_cur));
}

/* What cannot change while we run stays as it is. */
static void keep_fixed(struct config *new, const struct config *old)
{
	bool same = new->nlisten == old->nlisten &&strcmp(new->state, old->state) == 0 &&
		    strcmp(new->metrics, old->metrics) == 0;

	for (size_t i = 0; same && i < new->nlisten; i++)
		same = strcmp(new->listen[i], old->listen[i]) == 0;
	if (!same)
		log_warn("needs_restart", LOG_TEXT("keys", "listen, state or metrics"));
	memcpy(new->listen, old->listen, sizeof(new->listen));
	new->nlisten = old->nlisten;
	memcpy(new->state, old->state, sizeof(new->state));
	memcpy(new->metrics, old->metrics, sizeof(new->metrics));
}

static void take_config(struct server *server, struct config *new, struct served_kernel *kernel)
{
	served_kernel_free(&server->kernel);
	server->kernel = *kernel;
	keep_fixed(new, &server->config);
	config_free(&server->config);
	server->config = *new;
}

static void on_hup(evutil_socket_t number, short what, void *arg)
{
	struct running *r = arg;
	struct served_kernel kernel;
	char error[CONFIG_ERROR_MAX], grader[PATH_MAX];
	struct config new;

	(void)number;
	(void)what;
	if (!r->source->read(r->source->arg, &new, error, sizeof(error))) {
		log_error("config_kept", LOG_TEXT("error", error));
		return;
	}
	if (!find_grader(&new, grader, error, sizeof(error)) ||
	    !served_kernel_load(&kernel, new.kernel, error, sizeof(error))) {
		log_error("config_kept", LOG_TEXT("error", error));
		config_free(&new);
		return;
	}
	memcpy(r->server.grader, grader, sizeof(grader));
	take_config(&r->server, &new, &kernel);
	raise_files(&r->server.config);
	log_info("config_read", LOG_TEXT("kernel", r->server.kernel.name),
		 LOG_NUMBER("difficulty", r->server.config.difficulty),
		 LOG_NUMBER("jobs", r->server.config.jobs));
	queue_reconfigured(r->server.queue);
}

static void on_end_tick(evutil_socket_t fd, short what, void *arg)
{
	struct running *r = arg;
	int64_t patience = r->now ? END_NOW_MS : END_WORDS_MS;

	(void)fd;
	(void)what;
	if (queue_running(r->server.queue))
		return;
	if (!r->over_ms)
		r->over_ms = now_ms();
	if (!r->server.nsessions || now_ms() - r->over_ms >= patience)
		event_base_loopbreak(r->server.base);
}

static void on_term(evutil_socket_t number, short what, void *arg)
{
	struct timeval tick = { .tv_usec = END_TICK_MS * 1000 };
	struct running *r = arg;

	(void)what;
	if (!r->server.ending) {
		log_info("ending", LOG_NUMBER("signal", number),
			 LOG_NUMBER("running", (int64_t)queue_running(r->server.queue)),
			 LOG_NUMBER("waiting", (int64_t)queue_waiting(r->server.queue)));
		r->server.ending = true;
		queue_stop(r->server.queue);
		session_refuse_all(&r->server, false);
		event_add(r->end_tick, &tick);
		return;
	}
	log_info("ending_now", LOG_NUMBER("signal", number),
		 LOG_NUMBER("running", (int64_t)queue_running(r->server.queue)));
	r->now = true;
	queue_abandon(r->server.queue);
	session_refuse_all(&r->server, true);
}

static bool watch_signals(struct running *r)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

	/* Both are errors of a write, and are dealt with there. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < 3; i++) {
		r->signals[i] = evsignal_new(r->server.base, numbers[i],
					     numbers[i] == SIGHUP ? on_hup : on_term, r);
		if (!r->signals[i] || event_add(r->signals[i], NULL) != 0)
			return fail("no memory");
	}
	r->resume = evtimer_new(r->server.base, on_resume, r);
	r->end_tick = event_new(r->server.base, -1, EV_PERSIST, on_end_tick, r);
	return (r->resume && r->end_tick) || fail("no memory");
}

/* Everything that can be missing is looked for before anybody can connect. */
static bool start(struct running *r)
{
	struct server *server = &r->server;
	char error[CONFIG_ERROR_MAX];

	if (!r->source->read(r->source->arg, &server->config, error, sizeof(error)))
		return fail("%s", error);
	if (!served_kernel_load(&server->kernel, server->config.kernel, error, sizeof(error)))
		return fail("%s", error);
	if (!find_grader(&server->config, server->grader, error, sizeof(error)))
		return fail("%s", error);
	r->lock = state_take(server->config.state, error, sizeof(error));
	if (r->lock < 0)
		return fail("%s", error);
	server->store = store_open(server->config.state, true, error, sizeof(error));
	if (!server->store)
		return fail("%s", error);
	snprintf(server->owner, sizeof(server->owner), "kshramd-%d-%lld", (int)getpid(),
		 (long long)time(NULL));
	raise_files(&server->config);
	server->base = event_base_new();
	if (!server->base)
		return fail("no event loop: %s", strerror(errno));
	if (!watch_signals(r))
		return false;
	for (size_t i = 0; i < server->config.nlisten; i++)
		if (!listen_on(r, i))
			return false;
	if (!metrics_listen(server, error, sizeof(error)))
		return fail("%s", error);
	server->queue = queue_new(server, error, sizeof(error));
	if (!server->queue)
		return fail("%s", error);
	return true;
}

static void stop(struct running *r)
{
	struct server *server = &r->server;

	session_free_all(server);
	queue_free(server->queue);
	metrics_close(server);
	for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
		if (r->listeners[i])
			evconnlistener_free(r->listeners[i]);
	for (size_t i = 0; i < 3; i++)
		if (r->signals[i])
			event_free(r->signals[i]);
	if (r->resume)
		event_free(r->resume);
	if (r->end_tick)
		event_free(r->end_tick);
	if (server->base)
		event_base_free(server->base);
	store_close(server->store);
	if (r->lock >= 0)
		close(r->lock);
	served_kernel_free(&server->kernel);
	config_free(&server->config);
	free(r);
}

int server_run(const struct server_source *source)
{
	struct running *r = calloc(1, sizeof(*r));
	int status = 1;

	if (!r) {
		fail("no memory");
		return 1;
	}
	r->source = source;
	r->lock = -1;
	r->server.started_ms = now_ms();
	LIST_INIT(&r->server.sessions);
	if (start(r)) {
		const struct config *c = &r->server.config;

		log_info("ready", LOG_TEXT("version", KSHRAM_VERSION),
			 LOG_TEXT("kernel", r->server.kernel.name), LOG_NUMBER("jobs", c->jobs),
			 LOG_NUMBER("difficulty", c->difficulty), LOG_TEXT("state", c->state));
		event_base_dispatch(r->server.base);
		log_info("ended");
		status = 0;
	}
	stop(r);
	libevent_global_shutdown();
	return status;
}
