/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Lines: an object a line; the first one names the columns. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "data/table.h"

enum { NUMBER_BYTES = 32 };

static int take_columns(json_t *o, struct table *t, struct err *e)
{
    size_t n = json_object_size(o);
    if (n == 0 || n > TABLE_COLUMNS_MAX)
        return err_set(e, OTK_EFORMAT, "the first object has %zu fields", n);
    t->columns = ARENA_ARRAY(t->arena, struct str, n);
    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i))
        t->columns[t->n_columns++] =
            arena_str(t->arena, str_from(json_object_iter_key(i)));
    return OTK_OK;
}

/* A value as the text of a cell; false: an object or array. */
static bool cell_of(const json_t *v, struct arena *a, struct str *ret)
{
    if (!v || json_is_null(v))
        *ret = STR("");
    else if (json_is_string(v))
        *ret = (struct str){json_string_value(v), json_string_length(v)};
    else if (json_is_integer(v))
        *ret =
            str_from(arena_printf(a, "%lld", (long long)json_integer_value(v)));
    else if (json_is_real(v))
        *ret = str_from(arena_printf(a, "%.12g", json_real_value(v)));
    else if (json_is_boolean(v))
        *ret = json_is_true(v) ? STR("true") : STR("false");
    else
        return false;
    return true;
}

static void add_object(json_t *o, size_t number, struct table *t)
{
    struct str cells[TABLE_COLUMNS_MAX];
    char reason[160];
    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i)) {
        const char *key = json_object_iter_key(i);
        if (table_column(t, str_from(key)) >= 0)
            continue;
        (void)snprintf(reason, sizeof(reason),
                       "field '%.80s' is not in the first object", key);
        table_add_bad(t, number, reason);
        return;
    }
    for (size_t c = 0; c < t->n_columns; c++) {
        const char *name = arena_copy(t->arena, t->columns[c]);
        if (!cell_of(json_object_get(o, name), t->arena, &cells[c])) {
            (void)snprintf(reason, sizeof(reason),
                           "field '%.80s' is not a plain value", name);
            table_add_bad(t, number, reason);
            return;
        }
    }
    table_add(t, number, cells);
}

int jsonl_read(struct str bytes, struct table *t, struct err *e)
{
    struct str line;
    for (size_t number = 1; str_next(&bytes, '\n', &line); number++) {
        line = str_trim(line);
        if (line.n == 0)
            continue;
        if (t->n_rows == TABLE_ROWS_MAX)
            return err_set(e, OTK_ELIMIT, "more than %d rows", TABLE_ROWS_MAX);
        json_t *o = NULL;
        struct err why = {0};
        int r = json_read(line, TABLE_CELL_MAX, &o, &why);
        if (!r && !json_is_object(o))
            r = err_set(&why, OTK_EFORMAT, "not an object");
        if (!r && t->n_columns == 0)
            r = take_columns(o, t, &why);
        if (r)
            table_add_bad(t, number, why.msg);
        else
            add_object(o, number, t);
        json_decref(o);
    }
    if (t->n_columns == 0)
        return err_set(e, OTK_EFORMAT, "no line holds a JSON object%s%s",
                       t->n_bad ? ": " : "", t->n_bad ? t->bad[0].reason : "");
    return OTK_OK;
}
