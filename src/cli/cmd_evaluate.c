/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/dataset.h"
#include "cli/models.h"
#include "triage/evaluate.h"
#include "triage/split.h"
#include "triage/triage.h"

enum { PATH_BYTES = 4096, REPORT_BYTES = 16 << 20, FOLDS_MAX = 50 };

/* Predictions gathered over folds; classes are labels of the whole set. */
struct gathered {
    const struct dataset *data;
    struct arena *arena;
    const char **labels[8]; /* last: none of these */
    size_t n_labels[8];
    struct evaluated *rows[8];
    size_t n_rows[8];
};

static int index_of(const struct gathered *g, size_t task, struct str label)
{
    size_t n = g->n_labels[task];
    for (size_t i = 0; i + 1 < n; i++) {
        if (str_is(label, g->labels[task][i]))
            return (int)i;
    }
    return (int)n - 1;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void find_labels(struct gathered *g, size_t task)
{
    const struct triage_dataset *d = &g->data->d;
    const char **all = ARENA_ARRAY(g->arena, const char *, d->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        struct str l = d->tasks[task].labels[i];
        if (l.n && !str_is(l, TRIAGE_NONE))
            all[n++] = arena_copy(g->arena, l);
    }
    qsort(all, n, sizeof(*all), by_text);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(all[i], all[i - 1]) != 0)
            all[distinct++] = all[i];
    }
    all[distinct++] = "(none)";
    g->labels[task] = all;
    g->n_labels[task] = distinct;
    g->rows[task] = mem_try(d->n + 1, sizeof(struct evaluated));
}

/* Ask a model about the rows with part == which. */
static void ask(struct gathered *g, const struct triage_model *m,
                const int *part, int which)
{
    const struct triage_dataset *d = &g->data->d;
    const struct triage_info *info = triage_info(m);
    struct triage_scratch *s = triage_scratch_new();
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    for (size_t i = 0; i < d->n - d->n_also; i++) {
        if (part && part[i] != which)
            continue;
        triage_predict(m, s, d->texts[i], p);
        for (size_t t = 0; t < d->n_tasks; t++) {
            int k = triage_task_find(m, d->tasks[t].task);
            if (k < 0 || d->tasks[t].labels[i].n == 0)
                continue;
            const struct triage_task *task = &info->tasks[k];
            const char *guess =
                p[k].label < 0 ? TRIAGE_NONE : task->labels[p[k].label];
            g->rows[t][g->n_rows[t]++] = (struct evaluated){
                .truth = index_of(g, t, d->tasks[t].labels[i]),
                .guess = index_of(g, t, str_from(guess)),
                .confidence = p[k].confidence};
        }
    }
    triage_scratch_free(s);
}

/* Train on the rows with part != which, ask about the others. */
static int run_fold(struct gathered *g, const int *part, int which,
                    const struct triage_train_options *o, struct err *e)
{
    const struct triage_dataset *d = &g->data->d;
    struct arena *a = arena_new();
    struct str *texts = ARENA_ARRAY(a, struct str, d->n + 1);
    struct str *answers = ARENA_ARRAY(a, struct str, d->n + 1);
    struct triage_labels tasks[8];
    size_t n = 0;
    size_t n_also = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (part[i] == which)
            continue;
        answers[n] = d->answers[i];
        texts[n++] = d->texts[i];
        n_also += i >= d->n - d->n_also;
    }
    for (size_t t = 0; t < d->n_tasks; t++) {
        struct str *labels = ARENA_ARRAY(a, struct str, n + 1);
        size_t at = 0;
        for (size_t i = 0; i < d->n; i++) {
            if (part[i] != which)
                labels[at++] = d->tasks[t].labels[i];
        }
        tasks[t] = (struct triage_labels){d->tasks[t].task, labels};
    }
    struct triage_dataset train = {n,     texts,      answers,
                                   tasks, d->n_tasks, n_also};
    char folder[] = "/tmp/otklik-evaluate-XXXXXX";
    struct triage_model *m = NULL;
    int r = mkdtemp(folder) ? OTK_OK : err_errno(e, OTK_EIO, "%s", folder);
    if (!r)
        r = triage_train(&train, o, folder, e);
    if (!r)
        r = triage_load(folder, &m, e);
    if (!r)
        ask(g, m, part, which);
    triage_unref(m);
    triage_remove(folder);
    arena_free(a);
    return r;
}

static int cross_validate(struct gathered *g, const struct args *a,
                          struct err *e)
{
    char base[PATH_MAX];
    int64_t folds, percent, seed, c, epochs;
    int r = args_whole(a, "folds", 5, 2, FOLDS_MAX, &folds, e);
    if (!r)
        r = args_whole(a, "hold-out", 0, 0, 90, &percent, e);
    if (!r)
        r = args_whole(a, "seed", 1, 1, 1000000, &seed, e);
    if (!r)
        r = args_whole(a, "c-percent", 0, 0, 100000, &c, e);
    if (!r)
        r = args_whole(a, "epochs", 0, 0, 1000, &epochs, e);
    if (!r && args_has(a, "set") && !args_text(a, "base"))
        r = err_set(e, OTK_EINVAL,
                    "--set is for --engine transformer and goes with its "
                    "--base");
    if (r)
        return OTK_EINVAL;
    r = args_text(a, "base") ? models_find(a, args_text(a, "base"), base, e)
                             : OTK_OK;
    if (r)
        return r;
    const struct triage_dataset *d = &g->data->d;
    struct triage_train_options o = {
        .engine = args_text(a, "engine"),
        .base = args_text(a, "base") ? base : NULL,
        .epochs = (size_t)epochs,
        .settings = args_text(a, "set"),
        .seed = (uint64_t)seed,
        .c = (double)c / 100,
        .now_ms = clock_wall(&clock_real),
    };
    int *part = mem_new(d->n + 1, sizeof(*part));
    const struct str *labels = d->tasks[0].labels;
    size_t n = d->n - d->n_also;
    if (percent)
        split_hold_out(d->texts, labels, n, (double)percent / 100,
                       (uint64_t)seed, part);
    else
        split_folds(d->texts, labels, n, (int)folds, (uint64_t)seed, part);
    split_follow(d->texts, part, n, d->texts + n, d->n_also, part + n);
    if (percent) {
        r = run_fold(g, part, 1, &o, e);
    } else {
        for (int f = 0; !r && f < folds; f++) {
            cli_progress(NULL, "folds", (double)f / (double)folds);
            r = run_fold(g, part, f, &o, e);
        }
        cli_progress(NULL, "folds", 1);
    }
    free(part);
    return r;
}

static int report(struct gathered *g, const struct args *a, struct err *e)
{
    struct buf out = BUF_INIT(REPORT_BYTES);
    const char *pictures = args_text(a, "pictures");
    size_t n_tasks = g->data->d.n_tasks;
    int r = OTK_OK;
    buf_puts(&out, cli_json(a) ? "{" : "");
    for (size_t t = 0; !r && t < n_tasks; t++) {
        struct evaluation x;
        evaluate(g->rows[t], g->n_rows[t], g->labels[t], g->n_labels[t],
                 g->arena, &x);
        const char *name = g->data->d.tasks[t].task;
        if (cli_json(a)) {
            buf_printf(&out, "%s\"%s\":", t ? "," : "", name);
            evaluation_json(&x, &out);
        } else {
            buf_printf(&out, "%s== %s\n", t ? "\n" : "", name);
            evaluation_text(&x, &out);
        }
        char prefix[PATH_BYTES];
        (void)snprintf(prefix, sizeof(prefix), "%s/%s",
                       pictures ? pictures : "", name);
        if (pictures)
            r = evaluation_pictures(&x, prefix, e);
    }
    buf_puts(&out, cli_json(a) ? "}\n" : "");
    if (r) {
        buf_free(&out);
        return cli_fail(r, e);
    }
    return cli_print(&out);
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct dataset data;
    struct gathered g = {.data = &data, .arena = arena_new()};
    int r = dataset_read(a->words[0], args_text(a, "map"),
                         args_text(a, "tasks"), &data, &e);
    if (!r && args_has(a, "also"))
        r = dataset_also(&data, args_text(a, "also"), args_text(a, "also-map"),
                         &e);
    for (size_t t = 0; !r && t < data.d.n_tasks; t++)
        find_labels(&g, t);
    struct triage_model *m = NULL;
    if (!r && args_has(a, "model")) {
        r = triage_load(args_text(a, "model"), &m, &e);
        if (!r)
            ask(&g, m, NULL, 0);
    } else if (!r) {
        r = cross_validate(&g, a, &e);
    }
    triage_unref(m);
    int code = r ? cli_fail(r, &e) : report(&g, a, &e);
    for (size_t t = 0; t < 8; t++)
        free(g.rows[t]);
    arena_free(g.arena);
    dataset_free(&data);
    return code;
}

static const struct arg_option options[] = {
    {'k', "folds", "N", "cross-validate with N folds (default 5)"},
    {0, "hold-out", "PERCENT", "hold out so much instead of folds"},
    {'m', "model", "FOLDER", "ask this model instead of training"},
    {0, "map", "TO=FROM,...", "columns under other names: text=Question"},
    {0, "also", "FILE", "learn from these texts too, never ask about them"},
    {0, "also-map", "TO=FROM,...", "columns of that file: text=Question"},
    {'t', "tasks", "NAMES", "columns to learn (default topic,priority)"},
    {'e', "engine", "NAME",
     "linear, jaccard, jaccard-chars or transformer (default linear)"},
    {'b', "base", "FOLDER",
     "the language model that a transformer begins with"},
    {0, "epochs", "N", "how often a transformer sees each text (default 8)"},
    {0, "set", "NAME=VALUE,...", "how it learns, as for `otklik train`"},
    {'s', "seed", "N", "of the split (default 1)"},
    {0, "c-percent", "N", "C of the SVM in percent (default by size)"},
    {'p', "pictures", "FOLDER", "write PNG pictures there"},
    {0},
};

const struct arg_command cmd_evaluate = {
    .name = "evaluate",
    .words = "FILE",
    .min_words = 1,
    .max_words = 1,
    .summary = "Measure how well topics and priorities are found",
    .about = "FILE is CSV, JSONL or XLSX with the columns text, topic and "
             "priority. Identical\ntexts stay on one side of every split. "
             "Prints accuracy, F1, a table a class, the\nconfusion matrix, "
             "calibration, and how much can be decided alone at a given\n"
             "share of errors.\n",
    .options = options,
    .run = run,
};
