/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracing driver, "trace:URL": passes everything on to the driver of URL
 * and logs each statement with its time at level debug. Values are not
 * logged: they are people's words.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/driver.h"

struct trace {
    const struct db_ops *inner;
    struct db *db;   /* the public one, for hooks */
    struct db below; /* what the inner driver believes to be its store */
};

struct traced_tx {
    struct db_tx base; /* first */
    struct db_tx *inner;
};

struct traced_rows {
    struct db_rows base; /* first */
    struct db_rows *inner;
};

struct closure {
    db_fn *fn;
    void *arg;
};

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void pass_commit(void *arg)
{
    db_committed(((struct trace *)arg)->db);
}

static int trace_open(const char *where, const struct db_options *o,
                      struct db *db, struct err *e)
{
    struct trace *t = MEM_NEW(struct trace);
    const char *rest;
    t->inner = db_ops_of(where, &rest);
    t->db = db;
    t->below.ops = t->inner;
    db_on_commit(&t->below, pass_commit, t);
    int r = t->inner->open(rest, o, &t->below, e);
    if (r)
        free(t);
    else
        db->impl = t;
    return r;
}

static void trace_close(void *impl)
{
    struct trace *t = impl;
    t->inner->close(t->below.impl);
    free(t);
}

static int run_closure(struct db_tx *tx, void *arg, struct err *e)
{
    const struct closure *c = arg;
    struct traced_tx own = {.base = {.ops = &db_trace}, .inner = tx};
    return c->fn(&own.base, c->arg, e);
}

static int trace_write(void *impl, int timeout_ms, db_fn *fn, void *arg,
                       struct err *e)
{
    struct trace *t = impl;
    struct closure c = {fn, arg};
    int64_t begin = now_us();
    int r = t->inner->write(t->below.impl, timeout_ms, run_closure, &c, e);
    log_debug("db", "write result=%d us=%lld", r,
              (long long)(now_us() - begin));
    return r;
}

static int trace_read(void *impl, int timeout_ms, db_fn *fn, void *arg,
                      struct err *e)
{
    struct trace *t = impl;
    struct closure c = {fn, arg};
    int64_t begin = now_us();
    int r = t->inner->read(t->below.impl, timeout_ms, run_closure, &c, e);
    log_debug("db", "read result=%d us=%lld", r, (long long)(now_us() - begin));
    return r;
}

static struct db_tx *inner_of(struct db_tx *tx)
{
    return ((struct traced_tx *)tx)->inner;
}

static int trace_query(struct db_tx *tx, const char *sql, bool once,
                       const struct db_value *values, int n,
                       struct db_rows **ret, struct err *e)
{
    struct db_tx *inner = inner_of(tx);
    struct traced_rows *rows = MEM_NEW(struct traced_rows);
    rows->base.ops = &db_trace;
    int64_t begin = now_us();
    int r = inner->ops->query(inner, sql, once, values, n, &rows->inner, e);
    log_debug("db", "result=%d us=%lld sql=%s", r,
              (long long)(now_us() - begin), sql);
    if (r)
        free(rows);
    else
        *ret = &rows->base;
    return r;
}

static struct db_rows *inner_rows(const struct db_rows *r)
{
    return ((const struct traced_rows *)r)->inner;
}

static int trace_next(struct db_rows *r, struct err *e)
{
    return db_next(inner_rows(r), e);
}

static void trace_free_rows(struct db_rows *r)
{
    db_rows_free(inner_rows(r));
    free(r);
}

static int64_t trace_changed(struct db_tx *tx)
{
    struct db_tx *inner = inner_of(tx);
    return inner->ops->changed(inner);
}

static bool trace_is_null(const struct db_rows *r, int col)
{
    return db_is_null(inner_rows(r), col);
}

static int64_t trace_get_int(const struct db_rows *r, int col)
{
    return db_int(inner_rows(r), col);
}

static double trace_get_real(const struct db_rows *r, int col)
{
    return db_real(inner_rows(r), col);
}

static struct str trace_get_text(const struct db_rows *r, int col)
{
    return db_text(inner_rows(r), col);
}

static int trace_text_put(struct db_tx *tx, const char *index, int64_t id,
                          struct str stems, struct err *e)
{
    log_debug("db", "text put %s", index);
    return db_text_put(inner_of(tx), index, id, stems, e);
}

static int trace_text_drop(struct db_tx *tx, const char *index, int64_t id,
                           struct err *e)
{
    log_debug("db", "text drop %s", index);
    return db_text_drop(inner_of(tx), index, id, e);
}

static int trace_text_find(struct db_tx *tx, const char *index,
                           const struct db_text_query *q, int64_t *ret,
                           size_t *ret_n, struct err *e)
{
    int64_t begin = now_us();
    int r = db_text_find(inner_of(tx), index, q, ret, ret_n, e);
    log_debug("db", "text find %s result=%d rows=%zu us=%lld", index, r, *ret_n,
              (long long)(now_us() - begin));
    return r;
}

static int trace_script(struct db_tx *tx, struct str sql, struct err *e)
{
    struct db_tx *inner = inner_of(tx);
    log_debug("db", "script of %zu bytes", sql.n);
    return inner->ops->script(inner, sql, e);
}

static int trace_backup(void *impl, const char *path, struct err *e)
{
    struct trace *t = impl;
    return t->inner->backup(t->below.impl, path, e);
}

static int trace_verify(void *impl, struct err *e)
{
    struct trace *t = impl;
    return t->inner->verify(t->below.impl, e);
}

const struct db_ops db_trace = {
    .name = "trace",
    .open = trace_open,
    .close = trace_close,
    .write = trace_write,
    .read = trace_read,
    .query = trace_query,
    .next = trace_next,
    .free_rows = trace_free_rows,
    .changed = trace_changed,
    .is_null = trace_is_null,
    .get_int = trace_get_int,
    .get_real = trace_get_real,
    .get_text = trace_get_text,
    .text_put = trace_text_put,
    .text_drop = trace_text_drop,
    .text_find = trace_text_find,
    .script = trace_script,
    .backup = trace_backup,
    .verify = trace_verify,
};
