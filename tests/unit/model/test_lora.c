/* SPDX-License-Identifier: Apache-2.0 */
/* What A and B change, beside what their slopes say. */
#include "model/lora.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "model/config.h"
#include "model/parameters.h"
#include "model/weights.h"
#include "models.h"
#include "tensor/team.h"

enum { RANK = 3 };

struct taught {
    struct arena *arena;
    struct model_config config;
    struct weights *weights;
    struct names names;
    struct parameters p;
    struct lora *lora;
    struct team *team;
    size_t had; /* parameters before */
};

static void make(const char *family, struct taught *x)
{
    static const struct head_shape heads[] = {{"topic", 5}};
    struct err e = {0};
    char path[MODELS_PATH];
    *x = (struct taught){.arena = arena_new(), .team = team_new(2)};
    models_make(family, MODELS_SMALL, family, path);
    if (model_config_read(path, x->arena, &x->config, &e) ||
        weights_open(path, &x->weights, &e) ||
        names_init(&x->names, x->weights, &x->config, &e) ||
        parameters_read(&x->names, heads, 1, 5, x->arena, &x->p, &e))
        fail_msg("%s %s", e.field, e.msg);
    x->had = x->p.n;
    assert_int_equal(lora_new(&x->p, RANK, 6, 1, x->arena, &x->lora, &e), 0);
}

static void unmake(struct taught *x)
{
    lora_free(x->lora);
    lora_free(NULL);
    team_free(x->team);
    parameters_free(&x->p);
    weights_close(x->weights);
    arena_free(x->arena);
}

/* Σ slopes · values over the weights of the layers. */
static double along(const struct parameters *p, const float *slopes)
{
    double sum = 0;
    for (size_t i = 0; i < p->n_list; i++) {
        const struct parameter *x = &p->list[i];
        for (size_t k = x->at; x->stays && k < x->at + x->n; k++)
            sum += (double)slopes[k] * (double)p->values[k];
    }
    return sum;
}

/*
 * A loss that is linear in W is linear in A and in B: a step changes it by
 * exactly what the slopes say.
 */
static void check_slopes(const char *family)
{
    struct taught x;
    struct rand chance;
    make(family, &x);
    rand_init(&chance, 3);
    size_t extra = x.p.n - x.had;
    float *of_w = calloc(x.p.n, sizeof(*of_w));
    float *slopes = calloc(x.p.n, sizeof(*slopes));
    float *way = calloc(extra, sizeof(*way));
    rand_normal(&chance, 0.1, x.p.values + x.had, extra); /* B is not zero */
    lora_merge(x.lora, x.team);
    for (size_t i = 0; i < x.p.n_list; i++) {
        const struct parameter *t = &x.p.list[i];
        if (t->depth > 0 && !t->apart)
            rand_normal(&chance, 1, of_w + t->at, t->n);
    }
    memcpy(slopes, of_w, x.had * sizeof(*slopes));
    lora_back(x.lora, x.team, slopes);
    for (size_t i = 0; i < x.p.n_list; i++) {
        const struct parameter *t = &x.p.list[i];
        for (size_t k = t->at; k < t->at + t->n; k++) /* heads keep theirs */
            assert_true(t->apart || slopes[k] == (t->stays ? 0 : of_w[k]));
        if (!t->apart)
            continue;
        double before = along(&x.p, of_w);
        double said = 0;
        rand_normal(&chance, 1, way, t->n);
        for (size_t k = 0; k < t->n; k++) {
            said += (double)slopes[t->at + k] * (double)way[k];
            x.p.values[t->at + k] += way[k];
        }
        lora_merge(x.lora, x.team);
        double got = along(&x.p, of_w) - before;
        if (!(fabs(got - said) < 1e-3 * (1 + fabs(said))))
            fail_msg("%s: %g, the slopes say %g", t->name, got, said);
        for (size_t k = 0; k < t->n; k++)
            x.p.values[t->at + k] -= way[k];
        lora_merge(x.lora, x.team);
    }
    free(of_w);
    free(slopes);
    free(way);
    unmake(&x);
}

static void test_slopes(void **state)
{
    (void)state;
    check_slopes("minilm");
    check_slopes("distilbert");
}

/* It begins as the model was. */
static void test_begins(void **state)
{
    (void)state;
    struct taught x;
    make("roberta", &x);
    float *before = malloc(x.had * sizeof(*before));
    memcpy(before, x.p.values, x.had * sizeof(*before));
    lora_merge(x.lora, x.team);
    assert_memory_equal(before, x.p.values, x.had * sizeof(*before));
    assert_true(x.p.n > x.had);
    free(before);
    unmake(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slopes),
        cmocka_unit_test(test_begins),
    };
    return cmocka_run_group_tests(tests, models_open, models_close);
}
