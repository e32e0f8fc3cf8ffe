/* SPDX-License-Identifier: Apache-2.0 */
#include "model/finetune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/checkpoint.h"
#include "model/gradient.h"
#include "model/install.h"
#include "model/school.h"

enum { PATH_BYTES = 4096, ASKED_AT_A_TIME = 64 };

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- learning
 * ------------------------------------------------------------------------ */

/* Some texts, and what is made of them. */
struct look {
    const size_t *rows;
    size_t n;
    uint64_t seed;
    float share;            /* of a step */
    int *chosen[HEADS_MAX]; /* the best class of each; NULL: not wanted */
};

/* A forward, and a way back when `slopes`; the loss. */
static double look_at(struct school *s, const struct look *l, float *slopes)
{
    const size_t *rows = l->rows;
    size_t n = l->n;
    size_t right[HEADS_MAX];
    size_t known[HEADS_MAX];
    size_t *offsets = mem_new(n + 1, sizeof(*offsets));
    for (size_t i = 0; i < n; i++)
        offsets[i + 1] = offsets[i] + s->lessons[rows[i]].n;
    uint32_t *ids = mem_new(offsets[n] + 1, sizeof(*ids));
    int *truth = mem_new(n * s->p.n_heads + 1, sizeof(*truth));
    const int *truths[HEADS_MAX];
    for (size_t i = 0; i < n; i++)
        memcpy(ids + offsets[i], s->lessons[rows[i]].ids,
               s->lessons[rows[i]].n * sizeof(*ids));
    for (size_t t = 0; t < s->p.n_heads; t++) {
        truths[t] = truth + t * n;
        for (size_t i = 0; i < n; i++)
            truth[t * n + i] = s->d->truth[t][rows[i]];
    }
    const struct batch batch = {ids, offsets, n};
    const struct gradient_job j = {
        .p = &s->p,
        .texts = &batch,
        .pooling = s->pooling.kind,
        .truth = truths,
        .class_weights = (const float *const *)s->class_weights,
        .smoothing = (float)s->o.smoothing,
        .dropout = (float)s->o.dropout,
        .seed = l->seed,
        .frozen = s->o.frozen,
        .share = l->share,
        .bf16 = s->o.bf16,
        .chosen = l->chosen[0] ? l->chosen : NULL,
    };
    double loss = gradient_run(s->gradient, &j, slopes, right, known);
    free(offsets);
    free(ids);
    free(truth);
    return loss;
}

/* Of what is held out, mean over tasks; NaN when nothing is. */
struct mark {
    double accuracy, macro_f1, loss;
};

/* Adds a task's; false: no held-out text has a label of it. */
static bool add_task(const struct school *s, size_t task, const int *chosen,
                     struct mark *m)
{
    size_t classes = s->p.heads[task].n;
    size_t *count = mem_new(3 * classes, sizeof(*count));
    size_t *hits = count; /* right ones, how often chosen, how often true */
    size_t *picks = count + classes;
    size_t *truths = count + 2 * classes;
    size_t known = 0;
    size_t right = 0;
    size_t met = 0;
    double f1 = 0;
    for (size_t i = 0; i < s->n_asked; i++) {
        int truth = s->d->truth[task][s->asked[i]];
        if (truth < 0)
            continue;
        known++;
        truths[truth]++;
        picks[chosen[i]]++;
        hits[truth] += chosen[i] == truth;
        right += chosen[i] == truth;
    }
    for (size_t c = 0; c < classes; c++) {
        size_t both = picks[c] + truths[c];
        f1 += both ? 2 * (double)hits[c] / (double)both : 0;
        met += both > 0;
    }
    free(count);
    if (!known)
        return false;
    m->accuracy += (double)right / (double)known;
    m->macro_f1 += f1 / (double)met;
    return true;
}

static struct mark examine(struct school *s)
{
    struct mark m = {0};
    size_t tasks = 0;
    int *chosen = mem_new(s->p.n_heads * s->n_asked + 1, sizeof(*chosen));
    for (size_t i = 0; i < s->n_asked; i += ASKED_AT_A_TIME) {
        size_t n = s->n_asked - i;
        struct look l = {.rows = s->asked + i};
        l.n = n < ASKED_AT_A_TIME ? n : ASKED_AT_A_TIME;
        for (size_t t = 0; t < s->p.n_heads; t++)
            l.chosen[t] = chosen + t * s->n_asked + i;
        m.loss += look_at(s, &l, NULL) * (double)l.n / (double)s->n_asked;
    }
    for (size_t t = 0; t < s->p.n_heads; t++)
        tasks += add_task(s, t, chosen + t * s->n_asked, &m);
    free(chosen);
    m.accuracy = tasks ? m.accuracy / (double)tasks : NAN;
    m.macro_f1 = tasks ? m.macro_f1 / (double)tasks : NAN;
    return m;
}

/* Up over the warm-up, then down to nothing. */
static double rate_at(const struct school *s, size_t step, size_t steps)
{
    double up = fmax(s->o.warm_up * (double)steps, 1);
    double at = (double)step + 1;
    double down = ((double)steps - at + 1) / fmax((double)steps - up + 1, 1);
    return s->o.rate * fmin(at / up, down);
}

static void tell(struct school *s, bool epoch_ends)
{
    struct finetune_progress *p = &s->told;
    double took = seconds() - s->started;
    /* half an epoch may have been judged that an earlier run had learnt */
    double done = fmax((double)(p->step - s->resumed_at), 1);
    p->epoch_ends = epoch_ends;
    p->texts_per_second = done * (double)s->o.batch / took;
    p->seconds_left = took / done * (double)(p->steps - p->step);
    if (s->o.progress)
        s->o.progress(s->o.ctx, p);
}

static bool stopped(const struct school *s)
{
    return s->o.stop && atomic_load(s->o.stop);
}

/* Shuffles for `epoch`; each order is made of the one before it. */
static void shuffle(struct school *s, size_t epoch)
{
    struct rand chance;
    rand_init(&chance, s->o.seed * 1000003 + epoch);
    rand_shuffle(&chance, s->order, s->n_order);
}

/* The slopes of a step, in as many parts as is wanted; the loss. */
static double learn_step(struct school *s, const size_t *rows, size_t n,
                         size_t step)
{
    double loss = 0;
    size_t parts = s->o.accumulate < n ? s->o.accumulate : n;
    for (size_t k = 0; k < parts; k++) {
        size_t from = n * k / parts;
        struct look l = {.rows = rows + from,
                         .n = n * (k + 1) / parts - from,
                         .seed = s->o.seed + (step * parts + k) * 7919};
        double share = (double)l.n / (double)n;
        l.share = (float)share;
        loss += share * look_at(s, &l, s->slopes);
    }
    return loss;
}

/* The steps of an epoch that were not done yet. */
static void learn_epoch(struct school *s, size_t epoch, size_t steps)
{
    for (size_t i = s->told.step - epoch * steps; i < steps && !stopped(s);
         i++) {
        size_t from = i * s->o.batch;
        size_t n =
            s->n_order - from < s->o.batch ? s->n_order - from : s->o.batch;
        size_t step = epoch * steps + i;
        double loss = learn_step(s, s->order + from, n, step);
        if (s->lora)
            lora_back(s->lora, s->team, s->slopes);
        (void)adam_step(&s->adam, s->team, &s->p, s->slopes,
                        rate_at(s, step, steps * s->o.epochs));
        if (s->lora)
            lora_merge(s->lora, s->team);
        s->told.loss = step == 0 ? loss : 0.95 * s->told.loss + 0.05 * loss;
        s->told.step = step + 1;
        tell(s, false);
    }
}

/* Asks what is held out, and keeps the state when it is the best so far. */
static void judge_epoch(struct school *s, size_t epoch, double *best,
                        struct finetuned *ret)
{
    struct mark m = examine(s);
    s->told.accuracy = m.accuracy;
    s->told.macro_f1 = m.macro_f1;
    ret->epochs = epoch + 1;
    /* without held-out texts the last state is the best there is */
    double good =
        isnan(s->told.accuracy) ? (double)epoch : m.accuracy - m.loss * 1e-3;
    if (good > *best) {
        *best = good;
        ret->accuracy = s->told.accuracy;
        ret->loss = m.loss;
        ret->best_epoch = epoch + 1;
        memcpy(s->best, s->p.values, s->p.n * sizeof(*s->best));
    }
    tell(s, true);
}

/* ---- checkpoints
 * --------------------------------------------------------------------- */

/* Where the state lies, and what it belongs to. */
struct place {
    char path[PATH_BYTES];
    struct checkpoint c;
};

static int place_init(struct place *x, const struct school *s, const char *to,
                      struct err *e)
{
    const char *own = s->o.checkpoint;
    int n = snprintf(x->path, sizeof(x->path), "%s%s", own ? own : to,
                     own ? "" : "/checkpoint.otk");
    if (n < 0 || (size_t)n >= sizeof(x->path))
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", x->path);
    x->c = (struct checkpoint){.values = s->p.values,
                               .first = s->adam.first,
                               .second = s->adam.second,
                               .best = s->best,
                               .n = s->p.n};
    school_about(s, &x->c.about);
    return OTK_OK;
}

static int keep(const struct school *s, struct place *x, double best,
                const struct finetuned *done, struct err *e)
{
    x->c.at = (struct checkpoint_place){
        .step = s->told.step,
        .loss = s->told.loss,
        .accuracy = s->told.accuracy,
        .macro_f1 = s->told.macro_f1,
        .best_epoch = done->best_epoch,
        .best = best,
        .best_accuracy = done->accuracy,
        .best_loss = done->loss,
    };
    return checkpoint_write(x->path, &x->c, e);
}

/* Goes to where an earlier run stood, if there was one. */
static int go_on(struct school *s, struct place *x, size_t steps, double *best,
                 struct finetuned *ret, struct err *e)
{
    if (!s->o.resume || !file_exists(x->path))
        return OTK_OK;
    int r = checkpoint_read(x->path, &x->c, e);
    if (r)
        return r;
    const struct checkpoint_place *at = &x->c.at;
    if (at->step > s->told.steps || at->best_epoch > at->step / steps)
        return err_set(e, OTK_EFORMAT,
                       "%s: step %llu of %zu, best epoch %llu: no learning "
                       "stands there; remove it to begin anew",
                       x->path, (unsigned long long)at->step, s->told.steps,
                       (unsigned long long)at->best_epoch);
    s->adam.steps = at->step;
    s->resumed_at = s->told.step = at->step;
    s->told.loss = at->loss;
    s->told.accuracy = at->accuracy;
    s->told.macro_f1 = at->macro_f1;
    ret->epochs = at->step / steps;
    if (at->best_epoch) {
        *best = at->best;
        ret->best_epoch = at->best_epoch;
        ret->accuracy = at->best_accuracy;
        ret->loss = at->best_loss;
    }
    for (size_t epoch = 0; epoch < ret->epochs; epoch++)
        shuffle(s, epoch);
    return OTK_OK;
}

/* ---- the whole of it
 * -------------------------------------------------------------------- */

/* *ret_ended: there is nothing more to learn. */
static int learn(struct school *s, struct place *x, struct finetuned *ret,
                 bool *ret_ended, struct err *e)
{
    size_t steps = (s->n_order + s->o.batch - 1) / s->o.batch;
    double best = -INFINITY;
    s->told = (struct finetune_progress){
        .epochs = s->o.epochs,
        .steps = steps * s->o.epochs,
        .accuracy = NAN,
        .macro_f1 = NAN,
    };
    int r = go_on(s, x, steps, &best, ret, e);
    size_t epoch = ret->epochs;
    s->started = seconds();
    while (!r && epoch < s->o.epochs &&
           epoch < ret->best_epoch + s->o.patience) {
        s->told.epoch = epoch + 1;
        shuffle(s, epoch);
        learn_epoch(s, epoch, steps);
        bool whole = s->told.step == (epoch + 1) * steps;
        /* half an epoch is judged as well, but who goes on from there must
         * find what was best before */
        if (!whole && s->told.step > s->resumed_at)
            r = keep(s, x, best, ret, e);
        if (!r && s->told.step > epoch * steps)
            judge_epoch(s, epoch, &best, ret);
        if (!whole)
            break;
        if (!r)
            r = keep(s, x, best, ret, e);
        epoch++;
    }
    *ret_ended =
        epoch == s->o.epochs || epoch >= ret->best_epoch + s->o.patience;
    memcpy(s->p.values, s->best, s->p.n * sizeof(*s->best));
    ret->seconds = seconds() - s->started;
    ret->stopped = stopped(s);
    return r;
}

/* ---- the whole
 * -------------------------------------------------------------------------- */

static int write_adapter(const struct school *s, const char *base,
                         const char *to, struct err *e)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s/adapter", to);
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", to);
    return lora_write(s->lora, base, path, e);
}

int finetune(const char *base, const char *to, const struct head_shape *heads,
             size_t n_heads, const struct finetune_data *d,
             const struct finetune_options *o, struct finetuned *ret,
             struct err *e)
{
    struct school s;
    struct place place = {0};
    bool ended = false;
    *ret = (struct finetuned){.accuracy = NAN, .loss = NAN};
    int r = school_open(&s, base, heads, n_heads, d, o, e);
    if (!r)
        r = place_init(&place, &s, to, e);
    if (!r)
        r = learn(&s, &place, ret, &ended, e);
    if (!r)
        r = file_make_dir(to, e);
    if (!r)
        r = model_copy_settings(base, to, e);
    if (!r)
        r = parameters_write(&s.p, to, e);
    if (!r && s.lora)
        r = write_adapter(&s, base, to, e);
    if (!r && ended)
        (void)unlink(place.path); /* it may never have been written */
    school_close(&s);
    return r;
}
