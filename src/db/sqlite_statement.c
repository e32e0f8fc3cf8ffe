/* SPDX-License-Identifier: Apache-2.0 */
/* Connections and statements of the SQLite driver. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "db/sqlite.h"

struct rows {
    struct db_rows base; /* first */
    struct connection *c;
    sqlite3_stmt *stmt;
    struct kept_statement *kept; /* NULL: finalize it */
    bool has_first;              /* the row of the first step waits … */
    int first;                   /* … or the end */
};

int sqlite_fail(sqlite3 *handle, int code, struct err *e)
{
    const char *text = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(e, OTK_EAGAIN, "the store is locked: %s", text);
    case SQLITE_FULL:
        return err_set(e, OTK_EAGAIN, "the disk is full: %s", text);
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
        return err_set(e, OTK_EAGAIN, "the store cannot be reached: %s", text);
    case SQLITE_READONLY:
        return err_set(e, OTK_EAGAIN, "the store is read-only: %s", text);
    case SQLITE_CONSTRAINT: return err_set(e, OTK_ECONFLICT, "%s", text);
    case SQLITE_TOOBIG: return err_set(e, OTK_ELIMIT, "%s", text);
    case SQLITE_NOTADB:
        return err_set(e, OTK_EFORMAT, "not an SQLite file: %s", text);
    case SQLITE_CORRUPT:
        return err_set(e, OTK_EIO, "the store is damaged: %s", text);
    default: return err_set(e, OTK_EIO, "SQLite: %s", text);
    }
}

int connection_run(struct connection *c, const char *sql, struct err *e)
{
    int r = sqlite3_exec(c->handle, sql, NULL, NULL, NULL);
    return r ? sqlite_fail(c->handle, r, e) : OTK_OK;
}

int connection_do(struct connection *c, const char *sql, struct err *e)
{
    struct db_rows *rows;
    int r = sqlite_query(&c->tx, sql, false, NULL, 0, &rows, e);
    if (!r)
        sqlite_free_rows(rows);
    return r;
}

void connection_rollback(struct connection *c)
{
    if (!sqlite3_get_autocommit(c->handle))
        (void)sqlite3_exec(c->handle, "ROLLBACK", NULL, NULL, NULL);
}

void connection_leave(struct connection *c)
{
    /* by a kept statement; what that cannot end is undone */
    if (!sqlite3_get_autocommit(c->handle))
        (void)connection_do(c, "COMMIT", NULL);
    connection_rollback(c);
}

int connection_call(struct connection *c, db_fn *fn, void *arg, struct err *e)
{
    int r = fn(&c->tx, arg, e);
    /* rows left open would hold this connection's snapshot for ever */
    if (c->open_rows)
        bug("%d queries were not freed by the function that made them",
            c->open_rows);
    return r;
}

int connection_open(const char *path, bool read_only, int busy_ms,
                    struct connection **ret, struct err *e)
{
    struct connection *c = MEM_NEW(struct connection);
    c->tx.ops = &db_sqlite;
    c->read_only = read_only;
    int r = sqlite3_open_v2(
        path, &c->handle,
        SQLITE_OPEN_NOMUTEX |
            (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE),
        NULL);
    if (r) {
        r = sqlite_fail(c->handle, r, e);
        connection_close(c);
        return r;
    }
    (void)sqlite3_busy_timeout(c->handle, busy_ms);
    (void)sqlite3_extended_result_codes(c->handle, 1);
    r = connection_run(c,
                       "PRAGMA foreign_keys=ON;"
                       "PRAGMA trusted_schema=OFF;"
                       "PRAGMA temp_store=MEMORY;"
                       "PRAGMA cache_size=-4096;",
                       e);
    if (r) {
        connection_close(c);
        return r;
    }
    *ret = c;
    return OTK_OK;
}

void connection_close(struct connection *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < STATEMENTS_KEPT; i++) {
        (void)sqlite3_finalize(c->kept[i].stmt);
        free(c->kept[i].text);
    }
    sqlite_text_free(c->indexes);
    (void)sqlite3_close(c->handle);
    free(c);
}

/* ---- statements kept by the address of their text ---- */

static size_t slot_of(const char *sql)
{
    return ((uintptr_t)sql * 0x9e3779b97f4a7c15u >> 40) % STATEMENTS_KEPT;
}

static int prepare(struct connection *c, const char *sql, bool keep,
                   sqlite3_stmt **ret, struct err *e)
{
    const char *tail = NULL;
    int r = sqlite3_prepare_v3(
        c->handle, sql, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, ret, &tail);
    if (r)
        return sqlite_fail(c->handle, r, e);
    if (!*ret || (tail && tail[strspn(tail, " \n\t;")]))
        bug("not exactly one statement: %s", sql);
    return OTK_OK;
}

/* The place of `sql`: its own, a free one, or NULL when there is neither. */
static struct kept_statement *place_of(struct connection *c, const char *sql)
{
    enum { PROBES = 16 };
    for (size_t i = 0, at = slot_of(sql); i < PROBES; i++) {
        struct kept_statement *k = &c->kept[(at + i) % STATEMENTS_KEPT];
        if (k->sql == sql || !k->sql)
            return k;
    }
    return NULL;
}

/* The kept statement, or one of its own when that is in use. */
static int find(struct connection *c, const char *sql, bool once,
                struct rows *r, struct err *e)
{
    struct kept_statement *k = once ? NULL : place_of(c, sql);
    if (!k || k->in_use)
        return prepare(c, sql, false, &r->stmt, e);
    if (k->sql && strcmp(k->text, sql) != 0) {
        /* not a literal: another text stands at its address now */
        (void)sqlite3_finalize(k->stmt);
        free(k->text);
        *k = (struct kept_statement){0};
    }
    if (!k->sql) {
        int err = prepare(c, sql, true, &k->stmt, e);
        if (err)
            return err;
        k->sql = sql;
        k->text = mem_copy_str(sql);
    }
    k->in_use = true;
    r->kept = k;
    r->stmt = k->stmt;
    return OTK_OK;
}

/*
 * Values are borrowed for the call. A statement that writes does all its work
 * in the first step, which is taken inside the call; one that only reads goes
 * on later and needs its own copy.
 */
static int bind(sqlite3_stmt *s, int at, const struct db_value *v)
{
    const char *p = v->text.p ? v->text.p : "";
    sqlite3_destructor_type keep =
        sqlite3_stmt_readonly(s) ? SQLITE_TRANSIENT : SQLITE_STATIC;
    switch (v->type) {
    case 'i': return sqlite3_bind_int64(s, at, v->num);
    case 'r': return sqlite3_bind_double(s, at, v->real);
    case 's':
        return sqlite3_bind_text64(s, at, p, v->text.n, keep, SQLITE_UTF8);
    case 'b': return sqlite3_bind_blob64(s, at, p, v->text.n, keep);
    default: return sqlite3_bind_null(s, at);
    }
}

void sqlite_free_rows(struct db_rows *base)
{
    struct rows *r = (struct rows *)base;
    if (r->kept) {
        (void)sqlite3_reset(r->stmt);
        (void)sqlite3_clear_bindings(r->stmt);
        r->kept->in_use = false;
    } else {
        (void)sqlite3_finalize(r->stmt);
    }
    r->c->open_rows--;
    free(r);
}

/* Bind the values and take the first step. */
static int begin(struct rows *r, const char *sql, const struct db_value *values,
                 int n, struct err *e)
{
    if (r->c->read_only && !sqlite3_stmt_readonly(r->stmt))
        return err_set(e, OTK_EINVAL, "a read cannot change anything: %s", sql);
    if (sqlite3_bind_parameter_count(r->stmt) != n)
        bug("%d values for %d places: %s", n,
            sqlite3_bind_parameter_count(r->stmt), sql);
    int code = SQLITE_OK;
    for (int i = 0; i < n && !code; i++)
        code = bind(r->stmt, i + 1, &values[i]);
    if (!code)
        code = sqlite3_step(r->stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sqlite_fail(r->c->handle, code, e);
    r->first = code;
    r->has_first = true;
    return OTK_OK;
}

int sqlite_query(struct db_tx *tx, const char *sql, bool once,
                 const struct db_value *values, int n, struct db_rows **ret,
                 struct err *e)
{
    struct connection *c = (struct connection *)tx;
    struct rows *r = MEM_NEW(struct rows);
    r->base.ops = &db_sqlite;
    r->c = c;
    int err = find(c, sql, once, r, e);
    if (err) {
        free(r);
        return err;
    }
    c->open_rows++;
    err = begin(r, sql, values, n, e);
    if (err)
        sqlite_free_rows(&r->base);
    else
        *ret = &r->base;
    return err;
}

int sqlite_next(struct db_rows *base, struct err *e)
{
    struct rows *r = (struct rows *)base;
    int code = r->has_first ? r->first : sqlite3_step(r->stmt);
    r->has_first = code == SQLITE_DONE; /* asked again, it is still the end */
    r->first = code;
    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE)
        return 0;
    return sqlite_fail(r->c->handle, code, e);
}

int64_t sqlite_changed(struct db_tx *tx)
{
    return sqlite3_changes64(((struct connection *)tx)->handle);
}

int64_t sqlite_inserted(struct db_tx *tx)
{
    return sqlite3_last_insert_rowid(((struct connection *)tx)->handle);
}

bool sqlite_is_null(const struct db_rows *r, int col)
{
    return sqlite3_column_type(((const struct rows *)r)->stmt, col) ==
           SQLITE_NULL;
}

int64_t sqlite_get_int(const struct db_rows *r, int col)
{
    return sqlite3_column_int64(((const struct rows *)r)->stmt, col);
}

double sqlite_get_real(const struct db_rows *r, int col)
{
    return sqlite3_column_double(((const struct rows *)r)->stmt, col);
}

struct str sqlite_get_text(const struct db_rows *r, int col)
{
    sqlite3_stmt *s = ((const struct rows *)r)->stmt;
    const char *p = sqlite3_column_blob(s, col);
    return (struct str){.p = p, .n = (size_t)sqlite3_column_bytes(s, col)};
}
