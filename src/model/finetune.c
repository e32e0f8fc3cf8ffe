/* SPDX-License-Identifier: Apache-2.0 */
#include "model/finetune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/adam.h"
#include "model/config.h"
#include "model/gradient.h"
#include "model/install.h"
#include "model/pooling.h"
#include "model/weights.h"
#include "tensor/team.h"
#include "text/tokenizer.h"

enum { ASKED_AT_A_TIME = 64 };

/* A text as the network reads it. */
struct lesson {
    uint32_t *ids;
    size_t n;
};

struct school {
    const struct finetune_data *d;
    struct finetune_options o;
    struct arena *arena;
    struct model_config config;
    struct weights *weights;
    struct pooling pooling;
    struct parameters p;
    struct lesson *lessons;
    size_t *order; /* of the rows that are learnt from */
    size_t n_order;
    size_t *asked; /* rows that are held out */
    size_t n_asked;
    float *class_weights[HEADS_MAX];
    float *slopes, *best;
    struct gradient *gradient;
    struct team *team;
    struct adam adam;
    double started;
    struct finetune_progress told;
};

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- options
 * ------------------------------------------------------------------------- */

static void set(double *x, double usual)
{
    if (*x == 0)
        *x = usual;
}

static void set_size(size_t *x, size_t usual)
{
    if (*x == 0)
        *x = usual;
}

static int settle(struct finetune_options *o, struct err *e)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    set_size(&o->epochs, 5);
    set_size(&o->batch, 32);
    set_size(&o->max_tokens, 128);
    set_size(&o->patience, 3);
    set(&o->rate, 1e-4);
    set(&o->warm_up, 0.1);
    set(&o->decay, 0.01);
    set(&o->clip, 1);
    set(&o->dropout, 0.1);
    set(&o->layer_decay, 1);
    set(&o->head_rate, 1);
    o->dropout = fmax(o->dropout, 0);
    o->seed = o->seed ? o->seed : 1;
    o->threads = o->threads > 0 ? o->threads : cores > 0 ? (int)cores : 1;
    if (o->batch > 4096 || o->epochs > 1000)
        return err_set(e, OTK_EINVAL,
                       "%zu epochs of steps of %zu texts; at "
                       "most 1000 and 4096",
                       o->epochs, o->batch);
    if (!(o->rate > 0 && o->rate < 1 && o->dropout < 0.9 && o->smoothing >= 0 &&
          o->smoothing < 0.9 && o->warm_up <= 1))
        return err_set(e, OTK_EINVAL,
                       "rate, dropout, smoothing or warm-up out "
                       "of range");
    return OTK_OK;
}

/* ---- reading
 * ------------------------------------------------------------------------- */

static int read_base(struct school *s, const char *base,
                     const struct head_shape *heads, size_t n_heads,
                     struct err *e)
{
    struct names names;
    int r = model_config_read(base, s->arena, &s->config, e);
    if (!r && s->config.activation != ACTIVATION_GELU)
        r = err_field(e, OTK_EFORMAT, "hidden_act",
                      "%s: only networks with gelu can be taught", base);
    if (!r)
        r = pooling_read(base, &s->config, &s->pooling, e);
    if (!r)
        r = weights_open(base, &s->weights, e);
    if (!r)
        r = names_init(&names, s->weights, &s->config, e);
    if (!r)
        r = parameters_read(&names, heads, n_heads, s->o.seed, s->arena, &s->p,
                            e);
    return r;
}

static int read_texts(struct school *s, const char *base, struct err *e)
{
    struct tokenizer *t = NULL;
    struct tokenizer_scratch *scratch = tokenizer_scratch_new();
    size_t most = s->o.max_tokens < s->config.max_tokens ? s->o.max_tokens
                                                         : s->config.max_tokens;
    int r = tokenizer_load(base, &t, e);
    if (!r && tokenizer_size(t) > s->config.vocab)
        r = err_set(e, OTK_EFORMAT,
                    "%s: the tokenizer has %zu tokens, the model %zu", base,
                    tokenizer_size(t), s->config.vocab);
    s->lessons = mem_new(s->d->n + 1, sizeof(*s->lessons));
    for (size_t i = 0; !r && i < s->d->n; i++) {
        struct tokens x;
        r = tokenizer_encode(t, scratch, s->d->texts[i], most, &x, e);
        if (r) {
            r = err_place(e, r, "text %zu", i + 1);
            break;
        }
        s->lessons[i] = (struct lesson){
            .ids = ARENA_ARRAY(s->arena, uint32_t, x.n + 1), .n = x.n};
        memcpy(s->lessons[i].ids, x.ids, x.n * sizeof(*x.ids));
    }
    tokenizer_scratch_free(scratch);
    tokenizer_free(t);
    return r;
}

/* The same weight for each class, or as much for rare ones together as for
 * frequent ones. */
static void weigh_classes(struct school *s)
{
    for (size_t task = 0; task < s->p.n_heads; task++) {
        size_t n = s->p.heads[task].n;
        size_t all = 0;
        size_t *count = mem_new(n, sizeof(*count));
        s->class_weights[task] = ARENA_ARRAY(s->arena, float, n);
        for (size_t i = 0; i < s->n_order; i++) {
            int class = s->d->truth[task][s->order[i]];
            if (class >= 0) {
                count[class]++;
                all++;
            }
        }
        for (size_t c = 0; c < n; c++) {
            double even = (double)all / (double)n / (double)(count[c] + 1);
            s->class_weights[task][c] =
                s->o.weigh_classes ? (float)sqrt(even) : 1;
        }
        free(count);
    }
}

static int prepare(struct school *s, struct err *e)
{
    size_t n = s->d->n;
    s->order = mem_new(n + 1, sizeof(*s->order));
    s->asked = mem_new(n + 1, sizeof(*s->asked));
    for (size_t i = 0; i < n; i++) {
        if (s->d->held_out[i])
            s->asked[s->n_asked++] = i;
        else
            s->order[s->n_order++] = i;
    }
    if (s->n_order == 0)
        return err_set(e, OTK_EINVAL, "there is no text to learn from");
    weigh_classes(s);
    s->slopes = mem_try(s->p.n, sizeof(*s->slopes));
    s->best = mem_try(s->p.n, sizeof(*s->best));
    if (!s->slopes || !s->best)
        return err_set(e, OTK_ELIMIT,
                       "no memory for the slopes of %zu "
                       "parameters",
                       s->p.n);
    memcpy(s->best, s->p.values, s->p.n * sizeof(*s->best));
    s->gradient = gradient_new(s->o.threads);
    s->team = team_new(s->o.threads);
    const struct adam_options o = {
        .beta1 = 0.9,
        .beta2 = 0.999,
        .eps = 1e-8,
        .decay = s->o.decay,
        .clip = s->o.clip,
        .head_rate = s->o.head_rate,
        .layer_decay = s->o.layer_decay,
        .frozen = s->o.frozen,
    };
    return adam_init(&s->adam, &s->p, &o, e);
}

/* ---- learning
 * ------------------------------------------------------------------------ */

struct outcome {
    double loss;
    size_t right[HEADS_MAX], known[HEADS_MAX];
};

/* A forward, and a way back when `slopes`, over `n` rows. */
static void look_at(struct school *s, const size_t *rows, size_t n,
                    uint64_t seed, float *slopes, struct outcome *ret)
{
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
        .seed = seed,
        .frozen = s->o.frozen,
    };
    ret->loss = gradient_run(s->gradient, &j, slopes, ret->right, ret->known);
    free(offsets);
    free(ids);
    free(truth);
}

/* Mean accuracy of the tasks over what is held out; NaN when nothing is. */
static double examine(struct school *s, double *ret_loss)
{
    size_t right[HEADS_MAX] = {0};
    size_t known[HEADS_MAX] = {0};
    double sum = 0;
    size_t tasks = 0;
    *ret_loss = 0;
    for (size_t i = 0; i < s->n_asked; i += ASKED_AT_A_TIME) {
        size_t n = s->n_asked - i;
        struct outcome x;
        n = n < ASKED_AT_A_TIME ? n : ASKED_AT_A_TIME;
        look_at(s, s->asked + i, n, 0, NULL, &x);
        *ret_loss += x.loss * (double)n / (double)s->n_asked;
        for (size_t t = 0; t < s->p.n_heads; t++) {
            right[t] += x.right[t];
            known[t] += x.known[t];
        }
    }
    for (size_t t = 0; t < s->p.n_heads; t++) {
        if (known[t]) {
            sum += (double)right[t] / (double)known[t];
            tasks++;
        }
    }
    return tasks ? sum / (double)tasks : NAN;
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
    p->epoch_ends = epoch_ends;
    p->texts_per_second = (double)p->step * (double)s->o.batch / took;
    p->seconds_left = took / (double)p->step * (double)(p->steps - p->step);
    if (s->o.progress)
        s->o.progress(s->o.ctx, p);
}

static bool stopped(const struct school *s)
{
    return s->o.stop && atomic_load(s->o.stop);
}

static void learn_epoch(struct school *s, size_t epoch)
{
    struct rand chance;
    size_t steps = (s->n_order + s->o.batch - 1) / s->o.batch;
    rand_init(&chance, s->o.seed * 1000003 + epoch);
    rand_shuffle(&chance, s->order, s->n_order);
    for (size_t i = 0; i < steps && !stopped(s); i++) {
        size_t from = i * s->o.batch;
        size_t n =
            s->n_order - from < s->o.batch ? s->n_order - from : s->o.batch;
        size_t step = epoch * steps + i;
        struct outcome x;
        look_at(s, s->order + from, n, s->o.seed + step * 7919, s->slopes, &x);
        (void)adam_step(&s->adam, s->team, &s->p, s->slopes,
                        rate_at(s, step, steps * s->o.epochs));
        s->told.loss = step == 0 ? x.loss : 0.95 * s->told.loss + 0.05 * x.loss;
        s->told.step = step + 1;
        tell(s, false);
    }
}

static void learn(struct school *s, struct finetuned *ret)
{
    size_t steps = (s->n_order + s->o.batch - 1) / s->o.batch;
    double best = -INFINITY;
    s->started = seconds();
    s->told = (struct finetune_progress){
        .epochs = s->o.epochs, .steps = steps * s->o.epochs, .accuracy = NAN};
    for (size_t epoch = 0; epoch < s->o.epochs && !stopped(s); epoch++) {
        double loss;
        s->told.epoch = epoch + 1;
        learn_epoch(s, epoch);
        s->told.accuracy = examine(s, &loss);
        ret->epochs = epoch + 1;
        /* without held-out texts the last state is the best there is */
        double good = isnan(s->told.accuracy) ? (double)epoch
                                              : s->told.accuracy - loss * 1e-3;
        if (good > best) {
            best = good;
            ret->accuracy = s->told.accuracy;
            ret->loss = loss;
            ret->best_epoch = epoch + 1;
            memcpy(s->best, s->p.values, s->p.n * sizeof(*s->best));
        }
        tell(s, true);
        if (epoch + 1 >= ret->best_epoch + s->o.patience)
            break;
    }
    memcpy(s->p.values, s->best, s->p.n * sizeof(*s->best));
    ret->seconds = seconds() - s->started;
    ret->stopped = stopped(s);
}

/* ---- the whole
 * -------------------------------------------------------------------------- */

static void school_free(struct school *s)
{
    adam_free(&s->adam);
    gradient_free(s->gradient);
    team_free(s->team);
    parameters_free(&s->p);
    weights_close(s->weights);
    free(s->slopes);
    free(s->best);
    free(s->lessons);
    free(s->order);
    free(s->asked);
    arena_free(s->arena);
}

int finetune(const char *base, const char *to, const struct head_shape *heads,
             size_t n_heads, const struct finetune_data *d,
             const struct finetune_options *o, struct finetuned *ret,
             struct err *e)
{
    struct school s = {.d = d, .o = *o, .arena = arena_new()};
    *ret = (struct finetuned){.accuracy = NAN, .loss = NAN};
    int r = settle(&s.o, e);
    if (!r)
        r = read_base(&s, base, heads, n_heads, e);
    if (!r)
        r = read_texts(&s, base, e);
    if (!r)
        r = prepare(&s, e);
    if (!r) {
        learn(&s, ret);
        r = file_make_dir(to, e);
        if (!r)
            r = model_copy_settings(base, to, e);
    }
    if (!r)
        r = parameters_write(&s.p, to, e);
    school_free(&s);
    return r;
}
