// SPDX-License-Identifier: GPL-2.0
/*
 * peer.c - who is at the other end of a connection
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "peer.h"

static void read_v4(struct peer *peer, const void *bytes)
{
	inet_ntop(AF_INET, bytes, peer->address, sizeof(peer->address));
	memcpy(peer->network, peer->address, sizeof(peer->network));
}

void peer_read(struct peer *peer, const struct sockaddr *address)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	char network[INET6_ADDRSTRLEN];
	struct in6_addr prefix;

	memset(peer, 0, sizeof(*peer));
	if (address->sa_family == AF_INET) {
		read_v4(peer, &((const struct sockaddr_in *)address)->sin_addr);
	} else if (address->sa_family != AF_INET6) {
		snprintf(peer->address, sizeof(peer->address), "unknown");
		snprintf(peer->network, sizeof(peer->network), "unknown");
	} else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		read_v4(peer, &v6->sin6_addr.s6_addr[12]);
	} else {
		inet_ntop(AF_INET6, &v6->sin6_addr, peer->address, sizeof(peer->address));
		prefix = v6->sin6_addr;
		memset(&prefix.s6_addr[8], 0, 8);
		inet_ntop(AF_INET6, &prefix, network, sizeof(network));
		snprintf(peer->network, sizeof(peer->network), "%s/64", network);
	}
}

bool peer_same_network(const char *a, const char *b)
{
	struct in6_addr one, two;

	if (inet_pton(AF_INET6, a, &one) == 1 && inet_pton(AF_INET6, b, &two) == 1)
		return memcmp(&one, &two, 8) == 0;
	return strcmp(a, b) == 0;
}
