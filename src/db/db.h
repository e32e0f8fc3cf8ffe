/*
 * db/db.h - the store: one API, a driver for each database
 *
 * All lasting state lives behind this header. SQL is written once, in the
 * dialect that SQLite and PostgreSQL share: `?1` placeholders, RETURNING,
 * ON CONFLICT, integer milliseconds, no rowid, no implicit casts.
 *
 * Work is done by functions that are handed a transaction. db_write() runs
 * one atomically and returns when it is durable; several waiting writers
 * share one commit (group commit), so a writer must not wait for anything
 * but the database, must not keep pointers into its rows, and may be run
 * again from the start when its first transaction was lost, or taken back
 * because another's function failed.
 * db_read() runs one on a snapshot, in parallel with everything else; it
 * cannot change anything (OTK_EINVAL).
 *
 * A statement that fails loses the transaction, as in PostgreSQL: the
 * function returns the error, later statements fail with it, and a function
 * that returns 0 all the same is rolled back. To go on after a conflict, say
 * ON CONFLICT DO NOTHING and look at what was changed. Rows that a function
 * asked for are freed before it returns.
 *
 * Errors: OTK_EAGAIN - the store is busy, full (disk) or stopping; nothing
 * was done. OTK_ECONFLICT - a UNIQUE or FOREIGN KEY constraint. OTK_EUNSURE -
 * the commit failed in a way that leaves the outcome unknown. OTK_EIO - the
 * rest. What the function itself returns comes back as it is, rolled back.
 *
 * Threads: any, except that a `struct db_tx` belongs to the call it was
 * handed to.
 */
#ifndef OTK_DB_DB_H
#define OTK_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/embed.h"
#include "base/str.h"

struct db;
struct db_tx;
struct db_rows;

struct err;

enum db_caps {
    DB_CAN_LISTEN = 1 << 0, /* changes of other processes wake us */
    DB_CAN_SKIP_LOCKED = 1 << 1,
};

/* What "trace:" tells about a statement or a transaction; never its values. */
struct db_traced {
    const char *what; /* the statement, "write", "read", "text find", … */
    int result;
    int64_t rows; /* that were fetched */
    int64_t us;
};

struct db_options {
    int readers;      /* snapshots at once; 0: two per core */
    int busy_ms;      /* wait for a lock of another process; 0: 5000 */
    size_t queue_max; /* writers waiting; above it OTK_EAGAIN; 0: 4096 */
    bool read_only;
    /* of "trace:", from any thread; NULL: a line of the log at level debug */
    void (*traced)(void *arg, const struct db_traced *t);
    void *traced_arg;
};

/*
 * `url`: "sqlite:PATH" or a bare path; "memory:" (tests): a private store
 * that goes with db_close(); "trace:URL": one of these, watched.
 */
int db_open(const char *url, const struct db_options *o, struct db **ret,
            struct err *e);
void db_close(struct db *db); /* finishes queued writes; NULL is fine */
unsigned db_capabilities(const struct db *db);
const char *db_driver(const struct db *db); /* "sqlite" */

typedef int db_fn(struct db_tx *tx, void *arg, struct err *e);

/*
 * `timeout_ms` bounds the wait for a turn; 0 means the default of 10 s. A
 * function whose turn has come is waited for. Neither may be called inside a
 * db_write(); a db_write() inside a db_read() is fine.
 */
int db_write(struct db *db, int timeout_ms, db_fn *fn, void *arg,
             struct err *e);
int db_read(struct db *db, int timeout_ms, db_fn *fn, void *arg, struct err *e);

/*
 * Called after each commit of this process that changed something, on the
 * writer's thread: wake up what waits for new rows. Must not block, and must
 * not call the store. At most DB_HOOKS_MAX. After db_off_commit() it is not
 * running and will not be called.
 */
enum { DB_HOOKS_MAX = 8 };
void db_on_commit(struct db *db, void (*fn)(void *arg), void *arg);
void db_off_commit(struct db *db, void (*fn)(void *arg), void *arg);

/*
 * Statements. `types` has one letter for each value that follows:
 *   i int64_t            r double          t const char * (NULL: SQL NULL)
 *   s struct str         b struct str, as bytes
 *   n nothing: SQL NULL  I const int64_t * (NULL: SQL NULL)
 * Text is borrowed for the call. The statement text must be a literal or
 * live as long as the store: prepared statements are kept by it.
 */
int db_exec(struct db_tx *tx, struct err *e, const char *sql, const char *types,
            ...);

/* For 'I': an id, where 0 means none and is kept as NULL. */
static inline const int64_t *db_or_null(const int64_t *id)
{
    return *id ? id : NULL;
}

/* As db_exec() of an INSERT of one row, without ON CONFLICT, into a table whose
 * `id` counts by itself; *ret_id is that of the row. Cheaper than RETURNING,
 * for which SQLite remembers how to undo the statement. */
int db_insert(struct db_tx *tx, int64_t *ret_id, struct err *e, const char *sql,
              const char *types, ...);
/* As db_exec(); *ret_changed is the number of rows it touched. */
int db_change(struct db_tx *tx, int64_t *ret_changed, struct err *e,
              const char *sql, const char *types, ...);

/* Rows of a query, one after another; db_rows_free(*ret), always. */
int db_query(struct db_tx *tx, struct db_rows **ret, struct err *e,
             const char *sql, const char *types, ...);

/* 1: a row is there, 0: no more, negative: failed. */
int db_next(struct db_rows *r, struct err *e);
void db_rows_free(struct db_rows *r); /* NULL is fine */

/* Columns of the current row, from 0; valid until the next db_next(). */
bool db_is_null(const struct db_rows *r, int col);
int64_t db_int(const struct db_rows *r, int col);
double db_real(const struct db_rows *r, int col);
struct str db_text(const struct db_rows *r, int col);  /* NULL: empty */
struct str db_bytes(const struct db_rows *r, int col); /* NULL: empty */

/*
 * The first column of the first row, for counts, ids of INSERT … RETURNING
 * and look-ups; OTK_ENOENT (without a text in `e`) when there is no row.
 */
int db_int_of(struct db_tx *tx, int64_t *ret, struct err *e, const char *sql,
              const char *types, ...);

/*
 * As db_exec() for SQL that is put together at run time (saved views); the
 * statement is not kept. Values never go into the text.
 */
int db_query_once(struct db_tx *tx, struct db_rows **ret, struct err *e,
                  const char *sql, const char *types, ...);

static inline void scope_rows(struct db_rows **r)
{
    db_rows_free(*r);
}

/*
 * Full text. `index` is one of the tables made by a migration's
 * `:fulltext: NAME` line. The caller gives stems separated by spaces (see
 * text/stem.h); the store neither folds nor stems.
 */
int db_text_put(struct db_tx *tx, const char *index, int64_t id,
                struct str stems, struct err *e); /* adds or replaces */
int db_text_drop(struct db_tx *tx, const char *index, int64_t id,
                 struct err *e);

/* Rows that were dropped leave nothing behind in the index. Takes about a
 * second for 100,000 rows, in which nobody else writes. */
int db_text_scrub(struct db_tx *tx, const char *index, struct err *e);

struct db_text_query {
    const struct str *all; /* every one must occur … */
    size_t n_all;
    bool last_is_prefix; /* … the last of them as the front of a word */
    int64_t before_id;   /* only ids under it; 0: no bound */
    size_t limit;
};
/* Ids, newest (largest) first. *ret_n ≤ limit; `ret` has room for limit. */
int db_text_find(struct db_tx *tx, const char *index,
                 const struct db_text_query *q, int64_t *ret, size_t *ret_n,
                 struct err *e);

/*
 * Bring the schema up to date with the numbered files ("0001_x.sql", …), all
 * steps in one transaction. Before the first change to a store that holds
 * data, a copy is written to `backup_dir` (NULL: none). A store newer than
 * the program, or with tables of another program, is refused (OTK_EDENIED).
 * In a migration `:id:` stands for the driver's automatic integer primary
 * key, `:bytes:` for its binary type, and a line `:fulltext: NAME` makes a
 * full-text index.
 */
int db_migrate(struct db *db, const struct embed *files, const char *backup_dir,
               struct err *e);
extern const struct embed db_migrations[]; /* those of the desk */
/* Would db_migrate() take it? OTK_EDENIED: it is newer, or another program's;
 * OTK_ENOENT: nothing is in it. */
int db_migratable(struct db *db, const struct embed *files, struct err *e);
int db_version(struct db *db, int64_t *ret, struct err *e); /* last number */

/* A consistent copy of a live store into a new file; OTK_ECONFLICT: it is
 * there already. */
int db_backup(struct db *db, const char *path, struct err *e);

/* What the store finds wrong with itself (integrity check), for doctor. */
int db_verify(struct db *db, struct err *e);

#endif
