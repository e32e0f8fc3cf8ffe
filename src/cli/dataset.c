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

/* Append texts and labels of the usable rows of `t`. */
static void append(struct dataset *d, const struct table *t, const char *path,
                   int text)
{
    struct arena *a = t->arena;
    size_t n = d->d.n;
    struct str *texts = ARENA_ARRAY(a, struct str, n + t->n_rows + 1);
    struct str *answers = ARENA_ARRAY(a, struct str, n + t->n_rows + 1);
    struct str *labels[8];
    int columns[8];
    int answer = table_answer_column(t);
    for (size_t i = 0; i < n; i++) {
        texts[i] = d->d.texts[i];
        answers[i] = d->d.answers[i];
    }
    for (size_t k = 0; k < d->d.n_tasks; k++) {
        labels[k] = ARENA_ARRAY(a, struct str, n + t->n_rows + 1);
        columns[k] = table_column(t, str_from(d->tasks[k].task));
        for (size_t i = 0; i < n; i++)
            labels[k][i] = d->tasks[k].labels[i];
        d->tasks[k].labels = labels[k];
    }
    for (size_t i = 0; i < t->n_rows; i++) {
        struct err why = {0};
        struct str s = table_cell(t, i, text);
        bool any = false;
        if (text_check(s, "text", 1, TEXT_MAX, &why)) {
            complain(path, t->numbers[i], why.msg, &d->n_left_out);
            continue;
        }
        texts[n] = s;
        answers[n] = str_trim(table_cell(t, i, answer));
        for (size_t k = 0; k < d->d.n_tasks; k++) {
            if (columns[k] >= 0)
                labels[k][n] = str_trim(table_cell(t, i, columns[k]));
            any |= labels[k][n].n > 0;
        }
        if (any)
            n++;
        else
            complain(path, t->numbers[i], "no label", &d->n_left_out);
    }
    d->d.n = n;
    d->d.texts = texts;
    d->d.answers = answers;
    d->d.tasks = d->tasks;
}

/* *ret_text is the column of the texts; `option` maps it. */
static int read_table(const char *path, const char *mapping, const char *option,
                      struct table *ret, int *ret_text, struct err *e)
{
    int r = table_read_file(path, NULL, ret, e);
    if (!r && mapping)
        r = table_map(ret, mapping, e);
    if (!r && (*ret_text = table_column(ret, STR("text"))) < 0)
        r = err_set(e, OTK_ENOENT,
                    "%s has no column 'text'; say which with %s text=Name",
                    path, option);
    return r;
}

static void complain_all(struct dataset *d, const struct table *t,
                         const char *path)
{
    for (size_t i = 0; i < t->n_bad; i++)
        complain(path, i < TABLE_BAD_MAX ? t->bad[i].number : 0,
                 i < TABLE_BAD_MAX ? t->bad[i].reason : "", &d->n_left_out);
}

static void say_left_out(const char *path, size_t left_out, size_t used)
{
    if (left_out)
        (void)fprintf(stderr, "%s: %zu rows left out, %zu used\n", path,
                      left_out, used);
}

int dataset_read(const char *path, const char *mapping, const char *tasks,
                 struct dataset *ret, struct err *e)
{
    *ret = (struct dataset){0};
    int text = -1;
    int r = read_table(path, mapping, "--map", &ret->table, &text, e);
    if (!r)
        r = take_tasks(ret, tasks, e);
    if (r)
        return r;
    complain_all(ret, &ret->table, path);
    append(ret, &ret->table, path, text);
    say_left_out(path, ret->n_left_out, ret->d.n);
    return OTK_OK;
}

int dataset_also(struct dataset *d, const char *path, const char *mapping,
                 struct err *e)
{
    int text = -1;
    size_t left_out = d->n_left_out;
    size_t n = d->d.n;
    int r = read_table(path, mapping, "--also-map", &d->also, &text, e);
    if (r)
        return r;
    complain_all(d, &d->also, path);
    append(d, &d->also, path, text);
    d->d.n_also = d->d.n - n;
    say_left_out(path, d->n_left_out - left_out, d->d.n_also);
    return OTK_OK;
}

void dataset_free(struct dataset *d)
{
    table_free(&d->table);
    table_free(&d->also);
}
