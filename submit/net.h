/* SPDX-License-Identifier: GPL-2.0 */
/*
 * net.h - a connection to a server
 */
#ifndef SUBMIT_NET_H
#define SUBMIT_NET_H

#include <stdbool.h>
#include <stddef.h>

#define NET_HOST_MAX 256
#define NET_PORT_MAX 6

/**
 * struct net_address - where a server is
 * @host: name or number, without brackets
 * @port: number
 */
struct net_address {
	char host[NET_HOST_MAX];
	char port[NET_PORT_MAX];
};

/**
 * enum net_result - what became of waiting, sending or receiving
 * @NET_OK: done, or ready
 * @NET_TIMEOUT: nothing happened for so long
 * @NET_CLOSED: the server has closed the connection, in good order
 * @NET_BROKEN: the connection is gone; errno says why
 */
enum net_result { NET_OK, NET_TIMEOUT, NET_CLOSED, NET_BROKEN };

bool net_parse(struct net_address *address, const char *text, unsigned int port);
int net_connect(const struct net_address *address, int seconds, char *error, size_t error_size);
enum net_result net_wait(int fd, bool want_send, int milliseconds, bool *can_receive,
			 bool *can_send);
enum net_result net_receive(int fd, char *data, size_t size, size_t *len);
enum net_result net_send(int fd, const char *data, size_t len, size_t *sent);

#endif /* SUBMIT_NET_H */
