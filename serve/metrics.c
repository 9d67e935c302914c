// SPDX-License-Identifier: GPL-2.0
/*
 * metrics.c - what is counted, and how Prometheus reads it
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "pool.h"
#include "queue.h"
#include "server.h"
#include "session.h"

void metrics_refused(struct metrics *metrics, enum refusal reason)
{
	metrics->refused[reason]++;
}

static void head(struct evbuffer *out, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(out, "# HELP kshramd_%s %s\n# TYPE kshramd_%s %s\n", name, help, name,
			    type);
}

static void counter(struct evbuffer *out, const char *name, const char *help, uint64_t value)
{
	head(out, name, "counter", help);
	evbuffer_add_printf(out, "kshramd_%s %" PRIu64 "\n", name, value);
}

static void gauge(struct evbuffer *out, const char *name, const char *help, double value)
{
	head(out, name, "gauge", help);
	evbuffer_add_printf(out, "kshramd_%s %.15g\n", name, value);
}

static void summary(struct evbuffer *out, const char *name, const char *help, int64_t sum_ms,
		    uint64_t count)
{
	head(out, name, "summary", help);
	evbuffer_add_printf(out, "kshramd_%s_sum %.3f\nkshramd_%s_count %" PRIu64 "\n", name,
			    (double)sum_ms / 1000, name, count);
}

static void print_connections(const struct server *server, struct evbuffer *out)
{
	size_t by_state[SESSION_STATES] = { 0 };

	session_count(server, by_state);
	head(out, "connections", "gauge", "Connections by what they are at.");
	for (int i = 0; i < SESSION_STATES; i++)
		evbuffer_add_printf(out, "kshramd_connections{state=\"%s\"} %zu\n",
				    session_state_name(i), by_state[i]);
}

static void print_results(const struct metrics *m, struct evbuffer *out)
{
	head(out, "runs_total", "counter", "Runs by how they ended.");
	evbuffer_add_printf(out,
			    "kshramd_runs_total{result=\"full\"} %" PRIu64 "\n"
			    "kshramd_runs_total{result=\"less\"} %" PRIu64 "\n"
			    "kshramd_runs_total{result=\"lost\"} %" PRIu64 "\n",
			    m->verdicts_full, m->verdicts_less, m->runs_lost);
	head(out, "refusals_total", "counter", "Connections that were refused, by reason.");
	for (int i = REFUSED_NOT + 1; i < REFUSALS_END; i++)
		evbuffer_add_printf(out, "kshramd_refusals_total{reason=\"%s\"} %" PRIu64 "\n",
				    refusal_word(i), m->refused[i]);
}

static double resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	char line[128] = "";
	const char *second;

	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	second = strchr(line, ' ');
	if (!second)
		return 0;
	return (double)strtoull(second, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

/* Machines from offline to running, and what became of those that waited. */
static void print_pool(const struct server *server, struct evbuffer *out)
{
	const struct pool *pool = queue_pool(server->queue);
	const struct pool_stats *stats = pool_stats(pool);
	size_t all = (size_t)(server->config.jobs + server->config.standby);
	size_t booting = pool_count(pool, JOB_BOOTING), waiting = pool_count(pool, JOB_WAITING);
	size_t running = queue_running(server->queue), there = booting + waiting + running;

	head(out, "machine_states", "gauge", "Machines by what they are at.");
	evbuffer_add_printf(out,
			    "kshramd_machine_states{state=\"offline\"} %zu\n"
			    "kshramd_machine_states{state=\"booting\"} %zu\n"
			    "kshramd_machine_states{state=\"waiting\"} %zu\n"
			    "kshramd_machine_states{state=\"running\"} %zu\n",
			    there < all ? all - there : 0, booting, waiting, running);
	head(out, "machines_taken_total", "counter",
	     "Machines that were given a module, by what they were at.");
	evbuffer_add_printf(out,
			    "kshramd_machines_taken_total{state=\"waiting\"} %" PRIu64 "\n"
			    "kshramd_machines_taken_total{state=\"booting\"} %" PRIu64 "\n"
			    "kshramd_machines_taken_total{state=\"offline\"} %" PRIu64 "\n",
			    stats->taken[JOB_WAITING], stats->taken[JOB_BOOTING],
			    stats->taken[JOB_RUNNING]);
	counter(out, "machines_lost_total", "Machines that ended while nobody had them.",
		stats->lost);
	summary(out, "machine_boot_seconds", "Time until a machine waits.", stats->boot_ms,
		stats->booted);
}

void metrics_print(const struct server *server, struct evbuffer *out)
{
	const struct metrics *m = &server->metrics;

	print_connections(server, out);
	counter(out, "connections_total", "Connections accepted.", m->connections);
	counter(out, "puzzles_solved_total", "Puzzles solved.", m->puzzles);
	counter(out, "submissions_total", "Submissions stored.", m->submissions);
	counter(out, "submissions_failed_total", "Submissions given up without a verdict.",
		m->failed);
	print_results(m, out);
	gauge(out, "queue_length", "Submissions that wait.", (double)queue_waiting(server->queue));
	gauge(out, "running", "Submissions that run.", (double)queue_running(server->queue));
	gauge(out, "machines", "Submissions that may run at once.", (double)server->config.jobs);
	print_pool(server, out);
	summary(out, "run_seconds", "Time of runs that ended with a verdict.", m->run_ms,
		m->verdicts_full + m->verdicts_less);
	summary(out, "wait_seconds", "Time from arrival to the start of a run.", m->wait_ms,
		m->waits);
	gauge(out, "upload_bytes", "Memory that unfinished uploads hold.",
	      (double)server->upload_bytes);
	gauge(out, "resident_memory_bytes", "Memory of the server itself.", resident_bytes());
	gauge(out, "uptime_seconds", "Time since the start.",
	      (double)(now_ms() - server->started_ms) / 1000);
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct evbuffer *out = evbuffer_new();

	if (!out) {
		evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	metrics_print(arg, out);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			  "text/plain; version=0.0.4; charset=utf-8");
	evhttp_send_reply(request, HTTP_OK, "OK", out);
	evbuffer_free(out);
}

/* Port 0 becomes one that is free. */
static void tell_port(struct evhttp_bound_socket *bound)
{
	struct sockaddr_in6 address = { 0 };
	socklen_t len = sizeof(address);

	/* Both families keep the port in the same place. */
	if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len) == 0)
		log_info("metrics", LOG_NUMBER("port", ntohs(address.sin6_port)));
}

bool metrics_listen(struct server *server, char *error, size_t error_size)
{
	const char *where = server->config.metrics;
	struct sockaddr_storage address;
	struct evhttp_bound_socket *bound;
	struct evhttp *http;
	char host[CONFIG_ADDRESS_MAX];
	socklen_t len;
	uint16_t port;
	size_t n;

	if (strcmp(where, "none") == 0)
		return true;
	http = evhttp_new(server->base);
	if (!http || !config_address(where, &address, &len)) {
		snprintf(error, error_size, "metrics: no memory");
		return false;
	}
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_timeout(http, 10);
	evhttp_set_max_headers_size(http, 8192);
	evhttp_set_max_body_size(http, 0);
	evhttp_set_cb(http, "/metrics", on_request, server);
	/* Without the brackets of an IPv6 address. */
	n = (size_t)(strrchr(where, ':') - where);
	snprintf(host, sizeof(host), "%.*s", (int)(*where == '[' ? n - 2 : n),
		 *where == '[' ? where + 1 : where);
	port = address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port :
					       ((struct sockaddr_in *)&address)->sin_port;
	bound = evhttp_bind_socket_with_handle(http, host, ntohs(port));
	if (bound) {
		server->http = http;
		tell_port(bound);
		return true;
	}
	snprintf(error, error_size,
		 "metrics: cannot listen on %s: %s (--metrics none does without)", where,
		 strerror(errno));
	evhttp_free(http);
	return false;
}

void metrics_close(struct server *server)
{
	if (server->http)
		evhttp_free(server->http);
	server->http = NULL;
}
