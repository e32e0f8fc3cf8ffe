/* SPDX-License-Identifier: Apache-2.0 */
/* Connections and statements of the SQLite driver. */
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
    struct statement *kept; /* NULL: finalize it */
    bool first;             /* the row of the first step waits */
    int result;             /* of the first step */
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
        return err_set(e, OTK_EDENIED, "the store is read-only: %s", text);
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

int connection_open(const char *path, int flags, int busy_ms,
                    struct connection **ret, struct err *e)
{
    struct connection *c = MEM_NEW(struct connection);
    c->tx.ops = &db_sqlite;
    int r =
        sqlite3_open_v2(path, &c->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
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
    for (size_t i = 0; i < STATEMENTS_KEPT; i++)
        (void)sqlite3_finalize(c->kept[i].stmt);
    (void)sqlite3_close(c->handle);
    free(c);
}

/* ---- statements kept by the address of their text
 * ---------------------------- */

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

/* The kept statement, or one of its own when that is in use. */
static int find(struct connection *c, const char *sql, bool once,
                struct rows *r, struct err *e)
{
    struct statement *k = NULL;
    for (size_t i = 0, at = slot_of(sql); !once && !k && i < 8; i++) {
        struct statement *s = &c->kept[(at + i) % STATEMENTS_KEPT];
        if (s->sql == sql || !s->sql)
            k = s;
    }
    if (!k || k->in_use)
        return prepare(c, sql, false, &r->stmt, e);
    /* a literal's address is its identity, unless a library was reloaded */
    if (k->sql && strcmp(sqlite3_sql(k->stmt), sql) != 0)
        bug("statement text changed under its address: %s", sql);
    if (!k->sql) {
        int err = prepare(c, sql, true, &k->stmt, e);
        if (err)
            return err;
        k->sql = sql;
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
    free(r);
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
    if (sqlite3_bind_parameter_count(r->stmt) != n)
        bug("%d values for %d places: %s", n,
            sqlite3_bind_parameter_count(r->stmt), sql);
    int code = SQLITE_OK;
    for (int i = 0; i < n && !code; i++)
        code = bind(r->stmt, i + 1, &values[i]);
    if (code) {
        err = sqlite_fail(c->handle, code, e);
        sqlite_free_rows(&r->base);
        return err;
    }
    r->result = sqlite3_step(r->stmt);
    r->first = true;
    *ret = &r->base;
    return OTK_OK;
}

int sqlite_next(struct db_rows *base, struct err *e)
{
    struct rows *r = (struct rows *)base;
    int code = r->first ? r->result : sqlite3_step(r->stmt);
    r->first = false;
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
