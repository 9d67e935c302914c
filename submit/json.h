/* SPDX-License-Identifier: GPL-2.0 */
/*
 * json.h - how a submission ended, for programs
 */
#ifndef SUBMIT_JSON_H
#define SUBMIT_JSON_H

#include <stdio.h>

#include "client.h"

int json_print(FILE *out, const struct client *client, enum client_result result);

#endif /* SUBMIT_JSON_H */
