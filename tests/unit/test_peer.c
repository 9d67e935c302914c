// SPDX-License-Identifier: GPL-2.0
/*
 * test_peer.c - which addresses are those of one party
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "../../serve/peer.h"

static struct peer peer;

static void read_v6(const char *text)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };

	assert_int_equal(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
	peer_read(&peer, (const struct sockaddr *)&address);
}

static void test_addresses(void **state)
{
	(void)state;
	read_v6("2001:db8:1:2:3:4:5:6");
	assert_string_equal(peer.address, "2001:db8:1:2:3:4:5:6");
	assert_string_equal(peer.network, "2001:db8:1:2::/64");
	read_v6("::ffff:192.0.2.7");
	assert_string_equal(peer.address, "192.0.2.7");
	assert_string_equal(peer.network, "192.0.2.7");
}

static bool same_network(const char *a, const char *b)
{
	char one[STORE_ADDRESS_MAX], two[STORE_ADDRESS_MAX];

	peer_network(one, a);
	peer_network(two, b);
	return strcmp(one, two) == 0;
}

static void test_networks(void **state)
{
	(void)state;
	/* Whoever has one address of 64 bits has them all. */
	assert_true(same_network("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	assert_false(same_network("2001:db8:1:2::1", "2001:db8:1:3::1"));
	assert_true(same_network("192.0.2.7", "192.0.2.7"));
	assert_false(same_network("192.0.2.7", "192.0.2.8"));
	assert_false(same_network("192.0.2.7", "::1"));
	assert_true(same_network("unknown", "unknown"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
