/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store_private.h - what the files of the record share
 */
#ifndef SERVE_STORE_PRIVATE_H
#define SERVE_STORE_PRIVATE_H

#include <sqlite3.h>

#include "store.h"

/* How long to wait for another process that writes. */
#define STORE_BUSY_MS 2000
/* "ksrm": what file(1) and we know our database by. */
#define STORE_APPLICATION 0x6b73726d
#define STORE_SCHEMA 1

/**
 * enum statement - the statements that are prepared once; their words are in
 *	store_sql.c
 */
enum statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_ADD,
	SQL_ADD_MODULE,
	SQL_NEXT,
	SQL_TAKE,
	SQL_RENEW,
	SQL_HELD,
	SQL_ADD_RUN,
	SQL_DONE,
	SQL_RELEASE,
	SQL_LOSE,
	SQL_BEHIND,
	SQL_REQUEUE,
	SQL_REGRADE,
	SQL_PLACE,
	SQL_COUNTS,
	SQL_GET,
	SQL_GET_VERDICT,
	SQL_GET_LOSS,
	SQL_GET_MODULE,
	SQL_EACH,
	SQL_EACH_RUN,
	SQL_SET,
	SQL_UNSET,
	SQL_LOOKUP,
	SQL_VERSION,
	SQL_STATEMENTS
};

/**
 * struct store - an open record
 * @db: the connection
 * @prepared: each statement once it was needed
 * @error: what store_error() answers
 */
struct store {
	sqlite3 *db;
	sqlite3_stmt *prepared[SQL_STATEMENTS];
	char error[512];
};

extern const char *const store_sql[SQL_STATEMENTS];
extern const char store_schema[];
extern const char store_additions[];

int64_t store_now(void);

/**
 * store_bind() - a prepared statement with its values, ready to be stepped
 * @store: the record
 * @which: the statement
 * @types: a letter for each value that follows: i an int64_t, s a const char *,
 *	b a const void * and its length, a size_t. What they point to must stay
 *	until the statement is reset.
 *
 * Return: the statement, to be reset after use; NULL when that failed
 */
sqlite3_stmt *store_bind(struct store *store, enum statement which, const char *types, ...);

/**
 * store_step() - do a statement that has no rows
 * @store: the record
 * @doing: what it does, after "cannot "
 * @stmt: what store_bind() returned, also NULL; it is reset
 *
 * Return: STORE_OK or how it failed
 */
enum store_result store_step(struct store *store, const char *doing, sqlite3_stmt *stmt);

/**
 * store_row() - get the one row of a statement
 * @store: the record
 * @doing: what it does, after "cannot "
 * @stmt: what store_bind() returned, also NULL; with STORE_OK the caller reads
 *	the columns and resets it, otherwise it is reset
 *
 * Return: STORE_OK, STORE_NONE when there is no row, or how it failed
 */
enum store_result store_row(struct store *store, const char *doing, sqlite3_stmt *stmt);

/* Both keep a sentence for store_error() and return the result. */
enum store_result store_fail(struct store *store, const char *doing);
enum store_result store_say(struct store *store, enum store_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A transaction that holds the only lock for writing from its start. */
enum store_result store_begin(struct store *store, const char *doing);
/* Commits after STORE_OK, rolls back after anything else; returns what came of it. */
enum store_result store_end(struct store *store, const char *doing, enum store_result result);

/* From a row of the view "record". */
void store_read_submission(sqlite3_stmt *stmt, struct store_submission *s);
/* A column's bytes, malloc'd, with a NUL behind them; NULL without memory. */
void *store_copy(sqlite3_stmt *stmt, int column, size_t *size);

#endif /* SERVE_STORE_PRIVATE_H */
