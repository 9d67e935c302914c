/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peer.h - who is at the other end of a connection
 */
#ifndef SERVE_PEER_H
#define SERVE_PEER_H

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
 * peer_network() - what counts as one party with an address
 * @network: gets it, as in struct peer
 * @address: as in struct peer
 */
void peer_network(char network[STORE_ADDRESS_MAX], const char *address);

#endif /* SERVE_PEER_H */
