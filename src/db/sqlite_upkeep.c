/* SPDX-License-Identifier: Apache-2.0 */
/* Migration scripts, copies and checks of an SQLite store. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/scope.h"
#include "db/sqlite.h"

enum { SCRIPT_BYTES = 1 << 20 };

/* ---- scripts ---- */

static void put_line(struct str line, struct buf *ret)
{
    static const struct {
        const char *token, *text;
    } tokens[] = {
        {":id:", "INTEGER PRIMARY KEY AUTOINCREMENT"},
        {":bytes:", "BLOB"},
    };
    static const char fulltext[] = ":fulltext: ";
    if (str_starts(line, fulltext)) {
        sqlite_text_create(
            str_trim(str_sub(line, sizeof(fulltext) - 1, line.n)), ret);
        return;
    }
    while (line.n) {
        size_t i = 0;
        while (i < 2 && !str_starts(line, tokens[i].token))
            i++;
        if (i < 2) {
            buf_puts(ret, tokens[i].text);
            line = str_sub(line, strlen(tokens[i].token), line.n);
        } else {
            buf_putc(ret, line.p[0]);
            line = str_sub(line, 1, line.n);
        }
    }
    buf_putc(ret, '\n');
}

int sqlite_script(struct db_tx *tx, struct str sql, struct err *e)
{
    struct buf text = BUF_INIT(SCRIPT_BYTES);
    struct str line;
    while (str_next(&sql, '\n', &line))
        put_line(line, &text);
    int r = buf_check(&text)
                ? err_set(e, OTK_ELIMIT, "the migration is too long")
                : connection_run((struct connection *)tx, text.ptr, e);
    buf_free(&text);
    return r;
}

int sqlite_tables(struct db_tx *tx, const char *name, int64_t *ret,
                  struct err *e)
{
    const struct db_value values[] = {
        {.type = name ? 's' : 'n', .text = str_from(name)}};
    struct db_rows *rows;
    int r = sqlite_query(tx,
                         "SELECT COUNT(*) FROM sqlite_schema WHERE type = "
                         "'table' AND name NOT LIKE 'sqlite%' AND (?1 IS NULL "
                         "OR name = ?1)",
                         false, values, 1, &rows, e);
    if (r)
        return r;
    r = sqlite_next(rows, e);
    if (r > 0)
        *ret = sqlite_get_int(rows, 0);
    sqlite_free_rows(rows);
    return r < 0 ? r : OTK_OK;
}

/* ---- copies ---- */

/* In one step, which sees one snapshot and disturbs no writer. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (!b)
        return sqlite3_errcode(to);
    int step = sqlite3_backup_step(b, -1);
    int end = sqlite3_backup_finish(b); /* OK after a step that was busy */
    return step == SQLITE_DONE ? end : step;
}

static int copy_into(struct connection *from, const char *path, struct err *e)
{
    sqlite3 *to = NULL;
    SCOPED(scope_close)
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e, OTK_EIO, "make %s", path);
    int r = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL);
    if (!r)
        r = sqlite3_exec(to, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    if (!r)
        r = copy_pages(from->handle, to);
    int err = r ? sqlite_fail(to, r, e) : OTK_OK;
    (void)sqlite3_close(to);
    if (!err && fsync(fd))
        err = err_errno(e, OTK_EIO, "write %s", path);
    return err;
}

int sqlite_copy(const char *from, const char *to, int busy_ms, struct err *e)
{
    if (access(to, F_OK) == 0)
        return err_set(e, OTK_ECONFLICT, "%s exists already", to);
    char part[SQLITE_PATH_BYTES];
    int n = snprintf(part, sizeof(part), "%s.part", to);
    if (n < 0 || (size_t)n >= sizeof(part))
        return err_set(e, OTK_EINVAL, "the path of the copy is too long");
    (void)unlink(part); /* of a copy that did not get to its end */
    struct connection *c;
    int err = connection_open(from, true, busy_ms, &c, e);
    if (err)
        return err;
    err = copy_into(c, part, e);
    connection_close(c);
    if (!err && rename(part, to))
        err = err_errno(e, OTK_EIO, "rename %s", part);
    if (err)
        (void)unlink(part);
    return err ? err_wrap(e, err, "copy the store to %s", to) : OTK_OK;
}

/* ---- checks ---- */

int sqlite_check_references(struct connection *c, struct err *e)
{
    struct db_rows *rows;
    int r = sqlite_query(&c->tx, "PRAGMA foreign_key_check", true, NULL, 0,
                         &rows, e);
    if (r)
        return r;
    r = sqlite_next(rows, e);
    if (r > 0) {
        struct str child = sqlite_get_text(rows, 0);
        struct str parent = sqlite_get_text(rows, 2);
        r = err_set(e, OTK_EIO,
                    "row %lld of " STR_FMT " refers to a row of " STR_FMT
                    " that is not there",
                    (long long)sqlite_get_int(rows, 1), STR_ARG(child),
                    STR_ARG(parent));
    }
    sqlite_free_rows(rows);
    return r;
}

int sqlite_check(struct connection *c, struct err *e)
{
    struct db_rows *rows;
    int r = sqlite_query(&c->tx, "PRAGMA integrity_check(1)", true, NULL, 0,
                         &rows, e);
    if (r)
        return r;
    r = sqlite_next(rows, e);
    struct str text = r > 0 ? sqlite_get_text(rows, 0) : STR("no answer");
    if (r >= 0)
        r = str_is(text, "ok")
                ? OTK_OK
                : err_set(e, OTK_EIO, "the store is damaged: " STR_FMT,
                          STR_ARG(text));
    sqlite_free_rows(rows);
    return r ? r : sqlite_check_references(c, e);
}
