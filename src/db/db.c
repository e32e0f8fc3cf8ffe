/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "db/driver.h"

enum { TIMEOUT_MS = 10000, QUEUE_MAX = 4096, BUSY_MS = 5000 };

const struct db_ops *db_ops_of(const char *url, const char **ret_where)
{
    static const struct {
        const char *scheme;
        const struct db_ops *ops;
    } schemes[] = {
        {"sqlite:", &db_sqlite},
        {"trace:", &db_trace},
    };
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = strlen(schemes[i].scheme);
        if (strncmp(url, schemes[i].scheme, n) == 0) {
            *ret_where = url + n;
            return schemes[i].ops;
        }
    }
    *ret_where = url; /* a path, or "memory:" */
    return &db_sqlite;
}

int db_open(const char *url, const struct db_options *o, struct db **ret,
            struct err *e)
{
    struct db_options own = o ? *o : (struct db_options){0};
    own.queue_max = own.queue_max ? own.queue_max : QUEUE_MAX;
    own.busy_ms = own.busy_ms ? own.busy_ms : BUSY_MS;
    const char *where;
    struct db *db = MEM_NEW(struct db);
    db->ops = db_ops_of(url, &where);
    (void)pthread_mutex_init(&db->hooks_lock, NULL);
    int r = db->ops->open(where, &own, db, e);
    if (r) {
        (void)pthread_mutex_destroy(&db->hooks_lock);
        free(db);
        return err_wrap(e, r, "open the store %s", url);
    }
    *ret = db;
    return OTK_OK;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db->ops->close(db->impl);
    (void)pthread_mutex_destroy(&db->hooks_lock);
    free(db);
}

unsigned db_capabilities(const struct db *db)
{
    return db->ops->capabilities;
}

const char *db_driver(const struct db *db)
{
    return db->ops->name;
}

/* A closure whose statements are watched: see "loses" in db.h. */
struct watched {
    db_fn *fn;
    void *arg;
};

static int watch(struct db_tx *tx, void *arg, struct err *e)
{
    const struct watched *w = arg;
    tx->failed = OTK_OK;
    int r = w->fn(tx, w->arg, e);
    if (!r && tx->failed)
        return err_set(e, tx->failed, "a statement failed and was passed over");
    return r;
}

int db_write(struct db *db, int timeout_ms, db_fn *fn, void *arg, struct err *e)
{
    struct watched w = {fn, arg};
    return db->ops->write(db->impl, timeout_ms ? timeout_ms : TIMEOUT_MS, watch,
                          &w, e);
}

int db_read(struct db *db, int timeout_ms, db_fn *fn, void *arg, struct err *e)
{
    struct watched w = {fn, arg};
    return db->ops->read(db->impl, timeout_ms ? timeout_ms : TIMEOUT_MS, watch,
                         &w, e);
}

int db_upgrade(struct db *db, int timeout_ms, db_fn *fn, void *arg,
               struct err *e)
{
    struct watched w = {fn, arg};
    return db->ops->upgrade(db->impl, timeout_ms, watch, &w, e);
}

void db_on_commit(struct db *db, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&db->hooks_lock);
    if (db->n_hooks == DB_HOOKS_MAX)
        bug("more than %d hooks on a store", DB_HOOKS_MAX);
    db->hooks[db->n_hooks++] = (struct db_hook){fn, arg};
    pthread_mutex_unlock(&db->hooks_lock);
}

void db_off_commit(struct db *db, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&db->hooks_lock);
    int kept = 0;
    for (int i = 0; i < db->n_hooks; i++) {
        if (db->hooks[i].fn != fn || db->hooks[i].arg != arg)
            db->hooks[kept++] = db->hooks[i];
    }
    db->n_hooks = kept;
    pthread_mutex_unlock(&db->hooks_lock);
}

void db_committed(struct db *db)
{
    pthread_mutex_lock(&db->hooks_lock);
    for (int i = 0; i < db->n_hooks; i++)
        db->hooks[i].fn(db->hooks[i].arg);
    pthread_mutex_unlock(&db->hooks_lock);
}

/* ---- statements ---- */

static int collect(const char *types, va_list ap,
                   struct db_value values[DB_VALUES_MAX])
{
    int n = 0;
    for (; types[n]; n++) {
        if (n == DB_VALUES_MAX)
            bug("a statement with more than %d values", DB_VALUES_MAX);
        struct db_value *v = &values[n];
        *v = (struct db_value){.type = types[n]};
        switch (types[n]) {
        case 'i': v->num = va_arg(ap, int64_t); break;
        case 'r': v->real = va_arg(ap, double); break;
        case 't': {
            const char *t = va_arg(ap, const char *);
            v->type = t ? 's' : 'n';
            v->text = str_from(t);
            break;
        }
        case 's':
        case 'b': v->text = va_arg(ap, struct str); break;
        case 'I': {
            const int64_t *p = va_arg(ap, const int64_t *);
            v->type = p ? 'i' : 'n';
            v->num = p ? *p : 0;
            break;
        }
        case 'n': break;
        default: bug("value type '%c'", types[n]);
        }
    }
    return n;
}

static int check(const struct db_tx *tx, struct err *e)
{
    return tx->failed ? err_set(e, tx->failed, "a statement before it failed")
                      : OTK_OK;
}

static int note(struct db_tx *tx, int r)
{
    if (r < 0)
        tx->failed = r;
    return r;
}

static int query(struct db_tx *tx, struct db_rows **ret, bool once,
                 struct err *e, const char *sql, const char *types, va_list ap)
{
    struct db_value values[DB_VALUES_MAX];
    int n = collect(types, ap, values);
    *ret = NULL;
    int r = check(tx, e);
    if (!r)
        r = note(tx, tx->ops->query(tx, sql, once, values, n, ret, e));
    if (!r)
        (*ret)->tx = tx;
    return r;
}

int db_query(struct db_tx *tx, struct db_rows **ret, struct err *e,
             const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int r = query(tx, ret, false, e, sql, types, ap);
    va_end(ap);
    return r;
}

int db_query_once(struct db_tx *tx, struct db_rows **ret, struct err *e,
                  const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int r = query(tx, ret, true, e, sql, types, ap);
    va_end(ap);
    return r;
}

/* Run to the end; rows that it returns are passed over. */
static int drain(struct db_rows *rows, struct err *e)
{
    int r;
    do {
        r = db_next(rows, e);
    } while (r > 0);
    db_rows_free(rows);
    return r;
}

static int run(struct db_tx *tx, struct err *e, const char *sql,
               const char *types, va_list ap)
{
    struct db_rows *rows;
    int r = query(tx, &rows, false, e, sql, types, ap);
    return r ? r : drain(rows, e);
}

int db_exec(struct db_tx *tx, struct err *e, const char *sql, const char *types,
            ...)
{
    va_list ap;
    va_start(ap, types);
    int r = run(tx, e, sql, types, ap);
    va_end(ap);
    return r;
}

int db_insert(struct db_tx *tx, int64_t *ret_id, struct err *e, const char *sql,
              const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int r = run(tx, e, sql, types, ap);
    va_end(ap);
    if (!r)
        *ret_id = tx->ops->inserted(tx);
    return r;
}

int db_change(struct db_tx *tx, int64_t *ret_changed, struct err *e,
              const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int r = run(tx, e, sql, types, ap);
    va_end(ap);
    *ret_changed = r ? 0 : tx->ops->changed(tx);
    return r;
}

int db_int_of(struct db_tx *tx, int64_t *ret, struct err *e, const char *sql,
              const char *types, ...)
{
    struct db_rows *rows;
    va_list ap;
    va_start(ap, types);
    int r = query(tx, &rows, false, e, sql, types, ap);
    va_end(ap);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        *ret = db_int(rows, 0);
        return drain(rows, e); /* INSERT … RETURNING ends only then */
    }
    db_rows_free(rows);
    return r ? r : OTK_ENOENT;
}

int db_next(struct db_rows *r, struct err *e)
{
    return note(r->tx, r->ops->next(r, e));
}

void db_rows_free(struct db_rows *r)
{
    if (r)
        r->ops->free_rows(r);
}

bool db_is_null(const struct db_rows *r, int col)
{
    return r->ops->is_null(r, col);
}

int64_t db_int(const struct db_rows *r, int col)
{
    return r->ops->get_int(r, col);
}

double db_real(const struct db_rows *r, int col)
{
    return r->ops->get_real(r, col);
}

struct str db_text(const struct db_rows *r, int col)
{
    return r->ops->get_text(r, col);
}

struct str db_bytes(const struct db_rows *r, int col)
{
    return r->ops->get_text(r, col);
}

/* ---- full text, upkeep ---- */

int db_text_put(struct db_tx *tx, const char *index, int64_t id,
                struct str stems, struct err *e)
{
    int r = check(tx, e);
    return r ? r : note(tx, tx->ops->text_put(tx, index, id, stems, e));
}

int db_text_drop(struct db_tx *tx, const char *index, int64_t id, struct err *e)
{
    int r = check(tx, e);
    return r ? r : note(tx, tx->ops->text_drop(tx, index, id, e));
}

int db_text_scrub(struct db_tx *tx, const char *index, struct err *e)
{
    int r = check(tx, e);
    return r ? r : note(tx, tx->ops->text_scrub(tx, index, e));
}

int db_text_find(struct db_tx *tx, const char *index,
                 const struct db_text_query *q, int64_t *ret, size_t *ret_n,
                 struct err *e)
{
    int r = check(tx, e);
    return r ? r : note(tx, tx->ops->text_find(tx, index, q, ret, ret_n, e));
}

int db_backup(struct db *db, const char *path, struct err *e)
{
    return db->ops->backup(db->impl, path, e);
}

int db_verify(struct db *db, struct err *e)
{
    return db->ops->verify(db->impl, e);
}
