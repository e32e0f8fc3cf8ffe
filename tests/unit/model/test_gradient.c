/* SPDX-License-Identifier: Apache-2.0 */
/* Slopes beside differences of the loss, tensor by tensor. */
#include "model/gradient.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "model/config.h"
#include "model/weights.h"
#include "models.h"

enum { TEXTS = 5, TASKS = 2 };

static struct arena *arena;

struct net {
    struct model_config config;
    struct weights *weights;
    struct names names;
    struct parameters p;
};

/* Models are made by the script that the other tests use, too. */
static void make(const char *family, struct net *x)
{
    static const struct head_shape heads[TASKS] = {{"topic", 5},
                                                   {"priority", 3}};
    struct err e = {0};
    char path[MODELS_PATH];
    models_make(family, MODELS_SMALL, family, path);
    if (model_config_read(path, arena, &x->config, &e) ||
        weights_open(path, &x->weights, &e) ||
        names_init(&x->names, x->weights, &x->config, &e) ||
        parameters_read(&x->names, heads, TASKS, 5, arena, &x->p, &e))
        fail_msg("%s %s", e.field, e.msg);
}

static void unmake(struct net *x)
{
    parameters_free(&x->p);
    weights_close(x->weights);
}

static int prepare(void **state)
{
    arena = arena_new();
    return models_open(state);
}

static int clean(void **state)
{
    arena_free(arena);
    return models_close(state);
}

struct asked {
    uint32_t ids[100];
    size_t offsets[TEXTS + 1];
    int truth[TASKS][TEXTS];
    const int *truths[TASKS];
    float weights[5];
    const float *class_weights[TASKS];
    struct batch batch;
    struct gradient_job job;
};

static void ask(const struct net *x, struct asked *a)
{
    static const size_t lengths[TEXTS] = {1, 7, 3, 12, 2};
    static const int truth[TASKS][TEXTS] = {{0, 4, 2, -1, 1}, {2, 2, 0, 1, -1}};
    static const float weights[] = {1, 0.5F, 2, 1, 3};
    *a = (struct asked){0};
    for (size_t i = 0; i < TEXTS; i++)
        a->offsets[i + 1] = a->offsets[i] + lengths[i];
    for (size_t i = 0; i < a->offsets[TEXTS]; i++)
        a->ids[i] = (uint32_t)(i * 37 % x->config.vocab);
    memcpy(a->truth, truth, sizeof(truth));
    memcpy(a->weights, weights, sizeof(weights));
    for (size_t i = 0; i < TASKS; i++)
        a->truths[i] = a->truth[i];
    a->class_weights[0] = a->weights;
    a->batch = (struct batch){a->ids, a->offsets, TEXTS};
    a->job = (struct gradient_job){
        .p = &x->p,
        .texts = &a->batch,
        .pooling = POOLING_MEAN,
        .truth = a->truths,
        .class_weights = a->class_weights,
        .smoothing = 0.1F,
        .dropout = 0.1F,
        .seed = 11,
    };
}

/* With dropout as on the way back, whose slopes nobody looks at. */
static double loss_of(struct gradient *g, const struct asked *a, float *unused)
{
    size_t right[TASKS], known[TASKS];
    memset(unused, 0, a->job.p->n * sizeof(*unused));
    return gradient_run(g, &a->job, unused, right, known);
}

/*
 * Along a direction by chance the loss changes by the slopes' share of it. The
 * forward is in f32: a difference over a short way is noise, over a long one
 * it is curved; of several lengths the best must fit.
 */
static void check_tensor(struct gradient *g, struct net *x,
                         const struct asked *a, const struct parameter *t,
                         const float *slopes, float *room)
{
    static const double ways[] = {1e-1, 3e-2, 1e-2, 3e-3, 1e-3};
    struct rand chance;
    float *v = x->p.values + t->at;
    float *kept = malloc(t->n * sizeof(*kept));
    float *way = malloc(t->n * sizeof(*way));
    double expected = 0;
    double size = 0;
    double best = INFINITY;
    rand_init(&chance, t->at + 1);
    for (size_t i = 0; i < t->n; i++) {
        way[i] = (float)(rand_real(&chance) * 2 - 1);
        /* half of it along the slopes, so that there is something to see */
        size += (double)way[i] * (double)way[i] / 2;
        expected += (double)slopes[t->at + i] * (double)slopes[t->at + i];
    }
    double steep = sqrt(expected);
    if (steep < 1e-7) { /* a key's bias changes nothing */
        free(kept);
        free(way);
        return;
    }
    expected = 0;
    for (size_t i = 0; i < t->n; i++) {
        way[i] = (float)((double)way[i] / sqrt(size) / 4 +
                         (double)slopes[t->at + i] / steep);
        expected += (double)slopes[t->at + i] * (double)way[i];
    }
    memcpy(kept, v, t->n * sizeof(*kept));
    for (size_t k = 0; k < ROWS(ways); k++) {
        double loss[2];
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < t->n; i++)
                v[i] = (float)((double)kept[i] +
                               (side ? -ways[k] : ways[k]) * (double)way[i]);
            loss[side] = loss_of(g, a, room);
        }
        memcpy(v, kept, t->n * sizeof(*kept));
        double got = (loss[0] - loss[1]) / (2 * ways[k]);
        best = fmin(best, fabs(got - expected) / fabs(expected));
    }
    if (!(best < 5e-3))
        fail_msg("%s: off by %g, slope %g", t->name, best, expected);
    free(kept);
    free(way);
}

static void check_family(const char *family, enum pooling_kind pooling)
{
    struct net x;
    struct asked a;
    size_t right[TASKS], known[TASKS];
    make(family, &x);
    ask(&x, &a);
    a.job.pooling = pooling;
    struct gradient *g = gradient_new(2);
    float *slopes = calloc(x.p.n, sizeof(*slopes));
    float *room = calloc(x.p.n, sizeof(*room));
    double loss = gradient_run(g, &a.job, slopes, right, known);
    assert_true(isfinite(loss) && loss > 0);
    assert_int_equal(known[0], 4);
    assert_int_equal(known[1], 4);
    for (size_t i = 0; i < x.p.n_list; i++)
        check_tensor(g, &x, &a, &x.p.list[i], slopes, room);
    free(slopes);
    free(room);
    gradient_free(g);
    unmake(&x);
}

static void test_families(void **state)
{
    (void)state;
    check_family("minilm", POOLING_MEAN);
    check_family("distilbert", POOLING_CLS);
    check_family("roberta", POOLING_MEAN);
}

/* Slopes are added; any number of threads gives the same ones. */
static void test_threads(void **state)
{
    (void)state;
    struct net x;
    struct asked a;
    size_t right[TASKS], known[TASKS];
    float *slopes[2];
    make("bert", &x);
    ask(&x, &a);
    for (int i = 0; i < 2; i++) {
        struct gradient *g = gradient_new(1 + 2 * i);
        slopes[i] = calloc(x.p.n, sizeof(float));
        (void)gradient_run(g, &a.job, slopes[i], right, known);
        gradient_free(g);
    }
    assert_memory_equal(slopes[0], slopes[1], x.p.n * sizeof(float));
    free(slopes[0]);
    free(slopes[1]);
    unmake(&x);
}

/* Products in bf16 point the same way, tensor by tensor. */
static void test_bf16(void **state)
{
    (void)state;
    struct net x;
    struct asked a;
    size_t right[TASKS], known[TASKS];
    make("bert", &x);
    ask(&x, &a);
    struct gradient *g = gradient_new(2);
    float *fine = calloc(x.p.n, sizeof(*fine));
    float *coarse = calloc(x.p.n, sizeof(*coarse));
    double loss = gradient_run(g, &a.job, fine, right, known);
    a.job.bf16 = true;
    assert_true(fabs(gradient_run(g, &a.job, coarse, right, known) - loss) <
                1e-2 * loss);
    assert_memory_not_equal(fine, coarse, x.p.n * sizeof(*fine));
    for (size_t i = 0; i < x.p.n_list; i++) {
        const struct parameter *t = &x.p.list[i];
        double both = 0;
        double length[2] = {0, 0};
        for (size_t k = t->at; k < t->at + t->n; k++) {
            both += (double)fine[k] * (double)coarse[k];
            length[0] += (double)fine[k] * (double)fine[k];
            length[1] += (double)coarse[k] * (double)coarse[k];
        }
        /* of keys' biases the slopes are zero but for rounding */
        if (!strstr(t->name, "key.bias") &&
            !(both > 0.999 * sqrt(length[0] * length[1])))
            fail_msg("%s: %g", t->name, both / sqrt(length[0] * length[1]));
    }
    free(fine);
    free(coarse);
    gradient_free(g);
    unmake(&x);
}

/* What is frozen gets no slopes, and what is above it the same ones. */
static void test_frozen(void **state)
{
    (void)state;
    struct net x;
    struct asked a;
    size_t right[TASKS], known[TASKS];
    make("bert", &x);
    ask(&x, &a);
    struct gradient *g = gradient_new(1);
    float *all = calloc(x.p.n, sizeof(*all));
    float *some = calloc(x.p.n, sizeof(*some));
    (void)gradient_run(g, &a.job, all, right, known);
    a.job.frozen = 2;
    (void)gradient_run(g, &a.job, some, right, known);
    for (size_t i = 0; i < x.p.n_list; i++) {
        const struct parameter *t = &x.p.list[i];
        bool norm = t->n_dims == 1 && strstr(t->name, "LayerNorm");
        for (size_t k = t->at; !norm && k < t->at + t->n; k++)
            assert_true(some[k] == (t->depth < 2 ? 0 : all[k]));
    }
    free(all);
    free(some);
    gradient_free(g);
    unmake(&x);
}

/* The heads' classes stand in the file beside the encoder's tensors. */
static void test_write(void **state)
{
    (void)state;
    struct net x;
    struct err e = {0};
    struct weights *w = NULL;
    make("bert", &x);
    assert_int_equal(parameters_write(&x.p, models_top, &e), 0);
    assert_int_equal(weights_open(models_top, &w, &e), 0);
    const struct weight *head = weights_find(w, STR("heads.topic.weight"));
    assert_non_null(head);
    assert_int_equal(head->dims[0], 5);
    assert_memory_equal(head->data, x.p.values + parameters_head_at(&x.p, 0, 0),
                        head->bytes);
    assert_int_equal(weights_len(w), x.p.n_list);
    weights_close(w);
    unmake(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_bf16),     cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
