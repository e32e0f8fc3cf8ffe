/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/network_train.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "triage/engine.h"
#include "triage/model_json.h"
#include "triage/network.h"
#include "triage/quantize.h"
#include "triage/train.h"
#include "triage/vectors.h"

enum {
    PATH_BYTES = 4096,
    HIDDEN = NETWORK_HIDDEN,
    FEW_ROWS = 1000,     /* under it a network only repeats the examples */
    WORDS_MAX = 1 << 20, /* 256 MiB of vectors a network */
    NETWORKS_A_TASK = 2, /* their errors even out; a third adds little */
    VISITS = 100000,     /* of rows: large sets need fewer rounds … */
    EPOCHS_MIN = 4,
    EPOCHS_MAX = 10,
    THREADS_MAX = NETWORKS_MAX,
};
static const size_t FILE_BYTES = (size_t)1 << 32;

/* Found on four sets of 1,000 to 38,000 rows; none is sharp. */
static const float RATE = 0.1F;
static const float KEPT = 0.7F; /* of words and of hidden numbers */

/* One network while it learns. */
struct learner {
    const struct vectors *v;
    const int *truth;
    size_t at, n_classes;
    struct rand rand;
    size_t *order; /* rows of this task */
    size_t n_rows;
    float *inner;       /* n_words × HIDDEN */
    float *inner_steps; /* n_words: sums of squares for Adagrad */
    float *outer;       /* HIDDEN × n_classes, then the bias */
    float outer_steps[HIDDEN + 1];
    /* the row being looked at */
    struct feature *words;
    float *error; /* n_classes: probability less truth */
    float hidden[HIDDEN], mask[HIDDEN], back[HIDDEN];
};

static size_t outer_len(const struct learner *l)
{
    return (HIDDEN + 1) * l->n_classes;
}

/* -range … range */
static void fill_by_chance(struct rand *r, float *x, size_t n, float range)
{
    for (size_t i = 0; i < n; i++)
        x[i] = ((float)rand_real(r) * 2 - 1) * range;
}

static void learner_free(struct learner *l)
{
    free(l->order);
    free(l->inner);
    free(l->inner_steps);
    free(l->outer);
    free(l->words);
    free(l->error);
}

static int learner_init(struct learner *l, struct err *e)
{
    size_t n_words = l->v->n_words;
    uint32_t longest = 0;
    for (size_t i = 0; i < l->n_rows; i++) {
        uint32_t n = l->v->lens[l->order[i]];
        longest = n > longest ? n : longest;
    }
    l->inner = mem_try(n_words * HIDDEN + 1, sizeof(float));
    l->inner_steps = mem_try(n_words + 1, sizeof(float));
    l->outer = mem_try(outer_len(l), sizeof(float));
    l->words = mem_new(longest + 1, sizeof(*l->words));
    l->error = mem_new(l->n_classes, sizeof(float));
    if (!l->inner || !l->inner_steps || !l->outer)
        return err_set(e, OTK_ELIMIT, "no memory for a network of %zu words",
                       n_words);
    fill_by_chance(&l->rand, l->inner, n_words * HIDDEN, 0.05F);
    fill_by_chance(&l->rand, l->outer, HIDDEN * l->n_classes,
                   1 / sqrtf((float)HIDDEN));
    return OTK_OK;
}

/* The words of a row that stay this time, weighted up for those that go. */
static size_t drop_words(struct learner *l, size_t row)
{
    size_t n = 0;
    const struct feature *f = l->v->rows[row];
    for (uint32_t i = 0; i < l->v->lens[row]; i++) {
        if (f[i].id >= l->v->n_words || rand_real(&l->rand) >= (double)KEPT)
            continue;
        l->words[n++] = (struct feature){f[i].id, f[i].value / KEPT};
    }
    return n;
}

static void forward(struct learner *l, size_t n)
{
    memset(l->hidden, 0, sizeof(l->hidden));
    for (size_t i = 0; i < n; i++) {
        const float *w = l->inner + (size_t)l->words[i].id * HIDDEN;
        for (size_t k = 0; k < HIDDEN; k++)
            l->hidden[k] += l->words[i].value * w[k];
    }
    memcpy(l->error, l->outer + HIDDEN * l->n_classes,
           l->n_classes * sizeof(float));
    for (size_t k = 0; k < HIDDEN; k++) {
        bool stays = l->hidden[k] > 0 && rand_real(&l->rand) < (double)KEPT;
        l->mask[k] = stays ? 1 / KEPT : 0;
        l->hidden[k] *= l->mask[k];
        const float *w = l->outer + k * l->n_classes;
        for (size_t c = 0; stays && c < l->n_classes; c++)
            l->error[c] += l->hidden[k] * w[c];
    }
}

/* Logits in `error` become the slope of the log loss. */
static void find_error(struct learner *l, int truth)
{
    float top = l->error[0];
    for (size_t c = 1; c < l->n_classes; c++)
        top = l->error[c] > top ? l->error[c] : top;
    float sum = 0;
    for (size_t c = 0; c < l->n_classes; c++) {
        l->error[c] = expf(l->error[c] - top);
        sum += l->error[c];
    }
    for (size_t c = 0; c < l->n_classes; c++)
        l->error[c] /= sum;
    l->error[truth] -= 1;
}

/* By lanes: a sum in one variable would wait for itself. */
static float dot(const float *a, const float *b, size_t n)
{
    enum { LANES = 8 };
    float lanes[LANES] = {0};
    float sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < LANES; k++)
            lanes[k] += a[i + k] * b[i + k];
    }
    for (; i < n; i++)
        sum += a[i] * b[i];
    for (size_t k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

/*
 * One row of weights, which `x` went through, against the slope behind it.
 * How far, Adagrad says, with one sum of squares for the row: a sum for each
 * weight finds nothing better and costs a root for each.
 */
static void step_row(float x, const float *slope, size_t n, float mean_square,
                     float rate, float *steps, float *w)
{
    *steps += x * x * mean_square;
    float by = rate * x / sqrtf(*steps + 1e-8F);
    for (size_t i = 0; i < n; i++)
        w[i] -= by * slope[i];
}

static void step_outer(struct learner *l, float rate)
{
    size_t n = l->n_classes;
    float mean_square = dot(l->error, l->error, n) / (float)n;
    for (size_t k = 0; k < HIDDEN; k++) {
        l->back[k] = 0;
        if (l->mask[k] == 0)
            continue;
        float *w = l->outer + k * n;
        l->back[k] = dot(l->error, w, n) * l->mask[k];
        step_row(l->hidden[k], l->error, n, mean_square, rate,
                 &l->outer_steps[k], w);
    }
    step_row(1, l->error, n, mean_square, rate, &l->outer_steps[HIDDEN],
             l->outer + HIDDEN * n);
}

static void step_inner(struct learner *l, size_t n, float rate)
{
    float mean_square = dot(l->back, l->back, HIDDEN) / HIDDEN;
    for (size_t i = 0; i < n; i++)
        step_row(l->words[i].value, l->back, HIDDEN, mean_square, rate,
                 &l->inner_steps[l->words[i].id],
                 l->inner + (size_t)l->words[i].id * HIDDEN);
}

static void learn(struct learner *l)
{
    size_t epochs = VISITS / l->n_rows;
    epochs = epochs < EPOCHS_MIN ? EPOCHS_MIN : epochs;
    epochs = epochs > EPOCHS_MAX ? EPOCHS_MAX : epochs;
    for (size_t epoch = 0; epoch < epochs; epoch++) {
        float rate = RATE * (1 - (float)epoch / (float)epochs);
        rand_shuffle(&l->rand, l->order, l->n_rows);
        for (size_t i = 0; i < l->n_rows; i++) {
            size_t n = drop_words(l, l->order[i]);
            forward(l, n);
            find_error(l, l->truth[l->order[i]]);
            step_outer(l, rate);
            step_inner(l, n, rate);
        }
    }
}

/* ---- all networks
 * ---------------------------------------------------------------------------
 */

struct crew {
    struct learner learners[NETWORKS_MAX];
    size_t n;
    _Atomic size_t next;
};

static void *work(void *arg)
{
    struct crew *c = arg;
    for (size_t i = atomic_fetch_add(&c->next, 1); i < c->n;
         i = atomic_fetch_add(&c->next, 1))
        learn(&c->learners[i]);
    return NULL;
}

static void work_all(struct crew *c, int threads)
{
    pthread_t t[THREADS_MAX];
    size_t n = threads > 0 ? (size_t)threads : 1;
    n = n > c->n ? c->n : n;
    for (size_t i = 0; i < n; i++) {
        if (pthread_create(&t[i], NULL, work, c))
            bug("no thread to train a network");
    }
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(t[i], NULL);
}

/* The networks of one task, if they count and it has examples enough. */
static int hire(struct crew *c, const struct vectors *v, const int *truth,
                const struct model_task *task, uint64_t seed, struct err *e)
{
    size_t n_rows = 0;
    int r = OTK_OK;
    for (size_t i = 0; i < v->n; i++)
        n_rows += truth[i] >= 0;
    if (n_rows < FEW_ROWS || task->calibration.network <= 0)
        return OTK_OK;
    for (int k = 0; !r && k < NETWORKS_A_TASK; k++) {
        struct learner *l = &c->learners[c->n++];
        *l = (struct learner){
            .v = v,
            .truth = truth,
            .at = task->shape.at,
            .n_classes = task_classes(&task->shape),
            .order = mem_new(n_rows, sizeof(size_t)),
        };
        for (size_t i = 0; i < v->n; i++) {
            if (truth[i] >= 0)
                l->order[l->n_rows++] = i;
        }
        rand_init(&l->rand, seed * NETWORKS_MAX + c->n);
        r = learner_init(l, e);
    }
    return r;
}

/* The networks of a task speak by their mean. */
static void put_body(struct buf *b, const struct learner *l)
{
    size_t n = l->v->n_words;
    float share = 1.0F / NETWORKS_A_TASK;
    float *scale = mem_try(n + 1, sizeof(*scale));
    int8_t *small = mem_try(n * HIDDEN + 1, 1);
    if (!scale || !small)
        bug("no memory to write a network of %zu words", n);
    for (size_t i = 0; i < n; i++)
        scale[i] = quantize(l->inner + i * HIDDEN, HIDDEN, small + i * HIDDEN);
    for (size_t i = 0; i < outer_len(l); i++)
        l->outer[i] *= share;
    buf_put(b, scale, n * sizeof(*scale));
    buf_put(b, small, n * HIDDEN);
    buf_put(b, l->outer, outer_len(l) * sizeof(float));
    free(scale);
    free(small);
}

static int write_file(const struct crew *c, const struct vectors *v,
                      size_t n_classes, const char *folder, struct err *e)
{
    struct network_header h = {
        .magic = NETWORK_MAGIC,
        .n_features = v->dictionary.n,
        .n_words = v->n_words,
        .n_classes = (uint32_t)n_classes,
        .n_networks = (uint32_t)c->n,
    };
    struct buf b = BUF_INIT(FILE_BYTES);
    buf_put(&b, &h, sizeof(h));
    for (size_t i = 0; i < c->n; i++) {
        const struct learner *l = &c->learners[i];
        struct network_head head = {(uint32_t)l->at, (uint32_t)l->n_classes};
        buf_put(&b, &head, sizeof(head));
    }
    for (size_t i = 0; i < c->n; i++)
        put_body(&b, &c->learners[i]);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/network.bin", folder);
    int r = file_write(path, buf_str(&b), 0644, e);
    buf_free(&b);
    return r;
}

int network_train(const struct vectors *v, const struct model_json *m,
                  const int *const *truth, const struct triage_train_options *o,
                  const char *folder, struct err *e)
{
    if (v->n_words == 0 || v->n_words > WORDS_MAX)
        return OTK_OK;
    struct crew *c = MEM_NEW(struct crew);
    int r = OTK_OK;
    for (size_t t = 0; !r && t < m->n_tasks; t++)
        r = hire(c, v, truth[t], &m->tasks[t], o->seed, e);
    if (!r && c->n) {
        work_all(c, o->threads);
        r = write_file(c, v, m->n_classes, folder, e);
    }
    for (size_t i = 0; i < c->n; i++)
        learner_free(&c->learners[i]);
    free(c);
    return r;
}
