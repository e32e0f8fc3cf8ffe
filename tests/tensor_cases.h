/*
 * tests/tensor_cases.h - linear_apply() and attention_apply() beside plain
 * loops
 *
 * For two programs: the unit test, and the one that tools/check_isa.sh runs on
 * other processors, where there is no library to write tests with. A case
 * returns what is wrong, or NULL; the text is good until the next one.
 */
#ifndef OTK_TESTS_TENSOR_CASES_H
#define OTK_TESTS_TENSOR_CASES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tensor/attention.h"
#include "tensor/kernels.h"
#include "tensor/linear.h"
#include "tensor/product.h"
#include "tensor/reference.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

#define CASES(array) (sizeof(array) / sizeof((array)[0]))

static struct rand chance; /* the program seeds it */
static char wrong[120];

static float *numbers(size_t n, float range)
{
    float *x = mem_new(n + 1, sizeof(*x));
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(rand_real(&chance) * 2 - 1) * range;
    return x;
}

/* The worst difference, as a share of the largest number. */
static double difference(const float *a, const float *b, size_t n)
{
    double worst = 0;
    double most = 1e-30;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(a[i]))
            return INFINITY;
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        most = fmax(most, fabs((double)b[i]));
    }
    return worst / most;
}

/* Every table, also those that are not used. */
static const char *case_tables(void)
{
    const struct kernels *const *all = kernels_all();
    for (size_t i = 0; all[i]; i++) {
        const char *where = kernels_check(all[i]);
        if (where) {
            (void)snprintf(wrong, sizeof(wrong), "%s: %s", all[i]->name, where);
            return wrong;
        }
    }
    return NULL;
}

struct shape {
    size_t rows, outs, in;
};
static const struct shape shapes[] = {
    {1, 1, 1},    {1, 48, 64},   {3, 77, 33},  {7, 49, 1},    {8, 96, 384},
    {9, 100, 66}, {32, 384, 96}, {17, 47, 31}, {65, 144, 312}};

static double linear_difference(const struct shape *s, enum precision p,
                                int threads, bool full)
{
    struct err e = {0};
    struct linear *l = NULL;
    struct team *t = team_new(threads);
    struct workspace *w = workspace_new();
    float *x = numbers(s->rows * s->in, 2);
    float *weights = numbers(s->outs * s->in, 1);
    float *bias = numbers(s->outs, 1);
    float *residual = numbers(s->rows * s->outs, 1);
    float *y = numbers(s->rows * s->outs, 1);
    float *expected = numbers(s->rows * s->outs, 1);
    reference_linear(s->rows, s->in, s->outs, x, weights, full ? bias : NULL,
                     expected);
    for (size_t i = 0; full && i < s->rows * s->outs; i++) {
        reference_gelu(&expected[i], 1);
        expected[i] += residual[i];
    }
    if (linear_new(weights, full ? bias : NULL, s->outs, s->in, p, &l, &e))
        bug("%s", e.msg);
    const struct linear_job j = {
        .l = l,
        .x = x,
        .rows = s->rows,
        .ldx = s->in,
        .y = y,
        .ldy = s->outs,
        .residual = full ? residual : NULL,
        .after = full ? AFTER_GELU : AFTER_NOTHING,
    };
    linear_apply(t, w, &j);
    double d = difference(y, expected, s->rows * s->outs);
    linear_free(l);
    team_free(t);
    workspace_free(w);
    free(x);
    free(weights);
    free(bias);
    free(residual);
    free(y);
    free(expected);
    return d;
}

/* Each shape in each precision, alone and by three, with all that comes after
 * a product and with nothing. */
static const char *case_linear(void)
{
    /* rounding of bf16 and of 8 bits; 7 bits are twice as coarse */
    static const double allowed[] = {2e-6, 1e-2, 2e-2};
    for (size_t i = 0; i < CASES(shapes) * PRECISIONS * 2; i++) {
        const struct shape *s = &shapes[i / (PRECISIONS * 2)];
        enum precision p = (enum precision)(i / 2 % PRECISIONS);
        double d = linear_difference(s, p, i % 2 ? 3 : 1, i % 2);
        if (d > allowed[p]) {
            (void)snprintf(wrong, sizeof(wrong), "%s %zux%zux%zu: %g",
                           precision_name(p), s->rows, s->outs, s->in, d);
            return wrong;
        }
    }
    return NULL;
}

/*
 * Rows with a few numbers far outside the others: what those give is right, and
 * the others keep their steps. Weights of those columns are the largest of
 * their output, which 8 bits hold exactly.
 */
static const char *case_outliers(void)
{
    enum { ROWS_N = 11, IN = 258, OUTS = 100, FAR_N = 6 };
    static const size_t far[FAR_N] = {7, 257, 0, 64, 66, 130};
    struct err e = {0};
    struct linear *l = NULL;
    struct team *t = team_new(2);
    struct workspace *w = workspace_new();
    float *x = numbers((size_t)ROWS_N * IN, 1);
    float *weights = numbers((size_t)OUTS * IN, 1);
    float *y = numbers((size_t)ROWS_N * OUTS, 1);
    float *expected = numbers((size_t)ROWS_N * OUTS, 1);
    for (size_t i = 0; i < (size_t)OUTS * FAR_N; i++)
        weights[i / FAR_N * IN + far[i % FAR_N]] = i % 7 < 3 ? 1 : -1;
    /* row r has r of them: the last ones more than are kept apart */
    for (size_t r = 0; r < ROWS_N; r++) {
        for (size_t i = 0; i < FAR_N && i < r; i++)
            x[r * IN + far[i]] = i % 2 ? -60 : 60;
    }
    reference_linear(ROWS_N, IN, OUTS, x, weights, NULL, expected);
    if (linear_new(weights, NULL, OUTS, IN, PRECISION_I8, &l, &e))
        bug("%s", e.msg);
    linear_apply(
        t, w,
        &(struct linear_job){
            .l = l, .x = x, .rows = ROWS_N, .ldx = IN, .y = y, .ldy = OUTS});
    wrong[0] = '\0';
    for (size_t i = 0; i < (size_t)ROWS_N * OUTS && !wrong[0]; i++) {
        double off = fabs((double)y[i] - (double)expected[i]);
        double most = i / OUTS > 2 ? 8 : 0.4; /* 0.1, as a rule */
        if (!(off < most))
            (void)snprintf(wrong, sizeof(wrong), "row %zu, output %zu: %g off",
                           i / OUTS, i % OUTS, off);
    }
    linear_free(l);
    team_free(t);
    workspace_free(w);
    free(x);
    free(weights);
    free(y);
    free(expected);
    return wrong[0] ? wrong : NULL;
}

/* `how`: 1 a, 2 b lies transposed, 4 sums are added or 8 there is a bias, 16 in
 * bf16. */
static double product_difference(size_t m, size_t k, size_t n, int how,
                                 int threads)
{
    struct team *t = team_new(threads);
    struct workspace *w = workspace_new();
    float *a = numbers(m * k, 1);
    float *b = numbers(k * n, 1);
    float *y = numbers(m * n, 1);
    float *bias = numbers(n, 1);
    float *expected = numbers(m * n, 1);
    bool turn_a = how & 1;
    bool turn_b = how & 2;
    const struct product p = {
        .m = m,
        .k = k,
        .n = n,
        .a = {a, turn_a ? m : k, turn_a},
        .b = {b, turn_b ? k : n, turn_b},
        .bias = how & 8 ? bias : NULL,
        .y = y,
        .ldy = n,
        .adds = how & 4,
        .bf16 = how & 16,
    };
    for (size_t i = 0; how & 16 && i < m * k; i++)
        a[i] = reference_of_bf16(reference_bf16(a[i]));
    for (size_t i = 0; how & 16 && i < k * n; i++)
        b[i] = reference_of_bf16(reference_bf16(b[i]));
    for (size_t i = 0; i < m * n; i++) {
        double sum = how & 4 ? (double)y[i] : 0;
        sum += how & 8 ? (double)bias[i % n] : 0;
        for (size_t j = 0; j < k; j++)
            sum += (double)a[turn_a ? j * m + i / n : i / n * k + j] *
                   (double)b[turn_b ? i % n * k + j : j * n + i % n];
        expected[i] = (float)sum;
    }
    product_apply(t, w, &p);
    double d = difference(y, expected, m * n);
    team_free(t);
    workspace_free(w);
    free(a);
    free(b);
    free(y);
    free(bias);
    free(expected);
    return d;
}

static const char *case_product(void)
{
    static const struct {
        size_t m, k, n;
        int threads;
    } sizes[] = {
        {1, 5, 3, 1}, {19, 33, 50, 3}, {24, 64, 96, 2}, {9, 400, 60, 2}};
    for (int how = 0; how < 32; how++) {
        bool none = (how & 12) == 12; /* it adds, and there is a bias */
        for (size_t i = 0; !none && i < CASES(sizes); i++) {
            double d = product_difference(sizes[i].m, sizes[i].k, sizes[i].n,
                                          how, sizes[i].threads);
            if (!(d < 3e-6)) {
                (void)snprintf(wrong, sizeof(wrong), "%zux%zux%zu, %d: %g",
                               sizes[i].m, sizes[i].k, sizes[i].n, how, d);
                return wrong;
            }
        }
    }
    return NULL;
}

/* softmax(q·kᵀ)·v in plain loops. */
static void plain_attention(const struct attention_job *j, float *y)
{
    size_t all = j->heads * j->width;
    for (size_t t = 0; t < j->n_texts; t++) {
        size_t from = j->offsets[t];
        size_t n = j->offsets[t + 1] - from;
        for (size_t u = 0; u < j->heads * (j->first_only && n ? 1 : n); u++) {
            size_t row = from + u / j->heads;
            size_t head = u % j->heads * j->width;
            const float *q = j->qkv + row * 3 * all + head;
            float *out = y + (j->first_only ? t : row) * all + head;
            float *score = numbers(n, 1);
            for (size_t i = 0; i < n; i++) {
                const float *k = j->qkv + (from + i) * 3 * all + all + head;
                score[i] = 0;
                for (size_t d = 0; d < j->width; d++)
                    score[i] += q[d] * k[d];
            }
            reference_softmax(score, n, 1 / sqrtf((float)j->width));
            memset(out, 0, j->width * sizeof(*out));
            for (size_t i = 0; i < n; i++) {
                const float *v = j->qkv + (from + i) * 3 * all + 2 * all + head;
                for (size_t d = 0; d < j->width; d++)
                    out[d] += score[i] * v[d];
            }
            free(score);
        }
    }
}

static double attention_difference(size_t heads, size_t width, bool first_only,
                                   int threads)
{
    static const size_t offsets[] = {0, 1, 9, 42, 42, 75, 140};
    size_t rows = offsets[CASES(offsets) - 1];
    size_t all = heads * width;
    struct team *t = team_new(threads);
    struct workspace *w = workspace_new();
    float *qkv = numbers(rows * 3 * all, 2);
    float *y = numbers(rows * all, 1);
    float *expected = numbers(rows * all, 1);
    const struct attention_job j = {
        .qkv = qkv,
        .heads = heads,
        .width = width,
        .offsets = offsets,
        .n_texts = CASES(offsets) - 1,
        .first_only = first_only,
        .y = y,
    };
    memcpy(y, expected, rows * all * sizeof(*y)); /* empty texts: untouched */
    plain_attention(&j, expected);
    attention_apply(t, w, &j);
    double d = difference(y, expected, rows * all);
    team_free(t);
    workspace_free(w);
    free(qkv);
    free(y);
    free(expected);
    return d;
}

static const char *case_attention(void)
{
    static const struct {
        size_t heads, width;
        bool first_only;
        int threads;
    } cases[] = {{2, 32, false, 1},
                 {2, 64, false, 3},
                 {3, 26, false, 2}, /* rubert-tiny2: 312 / 12 */
                 {2, 64, true, 2},
                 {1, 20, true, 1}};
    for (size_t i = 0; i < CASES(cases); i++) {
        double d = attention_difference(cases[i].heads, cases[i].width,
                                        cases[i].first_only, cases[i].threads);
        if (d > 3e-6) {
            (void)snprintf(wrong, sizeof(wrong), "%zu heads of %zu: %g",
                           cases[i].heads, cases[i].width, d);
            return wrong;
        }
    }
    return NULL;
}

#endif
