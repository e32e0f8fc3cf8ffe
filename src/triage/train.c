/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/train.h"

#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "triage/calibrate.h"
#include "triage/engine.h"
#include "triage/examples.h"
#include "triage/linear_train.h"
#include "triage/model_json.h"
#include "triage/split.h"
#include "triage/transformer.h"
#include "triage/tune.h"

enum {
    PATH_BYTES = 4096,
    EXAMPLES_KEPT = 5000,
    MODEL_BYTES = 1 << 30,
    FOLDS = 5,
    FOLDS_OF_FEW = 10, /* few rows: a fold's fit must be like the final one */
    FEWEST_ROWS = 1000,
    FEW_ROWS = 4000,
    MANY_ROWS = 20000,
    HOLD_OUT_FROM = 12000, /* rows from which one held-out part is enough */
};

struct work {
    const struct triage_dataset *d;
    struct triage_train_options o;
    struct arena *arena;
    struct model_json m;
    int *truth[TRIAGE_TASKS_MAX]; /* class of each row, -1: none known */
    char folder[PATH_BYTES];      /* being made, beside the target */
    char checkpoint[PATH_BYTES];  /* beside it too, and outlives it */
    const struct engine_ops *ops;
};

static void tell(const struct work *w, const char *what, double share)
{
    if (w->o.progress)
        w->o.progress(w->o.ctx, what, share);
}

/* ---- labels
 * ------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int label_index(const struct model_task *t, struct str label)
{
    for (size_t i = 0; i < t->about.n_labels; i++) {
        if (str_is(label, t->about.labels[i]))
            return (int)i;
    }
    return -1;
}

/* The sorted labels of a task, "none" apart. */
static int find_labels(struct work *w, size_t task, struct err *e)
{
    const struct triage_labels *from = &w->d->tasks[task];
    struct model_task *t = &w->m.tasks[task];
    struct map *seen = map_new();
    t->about.name = arena_copy(w->arena, str_from(from->task));
    for (size_t i = 0; i < w->d->n; i++) {
        bool is_new;
        if (str_is(from->labels[i], TRIAGE_NONE))
            t->shape.has_none = true;
        else if (from->labels[i].n)
            map_put(seen, from->labels[i], &is_new)->num++;
    }
    size_t n = map_len(seen);
    const char **labels = ARENA_ARRAY(w->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        labels[i] = arena_copy(w->arena, map_key(seen, i));
    map_free(seen);
    qsort(labels, n, sizeof(*labels), by_text);
    t->about.labels = labels;
    t->about.n_labels = t->shape.n_labels = n;
    t->shape.at = w->m.n_classes;
    w->m.n_classes += task_classes(&t->shape);
    if (n + t->shape.has_none < 2 || n == 0)
        return err_field(e, OTK_EFORMAT, from->task,
                         "%zu labels; at least two are needed", n);
    if (n > TRIAGE_CLASSES_MAX)
        return err_field(e, OTK_ELIMIT, from->task,
                         "%zu labels, the limit is %d", n, TRIAGE_CLASSES_MAX);
    return OTK_OK;
}

static void find_truth(struct work *w, size_t task)
{
    const struct triage_labels *from = &w->d->tasks[task];
    const struct model_task *t = &w->m.tasks[task];
    w->truth[task] = mem_new(w->d->n + 1, sizeof(int));
    for (size_t i = 0; i < w->d->n; i++) {
        struct str label = from->labels[i];
        if (label.n == 0)
            w->truth[task][i] = -1;
        else if (str_is(label, TRIAGE_NONE))
            w->truth[task][i] = (int)t->shape.n_labels;
        else
            w->truth[task][i] = label_index(t, label);
    }
}

/* ---- one fit
 * ----------------------------------------------------------------------------
 */

/* The rows with part == which (or != which), as a dataset of their own. */
struct subset {
    struct triage_dataset d;
    struct triage_labels tasks[TRIAGE_TASKS_MAX];
    int *truth[TRIAGE_TASKS_MAX];
    size_t *rows; /* in the whole */
};

static void subset_take(const struct work *w, const int *part, int which,
                        bool keep, struct arena *a, struct subset *ret)
{
    size_t n = 0;
    size_t all = w->d->n;
    struct str *texts = ARENA_ARRAY(a, struct str, all + 1);
    struct str *answers =
        w->d->answers ? ARENA_ARRAY(a, struct str, all + 1) : NULL;
    ret->rows = ARENA_ARRAY(a, size_t, all + 1);
    for (size_t i = 0; i < all; i++) {
        if ((part[i] == which) == keep) {
            texts[n] = w->d->texts[i];
            if (answers)
                answers[n] = w->d->answers[i];
            ret->rows[n++] = i;
        }
    }
    for (size_t t = 0; t < w->d->n_tasks; t++) {
        struct str *labels = ARENA_ARRAY(a, struct str, n + 1);
        ret->truth[t] = ARENA_ARRAY(a, int, n + 1);
        if (!w->truth[t])
            bug("task %zu was not prepared", t);
        for (size_t i = 0; i < n; i++) {
            labels[i] = w->d->tasks[t].labels[ret->rows[i]];
            ret->truth[t][i] = w->truth[t][ret->rows[i]];
        }
        ret->tasks[t] = (struct triage_labels){w->d->tasks[t].task, labels};
    }
    size_t asked = 0;
    while (asked < n && ret->rows[asked] < all - w->d->n_also)
        asked++;
    ret->d = (struct triage_dataset){
        .n = n,
        .texts = texts,
        .answers = answers,
        .tasks = ret->tasks,
        .n_tasks = w->d->n_tasks,
        .n_also = n - asked,
    };
}

/* Weights and examples of a fit, with calibration as it stands in w->m. */
static int fit(struct work *w, const struct triage_dataset *d,
               int *const *truth, const char *folder, size_t examples,
               struct err *e)
{
    bool linear = strcmp(w->m.info.engine, "linear") == 0;
    struct triage_dataset shown = *d;
    int r = file_make_dir(folder, e);
    if (!r && linear)
        r = linear_train(d, &w->m, (const int *const *)truth, &w->o, folder, e);
    else if (!r && w->ops->trains_once)
        r = transformer_train(d, &w->m, (const int *const *)truth, &w->o,
                              folder, w->checkpoint, e);
    if (linear) /* its examples are past requests to show, not the model */
        shown.n -= d->n_also;
    if (!r)
        r = examples_write(folder, &shown, examples, e);
    if (!r)
        r = model_json_write(folder, &w->m, e);
    return r;
}

static size_t examples_kept(const struct work *w)
{
    bool all = strcmp(w->m.info.engine, "linear") != 0;
    return all ? SIZE_MAX / 2 : EXAMPLES_KEPT;
}

/* ---- calibration
 * ----------------------------------------------------------------------- */

/* Raw scores of rows by a model that has not seen them. */
struct unseen {
    float *scores, *logits; /* n × n_classes */
    float *known;
    char *there; /* scored at all */
};

static int score_part(struct work *w, const int *part, int which,
                      struct unseen *u, struct err *e)
{
    struct arena *a = arena_new();
    struct subset train, test;
    subset_take(w, part, which, false, a, &train);
    subset_take(w, part, which, true, a, &test);
    char folder[PATH_BYTES + 16];
    (void)snprintf(folder, sizeof(folder), "%s%s", w->folder,
                   w->ops->trains_once ? "" : "/fold");
    int r = fit(w, &train.d, train.truth, folder, examples_kept(w), e);
    struct triage_model *m = NULL;
    if (!r)
        r = triage_load(folder, &m, e);
    struct triage_scratch *s = triage_scratch_new();
    for (size_t i = 0; !r && i < test.d.n; i++) {
        size_t row = test.rows[i];
        if (row >= w->d->n - w->d->n_also)
            break; /* these are learnt from only */
        triage_raw_scores(m, s, test.d.texts[i], &u->known[row]);
        memcpy(u->scores + row * w->m.n_classes, s->scores,
               w->m.n_classes * sizeof(float));
        memcpy(u->logits + row * w->m.n_classes, s->logits,
               w->m.n_classes * sizeof(float));
        u->there[row] = 1;
    }
    triage_scratch_free(s);
    triage_unref(m);
    if (!w->ops->trains_once)
        triage_remove(folder);
    arena_free(a);
    return r;
}

static void calibrate_task(struct work *w, size_t task, const struct unseen *u)
{
    struct model_task *t = &w->m.tasks[task];
    size_t n_classes = task_classes(&t->shape);
    struct calibration_row *rows = mem_new(w->d->n + 1, sizeof(*rows));
    size_t n = 0;
    for (size_t i = 0; i < w->d->n; i++) {
        if (!u->there[i] || w->truth[task][i] < 0)
            continue;
        rows[n++] = (struct calibration_row){
            .scores = u->scores + i * w->m.n_classes + t->shape.at,
            .logits = u->logits + i * w->m.n_classes + t->shape.at,
            .known = u->known[i],
            .truth = w->truth[task][i]};
    }
    calibration_fit(rows, n, n_classes, &t->calibration);
    tune_thresholds(rows, n, w->o.auto_error, w->o.suggest_error, t);
    free(rows);
}

/* Who is scored by which fit; *ret_fits: how many there are. */
static void split_rows(const struct work *w, int *part, int *ret_fits)
{
    const struct triage_dataset *d = w->d;
    const struct str *labels = d->tasks[0].labels;
    size_t n = d->n - d->n_also;
    *ret_fits = n < FEWEST_ROWS ? FOLDS_OF_FEW : FOLDS;
    if (n >= HOLD_OUT_FROM || w->ops->trains_once) {
        double share = w->ops->trains_once ? 0.1 : 0.2;
        split_hold_out(d->texts, labels, n, share, w->o.seed, part);
        for (size_t i = 0; i < n; i++)
            part[i] = part[i] ? 0 : -1; /* one fold, the rest always trained */
        *ret_fits = 1;
    } else {
        split_folds(d->texts, labels, n, *ret_fits, w->o.seed, part);
    }
    split_follow(d->texts, part, n, d->texts + n, d->n_also, part + n);
}

static int calibrate(struct work *w, struct err *e)
{
    size_t n = w->d->n;
    int *part = mem_new(n + 1, sizeof(*part));
    struct unseen u = {
        .scores = mem_try(n * w->m.n_classes + 1, sizeof(float)),
        .logits = mem_try(n * w->m.n_classes + 1, sizeof(float)),
        .known = mem_new(n + 1, sizeof(float)),
        .there = mem_new(n + 1, 1),
    };
    int folds;
    int r = OTK_OK;
    if (!u.scores || !u.logits)
        bug("no memory for the scores of %zu rows", n);
    split_rows(w, part, &folds);
    for (int f = 0; !r && f < folds; f++) {
        tell(w, "calibrating", (double)f / (folds + 1));
        r = score_part(w, part, f, &u, e);
    }
    for (size_t t = 0; !r && t < w->m.n_tasks; t++)
        calibrate_task(w, t, &u);
    free(u.scores);
    free(u.logits);
    free(u.known);
    free(u.there);
    free(part);
    return r;
}

/* ---- the folder
 * -------------------------------------------------------------------------- */

/* Adds a file of the folder to the hash, if there is one. */
static int hash_file(const struct work *w, const char *name,
                     crypto_generichash_state *h, struct err *e)
{
    char path[PATH_BYTES + 32];
    (void)snprintf(path, sizeof(path), "%s/%s", w->folder, name);
    if (!file_exists(path))
        return OTK_OK;
    struct buf bytes = BUF_INIT(MODEL_BYTES);
    int r = file_read(path, &bytes, e);
    (void)crypto_generichash_update(h, (const unsigned char *)bytes.ptr,
                                    bytes.len);
    buf_free(&bytes);
    return r;
}

/* The version is the weights' own hash: the same model, the same name. */
static int name_version(struct work *w, struct err *e)
{
    static const char *const weights[] = {"linear.bin", "network.bin",
                                          "encoder/model.safetensors"};
    bool jaccard = strncmp(w->m.info.engine, "jaccard", 7) == 0;
    unsigned char hash[16];
    crypto_generichash_state h;
    (void)crypto_generichash_init(&h, NULL, 0, sizeof(hash));
    int r = OTK_OK;
    if (!jaccard) {
        for (size_t i = 0; !r && i < sizeof(weights) / sizeof(*weights); i++)
            r = hash_file(w, weights[i], &h, e);
    } else {
        r = hash_file(w, "examples.jsonl", &h, e);
    }
    (void)crypto_generichash_final(&h, hash, sizeof(hash));
    w->m.info.version =
        arena_printf(w->arena, "%s-%02x%02x%02x%02x", w->m.info.engine, hash[0],
                     hash[1], hash[2], hash[3]);
    return r ? r : model_json_write(w->folder, &w->m, e);
}

/* Put the new folder in the old one's place, whole. */
static int replace(const char *made, const char *target, struct err *e)
{
    if (rename(made, target) == 0)
        return OTK_OK;
    if (renameat2(AT_FDCWD, made, AT_FDCWD, target, RENAME_EXCHANGE))
        return err_errno(e, OTK_EIO, "put the model into %s", target);
    triage_remove(made);
    return OTK_OK;
}

static int prepare(struct work *w, const char *folder, struct err *e)
{
    if (w->d->n < 4 + w->d->n_also || w->d->n_tasks == 0 ||
        w->d->n_tasks > TRIAGE_TASKS_MAX)
        return err_set(
            e, OTK_EFORMAT,
            "%zu examples to learn from and %zu tasks; at least 4 and 1 are "
            "needed",
            w->d->n - w->d->n_also, w->d->n_tasks);
    int r = OTK_OK;
    w->m.n_tasks = w->d->n_tasks;
    for (size_t t = 0; !r && t < w->d->n_tasks; t++) {
        r = find_labels(w, t, e);
        find_truth(w, t);
        w->m.tasks[t].calibration =
            /* networks are trained until calibration finds them useless */
            (struct calibration){
                .network = 1, .temperature = 1, .terms = {0, 1, 0, 0}};
        w->m.tasks[t].about.auto_threshold = 1;
        w->m.tasks[t].about.suggest_threshold = 1;
        w->m.tasks[t].about.accuracy = NAN;
        w->m.tasks[t].about.macro_f1 = NAN;
        w->m.tasks[t].about.ece = NAN;
    }
    (void)snprintf(w->folder, sizeof(w->folder), "%s.new-%d", folder,
                   (int)getpid());
    (void)snprintf(w->checkpoint, sizeof(w->checkpoint), "%s.checkpoint",
                   folder);
    return r ? r : file_make_dir(w->folder, e);
}

static int cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

int triage_train(const struct triage_dataset *d,
                 const struct triage_train_options *o, const char *folder,
                 struct err *e)
{
    struct work w = {.d = d, .o = *o, .arena = arena_new()};
    w.o.seed = o->seed ? o->seed : 1;
    /* few examples: every one counts; many: they outvote the noise */
    double c = d->n < FEW_ROWS ? 8 : d->n < MANY_ROWS ? 0.5 : 0.3;
    w.o.c = o->c > 0 ? o->c : c;
    w.o.threads = o->threads > 0 ? o->threads : cores();
    w.o.auto_error = o->auto_error > 0 ? o->auto_error : 0.05;
    w.o.suggest_error = o->suggest_error > 0 ? o->suggest_error : 0.4;
    w.m.info.engine = o->engine ? o->engine : "linear";
    w.m.info.version = "unnamed";
    w.m.info.trained_at = o->now_ms;
    w.m.info.n_examples = d->n;
    int r = OTK_EINVAL;
    w.ops = engine_find(w.m.info.engine);
    if (w.ops)
        r = prepare(&w, folder, e);
    else
        (void)err_set(e, r,
                      "no engine '%s': linear, jaccard, jaccard-chars, "
                      "transformer",
                      w.m.info.engine);
    if (!r)
        r = calibrate(&w, e);
    tell(&w, "training", 0.9);
    if (!r && !w.ops->trains_once)
        r = fit(&w, d, w.truth, w.folder, examples_kept(&w), e);
    if (!r)
        r = name_version(&w, e);
    if (!r)
        r = replace(w.folder, folder, e);
    if (r && w.folder[0])
        triage_remove(w.folder);
    for (size_t t = 0; t < TRIAGE_TASKS_MAX; t++)
        free(w.truth[t]);
    arena_free(w.arena);
    tell(&w, "done", 1);
    return r;
}
