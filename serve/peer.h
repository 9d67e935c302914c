/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peer.h - who is at the other end of a connection
 */
#ifndef SERVE_PEER_H
#define SERVE_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "store.h"

/**
 * struct peer - an address as text
 * @address: the address, without the port
 * @network: what counts as one party: an IPv4 address; of an IPv6 address the
 *	first 64 bits, since whoever has one has them all
 */
struct peer {
	char address[STORE_ADDRESS_MAX];
	char network[STORE_ADDRESS_MAX];
};

/**
 * peer_read() - write an address as text
 * @peer: gets it
 * @address: IPv4, IPv6, or IPv4 dressed as IPv6, which is IPv4 again
 */
void peer_read(struct peer *peer, const struct sockaddr *address);

/**
 * peer_same_network() - are two addresses those of one party?
 * @a: as in @address of struct peer
 * @b: another
 *
 * Return: whether their networks are the same.
 */
bool peer_same_network(const char *a, const char *b);

#endif /* SERVE_PEER_H */
