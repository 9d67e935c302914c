// SPDX-License-Identifier: GPL-2.0
/*
 * json.c - how a submission ended, for programs
 *
 * Written by hand: the clients are built on machines of students, with nothing
 * but POSIX and the crypto library.
 */
#include <string.h>

#include "encode.h"
#include "json.h"

static const char *result_name(enum client_result result)
{
	switch (result) {
	case CLIENT_SCORED:
		return "scored";
	case CLIENT_REFUSED:
		return "refused";
	default:
		return "trouble";
	}
}

/* The lines of a reason as one text, each without its indentation. */
static void print_reason(FILE *out, const struct table *table, const struct table_item *item)
{
	char reason[8192];
	size_t used = 0;

	for (size_t i = 0; i < item->lines; i++) {
		const char *line = table_line(table, item->first + i);
		size_t len;

		line += strspn(line, " \t");
		len = strlen(line);
		if (used + len + 2 > sizeof(reason))
			break;
		if (used)
			reason[used++] = ' ';
		memcpy(reason + used, line, len);
		used += len;
	}
	reason[used] = '\0';
	encode_json(out, reason);
}

static void print_item(FILE *out, const struct table *table, const struct table_item *item,
		       size_t index)
{
	fprintf(out, "%s\n    {\"number\": %zu, \"title\": ", index ? "," : "", index + 1);
	encode_json(out, item->title);
	fprintf(out, ", \"points\": %u, \"max\": %u, \"result\": ", item->points, item->max);
	encode_json(out, item->result);
	fputs(", \"reason\": ", out);
	print_reason(out, table, item);
	fputc('}', out);
}

static void print_score(FILE *out, const struct client *client)
{
	const struct table *table = &client->talk.table;
	const struct score *score = &client->score;

	fprintf(out, ",\n  \"score\": %u,\n  \"total\": %u,\n  \"items\": [", score->points,
		score->total);
	for (size_t i = 0; i < score->nitems; i++)
		print_item(out, table, &score->items[i], i);
	fprintf(out, "%s],\n  \"table\": [", score->nitems ? "\n  " : "");
	for (size_t i = score->from; i < score->to; i++) {
		fputs(i > score->from ? ",\n    " : "\n    ", out);
		encode_json(out, table_line(table, i));
	}
	fputs("\n  ]", out);
}

/**
 * json_print() - print one object
 * @out: where
 * @client: the submission
 * @result: how it ended
 *
 * Return: 0, or -1 with errno set when it could not be written.
 */
int json_print(FILE *out, const struct client *client, enum client_result result)
{
	fprintf(out, "{\n  \"outcome\": \"%s\",\n  \"md5\": \"%s\",\n  \"submission\": ",
		result_name(result), client->md5);
	if (client->received && client->talk.submission)
		fprintf(out, "%lld", client->talk.submission);
	else
		fputs("null", out);
	if (result == CLIENT_SCORED)
		print_score(out, client);
	else
		fputs(",\n  \"score\": null,\n  \"total\": null,\n  \"items\": [],\n  \"table\": []",
		      out);
	fputs(",\n  \"error\": ", out);
	encode_json(out, result == CLIENT_SCORED ? "" : client->words);
	fputs("\n}\n", out);
	return fflush(out) || ferror(out) ? -1 : 0;
}
