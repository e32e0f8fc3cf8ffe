/* SPDX-License-Identifier: Apache-2.0 */
/* CSV (RFC 4180), with what people really send: a BOM, CRLF, ; and tabs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "data/table.h"

struct reader {
    struct str rest;
    size_t line; /* of the file, from 1 */
    char separator;
    struct buf text; /* cells of the row, one after another */
    size_t ends[TABLE_COLUMNS_MAX];
    size_t n;
    const char *wrong; /* with this row */
};

/* The separator that stands most often in the first line, outside quotes. */
static char guess_separator(struct str s)
{
    static const char candidates[] = ",;\t";
    size_t counts[3] = {0};
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        quoted ^= s.p[i] == '"';
        if (quoted)
            continue;
        if (s.p[i] == '\n')
            break;
        const char *c = s.p[i] ? strchr(candidates, s.p[i]) : NULL;
        if (c)
            counts[c - candidates]++;
    }
    size_t best = 0;
    for (size_t i = 1; i < 3; i++)
        best = counts[i] > counts[best] ? i : best;
    return candidates[best];
}

static void end_cell(struct reader *r)
{
    if (r->n == TABLE_COLUMNS_MAX) {
        r->wrong = "too many cells";
        return;
    }
    r->ends[r->n++] = r->text.len;
}

/* A quoted cell, after its opening quote. */
static void take_quoted(struct reader *r)
{
    struct str *s = &r->rest;
    size_t i = 0;
    for (; i < s->n; i++) {
        if (s->p[i] == '\n')
            r->line++;
        if (s->p[i] != '"') {
            buf_putc(&r->text, s->p[i]);
        } else if (i + 1 < s->n && s->p[i + 1] == '"') {
            buf_putc(&r->text, '"');
            i++;
        } else {
            break;
        }
    }
    if (i == s->n)
        r->wrong = "a quote is never closed";
    *s = str_sub(*s, i + 1, s->n);
}

static void take_plain(struct reader *r)
{
    size_t i = 0;
    while (i < r->rest.n && r->rest.p[i] != r->separator &&
           r->rest.p[i] != '\n' && r->rest.p[i] != '\r')
        i++;
    buf_put(&r->text, r->rest.p, i);
    r->rest = str_sub(r->rest, i, r->rest.n);
}

/* The next row; false at the end of the file. */
static bool take_row(struct reader *r)
{
    r->n = 0;
    r->wrong = NULL;
    buf_reset(&r->text);
    if (r->rest.n == 0)
        return false;
    for (;;) {
        if (r->rest.n && r->rest.p[0] == '"') {
            r->rest = str_sub(r->rest, 1, r->rest.n);
            take_quoted(r);
            size_t before = r->text.len;
            take_plain(r); /* text after a closing quote */
            if (r->text.len > before && !r->wrong)
                r->wrong = "text after a closing quote";
        } else {
            take_plain(r);
        }
        end_cell(r);
        if (r->rest.n && r->rest.p[0] == r->separator) {
            r->rest = str_sub(r->rest, 1, r->rest.n);
            continue;
        }
        break;
    }
    if (str_starts(r->rest, "\r"))
        r->rest = str_sub(r->rest, 1, r->rest.n);
    if (str_starts(r->rest, "\n"))
        r->rest = str_sub(r->rest, 1, r->rest.n);
    r->line++;
    return true;
}

static size_t cells_of(const struct reader *r, struct str ret[])
{
    size_t begin = 0;
    for (size_t i = 0; i < r->n; i++) {
        ret[i] = str_sub(buf_str(&r->text), begin, r->ends[i] - begin);
        begin = r->ends[i];
    }
    return r->n;
}

static bool is_blank(const struct reader *r)
{
    return r->n == 1 && r->text.len == 0;
}

static void add_row(struct reader *r, struct table *t, size_t number)
{
    struct str cells[TABLE_COLUMNS_MAX];
    size_t n = cells_of(r, cells);
    char reason[160];
    if (r->wrong) {
        table_add_bad(t, number, r->wrong);
    } else if (buf_check(&r->text)) {
        table_add_bad(t, number, "the row is too long");
    } else if (n != t->n_columns) {
        (void)snprintf(reason, sizeof(reason), "%zu cells, the header has %zu",
                       n, t->n_columns);
        table_add_bad(t, number, reason);
    } else if (utf8_check(buf_str(&r->text)) != r->text.len) {
        table_add_bad(t, number, "not UTF-8");
    } else if (memchr(r->text.ptr, '\0', r->text.len)) {
        table_add_bad(t, number, "a NUL byte");
    } else {
        table_add(t, number, cells);
    }
}

static int take_header(struct reader *r, struct table *t, struct err *e)
{
    if (!take_row(r) || r->wrong || is_blank(r))
        return err_set(e, OTK_EFORMAT, "line 1: no header row%s%s",
                       r->wrong ? ": " : "", r->wrong ? r->wrong : "");
    if (utf8_check(buf_str(&r->text)) != r->text.len)
        return err_set(e, OTK_EFORMAT,
                       "line 1: not UTF-8; save the file as UTF-8");
    struct str cells[TABLE_COLUMNS_MAX];
    t->n_columns = cells_of(r, cells);
    t->columns = ARENA_ARRAY(t->arena, struct str, t->n_columns);
    for (size_t i = 0; i < t->n_columns; i++)
        t->columns[i] = arena_str(t->arena, str_trim(cells[i]));
    return OTK_OK;
}

int csv_read(struct str bytes, struct table *t, struct err *e)
{
    if (str_starts(bytes, "\xef\xbb\xbf"))
        bytes = str_sub(bytes, 3, bytes.n);
    struct reader r = {
        .rest = bytes,
        .line = 1,
        .separator = guess_separator(bytes),
        .text = BUF_INIT(TABLE_CELL_MAX),
    };
    int err = take_header(&r, t, e);
    size_t number = r.line;
    while (!err && take_row(&r)) {
        if (t->n_rows == TABLE_ROWS_MAX)
            err = err_set(e, OTK_ELIMIT, "more than %d rows", TABLE_ROWS_MAX);
        else if (!is_blank(&r) || t->n_columns == 1)
            add_row(&r, t, number);
        number = r.line;
    }
    buf_free(&r.text);
    return err;
}

void csv_put_row(struct buf *b, const struct str *cells, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str c = cells[i];
        bool quote = false;
        for (size_t k = 0; k < c.n; k++)
            quote |= strchr(",\"\r\n", c.p[k]) != NULL;
        if (i)
            buf_putc(b, ',');
        if (!quote) {
            buf_put_str(b, c);
            continue;
        }
        buf_putc(b, '"');
        for (size_t k = 0; k < c.n; k++) {
            if (c.p[k] == '"')
                buf_putc(b, '"');
            buf_putc(b, c.p[k]);
        }
        buf_putc(b, '"');
    }
    buf_putc(b, '\n');
}
