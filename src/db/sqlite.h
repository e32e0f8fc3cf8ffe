/*
 * db/sqlite.h - the parts of the SQLite driver, for each other
 *
 * A connection belongs to one thread at a time: the writer's to the writer
 * thread, a reader's to the call that took it from the pool.
 */
#ifndef OTK_DB_SQLITE_H
#define OTK_DB_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "db/driver.h"

enum {
    STATEMENTS_KEPT = 256, /* a power of two */
    SQLITE_PATH_BYTES = 4096,
};

struct kept_statement {
    const char *sql; /* the literal's address; NULL: free */
    char *text;      /* what stood there */
    sqlite3_stmt *stmt;
    bool in_use;
};

struct text_index;

struct connection {
    struct db_tx tx; /* first: a connection is a transaction's handle */
    sqlite3 *handle;
    bool read_only;
    int open_rows; /* not yet freed */
    struct kept_statement kept[STATEMENTS_KEPT];
    struct text_index *indexes; /* see sqlite_text.c */
};

/* ---- connections and statements: sqlite_statement.c ---- */

int connection_open(const char *path, bool read_only, int busy_ms,
                    struct connection **ret, struct err *e);
void connection_close(struct connection *c); /* NULL is fine */

/* SQL without values or rows; `run` takes several statements, `do` keeps its
 * one, a literal, prepared. */
int connection_run(struct connection *c, const char *sql, struct err *e);
int connection_do(struct connection *c, const char *sql, struct err *e);
/* Undo what is open, whatever state it is in. */
void connection_rollback(struct connection *c);
/* End a transaction that only read. */
void connection_leave(struct connection *c);
/* Call `fn`, and hold it to freeing its rows. */
int connection_call(struct connection *c, db_fn *fn, void *arg, struct err *e);

/* The OTK_E* code of an SQLite result, and its text into `e`. */
int sqlite_fail(sqlite3 *handle, int code, struct err *e);

int sqlite_query(struct db_tx *tx, const char *sql, bool once,
                 const struct db_value *values, int n, struct db_rows **ret,
                 struct err *e);
int sqlite_next(struct db_rows *r, struct err *e);
void sqlite_free_rows(struct db_rows *r);
int64_t sqlite_changed(struct db_tx *tx);
int64_t sqlite_inserted(struct db_tx *tx);
bool sqlite_is_null(const struct db_rows *r, int col);
int64_t sqlite_get_int(const struct db_rows *r, int col);
double sqlite_get_real(const struct db_rows *r, int col);
struct str sqlite_get_text(const struct db_rows *r, int col);

/* ---- the thread that writes: sqlite_writer.c ---- */

struct writer;

int writer_start(const char *path, const struct db_options *o, bool is_private,
                 struct db *db, struct writer **ret, struct err *e);
/* Run `fn` in its turn; `alone`: as db_ops.upgrade. */
int writer_run(struct writer *w, int timeout_ms, bool alone, db_fn *fn,
               void *arg, struct err *e);
void writer_free(struct writer *w); /* finishes what waits; NULL is fine */

/* ---- moving the log into the file: sqlite_log.c ---- */

struct log_mover;

struct log_mover *log_mover_start(const char *path, int busy_ms);
void log_mover_free(struct log_mover *m); /* NULL is fine */
/* After a commit: the log holds `pages`. `writer` may have to move it. */
void log_mover_look(struct log_mover *m, struct connection *writer, int pages);

/* ---- full text: sqlite_text.c ---- */

int sqlite_text_put(struct db_tx *tx, const char *index, int64_t id,
                    struct str stems, struct err *e);
int sqlite_text_drop(struct db_tx *tx, const char *index, int64_t id,
                     struct err *e);
int sqlite_text_scrub(struct db_tx *tx, const char *index, struct err *e);
int sqlite_text_find(struct db_tx *tx, const char *index,
                     const struct db_text_query *q, int64_t *ret, size_t *ret_n,
                     struct err *e);
void sqlite_text_free(struct text_index *indexes);
struct buf;
void sqlite_text_create(struct str name, struct buf *ret); /* its SQL */

/* ---- schema, copies, checks: sqlite_upkeep.c ---- */

int sqlite_script(struct db_tx *tx, struct str sql, struct err *e);
int sqlite_tables(struct db_tx *tx, const char *name, int64_t *ret,
                  struct err *e);
int sqlite_copy(const char *from, const char *to, int busy_ms, struct err *e);
int sqlite_check(struct connection *c, struct err *e);
int sqlite_check_references(struct connection *c, struct err *e);

#endif
