/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracing driver, "trace:URL": passes everything on to the driver of URL
 * and tells each statement with its time and rows. Values are not told: they
 * are people's words.
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
    void (*traced)(void *arg, const struct db_traced *t);
    void *traced_arg;
    struct db *db;   /* the public one, for hooks */
    struct db below; /* what the inner driver believes to be its store */
};

struct traced_tx {
    struct db_tx base; /* first */
    struct trace *trace;
    struct db_tx *inner;
};

struct traced_rows {
    struct db_rows base; /* first */
    struct trace *trace;
    struct db_rows *inner;
    char *sql; /* a copy: it may be gone when the rows are freed */
    struct db_traced told;
};

struct closure {
    struct trace *trace;
    db_fn *fn;
    void *arg;
};

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void tell(const struct trace *t, const struct db_traced *told)
{
    if (t->traced)
        t->traced(t->traced_arg, told);
    else
        log_debug("db", "result=%d rows=%lld us=%lld %s", told->result,
                  (long long)told->rows, (long long)told->us, told->what);
}

/* Tell of a step that began at `begin`; returns `result`. */
static int told(const struct trace *t, const char *what, int64_t begin,
                int64_t rows, int result)
{
    struct db_traced d = {
        .what = what, .result = result, .rows = rows, .us = now_us() - begin};
    tell(t, &d);
    return result;
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
    t->traced = o->traced;
    t->traced_arg = o->traced_arg;
    t->db = db;
    t->below.ops = t->inner;
    (void)pthread_mutex_init(&t->below.hooks_lock, NULL);
    db_on_commit(&t->below, pass_commit, t);
    int r = t->inner->open(rest, o, &t->below, e);
    if (r) {
        (void)pthread_mutex_destroy(&t->below.hooks_lock);
        free(t);
    } else {
        db->impl = t;
    }
    return r;
}

static void trace_close(void *impl)
{
    struct trace *t = impl;
    t->inner->close(t->below.impl);
    (void)pthread_mutex_destroy(&t->below.hooks_lock);
    free(t);
}

static int run_closure(struct db_tx *tx, void *arg, struct err *e)
{
    const struct closure *c = arg;
    struct traced_tx own = {
        .base = {.ops = &db_trace}, .trace = c->trace, .inner = tx};
    return c->fn(&own.base, c->arg, e);
}

static int trace_write(void *impl, int timeout_ms, db_fn *fn, void *arg,
                       struct err *e)
{
    struct trace *t = impl;
    struct closure c = {t, fn, arg};
    int64_t begin = now_us();
    return told(t, "write", begin, 0,
                t->inner->write(t->below.impl, timeout_ms, run_closure, &c, e));
}

static int trace_read(void *impl, int timeout_ms, db_fn *fn, void *arg,
                      struct err *e)
{
    struct trace *t = impl;
    struct closure c = {t, fn, arg};
    int64_t begin = now_us();
    return told(t, "read", begin, 0,
                t->inner->read(t->below.impl, timeout_ms, run_closure, &c, e));
}

static int trace_upgrade(void *impl, int timeout_ms, db_fn *fn, void *arg,
                         struct err *e)
{
    struct trace *t = impl;
    struct closure c = {t, fn, arg};
    int64_t begin = now_us();
    return told(
        t, "upgrade", begin, 0,
        t->inner->upgrade(t->below.impl, timeout_ms, run_closure, &c, e));
}

static struct db_tx *inner_of(struct db_tx *tx)
{
    return ((struct traced_tx *)tx)->inner;
}

static struct trace *trace_of(struct db_tx *tx)
{
    return ((struct traced_tx *)tx)->trace;
}

static int trace_query(struct db_tx *tx, const char *sql, bool once,
                       const struct db_value *values, int n,
                       struct db_rows **ret, struct err *e)
{
    struct db_tx *inner = inner_of(tx);
    struct traced_rows *rows = MEM_NEW(struct traced_rows);
    rows->base.ops = &db_trace;
    rows->trace = trace_of(tx);
    int64_t begin = now_us();
    int r = inner->ops->query(inner, sql, once, values, n, &rows->inner, e);
    if (r) {
        free(rows);
        return told(trace_of(tx), sql, begin, 0, r);
    }
    rows->sql = mem_copy_str(sql);
    rows->told = (struct db_traced){.what = rows->sql, .us = now_us() - begin};
    *ret = &rows->base;
    return OTK_OK;
}

static struct db_rows *inner_rows(const struct db_rows *r)
{
    return ((const struct traced_rows *)r)->inner;
}

static int trace_next(struct db_rows *base, struct err *e)
{
    struct traced_rows *rows = (struct traced_rows *)base;
    int64_t begin = now_us();
    int r = rows->inner->ops->next(rows->inner, e);
    rows->told.us += now_us() - begin;
    rows->told.rows += r > 0;
    if (r < 0)
        rows->told.result = r;
    return r;
}

static void trace_free_rows(struct db_rows *base)
{
    struct traced_rows *rows = (struct traced_rows *)base;
    db_rows_free(rows->inner);
    tell(rows->trace, &rows->told);
    free(rows->sql);
    free(rows);
}

static int64_t trace_changed(struct db_tx *tx)
{
    struct db_tx *inner = inner_of(tx);
    return inner->ops->changed(inner);
}

static int64_t trace_inserted(struct db_tx *tx)
{
    struct db_tx *inner = inner_of(tx);
    return inner->ops->inserted(inner);
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
    struct db_tx *inner = inner_of(tx);
    int64_t begin = now_us();
    return told(trace_of(tx), "text put", begin, 0,
                inner->ops->text_put(inner, index, id, stems, e));
}

static int trace_text_drop(struct db_tx *tx, const char *index, int64_t id,
                           struct err *e)
{
    struct db_tx *inner = inner_of(tx);
    int64_t begin = now_us();
    return told(trace_of(tx), "text drop", begin, 0,
                inner->ops->text_drop(inner, index, id, e));
}

static int trace_text_scrub(struct db_tx *tx, const char *index, struct err *e)
{
    struct db_tx *inner = inner_of(tx);
    int64_t begin = now_us();
    return told(trace_of(tx), "text scrub", begin, 0,
                inner->ops->text_scrub(inner, index, e));
}

static int trace_text_find(struct db_tx *tx, const char *index,
                           const struct db_text_query *q, int64_t *ret,
                           size_t *ret_n, struct err *e)
{
    struct db_tx *inner = inner_of(tx);
    int64_t begin = now_us();
    int r = inner->ops->text_find(inner, index, q, ret, ret_n, e);
    return told(trace_of(tx), "text find", begin, (int64_t)*ret_n, r);
}

static int trace_script(struct db_tx *tx, struct str sql, struct err *e)
{
    struct db_tx *inner = inner_of(tx);
    int64_t begin = now_us();
    return told(trace_of(tx), "script", begin, 0,
                inner->ops->script(inner, sql, e));
}

static int trace_tables(struct db_tx *tx, const char *name, int64_t *ret,
                        struct err *e)
{
    struct db_tx *inner = inner_of(tx);
    return inner->ops->tables(inner, name, ret, e);
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
    .inserted = trace_inserted,
    .is_null = trace_is_null,
    .get_int = trace_get_int,
    .get_real = trace_get_real,
    .get_text = trace_get_text,
    .text_put = trace_text_put,
    .text_drop = trace_text_drop,
    .text_scrub = trace_text_scrub,
    .text_find = trace_text_find,
    .upgrade = trace_upgrade,
    .script = trace_script,
    .tables = trace_tables,
    .backup = trace_backup,
    .verify = trace_verify,
};
