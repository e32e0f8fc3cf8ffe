/*
 * db/driver.h - what a database has to do to carry a desk
 *
 * db.c turns the public calls into these; a driver implements them for one
 * database, the tracing driver passes them on and reports each. The contract
 * is db.h; tests/unit/db/test_contract.c runs it on every driver.
 */
#ifndef OTK_DB_DRIVER_H
#define OTK_DB_DRIVER_H

#include <pthread.h>

#include "db/db.h"

struct db_value {
    char type; /* 'i' 'r' 's' 'b' 'n' */
    int64_t num;
    double real;
    struct str text;
};

enum { DB_VALUES_MAX = 32 };

struct db_ops {
    const char *name;
    unsigned capabilities;

    int (*open)(const char *where, const struct db_options *o, struct db *db,
                struct err *e); /* sets db->impl */
    void (*close)(void *impl);
    int (*write)(void *impl, int timeout_ms, db_fn *fn, void *arg,
                 struct err *e);
    int (*read)(void *impl, int timeout_ms, db_fn *fn, void *arg,
                struct err *e);

    /*
     * A statement, run up to its first row; one that changes something is run
     * to its end. `once`: its text does not outlive the call.
     */
    int (*query)(struct db_tx *tx, const char *sql, bool once,
                 const struct db_value *values, int n, struct db_rows **ret,
                 struct err *e);
    int (*next)(struct db_rows *r, struct err *e);
    void (*free_rows)(struct db_rows *r);
    int64_t (*changed)(struct db_tx *tx);  /* rows of the last statement */
    int64_t (*inserted)(struct db_tx *tx); /* id that its INSERT gave */
    bool (*is_null)(const struct db_rows *r, int col);
    int64_t (*get_int)(const struct db_rows *r, int col);
    double (*get_real)(const struct db_rows *r, int col);
    struct str (*get_text)(const struct db_rows *r, int col);

    int (*text_put)(struct db_tx *tx, const char *index, int64_t id,
                    struct str stems, struct err *e);
    int (*text_drop)(struct db_tx *tx, const char *index, int64_t id,
                     struct err *e);
    int (*text_scrub)(struct db_tx *tx, const char *index, struct err *e);
    int (*text_find)(struct db_tx *tx, const char *index,
                     const struct db_text_query *q, int64_t *ret, size_t *ret_n,
                     struct err *e);

    /*
     * As write(), for a change of the schema: alone in its transaction, with
     * references between tables checked at its end instead of on the way, so
     * that a table can be rebuilt.
     */
    int (*upgrade)(void *impl, int timeout_ms, db_fn *fn, void *arg,
                   struct err *e);
    /* One migration's text, statement after statement, tokens replaced. */
    int (*script)(struct db_tx *tx, struct str sql, struct err *e);
    /* How many tables have this name; NULL: how many there are. */
    int (*tables)(struct db_tx *tx, const char *name, int64_t *ret,
                  struct err *e);

    int (*backup)(void *impl, const char *path, struct err *e);
    int (*verify)(void *impl, struct err *e);
};

struct db_hook {
    void (*fn)(void *arg);
    void *arg;
};

struct db {
    const struct db_ops *ops;
    void *impl;
    pthread_mutex_t hooks_lock;         /* held while they run, too */
    struct db_hook hooks[DB_HOOKS_MAX]; /* guarded by hooks_lock */
    int n_hooks;                        /* guarded by hooks_lock */
};

/* Drivers put these in front of their own; `failed` and `tx` are db.c's. */
struct db_tx {
    const struct db_ops *ops;
    int failed; /* a statement did: the transaction is lost */
};
struct db_rows {
    const struct db_ops *ops;
    struct db_tx *tx;
};

/* db_write() by ops->upgrade, for migrations. */
int db_upgrade(struct db *db, int timeout_ms, db_fn *fn, void *arg,
               struct err *e);

void db_committed(struct db *db); /* a driver calls it after each commit */

extern const struct db_ops db_sqlite, db_trace;

/* Open by another driver's name inside a driver (tracing). */
const struct db_ops *db_ops_of(const char *url, const char **ret_where);

#endif
