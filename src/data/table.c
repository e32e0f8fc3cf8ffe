/* SPDX-License-Identifier: Apache-2.0 */
#include "data/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

enum table_format table_format_of(const char *path, struct str bytes)
{
    struct str name = str_from(path);
    if (str_ends(name, ".xlsx") || str_ends(name, ".xlsm"))
        return TABLE_XLSX;
    if (str_ends(name, ".jsonl") || str_ends(name, ".ndjson"))
        return TABLE_JSONL;
    if (str_ends(name, ".csv") || str_ends(name, ".tsv"))
        return TABLE_CSV;
    if (str_starts(bytes, "PK\003\004"))
        return TABLE_XLSX;
    return str_starts(bytes, "{") ? TABLE_JSONL : TABLE_CSV;
}

int table_read(struct str bytes, enum table_format f, const char *sheet,
               struct table *ret, struct err *e)
{
    *ret = (struct table){.arena = arena_new()};
    int r = OTK_EINVAL;
    switch (f) {
    case TABLE_CSV: r = csv_read(bytes, ret, e); break;
    case TABLE_JSONL: r = jsonl_read(bytes, ret, e); break;
    case TABLE_XLSX: r = xlsx_read(bytes, sheet, ret, e); break;
    }
    return r;
}

int table_read_file(const char *path, const char *sheet, struct table *ret,
                    struct err *e)
{
    *ret = (struct table){0};
    struct buf bytes = BUF_INIT(TABLE_FILE_MAX);
    int r = file_read(path, &bytes, e);
    if (!r) {
        r = table_read(buf_str(&bytes), table_format_of(path, buf_str(&bytes)),
                       sheet, ret, e);
        if (r)
            (void)err_place(e, r, "%s", path);
    }
    buf_free(&bytes);
    return r;
}

void table_free(struct table *t)
{
    arena_free(t->arena);
    free(t->cells);
    free(t->numbers);
    free(t->bad);
    *t = (struct table){0};
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 0x20) : c;
}

int table_column(const struct table *t, struct str name)
{
    name = str_trim(name);
    for (size_t c = 0; c < t->n_columns; c++) {
        struct str own = str_trim(t->columns[c]);
        size_t i = 0;
        while (own.n == name.n && i < name.n &&
               lower(own.p[i]) == lower(name.p[i]))
            i++;
        if (own.n == name.n && i == name.n)
            return (int)c;
    }
    return -1;
}

int table_answer_column(const struct table *t)
{
    static const char *const names[] = {"answer",   "operator_answer", "reply",
                                        "response", "resolution",      "ответ",
                                        "Ответ"};
    int c = -1;
    for (size_t i = 0; c < 0 && i < sizeof(names) / sizeof(*names); i++)
        c = table_column(t, str_from(names[i]));
    return c;
}

int table_map(struct table *t, const char *mapping, struct err *e)
{
    struct str rest = str_from(mapping);
    struct str pair;
    while (str_next(&rest, ',', &pair)) {
        size_t eq = str_find(pair, '=');
        struct str to = str_trim(str_sub(pair, 0, eq));
        struct str from = str_trim(str_sub(pair, eq + 1, pair.n));
        if (eq == pair.n || to.n == 0 || from.n == 0)
            return err_set(e, OTK_EFORMAT,
                           "mapping '" STR_FMT "' is not name=Column",
                           STR_ARG(pair));
        int column = table_column(t, from);
        if (column < 0)
            return err_set(e, OTK_ENOENT, "no column '" STR_FMT "'",
                           STR_ARG(from));
        t->columns[column] = arena_str(t->arena, to);
    }
    return OTK_OK;
}

void table_add(struct table *t, size_t number, const struct str *cells)
{
    size_t at = t->n_rows * t->n_columns;
    while (at + t->n_columns > t->cells_cap) {
        t->cells_cap = t->cells_cap ? 2 * t->cells_cap : 1024;
        t->cells = realloc(t->cells, t->cells_cap * sizeof(*t->cells));
        if (!t->cells)
            bug("no memory for %zu cells", t->cells_cap);
    }
    for (size_t i = 0; i < t->n_columns; i++)
        t->cells[at + i] = arena_str(t->arena, cells[i]);
    t->numbers =
        mem_grow(t->numbers, t->n_rows, &t->numbers_cap, sizeof(*t->numbers));
    t->numbers[t->n_rows++] = number;
}

void table_add_bad(struct table *t, size_t number, const char *reason)
{
    if (t->n_bad < TABLE_BAD_MAX) {
        t->bad = mem_grow(t->bad, t->n_bad, &t->bad_cap, sizeof(*t->bad));
        t->bad[t->n_bad] =
            (struct table_bad){number, arena_copy(t->arena, str_from(reason))};
    }
    t->n_bad++;
}
