/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/solver.h"

#include <linear.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

static const double BIAS = 1;
static const double TOLERANCE = 0.1;

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void be_quiet(const char *text)
{
    (void)text;
}

static bool takes_part(const struct solver_task *t, size_t i)
{
    return t->truth[i] >= 0;
}

/* Rows in liblinear's form: 1-based indices, bias last, ended by -1. */
static struct feature_node *fill(const struct solver_task *t, struct problem *p)
{
    const struct vectors *v = t->vectors;
    size_t nodes = 0;
    for (size_t i = 0; i < v->n; i++)
        nodes += takes_part(t, i) ? v->lens[i] + 2 : 0;
    struct feature_node *all = mem_try(nodes + 1, sizeof(*all));
    if (!all)
        return NULL;
    struct feature_node *at = all;
    for (size_t i = 0; i < v->n; i++) {
        if (!takes_part(t, i))
            continue;
        p->x[p->l] = at;
        p->y[p->l++] = t->truth[i];
        for (uint32_t k = 0; k < v->lens[i]; k++)
            *at++ = (struct feature_node){(int)v->rows[i][k].id + 1,
                                          v->rows[i][k].value};
        *at++ = (struct feature_node){p->n, p->bias};
        *at++ = (struct feature_node){-1, 0};
    }
    return all;
}

/* liblinear keeps one column for two classes: the other is its mirror. */
static void take_weights(const struct solver_task *t, const struct model *m,
                         float *weights, size_t stride, float *bias)
{
    size_t n = t->vectors->dictionary.n;
    int columns = m->nr_class == 2 ? 1 : m->nr_class;
    for (int c = 0; c < m->nr_class; c++) {
        int column = columns == 1 ? 0 : c;
        double sign = columns == 1 && c == 1 ? -1 : 1;
        int label = m->label[c];
        for (size_t f = 0; f < n; f++)
            weights[f * stride + (size_t)label] =
                (float)(sign * m->w[f * (size_t)columns + (size_t)column]);
        bias[label] =
            (float)(sign * BIAS * m->w[n * (size_t)columns + (size_t)column]);
    }
}

int solver_run(const struct solver_task *t, float *weights, size_t stride,
               float *bias, struct err *e)
{
    size_t n = t->vectors->n;
    /* a class without examples in this part must not win by a zero score */
    for (size_t c = 0; c < t->n_classes; c++)
        bias[c] = -1;
    struct problem p = {
        .n = (int)t->vectors->dictionary.n + 1,
        .y = mem_new(n + 1, sizeof(double)),
        .x = mem_new(n + 1, sizeof(struct feature_node *)),
        .bias = BIAS,
    };
    struct feature_node *nodes = fill(t, &p);
    struct parameter how = {
        .solver_type = L2R_L2LOSS_SVC_DUAL,
        .eps = TOLERANCE,
        .C = t->c,
    };
    int r = OTK_OK;
    const char *wrong = nodes ? check_parameter(&p, &how) : "out of memory";
    if (wrong) {
        r = err_set(e, OTK_EFORMAT, "liblinear: %s", wrong);
    } else {
        pthread_mutex_lock(&one_at_a_time);
        set_print_string_function(be_quiet);
        srand((unsigned)t->seed);
        struct model *m = train(&p, &how);
        pthread_mutex_unlock(&one_at_a_time);
        take_weights(t, m, weights, stride, bias);
        free_and_destroy_model(&m);
    }
    free(nodes);
    free(p.x);
    free(p.y);
    return r;
}
