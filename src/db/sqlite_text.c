/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full text by FTS5. The caller's stems are matched as they are: the ascii
 * tokenizer cuts at spaces and control characters only, since every printable
 * mark is made a token character. `detail=none` leaves out word positions,
 * which nobody asks for; the `prefix` indexes keep short fronts of words as
 * fast as words. The index keeps the stems: FTS5 needs them to forget a row.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/sqlite.h"

enum { SQL_BYTES = 512, MATCH_BYTES = 64 * 1024 };

enum text_statement {
    TEXT_PUT,
    TEXT_DROP,
    TEXT_FIND,
    TEXT_SCRUB,
    TEXT_STATEMENTS
};

/* The statements of an index; they stay where they are, to be kept by their
 * addresses. */
struct text_index {
    struct text_index *next;
    char *name;
    char *sql[TEXT_STATEMENTS];
};

/* `@` is the name. */
static const char *const forms[TEXT_STATEMENTS] = {
    [TEXT_PUT] = "INSERT OR REPLACE INTO @ (rowid, stems) VALUES (?1, ?2)",
    [TEXT_DROP] = "DELETE FROM @ WHERE rowid = ?1",
    [TEXT_FIND] = ("SELECT rowid FROM @ WHERE @ MATCH ?1 AND rowid < ?2 "
                   "ORDER BY rowid DESC LIMIT ?3"),
    [TEXT_SCRUB] = "INSERT INTO @ (@) VALUES ('optimize')",
};

static void put_form(const char *form, struct str name, struct buf *ret)
{
    for (; *form; form++) {
        if (*form == '@')
            buf_put_str(ret, name);
        else
            buf_putc(ret, *form);
    }
}

void sqlite_text_create(struct str name, struct buf *ret)
{
    buf_puts(ret, "CREATE VIRTUAL TABLE ");
    buf_put_str(ret, name);
    buf_puts(ret, " USING fts5(stems, detail=none, columnsize=0, "
                  "prefix='1 2 3', tokenize=\"ascii tokenchars '");
    for (int c = '!'; c <= '~'; c++) { /* letters and digits are already */
        if (c == '\'' || c == '"')     /* '' in the option, "" around it */
            buf_putc(ret, (char)c);
        buf_putc(ret, (char)c);
    }
    buf_puts(ret, "'\");\n");
}

static const char *statement_of(struct connection *c, const char *index,
                                enum text_statement which)
{
    struct text_index *t = c->indexes;
    while (t && strcmp(t->name, index) != 0)
        t = t->next;
    if (!t) {
        t = MEM_NEW(struct text_index);
        t->name = mem_copy_str(index);
        for (int i = 0; i < TEXT_STATEMENTS; i++) {
            struct buf sql = BUF_INIT(SQL_BYTES);
            put_form(forms[i], str_from(index), &sql);
            if (buf_check(&sql))
                bug("the name of the index %s is too long", index);
            t->sql[i] = buf_take(&sql, NULL);
        }
        t->next = c->indexes;
        c->indexes = t;
    }
    return t->sql[which];
}

void sqlite_text_free(struct text_index *t)
{
    while (t) {
        struct text_index *next = t->next;
        for (int i = 0; i < TEXT_STATEMENTS; i++)
            free(t->sql[i]);
        free(t->name);
        free(t);
        t = next;
    }
}

static int run(struct db_tx *tx, const char *index, enum text_statement which,
               const struct db_value *values, int n, struct err *e)
{
    struct db_rows *rows;
    const char *sql = statement_of((struct connection *)tx, index, which);
    int r = sqlite_query(tx, sql, false, values, n, &rows, e);
    if (!r)
        sqlite_free_rows(rows);
    return r;
}

int sqlite_text_put(struct db_tx *tx, const char *index, int64_t id,
                    struct str stems, struct err *e)
{
    const struct db_value values[] = {{.type = 'i', .num = id},
                                      {.type = 's', .text = stems}};
    return run(tx, index, TEXT_PUT, values, 2, e);
}

int sqlite_text_drop(struct db_tx *tx, const char *index, int64_t id,
                     struct err *e)
{
    const struct db_value values[] = {{.type = 'i', .num = id}};
    return run(tx, index, TEXT_DROP, values, 1, e);
}

/* Merging all segments into one leaves out what was dropped. */
int sqlite_text_scrub(struct db_tx *tx, const char *index, struct err *e)
{
    return run(tx, index, TEXT_SCRUB, NULL, 0, e);
}

/* What the tokenizer cuts at. */
static bool is_gap(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/*
 * "stem" "stem" "ste" * - quoted, so that nothing in a stem is an operator.
 * A stem with a gap in it is cut there, as it was when it was put.
 */
static int put_match(const struct db_text_query *q, struct buf *ret,
                     struct err *e)
{
    for (size_t i = 0; i < q->n_all; i++) {
        struct str s = q->all[i];
        for (size_t k = 0; k < s.n; k++) {
            if (is_gap(s.p[k]))
                continue;
            if (k == 0 || is_gap(s.p[k - 1]))
                buf_puts(ret, " \"");
            if (s.p[k] == '"')
                buf_putc(ret, '"');
            buf_putc(ret, s.p[k]);
            if (k + 1 == s.n || is_gap(s.p[k + 1]))
                buf_putc(ret, '"');
        }
    }
    if (q->last_is_prefix && ret->len)
        buf_puts(ret, " *");
    return buf_check(ret) ? err_set(e, OTK_ELIMIT, "the query is too long")
                          : OTK_OK;
}

static int fetch(struct db_tx *tx, const char *index,
                 const struct db_text_query *q, struct str match, int64_t *ret,
                 size_t *ret_n, struct err *e)
{
    const struct db_value values[] = {
        {.type = 's', .text = match},
        {.type = 'i', .num = q->before_id ? q->before_id : INT64_MAX},
        {.type = 'i', .num = (int64_t)q->limit},
    };
    struct db_rows *rows;
    const char *sql = statement_of((struct connection *)tx, index, TEXT_FIND);
    int r = sqlite_query(tx, sql, false, values, 3, &rows, e);
    if (r)
        return r;
    while ((r = sqlite_next(rows, e)) > 0)
        ret[(*ret_n)++] = sqlite_get_int(rows, 0);
    sqlite_free_rows(rows);
    return r;
}

int sqlite_text_find(struct db_tx *tx, const char *index,
                     const struct db_text_query *q, int64_t *ret, size_t *ret_n,
                     struct err *e)
{
    *ret_n = 0;
    if (q->limit == 0)
        return OTK_OK;
    struct buf match = BUF_INIT(MATCH_BYTES);
    int r = put_match(q, &match, e);
    if (!r && match.len)
        r = fetch(tx, index, q, buf_str(&match), ret, ret_n, e);
    buf_free(&match);
    return r;
}
