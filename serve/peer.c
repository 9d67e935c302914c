// SPDX-License-Identifier: GPL-2.0
/*
 * peer.c - who is at the other end of a connection
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "peer.h"

void peer_network(char network[STORE_ADDRESS_MAX], const char *address)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr prefix;

	if (inet_pton(AF_INET6, address, &prefix) != 1) {
		snprintf(network, STORE_ADDRESS_MAX, "%s", address);
		return;
	}
	memset(&prefix.s6_addr[8], 0, 8);
	inet_ntop(AF_INET6, &prefix, text, sizeof(text));
	snprintf(network, STORE_ADDRESS_MAX, "%s/64", text);
}

void peer_read(struct peer *peer, const struct sockaddr *address)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	memset(peer, 0, sizeof(*peer));
	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, peer->address,
			  sizeof(peer->address));
	else if (address->sa_family != AF_INET6)
		snprintf(peer->address, sizeof(peer->address), "unknown");
	else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], peer->address,
			  sizeof(peer->address));
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, peer->address, sizeof(peer->address));
	peer_network(peer->network, peer->address);
}
