/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dataset.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/unicode.h"
#include "triage/triage.h"

enum { TEXT_MAX = 1 << 20, COMPLAINTS_SHOWN = 20 };

static void complain(const char *path, size_t number, const char *reason,
                     size_t *n)
{
    if (++*n <= COMPLAINTS_SHOWN)
        (void)fprintf(stderr, "%s:%zu: %s\n", path, number, reason);
}

static int take_task(struct dataset *d, struct str name, struct err *e)
{
    if (d->d.n_tasks == sizeof(d->tasks) / sizeof(d->tasks[0]))
        return err_set(e, OTK_ELIMIT, "too many tasks");
    if (table_column(&d->table, name) < 0)
        return err_set(e, OTK_ENOENT, "no column '" STR_FMT "'", STR_ARG(name));
    d->tasks[d->d.n_tasks++].task = arena_copy(d->table.arena, name);
    return OTK_OK;
}

static int take_tasks(struct dataset *d, const char *tasks, struct err *e)
{
    struct str rest = str_from(tasks ? tasks : "topic,priority");
    struct str one;
    int r = OTK_OK;
    while (!r && str_next(&rest, ',', &one)) {
        if (tasks || table_column(&d->table, one) >= 0)
            r = take_task(d, one, e);
    }
    if (!r && d->d.n_tasks == 0)
        r = err_set(e, OTK_ENOENT, "no column to learn: name one with --tasks");
    return r;
}

/* Texts and labels of the usable rows. */
static void fill(struct dataset *d, const char *path, int text)
{
    const struct table *t = &d->table;
    struct arena *a = t->arena;
    struct str *texts = ARENA_ARRAY(a, struct str, t->n_rows + 1);
    struct str *labels[8];
    int columns[8];
    for (size_t k = 0; k < d->d.n_tasks; k++) {
        labels[k] = ARENA_ARRAY(a, struct str, t->n_rows + 1);
        columns[k] = table_column(t, str_from(d->tasks[k].task));
        d->tasks[k].labels = labels[k];
    }
    size_t n = 0;
    for (size_t i = 0; i < t->n_rows; i++) {
        struct err why = {0};
        struct str s = table_cell(t, i, text);
        bool any = false;
        if (text_check(s, "text", 1, TEXT_MAX, &why)) {
            complain(path, t->numbers[i], why.msg, &d->n_left_out);
            continue;
        }
        texts[n] = s;
        for (size_t k = 0; k < d->d.n_tasks; k++) {
            labels[k][n] = str_trim(table_cell(t, i, columns[k]));
            any |= labels[k][n].n > 0;
        }
        if (any)
            n++;
        else
            complain(path, t->numbers[i], "no label", &d->n_left_out);
    }
    d->d = (struct triage_dataset){n, texts, d->tasks, d->d.n_tasks};
}

int dataset_read(const char *path, const char *mapping, const char *tasks,
                 struct dataset *ret, struct err *e)
{
    *ret = (struct dataset){0};
    int r = table_read_file(path, NULL, &ret->table, e);
    if (!r && mapping)
        r = table_map(&ret->table, mapping, e);
    int text = -1;
    if (!r && (text = table_column(&ret->table, STR("text"))) < 0)
        r = err_set(e, OTK_ENOENT,
                    "%s has no column 'text'; say which with --map text=Name",
                    path);
    if (!r)
        r = take_tasks(ret, tasks, e);
    for (size_t i = 0; !r && i < ret->table.n_bad; i++)
        complain(path, i < TABLE_BAD_MAX ? ret->table.bad[i].number : 0,
                 i < TABLE_BAD_MAX ? ret->table.bad[i].reason : "",
                 &ret->n_left_out);
    if (!r)
        fill(ret, path, text);
    if (!r && ret->n_left_out)
        (void)fprintf(stderr, "%s: %zu rows left out, %zu used\n", path,
                      ret->n_left_out, ret->d.n);
    return r;
}

void dataset_free(struct dataset *d)
{
    table_free(&d->table);
}
