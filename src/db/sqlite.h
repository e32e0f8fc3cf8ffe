/*
 * db/sqlite.h - one SQLite connection, inside the driver
 *
 * A connection belongs to one thread at a time: the writer's to the writer
 * thread, a reader's to the call that took it from the pool.
 */
#ifndef OTK_DB_SQLITE_H
#define OTK_DB_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "db/driver.h"

enum { STATEMENTS_KEPT = 256 /* a power of two */ };

struct statement {
    const char *sql; /* the literal's address */
    sqlite3_stmt *stmt;
    bool in_use;
};

struct connection {
    struct db_tx tx; /* first: a connection is a transaction's handle */
    sqlite3 *handle;
    struct statement kept[STATEMENTS_KEPT];
};

int connection_open(const char *path, int flags, int busy_ms,
                    struct connection **ret, struct err *e);
void connection_close(struct connection *c); /* NULL is fine */

/* A statement without values or rows. */
int connection_run(struct connection *c, const char *sql, struct err *e);

/* The OTK_E* code of an SQLite result, and its text into `e`. */
int sqlite_fail(sqlite3 *handle, int code, struct err *e);

/* The statement part of the driver's table, see sqlite_statement.c. */
int sqlite_query(struct db_tx *tx, const char *sql, bool once,
                 const struct db_value *values, int n, struct db_rows **ret,
                 struct err *e);
int sqlite_next(struct db_rows *r, struct err *e);
void sqlite_free_rows(struct db_rows *r);
int64_t sqlite_changed(struct db_tx *tx);
bool sqlite_is_null(const struct db_rows *r, int col);
int64_t sqlite_get_int(const struct db_rows *r, int col);
double sqlite_get_real(const struct db_rows *r, int col);
struct str sqlite_get_text(const struct db_rows *r, int col);

/* The full-text part, see sqlite_text.c. */
int sqlite_text_put(struct db_tx *tx, const char *index, int64_t id,
                    struct str stems, struct err *e);
int sqlite_text_drop(struct db_tx *tx, const char *index, int64_t id,
                     struct err *e);
int sqlite_text_find(struct db_tx *tx, const char *index,
                     const struct db_text_query *q, int64_t *ret, size_t *ret_n,
                     struct err *e);
int sqlite_script(struct db_tx *tx, struct str sql, struct err *e);

#endif
