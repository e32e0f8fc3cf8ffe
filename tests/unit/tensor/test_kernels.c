/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels beside reference.c: whole tables, then the routines made of them. */
#include "tensor/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "tensor/attention.h"
#include "tensor/linear.h"
#include "tensor/product.h"
#include "tensor/reference.h"
#include "tensor/team.h"
#include "tensor/workspace.h"
#include "test.h"

static struct rand chance;

static float *numbers(size_t n, float range)
{
    float *x = malloc((n + 1) * sizeof(*x));
    assert_non_null(x);
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
        assert_true(isfinite(a[i]));
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        most = fmax(most, fabs((double)b[i]));
    }
    return worst / most;
}

static void test_tables(void **state)
{
    (void)state;
    const struct kernels *const *all = kernels_all();
    bool listed = false;
    assert_string_equal(all[0]->name, "plain");
    for (size_t i = 0; all[i]; i++) {
        const char *wrong = kernels_check(all[i]);
        if (wrong)
            fail_msg("%s: %s", all[i]->name, wrong);
        listed |= all[i] == kernels();
    }
    assert_true(listed);
    print_message("kernels: %s\n", kernels_reason());
}

/* A table with one wrong function is found out. */
static void no_gelu(float *x, size_t n)
{
    (void)x;
    (void)n;
}

static void test_wrong_table(void **state)
{
    (void)state;
    struct kernels k = *kernels();
    k.gelu = no_gelu;
    assert_string_equal(kernels_check(&k), "gelu");
}

struct shape {
    size_t rows, outs, in;
};
static const struct shape shapes[] = {
    {1, 1, 1},    {1, 48, 64},   {3, 77, 33},  {7, 49, 1},    {8, 96, 384},
    {9, 100, 66}, {32, 384, 96}, {17, 47, 31}, {65, 144, 312}};

static void check_linear(const struct shape *s, enum precision p, int threads,
                         bool full)
{
    static const double allowed[] = {2e-6, 1e-2, 2e-2};
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
    assert_int_equal(
        linear_new(weights, full ? bias : NULL, s->outs, s->in, p, &l, &e), 0);
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
    if (d > allowed[p])
        fail_msg("%s %zux%zux%zu: %g", precision_name(p), s->rows, s->outs,
                 s->in, d);
    linear_free(l);
    team_free(t);
    workspace_free(w);
    free(x);
    free(weights);
    free(bias);
    free(residual);
    free(y);
    free(expected);
}

static void test_linear(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(shapes); i++) {
        for (int p = 0; p < PRECISIONS; p++) {
            check_linear(&shapes[i], (enum precision)p, 1, false);
            check_linear(&shapes[i], (enum precision)p, 3, true);
        }
    }
}

/* Either side may lie transposed, and sums may be added to what is there. */
static void check_product(size_t m, size_t k, size_t n, int how, int threads)
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
    };
    for (size_t i = 0; i < m * n; i++) {
        double sum = how & 4 ? (double)y[i] : 0;
        sum += how & 8 ? (double)bias[i % n] : 0;
        for (size_t j = 0; j < k; j++)
            sum += (double)a[turn_a ? j * m + i / n : i / n * k + j] *
                   (double)b[turn_b ? i % n * k + j : j * n + i % n];
        expected[i] = (float)sum;
    }
    product_apply(t, w, &p);
    assert_true(difference(y, expected, m * n) < 3e-6);
    team_free(t);
    workspace_free(w);
    free(a);
    free(b);
    free(y);
    free(bias);
    free(expected);
}

static void test_product(void **state)
{
    (void)state;
    for (int how = 0; how < 16; how++) {
        check_product(1, 5, 3, how, 1);
        check_product(19, 33, 50, how, 3);
        check_product(24, 64, 96, how, 2);
    }
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

static void check_attention(size_t heads, size_t width, bool first_only,
                            int threads)
{
    static const size_t offsets[] = {0, 1, 9, 42, 42, 75, 140};
    size_t rows = offsets[ROWS(offsets) - 1];
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
        .n_texts = ROWS(offsets) - 1,
        .first_only = first_only,
        .y = y,
    };
    memcpy(y, expected, rows * all * sizeof(*y)); /* empty texts: untouched */
    plain_attention(&j, expected);
    attention_apply(t, w, &j);
    double d = difference(y, expected, rows * all);
    if (d > 3e-6)
        fail_msg("%zu heads of %zu: %g", heads, width, d);
    team_free(t);
    workspace_free(w);
    free(qkv);
    free(y);
    free(expected);
}

static void test_attention(void **state)
{
    (void)state;
    check_attention(2, 32, false, 1);
    check_attention(2, 64, false, 3);
    check_attention(3, 26, false, 2); /* rubert-tiny2: 312 / 12 */
    check_attention(2, 64, true, 2);
    check_attention(1, 20, true, 1);
}

static void test_workspace(void **state)
{
    (void)state;
    struct workspace *w = workspace_new();
    char *a = workspace_take(w, 100);
    size_t mark = workspace_mark(w);
    char *b = workspace_take(w, 1 << 20);
    char *c = workspace_take(w, 1 << 22);
    assert_int_equal((uintptr_t)a % 64 + (uintptr_t)b % 64 + (uintptr_t)c % 64,
                     0);
    memset(a, 1, 100);
    memset(b, 2, 1 << 20);
    memset(c, 3, 1 << 22);
    assert_int_equal(a[99], 1);
    assert_int_equal(b[(1 << 20) - 1], 2);
    workspace_reset(w, mark);
    assert_ptr_equal(workspace_take(w, 1 << 20), b); /* nothing is new */
    assert_ptr_equal(workspace_take(w, 1 << 22), c);
    workspace_reset(w, 0);
    assert_ptr_equal(workspace_take(w, 1), a);
    workspace_free(w);
}

static void count(void *arg, int i, int n)
{
    int *seen = arg;
    seen[i] += n;
}

static void test_team(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++) {
        struct team *t = team_new(n);
        int seen[5] = {0};
        assert_int_equal(team_size(t), n);
        for (int i = 0; i < 300; i++)
            team_run(t, count, seen);
        for (int i = 0; i < n; i++)
            assert_int_equal(seen[i], 300 * n);
        team_free(t);
    }
    team_free(NULL);
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        size_t from, to;
        team_share(50, 8, i, 3, &from, &to);
        assert_int_equal(from, at);
        at = to;
    }
    assert_int_equal(at, 50);
}

static void test_precision(void **state)
{
    (void)state;
    enum precision p;
    struct err e = {0};
    assert_int_equal(precision_from(STR("int8"), &p, &e), 0);
    assert_int_equal(p, PRECISION_I8);
    assert_string_equal(precision_name(PRECISION_BF16), "bf16");
    assert_int_equal(precision_from(STR("int4"), &p, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "int4"));
    assert_int_equal(linear_new(NULL, NULL, 0, 4, PRECISION_F32, NULL, &e),
                     OTK_ELIMIT);
}

/* Rounding and ranges of the plain forms, by hand. */
static void test_reference(void **state)
{
    (void)state;
    assert_int_equal(reference_bf16(1.0F), 0x3f80);
    assert_int_equal(reference_bf16(1.00390625F), 0x3f80); /* a tie: even */
    assert_int_equal(reference_bf16(1.01171875F), 0x3f82);
    assert_true(isnan(reference_of_bf16(reference_bf16(NAN))));
    const float x[] = {-1, 0, 0.5F, 1};
    uint8_t q[4];
    struct quantized_row row;
    reference_quantize_row(x, 4, 255, q, &row);
    assert_int_equal(q[0], 0);
    assert_int_equal(q[1], row.zero);
    assert_in_range(q[3], 254, 255);
    reference_quantize_row(x + 1, 1, 255, q, &row); /* all zero */
    assert_int_equal(q[0] - row.zero, 0);
    int8_t w[4];
    assert_true(reference_quantize_weights(x, 4, w) > 0);
    assert_int_equal(w[0], -127);
    float g[] = {0, 1, -1};
    reference_gelu(g, 3);
    assert_true(fabsf(g[1] - 0.8413447F) < 1e-6F && g[0] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),    cmocka_unit_test(test_wrong_table),
        cmocka_unit_test(test_linear),    cmocka_unit_test(test_product),
        cmocka_unit_test(test_attention), cmocka_unit_test(test_workspace),
        cmocka_unit_test(test_team),      cmocka_unit_test(test_precision),
        cmocka_unit_test(test_reference),
    };
    rand_init(&chance, 7);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
