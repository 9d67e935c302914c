// SPDX-License-Identifier: GPL-2.0
/*
 * store_sql.c - every word of SQL: the tables and the statements
 *
 * States are the numbers of enum store_state: 0 queued, 1 running, 2 done,
 * 3 failed. They are literals here, so that the partial indexes fit; and which
 * index is named where the planner, without statistics, takes a worse one.
 */
#include "store_private.h"

/*
 * A submission goes through rounds: the first, and one more for each regrade.
 * A round has one verdict at most, whatever happens: runs (submission, round)
 * is unique. Nothing is ever deleted.
 *
 * The queue is fair between lanes: a lane is an identity, and one more ("") for
 * all regrades together. What a lane sends while something of it waits or runs
 * belongs to a later lap each; whoever comes new joins the lap that is being
 * run. So who sends a hundred waits for itself and not everybody for it. Within
 * a lap the order is that of turns, which is the order of arrival.
 */
const char store_schema[] =
	"CREATE TABLE submissions ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	identity TEXT NOT NULL,"
	"	address TEXT NOT NULL,"
	"	md5 TEXT NOT NULL,"
	"	sha256 TEXT NOT NULL,"
	"	size INTEGER NOT NULL,"
	"	state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),"
	"	round INTEGER NOT NULL DEFAULT 1,"
	"	lane TEXT NOT NULL,"
	"	lap INTEGER NOT NULL,"
	"	turn INTEGER NOT NULL UNIQUE,"
	"	owner TEXT,"
	"	lease INTEGER,"
	"	attempts INTEGER NOT NULL DEFAULT 0,"
	"	received INTEGER NOT NULL,"
	"	started INTEGER NOT NULL DEFAULT 0,"
	"	note TEXT NOT NULL DEFAULT '',"
	"	CHECK ((state = 1) = (owner IS NOT NULL) AND (state = 1) = (lease IS NOT NULL)));"
	"CREATE INDEX submissions_identity ON submissions (identity, id);"
	"CREATE INDEX submissions_state ON submissions (state);"
	"CREATE INDEX submissions_queue ON submissions (lap, turn) WHERE state = 0;"
	"CREATE INDEX submissions_lane ON submissions (lane, lap) WHERE state < 2;"
	"CREATE INDEX submissions_running ON submissions (identity, lap) WHERE state = 1;"
	"CREATE TABLE modules ("
	"	submission INTEGER PRIMARY KEY REFERENCES submissions (id),"
	"	data BLOB NOT NULL);"
	"CREATE TABLE runs ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	submission INTEGER NOT NULL REFERENCES submissions (id),"
	"	round INTEGER NOT NULL,"
	"	owner TEXT NOT NULL,"
	"	started INTEGER NOT NULL,"
	"	finished INTEGER NOT NULL,"
	"	score INTEGER NOT NULL,"
	"	total INTEGER NOT NULL,"
	"	note TEXT NOT NULL,"
	"	json TEXT NOT NULL,"
	"	console BLOB NOT NULL,"
	"	UNIQUE (submission, round));"
	"CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	/* As struct store_submission has it, in that order. */
	"CREATE VIEW record AS SELECT s.id, s.identity, s.address, s.md5, s.sha256, s.size,"
	"	s.state, s.attempts,"
	"	(SELECT count(*) FROM runs WHERE submission = s.id) AS runs,"
	"	s.received, s.started, coalesce(r.finished, 0) AS finished,"
	"	coalesce(r.score, -1) AS score, coalesce(r.total, 0) AS total,"
	"	coalesce(nullif(s.note, ''), r.note, '') AS note"
	"	FROM submissions AS s LEFT JOIN runs AS r ON r.id ="
	"	(SELECT id FROM runs WHERE submission = s.id ORDER BY round DESC LIMIT 1);";

/*
 * What records of this version did not have from their beginning. Programs that do not
 * know it leave it alone.
 */
const char store_additions[] =
	/* The newest run of a submission that was lost with its machine. */
	"CREATE TABLE IF NOT EXISTS losses ("
	"	submission INTEGER PRIMARY KEY REFERENCES submissions (id),"
	"	owner TEXT NOT NULL,"
	"	finished INTEGER NOT NULL,"
	"	why TEXT NOT NULL,"
	"	console BLOB NOT NULL)";

/*
 * The lap for a newcomer of the lane @lane: the one that is being run, and
 * behind all that its lane has waiting or running.
 */
#define LAP(lane)                                                          \
	"max(coalesce((SELECT max(lap) FROM submissions WHERE state = 1)," \
	"	(SELECT min(lap) FROM submissions INDEXED BY submissions_queue"  \
	"	WHERE state = 0), 0),"                                           \
	"coalesce((SELECT max(lap) + 1 FROM submissions WHERE state < 2 AND lane = " lane "), 0))"
#define TURN "(SELECT coalesce(max(turn), 0) + 1 FROM submissions)"

const char *const store_sql[SQL_STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_ADD] = "INSERT INTO submissions"
		    " (identity, address, md5, sha256, size, received, lane, lap, turn)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?1, " LAP("?1") ", " TURN ")",
	[SQL_ADD_MODULE] = "INSERT INTO modules (submission, data) VALUES (?1, ?2)",
	/* ?1: how many of an identity may run, 0 for any number. */
	[SQL_NEXT] = "SELECT id FROM submissions AS s INDEXED BY submissions_queue"
		     " WHERE state = 0 AND (?1 = 0 OR ?1 >"
		     " (SELECT count(*) FROM submissions WHERE state = 1"
		     "  AND identity = s.identity)) ORDER BY lap, turn LIMIT 1",
	[SQL_TAKE] = "UPDATE submissions SET state = 1, owner = ?2, lease = ?3, started = ?4"
		     " WHERE id = ?1 AND state = 0",
	[SQL_RENEW] = "UPDATE submissions SET lease = ?3"
		      " WHERE id = ?1 AND state = 1 AND owner = ?2",
	[SQL_HELD] = "SELECT round, attempts FROM submissions"
		     " WHERE id = ?1 AND state = 1 AND owner = ?2",
	[SQL_ADD_RUN] = "INSERT INTO runs (submission, round, owner, started, finished, score,"
			" total, note, json, console) SELECT id, round, owner, started,"
			" ?2, ?3, ?4, ?5, ?6, ?7 FROM submissions WHERE id = ?1",
	[SQL_DONE] = "UPDATE submissions SET state = 2, owner = NULL, lease = NULL, note = ''"
		     " WHERE id = ?1",
	[SQL_RELEASE] = "UPDATE submissions SET state = ?2, owner = NULL, lease = NULL,"
			" attempts = ?3, note = ?4 WHERE id = ?1",
	[SQL_LOSE] = "REPLACE INTO losses (submission, owner, finished, why, console)"
		     " VALUES (?1, ?2, ?3, ?4, ?5)",
	/* As if it had come now. */
	[SQL_BEHIND] = "UPDATE submissions SET lap = " LAP(
		"(SELECT lane FROM submissions"
		" WHERE id = ?1)") ", turn = " TURN " WHERE id = ?1 AND state = 0",
	/*
	 * ?1: an owner, or NULL; ?2: leases that end before are expired; ?3: so many
	 * attempts are allowed; ?4: what is said after the last.
	 */
	[SQL_REQUEUE] = "UPDATE submissions SET owner = NULL, lease = NULL,"
			" attempts = attempts + 1,"
			" state = CASE WHEN attempts + 1 < ?3 THEN 0 ELSE 3 END,"
			" note = CASE WHEN attempts + 1 < ?3 THEN note ELSE ?4 END"
			" WHERE state = 1 AND (?1 IS NULL OR owner <> ?1) AND lease < ?2",
	[SQL_REGRADE] =
		"UPDATE submissions SET state = 0, round = round + 1, attempts = 0,"
		" note = '', lane = '', lap = " LAP("''") ", turn = " TURN
							  " WHERE id = ?1 AND state IN (2, 3)",
	[SQL_PLACE] = "SELECT (SELECT count(*) FROM submissions AS o INDEXED BY submissions_queue"
		      " WHERE o.state = 0"
		      " AND (o.lap, o.turn) < (s.lap, s.turn))"
		      " FROM submissions AS s WHERE s.id = ?1 AND s.state = 0",
	[SQL_COUNTS] = "SELECT state, count(*) FROM submissions GROUP BY state",
	[SQL_GET] = "SELECT * FROM record WHERE id = ?1",
	[SQL_GET_VERDICT] = "SELECT json, console FROM runs WHERE submission = ?1"
			    " ORDER BY round DESC LIMIT 1",
	/* ?2: also when there is a verdict that came later. */
	[SQL_GET_LOSS] = "SELECT console FROM losses WHERE submission = ?1 AND (?2 OR finished >"
			 " (SELECT coalesce(max(finished), 0) FROM runs WHERE submission = ?1))",
	[SQL_GET_MODULE] = "SELECT data FROM modules WHERE submission = ?1",
	[SQL_EACH] = "SELECT * FROM record WHERE ?1 IS NULL OR identity = ?1 ORDER BY id",
	[SQL_EACH_RUN] = "SELECT round, owner, started, finished, score, total, note, json"
			 " FROM runs WHERE submission = ?1 ORDER BY round",
	[SQL_SET] = "INSERT INTO settings (key, value) VALUES (?1, ?2)"
		    " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	[SQL_UNSET] = "DELETE FROM settings WHERE key = ?1",
	[SQL_LOOKUP] = "SELECT value FROM settings WHERE key = ?1",
	[SQL_VERSION] = "PRAGMA data_version",
};
