/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full text by FTS5, and the tokens of migration scripts. The caller's stems
 * are matched as they are: the ascii tokenizer splits at spaces only, since
 * every other ASCII mark that a stem can hold is made a token character, and
 * `detail=none` leaves out word positions, which nobody asks for.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/sqlite.h"

enum { SQL_BYTES = 256, MATCH_BYTES = 64 * 1024, SCRIPT_BYTES = 1 << 20 };

static const char create_index[] =
    "CREATE VIRTUAL TABLE " STR_FMT " USING fts5(stems, detail=none, "
    "columnsize=0, tokenize=\"ascii tokenchars '-._@+#&/:*'''\");\n";

enum text_statement { TEXT_PUT, TEXT_DROP, TEXT_FIND, TEXT_STATEMENTS };

static const char *const forms[TEXT_STATEMENTS] = {
    [TEXT_PUT] = "INSERT OR REPLACE INTO %s(rowid, stems) VALUES (?1, ?2)",
    [TEXT_DROP] = "DELETE FROM %s WHERE rowid = ?1",
    [TEXT_FIND] = "SELECT rowid FROM %s WHERE %s MATCH ?1 AND rowid < ?2 "
                  "ORDER BY rowid DESC LIMIT ?3",
};

/*
 * The statement's text for an index, at an address that stays, so that
 * connections can keep it prepared.
 */
static const char *statement_for(const char *index, enum text_statement which)
{
    enum { INDEXES_MAX = 16 };
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct {
        char name[64];
        char sql[TEXT_STATEMENTS][SQL_BYTES];
    } known[INDEXES_MAX];
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < INDEXES_MAX && known[i].name[0] && strcmp(known[i].name, index))
        i++;
    if (i == INDEXES_MAX)
        bug("more than %d full-text indexes", INDEXES_MAX);
    if (!known[i].name[0]) {
        (void)snprintf(known[i].name, sizeof(known[i].name), "%s", index);
        for (int w = 0; w < TEXT_STATEMENTS; w++) {
            struct buf sql = BUF_INIT(SQL_BYTES - 1);
            for (const char *f = forms[w]; *f; f++) {
                if (f[0] == '%') {
                    buf_puts(&sql, index);
                    f++;
                } else {
                    buf_putc(&sql, *f);
                }
            }
            if (buf_check(&sql))
                bug("the index name %s is too long", index);
            memcpy(known[i].sql[w], sql.ptr, sql.len + 1);
            buf_free(&sql);
        }
    }
    pthread_mutex_unlock(&lock);
    return known[i].sql[which];
}

static int run_to_end(struct db_tx *tx, const char *sql,
                      const struct db_value *values, int n, struct err *e)
{
    struct db_rows *rows;
    int r = sqlite_query(tx, sql, false, values, n, &rows, e);
    if (r)
        return r;
    do {
        r = sqlite_next(rows, e);
    } while (r > 0);
    sqlite_free_rows(rows);
    return r;
}

int sqlite_text_put(struct db_tx *tx, const char *index, int64_t id,
                    struct str stems, struct err *e)
{
    const struct db_value values[] = {{.type = 'i', .num = id},
                                      {.type = 's', .text = stems}};
    return run_to_end(tx, statement_for(index, TEXT_PUT), values, 2, e);
}

int sqlite_text_drop(struct db_tx *tx, const char *index, int64_t id,
                     struct err *e)
{
    const struct db_value values[] = {{.type = 'i', .num = id}};
    return run_to_end(tx, statement_for(index, TEXT_DROP), values, 1, e);
}

/* What the tokenizer above keeps together. */
static bool is_token_char(char c)
{
    return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') ||
           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("-._@+#&/:*'", c));
}

/*
 * "stem" "stem" "ste" * - quoted, so that nothing in a stem is an operator;
 * a stem that the tokenizer would cut is cut here, since phrases need the
 * word positions that the index does not have.
 */
static int put_match(const struct db_text_query *q, struct buf *ret,
                     struct err *e)
{
    for (size_t i = 0; i < q->n_all; i++) {
        struct str s = q->all[i];
        for (size_t k = 0; k < s.n; k++) {
            bool starts = k == 0 || !is_token_char(s.p[k - 1]);
            bool ends = k + 1 == s.n || !is_token_char(s.p[k + 1]);
            if (!is_token_char(s.p[k]))
                continue;
            buf_puts(ret, starts ? " \"" : "");
            buf_putc(ret, s.p[k]);
            buf_puts(ret, ends ? "\"" : "");
        }
    }
    if (q->last_is_prefix && ret->len)
        buf_puts(ret, " *");
    return buf_check(ret) ? err_set(e, OTK_ELIMIT, "the query is too long")
                          : OTK_OK;
}

int sqlite_text_find(struct db_tx *tx, const char *index,
                     const struct db_text_query *q, int64_t *ret, size_t *ret_n,
                     struct err *e)
{
    *ret_n = 0;
    if (q->n_all == 0 || q->limit == 0)
        return OTK_OK;
    struct buf match = BUF_INIT(MATCH_BYTES);
    int r = put_match(q, &match, e);
    const struct db_value values[] = {
        {.type = 's', .text = buf_str(&match)},
        {.type = 'i', .num = q->before_id ? q->before_id : INT64_MAX},
        {.type = 'i', .num = (int64_t)q->limit},
    };
    struct db_rows *rows = NULL;
    if (!r && match.len)
        r = sqlite_query(tx, statement_for(index, TEXT_FIND), false, values, 3,
                         &rows, e);
    while (rows && (r = sqlite_next(rows, e)) > 0)
        ret[(*ret_n)++] = sqlite_get_int(rows, 0);
    if (rows)
        sqlite_free_rows(rows);
    buf_free(&match);
    return r;
}

/* ---- migration scripts
 * ---------------------------------------------------------- */

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
        struct str name = str_trim(str_sub(line, sizeof(fulltext) - 1, line.n));
        buf_printf(ret, create_index, STR_ARG(name));
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
