/* SPDX-License-Identifier: GPL-2.0 */
/*
 * client.h - one submission, from the connection to the score
 */
#ifndef SUBMIT_CLIENT_H
#define SUBMIT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "net.h"
#include "screen.h"
#include "talk.h"

/**
 * enum client_result - how a submission ended
 * @CLIENT_SCORED: there is a score
 * @CLIENT_REFUSED: the server did not take it; @words are the server's
 * @CLIENT_TROUBLE: anything else; @words say what
 */
enum client_result { CLIENT_SCORED, CLIENT_REFUSED, CLIENT_TROUBLE };

/**
 * struct client - a submission
 * @address: of the server
 * @token: the student's, or NULL
 * @silence: seconds without a word after which the server is given up, before
 *	the receipt
 * @patience: the same, after it: a queue may be long
 * @module: the bytes that are handed in
 * @size: how many
 * @screen: where progress and console are shown
 * @md5: of the module, hexadecimal
 * @received: there is a receipt, which names the same MD5
 * @words: see enum client_result
 * @talk: what the server said
 * @score: the end, at CLIENT_SCORED
 * @fd: the connection
 *
 * The caller sets what stands before @md5, and zeros the rest.
 */
struct client {
	struct net_address address;
	const char *token;
	int silence;
	int patience;
	const unsigned char *module;
	size_t size;
	struct screen *screen;
	char md5[33];
	volatile bool received;
	char words[1024];
	struct talk talk;
	struct score score;
	int fd;
};

enum client_result client_run(struct client *client);

#endif /* SUBMIT_CLIENT_H */
