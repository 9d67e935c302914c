// SPDX-License-Identifier: GPL-2.0
/*
 * net.c - a connection to a server, with POSIX and nothing else
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

static bool parse_port(const char *text, char port[NET_PORT_MAX])
{
	size_t len = strspn(text, "0123456789");
	long value = strtol(text, NULL, 10);

	if (!len || text[len] || len >= NET_PORT_MAX || value < 1 || value > 65535)
		return false;
	memcpy(port, text, len + 1);
	return true;
}

/**
 * net_parse() - read HOST, HOST:PORT, [ADDRESS]:PORT or a bare IPv6 address
 * @address: gets it
 * @text: what was given
 * @port: the port where none is given
 *
 * Return: false when it is none of these.
 */
bool net_parse(struct net_address *address, const char *text, unsigned int port)
{
	const char *colon = strrchr(text, ':'), *end = text + strlen(text);

	snprintf(address->port, sizeof(address->port), "%u", port);
	if (*text == '[') {
		text++;
		end = strchr(text, ']');
		if (!end || (end[1] && (end[1] != ':' || !parse_port(end + 2, address->port))))
			return false;
	} else if (colon && strchr(text, ':') == colon) {
		if (!parse_port(colon + 1, address->port))
			return false;
		end = colon;
	}
	if (end == text || (size_t)(end - text) >= sizeof(address->host))
		return false;
	memcpy(address->host, text, (size_t)(end - text));
	address->host[end - text] = '\0';
	return true;
}

/* Wait for the end of a connect(); 0, or an errno. */
static int finish_connect(int fd, int seconds)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int err = 0, rc;
	socklen_t len = sizeof(err);

	do {
		rc = poll(&p, 1, seconds * 1000);
	} while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return ETIMEDOUT;
	if (rc < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return errno;
	return err;
}

/* A socket that is connected, or -1 and errno. */
static int connect_one(const struct addrinfo *info, int seconds)
{
	int fd = socket(info->ai_family, info->ai_socktype, info->ai_protocol);
	int on = 1, err = 0, flags;

	if (fd < 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		err = errno;
	else if (connect(fd, info->ai_addr, info->ai_addrlen))
		err = errno == EINPROGRESS ? finish_connect(fd, seconds) : errno;
	if (err) {
		close(fd);
		errno = err;
		return -1;
	}
	/* A queue is long, and a server that went away without a word is not waited for. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return fd;
}

/**
 * net_connect() - connect to a server, at the first of its addresses that answers
 * @address: where it is
 * @seconds: how long each address has to answer
 * @error: gets a sentence when none does
 * @error_size: room there
 *
 * Return: a socket that does not block, or -1.
 */
int net_connect(const struct net_address *address, int seconds, char *error, size_t error_size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int fd = -1, rc = getaddrinfo(address->host, address->port, &hints, &list);

	if (rc) {
		snprintf(error, error_size, "cannot find %s: %s", address->host,
			 rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
		return -1;
	}
	for (const struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
		fd = connect_one(info, seconds);
	if (fd < 0)
		snprintf(error, error_size, "cannot connect to %s, port %s: %s", address->host,
			 address->port, strerror(errno));
	freeaddrinfo(list);
	return fd;
}

/**
 * net_wait() - wait until something can be done
 * @fd: the connection
 * @want_send: also until something can be sent
 * @milliseconds: at most so long
 * @can_receive: gets whether there are bytes, or the end, to be received
 * @can_send: gets whether something can be sent
 *
 * Return: NET_OK, NET_TIMEOUT or NET_BROKEN.
 */
enum net_result net_wait(int fd, bool want_send, int milliseconds, bool *can_receive,
			 bool *can_send)
{
	struct pollfd p = { .fd = fd, .events = (short)(want_send ? POLLIN | POLLOUT : POLLIN) };
	int rc;

	*can_receive = *can_send = false;
	do {
		rc = poll(&p, 1, milliseconds);
	} while (rc < 0 && errno == EINTR);
	if (rc <= 0)
		return rc ? NET_BROKEN : NET_TIMEOUT;
	/* What is wrong with it, receiving will say. */
	*can_receive = (p.revents & ~POLLOUT) != 0;
	*can_send = (p.revents & POLLOUT) != 0;
	return NET_OK;
}

/**
 * net_receive() - receive what is there
 * @fd: the connection
 * @data: gets the bytes
 * @size: room there
 * @len: gets how many
 *
 * Return: NET_OK (also with no bytes), NET_CLOSED or NET_BROKEN.
 */
enum net_result net_receive(int fd, char *data, size_t size, size_t *len)
{
	ssize_t n = recv(fd, data, size, 0);

	*len = n > 0 ? (size_t)n : 0;
	if (n == 0)
		return NET_CLOSED;
	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		return NET_BROKEN;
	return NET_OK;
}

/**
 * net_send() - send as much as goes now
 * @fd: the connection
 * @data: the bytes
 * @len: how many
 * @sent: gets how many went
 *
 * Return: NET_OK (also with none sent) or NET_BROKEN. SIGPIPE must be ignored.
 */
enum net_result net_send(int fd, const char *data, size_t len, size_t *sent)
{
	ssize_t n = send(fd, data, len, 0);

	*sent = n > 0 ? (size_t)n : 0;
	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		return NET_BROKEN;
	return NET_OK;
}
